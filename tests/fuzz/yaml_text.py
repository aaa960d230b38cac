"""Cases that are YAML: values of the tree change, now and then bytes of the text, and the form it is written in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml
from fuzz.mutate import another_tree, gathered, is_large, other_bytes
from support.tools import ROOT

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Sequence

_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""Which leaves each value the text that it is, as the exporter does."""

_BLOCK = re.compile(r"^ *```yaml\n(.*?)^ *```", re.MULTILINE | re.DOTALL)

_FORMS = (
    *(
        b"---\n",
        b"...\n",
        b"%YAML 1.2\n---\n",
        b"\n---\na: b\n",
        b"&a ",
        b"*a",
        b"<<: *a\n",
        b"x-y: &a {b: c}\n",
        b"? ",
        b"! ",
        b"!!map ",
    ),
    *(
        b"| ",
        b"> ",
        b"|2-\n",
        b"# ",
        b"  - ",
        b"\n  ",
        b"\n",
        b": ",
        b"'",
        b'"',
        b"\\x41",
        b"[",
        b"]",
        b"{",
        b"}",
        b"@",
        b"`",
    ),
    b"a: &b [*b]\n",
    b"".join(b"a%d: &a%d [%b]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9) if n else b"x") for n in range(9)),
)


def documented(*pages: str) -> list[str]:
    """Return the blocks of YAML that pages of the documentation show."""
    return [block for page in pages for block in _BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))]


def loaded(case: bytes) -> Any:
    """Return the tree, None where there is none."""
    try:
        return yaml.load(case.decode(), _LOADER)
    except (ValueError, yaml.YAMLError, RecursionError):
        return None


def written(rng: random.Random, tree: Any) -> bytes:
    """Return a tree as YAML, in one of the forms that people write."""
    text = yaml.dump(
        tree,
        Dumper=_Dumper,
        default_flow_style=rng.choice([False, False, None, True]),
        sort_keys=False,
        allow_unicode=rng.random() < 0.5,
        width=rng.choice([20, 120]),
    )
    return str(text).encode("utf-8", "surrogatepass")


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes texts without quotes where that is how people would: 60s, 012345, true."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write what is there twice twice."""
        return True


_PLAIN = re.compile(r"[A-Za-z0-9^./][A-Za-z0-9 ^$()./_:+*-]*")


def _as_text(dumper: Any, value: str) -> Any:
    style = "" if _PLAIN.fullmatch(value) and ": " not in value and not value.endswith((":", " ")) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _as_text)


class YamlMutator:
    """Makes new cases of trees by the values that seeds have for a key. ``keys`` are those that there may be."""

    def __init__(self, seeds: Sequence[bytes], keys: Sequence[str], values: dict[str, list[Any]] | None = None) -> None:
        trees = [tree for seed in seeds if (tree := loaded(seed)) is not None]
        self._seeds = seeds
        self._known = gathered(trees) | (values or {})
        self._keys = [*dict.fromkeys([*keys, *self._known])]

    def mutate(self, rng: random.Random, case: bytes) -> bytes:
        """Return another case."""
        tree = loaded(case)
        if not isinstance(tree, dict) or is_large(tree) or rng.random() < 0.12:
            return other_bytes(rng, case, _FORMS, self._seeds)
        if rng.random() < 0.1 and isinstance(other := loaded(rng.choice(self._seeds)), dict):
            tree = tree | other
        for _ in range(rng.choice([1, 1, 2, 3])):
            tree = another_tree(rng, tree, self._keys, self._known)
        if is_large(tree):
            return case
        try:
            return written(rng, tree)
        except (ValueError, RecursionError, yaml.YAMLError):
            return other_bytes(rng, case, _FORMS, self._seeds)


def uncommented(text: str) -> str:
    """Return an example in which what is commented out holds."""
    return re.sub(r"^( *)#(?! )", r"\1", text, flags=re.MULTILINE)


def keys_of(section: Any) -> Iterator[str]:
    """Yield every key of a section of a configuration, and of the sections in it."""
    seen: set[Any] = set()
    waiting = [section]
    while waiting:
        model = waiting.pop()
        for name, field in getattr(model, "model_fields", {}).items():
            yield field.alias or name
            for each in _within(field.annotation):
                if each not in seen:
                    seen.add(each)
                    waiting.append(each)


def _within(annotation: Any) -> Iterator[Any]:
    """Yield the models in a type."""
    waiting = [annotation]
    while waiting:
        kind = waiting.pop()
        waiting += getattr(kind, "__args__", ())
        if hasattr(kind, "__value__"):
            waiting.append(kind.__value__)
        if hasattr(kind, "model_fields"):
            yield kind
