"""The Grafana dashboards, made with Grafana's own schema types. ``python -m grafana`` writes them into the chart."""

from __future__ import annotations

import json
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana import fleet, job, page

DIRECTORY = Path(__file__).resolve().parents[2] / "helm" / "sagemaker-tuning-exporter" / "dashboards"

DASHBOARDS = {
    f"{page.FLEET}.json": fleet.build,
    f"{page.TUNING_JOB}.json": job.build,
}
"""The functions that make the dashboards, by the name of the file in the chart."""


def render(name: str) -> str:
    """Return the text of a dashboard's file in the chart."""
    return json.dumps(DASHBOARDS[name](), cls=JSONEncoder, indent=2, ensure_ascii=False) + "\n"
