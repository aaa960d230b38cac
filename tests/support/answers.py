"""Answers of any content, made from the shape that botocore's own model gives DescribeHyperParameterTuningJob's."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import botocore.session

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from botocore.model import Shape

_MODEL = botocore.session.get_session().get_service_model("sagemaker")


def output_of(operation: str) -> Shape:
    """Return the shape of an operation's answers."""
    return _MODEL.operation_model(operation).output_shape


OUTPUT: Shape = output_of("DescribeHyperParameterTuningJob")
ARN = "arn:aws:sagemaker:eu-west-1:123456789012:hyper-parameter-tuning-job/{}"

TEXTS = [
    "", " ", "a", "x" * 256, 'say "hi"', "back\\slash", "two\nlines", "\r\n", "größe", "模型🚀", "\ud800", "\udfff", "?",
    "\u202eright", "\x00\x7f", "e\u0301", "\u00e9", '"512"', "1e-07", "-3", "NaN", "Infinity", "1e999", "0.5", "{}", ",=",
]  # fmt: skip
INTEGERS = [0, 1, -1, 7, 2**31 - 1, 2**53 + 1, 2**63, 10**300, 10**400]
FLOATS = [0.0, -0.0, 0.1, -1.5, 5e-324, 1.7e308, math.nan, math.inf, -math.inf, "NaN", "Infinity", "-Infinity", 3]
TIMES = [0.0, -1.5, 1_750_000_000.125, 1e11, 4_102_444_800, "2025-06-15T16:00:00.250Z"]


def leaves(shape: Shape, path: str = "") -> Iterator[tuple[str, Shape]]:
    """Yield the path and shape of every leaf, spelled as in the coverage table."""
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            yield from leaves(member, f"{path}.{name}" if path else name)
    elif shape.type_name == "list":
        yield from leaves(shape.member, f"{path}[]")
    elif shape.type_name == "map":
        yield from leaves(shape.key, f"{path}{{key}}")
        yield from leaves(shape.value, f"{path}{{value}}")
    else:
        yield path, shape


def build(shape: Shape, leaf: Callable[[Shape], Any], present: Callable[[], bool], size: Callable[[Shape], int]) -> Any:
    """Return a value of a shape: which members there are, how many items and what the leaves hold is for others to say."""
    if shape.type_name == "structure":
        return {name: build(member, leaf, present, size) for name, member in shape.members.items() if present()}
    if shape.type_name == "list":
        return [build(shape.member, leaf, present, size) for _ in range(size(shape))]
    if shape.type_name == "map":
        return {leaf(shape.key): leaf(shape.value) for _ in range(size(shape))}
    return leaf(shape)


def random_leaf(rng: random.Random, shape: Shape) -> Any:
    """Return an extreme, odd or plain value of a leaf's type."""
    kind = shape.type_name
    if kind == "string":
        known = shape.enum
        if known and rng.random() < 0.7:
            return rng.choice(known)
        return rng.choice(TEXTS) if rng.random() < 0.6 else str(rng.choice([rng.randint(1, 4), rng.random()]))
    if kind in {"integer", "long"}:
        return rng.choice(INTEGERS) if rng.random() < 0.3 else rng.randint(0, 500)
    if kind in {"float", "double"}:
        return rng.choice(FLOATS) if rng.random() < 0.5 else rng.gauss(0, 10)
    if kind == "timestamp":
        return rng.choice(TIMES) if rng.random() < 0.3 else rng.uniform(1e9, 2e9)
    assert kind == "boolean", kind
    return rng.random() < 0.5


def random_answer(rng: random.Random, name: str) -> dict[str, Any]:
    """Return an answer of a tuning job that has its name, ARN and a status, and may have anything else."""
    share = rng.choice([0.2, 0.5, 0.8, 0.9])
    longest = rng.choice([1, 1, 2, 5])
    answer: dict[str, Any] = build(
        OUTPUT,
        lambda shape: random_leaf(rng, shape),
        lambda: rng.random() < share,
        lambda _: rng.randint(0, longest) if rng.random() < 0.5 else 1,
    )
    status = rng.choice([*OUTPUT.members["HyperParameterTuningJobStatus"].enum, "Archiving", 'Archiv\u00e9\n"\\'])
    return answer | {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobArn": ARN.format("x"),
        "HyperParameterTuningJobStatus": status,
    }
