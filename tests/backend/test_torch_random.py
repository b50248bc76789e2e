"""Numbers of keys that cannot be read, on PyTorch: in mapped and compiled functions."""

import warnings

import numpy as np
import pytest
from scipy import stats

torch = pytest.importorskip("torch")

from lamina.backend.torch import random  # noqa: E402 - it takes PyTorch

pytestmark = [
    pytest.mark.every_backend,
    # PyTorch's own, when it starts its compiler.
    pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated"),
]
KEYS = torch.tensor([[3, 1], [3, 2], [4, 1], [2**31, 0]])
SIZE = (500,)
GAMMAS = [0.3, 1.0, 2.5, 40.0, 1e4]
BETAS = [(0.3, 3.0), (0.5, 0.7), (2.0, 5.0), (1e-3, 1e-3)]
# Successes expected: fewer than ten, which are added up, and more; none, all, and more than half.
BINOMIALS = [(7, 0.1), (40, 0.9), (60, 0.7), (1000, 0.3), (30, 0.34), (2, 1.0), (5, 0.0), (0, 0.4)]


def mapped(draw):
    """What each key gives, a row each."""
    return torch.vmap(draw)(KEYS).numpy().astype("float64")


def test_gamma_numbers():
    for alpha in GAMMAS:
        x = mapped(lambda key, alpha=alpha: random.random_gamma(key, SIZE, alpha, "float32"))
        assert len(np.unique(x[:, :5])) == 20, "keys share numbers"
        assert stats.kstest(x.ravel(), stats.gamma(alpha).cdf).pvalue > 1e-3


def test_beta_numbers():
    for alpha, beta in BETAS:
        x = mapped(lambda key, p=(alpha, beta): random.random_beta(key, SIZE, *p, "float64"))
        assert np.isfinite(x).all()
        inner = x[(x > 1e-6) & (x < 1 - 1e-6)]
        low, high = stats.beta(alpha, beta).cdf([1e-6, 1 - 1e-6])
        assert abs(inner.size / x.size - (high - low)) < 4 * np.sqrt(0.25 / x.size)
        if inner.size > 100:
            cdf = stats.beta(alpha, beta).cdf
            assert stats.kstest((cdf(inner) - low) / (high - low), "uniform").pvalue > 1e-3


def test_binomial_numbers():
    for count, chance in BINOMIALS:
        x = mapped(lambda key, p=(count, chance): random.random_binomial(key, SIZE, *p, "int32"))
        seen = np.bincount(x.ravel().astype(int), minlength=count + 1)
        wanted = stats.binom(count, chance).pmf(np.arange(count + 1)) * x.size
        often = wanted >= 5
        assert seen[wanted < 1e-6].sum() == 0
        if often.sum() == 1:
            assert seen[often] == x.size
        else:
            scaled = wanted[often] * seen[often].sum() / wanted[often].sum()
            assert stats.chisquare(seen[often], scaled).pvalue > 1e-3


def test_compiled_functions_draw_what_mapped_ones_do():
    def draw(key):
        return (
            random.random_gamma(key, (3,), torch.tensor([0.5, 2.0, 9.0]), "float32"),
            random.random_beta(key, (3,), 2.0, 0.4, "float32"),
            random.random_binomial(key, (3,), torch.tensor([5.0, 50.0, 500.0]), 0.4, "int32"),
        )

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        compiled = torch.compile(draw, fullgraph=True, backend="aot_eager")
        found = [compiled(key) for key in KEYS]
    for i, results in enumerate(torch.vmap(draw)(KEYS)):
        expected = torch.stack([one[i] for one in found])
        np.testing.assert_allclose(results.numpy(), expected.numpy(), rtol=1e-5)
