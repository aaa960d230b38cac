"""SDK sessions: one for each set of credentials, shared by the regions that it is used in."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore import UNSIGNED
from botocore.config import Config
from botocore.credentials import DeferredRefreshableCredentials, ReadOnlyCredentials
from botocore.exceptions import NoCredentialsError
from botocore.parsers import ResponseParserFactory

from exporter import __version__
from exporter.errors import CallFailed, ErrorCode
from exporter.sagemaker.loader import create_loader
from exporter.sagemaker.sources import Found, check_keys, provided
from exporter.sagemaker.transport import attach

if TYPE_CHECKING:
    from exporter.config.specs import Connection, Credentials, TargetKey, TargetSpec

_ROLE_SESSION_NAME = "sagemaker-tuning-exporter"
_LONGEST_TIME = 64  # letters: ISO 8601 to the microsecond, with its zone, has 32
_BAD_URL = "the URL of the {service} endpoint cannot be used: check endpoint_url, AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_{service}"

# What these warn of is raised as well, once it matters; their lines quote answers, headers and tracebacks.
for _name in ("botocore", "urllib3"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


class _SessionKey(NamedTuple):
    credentials: Credentials
    partition: str
    connection: Connection
    use_fips: bool  # STS is called as the endpoint is


OnRoleCall = Callable[[Exception | None, float], None]

# Credentials are shared by targets: an AssumeRole call is told to the target whose call it renews them for.
_on_role_call: ContextVar[OnRoleCall | None] = ContextVar("on_role_call", default=None)


@contextmanager
def telling_role_calls_to(listener: OnRoleCall) -> Iterator[None]:
    """Tell ``listener`` of every AssumeRole call made in the block, in this thread: its error and its seconds."""
    token = _on_role_call.set(listener)
    try:
        yield
    finally:
        _on_role_call.reset(token)


class _SdkSession(botocore.session.Session):  # type: ignore[misc]  # the SDK has no types
    """The SDK's own, whose provider chain calls the configured STS too: for a web identity, or a profile's role."""

    def __init__(self, profile: str | None, sts_endpoint_url: str | None) -> None:
        super().__init__(profile=profile)
        self._sts_endpoint_url = sts_endpoint_url
        self._credentials: Any = None

    def create_client(self, service_name: str, *args: Any, **kwargs: Any) -> Any:
        if service_name == "sts":
            kwargs["endpoint_url"] = self._sts_endpoint_url
        if kwargs.get("aws_access_key_id") is not None:  # a profile's role is assumed with keys that were looked up
            keys = (kwargs[name] for name in ("aws_access_key_id", "aws_secret_access_key", "aws_session_token"))
            check_keys("the source of a profile's role", ReadOnlyCredentials(*keys))
        self._check_trust_store()
        try:
            client = super().create_client(service_name, *args, **kwargs)
            urlsplit(client.meta.endpoint_url).port  # noqa: B018 - raises when it is not a number
        except ValueError as error:  # its text quotes the URL
            raise CallFailed(ErrorCode.CONNECTION, _BAD_URL.format(service=service_name.upper())) from error
        attach(client)
        return client

    def get_credentials(self) -> Any:
        if self._credentials is None:
            providers = self.get_component("credential_provider").providers
            self._credentials = next(filter(None, map(provided, providers)), None)
        return self._credentials

    def _check_trust_store(self) -> None:
        """Raise CallFailed when the trust store is set to an empty name: the SDK would raise anything."""
        bundle = self.get_config_variable("ca_bundle")
        if bundle is None:
            bundle = os.environ.get("REQUESTS_CA_BUNDLE")
        if isinstance(bundle, str) and not bundle.strip():
            raise CallFailed(
                ErrorCode.TLS, "AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE or a profile's ca_bundle is set to nothing"
            )


class Session:
    """The credentials of one set and the clients made with them. Thread-safe."""

    def __init__(self, key: TargetKey, connection: Connection, loader: Any) -> None:
        self._credentials = key.credentials
        self._connection = connection
        self._loader = loader
        self._lock = threading.Lock()
        self._sdk: boto3.Session | None = None

    def client(self, service: str, spec: TargetSpec) -> Any:
        """Return a new client; raise whatever the SDK raises when it finds no credentials."""
        with self._lock:  # the SDK's sessions are not thread-safe
            if self._sdk is None:
                self._sdk = self._open(spec)
            return self._sdk.client(
                service,
                region_name=spec.key.region,
                endpoint_url=spec.key.endpoint.url,  # for STS the session puts in its own
                config=_config(spec),
            )

    def _open(self, spec: TargetSpec) -> boto3.Session:
        session = self._bare_session(spec)
        # The SDK turns Unix seconds into local time; seconds are what is wanted, and no time zone can spoil them.
        _parse_times(session, _unix_seconds)
        if self._credentials.sign_requests:
            session._credentials = self._find_credentials(spec)  # noqa: SLF001 - no public setter takes refreshable ones
        return boto3.Session(botocore_session=session)

    def _bare_session(self, spec: TargetSpec) -> botocore.session.Session:
        session = _SdkSession(self._credentials.profile, self._connection.sts_endpoint_url)
        session.register_component("data_loader", self._loader)
        _parse_times(session, _moment)  # what the SDK wants of STS's times
        # The provider chain makes STS clients of its own, which would wait 60 s and try five times.
        session.set_default_client_config(_config(spec))
        if (verify := _verify(self._connection)) is not None:
            session.set_config_variable("ca_bundle", verify)
        if session.get_config_variable("region") is None:
            # Else the chain's STS clients call the global endpoint, whose credentials not every region takes.
            session.set_config_variable("region", spec.key.region)
        return session

    def _find_credentials(self, spec: TargetSpec) -> Any:
        source = self._bare_session(spec)
        credentials = source.get_credentials()
        if credentials is None:
            raise NoCredentialsError
        if self._credentials.role_arn is None:
            return credentials
        # Made once: the client signs with the source's credentials, which renew themselves.
        sts = source.create_client("sts", region_name=spec.key.region, config=_config(spec))
        return Found(
            DeferredRefreshableCredentials(
                refresh_using=lambda: _assume_role(sts, self._credentials), method="assume-role"
            ),
            f"the role {self._credentials.role_arn}",
        )


class Sessions:
    """All sessions of a daemon. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Not asked of an SDK session: where the default profile is missing, that raises, and here nobody classifies it.
        self._loader = create_loader(os.environ.get("AWS_DATA_PATH"))
        self._sessions: dict[_SessionKey, Session] = {}

    def get(self, spec: TargetSpec) -> Session:
        """Return the session for a target's credentials; opening it makes no call."""
        key = _session_key(spec)
        with self._lock:
            if key not in self._sessions:
                self._sessions[key] = Session(spec.key, spec.connection, self._loader)
            return self._sessions[key]

    def keep_only(self, specs: Iterable[TargetSpec]) -> None:
        """Forget the sessions that none of these targets uses; calls under way end with the session they have."""
        wanted = {_session_key(spec) for spec in specs}
        with self._lock:
            for key in self._sessions.keys() - wanted:
                del self._sessions[key]

    def discard(self, spec: TargetSpec, session: Session) -> None:
        """Drop a session whose credentials are of no use, so that the next ``get`` looks for new ones."""
        key = _session_key(spec)
        with self._lock:
            if self._sessions.get(key) is session:
                del self._sessions[key]


