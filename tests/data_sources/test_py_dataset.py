"""PyDataset: workers, order, errors."""

import threading

import numpy as np
import pytest

from lamina.data import EmptyDataError, PyDataset, make_source


class Numbers(PyDataset):
    def __init__(self, length=5, **workers):
        super().__init__(**workers)
        self.length, self.offset, self.broken = length, 0, None

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        if index == self.broken:
            raise KeyError("lost")
        return np.full((1, 1), index + self.offset, "float32"), np.zeros(1)

    def on_epoch_end(self):
        self.offset += 100


class Endless(PyDataset):
    num_batches = None

    def __getitem__(self, index):
        return np.full((1, 1), index), np.zeros(1)


def seen(source, seed=None):
    return [int(batch[0][0, 0]) for batch in source.epoch(seed)]


@pytest.fixture(params=["main", "threads"])
def workers(request):
    return {"main": {}, "threads": {"workers": 3, "max_queue_size": 2}}[request.param]


def test_batches_come_in_order_and_shuffled_by_the_seed(workers):
    source = make_source(Numbers(30, **workers), shuffle=True)
    assert seen(source) == list(range(30))
    assert seen(source, 1) == seen(source, 1) != seen(source, 2)
    assert sorted(seen(source, 1)) == list(range(30))
    source.close()


def test_the_end_of_an_epoch_reaches_the_workers(workers):
    source = make_source(Numbers(2, **workers))
    assert seen(source) == [0, 1]
    source.on_epoch_end()
    assert seen(source) == [100, 101]
    source.close()


def test_an_error_names_the_index_and_the_worker(workers):
    dataset = Numbers(**workers)
    dataset.broken = 3
    source = make_source(dataset)
    with pytest.raises(KeyError, match="lost") as raised:
        seen(source)
    name = "PyDataset_" if workers else "MainThread"
    assert any("Numbers.__getitem__(3)" in note and name in note for note in raised.value.__notes__)
    dataset.broken = None
    assert seen(source) == [0, 1, 2, 3, 4]
    source.close()


def test_an_abandoned_epoch_leaves_no_threads():
    before = threading.active_count()
    source = make_source(Numbers(50, workers=2))
    epoch = source.epoch()
    next(epoch)
    epoch.close()
    source.close()
    assert threading.active_count() == before
    assert len(seen(source)) == 50  # a closed source may be used again
    source.close()


def test_endless_data_needs_steps():
    with pytest.raises(ValueError, match="steps"):
        make_source(Endless())
    source = make_source(Endless(workers=2), steps=3)
    assert seen(source) == [0, 1, 2] and seen(source) == [3, 4, 5]
    source.close()


def test_peeking_and_lengths():
    source = make_source(Numbers(3))
    assert source.peek()[0].shape == (1, 1) and source.num_batches == 3
    with pytest.raises(EmptyDataError, match="Numbers has 0 batches"):
        next(make_source(Numbers(0)).epoch())
    with pytest.raises(NotImplementedError, match="__len__"):
        _ = PyDataset().num_batches
    with pytest.raises(NotImplementedError, match="__getitem__"):
        PyDataset()[0]
