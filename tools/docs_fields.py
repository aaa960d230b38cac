"""Makes docs/fields.md: where every member of the API's answers goes."""

from __future__ import annotations

from exporter.exposition.families import FAMILIES
from exporter.tuning_job.fields import FIELDS, Identity, Label, Metric, NotExported, Uses
from exporter.tuning_job.training_fields import BILL_FIELDS, TRAINING_FIELDS

_HEAD = """\
# The API's fields

Where every member of `DescribeHyperParameterTuningJob`'s answer goes, or why it is not exported. `[]` stands for the items of
a list, `{key}` and `{value}` for the entries of a map. The prefix of all metrics, `sagemaker_tuning_job_`, is left out.
What applies to `TrainingJobDefinition` applies to each of `TrainingJobDefinitions[]`. Metrics in *italics* are opt-in, by `collect`.

| field | exported as |
|---|---|
"""
_TRAININGS = """
## Training jobs

And where those of `ListTrainingJobsForHyperParameterTuningJob`'s answer go, with `collect: [training_jobs]`.

| field | exported as |
|---|---|
"""
_BILLS = """
And where those of `Search`'s answer over training jobs go, with `spend: {billable: search}`. What is not in this table, such as
hyperparameters and environment, is not read.

| field | exported as |
|---|---|
"""
_LISTED = "TrainingJobDefinitions[]."
_OPT_IN = {family.name for family in FAMILIES if family.collect is not None}


def render() -> str:
    """Return the page."""
    described = {path: uses for path, uses in FIELDS.items() if not path.startswith(_LISTED)}
    return _HEAD + _rows(described) + _TRAININGS + _rows(TRAINING_FIELDS) + _BILLS + _rows(BILL_FIELDS)


def _rows(fields: dict[str, Uses]) -> str:
    return "".join(f"| `{path}` | {_told(uses)} |\n" for path, uses in fields.items())


def _told(uses: Uses) -> str:
    return "<br>".join(map(_use, uses))


def _use(use: Metric | Label | Identity | NotExported) -> str:
    match use:
        case Metric(family):
            return _family(family)
        case Label(family, label):
            return f"label `{label}` of {_family(family)}"
        case Identity(label):
            return f"label `{label}` of every metric"
        case NotExported(reason):
            return f"not exported. {reason}"


def _family(name: str) -> str:
    return f"*`{name}`*" if name in _OPT_IN else f"`{name}`"


if __name__ == "__main__":
    print(render(), end="")
