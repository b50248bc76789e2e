"""What is timed, and by which commands."""

from __future__ import annotations

import pathlib
from dataclasses import dataclass

PROGRAMS = pathlib.Path(__file__).parent / "programs"
BACKENDS = ("jax", "torch", "tensorflow")
# Importing Lamina takes no framework; the program's first op does.
IMPORT = """
import json, time
start = time.perf_counter()
import {0}
imported = time.perf_counter() - start
{1}(1)
used = time.perf_counter() - start
print(json.dumps({{"import": imported, "import and an op": used}}))
"""
ZEROS = {"jax": "jax.numpy.zeros", "torch": "torch.zeros", "tensorflow": "tensorflow.zeros"}

Command = list[str]


@dataclass(frozen=True)
class Workload:
    """A program for Keras and Lamina alike.

    Attributes:
        program: its name in `programs/`; empty for the imports.
        backends: those that it runs on.
        arguments: what the program finds in `sys.argv`.
        figures: of those that it prints, the ones that are reported; all of them if empty.
        unit: of its figures; seconds if empty.
        again: whether the second process of two is timed, which finds what the first one kept.
        heavy: whether it runs only where it is named: it is for a GPU.
    """

    program: str
    backends: tuple[str, ...] = BACKENDS
    arguments: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    unit: str = ""
    again: bool = False
    heavy: bool = False


WORKLOADS = {
    "mnist": Workload("mnist", arguments=("6750",)),
    "mnist_again": Workload("mnist", arguments=("2048",), figures=("first",), again=True),
    "mnist_cnn": Workload("mnist_cnn"),
    "mlp": Workload("mlp"),
    "small_dense": Workload("small_dense"),
    "lstm": Workload("lstm"),
    "lstm_masked": Workload("lstm", arguments=("masked",)),
    "small_gpt": Workload("small_gpt"),
    "small_resnet": Workload("small_resnet"),
    "predict_loop": Workload("predict_loop", arguments=("1000",)),
    "build": Workload("build"),
    "memory": Workload("memory", unit="MB"),
    "import": Workload(""),
    "forward_torch": Workload("forward_torch", backends=("torch",)),
    "overhead": Workload("overhead", unit="µs"),
    "resnet50": Workload("resnet50", backends=("jax", "torch"), heavy=True),
    "gpt2": Workload("gpt2", backends=("jax", "torch"), heavy=True),
}


def contenders(name: str, backend: str, python: str) -> dict[str, Command]:
    """The command of each contender; the figures are compared with the first one's.

    Args:
        name: of the workload.
        backend: what Keras and Lamina run on.
        python: the one that has Lamina, Keras and the frameworks. What else is there counts, too:
            TensorFlow imports pandas where it is, JAX etils.
    """
    workload = WORKLOADS[name]
    if not workload.program:
        return {
            "lamina": [python, "-c", IMPORT.format("lamina", "lamina.ops.zeros")],
            "keras": [python, "-c", IMPORT.format("keras", "keras.ops.zeros")],
            f"plain {backend}": [python, "-c", IMPORT.format(backend, ZEROS[backend])],
        }
    program = str(PROGRAMS / f"{workload.program}.py")
    commands = {
        "lamina": [python, "-m", "lamina", "run", program, *workload.arguments],
        "keras": [python, program, *workload.arguments],
    }
    plain = PROGRAMS / f"raw_{backend}_{workload.program}.py"
    if plain.exists():
        commands[f"plain {backend}"] = [python, str(plain), *workload.arguments]
    return commands
