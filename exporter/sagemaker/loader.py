"""Loads the SDK's data about services, reduced to what the exporter calls.

SageMaker's model has over 400 operations, and a client gets a method for each. The table of endpoints has over 300 services. If
they are read as a whole, they need a quarter of an idle exporter's memory, and dropping parts later leaves gaps that the
process keeps. So a file is read in pieces, and only the needed ones are kept.
"""

from __future__ import annotations

import gzip
import json
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore.loaders

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping

OPERATIONS: Mapping[str, Collection[str]] = {
    "organizations": ("ListAccounts", "ListAccountsForParent", "ListOrganizationalUnitsForParent"),
    "sagemaker": (
        "DescribeHyperParameterTuningJob",
        "ListHyperParameterTuningJobs",
        "ListTags",
        "ListTrainingJobsForHyperParameterTuningJob",
        "Search",
    ),
    "service-quotas": ("ListServiceQuotas",),
}
"""The operations that are called, by service.

Services that are not in this table keep all operations. These are STS and the sign-in services. They are small, and the SDK
decides which of their operations it calls to find credentials.
"""

# The record types of Search that are kept. The model of a record has a member for each of 18 kinds of resources. Without this,
# it would keep the shapes of all of them. The SDK ignores members of answers that its model does not have.
_MEMBERS = {"SearchRecord": ("HyperParameterTuningJob", "TrainingJob")}

# The endpoint names of the services above, and of the sign-in services.
_ENDPOINTS = ("api.sagemaker", "organizations", "servicequotas", "sts", "portal.sso", "oidc", "signin")

_DECOMPRESSED: Mapping[str, Callable[[bytes], bytes]] = {".json": bytes, ".json.gz": gzip.decompress}
_BETWEEN = re.compile(r"[\s:,]*")
_FILLED = re.compile(r"\{\s*[^\s}]|\[\s*[^\s\]]")
_decode = json.JSONDecoder().raw_decode

_Path = tuple[str | int, ...]


def create_loader(search_path: str | None) -> Any:
    """Return a loader of the SDK. ``search_path`` has the form of AWS_DATA_PATH."""
    loader = botocore.loaders.create_loader(search_path)
    loader.file_loader = _Files()
    return loader


class _Files(botocore.loaders.JSONFileLoader):  # type: ignore[misc]  # the SDK has no types
    """Reads a file once, even if several threads need it at the same time. The SDK would read it for each of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read: dict[str, Any] = {}

    def load_file(self, file_path: str) -> Any:
        """Return the needed part of a file, None if there is no file. The path is without its suffix."""
        with self._lock:
            if file_path not in self._read:
                self._read[file_path] = _load(Path(file_path))
            return self._read[file_path]


def _load(path: Path) -> Any:
    for ending, decompressed in _DECOMPRESSED.items():
        if (file := Path(f"{path}{ending}")).is_file():
            return _wanted(path, decompressed(file.read_bytes()).decode())
    return None


def _wanted(path: Path, text: str) -> Any:
    match path.name:
        case "endpoints":
            return _endpoints(text)
        case "service-2":
            return _service(text, OPERATIONS.get(path.parent.parent.name))
    return json.loads(text)


def _endpoints(text: str) -> Any:
    """Return the table of endpoints with only the services that are called."""
    data = _joined(
        (path, json.loads(text[start:end]))
        for path, start, end in _pieces(text, 4)
        if path[2:3] != ("services",) or path[3] in _ENDPOINTS
    )
    return {**data, "partitions": [*data["partitions"].values()]}


def _service(text: str, operations: Collection[str] | None) -> Any:
    """Return the model of a service with these operations (None: all) and the shapes that they need."""
    spans = {path: slice(start, end) for path, start, end in _pieces(text, 2)}
    kept = {
        path: _parsed(text[span])
        for path, span in spans.items()
        if path[0] not in {"operations", "shapes", "documentation"}
        or (path[0] == "operations" and (operations is None or path[1] in operations))
    }
    waiting = [*_references([*kept.values()])]
    while waiting:
        name = waiting.pop()
        if ("shapes", name) not in kept:
            kept["shapes", name] = shape = _parsed(text[spans["shapes", name]])
            if name in _MEMBERS:
                shape["members"] = {key: each for key, each in shape["members"].items() if key in _MEMBERS[name]}
            waiting += _references(shape)
    return _joined(kept.items())


def _parsed(text: str) -> Any:
    """Return a piece of a model without documentation."""
    return json.loads(text, object_pairs_hook=_undocumented)


def _undocumented(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in pairs if name != "documentation" or not isinstance(value, str)}


def _references(value: Any) -> Iterator[str]:
    """Yield the names of the shapes that a piece of a model refers to."""
    match value:
        case {"shape": str(name)}:
            yield name
        case dict():
            for each in value.values():
                yield from _references(each)
        case list():
            for each in value:
                yield from _references(each)


def _joined(pieces: Iterable[tuple[_Path, Any]]) -> dict[str | int, Any]:
    """Return an object with these pieces at their paths."""
    whole: dict[str | int, Any] = {}
    for path, piece in pieces:
        place = whole
        for key in path[:-1]:
            place = place.setdefault(key, {})
        place[path[-1]] = piece
    return whole


def _pieces(text: str, depth: int, at: int = 0, path: _Path = ()) -> Generator[tuple[_Path, int, int], None, int]:
    """Yield path, start and end of the values at this depth in a JSON text, and of values at a smaller depth without children.

    Return the end of the whole. Values are parsed to find their ends, and dropped. Raises ValueError if the text is not JSON.
    """
    at = _after(text, at)
    if depth == 0 or not _FILLED.match(text, at):
        end = _decode(text, at)[1]
        yield path, at, end
        return end
    has_keys, at, number = text[at] == "{", _after(text, at + 1), 0
    while text[at : at + 1] not in {"}", "]"}:
        key: str | int = number
        if has_keys:
            key, at = _decode(text, at)
        at = _after(text, (yield from _pieces(text, depth - 1, at, (*path, key))))
        number += 1
    return at + 1


def _after(text: str, at: int) -> int:
    """Return the position of the next key, value or end of a container."""
    return _BETWEEN.match(text, at).end()  # type: ignore[union-attr]  # matches anything
