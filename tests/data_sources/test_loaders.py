"""The loaders and tensors of every framework, whichever backend computes."""

import numpy as np
import pytest

import lamina
from lamina.backend import current
from lamina.data import EmptyDataError, make_source

X = np.arange(20, dtype="float32").reshape(10, 2) / 20
Y = (X @ np.array([[1.0], [-2.0]], "float32")) + 0.5
W = np.linspace(0.5, 1.5, 10, dtype="float32")


def torch_loader(*arrays, batch_size=4, **arguments):
    torch = pytest.importorskip("torch")
    tensors = [torch.tensor(array) for array in arrays]
    dataset = torch.utils.data.TensorDataset(*tensors)
    return torch.utils.data.DataLoader(dataset, batch_size=batch_size, **arguments)


def tf_dataset(*arrays, batch_size=4):
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices(arrays).batch(batch_size)


def tensors_of(framework, array):
    if framework == "jax":
        return pytest.importorskip("jax.numpy").asarray(array)
    if framework == "torch":
        return pytest.importorskip("torch").tensor(array)
    return pytest.importorskip("tensorflow").constant(array)


@pytest.fixture
def line():
    model = lamina.Sequential([lamina.Input((2,)), lamina.layers.Dense(1, name="line")])
    model.set_weights([np.array([[0.1], [0.2]], "float32"), np.zeros(1, "float32")])
    model.compile(optimizer=lamina.optimizers.SGD(0.1), loss="mse", weighted_metrics=["mae"])
    return model


def by_arrays(line, *data, epochs=2):
    """The weights that training on arrays gives; the model is left as it was."""
    weights = line.get_weights()
    x, y, weight = (*data, None)[:3]
    line.fit(x, y, 4, epochs, sample_weight=weight, shuffle=False, verbose=0)
    found = line.get_weights()
    line.set_weights(weights)
    return found


LOADERS = pytest.mark.parametrize("loader", [torch_loader, tf_dataset])


