"""The table keeps its promises: every name, label and help text is what Prometheus and its users expect."""

from __future__ import annotations

import re
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import get_args

import pytest
from support.views import facts, view

from exporter.config.values import FamilyName
from exporter.errors import ErrorCode, Failure
from exporter.exposition.families import FAMILIES, SECTIONS, families_in_force
from exporter.exposition.families.progress import UNKNOWN_STATUS
from exporter.exposition.family import IDENTITY, Family, Section
from exporter.fleet import JobView
from exporter.statuses import TUNING_JOB_STATUSES
from exporter.tuning_job import CompletionCriteria, Objective, TrainingJob

BY_NAME = {family.name: family for family in FAMILIES}
every_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)

# What Prometheus adds to every target or reads as something else than a label.
TAKEN_LABELS = {"job", "instance", "region", "type", "le", "quantile", "exported_job", "account", "cluster", "name"}
UNITS = {"seconds"}
OTHER_UNITS = ("milliseconds", "minutes", "hours", "days", "ms", "ratio", "percent", "bytes")


def samples(name: str, shown: JobView) -> list[tuple[tuple[str, ...], float]]:
    """Return what a family makes of a view, without the names of the labels."""
    return [(tuple(value for _, value in labels), number) for labels, number in BY_NAME[name].samples(shown)]


class TestTable:
    def test_opt_ins_are_those_of_the_configuration(self) -> None:
        assert {family.collect for family in FAMILIES} == {None, *get_args(FamilyName)}

    def test_an_opt_in_adds_its_families_in_their_place(self) -> None:
        always = families_in_force(frozenset())
        assert [family.name for family in always] == [family.name for family in FAMILIES if family.collect is None]
        assert [family.name for family in families_in_force({"warm_start_parents"})] == [
            *(family.name for family in always),
            "parent_info",
        ]
        assert families_in_force(frozenset(get_args(FamilyName))) == FAMILIES

    def test_names_no_family_twice(self) -> None:
        assert len(BY_NAME) == len(FAMILIES)

    @every_family
    def test_names_are_prometheus_names(self, family: Family) -> None:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", family.name)
        assert not family.name.endswith(("_count", "_sum", "_bucket", "_created"))
        assert family.name.endswith("_total") == (family.type == "counter")
        assert not family.name.startswith("job_")

    @every_family
    def test_units_end_names_and_are_base_units(self, family: Family) -> None:
        *rest, last = family.name.removesuffix("_total").split("_")
        if family.name != "training_seconds_since_best":  # the seconds are those of training, since the best one
            assert not UNITS & set(rest)
        assert not set(OTHER_UNITS) & {*rest, last}
        assert ("timestamp" in rest) <= (last == "seconds")
        assert family.unit == (last if last in UNITS else None)

    @every_family
    def test_labels_are_free(self, family: Family) -> None:
        assert not TAKEN_LABELS & {*family.labels, *IDENTITY}
        assert not set(IDENTITY) & set(family.labels)
        assert len(set(family.labels)) == len(family.labels)
        assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*(_\*)?", label) for label in family.labels)

    @every_family
    def test_help_is_one_sentence_or_two_that_need_no_escaping(self, family: Family) -> None:
        assert re.fullmatch(r"[A-Z][^\"\\\n]+\.", family.help)
        assert family.help.isascii()

    @every_family
    def test_each_tells_its_source(self, family: Family) -> None:
        assert family.source.strip()

    @every_family
    def test_samples_have_the_labels_of_the_table(self, family: Family) -> None:
        told = {"labels": {"team": "a"}, "tags": {"env": "b"}, "account_name": "research"}
        failing = view(facts(), **told, failure=Failure(ErrorCode.TLS, ""))
        found = list(family.samples(failing))
        assert found
        for labels, _ in found:
            assert len(labels) == len(family.labels)
            assert all(fnmatchcase(name, known) for (name, _), known in zip(labels, family.labels, strict=True))

    def test_sections_are_told_apart_by_their_titles_and_opt_ins_stand_in_their_own(self) -> None:
        assert len({section.title for section in SECTIONS}) == len(SECTIONS)
        assert {section.title for section in SECTIONS for family in section.families if family.collect} == {
            "Opt-in",
            "Training jobs",
        }
        assert all(family.collect for section in SECTIONS[-2:] for family in section.families)

    @pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.title)
    def test_only_health_outlives_the_facts(self, section: Section) -> None:
        failing = view(facts(), facts=None, failure=Failure(ErrorCode.TLS, ""))
        for family in section.families:
            assert bool(list(family.samples(failing))) == (section.title == "Health"), family.name


