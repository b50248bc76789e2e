"""Tracebacks without the frames of this package: what is left is the user's own code."""

from __future__ import annotations

import functools
import pathlib
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

from lamina.backend.config import settings

F = TypeVar("F", bound=Callable[..., Any])
# Functions made from a template have names in angle brackets for the file they come from.
_OWN = (f"{pathlib.Path(__file__).parent.parent}/", "<lamina.")


def cut(error: BaseException | None) -> None:
    """Take the frames of this package out of the traceback of an error and of those behind it.

    Nothing is done where `lamina.config.disable_traceback_filtering()` was called.
    """
    seen: set[int] = set()
    while settings.traceback_filtering and error is not None and id(error) not in seen:
        seen.add(id(error))
        error.__traceback__ = _without_own(error.__traceback__)
        error = error.__cause__ or error.__context__


def _without_own(traceback: TracebackType | None) -> TracebackType | None:
    kept: list[TracebackType] = []
    while traceback is not None:
        if not traceback.tb_frame.f_code.co_filename.startswith(_OWN):
            kept.append(traceback)
        traceback = traceback.tb_next
    for one in reversed(kept):
        traceback = TracebackType(traceback, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return traceback


def filtered(function: F) -> F:
    """`function`, whose errors have no frames of this package in their tracebacks."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            cut(error)
            raise

    return call  # type: ignore[return-value]
