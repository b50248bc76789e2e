"""The benchmarks: their programs run at a small size, and their report says what was measured."""

import json
import os
import subprocess
import sys

import pytest

from benchmarks.report import Row, against_the_best, write
from benchmarks.workloads import PROGRAMS, WORKLOADS, contenders

pytestmark = pytest.mark.every_backend


def slow(*values):
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("name", "backend", "contender"),
    [
        ("gpt2", "jax", "lamina"),
        slow("gpt2", "torch", "lamina"),
        slow("gpt2", "torch", "plain torch"),
        slow("resnet50", "jax", "lamina"),
        slow("resnet50", "torch", "lamina"),
        slow("resnet50", "torch", "plain torch"),
    ],
)
def test_a_program_for_a_gpu_runs_small_on_a_cpu(name, backend, contender, tmp_path):
    command = [*contenders(name, backend, sys.executable)[contender], "small"]
    environment = {**os.environ, "KERAS_HOME": str(tmp_path), "KERAS_BACKEND": backend}
    environment.pop("LAMINA_BACKEND", None)
    printed = subprocess.check_output(command, env=environment, text=True)
    figures = json.loads(printed.splitlines()[-1])
    rate = next(value for name, value in figures.items() if name.endswith("a second"))
    assert rate > 0 and figures["step"] > 0 and 0 < figures["share of the peak"] < 2


def test_importing_is_timed_with_and_without_an_op():
    for contender in ("lamina", "plain jax"):
        command = contenders("import", "jax", sys.executable)[contender]
        figures = json.loads(subprocess.check_output(command, text=True))
        assert 0 < figures["import"] < figures["import and an op"]


def test_every_program_is_a_workload():
    named = {workload.program for workload in WORKLOADS.values()} - {""}
    helpers = {"clock", "images", "networks", "text", "throughput", "torch_networks"}
    found = {path.stem for path in PROGRAMS.glob("*.py") if not path.stem.startswith("raw_")}
    assert found - helpers == named


def rows():
    for backend, keras, ours in (("jax", 4.0, 2.0), ("torch", 3.0, 6.0)):
        yield Row("mlp", backend, "step", "lamina", [ours] * 3, [ours] * 3)
        yield Row("mlp", backend, "step", "keras", [keras, keras, 2 * keras], [ours] * 3)


def test_ratios_are_of_runs_side_by_side():
    row = list(rows())[1]
    assert row.ratios == [0.25, 0.5, 0.5] and row.ratio == 0.5
    assert str(row) == "| mlp | jax | step | keras | 4 | 0.500 (0.250 to 0.500) |"


def test_the_report_compares_with_the_best_of_keras(tmp_path):
    *_, line = against_the_best(list(rows()))
    assert line == "| mlp | step | torch 3 | 0.667 | jax | 0.667 |"
    write(list(rows()), 3, tmp_path)
    assert line in (tmp_path / "benchmarks.md").read_text()
    assert (tmp_path / "benchmarks.png").read_bytes().startswith(b"\x89PNG")
