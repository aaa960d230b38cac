"""Write the pages of docs/ that are made from the code, and the alerts that the exporter's own pages show."""

from __future__ import annotations

from pathlib import Path

import docs_alerts
import docs_cli
import docs_fields
import docs_metrics
import docs_permissions
import page_alerts

from exporter.config.schema import editor_schema

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = {
    "alerts.md": docs_alerts.render,
    "cli.md": docs_cli.render,
    "config.schema.json": editor_schema,
    "fields.md": docs_fields.render,
    "metrics.md": docs_metrics.render,
    "permissions.md": docs_permissions.render,
}

if __name__ == "__main__":
    for name, render in PAGES.items():
        (DOCS / name).write_text(render(), encoding="utf-8")
    page_alerts.FILE.write_text(page_alerts.render(), encoding="utf-8")
