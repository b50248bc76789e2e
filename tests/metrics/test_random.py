"""Metrics against Keras on drawn arguments and data."""

import inspect

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina import metrics
from tests.losses.data import RANDOM
from tests.metrics.table import TABLE
from tests.metrics.test_metrics import close, data, for_keras, weights

# What a metric is given, by the name of the argument.
SHARES = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]) | st.floats(0.0, 1.0, width=32)
ARGUMENTS = {
    "thresholds": st.none() | st.lists(SHARES, min_size=1, max_size=3),
    "threshold": st.floats(0.125, 0.875, width=32),
    "top_k": st.none() | st.sampled_from([1, 2, 3]),
    "class_id": st.none() | st.sampled_from([0, 2]),
    "curve": st.sampled_from(["ROC", "PR", "PRGAIN"]),
    "summation_method": st.sampled_from(["interpolation", "minoring", "majoring"]),
    "multi_label": st.booleans(),
    "num_thresholds": st.sampled_from([2, 5, 200]),
    "specificity": SHARES,
    "sensitivity": SHARES,
    "recall": SHARES,
    "precision": SHARES,
    "average": st.sampled_from([None, "micro", "macro", "weighted"]),
    "beta": st.floats(0.25, 4.0, width=32),
    "class_aggregation": st.sampled_from([None, "uniform_average", "variance_weighted_average"]),
    "num_regressors": st.sampled_from([0, 2]),
    "num_classes": st.sampled_from([3, 4]),
    "target_class_ids": st.lists(st.sampled_from([0, 1]), min_size=1, max_size=2),
    "ignore_class": st.none() | st.sampled_from([0, 2]),
    "k": st.sampled_from([1, 2]),
    "label_smoothing": st.floats(0.0, 0.5, width=32),
    "from_logits": st.booleans(),
}
NAMES = [
    name
    for name in TABLE
    if ARGUMENTS.keys() & inspect.signature(getattr(metrics, name)).parameters.keys()
]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Explicitly requested dtype int64")
@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None, max_examples=12)
@given(drawn=st.data())
def test_random_arguments_agree(name, drawn):
    parameters = inspect.signature(getattr(metrics, name)).parameters
    kwargs = {key: drawn.draw(one) for key, one in ARGUMENTS.items() if key in parameters}
    seed = drawn.draw(st.integers(0, 2**16))
    RANDOM.bit_generator.state = np.random.default_rng(seed).bit_generator.state
    ours, theirs = getattr(metrics, name)(**kwargs), getattr(keras.metrics, name)(**kwargs)
    for _ in range(2):
        y_true, y_pred = data(name, (6, 3))
        weight = weights(name, (6,)) if drawn.draw(st.booleans()) else None
        expected = theirs(y_true, y_pred, for_keras(name, weight, y_true))
        close(ours(y_true, y_pred, weight), expected, rtol=1e-4, atol=1e-5)
