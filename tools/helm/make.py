"""Writes the files of the chart that are made: values.schema.json and README.md. Run in tools/: python -m helm.make."""

from __future__ import annotations

from helm.values import CHART

from helm import readme, schema

FILES = {
    "README.md": readme.render,
    "values.schema.json": schema.render,
}

if __name__ == "__main__":
    for name, render in FILES.items():
        (CHART / name).write_text(render(), encoding="utf-8")
