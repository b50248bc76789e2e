"""Building a functional model of 200 layers, in pairs of Dense with a skip around them."""

import json
import statistics
import time

import keras
from keras import layers


def build():
    inputs = keras.Input((64,))
    x = layers.Dense(64)(inputs)
    for _ in range(66):
        y = layers.Dense(64, activation="relu")(x)
        y = layers.Dense(64)(y)
        x = layers.Add()([x, y])
    return keras.Model(inputs, layers.Dense(10)(x))


keras.ops.zeros(1)  # Lamina imports its backend here, and Keras when it is imported
seconds = []
for _ in range(6):
    begin = time.perf_counter()
    model = build()
    seconds.append(time.perf_counter() - begin)
assert len(model.layers) == 201, len(model.layers)
print(json.dumps({"first": seconds[0], "build": statistics.median(seconds[1:])}))
