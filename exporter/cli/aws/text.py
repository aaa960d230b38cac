"""``--output text``: a line for each object, beginning with its name in capitals, with values separated by tabs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


def as_text(value: Any) -> str:
    """Return an answer, or the result of a query, as the AWS CLI prints it with ``--output text``."""
    return "".join(f"{line}\n" for line in _lines(value, None))


def _lines(value: Any, name: str | None) -> Iterator[str]:
    """Yield the lines of a value. ``name`` is the name of the member, None for the answer itself."""
    if isinstance(value, dict):
        yield from _of_object(value, name, _scalar_members([value]))
    elif isinstance(value, list):
        yield from _of_list(value, name)
    else:
        yield str(value)


def _of_object(members: Mapping[str, Any], name: str | None, columns: Sequence[str]) -> Iterator[str]:
    """Yield one line with the members in ``columns``, then the lines of all other members, sorted by name."""
    if columns:
        yield "\t".join([*_prefix(name), *(str(members.get(column, "")) for column in columns)])
    for other in sorted(members.keys() - set(columns)):
        yield from _lines(members[other], other)


def _of_list(items: Sequence[Any], name: str | None) -> Iterator[str]:
    objects = [item for item in items if isinstance(item, dict)]
    if objects:
        # All lines have the same columns, so that a column has the same meaning in each.
        columns = _scalar_members(objects)
        for item in items:
            yield from _of_object(item, name, columns) if isinstance(item, dict) else _lines(item, name)
        return
    scalars = [str(item) for item in items if not isinstance(item, list)]
    if scalars and name is None:
        yield "\t".join(scalars)
    elif scalars:
        yield from ("\t".join([*_prefix(name), scalar]) for scalar in scalars)
    for item in items:
        if isinstance(item, list):
            yield from _lines(item, name)


def _scalar_members(objects: Iterable[Mapping[str, Any]]) -> list[str]:
    return sorted({name for each in objects for name, value in each.items() if not isinstance(value, dict | list)})


def _prefix(name: str | None) -> list[str]:
    return [] if name is None else [name.upper()]
