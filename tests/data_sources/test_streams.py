"""Generators, iterables, limited epochs and running ahead."""

import threading
import time
import traceback

import numpy as np
import pytest
import torch

from lamina.data import EmptyDataError, Prefetch, make_source
from lamina.data import pack_x_y_sample_weight as pack
from lamina.data import unpack_x_y_sample_weight as unpack


def batches(count):
    for index in range(count):
        yield np.full((2, 1), index, "float64"), np.array([index, index])


def seen(source, epochs=1):
    return [[int(batch[0][0, 0]) for batch in source.epoch(epoch)] for epoch in range(epochs)]


def test_a_generator_is_read_once():
    source = make_source(batches(3))
    assert int(source.peek()[0][0, 0]) == 0
    assert seen(source) == [[0, 1, 2]] and source.exhausted
    with pytest.raises(EmptyDataError, match="gave all its 3 batches"):
        next(source.epoch())


def test_a_batch_stays_what_it_was_where_a_generator_fills_its_array_again():
    def refilled():
        x = np.zeros((2, 1), "float32")
        for index in range(3):
            x[:] = index
            yield x, np.zeros(2)

    given = list(make_source(refilled()).epoch())
    assert [int(x[0, 0]) for x, _ in given] == [0, 1, 2]


def test_steps_go_on_where_the_last_epoch_stopped():
    source = make_source(batches(6), steps=2)
    source.peek()
    assert seen(source, 3) == [[0, 1], [2, 3], [4, 5]]
    with pytest.raises(EmptyDataError, match="gave all its 6 batches"):
        next(source.epoch())


def test_a_short_stream_ends_its_epoch_with_a_warning_and_reuses_nothing():
    source = make_source(batches(5), steps=3)
    assert seen(source) == [[0, 1, 2]]
    with pytest.warns(UserWarning, match="gave 2 batches, fewer than the 3 steps"):
        assert seen(source) == [[3, 4]]
    assert source.exhausted


def test_epochs_of_arrays_span_passes_but_never_fill_up_with_repeats():
    x = np.arange(5.0)[:, None]
    y = np.zeros(5)
    assert seen(make_source(x, y, batch_size=1, steps=4), 3) == [
        [0, 1, 2, 3],
        [4, 0, 1, 2],
        [3, 4, 0, 1],
    ]
    with pytest.warns(UserWarning, match="gave 5 batches, fewer than the 7"):
        assert seen(make_source(x, y, batch_size=1, steps=7), 2) == [[0, 1, 2, 3, 4]] * 2


def test_a_loader_begins_anew_each_epoch():
    data = torch.utils.data.TensorDataset(torch.arange(4.0)[:, None], torch.arange(4))
    source = make_source(torch.utils.data.DataLoader(data, batch_size=2))
    assert source.num_batches == source.batch_size == 2
    assert seen(source, 2) == [[0, 2], [0, 2]]


def test_streams_are_stacked_where_the_batches_are_alike():
    def uneven():
        yield from batches(4)
        yield np.zeros((1, 1)), np.zeros(1)

    chunks = list(make_source(uneven()).stacked(2))
    assert [(chunk.steps, chunk.batch[0].shape) for chunk in chunks] == [
        (2, (2, 2, 1)),
        (2, (2, 2, 1)),
        (1, (1, 1)),
    ]
    assert chunks[0].batch[0].dtype == "float32"


def test_an_empty_batch_is_skipped_with_one_warning():
    data = [(np.ones((size, 1)), np.ones(size)) for size in (2, 0, 2, 0)]
    with pytest.warns(UserWarning, match="batch 1 has no rows") as caught:
        assert len(list(make_source(iter(data)).epoch())) == 2
    assert len(caught) == 1


def test_an_empty_generator_is_an_error():
    with pytest.raises(EmptyDataError, match="generator is empty"):
        next(make_source(batches(0)).epoch())


def test_an_exception_of_the_data_keeps_its_type_and_tells_the_batch():
    def broken():
        yield from batches(3)
        raise KeyError("lost")

    epoch = make_source(broken()).epoch()
    for _ in range(3):
        next(epoch)
    with pytest.raises(KeyError, match="lost") as raised:
        next(epoch)
    assert raised.value.__notes__ == ["Raised by the data itself, on the way to batch 3."]


@pytest.mark.parametrize(
    ("batch", "text"),
    [
        ((np.ones(2), np.ones(3)), r"batch 0: x: 2, batch 0: y: 3"),
        ((np.array(["a"]),), "batch 0: x has dtype"),
        ((1, 2, 3, 4), "4 elements"),
        ((np.ones(2), np.ones(2), np.array([1, np.inf])), "batch 0: sample_weight holds inf"),
    ],
)
def test_bad_batches_are_named(batch, text):
    with pytest.raises((ValueError, TypeError), match=text):
        next(make_source(iter([batch])).epoch())


def test_class_weights_of_a_stream():
    source = make_source(batches(2), class_weight={0: 3.0, 1: 1.0})
    assert [batch[2].tolist() for batch in source.epoch()] == [[3, 3], [1, 1]]


def test_targets_beside_a_stream_are_refused():
    with pytest.raises(ValueError, match="`y` must not be passed"):
        make_source(batches(2), np.ones(2))


def test_packing_and_unpacking():
    assert unpack(pack(1, None, 3)) == (1, None, 3)
    assert unpack(pack((1, 2))) == ((1, 2), None, None)
    assert unpack([1, 2]) == (1, 2, None)
    with pytest.raises(ValueError, match="got 0"):
        unpack(())


def test_prefetch_runs_ahead_by_no_more_than_it_may():
    made = []

    def source():
        for index in range(10):
            made.append(index)
            yield index

    with Prefetch(source(), ahead=2) as elements:
        assert next(elements) == 0
        deadline = time.monotonic() + 5
        while len(made) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.05)
        assert len(made) == 4  # one read, two waiting, one in hand
        assert list(elements) == list(range(1, 10))


def test_prefetch_passes_exceptions_with_their_traceback():
    def broken_source():
        yield 1
        raise KeyError("lost")

    elements = Prefetch(broken_source())
    assert next(elements) == 1
    with pytest.raises(KeyError) as raised:
        next(elements)
    assert "broken_source" in "".join(traceback.format_tb(raised.value.__traceback__))
    with pytest.raises(StopIteration):
        next(elements)


def test_closing_stops_the_thread_and_closes_the_generator():
    closed = threading.Event()

    def endless():
        try:
            while True:
                yield 0
        finally:
            closed.set()

    elements = Prefetch(endless(), ahead=1)
    next(elements)
    elements.close()
    assert closed.is_set() and list(elements) == []
    with pytest.raises(ValueError, match="at least 1"):
        Prefetch([], ahead=0)
