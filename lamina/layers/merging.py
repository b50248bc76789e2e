"""Layers that make one tensor of several, and functions of the same names in lower case."""

from __future__ import annotations

import functools
import string
from collections.abc import Sequence
from typing import Any

from lamina import ops
from lamina.core.layer import Layer
from lamina.ops.row import ShapeError, Tensor, TensorLike

Tensors = Sequence[TensorLike]


class Merge(Layer):
    """A layer called on a list of tensors."""

    supports_masking = True

    def build(self, input_shape: Any = None) -> None:
        if not isinstance(input_shape, (list, tuple)) or not all(
            isinstance(one, (list, tuple)) for one in input_shape
        ):
            raise ValueError(
                f"{type(self).__name__} {self.name!r} is called on a list of tensors, "
                f"and was given one of shape {input_shape}."
            )

    def _check_batches(self, shapes: Sequence[Sequence[int | None]]) -> None:
        if len({shape[0] for shape in shapes if shape} - {None}) > 1:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} combines the tensors example by example, and "
                f"was given batches of different sizes: {', '.join(map(str, shapes))}. Repeat the "
                "smaller one first: ops.repeat(x, n, axis=0)."
            )


class Elementwise(Merge):
    """Combines tensors elementwise, two at a time; sizes of 1 and missing axes are broadcast.

    A missing axis is taken to be missing just after the batch.
    """

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        self._check_batches(input_shape)

    def call(self, inputs: Tensors, mask: Any = None) -> Tensor:
        rank = max(len(one.shape) for one in inputs)
        return self._combined([_with_rank(one, rank) for one in inputs], mask)

    def _combined(self, inputs: Tensors, mask: Any) -> Tensor:
        return functools.reduce(self._pair, inputs)

    def _pair(self, first: Tensor, second: Tensor) -> Tensor:
        raise NotImplementedError

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """True where any input is valid; none if an input has no mask, and so is valid."""
        if previous_mask is None or any(one is None for one in previous_mask):
            return None
        return functools.reduce(ops.logical_or, previous_mask)


def _with_rank(x: Tensor, rank: int) -> Tensor:
    """`x` with axes of size 1 after the batch, as many as it lacks of `rank`."""
    missing = rank - len(x.shape)
    return ops.expand_dims(x, tuple(range(1, 1 + missing))) if missing else x


class _Choosing(Elementwise):
    """A merge in which what one input masks is what the others have there.

    Where all mask an element, it is the first one's.
    """

    def call(self, inputs: Tensors, mask: Any = None) -> Tensor:
        if mask is None or all(one is None for one in mask):
            return super().call(inputs)
        rank = max(len(one.shape) for one in inputs)
        result, valid = None, None
        for x, own in zip(inputs, mask, strict=True):
            own = ops.ones((1,) * rank, dtype="bool") if own is None else _laid_along(own, x, rank)
            x = _with_rank(x, rank)
            if result is None:
                result, valid = x, own
                continue
            both = self._pair(result, x)
            result = ops.where(own, ops.where(valid, both, x), result)
            valid = ops.logical_or(valid, own)
        return self._where_valid(result, valid)

    def _where_valid(self, result: Tensor, valid: Tensor) -> Tensor:
        return result


def _laid_along(mask: Tensor, x: Tensor, rank: int) -> Tensor:
    """The mask of `x` with the axes that it lacks, those of `_with_rank` among them."""
    behind = len(x.shape) - len(mask.shape)
    mask = ops.reshape(mask, (*ops.shape(mask), *(1,) * behind)) if behind else mask
    return _with_rank(ops.cast(mask, "bool"), rank)


class Add(Elementwise):
    """The sum of several tensors.

    Example:
        >>> from lamina import layers, ops
        >>> layers.Add()([ops.ones((2, 3)), ops.ones((2, 3))]).tolist()[0]
        [2.0, 2.0, 2.0]
    """

    def _pair(self, first: Tensor, second: Tensor) -> Tensor:
        return ops.add(first, second)


class Subtract(Elementwise):
    """The first of two tensors minus the second.

    Example:
        >>> from lamina import layers, ops
        >>> layers.Subtract()([ops.ones((1, 2)), ops.ones((1, 2))]).tolist()
        [[0.0, 0.0]]
    """

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        if len(input_shape) != 2:
            raise ValueError(
                f"Subtract {self.name!r} takes two tensors, and was given {len(input_shape)}."
            )

    def _pair(self, first: Tensor, second: Tensor) -> Tensor:
        return ops.subtract(first, second)


class Multiply(_Choosing):
    """The product of several tensors, elementwise; masked elements count as 1, of all as 0.

    Example:
        >>> from lamina import layers, ops
        >>> layers.Multiply()([2 * ops.ones((1, 2)), 3 * ops.ones((1, 2))]).tolist()
        [[6.0, 6.0]]
    """

    def _where_valid(self, result: Tensor, valid: Tensor) -> Tensor:
        return ops.where(valid, result, 0)

    def _pair(self, first: Tensor, second: Tensor) -> Tensor:
        return ops.multiply(first, second)


class Average(Elementwise):
    """The mean of several tensors, elementwise.

    Example:
        >>> from lamina import layers, ops
        >>> layers.Average()([ops.ones((1, 2)), 3 * ops.ones((1, 2))]).tolist()
        [[2.0, 2.0]]
    """

    def call(self, inputs: Tensors, mask: Any = None) -> Tensor:
        return ops.divide(super().call(inputs, mask), len(inputs))

    def _pair(self, first: Tensor, second: Tensor) -> Tensor:
        return ops.add(first, second)


