"""What targets share of a session, and that none of them waits or answers for another."""

from __future__ import annotations

import gc
import itertools
import threading
import tracemalloc
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import botocore.client
import pytest
from sagemaker.conftest import ACCESS_KEY, MakeApi, Own, failing, write_keys
from sagemaker.wire import ACCOUNT, Request, Wire, error, sts_credentials, sts_error, target_spec, tuning_job
from support.processes import PATIENCE

from exporter.config.specs import Connection, Credentials
from exporter.errors import CallFailed, ErrorCode
from exporter.sagemaker import SageMakerApi, Sessions, session
from exporter.sagemaker.sdk import SdkSession

if TYPE_CHECKING:
    from pathlib import Path

THREADS = 8
WEB_IDENTITY = "header.payload-of-the-token.signature"


def role(number: int) -> Credentials:
    return Credentials(role_arn=f"arn:aws:iam::{ACCOUNT}:role/metrics-{number}")


def key_of(role_arn: str) -> str:
    """Return the access key that STS hands out for a role."""
    return f"ASIA{role_arn.rpartition('-')[2]}"


def assume(request: Request) -> bytes:
    return sts_credentials(key_of(request.form["RoleArn"]))


def asked(request: Request) -> str:
    """Return the name of the tuning job that is described."""
    return request.body.decode().split('"')[3]


@pytest.fixture(autouse=True)
def answering(wire: Wire, sts: Wire) -> None:
    wire.answer, sts.answer = tuning_job(), assume


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note every client that is made."""
    clients: list[str] = []
    make = SdkSession.create_client

    def noting(self: SdkSession, service: str, **options: Any) -> Any:
        clients.append(service)
        return make(self, service, **options)

    monkeypatch.setattr(SdkSession, "create_client", noting)
    return clients


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note every client that is closed."""
    clients: list[str] = []
    close = botocore.client.BaseClient.close

    def noting(self: Any) -> None:
        clients.append(f"{self.meta.service_model.service_name} {self.meta.region_name}")
        close(self)

    monkeypatch.setattr(botocore.client.BaseClient, "close", noting)
    return clients


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[SdkSession]:
    """Note every search for credentials."""
    found: list[SdkSession] = []
    find = SdkSession.find_credentials

    def noting(self: SdkSession) -> Any:
        found.append(self)
        return find(self)

    monkeypatch.setattr(SdkSession, "find_credentials", noting)
    return found


