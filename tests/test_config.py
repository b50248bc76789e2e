"""The switches of the process: what each of them really changes."""

import json
import logging
import os
import subprocess
import sys
import traceback

import numpy as np
import pytest

import lamina
from lamina import callbacks, config, layers, ops
from lamina.backend import current

keras = pytest.importorskip("keras")
X, Y = np.ones((40, 2), "float32"), np.ones((40, 1), "float32")


def model():
    found = lamina.Sequential([layers.Dense(1)])
    found.compile("sgd", "mse")
    return found


def test_every_name_of_keras_is_there_with_its_value():
    for name in dir(keras.config):
        if not name.startswith("_"):
            assert callable(getattr(config, name)), name
    for name in (
        "is_flash_attention_enabled",
        "is_interactive_logging_enabled",
        "is_nnx_enabled",
        "is_traceback_filtering_enabled",
        "max_epochs",
        "max_steps_per_epoch",
    ):
        assert getattr(config, name)() == getattr(keras.config, name)(), name


# Limits -----------------------------------------------------------------------------------


class Counter(callbacks.Callback):
    """Counts the batches of each phase."""

    def __init__(self):
        super().__init__()
        self.counts = {"train": 0, "test": 0, "predict": 0}

    def on_train_batch_end(self, batch, logs=None):
        self.counts["train"] += 1

    def on_test_batch_end(self, batch, logs=None):
        self.counts["test"] += 1

    def on_predict_batch_end(self, batch, logs=None):
        self.counts["predict"] += 1


@pytest.fixture
def limits():
    config.set_max_epochs(2)
    config.set_max_steps_per_epoch(3)
    yield
    config.set_max_epochs(None)
    config.set_max_steps_per_epoch(None)


def batches():
    while True:
        yield X[:4], Y[:4]


@pytest.mark.filterwarnings("ignore:.*limited to")
def test_limits_cut_every_phase(limits):
    counter = Counter()
    history = model().fit(X, Y, 4, epochs=5, verbose=0, callbacks=counter, validation_data=(X, Y))
    assert history.epoch == [0, 1] and counter.params["epochs"] == 2
    assert counter.params["steps"] == 3
    assert counter.counts == {"train": 6, "test": 6, "predict": 0}
    counter = Counter()
    assert model().predict(X, 4, verbose=0, callbacks=counter).shape == (12, 1)
    model().evaluate(X, Y, 4, verbose=0, callbacks=counter)
    assert counter.counts == {"train": 0, "test": 3, "predict": 3}


@pytest.mark.filterwarnings("ignore:.*limited to")
@pytest.mark.parametrize(("asked", "steps"), [(7, 3), (2, 2), (None, 3)])
def test_limits_cut_streams_and_steps(limits, asked, steps):
    counter = Counter()
    model().fit(batches(), epochs=1, steps_per_epoch=asked, verbose=0, callbacks=counter)
    assert counter.counts["train"] == steps


@pytest.mark.filterwarnings("ignore:.*limited to")
def test_a_limit_is_no_number_to_be_reached(limits):
    counter = Counter()
    short = [(X[:4], Y[:4])] * 2
    model().fit(iter(short), epochs=1, verbose=0, callbacks=counter)
    assert counter.counts["train"] == 2


def test_a_limit_is_told(limits):
    with pytest.warns(UserWarning, match="limited to 3 batches"):
        model().evaluate(X, Y, 4, verbose=0)
    with pytest.warns(UserWarning, match="limited to 2 epochs"):
        model().fit(X, Y, epochs=3, verbose=0)


@pytest.mark.parametrize("value", [0, -1, 1.5, "2", True])
def test_limits_are_whole_numbers(value):
    for setter in (config.set_max_epochs, config.set_max_steps_per_epoch):
        with pytest.raises(ValueError, match="at least 1"):
            setter(value)


def run(program, **environment):
    return subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "LAMINA_BACKEND": "numpy", "PYTHONPATH": os.getcwd(), **environment},
    )


def test_limits_come_from_the_environment():
    program = "import lamina; c = lamina.config; print([c.max_epochs(), c.max_steps_per_epoch()])"
    done = run(program, KERAS_MAX_EPOCHS="3", KERAS_MAX_STEPS_PER_EPOCH="10")
    assert json.loads(done.stdout) == [3, 10], done.stderr
    done = run("import lamina", KERAS_MAX_EPOCHS="many")
    assert "KERAS_MAX_EPOCHS is a whole number" in done.stderr


# Logging ----------------------------------------------------------------------------------


@pytest.fixture
def logged(caplog):
    config.disable_interactive_logging()
    with caplog.at_level(logging.INFO, logger="lamina"):
        yield caplog
    config.enable_interactive_logging()


def test_without_interactive_logging_all_goes_to_the_log(logged, capsys):
    assert not lamina.utils.is_interactive_logging_enabled()
    made = model()
    stop = callbacks.EarlyStopping("loss", patience=0, min_delta=10, verbose=1)
    made.fit(X, Y, epochs=3, callbacks=stop)
    made.evaluate(X, Y)
    made.summary()
    assert capsys.readouterr().out == ""
    text = "\n".join(record.getMessage() for record in logged.records)
    for part in ("Epoch 1/3\n2/2 - ", "loss: ", "Epoch 2: early stopping", 'Model: "'):
        assert part in text, part
    assert {record.levelname for record in logged.records} == {"INFO"}


def test_with_interactive_logging_all_is_printed(caplog, capsys):
    lamina.utils.enable_interactive_logging()
    with caplog.at_level(logging.INFO):
        model().fit(X, Y, epochs=2)
    assert "Epoch 1/2" in capsys.readouterr().out
    assert not [one for one in caplog.records if one.name == "lamina"]


