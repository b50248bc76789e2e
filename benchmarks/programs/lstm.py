"""Embedding and LSTM(64) over 80 words, in batches of 32; `masked` reads padding as such."""

import sys

import numpy as np
from clock import time_steps
from keras import layers, models

MASKED = "masked" in sys.argv[1:]
rng = np.random.default_rng(0)
words = rng.integers(1, 5000, (1_280, 80), dtype=np.int32)
words[np.arange(80) >= rng.integers(20, 81, (1_280, 1))] = 0  # padding at the end
labels = rng.integers(0, 2, (1_280, 1)).astype("float32")

model = models.Sequential(
    [
        layers.Input((80,), dtype="int32"),
        layers.Embedding(5000, 32, mask_zero=MASKED),
        layers.LSTM(64),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
time_steps(model, words, labels, batch_size=32)
