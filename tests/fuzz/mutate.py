"""How cases change: trees of values, and bytes."""

from __future__ import annotations

import math
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

ODD: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**53 + 1, 2**63, 10**40, 0.5, -0.0, 5e-324, 1.7e308, math.nan, math.inf, -math.inf,
    "", " ", "a", "x" * 300, "0", "-1", "1e999", "NaN", "Infinity", "1_0", "٣", "\x00", "\x7f", "\n", "a\r\nb", "\u2028",
    "\ud800", "\u202eright", "🚀", "é", '"', "\\", "%s", "{}", "{{7*7}}", "${HOME}", "../../etc/passwd", "<script>alert(1)</script>",
    "2025-06-15T16:00:00.250Z", "9999-12-31T23:59:59Z", "0000-00-00", "1e400", [], {}, [[]], [None], {"": None}, {"a": {"a": {}}},
]  # fmt: skip

TOKENS = [
    *(b"\x00", b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\r\n", b"\n\n", b"\t", b" ", b'"', b"'", b"\\"),
    *(b"{", b"}", b"[", b"]", b"<", b">", b":", b",", b"-", b"&a", b"*a", b"!!x", b"%", b"#", b"0", b"9" * 40, b"e9999"),
    *(b"null", b"true", b"NaN", b"Infinity", b"a" * 5_000),
]  # fmt: skip

_LONGEST = 256 * 1024
_DEEP = 80
_MOST_PLACES = 20_000  # a tree that shares its parts, as aliases do, can have more than there is memory for


def another_tree(rng: random.Random, tree: Any, keys: Sequence[str], known: dict[str, list[Any]]) -> Any:
    """Return a tree of JSON's kinds with one place changed; ``known`` has values by the key that they are usual for."""
    places = list(islice(_places(tree), _MOST_PLACES))
    if not places:
        return rng.choice(ODD)
    # A copy, down to the place alone.
    path = rng.choice(places)
    root = holder = _copy(tree)
    for step in path[:-1]:
        holder[step] = _copy(holder[step])
        holder = holder[step]
    _change(rng, holder, path[-1], keys, known)
    return root


def is_large(tree: Any) -> bool:
    """Return whether a tree has too many places to be written out. One that shares its parts can have billions."""
    return next(islice(_places(tree), _MOST_PLACES, None), None) is not None


def _change(rng: random.Random, holder: Any, step: Any, keys: Sequence[str], known: dict[str, list[Any]]) -> None:
    value = holder[step]
    if isinstance(step, str) and known.get(step) and rng.random() < 0.4:
        holder[step] = rng.choice(known[step])
    elif rng.random() < 0.5:
        holder[step] = rng.choice(ODD) if rng.random() < 0.4 else _near(rng, value)
    elif isinstance(holder, list):
        _change_list(rng, holder, step)
    else:
        _change_mapping(rng, holder, step, keys, known)


def _change_list(rng: random.Random, holder: list[Any], step: int) -> None:
    match rng.randrange(4):
        case 0:
            del holder[step]
        case 1:
            rng.shuffle(holder)
        case 2:
            holder.extend([holder[step]] * rng.choice([1, 1, 2, 120]))
        case _:
            holder[step] = _wrapped(rng, holder[step])


def _change_mapping(
    rng: random.Random, holder: dict[str, Any], step: str, keys: Sequence[str], known: dict[str, list[Any]]
) -> None:
    name = rng.choice(keys) if keys and rng.random() < 0.7 else str(rng.choice(ODD))
    match rng.randrange(4):
        case 0:
            del holder[step]
        case 1:
            holder[name] = rng.choice(known.get(name) or ODD)
        case 2:
            holder[name] = holder.pop(step)
        case _:
            holder[step] = _wrapped(rng, holder[step])


def _wrapped(rng: random.Random, value: Any) -> Any:
    for _ in range(_DEEP if rng.random() < 0.05 else 1):
        value = [value] if rng.random() < 0.5 else {str(rng.choice(ODD)): value}
    return value


def _near(rng: random.Random, value: Any) -> Any:
    """Return a value that is like another one."""
    if isinstance(value, bool) or value is None:
        return rng.choice([True, False, None, "true", 0])
    if isinstance(value, int | float):
        return rng.choice([value + 1, -value, value * 1_000, value / 7 if abs(value) < 2**60 else 0.5, str(value)])
    if isinstance(value, str):
        at = rng.randint(0, len(value))
        odd = rng.choice([each for each in ODD if isinstance(each, str)])
        return rng.choice([value[:at] + odd + value[at:], value[:at], value.upper(), value * 2, value + value[at:]])
    return rng.choice(ODD)


def _copy(value: Any) -> Any:
    return value.copy() if isinstance(value, dict | list) else value


def _places(tree: Any) -> Any:
    """Yield the path of each value below the top."""
    waiting: list[tuple[Any, tuple[Any, ...]]] = [(tree, ())]
    while waiting:
        value, path = waiting.pop()
        steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for step, member in steps:
            yield (*path, step)
            waiting.append((member, (*path, step)))


def gathered(trees: Sequence[Any]) -> dict[str, list[Any]]:
    """Return the values that keys have in trees, by key."""
    known: dict[str, list[Any]] = {}
    for tree in trees:
        waiting = [tree]
        while waiting:
            value = waiting.pop()
            for key, member in value.items() if isinstance(value, dict) else ():
                if isinstance(key, str) and len(values := known.setdefault(key, [])) < 40 and member not in values:
                    values.append(member)
            waiting += value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return known


def other_bytes(rng: random.Random, case: bytes, tokens: Sequence[bytes] = (), others: Sequence[bytes] = ()) -> bytes:
    """Return bytes with one place changed."""
    start = rng.randint(0, len(case))
    end = start + int(min(len(case) - start, rng.expovariate(1 / 12)))
    middle = case[start:end]
    match rng.randrange(7):
        case 0:
            middle = bytes([rng.randrange(256)]) + middle[1:]
        case 1:
            middle = b""
        case 2:
            middle = rng.choice(TOKENS) + middle
        case 3 if tokens:
            middle = rng.choice(tokens) + middle
        case 4:
            middle *= rng.choice([2, 2, 3, 200])
        case 5 if others:
            other = rng.choice(others)
            cut = rng.randint(0, len(other))
            return (case[:start] + other[cut:])[:_LONGEST]
        case _:
            middle = rng.choice([*tokens, *TOKENS])
    return (case[:start] + middle + case[end:])[:_LONGEST]
