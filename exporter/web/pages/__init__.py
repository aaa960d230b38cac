"""Pages for people and the same as JSON: view models, one module a page, and what makes HTML of them.

Each page is a function of a ``Snapshot``. Nothing here calls AWS, takes a lock or runs in the thread that answers scrapes.
"""

from exporter.web.pages.snapshot import (
    Configuration,
    OrganizationState,
    Origin,
    Refused,
    Snapshot,
    TargetState,
    WebConfiguration,
)

__all__ = ["Configuration", "OrganizationState", "Origin", "Refused", "Snapshot", "TargetState", "WebConfiguration"]
