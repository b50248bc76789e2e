"""Recurrent layers, and layers around layers, against Keras and against themselves."""

import re

import keras
import numpy as np
import pytest

import lamina
from lamina import layers, ops

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(3, 5, 2)).astype("float32")
MASK = np.array([[0, 0, 1, 1, 0], [1, 0, 1, 1, 1], [1, 1, 1, 0, 0]], bool)
STATE = GENERATOR.normal(size=(3, 4)).astype("float32")


def leaves(tree):
    if isinstance(tree, (list, tuple)):
        return [leaf for one in tree for leaf in leaves(one)]
    return [ops.convert_to_numpy(tree) if not isinstance(tree, np.ndarray) else tree]


def close(ours, theirs):
    ours, theirs = leaves(ours), [np.asarray(one) for one in keras.tree.flatten(theirs)]
    assert [one.shape for one in ours] == [one.shape for one in theirs]
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def same_weights(layer, reference):
    assert [v.name for v in layer.weights] == [v.name for v in reference.weights]
    generator = np.random.default_rng(1)
    values = [generator.normal(0, 0.5, v.shape).astype("float32") for v in layer.weights]
    layer.set_weights(values)
    reference.set_weights(values)


def agree(make, *inputs, **call):
    layer, reference = make(layers), make(keras.layers)
    layer(*inputs, **call), reference(*inputs, **call)
    same_weights(layer, reference)
    for one in (layer, reference):
        if getattr(one, "stateful", False):
            one.reset_state()
    for _ in range(2):
        close(layer(*inputs, **call), reference(*inputs, **call))
    return layer, reference


SEVERAL = {"return_sequences": True, "return_state": True}


