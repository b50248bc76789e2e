"""Run the workloads on Lamina, on Keras and on the plain framework in turns, and print ratios.

    python -m benchmarks [--backend jax] [--runs 5] [--python PYTHON] [--write] [WORKLOAD …]

Each run is a process of its own, the contenders take turns, and the figure is the median, in
seconds where its name does not say otherwise. All of them run in one environment, which `make
bench` creates. With `--write`, `docs/benchmarks.md` and its picture are made anew.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from benchmarks.report import HEADER, RULE, Row, machine, write
from benchmarks.workloads import BACKENDS, WORKLOADS, Command, contenders

Figures = dict[str, float]


def measure(command: Command, backend: str, again: bool) -> Figures:
    """The figures that a run prints on its last line.

    Args:
        command: what to run; it finds an empty folder of settings, and no compiled programs.
        backend: the one to run on.
        again: whether it runs twice, and the second run counts.
    """
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "KERAS_HOME": home, "KERAS_BACKEND": backend}
        environment["TF_CPP_MIN_LOG_LEVEL"] = "2"
        environment.pop("LAMINA_BACKEND", None)
        for _ in range(2 if again else 1):
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise RuntimeError(f"{' '.join(command)} failed on {backend}:\n{done.stderr}")
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def take_turns(name: str, backend: str, python: str, turns: int) -> list[Row]:
    """The rows of one workload on one backend."""
    workload, commands = WORKLOADS[name], contenders(name, backend, python)
    runs: dict[str, list[Figures]] = {contender: [] for contender in commands}
    for _ in range(turns):
        for contender, command in commands.items():
            runs[contender].append(measure(command, backend, workload.again))
    unit = f" ({workload.unit})" if workload.unit else ""
    figures = workload.figures or tuple(runs["lamina"][0])
    return [
        Row(name, backend, figure + unit, contender, [run[figure] for run in found],
            [run[figure] for run in runs["lamina"]])
        for figure in figures
        for contender, found in runs.items()
        if figure in found[0]
    ]  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks")
    parser.add_argument("workloads", nargs="*", choices=[*WORKLOADS, []], metavar="WORKLOAD")
    parser.add_argument("--backend", action="append", choices=BACKENDS, help="one or several")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument(
        "--python", default=sys.executable, help="with Lamina, Keras 3.15 and the frameworks"
    )
    parser.add_argument("--write", action="store_true", help="make docs/benchmarks.md anew")
    options = parser.parse_args()
    print(machine())
    print(HEADER, RULE, sep="\n", flush=True)
    failures, rows = 0, []
    light = [name for name, workload in WORKLOADS.items() if not workload.heavy]
    for name in options.workloads or light:
        for backend in options.backend or BACKENDS:
            if backend not in WORKLOADS[name].backends:
                continue
            try:
                found = take_turns(name, backend, options.python, options.runs)
            except RuntimeError as error:  # the other workloads still run
                failures += 1
                print(error, file=sys.stderr, flush=True)
                continue
            print(*found, sep="\n", flush=True)
            rows += found
    if options.write:
        write(rows, options.runs, pathlib.Path(__file__).parents[1] / "docs")
    return failures


if __name__ == "__main__":
    sys.exit(main())
