"""Programs that XLA has compiled are kept on disk, for the next process that needs them.

What takes XLA long is written by JAX into a folder of `keras_home()`, one for each version of JAX
and kind of processor. JAX's own settings (`JAX_COMPILATION_CACHE_DIR`,
`JAX_ENABLE_COMPILATION_CACHE`) come first: https://docs.jax.dev/en/latest/persistent_compilation_cache.html
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pathlib
import platform
from typing import Any

import jax

from lamina.backend.config import keras_home

# A program that compiles faster is not worth the file.
_LEAST_SECONDS = 0.2
_LIMIT = 2**30  # bytes, of which the least recently used half goes


def keep_compiled_programs() -> None:
    """Have JAX use the folder, unless the user chose, or others could write into it."""
    known: Any = jax.config
    if known.jax_compilation_cache_dir or not known.jax_enable_compilation_cache:
        return
    folder = keras_home() / "compiled" / f"jax-{jax.__version__}-{_processor()}"
    with contextlib.suppress(OSError):  # a home that is read-only, say
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_private(folder):
            return
        _prune(folder)
        known.update("jax_compilation_cache_dir", str(folder))
        known.update("jax_persistent_cache_min_compile_time_secs", _LEAST_SECONDS)


def _processor() -> str:
    """What the machine's code may use: a home may be shared by machines that differ."""
    about = platform.machine()
    try:
        with open("/proc/cpuinfo") as file:
            first = file.read(16384).split("\n\n")[0].splitlines()
        about += "".join(line for line in first if line.startswith(("flags", "Features")))
    except OSError:
        about += platform.processor()  # on Linux that starts another program
    return hashlib.sha256(about.encode()).hexdigest()[:12]


def _is_private(folder: pathlib.Path) -> bool:
    """Whether nobody but the user can put programs there, for they are run as they are."""
    status = folder.lstat()
    return os.name == "nt" or (status.st_uid == os.getuid() and not status.st_mode & 0o022)


def _prune(folder: pathlib.Path) -> None:
    files = [(entry, entry.stat()) for entry in os.scandir(folder)]
    total = sum(status.st_size for _, status in files)
    if total <= _LIMIT:
        return
    for entry, status in sorted(files, key=lambda one: one[1].st_mtime):
        if total <= _LIMIT // 2:
            break
        os.remove(entry)
        total -= status.st_size
