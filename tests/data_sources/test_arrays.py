"""Batches of arrays in memory: order, conversion, checks."""

import threading
import warnings

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from hypothesis import given
from hypothesis import strategies as st

from lamina.data import ArraySource, EmptyDataError, arrays, make_source, split_validation


def rows_of(source, seed=None):
    return [batch.tolist() for batch in source.epoch(seed)]


@given(rows=st.integers(1, 60), batch=st.integers(1, 9), steps=st.integers(1, 5))
def test_chunks_are_the_batches_of_the_epoch(rows, batch, steps):
    x = np.arange(rows * 2.0).reshape(rows, 2)
    source = ArraySource(x, x[:, 0].astype("int32"), batch_size=batch, shuffle=True)
    singles = list(source.epoch(7))
    unstacked = []
    for chunk in source.stacked(steps, 7):
        leaves = [chunk.batch] if chunk.steps == 1 else zip(*chunk.batch, strict=True)
        unstacked += leaves
    assert len(unstacked) == len(singles) == source.num_batches
    for one, other in zip(singles, unstacked, strict=True):
        for array, expected in zip(other, one, strict=True):
            assert array.dtype == expected.dtype
            np.testing.assert_array_equal(array, expected)
    assert sorted(np.concatenate([y for _, y in singles])) == sorted(x[:, 0])


def test_a_seed_gives_one_order_and_none_gives_the_order_of_the_data():
    source = ArraySource(np.arange(20), batch_size=4, shuffle=True)
    assert rows_of(source, 1) == rows_of(source, 1) != rows_of(source, 2)
    assert np.concatenate(rows_of(source)).tolist() == list(range(20))
    assert rows_of(ArraySource(np.arange(4), shuffle=False), 3) == [[0, 1, 2, 3]]


def test_the_order_of_a_seed_never_changes():
    source = ArraySource(np.arange(8), batch_size=8, shuffle=True)
    assert rows_of(source, 0) == [np.random.Generator(np.random.Philox(0)).permutation(8).tolist()]


def test_shuffling_batches_keeps_neighbours_together_and_the_short_one_last():
    batches = rows_of(ArraySource(np.arange(11), batch_size=3, shuffle="batch"), 5)
    assert batches[-1] == [9, 10]
    assert sorted(batches[:-1]) == [[0, 1, 2], [3, 4, 5], [6, 7, 8]] != batches[:-1]


def test_batches_are_fresh_arrays():
    x = np.zeros((4, 2), "float32")
    for batch in ArraySource(x, batch_size=2).epoch():
        batch += 1
    for chunk in ArraySource(x, batch_size=2).stacked(2):
        chunk.batch[:] = 1
        assert chunk.batch.flags.c_contiguous
    assert not x.any()


@pytest.mark.parametrize(
    "x",
    [
        [[1.0, 2.0], [3.0, 4.0]],
        np.array([[1.0, 2.0], [3.0, 4.0]], "float16"),
        pd.DataFrame({"a": [1, 3], "b": [2.0, 4.0]}),
        pd.DataFrame({"a": pd.array([1, 3], "Int64"), "b": pd.array([2, 4], "Int64")}) * 1.0,
        torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True),
        torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.bfloat16),
        jnp.array([[1.0, 2.0], [3.0, 4.0]]),
        jnp.array([[1.0, 2.0], [3.0, 4.0]], "bfloat16"),
        scipy.sparse.csr_matrix([[1.0, 2.0], [3.0, 4.0]]),
    ],
    ids=lambda x: type(x).__name__,
)
def test_every_kind_of_array_becomes_floatx(x):
    for shuffle in (False, True):
        source = make_source(x, shuffle=shuffle)
        batch = next(source.epoch(1))
        assert batch.dtype == "float32"
        assert sorted(batch.tolist()) == [[1, 2], [3, 4]]


def test_a_pandas_column_has_the_shape_of_a_table_of_one_column():
    x, y = next(make_source(pd.Series([1.0, 2.0]), pd.DataFrame({"y": [True, False]})).epoch())
    assert x.shape == y.shape == (2, 1) and y.dtype == bool


def test_numbers_that_are_not_floating_keep_their_dtype():
    x = {"ids": np.arange(3, dtype="uint8"), "mask": np.ones(3, bool), "value": np.ones(3)}
    batch = next(make_source(x, floatx="float16").epoch())
    assert [batch[key].dtype.name for key in sorted(batch)] == ["uint8", "bool", "float16"]


@pytest.mark.parametrize(
    ("x", "error", "text"),
    [
        (np.array(["a"]), TypeError, "x has dtype <U1"),
        ({"a": np.array([None])}, TypeError, r"x\['a'\] has dtype object"),
        (np.ones(2) * 1j, TypeError, "complex128"),
        (pd.DataFrame({"age": [1], "name": ["b"]}), TypeError, r"x\['name'\]"),
        (
            pd.DataFrame({"age": pd.array([1, None], "Int64")}),
            ValueError,
            "no value in 1 rows, first in row 1",
        ),
        ([[1, 2], [3]], ValueError, "differ in length"),
        (np.float32(3), ValueError, "single number"),
        (np.array([1.0, 1e39]), ValueError, "1e.39, which does not fit float32 .row 1"),
        (np.empty((0, 3)), EmptyDataError, r"\(0, 3\)"),
        ([], EmptyDataError, "0 rows"),
        ("text", TypeError, "`x` is a str"),
        (7, TypeError, "`x` is a int"),
        ([object()], TypeError, "list of object"),
    ],
)
def test_bad_input_is_named(x, error, text):
    with pytest.raises(error, match=text) as raised:
        next(make_source(x).epoch())
    assert len(str(raised.value)) <= 600