class Maximum(_Choosing):
    """The largest of several tensors, elementwise; masked elements do not count.

    Example:
        >>> from lamina import layers, ops
        >>> layers.Maximum()([ops.ones((1, 2)), 3 * ops.ones((1, 2))]).tolist()
        [[3.0, 3.0]]
    """

    def _pair(self, first: Tensor, second: Tensor) -> Tensor:
        return ops.maximum(first, second)


class Minimum(_Choosing):
    """The smallest of several tensors, elementwise; masked elements do not count.

    Example:
        >>> from lamina import layers, ops
        >>> layers.Minimum()([ops.ones((1, 2)), 3 * ops.ones((1, 2))]).tolist()
        [[1.0, 1.0]]
    """

    def _pair(self, first: Tensor, second: Tensor) -> Tensor:
        return ops.minimum(first, second)


class Concatenate(Merge):
    """Several tensors one after another along an axis; all other sizes are equal.

    Args:
        axis: the axis.

    Example:
        >>> from lamina import layers, ops
        >>> layers.Concatenate()([ops.ones((2, 3)), ops.ones((2, 4))]).shape
        (2, 7)
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Tensors, mask: Any = None) -> Tensor:
        return ops.concatenate(list(inputs), axis=self.axis)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """Masks one after another, or True where all inputs are valid, as the axis is."""
        if previous_mask is None or all(one is None for one in previous_mask):
            return None
        found = [one for one in previous_mask if one is not None]
        rank = len(found[0].shape)
        axis = self.axis % len(inputs[0].shape)
        if axis >= rank:
            return functools.reduce(ops.logical_and, found)
        masks = [
            ops.ones(ops.shape(x)[:rank], dtype="bool") if one is None else ops.cast(one, "bool")
            for x, one in zip(inputs, previous_mask, strict=True)
        ]
        return ops.concatenate(masks, axis=axis)


class Dot(Merge):
    """The scalar products of two tensors' vectors, example by example.

    Args:
        axes: the axis of the vectors, one for both or one for each; the batch is axis 0.
        normalize: whether vectors are first given the length 1: cosines then.

    Input: two tensors, as `(batch, a, size)` and `(batch, size, b)` with `axes=(2, 1)`. Output:
    what is left of the first, then of the second: `(batch, a, b)`; `(batch, 1)` of vectors.

    Example:
        >>> from lamina import layers, ops
        >>> layers.Dot((2, 1))([ops.ones((5, 3, 4)), ops.ones((5, 4, 2))]).shape
        (5, 3, 2)
    """

    def __init__(self, axes: int | Sequence[int], normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(axes, int) and (
            len(axes) != 2 or not all(isinstance(axis, int) for axis in axes)
        ):
            raise ValueError(f"axes is one integer or two, not {axes!r}.")
        self.axes = axes if isinstance(axes, int) else tuple(axes)
        self.normalize = normalize

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        self._check_batches(input_shape)

    def call(self, inputs: Tensors, mask: Any = None) -> Tensor:
        if len(inputs) != 2:
            raise ValueError(f"Dot {self.name!r} takes two tensors, and got {len(inputs)}.")
        axes = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        first, second = inputs
        ranks = len(first.shape), len(second.shape)
        if any(not -rank <= axis < rank for axis, rank in zip(axes, ranks, strict=True)):
            raise ShapeError(
                f"Dot with axes={self.axes} was given the shapes {tuple(first.shape)} and "
                f"{tuple(second.shape)}, which do not have these axes."
            )
        one, other = (axis % rank for axis, rank in zip(axes, ranks, strict=True))
        if first.shape[one] != second.shape[other] or 0 in (one, other):
            raise ShapeError(
                f"Dot with axes={self.axes} multiplies axis {one} of the shape "
                f"{tuple(first.shape)} by axis {other} of {tuple(second.shape)}: equal sizes are "
                "needed, and neither may be the batch."
            )
        if self.normalize:
            first, second = ops.normalize(first, one), ops.normalize(second, other)
        names = list(string.ascii_letters)
        left = names[: ranks[0]]
        right = [left[0], *names[ranks[0] : ranks[0] + ranks[1] - 1]]
        right[other] = left[one]
        kept = [name for name in (*left, *right[1:]) if name != left[one]]
        equation = f"{''.join(left)},{''.join(right)}->{''.join(kept)}"
        result = ops.einsum(equation, first, second)
        return ops.expand_dims(result, 1) if len(kept) == 1 else result

    def compute_mask(self, inputs: Any, previous_mask: Any) -> None:
        return None


def add(inputs: Tensors, **kwargs: Any) -> Tensor:
    """`Add(**kwargs)(inputs)`."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Tensors, **kwargs: Any) -> Tensor:
    """`Subtract(**kwargs)(inputs)`."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Tensors, **kwargs: Any) -> Tensor:
    """`Multiply(**kwargs)(inputs)`."""
    return Multiply(**kwargs)(inputs)


def average(inputs: Tensors, **kwargs: Any) -> Tensor:
    """`Average(**kwargs)(inputs)`."""
    return Average(**kwargs)(inputs)


def maximum(inputs: Tensors, **kwargs: Any) -> Tensor:
    """`Maximum(**kwargs)(inputs)`."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Tensors, **kwargs: Any) -> Tensor:
    """`Minimum(**kwargs)(inputs)`."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Tensors, axis: int = -1, **kwargs: Any) -> Tensor:
    """`Concatenate(axis, **kwargs)(inputs)`."""
    return Concatenate(axis, **kwargs)(inputs)


def dot(inputs: Tensors, axes: int | Sequence[int] = -1, **kwargs: Any) -> Tensor:
    """`Dot(axes, **kwargs)(inputs)`."""
    return Dot(axes, **kwargs)(inputs)
