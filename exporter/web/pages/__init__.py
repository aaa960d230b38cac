"""The pages, and the same as JSON: view models, one module for each page, and their conversion to HTML.

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
