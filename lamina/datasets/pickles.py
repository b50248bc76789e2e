"""The pickles of old data sets, read without `pickle`.

A pickle is a program for a stack machine, and its instructions may call anything; that CIFAR, IMDB
and Reuters are published as pickles is no reason to run one. This machine knows the instructions
that write numbers, texts, lists, tuples, dictionaries and NumPy arrays, and no other. A name in
the file is only looked up in a table of this module (`_CALLS`), which holds functions of this
module: nothing is imported, and nothing that the file chooses is called. So the worst that a file
can do is to be refused. Each size it states is held to the bytes that are there, so what it takes
in memory is in proportion to the file.
"""

import math
import re
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TYPE = re.compile(r"b1|[iuf][1248]|O[48]?")
_HIGHEST_PROTOCOL = 5
_MOST_AXES = 32


class PickleError(ValueError):
    """A pickle is damaged, or holds what a data set has no need of."""


def read_pickle(content: bytes) -> Any:
    r"""What a pickle holds, where that is numbers, texts, lists, dictionaries or arrays.

    Args:
        content: the bytes of a pickle of protocol 2 to 5, such as Python 2 and NumPy wrote.

    Returns:
        The object. A text of Python 2 is given as bytes, an array as a `numpy.ndarray` that
        cannot be written to, where it is the object itself or a value of the dictionary that is.

    Raises:
        PickleError: an instruction is not one of those above, or the pickle is damaged.

    Example:
        >>> read_pickle(b"\x80\x02]q\x00(K\x01M\xe8\x03e.")
        [1, 1000]
    """
    machine = _Machine(content)
    try:
        found = machine.run()
        if type(found) is dict:
            return {key: _plain(value) for key, value in found.items()}
        return _plain(found)
    except PickleError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        # What is left of a damaged program: an empty stack, an unhashable key, a wrong number.
        raise PickleError(
            f"the pickle is damaged before byte {machine.at} ({error!r:.100})"
        ) from error


class _Type:
    """A NumPy type while it is being described."""

    def __init__(self, code: Any, *_: Any) -> None:
        text = _text(code)
        if not _TYPE.fullmatch(text):
            raise PickleError(f"the pickle has an array of type {text[:20]!r}; numbers only")
        self.type = np.dtype(text[0] if text[0] == "O" else text)

    def build(self, state: Any) -> None:
        """Set the byte order: the state is version, order, and what only records have."""
        _, order, *record = state[:5]
        if any(part is not None for part in record):
            raise PickleError("the pickle has an array of records; numbers only")
        if _text(order) not in ("<", ">", "=", "|"):
            raise PickleError("the pickle has an array of no known byte order")
        self.type = np.dtype(_text(order) + self.type.str[1:])


class _Array:
    """A NumPy array while it is being described."""

    value: NDArray[Any] | None = None

    def __init__(self, *_: Any) -> None:
        pass  # a kind, a shape and a type that the state replaces

    def build(self, state: Any) -> None:
        """Take the content: the state is version, shape, type, column order, and content."""
        _, shape, kind, columns, content = state
        if len(shape) > _MOST_AXES or any(type(size) is not int or size < 0 for size in shape):
            raise PickleError("the pickle has an array whose shape is none")
        wanted, objects = math.prod(shape), kind.type.hasobject
        if len(content) != wanted * (1 if objects else kind.type.itemsize):
            raise PickleError("the pickle has an array whose content is not of its shape")
        flat: NDArray[Any]
        if objects and type(content) is list:
            flat = np.fromiter(content, object, wanted)
        elif not objects and type(content) is bytes:
            flat = np.frombuffer(content, kind.type)
        else:
            raise PickleError("the pickle has an array whose content is not of its type")
        self.value = flat.reshape(shape, order="F" if columns else "C")


def _plain(value: Any) -> Any:
    if isinstance(value, _Array):
        if value.value is None:
            raise PickleError("the pickle has an array without content")
        return value.value
    return value


def _scalar(kind: _Type, content: bytes) -> Any:
    return np.frombuffer(content, kind.type, 1).item()


def _encode(text: str, encoding: Any) -> bytes:
    """Bytes as Python 3 writes them for Python 2."""
    if _text(encoding) != "latin1":
        raise PickleError(f"the pickle has a text in {_text(encoding)[:20]!r}; latin1 only")
    return text.encode("latin1")


def _text(value: Any) -> str:
    text = value.decode("ascii") if type(value) is bytes else value
    if type(text) is not str:
        raise PickleError("the pickle has another thing where a text belongs")
    return text


# The names that NumPy and Python write an array or bytes with, and what stands for them here.
_CALLS: dict[str, Callable[..., Any]] = {
    "numpy.core.multiarray _reconstruct": _Array,
    "numpy._core.multiarray _reconstruct": _Array,
    "numpy.core.multiarray scalar": _scalar,
    "numpy._core.multiarray scalar": _scalar,
    "numpy ndarray": _Array,
    "numpy dtype": _Type,
    "_codecs encode": _encode,
    "__builtin__ bytes": lambda: b"",
}


