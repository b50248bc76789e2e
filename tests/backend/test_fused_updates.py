"""A kernel for an optimizer's whole formula has the numbers of the formula."""

import importlib
from importlib.util import find_spec

import numpy as np
import pytest

import lamina
from lamina import Variable, optimizers
from lamina.backend import use

# A backend, and whether its steps are compiled to one program.
WAYS = [
    pytest.param(name, jit_compile, id=f"{name}-{how}")
    for name, jit_compile, how in [
        ("torch", None, "eager"),
        ("tensorflow", None, "eager"),
        ("tensorflow", False, "graph"),
        ("tensorflow", True, "xla"),
    ]
    if find_spec(name)
]

pytestmark = pytest.mark.every_backend


class ByFormula(optimizers.Adam):
    """A formula of its own, though the same: no kernel is known for it."""

    def update(self, *given):
        return super().update(*given)


def trained(make, dtype, jit_compile=None, steps=30, **options):
    """The weights and all that the optimizer keeps, after some steps."""
    rng = np.random.default_rng(0)
    shapes = [(3, 4), (5,), (), (2, 3, 4)]
    weights = [Variable(rng.normal(size=shape), dtype=dtype) for shape in shapes]
    optimizer = make(0.01, **options)
    optimizer.build(weights)

    def apply(*gradients):
        optimizer.apply(list(gradients), weights)

    step = apply if jit_compile is None else lamina.jit(apply, jit_compile=jit_compile)
    for _ in range(steps):
        gradients = [rng.normal(size=shape).astype(dtype) for shape in shapes]
        gradients[0] = gradients[0].T.copy().T  # its rows do not lie one after the other
        step(*gradients)
    return [one.numpy() for one in (*weights, *optimizer.variables)]


@pytest.mark.parametrize(("backend", "jit_compile"), WAYS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("options", [{}, {"amsgrad": True}, {"weight_decay": 0.1, "beta_1": 0.5}])
def test_adam(backend, jit_compile, dtype, options):
    with use(backend):
        found, expected = (
            trained(one, dtype, jit_compile, **options) for one in (optimizers.Adam, ByFormula)
        )
    # TensorFlow's kernel takes 1 - beta_2 of what 32 bits hold of beta_2.
    most = 2e-5 if backend == "tensorflow" else 2e-6
    for one, other in zip(found, expected, strict=True):
        one, other = (np.asarray(value, "float64") for value in (one, other))
        np.testing.assert_allclose(one, other, most, 1e-7)


@pytest.mark.parametrize(("backend", "jit_compile"), WAYS)
def test_the_kernel_runs_for_the_formula_and_for_no_other(backend, jit_compile, monkeypatch):
    fused_updates = importlib.import_module(f"lamina.backend.{backend}.fused_updates")
    ran = []
    kernel = fused_updates._adam
    monkeypatch.setattr(fused_updates, "_adam", lambda *a: (ran.append(1), kernel(*a))[1])
    with use(backend):
        for make, times in ((optimizers.Adam, 1), (optimizers.AdamW, 1), (ByFormula, 0)):
            ran.clear()
            trained(make, "float32", jit_compile, 1)
            assert len(ran) == times
        ran.clear()
        trained(optimizers.Adam, "bfloat16", jit_compile, 1)  # computed in 32 bits
        assert not ran
