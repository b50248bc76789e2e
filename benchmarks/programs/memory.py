"""What `fit` holds beside 1 GB of rows: the growth of the process from before `fit` to its peak."""

import json
import resource
import sys
import threading

import numpy as np
from keras import layers, models

MEGABYTES = int(sys.argv[1]) if len(sys.argv) > 1 else 1024
PAGE = resource.getpagesize()


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * PAGE / 2**20


def watch():
    while not done.wait(0.02):
        peaks.append(resident())


rows = MEGABYTES * 2**20 // (4 * 1024)
x = np.random.default_rng(0).random((rows, 1024), dtype=np.float32)
y = np.zeros((rows, 1), np.float32)
model = models.Sequential([layers.Input((1024,)), layers.Dense(8), layers.Dense(1)])
model.compile(optimizer="sgd", loss="mse")
model.fit(x[:512], y[:512], batch_size=256, verbose=0)
before, peaks, done = resident(), [], threading.Event()
watcher = threading.Thread(target=watch)
watcher.start()
model.fit(x, y, batch_size=256, epochs=2, verbose=0)
done.set()
watcher.join()
print(json.dumps({"beside the data": max(peaks) - before, "process": max(peaks)}))
