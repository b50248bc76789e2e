"""Products of padded matrices have the values and gradients of those of the matrices themselves."""

import pytest

torch = pytest.importorskip("torch")

from lamina.backend.torch import affine, alignment, linear  # noqa: E402


def drawn(*shape):
    return torch.randn(shape, dtype=torch.bfloat16, requires_grad=True)


def both(product, *given):
    """Values and gradients, plain and padded."""
    for function in (product, lambda *a: alignment.padded(product, *a)):
        y = function(*given)
        y.backward(torch.linspace(-1, 1, y.numel(), dtype=y.dtype).reshape(y.shape))
        gradients = [one.grad for one in given if one is not None]
        for one in given:
            if one is not None:
                one.grad = None
        yield [y.detach(), *gradients]


@pytest.mark.parametrize("sizes", [(16, 21), (13, 24), (7, 5)])
@pytest.mark.parametrize("leading", [(), (4,), (2, 3)])
def test_matrix_product(sizes, leading):
    given = drawn(*leading, sizes[0]), drawn(*sizes)
    for one, other in zip(*both(torch.matmul, *given), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("biased", [False, True])
def test_affine_map(biased):
    given = drawn(4, 3, 13), drawn(13, 21), drawn(21) if biased else None
    for one, other in zip(*both(affine.affine_map, *given), strict=True):
        torch.testing.assert_close(one, other)


def test_only_half_width_floats_are_looked_at():
    chosen = linear.OWN["matmul"].of_type
    assert chosen("float64") is torch.matmul
    assert chosen("bfloat16") is not torch.matmul
    assert alignment.is_aligned(torch.empty(16, 24))
    assert not alignment.is_aligned(torch.empty(16, 23))
