"""Every loss against real Keras, on what its row of the table says."""

import inspect
import itertools

import jax
import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lamina
from lamina import losses, ops
from lamina.backend import current, standardize_dtype
from lamina.core import registry
from lamina.core.context import set_mask
from tests.losses.data import (
    RANDOM,
    bits,
    class_of_each,
    distribution,
    missing_from_docstring,
    unit,
    values,
)
from tests.losses.table import OF_CLASSES, SHAPES, TABLE

ROWS = [(name, kwargs) for name, row in TABLE.items() for kwargs in row[3]]
PUBLIC = [name for name, one in vars(losses).items() if inspect.isclass(one)]


def both(name, kwargs):
    return getattr(losses, name)(**kwargs), getattr(keras.losses, name)(**kwargs)


def close(ours, theirs, rtol=1e-5, atol=1e-6):
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=rtol, atol=atol)


def data(name, shape):
    shape = SHAPES.get(name, shape)
    return TABLE[name][0](shape), TABLE[name][1](shape)


def first(name):
    """The arguments of the row that comes first."""
    return TABLE[name][3][0]


def test_every_class_has_a_row():
    assert {*PUBLIC} - {"Loss", "LossFunctionWrapper"} == {*TABLE}


def test_every_function_has_a_row():
    functions = {name for name, one in vars(losses).items() if inspect.isfunction(one)}
    assert functions - {"get", "serialize", "deserialize"} == {row[2] for row in TABLE.values()}


@pytest.mark.parametrize("name", [*TABLE, *(row[2] for row in TABLE.values())])
def test_docstrings_say_what_every_argument_is(name):
    assert missing_from_docstring(getattr(losses, name)) == []


@pytest.mark.parametrize("name", TABLE)
def test_signatures_are_those_of_keras(name):
    for ours, theirs in [
        (getattr(losses, name), getattr(keras.losses, name)),
        (getattr(losses, TABLE[name][2]), getattr(keras.losses, TABLE[name][2])),
    ]:
        kept = [
            [(p.name, p.default) for p in inspect.signature(one).parameters.values()]
            for one in (ours, theirs)
        ]
        assert kept[0] == kept[1]


REDUCTIONS = ["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none"]


def agree_where_reduced(name, kwargs, y_true, y_pred, weight, mask, reduction):
    ours, theirs = both(name, {"reduction": reduction, **kwargs})
    mine, other = ops.convert_to_tensor(y_pred), keras.ops.convert_to_tensor(y_pred)
    if mask is not None:
        set_mask(mine, ops.convert_to_tensor(mask))
        other._keras_mask = keras.ops.convert_to_tensor(mask)
    close(ours(y_true, mine, weight), theirs(y_true, other, weight))


# A plain one, two that leave some samples out themselves, and one number for the whole batch.
@pytest.mark.parametrize(
    ("name", "kwargs"),
    [
        ("MeanSquaredError", {}),
        ("SparseCategoricalCrossentropy", {"ignore_class": 1}),
        ("Circle", {}),
        ("Dice", {}),
    ],
)
def test_reductions_weights_and_masks_agree(name, kwargs):
    y_true, y_pred = data(name, (4, 5, 3))
    per_value = tuple(getattr(losses, name)(reduction="none", **kwargs)(y_true, y_pred).shape)
    weights, masks = [None, 2.0], [None]
    if per_value:  # else there are no samples to weigh
        weights += [values(per_value), values((per_value[0],) + (1,) * len(per_value[1:]))]
        masks += [bits(per_value) > 0]
    for weight, mask, reduction in itertools.product(weights, masks, REDUCTIONS):
        if weight is not None and not per_value and "weight" in reduction:
            continue  # Keras does not divide a number for the whole batch by its weight
        agree_where_reduced(name, kwargs, y_true, y_pred, weight, mask, reduction)


@pytest.mark.parametrize(("name", "kwargs"), ROWS)
def test_weights_and_masks_agree(name, kwargs):
    y_true, y_pred = data(name, (4, 5, 3))
    shape = tuple(getattr(losses, name)(reduction="none", **kwargs)(y_true, y_pred).shape)
    weight, mask = (values(shape), bits(shape) > 0) if shape else (0.5, None)
    reduction = "mean_with_sample_weight" if shape else "sum"
    agree_where_reduced(name, kwargs, y_true, y_pred, weight, mask, reduction)