class TestHealth:
    def test_up_says_nothing_before_the_first_describe(self) -> None:
        assert samples("up", view(None)) == []

    def test_up_is_1_after_a_success(self) -> None:
        assert samples("up", view(facts())) == [((), 1)]

    def test_up_is_0_after_a_failure_even_while_there_are_facts(self) -> None:
        assert samples("up", view(facts(), failure=Failure(ErrorCode.TIMEOUT, ""))) == [((), 0)]

    @pytest.mark.parametrize("code", ErrorCode)
    def test_the_error_is_told_by_its_code_alone(self, code: ErrorCode) -> None:
        failure = Failure(code, "User: arn:aws:sts::1:role is not authorized")
        assert samples("error_info", view(None, failure=failure)) == [((code.value,), 1)]

    def test_without_an_error_there_is_none(self) -> None:
        assert samples("error_info", view(facts())) == []

    def test_times(self) -> None:
        shown = view(facts(), last_success=12.5, next_describe=72.5)
        assert samples("last_success_timestamp_seconds", shown) == [((), 12.5)]
        assert samples("next_describe_timestamp_seconds", shown) == [((), 72.5)]

    def test_no_success_has_no_time(self) -> None:
        assert samples("last_success_timestamp_seconds", view(None)) == []

    def test_labels_are_told_apart_from_ours(self) -> None:
        shown = view(facts(), labels={"team": "ranking", "status": "mine"})
        assert list(BY_NAME["labels"].samples(shown)) == [((("label_team", "ranking"), ("label_status", "mine")), 1)]

    def test_aws_tags_are_told_apart_from_labels(self) -> None:
        shown = view(facts(), labels={"team": "ranking"}, tags={"team": "search"})
        assert list(BY_NAME["labels"].samples(shown)) == [((("label_team", "ranking"), ("tag_team", "search")), 1)]


class TestStatus:
    @pytest.mark.parametrize("status", TUNING_JOB_STATUSES)
    def test_is_1_for_the_one_it_is_in(self, status: str) -> None:
        found = dict(samples("status", view(replace(facts(), status=status))))
        assert found == {(other,): int(other == status) for other in (*TUNING_JOB_STATUSES, UNKNOWN_STATUS)}

    @pytest.mark.parametrize("status", ["Archiving", "Unknown", "inprogress", "IN_PROGRESS"])
    def test_is_unknown_for_any_other(self, status: str) -> None:
        found = dict(samples("status", view(replace(facts(), status=status))))
        assert found == {**{(known,): 0 for known in TUNING_JOB_STATUSES}, ("Unknown",): 1}


def best() -> TrainingJob:
    """Return the best training job of the facts."""
    job = facts().best_training_job
    assert job is not None
    return job


class TestObjectiveValue:
    NAMES = ("best_objective_value", "overall_best_objective_value")

    @pytest.mark.parametrize("name", NAMES)
    def test_is_absent_without_a_training_job(self, name: str) -> None:
        assert samples(name, view(replace(facts(), best_training_job=None, overall_best_training_job=None))) == []

    @pytest.mark.parametrize("name", NAMES)
    def test_is_absent_without_a_value(self, name: str) -> None:
        job = replace(best(), objective_value=None)
        assert samples(name, view(replace(facts(), best_training_job=job, overall_best_training_job=job))) == []

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("number", [0, 0.0, -1.5, float("inf")])
    def test_is_what_it_is(self, name: str, number: float) -> None:
        job = replace(best(), objective_value=number, objective=Objective("loss", None))
        shown = view(replace(facts(), best_training_job=job, overall_best_training_job=job))
        assert samples(name, shown) == [(("loss", ""), number)]

    def test_best_and_overall_best_are_not_mixed_up(self) -> None:
        assert samples("best_objective_value", view(facts())) == [(("eval_f1", "Maximize"), 0.8125)]
        assert samples("overall_best_objective_value", view(facts())) == [(("eval_f1", "Maximize"), 0.84375)]


class TestTarget:
    """It carries what its best value does, so that the two subtract."""

    def test_of_the_best_training_job_where_there_is_one(self) -> None:
        job = replace(best(), objective=Objective("loss", "Minimize"))
        shown = view(replace(facts(), best_training_job=job))
        assert samples("best_objective_value", shown) == [(("loss", "Minimize"), 0.8125)]
        assert samples("target_objective_value", shown) == [(("loss", "Minimize"), 0.875)]
        assert samples("target_reached", shown) == [(("loss", "Minimize"), 1)]

    def test_of_the_configuration_until_then(self) -> None:
        shown = view(replace(facts(), best_training_job=None))
        assert samples("target_objective_value", shown) == [(("eval_f1", "Maximize"), 0.875)]
        assert samples("target_reached", shown) == []

    def test_without_a_target_there_is_nothing(self) -> None:
        shown = view(replace(facts(), criteria=CompletionCriteria()))
        assert samples("target_objective_value", shown) == samples("target_reached", shown) == []


def test_no_parents_are_0_only_where_the_answer_says_so() -> None:
    assert samples("warm_start_parents", view(replace(facts(), parents=()))) == [((), 0)]
    assert samples("warm_start_parents", view(replace(facts(), parents=None))) == []
