"""The dashboards in the chart are what the generator makes, and what Grafana's own types allow."""

from __future__ import annotations

import enum
import json
import re
import types
import typing
from collections import Counter
from typing import Any

import pytest
from grafana import DASHBOARDS, DIRECTORY, page, render
from grafana.schema import model
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.runtime import register_dataquery_variant, register_panelcfg_variant
from grafana_foundation_sdk.models import bargauge, prometheus, stat, statetimeline, table, timeseries

REFERENCE = re.compile(r"\$(?:([a-zA-Z_]\w*)|\{(\w+))")
OF_GRAFANA = {"__all", "__rate_interval", "__url_time_range", "__data", "__field", "__value"}


for kind in (bargauge, stat, statetimeline, table, timeseries):
    register_panelcfg_variant(kind.variant_config())
register_dataquery_variant(prometheus.variant_config())


@pytest.fixture(params=DASHBOARDS)
def dashboard(request) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(render(request.param))
    return content


@pytest.fixture
def panels(dashboard) -> list[dict[str, Any]]:
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def plain(thing: Any) -> Any:
    return json.loads(json.dumps(thing, cls=JSONEncoder))


def conforms(value: Any, wanted: Any) -> bool:
    """Tell whether a value is of a type as the schema's classes are annotated with, and all that is in it too."""
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if wanted in {Any, object}:
        return not hasattr(value, "to_json") or whole(value)
    if origin in {typing.Union, types.UnionType}:
        return any(conforms(value, one) for one in arguments)
    if origin is typing.Literal:
        return value in arguments
    if origin is list:
        return isinstance(value, list) and all(conforms(item, arguments[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(conforms(item, arguments[1]) for item in value.values())
    if issubclass(wanted, enum.Enum):
        return value in list(wanted)
    if wanted is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if wanted in {int, bool, type(None)}:
        return type(value) is wanted
    if isinstance(value, dict) and hasattr(wanted, "from_json"):  # some are left as they stand when read
        taken = wanted.from_json(value)
        return plain(taken) == value and whole(taken)
    return isinstance(value, wanted) and whole(value)


def whole(thing: Any) -> bool:
    """Tell whether each attribute of an object of the schema is of its type; say which is not."""
    for name, wanted in typing.get_type_hints(type(thing)).items():
        assert conforms(getattr(thing, name), wanted), f"{type(thing).__name__}.{name}: {getattr(thing, name)!r}"
    return True


def kept(before: Any, after: Any) -> bool:
    """Tell whether all that was there is there still; defaults may have come."""
    if isinstance(before, dict):
        for name, value in before.items():
            assert name in after, f"{name} is unknown"
            assert kept(value, after[name]), f"{name}: {value!r} became {after[name]!r}"
        return True
    if isinstance(before, list):
        return len(before) == len(after) and all(map(kept, before, after))
    return bool(before == after)


def test_the_chart_has_exactly_what_is_made_here():
    assert {path.name for path in DIRECTORY.iterdir()} == DASHBOARDS.keys()
    for name in DASHBOARDS:
        assert (DIRECTORY / name).read_text(encoding="utf-8") == render(name), f"{name}: run `make dashboards`"


def test_grafanas_types_take_it_and_lose_nothing(dashboard):
    taken = model.Dashboard.from_json(dashboard)
    assert whole(taken)
    assert kept(dashboard, plain(taken))


def test_grafanas_types_tell_what_they_do_not_know():
    dashboard = json.loads(render(f"{page.FLEET}.json"))
    dashboard["panels"][1]["options"]["graphMood"] = "area"
    with pytest.raises(AssertionError, match="graphMood is unknown"):
        kept(dashboard, plain(model.Dashboard.from_json(dashboard)))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("refresh",), 60),
        (("schemaVersion",), "39"),
        (("panels", 1, "options", "graphMode"), "aera"),
        (("panels", 1, "fieldConfig", "defaults", "min"), "0"),
        (("panels", 1, "targets", 0, "format"), "matrix"),
        (("panels", 1, "gridPos", "w"), None),
    ],
)
def test_grafanas_types_refuse_what_is_wrong(path, value):
    dashboard = json.loads(render(f"{page.FLEET}.json"))
    *way, last = path
    place = dashboard
    for step in way:
        place = place[step]
    place[last] = value
    with pytest.raises(AssertionError, match=str(value)):
        whole(model.Dashboard.from_json(dashboard))


