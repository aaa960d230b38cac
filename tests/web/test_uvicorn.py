"""What ``exporter.web.protocol`` takes for granted of uvicorn beyond its public interface.

A newer uvicorn that changes one of these makes the test about it fail, and tells which; what still works then, the other
tests of this folder show.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import textwrap
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from support.tools import ROOT
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import CLOSE_HEADER, FlowControl
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState

from exporter.web.heads import RequestReader
from exporter.web.protocol import ClientProtocol, Limits, OpenConnections

if TYPE_CHECKING:
    from collections.abc import Callable

OVERRIDDEN = {
    "__init__",
    "_should_upgrade",
    "connection_lost",
    "connection_made",
    "data_received",
    "eof_received",
    "handle_events",
    "on_response_complete",
    "resume_writing",
    "send_400_response",
}
SET = {"app", "conn", "logger"}
READ = {"client", "cycle", "flow", "headers", "loop", "server_state", "transport"}

USED = {
    H11Protocol.data_received: {"conn", "handle_events"},
    H11Protocol.handle_events: {
        *("_should_upgrade", "app", "conn", "cycle", "flow", "headers", "logger", "on_response_complete"),
        *("send_400_response", "server_state", "tasks", "transport"),
    },
    H11Protocol.on_response_complete: {"_unset_keepalive_if_required", "conn", "flow", "handle_events", "transport"},
    H11Protocol.resume_writing: {"flow"},
    H11Protocol.connection_made: {"client", "connections", "flow", "transport"},
    H11Protocol.connection_lost: {"connections", "cycle", "transport"},
    RequestResponseCycle.send: {
        *("default_headers", "disconnected", "flow", "keep_alive", "on_response", "response_complete"),
    },
}
"""Methods of uvicorn's, and what each has to use of the object for ours to have their effect."""


def methods(protocol: type) -> set[str]:
    return {name for name, member in vars(protocol).items() if inspect.isfunction(member)}


def used(method: Callable[..., Any]) -> set[str]:
    """Return the members of its own object that a method's code names."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(method)))
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    }


@pytest.fixture
def members() -> tuple[set[str], set[str]]:
    """Return the attributes of a connection of uvicorn's, and of one of ours."""

    async def make() -> tuple[set[str], set[str]]:
        config, state = Config(lambda *_: None, log_config=None, ws="none"), ServerState()
        config.load()
        return set(vars(H11Protocol(config, state, {}))), set(
            vars(ClientProtocol(config, state, OpenConnections(1), Limits()))
        )

    return asyncio.run(make())


def test_the_project_asks_for_none_later_than_the_one_that_is_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    # If `make lock` brought a newer one: raise the bound in pyproject.toml once the tests of this folder pass with it.
    [wanted] = [each for each in map(Requirement, project["project"]["dependencies"]) if each.name == "uvicorn"]
    [locked] = re.findall(
        r"^uvicorn==(\S+)", (ROOT / "locks" / "runtime.txt").read_text(encoding="utf-8"), re.MULTILINE
    )
    version = Version(locked)
    assert wanted.specifier.contains(version)
    assert not wanted.specifier.contains(f"{version.major}.{version.minor + 1}")


def test_what_is_overridden_is_there_and_nothing_else_is() -> None:
    # A name of ours that a newer one takes too would be overridden unawares.
    assert methods(ClientProtocol) & methods(H11Protocol) == OVERRIDDEN


@pytest.mark.parametrize("name", sorted(OVERRIDDEN - {"__init__"}))
def test_what_is_overridden_takes_the_same_arguments(name: str) -> None:
    theirs, ours = (inspect.signature(getattr(each, name)).parameters for each in (H11Protocol, ClientProtocol))
    assert list(theirs) == list(ours)


def test_a_connection_is_made_with_the_same_arguments() -> None:
    assert list(inspect.signature(H11Protocol).parameters)[:3] == ["config", "server_state", "app_state"]


def test_what_is_set_and_read_is_there(members: tuple[set[str], set[str]]) -> None:
    theirs, _ = members
    assert (SET | READ) - theirs == set()


def test_no_attribute_of_ours_is_one_of_theirs(members: tuple[set[str], set[str]]) -> None:
    theirs, ours = members
    own = used(ClientProtocol.__init__) - SET - {"_run_application"}
    assert own <= ours
    assert own & (theirs | methods(H11Protocol)) == set()
    assert methods(ClientProtocol) & theirs == set()


@pytest.mark.parametrize("method", USED, ids=lambda method: method.__qualname__)
def test_theirs_uses_what_ours_changes(method: Callable[..., Any]) -> None:
    assert USED[method] - used(method) == set()


def test_how_a_connection_is_kept_or_closed_is_as_known() -> None:
    assert "_unset_keepalive_if_required" in methods(H11Protocol)
    assert CLOSE_HEADER == (b"connection", b"close")
    assert {STATUS_PHRASES[400], STATUS_PHRASES[431]} == {b"Bad Request", b"Request Header Fields Too Large"}


def test_an_exchange_has_what_is_read_of_it() -> None:
    given = dict.fromkeys(list(inspect.signature(RequestResponseCycle).parameters))
    cycle = RequestResponseCycle(**(given | {"conn": RequestReader()}))  # type: ignore[arg-type]
    assert (cycle.disconnected, cycle.keep_alive, cycle.response_complete) == (False, True, False)


def test_the_flow_has_what_is_read_of_it() -> None:
    flow = FlowControl(None)  # type: ignore[arg-type]
    assert (flow.read_paused, flow.write_paused) == (False, False)
    assert {"drain", "pause_reading"} <= methods(FlowControl)


def test_the_server_has_what_is_read_of_it() -> None:
    assert {"connections", "default_headers", "tasks"} <= set(vars(ServerState()))


def test_an_answer_under_way_has_the_list_of_headers_itself() -> None:
    # So a web configuration that changes while a request waits for it is on the answer to that request.
    headers = [(b"x-a", b"b")]
    given = dict.fromkeys(list(inspect.signature(RequestResponseCycle).parameters))
    cycle = RequestResponseCycle(**(given | {"conn": RequestReader(), "default_headers": headers}))  # type: ignore[arg-type]
    assert cycle.default_headers is headers
