"""The publisher on a clock that only the test moves: when it renders, and what a scrape sees meanwhile."""

from __future__ import annotations

import queue
import threading
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs
from support.clock import ManualClock
from support.processes import PATIENCE
from support.views import facts, fleet, target, view

from exporter.exposition import Format, Published, Publisher, scrape
from exporter.exposition import publish as publish_module
from exporter.exposition.families import FAMILIES, families_in_force
from exporter.exposition.publish import EMPTY, publish
from exporter.exposition.render import Piece, render
from exporter.telemetry import PREFIX, Telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.clock import Instant
    from exporter.fleet import TargetView

START = 1_750_000_000.0


def text_of(published: Published) -> str:
    return b"".join(published.bodies[Format.TEXT].inflated()).decode()


def shown_jobs(published: Published) -> set[str]:
    return {
        sample.labels["tuning_job"]
        for family in text_string_to_metric_families(text_of(published))
        for sample in family.samples
    }


class TestPublish:
    def test_holds_the_text_deflated(self) -> None:
        jobs = fleet(3)
        published = publish(4, [target(jobs[:2]), target(jobs[2:])], FAMILIES)
        assert text_of(published) == "".join(piece.text for piece in render(FAMILIES, jobs))
        openmetrics = b"".join(published.bodies[Format.OPENMETRICS].inflated()).decode()
        assert openmetrics == "".join(piece.openmetrics for piece in render(FAMILIES, jobs))

    def test_shows_no_opt_in_family_unasked(self) -> None:
        always = render(families_in_force(frozenset()), fleet(1))
        assert text_of(publish(4, [target(fleet(1))])) == "".join(piece.text for piece in always)

    def test_tells_whose_it_is(self) -> None:
        targets = [target(fleet(2)), target([], name="idle")]
        published = publish(4, targets)
        assert (published.generation, published.targets) == (4, tuple(targets))

    def test_of_nothing_is_empty(self) -> None:
        assert publish(1, []).bodies == EMPTY.bodies
        assert (text_of(EMPTY), EMPTY.generation) == ("", 0)


class WatchedClock(ManualClock):
    """Tells of each wait that begins, and until when it was to be."""

    def __init__(self) -> None:
        super().__init__(START)
        self.waits: queue.SimpleQueue[tuple[threading.Condition, float | None]] = queue.SimpleQueue()

    def wait(self, condition: threading.Condition, until: float | None) -> None:
        self.waits.put((condition, until))
        super().wait(condition, until)


class Rig:
    """A publisher, what it collects, and the only hand on its clock."""

    def __init__(self) -> None:
        self.clock = WatchedClock()
        self.telemetry = Telemetry()
        self.targets: tuple[TargetView, ...] = (target(fleet(1)),)
        self.renders: list[float] = []
        self.seconds_per_render = 0.0
        self.cpu_per_render = 0.0
        self.cpu_seconds = 0.0
        self.until: float | None = None
        self.publisher = Publisher(self._collect, self.telemetry, self.clock, lambda: self.cpu_seconds)
        self.thread = self.publisher._thread

    def _collect(self, now: Instant) -> tuple[TargetView, ...]:
        self.renders.append(now.monotonic)
        self.clock.advance(self.seconds_per_render)
        self.cpu_seconds += self.cpu_per_render
        return self.targets

    def hang(self) -> tuple[threading.Event, threading.Event]:
        """Have collecting hang; return what is set when it does, and what lets it go on."""
        hanging, go_on = threading.Event(), threading.Event()

        def collect(_: Instant) -> tuple[TargetView, ...]:
            hanging.set()
            go_on.wait(PATIENCE)
            return self.targets

        self.publisher._views = collect
        return hanging, go_on

    def settle(self) -> float | None:
        """Return until when the publisher waits, once it does."""
        condition, self.until = self.clock.waits.get(timeout=PATIENCE)
        with condition:  # held by the publisher until it really waits
            pass
        return self.until

    def start(self) -> float | None:
        self.publisher.start()
        return self.settle()

    def change(self, *, more: bool = False) -> float | None:
        return self.settle() if self.publisher.changed(more=more) else self.until

    def advance(self, seconds: float) -> float | None:
        self.clock.advance(seconds)
        return self.settle()

    @property
    def generation(self) -> int:
        return self.publisher.published.generation


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig()
    yield rig
    if rig.thread.is_alive():
        rig.publisher.stop(PATIENCE)
    assert not rig.thread.is_alive()


