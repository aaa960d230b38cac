from __future__ import annotations

import pytest

from exporter.config.shape import list_expected, mapping_expected

ITEMS = "write '- …' on a line of its own for each item, or [] for none"
KEYS = "write 'key: value' on a line of its own for each"


@pytest.mark.parametrize(
    ("value", "key", "remedy"),
    [
        ("churn", "tuning_jobs", 'write ["churn"]'),
        ("-churn -ranker", "tuning_jobs", "write a space after each '-'"),
        ({"job-1": {}}, "tuning_jobs", "write '- name: job-1' for each job, on a line of its own, and its keys below name"),
        ("training_jobs", "collect", 'write ["training_jobs"]'),
        ("a, b", "collect", ITEMS),
        ("prod-", "discover", 'write [{name_contains: "prod-"}]'),
        ("all", "discover", "write [{}], a rule that finds every tuning job"),
        ({"tags": {}, "name": "x"}, "discover", "write '- ' before tags, and its other keys below that"),
        ({"prod": {}}, "discover", ITEMS),
    ],
)  # fmt: skip
def test_where_a_list_is_expected(value: object, key: str, remedy: str) -> None:
    assert list_expected(value, (key,)) == f"a list is expected here: {remedy}"


@pytest.mark.parametrize(
    ("value", "path", "remedy"),
    [
        ("region:eu-west-1 profile:x", ("aws",), 'write a space after "region:"'),
        ("https://x", ("aws",), KEYS),
        ("prod-", ("discover", 0), 'write name_contains: "prod-"'),
        ([{"Key": "env", "Value": "prod"}], ("discover", 0, "tags"),
         "write the tag's key and its value as key: value, without the words Key and Value"),
        (["env"], ("discover", 0, "tags"), KEYS),
        ([], ("discover", 0, "tags"), KEYS),
    ],
)  # fmt: skip
def test_where_a_mapping_is_expected(value: object, path: tuple[str | int, ...], remedy: str) -> None:
    assert mapping_expected(value, path) == f"a mapping is expected here: {remedy}"
