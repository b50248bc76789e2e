"""Every metric against real Keras, on what its row of the table says."""

import inspect

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina import losses, metrics, ops
from lamina.backend import current, standardize_dtype
from lamina.core.context import set_mask
from tests.losses.data import (
    RANDOM,
    bits,
    classes,
    distribution,
    logits,
    missing_from_docstring,
    values,
)
from tests.metrics.table import AREAS, OF_PLACES, OF_TABLES, TABLE


def sorted_classes(shape):
    return np.argsort(values(shape), axis=-1).astype("float32")


OF_VALUES = ("Mean", "Sum")
BASES = ("Metric", "MeanMetricWrapper")
# Keras says so of its own integers, and of its own scores without data.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Explicitly requested dtype int64"),
    pytest.mark.filterwarnings("ignore:(More independent|Division by zero)"),
]
ROWS = [(name, kwargs) for name, row in TABLE.items() for kwargs in row[2]]
PUBLIC = [name for name, one in vars(metrics).items() if inspect.isclass(one)]
FUNCTIONS = [
    name
    for name, one in vars(metrics).items()
    if inspect.isfunction(one) and hasattr(keras.metrics, name)
]


def both(name, kwargs):
    return getattr(metrics, name)(**kwargs), getattr(keras.metrics, name)(**kwargs)


def close(ours, theirs, rtol=1e-5, atol=2e-6):
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=rtol, atol=atol)


def data(name, shape):
    shape = shape[-2:] if name in OF_TABLES else shape
    return TABLE[name][0](shape), TABLE[name][1](shape)


def first(name):
    """The arguments of the row that comes first."""
    return TABLE[name][2][0] if name in TABLE else {}


def weights(name, shape):
    """Weights of a kind that the metric takes."""
    return RANDOM.integers(0, 3, shape, "int32") if name in OF_PLACES else values(shape)


def for_keras(name, weights, y_true):
    """The weights as Keras takes them."""
    if weights is None:
        return None
    if name in OF_PLACES:
        like = y_true[..., 0] if "OneHot" in name else y_true
        weights = weights.reshape(weights.shape[: like.ndim] + (1,) * (like.ndim - weights.ndim))
        return np.broadcast_to(weights, like.shape).reshape(-1)
    return weights[:, 0] if name in ("FBetaScore", "F1Score") and weights.ndim == 2 else weights


def test_every_class_has_a_row():
    assert {*PUBLIC} == {*TABLE, *OF_VALUES, *BASES}


@pytest.mark.parametrize("name", PUBLIC + FUNCTIONS)
def test_docstrings_say_what_every_argument_is(name):
    assert missing_from_docstring(getattr(metrics, name)) == []


@pytest.mark.parametrize("name", PUBLIC + FUNCTIONS)
def test_signatures_are_those_of_keras(name):
    kept = [
        [(p.name, p.default) for p in inspect.signature(getattr(one, name)).parameters.values()]
        for one in (metrics, keras.metrics)
    ]
    assert kept[0] == kept[1]


@pytest.mark.parametrize(("name", "kwargs"), ROWS)
def test_batches_and_weights_agree(name, kwargs):
    ours, theirs = both(name, kwargs)
    flat = kwargs.get("axis") == 1  # then a sample has no columns to be weighed
    for size, shape in [(6, None), (9, (9,)), (9, (9,) if flat else (9, 1))]:
        y_true, y_pred = data(name, (size, 3))
        weight = None if shape is None else weights(name, shape)
        expected = theirs(y_true, y_pred, for_keras(name, weight, y_true))
        close(ours(y_true, y_pred, weight), expected)
    for mine, other in zip(ours.variables, theirs.variables, strict=True):
        close(mine, other.numpy(), atol=1e-5)
        assert (mine.name, mine.shape, mine.dtype) == (other.name, other.shape, other.dtype)
    ours.reset_state()
    theirs.reset_state()
    close(ours.result(), theirs.result())


