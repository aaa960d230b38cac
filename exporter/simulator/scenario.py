"""The table of scenarios: the kinds of tuning jobs that can be simulated.

All durations are in simulated seconds. The speed of a job divides them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from exporter.simulator.surface import (
    Categorical,
    Continuous,
    Integer,
    Surface,
    branin,
    rosenbrock,
    slope,
    validation_loss,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.simulator.failure_texts import Reason

HOUR = 3600.0
MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Definition:
    """One training job definition: the search space and the instances.

    A training job is stopped after ``max_runtime``. ``layout`` says how the answer has the instances: directly, in instance
    groups, or in a prioritized list of instance configurations. With ``max_wait``, training jobs use spot capacity. Then they
    have ``interruptions`` per hour, and cost less by a share between the two of ``savings``.
    """

    surface: Surface
    image: str
    name: str | None
    static: tuple[tuple[str, str], ...] = ()
    instances: tuple[tuple[str, int], ...] = (("ml.m5.xlarge", 1),)
    layout: Literal["plain", "groups", "configs"] = "plain"
    max_runtime: float = 24 * HOUR
    max_wait: float | None = None
    interruptions: float = 0.25
    savings: tuple[float, float] = (0.6, 0.75)


@dataclass(frozen=True, slots=True)
class Spell:
    """What happens to the training jobs with numbers from ``first`` to before ``until``, counted from 0.

    ``failing``, ``retried`` and ``mute`` are the shares that end with a non-retryable error, with a retryable error, and
    successfully but without an objective. With ``hanging`` they never end. ``slower`` multiplies their duration. ``parallel``
    is the most that run at once, even if more are requested. ``reason`` is why those that fail do.
    """

    first: int = 0
    until: float = float("inf")
    failing: float = 0.0
    retried: float = 0.0
    mute: float = 0.0
    hanging: bool = False
    slower: float = 1.0
    parallel: int | None = None
    reason: Reason | None = None

    def holds(self, number: int) -> bool:
        """Return whether this applies to the training job with ``number``."""
        return self.first <= number < self.until


@dataclass(frozen=True, slots=True)
class Scenario:
    """How one kind of tuning job is configured, and what happens to it.

    With ``in_config``, objective and ranges are in the job's configuration, beside a single definition, as in jobs of the SDK.
    Otherwise they are in the list of definitions, as in jobs of the console. Without ``max_jobs``, all combinations of a grid
    are tried.

    ``starting`` is the shortest and longest time from the creation of a training job to its start, ``trial`` that for which it
    runs. ``straggling`` makes some run longer: it is the standard deviation of the logarithm of a factor. ``refill`` is how
    long a slot stays empty after a training job, and ``closing`` the time from the last training job to the end of the tuning
    job.

    With ``failing_together``, the training jobs that fail have similar values of the first hyperparameter. With ``replaces``,
    another training job replaces one that has failed, as in SageMaker since 2023. If the first ``gives_up_after`` training jobs
    all fail, the service ends the job. After ``stalls_after`` training jobs the service loses track of the job. ``stopping`` is
    the shortest time for which it is Stopping. ``reason`` is why most of its training jobs fail, random if not given.
    """

    definitions: tuple[Definition, ...]
    in_config: bool = True
    strategy: Literal["Bayesian", "Random", "Grid", "Hyperband"] = "Bayesian"
    max_jobs: int | None = 60
    parallel: int = 4
    max_runtime: float | None = None
    early_stopping: Literal["Off", "Auto"] | None = None
    target: float | None = None
    max_not_improving: int | None = None
    on_convergence: Literal["Enabled", "Disabled"] | None = None
    autotune: bool = False
    random_seed: int | None = None
    parents: tuple[str, ...] = ()
    vintage: bool = False
    startup: float = 65.0
    starting: tuple[float, float] = (3.0, 12.0)
    trial: tuple[float, float] = (5 * MINUTE, 25 * MINUTE)
    straggling: float = 0.0
    refill: tuple[float, float] = (5.0, 30.0)
    closing: tuple[float, float] = (4.0, 235.0)
    failing: float = 0.02
    failing_together: bool = False
    reason: Reason | None = None
    replaces: bool = True
    spells: tuple[Spell, ...] = ()
    gives_up_after: int | None = 5
    retried: float = 0.02
    emits_objective: bool = True
    fails_at: float | None = None
    failure_reason: str = ""
    stalls_after: int | None = None
    stops_at: float | None = None
    stopping: float = MINUTE
    deleted_at: float | None = None
    deletion: float = HOUR


_XGBOOST_RANGES = (
    Continuous("eta", 0.001, 0.5, logarithmic=True),
    Continuous("subsample", 0.5, 1.0),
    Integer("max_depth", 2, 12),
)
_NETWORK_RANGES = (
    Continuous("learning_rate", 1e-05, 0.1, logarithmic=True),
    Continuous("dropout", 0.0, 0.6),
    Categorical("optimizer", ("sgd", "adam", "adamw")),
)

_XGBOOST = Definition(
    Surface("validation:auc", 0.9312, 0.5, rosenbrock, _XGBOOST_RANGES, step=0.0005),
    image="xgboost",
    name="xgboost",
    static=(("objective", "binary:logistic"), ("num_round", "200")),
)
_NETWORK = Definition(
    Surface("validation:loss", 0.2174, 2.31, validation_loss, _NETWORK_RANGES),
    image="pytorch-training",
    name="network",
    static=(("epochs", "40"), ("batch_size", "256")),
    instances=(("ml.g5.xlarge", 1),),
    max_wait=36 * HOUR,
)
_FORECAST = Definition(
    Surface("test:rmse", 3.108, 41.7, branin, (*_XGBOOST_RANGES, Continuous("gamma", 1e-08, 10.0, logarithmic=True))),
    image="forecasting-deepar",
    name="forecast",
    static=(("time_freq", "H"), ("prediction_length", "48")),
    instances=(("ml.c5.2xlarge", 2),),
)
_SILENT = Definition(_NETWORK.surface, image="in-house-trainer", name="in-house", static=(("epochs", "12"),))
_GRID = Definition(
    Surface(
        "validation:accuracy",
        0.948,
        0.1,
        validation_loss,
        (
            Categorical("tokenizer", ("word", "bpe", "unigram")),
            Categorical("layers", ("2", "4", "6", "8")),
            Categorical("pooling", ("mean", "max")),
        ),
        step=0.004,
    ),
    image="huggingface-pytorch-training",
    name="encoder",
    instances=(("ml.g4dn.xlarge", 1),),
)
_NARROW = Definition(
    Surface(
        "validation:ndcg@10",
        0.6127,
        0.31,
        slope,
        (Continuous("regularization", 1e-06, 0.01, logarithmic=True), Integer("factors", 8, 64)),
    ),
    image="factorization-machines",
    name="ranker",
)
_VINTAGE = Definition(
    Surface("validation:rmse", 2.871, 9.4, branin, _XGBOOST_RANGES),
    image="xgboost",
    name=None,
    static=(("objective", "reg:linear"), ("num_round", "100")),
    instances=(("ml.m4.xlarge", 1),),
)
_SEVERAL = (
    Definition(
        replace(_XGBOOST.surface, shape=branin, noise=0.05),
        image="xgboost",
        name="boosted-trees",
        instances=(("ml.m5.2xlarge", 1), ("ml.c5.2xlarge", 2)),
        layout="groups",
    ),
    Definition(
        Surface("test:binary_log_loss", 0.1893, 0.6931, validation_loss, _NETWORK_RANGES),
        image="linear-learner",
        name="linear",
        instances=(("ml.m5.xlarge", 1), ("ml.m4.xlarge", 1)),
        layout="configs",
    ),
)

SCENARIOS: Mapping[str, Scenario] = MappingProxyType(
    {
        # A Bayesian search that improves steadily and completes.
        "healthy": Scenario((_XGBOOST,), early_stopping="Auto"),
        # Convergence was detected, but completion on convergence is disabled: the job continues without benefit.
        "converged-running": Scenario((_NETWORK,), max_jobs=120, on_convergence="Disabled"),
        # Most training jobs end with a non-retryable error, but the search continues.
        "failing-training-jobs": Scenario(
            (_NETWORK,),
            failing=0.6,
            retried=0.1,
            reason="out_of_memory",
            gives_up_after=None,  # so that failures at the start do not end it
        ),
        # The first five training jobs all fail, so the service ends the search as Failed.
        "failing-from-the-start": Scenario((_NETWORK,), failing=1.0, retried=0.0, reason="access"),
        # Training jobs complete, but the metric's regular expression never matches: no objective value at all.
        "objective-never-emitted": Scenario((_SILENT,), emits_objective=False),
        # In progress forever: LastModifiedTime still changes, but its training jobs are gone and no counter changes.
        "stuck": Scenario((_FORECAST,), in_config=False, stalls_after=10),
        # The job reaches its maximum runtime before it is done.
        "near-time-limit": Scenario(
            (_FORECAST,),
            in_config=False,
            max_jobs=500,
            max_runtime=4 * HOUR,
        ),
        # Failed seconds after its creation, before any training job started.
        "failed-at-once": Scenario(
            (_XGBOOST,),
            fails_at=6.0,
            failure_reason='ClientError: no data under "s3://trainingsdaten/märz/\N{SNOWMAN}".\nCheck the prefix\\channel.',
        ),
        # A running search that is stopped by a request: Stopping for a while, then Stopped.
        "stopped": Scenario(
            (_XGBOOST,),
            in_config=False,
            strategy="Random",
            stops_at=2 * HOUR,
            stopping=20 * MINUTE,
        ),
        # Stopped, later deleted: Deleting for a while, then gone.
        "deleting": Scenario(
            (_NETWORK,),
            in_config=False,
            stops_at=1.5 * HOUR,
            deleted_at=3 * HOUR,
        ),
        # Continues two parents, one of which holds the overall best training job.
        "warm-start": Scenario(
            (_XGBOOST,),
            on_convergence="Enabled",
            max_not_improving=40,
            parents=("churn-xgboost-251001", "churn-xgboost-251014"),
        ),
        # Two algorithms with different objectives compete in one job.
        "several-definitions": Scenario(_SEVERAL, in_config=False),
        # Successive halving stops weak training jobs early; every completion criterion is set.
        "hyperband": Scenario(
            (_NETWORK,),
            strategy="Hyperband",
            max_jobs=150,
            parallel=6,
            trial=(10 * MINUTE, 50 * MINUTE),
            max_runtime=30 * HOUR,
            early_stopping="Off",
            target=0.2,
            max_not_improving=60,
            on_convergence="Disabled",
            autotune=True,
            random_seed=7,
        ),
        # Enumerates every combination of categorical values, without a maximum number of training jobs.
        "grid": Scenario(
            (_GRID,),
            strategy="Grid",
            max_jobs=None,
            parallel=2,
            replaces=False,
        ),
        # In progress with every counter at 0 for a while, then slow and healthy.
        "just-created": Scenario(
            (_XGBOOST,),
            in_config=False,
            startup=20 * MINUTE,
            trial=(30 * MINUTE, 60 * MINUTE),
        ),
        # The best values sit at the edges of ranges that were chosen too narrow.
        "edge-of-range": Scenario((_NARROW,)),
        # Answers as in 2020: no consumed resources, no completion details, no definition names.
        "vintage-2020": Scenario(
            (_VINTAGE,),
            max_jobs=20,
            parallel=3,
            vintage=True,
            startup=45.0,
            starting=(105.0, 184.0),
            replaces=False,
        ),
        # A short search that ends successfully.
        "completed": Scenario(
            (_FORECAST,),
            in_config=False,
            strategy="Random",
            max_jobs=9,
            parallel=3,
            trial=(5 * MINUTE, 10 * MINUTE),
            failing=0.0,
            retried=0.0,
        ),
    }
)
"""Every scenario by name."""
