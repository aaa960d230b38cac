"""Every class of failures has texts in several spellings, and what is filled in is there."""

from __future__ import annotations

import random

import pytest

from exporter.simulator.failure_texts import LONGEST, REASONS, RETRYABLE, TEXTS, draw, fill

FACTS = {
    "account": "123456789012",
    "region": "eu-west-1",
    "bucket": "bucket",
    "role": "arn:aws:iam::123456789012:role/training",
    "session": "arn:aws:sts::123456789012:assumed-role/training/SageMaker",
    "instance": "ml.p3.2xlarge",
    "rate": "0.3",
}
EVERY = pytest.mark.parametrize("reason", REASONS)


@EVERY
def test_a_class_has_three_spellings_and_more(reason):
    assert len(set(TEXTS[reason])) >= 3


@EVERY
def test_texts_are_whole_and_not_too_long(reason):
    for text in TEXTS[reason]:
        filled = fill(text, FACTS)
        assert 1 <= len(filled) <= LONGEST
        assert not set("{}") & set(filled)
        assert "?" not in filled


def test_no_text_is_of_two_classes():
    texts = [text for reason in REASONS for text in TEXTS[reason]]
    assert len(texts) == len(set(texts))


def test_what_is_too_long_is_cut():
    assert fill("x" * 5000, FACTS) == "x" * LONGEST
    assert any(len(fill(text, FACTS)) == LONGEST for text in TEXTS["algorithm_error"])


@EVERY
def test_all_of_a_class_are_drawn(reason):
    rng = random.Random(1)
    drawn = {draw(reason, FACTS, rng) for _ in range(500)}
    expected: set[str | None] = {fill(text, FACTS) for text in TEXTS[reason]}
    assert drawn == (expected | {None} if reason == "other" else expected)


def test_the_spellings_of_out_of_memory_are_those_that_are_hard_to_tell():
    texts = [fill(text, FACTS) for text in TEXTS["out_of_memory"]]
    assert any(text.startswith("ClientError") and "CUDA out of memory" in text for text in texts)
    assert any(text.startswith("AlgorithmError") and "CUDA out of memory" in text for text in texts)
    assert any("Exit Code: 137" in text for text in texts)
    assert any("OutOfMemory:" in text for text in texts)


def test_what_may_be_tried_again_is_known():
    assert set(RETRYABLE) <= set(REASONS)
