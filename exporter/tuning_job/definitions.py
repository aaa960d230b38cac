"""The training job definitions of an answer: what each searches by, what it runs on and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.tuning_job.members import Answer, Number, mapping, mappings, number, term
from exporter.tuning_job.model import Definition, Instances, Objective

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def raw_definitions(answer: Answer) -> list[Answer]:
    """Return the training job definitions of either layout: the list or the single member."""
    single = mapping(answer, "TrainingJobDefinition")
    return [*mappings(answer, "TrainingJobDefinitions"), *([single] if single else [])]


def labelled_definitions(answer: Answer) -> Iterator[tuple[str, Answer]]:
    """Yield each definition with what tells it apart: its name.

    The API names each of several. Of several without a name each is told by its place, ``#1`` being the first: no
    name of the API holds that character. The only one is told by the empty text.
    """
    found = raw_definitions(answer)
    for place, definition in enumerate(found, start=1):
        yield term(definition, "DefinitionName") or ("" if len(found) == 1 else f"#{place}"), definition


def objective(parent: Answer, member: str) -> Objective | None:
    """Return an objective that states a metric or a direction."""
    stated = mapping(parent, member)
    metric_name, type_ = term(stated, "MetricName"), term(stated, "Type")
    return None if metric_name is None and type_ is None else Objective(metric_name, type_)


def config_objective(answer: Answer) -> Objective | None:
    """Return the objective in the tuning job's own configuration."""
    return objective(mapping(answer, "HyperParameterTuningJobConfig"), "HyperParameterTuningJobObjective")


def definitions(answer: Answer) -> tuple[Definition, ...]:
    """Return the facts of every definition; the objective of one that states none is the tuning job's own."""
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
    """Return instances by type, the count None where it is not stated.

    Groups run side by side, so those of one type add up. Instance configs and preferences are alternatives, the
    preferred one first; the count of preferences may be stated once for all.
    """
    counts = instances_side_by_side(mapping(definition, "ResourceConfig"))
    for instance_type, count in _alternatives(definition):
        counts.setdefault(instance_type, count)
    return counts


def _are_alternatives(definition: Answer) -> bool:
    """Tell whether a training job runs on one only of several types or counts, so that the definition does not tell which."""
    alternatives = _alternatives(definition)
    side_by_side = instances_side_by_side(mapping(definition, "ResourceConfig"))
    return bool(alternatives) and len({*alternatives, *side_by_side.items()}) > 1


def instances_side_by_side(resources: Answer) -> dict[str, Number | None]:
    """Return the instances by type that a ResourceConfig has run together, the count None where it is not stated."""
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
    return {instance_type: number(counts, instance_type) for instance_type in counts}  # a sum may be past any sample
