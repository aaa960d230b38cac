"""Why a training job failed: a class out of the text that AWS gives, FailureReason.

Texts have no form that holds. AWS begins them with its own word for what happened, and puts what the algorithm printed
behind it, so an out-of-memory arrives as a ClientError or as an AlgorithmError. Spellings change with the framework. So
a text is read as its words, whatever case and punctuation are between them, and the classes are tried in an order.
"""

from __future__ import annotations

import re

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", re.ASCII)
"""The words of a text: those of ``OutOfMemoryError`` are four, and ``exit code: 137`` has the number as its third."""

# In this order; the first that a text has is its class. Each phrase is words in a row; ``^`` is where the text begins.
# A class may stand twice: what hardly tells anything comes after what tells more.
_TABLE: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "out_of_memory",
        (
            "out of memory",
            "outofmemory",
            "memory error",
            "oom",
            "oomkilled",
            "unable to allocate",
            "cannot allocate memory",
            "can t allocate memory",
            "could not allocate memory",
            "failed to allocate memory",
            "bad alloc",
            "alloc failed",
            "out of shared memory",
            "insufficient shared memory",
            "instance type with more memory",
            "not enough memory",
            "insufficient memory",
            "exit code 137",  # the kernel ends what takes too much memory, and a container's end is told so
            "exit status 137",
            "return code 137",
            "exited with 137",
        ),
    ),
    (
        "capacity",
        (
            "capacity error",
            "insufficient capacity",
            "insufficient instance capacity",
            "insufficient compute capacity",
            "unable to provision requested ml compute capacity",
            "unable to provision",
            "do not have sufficient",
            "does not have sufficient",
            "no spot capacity",
            "no capacity",
            "not enough capacity",
        ),
    ),
    (
        "quota",
        (
            "resource limit exceeded",
            "service limit",
            "service quota",
            "service quotas",
            "quota exceeded",
            "limit exceeded exception",
            "exceeded your quota",
            "exceeded the quota",
            "vcpu limit",
        ),
    ),
    (
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
    (
        "image",
        (
            "cannot pull",
            "could not pull",
            "failed to pull",
            "unable to pull",
            "image pull",
            "cannot start container",
            "manifest unknown",
            "manifest for",
            "image not found",
            "image does not exist",
            "repository does not exist",
            "cannot find repository",
            "ecr repository",
            "exec format error",
            "executable file not found",
            "no basic auth credentials",
        ),
    ),
    (
        "data",
        (
            "no s 3 objects found",
            "no objects found",
            "no such key",
            "no such bucket",
            "specified key does not exist",
            "specified bucket does not exist",
            "data channel",
            "in channel",
            "the channel",
            "training channel",
            "validation channel",
            "no training data",
            "no data found",
            "no such file or directory opt ml input",
            "empty data error",
            "parser error",
            "error tokenizing data",
            "non numeric value",
            "unable to parse",
            "failed to parse",
            "content type",
            "manifest file",
        ),
    ),
    (
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
    ("data", ("data download failed", "failed to download data", "download failed")),
    (
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
            "sigkill",
            "signal 6",
            "signal 7",
            "signal 9",
            "signal 11",
            "exit code 132",
            "exit code 134",
            "exit code 135",
            "exit code 136",
            "exit code 139",
            "exit status 139",
            "return code 139",
            "exited with 139",
        ),
    ),
    (
        "algorithm_error",
        (
            "algorithm error",
            "framework error",
            "execute user script error",
        ),
    ),
    (
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
    ("algorithm_error", ("traceback", "exit code", "exit status", "return code", "runtime error")),
)

OTHER = "other"
REASONS: tuple[str, ...] = (*dict.fromkeys(reason for reason, _ in _TABLE), OTHER)
"""All classes, in the order in which they are tried."""


def failure_class(text: str | None) -> str:
    """Return the class of a failure, ``other`` where the text tells none or there is no text."""
    words = f" ^ {' '.join(_WORDS.findall(text or '')).lower()} "
    return next((reason for reason, phrases in _TABLE if any(f" {each} " in words for each in phrases)), OTHER)
