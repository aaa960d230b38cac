"""The queue of the daemon's main thread."""

from __future__ import annotations

import threading

from exporter.commands import Command, Commands, FollowAccounts, Reload, Stop


def test_all_that_wait_are_returned_in_their_order() -> None:
    commands = Commands()
    put: list[Command] = [Reload("SIGHUP"), FollowAccounts(), Reload("request"), Stop()]
    for command in put:
        commands.put(command)
    assert commands.wait() == put
    later = threading.Timer(0.05, commands.put, [Stop()])
    later.start()
    assert commands.wait() == [Stop()]


def test_reloads_that_nobody_will_make_are_cancelled() -> None:
    commands, given, waiting, made = Commands(), Reload("request"), Reload("request"), Reload("request")
    made.done.set_result(None)
    commands.put(waiting)
    commands.cancel([Stop(), given, made])
    assert given.done.cancelled()
    assert waiting.done.cancelled()
    assert made.done.result() is None
    commands.put(Stop())
    assert commands.wait() == [Stop()], "and they are not in the queue any more"
