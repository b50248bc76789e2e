"""A kernel for an optimizer's whole formula has the numbers of the formula."""

import numpy as np
import pytest

from lamina import Variable, optimizers
from lamina.backend import use

pytest.importorskip("torch")
fused_updates = pytest.importorskip("lamina.backend.torch.fused_updates")

pytestmark = pytest.mark.every_backend


class ByFormula(optimizers.Adam):
    """A formula of its own, though the same: no kernel is known for it."""

    def update(self, *given):
        return super().update(*given)


def trained(make, dtype, steps=30, **options):
    """The weights and all that the optimizer keeps, after some steps."""
    rng = np.random.default_rng(0)
    shapes = [(3, 4), (5,), (), (2, 3, 4)]
    weights = [Variable(rng.normal(size=shape), dtype=dtype) for shape in shapes]
    optimizer = make(0.01, **options)
    for _ in range(steps):
        gradients = [rng.normal(size=shape).astype(dtype) for shape in shapes]
        gradients[0] = gradients[0].T.copy().T  # its rows do not lie one after the other
        optimizer.apply(gradients, weights)
    return [one.numpy() for one in (*weights, *optimizer.variables)]


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("options", [{}, {"amsgrad": True}, {"weight_decay": 0.1, "beta_1": 0.5}])
def test_adam(dtype, options):
    with use("torch"):
        found, expected = (trained(one, dtype, **options) for one in (optimizers.Adam, ByFormula))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(
            np.asarray(one, "float64"), np.asarray(other, "float64"), 2e-6, 1e-7
        )


def test_the_kernel_runs_for_the_formula_and_for_no_other(monkeypatch):
    ran = []
    kernel = fused_updates._KERNELS["adam"]
    monkeypatch.setitem(fused_updates._KERNELS, "adam", lambda *a: (ran.append(1), kernel(*a))[1])
    with use("torch"):
        for make, times in ((optimizers.Adam, 1), (optimizers.AdamW, 1), (ByFormula, 0)):
            ran.clear()
            trained(make, "float32", 1)
            assert len(ran) == times
        ran.clear()
        trained(optimizers.Adam, "bfloat16", 1)  # computed in 32 bits
        assert not ran
