"""A step of training repeated without its Python.

Half of a small step is the Python of layers, losses and optimizers, which decides the same things
every time. Where nobody can see it run, what it asks PyTorch to do is recorded twice; if that was
the same both times, the recording runs from then on: the very calls that were made, autograd's
among them, so that numbers stay as they are. A function is not repeated that runs code of the
user's (which may print, count, or decide anew), that looks at the values of tensors, or that
changes what it should only read.
"""

from __future__ import annotations

import functools
import os
import re
import sys
import sysconfig
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import optree
import torch

from lamina.backend.garbage import uncollected
from lamina.backend.session import guard
from lamina.backend.torch.devices import placed
from lamina.backend.torch.recording import NotRecordable, Recorder, define, in_place, tensors_in

Function = Callable[..., Any]

# Calls of which it pays to have two recorded, which takes as long as four each.
ENOUGH = 48

# What tells of a tensor without looking at its values.
_OF_NO_VALUE = frozenset(
    [
        *("shape", "dtype", "device", "ndim", "dim", "size", "numel", "nelement", "stride"),
        *("requires_grad", "is_leaf", "grad_fn", "layout", "data_ptr", "element_size", "__len__"),
        *("is_contiguous", "is_floating_point", "is_complex", "is_signed", "is_cpu", "is_cuda"),
        *("is_sparse", "is_nested", "is_quantized", "is_meta", "is_mps", "is_conj", "is_neg"),
        *("storage_offset", "get_device", "itemsize", "nbytes", "broadcast_shapes", "__hash__"),
        *("result_type", "promote_types", "can_cast", "is_tensor", "is_inference", "names"),
    ]
)
_RANDOM = ("rand", "normal", "bernoulli", "multinomial", "poisson", "exponential", "dropout")

_OURS = (
    f"{Path(__file__).parents[2]}{os.sep}",
    *(f"{Path(str(one.__file__)).parent}{os.sep}" for one in (torch, np, optree, ml_dtypes)),
    "<lamina.",  # functions made of text
    "<frozen",
)
_STANDARD = sysconfig.get_path("stdlib")


def repeating(function: Function, times: int | None) -> Function:
    """`function`, which after two recorded calls may be repeated without its Python."""
    if times is None or times < ENOUGH or sys.getprofile() is not None:
        return function
    cases: dict[Any, _Case] = {}

    def call(*args: Any) -> Any:
        given: Any = args
        leaves, structure = optree.tree_flatten(given, none_is_leaf=True)
        leaves = [placed(one, None) if isinstance(one, np.ndarray) else one for one in leaves]
        key = (structure, guard.value, *map(_kind, leaves))
        case = cases.get(key)
        if case is None:
            case = cases[key] = _Case(function, structure)
        return case.call(leaves)

    return call


def _kind(leaf: Any) -> Any:
    return (leaf.shape, leaf.dtype, leaf.device) if isinstance(leaf, torch.Tensor) else leaf


class _Case:
    """A function on arguments of one structure, shape and type.

    Attributes:
        call: what the next call runs: the function, which makes what is made once; then twice the
            function, recorded; then the recording, or the function where it cannot be repeated.
    """

    def __init__(self, function: Function, structure: Any) -> None:
        self.function = function
        self.structure = structure
        self.call = self._first

    def _plain(self, leaves: list[Any]) -> Any:
        return self.function(*self.structure.unflatten(leaves))

    def _first(self, leaves: list[Any]) -> Any:
        self.call = self._second
        return self._plain(leaves)

    def _second(self, leaves: list[Any]) -> Any:
        result, record = self._recorded(leaves)
        self.call = self._plain if record is None else functools.partial(self._third, record)
        return result

    def _third(self, earlier: _Record, leaves: list[Any]) -> Any:
        result, record = self._recorded(leaves)
        repeatable = record is not None and record.agrees(earlier)
        self.call = record.program() if record is not None and repeatable else self._plain
        return result

    def _recorded(self, leaves: list[Any]) -> tuple[Any, _Record | None]:
        record, foreign = _Record(leaves), _Foreign()
        # What the collector calls, whenever it runs, is no part of the step.
        with uncollected(), record, foreign:
            result = self._plain(leaves)
        record.finish(result)
        return result, None if foreign.seen or record.refusal else record


class _Foreign:
    """Whether Python code runs that is not Lamina's nor of what it stands on."""

    def __init__(self) -> None:
        self.seen = False
        self.known: set[Any] = set()

    def __enter__(self) -> None:
        sys.setprofile(self._look)

    def __exit__(self, *exc_info: object) -> None:
        sys.setprofile(None)

    def _look(self, frame: Any, event: str, argument: Any) -> None:
        code = frame.f_code
        if event != "call" or code in self.known:
            return
        self.known.add(code)
        file = code.co_filename
        standard = file.startswith(_STANDARD) and "-packages" not in file
        # What dataclasses and named tuples are made by has no file.
        module = str(frame.f_globals.get("__name__")) if file == "<string>" else ""
        own = file.startswith(_OURS) or module.startswith(("lamina.", "namedtuple_"))
        self.seen |= not (standard or own)


