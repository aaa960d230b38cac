"""Makes docs/fields.md: which metric each member of the API's answers becomes."""

from __future__ import annotations

import ast
import inspect
from itertools import pairwise

from exporter.exposition.families import FAMILIES
from exporter.tuning_job import model
from exporter.tuning_job.fields import FIELDS, Identity, Label, Metric, NotExported, Uses
from exporter.tuning_job.training_fields import BILL_FIELDS, TRAINING_FIELDS

_HEAD = """\
# The API's fields

Which metric each member of `DescribeHyperParameterTuningJob`'s answer becomes, or why it is not exported. `[]` means the items of
a list, `{key}` and `{value}` the entries of a map. The prefix of all metrics, `sagemaker_tuning_job_`, is left out.
What applies to `TrainingJobDefinition` applies to each of `TrainingJobDefinitions[]`. Metrics in *italics* are opt-in, with `collect`.

| field | exported as |
|---|---|
"""
_TRAININGS = """
## Training jobs

The same for the answer of `ListTrainingJobsForHyperParameterTuningJob`, with `collect: [training_jobs]`.

| field | exported as |
|---|---|
"""
_BILLS = """
The same for the answer of `Search` over training jobs, with `spend: {billable: search}`. The exporter reads nothing that is not in this
table, such as hyperparameters and environment.

| field | exported as |
|---|---|
"""
_AS_JSON = """
## As JSON

The `facts` of a tuning job, on its page and in [`/api/v1/jobs/{…}`](api.md#one-tuning-job). A value that AWS did not send is
`null`, or empty. A time is ISO 8601.
"""
_MODELS = (
    *(model.TuningJob, model.Objective, model.ResourceLimits, model.CompletionCriteria, model.TrainingJob),
    *(model.Definition, model.Instances, model.HyperparameterRange),
)
_LISTED = "TrainingJobDefinitions[]."
_OPT_IN = {family.name for family in FAMILIES if family.collect is not None}


def render() -> str:
    """Return the page."""
    described = {path: uses for path, uses in FIELDS.items() if not path.startswith(_LISTED)}
    return (
        _HEAD
        + _rows(described)
        + _TRAININGS
        + _rows(TRAINING_FIELDS)
        + _BILLS
        + _rows(BILL_FIELDS)
        + _AS_JSON
        + "".join(map(_members, _MODELS))
    )


def _members(described: type) -> str:
    """Return the table of a class: each member with the text below it. Each member must have one."""
    [definition] = ast.parse(inspect.getsource(described)).body
    assert isinstance(definition, ast.ClassDef)
    rows = []
    for member, text in pairwise(definition.body):
        if isinstance(member, ast.AnnAssign):
            if not (isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)):
                raise SystemExit(
                    f"exporter/tuning_job/model.py: {described.__name__}.{ast.unparse(member.target)} has no text below it"
                )
            rows.append(f"| `{ast.unparse(member.target)}` | {_markdown(str(text.value.value))} |\n")
    assert not isinstance(definition.body[-1], ast.AnnAssign)
    return f"\n| member of `{described.__name__}` | |\n|---|---|\n{''.join(rows)}"


def _markdown(text: str) -> str:
    return " ".join(text.replace("``", "`").split())


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
