"""Run the workloads on Lamina, on Keras and on the raw framework in turns, and print ratios.

    python -m benchmarks [--runs 5] [--keras PYTHON] [WORKLOAD …]

Each run is a process of its own, the contenders take turns, and the figure is the median. Keras
lives in an environment of its own, which `make bench` creates.
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
from collections.abc import Callable

HERE = pathlib.Path(__file__).parent
PROGRAMS = HERE / "programs"
IMPORT = "import time; t = time.perf_counter(); import {0}; print(time.perf_counter() - t)"

Command = list[str]


def lamina(program: str) -> Callable[[str], Command]:
    return lambda keras: [sys.executable, "-m", "lamina", "run", str(PROGRAMS / program)]


def keras(program: str) -> Callable[[str], Command]:
    return lambda keras: [keras, str(PROGRAMS / program)]


def raw(program: str) -> Callable[[str], Command]:
    return lambda keras: [sys.executable, str(PROGRAMS / program)]


def importing(module: str) -> Callable[[str], Command]:
    return lambda keras: [sys.executable, "-c", IMPORT.format(module)]


# Workload -> contender -> command; figures are compared with the first contender's.
WORKLOADS: dict[str, dict[str, Callable[[str], Command]]] = {
    "mnist": {
        "lamina": lamina("mnist.py"),
        "keras": keras("mnist.py"),
        "raw jax": raw("raw_mnist.py"),
    },
    "small_dense": {"lamina": lamina("small_dense.py"), "keras": keras("small_dense.py")},
    "import": {"lamina": importing("lamina"), "jax": importing("jax")},
}


def measure(command: Command) -> dict[str, float]:
    """The figures that a run prints on its last line, in seconds."""
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    environment.pop("LAMINA_BACKEND", None)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return found if isinstance(found, dict) else {"import": found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks")
    parser.add_argument("workloads", nargs="*", choices=[*WORKLOADS, []], metavar="WORKLOAD")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--keras", default=sys.executable, help="the Python that has Keras 3.15")
    arguments = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print("| workload | figure | contender | median s | lamina / contender (min to max) |")
    print("| --- | --- | --- | --- | --- |")
    for name in arguments.workloads or WORKLOADS:
        contenders = WORKLOADS[name]
        runs: dict[str, list[dict[str, float]]] = {contender: [] for contender in contenders}
        for _ in range(arguments.runs):
            for contender, command in contenders.items():
                runs[contender].append(measure(command(arguments.keras)))
        report(name, runs)


def report(name: str, runs: dict[str, list[dict[str, float]]]) -> None:
    for figure in next(iter(runs.values()))[0]:
        for contender, results in runs.items():
            median = statistics.median(result[figure] for result in results)
            pairs = zip(runs["lamina"], results, strict=True)
            ratios = sorted(ours[figure] / theirs[figure] for ours, theirs in pairs)
            ratio = f"{statistics.median(ratios):.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f})"
            print(f"| {name} | {figure} | {contender} | {median:.3f} | {ratio} |", flush=True)


if __name__ == "__main__":
    main()
