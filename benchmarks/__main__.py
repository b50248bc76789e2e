"""Run the workloads on Lamina, on Keras and on the plain framework in turns, and print ratios.

    python -m benchmarks [--backend jax] [--runs 5] [--keras PYTHON] [WORKLOAD …]

Each run is a process of its own, the contenders take turns, and the figure is the median, in
seconds where its name does not say otherwise. Keras lives in an environment of its own, which
`make bench` creates.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
from dataclasses import dataclass

PROGRAMS = pathlib.Path(__file__).parent / "programs"
BACKENDS = ("jax", "torch", "tensorflow")
IMPORT = "import time; t = time.perf_counter(); import {0}; print(time.perf_counter() - t)"

Command = list[str]
Figures = dict[str, float]


@dataclass(frozen=True)
class Workload:
    """A program of the workload's name, for Keras and Lamina alike.

    Attributes:
        backends: those that it runs on.
        arguments: what the program finds in `sys.argv`.
        unit: of its figures; seconds if empty.
    """

    backends: tuple[str, ...] = BACKENDS
    arguments: tuple[str, ...] = ()
    unit: str = ""


WORKLOADS = {
    "mnist": Workload(arguments=("13500",)),
    "mnist_cnn": Workload(),
    "mlp": Workload(),
    "small_dense": Workload(),
    "small_gpt": Workload(),
    "small_resnet": Workload(),
    "forward_torch": Workload(backends=("torch",)),
    "overhead": Workload(unit="µs"),
    "predict_loop": Workload(arguments=("1000",)),
    "import": Workload(),
}


def contenders(name: str, backend: str, keras: str) -> dict[str, Command]:
    """The command of each contender; the figures are compared with the first one's."""
    if name == "import":
        return {
            "lamina": [sys.executable, "-c", IMPORT.format("lamina")],
            "keras": [keras, "-c", IMPORT.format("keras")],
            f"plain {backend}": [sys.executable, "-c", IMPORT.format(backend)],
        }
    arguments = WORKLOADS[name].arguments
    program = str(PROGRAMS / f"{name}.py")
    commands = {
        "lamina": [sys.executable, "-m", "lamina", "run", program, *arguments],
        "keras": [keras, program, *arguments],
    }
    plain = PROGRAMS / f"raw_{backend}_{name}.py"
    if plain.exists():
        commands[f"plain {backend}"] = [sys.executable, str(plain), *arguments]
    return commands


def measure(command: Command, backend: str) -> Figures:
    """The figures that a run prints on its last line."""
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "2"}
    environment.pop("LAMINA_BACKEND", None)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed on {backend}:\n{done.stderr}")
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return found if isinstance(found, dict) else {"import": found}


def take_turns(commands: dict[str, Command], backend: str, turns: int) -> dict[str, list[Figures]]:
    runs: dict[str, list[Figures]] = {contender: [] for contender in commands}
    for _ in range(turns):
        for contender, command in commands.items():
            runs[contender].append(measure(command, backend))
    return runs


def report(name: str, backend: str, runs: dict[str, list[Figures]]) -> None:
    unit = f" ({WORKLOADS[name].unit})" if WORKLOADS[name].unit else ""
    ours, *_ = runs.values()
    for figure in ours[0]:
        for contender, theirs in runs.items():
            median = statistics.median(run[figure] for run in theirs)
            pairs = zip(ours, theirs, strict=True)
            ratios = sorted(a[figure] / b[figure] for a, b in pairs if b[figure])
            ratio = "-"
            if ratios:
                ratio = f"{statistics.median(ratios):.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f})"
            cells = (name, backend, figure + unit, contender, f"{median:.4g}", ratio)
            print("|", " | ".join(cells), "|", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks")
    parser.add_argument("workloads", nargs="*", choices=[*WORKLOADS, []], metavar="WORKLOAD")
    parser.add_argument("--backend", action="append", choices=BACKENDS, help="one or several")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--keras", default=sys.executable, help="the Python that has Keras 3.15")
    options = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print("| workload | backend | figure | contender | median | lamina / contender (min to max) |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    failures = 0
    for name in options.workloads or WORKLOADS:
        for backend in options.backend or BACKENDS:
            if backend not in WORKLOADS[name].backends:
                continue
            commands = contenders(name, backend, options.keras)
            try:
                report(name, backend, take_turns(commands, backend, options.runs))
            except RuntimeError as error:  # the other workloads still run
                failures += 1
                print(error, file=sys.stderr, flush=True)
    return failures


if __name__ == "__main__":
    sys.exit(main())
