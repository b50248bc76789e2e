"""Layers that move, repeat, cut and pad: no numbers change."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from lamina import ops
from lamina.core.input_spec import InputSpec
from lamina.core.layer import Layer
from lamina.layers.checks import (
    integer,
    one_of,
    positive,
    sizes,
    spatial_axes,
    standardize_data_format,
)
from lamina.ops.row import Tensor, TensorLike

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")


class Flatten(Layer):
    """All axes but the batch in one: `(batch, a, b, …)` to `(batch, a * b * …)`.

    Args:
        data_format: with `"channels_first"` the channels, axis 1, come last in the result;
            the process's default where None.

    Example:
        >>> from lamina import layers, ops
        >>> layers.Flatten()(ops.ones((2, 3, 4))).shape
        (2, 12)
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: TensorLike) -> Tensor:
        if self.data_format == "channels_first" and len(inputs.shape) > 2:
            inputs = ops.moveaxis(inputs, 1, -1)
        shape = ops.shape(inputs)
        # Not -1: it could not be worked out for an empty batch.
        return ops.reshape(inputs, (shape[0], math.prod(shape[1:])))


class Reshape(Layer):
    """Another shape for each example.

    Args:
        target_shape: without the batch; one size may be -1, which is then worked out.

    Example:
        >>> from lamina import layers, ops
        >>> layers.Reshape((2, -1))(ops.ones((5, 6))).shape
        (5, 2, 3)
    """

    def __init__(self, target_shape: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target_shape = tuple(target_shape)
        if sum(size == -1 for size in self.target_shape) > 1:
            raise ValueError(f"At most one size of target_shape is -1, not {target_shape!r}.")

    def build(self, input_shape: Sequence[int | None]) -> None:
        known = [size for size in input_shape[1:] if size is not None]
        if len(known) < len(input_shape) - 1:
            return
        elements, named = math.prod(known), math.prod(n for n in self.target_shape if n != -1)
        open_ = -1 in self.target_shape
        if elements != named and not (open_ and named and elements % named == 0):
            raise ValueError(
                f"Reshape {self.name!r} cannot make {self.target_shape} of {tuple(known)}: an "
                f"example has {elements} elements, which do not fill it."
            )

    def call(self, inputs: TensorLike) -> Tensor:
        return ops.reshape(inputs, (ops.shape(inputs)[0], *self.target_shape))


class Permute(Layer):
    """The axes of each example in another order.

    Args:
        dims: which axis comes first, second, …; counted from 1, the batch being 0.

    Example:
        >>> from lamina import layers, ops
        >>> layers.Permute((2, 1))(ops.ones((5, 6, 7))).shape
        (5, 7, 6)
    """

    def __init__(self, dims: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                f"dims holds each of 1 … {len(self.dims)} once, the batch left out, not {dims!r}."
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: TensorLike) -> Tensor:
        return ops.transpose(inputs, (0, *self.dims))


class RepeatVector(Layer):
    """Each vector n times: `(batch, size)` to `(batch, n, size)`.

    Args:
        n: how many times.

    Example:
        >>> from lamina import layers, ops
        >>> layers.RepeatVector(4)(ops.ones((2, 3))).shape
        (2, 4, 3)
    """

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not hasattr(n, "__index__"):
            raise TypeError(f"n is an integer, not {n!r} of type {type(n).__name__}.")
        self.n = positive("n", n)
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: TensorLike) -> Tensor:
        return ops.repeat(ops.expand_dims(inputs, 1), self.n, axis=1)


