"""What the ops on images are tried on: see `table`."""

from __future__ import annotations

from tests.ops.table import FLOATS, INTEGERS, Case, I, X, one

SOME = ["bool", "uint8", "int32", *FLOATS]
BATCH, ONE = X((2, 4, 5, 3), 0, 1), X((4, 5, 3), 0, 1)
FIRST = X((2, 3, 4, 5), 0, 1)
# Points and transforms between places: at a place, and half-way, there is no slope.
PLACES = X((2, 6), -1.3, 5.4)
TURN = [1.03, 0.21, -0.83, -0.17, 0.92, 0.56, 0.0, 0.0]
SHEAR = [0.56, 0.92, -0.17, 0.0, 1.21, 0.03, 0.0, 0.0]
CORNERS = [[0, 0], [4, 0], [0, 3], [4, 3]]
MOVED = [[1, 0], [5, -1], [-1, 4], [3, 3]]


def sampled() -> list[Case]:
    cases = one(X((4, 5), 0, 9), PLACES, 0, dtypes=SOME, values=False)
    for mode in ("constant", "nearest", "wrap", "mirror", "reflect"):
        options = {"fill_mode": mode, "dtypes": ["float32", "float16"], "gradient": True}
        cases += one(X((4, 5)), PLACES, 1, **options)
    return cases


IMAGE: dict[str, list[Case]] = {
    "affine_transform": one(BATCH, [TURN, SHEAR], dtypes=SOME, values=False)
    + one(ONE, TURN, fill_mode="reflect", gradient=True, dtypes=["float32"]),
    "perspective_transform": one(ONE, I(CORNERS), I(MOVED), dtypes=SOME, values=False)
    + one(BATCH, I([CORNERS] * 2), I([MOVED] * 2), gradient=True, dtypes=["float32"]),
    "elastic_transform": one(BATCH, seed=1, dtypes=FLOATS, values=False),
    "map_coordinates": sampled(),
    "crop_images": one(BATCH, 1, 0, target_height=2, target_width=3, gradient=True)
    + one(FIRST, 0, 1, 1, 2, data_format="channels_first", dtypes=FLOATS),
    "pad_images": one(ONE, 1, 0, target_height=7, target_width=6, gradient=True)
    + one(FIRST, 0, 1, 1, 2, data_format="channels_first", dtypes=FLOATS),
    "extract_patches": one(BATCH, 2, gradient=True, dtypes=SOME)
    + one(ONE, (2, 3), strides=1, padding="same", dtypes=SOME)
    + one(FIRST, 2, strides=1, dilation_rate=2, data_format="channels_first", dtypes=FLOATS)
    + one(X((2, 4, 3, 4, 2)), (2, 1, 2), padding="same", dtypes=FLOATS),
    "extract_patches_3d": one(X((4, 4, 4, 2)), 2, strides=(1, 2, 2), gradient=True, dtypes=FLOATS),
    "gaussian_blur": one(BATCH, (3, 5), (1.0, 2.0), data_format="channels_last", gradient=True)
    + one(FIRST, data_format="channels_first", dtypes=FLOATS),
    "sobel_edges": one(BATCH, gradient=True, dtypes=["int8", "int32", *FLOATS])
    + one(FIRST, data_format="channels_first", dtypes=FLOATS),
    "ssim": one(BATCH, BATCH, filter_size=3, gradient=True, dtypes=FLOATS)
    + one(ONE, ONE, filter_size=4, dtypes=FLOATS),
    "rgb_to_grayscale": one(BATCH, gradient=True, dtypes=FLOATS)
    + one(X((4, 5, 3), 0, 200), dtypes=["bool", *INTEGERS], values=False)
    + one(FIRST, data_format="channels_first", dtypes=FLOATS),
    "rgb_to_hsv": one(BATCH, gradient=True, dtypes=FLOATS)
    + one(FIRST, data_format="channels_first", dtypes=FLOATS),
    "hsv_to_rgb": one(BATCH, gradient=True, dtypes=FLOATS)
    + one(FIRST, data_format="channels_first", dtypes=FLOATS),
    "resize": one(BATCH, (3, 7), gradient=True, dtypes=FLOATS)
    + one(ONE, (6, 3), "bicubic", antialias=True, dtypes=FLOATS)
    + one(X((4, 5, 3), 0, 200), (3, 7), "lanczos3", dtypes=["bool", *INTEGERS], values=False)
    + one(FIRST, (3, 7), "nearest", data_format="channels_first"),
    "scale_and_translate": one(
        X((4, 5, 2)), (3, 7, 2), [0.7, 1.3], [0.2, -0.4], (0, 1), "linear", gradient=True
    )
    + one(X((4, 5), 0, 1), (4, 7), I([2]), [0.3], (1,), "lanczos3", antialias=False, dtypes=SOME),
}
