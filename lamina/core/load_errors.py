"""What loading a file raises: each says what is wrong, where, and what to do."""

from __future__ import annotations

LONGEST_MESSAGE = 600


class LoadError(ValueError):
    """A file could not be loaded. What was to be loaded into it is as it was."""


class DamagedFileError(LoadError):
    """A file is not what its name says, is cut off, or its content does not match its digests."""


class UnsafeContentError(LoadError):
    """A file holds code, a reference to another file, or a name that its place does not allow."""


class UnfitFileError(LoadError):
    """A file is sound, and what it holds does not fit the model: names, shapes or types."""


class SizeBudgetError(LoadError):
    """A file or a layer asks for more memory than it may have; nothing was allocated."""


class MissingFileError(LoadError, FileNotFoundError):
    """There is no file of that name."""


class UnverifiedFileWarning(UserWarning):
    """A file carries no digests, so that damage to its numbers could not be seen."""


class NonFiniteWarning(UserWarning):
    """A file or a model holds weights that are NaN or infinite."""


def shortened(message: str, limit: int = LONGEST_MESSAGE) -> str:
    """`message` with its middle left out where it is longer than `limit`.

    Example:
        >>> shortened("abcdefghij", 7)
        'ab … ij'
    """
    if len(message) <= limit:
        return message
    half = (limit - 3) // 2
    return f"{message[:half]} … {message[-half:]}"


def describe(error: BaseException, limit: int = 400) -> str:
    """What an error says, with the notes that were added to it, in one line."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    text = str(error) or type(error).__name__
    if isinstance(error, KeyError):
        text = f"it lacks {text}"
    notes = [str(note) for note in getattr(error, "__notes__", ())]
    return shortened(" ".join(" ".join([text, *notes]).split()), limit)