class TestPublisher:
    def test_has_nothing_before_it_starts(self, rig: Rig) -> None:
        assert rig.publisher.published is EMPTY

    def test_renders_at_once(self, rig: Rig) -> None:
        rig.start()
        assert rig.renders == [0.0]
        assert rig.generation == 1
        assert shown_jobs(rig.publisher.published) == {"search-0"}

    def test_renders_a_change(self, rig: Rig) -> None:
        rig.start()
        rig.advance(2)
        rig.targets = (target(fleet(2)),)
        rig.change()
        assert rig.renders == [0.0, 2.0]
        assert rig.generation == 2
        assert shown_jobs(rig.publisher.published) == {"search-0", "search-1"}

    def test_renders_nothing_without_a_change(self, rig: Rig) -> None:
        rig.start()
        published = rig.publisher.published
        for _ in range(200):
            rig.advance(5)
        assert rig.renders == [0.0]
        assert rig.publisher.published is published

    def test_is_woken_once_for_many_changes(self, rig: Rig) -> None:
        rig.start()
        rig.change()
        for _ in range(9):
            rig.publisher.changed()
        assert rig.clock.waits.empty()

    def test_renders_once_a_second_at_most(self, rig: Rig) -> None:
        rig.start()
        for _ in range(9):
            rig.advance(0.0625)
            assert rig.change() == 1.0
        assert rig.renders == [0.0]
        rig.advance(0.4375)
        assert rig.renders == [0.0, 1.0]
        rig.advance(5)
        assert rig.renders == [0.0, 1.0]

    def test_renders_a_tenth_of_the_time_at_most(self, rig: Rig) -> None:
        rig.seconds_per_render = rig.cpu_per_render = 2.0
        rig.start()
        rig.change()
        assert rig.advance(17.5) == 20.0
        assert rig.renders == [0.0]
        rig.advance(0.5)
        assert rig.renders == [0.0, 20.0]

    def test_a_rendering_that_others_held_up_puts_off_nothing(self, rig: Rig) -> None:
        rig.seconds_per_render = 30.0
        rig.start()
        rig.change()
        assert rig.renders == [0.0, 30.0]

    def test_renders_again_what_changed_during_a_rendering(self, rig: Rig) -> None:
        collect = rig.publisher._views

        def changing(now: Instant) -> tuple[TargetView, ...]:
            if not rig.renders:
                rig.publisher.changed()
            return tuple(collect(now))

        rig.publisher._views = changing
        assert rig.start() == 1.0
        rig.advance(1)
        assert rig.renders == [0.0, 1.0]

    def test_renders_when_the_first_values_go_stale(self, rig: Rig) -> None:
        rig.targets = (target([], changes_at=None), target(fleet(1), changes_at=7.5), target([], changes_at=90.0))
        rig.start()
        assert rig.advance(7.25) == 7.5
        assert rig.renders == [0.0]
        rig.targets = (target([], changes_at=90.0),)
        rig.advance(0.25)
        assert rig.renders == [0.0, 7.5]
        assert shown_jobs(rig.publisher.published) == set()

    def test_hurries_for_no_deadline_that_has_passed(self, rig: Rig) -> None:
        rig.targets = (target(fleet(1), changes_at=0.0),)
        assert rig.start() == 1.0
        rig.advance(1)
        assert rig.renders == [0.0, 1.0]

    def test_beats_while_it_waits(self, rig: Rig) -> None:
        rig.targets = (target(fleet(1), changes_at=600.0),)
        rig.start()
        for _ in range(20):
            assert rig.advance(5) is not None
            assert rig.publisher.seconds_since_beat == 0

    def test_waits_no_longer_than_a_beat(self, rig: Rig) -> None:
        assert rig.start() == 5.0
        rig.advance(5)
        rig.targets = (target(fleet(1), changes_at=600.0),)
        assert rig.change() is not None
        assert rig.advance(3) is not None
        assert rig.publisher.seconds_since_beat == 0

    def test_misses_beats_when_it_hangs(self, rig: Rig) -> None:
        hanging, go_on = rig.hang()
        rig.publisher.start()
        assert hanging.wait(PATIENCE)
        rig.clock.advance(31)
        assert rig.publisher.seconds_since_beat == 31
        go_on.set()
        rig.settle()
        assert rig.publisher.seconds_since_beat == 0

    def test_tells_how_long_it_took(self, rig: Rig) -> None:
        rig.seconds_per_render = 0.25
        rig.start()
        assert f"{PREFIX}_render_duration_seconds 0.25\n" in rig.telemetry.render_text().decode()

    def test_stops_while_it_waits(self, rig: Rig) -> None:
        rig.start()
        rig.publisher.stop(PATIENCE)
        assert not rig.thread.is_alive()
        assert rig.renders == [0.0]

    def test_stops_between_a_change_and_its_rendering(self, rig: Rig) -> None:
        rig.start()
        rig.change()
        rig.publisher.stop(PATIENCE)
        assert not rig.thread.is_alive()
        assert rig.renders == [0.0]

    def test_is_waited_for_no_longer_than_said(self, rig: Rig) -> None:
        hanging, go_on = rig.hang()
        rig.publisher.start()
        assert hanging.wait(PATIENCE)
        rig.publisher.stop(0.01)
        assert rig.thread.is_alive()
        go_on.set()
        rig.thread.join(PATIENCE)


