"""Starting names and other memory of the process anew."""

from __future__ import annotations

import gc

from lamina.backend.session import reset_uids


def clear_session(free_memory: bool = True) -> None:
    """Forget the names given out: the next `Dense` layer is called `dense` again.

    Args:
        free_memory: whether to collect garbage, so that models out of use free their memory now.
    """
    reset_uids()
    if free_memory:
        gc.collect()
