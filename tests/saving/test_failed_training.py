"""A training that ends with an error leaves a model that can be used."""

import numpy as np
import pytest

import lamina
from lamina import layers
from lamina.callbacks import Callback
from tests.saving.training import BATCH, STEPS, data

(X, Y), _ = data()


def batches_with_an_error(error):
    for number in range(2 * STEPS):
        if number == STEPS + 3:
            raise error
        yield X[:BATCH], Y[:BATCH]


@pytest.mark.parametrize("place", ["a callback", "the data"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_what_is_left_of_a_training_that_ended_with_an_error(error, place):
    """Promise R7: the weights of the last finished step, the history, and the ends of callbacks."""
    told, weights = [], []

    class Fail(Callback):
        def on_train_batch_end(self, batch, logs=None):
            weights.append(self.model.get_weights())
            if len(weights) == STEPS + 3 and place == "a callback":
                raise error

        def on_train_end(self, logs=None):
            told.append("end")

    model = lamina.Sequential([lamina.Input((4,)), layers.Dense(3), layers.Dense(1)])
    model.compile("adam", "mse")
    with pytest.raises(error):
        if place == "a callback":
            model.fit(X, Y, BATCH, 3, verbose=0, callbacks=[Fail()])
        else:
            endless = batches_with_an_error(error)
            model.fit(endless, steps_per_epoch=STEPS, epochs=3, verbose=0, callbacks=[Fail()])
    assert told == ["end"] and len(model.history.history["loss"]) == 1
    for one, other in zip(weights[-1], model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert model.fit(X, Y, BATCH, 1, verbose=0).epoch == [0]
