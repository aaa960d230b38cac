from __future__ import annotations

import functools
import html
import json
import ssl
import string
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import pytest
import trustme
from botocore import exceptions as sdk
from botocore.parsers import ResponseParserError
from hypothesis import assume, given
from hypothesis import strategies as st
from sagemaker.conftest import MakeApi
from sagemaker.wire import RESET, SILENCE, Wire, error, http, tuning_job
from support.pace import within

from exporter.config.specs import Connection
from exporter.errors import CallFailed, ErrorCode, Failure
from exporter.fleet import perform
from exporter.fleet.describes import Describe
from exporter.sagemaker.classify import SourceFailed, classify
from exporter.sagemaker.message import one_line

if TYPE_CHECKING:
    from pathlib import Path

DESCRIBE = Describe(0, 0.0, "churn", "eu-west-1", None)
TOKEN = "IQoJb3JpZ2luX2VjEXAMPLETOKEN"
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details.\n\nThe Canonical String for this request "
    f"should have been\n'POST\n/\n\nhost:api.sagemaker\nx-amz-security-token:{TOKEN}\n\nhost\nabc'\n\nThe "
    "String-to-Sign should have been\n'AWS4-HMAC-SHA256\n20250101T000000Z\n'"
)
ENDPOINT: dict[str, Any] = {"endpoint_url": "https://api.sagemaker.eu-west-1.amazonaws.com/"}


def failure(api: Any) -> Failure:
    """Describe once and return how that failed, as the fleet sees it."""
    outcome = perform(api, DESCRIBE)
    assert isinstance(outcome, Failure), outcome
    assert outcome.message
    assert outcome.message.isprintable()
    assert len(outcome.message) <= 500
    return outcome


