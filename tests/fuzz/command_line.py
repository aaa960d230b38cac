"""Command lines, as ``main`` gets them: a case is the words, one a line, and below an empty line what is in the file ``given``.

The file is compressed before it is put down if the words ask for ``replay``, since that is what a recording is. Everything
happens in a folder of its own, and behind a wall: nothing is listened on, reached, started, or written elsewhere.
"""

from __future__ import annotations

import gzip
import json
import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from fuzz.mutate import TOKENS, another_tree, gathered, other_bytes
from fuzz.surroundings import Wall, process_as_it_was, stream, streams, text_of, without_waiting
from fuzz.target import Defect, Outcome, Target
from recording.files import ARN, CALL, LIST, USABLE
from support.isolation import AWS_ENVIRONMENT

from exporter.cli import COMMANDS, main, module
from exporter.cli.aws.arguments import ExitCode
from exporter.cli.failures import BUG
from exporter.recording.file import FORMAT, VERSION

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Sequence
    from pathlib import Path

CONFIG = "aws: {region: eu-west-1, sign_requests: false}\ntuning_jobs: [churn]\n"
_GIVEN = "given"
_PLAN_SECONDS = 60.0
_CODES = {0, 1, 2, 130, *map(int, ExitCode)}

_WORDS = (
    *(
        "config.yaml",
        "rules.yaml",
        "broken.yaml",
        "web.yaml",
        "offer.json",
        "missing",
        "-",
        ".",
        "/",
        "/dev/null",
        "/dev/zero",
        "given",
        "",
        "new",
    ),
    *(
        "churn",
        ARN + "churn",
        "eu-west-1",
        "cn-north-1",
        "nowhere-1",
        "10",
        "0",
        "-1",
        "1e9",
        "1e400",
        "nan",
        "٣",
        "5m",
        "0s",
        "1000w",
    ),
    *(
        ":0",
        "127.0.0.1:0",
        "[::1]:8",
        "x:y",
        "host:99999999",
        ":8,:9",
        "http://x",
        "http://[",
        "https://u:p@h/a?b",
        "/a/b",
        "//",
        "a b",
    ),
    *(
        "json",
        "text",
        "table",
        "yaml",
        "yaml-stream",
        "openmetrics",
        "terraform",
        "cloudformation",
        "irsa",
        "pod-identity",
        "logfmt",
    ),
    *(
        "debug",
        "warn",
        "throttled:0.5",
        "denied@Search",
        "slow=3/churn",
        "bash",
        "zsh",
        "input",
        "yaml-input",
        "output",
        "EUR",
        "A" * 9_000,
    ),
    *(
        "HyperParameterTuningJobName",
        "[",
        "*.*.*",
        "keys(@)",
        "{}",
        '{"HyperParameterTuningJobName": "a"}',
        "file://config.yaml",
        "\udcff",
        "🚀",
    ),
)


