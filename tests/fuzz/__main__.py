"""Attack each way into the exporter with cases that nobody thought of: ``python -m fuzz [TARGET...]``.

Each target has a process of its own. What breaks a promise is put into tests/fixtures/fuzz, where the tests find it.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

import pytest
from fuzz.engine import FOUND, TARGETS, Budget, Report, blind, guided
from fuzz.target import LONGEST_SECONDS
from fuzz.watch import MOST_MEMORY
from support.isolation import isolate

_MOST_OUTCOMES = 8
_MOST_SAID = 5_000


def main() -> int:
    """Run the targets one after the other and print a table; return 1 if something was found."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)} [default: all]")
    parser.add_argument("--cases", type=int, help="how many at most, for each target")
    parser.add_argument(
        "--seconds", type=float, help="how long at most, for each target [default: 60, or as long as the cases take]"
    )
    parser.add_argument("--seed", type=int, default=1, help="decides what the cases are")
    parser.add_argument("--blind", action="store_true", help="without a guide, and so without atheris")
    parser.add_argument(
        "--keep", type=Path, default=FOUND, metavar="DIR", help="where what is found is kept [default: %(default)s]"
    )
    parser.add_argument("--result", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if unknown := [name for name in given.targets if name not in TARGETS]:
        parser.error(f"there is no target {unknown[0]}: choose from {', '.join(TARGETS)}")
    if not given.blind and find_spec("atheris") is None:
        parser.error("atheris is not installed: `make fuzz` does it on Linux, and --blind does without")
    if given.result is not None:
        _one(given)
        return 0
    reports, broken = [], False
    for name in given.targets or TARGETS:
        with tempfile.TemporaryDirectory() as directory:
            result = Path(directory) / "result"
            flags = [flag for flag in sys.argv[1:] if flag not in TARGETS]
            command = [sys.executable, "-m", "fuzz", *flags, f"--result={result}", name]
            # A guided search ends without cleaning up.
            environment = os.environ | {"TMPDIR": directory}
            ended = subprocess.run(
                command, check=False, capture_output=True, text=True, errors="replace", env=environment
            )
            if ended.returncode or not result.exists():
                said = f"{ended.stdout}{ended.stderr}"[-_MOST_SAID:]
                print(
                    f"{said}\n{name}: the process ended with {ended.returncode}, which is a defect too", file=sys.stderr
                )
                broken = True
                continue
            reports.append(Report(**json.loads(result.read_text())))
    print(table(reports))
    return 1 if broken or any(report.findings for report in reports) else 0


def _one(given: argparse.Namespace) -> None:
    [name] = given.targets
    with pytest.MonkeyPatch.context() as patch:
        isolate(patch)
        budget = Budget(given.cases or sys.maxsize, given.seconds or (math.inf if given.cases else 60.0))
        if given.blind:
            report = blind(name, budget, given.seed, given.keep)
            given.result.write_text(json.dumps(asdict(report)))
        else:
            guided(name, budget, given.seed, given.keep, given.result)


def table(reports: list[Report]) -> str:
    """Return what is told of all targets."""
    rows = [
        "| target | cases | seconds | past the first parser | outcomes | longest case | peak memory | memory that stayed | defects |"
    ]
    rows.append("|---|---|---|---|---|---|---|---|---|")
    for each in reports:
        share = each.deep / each.cases if each.cases else 0.0
        rows.append(
            f"| {each.target} | {each.cases:,} | {each.seconds:,.0f} | {share:.0%} | {len(each.outcomes)} |"
            f" {each.worst_seconds:.2f} s | {each.peak_memory >> 20} MiB | {each.grown >> 20} MiB | {len(each.findings)} |"
        )
    rows.append(
        f"\nA case may take {LONGEST_SECONDS:g} s of CPU (the command `plan` may take more). A target may use {MOST_MEMORY >> 20} MiB of memory."
    )
    for each in reports:
        most = sorted(each.outcomes.items(), key=lambda pair: -pair[1])[:_MOST_OUTCOMES]
        rows.append(f"{each.target}: {', '.join(f'{count:,} {kind}' for kind, count in most)}")
        rows += [f"  DEFECT {place}\n    {file}" for place, file in each.findings.items()]
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
