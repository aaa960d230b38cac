"""What is left of a text when the commands are taken out of it."""

from __future__ import annotations

import string
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.tuning_job.texts import plain, without_commands


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("CUDA out of memory", "CUDA out of memory"),
        ('ExitCode 1\nCommand "python train.py --lr 0.1 x"', "ExitCode 1\nCommand ***"),
        ('Command "python train.py x", exit code: 1', "Command ***, exit code: 1"),
        ('Command "python train.py x"\nTraceback: no "x"', 'Command ***\nTraceback: no "x"'),
        ('Command "python train.py x" Traceback', "Command *** Traceback"),
        ('Command "python train.py --name "my run" --password x" Traceback', "Command *** Traceback"),
        ('Command "python train.py --name "my\nrun" x", exit code: 1', "Command ***, exit code: 1"),
        ('Command "python train.py {"a":\n"b"\n} x"\nTraceback', "Command ***\nTraceback"),
        ('Command "python train.py --name "my ru', "Command ***"),
        (
            "Command 'python train.py x' returned non-zero exit status 1.",
            "Command *** returned non-zero exit status 1.",
        ),
        ("Command 'sh -c \"echo 'a' failed\" x' timed out after 3 s", "Command *** timed out after 3 s"),
        (
            "Command '['python', '--pw', 'x']' died with <Signals.SIGKILL: 9>.",
            "Command *** died with <Signals.SIGKILL: 9>.",
        ),
        ("Command '['python', \"it's\", '[1, 2]', 'x']' returned 1", "Command *** returned 1"),
        ("Command '['python', '--pw', 'x", "Command ***"),
        ("Command 'nvidia-smi' is missing: CUDA out of memory", "Command *** is missing: CUDA out of memory"),
        ('Command "/bin/sh" -c "x y" there', "Command *** --*** there"),
        ("error: command 'gcc' failed with exit status 1", "error: command *** failed with exit status 1"),
        ("a commander's 'x' and the command of it", "a commander's 'x' and the command of it"),
        ("argv ['train.py', '--pw', 'x', 0.1, None] there", "argv [***] there"),
        ('SM_USER_ARGS=["--lr","0.1","--pw","x"]', "SM_USER_ARGS=[***]"),
        ("[PosixPath('a.py'), '--pw', 'it\\'s', \"x\"]", "[PosixPath('a.py'), ***]"),
        ("['--pw', 'x", "[***"),
        ("columns ['a', 'b'] and ('c', 'd)", "columns ['a', 'b'] and ('c', 'd)"),
        ("no such option: '--x'", "no such option: '--***'"),
        ("--lr 0.1 --user=me -v", "--*** --*** --***"),
        ("--name 'a b' --of=\"c d\" e", "--*** --*** e"),
        ("usage: a.py [-h] [--lr", "usage: a.py [--***] [--***"),
        ("argument --lr: invalid", "argument --***: invalid"),
        ("unrecognized arguments: a b\nthen", "unrecognized arguments: ***\nthen"),
        ("ExitCode -11 at step 3 - done, non-zero", "ExitCode -11 at step 3 - done, non-zero"),
    ],
)
def test_commands_and_their_arguments_are_taken_out(text: str, left: str) -> None:
    assert without_commands(text) == left


ARGUMENT = st.text(st.sampled_from(string.ascii_letters + " '\"[]{},:=\\-_/.\n\u00e9"), max_size=12)


@given(st.lists(ARGUMENT, max_size=5), ARGUMENT, st.sampled_from(["Traceback", "died with 9", ""]))
@example(["--x", "a']' died"], "", "")
def test_no_argument_after_an_option_is_left_of_python_s_list(before: list[str], after: str, then: str) -> None:
    command = ["python", *before, "--password", "hunter2", after]
    assert "hunter2" not in without_commands(f"CalledProcessError: Command '{command}' {then}")


@given(
    st.lists(st.text(string.ascii_letters + "-_=./ 0123456789", max_size=12), max_size=5),
    st.sampled_from(["", '"', '", exit code: 1']),
)
def test_no_argument_is_left_of_a_toolkit_s_command(arguments: list[str], end: str) -> None:
    command = " ".join(f'--x "{each}"' for each in arguments)
    told = without_commands(f'ErrorMessage "bad" Command "python {command} hunter2{end}')
    assert "hunter2" not in told
    assert told.startswith('ErrorMessage "bad" Command ***')


@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    assert without_commands(without_commands(text)) is not None
    assert plain(plain(text)) == plain(text)


def test_a_plain_text_has_usual_letters_and_no_colors() -> None:
    assert plain("\x1b[1;31mred\x1b[0m s3\uff1a\uff0f\uff0f\uff11\u200b\u202e") == "red s3://1"


@pytest.mark.parametrize(
    "text",
    [
        "--a " * 25_000,
        "--a '" * 20_000,
        'Command "' * 10_000,
        "Command '[" * 10_000,
        "['--a'," * 10_000,
        "['a', " * 15_000,
        "('" * 40_000,
        ",\"'" * 30_000,
        "[ " * 50_000,
        'Command "' + '" ' * 50_000,
        "\x1b[1" * 30_000,
        "unrecognized arguments: " * 4_000,
    ],
)
def test_no_text_takes_long(text: str) -> None:
    started = time.process_time()
    without_commands(plain(text))
    assert time.process_time() - started < 1
