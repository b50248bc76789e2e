"""What programs written for Keras rely on of graphs, masks, sizes, names and lists of variables."""

import re

import keras
import numpy as np
import pytest

import lamina

ONES = np.ones((2, 4), "float32")


def weighted(model):
    """`model` with weights that do not depend on whose it is."""
    random = np.random.RandomState(3)
    model.set_weights([random.normal(size=one.shape) * 0.3 for one in model.get_weights()])
    return model


def rounded(k, x):
    return np.round(np.asarray(k.ops.convert_to_numpy(x), "float64"), 3).tolist()


def a_model_may_begin_in_the_middle(k):
    k.utils.clear_session(free_memory=False)
    x = k.Input((4,), name="x")
    inner = k.layers.ReLU(name="r")(k.layers.Dense(3, name="h")(x))
    whole = k.Model(x, k.layers.Dense(2, name="o")(inner))
    part = k.Model(whole.get_layer("h").output, whole.output)
    again = k.Model.from_config(part.get_config())
    calls = [layer["inbound_nodes"] != [] for layer in part.get_config()["layers"]]
    kinds = [type(layer).__name__ for layer in again.layers]
    return kinds, calls, part.layers[0].name, len(whole.layers), part.output_shape


def layers_are_listed_as_far_as_they_are_from_the_outputs(k):
    a, b = k.Input((None,), name="a"), k.Input((None,), name="b")
    embed, dense = k.layers.Embedding(5, 4, name="embed"), k.layers.Dense(4, name="dense")
    added = k.layers.Add(name="added")([embed(b), dense(embed(a))])
    models = [k.Model([a, b], added)]
    random, tensors = np.random.RandomState(0), [k.Input((4,), name="c")]
    for i in range(12):
        one, other = random.randint(0, len(tensors), 2)
        layer = (dense, k.layers.Dense(4, name=f"dense_{i}"))[random.randint(2)]
        sum_of = k.layers.Add(name=f"add_{i}")
        tensors.append(sum_of([layer(tensors[one]), tensors[other]]))
    models.append(k.Model(tensors[0], [tensors[-1], tensors[-3], tensors[-2]]))
    return [[layer.name for layer in model.layers] for model in models]


def names_are_counted(k):
    k.utils.clear_session(free_memory=False)
    x = k.Input((3, 4))
    k.layers.MultiHeadAttention(2, 4)(x, x)
    model = k.Sequential([k.Input((3, 4)), k.layers.Dense(1)])
    model.add(k.layers.Dense(2))
    lazy = k.Sequential([k.layers.Dense(1)])
    before = k.Model(x, model(x)).name
    lazy.build((None, 3, 4))
    after = k.Model(x, lazy(x)).name
    return k.layers.Dropout(0.1).name, k.layers.Softmax().name, before, after


