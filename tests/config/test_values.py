from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from exporter.config import values


def told(kind: Any, value: object) -> str:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value)
    [error] = caught.value.errors()
    return str(error["ctx"]["error"])


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (values.Flag, "true", True),
        (values.Flag, "False", False),
        (values.Rate, "0.5", 0.5),
        (values.Rate, "1000", 1000.0),
        (values.Rate, "0.12345678901", 0.12345678901),
        (values.Amount, "0.0000112", 1.12e-05),
        (values.Amount, "1.12e-05", 1.12e-05),
        (values.Amount, "0.12345678901234567", 0.12345678901234567),
        (values.Amount, "1000000000", 1e9),
        (values.Amount, "1.2500005e+06", 1_250_000.5),
        (values.Amount, "2.5E6", 2_500_000.0),
        (values.Amount, "1000000000000000", 1e15),
        (values.Billable, "off", "off"),
        (values.Billable, "false", "off"),
        (values.Billable, "FALSE", "off"),
        (values.Count, "10000", 10_000),
        (values.Timeout, "1ms", 0.001),
        (values.Retention, "0s", 0.0),
        (values.Interval, "24h", 86_400.0),
        (values.AccountId, "012345670123", "012345670123"),
        (values.Url, "http://[::1]:4566/path", "http://[::1]:4566/path"),
        (values.ExternalId, "a:b/c=d", "a:b/c=d"),
        (values.NameRegex, "[[a]^prod-", "[[a]^prod-"),
        (values.LabelKey, "9_a", "9_a"),
        (values.LabelValue, "", ""),
        (values.LabelValue, "é" * 256, "é" * 256),
        (values.TagKey, "aws:cloudformation:stack-name", "aws:cloudformation:stack-name"),
        (values.TagKey, "Größe des Teams_.:/=+-@ ½", "Größe des Teams_.:/=+-@ ½"),
        (values.TagKey, "x" * 128, "x" * 128),
        (values.Status, "InProgress", "InProgress"),
        (values.FilePath, "/etc/my certs/ca.pem", "/etc/my certs/ca.pem"),
    ],
)
def test_text_becomes_the_value_it_means(kind: Any, text: str, value: object) -> None:
    converted = TypeAdapter(kind).validate_python(text)
    assert (converted, type(converted)) == (value, type(value))


