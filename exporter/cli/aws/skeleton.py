"""``--generate-cli-skeleton``: a template of the parameters for ``--cli-input-json`` or ``--cli-input-yaml``."""

from __future__ import annotations

import json

from exporter.cli.aws.inputs import NAME


def json_input() -> str:
    """Return the template as JSON."""
    return json.dumps({NAME: ""}, indent=4) + "\n"


def yaml_input() -> str:
    """Return the template as YAML, with the documentation of the API's model."""
    return f"{NAME}: ''  # [REQUIRED] The name of the tuning job.\n"
