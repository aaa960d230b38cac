"""What the tests of the simulator share: a clock that stands still, and botocore's own model as the judge."""

from __future__ import annotations

import re
from typing import Any, Protocol

import pytest
from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape
from support.clock import ManualClock

from exporter.simulator.life import Life
from exporter.simulator.scenario import SCENARIOS
from exporter.simulator.service import Simulator

NOW = 1_764_000_000.25
ACCOUNT = "123456789012"


class MakeLife(Protocol):
    def __call__(self, scenario: str, **changes: Any) -> Life: ...


class Validate(Protocol):
    def __call__(self, operation: str, answer: object) -> list[str]: ...


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def simulator(clock: ManualClock) -> Simulator:
    return Simulator(clock)


@pytest.fixture(scope="session")
def make_life() -> MakeLife:
    def make(scenario: str, **changes: Any) -> Life:
        arguments: dict[str, Any] = {
            "name": "Some-Job",
            "region": "us-east-1",
            "account_id": ACCOUNT,
            "created": NOW,
            "speed": 1.0,
            "seed": 0,
            "tags": {},
        }
        return Life(scenario=SCENARIOS[scenario], **(arguments | changes))

    return make


@pytest.fixture(scope="session")
def validate() -> Validate:
    """Return a function that tells everything in which an answer breaks botocore's output model."""
    names = ("sagemaker", "service-quotas")
    models = [ServiceModel(Loader().load_service_model(name, "service-2"), name) for name in names]

    def check(operation: str, answer: object) -> list[str]:
        [model] = [each for each in models if operation in each.operation_names]
        shape = model.operation_model(operation).output_shape
        return list(problems(shape, answer, operation))

    return check


def problems(shape: Shape, value: Any, path: str):
    match shape:
        case StructureShape():
            yield from structure_problems(shape, value, path)
        case ListShape():
            if not isinstance(value, list):
                yield f"{path}: {value!r} is no list"
                return
            yield from size_problems(shape, len(value), path)
            for i, item in enumerate(value):
                yield from problems(shape.member, item, f"{path}[{i}]")
        case MapShape():
            if not isinstance(value, dict):
                yield f"{path}: {value!r} is no map"
                return
            yield from size_problems(shape, len(value), path)
            for key, item in value.items():
                yield from problems(shape.key, key, f"{path}[key {key}]")
                yield from problems(shape.value, item, f"{path}[{key}]")
        case _:
            yield from scalar_problems(shape, value, path)


def structure_problems(shape: StructureShape, value: Any, path: str):
    if not isinstance(value, dict):
        yield f"{path}: {value!r} is no structure"
        return
    for name in shape.required_members:
        if name not in value:
            yield f"{path}: {name} is missing"
    for name, item in value.items():
        if name in shape.members:
            yield from problems(shape.members[name], item, f"{path}.{name}")
        else:
            yield f"{path}: {name} is unknown"


def scalar_problems(shape: Shape, value: Any, path: str):
    types: dict[str, Any] = {
        "string": (str,),
        "integer": (int,),
        "long": (int,),
        "float": (int, float),
        "double": (int, float),
        "timestamp": (float,),
        "boolean": (bool,),
    }
    if not isinstance(value, types[shape.type_name]) or (isinstance(value, bool) and shape.type_name != "boolean"):
        yield f"{path}: {value!r} is no {shape.type_name}"
        return
    if shape.type_name == "string":
        yield from size_problems(shape, len(value), path)
        if shape.enum and value not in shape.enum:
            yield f"{path}: {value!r} is not in the enum"
        pattern = shape.metadata.get("pattern")
        if pattern and not re.fullmatch(pattern.replace(r"\p{L}\p{Z}\p{N}", r"\w\s"), value):
            yield f"{path}: {value!r} does not match {pattern}"
    elif shape.type_name in ("integer", "long"):
        yield from size_problems(shape, value, path)


def size_problems(shape: Shape, size: int, path: str):
    if "min" in shape.metadata and size < shape.metadata["min"]:
        yield f"{path}: {size} is below the minimum {shape.metadata['min']}"
    if "max" in shape.metadata and size > shape.metadata["max"]:
        yield f"{path}: {size} is above the maximum {shape.metadata['max']}"
