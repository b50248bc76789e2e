"""The data of the GPT-2 programs, and what training on one token takes."""

import numpy as np
from throughput import SMALL

SHAPE = {"vocabulary": 50257, "length": 1024, "width": 768, "heads": 12, "blocks": 12}
BATCH, STEPS = 16, 48
if SMALL:
    SHAPE = {"vocabulary": 100, "length": 32, "width": 32, "heads": 2, "blocks": 2}
    BATCH, STEPS = 2, 2
# Six for each weight of a product, and the products of attention with all places: Chowdhery et
# al., 2022, appendix B.
_weights = 12 * SHAPE["blocks"] * SHAPE["width"] ** 2 + SHAPE["vocabulary"] * SHAPE["width"]
OPERATIONS = 6 * _weights + 12 * SHAPE["blocks"] * SHAPE["width"] * SHAPE["length"]
text = np.random.default_rng(0).integers(
    0, SHAPE["vocabulary"], (BATCH * STEPS, SHAPE["length"] + 1), dtype=np.int32
)
