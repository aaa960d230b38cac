"""``--generate-cli-skeleton``: the parameters of the call, to be filled in and given to ``--cli-input-json`` or ``-yaml``."""

from __future__ import annotations

import json

from exporter.cli.aws.inputs import NAME


def json_input() -> str:
    """Return them as JSON."""
    return json.dumps({NAME: ""}, indent=4) + "\n"


def yaml_input() -> str:
    """Return them as YAML, with what the API's model says of them."""
    return f"{NAME}: ''  # [REQUIRED] The name of the tuning job.\n"
