"""What all commands have in common: help, names, errors, and how little they load to say so."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import suppress
from importlib import metadata

import pytest
from support.terminal import Terminal

from exporter import cli
from exporter.cli import COMMANDS, early, failures, main, options, version
from exporter.cli import run as daemon
from exporter.errors import UserError

ESCAPE = "\x1b["
LEVEL = "SAGEMAKER_TUNING_EXPORTER_LOG_LEVEL"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(early, "mind_signals", lambda: None)  # takes the signals of the process
    monkeypatch.delenv(LEVEL, raising=False)


def ended(arguments: list[str]) -> object:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return caught.value.code


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_in_a_pipe_and_at_a_terminal(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*filter(None, [command]), "--help"]
    assert ended(arguments) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"usage: {' '.join(['sagemaker-tuning-exporter', *arguments[:-1]])} ")
    assert ESCAPE not in out
    assert err == ""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    with Terminal() as terminal:
        monkeypatch.setattr(sys, "stdout", terminal.file)
        assert ended(arguments) == 0
    assert terminal.text.startswith("usage: ")
    assert ESCAPE not in terminal.text


def test_help_shows_all_commands_with_what_they_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "usage: sagemaker-tuning-exporter [OPTION ...] sagemaker-tuning-exporter COMMAND [OPTION ...]" in shown
    for name, summary in COMMANDS.items():
        assert f"{name} {summary}" in shown


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["chek"], "there is no command 'chek': did you mean check? The commands are check, completion, "),
        (["zzz"], "there is no command 'zzz': the commands are check, completion, "),
        (["--log.level=debug", "check"], "the command comes first: write sagemaker-tuning-exporter check [OPTION ...]"),
        (["--config-file", "x"], "unknown argument --config-file: did you mean --config.file?"),
        (
            ["simulate", "--listen-address=:1"],
            "unknown argument --listen-address=:1: did you mean --web.listen-address?",
        ),
        (["version", "now"], "unknown argument now\n"),
        (["my.yaml"], "there is no command 'my.yaml': if that is the configuration, write --config.file=my.yaml\n"),
        (["help"], "there is no command 'help': write --help\n"),
        (["serve"], "there is no command 'serve': leave it out, serving needs no command\n"),
        (["validate"], "there is no command 'validate': did you mean check? The commands are check, "),
        (["-c", "my.yaml"], "unknown argument -c: did you mean --config.file?"),
        (["--port=9090"], "unknown argument --port=9090: did you mean --web.listen-address?"),
        (["once", "-o", "x"], "unknown argument -o: did you mean --output?"),
        (["plan", "--joobs=5"], "unknown argument --joobs=5: did you mean --jobs?"),
        (["replay", "x.rec", "--format=json"], "unknown argument --format=json: did you mean --log.format?"),
        (["plan", "--config.file=a", "b"], "FILE and --config.file are the same: give one of them"),
    ],
)
def test_what_there_is_not_is_a_usage_error_with_what_was_meant(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(arguments) == 2
    out, err = capsys.readouterr()
    assert (out, err.startswith("usage: sagemaker-tuning-exporter")) == ("", True)
    assert told in err


def test_every_command_has_a_module_with_both_functions_and_names_its_flags_like_the_others() -> None:
    values: dict[str, set[object]] = {}
    for name in COMMANDS:
        module = cli.module(name)
        parser = module.parser()
        assert parser.prog == f"{options.PROGRAM} {name}"
        assert callable(module.run)
        for action in parser._actions:
            for flag in action.option_strings:
                values.setdefault(flag, set()).add(action.metavar)
    assert [flag for flag in values if re.search("listen|address|port", flag)] == ["--web.listen-address"]
    # A flag of the daemon's takes the same kind of value in every command.
    own = {flag: action.metavar for action in daemon.parser()._actions for flag in action.option_strings if "." in flag}
    assert {flag: values[flag] for flag in own if flag in values} == {
        flag: {own[flag]} for flag in own if flag in values
    }
    assert {flag for flag in values if "." in flag} <= own.keys()


def test_help_and_completion_load_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from exporter.cli import COMMANDS, module, run\n"
        "run.parser({name: module(name).parser() for name in COMMANDS})\n"
        "print(*sys.modules)\n"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "exporter.cli.demo" in loaded
    heavy = {
        "boto3",
        "botocore",
        "jinja2",
        "prometheus_client",
        "pydantic",
        "rich",
        "starlette",
        "structlog",
        "uvicorn",
        "yaml",
    }
    assert heavy.isdisjoint(loaded)


def test_the_daemon_loads_neither_a_command_nor_what_only_commands_use() -> None:
    code = "from exporter.cli import early; early.leave_out_rich(); import exporter.daemon, sys; print(*filter(sys.modules.get, sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"exporter.web.server", "structlog", "boto3"} <= set(loaded)
    assert {"rich", "shtab", "exporter.simulator", "exporter.cli.demo"}.isdisjoint(loaded)
    assert {"bcrypt", "exporter.web.gate", "exporter.web.tls", "exporter.web.webconfig"}.isdisjoint(loaded)


def raising(error: BaseException) -> int:
    def work() -> int:
        raise error

    return failures.guarded(work, [])


def test_what_the_user_can_put_right_is_told_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert raising(UserError("a.yaml is empty: write something")) == 1
    assert capsys.readouterr() == ("", "a.yaml is empty: write something\n")


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (BrokenPipeError(), 141)])
def test_ctrl_c_and_a_closed_pipe_end_quietly(
    error: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert raising(error) == code
    assert capsys.readouterr() == ("", "")


def test_streams_that_are_closed_are_no_defect_and_take_no_others_place(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = []
    for name, arguments in (
        ("stdin", ["check", "-"]),
        ("stdout", ["check", "none.yaml", "--format=json"]),
        ("stderr", ["check", "none.yaml"]),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(sys, name, None)
            assert main(arguments) == 1
            opened.append(getattr(sys, name))
    for each in opened:
        each.close()
    out, err = capsys.readouterr()
    assert out == ""  # what is for a closed standard error is printed nowhere
    assert err == (
        "standard input: the file is empty: write for example tuning_jobs: [my-tuning-job]\nstandard input: 1 mistake\n"
    )


@pytest.fixture
def defect(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(_: str) -> str:
        try:
            raise ValueError("hunter1")
        except ValueError:
            raise KeyError("hunter2") from None

    monkeypatch.setattr(metadata, "version", wrong)


@pytest.mark.usefixtures("defect")
def test_a_defect_is_a_sentence_with_its_place_and_how_to_see_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 1
    err = capsys.readouterr().err
    assert re.fullmatch(
        r"sagemaker-tuning-exporter: this is a bug in the exporter, KeyError at exporter/cli/version\.py:\d+: please report it;"
        rf" {LEVEL}=debug in the environment shows the traceback\n",
        err,
    )


@pytest.mark.usefixtures("defect")
def test_at_debug_level_it_has_its_traceback_without_the_texts_of_the_errors(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(LEVEL, "DEBUG")
    assert main(["version"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("Traceback (most recent call last):\n")
    assert f'File "{version.__file__}", line ' in err
    assert err.endswith(": please report it\n")
    assert "\nKeyError\n" in err
    assert "hunter1'" not in err.replace('"hunter1"', "")
    assert "KeyError: " not in err


@pytest.mark.parametrize(
    "flag", [["--log.level=debug"], ["--log.level", "debug"], ["--log.level=info", "--log.level=debug"]]
)
def test_the_flag_sets_that_level_too_and_wins(
    flag: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(LEVEL, "info")

    def work() -> int:
        raise IndexError

    assert failures.guarded(work, flag) == 1
    assert "\nIndexError\n" in capsys.readouterr().err
    assert failures.guarded(work, [*flag, "--log.level=info"]) == 1
    assert "Traceback" not in capsys.readouterr().err


def test_a_system_error_names_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert raising(FileNotFoundError(2, "No such file or directory", "there/is/none")) == 1
    assert capsys.readouterr().err.startswith(
        "sagemaker-tuning-exporter: there/is/none: No such file or directory; SAGEMAKER_TUNING_EXPORTER_LOG_LEVEL=debug"
    )


def test_output_that_nobody_takes_ends_a_real_process_quietly_or_is_told() -> None:
    command = [sys.executable, "-m", "exporter", "completion", "bash"]
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (141, "")
    with open("/dev/full", "w") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("sagemaker-tuning-exporter: standard output: No space left on device;")
    assert ended.stderr.count("\n") == 1


def test_version_tells_what_it_runs_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("SAGEMAKER_TUNING_EXPORTER_REVISION", "abc123")
    assert main(["version"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [options.PROGRAM, "revision", "python", "boto3", "botocore"]
    assert lines[1] == "revision abc123"
    assert ended(["--version"]) == 0
    assert capsys.readouterr().out == f"{lines[0]}\n"


@pytest.mark.parametrize(
    "words",
    [
        ["plan", "con\x12\x1b[2Jfig\u202e.yaml"],
        ["check", "con\x12\x1b[2Jfig\u202e.yaml"],
        ["describe", "churn", "--cli-read\r\x1b[2J-timeout=0"],
        ["simulate", "\x1b[2J"],
    ],
)
def test_what_an_error_repeats_cannot_control_a_terminal(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with suppress(SystemExit):
        assert main(words) != 0
    said = capsys.readouterr().err
    assert "[2J" in said
    assert all(character.isprintable() or character == "\n" for character in said), repr(said)
