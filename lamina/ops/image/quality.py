"""How alike images are."""

from __future__ import annotations

from lamina.ops import dtypes, elementwise, joining, reductions, shapes_nn, shaping
from lamina.ops.image import layout
from lamina.ops.image.filters import blurred
from lamina.ops.row import Shape, ShapeError, Tensor, TensorLike, op


def _scored(
    image1: Shape,
    image2: Shape,
    max_val: float,
    filter_size: int,
    filter_sigma: float,
    k1: float,
    k2: float,
    data_format: str | None,
) -> Shape:
    """The shape of the result; all that can be wrong with the arguments is found here."""
    rows, columns, _ = layout.axes(image1, data_format)
    both = shapes_nn.equal_shapes(image1, image2)
    if min(both[rows], both[columns]) < filter_size:
        raise ShapeError(
            f"images of {both[rows]} x {both[columns]} places are smaller than the filter; give a "
            f"filter_size below {filter_size}."
        )
    return both[: len(both) - 3]


@op(result=dtypes.floating, shape=_scored)
def ssim(
    image1: TensorLike,
    image2: TensorLike,
    max_val: float = 1.0,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    data_format: str | None = None,
) -> Tensor:
    """Structural similarity of images x and y, which is 1 where they are equal:

    (2 μx μy + c1) (2 σxy + c2) / ((μx² + μy² + c1) (σx² + σy² + c2)), c1 = (k1 max_val)² and
    c2 = (k2 max_val)², with means μ, variances σ² and covariances σxy in a Gaussian window,
    averaged over all windows that lie inside the images, and over channels.

    Args:
        image1: an image or a batch of them.
        image2: images of the same shape.
        max_val: the largest value that a channel can have.
        filter_size: the size of the window in places.
        filter_sigma: the width of the Gaussian in places.
        k1, k2: what keeps the quotient from 0 / 0.
        data_format: `"channels_last"` or `"channels_first"`; the process's default where None.

    Returns:
        A number for each pair of images, of a float type; Keras returns that of the images, in
        which integers are 0 or 1.

    Raises:
        ValueError: if the images differ in shape or are smaller than the window.

    Example:
        >>> from lamina import ops
        >>> image = ops.reshape(ops.arange(144.0), (12, 12, 1)) / 144
        >>> [round(float(ops.image.ssim(image, one)), 2) for one in (image, 1 - image)]
        [1.0, -0.93]

    Reference:
        Wang and others, 2004, https://doi.org/10.1109/TIP.2003.819861
    """
    _scored(image1.shape, image2.shape, max_val, filter_size, filter_sigma, k1, k2, data_format)
    x, y = layout.batched(image1), layout.batched(image2)
    batch = joining.concatenate([x, y, x * x, y * y, x * y], axis=0)
    window = (filter_size, filter_size), (filter_sigma, filter_sigma)
    means = joining.split(blurred(batch, *window, "valid", data_format), 5)
    mean_x, mean_y = means[:2]
    products = mean_x * mean_y
    squares = elementwise.square(mean_x) + elementwise.square(mean_y)
    covariance = means[4] - products
    variances = means[2] + means[3] - squares
    c1, c2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2
    found = (2 * products + c1) * (2 * covariance + c2) / ((squares + c1) * (variances + c2))
    scores = reductions.mean(found, axis=(1, 2, 3))
    return scores if len(image1.shape) == 4 else shaping.squeeze(scores, 0)