@LOADERS
@pytest.mark.parametrize("data", [(X, Y), (X, Y, W)], ids=["x, y", "x, y, w"])
def test_fit_evaluate_and_predict_as_on_arrays(loader, data, line):
    expected = by_arrays(line, *data)
    batches = loader(*data)
    history = line.fit(batches, epochs=2, validation_data=loader(X, Y), verbose=0).history
    assert len(history["val_loss"]) == 2
    for ours, theirs in zip(line.get_weights(), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    weight = data[2] if len(data) == 3 else None
    np.testing.assert_allclose(
        line.evaluate(batches, verbose=0),
        line.evaluate(X, Y, sample_weight=weight, verbose=0),
        rtol=1e-5,
    )
    predicted = line.predict(batches, verbose=0)
    assert type(predicted) is np.ndarray
    np.testing.assert_allclose(predicted, line.predict(X, verbose=0), rtol=1e-6)
    np.testing.assert_allclose(line.predict(loader(X), verbose=0), predicted, rtol=1e-6)


@LOADERS
def test_the_length_is_known_and_the_last_batch_is_short(loader):
    source = make_source(loader(X, Y))
    assert source.num_batches == 3
    for _ in range(2):
        assert [len(x) for x, _ in source.epoch()] == [4, 4, 2]


def test_the_length_of_a_filtered_dataset_is_unknown(line):
    batches = tf_dataset(X, Y).filter(lambda x, y: True)
    source = make_source(batches)
    assert source.num_batches is None and not source.endless
    assert [len(x) for x, _ in source.epoch()] == [4, 4, 2]
    expected = by_arrays(line, X, Y)
    line.fit(batches, epochs=2, verbose=0)
    np.testing.assert_allclose(line.get_weights()[0], expected[0], rtol=1e-5)


def test_the_length_of_an_iterable_torch_dataset_is_unknown():
    torch = pytest.importorskip("torch")

    class Rows(torch.utils.data.IterableDataset):
        def __iter__(self):
            return iter(zip(X, Y, strict=True))

    source = make_source(torch.utils.data.DataLoader(Rows(), batch_size=4))
    assert source.num_batches is None
    for _ in range(2):
        assert [len(x) for x, _ in source.epoch()] == [4, 4, 2]


def test_an_endless_dataset_needs_steps(line):
    batches = tf_dataset(X, Y).repeat()
    with pytest.raises(ValueError, match=r"endless: say how many batches .*`steps_per_epoch`"):
        line.fit(batches, verbose=0)
    expected = by_arrays(line, X, Y)
    line.fit(batches, epochs=2, steps_per_epoch=3, verbose=0)
    np.testing.assert_allclose(line.get_weights()[0], expected[0], rtol=1e-5)
    assert line.predict(batches, steps=4, verbose=0).shape == (14, 1)


@LOADERS
def test_an_epoch_of_fewer_steps_goes_on_where_the_last_one_stopped(loader):
    source = make_source(loader(X, batch_size=2), steps=3)
    firsts = [[float(x[0, 0]) * 20 for (x,) in source.epoch()] for _ in range(2)]
    assert np.round(firsts).tolist() == [[0, 4, 8], [12, 16, 0]]


def test_the_order_is_the_loader_s_own():
    torch = pytest.importorskip("torch")
    generator = torch.Generator().manual_seed(3)
    loader = torch_loader(X, batch_size=10, shuffle=True, generator=generator)
    source = make_source(loader, shuffle=True)
    orders = [np.asarray(next(source.epoch(0))[0])[:, 0].tolist() for _ in range(2)]
    assert orders[0] != orders[1] and sorted(orders[0]) == sorted(orders[1]) == X[:, 0].tolist()


@pytest.mark.parametrize("kind", ["torch", "tensorflow"])
def test_dictionaries_reach_the_inputs_of_their_names(kind):
    a, b = lamina.Input((1,), name="a"), lamina.Input((1,), name="b")
    model = lamina.Model({"a": a, "b": b}, {"sum": a + b, "difference": a - b})
    model.compile(loss={"sum": "mse", "difference": "mae"})
    inputs = {"a": X[:, :1], "b": X[:, 1:]}
    targets = {"sum": X.sum(1, keepdims=True), "difference": X[:, :1] - X[:, 1:]}
    if kind == "torch":
        torch = pytest.importorskip("torch")
        rows = [
            ({k: v[i] for k, v in inputs.items()}, {k: v[i] for k, v in targets.items()})
            for i in range(10)
        ]
        batches = torch.utils.data.DataLoader(rows, batch_size=4)
    else:
        tf = pytest.importorskip("tensorflow")
        batches = tf.data.Dataset.from_tensor_slices((inputs, targets)).batch(4)
    assert model.evaluate(batches, verbose=0, return_dict=True)["loss"] < 1e-6
    found = model.predict(batches, verbose=0)
    np.testing.assert_allclose(found["sum"], targets["sum"], rtol=1e-6)


@pytest.mark.parametrize("framework", ["jax", "torch", "tensorflow"])
def test_tensors_of_every_framework_are_arrays(framework, line):
    x, y = tensors_of(framework, X), tensors_of(framework, Y)
    expected = by_arrays(line, X, Y)
    line.fit(x, y, epochs=2, batch_size=4, shuffle=False, verbose=0)
    np.testing.assert_allclose(line.get_weights()[0], expected[0], rtol=1e-5)
    np.testing.assert_allclose(line.predict(x, verbose=0), line.predict(X, verbose=0))
    np.testing.assert_allclose(line.predict_on_batch(x), line.predict(X, verbose=0))
    assert line.evaluate(x, y, verbose=0) == line.evaluate(X, Y, verbose=0)


def test_tensors_of_the_backend_are_handed_on_as_they_are():
    x, y = lamina.ops.convert_to_tensor(X), lamina.ops.convert_to_tensor(np.arange(10) % 2)
    source = make_source(iter([(x, y)]), class_weight={0: 2.0, 1: 1.0})
    found_x, found_y, weight = source.peek()
    assert found_x is x and found_y is y
    assert type(weight) is np.ndarray and weight[:2].tolist() == [2, 1]


def test_tensors_of_the_backend_are_stacked_and_cast():
    x = lamina.ops.convert_to_tensor(X)
    (chunk,) = make_source(iter([(x,), (x,)])).stacked(2)
    assert chunk.steps == 2 and isinstance(chunk.batch[0], current().tensor_types)
    half = lamina.ops.cast(x, "float16")
    assert next(make_source(iter([(half,)])).epoch())[0].dtype == "float32"


@LOADERS
def test_a_loader_without_rows_is_an_error(loader, line):
    with pytest.raises(EmptyDataError, match="There is no data"):
        line.fit(loader(X[:0], Y[:0]), verbose=0)


def test_batches_of_bfloat16_become_floatx():
    torch = pytest.importorskip("torch")
    batches = [(torch.ones((2, 2), dtype=torch.bfloat16),)]
    assert next(make_source(iter(batches)).epoch())[0].dtype == "float32"
