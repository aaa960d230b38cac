"""The SDK's own sessions, set up for the exporter."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import boto3.session
import botocore.session
from botocore import UNSIGNED
from botocore.config import Config
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import NoCredentialsError
from botocore.hooks import HierarchicalEmitter
from botocore.parsers import ResponseParserFactory

from exporter import __version__
from exporter.errors import CallFailed, ErrorCode
from exporter.sagemaker.loader import create_loader
from exporter.sagemaker.sources import Found, check_keys, provided, refuse_to_ask
from exporter.sagemaker.transport import attach

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from exporter.config.specs import Connection, TargetKey

_MOST_KEPT_CONNECTIONS = 64
"""Of a client, whose targets may all call at once."""

_BAD_URL = "the URL of the {service} endpoint cannot be used: check endpoint_url, AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_{service}"

# What these warn of is raised as well, once it matters; their lines quote answers, headers and tracebacks.
for _name in ("botocore", "urllib3"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


class Common(NamedTuple):
    """What all sessions of the SDK share: the data that it reads, and its own handlers of events."""

    loader: Any
    events: Any

    @classmethod
    def load(cls) -> Common:
        """Return those for this environment."""
        events = HierarchicalEmitter()
        botocore.session.Session(event_hooks=events)  # which registers the handlers there
        # AWS_DATA_PATH is not asked of a session: where the default profile is missing, that raises, and here nobody
        # classifies it.
        return cls(create_loader(os.environ.get("AWS_DATA_PATH")), events)


_signer: ContextVar[Found | None] = ContextVar("signer", default=None)


@contextmanager
def signed_by(credentials: Found) -> Iterator[None]:
    """Have the requests that this thread makes in the block signed with these credentials."""
    token = _signer.set(credentials)
    try:
        yield
    finally:
        _signer.reset(token)


class _Signer:
    """What a client takes for its credentials: those of whoever makes the call, so that one client serves all."""

    def get_frozen_credentials(self) -> Any:
        """Return the keys to sign with; see ``Found`` for what it raises."""
        if (signer := _signer.get()) is None:
            raise NoCredentialsError
        return signer.get_frozen_credentials()

    def get_deferred_property(self, name: str) -> Callable[[], Any]:
        """Return what returns one of the other things that credentials tell."""
        return lambda: getattr(_signer.get(), name, None)


class _Boto3Session(boto3.session.Session):  # type: ignore[misc]
    """boto3's own, without what it registers for resources and for services that are never called.

    All sessions share one loader and one emitter of events, where that would pile up.
    """

    def _setup_loader(self) -> None:
        self._loader = self._session.get_component("data_loader")

    def _register_default_handlers(self) -> None:
        pass


class SdkSession(botocore.session.Session):  # type: ignore[misc]  # the SDK has no types
    """The SDK's own, whose provider chain calls the configured STS too: for a web identity, or a profile's role.

    ``parse_time`` makes what times of answers become. ``ask`` returns what a person types after a prompt. It is not
    thread-safe.
    """

    def __init__(
        self,
        key: TargetKey,
        connection: Connection,
        common: Common,
        parse_time: Callable[[Any], Any],
        ask: Callable[[str], str] = refuse_to_ask,
    ) -> None:
        super().__init__(event_hooks=common.events, include_builtin_handlers=False, profile=key.credentials.profile)
        self._endpoint_urls = {
            "sts": connection.sts_endpoint_url,
            "service-quotas": connection.quotas_endpoint_url,
        }
        self._ask = ask
        self.register_component("data_loader", common.loader)
        parsers = ResponseParserFactory()
        parsers.set_parser_defaults(timestamp_parser=parse_time)
        self.register_component("response_parser_factory", parsers)
        # The provider chain makes STS clients of its own, which would wait 60 s and try five times.
        self.set_default_client_config(_config(key, connection))
        if (verify := _verify(connection)) is not None:
            self.set_config_variable("ca_bundle", verify)
        if self.get_config_variable("region") is None:
            # Else the chain's STS clients call the global endpoint, whose credentials not every region takes.
            self.set_config_variable("region", key.region)
        self._boto3 = _Boto3Session(botocore_session=self)

    def client(self, service: str, region: str, url: str | None) -> Any:
        """Return boto3's client of a service; ``url`` None: the region's own endpoint. Raise what ``create_client`` does."""
        return self._boto3.client(service, region_name=region, endpoint_url=url)

    def create_client(self, service_name: str, *args: Any, **kwargs: Any) -> Any:
        """Return a client whose calls keep to the rules of ``transport``; raise CallFailed for what it cannot use."""
        if service_name in self._endpoint_urls:
            kwargs["endpoint_url"] = self._endpoint_urls[service_name]
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
        """Return what every client signs with that is given no keys of its own: see ``signed_by``."""
        return _Signer()

    def find_credentials(self) -> Found:
        """Return the first that the provider chain finds; raise whatever the SDK raises when there are none."""
        providers = self.get_component("credential_provider").providers
        found = next(filter(None, (provided(each, self._ask) for each in providers)), None)
        if found is None:
            raise NoCredentialsError
        return found

    def _check_trust_store(self) -> None:
        """Raise CallFailed when the trust store is set to an empty name: the SDK would raise anything."""
        bundle = self.get_config_variable("ca_bundle")
        if bundle is None:
            bundle = os.environ.get("REQUESTS_CA_BUNDLE")
        if isinstance(bundle, str) and not bundle.strip():
            raise CallFailed(
                ErrorCode.TLS, "AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE or a profile's ca_bundle is set but empty"
            )


def _verify(connection: Connection) -> bool | str | None:
    """Return what the SDK calls ``verify``: None leaves the trust store to its own configuration."""
    return (connection.ca_bundle or None) if connection.verify_ssl else False


def _config(key: TargetKey, connection: Connection) -> Config:
    return Config(
        connect_timeout=connection.connect_timeout,
        read_timeout=connection.read_timeout,
        # One attempt: the schedule retries, so that every attempt is paid for, counted and on our clock.
        retries={"total_max_attempts": 1, "mode": "standard"},
        use_fips_endpoint=key.endpoint.use_fips or None,
        signature_version=None if key.credentials.sign_requests else UNSIGNED,
        user_agent_extra=f"sagemaker-tuning-exporter/{__version__}",
        parameter_validation=False,
        tcp_keepalive=True,
        max_pool_connections=_MOST_KEPT_CONNECTIONS,
    )
