"""Three stages of two residual blocks on 32x32 images, in batches of 32."""

import numpy as np
from clock import time_steps
from keras import Model, layers

rng = np.random.default_rng(0)
images = rng.random((384, 32, 32, 3), dtype=np.float32)
labels = rng.integers(0, 10, 384)


def convolution(x, channels, size=3, strides=1):
    x = layers.Conv2D(channels, size, strides=strides, padding="same", use_bias=False)(x)
    return layers.BatchNormalization()(x)


def block(x, channels, strides):
    y = layers.ReLU()(convolution(x, channels, strides=strides))
    y = convolution(y, channels)
    if strides > 1:
        x = convolution(x, channels, size=1, strides=strides)
    return layers.ReLU()(x + y)


inputs = layers.Input((32, 32, 3))
x = layers.ReLU()(convolution(inputs, 16))
for channels in (16, 32, 64):
    x = block(x, channels, strides=1 if channels == 16 else 2)
    x = block(x, channels, strides=1)
outputs = layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling2D()(x))

model = Model(inputs, outputs)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
time_steps(model, images, labels, batch_size=32)