class TestShow:
    def test_takes_effect_with_the_next_rendering(self, rig: Rig) -> None:
        rig.start()
        assert "definition_info" not in text_of(rig.publisher.published)
        rig.publisher.show(families_in_force({"definitions"}))
        rig.settle()
        rig.advance(1)
        text = text_of(rig.publisher.published)
        assert "sagemaker_tuning_job_definition_info{" in text
        assert "parent_info" not in text
        rig.publisher.show(families_in_force(frozenset()))
        rig.settle()
        rig.advance(1)
        assert "definition_info" not in text_of(rig.publisher.published)

    def test_families_with_a_limit_are_counted_from_0(self, rig: Rig) -> None:
        assert 'series_capped_total{family="' not in rig.telemetry.render_text().decode()
        rig.publisher.show(families_in_force({"warm_start_parents"}))
        counted = [line for line in rig.telemetry.render_text().decode().splitlines() if "series_capped_total{" in line]
        assert counted == [
            'sagemaker_tuning_exporter_series_capped_total{family="sagemaker_tuning_job_parent_info"} 0.0'
        ]

    def test_a_tuning_job_beyond_a_limit_is_counted_and_logged_once(self, rig: Rig) -> None:
        many = tuple(f"parent-{number}" for number in range(23))
        rig.targets = (target([view(replace(facts(), parents=many))]),)
        with capture_logs() as logs:
            rig.publisher.show(families_in_force({"warm_start_parents"}))
            rig.start()
            for _ in range(3):
                rig.change()
                rig.advance(1)
        text = rig.telemetry.render_text().decode()
        assert 'series_capped_total{family="sagemaker_tuning_job_parent_info"} 1.0' in text
        [told] = logs
        assert (told["family"], told["left_out"]) == ("sagemaker_tuning_job_parent_info", 3)
        assert 'tuning_job="tune-zh"' in told["tuning_job"]
        assert rig.generation >= 4


class TestScrapes:
    def test_of_an_unchanged_fleet_render_nothing(self, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
        calls: list[int] = []

        def counting(generation: int, *rest: Any) -> Published:
            calls.append(generation)
            return publish(generation, *rest)

        monkeypatch.setattr(publish_module, "publish", counting)
        rig.targets = (target(fleet(1_000)),)
        rig.start()
        for number in range(100):
            format_ = list(Format)[number % 2]
            assert sum(map(len, scrape(rig.publisher.published, rig.telemetry, format_, gzip=number % 10 > 0))) > 1_000
            rig.advance(15)
        assert calls == [1]
        assert rig.generation == 1

    def test_during_a_rendering_see_the_whole_set_before(self, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
        half_way, go_on = threading.Event(), threading.Event()

        def slow(*arguments: Any) -> Iterator[Piece]:
            first, *others = render(*arguments)
            yield first
            half_way.set()
            assert go_on.wait(PATIENCE)
            yield from others

        rig.start()
        before = rig.publisher.published
        monkeypatch.setattr(publish_module, "render", slow)
        rig.targets = (target(fleet(2)),)
        rig.advance(1)
        rig.publisher.changed()
        assert half_way.wait(PATIENCE)
        body = b"".join(scrape(rig.publisher.published, rig.telemetry, Format.TEXT, gzip=False)).decode()
        assert body.startswith(text_of(before))
        assert "search-1" not in body
        assert rig.publisher.published.targets == before.targets
        go_on.set()
        rig.settle()
        assert shown_jobs(rig.publisher.published) == {"search-0", "search-1"}

    def test_from_many_threads_while_the_fleet_changes_are_each_of_one_set(self, rig: Rig) -> None:
        rig.start()
        wrong: list[str] = []
        finished = threading.Event()

        def scraping() -> None:
            while not finished.is_set():
                published = rig.publisher.published
                body = b"".join(scrape(published, rig.telemetry, Format.TEXT, gzip=True))
                text = zlib.decompress(body, zlib.MAX_WBITS | 16).decode()
                up = text.count("\nsagemaker_tuning_job_up{")
                if not up == text.count("\nsagemaker_tuning_job_info{") == len(published.targets[0].jobs):
                    wrong.append(text)

        scrapers = [threading.Thread(target=scraping) for _ in range(4)]
        for scraper in scrapers:
            scraper.start()
        for size in range(1, 40):
            rig.targets = (target(fleet(size)),)
            rig.change()
            rig.advance(1)
        finished.set()
        for scraper in scrapers:
            scraper.join()
        assert wrong == []
        assert rig.generation == 40


def test_what_is_about_to_change_is_rendered_with_what_did(rig: Rig) -> None:
    rig.start()
    rig.advance(10)
    rig.change(more=True)
    rig.advance(0.5)
    rig.change(more=True)
    assert rig.renders == [0.0]
    rig.change()
    assert rig.renders == [0.0, 10.5]


def test_what_goes_on_changing_is_rendered_once_a_second(rig: Rig) -> None:
    rig.start()
    rig.advance(10)
    rig.change(more=True)
    rig.advance(0.9)
    assert rig.renders == [0.0]
    rig.advance(0.1)
    assert rig.renders == [0.0, 11.0]
