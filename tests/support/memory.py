"""The memory that this process has asked for and not given back.

What it has resident is more, by chance: by how its threads happened to take turns.
"""

from __future__ import annotations

import ctypes
import gc
import sys

_MEAN_BLOCK = 80
"""Bytes of a small object, as good as that is needed to see that they become more."""


class _MallInfo(ctypes.Structure):
    """``struct mallinfo2`` of glibc: ``uordblks`` and ``hblkhd`` are the bytes in use, on the heap and mapped."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keepcost",
        )
    )


def allocated() -> float:
    """Return the memory in use, in MiB, after a garbage collection. It asks glibc."""
    gc.collect()
    mallinfo = ctypes.CDLL(None).mallinfo2
    mallinfo.restype = _MallInfo
    heap = mallinfo()
    small = sys.getallocatedblocks() * _MEAN_BLOCK  # Python keeps small objects elsewhere
    return (heap.uordblks + heap.hblkhd + small) / 2**20
