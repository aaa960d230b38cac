"""What tests, tools and benchmarks import by name is found in one place, whatever the order of the path."""

from __future__ import annotations

import sysconfig
from importlib.machinery import PathFinder
from pathlib import Path

import pytest
from support.tools import ROOT


def importable(folder: Path) -> list[Path]:
    """Return the modules and folders that can be imported from a folder on the path."""
    return [
        each
        for each in folder.iterdir()
        if each.suffix == ".py" or (each.is_dir() and each.name.isidentifier() and has_code(each))
    ]


def has_code(folder: Path) -> bool:
    """Return whether a folder has modules. What Python compiled stays behind when a folder is renamed."""
    return next(folder.rglob("*.py"), None) is not None


def places(name: str, folders: list[Path]) -> list[str]:
    """Return where Python finds a name: of folders without ``__init__.py``, in each that has the name."""
    # What is installed comes first: it wins over folders without __init__.py, and must not be hidden by modules.
    path = [sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), *map(str, folders)]
    spec = PathFinder.find_spec(name, path)
    assert spec is not None
    found = [each for each in spec.submodule_search_locations or () if has_code(Path(each))]
    return found or [str(spec.origin)]


def shared(modules: list[Path], folders: list[Path]) -> list[Path]:
    """Return the modules whose name is found elsewhere too."""
    return [module for module in modules if places(module.stem, folders) != [str(module)]]


def test_no_name_has_two_places() -> None:
    modules = [*importable(ROOT / "tests"), *importable(ROOT / "tools"), ROOT / "bench", ROOT / "exporter"]
    assert shared(modules, [ROOT, ROOT / "tests", ROOT / "tools"]) == []


@pytest.mark.parametrize("other", ["charts/values.py", "charts/__init__.py", "charts.py"])
def test_a_name_of_two_folders_is_found(other: str, tmp_path: Path) -> None:
    for file in ("tests/charts/cases.py", "tests/alone.py", "tools/alone/__pycache__/old.pyc", f"tools/{other}"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    folders = [tmp_path / "tests", tmp_path / "tools"]
    modules = [module for folder in folders for module in importable(folder)]
    assert {module.stem for module in shared(modules, folders)} == {"charts"}


@pytest.mark.parametrize("name", ["calendar", "pytest"])
def test_a_name_of_an_installed_module_is_found(name: str, tmp_path: Path) -> None:
    module = tmp_path / f"{name}.py"
    module.touch()
    assert shared([module], [tmp_path]) == [module]
