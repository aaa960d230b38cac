"""From bodies to the blocks of a Prometheus, by promtool."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from replay.drive import Scrape

JOB = "tuning"
_CHUNK = 3600
"""Scrapes in a file: few enough that the files do not fill the disk, and that promtool works beside the exporter."""


_COMMENTS = re.compile(r"(?m)^#.*\n")


def lines(scrape: Scrape, metrics: Collection[str]) -> str:
    """Return the samples of a scrape as they are stored: with job, instance and time, the exporter's own of these metrics."""
    where = f'{{job="{JOB}",instance="{scrape.instance}"'
    time = f" {scrape.at:.0f}\n"
    up = f"up{where}}} {int(scrape.own is not None)}{time}"
    if scrape.jobs is None or scrape.own is None:
        return up
    # The only braces of a series are those round its labels, since no value has one.
    jobs = _COMMENTS.sub("", scrape.jobs).replace("{", f"{where},").replace("\n", time)
    own = (
        line.replace("{", f"{where},") if "{" in line else line.replace(" ", f"{where}}} ")
        for line in _own(scrape.own, metrics)
    )
    return up + jobs + "".join(line + time for line in own)


def _own(text: str, metrics: Collection[str]) -> Iterator[str]:
    return (line for line in text.splitlines() if line.partition("{")[0].partition(" ")[0] in metrics)


def backfill(scrapes: Iterable[Scrape], metrics: Collection[str], promtool: Path, directory: Path) -> int:
    """Lay the blocks into ``directory`` and return how many samples they hold. Raise RuntimeError with promtool's words."""
    running: subprocess.Popen[str] | None = None
    count = number = 0
    chunk: list[str] = []

    def flush() -> None:
        nonlocal running, number
        _finish(running)
        running = _laying(chunk, promtool, directory, number % 2)
        chunk.clear()
        number += 1

    for scrape in scrapes:
        text = lines(scrape, metrics)
        count += text.count("\n")
        chunk.append(text)
        if len(chunk) == _CHUNK:
            flush()
    if chunk:
        flush()
    _finish(running)
    return count


def lay(lines: Iterable[str], promtool: Path, directory: Path) -> None:
    """Lay samples in the text format into a block in ``directory``. Raise RuntimeError with promtool's words."""
    _finish(_laying(lines, promtool, directory, 0))


def _laying(lines: Iterable[str], promtool: Path, directory: Path, number: int) -> subprocess.Popen[str]:
    file = directory.parent / f"samples-{number}.txt"
    with file.open("w", encoding="utf-8") as stream:
        stream.writelines(lines)
        stream.write("# EOF\n")
    command = [promtool, "tsdb", "create-blocks-from", "--max-block-duration=744h", "openmetrics", file, directory]
    return subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def _finish(running: subprocess.Popen[str] | None) -> None:
    if running is not None:
        _, told = running.communicate()
        if running.returncode:
            raise RuntimeError(f"promtool: {told}")
