"""The wall clock jumps, both ways and by hours: nothing is described sooner or later, or shown stale or fresh, for it."""

from __future__ import annotations

import re

import pytest
from environment.process import configuration
from support.api import RefusingApi
from support.clock import ManualClock
from support.processes import wait_until

from exporter.config import parse
from exporter.daemon import Daemon
from exporter.errors import CallFailed, ErrorCode
from exporter.exposition import Format
from exporter.web.listen import open_socket, parse_address

HOUR = 3600.0
JUMPS = pytest.mark.parametrize("jump", [6 * HOUR, -6 * HOUR], ids=["forwards", "backwards"])


class Api(RefusingApi):
    """Answers, or fails while ``failing``."""

    def __init__(self):
        self.calls = 0
        self.failing = False

    def describe(self, name):
        self.calls += 1
        if self.failing:
            raise CallFailed(ErrorCode.ACCESS_DENIED, "no")
        return {
            "HyperParameterTuningJobName": name,
            "HyperParameterTuningJobArn": f"arn:aws:sagemaker:eu-west-1:123456789012:hyper-parameter-tuning-job/{name}",
            "HyperParameterTuningJobStatus": "InProgress",
        }

    def caller_account(self):
        return "123456789012"


class Scene:
    """A daemon on a manual clock that watches one tuning job every minute; values are stale after five."""

    def __init__(self):
        self.clock, self.api = ManualClock(1_772_438_400.0), Api()
        text = configuration("http://127.0.0.1:1", "one", interval="60s").replace("1h", "5m")
        listener = open_socket(parse_address("127.0.0.1:0"))

        def load():
            return parse(text, "test.yaml")

        self.daemon = Daemon(load, load(), [listener], self.clock, make_api=lambda spec: self.api)
        self.daemon.start()

    def job(self):
        """Return the tuning job as it is published, None before the first rendering."""
        targets = self.daemon.published.targets
        return targets[0].jobs[0] if targets else None

    def move_to(self, seconds):
        """Move the clock to so many seconds after the start."""
        self.clock.advance(seconds - self.clock.monotonic())

    def republish(self):
        """Render again, a second later, for the next rendering may wait as long."""
        self.clock.advance(1)
        self.daemon._publisher.changed()
        wait_until(lambda: self.job() == self.known(), what="a rendering of what is known")

    def known(self):
        """Return the tuning job as it stands, published or not."""
        (target,) = self.daemon._views(self.clock.now())
        return target.jobs[0]

    def own(self, name):
        """Return the value of the only series of an own metric."""
        text = b"".join(self.daemon.site.scrape(Format.TEXT, gzip=False)).decode()
        (value,) = re.findall(rf"^sagemaker_tuning_exporter_{name}(?:{{.*}})? (.*)$", text, re.MULTILINE)
        return float(value)


@pytest.fixture
def scene():
    scene = Scene()
    wait_until(lambda: scene.known().last_success, what="the first describe")
    scene.republish()
    yield scene
    scene.daemon.stop()


@JUMPS
def test_describes_go_on_as_scheduled_and_times_follow(scene, jump):
    clock, api = scene.clock, scene.api
    clock.jump(jump)
    scene.republish()
    assert scene.job().facts is not None
    assert api.calls == 1
    for turn in (1, 2, 3):
        scene.move_to(60 * turn)
        wait_until(lambda: scene.known().last_success == clock.time(), what="the next describe")
        assert scene.known().next_describe == clock.time() + 60
        assert api.calls == 1 + turn
    last = clock.time()
    scene.republish()
    assert scene.job().last_success == last
    assert scene.own("last_poll_timestamp_seconds") == last
    for name in (
        "poll_overruns_total",
        "poll_duration_seconds",
        "api_request_duration_seconds_sum",
        "rate_limit_wait_seconds_total",
    ):
        assert scene.own(name) == 0, name
    assert scene.daemon.site.healthy().ok
    assert scene.daemon.site.ready().ok


@JUMPS
def test_values_go_stale_at_their_time(scene, jump):
    scene.api.failing = True
    scene.move_to(60)
    wait_until(lambda: scene.known().failure, what="the failure")
    scene.clock.jump(jump)
    scene.move_to(358)  # five minutes after the describe that was due there are left two seconds
    wait_until(
        lambda: scene.api.calls == 3 and scene.known().next_describe > scene.clock.time(), what="another failure"
    )
    scene.republish()
    assert scene.job().facts is not None
    scene.move_to(360)
    wait_until(lambda: scene.job().facts is None, what="the values to go")
