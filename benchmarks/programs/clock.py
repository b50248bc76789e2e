"""What the training programs share: `fit`, timed by the epoch and printed by the step."""

import json
import statistics
import time

from keras import callbacks

EPOCHS = 4


class Clock(callbacks.Callback):
    """Keeps the seconds of each epoch."""

    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.start)


def time_steps(model, x, y, batch_size):
    """Print the seconds of the first epoch, which compiles, and of a step in those after it."""
    clock = Clock()
    model.fit(x, y, batch_size=batch_size, epochs=EPOCHS, verbose=0, callbacks=[clock])
    first, *later = clock.seconds
    steps = -(-len(x) // batch_size)
    print(json.dumps({"first epoch": first, "step": statistics.median(later) / steps}))
