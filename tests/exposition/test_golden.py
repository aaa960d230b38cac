"""Which differences a written expectation sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.golden import Golden
from support.views import ANSWERS

if TYPE_CHECKING:
    from pathlib import Path

UP = 'sagemaker_tuning_job_up{tuning_job="a"} 1\n'
LIMIT = 'sagemaker_tuning_job_max_training_jobs{tuning_job="a"} 2\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "answer.txt"


@pytest.mark.parametrize(
    ("exposed", "equal"),
    [
        (UP, True),
        (UP + LIMIT, True),
        ("", False),
        (UP.replace(" 1", " 0"), False),
        (UP + UP, False),
        (UP + 'sagemaker_tuning_job_error_info{tuning_job="a",code="tls"} 1\n', False),
    ],
)
def test_compares_the_families_that_the_file_names(file: Path, exposed: str, equal: bool) -> None:
    file.write_text(f"# absent: runtime_seconds error_info\n{UP}")
    golden = Golden(file)
    assert (golden.part_of(exposed) == golden.families) is equal


def test_without_absent_families_compares_everything(file: Path) -> None:
    file.write_text(UP)
    golden = Golden(file)
    assert golden.part_of(UP) == golden.families
    assert golden.part_of(UP + LIMIT) != golden.families


@pytest.mark.parametrize("text", [f"# absent: parnets\n{UP}", UP.replace("_up{", "_upp{")])
def test_refuses_a_family_that_there_is_not(file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(AssertionError, match=r"answer\.txt names a family"):
        Golden(file)


def test_the_fullest_answer_is_compared_as_a_whole() -> None:
    """So that a new family has one file to be written down in, at the least."""
    for name in ("everything.txt", "everything.opt-in.txt"):
        assert Golden(ANSWERS / name).absent is None