def test_lengths_that_differ_are_listed():
    with pytest.raises(ValueError, match=r"x\['a'\]: 3, x\['b'\]: 3, y: 2"):
        make_source({"a": np.ones(3), "b": np.ones(3)}, np.ones(2))


@pytest.mark.parametrize("bad", [0, -3, 2.5, True, "8"])
def test_counts_are_checked(bad):
    for name, argument in (("batch_size", {"batch_size": bad}), ("steps", {"steps": bad})):
        with pytest.raises(ValueError, match=f"`{name}` must be a whole number"):
            make_source(np.ones(3), **argument)


def test_empty_arrays_may_be_allowed():
    source = make_source(np.empty((0, 3)), allow_empty=True)
    assert list(source.epoch()) == [] and source.peek().shape == (0, 3)


def test_class_weights_become_sample_weights():
    for y in (np.array([0, 1, 0]), np.array([[0], [1], [0]]), np.eye(2)[[0, 1, 0]]):
        _, _, weight = next(make_source(np.ones(3), y, class_weight={0: 2.0, 1: 0.5}).epoch())
        assert weight.tolist() == [2.0, 0.5, 2.0] and weight.dtype == "float32"


def test_absent_classes_are_named():
    with pytest.warns(UserWarning, match=r"no weight for the classes \[1\]"):
        make_source(np.ones(2), [0, 1], class_weight={0: 2.0})
    with pytest.warns(UserWarning, match=r"weights for the classes \[5\]"):
        make_source(np.ones(2), [0, 0], class_weight={0: 2.0, 5: 1.0})


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"sample_weight": [1.0, np.nan]}, "sample_weight holds nan in row 1"),
        ({"class_weight": {0: 1}, "sample_weight": [1, 1]}, "not both"),
        ({"class_weight": {0: np.inf, 1: 1}}, "finite weights"),
        ({"shuffle": "rows"}, "`shuffle`"),
    ],
)
def test_bad_weights_are_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        make_source(np.ones(2), [0, 1], **arguments)


def test_weights_that_are_all_zero_are_warned_of():
    with pytest.warns(UserWarning, match="zero for every row"):
        make_source(np.ones(2), [0, 1], [0, 0])


def test_fractional_labels_take_no_class_weight():
    with pytest.raises(ValueError, match=r"1\.7"):
        make_source(np.ones(2), [0, 1.7], class_weight={0: 1})


def test_split_takes_the_last_rows():
    x = {"a": np.arange(10), "b": pd.DataFrame({"c": range(10)})}
    (train, _, none), (validation, _, _) = split_validation((x, list(range(10)), None), 0.25)
    assert train["a"].tolist() == list(range(7)) and validation["b"][:, 0].tolist() == [7, 8, 9]
    assert none is None


@pytest.mark.parametrize("fraction", [0, 1, 1.5, -0.1, float("nan")])
def test_split_refuses_fractions_out_of_range(fraction):
    with pytest.raises(ValueError, match="`validation_split` must lie between 0 and 1"):
        split_validation(np.ones(3), fraction)


def test_split_refuses_what_it_cannot_cut():
    with pytest.raises(ValueError, match="leaves 0 for training"):
        split_validation(np.ones(1), 0.5)
    with pytest.raises(ValueError, match="got a generator"):
        split_validation((iter(()) for _ in ()), 0.5)
    with pytest.raises(ValueError, match="same number of rows"):
        split_validation((np.ones(3), np.ones(4)), 0.5)


def test_unshuffled_rows_are_not_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(rows_of(make_source(np.ones(100)))) == 4


@pytest.mark.parametrize("steps", [1, 2])
def test_large_batches_gathered_ahead_are_the_same(monkeypatch, steps):
    def batches():
        source = ArraySource(np.arange(40.0).reshape(20, 2), batch_size=3, shuffle=True)
        found = [(source.get_state(), rows.tolist()) for _, rows, _ in source.stacked(steps, 7)]
        source.set_state({"given": 4})
        return [*found, *(rows.tolist() for _, rows, _ in source.stacked(steps, 7))]

    expected = batches()
    monkeypatch.setattr(arrays, "_LARGE", 1)
    # What has been given is what the reader got, not what the thread has ready.
    assert batches() == expected


def test_a_reader_that_leaves_ends_the_thread(monkeypatch):
    monkeypatch.setattr(arrays, "_LARGE", 1)
    chunks = ArraySource(np.zeros((100, 2)), batch_size=2).stacked(1)
    next(chunks)
    assert any(one.name == "Prefetch" for one in threading.enumerate())
    chunks.close()
    assert not any(one.name == "Prefetch" for one in threading.enumerate())
