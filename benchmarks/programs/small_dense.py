"""Dense(32)-Dense(1) in batches of 32: what a step costs beside its arithmetic."""

import numpy as np
from clock import time_steps
from keras import layers, models

rng = np.random.default_rng(0)
x = rng.random((65_536, 16), dtype=np.float32)
y = rng.random((65_536, 1), dtype=np.float32)

model = models.Sequential([layers.Dense(32, activation="relu"), layers.Dense(1)])
model.compile(optimizer="adam", loss="mse")
time_steps(model, x, y, batch_size=32)