# Tracebacks -------------------------------------------------------------------------------


class Broken(layers.Layer):
    """Fails when it is called."""

    def call(self, x):
        return self.fail(x)

    def fail(self, x):
        raise RuntimeError("broken on purpose")


def own_frames(call):
    """The frames of this package in the traceback of what `call` raises, and all functions."""
    with pytest.raises(Exception) as caught:
        call()
    found = traceback.extract_tb(caught.value.__traceback__)
    package = os.path.dirname(lamina.__file__)
    own = [one for one in found if one.filename.startswith((package, "<lamina"))]
    return own, [one.name for one in found]


def broken():
    found = lamina.Sequential([Broken()])
    found.compile("sgd", "mse")
    return found


CALLS = {
    "layer": lambda: Broken()(X),
    "model": lambda: broken()(X),
    "fit": lambda: broken().fit(X, Y, verbose=0),
    "predict": lambda: broken().predict(X, verbose=0),
    "shapes": lambda: layers.Dense(2)(np.ones(3, "float32")),
    "op": lambda: ops.matmul(np.ones((2, 3)), np.ones((2, 3))),
    "symbolic op": lambda: ops.add(lamina.KerasTensor((2,)), lamina.KerasTensor((3,))),
    "arguments": lambda: model().fit(X, Y, batch_size="many", verbose=0),
}


@pytest.mark.parametrize("name", CALLS)
def test_tracebacks_leave_out_the_frames_of_the_package(name):
    own, names = own_frames(CALLS[name])
    assert not own
    assert names[-1] == "fail" or name in ("shapes", "op", "symbolic op", "arguments")
    config.disable_traceback_filtering()
    try:
        own, _ = own_frames(CALLS[name])
        assert own
    finally:
        config.enable_traceback_filtering()


def test_errors_behind_an_error_are_cut_too():
    def raised(x):
        try:
            ops.matmul(x, x)
        except ValueError as error:
            raise RuntimeError("the product failed") from error

    with pytest.raises(RuntimeError) as caught:
        layers.Lambda(raised)(np.ones((2, 3), "float32"))
    found = traceback.extract_tb(caught.value.__cause__.__traceback__)
    package = os.path.dirname(lamina.__file__)
    assert found and not [one for one in found if one.filename.startswith(package)]


# Flash attention --------------------------------------------------------------------------


@pytest.fixture
def restored():
    before = config.is_flash_attention_enabled()
    yield
    config._set_flash_attention(before)


def attention(**options):
    q, k, v = np.random.default_rng(0).normal(size=(3, 1, 6, 2, 8)).astype("float32")
    return ops.dot_product_attention(q, k, v, **options)


def test_attention_is_the_same_with_and_without_flash(restored):
    expected = ops.convert_to_numpy(attention())
    config.enable_flash_attention()
    assert config.is_flash_attention_enabled() is True
    np.testing.assert_allclose(ops.convert_to_numpy(attention()), expected, atol=1e-5)
    config.disable_flash_attention()
    assert config.is_flash_attention_enabled() is False
    np.testing.assert_allclose(ops.convert_to_numpy(attention()), expected, atol=1e-5)


def kernels(function):
    """The names of PyTorch's kernels of attention that a call runs."""
    import torch

    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        function()
    return {event.key for event in profile.key_averages() if "attention" in event.key}


@pytest.mark.skipif(lamina.config.backend() != "torch", reason="PyTorch has the kernel")
def test_the_switch_chooses_the_kernel_of_pytorch(restored):
    flash = "aten::_scaled_dot_product_flash_attention_for_cpu"
    assert flash in kernels(attention)
    assert flash in kernels(lambda: attention(flash_attention=True))
    assert flash not in kernels(lambda: attention(flash_attention=False))
    config.disable_flash_attention()
    assert flash not in kernels(attention)
    assert flash in kernels(lambda: attention(flash_attention=True))
    layer = layers.MultiHeadAttention(2, 4, flash_attention=True)
    assert flash in kernels(lambda: layer(X[None], X[None]))
    with pytest.raises(ValueError, match="does not serve these arguments"):
        attention(flash_attention=True, attn_logits_soft_cap=2.0)


@pytest.mark.skipif(lamina.config.backend() == "torch", reason="PyTorch has the kernel")
def test_a_kernel_that_is_not_there_is_refused_by_name():
    with pytest.raises(ValueError, match=f"backend '{current().name}' has no flash kernel"):
        attention(flash_attention=True)
    with pytest.raises(ValueError, match="no flash kernel"):
        layers.MultiHeadAttention(2, 4, flash_attention=True)(X[None], X[None])
    assert layers.MultiHeadAttention(2, 4, flash_attention=False)(X[None], X[None]).shape


def test_what_flash_attention_cannot_do_is_refused():
    with pytest.raises(ValueError, match="takes dropout=0"):
        layers.MultiHeadAttention(2, 4, flash_attention=True, dropout=0.5)
    layer = layers.MultiHeadAttention(2, 4, flash_attention=True)
    with pytest.raises(ValueError, match="no scores to return"):
        layer(X[None], X[None], return_attention_scores=True)


def test_compiled_code_follows_the_switch(restored):
    seen = []

    def look(x):
        seen.append(config.is_flash_attention_enabled())
        return x + 1

    compiled = current().jit(look)
    for switch in (config.disable_flash_attention, config.enable_flash_attention):
        switch()
        compiled(ops.ones(2))
    config.disable_flash_attention()
    compiled(ops.ones(2))
    assert set(seen) == {False, True}


# What is not there ------------------------------------------------------------------------


def test_code_of_files_is_not_to_be_enabled():
    with pytest.raises(RuntimeError, match="never runs code that a file brings"):
        config.enable_unsafe_deserialization()
