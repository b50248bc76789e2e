"""784-512-512-10 with dropout, in batches of 128."""

import numpy as np
from clock import time_steps
from keras import layers, models

rng = np.random.default_rng(0)
x = rng.random((12_800, 784), dtype=np.float32)
y = rng.integers(0, 10, 12_800)

model = models.Sequential(
    [
        layers.Input((784,)),
        layers.Dense(512, activation="relu"),
        layers.Dropout(0.2),
        layers.Dense(512, activation="relu"),
        layers.Dropout(0.2),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
time_steps(model, x, y, batch_size=128)
