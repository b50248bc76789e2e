"""One row at a time: what `predict` costs beside `model(x)`, and whether memory stays flat."""

import json
import statistics
import sys
import time

import numpy as np
from keras import layers, models, ops

CALLS = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
# The two take turns, so that what else the machine does falls on both.
TURNS = 20
PAGE = 4096


def resident():
    """Bytes of memory that the process holds."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * PAGE


def seconds(function):
    start = time.perf_counter()
    for _ in range(CALLS // TURNS):
        function()
    return time.perf_counter() - start


x = np.random.default_rng(0).random((1, 16), dtype=np.float32)
model = models.Sequential([layers.Dense(32, activation="relu"), layers.Dense(1)])
contenders = {
    "predict": lambda: model.predict(x, verbose=0),
    "call": lambda: model(x),
    "copy": lambda: ops.convert_to_numpy(ops.convert_to_tensor(x)),
}
for function in contenders.values():
    seconds(function)
before = resident()
taken = {name: [] for name in contenders}
for _ in range(TURNS):
    for name, function in contenders.items():
        taken[name].append(seconds(function))
figures = {name: statistics.median(each) * TURNS for name, each in taken.items()}
print(json.dumps({**figures, "grown_mb": (resident() - before) / 2**20}))
