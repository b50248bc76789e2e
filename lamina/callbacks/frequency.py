"""How often a callback saves: each epoch, or every so many batches."""

from typing import Any


class Frequency:
    """Counts batches, over the ends of epochs, and says when it is time to save.

    Args:
        save_freq: "epoch", or the number of batches from one time to the next.
        owner: whose argument it is, for errors.

    Raises:
        ValueError: it is neither.

    Example:
        >>> frequency = Frequency(3, "Backup")
        >>> [frequency.is_due(batch) for batch in (0, 1, 2, 3, 0, 1)]
        [False, False, True, False, False, True]
    """

    def __init__(self, save_freq: Any, owner: str) -> None:
        whole = hasattr(save_freq, "__index__") and not isinstance(save_freq, bool)
        if save_freq != "epoch" and not (whole and save_freq >= 1):
            raise ValueError(
                f"`save_freq` of {owner} is 'epoch' or a number of batches of at least 1, not "
                f"{save_freq!r}."
            )
        self.by_batch = save_freq != "epoch"
        self._every = int(save_freq) if self.by_batch else 0
        self._seen, self._last = 0, -1

    def is_due(self, batch: int) -> bool:
        """Count up to batch `batch` of an epoch; whether it is time, which begins a new count."""
        # A lower number than the last one is of a new epoch.
        self._seen += batch + 1 if batch <= self._last else batch - self._last
        self._last = batch
        if self._seen < self._every:
            return False
        self._seen = 0
        return True

    def get_state(self) -> dict[str, Any]:
        """The count."""
        return {"seen": self._seen, "last": self._last}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on counting."""
        self._seen, self._last = state["seen"], state["last"]
