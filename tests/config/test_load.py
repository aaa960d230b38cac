from __future__ import annotations

import contextlib

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from exporter.config import load as module
from exporter.config.load import Document, load
from exporter.config.problem import ConfigError, Problem


def refused(text: str) -> Problem:
    with pytest.raises(ConfigError) as caught:
        load(text, "c.yaml")
    return caught.value.problems[-1]


def test_every_scalar_stays_the_text_it_is() -> None:
    root = load("a: 012345670123\nb: 12:30\nc: yes\nd: 1e3\ne: 2025-11-25\nf: 0x1F\ng: ''\n", "c").root
    assert root == {"a": "012345670123", "b": "12:30", "c": "yes", "d": "1e3", "e": "2025-11-25", "f": "0x1F", "g": ""}


def test_only_bare_nulls_are_null() -> None:
    assert load("a:\nb: ~\nc: null\nd: 'null'\n1: x\n", "c").root == {
        "a": None,
        "b": None,
        "c": None,
        "d": "null",
        "1": "x",
    }


def test_keys_and_items_have_their_lines() -> None:
    document = load("a:\n  b: 1\n\n  c:\n    - x\n    # comment\n    - d: |\n        text\n      e: 2\n", "c")
    lines = {
        path: document.locate(path)[0]
        for path in [("a",), ("a", "b"), ("a", "c", 0), ("a", "c", 1), ("a", "c", 1, "e")]
    }
    assert lines == {("a",): 1, ("a", "b"): 2, ("a", "c", 0): 5, ("a", "c", 1): 7, ("a", "c", 1, "e"): 9}


def test_a_problem_stands_at_the_deepest_written_part() -> None:
    document = load("jobs:\n  - x\n  - name: y\n", "c.yaml")
    assert document.problem(("jobs", 0, "name"), "m") == Problem("c.yaml", 2, "jobs[0]", "m")
    assert document.problem(("jobs", 1, "arn"), "m") == Problem("c.yaml", 3, "jobs[1]", "m")
    assert document.problem(("jobs", 7), "m") == Problem("c.yaml", 1, "jobs", "m")
    assert document.problem((), "m") == Problem("c.yaml", None, "", "m")


@pytest.mark.parametrize("text", ["\ufeffa: 1\r\nb: [x]\r\n", "a: 1\rb: [x]\r", "---\na: 1\nb: [x]\n...\n"])
def test_byte_order_mark_and_line_ends_do_not_matter(text: str) -> None:
    assert load(text, "c").root == {"a": "1", "b": ["x"]}


def test_lines_count_the_same_with_carriage_returns() -> None:
    assert load("a: 1\r\n\r\nb: 2\r\n", "c").locate(("b",))[0] == 3


def test_anchors_and_merge_keys_work() -> None:
    document = load(
        "one: &one {x: 1, y: 2}\ntwo:\n  <<: *one\n  y: 3\nthree: {<<: [{x: 0}, *one]}\n*k : v\n".replace("*k ", "k"),
        "c",
    )
    assert document.root["two"] == {"x": "1", "y": "3"}
    assert document.root["three"] == {"x": "0", "y": "2"}
    assert document.locate(("two", "x"))[0] == 1
    assert document.locate(("two", "y"))[0] == 4
    assert not document.problems


def test_an_alias_can_be_a_key_and_an_item() -> None:
    document = load("a: &name x\n*name : &same [y]\nb: *same\nc: [*name]\n", "c")
    assert document.root == {"a": "x", "x": ["y"], "b": ["y"], "c": ["x"]}


def collected(document: Document) -> list[tuple[int | None, str, str]]:
    return [(problem.line, problem.path, problem.message) for problem in document.problems]


def test_duplicate_keys_name_both_lines_and_all_are_told() -> None:
    document = load("a: 1\nb: [{c: 1, c: 2}]\na: 2\n", "c")
    message = "the key is given twice, first on line {}: keep one of them"
    assert collected(document) == [(2, "b[0].c", message.format(2)), (3, "a", message.format(1))]
    assert document.root == {"a": "1", "b": [{"c": "1"}]}


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system", "!!int", "!mine"])
def test_tags_are_refused_and_never_obeyed(tag: str) -> None:
    document = load(f"a: 1\nb: {tag} [x]\n", "c")
    remedy = "remove what begins with a !, or put the value in quotes"
    assert collected(document) == [(2, "b", f"YAML tags are not used here: {remedy}")]


def test_merging_what_is_no_mapping_is_refused() -> None:
    [(line, path, message)] = collected(load("a: 1\nb:\n  <<: x\n", "c"))
    assert (line, path) == (3, "b.<<")
    assert "write '<<: *name'" in message


