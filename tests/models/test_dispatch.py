"""How steps reach the backend, and `predict` on a single batch."""

import contextlib

import numpy as np
import pytest

import lamina
from lamina.backend import current

X = np.arange(12, dtype="float32").reshape(6, 2)


def network():
    return lamina.Sequential([lamina.Input((2,)), lamina.layers.Dense(1)])


@pytest.mark.parametrize(
    ("asked", "given"), [("auto", None), (None, None), (True, True), (False, False)]
)
def test_jit_compile_reaches_the_backend(asked, given, monkeypatch):
    told = []

    def jit(function, jit_compile=None, reads=None):
        told.append(jit_compile)
        return function

    monkeypatch.setattr(type(current()), "jit", staticmethod(jit))
    model = network()
    model.compile(loss="mse", jit_compile=asked)
    model.predict(X, verbose=0)
    assert set(told) == ({given} if current().compiles or asked is True else set())
    told.clear()
    model.compile(loss="mse", run_eagerly=True)
    model.predict(X, verbose=0)
    assert not told


def test_only_training_records_for_gradients(monkeypatch):
    told = []

    @contextlib.contextmanager
    def without_gradients(self):
        told.append(phase)
        yield

    monkeypatch.setattr(type(current()), "without_gradients", without_gradients)
    model = network()
    model.compile(loss="mse", run_eagerly=True)
    monkeypatch.setattr(type(model.optimizer), "apply", lambda self, grads, variables: None)
    for phase in ("train", "test", "predict"):
        getattr(model, f"{phase}_on_batch")(X, *([] if phase == "predict" else [X[:, :1]]))
    assert told == ["test", "predict"]  # and an optimizer's update, left out here


@pytest.mark.parametrize("jit_compile", [None, False])
def test_a_function_is_compiled_as_asked(jit_compile):
    total = lamina.Variable(0.0)

    def add(x):
        total.assign_add(lamina.ops.sum(x))
        return x * 2

    compiled = lamina.jit(add, jit_compile=jit_compile)
    assert float(compiled(lamina.ops.ones(3))[0]) == 2 and float(total) == 3


def test_predicting_one_batch_is_predicting_it_in_many():
    model = network()
    whole = model.predict(X, verbose=0)
    np.testing.assert_allclose(whole, model.predict(X, batch_size=4, verbose=0), rtol=1e-6)
    np.testing.assert_array_equal(whole, model.predict_on_batch(X))
    np.testing.assert_array_equal(whole, model.predict_on_batch(X.tolist()))
    np.testing.assert_array_equal(whole, model.predict(X.tolist(), verbose=0))
    np.testing.assert_array_equal(whole, model.predict(X.astype("float64"), verbose=0))


def test_predictions_of_one_batch_are_arrays_of_their_own():
    model = lamina.Sequential([lamina.Input((2,)), lamina.layers.Identity()])
    first = model.predict(X, verbose=0)
    first[:] = -1
    assert X[0, 1] == 1
    np.testing.assert_array_equal(model.predict(X, verbose=0), X)


def test_one_batch_nests_as_the_outputs_do():
    a, b = lamina.Input((1,), name="a"), lamina.Input((1,), name="b")
    model = lamina.Model({"a": a, "b": b}, {"sum": a + b, "both": [a, b]})
    found = model.predict({"a": X[:, :1], "b": X[:, 1:]}, verbose=0)
    np.testing.assert_array_equal(found["sum"][:, 0], X.sum(1))
    np.testing.assert_array_equal(found["both"][1], X[:, 1:])


def test_no_rows_give_no_rows():
    assert network().predict(X[:0], verbose=0).shape == (0, 1)


def test_callbacks_hear_of_a_single_batch(capsys):
    heard = []

    class Ears(lamina.callbacks.Callback):
        def on_predict_begin(self, logs=None):
            heard.append("begin")

        def on_predict_batch_end(self, batch, logs=None):
            heard.append(logs["outputs"].shape)

    model = network()
    model.predict(X, verbose=0, callbacks=[Ears()])
    assert heard == ["begin", (6, 1)] and capsys.readouterr().out == ""
    model.predict(X)
    assert "1/1" in capsys.readouterr().out
