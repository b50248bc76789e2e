"""Pooling: the maximum or the mean of windows, of so many windows, or of all places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from lamina import ops
from lamina.core import registry
from lamina.core.input_spec import InputSpec
from lamina.core.layer import Layer
from lamina.layers.checks import one_of, sizes, spatial_axes, standardize_data_format
from lamina.ops.row import Tensor, TensorLike

Sizes = int | Sequence[int]


class Pooling(Layer):
    """The maximum or the mean of each window over `rank` spatial dimensions."""

    rank: ClassVar[int]
    reducer: ClassVar[str]

    def __init__(
        self,
        pool_size: Sizes = 2,
        strides: Sizes | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.pool_size = sizes("pool_size", pool_size, self.rank)
        self.strides = sizes("strides", pool_size if strides is None else strides, self.rank)
        self.padding = one_of("padding", padding, ("valid", "same"))
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: TensorLike) -> Tensor:
        pool = ops.max_pool if self.reducer == "max" else ops.average_pool
        return pool(
            inputs,
            self.pool_size,
            strides=self.strides,
            padding=self.padding,
            data_format=self.data_format,
        )


class GlobalPooling(Layer):
    """The maximum or the mean of each channel over all places."""

    rank: ClassVar[int]
    reducer: ClassVar[str]

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        self.keepdims = keepdims
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: TensorLike) -> Tensor:
        axes = spatial_axes(self.data_format, self.rank)
        reduce = ops.max if self.reducer == "max" else ops.mean
        return reduce(inputs, axis=axes, keepdims=self.keepdims)


class AdaptivePooling(Layer):
    """The maximum or the mean of each of `output_size` windows over `rank` dimensions."""

    rank: ClassVar[int]
    reducer: ClassVar[str]

    def __init__(self, output_size: Sizes, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.output_size = sizes("output_size", output_size, self.rank)
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: TensorLike) -> Tensor:
        pool = ops.adaptive_max_pool if self.reducer == "max" else ops.adaptive_average_pool
        return pool(inputs, self.output_size, data_format=self.data_format)


class MaxPooling1D(Pooling):
    """The maximum of each window of sequences; see `MaxPooling2D`.

    Example:
        >>> from lamina import layers, ops
        >>> layers.MaxPooling1D()(ops.ones((2, 7, 3))).shape
        (2, 3, 3)
    """

    rank, reducer = 1, "max"


class MaxPooling2D(Pooling):
    """The maximum of each window of images.

    Args:
        pool_size: the window, one size or `(height, width)`.
        strides: the step between windows; the window's size where None.
        padding: `"valid"` (none) or `"same"` (places outside never are the maximum).
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.

    Input: `(batch, height, width, channels)`, or with the channels first. Output: the same
    form, with the number of windows in place of height and width.

    Example:
        >>> from lamina import layers, ops
        >>> layers.MaxPooling2D(2)(ops.ones((2, 8, 8, 3))).shape
        (2, 4, 4, 3)
    """

    rank, reducer = 2, "max"


class MaxPooling3D(Pooling):
    """The maximum of each window of volumes; see `MaxPooling2D`.

    Example:
        >>> from lamina import layers, ops
        >>> layers.MaxPooling3D()(ops.ones((1, 4, 4, 4, 2))).shape
        (1, 2, 2, 2, 2)
    """

    rank, reducer = 3, "max"


class AveragePooling1D(Pooling):
    """The mean of each window of sequences; see `AveragePooling2D`.

    Example:
        >>> from lamina import layers, ops
        >>> layers.AveragePooling1D(2)(ops.ones((2, 7, 3))).shape
        (2, 3, 3)
    """

    rank, reducer = 1, "average"


class AveragePooling2D(Pooling):
    """The mean of each window of images.

    Args:
        pool_size: the window, one size or `(height, width)`.
        strides: the step between windows; the window's size where None.
        padding: `"valid"` (none) or `"same"` (the mean of the places inside the image).
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.

    Example:
        >>> from lamina import layers, ops
        >>> layers.AveragePooling2D(3, strides=1)(ops.ones((2, 8, 8, 3))).shape
        (2, 6, 6, 3)
    """

    rank, reducer = 2, "average"


class AveragePooling3D(Pooling):
    """The mean of each window of volumes; see `AveragePooling2D`.

    Example:
        >>> from lamina import layers, ops
        >>> layers.AveragePooling3D(2)(ops.ones((1, 4, 4, 4, 2))).shape
        (1, 2, 2, 2, 2)
    """

    rank, reducer = 3, "average"


class GlobalMaxPooling1D(GlobalPooling):
    """The maximum of each channel over all steps; see `GlobalMaxPooling2D`.

    Example:
        >>> from lamina import layers, ops
        >>> layers.GlobalMaxPooling1D()(ops.ones((2, 7, 3))).shape
        (2, 3)
    """

    rank, reducer = 1, "max"


class GlobalMaxPooling2D(GlobalPooling):
    """The maximum of each channel over the whole image.

    Args:
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.
        keepdims: whether the spatial axes stay, with size 1.

    Example:
        >>> from lamina import layers, ops
        >>> layers.GlobalMaxPooling2D(keepdims=True)(ops.ones((2, 8, 8, 3))).shape
        (2, 1, 1, 3)
    """

    rank, reducer = 2, "max"


class GlobalMaxPooling3D(GlobalPooling):
    """The maximum of each channel over the whole volume; see `GlobalMaxPooling2D`.

    Example:
        >>> from lamina import layers, ops
        >>> layers.GlobalMaxPooling3D()(ops.ones((2, 3, 4, 5, 6))).shape
        (2, 6)
    """

    rank, reducer = 3, "max"


class GlobalAveragePooling1D(GlobalPooling):
    """The mean of each channel over all steps, or over those that the mask leaves.

    Args:
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.
        keepdims: whether the axis of the steps stays, with size 1.

    The call takes `mask`, booleans of shape `(batch, steps)`: steps where it is False do not
    count.

    Example:
        >>> from lamina import layers, ops
        >>> layer = layers.GlobalAveragePooling1D()
        >>> steps = ops.convert_to_tensor([[[1.0], [3.0], [100.0]]])
        >>> float(layer(steps, mask=[[True, True, False]])[0, 0])
        2.0
    """

    rank, reducer = 1, "average"
    supports_masking = True

    def call(self, inputs: TensorLike, mask: TensorLike | None = None) -> Tensor:
        if mask is None:
            return super().call(inputs)
        (axis,) = spatial_axes(self.data_format, 1)
        weights = ops.expand_dims(ops.cast(mask, inputs.dtype), 3 - axis)
        total = ops.sum(ops.multiply(inputs, weights), axis=axis, keepdims=self.keepdims)
        return ops.divide(total, ops.sum(weights, axis=axis, keepdims=self.keepdims))

    def compute_mask(self, inputs: Any, previous_mask: Any) -> None:
        return None


class GlobalAveragePooling2D(GlobalPooling):
    """The mean of each channel over the whole image.

    Args:
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.
        keepdims: whether the spatial axes stay, with size 1.

    Example:
        >>> from lamina import layers, ops
        >>> layers.GlobalAveragePooling2D()(ops.ones((2, 8, 8, 3))).shape
        (2, 3)

    Reference:
        Lin et al., 2013, https://arxiv.org/abs/1312.4400
    """

    rank, reducer = 2, "average"


class GlobalAveragePooling3D(GlobalPooling):
    """The mean of each channel over the whole volume; see `GlobalAveragePooling2D`.

    Example:
        >>> from lamina import layers, ops
        >>> layers.GlobalAveragePooling3D()(ops.ones((2, 3, 4, 5, 6))).shape
        (2, 6)
    """

    rank, reducer = 3, "average"


class AdaptiveMaxPooling1D(AdaptivePooling):
    """The maximum of each of so many windows of sequences; see `AdaptiveMaxPooling2D`.

    Example:
        >>> from lamina import layers, ops
        >>> tuple(layers.AdaptiveMaxPooling1D(3)(ops.ones((2, 7, 4))).shape)
        (2, 3, 4)
    """

    rank, reducer = 1, "max"


class AdaptiveMaxPooling2D(AdaptivePooling):
    """The maximum of each of so many windows of images as asked for, however large they are.

    Window i of n along s places reaches from floor(i s / n) to ceil((i + 1) s / n).

    Args:
        output_size: how many windows, one number for both axes or `(rows, columns)`.
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.

    Input: `(batch, height, width, channels)`, or with the channels first. Output: the same
    form, with `output_size` in place of height and width.

    Example:
        >>> from lamina import layers, ops
        >>> tuple(layers.AdaptiveMaxPooling2D((2, 3))(ops.ones((2, 7, 8, 4))).shape)
        (2, 2, 3, 4)
    """

    rank, reducer = 2, "max"


class AdaptiveMaxPooling3D(AdaptivePooling):
    """The maximum of each of so many windows of volumes; see `AdaptiveMaxPooling2D`.

    Example:
        >>> from lamina import layers, ops
        >>> tuple(layers.AdaptiveMaxPooling3D(2)(ops.ones((1, 5, 4, 3, 2))).shape)
        (1, 2, 2, 2, 2)
    """

    rank, reducer = 3, "max"


class AdaptiveAveragePooling1D(AdaptivePooling):
    """The mean of each of so many windows of sequences; see `AdaptiveAveragePooling2D`.

    Example:
        >>> from lamina import layers, ops
        >>> tuple(layers.AdaptiveAveragePooling1D(3)(ops.ones((2, 7, 4))).shape)
        (2, 3, 4)
    """

    rank, reducer = 1, "average"


class AdaptiveAveragePooling2D(AdaptivePooling):
    """The mean of each of so many windows of images as asked for, however large they are.

    Window i of n along s places reaches from floor(i s / n) to ceil((i + 1) s / n).

    Args:
        output_size: how many windows, one number for both axes or `(rows, columns)`.
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.

    Example:
        >>> from lamina import layers, ops
        >>> x = ops.reshape(ops.arange(5.0), (1, 1, 5, 1))
        >>> means = layers.AdaptiveAveragePooling2D((1, 2))(x)
        >>> ops.convert_to_numpy(means).ravel().tolist()
        [1.0, 3.0]
    """

    rank, reducer = 2, "average"


class AdaptiveAveragePooling3D(AdaptivePooling):
    """The mean of each of so many windows of volumes; see `AdaptiveAveragePooling2D`.

    Example:
        >>> from lamina import layers, ops
        >>> tuple(layers.AdaptiveAveragePooling3D(2)(ops.ones((1, 5, 4, 3, 2))).shape)
        (1, 2, 2, 2, 2)
    """

    rank, reducer = 3, "average"


MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D
AvgPool1D, AvgPool2D, AvgPool3D = AveragePooling1D, AveragePooling2D, AveragePooling3D
GlobalMaxPool1D, GlobalMaxPool2D = GlobalMaxPooling1D, GlobalMaxPooling2D
GlobalMaxPool3D = GlobalMaxPooling3D
GlobalAvgPool1D, GlobalAvgPool2D = GlobalAveragePooling1D, GlobalAveragePooling2D
GlobalAvgPool3D = GlobalAveragePooling3D
for _cls in (*Pooling.__subclasses__(), *GlobalPooling.__subclasses__()):
    _short = _cls.__name__.replace("Average", "Avg").replace("Pooling", "Pool")
    registry.enter("layers", _cls, _short)