@pytest.fixture
def web_identity(no_keys: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(WEB_IDENTITY)
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/pod")


def gate(answers: Callable[[Request], bytes]) -> tuple[Callable[[Request], bytes], threading.Event, threading.Event]:
    """Return answers that wait; what is set once one does, and what lets them go."""
    reached, go = threading.Event(), threading.Event()

    def answer(request: Request) -> bytes:
        reached.set()
        assert go.wait(PATIENCE)
        return answers(request)

    return answer, reached, go


# Roles of one source


def test_roles_share_clients_and_source_and_each_signs_for_itself(
    wire: Wire, sts: Wire, make_api: MakeApi, made: list[str], searches: list[SdkSession]
) -> None:
    apis = [make_api(wire.url, credentials=role(number)) for number in range(20)]
    for _ in range(2):
        for number, api in enumerate(apis):
            api.describe(f"job-{number}")
    assert sorted(made) == ["sagemaker", "sts"]
    assert len(searches) == 1
    assert [request.access_key for request in sts.requests] == [ACCESS_KEY] * 20
    assert [(asked(request), request.access_key) for request in wire.requests] == [
        (f"job-{number}", f"ASIA{number}") for number in range(20)
    ] * 2


def test_threads_that_call_for_all_roles_at_once_never_sign_for_another(
    wire: Wire, sts: Wire, make_api: MakeApi
) -> None:
    sts.answer = lambda request: sts_credentials(key_of(request.form["RoleArn"]), lifetime=300.0)  # renewed each time
    apis = [make_api(wire.url, credentials=role(number)) for number in range(5)] + [make_api(wire.url)]
    with ThreadPoolExecutor(THREADS) as pool:
        calls = [pool.submit(apis[number % 6].describe, f"job-{number % 6}") for number in range(120)]
        for call in calls:
            call.result(PATIENCE)
    signed = {(asked(request), request.access_key) for request in wire.requests}
    assert signed == {(f"job-{number}", f"ASIA{number}") for number in range(5)} | {("job-5", ACCESS_KEY)}
    assert {request.access_key for request in sts.requests} == {ACCESS_KEY}


def test_a_role_costs_next_to_nothing(wire: Wire, make_api: MakeApi, telemetry: Own) -> None:
    def grow(first: int, last: int) -> None:
        for number in range(first, last):
            apis.append(make_api(wire.url, credentials=role(number)))
            apis[-1].describe("churn")
        wire.requests.clear()

    apis: list[SageMakerApi] = []
    grow(0, 5)
    gc.collect()
    tracemalloc.start()
    try:
        grow(5, 55)
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept / 50 < 20_000, "a client of its own would take ten times as much"


def test_a_role_whose_sts_hangs_holds_up_no_other(wire: Wire, sts: Wire, make_api: MakeApi) -> None:
    hanging, reached, go = gate(assume)
    sts.answer = lambda request: (hanging if request.form["RoleArn"].endswith("-0") else assume)(request)
    stuck, free = make_api(wire.url, credentials=role(0)), make_api(wire.url, credentials=role(1))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(stuck.describe, "churn")
        assert reached.wait(PATIENCE)
        for _ in range(2):
            assert free.describe("churn")
        assert make_api(wire.url).describe("churn"), "the source itself"
        assert not waiting.done()
        go.set()
        assert waiting.result(PATIENCE)


def test_a_role_that_is_refused_is_denied_to_nobody_else(wire: Wire, sts: Wire, make_api: MakeApi) -> None:
    sts.answer = lambda request: (
        sts_error("AccessDenied", "no") if request.form["RoleArn"].endswith("-0") else assume(request)
    )
    refused, other = make_api(wire.url, credentials=role(0)), make_api(wire.url, credentials=role(1))
    for _ in range(2):
        assert failing(lambda: refused.describe("churn")) is ErrorCode.ASSUME_ROLE_DENIED
        assert other.describe("churn")
    assert len(sts.requests) == 3


def test_a_role_whose_keys_are_refused_is_assumed_anew_and_nothing_else(
    wire: Wire, sts: Wire, make_api: MakeApi, searches: list[SdkSession]
) -> None:
    revoked, other = make_api(wire.url, credentials=role(0)), make_api(wire.url, credentials=role(1))
    for api in (revoked, other):
        api.describe("churn")
    wire.answer = error("ExpiredTokenException", "no more")
    assert failing(lambda: revoked.describe("churn")) is ErrorCode.EXPIRED_CREDENTIALS
    wire.answer = tuning_job()
    for api in (revoked, other):
        api.describe("churn")
    roles = [request.form["RoleArn"] for request in sts.requests]
    assert roles == [role(number).role_arn for number in (0, 1, 0)]
    assert len(searches) == 1


def test_a_role_goes_on_with_its_keys_while_the_source_has_none(
    wire: Wire, sts: Wire, make_api: MakeApi, monkeypatch: pytest.MonkeyPatch, aws: Path
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    write_keys(aws, "default", "AKIDOLD")
    assumed, late = make_api(wire.url, credentials=role(0)), make_api(wire.url, credentials=role(1))
    assumed.describe("churn")
    aws.unlink()
    sts.answer = sts_error("ExpiredToken", "no more")
    assert failing(lambda: late.describe("churn")) is ErrorCode.EXPIRED_CREDENTIALS
    assert failing(lambda: late.describe("churn")) is ErrorCode.NO_CREDENTIALS
    assert assumed.describe("churn")
    sts.answer = assume
    write_keys(aws, "default", "AKIDNEW")
    assert late.describe("churn")


@pytest.mark.usefixtures("no_keys")
def test_a_role_that_is_not_asked_for_is_not_counted(wire: Wire, make_api: MakeApi, telemetry: Own) -> None:
    api = make_api(wire.url, credentials=role(0))
    assert failing(lambda: api.describe("churn")) is ErrorCode.NO_CREDENTIALS
    assert telemetry.value("api_requests_total", target="eu", operation="AssumeRole") is None


# Searches for the credentials of a source


def search_together(make_api: MakeApi, wire: Wire, sts: Wire, answer: bytes) -> list[Future[Any]]:
    """Have threads need credentials of which a search is under way, then let it end; return what came of each."""
    joined = threading.Semaphore(0)
    sts.answer, reached, go = gate(lambda _: answer)
    apis = [make_api(wire.url, name=f"target-{number}") for number in range(THREADS)]
    wait = session._Search.wait

    def joining(self: session._Search) -> Any:
        joined.release()
        return wait(self)

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(THREADS) as pool:
        patch.setattr(session._Search, "wait", joining)
        calls = [pool.submit(apis[0].describe, "churn")]
        assert reached.wait(PATIENCE)
        calls += [pool.submit(api.describe, "churn") for api in apis[1:]]
        for _ in apis[1:]:
            assert joined.acquire(timeout=PATIENCE)
        go.set()
    return calls


@pytest.mark.usefixtures("web_identity")
def test_one_search_serves_all_that_need_it(
    wire: Wire, sts: Wire, make_api: MakeApi, searches: list[SdkSession]
) -> None:
    answer = sts_credentials("ASIAPOD", operation="AssumeRoleWithWebIdentity")
    for call in search_together(make_api, wire, sts, answer):
        assert call.result()
    assert len(searches) == len(sts.requests) == 1
    assert {request.access_key for request in wire.requests} == {"ASIAPOD"}


@pytest.mark.usefixtures("web_identity")
def test_one_search_fails_for_all_that_wait_and_tells_none_of_them_what_was_sent(
    wire: Wire, sts: Wire, make_api: MakeApi, searches: list[SdkSession]
) -> None:
    answer = sts_error("InvalidIdentityToken", f"cannot read {WEB_IDENTITY.partition('.')[2]}")
    failures = [call.exception() for call in search_together(make_api, wire, sts, answer)]
    assert len(searches) == len(sts.requests) == 1
    for failed in failures:
        assert isinstance(failed, CallFailed)
        assert failed.code is ErrorCode.ASSUME_ROLE_DENIED
        assert "its message is left out" in failed.message
    assert len({*map(id, failures)}) == THREADS


@pytest.mark.usefixtures("web_identity")
def test_a_search_that_hangs_holds_up_no_other_source_and_is_not_waited_for_for_ever(
    wire: Wire, sts: Wire, make_api: MakeApi, aws: Path, searches: list[SdkSession]
) -> None:
    write_keys(aws, "team", "AKIDTEAM")
    sts.answer, reached, go = gate(lambda _: sts_credentials("ASIAPOD", operation="AssumeRoleWithWebIdentity"))
    api, other = make_api(wire.url), make_api(wire.url, credentials=Credentials(profile="team"))
    with ThreadPoolExecutor(2) as pool, pytest.MonkeyPatch.context() as patch:
        hanging = pool.submit(api.describe, "churn")
        assert reached.wait(PATIENCE)
        assert other.describe("churn")
        patch.setattr(Connection, "deadline", 0.1)
        waiting = pool.submit(api.describe, "churn")
        failed = waiting.exception(PATIENCE)
        assert isinstance(failed, CallFailed)
        assert failed.code is ErrorCode.TIMEOUT
        assert len(searches) == 2, "of both sources"
        patch.undo()
        go.set()
        assert api.describe("churn"), "by a search of its own"
        assert len(searches) == 3
        assert hanging.result(PATIENCE)


@pytest.mark.usefixtures("no_keys")
def test_a_search_is_not_repeated_at_once(
    wire: Wire, make_api: MakeApi, aws: Path, searches: list[SdkSession], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_LEAST_SECONDS_BETWEEN_SEARCHES", 3_600.0)
    apis = [make_api(wire.url, name=f"target-{number}") for number in range(20)]
    for api in apis:
        assert failing(partial(api.describe, "churn")) is ErrorCode.NO_CREDENTIALS
    assert len(searches) == 1
    write_keys(aws, "default", "AKIDLATE")
    monkeypatch.setattr(session, "_LEAST_SECONDS_BETWEEN_SEARCHES", 0.0)
    for api in apis:
        assert api.describe("churn")
    assert len(searches) == 2


def test_what_was_mended_is_seen_within_the_shortest_interval() -> None:
    assert session._LEAST_SECONDS_BETWEEN_SEARCHES < 1.0


@pytest.mark.no_cover  # What coverage notes down is memory too.
def test_searches_that_fail_leave_nothing_behind(
    wire: Wire, make_api: MakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "ends in white space ")
    apis = [make_api(wire.url, credentials=role(number)) for number in range(5)]

    def fail(times: int) -> int:
        for _ in range(times):
            for api in apis:
                assert failing(partial(api.describe, "churn")) is ErrorCode.NO_CREDENTIALS
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        held = [fail(40) for _ in range(5)]
        # A leak grows each time; a table of the interpreter that is made larger does once.
        assert min(after - before for before, after in itertools.pairwise(held)) < 2_000
    finally:
        tracemalloc.stop()


# Reloads


def test_roles_and_clients_that_no_target_uses_are_forgotten(
    wire: Wire, sts: Wire, sessions: Sessions, telemetry: Own, made: list[str], closed: list[str]
) -> None:
    here, there = (
        target_spec(wire.url, credentials=role(0)),
        target_spec(wire.url, credentials=role(1), region="us-east-1"),
    )
    apis = [SageMakerApi(spec, sessions, telemetry) for spec in (here, there)]
    for api in apis:
        api.describe("churn")
    assert sorted(made) == ["sagemaker", "sagemaker", "sts", "sts"]
    sessions.keep_only([here, there])
    assert closed == []
    sessions.keep_only([here])
    assert sorted(closed) == ["sagemaker us-east-1", "sts us-east-1"]
    apis[0].describe("churn")
    assert len(sts.requests) == 2
    apis[1].describe("churn")
    assert len(sts.requests) == 3
    assert len(made) == 6


def test_sessions_that_no_target_uses_close_their_clients(
    wire: Wire, sessions: Sessions, telemetry: Own, closed: list[str]
) -> None:
    spec = target_spec(wire.url)
    SageMakerApi(spec, sessions, telemetry).describe("churn")
    sessions.keep_only([target_spec(wire.url, connection=Connection())])
    assert closed == ["sagemaker eu-west-1"]


def test_a_call_under_way_survives_that_its_target_goes(wire: Wire, sessions: Sessions, telemetry: Own) -> None:
    wire.answer, reached, go = gate(lambda _: tuning_job())
    api = SageMakerApi(target_spec(wire.url), sessions, telemetry)
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(api.describe, "churn")
        assert reached.wait(PATIENCE)
        sessions.keep_only([])
        go.set()
        assert call.result(PATIENCE)["HyperParameterTuningJobName"] == "churn"


def test_a_client_signs_for_nobody_outside_of_a_call(wire: Wire, sessions: Sessions) -> None:
    spec = target_spec(wire.url)
    client = sessions.get(spec).call(spec.key, "sagemaker", lambda client: client)
    with pytest.raises(Exception, match="Unable to locate credentials"):
        client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="churn")
    assert wire.requests == []