@pytest.mark.parametrize("name", TABLE)
def test_masks_agree(name):
    y_true, y_pred = data(name, (4, 5, 3))
    mask = bits(y_pred.shape[:-1]) > 0
    for weight in (None, weights(name, (len(y_pred), 1)), weights(name, mask.shape)):
        ours, theirs = both(name, first(name))
        mine, other = ops.convert_to_tensor(y_pred), keras.ops.convert_to_tensor(y_pred)
        set_mask(mine, ops.convert_to_tensor(mask))
        other._keras_mask = keras.ops.convert_to_tensor(mask)
        try:
            expected = theirs(y_true, other, for_keras(name, weight, y_true))
        except (TypeError, ValueError):  # weights that Keras cannot spread over labels
            with pytest.raises(ValueError, match="sample_weight"):
                ours(y_true, mine, weight)
        else:
            close(ours(y_true, mine, weight), expected)


@pytest.mark.parametrize("dtypes", [("int32", "float32"), ("bool", "float16"), ("int8", "float32")])
@pytest.mark.parametrize("name", TABLE)
def test_mixed_types_agree(name, dtypes):
    y_true, y_pred = data(name, (4, 3))
    y_true = y_true.astype("int32" if "Sparse" in name else dtypes[0])
    y_pred = y_pred.astype(dtypes[1])
    ours, theirs = both(name, first(name))
    found = ours(y_true, y_pred)
    assert standardize_dtype(found.dtype) == "float32"
    # Frameworks round halves differently, here and there on the way.
    tolerance = {"rtol": 1e-2, "atol": 1e-3} if dtypes[1] == "float16" else {}
    close(found, theirs(y_true, y_pred), **tolerance)


@pytest.mark.parametrize("shapes", [((4,), (4, 1)), ((4, 1), (4,)), ((4, 3), (4, 3, 1))])
@pytest.mark.parametrize(
    "name",
    ["MeanSquaredError", "RootMeanSquaredError", "BinaryAccuracy", "Precision", "AUC"],
)
def test_a_last_dimension_of_one_may_be_missing(name, shapes):
    ours, theirs = both(name, {})
    y_true, y_pred = bits(shapes[0]), values(shapes[1])
    close(ours(y_true, y_pred), theirs(y_true, y_pred))


@pytest.mark.parametrize("name", [n for n in TABLE if "Sparse" not in n and "OneHot" not in n])
def test_shapes_that_differ_are_refused(name):
    metric = getattr(metrics, name)(**first(name))
    before = metric.result()
    with pytest.raises(ValueError, match=r"\(6, 3\) and \(6, 1\)"):
        metric.update_state(bits((6, 3)), values((6, 1)))
    close(metric.result(), before)


@pytest.mark.parametrize("name", [n for n in TABLE if n.startswith("Sparse")])
def test_class_numbers_of_another_shape_are_refused(name):
    with pytest.raises(ValueError):
        getattr(metrics, name)().update_state(np.zeros(3, "int32"), values((6, 3)))


@pytest.mark.parametrize("shape", [(4,), (4, 1), (4, 5), (4, 5, 1)])
@pytest.mark.parametrize("name", [n for n in TABLE if n.startswith("Sparse")])
def test_class_numbers_may_have_a_last_dimension_of_one(name, shape):
    y_true = RANDOM.integers(0, 3, shape)
    y_pred = distribution((*shape[: 2 if 5 in shape else 1], 3))
    ours, theirs = both(name, {"k": 2} if "TopK" in name else {})
    close(ours(y_true, y_pred), theirs(y_true, y_pred))


def test_top_k_of_sorted_class_numbers_agrees():
    ours, theirs = both("SparseTopKCategoricalAccuracy", {"k": 2, "from_sorted_ids": True})
    y_true, y_pred = classes((20, 5)), sorted_classes((20, 5))
    close(ours(y_true, y_pred), theirs(y_true, y_pred))


@pytest.mark.parametrize("area", [*AREAS, {"num_labels": 3}])
def test_area_of_each_label_agrees(area):
    ours, theirs = both("AUC", {"multi_label": True, **area})
    close(ours.result() if not ours.variables else 0.0, 0.0)
    for weight in (None, values((20,)), values((20, 1)), values((20, 3))):
        y_true, y_pred = bits((20, 3)), values((20, 3))
        close(ours(y_true, y_pred, weight), theirs(y_true, y_pred, weight))


