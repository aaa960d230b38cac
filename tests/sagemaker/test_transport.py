"""Answers that never end, connections that died while they were kept, and peers that drip."""

from __future__ import annotations

import json
import resource
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from sagemaker.conftest import MakeApi, Own
from sagemaker.wire import PATIENT, Wire, error, http, sts_credentials, tuning_job
from support.processes import PATIENCE, wait_until

from exporter.config.specs import Connection, Credentials
from exporter.errors import CallFailed, ErrorCode
from exporter.sagemaker import SageMakerApi
from exporter.sagemaker.transport import MOST_BYTES

if TYPE_CHECKING:
    from pathlib import Path

BRIEF = Connection(connect_timeout=0.3, read_timeout=0.3)  # a deadline of 1.2 s
ROLE = Credentials(role_arn="arn:aws:iam::111122223333:role/tuning-metrics")
DESCRIBE = "DescribeHyperParameterTuningJob"
KEEP = {"Connection": "keep-alive"}

Talk = Callable[[socket.socket], None]


def failed(api: SageMakerApi) -> CallFailed:
    with pytest.raises(CallFailed) as raised:
        api.describe("churn")
    return raised.value


class Peer(Wire):
    """A server that keeps connections open, and does with each request what ``talk`` does."""

    def __init__(self, talk: Talk, context: ssl.SSLContext | None = None) -> None:
        super().__init__(context=context)
        self.talk = talk
        self.gone = threading.Event()
        self.asked = 0

    def _talk(self, connection: socket.socket) -> None:
        connection.settimeout(PATIENCE)
        self._open.add(connection)  # the secure one, which has taken the place of the one that was accepted
        try:
            while read_request(connection):
                self.asked += 1
                self.talk(connection)
        finally:
            self.gone.set()


def read_request(connection: socket.socket) -> bool:
    """Read a request to its end, and tell whether there was one."""
    received = b""
    while b"\r\n\r\n" not in received:
        if not (some := connection.recv(65_536)):
            return False
        received += some
    head, _, body = received.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65_536)
    return True


@pytest.fixture
def peer() -> Iterator[Callable[..., Peer]]:
    with ExitStack() as stack:
        yield lambda talk, context=None: stack.enter_context(Peer(talk, context))


# Size


def endless(head: bytes, piece: bytes) -> Talk:
    def talk(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(piece)

    return talk


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


OK = b"HTTP/1.1 200 OK\r\n"
PIECE = b'{"a": 1, ' * 10_000
ENDLESS = {
    "body": (OK + b"\r\n", PIECE),
    "body of a length": (OK + b"Content-Length: 100000000000\r\n\r\n", PIECE),
    "chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\n", chunk(PIECE)),
    "one chunk": (OK + b"Transfer-Encoding: chunked\r\n\r\n7fffffffff\r\n", PIECE),
    "error": (b"HTTP/1.1 400 Bad\r\n\r\n", PIECE),
    "informational answers": (b"", b"HTTP/1.1 100 Continue\r\nX-A: b\r\n\r\n" * 1_000),
}


@pytest.mark.parametrize(("head", "piece"), ENDLESS.values(), ids=ENDLESS)
def test_an_answer_without_end_is_malformed_and_its_connection_closed(
    peer: Callable[..., Peer], make_api: MakeApi, head: bytes, piece: bytes
) -> None:
    server = peer(endless(head, piece))
    before = most_memory()
    caught = failed(make_api(server.url))
    assert caught.code is ErrorCode.MALFORMED_ANSWER
    assert "4096 KiB" in caught.message
    assert server.gone.wait(PATIENCE)
    assert most_memory() - before < 4 * MOST_BYTES


