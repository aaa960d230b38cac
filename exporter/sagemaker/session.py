"""Sessions: one for each source of credentials. All roles that are assumed with it, and all regions, share it."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.errors import CallFailed, ErrorCode
from exporter.sagemaker.classify import classify
from exporter.sagemaker.roles import assumed
from exporter.sagemaker.sdk import Common, SdkSession, signed_by
from exporter.sagemaker.sources import refuse_to_ask
from exporter.sagemaker.times import moment, unix_seconds
from exporter.sagemaker.transport import call_under_way

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from exporter.config.specs import Connection, Credentials, OrganizationSpec, TargetKey, TargetSpec
    from exporter.sagemaker.sources import Found

_OF_THE_CONNECTION = frozenset({"sts", "service-quotas"})
"""The services whose URL is in the connection and not in the target's key."""

_SERVICES = ("sagemaker", "organizations", *_OF_THE_CONNECTION)

_USELESS = frozenset({ErrorCode.NO_CREDENTIALS, ErrorCode.EXPIRED_CREDENTIALS})

# Many targets may share a source without usable credentials. A search needs some milliseconds of CPU, or seconds of waiting.
# This is half the shortest interval, so that the next round finds credentials that were fixed.
_LEAST_SECONDS_BETWEEN_SEARCHES = 0.5


class _SourceKey(NamedTuple):
    credentials: Credentials  # without the role
    partition: str
    connection: Connection
    use_fips: bool  # also applies to STS


class _ClientKey(NamedTuple):
    service: str
    region: str
    url: str | None


class _Search:
    """One search for the credentials of a source. ``found`` has its result. ``useless`` is True if it brought none that work."""

    def __init__(self) -> None:
        self.found: Future[Found | CallFailed] = Future()
        self.useless = False
        self._began = time.monotonic()

    @property
    def holds(self) -> bool:
        """Whether its result can be used, or it is too early for another search."""
        return not self.useless or time.monotonic() < self._began + _LEAST_SECONDS_BETWEEN_SEARCHES

    def wait(self) -> Found:
        """Wait for the result and return it. Raises CallFailed if there are no credentials, a new exception for each caller."""
        call = call_under_way()
        try:
            found = self.found.result(call.seconds_left if call else None)
        except TimeoutError as late:
            self.useless = True  # the next caller must not wait for a search that may never end
            raise CallFailed(ErrorCode.TIMEOUT, "the search for credentials has not ended in time") from late
        if isinstance(found, CallFailed):
            raise CallFailed(found.code, found.message)
        return found