class CommandLine(Target):
    """See above."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory.resolve()
        os.chdir(directory)
        for name in [name for name in os.environ if name.startswith(("AWS_", "SAGEMAKER_TUNING_EXPORTER_"))]:
            del os.environ[name]
        os.environ.update(AWS_ENVIRONMENT)
        self._files = {
            "config.yaml": CONFIG.encode(),
            "rules.yaml": CONFIG.encode() + b"discover: [{name_contains: a, tags: {env: x}}]\n",
            "broken.yaml": b"tuning_job: churn\n",
            "web.yaml": b"basic_auth_users: {alice: $2b$04$" + b"." * 53 + b"}\n",
            "offer.json": json.dumps(_OFFER).encode(),
        }
        for name, content in self._files.items():
            (directory / name).write_bytes(content)
        self._flags = {name: [*_flags(name)] for name in (*COMMANDS, "run")}
        self._seeds = [*_seeds()]
        self._known = gathered([_OFFER, *_RECORDING])
        self._wall = Wall(self._directory)

    def seeds(self) -> Sequence[bytes]:
        """Return each command, as it is shown in its help, and with each of its options."""
        return self._seeds

    def mutate(self, rng: random.Random, case: bytes) -> bytes:
        """Change a word, or what is in the file."""
        head, separator, content = case.partition(b"\n\n")
        words = head.split(b"\n") if head else []
        if separator and rng.random() < 0.6:
            return head + separator + self._another_content(rng, content)
        flags = self._flags.get(words[0].decode(errors="replace") if words else "run", self._flags["run"])
        at = rng.randint(0, len(words))
        match rng.randrange(8):
            case 0 if at:
                words[at : at + 1] = []
            case 1 if at:
                words[at : at + 1] = [_word(rng)]
            case 2 | 3 | 4:
                words[max(at, 1) : max(at, 1)] = _option(rng, flags)
            case 5 if at < len(words):
                words[at] = other_bytes(
                    rng, words[at], [word.encode("utf-8", "surrogateescape") for word in _WORDS]
                ).replace(b"\n", b"")
            case 6 if rng.random() < 0.2:
                words[:1] = [rng.choice([*COMMANDS]).encode()]
            case _:
                words.insert(at, _word(rng))
        return b"\n".join(word for word in words if word or rng.random() < 0.5) + separator + content

    def seconds(self, case: bytes) -> float:
        """Return more for ``plan``, which plays a whole day."""
        return _PLAN_SECONDS if case.startswith(b"plan") else super().seconds(case)

    def run(self, case: bytes) -> Outcome:
        """Run it, and look at the exit code and at what was printed."""
        head, given, content = case.partition(b"\n\n")
        words = (
            [word.decode("utf-8", "surrogateescape").replace("\0", "") for word in head.split(b"\n")] if head else []
        )
        self._put_down(words, content if given else b"")
        out, error = stream(), stream()
        with self._wall.up(), process_as_it_was(), without_waiting(), streams(CONFIG.encode(), out, error):
            try:
                code = main(words)
            except SystemExit as exited:
                code = exited.code if isinstance(exited.code, int) else 1
        said = text_of(error)
        _check(code, said, text_of(out), debug="--debug" in words)
        command = words[0] if words and words[0] in COMMANDS else "run"
        usage = code == 2 or (code == ExitCode.USAGE and command == "describe")
        return Outcome(f"{command}: exit {code}", not usage)

    def _put_down(self, words: Sequence[str], content: bytes) -> None:
        for path in self._directory.iterdir():
            if path.name not in self._files:
                path.unlink()
        if "replay" in words[:1] and content.startswith(b"{"):
            content = gzip.compress(content, 1, mtime=0)
        (self._directory / _GIVEN).write_bytes(content)

    def _another_content(self, rng: random.Random, content: bytes) -> bytes:
        lines = content.split(b"\n")
        at = rng.randrange(len(lines))
        try:
            tree = json.loads(lines[at])
        except (ValueError, RecursionError):
            return other_bytes(rng, content, TOKENS)
        if rng.random() < 0.1:
            return other_bytes(rng, content, TOKENS, self._seeds)
        if rng.random() < 0.1:
            lines.insert(at, rng.choice(lines))
        lines[at] = json.dumps(another_tree(rng, tree, [*self._known], self._known)).encode()
        return b"\n".join(lines)


def _check(code: int, said: str, printed: str, *, debug: bool) -> None:
    """Raise Defect for what no command may do. With ``debug``, ``describe`` prints tracebacks as the AWS CLI does."""
    if BUG in said or (not debug and "Traceback" in said) or "Traceback" in printed:
        raise Defect(f"main says: {' '.join(re.findall('[A-Za-z]+ at [^ :]+:[0-9]+', said)) or said[-300:]}")
    if code not in _CODES:
        raise Defect(f"exit code {code}")
    if code and not said and not printed:
        raise Defect(f"exit code {code} without a word")
    if _UNPRINTABLE.search(said):
        raise Defect("standard error has characters that steer a terminal")


_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class _Flag(NamedTuple):
    """An option, and what may be written behind it."""

    name: str
    valued: bool
    values: Sequence[str]


def _flags(command: str) -> Iterator[_Flag]:
    """Yield the options of a command."""
    for action in module(command).parser()._actions:
        for flag in action.option_strings:
            fitting = (
                action.choices if isinstance(action.choices, list | tuple) else _FITTING.get(str(action.metavar), ())
            )
            yield _Flag(flag, action.nargs != 0, [*map(str, fitting)])


def _option(rng: random.Random, flags: Sequence[_Flag]) -> list[bytes]:
    flag = rng.choice(flags)
    name = flag.name.encode()
    if flag.valued != (rng.random() < 0.95):
        return [name]
    word = rng.choice(flag.values).encode() if flag.values and rng.random() < 0.8 else _word(rng)
    return [name + b"=" + word] if rng.random() < 0.5 else [name, word]


_FITTING: dict[str, Sequence[str]] = {
    "FILE": ("config.yaml", "rules.yaml", "web.yaml", "given", "offer.json", "new"),
    "N": ("1", "0", "7", "0.5", "100"),
    "SECONDS": ("0", "1", "2.5", "60"),
    "DURATION": ("1s", "5m", "500ms"),
    "ADDRESS": (":0", "127.0.0.1:0", "[::1]:8"),
    "REGION": ("eu-west-1", "cn-north-1"),
    "LEVEL": ("debug", "warn", "ERROR"),
    "FORMAT": ("logfmt", "json"),
    "URL": ("http://127.0.0.1:1", "https://x/y", "http://u:p@h/"),
    "PATH": ("/a/b", "/", "a"),
    "INDEX": ("0", "exporter-1"),
    "CURRENCY": ("USD", "CNY"),
    "JMESPATH": ("*.*", "HyperParameterTuningJobConfig.Strategy", "keys(@)", "sort_by(@, &a)"),
    "NAME": ("churn",),
    "JSON": ('{"HyperParameterTuningJobName": "a"}', "file://given"),
    "YAML": ("HyperParameterTuningJobName: a", "file://given"),
    "PROFILE": ("default", "a"),
}


def _word(rng: random.Random) -> bytes:
    return rng.choice(_WORDS).encode("utf-8", "surrogateescape")


_OFFER: dict[str, Any] = {
    "formatVersion": "v1.0",
    "offerCode": "AmazonSageMaker",
    "products": {
        "A1": {
            "sku": "A1",
            "productFamily": "ML Instance",
            "attributes": {
                "instanceName": "ml.m5.large",
                "regionCode": "eu-west-1",
                "component": "Training",
                "usagetype": "EU-Train:ml.m5.large",
            },
        }
    },
    "terms": {
        "OnDemand": {
            "A1": {"A1.T": {"priceDimensions": {"A1.T.R": {"unit": "Hrs", "pricePerUnit": {"USD": "0.1280000000"}}}}},
        }
    },
}
_RECORDING: list[Any] = [{"format": FORMAT, "version": VERSION, **USABLE}, CALL, LIST]


def _seeds() -> Iterator[bytes]:
    for command in COMMANDS:
        yield command.encode()
        for example in module(command).parser().examples:
            words = example.partition(" > ")[0].split()[1:]
            yield "\n".join(
                {"index.json": "offer.json", "fleet.rec": "given"}.get(word, word) for word in words
            ).encode()
        for flag in _flags(command):
            yield f"{command}\nconfig.yaml\n{flag.name}{f'={flag.values[0]}' if flag.values else ''}".encode()
    for flag in _flags("run"):
        yield f"{flag.name}{f'={flag.values[0]}' if flag.values else ''}".encode()
    for config in ("config.yaml", "given"):
        for command in ("check", "once", "plan", "iam-policy"):
            yield f"{command}\n{config}\n\n{CONFIG}".encode()
    yield b"prices\n--region=eu-west-1\n--from=given\n\n" + json.dumps(_OFFER).encode()
    recording = b"\n".join(json.dumps(line).encode() for line in _RECORDING) + b"\n"
    for more in (b"", b"\n--speed=60", b"\n--endpoint-only"):
        yield b"replay\ngiven" + more + b"\n\n" + recording
    yield b"check\n--web.config.file=given\n\nbasic_auth_users: {a: b}\n"