@pytest.mark.parametrize(
    ("kind", "value", "remedy"),
    [
        (values.Flag, "yes", "write true or false"),
        (values.Flag, "on", "write true or false"),
        (values.Flag, "1", "write true or false"),
        (values.Rate, "0", "is not a number from 0.01 to 1000"),
        (values.Amount, "0", '"0" is not an amount of money above 0: write digits, for example 0.23 or 250'),
        (values.Amount, "0.00e5", "is not an amount of money above 0"),
        *(
            (values.Amount, text, f'"{text}" is not an amount of money above 0')
            for text in ("-1", "+1", ".inf", "inf", "nan", "0,23", "1.", ".5", "1_000", "5 EUR", "1e", "0x10", "")
        ),
        (values.Amount, "1000000000000001", "is too much: write at most 1000000000000000"),
        (values.Amount, "1e999999999", "is too much: write at most 1000000000000000"),
        (values.Amount, "9" * 400, "is not an amount of money above 0"),
        (values.Billable, "no", '"no" is unknown: write one of list, search, off'),
        (values.Billable, "true", '"true" is unknown: write one of list, search, off'),
        *(
            (values.FailureRegex, text, f'"{text}" matches any text: write what only texts of this class contain')
            for text in (
                *(
                    "",
                    ".*",
                    "^",
                    "a?",
                    ".",
                    "(?s).+",
                    "..",
                    ".{4}",
                    "^.",
                    ".$",
                    "[^\\n]",
                    "[^é]",
                    r"\w",
                    r"\S+",
                    "[a-z]",
                    "[A-Z]",
                ),
                *("(?i)[a-z]", "[[:alpha:]]", r"\w|\W", "a|.", r"\D", "^[A-Z]"),
            )
        ),
        (values.Rate, "nan", "is not a number from 0.01 to 1000"),
        (values.Rate, "5/s", "is not a number from 0.01 to 1000"),
        (values.Count, "0", "is not a whole number from 1 to 10000"),
        (values.Count, "9" * 5000, "is not a whole number from 1 to 10000"),
        (values.Count, "1.5", "is not a whole number from 1 to 10000"),
        (values.Interval, "999ms", "is too short: write at least 1s"),
        (values.Interval, "25h", "is too long: write at most 24h"),
        (values.Timeout, "0s", "is too short: write at least 1ms"),
        (values.Timeout, "6m", "is too long: write at most 5m"),
        (values.Age, "1s", "write at least 1m"),
        (values.Url, "ftp://x", "is not an http or https URL"),
        (values.Url, "vpce.example.com", "is not an http or https URL"),
        (values.Url, "http://", "is not an http or https URL"),
        (values.Url, "localhost:10981", "is not an http or https URL: write http:// or https:// before it"),
        (values.Url, "http://a b", "is not an http or https URL"),
        (values.Url, "http://x:0", "is not an http or https URL"),
        (values.Url, "http://x:99999", "this is not a URL"),
        (values.Url, "http://[::1", "this is not a URL"),
        (values.Url, "http://x/?a=b", "a URL here ends with its path"),
        (values.NameRegex, "(", "is not a regular expression that RE2 accepts: "),
        (values.NameRegex, "a{99999999999}", "is not a regular expression that RE2 accepts: "),
        (values.NameRegex, "(" * 900 + ")" * 900, "is 800 characters too long"),
        (values.NamePart, "prod_", "write a part of a name: letters, digits and hyphens"),
        (values.NamePart, "x" * 64, "1 characters too long"),
        (values.NamePart, "", "this is empty"),
        (values.LabelKey, "cost-center", "write cost_center"),
        (values.LabelKey, "", "the label's name is empty"),
        (values.LabelKey, "x" * 129, "1 characters too long"),
        (values.LabelValue, "x" * 257, "1 characters too long"),
        (values.LabelValue, None, "there is no value"),
        (values.LabelValue, "\ud800", "surrogate"),
        (values.LabelValue, ["x"], "a single value is expected"),
        (values.TagKey, "", "write the key of an AWS tag"),
        (values.TagKey, "x" * 129, "1 characters too long"),
        (values.TagKey, "a,b!", 'contains "," "!", which no AWS tag'),
        (values.TagKey, "a\tb", 'contains "\\t", which no AWS tag'),
        (values.TagKey, None, "there is no value"),
        (values.Status, "inprogress", 'did you mean "InProgress"?'),
        (values.Collected, "definition", 'did you mean "definitions"?'),
        (values.Collected, "zzz", "write one of definitions, best_training_job, hyperparameters, warm_start_parents"),
        (values.Collected, "parents", '"parents" has been renamed: write warm_start_parents'),
        (values.Profile, "a\nb", "write the name of a profile"),
        (values.RuleName, "discover[0]", "write letters, digits"),
    ],
)
def test_a_wrong_value_is_told_what_to_write(kind: Any, value: object, remedy: str) -> None:
    assert remedy in told(kind, value)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "Error",
            ":",
            r"\d",
            " ",
            "e",
            "(?i)error|failed|killed|signal|memory|code|[0-9]+",
            "^[A-Z][A-Za-z]+Error:",
            "exit code [0-9]+",
        ),
        *("[0-9]", "137", r"\s", "(?s)^.*CUDA.*$", ".{40}"),
    ],
)
def test_an_expression_that_some_failures_have_is_taken(text: str) -> None:
    assert TypeAdapter(values.FailureRegex).validate_python(text) == text


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *(
            (values.Url, f"https://user:{password}@example.com")
            for password in ("geheim", "1/geheim", "1?geheim", "1#geheim")
        ),
        (values.Url, "https://user:geheim%40example.com"),
        (values.Url, "https://user%3Ageheim%40example.com"),
        *(
            (values.Url, url + after)
            for url in ("https://h/p", "ftp://h", "h", "https:", "https://[h", "http://a b", "http://x:0")
            for after in ("?token=geheim", "#geheim", "?a=b#geheim")
        ),
        (values.ExternalId, "geheim geheim"),
    ],
)
def test_what_may_be_secret_is_not_repeated(kind: Any, value: str) -> None:
    assert "geheim" not in told(kind, value)
