"""The facts about a tuning job, and the conversion of answers of the API to facts. Uses no SDK and no clock."""

from exporter.tuning_job.failures import OTHER, REASONS, failure_class
from exporter.tuning_job.listing import Found, Page, reduce_found, reduce_page
from exporter.tuning_job.members import MalformedAnswer
from exporter.tuning_job.model import (
    CompletionCriteria,
    Definition,
    HyperparameterRange,
    Instances,
    Objective,
    ResourceLimits,
    Summary,
    TrainingJob,
    TuningJob,
    arn_key,
    name_key,
    same_moment,
)
from exporter.tuning_job.quotas import Quotas, QuotasPage, reduce_quotas
from exporter.tuning_job.reduce import reduce, reduce_summary
from exporter.tuning_job.texts import plain, without_commands
from exporter.tuning_job.trainings import Bill, Bills, Training, TrainingsPage, reduce_bills, reduce_trainings

__all__ = [
    "OTHER",
    "REASONS",
    "Bill",
    "Bills",
    "CompletionCriteria",
    "Definition",
    "Found",
    "HyperparameterRange",
    "Instances",
    "MalformedAnswer",
    "Objective",
    "Page",
    "Quotas",
    "QuotasPage",
    "ResourceLimits",
    "Summary",
    "Training",
    "TrainingJob",
    "TrainingsPage",
    "TuningJob",
    "arn_key",
    "failure_class",
    "name_key",
    "plain",
    "reduce",
    "reduce_bills",
    "reduce_found",
    "reduce_page",
    "reduce_quotas",
    "reduce_summary",
    "reduce_trainings",
    "same_moment",
    "without_commands",
]
