"""One-hot rows, unit length and padding, held to Keras's results."""

import importlib
import os

import numpy as np
import pytest

from lamina.utils.numeric import normalize, to_categorical
from lamina.utils.sequences import pad_sequences

# Keras looks for TensorFlow unless told otherwise; what is compared here is NumPy throughout.
os.environ.setdefault("KERAS_BACKEND", "jax")
keras_utils = importlib.import_module("keras").utils
SEQUENCES = [[1], [2, 3], [4, 5, 6]]


def assert_same(result, expected):
    assert type(result) is np.ndarray
    assert (result.dtype, result.shape) == (expected.dtype, expected.shape)
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize(
    "labels",
    [[0, 1, 2], [[0], [1]], [[0, 1], [1, 2]], 2, np.array([0.0, 1.0]), np.array([True, False]),
     np.zeros((2, 3, 1), "uint8"), [[1]], ["1", "0"]],
)  # fmt: skip
@pytest.mark.parametrize("count", [None, 4])
def test_to_categorical(labels, count):
    assert_same(to_categorical(labels, count), keras_utils.to_categorical(labels, count))


def test_to_categorical_of_nothing():
    assert_same(to_categorical([], 3), keras_utils.to_categorical([], 3))
    with pytest.raises(ValueError, match="pass num_classes"):
        to_categorical([])


@pytest.mark.parametrize(
    ("labels", "message"),
    [([0, 3], r"at \[1\] is 3, but the classes are 0 to 2"), ([[0, -1]], r"at \[0, 1\] is -1"),
     ([1.7], "whole numbers"), ([0, float("nan")], "whole numbers")],
)  # fmt: skip
def test_to_categorical_names_a_wrong_label(labels, message):
    with pytest.raises(ValueError, match=message):
        to_categorical(labels, 3)


@pytest.mark.parametrize("axis", [1, -1])
@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64", "complex128"])
def test_normalize(axis, order, dtype):
    array = np.array([[1, -2, 0], [3, 4, 0], [0, 0, 0]], dtype)
    result, expected = normalize(array, axis, order), keras_utils.normalize(array, axis, order)
    assert (result.dtype, result.shape) == (expected.dtype, expected.shape)
    tolerance = 1e-3 if dtype == "float16" else 1e-12
    np.testing.assert_allclose(result, expected, rtol=tolerance)
    np.testing.assert_array_equal(normalize(array.T, 0, order), result.T)


def test_normalize_of_a_vector_and_a_list():
    vector = np.array([3.0, 4.0])
    assert_same(normalize(vector), keras_utils.normalize(vector))
    assert_same(normalize([3, 4]), np.array([[0.6, 0.8]]))


@pytest.mark.parametrize(
    "options",
    [{}, {"padding": "post"}, {"maxlen": 2}, {"maxlen": 2, "truncating": "post"},
     {"maxlen": 5, "value": 9, "dtype": "float32"}, {"dtype": object, "value": "a"}],
)  # fmt: skip
def test_pad_sequences(options):
    result = pad_sequences(SEQUENCES, **options)
    assert_same(result, keras_utils.pad_sequences(SEQUENCES, **options))


@pytest.mark.parametrize(
    "sequences",
    [[[], []], [[], [1]], [[[1, 2]], [[3, 4], [5, 6]]], [[], [[1, 2]]], np.arange(6).reshape(2, 3),
     ((1,), (2, 3)), [[1.7], [2, 3]], [np.array([1]), np.array([1, 2])]],
)  # fmt: skip
def test_pad_sequences_of_every_kind(sequences):
    assert_same(pad_sequences(sequences), keras_utils.pad_sequences(sequences))


def test_pad_sequences_to_length_zero():
    assert pad_sequences(SEQUENCES, maxlen=0).shape == (3, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(([],), "empty"), (([1, 2],), "item 0 is 1"), ((iter(()),), "list"), ((3,), "not int"),
     (([[[1, 2]], [[3]]],), "sequence 1"), ((SEQUENCES, -1), "negative"),
     ((SEQUENCES, 2, "int32", "up"), "padding is"), ((SEQUENCES, 2, "int32", "pre", "up"), "trunc"),
     ((SEQUENCES, 2, "int32", "pre", "pre", "a"), "dtype=object")],
)  # fmt: skip
def test_pad_sequences_names_a_wrong_argument(arguments, message):
    with pytest.raises(ValueError, match=message):
        pad_sequences(*arguments)