def metrics_of_functions_are_called_in_small_letters(k):
    def PSNR(y_true, y_pred):
        return k.ops.mean(y_true - y_pred)

    def ioU2D(y_true, y_pred):
        return k.ops.mean(y_true - y_pred)

    model = k.Sequential([k.Input((4,)), k.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=[PSNR, ioU2D, lambda y_true, y_pred: y_true - y_pred])
    return sorted(model.evaluate(ONES, ONES[:, :1], verbose=0, return_dict=True))


def attention_masks_are_broadcast(k):
    layer, x = k.layers.MultiHeadAttention(2, 2), np.random.RandomState(1).normal(size=(2, 3, 4))
    x = x.astype("float32")
    layer(x, x)
    weighted(layer)
    masks = (
        np.ones((2, 1, 3), bool),
        np.array([[[[1, 0, 1]]], [[[1, 1, 0]]]], bool),
        np.array([[1, 1, 0]], bool),
        np.tril(np.ones((3, 3), bool)),
        np.ones((2, 2, 3, 3), bool),
        np.array([[[1, 0, 1]], [[1, 1, 0]]], "int32"),
    )
    return [rounded(k, k.ops.sum(layer(x, x, attention_mask=mask))) for mask in masks]


def an_attention_mask_may_be_symbolic(k):
    tokens = k.Input((5,), dtype="int32")
    x = k.layers.Embedding(5, 4, mask_zero=True)(tokens)
    mask = k.ops.cast(k.ops.not_equal(tokens, 0)[:, None, :], "int32")
    attended = k.layers.MultiHeadAttention(1, 2)(x, x, attention_mask=mask)
    model = weighted(k.Model(tokens, attended))
    return rounded(k, model.predict(np.array([[1, 2, 0, 3, 0]]), verbose=0)[0, :3])


def a_chain_inside_of_a_layer_takes_any_length(k):
    class Block(k.layers.Layer):
        def __init__(self):
            super().__init__()
            self.chain = k.Sequential([k.layers.Dense(4), k.layers.Dense(8)])

        def call(self, x):
            return self.chain(x)

    x = k.Input((None, 8))
    model = k.Model(x, Block()(x))
    return model.output_shape, model.predict(np.ones((4, 5, 8)), verbose=0).shape


def sizes_in_a_chain_are_left_to_its_layers(k):
    layers = [k.Input((5, 5, 8)), k.layers.Conv2D(2, 3), k.layers.GlobalMaxPooling2D()]
    model = k.Sequential(layers)
    wider = np.ones((4, 7, 6, 8), "float32")
    found = [tuple(model(wider).shape), model.predict(wider, verbose=0).shape]
    try:
        model(np.ones((4, 5, 5, 3), "float32"))
    except ValueError:
        found.append("refused")
    return found


def a_mask_is_filled_in_for_a_single_tensor(k):
    class Told(k.layers.Layer):
        def call(self, x, other=None, mask=None):
            return k.ops.cast(x, "float32") * 0 + (0.0 if mask is None else 1.0)

    tokens = k.Input((3,), dtype="int32")
    x = k.layers.Embedding(5, 2, mask_zero=True)(tokens)
    called = (Told()(x, x), Told()(x), Told()(x, other=None), Told()(x, other=[x]))
    models = [k.Model(tokens, one) for one in called]
    return [float(one.predict(np.array([[1, 2, 0]]), verbose=0).sum()) for one in models]


def a_state_given_by_hand_takes_the_place_of_the_mask(k):
    tokens, state = k.Input((4,), dtype="int32"), k.Input((2,))
    x, found = k.layers.Embedding(5, 3, mask_zero=True)(tokens), []
    for layer, states in (
        (k.layers.GRU(2), state),
        (k.layers.LSTM(2), [state, state]),
        (k.layers.Bidirectional(k.layers.GRU(2)), [state, state]),
    ):
        model = weighted(k.Model([tokens, state], layer(x, initial_state=states)))
        given = [np.array([[1, 2, 0, 0]]), np.ones((1, 2), "float32")]
        found.append(rounded(k, model.predict(given, verbose=0)))
    return found


def models_within_models_have_an_input_and_an_output(k):
    class Inner(k.Model):
        def __init__(self):
            super().__init__()
            self.dense = k.layers.Dense(2)

        def call(self, x):
            return self.dense(x)

    x = k.Input((3,))
    model = k.Model(x, k.layers.Dense(1)(Inner()(x)))
    lstm = k.layers.LSTM(2, return_state=True)
    lstm(k.Input((4, 2)))
    inner = model.layers[1]
    return inner.output.shape, inner.input.shape, isinstance(lstm.output, list)


def a_frozen_model_trains_nothing(k):
    inner = k.Sequential([k.Input((4,)), k.layers.Dense(3), k.layers.Dense(2)])
    inner.trainable = False
    inner.layers[-1].trainable = True
    x = k.Input((4,))
    outer = k.Model(x, k.layers.Dense(1)(inner(x)))
    return [
        (len(one.trainable_weights), len(one.non_trainable_variables)) for one in (inner, outer)
    ]


def an_optimizer_in_an_attribute_keeps_its_variables(k):
    class Gan(k.Model):
        def __init__(self):
            super().__init__()
            self.net = k.layers.Dense(1)
            self.other = k.optimizers.SGD(0.1, momentum=0.9)

        def call(self, x):
            return self.net(x)

    model = Gan()
    model(ONES)
    model.other.build(model.trainable_variables)
    return len(model.variables), len(model.non_trainable_variables), len(model.weights)


def variables_are_printed_with_their_values(k):
    return repr(k.Variable([1.0, 2.0], name="v"))


def summaries_know_what_layers_were_built_for(k):
    class Own(k.Model):
        def __init__(self):
            super().__init__()
            self.inner = k.Sequential([k.Input((3,)), k.layers.Dense(1)])
            self.dense = k.layers.Dense(2)

        def call(self, x):
            return self.inner(x)

    class Chain(k.Sequential):
        pass

    k.utils.clear_session(free_memory=False)
    own = Own()
    own(ONES[:, :3])
    own.dense(ONES)
    lines = []
    for model in (own, Chain([k.Input((3,)), k.layers.Dense(2)])):
        model.summary(print_fn=lambda text: lines.extend(text.splitlines()))
    return [re.sub(r"\s+", " ", line) for line in lines if "│" in line]


def tensors_of_the_backend_stay_tensors_in_utils(k):
    x, labels = k.ops.convert_to_tensor([[3.0, 4.0]]), k.ops.convert_to_tensor([[0], [1]])
    found = k.utils.normalize(x), k.utils.to_categorical(labels, 3)
    shape = k.utils.normalize(k.Input((4,))).shape
    return [rounded(k, one) for one in found], [k.ops.is_tensor(one) for one in found], shape


def targets_of_ctc_may_be_floats(k):
    scores = np.random.RandomState(0).rand(2, 5, 4).astype("float32")
    lengths = np.array([2, 2]), np.array([5, 5])
    target = np.array([[1.0, 2.0], [2.0, 1.0]], "float32")
    return rounded(k, k.ops.ctc_loss(target, scores, *lengths, mask_index=0))


def symbolic_tensors_are_found_in_lists(k):
    class Positive(k.layers.Layer):
        def call(self, x):
            return k.ops.cast(x == 1, "int32") + k.ops.cast(x != 1, "int32")

    a, b = k.Input((4,)), k.Input((4,))
    return b in [a, b], [a, b].index(b), a == a, (a != b).shape, a is None, Positive()(a).shape


def optimizers_have_names_of_any_case(k):
    names = ("RMSProp", "ADAM", "AdaGrad", "adamW", "Sgd")
    found = [k.optimizers.get(name) for name in names]
    found.append(k.optimizers.get({"class_name": "RMSProp", "config": {"rho": 0.8}}))
    return [type(one).__name__ for one in found], found[-1].rho


def metrics_of_the_only_output_may_have_any_name(k):
    model = k.Sequential([k.Input((4,)), k.layers.Dense(1)])
    model.compile("sgd", "mse", metrics={"out": ["mae", "mse"]})
    return sorted(model.evaluate(ONES, ONES[:, :1], verbose=0, return_dict=True))


def metrics_of_layers_come_behind_those_of_compile(k):
    class Measured(k.layers.Layer):
        def __init__(self):
            super().__init__()
            self.extra = k.metrics.Mean(name="extra")

        def call(self, x):
            return x

    model = k.Sequential([k.Input((4,)), Measured(), k.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    found = model.evaluate(ONES, ONES[:, :1], verbose=0, return_dict=True)
    listed = model.evaluate(ONES, ONES[:, :1], verbose=0)
    return [key for value in listed for key in found if found[key] == value]


def compiling_again_keeps_loss_and_metrics(k):
    model = k.Sequential([k.Input((4,)), k.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    model.fit(ONES, ONES[:, :1], verbose=0)
    model.compile("adam")
    return sorted(model.fit(ONES, ONES[:, :1], verbose=0).history)


def data_sets_hear_of_epochs_of_every_kind(k):
    heard = []

    class Data(k.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return ONES, ONES[:, :1]

        def on_epoch_begin(self):
            heard.append("begin")

        def on_epoch_end(self):
            heard.append("end")

    model = k.Sequential([k.Input((4,)), k.layers.Dense(1)])
    model.compile("sgd", "mse")
    # The first call of each kind in Keras tells of one more, in which it builds the model.
    model.fit(ONES, ONES[:, :1], validation_data=(ONES, ONES[:, :1]), verbose=0)
    model.predict(ONES, verbose=0)
    found = []
    for call in (
        lambda: model.fit(ONES, ONES[:, :1], validation_data=Data(), verbose=0),
        lambda: model.evaluate(Data(), verbose=0),
        lambda: model.predict(Data(), verbose=0),
    ):
        heard.clear()
        call()
        found.append(heard[-2:])
    return found


def layers_are_flattened(k):
    inner = k.Sequential([k.Input((4,)), k.layers.Dense(2, name="d")], name="inner")
    model = k.Sequential([k.Input((4,)), inner], name="outer")
    kept = ("outer", "inner", "d")
    every = [one.name for one in model._flatten_layers() if one.name in kept]
    return every, [one.name for one in model._flatten_layers(False, False) if one.name in kept]


PROGRAMS = [
    metrics_of_layers_come_behind_those_of_compile,
    compiling_again_keeps_loss_and_metrics,
    data_sets_hear_of_epochs_of_every_kind,
    layers_are_flattened,
    symbolic_tensors_are_found_in_lists,
    optimizers_have_names_of_any_case,
    metrics_of_the_only_output_may_have_any_name,
    a_model_may_begin_in_the_middle,
    layers_are_listed_as_far_as_they_are_from_the_outputs,
    names_are_counted,
    metrics_of_functions_are_called_in_small_letters,
    attention_masks_are_broadcast,
    an_attention_mask_may_be_symbolic,
    a_chain_inside_of_a_layer_takes_any_length,
    sizes_in_a_chain_are_left_to_its_layers,
    a_mask_is_filled_in_for_a_single_tensor,
    a_state_given_by_hand_takes_the_place_of_the_mask,
    models_within_models_have_an_input_and_an_output,
    a_frozen_model_trains_nothing,
    an_optimizer_in_an_attribute_keeps_its_variables,
    variables_are_printed_with_their_values,
    summaries_know_what_layers_were_built_for,
    tensors_of_the_backend_stay_tensors_in_utils,
    targets_of_ctc_may_be_floats,
]


@pytest.mark.filterwarnings("ignore::UserWarning")  # Keras's, of masks and of building
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_it_is_as_in_keras(program):
    assert program(lamina) == program(keras)


def test_a_summary_says_where_inputs_come_from():
    """As Keras has it in terminals that are wide enough: layer, call, output."""
    inner, x, y = (lamina.Input((3,), name=name) for name in "ixy")
    dense = lamina.layers.Dense(2, name="dense")(inner)
    tower = lamina.Model(inner, dense, name="tower")
    both = lamina.layers.Add(name="both")([tower(x), tower(y)])
    chain = lamina.Model(inner, [lamina.layers.ReLU(name="last")(dense), dense])
    lines = []
    wide = {"line_length": 150, "print_fn": lambda text: lines.extend(text.splitlines())}
    lamina.Model([x, y], both).summary(expand_nested=True, **wide)
    chain.summary(show_trainable=True, **wide)
    found = [re.sub(r"[\s│]+", " ", line).strip() for line in lines if "│" in line]
    assert found == [
        "x (InputLayer) (None, 3) 0 -",
        "y (InputLayer) (None, 3) 0 -",
        "tower (Functional) (None, 2) 8 x[0][0], y[0][0]",
        "└ i (InputLayer) (None, 3) 0 -",
        "└ dense (Dense) (None, 2) 8 -",
        "both (Add) (None, 2) 0 tower[1][0], tower[2][0]",
        "i (InputLayer) (None, 3) 0 -",
        "dense (Dense) (None, 2) 8 Y",
        "last (ReLU) (None, 2) 0 -",
    ]


def test_an_optimizer_says_itself_how_gradients_are_applied():
    """As in Keras on TensorFlow, on every backend."""

    class Frozen(lamina.optimizers.SGD):
        def apply_gradients(self, grads_and_vars):
            return super().apply_gradients([(gradient * 0, v) for gradient, v in grads_and_vars])

    model = lamina.Sequential([lamina.Input((4,)), lamina.layers.Dense(1)])
    model.compile(Frozen(0.1), "mse")
    first, second = model.fit(ONES, ONES[:, :1], epochs=2, verbose=0).history["loss"]
    assert first == second


def test_steps_of_keras_2_ask_for_the_compiled_loss_and_metrics():
    """As in Keras on TensorFlow, on every backend."""

    class Older(lamina.Model):
        def __init__(self):
            super().__init__()
            self.dense = lamina.layers.Dense(1, kernel_initializer="ones")

        def call(self, x):
            return self.dense(x)

        def test_step(self, data):
            x, y = data
            y_pred = self(x, training=False)
            loss = self.compiled_loss(y, y_pred, regularization_losses=self.losses)
            self.compiled_metrics.update_state(y, y_pred)
            return {"loss": loss, **{one.name: one.result() for one in self.metrics[1:]}}

    model = Older()
    model.compile("sgd", "mse", metrics=["mae"])
    with pytest.warns(DeprecationWarning, match="compute_"):
        found = model.evaluate(ONES, ONES[:, :1], verbose=0, return_dict=True)
    assert found["loss"] == 9.0
