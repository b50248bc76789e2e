"""Count the lines of code that an op takes, over all backends.

    python -m benchmarks.lines

A line counts if it holds code: docstrings, comments and blank lines do not. Counted are the rows
with their shared definitions, their dtype and shape rules, and each backend's kernels; what serves
every op alike (how a row runs, transformations, variables, devices) is not.
"""

from __future__ import annotations

import ast
import io
import pathlib
import tokenize

PACKAGE = pathlib.Path(__file__).parents[1] / "lamina"
MECHANISM = {
    "op_call.py",
    "__init__.py",
    "row.py",
    "operand.py",
    "random.py",
    "transforms.py",
    "variables.py",
}
# Of a backend: what runs programs, not ops.
MECHANISM |= {
    "compilation.py",
    "checkpoints.py",
    "compiled.py",
    "compiled_cache.py",
    "control.py",
    "devices.py",
    "foreign.py",
    "fused_updates.py",
    "host_memory.py",
}
MECHANISM |= {"graphs.py", "layouts.py", "memory.py", "module.py", "operations.py", "optimizer.py"}
MECHANISM |= {
    "random_words.py",
    "recording.py",
    "rejection.py",
    "repetition.py",
    "updates.py",
    "work.py",
}
SPACE = {
    *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT),
    *(tokenize.ENCODING, tokenize.ENDMARKER),
}


def code_lines(text: str) -> int:
    """How many lines of a program hold code.

    Example:
        >>> code_lines('def f():\\n    "What it is."\\n\\n    return 1  # one\\n')
        2
    """
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in SPACE:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        text_alone = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if text_alone and isinstance(node.value.value, str):
            lines.difference_update(range(node.lineno, (node.end_lineno or 0) + 1))
    return len(lines)


def is_rule(path: pathlib.Path) -> bool:
    return path.name == "dtypes.py" or path.name.startswith("shapes")


def counted(folder: pathlib.Path, rules: bool = False) -> int:
    """The lines of code of the rules in a folder, or of all the rest but the mechanism."""
    files = [one for one in folder.rglob("*.py") if one.name not in MECHANISM]
    return sum(code_lines(one.read_text("utf-8")) for one in files if is_rule(one) == rules)


def main() -> None:
    from lamina.ops.op_call import rows

    count = len(rows)
    parts = {
        "rows and shared definitions": counted(PACKAGE / "ops"),
        "dtype and shape rules": counted(PACKAGE / "ops", rules=True),
    }
    for name in ("jax", "torch", "tensorflow", "numpy"):
        parts[f"kernels of `{name}`"] = counted(PACKAGE / "backend" / name)
    print(f"| of {count} ops | lines of code | an op |\n| --- | --- | --- |")
    for part, lines in {**parts, "all": sum(parts.values())}.items():
        print(f"| {part} | {lines:,} | {lines / count:.1f} |")


if __name__ == "__main__":
    main()
