"""Memory that PyTorch frees on the CPU stays with the process, for the next step to use.

PyTorch takes each tensor from the C library, and glibc gives what is freed at the end of a step
back to the system, which fills every page with zeros when the next step asks for it again: a third
of the time of a step of the MNIST network. On other devices PyTorch has caches of its own.
"""

from __future__ import annotations

import ctypes
import os

# The parameters of glibc's mallopt(3).
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
# A tensor of this size or more is given back all the same.
_LARGE = 2**30

# What a user says of them in the environment stands.
_VARIABLES = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_")


def keep_freed_memory() -> None:
    """Ask the C library to keep what is freed, if it is glibc and nobody has said otherwise."""
    tuned = "glibc.malloc" in os.environ.get("GLIBC_TUNABLES", "")
    if tuned or any(name in os.environ for name in _VARIABLES):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _LARGE)
        mallopt(_TRIM_THRESHOLD, 2 * _LARGE - 1)
