"""Makes the chart's README.md: how to install it, all values, and the settings of each alert."""

from __future__ import annotations

import json
from itertools import groupby
from typing import Any

import render_rules
from helm_chart.values import read

_HEAD = """\
# sagemaker-tuning-exporter

A Prometheus exporter for AWS SageMaker hyperparameter tuning jobs, with its alerts and Grafana dashboards. Kubernetes 1.27 or
newer, Helm 3 or 4.

## Install

The image is in no public registry yet. Build and push it, and write its name into `image.yaml`, as in
[step 1 of the guide](../../docs/deploying.md#1-the-image).

To try the exporter without AWS, run it with a simulated SageMaker in the same pod:

```sh
helm install tuning ./helm/sagemaker-tuning-exporter --namespace monitoring --values image.yaml --set demo.enabled=true
```

With tuning jobs of your own, on EKS with a role for the service account (IRSA), the Prometheus operator and Grafana's sidecar:

```yaml
config:
  discover:
    - created_within: 7d
aws:
  roleArn: arn:aws:iam::123456789012:role/tuning-exporter
serviceMonitor:
  enabled: true
  additionalLabels: {release: kube-prometheus-stack}
prometheusRule:
  enabled: true
  additionalLabels: {release: kube-prometheus-stack}
dashboards:
  enabled: true
```

```sh
helm upgrade --install tuning ./helm/sagemaker-tuning-exporter --namespace monitoring --values image.yaml --values values.yaml
helm test tuning --namespace monitoring --logs
```

[docs/deploying.md](../../docs/deploying.md) goes from an empty account to the first alert. Misspelt keys are refused, those in
`config` too. `config` is what [config.example.yaml](../../config.example.yaml) describes; write in quotes what is text but looks like
a number or a boolean, because Helm would turn it into one: all account ids (`account_id`, `accounts`, `exclude_accounts`,
`account_names`), and values of `labels` and `tags`.

## Values
"""

_ALERTS = """
## Alerts

What `prometheusRule.alerts` can change. Durations in `thresholds` are written like `45m`, the others are numbers, ages in
seconds. [docs/alerts.md](../../docs/alerts.md) tells what the alerts mean.

```yaml
prometheusRule:
  alerts:
    SageMakerTuningJobStuck: {for: 30m, severity: critical, thresholds: {age: 7200, still: 3600}}
    SageMakerTuningJobNotImproving: {enabled: false}
```

| alert | `severity` | `for` | `keepFiringFor` | `thresholds` |
|---|---|---|---|---|
"""


def render() -> str:
    """Return the page."""
    parts = [_HEAD]
    for section, values in groupby(read(), lambda value: value.section):
        parts.append(f"\n### {section}\n\n| value | default | |\n|---|---|---|\n")
        parts += [f"| `{value.path}` | {_code(value.default)} | {_cell(value.description)} |\n" for value in values]
    parts.append(_ALERTS)
    parts += map(_alert, render_rules.alerts(render_rules.load()))
    return "".join(parts)


def _alert(rule: dict[str, Any]) -> str:
    thresholds = ", ".join(f"{name} {one.value}" for name, one in render_rules.thresholds(rule).items())
    cells = (rule["labels"]["severity"], rule["for"], rule.get("keep_firing_for", ""), thresholds)
    return f"| `{rule['alert']}` | {' | '.join(cells)} |\n"


def _code(default: Any) -> str:
    return f"`{_cell(default if isinstance(default, str) and default else json.dumps(default))}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
