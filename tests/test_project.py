"""What holds for every file of the project."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import lamina

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "lamina"
SOURCES = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FRAMEWORKS = {"jax", "jaxlib", "torch", "tensorflow"}


def name(path):
    return path.relative_to(ROOT).as_posix()


def imported(tree):
    """The top package and the line of each import, at any depth of the code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name.split(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0], node.lineno


def test_only_the_backends_import_a_framework():
    outside = [path for path in SOURCES if PACKAGE / "backend" not in path.parents]
    assert not [
        f"{name(path)}:{line} imports {top}"
        for path in outside
        for top, line in imported(ast.parse(path.read_text()))
        if top in FRAMEWORKS
    ]


def test_nothing_of_lamina_imports_keras():
    assert not [
        f"{name(path)}:{line}"
        for path in SOURCES
        for top, line in imported(ast.parse(path.read_text()))
        if top == "keras"
    ]


# Where files are opened for writing outside of `core/atomic.py`, and why what is written there is
# whole or not at all, or need not be.
WRITERS = {
    "lamina/core/atomic.py": "the one place that writes beside a file and puts it in place",
    "lamina/saving/array_file.py": "into a generation's folder, which has its name when complete",
    "lamina/saving/archive.py": "in a file that the caller gives, of `atomic_write`",
    "lamina/saving/assets.py": "into a fresh temporary folder for a layer's `load_assets`",
    "lamina/saving/generations.py": "a lock, which holds nothing",
    "lamina/saving/shards.py": "temporary names, until the index names them, which is written last",
    "lamina/saving/hdf5.py": "a file that the caller gives: temporary, or of `atomic_path`",
    "lamina/callbacks/csv_logger.py": "a log, which grows line by line and may be appended to",
    "lamina/data/py_dataset.py": "a temporary file that workers read",
    "lamina/utils/archives.py": "into a fresh folder, which has its name when all is unpacked",
    "lamina/utils/download.py": "a temporary file, which has its name when its hash is right",
}


def writing_calls(tree):
    """The lines of calls that open a file for writing, or write one."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        texts = [one.value for one in ast.walk(node) if isinstance(one, ast.Constant)]
        modes = [
            one
            for one in texts
            if isinstance(one, str) and re.fullmatch(r"[rbt]*[wax+][bt+]*", one)
        ]
        last = called.rpartition(".")[2]
        opens = last in ("open", "fdopen", "File", "ZipFile", "TarFile") and modes
        if opens or last in ("write_text", "write_bytes", "save", "savez", "savez_compressed"):
            if last.startswith("save") and not called.startswith(("np.", "numpy.")):
                continue
            yield node.lineno


def test_files_are_written_in_listed_places():
    found = {
        name(path): lines
        for path in SOURCES
        if (lines := list(writing_calls(ast.parse(path.read_text()))))
    }
    assert not found.keys() - WRITERS, "write by atomic_path or atomic_write, or give a reason"
    assert not WRITERS.keys() - found, "no longer writes: take it off the list"


def test_files_have_under_500_lines():
    lines = {name(path): len(path.read_text().splitlines()) for path in SOURCES + TESTS}
    assert not {path: count for path, count in lines.items() if count >= 500}


def code_lines(function):
    """Lines of a function's body without its docstring."""
    documented = ast.get_docstring(function) is not None
    code = function.body[1:] if documented else function.body
    return code[-1].end_lineno - code[0].lineno + 1 if code else 0


def test_functions_have_under_60_lines():
    assert not [
        f"{name(path)}:{node.lineno} {node.name}: {code_lines(node)} lines"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and code_lines(node) >= 60
    ]


def test_every_folder_of_the_package_is_a_package_and_types_are_shipped():
    folders = {path.parent for path in SOURCES}
    assert not [name(folder) for folder in folders if not (folder / "__init__.py").exists()]
    assert (PACKAGE / "py.typed").exists()


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"\b(TODO|FIXME|XXX)\b", "finish it, or leave it out"),
        (r"(?<![\w.])/(work|root|home)/", "a path of somebody's machine"),
        (r"\.\./shared\b|\bshared/(api|data|programs|hooks)\b", "a folder outside the project"),
        (r"\bpypi\.(org|python\.org)\b|files\.pythonhosted", "the host of a package registry"),
        (r"(?i)\b(sub-?agent|co-authored-by|language model session)\b", "how the text was made"),
    ],
)
def test_no_text_says_what_does_not_belong_to_it(pattern, reason):
    files = [path for path in SOURCES + TESTS + DOCUMENTS if path != Path(__file__)]
    found = [
        f"{name(path)}:{number}: {line.strip()}"
        for path in files
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(pattern, line)
    ]
    assert not found, reason


def test_the_version_is_written_the_same_everywhere():
    project = (ROOT / "pyproject.toml").read_text()
    assert re.search(r'^version = "(.+)"$', project, re.MULTILINE)[1] == lamina.__version__


def test_the_hooks_run_the_checks_of_make_test():
    makefile = (ROOT / "Makefile").read_text().replace("$(BIN)", ".venv/bin").splitlines()
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    checks = re.findall(r"^ +entry: (.+)$", hooks, re.MULTILINE)
    assert len(checks) == 5
    assert not [check for check in checks if f"\t{check}" not in makefile]


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_links_lead_to_files(document):
    text = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)
    links = re.findall(r"\]\(([^)#\s]+)", text)
    local = [link for link in links if not link.startswith(("http:", "https:", "mailto:"))]
    assert not [link for link in local if not (document.parent / link).exists()]


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_tests_that_a_document_names_are_there(document):
    named = re.findall(r"(tests/[\w/]+\.py)::(\w+)", document.read_text())
    assert not [test for file, test in named if f"def {test}(" not in (ROOT / file).read_text()]


def programs(document):
    """The fenced blocks marked `python`, as one program; `python fragment` marks what is none."""
    return "\n".join(
        re.findall(r"^```python\n(.*?)^```$", document.read_text(), re.DOTALL | re.MULTILINE)
    )


@pytest.mark.parametrize("document", [d for d in DOCUMENTS if programs(d)], ids=name)
def test_the_examples_of_a_document_run(document, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", programs(document)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
