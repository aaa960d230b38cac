"""The demo as a newcomer sees it."""

from __future__ import annotations

import os
import re
import signal
import sys

import httpx
from support.processes import Child
from support.text import found

from exporter.exposition.families import FAMILIES


def test_shows_every_family_of_the_table_and_ends_on_ctrl_c(tmp_path):
    arguments = [sys.executable, "-m", "exporter", "demo", "--web.listen-address=127.0.0.1:0"]
    environment = {**os.environ, "AWS_PROFILE": "of-somebody", "AWS_REGION": "eu-north-1"}
    with Child(arguments, log=tmp_path / "log", environment=environment) as demo:
        demo.wait_until(lambda: "Press Ctrl-C" in demo.output(), timeout=30)
        shown = set(re.findall(r"^  (sagemaker_tuning_job_\w+)\{", demo.output(), re.MULTILINE))
        always = {family.full_name for family in FAMILIES if family.collect is None}
        assert always <= shown
        assert len(shown - always) >= 8  # of the opt-ins, what the fleet has
        url = found(r"Metrics: +(\S+)", demo.output())[1]
        text = httpx.get(url, trust_env=False).text
        scenarios = set(re.findall(r'label_scenario="([^"]+)"', text))
        assert len(scenarios) >= 17
        demo.send(signal.SIGINT)
        assert demo.wait(5) == 0
        assert "Traceback" not in demo.output()


def test_refuses_a_speed_of_nothing(tmp_path):
    with Child([sys.executable, "-m", "exporter", "demo", "--speed=0"], log=tmp_path / "log") as demo:
        assert demo.wait() == 2
        assert "write a number above 0" in demo.output()
