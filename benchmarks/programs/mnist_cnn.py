"""The convolutional network of the Keras documentation for MNIST, in batches of 128."""

import networks
import numpy as np
from clock import time_steps

rng = np.random.default_rng(0)
images = rng.random((3_840, 28, 28, 1), dtype=np.float32)
labels = np.eye(10, dtype=np.float32)[rng.integers(0, 10, 3_840)]

model = networks.mnist_cnn()
model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
time_steps(model, images, labels, batch_size=128)
