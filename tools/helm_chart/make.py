"""Writes the files of the chart that are made: its README.md, values.schema.json and files/facts.json.

Run with tools/ on PYTHONPATH: python -m helm_chart.make.
"""

from __future__ import annotations

import json

from helm_chart import readme, schema
from helm_chart.values import CHART, OPAQUE, defaults

from exporter.config.regions import PARTITIONS
from exporter.config.specs import LISTED


def _facts() -> str:
    """Return facts for the templates, which can read neither values.yaml nor the exporter's code."""
    facts = {
        "defaults": defaults(),
        "wholes": sorted(OPAQUE),
        "durations": schema.durations(),
        "partitions": PARTITIONS,
        "listed": LISTED,
    }
    return json.dumps(facts, indent=1, ensure_ascii=False) + "\n"


FILES = {
    "README.md": readme.render,
    "files/facts.json": _facts,
    "values.schema.json": schema.render,
}

if __name__ == "__main__":
    for name, render in FILES.items():
        (CHART / name).write_text(render(), encoding="utf-8")