@pytest.mark.parametrize("mask", [None, MASK], ids=["all", "masked"])
@pytest.mark.parametrize("back", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM", "GRU"])
def test_stateful_with_and_without_initial_state(name, back, mask):
    options = {"stateful": True, "go_backwards": back, **SEVERAL}
    layer, reference = agree(lambda of: getattr(of, name)(4, **options), X, mask=mask)
    first = [STATE] * (2 if name == "LSTM" else 1)
    close(layer(X, initial_state=first, mask=mask), reference(X, initial_state=first, mask=mask))
    layer.reset_state(), reference.reset_state()
    close(layer(X), reference(X))


@pytest.mark.parametrize("mask", [None, MASK], ids=["all", "masked"])
def test_stack_of_cells(mask):
    options = {"zero_output_for_mask": True, **SEVERAL}
    agree(lambda of: of.RNN([of.LSTMCell(4), of.GRUCell(3)], **options), X, mask=mask)
    cells = [layers.LSTMCell(4), layers.GRUCell(3)]
    whole = layers.RNN(layers.StackedRNNCells(cells))
    apart = [layers.RNN(cells[0], return_sequences=True), layers.RNN(cells[1])]
    found = whole(X, mask=mask)
    close(found, [ops.convert_to_numpy(apart[1](apart[0](X, mask=mask), mask=mask))])


def _cell(of):
    class Leaky(of.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.state_size = 2
            self.output_size = 2

        def call(self, inputs, states):
            state = 0.5 * states[0] + inputs
            return state * 2, [state]

    return Leaky()


@pytest.mark.parametrize("mask", [None, MASK], ids=["all", "masked"])
def test_cell_of_ones_own(mask):
    options = {"zero_output_for_mask": True, **SEVERAL}
    agree(lambda of: of.RNN(_cell(of), **options), X, mask=mask)


def test_masked_steps_of_ones_own_cell_repeat_the_output_before():
    outputs = leaves(layers.RNN(_cell(layers), return_sequences=True)(X, mask=MASK))[0]
    np.testing.assert_array_equal(outputs[1, 1], outputs[1, 0])
    np.testing.assert_array_equal(outputs[0, :2], np.zeros((2, 2)))


@pytest.mark.parametrize("name", ["SimpleRNNCell", "LSTMCell", "GRUCell"])
def test_cell_alone(name):
    states = [STATE] * (2 if name == "LSTMCell" else 1)
    layer, reference = agree(lambda of: getattr(of, name)(4), X[:, 0], states)
    assert layer.state_size == reference.state_size
    assert reference.get_config().keys() == layer.get_config().keys()
    again = layers.RNN.from_config(layers.RNN(layer).get_config())
    assert again(X).shape == (3, 4)


@pytest.mark.parametrize("mode", ["concat", "sum", "mul", "ave", None])
def test_bidirectional_merges(mode):
    def make(of):
        return of.Bidirectional(of.LSTM(4, return_sequences=True), merge_mode=mode)

    layer, reference = agree(make, X, mask=MASK)
    ours, theirs = (
        [re.sub(r"_\d+", "", v.path.partition("/")[2]) for v in one.weights]
        for one in (layer, reference)
    )
    assert ours == theirs


@pytest.mark.parametrize("sequences", [False, True])
def test_bidirectional_states(sequences):
    def make(of):
        return of.Bidirectional(of.GRU(4, return_state=True, return_sequences=sequences))

    agree(make, X, initial_state=[STATE, -STATE], mask=MASK)


def test_bidirectional_of_two_layers_is_remade_from_its_config():
    layer, _ = agree(
        lambda of: of.Bidirectional(of.LSTM(4), backward_layer=of.GRU(3, go_backwards=True)), X
    )
    again = layers.Bidirectional.from_config(layer.get_config())
    assert again(X).shape == (3, 7)
    assert again.forward_layer.name == layer.forward_layer.name
    keras.layers.Bidirectional.from_config(layer.get_config())


def test_bidirectional_stateful():
    agree(lambda of: of.Bidirectional(of.SimpleRNN(4, stateful=True)), X)


@pytest.mark.parametrize("inner", ["Dense", "LSTM"])
def test_time_distributed(inner):
    x = X if inner == "Dense" else X[None]
    layer, _ = agree(lambda of: of.TimeDistributed(getattr(of, inner)(4)), x)
    again = layers.TimeDistributed.from_config(layer.get_config())
    assert again(x).shape == layer(x).shape
    spec = layer(lamina.KerasTensor((None, *x.shape[1:])))
    assert spec.shape == (None, *layer(x).shape[1:])


def test_masks_go_from_embedding_through_layers():
    ids = np.array([[0, 0, 1, 2], [3, 4, 0, 0]])

    def make(of):
        return [of.Embedding(5, 3, mask_zero=True), of.LSTM(4, return_sequences=True), of.GRU(2)]

    ours, theirs = make(layers), make(keras.layers)
    for _ in range(2):
        mine = known = ids
        for layer, reference in zip(ours, theirs, strict=True):
            mine, known = layer(mine), reference(known)
            same_weights(layer, reference)
    mine = known = ids
    for layer, reference in zip(ours, theirs, strict=True):
        mine, known = layer(mine), reference(known)
    close(mine, known)


def test_state_is_kept_under_jit():
    layer, reference = (of.LSTM(4, stateful=True) for of in (layers, keras.layers))
    layer(X), reference(X)
    same_weights(layer, reference)
    layer.reset_state(), reference.reset_state()
    call = lamina.jit(layer)
    for _ in range(3):
        close(call(ops.convert_to_tensor(X)), reference(X))
    assert [v.path for v in layer.states] == [f"{layer.name}/rnn_state"] * 2


def numeric_gradient(make, name):
    """The gradient of the fast walk against that of the plain loop of the same cell."""
    layer = make()
    layer(X)
    x = ops.convert_to_tensor(X)
    variables = layer.trainable_variables

    def loss(x, mask):
        outputs = layer(x, mask=mask)
        return sum(ops.sum(ops.sin(one)) for one in outputs)

    step = lamina.value_and_grad(loss, variables)
    by_input = lamina.grad(loss)
    return [
        leaves([*step(x, mask)[1], by_input(x, mask)])
        for mask in (None, ops.convert_to_tensor(MASK))
    ]


@pytest.mark.parametrize("back", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize("name", ["LSTM", "GRU"])
def test_gradients_written_by_hand(name, back, monkeypatch):
    layer = getattr(layers, name)(4, go_backwards=back, **SEVERAL)
    fast = numeric_gradient(lambda: layer, name)
    cell = type(layer.cell)
    monkeypatch.setattr(cell, "walk", cell.__mro__[1].walk)
    plain = numeric_gradient(lambda: layer, name)
    for one, other in zip(leaves(fast), leaves(plain), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_nan_in_padding_does_no_harm():
    layer = layers.LSTM(4)
    x = X.copy()
    layer(x)
    x[~MASK] = np.nan
    gradient = lamina.value_and_grad(
        lambda x: ops.sum(layer(x, mask=MASK)), [layer.cell.recurrent_kernel]
    )
    value, (found,) = gradient(ops.convert_to_tensor(x))
    assert np.isfinite(float(value)) and np.isfinite(leaves(found)[0]).all()


def test_dropout_drops_the_same_inputs_at_each_step():
    cell = layers.SimpleRNNCell(3, dropout=0.5, seed=1)
    cell.build((None, 8))
    cell.set_weights([np.eye(8, 3), np.eye(3), np.zeros(3)])
    projected = leaves(cell.project(ops.ones((5, 16, 8)), training=True))[0]
    assert set(np.unique(projected)) == {0.0, 2.0}
    np.testing.assert_array_equal(projected, np.broadcast_to(projected[:1], projected.shape))
    untouched = leaves(cell.project(ops.ones((5, 16, 8))))[0]
    np.testing.assert_array_equal(untouched, np.ones_like(untouched))


CELLS = [
    ("SimpleRNNCell", {}),
    ("LSTMCell", {}),
    ("GRUCell", {}),
    ("GRUCell", {"reset_after": False}),
    ("LSTMCell", {"recurrent_dropout": 0.0}),
    ("LSTMCell", {"recurrent_dropout": 0.0, "implementation": 1}),
]


@pytest.mark.parametrize(("name", "options"), CELLS, ids=str)
def test_dropout_of_a_cell_by_the_masks_of_keras(name, options):
    options = {"dropout": 0.4, "recurrent_dropout": 0.3, **options}
    cell, reference = (getattr(of, name)(4, **options) for of in (layers, keras.layers))
    for one in (cell, reference):
        one.build((None, 2))
    same_weights(cell, reference)
    states = [STATE] * (2 if name == "LSTMCell" else 1)
    for kind, get, like in (
        ("inputs", "get_dropout_mask", X[:, 0]),
        ("state", "get_recurrent_dropout_mask", STATE),
    ):
        mine, theirs = getattr(cell, get)(like), getattr(reference, get)(like)
        assert (mine is None) == (theirs is None)
        if theirs is not None:
            assert mine.shape == np.shape(theirs)
            cell._masks[kind] = lambda: True, ops.convert_to_tensor(np.asarray(theirs))
    for _ in range(2):  # the masks are kept
        close(cell(X[:, 0], states, training=True), reference(X[:, 0], states, training=True))


def test_masks_are_kept_until_they_are_reset():
    cell = layers.GRUCell(4, dropout=0.5, recurrent_dropout=0.5)
    for get, reset in (
        (cell.get_dropout_mask, cell.reset_dropout_mask),
        (cell.get_recurrent_dropout_mask, cell.reset_recurrent_dropout_mask),
    ):
        first, second = (leaves(get(np.ones((16, 8), "float32")))[0] for _ in range(2))
        np.testing.assert_array_equal(first, second)
        assert set(np.unique(first)) == {0.0, 2.0} and first.shape == (3, 16, 8)
        assert get(np.ones((4, 8), "float32")).shape == (3, 4, 8)
        get(np.ones((16, 8), "float32"))
        reset()
        assert (leaves(get(np.ones((16, 8), "float32")))[0] != first).any()


def test_masks_do_not_outlive_a_compiled_function():
    cell = layers.LSTMCell(4, dropout=0.5, recurrent_dropout=0.5)
    cell.build((None, 2))
    run = lamina.jit(lambda x: cell(cell(x, [STATE, STATE], training=True)[0][:, :2], [STATE] * 2))
    run(ops.convert_to_tensor(X[:, 0]))
    assert leaves(cell(X[:, 0], [STATE, STATE], training=True))[0].shape == (3, 4)


class Doubled(layers.SimpleRNNCell):
    """A cell whose call is its own, and so is walked step by step."""

    def call(self, inputs, states, training=False):
        output, states = super().call(inputs, states, training=training)
        return 2 * output, states


def test_a_sequence_has_masks_of_its_own():
    cell = Doubled(3, activation=None, dropout=0.5, recurrent_initializer="zeros", seed=1)
    layer = layers.RNN(cell, return_sequences=True)
    x = np.ones((4, 6, 8), "float32")
    first, second = (leaves(layer(x, training=True))[0] for _ in range(2))
    np.testing.assert_array_equal(first, np.broadcast_to(first[:, :1], first.shape))
    assert (first != second).any()


@pytest.mark.parametrize("back", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize("mask", [None, MASK], ids=["all", "masked"])
def test_inner_loop(mask, back):
    options = {"go_backwards": back, "return_sequences": True}
    layer, reference = agree(lambda of: of.GRU(4, **options), X, mask=mask)
    mine, known = (
        one.inner_loop(ops.convert_to_tensor(X) if of is layers else X, [STATE], mask)
        for one, of in ((layer, layers), (reference, keras.layers))
    )
    close(mine, known)


def test_inner_loop_of_ones_own():
    class Last(layers.GRU):
        def inner_loop(self, sequences, initial_state, mask, training=False):
            return super().inner_loop(sequences[:, -2:], initial_state, mask, training)

    layer = Last(4)
    found = leaves(layer(X))
    whole = layers.GRU(4)
    whole(X)
    whole.set_weights(layer.get_weights())
    close(found, leaves(whole(X[:, -2:])))


def test_convolutional_states_and_masks():
    x = GENERATOR.normal(size=(2, 4, 5, 2)).astype("float32")
    layer, reference = agree(lambda of: of.ConvLSTM1D(3, 2, stateful=True, **SEVERAL), x)
    first = [GENERATOR.normal(size=(2, 4, 3)).astype("float32") for _ in range(2)]
    close(layer(x, initial_state=first), reference(x, initial_state=first))
    close(layer.get_initial_state(2), reference.get_initial_state(2))
    layer.reset_state()
    # A mask at the end is a shorter sequence; Keras 3.15 broadcasts it along the wrong axes.
    masked = layer(x, mask=np.array([[True, True, False, False]] * 2))
    layer.reset_state()
    short = layer(x[:, :2])
    close([masked[0][:, :2], *masked[1:]], leaves(list(short)))
    with pytest.raises(ValueError, match="size of its input in space"):
        layers.ConvLSTM2D(3, 2)(lamina.KerasTensor((2, 4, None, 5, 2)))


def test_stateful_needs_the_batch_size():
    with pytest.raises(ValueError, match="batch size"):
        layers.LSTM(4, stateful=True)(lamina.KerasTensor((None, 5, 2)))


def test_stateful_takes_batches_of_one_size():
    layer = layers.GRU(4, stateful=True)
    layer(X)
    with pytest.raises(ValueError, match="do not fit a batch of 2"):
        layer(X[:2])


def test_number_of_states():
    with pytest.raises(ValueError, match=r"2 state\(s\) and was given 1"):
        layers.LSTM(4)(X, initial_state=[STATE])


def test_reset_of_a_layer_without_states():
    with pytest.raises(ValueError, match="stateful=True"):
        layers.LSTM(4).reset_state()


def test_no_cell():
    with pytest.raises(ValueError, match="LSTMCell"):
        layers.RNN(layers.Dense(4))


def test_embedding_names_a_wrong_index():
    with pytest.raises(ValueError, match=r"5 rows.*holds 5 at \[0, 1\]"):
        layers.Embedding(5, 3)(np.array([[0, 5]]))
    with pytest.raises(ValueError, match="holds -1"):
        layers.Embedding(5, 3)(np.array([-1]))


def test_embedding_begins_with_weights():
    table = GENERATOR.normal(size=(5, 3)).astype("float32")
    for weights in (table, [table]):
        layer = layers.Embedding(5, 3, weights=weights)
        np.testing.assert_array_equal(leaves(layer(np.array([4])))[0], table[4:])
    assert "weights" not in layer.get_config()
