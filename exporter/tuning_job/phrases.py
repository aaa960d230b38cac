"""By what phrases the class of a failure is told."""

from __future__ import annotations

from typing import NamedTuple

_CHANNELS = ("train", "training", "validation", "test", "eval")


class Row(NamedTuple):
    """Phrases of a class. Each is words in a row; ``^`` is where the text begins, ``$`` stands before an exit code.

    With ``not_run`` they count only in what AWS itself says: of a training job that ran they mean something else.
    """

    reason: str
    phrases: tuple[str, ...]
    not_run: bool = False


# In this order; the first that a text has is its class. A class may stand twice: what hardly tells anything comes after
# what tells more, and some of what tells something is not for any text.
TABLE: tuple[Row, ...] = (
    Row(
        "out_of_memory",
        (
            "out of memory",
            "outofmemory",
            "outofmemoryerror",
            "memory error",
            "memoryerror",
            "OOM",  # in capitals: the word, and no part of a name
            "oomkilled",
            "oom killed",
            "oom killer",
            "oom kill",
            "cuda oom",
            "gpu oom",
            "unable to allocate",
            "cannot allocate memory",
            "can t allocate memory",
            "could not allocate memory",
            "failed to allocate memory",
            "failed to allocate request",
            "failed to allocate device memory",
            "memory allocation error",
            "memory allocation failed",
            "memory allocation failure",
            "error memory allocation",
            "resource exhausted failed to allocate",
            "bad alloc",
            "alloc failed",
            "java heap space",
            "gc overhead limit exceeded",
            "out of shared memory",
            "insufficient shared memory",
            "instance type with more memory",
            "not enough memory",
            "not enough gpu memory",
            "insufficient memory",
            "insufficient gpu memory",
            # The kernel ends what takes too much memory with signal 9. A shell and a container add 128 to it.
            "$ 137",
            "$ -9",
            "signal 9",
            "signal killed",
            "signal sigkill",
            "signals sigkill 9",
            "received sigkill",
            "by sigkill",
            "with sigkill",
            "error sigkill",
            "algorithm error killed",
            "error message killed",
        ),
    ),
    Row(
        "capacity",
        (
            "capacity error",
            "insufficient capacity",
            "insufficient instance capacity",
            "insufficient compute capacity",
            "unable to provision",
            "currently do not have sufficient",
            "do not have sufficient ml",
            "does not have sufficient ml",
            "no spot capacity",
            "no capacity available",
            "not enough capacity",
        ),
        not_run=True,
    ),
    Row(
        "quota",
        (
            "resource limit exceeded",
            "service limit",
            "service quota",
            "service quotas",
            "^ quota exceeded",  # but no disk quota: that is no quota of an account
            "client error quota exceeded",
            "instance quota exceeded",
            "instances quota exceeded",
            "jobs quota exceeded",
            "usage quota exceeded",
            "vcpu quota exceeded",
            "limit exceeded exception",
            "exceeded your quota",
            "exceeded the quota",
            "vcpu limit",
        ),
        not_run=True,
    ),
    Row(
        "internal_error",
        (
            "^ internal server error",
            "^ internal service error",
            "^ internal service exception",
            "^ internal failure",
            "^ internal error",
            "encountered an internal error",
            "an internal error occurred",
            "^ service unavailable",
            "instance health check",
            "health check failed",
        ),
    ),
    Row(
        "image",
        (
            "cannot pull",
            "could not pull",
            "failed to pull",
            "unable to pull",
            "image pull",
            "cannot start container",
            "manifest unknown",
            "ecr repository",
            "exec format error",
            "executable file not found",
            "no basic auth credentials",
        ),
    ),
    Row(
        "image",
        (
            "manifest for",
            "image not found",
            "image does not exist",
            "repository does not exist",
            "cannot find repository",
        ),
        not_run=True,
    ),
    Row(
        "data",
        (
            "no s 3 objects found",
            "no such key",
            "no such bucket",
            "specified key does not exist",
            "specified bucket does not exist",
            "no such file or directory opt ml input",
            "empty data error",
            "parser error",
            "error tokenizing data",
            "non numeric value",
        ),
    ),
    Row(
        "data",
        (
            "no objects found",
            "data channel",
            "read channel",
            "data in channel",
            "data in the channel",
            "data for channel",
            "data from channel",
            *(f"{before} channel {name}" for before in ("in", "the") for name in _CHANNELS),
            "training channel",
            "validation channel",
            "no training data",
            "no data found",
            "unable to parse",
            "failed to parse",
            "content type",
            "manifest file",
        ),
        not_run=True,
    ),
    Row(
        "access",
        (
            "access denied",
            "access denied exception",
            "not authorized",
            "unauthorized",
            "forbidden",
            "permission denied",
            "permission error",
            "insufficient permissions",
            "not have permission",
            "not have permissions",
            "cannot assume",
            "could not assume",
            "unable to assume",
            "assume role",
            "expired token",
            "invalid credentials",
            "unable to locate credentials",
        ),
    ),
    Row("data", ("data download failed", "failed to download data")),
    Row("data", ("download failed",), not_run=True),
    Row(
        "crashed",
        (
            "segmentation fault",
            "segfault",
            "core dumped",
            "bus error",
            "illegal instruction",
            "illegal memory access",
            "floating point exception",
            "fatal python error",
            "sigsegv",
            "sigabrt",
            "sigbus",
            "signal 6",
            "signal 7",
            "signal 11",
            *(f"$ {code}" for code in (132, 134, 135, 136, 139, -4, -6, -7, -8, -11)),
        ),
    ),
    Row(
        "algorithm_error",
        (
            "algorithm error",
            "framework error",
            "execute user script error",
        ),
    ),
    Row(
        "client_error",
        (
            "client error",
            "customer error",
            "user error",
            "validation error",
            "validation exception",
            "invalid parameter",
        ),
    ),
    Row("algorithm_error", ("traceback", "$", "exit code", "exit status", "return code", "runtime error")),
)
