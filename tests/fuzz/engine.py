"""Where cases come from: a search that is guided by which branches a case reaches, or a blind one without such help."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import pkgutil
import random
import sys
import tempfile
import time
import traceback
from collections import deque
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fuzz.watch import Watch, bound_memory, peak_memory
from support.tools import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fuzz.target import Target

FOUND = ROOT / "tests" / "fixtures" / "fuzz"
"""Cases that once broke something, by target: tests take them in again for ever."""

CORPUS = ROOT / "build" / "fuzz"
"""What the guided search has come to, to go on from the next time."""

TARGETS = {
    "answers": ("fuzz.answers", "Answers"),
    "configuration": ("fuzz.configuration", "Configuration"),
    "web-configuration": ("fuzz.web_configuration", "WebConfiguration"),
    "requests": ("fuzz.http_requests", "HttpRequests"),
    "command-line": ("fuzz.command_line", "CommandLine"),
}

_LONGEST_CASE = 256 * 1024
_FOLLOWED = 0.05
"""The share of what blind mutation makes that it goes on from."""

_MOST_FOLLOWED, _LONGEST_FOLLOWED = 1_000, 16 * 1024
"""How many of these there are at a time, and how long one may be: the memory that is watched is the exporter's."""


class Budget(NamedTuple):
    """When to stop: after so many cases, or so many seconds, whichever comes first."""

    cases: int
    seconds: float


@dataclass
class Report:
    """What came of a target."""

    target: str
    cases: int
    seconds: float
    deep: int
    outcomes: dict[str, int]
    worst_seconds: float
    peak_memory: int
    grown: int
    findings: dict[str, str]
    """By what each is and where it came up: the file that has its case, and the traceback."""


class Run:
    """A run of one target in this process, which it is to end."""

    def __init__(self, name: str, target: Target, budget: Budget, found: Path) -> None:
        self.name = name
        self.target = target
        self._budget = budget
        self._found = found
        self._watch = Watch(target)
        self._began = time.monotonic()

    @property
    def over(self) -> bool:
        """Whether the budget is spent."""
        return self._watch.cases >= self._budget.cases or time.monotonic() - self._began >= self._budget.seconds

    def take(self, case: bytes) -> None:
        """Take a case in."""
        self._watch.take(case)

    def report(self) -> Report:
        """Keep what was found, and tell it."""
        watch, files = self._watch, {}
        for place, finding in watch.findings.items():
            file = self._found / self.name / sha256(finding.case).hexdigest()[:12]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(finding.case)
            files[place] = f"{file}\n{''.join(traceback.format_exception(finding.error, limit=-8))}"
        return Report(
            self.name, watch.cases, time.monotonic() - self._began, watch.deep, dict(watch.outcomes), watch.worst_seconds,
            peak_memory(), watch.grown, files,
        )  # fmt: skip


def made(name: str, directory: Path, around: Callable[[Sequence[str]], Any] | None = None) -> Target:
    """Return a target. ``around`` is given the packages that guide it, and returns a context to import them in."""
    module, kind = TARGETS[name]
    if around is not None:
        with around(_COVERS[name]), contextlib.redirect_stderr(io.StringIO()):
            for package in _COVERS[name]:
                _import_all(package)
    found: Target = getattr(importlib.import_module(module), kind)(directory)
    return found


_COVERS: dict[str, Sequence[str]] = {
    "answers": ("exporter.sagemaker", "exporter.tuning_job", "exporter.fleet", "exporter.exposition"),
    "configuration": ("exporter.config",),
    "web-configuration": ("exporter.web.webconfig", "exporter.config"),
    "requests": ("exporter.web",),
    "command-line": ("exporter.cli", "exporter.recording", "exporter.permissions"),
}
"""The packages whose branches guide the search of a target: those that read what comes in."""


def _import_all(package: str) -> None:
    found = importlib.import_module(package)
    for each in pkgutil.walk_packages(found.__path__, f"{package}."):
        importlib.import_module(each.name)


def blind(name: str, budget: Budget, seed: int, found: Path) -> Report:
    """Take in what was found before, which does not count for the budget, the seeds, and then mutations of all these."""
    kept = [file.read_bytes() for file in sorted((FOUND / name).glob("*"))]
    with tempfile.TemporaryDirectory() as directory:
        target = made(name, Path(directory).resolve())
        seeds, rng = [*kept, *target.seeds()], random.Random(seed)
        followed: deque[bytes] = deque(maxlen=_MOST_FOLLOWED)
        run = Run(name, target, budget._replace(cases=budget.cases + len(kept)), found)
        for case in seeds:
            if not run.over:
                run.take(case)
        while not run.over:
            before = rng.choice(followed) if followed and rng.random() < 0.5 else rng.choice(seeds)
            case = target.mutate(rng, before)[:_LONGEST_CASE]
            if rng.random() < _FOLLOWED and len(case) <= _LONGEST_FOLLOWED:
                followed.append(case)
            run.take(case)
        return run.report()


def guided(name: str, budget: Budget, seed: int, found: Path, result: Path) -> None:
    """Search as libFuzzer does, write the report to ``result`` and end the process."""
    import atheris

    with tempfile.TemporaryDirectory() as directory, tempfile.TemporaryDirectory() as seeds:
        target = made(name, Path(directory).resolve(), lambda covers: atheris.instrument_imports(include=[*covers]))
        for number, case in enumerate(target.seeds()):
            (Path(seeds) / f"{number:04}").write_bytes(case)
        corpus, kept = CORPUS / name, [str(FOUND / name)] if (FOUND / name).is_dir() else []
        corpus.mkdir(parents=True, exist_ok=True)
        run = Run(name, target, budget, found)

        def one(case: bytes) -> None:
            run.take(case)
            if run.over:  # libFuzzer would end the process itself, without a report
                result.write_text(json.dumps(asdict(run.report())))
                os._exit(0)

        def mutated(case: bytes, most: int, chance: int) -> bytes:
            rng = random.Random(chance)
            if rng.random() < 0.05:
                return bytes(atheris.Mutate(case, most))
            return target.mutate(rng, case)[:most]

        # Time and memory are watched here, where a case that breaks a limit is kept and the search goes on.
        flags = ["-timeout=0", "-rss_limit_mb=0", "-verbosity=0", f"-max_len={_LONGEST_CASE}", f"-seed={seed}"]
        atheris.Setup([sys.argv[0], *flags, str(corpus), seeds, *kept], one, custom_mutator=mutated)
        bound_memory()
        atheris.Fuzz()