@pytest.mark.parametrize(("name", "kwargs"), ROWS)
def test_functions_agree(name, kwargs):
    y_true, y_pred = data(name, (4, 3))
    function = TABLE[name][2]
    ours, theirs = getattr(losses, function), getattr(keras.losses, function)
    close(ours(y_true, y_pred, **kwargs), theirs(y_true, y_pred, **kwargs))


MIXED = [("int32", "float32"), ("float32", "float16"), ("int8", "int32")]


@pytest.mark.parametrize(
    ("name", "dtypes"),  # CTC is compiled anew at each call
    [(name, dtypes) for name in TABLE for dtypes in (MIXED[1:2] if name == "CTC" else MIXED)],
)
def test_mixed_types_agree(name, dtypes):
    y_true, y_pred = data(name, (4, 3))
    y_true, y_pred = y_true.astype(dtypes[0]), y_pred.astype(dtypes[1])
    ours, theirs = both(name, {})
    found = ours(y_true, y_pred)
    assert standardize_dtype(found.dtype) == "float32"
    expected = theirs(y_true, y_pred)
    if name == "CategoricalFocalCrossentropy" and np.isnan(
        expected
    ):  # Keras divides the predictions by their sum, here 0
        assert np.isfinite(float(found))
    else:
        close(found, expected)


@pytest.mark.parametrize("name", TABLE)
def test_dtype_is_computed_in(name):
    y_true, y_pred = data(name, (4, 3))
    ours = getattr(losses, name)(dtype="bfloat16")
    assert standardize_dtype(ours(y_true, y_pred).dtype) == ours.dtype == "bfloat16"


@pytest.mark.parametrize(
    "shapes",
    [((4,), (4, 1)), ((4, 1), (4,)), ((4, 3), (4, 3, 1)), ((4, 3, 1), (4, 3)), ((4,), (4,))],
)
@pytest.mark.parametrize("name", ["MeanSquaredError", "BinaryCrossentropy", "Hinge", "Huber"])
def test_a_last_dimension_of_one_may_be_missing(name, shapes):
    y_true, y_pred = bits(shapes[0]), values(shapes[1])
    ours, theirs = both(name, {"reduction": "none"})
    close(ours(y_true, y_pred), theirs(y_true, y_pred))


@pytest.mark.parametrize("shapes", [((64, 3), (64, 1)), ((3, 1), (3, 3)), ((3,), (3, 3))])
@pytest.mark.parametrize("name", [n for n in TABLE if n not in OF_CLASSES])
def test_shapes_that_differ_are_refused(name, shapes):
    with pytest.raises(ValueError) as caught:
        getattr(losses, name)()(bits(shapes[0]), values(shapes[1]))
    assert str(shapes[0]) in str(caught.value) and str(shapes[1]) in str(caught.value)
    assert len(str(caught.value)) <= 600


@pytest.mark.parametrize("name", OF_CLASSES[:2])
@pytest.mark.parametrize("shape", [(4,), (4, 1), (4, 5), (4, 5, 1)])
def test_class_numbers_may_have_a_last_dimension_of_one(shape, name):
    y_true = RANDOM.integers(0, 3, shape)
    y_pred = distribution((*shape[: 2 if 5 in shape else 1], 3))
    ours, theirs = both(name, {"reduction": "none"})
    flat = y_true[..., 0] if shape[-1] == 1 else y_true  # Keras pairs all with all in the second
    close(ours(y_true, y_pred), theirs(flat, y_pred))


@pytest.mark.parametrize("name", OF_CLASSES[:3])
def test_class_numbers_of_another_shape_are_refused(name):
    with pytest.raises(ValueError, match=r"\(6,\)"):
        getattr(losses, name)()(np.zeros(3, "int32"), values((6, 3)))


@pytest.mark.parametrize("shapes", [((4, 2), (4, 5)), ((4,), (4, 5, 3)), ((4, 1), (4,))])
@pytest.mark.parametrize("name", ["Circle", "CTC"])
def test_other_ranks_are_refused(name, shapes):
    with pytest.raises(ValueError, match=r"of shape|shapes"):
        getattr(losses, name)()(np.zeros(shapes[0], "int32"), values(shapes[1]))


