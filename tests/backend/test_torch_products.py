"""Products of large matrices by oneDNN: the same numbers and derivatives as by PyTorch."""

import numpy as np
import pytest

import lamina
from lamina import layers, ops
from lamina.backend import use

torch = pytest.importorskip("torch")
products = pytest.importorskip("lamina.backend.torch.products")
repetition = pytest.importorskip("lamina.backend.torch.repetition")

pytestmark = [
    pytest.mark.every_backend,
    pytest.mark.skipif(not products._there, reason="oneDNN serves PyTorch on x86 only"),
]

FEW, MANY = (8, 16, 256, 512), (4, 512, 32, 160)  # batch, rows, their length, columns


@pytest.fixture(autouse=True)
def on_torch():
    with use("torch"):
        yield


def drawn(batch, rows, length, columns, **options):
    torch.manual_seed(0)
    x = torch.randn(batch, rows, length, **options)
    return x, torch.randn(length, columns, **options), torch.randn(columns, **options)


def squares(product):
    return lambda *given: (torch.tanh(product(*given) / 20) ** 2).mean(0).sum()


def by_torch(x, kernel, bias):
    return torch.matmul(x, kernel) + bias


def by_dense(x, kernel, bias):
    return ops.matmul(x, kernel) + bias


def never(*given):
    raise AssertionError("oneDNN was not asked")


by_onednn = products.by_onednn(never)


@pytest.mark.parametrize("shape", [FEW, MANY], ids=["few rows", "many rows"])
@pytest.mark.parametrize("product", [by_onednn, by_dense])
def test_values_and_gradients(shape, product):
    given = [one.requires_grad_() for one in drawn(*shape)]
    np.testing.assert_allclose(
        product(*given).detach(), by_torch(*given).detach(), rtol=1e-4, atol=1e-4
    )
    found = torch.autograd.grad(squares(product)(*given), given)
    expected = torch.autograd.grad(squares(by_torch)(*given), given)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("shape", [FEW, MANY], ids=["few rows", "many rows"])
def test_second_derivatives(shape):
    given = drawn(*shape)
    ones = tuple(map(torch.ones_like, given))
    found = torch.autograd.functional.hvp(squares(by_onednn), given, ones)[1]
    expected = torch.autograd.functional.hvp(squares(by_torch), given, ones)[1]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


def test_gradients_that_are_expanded():
    given = [one.requires_grad_() for one in drawn(*MANY)]
    found = torch.autograd.grad(by_onednn(*given).sum(), given)
    expected = torch.autograd.grad(by_torch(*given).sum(), given)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-2)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script")  # which PyTorch itself loads
def test_only_where_it_serves(monkeypatch):
    x, kernel, bias = drawn(*FEW)
    assert products._serves(x, kernel)
    assert not products._serves(x[:1, :2], kernel)
    assert not products._serves(x.double(), kernel.double())
    assert not products._serves(x.to("meta"), kernel.to("meta"))
    assert torch.func.vmap(lambda one: by_dense(one, kernel, bias))(x).shape == (8, 16, 512)
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(x, torch.ones_like(x))
        tangent = torch.autograd.forward_ad.unpack_dual(by_dense(dual, kernel, bias)).tangent
    torch.testing.assert_close(tangent, torch.ones_like(x) @ kernel, rtol=1e-4, atol=1e-3)
    monkeypatch.setattr(torch._C, "_get_mkldnn_enabled", lambda: False)
    assert not products._serves(x, kernel)


def test_in_repeated_steps(monkeypatch):
    """As many calls of oneDNN's product, and the same weights."""
    calls = []
    plain = products._plain
    monkeypatch.setattr(products, "_plain", lambda *given: calls.append(1) or plain(*given))
    x = np.random.default_rng(0).normal(size=(64 * 10, 256)).astype("float32")

    def trained(enough):
        monkeypatch.setattr(repetition, "ENOUGH", enough)
        lamina.utils.set_random_seed(1)
        calls.clear()
        model = lamina.Sequential([layers.Dense(512, "relu"), layers.Dense(256)])
        model.compile("sgd", "mse")
        model.fit(x, x, batch_size=64, epochs=2, verbose=0, shuffle=False)
        return len(calls), model.get_weights()

    (first, weights), (second, others) = trained(10**9), trained(2)
    assert first == second >= 20 * 5
    for one, other in zip(weights, others, strict=True):
        np.testing.assert_array_equal(one, other)
