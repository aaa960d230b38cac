"""The configuration file when it is not what it was: each time the old configuration stays until it is back."""

from __future__ import annotations

import os
import signal

import pytest
from environment.process import command, configuration
from support.processes import wait_until


def vanish(file):
    file.unlink()


def become_unreadable(file):
    file.chmod(0)


def become_a_directory(file):
    file.unlink()
    file.mkdir()


def become_a_socket(file):
    file.unlink()
    os.mknod(file, 0o600 | 0o140000)


def become_huge(file):
    file.write_text("tuning_jobs:\n" + "  - same-name\n" * 1_100_000)


def become_empty(file):
    file.write_text("")


def become_a_pipe(file):
    file.unlink()
    os.mkfifo(file)


def become_a_device(file):
    file.unlink()
    file.symlink_to("/dev/zero")


def become_a_terabyte(file):
    with file.open("wb") as sparse:
        sparse.truncate(1 << 40)


def become_directives(file):
    file.write_text("".join(f"%TAG !t{n}! tag:x\n" for n in range(20_000)) + "---\ntuning_jobs: [one]\n")


NO_FILE = (become_a_pipe, become_a_device, become_a_terabyte, become_directives)


def test_what_may_become_of_the_file(run, file, endpoint):
    # Root may read every file, unless that is taken away.
    wrapper = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.getuid() == 0 else []
    exporter = run(file, arguments=[*wrapper, *command(file, "--no-config.auto-reload")])
    exporter.wait_for_up("one")
    for happen in (vanish, become_unreadable, become_a_directory, become_a_socket, become_huge, become_empty, *NO_FILE):
        happen(file)
        exporter.send(signal.SIGHUP)
        wait_until(lambda: exporter.reload_successful() == 0, what=f"{happen.__name__} to be noticed")
        assert exporter.up() == {"one": 1}, happen.__name__
        assert exporter.get("/-/healthy").status_code == 200
        if file.is_dir():
            file.rmdir()
        else:
            file.unlink(missing_ok=True)
        file.write_text(configuration(endpoint, "one"))
        exporter.send(signal.SIGHUP)
        wait_until(lambda: exporter.reload_successful() == 1, what=f"the return after {happen.__name__}")
    assert exporter.up() == {"one": 1}
    assert "Traceback" not in exporter.output()


@pytest.mark.parametrize(
    ("become", "told"),
    [
        (become_a_pipe, "is an empty pipe that no process writes to"),
        (become_directives, "directives are not used here"),
    ],
)
def test_no_start_with_what_is_no_configuration(run, file, become, told):
    become(file)
    exporter = run(file)
    assert exporter.wait() == 1
    assert exporter.output().startswith(str(file))
    assert told in exporter.output()
    assert "Traceback" not in exporter.output()


def test_a_reload_that_hangs_over_the_file_hides_nothing_and_holds_up_no_end(run, file):
    exporter = run(file, "--no-config.auto-reload")
    exporter.wait_for_up("one")
    file.unlink()
    writer = hold(file)
    try:
        exporter.send(signal.SIGHUP)
        wait_until(lambda: exporter.has_open(file), what="the reload to read")
        rounds = exporter.rounds()
        wait_until(lambda: exporter.rounds() > rounds + 1, what="rounds")
        assert exporter.get("/-/healthy").status_code == 200
        exporter.end(signal.SIGTERM)
    finally:
        os.close(writer)


def test_a_configuration_from_a_pipe(run, tmp_path, endpoint):
    """The shell's ``<(…)``: what is read once is gone."""
    reading, writing = os.pipe()
    exporter = run(f"/dev/fd/{reading}", pass_fds=[reading])
    os.close(reading)
    text = configuration(endpoint, "one").encode()
    os.write(writing, text[:50])
    os.write(writing, text[50:])
    os.close(writing)
    exporter.wait_for_up("one")
    exporter.send(signal.SIGHUP)
    wait_until(lambda: exporter.reload_successful() == 0, what="the refusal")
    assert "is an empty pipe that no process writes to" in exporter.output()
    assert exporter.up() == {"one": 1}


def test_a_configuration_from_a_named_pipe(run, tmp_path, endpoint):
    file = tmp_path / "pipe"
    writer = hold(file)
    exporter = run(file)
    wait_until(lambda: exporter.has_open(file), what="the exporter to read")
    os.write(writer, configuration(endpoint, "one").encode())
    os.close(writer)
    exporter.wait_for_up("one")


def hold(pipe):
    """Make a named pipe and return a descriptor that writes to it, without waiting for a reader."""
    os.mkfifo(pipe)
    return os.open(pipe, os.O_RDWR)
