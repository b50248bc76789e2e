"""`python -m tests.agreement`: every class on every backend, and docs/agreement.md written anew."""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from importlib.metadata import version

from tests.agreement.kinds import KINDS

ROOT = pathlib.Path(__file__).parents[2]
PAGE = ROOT / "docs" / "agreement.md"
BACKENDS = {"jax": "jax", "torch": "torch", "tensorflow": "tensorflow-cpu"}
HEAD = """\
# Agreement with Keras

`make agreement` writes this page. For each public class, Hypothesis draws constructor arguments
and inputs (`tests/agreement/`); Lamina and Keras {keras} on JAX run the same lines with the same
weights and data. What must agree: values, shapes and types, those foreseen by symbolic tensors too;
names and shapes of weights; state after steps and updates; the config, from which an equal object
is made again; and whether the configuration is refused.

- **tried**: configurations, {count} a class at most; the same on every backend.
- **refused**: those of them that both refuse.
- A backend's column: the largest difference between an element of Lamina's result and of Keras's,
  as a part of the largest element of that result (of 0.1 where all are smaller). Of random
  initializers only shape, type and config are compared.

Made with {versions}, on a CPU.
"""


def surveyed(backend: str, count: int, names: list[str], cache: str) -> subprocess.Popen[str]:
    """Start a survey of one backend; the processes share what JAX compiles for Keras."""
    settings = {
        "JAX_COMPILATION_CACHE_DIR": cache,
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    command = [sys.executable, "-m", "tests.agreement.survey", str(count), *names]
    environment = {**settings, **os.environ, "LAMINA_TEST_BACKEND": backend}
    return subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def page(tables: dict[str, dict], count: int) -> str:
    """The page, of each backend's table."""
    packages = ["keras", *(BACKENDS[one] for one in tables), "numpy", "hypothesis"]
    versions = ", ".join(f"{one} {version(one)}" for one in packages)
    lines = [HEAD.format(count=count, versions=versions, keras=version("keras"))]
    for kind in KINDS.values():
        rows = [
            name for name in kind.present if f"{kind.name}.{name}" in next(iter(tables.values()))
        ]
        if rows:
            lines += [f"## {kind.name}\n", _line("class", "tried", "refused", *tables)]
            lines += [_line(*["---"] * (3 + len(tables)))]
            lines += [_row(kind.name, name, tables) for name in rows]
            lines += [""]
    return "\n".join([*lines, *_not_compared(), *_disagreements(tables)])


def _line(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _row(kind: str, name: str, tables: dict[str, dict]) -> str:
    found = [table[f"{kind}.{name}"] for table in tables.values()]
    differences = [
        f"{one['difference']:.0e}" + ("" if not one["disagreements"] else " (!)") for one in found
    ]
    return _line(name, found[0]["tried"], found[0]["refused"], *differences)


def _not_compared() -> list[str]:
    lines = ["## Not compared\n"]
    for kind in KINDS.values():
        lines += [f"- `{kind.name}.{name}`: {reason}." for name, reason in kind.exceptions.items()]
        for name in kind.present:
            lines += [f"- `{name}`: {reason}." for reason in kind.draws[name].left_out]
    return [*lines, ""]


def _disagreements(tables: dict[str, dict]) -> list[str]:
    lines = [
        f"- {backend}: {' '.join(text.split())[:400]}"
        for backend, table in tables.items()
        for row in table.values()
        for text in row["disagreements"][:1]
    ]
    return ["## Disagreements\n", *lines, ""] if lines else []


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.agreement", description=__doc__)
    parser.add_argument("--examples", type=int, default=50, help="configurations of a class")
    parser.add_argument("--backend", action="append", choices=BACKENDS, help="default: all")
    parser.add_argument("names", nargs="*", help="kinds or classes; with them nothing is written")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        running = {
            backend: surveyed(backend, given.examples, given.names, cache)
            for backend in given.backend or BACKENDS
        }
        tables = {backend: json.loads(one.communicate()[0]) for backend, one in running.items()}
    text = page(tables, given.examples)
    if given.names or given.backend:
        print(text)
    else:
        PAGE.write_text(text)
    return int(any(row["disagreements"] for table in tables.values() for row in table.values()))


if __name__ == "__main__":
    sys.exit(main())
