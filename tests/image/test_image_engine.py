from __future__ import annotations

import image_engine
import pytest

import exporter


def test_reads_the_base_of_a_dockerfile() -> None:
    base = image_engine.Base("# A base.\nFROM docker.io/library/python:3.12-slim-bookworm AS python\nFROM python\n")
    assert (base.image, base.python, base.debian) == (
        "docker.io/library/python:3.12-slim-bookworm",
        "3.12",
        "bookworm",
    )


@pytest.mark.parametrize(
    "image", ["python:3.13-slim-trixie", "docker.io/library/python:3.13-slim", "docker.io/library/python:3.13-alpine"]
)
def test_refuses_a_base_that_names_too_little(image: str) -> None:
    with pytest.raises(ValueError, match="from no"):
        image_engine.Base(f"FROM {image} AS python\n")


def test_knows_the_packages_version() -> None:
    assert image_engine.version() == exporter.__version__
    assert image_engine.image() == f"localhost/sagemaker-tuning-exporter:{exporter.__version__}"


def test_says_what_is_missing_and_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SystemExit, match=r"buildah, podman, runc; .*tools/install-debian image"):
        image_engine.require_tools()


def test_a_failed_command_tells_its_complaint() -> None:
    with pytest.raises(image_engine.subprocess.CalledProcessError) as raised:
        image_engine.run(["/bin/sh", "-c", "echo no good >&2; exit 3"])
    assert raised.value.returncode == 3
    assert "no good" in raised.value.__notes__[0]