def test_class_numbers_are_not_rounded_in_half_width():
    y_pred = np.zeros((1, 4000), "float32")
    y_pred[0, 3001] = 30.0
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, dtype="bfloat16")
    assert float(loss([3001], y_pred)) < 1e-3


@pytest.mark.parametrize(("name", "kwargs"), ROWS)
def test_config_makes_an_equal_loss(name, kwargs):
    cls = getattr(losses, name)
    loss = cls(reduction="sum", name="mine", **kwargs)
    again = cls.from_config(loss.get_config())
    assert again.get_config() == loss.get_config()
    assert {**kwargs, "reduction": "sum", "name": "mine"}.items() <= loss.get_config().items()
    y_true, y_pred = data(name, (4, 3))
    close(again(y_true, y_pred), loss(y_true, y_pred))


@pytest.mark.parametrize(("name", "kwargs"), ROWS)
def test_keras_reads_what_we_write_and_we_what_keras_writes(name, kwargs):
    ours, theirs = both(name, kwargs)
    y_true, y_pred = data(name, (4, 3))
    read = keras.saving.deserialize_keras_object(losses.serialize(ours))
    close(read(y_true, y_pred), ours(y_true, y_pred))
    assert type(losses.deserialize(keras.losses.serialize(theirs))) is type(ours)
    config = theirs.get_config()
    assert config.items() <= ours.get_config().items()


@pytest.mark.parametrize("name", TABLE)
def test_under_jit(name):
    y_true, y_pred = data(name, (4, 3))
    loss = getattr(losses, name)(**first(name))
    compiled = current().jit(lambda a, b: loss(a, b, [1.0, 2.0, 0.0, 1.0]))
    close(compiled(y_true, y_pred), loss(y_true, y_pred, [1.0, 2.0, 0.0, 1.0]))


def test_ignored_classes_are_ignored_under_jit():
    loss = losses.SparseCategoricalCrossentropy(ignore_class=-1)
    y_true, y_pred = np.array([0, -1, 2]), distribution((3, 3))
    close(current().jit(loss)(y_true, y_pred), loss(y_true[[0, 2]], y_pred[[0, 2]]))


NAMES = (
    "mse MSE mae MAE mape MAPE msle MSLE bce BCE kld KLD hinge squared_hinge categorical_hinge "
    "huber log_cosh poisson cosine_similarity kl_divergence binary_crossentropy mean_squared_error "
    "categorical_crossentropy sparse_categorical_crossentropy binary_focal_crossentropy "
    "categorical_focal_crossentropy circle ctc dice tversky"
)


@pytest.mark.parametrize("name", NAMES.split())
def test_names_are_functions_as_in_keras(name):
    assert losses.get(name).__name__ == keras.losses.get(name).__name__


@pytest.mark.parametrize("name", [n for n in TABLE if "Generalized" not in n])
def test_class_names_are_instances_as_in_keras(name):
    assert losses.get(name).name == keras.losses.get(name).name
    assert type(losses.get(name)) is type(losses.get(getattr(losses, name)))


def test_a_loss_that_keras_does_not_know_by_name():
    for name in ("CategoricalGeneralizedCrossEntropy", "categorical_generalized_cross_entropy"):
        assert isinstance(losses.get(name), losses.CategoricalGeneralizedCrossEntropy)


def test_functions_survive_serialization():
    assert losses.deserialize(losses.serialize(losses.huber)) is losses.huber
    assert losses.serialize(losses.huber) == keras.losses.serialize(keras.losses.huber)


@pytest.mark.parametrize("identifier", ["no_such_loss", 3])
def test_unknown_losses_are_refused(identifier):
    with pytest.raises(ValueError, match="losses"):
        losses.get(identifier)


def test_unknown_reductions_are_refused():
    with pytest.raises(ValueError, match="sum_over_batch_size"):
        losses.MeanSquaredError(reduction="auto")


class Weighted(losses.Loss):
    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, y_true, y_pred):
        return self.factor * ops.mean(ops.square(y_true - y_pred), axis=-1)


def test_a_loss_of_ones_own():
    loss = Weighted(3.0, reduction="sum")
    y_true, y_pred = values((4, 3)), values((4, 3))
    close(loss(y_true, y_pred), 3 * keras.losses.MeanSquaredError(reduction="sum")(y_true, y_pred))
    again = Weighted.from_config(loss.get_config())
    assert (again.factor, again.reduction, again.name) == (3.0, "sum", "weighted")
    with pytest.raises(ValueError, match="Weighted"):
        losses.get("Weighted")
    assert isinstance(
        losses.deserialize(
            {"class_name": "Weighted", "config": loss.get_config()},
            custom_objects={"Weighted": Weighted},
        ),
        Weighted,
    )


