"""What stands in a text."""

from __future__ import annotations

import re
from typing import AnyStr


def found(pattern: AnyStr, text: AnyStr) -> re.Match[AnyStr]:
    """Return the first match of a pattern; raise AssertionError without one."""
    match = re.search(pattern, text)
    assert match is not None, f"no {pattern!r} in {text!r}"
    return match
