"""A configuration, as ``check`` reads it: a case is the file."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from fuzz.target import Defect, Outcome, Target
from fuzz.yaml_text import YamlMutator, documented, keys_of, uncommented
from support.tools import ROOT

from exporter import fleet
from exporter.clock import Instant
from exporter.config import ConfigError, Problem, decode, examine, load
from exporter.config.model import Config
from exporter.config.shard import Shard
from exporter.telemetry import Telemetry

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence
    from pathlib import Path

    from exporter.config import Settings

FILE = "config.yaml"
_PAGES = ("README.md", "docs/checking.md", "docs/configuration.md", "docs/deploying.md", "docs/permissions.md")
_MOST_TARGETS = 50
_LINE = re.compile(r"[^\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]*")


class Configuration(Target):
    """See above."""

    def __init__(self, directory: Path) -> None:
        # Files that a configuration names are looked for beside it and in it.
        os.chdir(directory)
        (directory / "prices.yaml").write_text("currency: EUR\nprices: {eu-west-1: {ml.m5.large: 0.115}}\n")
        (directory / "ca.pem").write_text("no certificate")
        example = (ROOT / "config.example.yaml").read_text()
        texts = [example, uncommented(example), *_MORE, *documented(*_PAGES)]
        self._seeds = [text.encode() for text in texts if loads(text)]
        self._mutator = YamlMutator(self._seeds, [*keys_of(Config)], _VALUES)

    def seeds(self) -> Sequence[bytes]:
        """Return the example, and what the documentation shows."""
        return self._seeds

    def mutate(self, rng: random.Random, case: bytes) -> bytes:
        """Change the tree, else the text."""
        return self._mutator.mutate(rng, case)

    def run(self, case: bytes) -> Outcome:
        """Check it, and have targets made of what can be used."""
        try:
            text = decode(case, FILE)
        except ConfigError as error:
            check_problems(error.problems)
            return Outcome("not UTF-8", deep=False)
        deep = loads(text)
        found = examine(text, FILE, "eu-west-1", _ENVIRONMENT)
        check_problems((*found.errors, *found.doubts))
        if found.settings is None:
            if not found.errors:
                raise Defect("neither settings nor a mistake")
            return Outcome("mistakes" if deep else "not a mapping of YAML", deep)
        if found.errors:
            raise Defect("settings in spite of mistakes")
        _use(found.settings)
        return Outcome("usable, with doubts" if found.doubts else "usable", deep)


def loads(text: str) -> bool:
    """Whether the YAML can be read, whatever it says."""
    try:
        load.load(text, FILE)
    except ConfigError:
        return False
    return True


def check_problems(problems: Sequence[Problem]) -> None:
    """Raise Defect for what nobody could read, or find in the file."""
    for each in problems:
        if not each.message or not _LINE.fullmatch(str(each)) or len(str(each)) > 4_000:
            raise Defect(f"a message is not one short line: {str(each)[:200]!r}")
        if each.line is not None and each.line < 1:
            raise Defect("a line before the first")


def _use(settings: Settings) -> None:
    telemetry = Telemetry(lasts=False)
    for spec in Shard(0, 2).part(settings).targets[:_MOST_TARGETS]:
        fleet.Target(spec, telemetry, Instant(1_764_500_000.0, 0.0)).next(Instant(1_764_500_000.0, 1.0))


_ENVIRONMENT = {"HOME": "/nonexistent", "AWS_CONFIG_FILE": "/nonexistent/config"}
_VALUES: dict[str, list[Any]] = {
    "prices_file": ["prices.yaml", "ca.pem", "missing.yaml", ".", "/dev/null"],
    "ca_bundle": ["ca.pem", "missing.pem"],
}
_MORE = (
    "tuning_jobs: [a]\n",
    "tuning_jobs: []\n",
    "discover: [{}]\naws: {region: us-gov-west-1, use_fips: true}\n",
    (
        "aws: {regions: [eu-west-1, us-east-1], accounts: [123456789012, 012345678901], role_name: r}\ndiscover:\n"
        "  - {name_regex: '^(?P<team>[a-z]+)-(?P<run>[0-9]{6})$', tags: {env: [prod, dev], x: {regex: '^a'}, y: {exists: false}}}\n"
    ),
    (
        "aws: {region: eu-west-1}\ndiscover:\n  - organization: {role_name: r, include_ous: [ou-ab12-34cd56ef], exclude_accounts: [333333333333]}\n"
        "    exclude: [{name_contains: test, statuses: [Failed], tags: {skip: 'true'}}]\n    max_jobs: 7\n"
    ),
    "x-a: &a {region: eu-west-1, labels: {team: a}}\ntuning_jobs:\n  - {<<: *a, name: one}\n  - {<<: *a, name: two, labels: {team: b}}\n",
    (
        "collect: [training_jobs, definitions]\nspend: {prices_file: prices.yaml, billable: search, interval: 1m}\n"
        "tuning_jobs: [{name: a, budget: 10.5}]\nfailures: {classes: [{reason: b, regex: '(?i)x{1,3}'}]}\ntag_labels: [team, cost-center]\n"
    ),
)