class Session:
    """A source of credentials, the roles that are assumed with it, and the clients that all of them share. Thread-safe.

    No lock is held during waiting. So a call that hangs for one target delays others only if they need the same credentials.
    ``key`` is that of any target that shares the session. Its region is used if nothing else tells one. ``parse_time`` converts
    times in answers, except those of AssumeRole, which are always Unix seconds. ``ask`` returns your input after a prompt.
    """

    def __init__(
        self,
        key: TargetKey,
        connection: Connection,
        common: Common,
        parse_time: Callable[[Any], Any] = unix_seconds,
        ask: Callable[[str], str] = refuse_to_ask,
    ) -> None:
        self._key = key
        self._connection = connection
        self._common = common
        self._parse_time = parse_time
        self._ask = ask
        self._lock = threading.Lock()
        self._search: _Search | None = None
        # By region too, because each is assumed through the STS of its region: one that does not answer is no matter elsewhere.
        self._roles: dict[tuple[Credentials, str], Found] = {}
        self._sdk: SdkSession | None = None
        self._clients: dict[_ClientKey, Any] = {}

    def call(self, key: TargetKey, service: str, use: Callable[[Any], Any]) -> Any:
        """Call ``use`` with a client of a service that uses a target's credentials, and return its result.

        Raises errors of the SDK. If the credentials do not work, a later call searches for credentials, or assumes the role,
        again.
        """
        if key.credentials.role_arn is None:
            return self._call_as_source(key, service, use)
        role = self._role(key)
        try:
            with signed_by(role):
                return use(self._client(key, service))
        except Exception as error:
            if _shows_useless_credentials(error):
                self._forget(key, role)
            raise

    @property
    def source(self) -> str | None:
        """The name of the source of the present credentials. None while none are known to work."""
        search = self._search
        if search is None or search.useless or not search.found.done():
            return None
        found = search.found.result()
        return None if isinstance(found, CallFailed) else found.source

    def keep_only(self, keys: Collection[TargetKey]) -> None:
        """Forget roles and clients that none of these targets uses. Calls under way are not affected."""
        roles = {(key.credentials, key.region) for key in keys}
        used = {_client_key(key, service) for key in keys for service in _SERVICES}
        with self._lock:
            self._roles = {role: found for role, found in self._roles.items() if role in roles}
            left = [self._clients.pop(unused) for unused in self._clients.keys() - used]
        for client in left:
            client.close()

    def _call_as_source(self, key: TargetKey, service: str, use: Callable[[Any], Any]) -> Any:
        if not key.credentials.sign_requests:
            return use(self._client(key, service))
        search = self._last_search()
        found = search.wait()
        try:
            with signed_by(found):
                return use(self._client(key, service))
        except Exception as error:
            search.useless = search.useless or _shows_useless_credentials(error)
            raise

    def _role(self, key: TargetKey) -> Found:
        role = key.credentials, key.region
        with self._lock:
            if role not in self._roles:
                self._roles[role] = assumed(key.credentials, lambda use: self._call_as_source(key, "sts", use))
            return self._roles[role]

    def _forget(self, key: TargetKey, found: Found) -> None:
        """Drop the credentials of a role, unless another thread has already replaced them."""
        role = key.credentials, key.region
        with self._lock:
            if self._roles.get(role) is found:
                del self._roles[role]

    def _client(self, key: TargetKey, service: str) -> Any:
        wanted = _client_key(key, service)
        with self._lock:  # the SDK's sessions are not thread-safe; making a client waits for nothing
            if wanted not in self._clients:
                sdk = self._sdk or SdkSession(self._key, self._connection, self._common, self._parse_time)
                self._clients[wanted] = sdk.client(service, wanted.region, wanted.url)
                self._sdk = sdk  # stored only now, so that the next call can use a corrected configuration
            return self._clients[wanted]

    def _last_search(self) -> _Search:
        """Return the last search for the source's credentials, which may be under way, or a new one if necessary."""
        with self._lock:
            if self._search is not None and self._search.holds:
                return self._search
            self._search = search = _Search()
        try:
            # Use a new session, because a session of the SDK does not read its configuration again.
            found = SdkSession(self._key, self._connection, self._common, moment, self._ask).find_credentials()
            found.get_frozen_credentials()  # some are fetched only when they are used: do this once for all waiting callers
            search.found.set_result(found)
        except Exception as error:  # noqa: BLE001 - wait() raises it
            search.useless = True
            call = call_under_way()
            search.found.set_result(classify(error, call.sent if call else ()))
        return search


class Sessions:
    """All sessions of a daemon. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._common = Common.load()
        self._sessions: dict[_SourceKey, Session] = {}

    def get(self, spec: TargetSpec | OrganizationSpec) -> Session:
        """Return the session for a target's credentials. This makes no call."""
        source = _source_key(spec)
        with self._lock:
            if source not in self._sessions:
                self._sessions[source] = Session(spec.key, spec.connection, self._common)
            return self._sessions[source]

    def source(self, spec: TargetSpec | OrganizationSpec) -> str | None:
        """Return the source of a target's credentials, or of those that assume its role. None while none work."""
        with self._lock:
            session = self._sessions.get(_source_key(spec))
        return None if session is None else session.source

    def keep_only(self, specs: Iterable[TargetSpec | OrganizationSpec]) -> None:
        """Forget everything that none of these targets uses. Calls under way are not affected."""
        wanted: dict[_SourceKey, list[TargetKey]] = {}
        for spec in specs:
            wanted.setdefault(_source_key(spec), []).append(spec.key)
        with self._lock:
            sessions = self._sessions
            self._sessions = {source: session for source, session in sessions.items() if source in wanted}
        for source, session in sessions.items():
            session.keep_only(wanted.get(source, ()))


def _shows_useless_credentials(error: Exception) -> bool:
    return classify(error).code in _USELESS


def _source_key(spec: TargetSpec | OrganizationSpec) -> _SourceKey:
    source = replace(spec.key.credentials, role_arn=None, external_id=None)
    return _SourceKey(source, spec.key.partition, spec.connection, spec.key.endpoint.use_fips)


def _client_key(key: TargetKey, service: str) -> _ClientKey:
    return _ClientKey(service, key.region, None if service in _OF_THE_CONNECTION else key.endpoint.url)
