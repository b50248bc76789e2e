"""What is said to the user: on standard output, or in the log."""

from __future__ import annotations

import logging

from lamina.backend.config import settings


def say(text: str) -> None:
    """Print `text`, or log it where interactive logging is off.

    Example:
        >>> say("Epoch 1/2")
        Epoch 1/2
    """
    if settings.interactive_logging:
        print(text)
    else:
        # Not `logging.getLogger("absl")`, as Keras has it: absl must be the one who makes that.
        logging.getLogger("lamina").info(text.strip("\r\n"))
