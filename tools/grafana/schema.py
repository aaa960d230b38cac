"""Grafana's types of the classic dashboard schema, which Grafana 11 and later can load from a file or ConfigMap."""

import warnings

with warnings.catch_warnings():
    # They are deprecated in favor of a format that Grafana 11 cannot load.
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.models import dashboard as model

__all__ = ["model"]