def test_area_from_logits_agrees():
    ours, theirs = both("AUC", {"from_logits": True})
    y_true, y_pred = bits((30,)), logits((30,))
    close(ours(y_true, y_pred), theirs(y_true, y_pred))


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.tuples(st.sampled_from([0, 0.25, 0.5, 1]), st.booleans()), min_size=9, max_size=9)
)
def test_predictions_on_a_threshold_agree(pairs):
    y_pred = np.array([p[0] for p in pairs], "float32")
    y_true = np.array([p[1] for p in pairs], "float32")
    for name in ("TruePositives", "FalsePositives", "TrueNegatives", "FalseNegatives"):
        ours, theirs = both(name, {"thresholds": [0.0, 0.25, 0.5, 1.0]})
        close(ours(y_true, y_pred), theirs(y_true, y_pred))
    ours, theirs = both("AUC", {"num_thresholds": 5})
    close(ours(y_true, y_pred), theirs(y_true, y_pred))


@pytest.mark.parametrize("name", OF_VALUES)
def test_sums_and_means_of_values_agree(name):
    ours, theirs = both(name, {})
    for shape, weight in [
        ((), None),
        ((), ()),
        ((3,), None),
        ((3,), (3,)),
        ((3,), (3, 1)),
        ((3, 4), None),
        ((3, 4), ()),
        ((3, 4), (3,)),
        ((3, 4), (3, 1)),
        ((3, 4), (3, 4)),
        ((3, 4, 2), (3,)),
        ((3, 4, 2), (3, 4)),
    ]:
        x, w = values(shape), None if weight is None else values(weight)
        close(ours(x, w), theirs(x, w))


def test_integers_are_added_up_as_floats():
    metric = metrics.Mean()
    metric.update_state(2**30)
    metric.update_state(np.int32(2**30))
    assert float(metric.result()) == 2.0**30


@pytest.mark.parametrize("name", TABLE)
def test_under_jit(name):
    ours, theirs = both(name, first(name))
    compiled = current().jit(lambda a, b, w: ours.update_state(a, b, w))
    for _ in range(2):
        y_true, y_pred = data(name, (6, 3))
        weight = weights(name, (6,))
        compiled(y_true, y_pred, weight)
        theirs.update_state(y_true, y_pred, for_keras(name, weight, y_true))
    close(ours.result(), theirs.result())
    close(current().jit(ours.result)(), theirs.result())


@pytest.mark.parametrize("name", [*TABLE, *OF_VALUES])
def test_stateless_calls_change_nothing(name):
    ours, theirs = both(name, first(name))
    arguments = data(name, (6, 3)) if name in TABLE else (values((6,)),)
    for metric in (ours, theirs):  # some make their variables now
        metric.update_state(*arguments)
        metric.reset_state()
    before = [variable.numpy() for variable in ours.variables]
    after = ours.stateless_update_state(ours.variables, *arguments)
    for mine, other in zip(
        after,
        theirs.stateless_update_state([v.value for v in theirs.variables], *arguments),
        strict=True,
    ):
        close(mine, other)
    close(ours.stateless_result(after), theirs(*arguments))
    for variable, value in zip(ours.variables, before, strict=True):
        close(variable, value)
    ours.update_state(*arguments)
    for value in ours.stateless_reset_state():
        assert not np.any(np.asarray(value))
    close(ours.result(), theirs.result())


@pytest.mark.parametrize(
    ("name", "kwargs"), [("F1Score", {}), ("R2Score", {}), ("AUC", {"multi_label": True})]
)
def test_columns_are_those_of_the_first_batch(name, kwargs):
    ours, theirs = both(name, kwargs)
    y_true, y_pred = bits((6, 3)), values((6, 3))
    after = ours.stateless_update_state(ours.variables, y_true, y_pred)
    expected = theirs.stateless_update_state(theirs.variables, y_true, y_pred)
    for mine, other in zip(after, expected, strict=True):
        close(mine, other)
    close(ours.stateless_result(after), theirs.stateless_result(expected))
    assert not any(np.any(variable.numpy()) for variable in ours.variables)
    with pytest.raises(ValueError, match="3 columns"):
        ours.update_state(bits((6, 2)), values((6, 2)))


