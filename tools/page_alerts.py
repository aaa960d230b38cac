"""Writes the chart's alerts about single tuning jobs to the file that the page of a tuning job uses."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "exporter" / "web" / "pages" / "alerts.json"
RULES = ROOT / "helm" / "sagemaker-tuning-exporter" / "rules"

# Rule files with alerts that need an opt-in.
_NEEDS = {"spend.yaml": "training_jobs"}
_OF_ONE_JOB = re.compile(r"\{\{-?\s*\$labels\.tuning_job\s*-?\}\}")


def render() -> str:
    """Return the file's text."""
    found = [
        {
            "name": rule["alert"],
            "severity": rule["labels"]["severity"],
            "summary": without_names(rule["annotations"]["summary"]),
            "collect": _NEEDS.get(path.name),
            "expr": without_comments(rule["expr"]),
        }
        for path in sorted(RULES.glob("*.yaml"), key=_about_jobs_first)
        for rule in _alerts(path)
        if _OF_ONE_JOB.search(rule["annotations"]["summary"])
    ]
    return f"{json.dumps(found, indent=1)}\n"


def without_names(summary: str) -> str:
    """Return a summary without the names that an alert fills in, because the page has them at its top."""
    return re.sub(r"(?: in)? \{\{[^}]*\}\}", "", summary)


def without_comments(expr: str) -> str:
    """Return an expression without comments. No text in it has a number sign."""
    lines = (re.sub(r"\s*#.*", "", line) for line in expr.splitlines())
    return "\n".join(line for line in lines if line.strip())


def _about_jobs_first(path: Path) -> tuple[bool, str]:
    return path.name != "tuning-jobs.yaml", path.name


def _alerts(path: Path) -> list[dict[str, Any]]:
    groups = yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]
