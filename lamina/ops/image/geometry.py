"""Images moved, turned, sheared, seen from elsewhere, and bent."""

from __future__ import annotations

from typing import Any

from lamina.backend import current
from lamina.backend.dtypes import standardize_dtype
from lamina.ops import (
    conversion,
    creation,
    decompositions,
    dtypes,
    joining,
    shaping,
)
from lamina.ops.image import layout
from lamina.ops.image.filters import blurred
from lamina.ops.image.sampling import check_fill_mode, interpolated
from lamina.ops.row import Shape, ShapeError, Tensor, TensorLike, op
from lamina.symbolic.dimension import Unknown
from lamina.symbolic.operators import table

_ORDERS = {"nearest": 0, "bilinear": 1}


def _order(interpolation: str) -> int:
    if interpolation not in _ORDERS:
        raise ShapeError(f"interpolation is one of {tuple(_ORDERS)}, not {interpolation!r}.")
    return _ORDERS[interpolation]


def _transformed(
    images: Shape,
    transform: Shape,
    interpolation: str,
    fill_mode: str,
    fill_value: Any,
    data_format: str | None,
) -> Shape:
    """The shape of the result; all that can be wrong with the arguments is found here."""
    layout.axes(images, data_format)
    _order(interpolation)
    check_fill_mode(fill_mode)
    _one_or_each("transform", images, transform, (8,))
    return images


def _one_or_each(name: str, images: Shape, given: Shape, one: Shape) -> None:
    """Refuse what is neither of the shape `one` nor that for each image of a batch."""
    batch = images[0] if len(images) == 4 else 1
    known = not any(isinstance(size, Unknown) for size in (batch, given[0]))
    sets = (one, (1, *one), (batch if known else given[0], *one))
    if tuple(given) not in sets:
        sizes = ", ".join(map(str, one))
        raise ShapeError(
            f"{name} is of shape ({sizes}), or ({batch}, {sizes}) for each of the images, not "
            f"{tuple(given)}."
        )