def test_too_few_targets_leave_the_score_as_it_is():
    y_true, y_pred = logits((3, 1)), logits((3, 1))
    ours, theirs = both("R2Score", {"num_regressors": 2})
    with pytest.warns(UserWarning, match="3 targets, too few to adjust"):
        found = ours(y_true, y_pred)
    close(found, theirs(y_true, y_pred))


def test_stateless_calls_count_their_values():
    with pytest.raises(ValueError, match="2 variables, and 1"):
        metrics.Mean().stateless_result([1.0])


@pytest.mark.parametrize(("name", "kwargs"), [*ROWS, ("Mean", {}), ("Sum", {})])
def test_configs(name, kwargs):
    ours, theirs = both(name, {"name": "mine", **kwargs})
    config = ours.get_config()
    again = type(ours).from_config(config)
    assert again.get_config() == config
    assert {"name": "mine", **kwargs}.items() <= config.items()
    written = theirs.get_config()
    assert written.keys() <= config.keys() and config["dtype"] == written["dtype"]
    arguments = data(name, (6, 3)) if name in TABLE else (values((6,)),)
    expected = ours(*arguments)
    close(again(*arguments), expected)
    if "label_weights" not in kwargs:  # which Keras writes as a tensor: the file reader's matter
        read = metrics.deserialize(keras.metrics.serialize(theirs))
        close(read(*arguments), theirs(*arguments))
    close(keras.metrics.deserialize(metrics.serialize(ours))(*arguments), expected)


@pytest.mark.parametrize("name", [*TABLE, *OF_VALUES])
def test_names_mean_classes_as_in_keras(name):
    if first(name):  # it cannot be made from its name alone
        with pytest.raises(TypeError):
            metrics.get(name)
        return
    for known in (name, keras.src.utils.naming.to_snake_case(name)):
        assert type(metrics.get(known)).__name__ == type(keras.metrics.get(known)).__name__


@pytest.mark.parametrize("name", ["mse", "mae", "mape", "msle", "bce"])
def test_short_names(name):
    for known in (name, name.upper()):
        assert metrics.get(known).name == keras.metrics.get(known).name


@pytest.mark.parametrize("identifier", ["no_such_metric", 3])
def test_unknown_metrics_are_refused(identifier):
    with pytest.raises(ValueError, match="metrics"):
        metrics.get(identifier)


SHAPES = [
    ((8,), (8, 1)),
    ((8, 1), (8, 1)),
    ((8,), (8, 3)),
    ((8, 1), (8, 3)),
    ((8, 3), (8, 3)),
    ((8, 5), (8, 5, 3)),
    ((8, 5, 1), (8, 5, 1)),
    ((8, 5), (8, 5, 1)),
    ((8, 5, 3), (8, 5, 3)),
    ((8, 1, 1), (8, 1, 3)),
    ((8, 2), (8, 2)),
    ((8, 1), (8, 1, 4)),
    ((8, 5, 1), (8, 5)),
]


@pytest.mark.parametrize("shapes", SHAPES)
def test_accuracy_means_what_it_means_in_keras(shapes):
    model = keras.Sequential([keras.layers.Input(shapes[1][1:]), keras.layers.Activation("relu")])
    model.compile(loss=lambda y_true, y_pred: keras.ops.sum(y_pred), metrics=["accuracy"])
    model.evaluate(values(shapes[1]), np.zeros(shapes[0]), verbose=0)
    theirs = type(model._compile_metrics.metrics[0]).__name__
    assert metrics.accuracy_for(*shapes).__name__ == theirs
    kind = theirs.removesuffix("Accuracy") + "Crossentropy"
    assert metrics.crossentropy_for(*shapes).__name__ == kind


