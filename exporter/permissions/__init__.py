"""The permissions in AWS that the exporter needs for a configuration. Makes no calls and reads no files.

``table`` says which entries of a configuration need which action. ``identities`` makes policies from it: one identity for each
source of credentials, and one for each role that is assumed. The other modules write them in several formats.
"""

from __future__ import annotations

from exporter.permissions.identities import Identity, identities
from exporter.permissions.trust import Trust

__all__ = ["Identity", "Trust", "identities"]
