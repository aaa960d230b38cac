"""What is made of values.yaml, the model and the rules is up to date, and values.yaml is what the templates read."""

from __future__ import annotations

import base64
import gzip
import re
from pathlib import Path

import pytest
from chart.rendering import text
from helm_chart import values
from helm_chart.make import FILES
from helm_chart.values import CHART, OPAQUE, Value

VALUES = values.read()
TEMPLATES = "".join(
    path.read_text(encoding="utf-8")
    for path in (CHART / "templates").rglob("*")
    if path.suffix in {".yaml", ".tpl", ".txt"}
)


@pytest.mark.parametrize("name", FILES)
def test_is_up_to_date(name: str) -> None:
    assert (CHART / name).read_text(encoding="utf-8") == FILES[name](), "run `make chart`"


def test_every_value_is_explained() -> None:
    assert len(VALUES) > 100
    for value in VALUES:
        assert value.description.endswith("."), f"{value.path}: write a comment above it that says what it is for"
        assert value.section, value.path


def test_every_value_is_read() -> None:
    for value in VALUES:
        # By its whole path, or by its name where the template has what is around it at hand.
        name = re.escape(value.path.rpartition(".")[2])
        assert re.search(rf"\.{re.escape(value.path)}\b|\.{name}\b|\"{name}\"", TEMPLATES), (
            f"no template reads {value.path}"
        )


def test_templates_read_no_value_that_there_is_not() -> None:
    known = {value.path for value in VALUES}
    read = {path.rstrip(".") for path in re.findall(r"(?:\.Values|\$v)\.([a-zA-Z.]+)", TEMPLATES)}
    assert read
    for path in read:
        inside = any(path.startswith(f"{each}.") for each in OPAQUE | {"config"})
        assert inside or path in known or any(each.startswith(f"{path}.") for each in known), path


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)", (CHART / "README.md").read_text(encoding="utf-8"))
    assert links
    for link in links:
        assert (CHART / link).exists(), link


@pytest.mark.xdist_group("helm")
def test_a_release_fits_into_the_secret_that_helm_keeps_it_in() -> None:
    files = [path for path in CHART.rglob("*") if path.is_file()]
    whole = b"".join(base64.b64encode(path.read_bytes()) for path in files) + text("everything").encode()
    # Helm writes it as JSON, compressed and in base64; Kubernetes does the latter again and takes 1 MiB.
    assert len(base64.b64encode(base64.b64encode(gzip.compress(whole)))) < 1 << 20


def test_comments_are_read_with_their_keys(tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(
        "# Head.\n\n# ---- First ----\n\n# Of one, in\n# two lines.\none: 1\ntwo:\n  # Of three.\n  three: {}\n"
        "# ---- Second ----\n\nfour: [a]\n",
        encoding="utf-8",
    )
    assert values.read(file) == [
        Value("one", 1, "Of one, in two lines.", "First"),
        Value("two.three", {}, "Of three.", "First"),
        Value("four", ["a"], "", "Second"),
    ]
