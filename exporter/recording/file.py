"""The file of a recording: lines of JSON, compressed while they are written.

The first line is the header, an object. Each other line is one call, an array: see ``docs/recording.md``. Lines are in the file
within a minute. If the process is killed, the file ends early and can be read up to there. Files are not trusted when they are
read: the length of lines and the memory for them are limited.
"""

from __future__ import annotations

import json
import math
import time
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any, BinaryIO

from exporter.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

FORMAT = "sagemaker-tuning-exporter recording"
VERSION = 1

LONGEST_LINE = 4 * 2**20
MOST_BYTES = 2 * 2**30
"""The most bytes of all lines together. A day of 10,000 tuning jobs has fewer."""

_MAGIC = b"\x1f\x8b"
_GZIP = 31  # for zlib: a window of 32 KiB, in the format of gzip
_CHUNK = 2**16
_FLUSH_SECONDS = 60.0


class RecordingError(UserError):
    """The file is not a recording or cannot be read. The message is one sentence and names the file."""


class Writer:
    """Writes a recording. Used by one thread at a time. Raises OSError if it cannot write."""

    def __init__(self, path: Path, header: Mapping[str, Any], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._file: BinaryIO = path.open("xb")
        self._compress = zlib.compressobj(9, zlib.DEFLATED, _GZIP, 9)
        self.bytes = 0
        self._flushed = -math.inf  # the header is written at once
        self._waits = False
        try:
            self.write({"format": FORMAT, "version": VERSION, **header})
        except OSError:
            with suppress(OSError):  # close it now: its destructor would try to write again
                self._file.close()
            path.unlink()  # so that a retry can use the name
            raise

    def write(self, line: Any) -> None:
        """Add a line."""
        self._put(self._compress.compress(json.dumps(line, separators=(",", ":"), default=str).encode() + b"\n"))
        self._waits = True
        self.flush()

    def flush(self) -> None:
        """Write what was added to the file, once a minute at most, because each flush costs some hundred bytes."""
        if self._waits and self._monotonic() >= self._flushed + _FLUSH_SECONDS:
            self._flushed, self._waits = self._monotonic(), False
            self._put(self._compress.flush(zlib.Z_SYNC_FLUSH))
            self._file.flush()

    def close(self) -> None:
        """End the file."""
        try:
            self._put(self._compress.flush(zlib.Z_FINISH))
        finally:
            self._file.close()

    def _put(self, content: bytes) -> None:
        self.bytes += len(content)
        self._file.write(content)


class Reader:
    """Reads the lines of a recording, from the beginning for each iteration.

    ``whole`` is None until an iteration has reached the end. Then it is True if the file was ended properly.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.whole: bool | None = None
        self.header = self._header()

    def lines(self) -> Iterator[Any]:
        """Yield each call as it is in the file. Raises RecordingError if the file is damaged."""
        lines = self._lines()
        next(lines)
        for number, line in enumerate(lines, start=2):
            yield self._json(line, number)

    def damaged(self, number: int) -> RecordingError:
        """Return the error for a damaged line."""
        return RecordingError(f"{self.path}: line {number} is not one of a recording: the file is damaged")

    def _header(self) -> dict[str, Any]:
        first = next(self._lines(), None)
        if first is None:
            raise RecordingError(f"{self.path} ends before its first line: nothing of the recording is left")
        try:
            header = json.loads(first)
        except (ValueError, RecursionError):
            header = None
        if not isinstance(header, dict) or header.get("format") != FORMAT:
            raise self._foreign()
        version = header.get("version")
        if type(version) is not int or version < 1:
            raise self._foreign()
        if version > VERSION:
            raise RecordingError(
                f"{self.path} has version {version} of the format, which a newer exporter wrote: this one reads up to {VERSION};"
                " install a newer one"
            )
        return header

    def _foreign(self) -> RecordingError:
        return RecordingError(
            f"{self.path} is not a recording: name a file that `sagemaker-tuning-exporter record` has written"
        )

    def _json(self, line: bytes, number: int) -> Any:
        try:
            return json.loads(line)
        except (ValueError, RecursionError):
            raise self.damaged(number) from None

    def _lines(self) -> Iterator[bytes]:
        rest, read = b"", 0
        for piece in self._pieces():
            read += len(piece)
            if read > MOST_BYTES:
                raise RecordingError(f"{self.path} is too large: it unpacks to more than {MOST_BYTES // 2**30} GiB")
            *lines, rest = (rest + piece).split(b"\n")
            yield from lines
            if len(rest) > LONGEST_LINE:
                raise RecordingError(
                    f"{self.path} is too large: one of its lines is longer than {LONGEST_LINE // 2**20} MiB"
                )

    def _pieces(self) -> Iterator[bytes]:
        """Yield the decompressed content of the file in small pieces."""
        unpack = zlib.decompressobj(_GZIP)
        self.whole = None
        try:
            if not self.path.is_dir() and self.path.exists() and not self.path.is_file():
                raise RecordingError(f"{self.path} is a pipe or a device: write the recording into a file first")
            with self.path.open("rb") as file:
                packed = file.read(_CHUNK)
                if packed and not _MAGIC.startswith(packed[: len(_MAGIC)]):
                    raise self._foreign()
                while packed and not unpack.eof:
                    yield unpack.decompress(packed, _CHUNK)
                    packed = unpack.unconsumed_tail or file.read(_CHUNK)
        except OSError as error:
            raise RecordingError(f"cannot read {self.path}: {error.strerror}") from error
        except zlib.error as error:
            raise RecordingError(f"{self.path} is damaged: it cannot be unpacked to its end") from error
        self.whole = unpack.eof
