"""Grafana's schema types of a classic dashboard: what Grafana 11 loads from a file or a ConfigMap, and all later ones."""

import warnings

with warnings.catch_warnings():
    # They are called deprecated for a format that Grafana 11 cannot load.
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.models import dashboard as model

__all__ = ["model"]
