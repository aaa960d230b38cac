"""Each key of the file: what it comes to, and what is said where it is wrong."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.model import Section
from exporter.web.webconfig.model import Headers, HttpServerConfig, RateLimit, TlsServerConfig, WebConfig
from exporter.web.webconfig.read import SETTLE_SECONDS, read, settled
from exporter.web.webconfig.settings import Rate

HASH = "$2b$04$" + "." * 53
LONG_HASH = "$2y$12$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG"
SECRET_KEY = "MIGHAgEA" + "0mYs3cr3tK3y" * 8
CERTIFICATE = "  cert_file: cert.pem\n  key_file: key.pem\n"
TLS = "tls_server_config:\n" + CERTIFICATE
CLIENTS = TLS + "  client_ca_file: ca.pem\n  client_auth_type: RequireAndVerifyClientCert\n"
MAKE_A_HASH = """make one with `htpasswd -nBC 10 "" | tr -d ':\\n'`"""

DOCUMENTED = {
    "tls_server_config": {
        *("cert", "key", "client_ca", "cert_file", "key_file", "client_auth_type", "client_ca_file"),
        *("client_allowed_sans", "min_version", "max_version", "cipher_suites", "prefer_server_cipher_suites"),
        "curve_preferences",
    },
    "http_server_config": {"http2", "headers"},
    "headers": {
        *("Content-Security-Policy", "X-Frame-Options", "X-Content-Type-Options", "X-XSS-Protection"),
        "Strict-Transport-Security",
    },
    "rate_limit": {"interval", "burst"},
    "": {"tls_server_config", "http_server_config", "basic_auth_users", "rate_limit"},
}
"""The keys that the format of the exporter toolkit has."""


def test_every_documented_key_is_known_and_no_other() -> None:
    sections: dict[str, type[Section]] = {
        "tls_server_config": TlsServerConfig,
        "http_server_config": HttpServerConfig,
        "headers": Headers,
        "rate_limit": RateLimit,
        "": WebConfig,
    }
    assert {
        name: {field.alias or key for key, field in section.model_fields.items()} for name, section in sections.items()
    } == DOCUMENTED


def test_nothing_is_asked_for_by_an_empty_mapping(settings) -> None:
    found = settings("{}\n")
    assert (found.context, found.users, found.headers, found.rate) == (None, {}, (), None)
    assert found.summary() == "http, no passwords"


def test_users_have_their_hashes(settings) -> None:
    found = settings(f"basic_auth_users:\n  alice: {HASH}\n  'böb x': {LONG_HASH}\n")
    assert found.users == {"alice": HASH.encode(), "böb x": LONG_HASH.encode()}
    assert found.summary() == "http, users: 2"


@pytest.mark.parametrize("kind", ["2a", "2b", "2y"])
@pytest.mark.parametrize("cost", ["04", "10", "16"])
def test_each_kind_of_hash_is_taken(settings, kind: str, cost: str) -> None:
    assert settings(f"basic_auth_users: {{a: ${kind}${cost}${'.' * 53}}}\n").users


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Content-Security-Policy", "default-src 'none'"),
        ("X-Frame-Options", "deny"),
        ("X-Frame-Options", "sameorigin"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-XSS-Protection", "1; mode=block"),
        ("Strict-Transport-Security", "max-age=31536000; includeSubDomains"),
    ],
)
def test_a_header_is_set(settings, name: str, value: str) -> None:
    found = settings(f'http_server_config:\n  headers:\n    {name}: "{value}"\n')
    assert found.headers == ((name.lower().encode(), value.encode()),)


@pytest.mark.parametrize("blank", ["", '""', "' '"])
@pytest.mark.parametrize("name", sorted(DOCUMENTED["headers"]))
def test_a_blank_header_is_not_set(settings, name: str, blank: str) -> None:
    assert settings(f"http_server_config:\n  headers:\n    {name}: {blank}\n").headers == ()


def test_http_2_may_be_turned_off(settings) -> None:
    settings("http_server_config: {http2: false}\n")


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("{interval: 1s, burst: 20}", Rate(1.0, 20)),
        ("{interval: 250ms, burst: 1}", Rate(0.25, 1)),
        ("{interval: 0, burst: 5}", None),
        ("{interval: 0s}", None),
        ("{burst: 3}", None),
    ],
)
def test_a_rate_is_an_interval_and_a_burst(settings, text: str, rate: Rate | None) -> None:
    assert settings(f"rate_limit: {text}\n").rate == rate


@pytest.mark.parametrize(
    ("text", "line", "path", "told"),
    [
        ("", None, "", "the file is empty: write for example tls_server_config: {cert_file: tls.crt"),
        ("- a\n", 1, "", "contains a list where a mapping of keys is expected"),
        ("tls_server_confg: {}\n", 1, "tls_server_confg", 'did you mean "tls_server_config"?'),
        ("cert_file: x\n", 1, "cert_file", "write one of tls_server_config, http_server_config"),
        (TLS + "  cert_fil: x\n", 4, "tls_server_config.cert_fil", 'did you mean "cert_file"?'),
        ("tls_server_config:\n", 1, "tls_server_config", "there is no value"),
        ("tls_server_config: tls.crt\n", 1, "tls_server_config", "a mapping is expected here"),
        (TLS + "  cert: x\n", 4, "tls_server_config.cert", "this is not PEM"),
        (TLS + "  key: x\n", 4, "tls_server_config.key", "this is not PEM"),
        (TLS + "  client_ca: x\n", 4, "tls_server_config.client_ca", "this is not PEM"),
        (TLS + "  client_auth_type: RequestClientCert\n", 4, "tls_server_config.client_auth_type", "without verifying them"),
        (TLS + "  client_auth_type: RequireAnyClientCert\n", 4, "tls_server_config.client_auth_type",
         "which protects nothing: write RequireAndVerifyClientCert"),
        (TLS + "  client_auth_type: Verify\n", 4, "tls_server_config.client_auth_type", "is unknown: "),
        (CLIENTS + "  client_allowed_sans: ['']\n", 6, "tls_server_config.client_allowed_sans[0]", "this is empty"),
        (TLS + "  min_version: TLS1.2\n", 4, "tls_server_config.min_version", 'did you mean "TLS12"?'),
        (TLS + "  max_version: SSL30\n", 4, "tls_server_config.max_version", "is unknown"),
        (TLS + "  cipher_suites: [TLS_RSA_WITH_AES_128_GCM_SHA256]\n", 4, "tls_server_config.cipher_suites[0]",
         'did you mean "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"?'),
        (TLS + "  curve_preferences: [P256]\n", 4, "tls_server_config.curve_preferences[0]", 'did you mean "CurveP256"?'),
        (TLS + "  curve_preferences: [X25519, X25519]\n", 4, "tls_server_config.curve_preferences", "listed twice"),
        (TLS + "  prefer_server_cipher_suites: yes\n", 4, "tls_server_config.prefer_server_cipher_suites",
         "write true or false"),
        ("http_server_config: {http2: true}\n", 1, "http_server_config.http2", "write false, or remove the line"),
        ("http_server_config: {http2: 2}\n", 1, "http_server_config.http2", "write true or false"),
        ("http_server_config: {headers: {Server: x}}\n", 1, "http_server_config.headers.Server",
         "write one of Content-Security-Policy, X-Frame-Options"),
        ("http_server_config: {headers: {X-Frame-Options: DENY}}\n", 1, "http_server_config.headers.X-Frame-Options",
         "write deny or sameorigin, or leave it blank"),
        ("http_server_config: {headers: {X-Content-Type-Options: x}}\n", 1,
         "http_server_config.headers.X-Content-Type-Options", "write nosniff"),
        ('http_server_config: {headers: {X-XSS-Protection: "1\\n2"}}\n', 1,
         "http_server_config.headers.X-XSS-Protection", "one line of ASCII"),
        ("basic_auth_users: [alice]\n", 1, "basic_auth_users", "a mapping is expected here"),
        ("basic_auth_users:\n  alice: secret\n", 2, "basic_auth_users.alice", "not a bcrypt hash"),
        ("basic_auth_users:\n  alice:\n", 2, "basic_auth_users.alice", "there is no value"),
        (f"basic_auth_users:\n  alice: {HASH[:-1]}\n", 2, "basic_auth_users.alice", "not a complete bcrypt hash"),
        (f"basic_auth_users:\n  alice: {HASH.replace('04', '03')}\n", 2, "basic_auth_users.alice", "from 4 to 16"),
        (f"basic_auth_users:\n  alice: {HASH.replace('04', '17')}\n", 2, "basic_auth_users.alice", "from 4 to 16"),
        (f"basic_auth_users:\n  '': {HASH}\n", 2, 'basic_auth_users[""]', "the user's name is empty"),
        (f"basic_auth_users:\n  'a:b': {HASH}\n", 2, 'basic_auth_users["a:…"]', "cannot contain ':' or control"),
        ("rate_limit: {interval: 1s}\n", 1, "rate_limit", "write burst: 20"),
        ("rate_limit: {interval: 1s, burst: 0}\n", 1, "rate_limit.burst", "write burst: 20"),
        ("rate_limit: {interval: 5, burst: 1}\n", 1, "rate_limit.interval", "write 5s if seconds are meant"),
        ("rate_limit: {interval: 2h, burst: 1}\n", 1, "rate_limit.interval", "write at most 1h"),
        ("rate_limit: {burst: -1}\n", 1, "rate_limit.burst", "not a whole number from 0"),
    ],
)  # fmt: skip
def test_each_mistake_has_line_path_and_remedy(reading, text: str, line: int | None, path: str, told: str) -> None:
    found = reading(text)
    assert found.settings is None
    [problem] = found.problems
    assert (problem.line, problem.path) == (line, path)
    assert told in problem.message


def test_all_mistakes_come_at_once(reading) -> None:
    found = reading(f"basic_auth_users:\n  a: x\n  b: {HASH}\n  c: y\nrate_limit: {{burst: x}}\nhttp: {{}}\n")
    assert [each.line for each in found.problems] == [2, 4, 5, 6]


@pytest.mark.parametrize(
    "text",
    [
        f"basic_auth_users:\n  alice: {LONG_HASH}x\n",
        f"basic_auth_users:\n  {LONG_HASH}: alice\n",
        f"basic_auth_users:\n  {LONG_HASH}: {LONG_HASH}\n",
        f"basic_auth_users:\n  alice: {LONG_HASH.replace('12', '31')}\n",
        f"basic_auth_users:\n  - {LONG_HASH}\n",
        f"basic_auth_users: {LONG_HASH}\n",
        f"{LONG_HASH}: alice\n",
        f"basic_auth_users:\n  {LONG_HASH}: {HASH}\n  {LONG_HASH}: {HASH}\n",
        "basic_auth_users:\n  alice: my-secret-password\n",
        "basic_auth_users:\n  alice:my-secret-password\n",
        "basic_auth_users:\n  alice:my-secret-password: x\n",
        "basic_auth_users:\n  'alice: my-secret-password': x\n",
        "basic_auth_users:\n  alice: *my-secret-password\n",
        "basic_auth_users:\n  alice: !my-secret-password x\n",
        "basic_auth_users:\n  alice: !my-secret-password\n",
        "basic_auth_users:\n  alice: {password: my-secret-password}\n",
        "tls_server_config:\n  key_file: -----BEGIN PRIVATE KEY-----\n    my-secret-password\n    -----END PRIVATE KEY-----\n",
        "tls_server_config:\n  key_file: |\n    -----BEGIN PRIVATE KEY-----\n    my-secret-password\n",
        "tls_server_config:\n  key: my-secret-password\n",
        "tls_server_config:\n  key: -----BEGIN PRIVATE KEY-----\nmy-secret-password\n",
        # As a Kubernetes Secret has it, and what is between the lines of PEM.
        f"tls_server_config:\n  key_file: {base64.b64encode(f'-----BEGIN PRIVATE KEY-----{SECRET_KEY}'.encode()).decode()}\n",
        f"tls_server_config:\n  key_file: {SECRET_KEY}\n",
        # In place of something else.
        f"tls_server_config:\n  min_version: |\n    -----BEGIN EC PRIVATE KEY-----\n    {SECRET_KEY}\n",
        f"tls_server_config:\n  client_auth_type: {SECRET_KEY}\n",
        f"http_server_config: {{headers: {{X-Frame-Options: {SECRET_KEY}}}}}\n",
    ],
)
def test_nothing_of_a_password_or_its_hash_or_a_key_is_told(reading, text: str) -> None:
    told = "\n".join(map(str, reading(text).problems))
    assert told
    encoded = base64.b64encode(b"xxx" + SECRET_KEY.encode()).decode()
    for secret in (
        LONG_HASH[7:20],
        LONG_HASH[-10:],
        "my-secret-password",
        SECRET_KEY[:20],
        SECRET_KEY[-20:],
        encoded[10:30],
    ):
        assert secret not in told


def test_what_is_wrong_with_a_key_in_base64_is_told(reading) -> None:
    for text in (SECRET_KEY, base64.b64encode(b"-----BEGIN PRIVATE KEY-----").decode()):
        [problem] = reading(f"tls_server_config:\n  key_file: {text}\n").problems
        assert (problem.line, problem.path) == (2, "tls_server_config.key_file")
        assert "PEM or base64, and not the path of a file" in problem.message


@given(st.text(max_size=200))
def test_whatever_the_file_holds_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(text.encode(errors="surrogatepass"))
    found = read(path)
    assert (found.settings is None) is bool(found.problems)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    [problem] = read(tmp_path / "none.yaml").problems
    assert (
        str(problem)
        == f"{tmp_path}/none.yaml: cannot be read (No such file or directory): name the right file with --web.config.file"
    )


def test_what_is_not_utf_8_is_told(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_bytes(b"\xff\xfe")
    [problem] = read(tmp_path / "web.yaml").problems
    assert "save the file as UTF-8" in problem.message


def test_paths_are_relative_to_the_file(folder: Path, reading, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    (folder / "secrets").mkdir()
    (folder / "key.pem").rename(folder / "secrets" / "key.pem")
    found = reading(TLS.replace("key.pem", "secrets/key.pem"))
    assert found.problems == ()
    assert set(found.seen) == {folder / name for name in ("web.yaml", "cert.pem", "secrets/key.pem")}


class Writer:
    """Stands for the time between two readings: somebody writes the next text each time."""

    def __init__(self, path: Path, texts: list[str]) -> None:
        self._path, self._texts = path, texts
        self.slept: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self._texts:
            self._path.write_text(self._texts.pop(0))


def test_what_is_being_written_is_read_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "web.yaml"
    path.write_text("basic_auth_users: {}\n")
    writer = Writer(path, ["", "basic_auth", f"basic_auth_users: {{a: {HASH}}}\n"])
    found = settled(path, writer)
    assert found.settings is not None
    assert set(found.settings.users) == {"a"}
    assert writer.slept == [SETTLE_SECONDS] * 4


def test_what_does_not_come_to_rest_is_told(tmp_path: Path) -> None:
    path = tmp_path / "web.yaml"
    path.write_text("{}\n")
    found = settled(path, Writer(path, [f"# {number}\n{{}}\n" for number in range(99)]))
    assert found.settings is None
    assert "keeps changing" in found.problems[0].message


def test_the_hash_that_is_asked_for_can_be_made_so(reading) -> None:
    [problem] = reading("basic_auth_users: {a: x}\n").problems
    assert problem.message.endswith(MAKE_A_HASH)
    assert re.search(r"\$2a\$, \$2b\$ or \$2y\$", problem.message)
