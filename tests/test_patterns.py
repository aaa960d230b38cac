"""Our own regular expressions take linear time, whatever text of others they are given."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from support.backtracking import slow

import exporter
from exporter.config import pattern, syntax, values
from exporter.config.schema import config_schema

FROM_THE_START = {"match", "fullmatch"}
USES = FROM_THE_START | {"compile", "search", "sub", "subn", "split", "findall", "finditer"}

# Where an expression comes from a variable: all that it may be.
TABLES = {
    "exporter.config.conversions": {
        eval(ast.unparse(call.args[0]), vars(values))
        for call in ast.walk(ast.parse(inspect.getsource(values)))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "matching"
    },
    "exporter.config.syntax": {each for each, _, _ in syntax._REMEDIES},
    "exporter.config.pattern": {each for each, _, _ in pattern._LACKS},
    "exporter.config.schema": {
        each
        for each in re.findall(r"'pattern': '([^']+)'", str(config_schema()).replace("\\\\", "\\"))
        if r"\p{" not in each
    },
    "exporter.sagemaker.redact": {"[A-Z]", "[a-z]", "[0-9]"},
}

Use = tuple[
    str, str | bytes | None, int, bool
]  # module, expression (None: a variable's), flags, whether it is searched for


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(exporter.__path__, "exporter."):
        if not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def uses(module: ModuleType) -> Iterator[Use]:
    tree = ast.parse(inspect.getsource(module))
    asked: dict[str, set[str]] = {}  # what is asked of the names of a module
    how_compiled: dict[ast.AST, set[str]] = {}
    for node in ast.walk(tree):
        assert not (isinstance(node, ast.ImportFrom) and node.module == "re"), "its functions would not be seen here"
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=attr):
                asked.setdefault(name, set()).add(attr)
            case ast.Attribute(value=ast.Call() as call, attr=attr):
                how_compiled[call] = {attr}
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as call):
                how_compiled[call] = asked.setdefault(name, set())
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {f"re.{use}" for use in USES}:
            how = {ast.unparse(node.func).removeprefix("re.")}
            if how == {"compile"}:
                how = how_compiled.get(node, set()) & USES
            given = [*node.args[1:], *(each.value for each in node.keywords)]
            flags = sum(evaluated(each, module) for each in given if re.match(r"re\.[A-Z]", ast.unparse(each)))
            yield module.__name__, evaluated(node.args[0], module), flags, not (how and how <= FROM_THE_START)


def evaluated(node: ast.expr, module: ModuleType) -> Any:
    try:
        return eval(compile(ast.Expression(node), "<expression>", "eval"), vars(module))
    except NameError:
        return None


@pytest.fixture(scope="module")
def everywhere() -> list[Use]:
    return [use for module in modules() for use in uses(module)]


def test_each_expression_of_ours_is_linear(everywhere: list[Use]) -> None:
    judged = {use: slow(use[1], use[2], searched=use[3]) for use in set(everywhere) if use[1] is not None}
    assert {use: why for use, why in judged.items() if why} == {}
    assert len(judged) > 40
    assert {use[0].split(".")[1] for use in judged} >= {
        "config",
        "sagemaker",
        "web",
        "tuning_job",
        "exposition",
        "simulator",
    }


def test_the_expressions_that_come_from_tables_are_linear_too(everywhere: list[Use]) -> None:
    assert {module for module, expression, _, _ in everywhere if expression is None} == TABLES.keys()
    for module, expressions in TABLES.items():
        assert expressions
        from_the_start = module in {"exporter.config.conversions", "exporter.config.pattern", "exporter.config.schema"}
        for expression in expressions:
            assert slow(expression, searched=not from_the_start) == set(), expression


@pytest.mark.parametrize(
    ("expression", "searched", "why"),
    [
        ("(a+)+b", False, "a repeat in a repeat"),
        ("^([a-z0-9]+-?)+-hpo$", True, "a repeat in a repeat"),
        ("(a.|.b)*c", False, "a loop with two ways through one text"),
        ("(a|b|ab)*c", False, "a loop with two ways through one text"),
        ("(x*y?)*z", False, "a repeat in a repeat"),
        (r"\d+\d+x", False, "two loops in a row that read the same text"),
        (r"[0-9]*\.?[0-9]*x", False, "two loops in a row that read the same text"),
        (r"a.*b.*c", False, "two loops in a row that read the same text"),
        ("(?i)a*[A-Z]*1", False, "two loops in a row that read the same text"),
        (r"://\S*@", True, "begun anew in its own loop"),
        (r"\s+$", True, "begun anew in its own loop"),
        ("[0-9]+x", True, "begun anew in its own loop"),
        (b"\n *x|[0-9]+x", True, "begun anew in its own loop"),
    ],
)
def test_a_slow_expression_is_told(expression: str, searched: bool, why: str) -> None:
    assert why in slow(expression, searched=searched)


@pytest.mark.parametrize(
    ("expression", "searched"),
    [
        ("[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}", False),
        ("(-*[a-z]){0,31}", False),
        ("[0-9]+x", False),
        (r"([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?", False),
        ("(?:.*-)?([0-9]{1,4})", False),
        (r"\S+", True),
        (r"eyJ[\w-]{10,}", True),
        ("^[0-9]+x", True),
        (rb"\n\r?\n", True),
    ],
)
def test_a_quick_expression_is_none(expression: str, searched: bool) -> None:
    assert slow(expression, searched=searched) == set()


def test_what_cannot_be_judged_is_refused() -> None:
    for expression in [r"(a)\1", r"(a)?(?(1)b|c)", "(?=a*)b"]:
        with pytest.raises(ValueError, match=r"reference|lookaround"):
            slow(expression, searched=False)