def most_memory() -> int:
    """Return the most bytes that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def test_a_large_answer_that_ends_is_read(wire: Wire, make_api: MakeApi) -> None:
    wire.answer = tuning_job(FailureReason="x" * (MOST_BYTES - 10_000))
    assert make_api(wire.url).describe("churn")["HyperParameterTuningJobName"] == "churn"
    wire.answer = tuning_job(FailureReason="x" * MOST_BYTES)
    assert failed(make_api(wire.url)).code is ErrorCode.MALFORMED_ANSWER


MANY = {
    "lists": b'{"X":[' + b"[]," * 1_000_000 + b"0]}",
    "objects": b'{"X":[' + b"{}," * 1_000_000 + b"0]}",
    "numbers": b'{"X":[' + b"1.5," * 1_000_000 + b"0]}",
    "members": b"{" + b",".join(b'"%d":1' % number for number in range(300_000)) + b"}",
}


@pytest.mark.parametrize("body", MANY.values(), ids=MANY)
@pytest.mark.parametrize("status", [200, 400])
def test_an_answer_of_too_many_values_is_malformed_and_not_parsed(
    wire: Wire, make_api: MakeApi, monkeypatch: pytest.MonkeyPatch, body: bytes, status: int
) -> None:
    wire.answer = http(body, status)
    api = make_api(wire.url)
    loads, here = json.loads, threading.current_thread()

    def parse(*given: Any, **named: Any) -> Any:  # other threads of this process, with servers of other tests, may
        assert threading.current_thread() is not here, "parsed"
        return loads(*given, **named)

    monkeypatch.setattr("json.loads", parse)
    caught = failed(api)
    assert caught.code is ErrorCode.MALFORMED_ANSWER
    assert "values" in caught.message


def test_a_search_for_a_hundred_large_tuning_jobs_is_read(wire: Wire, make_api: MakeApi) -> None:
    job = json.loads(tuning_job().partition(b"\r\n\r\n")[2])
    ranges = [{"Name": f"parameter-{number}", "MinValue": "0.001", "MaxValue": "1000"} for number in range(30)]
    job |= {"TrainingJobDefinitions": [{"HyperParameterRanges": {"ContinuousParameterRanges": ranges}}] * 3}
    wire.answer = http(
        json.dumps({"Results": [{"HyperParameterTuningJob": job | {"FailureReason": "x" * 1024}}] * 100})
    )
    assert len(make_api(wire.url).search({"Resource": "HyperParameterTuningJob"})["Results"]) == 100


@pytest.mark.parametrize(
    "answer",
    [http("<a>" * 30_000), http(sts_credentials("ASIA").partition(b"\r\n\r\n")[2] + b" " * 70_000)],
    ids=["tags", "spaces"],  # an answer holds the time, and processes that share the tests name them alike
)
def test_a_long_answer_of_sts_is_malformed(wire: Wire, sts: Wire, make_api: MakeApi, answer: bytes) -> None:
    sts.answer = answer
    caught = failed(make_api(wire.url, credentials=ROLE))
    assert caught.code is ErrorCode.MALFORMED_ANSWER
    assert "64 KiB" in caught.message
    assert wire.requests == []


def test_an_endless_answer_of_sts_is_malformed(
    peer: Callable[..., Peer], wire: Wire, make_api: MakeApi, telemetry: Own, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", peer(endless(OK + b"\r\n", b"<a>" * 10_000)).url)
    assert failed(make_api(wire.url, credentials=ROLE)).code is ErrorCode.MALFORMED_ANSWER
    assert telemetry.value("api_errors_total", target="eu", operation="AssumeRole", code="malformed_answer") == 1


@pytest.mark.usefixtures("no_keys")
@pytest.mark.parametrize("source", ["container", "instance"])
def test_an_endless_answer_with_credentials_is_read_only_so_far(
    peer: Callable[..., Peer], wire: Wire, make_api: MakeApi, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    server = peer(endless(OK + b"\r\n", PIECE))
    if source == "container":
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{server.url}/v1/credentials")
    else:
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "false")
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url)
    assert "4096 KiB" in failed(make_api(wire.url)).message
    assert server.gone.wait(PATIENCE)


# Time


def dripping(head: bytes, drop: bytes) -> Talk:
    def talk(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(drop)
            time.sleep(0.05)

    return talk


DRIPPING = {
    "body": (OK + b"Content-Length: 100000\r\n\r\n{", b" "),
    "chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "head": (OK, b"X-A: b\r\n"),
    "status": (b"HTTP/1.1 200 ", b"x"),
    "informational answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
@pytest.mark.parametrize(("head", "drop"), DRIPPING.values(), ids=DRIPPING)
def test_a_connection_that_drips_is_cut_at_the_deadline(
    peer: Callable[..., Peer],
    make_api: MakeApi,
    authority: trustme.CA,
    tmp_path: Path,
    head: bytes,
    drop: bytes,
    secure: bool,
) -> None:
    context, bundle = None, tmp_path / "ca.pem"
    if secure:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        authority.cert_pem.write_to_path(bundle)
    server = peer(dripping(head, drop), context)
    api = make_api(server.url, connection=replace(BRIEF, ca_bundle=str(bundle) if secure else None))
    caught = ended(lambda: failed(api))
    assert caught.code is ErrorCode.TIMEOUT
    assert server.gone.wait(PATIENCE)
    server.talk = lambda connection: connection.sendall(tuning_job())
    assert wait_until(lambda: described(api), what="an answer in so little time")


def described(api: SageMakerApi) -> bool:
    """Whether a describe succeeds, which on a busy machine can take too long."""
    try:
        return bool(api.describe("churn"))
    except CallFailed as failed:
        if failed.code is not ErrorCode.TIMEOUT:
            raise
        return False


def ended(call: Callable[[], CallFailed]) -> CallFailed:
    """Return what a call comes to, which must not hang."""
    results: list[CallFailed] = []
    thread = threading.Thread(target=lambda: results.append(call()), daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    return results[0]


def test_one_deadline_is_for_the_credentials_and_the_call(
    peer: Callable[..., Peer], make_api: MakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    sts = peer(dripping(OK + b"Content-Length: 100000\r\n\r\n", b" "))
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
    service = peer(lambda connection: connection.sendall(tuning_job()))
    assert ended(lambda: failed(make_api(service.url, credentials=ROLE, connection=BRIEF))).code is ErrorCode.TIMEOUT
    assert sts.gone.wait(PATIENCE)
    assert service.asked == 0


# Kept connections


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def shut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


class Dying:
    """Answers ``lives`` requests on each connection; the next one it takes, and closes the connection."""

    def __init__(self, end: Talk, lives: int = 1, answer: bytes | None = None) -> None:
        self._end = end
        self._lives = lives
        self._answer = answer or tuning_job().replace(b"Connection: close\r\n", b"")
        self._taken: dict[socket.socket, int] = {}

    def __call__(self, connection: socket.socket) -> None:
        taken = self._taken[connection] = self._taken.get(connection, 0) + 1
        if taken <= self._lives:
            connection.sendall(self._answer)
        else:
            self._end(connection)


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("end", [reset, shut])
def test_a_kept_connection_that_had_died_is_replaced_once_and_counted(
    peer: Callable[..., Peer],
    make_api: MakeApi,
    telemetry: Own,
    authority: trustme.CA,
    tmp_path: Path,
    end: Talk,
    secure: bool,
) -> None:
    context, bundle = None, tmp_path / "ca.pem"
    if secure:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        authority.cert_pem.write_to_path(bundle)
    server = peer(Dying(end), context)
    api = make_api(server.url, connection=replace(PATIENT, ca_bundle=str(bundle) if secure else None))
    assert api.describe("churn")
    assert api.describe("churn")
    assert server.connections == 2
    assert server.asked == 3
    assert telemetry.value("api_connection_retries_total", target="eu", operation=DESCRIBE) == 1


def test_all_kept_connections_may_have_died(peer: Callable[..., Peer], make_api: MakeApi, telemetry: Own) -> None:
    server = peer(lambda connection: None)
    answer = tuning_job().replace(b"Connection: close\r\n", b"")
    barrier = threading.Barrier(4)

    def together(connection: socket.socket) -> None:
        barrier.wait(PATIENCE)
        connection.sendall(answer)

    server.talk = together
    api = make_api(server.url)
    results: list[object] = []
    threads = [threading.Thread(target=lambda: results.append(api.describe("churn"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(results) == server.connections == 4
    old = set(server._open)

    def no_old_ones(connection: socket.socket) -> None:
        if connection in old:
            reset(connection)
        else:
            connection.sendall(answer)

    server.talk = no_old_ones
    assert api.describe("churn")  # the second try must not be made on another of the old ones
    assert telemetry.value("api_connection_retries_total", target="eu", operation=DESCRIBE) == 1


def test_a_new_connection_that_dies_is_not_tried_again(
    peer: Callable[..., Peer], make_api: MakeApi, telemetry: Own
) -> None:
    server = peer(reset)
    assert failed(make_api(server.url)).code is ErrorCode.CONNECTION
    assert server.asked == 1
    server.talk = Dying(reset)
    api = make_api(server.url)
    assert api.describe("churn")
    server.talk = reset  # for the kept one and for the new one
    assert failed(api).code is ErrorCode.CONNECTION
    assert server.asked == 4
    assert telemetry.value("api_connection_retries_total", target="eu", operation=DESCRIBE) == 1


@pytest.mark.parametrize("answer", [b"H", OK, OK + b"Content-Length: 9\r\n\r\n{"])
def test_an_answer_that_had_begun_is_not_asked_for_again(
    peer: Callable[..., Peer], make_api: MakeApi, telemetry: Own, answer: bytes
) -> None:
    def begin(connection: socket.socket) -> None:
        connection.sendall(answer)
        shut(connection)

    server = peer(Dying(begin))
    api = make_api(server.url)
    assert api.describe("churn")
    with suppress(CallFailed):  # the SDK takes a head alone for an answer
        api.describe("churn")
    assert server.asked == 2
    assert telemetry.value("api_connection_retries_total", target="eu", operation=DESCRIBE) is None


@pytest.mark.parametrize(
    "answer", [error("ThrottlingException", "Rate exceeded"), http("", 500), error("AccessDeniedException", "no", 403)]
)
def test_what_was_answered_is_asked_for_once(peer: Callable[..., Peer], make_api: MakeApi, answer: bytes) -> None:
    good, bad = (each.replace(b"Connection: close\r\n", b"") for each in (tuning_job(), answer))
    server = peer(Dying(lambda connection: connection.sendall(bad), answer=good))
    api = make_api(server.url)
    assert api.describe("churn")
    failed(api)
    assert server.asked == 2


def test_silence_on_a_kept_connection_is_a_time_out(peer: Callable[..., Peer], make_api: MakeApi) -> None:
    server = peer(Dying(lambda connection: None))
    api = make_api(server.url, connection=Connection(connect_timeout=1, read_timeout=1))
    assert api.describe("churn")
    assert failed(api).code is ErrorCode.TIMEOUT
    assert server.asked == 2


def test_a_kept_connection_to_sts_is_replaced_too(
    peer: Callable[..., Peer], wire: Wire, make_api: MakeApi, telemetry: Own, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire.answer = tuning_job()
    answer = sts_credentials("ASIAROLE", lifetime=300.0).replace(b"Connection: close\r\n", b"")
    sts = peer(Dying(reset, answer=answer))
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
    api = make_api(wire.url, credentials=ROLE)
    assert api.describe("churn")
    assert api.describe("churn")
    assert telemetry.value("api_connection_retries_total", target="eu", operation="AssumeRole") == 1
    assert telemetry.value("api_requests_total", target="eu", operation="AssumeRole") == 2