def _parse_times(session: botocore.session.Session, parser: Callable[[Any], Any]) -> None:
    parsers = ResponseParserFactory()
    parsers.set_parser_defaults(timestamp_parser=parser)
    session.register_component("response_parser_factory", parsers)


def _session_key(spec: TargetSpec) -> _SessionKey:
    return _SessionKey(spec.key.credentials, spec.key.partition, spec.connection, spec.key.endpoint.use_fips)


def _verify(connection: Connection) -> bool | str | None:
    """Return what the SDK calls ``verify``: None leaves the trust store to its own configuration."""
    return (connection.ca_bundle or None) if connection.verify_ssl else False


def _config(spec: TargetSpec) -> Config:
    return Config(
        connect_timeout=spec.connection.connect_timeout,
        read_timeout=spec.connection.read_timeout,
        # One attempt: the schedule retries, so that every attempt is paid for, counted and on our clock.
        retries={"total_max_attempts": 1, "mode": "standard"},
        use_fips_endpoint=spec.key.endpoint.use_fips or None,
        signature_version=None if spec.key.credentials.sign_requests else UNSIGNED,
        user_agent_extra=f"sagemaker-tuning-exporter/{__version__}",
        parameter_validation=False,
        tcp_keepalive=True,
    )


def _assume_role(sts: Any, credentials: Credentials) -> dict[str, str]:
    request = {"RoleArn": credentials.role_arn, "RoleSessionName": _ROLE_SESSION_NAME}
    if credentials.external_id is not None:
        request["ExternalId"] = credentials.external_id
    started = time.monotonic()
    error: Exception | None = None
    try:
        return _role_credentials(sts.assume_role(**request))
    except Exception as caught:
        error = caught
        raise
    finally:
        if (listener := _on_role_call.get()) is not None:
            listener(error, time.monotonic() - started)


def _role_credentials(answer: Mapping[str, Any]) -> dict[str, str]:
    """Return AssumeRole's answer in the SDK's own names; raise CallFailed when it has none."""
    try:
        credentials = answer["Credentials"]
        return {
            "access_key": credentials["AccessKeyId"],
            "secret_key": credentials["SecretAccessKey"],
            "token": credentials["SessionToken"],
            "expiry_time": credentials["Expiration"].isoformat(),
        }
    except (KeyError, TypeError, AttributeError) as missing:
        raise CallFailed(ErrorCode.MALFORMED_ANSWER, "AssumeRole's answer has no complete credentials") from missing


def _unix_seconds(value: Any) -> Any:
    """Parse a time of an answer into Unix seconds; anything else is passed on, and the reducer leaves it out."""
    if isinstance(value, int | float):
        return value
    try:
        return _moment(value).timestamp()
    except (ValueError, OverflowError, OSError):
        return value


def _moment(value: Any) -> datetime:
    """Parse a time of an answer: seconds, as a number or as text, or ISO 8601, which is UTC when it names no zone.

    Raises ValueError, OverflowError or OSError for anything else. The SDK's own parser takes nearly any text for a time,
    and takes time that grows with the square of the text's length.
    """
    if isinstance(value, str) and len(value) <= _LONGEST_TIME:
        try:
            value = float(value)
        except ValueError:
            moment = datetime.fromisoformat(value)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    if not isinstance(value, int | float):
        raise ValueError("neither seconds nor ISO 8601")  # noqa: TRY004 - odd types and odd texts are one to the caller
    return datetime.fromtimestamp(value, UTC)
