"""Where images have their rows, columns and channels."""

from __future__ import annotations

from lamina.backend.windows import channels_first
from lamina.ops import shaping
from lamina.ops.row import Shape, ShapeError, Tensor


def axes(shape: Shape, data_format: str | None) -> tuple[int, int, int]:
    """The axes of rows, columns and channels of an image or a batch of them.

    Raises:
        ShapeError: if it is neither.
    """
    rank = len(shape)
    if rank not in (3, 4):
        raise ShapeError(
            "images are one image, of three dimensions, or a batch of them, of four; the shape "
            f"is {shape}."
        )
    if channels_first(data_format):
        return rank - 2, rank - 1, rank - 3
    return rank - 3, rank - 2, rank - 1


def batched(images: Tensor) -> Tensor:
    """A batch of images, of one where it is one."""
    return images if len(images.shape) == 4 else shaping.expand_dims(images, 0)


def unbatched(batch: Tensor, like: Tensor) -> Tensor:
    """The only element of a batch that `batched` made of an image `like`."""
    return batch if len(like.shape) == 4 else shaping.squeeze(batch, 0)


def channels_last(batch: Tensor, data_format: str | None) -> Tensor:
    """`batch` as (batch, height, width, channels)."""
    return shaping.transpose(batch, (0, 2, 3, 1)) if channels_first(data_format) else batch


def from_channels_last(batch: Tensor, data_format: str | None) -> Tensor:
    """What `channels_last` was made from."""
    return shaping.transpose(batch, (0, 3, 1, 2)) if channels_first(data_format) else batch
