"""h5py, imported where the first file is opened: most programs open none."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    import h5py

    return getattr(h5py, name)