ANSWERS = {
    "resource not found": (error("ResourceNotFound", "Requested resource not found."), ErrorCode.NOT_FOUND),
    "with a namespace": (error("com.amazonaws#ResourceNotFound", "no"), ErrorCode.NOT_FOUND),
    "validation: not found": (error("ValidationException", "Requested resource not found."), ErrorCode.NOT_FOUND),
    "validation: could not find": (
        error("ValidationException", "Could not find hyper-parameter-tuning job churn"),
        ErrorCode.NOT_FOUND,
    ),
    "validation: does not exist": (error("ValidationException", "The job does not exist"), ErrorCode.NOT_FOUND),
    "validation: other": (
        error("ValidationException", "1 validation error detected: Value 'x' failed to satisfy constraint"),
        ErrorCode.OTHER,
    ),
    "throttled": (error("ThrottlingException", "Rate exceeded"), ErrorCode.THROTTLED),
    "bare 429": (http(b"", 429), ErrorCode.THROTTLED),
    "429 with a code of its own": (error("Whatever", "slow down", 429), ErrorCode.THROTTLED),
    "denied": (error("AccessDeniedException", "User is not authorized to perform"), ErrorCode.ACCESS_DENIED),
    "bare 403": (http(b"", 403), ErrorCode.ACCESS_DENIED),
    "403 with a code of its own": (error("Whatever", "no", 403), ErrorCode.ACCESS_DENIED),
    "unknown key": (error("UnrecognizedClientException", "The security token is invalid"), ErrorCode.NO_CREDENTIALS),
    "no token": (error("MissingAuthenticationTokenException", "Missing Token"), ErrorCode.NO_CREDENTIALS),
    "expired": (error("ExpiredTokenException", "The security token is expired"), ErrorCode.EXPIRED_CREDENTIALS),
    "clock behind": (
        error("InvalidSignatureException", "Signature expired: 20250101T000000Z is now earlier than 20250101T001000Z"),
        ErrorCode.CLOCK_SKEW,
    ),
    "clock ahead": (
        error("InvalidSignatureException", "Signature not yet current: 20250101T010000Z is still later than"),
        ErrorCode.CLOCK_SKEW,
    ),
    "wrong secret": (error("InvalidSignatureException", MISMATCH, 403), ErrorCode.NO_CREDENTIALS),
    "500 with an empty message": (error("InternalFailure", "", 500), ErrorCode.SERVER_ERROR),
    "bare 500": (http(b"", 500), ErrorCode.SERVER_ERROR),
    "503 from a proxy": (
        http("<html>\n<h1>Service Unavailable</h1>\n</html>", 503, content_type="text/html"),
        ErrorCode.SERVER_ERROR,
    ),
    "empty 200": (http(b""), ErrorCode.MALFORMED_ANSWER),
    "HTML 200": (http("<html>Please log in</html>", content_type="text/html"), ErrorCode.MALFORMED_ANSWER),
    "list": (http("[]"), ErrorCode.MALFORMED_ANSWER),
    "text": (http('"text"'), ErrorCode.MALFORMED_ANSWER),
    "number": (http("3"), ErrorCode.MALFORMED_ANSWER),
    "null": (http("null"), ErrorCode.MALFORMED_ANSWER),
    "counters that are a list": (tuning_job(TrainingJobStatusCounters=[1, 2]), ErrorCode.MALFORMED_ANSWER),
    "no UTF-8": (http(b"\xff\xfe{}"), ErrorCode.MALFORMED_ANSWER),
    "a list as error": (http("[1]", 400), ErrorCode.MALFORMED_ANSWER),
    "cut off": (http('{"HyperParameterTuningJobName": "chu', length=4_000), ErrorCode.CONNECTION),
    "another job": (tuning_job("else"), ErrorCode.MALFORMED_ANSWER),
    "an endless ARN": (tuning_job(HyperParameterTuningJobArn="x\n" * 9_000), ErrorCode.MALFORMED_ANSWER),
    "301": (http(b"", 301, {"Location": "http://127.0.0.1:1/"}), ErrorCode.MALFORMED_ANSWER),
    "302": (http("<html>moved", 302, {"Location": "http://127.0.0.1:1/"}), ErrorCode.MALFORMED_ANSWER),
    "404 of something else": (http("<html>nginx", 404, content_type="text/html"), ErrorCode.MALFORMED_ANSWER),
    "torn at once": (RESET, ErrorCode.CONNECTION),
    "torn in mid-answer": (http("{}", length=4_000) + RESET, ErrorCode.CONNECTION),
    "no HTTP": (b"\x15\x03\x01 what?\r\n\r\n", ErrorCode.CONNECTION),
    "a status that is none": (b"HTTP/1.1 abc x\r\n\r\n", ErrorCode.CONNECTION),
    "a chunk of -5 bytes": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabcde\r\n0\r\n\r\n",
        ErrorCode.MALFORMED_ANSWER,
    ),
    "a cut chunk": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabcde",
        ErrorCode.CONNECTION,
    ),
    "two lengths": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\n{}",
        ErrorCode.MALFORMED_ANSWER,
    ),
    "too many headers": (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n{}", ErrorCode.MALFORMED_ANSWER),
    "a long header": (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n{}", ErrorCode.MALFORMED_ANSWER),
    "a code that is a number": (http('{"__type": 5, "message": "x"}', 400), ErrorCode.MALFORMED_ANSWER),
    "a code that is a list": (http('{"__type": ["x"], "message": "x"}', 400), ErrorCode.MALFORMED_ANSWER),
    "a code that is an object": (http('{"__type": {"a": 1}, "message": "x"}', 400), ErrorCode.MALFORMED_ANSWER),
    "a message that is a list": (http('{"__type": "X", "message": ["x"]}', 400), ErrorCode.MALFORMED_ANSWER),
    "nested": (http("[" * 50_000 + "]" * 50_000), ErrorCode.MALFORMED_ANSWER),
    "silence": (SILENCE, ErrorCode.TIMEOUT),
    "unheard of": (error("WhateverException", "what?\n\tno\x0bidea"), ErrorCode.OTHER),
}


@pytest.mark.parametrize(("answer", "code"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_on_the_wire_takes_one_attempt_and_gets_its_code(
    answer: bytes | None, code: ErrorCode, wire: Wire, make_api: MakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "4")
    wire.answer = answer
    hasty = {"connection": Connection(connect_timeout=1.0, read_timeout=0.3)} if answer is SILENCE else {}
    failed = failure(make_api(wire.url, **hasty))
    assert failed.code is code
    assert len(wire.requests) == 1
    assert wire.connections == 1
    assert "max retries" not in failed.message
    assert TOKEN not in failed.message


@pytest.mark.parametrize(
    ("name", "words", "wrong"),
    [
        ("a chunk of -5 bytes", "is not valid HTTP", "percent-encoded"),
        ("two lengths", "is not valid HTTP", "percent-encoded"),
        ("cut off", "closed before the answer was complete: 36 of 4000 bytes", "malformed"),
        ("a cut chunk", "closed before the answer was complete: only a part of it arrived", "not HTTP"),
        ("no HTTP", "does not speak HTTP: check scheme and port of endpoint_url", "ended"),
        ("HTML 200", "text/html", "ended"),
        ("a code that is a list", "is not what the service sends", "line"),
        ("nested", "is not what the service sends", "clock"),
    ],
)
def test_the_message_tells_what_is_wrong(wire: Wire, make_api: MakeApi, name: str, words: str, wrong: str) -> None:
    wire.answer, _ = ANSWERS[name]
    message = failure(make_api(wire.url)).message
    assert words in message
    assert wrong not in message


def test_what_is_not_wrong_is_no_failure(wire: Wire, make_api: MakeApi) -> None:
    wire.answer = tuning_job()
    outcome = perform(make_api(wire.url), DESCRIBE)
    assert not isinstance(outcome, Failure)
    assert len(wire.requests) == 1


def test_nobody_listens(make_api: MakeApi) -> None:
    with Wire() as gone:
        pass
    assert failure(make_api(gone.url)).code is ErrorCode.CONNECTION


def test_a_name_that_does_not_resolve(make_api: MakeApi) -> None:
    with within(5):
        assert failure(make_api("http://nowhere.invalid")).code is ErrorCode.CONNECTION


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[Wire]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with Wire(tuning_job(), context) as wire:
        yield wire


def test_a_certificate_that_nobody_vouches_for(secure: Wire, make_api: MakeApi) -> None:
    assert failure(make_api(secure.url)).code is ErrorCode.TLS
    assert secure.connections == 1
    assert secure.requests == []


def test_a_certificate_that_the_bundle_vouches_for(
    secure: Wire, authority: trustme.CA, make_api: MakeApi, tmp_path: Path
) -> None:
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(bundle)
    assert make_api(secure.url, connection=Connection(ca_bundle=str(bundle))).describe("churn")


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_a_bundle_that_is_none(secure: Wire, make_api: MakeApi, tmp_path: Path, content: str | None) -> None:
    bundle = tmp_path / "ca.pem"
    if content is not None:
        bundle.write_text(content)
    failed = failure(make_api(secure.url, connection=Connection(ca_bundle=str(bundle))))
    assert failed.code is ErrorCode.TLS
    why = "cannot be read: No such file or directory" if content is None else "contains no certificate"
    assert failed.message.endswith(f"the file of CAs (ca_bundle, AWS_CA_BUNDLE or REQUESTS_CA_BUNDLE) {why}")


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_a_certificate_that_nobody_looks_at(secure: Wire, make_api: MakeApi) -> None:
    assert make_api(secure.url, connection=Connection(verify_ssl=False)).describe("churn")


def test_plain_http_spoken_to_a_tls_port(secure: Wire, make_api: MakeApi) -> None:
    failed = failure(make_api(secure.url.replace("https:", "http:")))
    assert failed.code is ErrorCode.CONNECTION
    assert secure.connections == 1


def test_tls_spoken_to_a_plain_http_port(make_api: MakeApi) -> None:
    # A server that has read a line it does not understand says so.
    with Wire(http("what?", 400)) as plain:
        plain._talk = lambda connection: connection.sendall(http("what?", 400))  # type: ignore[method-assign]
        failed = failure(make_api(plain.url.replace("http:", "https:")))
        assert failed.code is ErrorCode.TLS
        assert "does not speak TLS: write http:// or another port" in failed.message
        assert plain.connections == 1


def test_a_proxy_that_is_not_there(make_api: MakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    with Wire() as gone:
        pass
    monkeypatch.setenv("HTTP_PROXY", f"http://user:se@cret@127.0.0.1:{gone.port}")
    failed = failure(make_api("http://api.sagemaker.invalid"))
    assert failed.code is ErrorCode.CONNECTION
    assert "HTTP_PROXY" in failed.message
    assert "cret" not in failed.message


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_to_know_who_asks(
    scheme: str, wire: Wire, make_api: MakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire.answer = http("who are you?", 407)
    monkeypatch.setenv(f"{scheme.upper()}_PROXY", f"http://user:secret@127.0.0.1:{wire.port}")
    failed = failure(make_api(f"{scheme}://api.sagemaker.invalid"))
    assert failed.code is ErrorCode.CONNECTION
    assert len(wire.requests) == 1
    assert "secret" not in failed.message


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (sdk.ConnectTimeoutError(**ENDPOINT), ErrorCode.TIMEOUT),
        (sdk.ReadTimeoutError(**ENDPOINT), ErrorCode.TIMEOUT),
        (sdk.SSLError(error="bad", **ENDPOINT), ErrorCode.TLS),
        (sdk.EndpointConnectionError(**ENDPOINT), ErrorCode.CONNECTION),
        (sdk.ConnectionClosedError(**ENDPOINT), ErrorCode.CONNECTION),
        (sdk.ProxyConnectionError(proxy_url="http://proxy"), ErrorCode.CONNECTION),
        (sdk.HTTPClientError(error=OSError("odd")), ErrorCode.CONNECTION),
        (sdk.IncompleteReadError(actual_bytes=1, expected_bytes=2), ErrorCode.CONNECTION),
        (sdk.NoCredentialsError(), ErrorCode.NO_CREDENTIALS),
        (sdk.PartialCredentialsError(provider="env", cred_var="x"), ErrorCode.NO_CREDENTIALS),
        (sdk.ProfileNotFound(profile="x"), ErrorCode.NO_CREDENTIALS),
        (sdk.CredentialRetrievalError(provider="x", error_msg="y"), ErrorCode.NO_CREDENTIALS),
        (sdk.MetadataRetrievalError(error_msg="y"), ErrorCode.NO_CREDENTIALS),
        (sdk.ConfigParseError(path="x"), ErrorCode.NO_CREDENTIALS),
        (sdk.UnauthorizedSSOTokenError(), ErrorCode.EXPIRED_CREDENTIALS),
        (sdk.SSOTokenLoadError(error_msg="x"), ErrorCode.EXPIRED_CREDENTIALS),
        (ResponseParserError("no XML"), ErrorCode.MALFORMED_ANSWER),
        (sdk.UnknownServiceError(service_name="x", known_service_names="y"), ErrorCode.OTHER),
        (KeyError("x"), ErrorCode.OTHER),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_an_exception_of_the_sdk_gets_its_code(raised: Exception, code: ErrorCode) -> None:
    failed = classify(raised)
    assert isinstance(failed, CallFailed)
    assert failed.code is code
    assert failed.message


def refused(operation: str, code: str, status: int = 403) -> sdk.ClientError:
    answer = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return sdk.ClientError(answer, operation)


@pytest.mark.parametrize(
    ("operation", "code", "expected"),
    [
        ("AssumeRole", "AccessDenied", ErrorCode.ASSUME_ROLE_DENIED),
        ("AssumeRoleWithWebIdentity", "AccessDenied", ErrorCode.ASSUME_ROLE_DENIED),
        ("AssumeRoleWithWebIdentity", "InvalidIdentityToken", ErrorCode.ASSUME_ROLE_DENIED),
        ("AssumeRoleWithWebIdentity", "ExpiredTokenException", ErrorCode.EXPIRED_CREDENTIALS),
        ("AssumeRole", "ExpiredToken", ErrorCode.EXPIRED_CREDENTIALS),
        ("AssumeRole", "InvalidClientTokenId", ErrorCode.NO_CREDENTIALS),
        ("AssumeRole", "Throttling", ErrorCode.THROTTLED),
        ("GetCallerIdentity", "AccessDenied", ErrorCode.ACCESS_DENIED),
    ],
)
def test_a_refusal_means_what_was_asked(operation: str, code: str, expected: ErrorCode) -> None:
    assert classify(refused(operation, code)).code is expected


def test_every_code_but_the_account_s_comes_from_here() -> None:
    seen = {code for _, code in ANSWERS.values()} | {ErrorCode.TLS, ErrorCode.ASSUME_ROLE_DENIED}
    assert set(ErrorCode) - seen == {ErrorCode.WRONG_ACCOUNT}


@pytest.mark.parametrize("error", [RecursionError("deep"), NotImplementedError(), RuntimeError("other")])
def test_only_the_sdk_s_own_word_is_for_expired_credentials(error: Exception) -> None:
    failed = classify(SourceFailed("the profile's credential_process", error))
    assert failed.code is ErrorCode.NO_CREDENTIALS
    assert "clock" not in failed.message


def test_an_error_of_an_unknown_kind_is_named_and_not_quoted() -> None:
    assert classify(ValueError("AKIDCANARY")).message == "ValueError"


def said(text: str, *sent: str) -> str:
    """Return what a person is told of a refusal in which AWS says ``text``."""
    answer = {"Error": {"Code": "Odd", "Message": text}}
    told = classify(sdk.ClientError(answer, "Search"), sent).message
    return told.removeprefix("An error occurred (Odd) when calling the Search operation").removeprefix(": ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MISMATCH, MISMATCH.partition("\n")[0]),
        (f"bad X-Amz-Security-Token:\n {TOKEN} there", "bad X-Amz-Security-Token: *** there"),
        (f"https://x/?X-Amz-Security-Token={TOKEN}", "https://x/?X-Amz-Security-Token=***"),
        ("proxy http://user:p@ss@host:1/ failed", "proxy http://***@host:1/ failed"),
        ("proxy http://user:p/s#s?@host:1/ failed", "proxy http://***@host:1/ failed"),
        ("proxy //user:pass@host:1 failed", "proxy //***@host:1 failed"),
        ("mail me@example.com about https://host/a", "mail me@example.com about https://host/a"),
        ("two\r\n  lines\t", "two lines"),
        ("no token eyJhbGciOiJSUzI1NiJ9.x.y of yours", "no token *** of yours"),
        (f"signature {'0123456789abcdef' * 4} is wrong", "signature *** is wrong"),
        (
            "api_key=a, 'secret': 'b c', Authorization: Bearer abc",
            "api_key=***, 'secret': '***', Authorization: Bearer ***",
        ),
        ("glpat-abcdefghij01 is wrong", "*** is wrong"),
        (f"token {'Ab1' * 20} is wrong", "token *** is wrong"),
        ("", ""),
    ],
)
def test_a_message_is_one_line_without_secrets(text: str, expected: str) -> None:
    assert said(text) == expected


SECRET = "IQoJb3JpZ2luX2VjEAbc/def+ghi0123456789ABCDEFG/hijklm+nopqrstuvw=="
LEFT_OUT = "its message is left out, because it repeats credentials"
SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "cut": lambda secret: secret[10:24],
    "lower case": str.lower,
    "in JSON": lambda secret: json.dumps({"message": json.dumps({"said": secret})}),
    "percent": lambda secret: quote(secret, safe=""),
    "form": quote_plus,
    "percent twice": lambda secret: quote(quote(secret, safe=""), safe=""),
    "percent of all": lambda secret: "".join(f"%{ord(each):02X}" for each in secret),
    "HTML": lambda secret: html.escape(html.escape(secret)),
    "HTML, decimal": lambda secret: "".join(f"&#{ord(each)};" for each in secret),
    "HTML, hex, twice": lambda secret: "".join(f"&amp;#x{ord(each):X};" for each in secret),
    "JSON escapes": lambda secret: "".join(f"\\u{ord(each):04x}" for each in secret),
    "JSON escapes, twice": lambda secret: "".join(f"\\\\u{ord(each):04X}" for each in secret),
    "C escapes": lambda secret: "".join(f"\\x{ord(each):02x}" for each in secret),
    "hex": lambda secret: secret.encode().hex(),
    "HEX": lambda secret: secret.encode().hex().upper(),
    "hex with colons": lambda secret: secret.encode().hex(":"),
    "base64": lambda secret: b64encode(secret.encode()).decode(),
    "base64 after a letter": lambda secret: b64encode(b"u" + secret.encode() + b"x").decode(),
    "base64 after two": lambda secret: urlsafe_b64encode(b"u:" + secret.encode() + b"xyz").decode(),
    "spaced": " ".join,
    "in sevens": lambda secret: " ".join(secret[start : start + 7] for start in range(0, len(secret), 7)),
    "in lines": lambda secret: "\n".join(secret[start : start + 30] for start in range(0, len(secret), 30)),
    "zero width": "\u200b".join,
    "full width": lambda secret: "".join(chr(ord(each) + 0xFEE0) for each in secret),
    "accents": "\u0301".join,
    "in an ARN": lambda secret: f"arn:aws:sts::1:assumed-role/x/{secret}",
    "eight escapes": lambda secret: functools.reduce(lambda text, _: quote(text, safe=""), range(12), secret),
}


@pytest.mark.parametrize("text", ["is {} valid", "key:{}&a=b", '"{}"', "in {}more"])
@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_what_repeats_a_secret_of_the_request_is_left_out(spelling: Callable[[str], str], text: str) -> None:
    assert said(text.format(spelling(SECRET)), "other", SECRET) == LEFT_OUT


@pytest.mark.parametrize("secret", ["hunter2", "hunter!2", "h-u-n-t", "ab+cdcdcd/ef=ghghghghgh ij", "a%41b%2Fcdefgh"])
def test_secrets_may_be_short_or_odd(secret: str) -> None:
    for written in (secret, quote(secret), quote_plus(secret), secret.encode().hex().upper()):
        assert said(f"bad {written}.", secret) == LEFT_OUT


@given(
    st.text(alphabet=string.ascii_letters + string.digits + "+/=%&;\\-_", min_size=24), st.text(max_size=50), st.data()
)
def test_no_piece_of_a_secret_is_passed_on(secret: str, around: str, data: st.DataObject) -> None:
    assume(sum(map(str.isalnum, secret)) >= 16)
    spelled = data.draw(st.sampled_from(list(SPELLINGS.values())[4:12]))(secret)
    assert said(f"{around} {spelled} {around}", secret) == LEFT_OUT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Authorization: Bearer abcdef0123456789 is bad", "Authorization: Bearer *** is bad"),
        ("Proxy-Authorization: Basic dXNlcjpodW50ZXIy", "Proxy-Authorization: Basic ***"),
        ('{"SecretAccessKey":"wJalrXUtn","Token":"hunter2hunter2"}', '{"SecretAccessKey":"***","Token":"***"}'),
        ("password=hunter2&a=b", "password=***&a=b"),
        ("a bearer token is missing", "a bearer token is missing"),
        (
            "The security token included in the request is invalid",
            "The security token included in the request is invalid",
        ),
    ],
)
def test_secrets_of_others_are_masked_where_they_are_named(text: str, expected: str) -> None:
    assert said(text) == expected


def test_a_mismatch_that_quotes_the_request_is_told_without_it() -> None:
    assert said(MISMATCH, TOKEN) == MISMATCH.partition("\n")[0]


def test_a_code_that_repeats_a_secret_is_not_told() -> None:
    answer = {"Error": {"Code": f"A{SECRET[:16]}", "Message": "no"}}
    assert classify(sdk.ClientError(answer, "Search"), {SECRET}).message.startswith("An error occurred (***)")


@pytest.mark.parametrize("echo", ["password", "header"])
def test_a_proxy_s_password_is_not_repeated(
    wire: Wire, make_api: MakeApi, monkeypatch: pytest.MonkeyPatch, echo: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://user:hunter%212@127.0.0.1:{wire.port}")
    wire.answer = lambda request: error(
        "Odd", "bad hunter!2" if echo == "password" else request.headers["proxy-authorization"].split()[1]
    )
    assert failure(make_api("http://api.sagemaker.invalid")).message.endswith(LEFT_OUT)


@pytest.mark.parametrize(
    "text",
    [
        "User: arn:aws:sts::111122223333:assumed-role/MyCompanyDataScienceRole1/botocore-session-1764 is not authorized",
        "Could not find hyper-parameter-tuning job ChurnXgboostValidationAuc251125A",
        "1 validation error detected: Value 'x' at 'hyperParameterTuningJobName' failed to satisfy constraint",
    ],
)
def test_what_aws_says_is_passed_on(text: str) -> None:
    assert said(text, "FwoGZXIvYXdzEBkaDExample", "0123456789abcdef" * 4) == text


@given(st.text(alphabet="aA1+/=%.-_~ :@e yJ\n", max_size=6_000))
def test_any_text_of_aws_makes_one_short_line(text: str) -> None:
    told = classify(sdk.ClientError({"Error": {"Code": text, "Message": text}}, "Search")).message
    assert len(told) <= 500
    assert "\n" not in told


def test_a_long_message_is_cut() -> None:
    assert one_line("x" * 500) == "x" * 500
    assert one_line("x" * 501) == "x" * 499 + "…"


@pytest.mark.parametrize("text", [" ", "a", "A1a", "://", "://@", "arn:", "eyJ", "\n"])
def test_a_page_of_anything_is_read_at_once(text: str) -> None:
    started = time.thread_time()
    assert len(said(text * 2_000_000, "aaaaaaaa")) <= 500
    assert time.thread_time() - started < 2
