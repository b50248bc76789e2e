"""The masks of dropout along time: a cell drops the same elements at each step of a sequence."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from lamina import ops, random
from lamina.backend import current
from lamina.core.layer import Layer
from lamina.core.seeds import SeedGenerator
from lamina.ops.row import Tensor, TensorLike
from lamina.symbolic.tensor import inferring, leaves


class DropoutMasks(Layer):
    """A cell that drops some of its inputs and of its state in training.

    A mask is drawn when it is first asked for and then the same until it is reset, or until the
    transformation in which it was drawn (a trace of `jit`, a gradient) is over. Where each gate
    drops elements of its own (`mask_count`), it is a tensor of so many masks. A recurrent layer
    resets the masks of its cell with each sequence; a program that calls a cell step by step does
    so itself.

    Reference:
        Gal and Ghahramani, 2015, https://arxiv.org/abs/1512.05287
    """

    bookkeeping = Layer.bookkeeping | {"_masks"}
    mask_count: int | None = None
    dropout: float
    recurrent_dropout: float
    seed_generator: SeedGenerator

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # Under "inputs" and "state", each with what says whether it can still be used.
        self._masks: dict[str, tuple[Callable[[], bool], Tensor]] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_masks": {}}

    def get_dropout_mask(self, step_input: TensorLike) -> Tensor | None:
        """What to multiply the inputs of a step by to drop some; None where nothing is dropped.

        Args:
            step_input: the inputs of one step.
        """
        return self._mask("inputs", self.dropout, step_input)

    def get_recurrent_dropout_mask(self, step_state: TensorLike) -> Tensor | None:
        """What to multiply a state by to drop some of it; None where nothing is dropped.

        Args:
            step_state: the state before a step.
        """
        return self._mask("state", self.recurrent_dropout, step_state)

    def reset_dropout_mask(self) -> None:
        """Draw another mask for the inputs when it is next asked for."""
        self._masks.pop("inputs", None)

    def reset_recurrent_dropout_mask(self) -> None:
        """Draw another mask for the state when it is next asked for."""
        self._masks.pop("state", None)

    def _mask(self, kind: str, rate: float, like: Any) -> Tensor | None:
        if rate == 0:
            return None
        like = ops.convert_to_tensor(like)
        count = () if self.mask_count is None else (self.mask_count,)
        known = self._masks.get(kind)
        if known is not None and known[0]() and known[1].shape == (*count, *like.shape):
            return known[1]
        ones = ops.ones_like(like)
        ones = ops.stack([ones] * count[0]) if count else ones
        mask = random.dropout(ones, rate, seed=self.seed_generator)
        if not inferring():
            self._masks[kind] = current().scope(), mask
        return mask


@contextlib.contextmanager
def masks_of_a_sequence(
    cell: Layer, sequence: Tensor, states: Any, training: bool | None
) -> Iterator[None]:
    """A block that walks a cell along one sequence, with masks of its own.

    Args:
        cell: any cell; the cells inside it are reset too.
        sequence: the inputs, time first.
        states: those before the first step.
        training: whether elements are dropped.
    """
    inner = [one for one in cell._flatten_layers() if isinstance(one, DropoutMasks)]
    _reset(inner)
    if training and isinstance(cell, DropoutMasks):
        # Before the loop: what is drawn in a step of a compiled loop is drawn anew in each.
        cell.get_dropout_mask(sequence[0])
        cell.get_recurrent_dropout_mask(leaves(states)[0])
    try:
        yield
    finally:
        _reset(inner)


def _reset(cells: list[DropoutMasks]) -> None:
    for cell in cells:
        cell.reset_dropout_mask()
        cell.reset_recurrent_dropout_mask()
