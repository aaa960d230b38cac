"""The training job definitions of an answer: their objectives, instances and limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.tuning_job.members import Answer, Number, mapping, mappings, number, term
from exporter.tuning_job.model import Definition, Instances, Objective

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def raw_definitions(answer: Answer) -> list[Answer]:
    """Return the training job definitions, from the list or the single member."""
    single = mapping(answer, "TrainingJobDefinition")
    return [*mappings(answer, "TrainingJobDefinitions"), *([single] if single else [])]


def labelled_definitions(answer: Answer) -> Iterator[tuple[str, Answer]]:
    """Yield each definition with a unique name.

    In the API, each of several has a name. If not, its position is used, with ``#1`` for the first: names in the API cannot
    have this character. A single definition without a name has an empty one.
    """
    found = raw_definitions(answer)
    for place, definition in enumerate(found, start=1):
        yield term(definition, "DefinitionName") or ("" if len(found) == 1 else f"#{place}"), definition


def objective(parent: Answer, member: str) -> Objective | None:
    """Return an objective. None if it has neither metric nor direction."""
    stated = mapping(parent, member)
    metric_name, type_ = term(stated, "MetricName"), term(stated, "Type")
    return None if metric_name is None and type_ is None else Objective(metric_name, type_)


def config_objective(answer: Answer) -> Objective | None:
    """Return the objective in the tuning job's configuration."""
    return objective(mapping(answer, "HyperParameterTuningJobConfig"), "HyperParameterTuningJobObjective")


def definitions(answer: Answer) -> tuple[Definition, ...]:
    """Return the facts of all definitions. A definition without an objective has that of the tuning job."""
    return tuple(_definition(name, definition, answer) for name, definition in labelled_definitions(answer))


def _definition(name: str, definition: Answer, answer: Answer) -> Definition:
    stopping = mapping(definition, "StoppingCondition")
    spot = definition.get("EnableManagedSpotTraining")
    return Definition(
        name=name,
        objective=objective(definition, "TuningObjective") or config_objective(answer) or Objective(None, None),
        spot=spot if isinstance(spot, bool) else None,
        instances=tuple(Instances(*each) for each in _instances(definition).items()),
        one_of_instances=_are_alternatives(definition),
        max_runtime_seconds=number(stopping, "MaxRuntimeInSeconds"),
        max_wait_seconds=number(stopping, "MaxWaitTimeInSeconds"),
        max_pending_seconds=number(stopping, "MaxPendingTimeInSeconds"),
    )


def _instances(definition: Answer) -> dict[str, Number | None]:
    """Return instances by type. The count is None if it is missing.

    Instance groups run together, so the counts of one type are added. Instance configs and preferences are alternatives, with
    the preferred one first. Preferences may have a common count.
    """
    counts = instances_side_by_side(mapping(definition, "ResourceConfig"))
    for instance_type, count in _alternatives(definition):
        counts.setdefault(instance_type, count)
    return counts


def _are_alternatives(definition: Answer) -> bool:
    """Return whether a training job uses one of several alternatives, so that the definition does not tell which."""
    alternatives = _alternatives(definition)
    side_by_side = instances_side_by_side(mapping(definition, "ResourceConfig"))
    return bool(alternatives) and len({*alternatives, *side_by_side.items()}) > 1


def instances_side_by_side(resources: Answer) -> dict[str, Number | None]:
    """Return the instances by type that run together in a ResourceConfig. The count is None if it is missing."""
    return _summed(_typed([resources, *mappings(resources, "InstanceGroups")]))


def _alternatives(definition: Answer) -> list[tuple[str, Number | None]]:
    resources = mapping(definition, "ResourceConfig")
    tuning_resources = mapping(definition, "HyperParameterTuningResourceConfig")
    return [
        *_typed([tuning_resources, *mappings(tuning_resources, "InstanceConfigs")]),
        *_typed(mappings(resources, "InstancePreferences"), number(resources, "InstanceCount")),
    ]


def _typed(resources: Iterable[Answer], default: Number | None = None) -> Iterator[tuple[str, Number | None]]:
    for resource in resources:
        instance_type, count = term(resource, "InstanceType"), number(resource, "InstanceCount")
        if instance_type is not None:
            yield instance_type, default if count is None else count


def _summed(instances: Iterable[tuple[str, Number | None]]) -> dict[str, Number | None]:
    counts: dict[str, Number | None] = {}
    for instance_type, count in instances:
        before = counts.get(instance_type, 0)
        counts[instance_type] = None if before is None or count is None else before + count
    return {instance_type: number(counts, instance_type) for instance_type in counts}  # a sum may be too large
