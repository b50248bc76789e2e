"""The command `lamina`, each call in a process of its own."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from lamina.backend.config import FRAMEWORKS

ROOT = Path(__file__).parent.parent


def lamina(*words, folder):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, "-m", "lamina", *words],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=folder,
        env=environment,
    )


def run(source, *words, folder):
    (folder / "program.py").write_text(source)
    return lamina("run", "program.py", *words, folder=folder)


def test_version_is_the_one_of_the_project(tmp_path):
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert lamina("--version", folder=tmp_path).stdout == f"lamina {version}\n"


def test_the_program_sees_its_arguments_its_folder_and_lamina_as_keras(tmp_path):
    (tmp_path / "neighbour.py").write_text("value = 7\n")
    source = (
        "import sys, keras, neighbour\n"
        "assert __name__ == '__main__'\n"
        "print(sys.argv, keras.__name__, neighbour.value)\n"
    )
    done = run(source, "--epochs", "3", "-h", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "['program.py', '--epochs', '3', '-h'] lamina 7\n"


def test_a_traceback_begins_in_the_program(tmp_path):
    done = run("def fail():\n    1 / 0\n\nfail()\n", folder=tmp_path)
    assert done.returncode == 1
    first, where, *_ = done.stderr.splitlines()
    assert first == "Traceback (most recent call last):"
    assert where == '  File "program.py", line 4, in <module>'
    assert done.stderr.splitlines()[-1] == "ZeroDivisionError: division by zero"


def test_a_syntax_error_shows_its_line_and_no_line_of_ours(tmp_path):
    done = run("x = (\n", folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[0].endswith('program.py", line 1')
    assert "SyntaxError" in done.stderr and "runpy" not in done.stderr


@pytest.mark.parametrize(("call", "status"), [("sys.exit()", 0), ("sys.exit(5)", 5)])
def test_the_exit_status_is_the_program_s(call, status, tmp_path):
    assert run(f"import sys\n{call}\n", folder=tmp_path).returncode == status


def test_an_interrupt_ends_with_status_130(tmp_path):
    done = run("raise KeyboardInterrupt\n", folder=tmp_path)
    assert done.returncode == 130 and "program.py" in done.stderr


@pytest.mark.parametrize(
    ("name", "reason"), [("missing.py", "it does not exist"), (".", "it is a folder")]
)
def test_what_is_no_file_is_refused(name, reason, tmp_path):
    done = lamina("run", name, folder=tmp_path)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == f"lamina run: cannot run {name!r}: {reason}. Give a Python file.\n"


def test_no_command_is_a_misuse(tmp_path):
    done = lamina(folder=tmp_path)
    assert done.returncode == 2 and "usage: lamina" in done.stderr


def test_backends_are_listed_with_their_counts(tmp_path):
    done = lamina("backends", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    for name in FRAMEWORKS:
        (line,) = [line for line in lines if line.lstrip("│ ").startswith(name)]
        counted = any(character.isdigit() for character in line)
        assert counted or f"pip install 'lamina[{name}]'" in line
    assert sum("(active)" in line for line in lines) == 1
