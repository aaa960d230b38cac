from __future__ import annotations

import math
import re
import string
import subprocess
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from support.golden import Golden
from support.views import ANSWERS, facts, fleet, view, view_of_answer

from exporter.errors import ErrorCode, Failure
from exporter.exposition.families import FAMILIES, families_in_force
from exporter.exposition.family import IDENTITY, PREFIX, Family
from exporter.exposition.render import escape_label, format_value, render
from exporter.telemetry import Telemetry
from exporter.tuning_job import (
    CompletionCriteria,
    Definition,
    HyperparameterRange,
    Instances,
    Objective,
    ResourceLimits,
    TrainingJob,
    TuningJob,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from prometheus_client import Metric
    from prometheus_client.samples import Sample

    from exporter.fleet import JobView

STEMS = sorted(path.stem for path in ANSWERS.glob("*.json"))
ALWAYS = families_in_force(frozenset())
OPT_IN = [family for family in FAMILIES if family.collect is not None]
OPT_IN_TEXTS = sorted(ANSWERS.glob("*.opt-in.txt"))
HEALTH = {"up", "error_info", "last_success_timestamp_seconds", "next_describe_timestamp_seconds", "labels"}


def number(value: int) -> Callable[[JobView], list[tuple[tuple[()], int]]]:
    return lambda view: [((), value)]


def text_of(views: Iterable[JobView], families: Sequence[Family] = FAMILIES) -> str:
    return "".join(piece.text for piece in render(families, list(views)))


def openmetrics_of(views: Iterable[JobView], families: Sequence[Family] = FAMILIES) -> str:
    return "".join(piece.openmetrics for piece in render(families, list(views)))


def series_of(text: str) -> str:
    """Return the text without its metadata."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#"))


def parsed(views: Iterable[JobView], families: Sequence[Family] = FAMILIES) -> list[Metric]:
    """Return the families as the text format's parser reads them; OpenMetrics' reads the same but for the types of infos.

    Both read them together with the own metrics that a scrape appends.
    """
    telemetry, views = Telemetry(), list(views)
    by_text, by_openmetrics = (
        [family for family in found if family.name.startswith(PREFIX.rstrip("_"))]
        for found in (
            parse_text(text_of(views, families) + telemetry.render_text().decode()),
            parse_openmetrics(openmetrics_of(views, families) + telemetry.render_openmetrics().decode()),
        )
    )
    assert [(f.name.removesuffix("_info"), f.documentation) for f in by_text] == [
        (f.name, f.documentation) for f in by_openmetrics
    ]
    assert {f.type for f in by_text} <= {"gauge", "counter", "summary"}
    assert [f.type for f in by_openmetrics] == ["info" if f.name.endswith("_info") else f.type for f in by_text]
    assert [f.unit for f in by_openmetrics] == ["seconds" if f.name.endswith("_seconds") else "" for f in by_text]
    assert [repr(f.samples) for f in by_text] == [repr(f.samples) for f in by_openmetrics]
    return by_text


class TestAnswers:
    """Each stored answer comes to the series written down by hand beside it."""

    @pytest.mark.parametrize("stem", STEMS)
    def test_is_exposed_as_written_down(self, stem: str) -> None:
        golden = Golden(ANSWERS / f"{stem}.txt")
        assert golden.part_of(series_of(text_of([view_of_answer(stem)], ALWAYS))) == golden.families

    @pytest.mark.parametrize("file", OPT_IN_TEXTS, ids=lambda file: file.name)
    def test_opt_in_families_are_exposed_as_written_down(self, file: Path) -> None:
        shown = view_of_answer(file.name.removesuffix(".opt-in.txt"))
        golden = Golden(file)
        assert golden.part_of(series_of(text_of([shown], OPT_IN))) == golden.families

    def test_the_fullest_answer_is_exposed_to_the_letter(self) -> None:
        shown = view_of_answer("everything")
        always, opt_in = (ANSWERS / f"everything.{kind}" for kind in ("txt", "opt-in.txt"))
        assert series_of(text_of([shown], ALWAYS)) == always.read_text(encoding="utf-8")
        assert series_of(text_of([shown], OPT_IN)) == opt_in.read_text(encoding="utf-8")

    def test_every_expectation_has_its_answer(self) -> None:
        assert sorted({path.stem for path in ANSWERS.glob("*.txt")} - {path.stem for path in OPT_IN_TEXTS}) == STEMS
        assert len(OPT_IN_TEXTS) == 3
        assert len(STEMS) > 30

    @pytest.mark.parametrize("stem", STEMS)
    def test_is_read_by_both_parsers(self, stem: str) -> None:
        assert parsed([view_of_answer(stem)])

    def test_the_reason_of_a_failure_is_in_no_series(self) -> None:
        shown = view_of_answer("failure_in_many_scripts")
        assert shown.facts is not None
        assert "größe" in (shown.facts.failure_reason or "")
        assert "größe" not in text_of([shown])


class TestMetadata:
    def test_stands_before_the_series(self) -> None:
        families = [
            Family(
                name="runtime_seconds", help="It runs.", source="-", absent="never", example="up", samples=number(7)
            ),
            Family(
                name="warm_start_parents",
                help="It descends.",
                source="-",
                absent="never",
                example="up",
                samples=number(2),
            ),
        ]
        identity = '{aws_account_id="888899990000",aws_region="cn-northwest-1",tuning_job="tune-zh"}'
        assert text_of([view(facts())], families) == (
            "# HELP sagemaker_tuning_job_runtime_seconds It runs.\n"
            "# TYPE sagemaker_tuning_job_runtime_seconds gauge\n"
            "# UNIT sagemaker_tuning_job_runtime_seconds seconds\n"
            f"sagemaker_tuning_job_runtime_seconds{identity} 7\n"
            "# HELP sagemaker_tuning_job_warm_start_parents It descends.\n"
            "# TYPE sagemaker_tuning_job_warm_start_parents gauge\n"
            f"sagemaker_tuning_job_warm_start_parents{identity} 2\n"
        )

    def test_stands_once_however_many_tuning_jobs_there_are(self) -> None:
        shown = [*fleet(20), *map(view_of_answer, STEMS)]
        metadata = [line.split(" ", 3)[1:3] for line in text_of(shown).splitlines() if line.startswith("#")]
        expected = [
            [kind, family.full_name]
            for family in FAMILIES
            for kind in ("HELP", "TYPE", "UNIT")
            if kind != "UNIT" or (family.unit and family.type != "counter")
        ]
        assert metadata == expected

    def test_stands_once_in_a_large_fleet_whose_first_tuning_jobs_have_no_series_of_the_family(self) -> None:
        shown = [view(None, name=f"new-{number}") for number in range(250)] + list(fleet(250))
        text = text_of(shown, ALWAYS)
        assert text.count("# TYPE sagemaker_tuning_job_runtime_seconds ") == 1
        names = re.findall(r'^sagemaker_tuning_job_runtime_seconds{.*tuning_job="(.*)"}', text, re.MULTILINE)
        assert names == [f"search-{number}" for number in range(250)]

    def test_of_a_family_without_series_is_left_out(self) -> None:
        assert text_of([view(None, attempted=True)]).count("# TYPE") == 3
        assert text_of([]) == ""

    def test_of_an_info_is_that_of_a_gauge_in_text_format(self) -> None:
        family = Family(name="info", help="It is.", source="-", absent="never", example="up", samples=number(1))
        series = 'sagemaker_tuning_job_info{aws_account_id="888899990000",aws_region="cn-northwest-1",tuning_job="tune-zh"} 1\n'
        assert text_of([view(facts())], [family]) == (
            "# HELP sagemaker_tuning_job_info It is.\n# TYPE sagemaker_tuning_job_info gauge\n" + series
        )
        assert openmetrics_of([view(facts())], [family]) == (
            "# HELP sagemaker_tuning_job It is.\n# TYPE sagemaker_tuning_job info\n" + series
        )

    def test_is_one_object_where_the_formats_are_alike(self) -> None:
        for family in FAMILIES:
            pieces = list(render([family], [view(facts(), failure=Failure(ErrorCode.TLS, ""))]))
            assert [piece.text is piece.openmetrics for piece in pieces] == [family.type in {"gauge", "summary"}, True]

    def test_is_read_by_the_parser(self) -> None:
        for family in parsed([*fleet(1), view_of_answer("malformed_tags")]):
            row = next(row for row in FAMILIES if row.full_name.removesuffix("_total") == family.name)
            assert (family.type, family.documentation) == ("gauge" if row.info else row.type, row.help)

    def test_of_a_counter_goes_without_its_end_in_openmetrics(self) -> None:
        family = Family(
            name="paid_seconds_total", help="It is.", source="-", absent="never", example="up", samples=number(7)
        )
        series = (
            "sagemaker_tuning_job_paid_seconds_total"
            '{aws_account_id="888899990000",aws_region="cn-northwest-1",tuning_job="tune-zh"} 7\n'
        )
        assert text_of([view(facts())], [family]) == (
            "# HELP sagemaker_tuning_job_paid_seconds_total It is.\n"
            "# TYPE sagemaker_tuning_job_paid_seconds_total counter\n" + series
        )
        assert openmetrics_of([view(facts())], [family]) == (
            "# HELP sagemaker_tuning_job_paid_seconds It is.\n# TYPE sagemaker_tuning_job_paid_seconds counter\n"
            "# UNIT sagemaker_tuning_job_paid_seconds seconds\n" + series
        )

    def test_of_a_summary_is_one_for_its_count_and_its_sum(self) -> None:
        family = Family(
            name="wait_seconds",
            help="It is.",
            source="-",
            absent="never",
            example="up",
            samples=lambda view: [((("kind", kind),), 1.5) for kind in "ab"],
            counts=lambda view: [((("kind", kind),), 2) for kind in "ab"],
        )
        lines = text_of([view(facts())], [family]).splitlines()
        assert lines[:2] == [
            "# HELP sagemaker_tuning_job_wait_seconds It is.",
            "# TYPE sagemaker_tuning_job_wait_seconds summary",
        ]
        series = [re.sub(r"\{.*,(kind=...)\}", r"{\1}", line) for line in lines[3:]]
        assert series == [
            'sagemaker_tuning_job_wait_seconds_count{kind="a"} 2',
            'sagemaker_tuning_job_wait_seconds_sum{kind="a"} 1.5',
            'sagemaker_tuning_job_wait_seconds_count{kind="b"} 2',
            'sagemaker_tuning_job_wait_seconds_sum{kind="b"} 1.5',
        ]


class TestSeries:
    def test_stand_in_the_order_of_the_views(self) -> None:
        found = parsed(fleet(5))
        names = [sample.labels["tuning_job"] for sample in found[0].samples]
        assert names == [f"search-{number}" for number in range(5)]

    def test_before_the_first_describe_tell_when_it_will_be(self) -> None:
        identity = '{aws_account_id="",aws_region="eu-west-1",tuning_job="asked-for"}'
        assert series_of(text_of([view(None)])) == (
            f"sagemaker_tuning_job_next_describe_timestamp_seconds{identity} 1750000060.25\n"
            f"sagemaker_tuning_job_labels{identity} 1\n"
        )

    def test_without_facts_are_about_health_only(self) -> None:
        failing = view(facts(), facts=None, failure=Failure(ErrorCode.THROTTLED, "Rate exceeded"))
        assert {family.name.removeprefix(PREFIX) for family in parsed([failing])} == HEALTH

    def test_of_one_without_facts_leave_the_others_alone(self) -> None:
        first, second, third = fleet(3)
        alone = text_of([first, third])
        together = text_of([first, replace(second, facts=None), third])
        assert [line for line in together.splitlines() if "search-1" not in line] == alone.splitlines()

    def test_carry_the_configured_labels(self) -> None:
        shown = view(None, labels={"team": 'a"b', "cost_center": "7"})
        assert 'tuning_job="asked-for",label_team="a\\"b",label_cost_center="7"} 1\n' in text_of([shown])

    def test_carry_the_aws_tags_after_the_configured_labels(self) -> None:
        shown = view(None, labels={"team": "a"}, tags={"team": "b", "cost_center": 'Q"3'})
        assert 'tuning_job="asked-for",label_team="a",tag_team="b",tag_cost_center="Q\\"3"} 1\n' in text_of([shown])
        parsed([shown])

    def test_never_tell_the_message_of_a_failure(self) -> None:
        message = "User: arn:aws:sts::210987654321:assumed-role/watcher is not authorized"
        shown = view(None, attempted=True, failure=Failure(ErrorCode.ACCESS_DENIED, message))
        assert 'code="access_denied"} 1\n' in text_of([shown])
        assert "watcher" not in text_of([shown])
        assert "210987654321" not in text_of([shown])

    def test_of_views_that_nothing_tells_apart_come_once(self) -> None:
        [first] = fleet(1)
        second = replace(first, labels={"team": "other"}, failure=Failure(ErrorCode.TLS, ""))
        assert text_of([first, second]) == text_of([first])

    def test_of_views_that_nothing_tells_apart_one_that_is_described_comes_before_one_that_fails(self) -> None:
        [good, other] = fleet(2)
        failing = replace(good, labels={"team": "other"}, failure=Failure(ErrorCode.ACCESS_DENIED, ""))
        unseen = replace(failing, facts=None)
        for bad in (failing, unseen):
            assert text_of([bad, other, good]) == text_of([good, other])

    def test_of_views_that_only_the_region_tells_apart_are_all_there(self) -> None:
        [first] = fleet(1)
        shown = [first, replace(first, region="us-east-1"), replace(first, account_id="1"), replace(first, name="x")]
        assert all(len(family.samples) % 4 == 0 for family in parsed(shown))


class TestFormatValue:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (0, "0"),
            (-3, "-3"),
            (2**53 + 1, "9007199254740993"),
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (0.1, "0.1"),
            (1e16, "1e+16"),
            (5e-324, "5e-324"),
            (1718000101.502, "1718000101.502"),
            (math.nan, "NaN"),
            (-math.nan, "NaN"),
            (math.inf, "+Inf"),
            (-math.inf, "-Inf"),
        ],
    )
    def test_is_spelled_as_prometheus_reads_it(self, value: float, expected: str) -> None:
        assert format_value(value) == expected

    @given(st.floats(allow_nan=False) | st.integers(-(2**1000), 2**1000))
    def test_is_exact(self, value: float) -> None:
        assert float(format_value(value)) == float(value)


class TestEscapeLabel:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("plain", "plain"),
            ("", ""),
            ('say "hi"', 'say \\"hi\\"'),
            ("C:\\new", "C:\\\\new"),
            ("two\nlines", "two\\nlines"),
            ("\\n", "\\\\n"),
            ("größe 模型 🚀", "größe 模型 🚀"),
            ("\ud83d|\ude80", "?|?"),
            ("a\r\tb\x01", "a\r\tb\x01"),
            ("a\0b", "a?b"),
        ],
    )
    def test_stands_between_quotes(self, value: str, expected: str) -> None:
        assert escape_label(value) == expected


ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=12) | st.text('"\\\n\r{},=# \ud83d', max_size=6)
COUNT = st.integers(0, 2**70) | st.floats(allow_nan=False, allow_infinity=False)
TIME = st.floats(-1e11, 1e12)
VALUE = st.floats() | st.integers(-(2**70), 2**70)
OBJECTIVES = st.builds(Objective, st.none() | ANY_TEXT, st.none() | st.sampled_from(["Minimize", "Maximize"]))
TRAINING_JOBS = st.builds(
    TrainingJob,
    name=st.none() | ANY_TEXT,
    definition_name=st.none() | ANY_TEXT,
    end_time=st.none() | TIME,
    objective=OBJECTIVES,
    objective_value=st.none() | VALUE,
    hyperparameters=st.dictionaries(ANY_TEXT, st.floats(allow_nan=False, allow_infinity=False), max_size=3),
)
DEFINITIONS = st.builds(
    Definition,
    name=ANY_TEXT,
    objective=OBJECTIVES,
    spot=st.none() | st.booleans(),
    instances=st.lists(st.builds(Instances, ANY_TEXT, st.none() | COUNT), max_size=3).map(tuple),
    max_runtime_seconds=st.none() | COUNT,
)
RANGES = st.builds(HyperparameterRange, ANY_TEXT, ANY_TEXT, st.none() | TIME, st.none() | TIME, ANY_TEXT)
FACTS = st.builds(
    TuningJob,
    name=ANY_TEXT,
    arn=st.just("arn"),
    region=st.just("eu-west-1"),
    account_id=st.just("123456789012"),
    status=st.sampled_from(["InProgress", "Failed", "Archiving"]) | ANY_TEXT,
    objective=OBJECTIVES,
    strategy=st.none() | ANY_TEXT,
    early_stopping=st.none() | ANY_TEXT,
    warm_start_type=st.none() | ANY_TEXT,
    parents=st.none() | st.lists(ANY_TEXT, max_size=3).map(tuple),
    autotune=st.none() | ANY_TEXT,
    limits=st.builds(
        ResourceLimits,
        max_training_jobs=st.none() | COUNT,
        max_parallel_training_jobs=st.none() | COUNT,
        max_runtime_seconds=st.none() | COUNT,
    ),
    criteria=st.builds(
        CompletionCriteria,
        target_objective_value=st.none() | VALUE,
        max_training_jobs_not_improving=st.none() | COUNT,
        complete_on_convergence=st.none() | ANY_TEXT,
    ),
    training_jobs=st.dictionaries(st.sampled_from(["Completed", "InProgress", "Stopped"]), COUNT),
    objectives=st.dictionaries(st.sampled_from(["Succeeded", "Pending", "Failed"]), COUNT),
    best_training_job=st.none() | TRAINING_JOBS,
    overall_best_training_job=st.none() | TRAINING_JOBS,
    definitions=st.lists(DEFINITIONS, max_size=3).map(tuple),
    ranges=st.lists(RANGES, max_size=3).map(tuple),
    runtime_seconds=st.none() | COUNT,
    training_jobs_not_improving=st.none() | COUNT,
    convergence_detected_time=st.none() | TIME,
    creation_time=st.none() | TIME,
    last_modified_time=st.none() | TIME,
    end_time=st.none() | TIME,
)
VIEWS = st.builds(
    view,
    st.none() | FACTS,
    account_id=st.sampled_from(["", "123456789012"]),
    region=st.sampled_from(["eu-west-1", "us-east-1"]),
    name=ANY_TEXT,
    labels=st.dictionaries(st.text(string.ascii_lowercase, min_size=1, max_size=3), ANY_TEXT, max_size=2),
    failure=st.none() | st.builds(Failure, st.sampled_from(ErrorCode), ANY_TEXT),
    attempted=st.booleans(),
    last_success=st.none() | TIME,
    next_describe=TIME,
)


def shown(text: str) -> str:
    """Return what of a text can be shown at all."""
    return text.replace("\0", "?").encode("utf-8", "replace").decode()


def identity_of(some: JobView) -> tuple[str, ...]:
    return (some.account_id, some.region, shown(some.name))


def of(samples: Iterable[Sample], some: JobView) -> list[Sample]:
    return [sample for sample in samples if tuple(sample.labels[label] for label in IDENTITY) == identity_of(some)]


def same(found: float, expected: float) -> bool:
    return float(found) == float(expected) or (math.isnan(found) and math.isnan(expected))


class TestLimits:
    def limited(self, parents: Sequence[str], limit: int | None) -> tuple[str, dict[tuple[str, str], int]]:
        family = replace(next(row for row in OPT_IN if row.name == "parent_info"), limit=limit)
        left_out: dict[tuple[str, str], int] = {}
        shown = [view(replace(facts(), name=name, parents=tuple(parents))) for name in ("a", "b")]
        return "".join(piece.text for piece in render([family], shown, left_out)), left_out

    def test_keep_the_first_and_count_the_others_of_each_job(self) -> None:
        text, left_out = self.limited(["p", "q", "r", "s"], 2)
        assert text.count('parent="p"') == text.count('parent="q"') == 2
        assert 'parent="r"' not in text
        [(first, number), (second, _)] = left_out.items()
        assert first[0] == second[0] == "sagemaker_tuning_job_parent_info"
        assert ('tuning_job="a"' in first[1], 'tuning_job="b"' in second[1], number) == (True, True, 2)

    def test_that_are_just_reached_leave_nothing_out(self) -> None:
        text, left_out = self.limited(["p", "q"], 2)
        assert (text.count("} 1\n"), left_out) == (4, {})

    def test_count_what_reads_alike_once(self) -> None:
        text, left_out = self.limited(["\ud800", "\udfff", "?", "p"], 2)
        assert (text.count("} 1\n"), left_out) == (4, {})

    @pytest.mark.parametrize("family", OPT_IN, ids=lambda family: family.name)
    def test_every_opt_in_has_one_whose_labels_may_have_any_value(self, family: Family) -> None:
        assert family.limit or set(family.labels) <= family.values.keys()


@pytest.mark.long
class TestAnyFleet:
    @settings(max_examples=60, deadline=None)
    @given(st.lists(VIEWS, max_size=4, unique_by=identity_of))
    def test_is_read_back_exactly(self, views: list[JobView]) -> None:
        samples = {family.name.removeprefix(PREFIX): family.samples for family in parsed(views)}

        def expect(some: JobView, name: str, expected: dict[tuple[str, ...], Any], *labels: str) -> None:
            found = {
                tuple(sample.labels[label] for label in labels): sample.value
                for sample in of(samples.get(name, []), some)
            }
            wanted = {tuple(map(shown, key)): value for key, value in expected.items() if value is not None}
            assert found.keys() == wanted.keys()
            assert all(same(found[key], value) for key, value in wanted.items())

        for some in views:
            expect(some, "next_describe_timestamp_seconds", {(): some.next_describe})
            expect(some, "labels", {tuple(some.labels.values()): 1}, *(f"label_{key}" for key in some.labels))
            expect(some, "up", {(): int(some.failure is None) if some.attempted else None})
            job = some.facts
            expect(some, "runtime_seconds", {(): job and job.runtime_seconds})
            expect(some, "max_training_jobs", {(): job and job.limits.max_training_jobs})
            expect(some, "created_timestamp_seconds", {(): job and job.creation_time})
            expect(
                some,
                "training_jobs",
                {(key,): count for key, count in job.training_jobs.items()} if job else {},
                "status",
            )
            best = job and job.best_training_job
            configured = job.objective if job else Objective(None, None)
            of_best = best.objective if best else configured
            objective = (of_best.metric_name or "", of_best.type or "")
            labels = ("objective_metric", "objective_type")
            expect(some, "best_objective_value", {objective: best.objective_value} if best else {}, *labels)
            target = job and job.criteria.target_objective_value
            expect(some, "target_objective_value", {objective: target}, *labels)

    @pytest.mark.long
    @settings(max_examples=40, deadline=None)
    @given(st.lists(VIEWS, max_size=4))
    def test_has_each_family_in_one_place_and_each_series_once(self, views: list[JobView]) -> None:
        families = parsed(views)
        assert max(Counter(family.name for family in families).values(), default=1) == 1
        series = Counter(
            (sample.name, *sorted(sample.labels.items())) for family in families for sample in family.samples
        )
        assert max(series.values(), default=1) == 1
        assert all(family.samples for family in families)
        known = {row.full_name.removesuffix("_total"): row.series_names for row in FAMILIES}
        named = {name for family in families for name in known[family.name]}
        assert {sample.name for family in families for sample in family.samples} == named

    @pytest.mark.long
    @settings(max_examples=40, deadline=None)
    @given(st.lists(VIEWS, max_size=3, unique_by=identity_of))
    def test_shows_of_a_tuning_job_without_facts_its_health_only(self, views: list[JobView]) -> None:
        for family in parsed(views):
            if family.name.removeprefix(PREFIX) not in HEALTH:
                assert all(of(family.samples, some) == [] for some in views if some.facts is None)


def test_promtool_has_nothing_to_say(promtool: Path) -> None:
    telemetry = Telemetry()
    telemetry.add_target("prod", ("DescribeHyperParameterTuningJob",))
    failing = [view(None, name=f"failing-{code}", attempted=True, failure=Failure(code, "")) for code in ErrorCode]
    told = text_of([*fleet(50), *failing]) + telemetry.render_text().decode()
    assert told.count("# TYPE sagemaker_tuning_job_") == len(FAMILIES)
    checked = subprocess.run([promtool, "check", "metrics"], input=told, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
