"""Memory that every step asks for again is not given back to the system in between.

XLA on the CPU takes its buffers from the C library, which hands large ones back as soon as they are
free; the next step then waits for each of their pages once more. With them kept, a step of the
small GPT of `benchmarks/` takes 113 ms instead of 158, of the small ResNet 57 instead of 74, and of
the MNIST network 20 instead of 30 (2 cores). The price: that much memory stays with the process.

The heap of a thread holds no more than 64 MB at a time, and only the main thread's takes larger
ones. So programs run in the thread that calls them, which waits for them. One heap for all threads
would keep such buffers too; XLA's compiler, which works in several, then takes half as long again.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any

import jax

# Buffers up to this size, and as much free memory as this at the end of a heap, are kept.
_KEPT_BYTES = 2**30
# Names of parameters in <malloc.h>.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3


def keep_buffers() -> None:
    """Tell glibc so, unless the user has told it something; other C libraries are left alone.

    To be called before JAX makes its client of the CPU, which is when it first uses a device.
    """
    told = "malloc" in os.environ.get("GLIBC_TUNABLES", "")
    told |= any(name.startswith("MALLOC_") for name in os.environ)
    if told or not is_glibc():
        return
    library = ctypes.CDLL(None)
    library.mallopt(_MMAP_THRESHOLD, _KEPT_BYTES)
    library.mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
    if "JAX_CPU_ENABLE_ASYNC_DISPATCH" not in os.environ:
        known: Any = jax.config
        known.update("jax_cpu_enable_async_dispatch", False)


def is_glibc() -> bool:
    """Whether the process's C library is that of GNU."""
    return os.name == "posix" and hasattr(ctypes.CDLL(None), "gnu_get_libc_version")
