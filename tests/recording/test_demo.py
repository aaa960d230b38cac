"""A recorded demo fleet replays to the same exposition, and its file tells nothing that nobody may know."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from recording.demo import ACCOUNT, record, replay

from exporter.exposition.family import PREFIX

if TYPE_CHECKING:
    from recording.demo import Recorded

pytestmark = pytest.mark.long

SCALED = {
    f"{PREFIX}{name}" for name in ("best_hyperparameter_value", "hyperparameter_min_value", "hyperparameter_max_value")
}


@pytest.fixture(scope="module")
def redacted(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return record(tmp_path_factory.mktemp("redacted") / "demo.rec", redacts=True)


def values(text: str) -> Counter[tuple[str, str]]:
    """Return each sample by its family and value: what labels say is redacted, and where hyperparameters are, too.

    Sums depend on the order of names in their last digits.
    """
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    samples = ((line.partition("{")[0], line.rpartition(" ")[2]) for line in lines)
    return Counter((name, "" if name in SCALED else f"{float(value):.9g}") for name, value in samples)


def closed(text: str) -> Counter[tuple[str, ...]]:
    """Return the labels whose values AWS or the exporter chooses: all of them are as they were."""
    return Counter(
        (
            line.partition("{")[0],
            *re.findall(r'(?:status|code|reason|instance_type|strategy|aws_region|spot)="[^"]*"', line),
        )
        for line in text.splitlines()
        if not line.startswith("#")
    )


def test_replays_to_the_same_exposition(tmp_path) -> None:
    recorded = record(tmp_path / "demo.rec", redacts=False)
    shown = replay(recorded.path)
    assert "churn-of-tomorrow" in shown[-1]
    assert 'code="throttled"' in shown[0]
    assert shown == recorded.shown


def test_redacted_replays_to_the_same_but_for_names(redacted: Recorded) -> None:
    shown = replay(redacted.path)
    assert [values(text) for text in shown] == [values(text) for text in redacted.shown]
    assert [closed(text) for text in shown] == [closed(text) for text in redacted.shown]
    jobs = {tuple(re.findall(r'(?:tuning_job|aws_account_id)="([^"]*)"', line)) for line in shown[-1].splitlines()} - {
        ()
    }
    assert {account for account, _ in jobs} == {"000000000001"}
    assert len({name for _, name in jobs}) == len(set(re.findall(r'tuning_job="([^"]*)"', redacted.shown[-1])))


@pytest.mark.parametrize("late", [0.7, 17.0, 44.5])
def test_an_exporter_that_asks_at_other_times_shows_the_same_fleet(redacted: Recorded, late: float) -> None:
    """It sees what happens up to an interval later, or earlier, than the one that was recorded."""
    [first, *_] = replay(redacted.path, late=0.0)
    shown = replay(redacted.path, (600.0,), late=late, slack=2.0)[-1]
    pattern = r'job_status\{[^}]*tuning_job="([^"]*)",status="([^"]*)"\} 1'
    then = dict(re.findall(pattern, replay(redacted.path, (600.0,))[-1]))
    now = dict(re.findall(pattern, shown))
    assert now.keys() == then.keys()
    assert sum(now[name] != then[name] for name in then) <= 1
    assert len(now) >= len(set(re.findall(pattern, first)))


def test_nothing_in_the_file_is_in_clear(redacted: Recorded) -> None:
    text = gzip.decompress(redacted.path.read_bytes()).decode().casefold()
    words = {"search", "grid", "hyperband", "completed", "stopped", "deleting"}  # those of AWS, too
    assert ACCOUNT in redacted.secrets
    assert [secret for secret in redacted.secrets - words if secret in text] == []
    assert set(re.findall(r"arn:[^\"]+", text)) <= {
        f"arn:aws:sagemaker:{region}:000000000001:hyper-parameter-tuning-job/{name}"
        for region in ("us-east-1", "eu-west-1")
        for name in re.findall(r"hyper-parameter-tuning-job/(job\d{4}[x0-2]*)", text)
    }
