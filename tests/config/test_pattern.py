"""Patterns of a configuration: what RE2 lacks is named, and no pattern takes long for any name."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st
from support.processes import PATIENCE

from exporter.config import pattern
from exporter.config.load import load
from exporter.config.pattern import found, groups, named_groups, parse_pattern
from exporter.config.validate import validate

SLOW = "^([a-z0-9]+-?)+-hpo$"
NAMES = st.from_regex(r"\A[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}\Z")

ATOMS = st.one_of(
    st.sampled_from(
        ["a", "b", "7", "-", "prod", ".", r"\d", r"\w", r"\D", r"\W", r"\.", r"\b", "[a-z]", "[^0-9]", r"[\d-]"]
    ),
    st.sampled_from(["^", "$", "[]a]", "[^]a]", r"[\]b]", "(?i:PROD)", "(?P<part>a|b)", "(?:-|7)"]),
)


def repeated(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    repeats = st.sampled_from(["*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{0,2}?", "{2,}"])
    return st.one_of(
        st.lists(inner, max_size=3).map("".join),
        st.tuples(inner, inner).map("|".join).map("(?:{})".format),
        st.tuples(inner.map("({})".format), repeats).map("".join),
    )


PATTERNS = st.recursive(ATOMS, repeated, max_leaves=5).filter(lambda each: each.count("?P<part>") < 2)


def refused(text: str) -> str | None:
    try:
        parse_pattern(text)
    except ValueError as error:
        return str(error)
    return None


def test_the_pattern_that_took_minutes_for_a_short_name_returns_at_once() -> None:
    program = (
        "from exporter.config.pattern import found, groups, named_groups, parse_pattern\n"
        f"print(found(parse_pattern({SLOW!r}), 'churnxgboostvalidationauc251125'), found({SLOW!r}, 'churn-hpo'))"
    )
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=PATIENCE)
    assert run.stdout == "False True\n"
    assert run.stderr == ""


@given(PATTERNS, NAMES)
def test_what_both_engines_read_means_the_same(text: str, name: str) -> None:
    assert found(parse_pattern(text), name) == (re.search(text, name) is not None)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("^prod-(?=.*-hpo)", '"(?=" is a lookahead, which RE2 does not have; write the parts in the order'),
        ("^(?!dev-)", '"(?!" is a negative lookahead, which RE2 does not have; write what is to be found instead'),
        ("(?<=prod-)hpo", '"(?<=" is a lookbehind, which RE2 does not have; write what comes before'),
        (
            "(?<!dev-)hpo",
            '"(?<!" is a negative lookbehind, which RE2 does not have; write what is to be found instead',
        ),
        (r"(a)\1", r'"\1" is a backreference, which RE2 does not have; write the text itself'),
        ("(?P<n>a)(?P=n)", "is a backreference, which RE2 does not have"),
        (r"prod\Z", r'"\Z" is the end of the text as Python writes it, which RE2 does not have; write \z or $'),
        ("(?>a+)b", '"(?>" is an atomic group, which RE2 does not have; write (?: instead'),
        ("a++", '"++" is a possessive repeat, which RE2 does not have; leave the last + out'),
        ("a{2,3}+", '"{2,3}+" is a possessive repeat'),
        ("(a)?(?(1)b|c)", '"(?(" is a conditional group, which RE2 does not have; write each case'),
        ("a(?#note)", '"(?#" is a comment, which RE2 does not have; leave it out'),
        ("(?x) a", '"(?x" is the flag for white space and comments, which RE2 does not have'),
        ("(?ix) a", '"(?ix" is the flag for white space and comments'),
        ("(?u)a", '"(?u" is a flag for alphabets, which RE2 does not have; leave it out'),
        (r"\u0061", r'"\u" is a character by its number or name, which RE2 does not have; write the character'),
        ("a{1001,}", '"{1001,}" is more than the 1000 repeats that RE2 allows'),
        ("a{99999999999}", '"{99999999999}" is more than the 1000 repeats that RE2 allows'),
        ("(a{40}){40}", '"{40}" is more than the 1000 repeats that RE2 allows, nested repeats multiplied'),
        ("a{3,2}", '"{3,2}" has the larger number first'),
        (r"\pL{1,900}", "it needs too much memory; write fewer or smaller repeats"),
        ("(", "a ( is never closed"),
        (")", "a ) closes nothing"),
        ("[a", "a [ is never closed"),
        ("a\\", "it ends in the middle of an escape"),
        ("*-hpo", '"*" repeats nothing; write what it repeats before it, for example .*'),
        ("a**", '"**" repeats a repeat'),
        ("[z-a]", '"z-a" is not a range or class of characters'),
        (r"\h", r'RE2 has no "\h"; write the character without the backslash'),
        ("(?R)", 'RE2 has no "(?R"'),
        ("(?P<a b>c)", "does not begin a group with a name; write (?P<name>…)"),
        ("a" * 1001, "the expression is 1 characters too long: write at most 1000 characters"),
    ],
)
def test_what_cannot_be_searched_for_is_named_with_what_to_write_instead(text: str, what: str) -> None:
    refusal = refused(text)
    assert refusal is not None
    assert what in refusal
    # Texts of failures are searched as well, and know nothing of these.
    assert not re.search("name_contains|names|rule", refusal)


@pytest.mark.parametrize(
    ("text", "instead"),
    [("a{,5}", "write {0,5}"), ("a{,}", "write {0,}"), ("a{007}", "write {7}"), (r"(a)(b)\12", "backreference")],
)
def test_what_re2_would_quietly_read_in_another_way_is_refused(text: str, instead: str) -> None:
    re2.compile(text)
    assert instead in str(refused(text))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (r"a\{,5\}|[{,5}]|x", "x"),
        (r"\Qprod-\E", "a-prod-b"),
        ("[[:alpha:]]{3}", "abc"),
        (r"[]\141,{,5}]|z", "z"),
        (r"\141\z", "ba"),
        ("(?P<team>prod|dev)-hpo$", "dev-hpo"),
        ("(?<team>prod|dev)-hpo$", "dev-hpo"),
        ("(?i)PROD", "prod-1"),
        ("a{0,1000}b", "b"),
        ("", "a"),
    ],
)
def test_what_only_looks_odd_is_taken(text: str, name: str) -> None:
    assert found(parse_pattern(text), name)


def test_a_refusal_has_file_and_line() -> None:
    loaded = load("discover:\n- {}\n- name: mine\n  name_regex: ^(?!dev-)\n", "c.yaml")
    (problem,) = validate(loaded).problems
    assert str(problem).startswith('c.yaml:4: discover[1].name_regex: "^(?!dev-)" is not a regular expression')


@given(st.text(st.characters(codec="utf-8"), max_size=60) | st.text(r"()[]{}\?*+|^$,=!<>P:#x1aZ-", max_size=25))
def test_any_text_is_taken_or_refused_in_our_words(text: str) -> None:
    refusal = refused(text)
    if refusal is None:
        found(text, "prod-1-hpo")
    else:
        assert " is not a regular expression that RE2 accepts: " in refusal
        assert "; " in refusal


def test_a_verdict_is_remembered_and_not_searched_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    searched = []

    class Counting:
        def __init__(self, text: str) -> None:
            self.text = text

        def search(self, name: str) -> Any:
            searched.append(name)
            return re.search(self.text, name)

    monkeypatch.setattr(pattern, "_compiled", Counting)
    verdicts = [found("^remembered-.*x$", name) for name in ["remembered-1x", "remembered-2", "remembered-1x"] * 3]
    assert verdicts == [True, False, True] * 3
    assert searched == ["remembered-1x", "remembered-2"]
    long = "remembered-" + "y" * 4_000  # no name of AWS's: not kept
    assert [found("^remembered-.*x$", long), found("^remembered-.*x$", long)] == [False, False]
    assert searched[2:] == [long, long]


def test_what_is_remembered_is_bounded() -> None:
    most = pattern._found.cache_info().maxsize
    assert most is not None
    assert 0 < most <= 2**15


def test_who_writes_no_pattern_does_not_load_re2() -> None:
    program = (
        "import sys, exporter.cli, exporter.daemon\n"
        "from exporter.config import parse\n"
        "parse('aws: {region: eu-west-1}\\ndiscover: [{name_contains: a}]\\n', 'c.yaml')\n"
        "print('re2' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=PATIENCE)
    assert run.stdout == "False\n"


@pytest.mark.parametrize(
    ("expression", "name", "labels"),
    [
        (r"^(?P<search>.+)-\d{6}$", "churn-xgboost-251125", {"search": "churn-xgboost"}),
        (r"^(?P<search>.+)-\d{6}$", "churn-xgboost", {}),
        (r"^(?P<env>prod|dev)?-?(?P<search>.*)$", "a-b", {"search": "a-b"}),
        ("(?<of>a)(b)", "ab", {"of": "a"}),
        ("a", "a", {}),
    ],
)
def test_named_groups_tell_what_they_find(expression: str, name: str, labels: dict[str, str]) -> None:
    assert groups(parse_pattern(expression), name) == labels


@given(st.lists(ATOMS, max_size=5).map("".join), NAMES)
@settings(max_examples=50)
def test_the_groups_that_are_told_are_those_that_re2_sees(expression: str, name: str) -> None:
    assert set(named_groups(expression)) == set(re2.compile(expression).groupindex)
    assert groups(expression, name).keys() <= set(named_groups(expression))
    assert all(text and text in name for text in groups(expression, name).values())


def test_what_only_looks_like_a_group_is_none() -> None:
    assert named_groups(r"\(?P<a>|[(?P<b>]|\Q(?P<c>\E") == []
    assert named_groups("(?P<a>(?P<b>x))|(?P<a>y)") == ["a", "b", "a"]