class _Machine:
    """The stack machine: instructions one after another, a stack, marks in it, and a memory."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.at = 0
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memory: dict[int, Any] = {}

    def run(self) -> Any:
        while True:
            self.small_numbers()
            code = self.take(1)
            if code == b".":
                return self.stack.pop()
            operation = _OPERATIONS.get(code)
            if operation is None:
                raise PickleError(
                    f"the pickle has instruction {code!r} at {self.at - 1}, which no data needs"
                )
            operation(self)

    def small_numbers(self) -> None:
        """Push the numbers that come next. Nearly all of a file of texts is these."""
        content, push, at = self.content, self.stack.append, self.at
        while True:
            code = content[at]
            if code == 0x4D:
                push(content[at + 1] | content[at + 2] << 8)
                at += 3
            elif code == 0x4B:
                push(content[at + 1])
                at += 2
            else:
                self.at = at
                return

    def take(self, count: int) -> bytes:
        found = self.content[self.at : self.at + count]
        if len(found) != count:
            raise PickleError(f"the pickle is cut off after {len(self.content)} bytes")
        self.at += count
        return found

    def number(self, width: int, signed: bool = False) -> int:
        return int.from_bytes(self.take(width), "little", signed=signed)

    def line(self) -> str:
        end = self.content.index(b"\n", self.at)
        text = self.take(end - self.at).decode("ascii")
        self.at += 1
        return text

    def protocol(self, number: int) -> None:
        if number > _HIGHEST_PROTOCOL:
            raise PickleError(f"the pickle is of protocol {number}; known are 2 to 5")

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def since_mark(self) -> list[Any]:
        start = self.marks.pop()
        found = self.stack[start:]
        del self.stack[start:]
        return found

    def last(self, count: int) -> list[Any]:
        if len(self.stack) < count:
            raise PickleError("the pickle takes more than it has")
        found = self.stack[-count:]
        del self.stack[-count:]
        return found

    def extend(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not list:
            raise PickleError("the pickle appends to what is no list")
        target.extend(values)

    def update(self, pairs: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not dict:
            raise PickleError("the pickle sets items of what is no dictionary")
        # Only texts: to hash what is nested deeply would overflow the stack.
        target.update({_text(key): pairs[2 * i + 1] for i, key in enumerate(pairs[::2])})

    def name(self, module: Any, name: Any) -> None:
        full = f"{_text(module)} {_text(name)}"
        if full not in _CALLS:
            raise PickleError(
                f"the pickle names {full.replace(' ', '.')[:80]!r}, which no data needs; "
                "it was not looked up"
            )
        self.push(_CALLS[full])

    def call(self) -> None:
        function, arguments = self.last(2)
        if function not in _CALLS.values():
            raise PickleError("the pickle calls what is no function")
        self.push(function(*arguments))

    def build(self) -> None:
        target, state = self.last(2)
        if not isinstance(target, (_Type, _Array)):
            raise PickleError("the pickle describes what is no array")
        target.build(state)
        self.push(target)


def _pushing(make: Callable[[], Any]) -> Callable[[_Machine], Any]:
    return lambda it: it.push(make())


def _number(width: int, signed: bool = False) -> Callable[[_Machine], Any]:
    return lambda it: it.push(it.number(width, signed))


def _bytes(width: int) -> Callable[[_Machine], Any]:
    """Bytes, or a text of Python 2, after its length in so many bytes."""
    return lambda it: it.push(it.take(it.number(width)))


def _unicode(width: int) -> Callable[[_Machine], Any]:
    return lambda it: it.push(it.take(it.number(width)).decode("utf-8"))


def _tuple(count: int) -> Callable[[_Machine], Any]:
    return lambda it: it.push(tuple(it.last(count)))


def _keep(width: int) -> Callable[[_Machine], Any]:
    return lambda it: it.memory.__setitem__(it.number(width), it.stack[-1])


def _recall(width: int) -> Callable[[_Machine], Any]:
    return lambda it: it.push(it.memory[it.number(width)])


# Each instruction that data need, by the byte that stands for it. `pickletools` describes them all.
_OPERATIONS: dict[bytes, Callable[[_Machine], Any]] = {
    b"\x80": lambda it: it.protocol(it.number(1)),
    b"\x95": lambda it: it.take(8),  # how much comes in one piece; only of use to a stream
    b"N": _pushing(lambda: None),
    b"\x88": _pushing(lambda: True),
    b"\x89": _pushing(lambda: False),
    b"]": _pushing(list),
    b"}": _pushing(dict),
    b")": _pushing(tuple),
    b"J": _number(4, signed=True),
    b"\x8a": lambda it: it.push(it.number(it.number(1), signed=True)),
    b"G": lambda it: it.push(struct.unpack(">d", it.take(8))[0]),
    b"U": _bytes(1),
    b"T": _bytes(4),
    b"C": _bytes(1),
    b"B": _bytes(4),
    b"\x8e": _bytes(8),
    b"\x8c": _unicode(1),
    b"X": _unicode(4),
    b"\x8d": _unicode(8),
    b"(": lambda it: it.marks.append(len(it.stack)),
    b"t": lambda it: it.push(tuple(it.since_mark())),
    b"\x85": _tuple(1),
    b"\x86": _tuple(2),
    b"\x87": _tuple(3),
    b"a": lambda it: it.extend(it.last(1)),
    b"e": lambda it: it.extend(it.since_mark()),
    b"s": lambda it: it.update(it.last(2)),
    b"u": lambda it: it.update(it.since_mark()),
    b"q": _keep(1),
    b"r": _keep(4),
    b"\x94": lambda it: it.memory.__setitem__(len(it.memory), it.stack[-1]),
    b"h": _recall(1),
    b"j": _recall(4),
    b"c": lambda it: it.name(it.line(), it.line()),
    b"\x93": lambda it: it.name(*it.last(2)),
    b"R": lambda it: it.call(),
    b"b": lambda it: it.build(),
}
