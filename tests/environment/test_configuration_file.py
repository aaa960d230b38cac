"""The configuration file when it is not what it was: each time the old configuration stays until it is back."""

from __future__ import annotations

import os
import signal

from environment.process import QUIT_SECONDS, command, configuration
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


def test_what_may_become_of_the_file(run, file, endpoint):
    # Root may read every file, unless that is taken away.
    wrapper = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.getuid() == 0 else []
    exporter = run(file, arguments=[*wrapper, *command(file, "--no-config.auto-reload")])
    exporter.wait_for_up("one")
    for happen in (vanish, become_unreadable, become_a_directory, become_a_socket, become_huge, become_empty):
        happen(file)
        exporter.send(signal.SIGHUP)
        wait_until(lambda: exporter.reload_successful() == 0, timeout=20, what=f"{happen.__name__} to be noticed")
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


def test_a_reload_that_hangs_over_the_file_hides_nothing_and_holds_up_no_end(run, file):
    exporter = run(file, "--no-config.auto-reload")
    exporter.wait_for_up("one")
    file.unlink()
    os.mkfifo(file)
    exporter.send(signal.SIGHUP)
    writer = wait_until(lambda: open_if_read(file), what="the reload to read")
    try:
        rounds = exporter.rounds()
        wait_until(lambda: exporter.rounds() > rounds + 1, what="rounds")
        assert exporter.get("/-/healthy").status_code == 200
        assert exporter.seconds_to_end(signal.SIGTERM) < QUIT_SECONDS
    finally:
        os.close(writer)


def test_a_configuration_from_a_pipe(run, tmp_path, endpoint):
    """The shell's ``<(…)``: what is read once is gone."""
    file = tmp_path / "pipe"
    os.mkfifo(file)
    exporter = run(file)
    writer = wait_until(lambda: open_if_read(file), what="the exporter to read")
    os.write(writer, configuration(endpoint, "one").encode())
    os.close(writer)
    exporter.wait_for_up("one")


def open_if_read(pipe):
    """Return a descriptor that writes to a named pipe which somebody reads or waits to; None if nobody does."""
    try:
        return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None
