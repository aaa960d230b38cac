"""How a command ends that could not do what it was asked: what is said on standard error, and the exit code."""

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

_LEVEL_FLAG = "--log.level"
_PACKAGE = Path(__file__).resolve().parents[2]


def guarded(work: Callable[[], int], arguments: Sequence[str]) -> int:
    """Return the exit code of a command, whatever happens in it.

    That is 1 after a mistake of the user or a defect, each told in a sentence; 130 after Ctrl-C and 141 when nobody
    reads the output any more, without a word, as a shell reports these two signals. Usage errors exit by themselves.
    """
    try:
        exit_code = work()
        if sys.stdout is not None:
            sys.stdout.flush()  # else the interpreter would at its end, where nothing can be told any more
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:
        _discard_output()
        return 128 + signal.SIGPIPE
    except UserError as error:
        _say(str(error))
        return 1
    except OSError as error:
        _tell(error, arguments, f"{_named(error)}{error.strerror or type(error).__name__}")
        _discard_output()
        return 1
    except Exception as error:  # noqa: BLE001 - whatever it is, people are told what to do
        # Its own text may quote what must not be printed.
        _tell(
            error,
            arguments,
            f"this is a bug in the exporter, {type(error).__name__} at {_place(error)}: please report it",
        )
        return 1
    return exit_code


def _tell(error: BaseException, arguments: Sequence[str], sentence: str) -> None:
    """Say what happened, and at debug level where, else how to see that."""
    from exporter.cli import options  # here, as a daemon's signals come before all other imports

    variable = options.variable(_LEVEL_FLAG)
    if _is_debug(arguments, os.environ.get(variable, "")):
        _say("".join(_frames(error)).rstrip("\n"))
        _say(f"{options.PROGRAM}: {sentence}")
    else:
        _say(f"{options.PROGRAM}: {sentence}; {variable}=debug in the environment shows the traceback")


def _say(text: str) -> None:
    with suppress(OSError):  # nobody reads standard error
        print(text, file=sys.stderr, flush=True)


def _is_debug(arguments: Sequence[str], level: str) -> bool:
    """Tell whether the level is debug. A parser may not have come to say so, and some commands have no log."""
    for each, following in pairwise([*arguments, ""]):
        if each == _LEVEL_FLAG:
            level = following
        elif each.startswith(f"{_LEVEL_FLAG}="):
            level = each.partition("=")[2]
    return level.lower() == "debug"


def _frames(error: BaseException | None) -> Iterator[str]:
    """Yield the traceback as Python writes it, without the texts of the errors."""
    if error is None:
        return
    if earlier := error.__cause__ or (None if error.__suppress_context__ else error.__context__):
        yield from _frames(earlier)
        yield "which led to:\n"
    yield "Traceback (most recent call last):\n"
    yield from traceback.format_tb(error.__traceback__)
    yield f"{type(error).__name__}\n"


def _place(error: BaseException) -> str:
    """Return the last file and line of the exporter's own that an error came from."""
    own = [(name, line) for name, line in _lines(error.__traceback__) if name.is_relative_to(_PACKAGE / "exporter")]
    if not own:
        return "an unknown place"
    name, line = own[-1]
    return f"{name.relative_to(_PACKAGE)}:{line}"


def _lines(found: TracebackType | None) -> Iterator[tuple[Path, int]]:
    for frame, line in traceback.walk_tb(found):
        yield Path(frame.f_code.co_filename).resolve(), line


def _named(error: OSError) -> str:
    # Without a name, it is almost always the output: a full disk.
    return f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else "standard output: "


def _discard_output() -> None:
    """Let what is still to be written go nowhere: the interpreter would try once more, and complain."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
