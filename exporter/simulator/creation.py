"""CreateHyperParameterTuningJob: reads an input, and makes the scenario for it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.simulator import reading
from exporter.simulator.errors import ApiError, invalid
from exporter.simulator.scenario import SCENARIOS
from exporter.simulator.surface import Categorical, Continuous, Integer, slope

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.simulator.scenario import Definition, Scenario
    from exporter.simulator.surface import Range, Surface

SCENARIO_TAG = "simulator:scenario"
"""The tag that names the scenario of a created job."""

SPEED_TAG = "simulator:speed"
"""The tag that says how many times faster than a real job it runs."""

DEFAULT_SCENARIO = "healthy"

MOST_TRAINING_JOBS = 750
MOST_RANDOM_TRAINING_JOBS = 10_000
MOST_PARALLEL = 100

_CONSTANT = (
    "HyperParameterTuningJobConfig",
    "TrainingJobDefinition",
    "TrainingJobDefinitions",
    "WarmStartConfig",
    "Autotune",
)


class Asked(NamedTuple):
    """What an input asks for. ``constant`` has the members that a describe returns unchanged."""

    scenario: Scenario
    constant: dict[str, Any]
    speed: float
    tags: dict[str, str]


def read(content: Mapping[str, Any], *, speed: float) -> Asked:
    """Return what an input asks for. ``speed`` is that of jobs without a tag for it.

    Raises ApiError if a member has a wrong type or value, or if a limit of the service is exceeded. Unknown members are
    ignored.
    """
    problems: list[str] = []
    tags = {
        reading.text(tag, "Key") or "": reading.text(tag, "Value") or "" for tag in reading.structures(content, "Tags")
    }
    speed = _speed(tags, speed, problems)
    scenario = SCENARIOS.get(tags.get(SCENARIO_TAG, DEFAULT_SCENARIO))
    if scenario is None:
        problems.append(f"Value of the tag {SCENARIO_TAG} is none of [{', '.join(SCENARIOS)}]")
        scenario = SCENARIOS[DEFAULT_SCENARIO]
    config = reading.structure(content.get("HyperParameterTuningJobConfig", {}), "HyperParameterTuningJobConfig")
    scenario = _configured(scenario, config, speed, problems)
    definitions = reading.structures(content, "TrainingJobDefinitions")
    if "TrainingJobDefinition" in content:
        definitions = [reading.structure(content["TrainingJobDefinition"], "TrainingJobDefinition"), *definitions]
    if not definitions:
        problems.append("Value at 'TrainingJobDefinition' must be given")
        definitions = [{}]
    scenario = replace(
        scenario,
        definitions=tuple(
            _definition(scenario.definitions[number % len(scenario.definitions)], config, definition, problems)
            for number, definition in enumerate(definitions)
        ),
        parents=_parents(content),
    )
    if scenario.strategy == "Grid" and not all(map(_is_enumerable, scenario.definitions)):
        problems.append("Value 'Grid' at 'Strategy' is for categorical ranges only")
    if problems:
        raise invalid(problems)
    _check_limits(scenario)
    return Asked(scenario, {member: content[member] for member in _CONSTANT if member in content}, speed, tags)


def _speed(tags: Mapping[str, str], default: float, problems: list[str]) -> float:
    try:
        speed = float(tags.get(SPEED_TAG, default))
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        problems.append(f"Value of the tag {SPEED_TAG} must be a number above 0")
        return default
    return speed


def _configured(scenario: Scenario, config: Mapping[str, Any], speed: float, problems: list[str]) -> Scenario:
    strategy = reading.choice(config, "Strategy", ("Bayesian", "Random", "Grid", "Hyperband"), problems)
    if strategy is None:
        problems.append("Value at 'Strategy' must be given")
    limits = reading.structure(config.get("ResourceLimits", {}), "ResourceLimits")
    parallel = reading.whole_number(limits, "MaxParallelTrainingJobs", 0)
    if parallel < 1:
        problems.append("Value at 'MaxParallelTrainingJobs' must be given, and at least 1")
    number = reading.whole_number(limits, "MaxNumberOfTrainingJobs", MOST_TRAINING_JOBS)
    if number < 1:
        problems.append("Value at 'MaxNumberOfTrainingJobs' must be at least 1")
    runtime = reading.whole_number(limits, "MaxRuntimeInSeconds", 0)
    criteria = reading.structure(config.get("TuningJobCompletionCriteria", {}), "TuningJobCompletionCriteria")
    improving = reading.structure(criteria.get("BestObjectiveNotImproving", {}), "BestObjectiveNotImproving")
    convergence = reading.structure(criteria.get("ConvergenceDetected", {}), "ConvergenceDetected")
    return replace(
        scenario,
        strategy=strategy or scenario.strategy,  # type: ignore[arg-type]
        parallel=parallel,
        max_jobs=None if strategy == "Grid" and "MaxNumberOfTrainingJobs" not in limits else number,
        max_runtime=runtime * speed if runtime else None,
        early_stopping=reading.choice(config, "TrainingJobEarlyStoppingType", ("Off", "Auto"), problems),  # type: ignore[arg-type]
        target=reading.moment(criteria, "TargetObjectiveMetricValue", 0.0)
        if "TargetObjectiveMetricValue" in criteria
        else None,
        max_not_improving=reading.whole_number(improving, "MaxNumberOfTrainingJobsNotImproving", 0) or None,
        on_convergence=reading.choice(convergence, "CompleteOnConvergence", ("Enabled", "Disabled"), problems),  # type: ignore[arg-type]
    )


def _definition(
    model: Definition, config: Mapping[str, Any], given: Mapping[str, Any], problems: list[str]
) -> Definition:
    objective = given.get("TuningObjective", config.get("HyperParameterTuningJobObjective", {}))
    ranges = given.get("HyperParameterRanges", config.get("ParameterRanges", {}))
    surface = _surface(
        model.surface,
        reading.structure(objective, "The objective"),
        _ranges(reading.structure(ranges, "The ranges"), problems),
        problems,
    )
    return replace(model, name=reading.text(given, "DefinitionName"), surface=surface)


def _surface(model: Surface, objective: Mapping[str, Any], ranges: tuple[Range, ...], problems: list[str]) -> Surface:
    direction = reading.choice(objective, "Type", ("Minimize", "Maximize"), problems)
    metric = reading.text(objective, "MetricName") or model.metric
    if direction not in {None, model.direction}:
        model = replace(model, best=model.worst, worst=model.best)
    if not ranges:  # Autotune finds the ranges
        return replace(model, metric=metric)
    # Shapes with several optima need at least two dimensions.
    return replace(model, metric=metric, ranges=ranges, shape=model.shape if len(ranges) > 1 else slope)


def _ranges(content: Mapping[str, Any], problems: list[str]) -> tuple[Range, ...]:
    found: list[Range] = []
    for member, read_one in _KINDS.items():
        for given in reading.structures(content, member):
            try:
                found.append(read_one(reading.text(given, "Name") or "", given))
            except (ValueError, TypeError):
                problems.append(f"Value at '{member}' is no range from less to more")
    return tuple(found)


def _continuous(name: str, given: Mapping[str, Any]) -> Continuous:
    low, high = float(given.get("MinValue", "")), float(given.get("MaxValue", ""))
    if not -math.inf < low < high < math.inf:
        raise ValueError("no range")
    return Continuous(name, low, high, logarithmic=low > 0 and given.get("ScalingType") == "Logarithmic")


def _integer(name: str, given: Mapping[str, Any]) -> Integer:
    low, high = int(given.get("MinValue", "")), int(given.get("MaxValue", ""))
    if low >= high:
        raise ValueError("no range")
    return Integer(name, low, high)


def _categorical(name: str, given: Mapping[str, Any]) -> Categorical:
    values = given.get("Values")
    if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
        raise ValueError("no values")
    return Categorical(name, tuple(values))


_KINDS: Mapping[str, Callable[[str, Mapping[str, Any]], Range]] = {
    "CategoricalParameterRanges": _categorical,
    "ContinuousParameterRanges": _continuous,
    "IntegerParameterRanges": _integer,
}


def _is_enumerable(definition: Definition) -> bool:
    return all(isinstance(each, Categorical) for each in definition.surface.ranges)


def _parents(content: Mapping[str, Any]) -> tuple[str, ...]:
    warm = reading.structure(content.get("WarmStartConfig", {}), "WarmStartConfig")
    named = (
        reading.text(p, "HyperParameterTuningJobName")
        for p in reading.structures(warm, "ParentHyperParameterTuningJobs")
    )
    return tuple(name for name in named if name)


def _check_limits(scenario: Scenario) -> None:
    most = MOST_RANDOM_TRAINING_JOBS if scenario.strategy == "Random" else MOST_TRAINING_JOBS
    for what, asked, limit in (
        ("training jobs of a tuning job", scenario.max_jobs or 0, most),
        ("training jobs of a tuning job at once", scenario.parallel, MOST_PARALLEL),
    ):
        if asked > limit:
            raise ApiError("ResourceLimitExceeded", f"The limit of {what} is {limit}, and {asked} are asked for.")
