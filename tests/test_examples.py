"""The programs in `examples/` learn: each runs as it stands, on the excerpts in `tests/data`."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lamina.datasets import mnist

ROOT = Path(__file__).parent.parent


def run(program, *words, **environment):
    """What `lamina run program` prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "lamina", "run", program, *words],
        capture_output=True,
        text=True,
        timeout=400,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def last_number(printed, words):
    (number,) = re.findall(rf"^{words}:? (\d+\.\d+)", printed, re.MULTILINE)
    return float(number)


# Chance is 0.63 for the table, 0.5 for the text, 0.1 for pictures and sounds.
@pytest.mark.parametrize(
    ("name", "epochs", "accuracy"),
    [("tabular", 15, 0.85), ("text", 4, 0.6), ("image", 2, 0.14), ("speech", 15, 0.6)],
)
def test_an_example_learns(name, epochs, accuracy):
    printed = run(f"examples/{name}.py", "--epochs", str(epochs))
    assert last_number(printed, "Test accuracy") >= accuracy


def test_the_gan_draws_digits(tmp_path):
    (images, labels), (test, _) = mnist.load_data()
    np.savez(tmp_path / "mnist.npz", x_train=images[:12800], y_train=labels[:12800], x_test=test)
    printed = run("examples/gan.py", "--data", str(tmp_path), "--epochs", "3")
    assert last_number(printed, "Digit score") >= 1.5


@pytest.mark.slow
def test_mnist_is_learnt():
    assert last_number(run("examples/mnist.py"), "Test accuracy") >= 0.98