class _Record(Recorder):
    """One call of a function, as a program.

    Attributes:
        refusal: why the function cannot be repeated, if that is so.
    """

    def __init__(self, tensors: Sequence[Any]) -> None:
        super().__init__()
        # Each with the names of its results, and whether these are all that it does.
        self.lines: list[tuple[str, tuple[str, ...], bool]] = []
        self.refusal = ""
        self.parameters = [self.take(one, f"x{i}") for i, one in enumerate(tensors)]
        self._folded: set[int] = set()
        self._changed: list[Any] = []

    def note(self, function: Any, name: str, args: Any, kwargs: Any, result: Any) -> None:
        if self.refusal:
            return
        try:
            self._note(function, name, args, kwargs, result)
        except NotRecordable as error:
            self.refusal = str(error)

    def _note(self, function: Any, name: str, args: Any, kwargs: Any, result: Any) -> None:
        given = tensors_in((args, *kwargs.values()))
        if any(map(_is_strange, given)) or function.__name__ == "__set__":
            raise NotRecordable(f"{name} is of a transformation, or sets an attribute")
        for one in given:
            if one.grad_fn is not None and self.name_of(one) is None:
                raise NotRecordable(f"{name} was given what no call of PyTorch made")
        results = result if isinstance(result, (tuple, list)) else [result]
        new = [one for one in tensors_in(results) if not any(one is other for other in given)]
        changing = in_place(name) or kwargs.get("out") is not None
        if changing:
            self._change(name, args)
        elif not new:
            self._look(name, given, result, function, args)
            return
        elif not given and self._is_constant(name, result):
            self._folded.add(id(result))
            self._alive.append(result)
            return
        line = self.call(function, args, kwargs)
        names = [self._result(one, given) for one in results] if new else []
        if new:
            line = f"{', '.join(names)}{', ' if result is not results[0] else ''} = {line}"
        pure = not (changing or any(word in name for word in _RANDOM))
        self.lines.append((line, tuple(names), pure))

    def _result(self, value: Any, given: list[torch.Tensor]) -> str:
        if isinstance(value, (tuple, list)):
            raise NotRecordable("results are nested")
        if not isinstance(value, torch.Tensor) or any(value is one for one in given):
            return "_"
        return self.take(value)

    def _change(self, name: str, args: Any) -> None:
        """Note that a call changes its first argument."""
        for target in tensors_in(args[:1]):
            if id(target) in self._folded:
                raise NotRecordable(f"{name} changes a constant")
            if self.name_of(target) is None:
                self._changed.append(target)

    def _look(self, name: str, given: Any, result: Any, function: Any, args: Any) -> None:
        """Note a call that makes no tensor."""
        if name == "_set_grad_enabled":
            self.lines.append((self.call(function, args, {}), (), False))
        elif given and name not in _OF_NO_VALUE and not isinstance(result, torch.Tensor):
            raise NotRecordable(f"{name} looks at values")
        elif name.startswith(("set_", "_set_", "manual_seed")):
            raise NotRecordable(f"{name} changes how PyTorch works")

    def _is_constant(self, name: str, result: Any) -> bool:
        """Whether what is made of no tensor is the same each time, and need not be made again."""
        drawn = any(word in name for word in _RANDOM)
        return not drawn and (name == "arange" or (result.ndim == 0 and name != "empty"))

    def opaque(self, function: Function, *args: Any) -> Any:
        with torch._C.DisableTorchFunction():
            result = function(*args)
        made = "" if result is None else f"{self.take(result)} = "
        self.lines.append((f"{made}{self.call(function, args, {})}", (), False))
        return result

    def refuse(self, reason: str) -> None:
        self.refusal = self.refusal or reason

    def finish(self, result: Any) -> None:
        """Note what the function returned, and let go of the tensors made."""
        found, self.structure = optree.tree_flatten(result, none_is_leaf=True)
        self.returned = [self.name_of(one) for one in found]
        self.rest = [
            one if name is None else None for one, name in zip(found, self.returned, strict=True)
        ]
        if tensors_in(self.rest):
            self.refuse("it returns what no call of PyTorch made")
        self._alive.clear()
        self._names.clear()

    def agrees(self, earlier: _Record) -> bool:
        """Whether an earlier call asked for the same."""
        if (self.lines, self.returned) != (earlier.lines, earlier.returned):
            return False
        changed = zip(self._changed, earlier._changed, strict=True)
        pairs = [(one, earlier.constants[name]) for name, one in self.constants.items()]
        pairs += zip(self.rest, earlier.rest, strict=True)
        return all(one is other for one, other in changed) and all(_equal(*pair) for pair in pairs)

    def program(self) -> Function:
        """A function of the leaves of the arguments that does what was recorded."""
        returned = "".join(f"{name or None}, " for name in self.returned)
        lines = [*self._needed(), f"return ({returned})"]
        run = define("run", self.parameters, lines, self.constants)
        rest, structure = self.rest, self.structure

        def call(leaves: list[Any]) -> Any:
            recording = torch.is_grad_enabled()
            try:
                found = run(*leaves)
            except BaseException:
                torch.set_grad_enabled(recording)
                raise
            return structure.unflatten(
                [one if made is None else made for made, one in zip(found, rest, strict=True)]
            )

        return call

    def _needed(self) -> list[str]:
        """The lines that matter, each followed by setting free what no later one needs."""
        needed = {name for name in self.returned if name is not None}
        lines: list[str] = []
        for line, results, pure in reversed(self.lines):
            if pure and not needed.intersection(results):
                continue
            free = set(re.findall(r"\bt\d+\b", line)) - needed
            lines.append(f"{line}; del {', '.join(sorted(free))}" if free else line)
            needed |= free
        return lines[::-1]


def _is_strange(one: torch.Tensor) -> bool:
    functorch = torch._C._functorch.is_functorch_wrapped_tensor(one)
    return functorch or type(one) not in (torch.Tensor, torch.nn.Parameter)


def _equal(one: Any, other: Any) -> bool:
    """Whether two constants are the same, or as good as that."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, torch.nn.Parameter):
        return False
    if isinstance(one, torch.Tensor):
        alike = (one.shape, one.dtype, one.device) == (other.shape, other.dtype, other.device)
        return alike and bool(torch.equal(one, other))
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    try:
        return bool(one == other)
    except (TypeError, ValueError, RuntimeError):
        return False