class Both(metrics.Metric):
    def __init__(self, scale=1.0, name="both", **kwargs):
        super().__init__(name=name, **kwargs)
        self.scale = scale
        self.inner = metrics.Mean()
        self.total = self.add_weight(shape=(), initializer="zeros", name="total")
        self.last = self.add_variable((2,), lambda shape, dtype: np.ones(shape), name="last")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.total.assign_add(self.scale * ops.sum(y_pred))
        self.last.assign(y_pred[-2:])
        self.inner.update_state(y_pred, sample_weight)

    def result(self):
        return {"total": self.total.value, "mean": self.inner.result()}


def test_a_metric_of_ones_own():
    metric = Both(scale=2.0)
    assert [v.path for v in metric.variables] == [
        "both/total",
        "both/last",
        "mean/total",
        "mean/count",
    ]
    assert not any(v.trainable for v in metric.variables)
    current().jit(metric.update_state)(None, np.array([1.0, 2.0, 6.0], "float32"))
    assert {key: float(value) for key, value in metric.result().items()} == {"total": 18, "mean": 3}
    after = metric.stateless_update_state(metric.variables, None, ops.ones((2,)))
    close(list(metric.stateless_result(after).values()), [22.0, 2.2])
    metric.reset_state()
    assert not any(np.any(v.numpy()) for v in metric.variables)
    assert Both.from_config(metric.get_config()).scale == 2.0


def test_names_are_counted():
    first, second = metrics.Precision(), metrics.Precision()
    assert first.name != second.name and second.name.startswith("precision_")
    assert first.variables[0].path == f"{first.name}/true_positives"


def test_a_metric_without_methods_says_so():
    metric = metrics.Metric()
    for call in (metric.update_state, metric.result):
        with pytest.raises(NotImplementedError, match="Metric"):
            call()


def test_the_mean_of_a_function():
    metric = metrics.MeanMetricWrapper(losses.huber, name="h", delta=0.5)
    again = metrics.MeanMetricWrapper.from_config(metric.get_config())
    y_true, y_pred = logits((6, 3)), logits((6, 3))
    expected = keras.metrics.MeanMetricWrapper(keras.losses.huber, delta=0.5)(y_true, y_pred)
    close(metric(y_true, y_pred), expected)
    close(again(y_true, y_pred), expected)


@pytest.mark.parametrize(
    "make",
    [
        lambda: metrics.AUC(curve="bad"),
        lambda: metrics.AUC(summation_method="bad"),
        lambda: metrics.AUC(num_thresholds=1),
        lambda: metrics.AUC(num_labels=3),
        lambda: metrics.Precision(thresholds=1.5),
        lambda: metrics.Recall(thresholds=[0.1, None]),
        lambda: metrics.Precision(class_id=5)(bits((4, 3)), values((4, 3))),
        lambda: metrics.AUC(multi_label=True, num_labels=4)(bits((4, 3)), values((4, 3))),
        lambda: metrics.AUC(multi_label=True)(bits((4,)), values((4,))),
        lambda: metrics.AUC(label_weights=[0.5, 0.5])(bits((4, 3)), values((4, 3))),
        lambda: metrics.PrecisionAtRecall(1.5),
        lambda: metrics.RecallAtPrecision(-0.5),
        lambda: metrics.SensitivityAtSpecificity(0.5, num_thresholds=0),
        lambda: metrics.SpecificityAtSensitivity(0.5, class_id=3)(bits((4, 3)), values((4, 3))),
        lambda: metrics.FBetaScore(beta=0.0),
        lambda: metrics.F1Score(threshold=1.5),
        lambda: metrics.F1Score(average="mean"),
        lambda: metrics.F1Score()(bits((4, 3, 2)), values((4, 3, 2))),
        lambda: metrics.R2Score(num_regressors=-1),
        lambda: metrics.R2Score(class_aggregation="mean"),
        lambda: metrics.R2Score()(values((4,)), values((4,))),
    ],
)
def test_bad_arguments_are_refused(make):
    with pytest.raises(ValueError):
        make()


def test_weights_and_results_in_half_width():
    metric = metrics.MeanSquaredError(dtype="float16")
    assert standardize_dtype(metric([1.0], [0.0]).dtype) == "float16"
    assert [v.dtype for v in metric.variables] == ["float16", "float16"]