def test_a_loss_without_call_says_so():
    with pytest.raises(NotImplementedError, match="call"):
        losses.Loss()([1.0], [1.0])


def test_a_function_of_ones_own():
    def third(y_true, y_pred, power=1):
        return ops.mean(ops.absolute(y_true - y_pred) ** power, axis=-1)

    loss = losses.LossFunctionWrapper(third, name="third", power=3)
    y_true, y_pred = values((4, 1)), values((4,))
    close(loss(y_true, y_pred), np.mean(np.abs(y_true[:, 0] - y_pred) ** 3))
    named = losses.LossFunctionWrapper("huber", delta=0.5)
    again = losses.LossFunctionWrapper.from_config(named.get_config())
    close(again(y_true, y_pred), losses.Huber(delta=0.5)(y_true, y_pred))


def test_nested_targets_reach_call_in_one_type():
    class Both(losses.Loss):
        def call(self, y_true, y_pred):
            return ops.mean(ops.square(y_true["a"] - y_pred["a"]) + y_pred["b"], axis=-1)

    one, two = np.ones((2, 3), "int32"), np.zeros((2, 3), "float16")
    assert float(Both()({"a": one, "b": one}, {"a": two, "b": one})) == 2.0


def test_a_weight_for_each_sample_of_sequences():
    y_true, y_pred, weights = values((4, 5, 3)), values((4, 5, 3)), values((4,))
    expected = np.mean(np.mean((y_true - y_pred) ** 2, -1) * weights[:, None])
    close(losses.MeanSquaredError()(y_true, y_pred, weights), expected)


@pytest.mark.parametrize("shape", [(3,), (4, 2), (4, 5, 3), (5,)])
def test_weights_of_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="sample_weight"):
        losses.MeanSquaredError()(values((4, 5, 3)), values((4, 5, 3)), values(shape))


def test_all_weights_zero_with_the_mean_of_weights():
    loss = losses.MeanSquaredError(reduction="mean_with_sample_weight")
    assert float(loss(values((4, 3)), values((4, 3)), np.zeros(4))) == 0.0


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.floats(-50, 50, width=32), st.booleans()), min_size=1, max_size=9))
def test_crossentropy_from_logits_is_finite_and_agrees(pairs):
    x = np.array([[p[0]] for p in pairs], "float32")
    y = np.array([[p[1]] for p in pairs], "float32")
    ours, theirs = both("BinaryCrossentropy", {"from_logits": True})
    close(ours(y, x), theirs(y, x))


# What a random loss is given, by the name of the argument.
ARGUMENTS = {
    "alpha": st.floats(0.0625, 1.0, width=32),
    "beta": st.floats(0.0625, 1.0, width=32),
    "gamma": st.floats(0.0, 4.0, width=32),
    "margin": st.floats(0.0, 0.875, width=32),
    "q": st.floats(0.0625, 0.9375, width=32),
    "delta": st.floats(0.25, 4.0, width=32),
    "label_smoothing": st.floats(0.0, 0.5, width=32),
    "from_logits": st.booleans(),
    "apply_class_balancing": st.booleans(),
    "remove_diagonal": st.booleans(),
}


def takes(name):
    """Which of the random arguments the loss takes."""
    return ARGUMENTS.keys() & inspect.signature(getattr(losses, name)).parameters.keys()


def slopes(name, kwargs, y_true, y_pred):
    ours = getattr(losses, name)(**kwargs)
    return np.asarray(lamina.grad(lambda x: ours(y_true, x))(y_pred))