def test_is_known_by_its_uid(dashboard):
    assert dashboard["uid"] in {page.FLEET, page.TUNING_JOB}
    assert len(dashboard["uid"]) <= 40
    assert "id" not in dashboard
    assert dashboard["schemaVersion"] >= 39


def test_panels_lie_side_by_side(dashboard):
    taken: Counter[tuple[int, int]] = Counter()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        taken.update(
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        )
    assert set(taken.values()) == {1}
    heights = Counter(y for _, y in taken)
    assert sorted(heights) == list(range(len(heights)))
    assert set(heights.values()) == {24}


def test_every_panel_explains_itself(panels):
    for panel in panels:
        defaults = panel["fieldConfig"]["defaults"]
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert defaults["unit"]
        assert defaults["thresholds"]["steps"][0]["value"] is None
        assert defaults["noValue"]


def test_numbers_and_queries_are_told_apart(dashboard, panels):
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert ids == list(range(1, len(ids) + 1))
    for panel in panels:
        assert [target["refId"] for target in panel["targets"]] == [
            chr(ord("A") + place) for place in range(len(panel["targets"]))
        ]


def test_every_data_source_is_the_chosen_one(dashboard):
    text = json.dumps(dashboard)
    assert set(re.findall(r'"uid": "([^"]+)"', text)) == {"${datasource}", dashboard["uid"]}


def test_every_variable_that_is_used_is_there(dashboard):
    known = {variable["name"] for variable in dashboard["templating"]["list"]}
    used = {bare or braced for bare, braced in REFERENCE.findall(json.dumps(dashboard))}
    assert used - OF_GRAFANA - known == set()
    assert known - used == set()


def test_no_query_depends_on_how_the_exporter_is_scraped(panels):
    for panel in panels:
        for target in panel["targets"]:
            assert not re.search(r"\b(job|instance|pod)\b *[=!~,)]", target["expr"]), panel["title"]


def test_opt_in_panels_say_what_they_need(panels):
    opt_in = re.compile("definition_|best_training_job_info|parent_info|hyperparameter_")
    found = [panel for panel in panels if any(opt_in.search(target["expr"]) for target in panel["targets"])]
    assert found or panels[0]["title"] == "Status"
    for panel in found:
        assert "collect: [" in panel["description"]
        assert "collect: [" in panel["fieldConfig"]["defaults"]["noValue"]


def test_columns_are_there_to_be_shown(panels):
    for panel in panels:
        if panel["type"] != "table":
            continue
        expressions = " ".join(target["expr"] for target in panel["targets"])
        letters = {target["refId"] for target in panel["targets"]}
        for override in panel["fieldConfig"]["overrides"]:
            name = override["matcher"]["options"]
            if letter := re.fullmatch("Value #(.)", name):
                assert letter[1] in letters
            else:
                assert re.search(rf"\b{name}\b", expressions), f"{panel['title']}: {name}"


def test_links_lead_to_the_other_dashboard_and_to_the_console():
    fleet, job = render(f"{page.FLEET}.json"), render(f"{page.TUNING_JOB}.json")
    assert f"/d/{page.TUNING_JOB}?" in fleet
    assert f"/d/{page.FLEET}?" in job
    for text in (fleet, job):
        assert "/sagemaker/home?region=" in text
        for host in ("console.aws.amazon.com", "console.amazonaws.cn", "console.amazonaws-us-gov.com"):
            assert host in text
