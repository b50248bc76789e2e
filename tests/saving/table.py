"""`python -m tests.saving.table`: what is promised of files, what our tests say, what Keras did.

The rows and Keras's column are in `table.tsv`. A row's tests have its number in their name, as
`test_f4_bit_flips_are_seen` and `test_l14_l15_…`, or in the line of their docstring that begins
with "Row".
"""

import ast
import collections
import os
import pathlib
import re
import subprocess
import sys

FOLDER = pathlib.Path(__file__).parent
FILES = [
    file
    for folder in (FOLDER, FOLDER.parent / "utils", FOLDER.parent / "datasets")
    for file in sorted(folder.glob("test_*.py"))
]


def rows():
    """Number, input and Keras's answer of each row."""
    lines = (FOLDER / "table.tsv").read_text().splitlines()[1:]
    return [line.split("\t") for line in lines]


def tests_of_rows():
    """For each row, its tests as `file::name`."""
    found = collections.defaultdict(list)
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                named = re.match(r"test((?:_[lfc]\d+)*)_", node.name)[1].upper().split("_")[1:]
                says = re.search(r"\bRows? ([^.:]*)", ast.get_docstring(node) or "")
                named += re.findall(r"\b[LFC]\d+\b", says[1]) if says else []
                for row in named:
                    found[row].append(f"{file}::{node.name}")
    return found


def outcomes(tests):
    """Run tests; how many cases of each passed and failed."""
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rA", "--no-header", "--tb=no", *tests],
        cwd=FOLDER.parents[1],
        env={**os.environ, "PYTHONPATH": str(FOLDER.parents[1])},
        capture_output=True,
        text=True,
    )
    found = collections.defaultdict(collections.Counter)
    for word, name in re.findall(r"^(PASSED|FAILED|ERROR) (\S+::\w+)", finished.stdout, re.M):
        found[str(FOLDER.parents[1] / name)][word] += 1
    return found


def main():
    tests = tests_of_rows()
    results = outcomes(sorted({test for of_row in tests.values() for test in of_row}))
    for row, what, keras in rows():
        counted = sum((results[test] for test in tests[row]), collections.Counter())
        bad = counted["FAILED"] + counted["ERROR"]
        ours = f"{bad} FAILED" if bad else f"{counted['PASSED']} passed" if counted else "no test"
        print(f"{row:4} {ours:10} {what}\n{'':16}Keras: {keras}")


if __name__ == "__main__":
    main()