def agree_with_gradients(name, kwargs, shape):
    y_true, y_pred = data(name, shape)
    ours, theirs = both(name, kwargs)
    expected, gradient = jax.value_and_grad(lambda x: theirs(y_true, x))(y_pred)
    close(ours(y_true, y_pred), expected, rtol=1e-4, atol=1e-5)
    close(slopes(name, kwargs, y_true, y_pred), gradient, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", [name for name in TABLE if not takes(name)])
def test_gradients_agree(name):
    agree_with_gradients(name, {}, (4, 3))


@pytest.mark.parametrize("name", [name for name in TABLE if takes(name)])
@settings(deadline=None, max_examples=4)
@given(drawn=st.data())
def test_random_arguments_agree(name, drawn):
    kwargs = {key: drawn.draw(ARGUMENTS[key]) for key in sorted(takes(name))}
    seed = drawn.draw(st.integers(0, 2**16))
    RANDOM.bit_generator.state = np.random.default_rng(seed).bit_generator.state
    agree_with_gradients(name, kwargs, drawn.draw(st.sampled_from([(4, 3), (3, 2, 3)])))


@pytest.mark.parametrize("name", TABLE)
def test_gradients_are_finite_at_the_borders(name):
    y_true, y_pred = data(name, (4, 3))
    y_pred[0], y_pred[1] = 0.0, 1.0
    y_pred[0, ..., 0], y_pred[1, ..., 0] = 1.0, 0.0
    arguments = {"gamma": 0.5} if "gamma" in takes(name) else {}
    assert np.all(np.isfinite(slopes(name, arguments, y_true, y_pred)))


@pytest.mark.parametrize("name", ["MeanSquaredError", "CategoricalFocalCrossentropy", "Circle"])
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean_with_sample_weight"])
def test_nothing_that_counts_is_0_with_gradients_of_0(name, reduction):
    y_true, y_pred = data(name, (4, 3))
    loss = getattr(losses, name)(reduction=reduction)

    def masked(x):
        set_mask(x, ops.zeros((4,), "bool"))
        return loss(y_true, x)

    for function in (masked, lambda x: loss(y_true, x, np.zeros(4))):
        assert float(function(ops.convert_to_tensor(y_pred))) == 0.0
        assert not np.any(np.asarray(lamina.grad(function)(y_pred)))


def test_circle_compares_with_references():
    y_true, y_pred, others = class_of_each((5, 3)), unit((5, 3)), unit((7, 3))
    for remove in (True, False):
        arguments = (y_true, y_pred, class_of_each((7, 3)), others, remove, 3.0, 0.2)
        close(losses.circle(*arguments), keras.losses.circle(*arguments))


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("y_true", [[0, 0, 0], [0, 1, 2]])
def test_circle_is_zero_where_there_is_nothing_to_compare(y_true, dtype):
    embeddings = unit((3, 4))
    assert float(losses.Circle(dtype=dtype)(y_true, embeddings)) == 0.0
    assert not np.any(slopes("Circle", {"dtype": dtype}, y_true, embeddings))


@pytest.mark.parametrize("q", [0.0, 1.0, -0.5, 2])
def test_noise_is_between_0_and_1(q):
    with pytest.raises(ValueError, match=f"q={q}"):
        losses.CategoricalGeneralizedCrossEntropy(q)


def test_dice_of_a_whole_batch_has_no_samples_to_weigh():
    y_true, y_pred = bits((4, 3)), values((4, 3))
    with pytest.raises(ValueError, match=r"axis=\(1, …\)") as caught:
        losses.Dice()(y_true, y_pred, [1.0, 2.0, 3.0, 4.0])
    assert len(str(caught.value)) <= 600
    by_sample = {"axis": [1]}  # a list, as files have it
    ours, theirs = losses.Dice(**by_sample), keras.losses.Dice(axis=(1,))
    close(ours(y_true, y_pred, values((4,)) * 0 + 2), theirs(y_true, y_pred, np.full(4, 2.0)))


FORMULAS = {one.__name__: one for one in registry.slots["formulas"].values()}
OF_CLASS_NUMBERS = ("circle", "categorical_generalized_cross_entropy")


@pytest.mark.parametrize("name", FORMULAS)
def test_formulas_of_symbolic_tensors(name):
    """They stand in graphs as ops do."""
    numbered = name.startswith("sparse") or name in OF_CLASS_NUMBERS
    target = lamina.KerasTensor((2,) if numbered else (2, 3))
    output = lamina.KerasTensor((2, 5, 4) if name == "ctc" else (2, 3))
    options = {"q": 0.5} if name == "categorical_generalized_cross_entropy" else {}
    found = FORMULAS[name](target, output, **options)
    assert isinstance(found, lamina.KerasTensor)
    assert found.shape in ((2,), (), (2, 3))