class _Border(Layer):
    """A layer with an amount before and one after along each spatial axis."""

    rank: ClassVar[int]

    def __init__(self, data_format: str | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _amounts(self, name: str, value: Any) -> Any:
        """A pair for each axis; the pair itself for one axis."""
        found = _pairs(value, self.rank)
        if found is None:
            form = "(before, after)" if self.rank == 1 else f"{self.rank} pairs (before, after)"
            raise ValueError(
                f"{name} is an integer of at least 0, {self.rank} of them, or {form}; "
                f"not {value!r}."
            )
        return found[0] if self.rank == 1 else found

    def _around(self, amounts: Any, outside: Any) -> list[Any]:
        """For each axis of a batch, the amounts, or `outside` where it is no spatial axis."""
        pairs = [outside] * (self.rank + 2)
        found = (amounts,) if self.rank == 1 else amounts
        for axis, pair in zip(spatial_axes(self.data_format, self.rank), found, strict=True):
            pairs[axis] = pair
        return pairs


def _pairs(value: Any, rank: int) -> tuple[tuple[int, int], ...] | None:
    if integer(value) is not None:
        value = (value,) * rank
    elif rank == 1:
        value = (value,)
    pairs = []
    for one in value if isinstance(value, (list, tuple)) else ():
        ends = one if isinstance(one, (list, tuple)) else (one, one)
        found = [integer(end) for end in ends]
        if len(found) != 2 or found[0] is None or found[1] is None:
            return None
        pairs.append((found[0], found[1]))
    return tuple(pairs) if len(pairs) == rank else None


class _Cropping(_Border):
    def __init__(self, cropping: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        self.cropping = self._amounts("cropping", cropping)

    def call(self, inputs: TensorLike) -> Tensor:
        cuts = []
        pairs = self._around(self.cropping, (0, 0))
        for axis, (size, (before, after)) in enumerate(zip(inputs.shape, pairs, strict=True)):
            if size is not None and before + after >= size:
                raise ValueError(
                    f"{type(self).__name__} {self.name!r} cuts {before} and {after} off axis "
                    f"{axis}, which has the size {size}: nothing is left. Crop less, or check the "
                    "input."
                )
            cuts.append(slice(before, -after if after else None))
        return inputs[tuple(cuts)]


class Cropping1D(_Cropping):
    """Cuts steps off the ends of sequences, `(batch, steps, channels)`.

    Args:
        cropping: how many at each end, or `(before, after)`.

    Example:
        >>> from lamina import layers, ops
        >>> layers.Cropping1D((1, 2))(ops.ones((2, 6, 3))).shape
        (2, 3, 3)
    """

    rank = 1

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any) -> None:
        super().__init__(cropping, "channels_last", **kwargs)


class Cropping2D(_Cropping):
    """Cuts rows and columns off images.

    Args:
        cropping: how many on each side; `(rows, columns)`; or
            `((top, bottom), (left, right))`.
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.

    Example:
        >>> from lamina import layers, ops
        >>> layers.Cropping2D(((1, 2), (0, 1)))(ops.ones((2, 6, 6, 3))).shape
        (2, 3, 5, 3)
    """

    rank = 2

    def __init__(
        self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(cropping, data_format, **kwargs)


class Cropping3D(_Cropping):
    """Cuts planes off the sides of volumes.

    Args:
        cropping: how many on each side; three numbers; or three pairs `(before, after)`.
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.

    Example:
        >>> from lamina import layers, ops
        >>> layers.Cropping3D(1)(ops.ones((2, 6, 6, 6, 3))).shape
        (2, 4, 4, 4, 3)
    """

    rank = 3


class _ZeroPadding(_Border):
    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        self.padding = self._amounts("padding", padding)

    def call(self, inputs: TensorLike) -> Tensor:
        return ops.pad(inputs, self._around(self.padding, (0, 0)))


class ZeroPadding1D(_ZeroPadding):
    """Adds zeros at the ends of sequences.

    Args:
        padding: how many at each end, or `(before, after)`.
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.

    Example:
        >>> from lamina import layers, ops
        >>> layers.ZeroPadding1D((1, 2))(ops.ones((2, 6, 3))).shape
        (2, 9, 3)
    """

    rank = 1


class ZeroPadding2D(_ZeroPadding):
    """Adds rows and columns of zeros around images.

    Args:
        padding: how many on each side; `(rows, columns)`; or
            `((top, bottom), (left, right))`.
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.

    Example:
        >>> from lamina import layers, ops
        >>> layers.ZeroPadding2D((1, 2))(ops.ones((2, 6, 6, 3))).shape
        (2, 8, 10, 3)
    """

    rank = 2


class ZeroPadding3D(_ZeroPadding):
    """Adds planes of zeros around volumes.

    Args:
        padding: how many on each side; three numbers; or three pairs `(before, after)`.
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.

    Example:
        >>> from lamina import layers, ops
        >>> layers.ZeroPadding3D()(ops.ones((2, 6, 6, 6, 3))).shape
        (2, 8, 8, 8, 3)
    """

    rank = 3


class _UpSampling(Layer):
    rank: ClassVar[int]

    def __init__(self, size: Any = 2, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._factors = sizes("size", size, self.rank)
        self.size = self._factors[0] if self.rank == 1 else self._factors
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: TensorLike) -> Tensor:
        axes = spatial_axes(self.data_format, self.rank)
        for axis, factor in zip(axes, self._factors, strict=True):
            inputs = ops.repeat(inputs, factor, axis=axis) if factor > 1 else inputs
        return inputs


class UpSampling1D(_UpSampling):
    """Each step of a sequence several times.

    Args:
        size: how many times.

    Example:
        >>> from lamina import layers, ops
        >>> layers.UpSampling1D(3)(ops.ones((2, 4, 5))).shape
        (2, 12, 5)
    """

    rank = 1

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__(size, "channels_last", **kwargs)


class UpSampling2D(_UpSampling):
    """Images made larger.

    Args:
        size: the factor, one for both axes or `(rows, columns)`.
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.
        interpolation: `"nearest"` repeats rows and columns; `"bilinear"`, `"bicubic"`,
            `"lanczos3"` and `"lanczos5"` interpolate.

    Example:
        >>> from lamina import layers, ops
        >>> layers.UpSampling2D((2, 3))(ops.ones((2, 4, 5, 1))).shape
        (2, 8, 15, 1)
    """

    rank = 2

    def __init__(
        self,
        size: int | Sequence[int] = (2, 2),
        data_format: str | None = None,
        interpolation: str = "nearest",
        **kwargs: Any,
    ) -> None:
        super().__init__(size, data_format, **kwargs)
        self.interpolation = one_of("interpolation", interpolation, INTERPOLATIONS)

    def call(self, inputs: TensorLike) -> Tensor:
        if self.interpolation == "nearest":
            return super().call(inputs)
        shape = ops.shape(inputs)
        first = spatial_axes(self.data_format, 2)[0]
        size = (shape[first] * self._factors[0], shape[first + 1] * self._factors[1])
        return ops.image.resize(
            inputs, size, interpolation=self.interpolation, data_format=self.data_format
        )


class UpSampling3D(_UpSampling):
    """Each plane of a volume several times.

    Args:
        size: how many times, one number or one for each axis.
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.

    Example:
        >>> from lamina import layers, ops
        >>> layers.UpSampling3D()(ops.ones((2, 2, 3, 4, 1))).shape
        (2, 4, 6, 8, 1)
    """

    rank = 3
