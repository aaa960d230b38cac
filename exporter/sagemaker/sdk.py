"""Sessions of the SDK, configured for the exporter."""

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
"""The most connections that a client keeps open. All its targets may call at once."""

_BAD_URL = "the URL of the {service} endpoint cannot be used: check endpoint_url, AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_{service}"

# These loggers are turned off: their lines quote answers and headers, and relevant problems also raise errors.
for _name in ("botocore", "urllib3"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


class Common(NamedTuple):
    """What all sessions of the SDK share: its data about services, and its event handlers."""

    loader: Any
    events: Any

    @classmethod
    def load(cls) -> Common:
        """Return them for the present environment."""
        events = HierarchicalEmitter()
        botocore.session.Session(event_hooks=events)  # this registers the handlers
        # Read AWS_DATA_PATH directly: reading it from a session raises an error if the default profile is missing, and nothing
        # here would classify this error.
        return cls(create_loader(os.environ.get("AWS_DATA_PATH")), events)


_signer: ContextVar[Found | None] = ContextVar("signer", default=None)


@contextmanager
def signed_by(credentials: Found) -> Iterator[None]:
    """Sign the requests of this thread during the block with these credentials."""
    token = _signer.set(credentials)
    try:
        yield
    finally:
        _signer.reset(token)


class _Signer:
    """The credentials of a client: those of the present call, so that all callers can share the client."""

    def get_frozen_credentials(self) -> Any:
        """Return the keys to sign with. Raises what ``Found`` raises."""
        if (signer := _signer.get()) is None:
            raise NoCredentialsError
        return signer.get_frozen_credentials()

    def get_deferred_property(self, name: str) -> Callable[[], Any]:
        """Return a function that returns another property of the credentials."""
        return lambda: getattr(_signer.get(), name, None)


class _Boto3Session(boto3.session.Session):  # type: ignore[misc]
    """boto3's session, without handlers for resources and for services that are never called.

    All sessions share one loader and one event emitter, on which the handlers would accumulate.
    """

    def _setup_loader(self) -> None:
        self._loader = self._session.get_component("data_loader")

    def _register_default_handlers(self) -> None:
        pass


class SdkSession(botocore.session.Session):  # type: ignore[misc]  # the SDK has no types
    """The SDK's session. Its provider chain uses the configured STS too, for a web identity or the role of a profile.

    ``parse_time`` converts times in answers. ``ask`` returns your input after a prompt. Not thread-safe.
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
        # For the STS clients of the provider chain, which would otherwise wait 60 s and try five times.
        self.set_default_client_config(_config(key, connection))
        if (verify := _verify(connection)) is not None:
            self.set_config_variable("ca_bundle", verify)
        if self.get_config_variable("region") is None:
            # Otherwise these STS clients call the global endpoint, and not all regions accept its credentials.
            self.set_config_variable("region", key.region)
        self._boto3 = _Boto3Session(botocore_session=self)

    def client(self, service: str, region: str, url: str | None) -> Any:
        """Return boto3's client of a service. ``url`` None: the endpoint of the region. Raises what ``create_client`` raises."""
        return self._boto3.client(service, region_name=region, endpoint_url=url)

    def create_client(self, service_name: str, *args: Any, **kwargs: Any) -> Any:
        """Return a client with the limits of ``transport``. Raises CallFailed if the configuration cannot be used."""
        if service_name in self._endpoint_urls:
            kwargs["endpoint_url"] = self._endpoint_urls[service_name]
        if kwargs.get("aws_access_key_id") is not None:  # the role of a profile is assumed with these keys
            keys = (kwargs[name] for name in ("aws_access_key_id", "aws_secret_access_key", "aws_session_token"))
            check_keys("the source of a profile's role", ReadOnlyCredentials(*keys))
        self._check_trust_store()
        try:
            client = super().create_client(service_name, *args, **kwargs)
            urlsplit(client.meta.endpoint_url).port  # noqa: B018 - raises an error if it is not a number
        except ValueError as error:  # its text has the URL
            raise CallFailed(ErrorCode.CONNECTION, _BAD_URL.format(service=service_name.upper())) from error
        attach(client)
        return client

    def get_credentials(self) -> Any:
        """Return the credentials of clients without keys of their own: see ``signed_by``."""
        return _Signer()

    def find_credentials(self) -> Found:
        """Return the first credentials of the provider chain. Raises an error of the SDK if there are none."""
        providers = self.get_component("credential_provider").providers
        found = next(filter(None, (provided(each, self._ask) for each in providers)), None)
        if found is None:
            raise NoCredentialsError
        return found

    def _check_trust_store(self) -> None:
        """Raise CallFailed if the name of the trust store is empty. The SDK would raise other errors."""
        bundle = self.get_config_variable("ca_bundle")
        if bundle is None:
            bundle = os.environ.get("REQUESTS_CA_BUNDLE")
        if isinstance(bundle, str) and not bundle.strip():
            raise CallFailed(
                ErrorCode.TLS, "AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE or a profile's ca_bundle is set but empty"
            )


def _verify(connection: Connection) -> bool | str | None:
    """Return the SDK's argument ``verify``. None means the trust store in its own configuration."""
    return (connection.ca_bundle or None) if connection.verify_ssl else False


def _config(key: TargetKey, connection: Connection) -> Config:
    return Config(
        connect_timeout=connection.connect_timeout,
        read_timeout=connection.read_timeout,
        # One attempt: the schedule retries, so that each attempt uses the budget, is counted, and has a deadline.
        retries={"total_max_attempts": 1, "mode": "standard"},
        use_fips_endpoint=key.endpoint.use_fips or None,
        signature_version=None if key.credentials.sign_requests else UNSIGNED,
        user_agent_extra=f"sagemaker-tuning-exporter/{__version__}",
        parameter_validation=False,
        tcp_keepalive=True,
        max_pool_connections=_MOST_KEPT_CONNECTIONS,
    )
