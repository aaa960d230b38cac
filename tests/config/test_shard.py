from __future__ import annotations

from collections import Counter

import pytest

from exporter.config import parse
from exporter.config.shard import Shard, parse_shard
from exporter.config.specs import Settings

ROLES = "\n".join(
    f"  - {{name: job-{i}, region: eu-west-{1 + i % 3}, role_arn: 'arn:aws:iam::{100_000_000_000 + i}:role/r'}}"
    for i in range(300)
)


@pytest.fixture(scope="module")
def settings() -> Settings:
    return parse(f"tuning_jobs:\n{ROLES}\n", "c.yaml")


def owners(settings: Settings, total: int) -> list[int]:
    """Return the index of each target's shard; ``index`` fails unless there is exactly one."""
    shards = [Shard(index, total) for index in range(total)]
    found = [[shard.index for shard in shards if shard.owns(target)] for target in settings.targets]
    assert all(len(each) == 1 for each in found)
    return [index for [index] in found]


@pytest.mark.parametrize("total", [1, 2, 3, 10])
def test_every_target_is_in_exactly_one_shard_and_shards_are_alike(settings: Settings, total: int) -> None:
    counts = Counter(owners(settings, total))
    assert len(settings.targets) == 300
    assert len(counts) == total
    assert max(counts.values()) < 2 * 300 / total


@pytest.mark.parametrize("total", [1, 3, 9])
def test_another_shard_takes_its_share_and_moves_nothing_else(settings: Settings, total: int) -> None:
    pairs = list(zip(owners(settings, total), owners(settings, total + 1), strict=True))
    moved = [after for before, after in pairs if before != after]
    assert set(moved) == {total}
    assert len(moved) == pytest.approx(300 / (total + 1), rel=0.5)


def test_a_part_has_whole_targets_in_their_order_and_the_rest_of_the_settings(settings: Settings) -> None:
    parts = [Shard(index, 4).part(settings) for index in range(4)]
    assert {part.collect for part in parts} == {settings.collect}
    kept = [target for target in settings.targets if target in parts[2].targets]
    assert tuple(kept) == parts[2].targets
    assert sum(len(part.targets) for part in parts) == 300


def test_the_split_is_the_same_on_every_machine(settings: Settings) -> None:
    assert owners(settings, 3)[:12] == EXPECTED


EXPECTED = [1, 1, 2, 1, 1, 1, 1, 0, 1, 0, 1, 0]


def test_two_roles_into_one_account_and_region_stay_together() -> None:
    arn = "arn:aws:iam::123456789012:role/"
    text = "aws: {region: eu-west-1}\ntuning_jobs:\n" + "\n".join(
        f"- {{name: j{i}, role_arn: '{arn}{i}'}}" for i in range(9)
    )
    assert len(set(owners(parse(text, "c.yaml"), 5))) == 1


@pytest.mark.parametrize(
    ("index", "total", "shard"),
    [("0", "1", (0, 1)), ("2", "3", (2, 3)), ("tuning-exporter-11", "12", (11, 12)), ("07", "8", (7, 8))],
)
def test_an_index_is_a_number_or_the_name_of_a_pod(index: str, total: str, shard: tuple[int, int]) -> None:
    assert parse_shard(index, total) == Shard(*shard)


@pytest.mark.parametrize(
    ("index", "total", "says"),
    [
        ("3", "3", "count from 0 to 2"),
        ("exporter-3", "3", "count from 0"),
        ("exporter", "3", "--shard.index"),
        ("0", "0", "--shard.total"),
        ("0", "many", "--shard.total"),
        ("1.5", "3", "--shard.index"),
        ("", "3", "--shard.index"),
    ],
)
def test_anything_else_is_refused_with_what_to_write(index: str, total: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_shard(index, total)