@op(result=dtypes.own, shape=_transformed)
def affine_transform(
    images: TensorLike,
    transform: TensorLike,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Tensor:
    """Images moved, turned, scaled and sheared.

    y[r, c] = x[(b0 c + b1 r + b2) / k, (a0 c + a1 r + a2) / k], k = c0 c + c1 r + 1.

    Args:
        images: an image or a batch of them.
        transform: `[a0, a1, a2, b0, b1, b2, c0, c1]`, one for all images or one for each. Keras
            heeds c0 and c1 on TensorFlow only.
        interpolation: `"nearest"` or `"bilinear"`.
        fill_mode: what lies outside: see `map_coordinates`.
        fill_value: what `"constant"` puts there.
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.

    Returns:
        Images of the shape and type of `images`.

    Raises:
        ValueError: if an argument is none of the above.

    Example:
        >>> from lamina import ops
        >>> image = ops.reshape(ops.arange(4.0), (1, 4, 1))
        >>> moved = ops.image.affine_transform(image, [1.0, 0, 1, 0, 1, 0, 0, 0])
        >>> ops.convert_to_numpy(moved).ravel().tolist()
        [1.0, 2.0, 3.0, 0.0]
    """
    _transformed(images.shape, transform.shape, interpolation, fill_mode, fill_value, data_format)
    columns, rows = _grid(images, data_format)
    transform = conversion.cast(transform, columns.dtype)
    numbers = joining.concatenate([transform, creation.ones_like(transform[..., :1])], axis=-1)
    places = _projected(numbers, columns, rows)
    return _seen(images, places, interpolation, fill_mode, fill_value, data_format)


def _grid(images: Tensor, data_format: str | None) -> tuple[Tensor, Tensor]:
    """The number of the column (1, 1, width) and of the row (1, height, 1) of each place."""
    height, width, _ = layout.axes(images.shape, data_format)
    dtype = "float64" if standardize_dtype(images.dtype) == "float64" else "float32"
    columns = creation.arange(images.shape[width], dtype=dtype)
    rows = creation.arange(images.shape[height], dtype=dtype)
    return shaping.reshape(columns, (1, 1, -1)), shaping.reshape(rows, (1, -1, 1))


def _projected(numbers: Tensor, columns: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """For each image and place, the row and column that nine numbers, one set or more, lead to."""
    parts = [shaping.reshape(numbers[..., i], (-1, 1, 1)) for i in range(9)]
    x, y, k = (parts[i] * columns + parts[i + 1] * rows + parts[i + 2] for i in (0, 3, 6))
    return y / k, x / k


def _seen(
    images: Tensor,
    places: tuple[Tensor, Tensor],
    interpolation: str,
    fill_mode: str,
    fill_value: float,
    data_format: str | None,
) -> Tensor:
    """Images that show, at each place, a place (row, column) of the given ones.

    Args:
        images: an image or a batch of them.
        places: two tensors of shape `(batch, height, width)`, or with 1 for the batch.
    """
    batch = layout.channels_last(layout.batched(images), data_format)
    count, height, width, channels = batch.shape
    values = shaping.reshape(batch, (count * height * width, channels))
    starts = shaping.reshape(creation.arange(count, dtype="int32"), (-1, 1, 1)) * (height * width)
    found = interpolated(
        values,
        (height, width),
        places,
        _order(interpolation),
        fill_mode,
        fill_value,
        starts,
    )
    return layout.unbatched(layout.from_channels_last(found, data_format), images)


def _perspective(
    images: Shape,
    start_points: Shape,
    end_points: Shape,
    interpolation: str,
    fill_value: Any,
    data_format: str | None,
) -> Shape:
    """The shape of the result; all that can be wrong with the arguments is found here."""
    layout.axes(images, data_format)
    _order(interpolation)
    _one_or_each("start_points", images, start_points, (4, 2))
    _one_or_each("end_points", images, end_points, (4, 2))
    return images


@op(result=dtypes.own, shape=_perspective)
def perspective_transform(
    images: TensorLike,
    start_points: TensorLike,
    end_points: TensorLike,
    interpolation: str = "bilinear",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Tensor:
    """Images as seen from elsewhere: four points move where they are told to, lines stay lines.

    y[r, c] = x[(b0 c + b1 r + b2) / k, (a0 c + a1 r + a2) / k], k = c0 c + c1 r + 1; the eight
    numbers are those that take each end point to its start point.

    Args:
        images: an image or a batch of them.
        start_points: four points (x, y), which are (column, row), of shape `(4, 2)`, or
            `(batch, 4, 2)` for each image its own.
        end_points: where they go to.
        interpolation: `"nearest"` or `"bilinear"`.
        fill_value: what lies outside of the images.
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.

    Returns:
        Images of the shape and type of `images`.

    Raises:
        ValueError: if an argument is none of the above.

    Example:
        >>> from lamina import ops
        >>> image = ops.reshape(ops.arange(4.0), (2, 2, 1))
        >>> corners = ops.convert_to_tensor([[0.0, 0], [1, 0], [0, 1], [1, 1]])
        >>> mirrored = ops.convert_to_tensor([[1.0, 0], [0, 0], [1, 1], [0, 1]])
        >>> seen = ops.image.perspective_transform(image, corners, mirrored, "nearest")
        >>> ops.convert_to_numpy(seen).ravel().tolist()
        [1.0, 0.0, 3.0, 2.0]
    """
    _perspective(
        images.shape, start_points.shape, end_points.shape, interpolation, fill_value, data_format
    )
    columns, rows = _grid(images, data_format)
    start_points, end_points = (
        conversion.cast(points, columns.dtype) for points in (start_points, end_points)
    )
    places = _projected(_projection(end_points, start_points), columns, rows)
    return _seen(images, places, interpolation, "constant", fill_value, data_format)


def _projection(start: Tensor, end: Tensor) -> Tensor:
    """The numbers (…, 9) of the projective map that takes four points to four others.

    For each pair (x, y) and (u, v): a0 x + a1 y + a2 = u (c0 x + c1 y + 1), and so for b and v.
    """
    ones, zeros = (make(start[..., :1]) for make in (creation.ones_like, creation.zeros_like))
    point = joining.concatenate([start, ones], axis=-1)
    nothing = joining.concatenate([zeros, zeros, zeros], axis=-1)
    across = joining.concatenate([point, nothing, -start * end[..., :1]], axis=-1)
    down = joining.concatenate([nothing, point, -start * end[..., 1:]], axis=-1)
    matrix = joining.concatenate([across, down], axis=-2)
    wanted = joining.concatenate([end[..., :1], end[..., 1:]], axis=-2)
    numbers = decompositions.solve(matrix, wanted)[..., 0]
    return joining.concatenate([numbers, ones[..., 0, :]], axis=-1)


def _bent(
    images: Shape,
    alpha: float,
    sigma: float,
    interpolation: str,
    fill_mode: str,
    fill_value: float,
    seed: Any,
    data_format: str | None,
) -> Shape:
    """The shape of the result; all that can be wrong with the arguments is found here."""
    layout.axes(images, data_format)
    _order(interpolation)
    check_fill_mode(fill_mode)
    if not sigma > 0:
        raise ShapeError(f"sigma is a width in places, above 0, not {sigma!r}.")
    return images


@op(result=dtypes.own, shape=_bent)
def elastic_transform(
    images: TensorLike,
    alpha: float = 20.0,
    sigma: float = 5.0,
    interpolation: str = "bilinear",
    fill_mode: str = "reflect",
    fill_value: float = 0.0,
    seed: Any = None,
    data_format: str | None = None,
) -> Tensor:
    """Images bent at random, as if drawn on rubber: each place shows one a little way off.

    How far off is noise from a normal distribution, for rows and for columns, blurred by
    `gaussian_blur` over 6 sigma + 1 places, and multiplied by alpha sigma: whatever sigma, its
    standard deviation is alpha / 2√π. Each image is bent in its own way.

    Args:
        images: an image or a batch of them.
        alpha: how far the places move.
        sigma: the width of the blur in places: how far apart is what moves differently.
        interpolation: `"nearest"` or `"bilinear"`.
        fill_mode: what lies outside: see `map_coordinates`.
        fill_value: what `"constant"` puts there.
        seed: an integer, a `SeedGenerator`, or None for the next numbers of the process.
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.

    Returns:
        Images of the shape and type of `images`. The numbers drawn are not those of Keras, which
        with an integer for a seed moves rows and columns by the same ones.

    Raises:
        ValueError: if an argument is none of the above.

    Example:
        >>> from lamina import ops
        >>> ops.shape(ops.image.elastic_transform(ops.ones((8, 8, 3)), seed=1))
        (8, 8, 3)

    Reference:
        Simard and others, 2003, https://doi.org/10.1109/ICDAR.2003.1227801
    """
    _bent(images.shape, alpha, sigma, interpolation, fill_mode, fill_value, seed, data_format)
    columns, rows = _grid(images, data_format)
    height, width, _ = layout.axes(images.shape, data_format)
    count = images.shape[0] if len(images.shape) == 4 else 1
    shape = (count, images.shape[height], images.shape[width], 2)
    noise = current().kernel("random_normal")(  # type: ignore[misc]
        table["draw_seed"](seed), shape, 0.0, 1.0, standardize_dtype(columns.dtype)
    )
    window = 2 * int(3 * sigma) + 1
    moved = blurred(noise, (window, window), (sigma, sigma), "same", "channels_last")
    moved = moved * (alpha * sigma)
    places = (rows + moved[..., 0], columns + moved[..., 1])
    return _seen(images, places, interpolation, fill_mode, fill_value, data_format)
