"""What the exporter must be allowed in AWS, for exactly one configuration. Pure: nothing is called, nothing is read.

``table`` says which entry of a configuration needs which action. ``identities`` makes policies of that: one identity for
each source of credentials and one for each role that is assumed. The formats write them down.
"""

from __future__ import annotations

from exporter.permissions.identities import Identity, identities
from exporter.permissions.trust import Trust

__all__ = ["Identity", "Trust", "identities"]
