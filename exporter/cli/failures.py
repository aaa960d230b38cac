"""Ends a command that has failed: the message on standard error, and the exit code."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

BUG = "this is a bug in the exporter"
"""The beginning of what is said of an error that nobody foresaw."""

_LEVEL_FLAG = "--log.level"
_PACKAGE = Path(__file__).resolve().parents[2]


def guarded(work: Callable[[], int], arguments: Sequence[str]) -> int:
    """Run a command and return its exit code, also if it raises an error.

    The exit code is 1 after a UserError or a bug, with a message. It is 130 after Ctrl-C, and 141 if the output is closed, both
    without a message, as a shell reports these two signals. Usage errors exit by themselves.
    """
    try:
        exit_code = work()
        if sys.stdout is not None:
            sys.stdout.flush()  # otherwise the interpreter would do this at its end, when no message is possible
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:
        _discard_output()
        return 128 + signal.SIGPIPE
    except UserError as error:
        say(str(error))
        return 1
    except OSError as error:
        _tell(error, arguments, f"{_named(error)}{error.strerror or type(error).__name__}")
        _discard_output()
        return 1
    except Exception as error:  # noqa: BLE001 - any error becomes a message
        # Leave out its text, which may have a secret.
        _tell(
            error,
            arguments,
            f"{BUG}, {type(error).__name__} at {_place(error)}: please report it",
        )
        return 1
    return exit_code


def _tell(error: BaseException, arguments: Sequence[str], sentence: str) -> None:
    """Print the error. At debug level, print its traceback, otherwise how to get it."""
    from exporter.cli import options  # imported here, because a daemon must handle signals first

    variable = options.variable(_LEVEL_FLAG)
    if _is_debug(arguments, os.environ.get(variable, "")):
        say("".join(_frames(error)).rstrip("\n"))
        say(f"{options.PROGRAM}: {sentence}")
    else:
        say(f"{options.PROGRAM}: {sentence}; {variable}=debug in the environment shows the traceback")


def say(text: str) -> None:
    """Print a text to standard error. Names and other texts in it cannot control a terminal."""
    from exporter.logs import defused

    text = defused(text)
    with suppress(OSError):  # standard error is closed
        print(text, file=sys.stderr, flush=True)


def _is_debug(arguments: Sequence[str], level: str) -> bool:
    """Return whether the log level is debug. The parser may have failed before, and some commands have no log."""
    for each, following in pairwise([*arguments, ""]):
        if each == _LEVEL_FLAG:
            level = following
        elif each.startswith(f"{_LEVEL_FLAG}="):
            level = each.partition("=")[2]
    return level.lower() == "debug"


def _frames(error: BaseException | None) -> Iterator[str]:
    """Yield the traceback in Python's format, without the texts of the errors."""
    if error is None:
        return
    if earlier := error.__cause__ or (None if error.__suppress_context__ else error.__context__):
        yield from _frames(earlier)
        yield "which led to:\n"
    yield "Traceback (most recent call last):\n"
    yield from traceback.format_tb(error.__traceback__)
    yield f"{type(error).__name__}\n"


def _place(error: BaseException) -> str:
    """Return the innermost file and line of the exporter in the traceback."""
    own = [(name, line) for name, line in _lines(error.__traceback__) if name.is_relative_to(_PACKAGE / "exporter")]
    if not own:
        return "an unknown place"
    name, line = own[-1]
    return f"{name.relative_to(_PACKAGE)}:{line}"


def _lines(found: TracebackType | None) -> Iterator[tuple[Path, int]]:
    for frame, line in traceback.walk_tb(found):
        yield Path(frame.f_code.co_filename).resolve(), line


def _named(error: OSError) -> str:
    # Without a file name it is almost always the output, such as with a full disk.
    return f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else "standard output: "


def _discard_output() -> None:
    """Discard remaining output. Otherwise the interpreter tries to write it again, and prints an error."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
