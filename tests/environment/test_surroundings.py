"""Users, file systems, time zones and languages that a container may have or lack."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest
from environment.process import command, configuration
from support.processes import wait_until

STRANGER = 54321


def test_a_user_without_name_or_home_on_a_read_only_file_system(run, file):
    """As in a pod with runAsUser, readOnlyRootFilesystem and no more."""
    alone = ["unshare", "--mount", "--propagation=private"]
    if os.getuid() or subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("only root may become someone else and has mount namespaces")
    frozen = 'mount -o bind,remount,ro / && umask 077 && exec "$@"'
    # It may read what root may, as the interpreter can lie in root's home.
    stranger = [
        *("setpriv", f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups"),
        *("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"),
    ]
    exporter = run(
        file,
        arguments=[*alone, "sh", "-c", frozen, "sh", *stranger, *command(file)],
        environment=dict.fromkeys(("HOME", "USER", "LOGNAME", "PATH", "TMPDIR"))
        | {
            "PATH": os.defpath,
            "PYTHONDONTWRITEBYTECODE": "1",
            "AWS_SHARED_CREDENTIALS_FILE": None,
            "AWS_CONFIG_FILE": None,
        },
        cwd="/",
    )
    exporter.wait_for_up("one")
    with open(f"/proc/{exporter.pid}/status") as status:
        assert f"Uid:\t{STRANGER}\t{STRANGER}\t" in status.read()
    exporter.end(signal.SIGTERM)
    assert "Traceback" not in exporter.output()


@pytest.mark.parametrize("zone", ["XYZ-14:59", "No/Such_Zone"])
def test_time_zones(run, file, simulator, zone):
    exporter = run(file, environment={"TZ": zone})
    exporter.wait_for_up("one")
    created = exporter.series("job_created_timestamp_seconds").popitem()[1]
    assert created == pytest.approx(simulator.describe("one", region="eu-west-1")["CreationTime"], abs=0.001)
    last_success = exporter.series("job_last_success_timestamp_seconds").popitem()[1]
    assert abs(time.time() - last_success) < 60
    stamp = time.strftime("ts=%Y-%m-%dT%H:", time.gmtime(last_success))
    assert stamp in exporter.output()


@pytest.mark.parametrize(
    "language",
    [
        {"LANG": "C", "LC_ALL": "C"},
        {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii:strict"},
    ],
    ids=["C", "ASCII"],
)
def test_languages(run, tmp_path, endpoint, simulator, language):
    """Letters of others in the file's name, its content, an answer's failure reason and a refused configuration."""
    describe = simulator.handle

    def fail(request):
        return describe(request) | {"HyperParameterTuningJobStatus": "Failed", "FailureReason": "Fehler: größe ≠ 日本"}

    simulator.handle = fail
    file = tmp_path / "größe.yaml"
    text = configuration(endpoint, "one")
    file.write_text(f"{text}    # 日本\n".replace("  - one", "  - {name: one, labels: {team: Übersetzung}}"), "utf-8")
    exporter = run(file, "--no-config.auto-reload", environment=language)
    exporter.wait_for_up("one")
    assert 'label_team="Übersetzung"' in exporter.get("/metrics").text
    wait_until(lambda: "größe ≠ 日本" in exporter.output(), what="the line about the failure")
    file.write_text(f"{text}  - schlüssel\n", "utf-8")
    exporter.send(signal.SIGHUP)
    wait_until(lambda: exporter.reload_successful() == 0, what="the refusal")
    wait_until(lambda: "schlüssel" in exporter.output(), what="the refusal's line")
    assert "Traceback" not in exporter.output()
