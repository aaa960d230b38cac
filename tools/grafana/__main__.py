"""Write the dashboards."""

from grafana import DASHBOARDS, DIRECTORY, render

DIRECTORY.mkdir(parents=True, exist_ok=True)
for name in DASHBOARDS:
    (DIRECTORY / name).write_text(render(name), encoding="utf-8")
