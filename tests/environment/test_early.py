"""The first half second, before the daemon's code is imported: signals, and the environment."""

from __future__ import annotations

import platform
import signal
import subprocess
import sys

import pytest
from environment.process import command
from support.processes import PATIENCE


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 0), (signal.SIGHUP, 7)], ids=lambda value: str(int(value))
)
def test_before_anything_is_imported(number, code):
    """Importing the rest takes half a second."""
    script = (
        "import importlib, os, sys; from exporter import cli\n"
        f"def load(_): os.kill(os.getpid(), {int(number)}); sys.exit(7)\n"
        "importlib.import_module = load\n"
        "cli.main([])\n"
    )
    assert subprocess.run([sys.executable, "-c", script], timeout=PATIENCE, check=False).returncode == code


CAPITALS, SMALL = "PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"


@pytest.mark.parametrize(
    ("variable", "exists", "script"),
    [(CAPITALS, True, True), (CAPITALS, False, False), (SMALL, True, False), (SMALL, False, True)],  # each pair of two
)
def test_a_directory_for_servers_that_fork_is_ignored(run, file, tmp_path, variable, exists, script):
    directory = tmp_path / "metrics"
    if exists:
        directory.mkdir()
    arguments = command(file)
    if script:
        arguments[1:3] = ["-c", "import sys; from exporter.cli import main; sys.exit(main())"]
    exporter = run(file, arguments=arguments, environment={variable: str(directory)})
    exporter.wait_for_up("one")
    assert exporter.series("exporter_config_last_reload_successful") == {
        "sagemaker_tuning_exporter_config_last_reload_successful": 1
    }
    assert exporter.rounds() >= 1
    assert "process_resident_memory_bytes " in exporter.get("/metrics").text
    assert list(tmp_path.glob("**/*.db")) == []
    assert (list(directory.iterdir()) if exists else directory.exists()) in ([], False)
    exporter.end(signal.SIGTERM)
    assert "Traceback" not in exporter.output()


ARENAS = """
import ctypes, os, sys, threading
from exporter.cli import early
if len(sys.argv) > 1: early.share_arenas()
meeting = threading.Barrier(12)
def work():
    meeting.wait()
    held = [bytearray(5000) for _ in range(50)]
    meeting.wait()
threads = [threading.Thread(target=work) for _ in range(12)]
for each in threads: each.start()
for each in threads: each.join()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
libc.malloc_info.argtypes = (ctypes.c_int, ctypes.c_void_p)
libc.fflush.argtypes = (ctypes.c_void_p,)
out = libc.fopen(b"/dev/stdout", b"w")
libc.malloc_info(0, out)
libc.fflush(out)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has arenas")
def test_threads_share_two_arenas_unless_the_environment_says_otherwise(monkeypatch):
    for name in ("MALLOC_ARENA_MAX", "GLIBC_TUNABLES"):
        monkeypatch.delenv(name, raising=False)

    def arenas(*arguments):
        done = subprocess.run([sys.executable, "-c", ARENAS, *arguments], capture_output=True, text=True, check=True)
        return done.stdout.count("<heap ")

    assert arenas() > 2
    assert arenas("shared") == 2
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.arena_max=4")
    assert arenas("shared") > 2
    monkeypatch.delenv("GLIBC_TUNABLES")
    monkeypatch.setenv("MALLOC_ARENA_MAX", "4")
    assert arenas("shared") > 2
