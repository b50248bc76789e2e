"""The command `lamina`: run a Keras program on Lamina, list the backends."""

import argparse
import os
import runpy
import sys
from collections.abc import Sequence
from types import TracebackType

import lamina
from lamina import backend, dropin

FAILED = 1
MISUSED = 2
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Args:
        arguments: the words after `lamina`; those of this process when omitted.

    Example:
        >>> main(["run", "no-such-file.py"])
        2
    """
    options = _parser().parse_args(arguments)
    if options.command == "run":
        return run(options.program, options.arguments)
    return list_backends()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lamina", description="Lamina: deep learning with the Keras API."
    )
    parser.add_argument("--version", action="version", version=f"lamina {lamina.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    command = commands.add_parser(
        "run",
        help="run a Python program in which `import keras` finds Lamina",
        usage="lamina run PROGRAM [ARG ...]",
    )
    command.add_argument("program", metavar="PROGRAM", help="the file to run")
    command.add_argument(
        "arguments", metavar="ARG", nargs=argparse.REMAINDER, help="arguments of the program"
    )
    commands.add_parser("backends", help="list the backends: what is installed and what each holds")
    return parser


def run(program: str, arguments: Sequence[str] = ()) -> int:
    """Run the file `program` as `__main__`, with `import keras` finding Lamina.

    The program sees what it would see under `python PROGRAM ARG ...`: its own `sys.argv`, its
    folder first on `sys.path`, and tracebacks that begin in its own lines.

    Args:
        program: path of a Python file.
        arguments: what the program finds in `sys.argv[1:]`.

    Returns:
        The exit status: 0, 1 after an uncaught exception, 2 if there is no such file, 130 after an
        interrupt.

    Raises:
        SystemExit: when the program calls `sys.exit`.
    """
    if not os.path.isfile(program):
        reason = "is a folder" if os.path.isdir(program) else "does not exist"
        sys.stderr.write(f"lamina run: cannot run {program!r}: it {reason}. Give a Python file.\n")
        return MISUSED
    dropin.install()
    sys.argv = [program, *arguments]
    # The first entry is the folder of the `lamina` command; the program expects its own there.
    sys.path[:1] = [os.path.dirname(os.path.abspath(program))]
    try:
        runpy.run_path(program, run_name="__main__")
    except SystemExit:
        raise
    except BaseException as error:
        trace = _from_file(error.__traceback__, program)
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        return INTERRUPTED if isinstance(error, KeyboardInterrupt) else FAILED
    return 0


def _from_file(trace: TracebackType | None, file: str) -> TracebackType | None:
    """The part of a traceback that begins in `file`; None if it never gets there."""
    while trace is not None and trace.tb_frame.f_code.co_filename != file:
        trace = trace.tb_next
    return trace


def list_backends() -> int:
    """Print a table of the backends: installed or not, devices, primitives and overrides."""
    from rich.console import Console
    from rich.table import Table

    table = Table("backend", "version", "devices", "primitives", "overrides")
    for row in backend.describe():
        name = f"{row.name} (active)" if row.active else row.name
        if row.installed:
            counts = (str(row.primitives), str(row.overrides))
            table.add_row(name, row.version, ", ".join(row.devices), *counts)
        else:
            table.add_row(name, f"not installed: {row.install}", "", "", "")
    # Without markup: `lamina[torch]` is text, not a style.
    Console(markup=False).print(table)
    return 0
