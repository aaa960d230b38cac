"""``sagemaker-tuning-exporter schema``: print the JSON Schema of a configuration, for editors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.cli import options

if TYPE_CHECKING:
    from collections.abc import Sequence


def parser() -> options.Parser:
    """Return the parser of ``schema``."""
    return options.Parser(
        prog=f"{options.PROGRAM} schema",
        description="Print the JSON Schema of a configuration file. Editors use it to complete keys and to underline mistakes.",
        examples=("schema > config.schema.json",),
    )


def run(argv: Sequence[str]) -> int:
    """Print the schema. Return 0."""
    parser().parse_args(argv)
    from exporter.config.schema import editor_schema

    print(editor_schema(), end="")
    return 0
