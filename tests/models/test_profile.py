"""`profile()`: operations counted by hand, rows by layer, and where `fit` spends its time."""

import time

import jax.numpy as jnp
import numpy as np
import pytest

import lamina
from lamina import layers, ops
from lamina.backend import current
from lamina.core import seeds
from lamina.symbolic.counting import counting
from lamina.symbolic.tensor import infer


def operations(layer, *shapes):
    """What is counted of one call on float tensors of these shapes."""
    specs = [*map(lamina.KerasTensor, shapes)]
    infer(layer, *specs)  # builds it
    with counting() as count:
        infer(layer, *specs)
    return count.operations


def quietly(model, *args, **kwargs):
    return model.profile(*args, runs=1, print_fn=lambda text: None, **kwargs)


# A layer, the shapes it is called on, and its operations by hand.
BY_HAND = {
    "dense": (layers.Dense(5), [(2, 3)], 2 * 2 * 3 * 5 + 2 * 5),
    "relu": (layers.Dense(5, activation="relu", use_bias=False), [(2, 3)], 60 + 10),
    "dense_on_steps": (layers.Dense(5), [(2, 7, 3)], 2 * 14 * 3 * 5 + 14 * 5),
    "einsum": (layers.EinsumDense("abc,abd->acd", (3, 4)), [(2, 5, 3)], 2 * 2 * 5 * 3 * 4),
    "conv": (layers.Conv2D(4, 3), [(2, 8, 8, 3)], 2 * (2 * 36 * 4) * 27 + 2 * 36 * 4),
    "conv_groups": (
        layers.Conv1D(4, 3, strides=2, groups=2, padding="same", use_bias=False),
        [(2, 8, 6)],
        2 * (2 * 4 * 4) * 9,
    ),
    "depthwise": (
        layers.DepthwiseConv2D(3, use_bias=False, depth_multiplier=2),
        [(2, 8, 8, 3)],
        2 * (2 * 36 * 6) * 9,
    ),
    "separable": (
        layers.SeparableConv2D(4, 3, use_bias=False),
        [(2, 8, 8, 3)],
        2 * (2 * 36 * 3) * 9 + 2 * (2 * 36 * 4) * 3,
    ),
    "transposed": (
        layers.Conv2DTranspose(4, 3, strides=2, use_bias=False),
        [(2, 8, 8, 3)],
        2 * (2 * 64 * 3) * 36,
    ),
    "pool": (layers.MaxPooling2D(2), [(2, 8, 8, 3)], 2 * 16 * 3 * 4),
    "softmax": (layers.Softmax(), [(2, 5)], 5 * 10),  # largest, difference, exp, sum, quotient
    "flatten": (layers.Flatten(), [(2, 5, 4)], 0),
    # Four projections of 8 to 2 heads of 4 or back, their biases, two products of 6 by 6 scores,
    # and of each score a scaling and the softmax.
    "attention": (
        layers.MultiHeadAttention(2, 4),
        [(2, 6, 8), (2, 6, 8)],
        4 * (2 * 12 * 8 * 8 + 12 * 8) + 2 * (2 * 2 * 2 * 36 * 4) + 6 * (2 * 2 * 36),
    ),
    "time_distributed": (layers.TimeDistributed(layers.Dense(4)), [(2, 7, 3)], 14 * (24 + 4)),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_operations_by_hand(name):
    layer, shapes, expected = BY_HAND[name]
    assert operations(layer, *shapes) == expected


@pytest.mark.parametrize(("kind", "gates"), [("LSTM", 4), ("GRU", 3), ("SimpleRNN", 1)])
def test_loops_count_each_step(kind, gates):
    def count(steps):
        return operations(getattr(layers, kind)(128), (2, steps, 128))

    products = 2 * 2 * (128 + 128) * 128 * gates
    assert (count(9) - count(1)) / 8 == pytest.approx(products, rel=0.02)
    assert count(1) == pytest.approx(products, rel=0.15)  # and what is done once with the weights


def test_mapped_and_counted_loops():
    x = lamina.KerasTensor((5, 2, 3))

    def count(function):
        with counting() as found:
            infer(function, x)
        return found.operations

    assert count(lambda x: ops.vectorized_map(ops.tanh, x)) == 30
    assert count(lambda x: ops.while_loop(lambda x: True, lambda x: x + 1.0, [x])) == 30
    assert count(lambda x: ops.cond(x[0, 0, 0] > 0, lambda: x * x + x, lambda: x)) == 60
    assert count(lambda x: ops.fori_loop(0, 4, lambda i, x: x + 1.0, x)) == 4 * 30
    assert count(lambda x: ops.associative_scan(ops.add, x)) == (4 + 3 + 1) * 6
    assert count(lambda x: ops.rfft(x)[0]) == pytest.approx(2.5 * 30 * np.log2(3))
    assert count(lambda x: ops.einsum("abc,dbc->ad", x, x)) == 2 * 25 * 6
    assert count(lambda x: ops.cast(x, "int32") + 1) == 0
    assert count(lambda x: ops.qr(x[:, :, :2])[0]) == pytest.approx(5 * 4 * 4 * (2 - 2 / 3))
    assert np.isnan(count(ops.svd))


@pytest.mark.every_backend
def test_operations_agree_with_those_of_xla():
    model = network()
    x = ops.ones((8, 12, 12, 3))
    counted = operations(model, (8, 12, 12, 3))
    assert counted == pytest.approx(current().jit(model).operations(x), rel=0.05)


def network():
    inner = lamina.Sequential([layers.Flatten(), layers.Dense(8, name="deep")], name="head")
    x = lamina.Input((12, 12, 3))
    h = layers.MaxPooling2D(2)(layers.Conv2D(16, 3, activation="relu", name="conv")(x))
    return lamina.Model(x, inner(h), name="net")


def test_rows_of_nested_layers():
    profile = quietly(network(), np.ones((40, 12, 12, 3)), batch_size=4)
    rows = {row.path: row for row in profile.layers}
    assert [row.path for row in profile.layers][:2] == ["net", "net/conv"]
    assert [row.depth for row in profile.layers] == [0, 1, 1, 1, 2, 2]
    conv, deep = rows["net/conv"], rows["net/head/deep"]
    assert (conv.output_shapes, conv.output_bytes) == (((4, 10, 10, 16),), 4 * 1600 * 4)
    assert (conv.parameters, conv.parameter_bytes) == (28 * 16, 28 * 16 * 4)
    assert conv.operations == 4 * 1600 * (2 * 27 + 2)
    assert (deep.parameters, deep.leaf, deep.kind) == (401 * 8, True, "Dense")
    assert not rows["net/head"].leaf
    inside = sum(row.operations for row in profile.layers if row.depth == 1)
    assert profile.model.operations == inside
    assert all(row.seconds > 0 for row in profile.layers)
    assert profile.rows == 4 and profile.fit is None


def test_a_layer_called_twice_is_one_row_of_two_calls():
    a, b = lamina.Input((5,), name="a"), lamina.Input((2, 5), name="b")
    shared = layers.Dense(5, name="shared")
    summed = layers.Add(name="sum")([shared(a), shared(b)[:, 0]])
    model = lamina.Model({"a": a, "b": b}, summed + 1.0)
    profile = quietly(model, {"a": np.ones((3, 5)), "b": np.ones((3, 2, 5))})
    whole, row, _ = profile.layers
    assert (row.calls, row.parameters, row.operations) == (2, 30, 9 * (2 * 25 + 5))
    assert row.output_bytes == 9 * 5 * 4
    # The sum and the addition between layers are the model's own.
    assert whole.operations == row.operations + 15 + 15


class Cell(layers.Layer):
    state_size = 4

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(4, name="in_the_loop")

    def call(self, x, states):
        h = self.dense(ops.concatenate([x, states[0]], -1))
        return h, [h]


class Net(lamina.Model):
    """Masks, a loop of a cell's calls, state that a forward pass changes, and dropout."""

    def __init__(self):
        super().__init__(name="net")
        self.embedding = layers.Embedding(9, 3, mask_zero=True, name="embedding")
        self.loop = layers.RNN(Cell(), return_sequences=True, name="loop")
        self.norm = layers.BatchNormalization(name="norm")
        self.drop = layers.Dropout(0.5, name="drop")
        self.out = layers.Dense(1, name="out")

    def call(self, x, training=None):
        h = self.norm(self.loop(self.embedding(x)), training=training)
        return self.out(self.drop(h[:, -1], training=training))


def test_layers_in_a_loop_belong_to_the_layer_that_loops():
    profile = quietly(Net(), np.ones((8, 7), "int32"))  # built by x
    rows = {row.path.rpartition("/")[2]: row for row in profile.layers}
    assert list(rows) == ["net", "embedding", "loop", "norm", "drop", "out"]
    assert rows["loop"].operations == 7 * (2 * 8 * 7 * 4 + 8 * 4)
    assert rows["loop"].leaf and rows["drop"].operations == 0


@pytest.mark.every_backend
def test_what_calls_a_framework_directly_is_timed_and_not_counted():
    sine = layers.Lambda(jnp.sin, name="sine")
    profile = quietly(lamina.Sequential([sine, layers.Dense(2)]), np.ones((3, 4)))
    assert [row.operations for row in profile.layers] == [None, None, 3 * 2 * 9]
    assert all(row.seconds > 0 for row in profile.layers)
    assert "- FLOP" in repr(profile)


def state(model):
    found = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
    return [variable.numpy() for variable in found]


DATA = np.arange(280).reshape(40, 7) % 9, np.linspace(-1, 1, 40)[:, None]


def test_training_goes_on_as_if_nothing_had_been():
    model = Net()
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(*DATA, batch_size=8, verbose=0)
    model.norm.trainable = False
    history, before, drawn = model.history, state(model), seeds.get_random_state()

    class Careless(lamina.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.norm.trainable = True
            np.random.random()

    quietly(model, *DATA, batch_size=8, callbacks=Careless())
    assert all(np.array_equal(a, b) for a, b in zip(before, state(model), strict=True))
    assert model.history is history and not model.norm.trainable and not model.stop_training
    again = lamina.tree.flatten(seeds.get_random_state())
    assert all(map(np.array_equal, again, lamina.tree.flatten(drawn)))


class OwnStep(lamina.Model):
    """A step that makes variables which nobody could know of before."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = layers.Dense(1)
        self.second = lamina.optimizers.Adam(name="second")

    def call(self, x):
        return self.dense(x)

    def train_step(self, data):
        x, y = data
        variables = self.trainable_variables
        loss, gradients = lamina.value_and_grad(lambda: ops.mean((self(x) - y) ** 2), variables)()
        self.second.apply(gradients, variables)
        return {"loss": loss}


def test_variables_that_a_step_makes_are_told_of():
    model = OwnStep()
    model.compile()
    x, y = np.ones((8, 3)), np.ones((8, 1))
    with pytest.warns(UserWarning, match=r"its train_step made \d+ variables, as 'second"):
        quietly(model, x, y)
    before = [variable.numpy() for variable in model.variables]
    assert quietly(model, x, y).fit.steps == 1
    assert all(map(np.array_equal, before, [one.numpy() for one in model.variables]))


class Slow(lamina.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        time.sleep(0.003)

    def on_epoch_end(self, epoch, logs=None):
        time.sleep(0.02)


class SlowData(lamina.utils.PyDataset):
    def __len__(self):
        return 6

    def __getitem__(self, index):
        time.sleep(0.005)
        return np.ones((4, 3)), np.ones((4, 1))


def test_where_fit_spends_its_time():
    model = lamina.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    fit = quietly(model, SlowData(), callbacks=[[Slow()]]).fit
    assert fit.steps == 6
    assert 0.01 < fit.data < fit.seconds
    assert 6 * 0.003 + 0.02 <= fit.by_callback["Slow"] <= fit.callbacks < fit.seconds
    assert list(fit.by_callback) == ["Slow", "History"]
    assert fit.dispatch > 0 and fit.other > 0
    parts = fit.data + fit.dispatch + fit.compute + fit.callbacks + fit.other
    assert parts == pytest.approx(fit.seconds)


def test_a_generator_gives_two_epochs():
    model = lamina.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    batches = iter([(np.ones((4, 3)), np.ones((4, 1)))] * 10)
    assert quietly(model, batches, steps=4).fit.steps == 4
    with pytest.raises(ValueError, match=r"no batch left.*smaller `steps`"):
        quietly(model, iter([(np.ones((4, 3)), np.ones((4, 1)))] * 10))


def test_what_does_not_fit_is_said():
    model = lamina.Sequential([lamina.Input((4,)), layers.Dense(2, name="first")], name="net")
    with pytest.raises(ValueError, match=r"net/first.*axis -1 to have size 4, found 5"):
        quietly(model, np.ones((3, 5)))
    with pytest.raises(ValueError, match="steps"):
        quietly(model, np.ones((3, 4)), steps=0)
    assert "call" not in vars(model) and "call" not in vars(model.layers[0])


def test_what_is_printed(capsys):
    model = lamina.Sequential([layers.Dense(600), layers.Dense(1, name="a_long_name" * 9)])
    model.compile("sgd", "mse")
    found = model.profile(np.ones((8, 3)), np.ones((8, 1)), runs=1)
    text = capsys.readouterr().out
    assert text == f"{found}\n" and max(map(len, text.splitlines())) <= 80
    for part in ("dense", "2,400", "33.6 K", "18.8 KB", "Forward pass", "dispatch", "History"):
        assert part in text
    assert repr(found).startswith("<Profile of 'sequential")