@pytest.mark.parametrize("text", ["", "- a\n"])
def test_another_kind_of_file_has_another_example(text: str) -> None:
    with pytest.raises(ConfigError, match="write for example users: none"):
        load(text, "c", "users: none")


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("", None, "the file is empty: write for example tuning_jobs:"),
        ("# nothing\n---\n", None, "the file is empty"),
        ("\n- a\n", 2, "contains a list where a mapping"),
        ("hello\n", 1, "contains a single value where a mapping"),
        ("a: 1\n---\nb: 2\n", 2, "a second document begins here: remove the '---'"),
        ("a: 1\n? [x]\n: y\n", 2, "a mapping or list cannot be a key"),
        ("a: 1\n? {x: y}\n: y\n", 2, "a mapping or list cannot be a key"),
        ("a: &l [x]\n*l : y\n", 2, "a mapping or list cannot be a key"),
        ("\n?\n: y\n", 2, "a key is missing before the ':'"),
        ("a: 1\nb: *nope\n", 2, "no anchor of this name is defined above"),
        ("a: &x\n  b: *x\n", 2, "*x is inside the value that it names"),
        ("a: [&x 1]\nb: \x07\n", 2, "the character U+0007 is not text"),
        ("a: 1\nb: \x00\n", 2, "the character U+0000 is not text"),
        ("a: 1\n\ufeffb: 2\n", 2, "the character U+FEFF is not text"),
        ("a: \ud800\n", 1, "the character U+D800 is not text"),
        ("a:\n\tb: 1\n", 2, "tabs cannot indent in YAML: use spaces"),
        ("a:\n  - x\n\t- y\n", 3, "tabs cannot indent"),
        ("a: 1\nb: c: d\n", 2, "a ': ' is not expected here: put a value that contains one in quotes"),
        ("a: 1\n  b: 2\n", 2, "indent keys of one mapping alike"),
        ("a: 1\nb: 'x\nc: 2\n", 2, "this quote is never closed"),
        ("a:\n  - [1, 2\nb: 3\n", 2, "this '[' is not closed properly"),
        ("a:\n  b: {x: 1\nc: 3\n", 2, "this '{' is not closed properly"),
        ("a: 1\nb: @x\n", 2, "a value cannot begin with this character: put the value in quotes"),
        ("a: 1\nb: `x`\n", 2, "a value cannot begin with this character"),
        ("a: 1\nb: }\n", 2, "a value cannot begin with this character"),
        ("a: 1\nb: *.hpo\n", 2, "'*' and '&' are special"),
        ('a: 1\nb: "^\\d+$"\n', 2, "a backslash begins an escape: use single quotes"),
        ("a: 1\nb: - c\n", 2, "a list begins on the line below its key"),
        ("a: 1\nfoo\nb: 2\n", 2, "this line is not a key: write 'key: value'"),
        ("a: 1\nb: !<\n", 2, "'!' is special"),
        ("a: 1\nb: |x\n  y\n", 2, "'|' and '>' begin a text"),
        ("%YAML 9.0\n---\na: 1", 1, "directives are not used here"),
        ("  a: 1\nb: 2\n", 2, "begin every top-level key at column 1"),
        ("a:\n    b: 1\n  c: 2\n", 3, "the indentation is off or a quote is misplaced"),
        ("a: 'it's'\n", 1, "the indentation is off or a quote is misplaced"),
        ("a: " + "[" * 60 + "]" * 60, 1, "nested more than 50 deep"),
        ("a: " + "[" * 5000, 1, "nested"),
    ],
)
@pytest.mark.parametrize("loader", [yaml.CSafeLoader, yaml.SafeLoader])
def test_what_cannot_be_read_has_line_and_remedy(
    text: str, line: int | None, told: str, loader: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LOADER", loader)
    problem = refused(text)
    assert problem.file == "c.yaml"
    assert (problem.line, told in problem.message, problem.message) == (line, True, problem.message)


def test_aliases_cannot_blow_the_document_up() -> None:
    laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    laughs += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))
    problem = refused(laughs)
    assert problem.line == 6
    assert "contains more than 1,000,000 values, aliases expanded: use fewer aliases" in problem.message


def test_aliases_cannot_nest_without_end() -> None:
    problem = refused("a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 100)))
    assert (problem.line, "nested more than 50 deep" in problem.message) == (50, True)


def test_aliases_of_a_long_text_count_for_its_length() -> None:
    """Each use of it is a value that is checked."""
    text = f"a: &a {'_' * 160_000}\nb: [{'*a, ' * 200}]\n"
    problem = refused(text)
    assert (problem.line, "contains more than 1,000,000 values" in problem.message) == (2, True)


def test_aliases_of_long_keys_count_for_their_length() -> None:
    problem = refused(f"a: &a {{? {'_' * 160_000} : x}}\nb: [{'*a, ' * 200}]\n")
    assert (problem.line, "contains more than 1,000,000 values" in problem.message) == (2, True)


@pytest.mark.parametrize("text", ["%YAML 1.2\n---\na: x\n", "%YAML 1.1\n---\na: x\n"])
def test_the_version_of_yaml_may_be_told(text: str) -> None:
    assert load(text, "c").root == {"a": "x"}


@pytest.mark.parametrize("before", ["", "# comment\n", "a: 1\n...\n", "%YAML 1.2\n"])
def test_directives_are_refused_before_the_parser_sees_them(before: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It compares each one with all before."""
    monkeypatch.setattr(yaml, "parse", None)
    problem = refused(before + "".join(f"%TAG !t{n}! tag:x\n" for n in range(20_000)) + "---\na: 1\n")
    assert problem.line == before.count("\n") + 1
    assert problem.message.startswith("directives are not used here: remove the line that begins with '%'")


@pytest.mark.parametrize("text", ["a: *{}", "a: &{0} [*{0}]", "{}: {{ x: *b }}", "a: {{ {0}: 1, {0}: 2 }}"])
def test_long_names_are_cut_in_messages(text: str) -> None:
    written = text.format("x" * 1_000)
    try:
        problems = load(written, "c").problems
    except ConfigError as error:
        problems = error.problems
    assert problems
    assert all(len(str(problem)) < 400 for problem in problems)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ConfigError):
        assert isinstance(load(text, "c"), Document)
