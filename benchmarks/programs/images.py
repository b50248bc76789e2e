"""The data of the ResNet-50 programs, and what training on one image takes."""

import numpy as np
from throughput import SMALL

SIZE, CLASSES, BATCH, STEPS = (32, 10, 4, 2) if SMALL else (224, 1000, 256, 48)
DEPTHS = (1, 1, 1, 1) if SMALL else (3, 4, 6, 3)
# 4.09e9 multiply-adds forward at 224 by 224, of two operations; backward takes twice as many.
OPERATIONS = 3 * 2 * 4.09e9 * (SIZE / 224) ** 2
rng = np.random.default_rng(0)
images = rng.integers(0, 256, (BATCH * STEPS, SIZE, SIZE, 3), dtype=np.uint8)
labels = rng.integers(0, CLASSES, BATCH * STEPS, dtype=np.int32)
