"""Functions of single elements made functions of whole tensors."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection, Iterable
from typing import Any

from lamina.ops.control import recorded, vectorized_map
from lamina.ops.conversion import convert_to_tensor
from lamina.ops.row import Shape, ShapeError, Tensor
from lamina.ops.shapes import broadcast
from lamina.ops.shaping import broadcast_to, reshape
from lamina.symbolic.dimension import Unknown
from lamina.symbolic.tensor import map_leaves

_ARGUMENT = r"\(\s*(?:\w+\s*(?:,\s*\w+\s*)*)?\)"
_SIDE = rf"\s*{_ARGUMENT}\s*(?:,\s*{_ARGUMENT}\s*)*"
_SIGNATURE = re.compile(rf"({_SIDE})->({_SIDE})")


def vectorize(
    pyfunc: Callable[..., Any],
    *,
    excluded: Collection[int | str] | None = None,
    signature: str | None = None,
) -> Callable[..., Any]:
    """A function that calls another for each element of its arguments, which broadcast together.

    All elements are computed at once, by the backend's own vectorization.

    Args:
        pyfunc: a function of scalars, or of the pieces that `signature` names, made of ops.
        excluded: the positions and names of arguments that are handed on whole.
        signature: the last axes that one call takes and returns, as NumPy writes them:
            `"(n,m),(m)->(n)"` for a matrix times a vector; scalars where None.

    Returns:
        A function of tensors. Arguments given by name are handed on whole.

    Raises:
        ValueError: if the signature cannot be read, or a position in `excluded` is negative.

    Example:
        >>> from lamina import ops
        >>> dot = ops.vectorize(lambda x, y: ops.sum(x * y), signature="(n),(n)->()")
        >>> ops.convert_to_numpy(dot([[1, 2], [3, 4]], [1, 10])).tolist()
        [21, 43]
    """
    left_out = frozenset(excluded or ())
    if any(isinstance(one, int) and one < 0 for one in left_out):
        raise ValueError(f"Positions in `excluded` count from 0, so none is negative: {excluded}.")
    cores = None if signature is None else _cores(signature)

    @functools.wraps(pyfunc)
    def call(*args: Any, **kwargs: Any) -> Any:
        return apply_to_elements(pyfunc, left_out, cores, args, kwargs)

    return call


@recorded
def apply_to_elements(
    function: Callable[..., Any],
    excluded: frozenset[int | str],
    cores: tuple[list[list[str]], list[list[str]]] | None,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Tensor:
    """`function` of each piece of the arguments: what a function from `vectorize` does.

    Args:
        function: a function of one piece of each argument.
        excluded: the positions of arguments that are handed on whole.
        cores: the names of the last axes of each piece taken and returned; scalars where None.
        args, kwargs: the arguments.
    """
    places = [i for i in range(len(args)) if i not in excluded]
    tensors = {i: convert_to_tensor(args[i]) for i in places}
    taken = [[] for _ in places] if cores is None else cores[0]
    if len(taken) != len(places):
        raise ValueError(
            f"The signature given to vectorize takes {len(taken)} arguments, and the function "
            f"was called with {len(places)}."
        )
    ranks = dict(zip(places, map(len, taken), strict=True))
    _check_cores([tensors[i].shape for i in places], taken)
    loops = {i: _loop(tensors[i].shape, ranks[i]) for i in places}
    together = broadcast(*loops.values())

    def one(pieces: dict[int, Any]) -> Any:
        given = [pieces.get(i, tensors.get(i, args[i])) for i in range(len(args))]
        result = function(*given, **kwargs)
        if cores is not None:
            _check_results(result, cores[1])
        return result

    if not together:
        return one({})
    mapped = {}
    for i in places:
        if loops[i]:  # the others are the same for all elements
            core = tuple(tensors[i].shape[len(loops[i]) :])
            spread = broadcast_to(tensors[i], (*together, *core))
            mapped[i] = reshape(spread, (-1, *core))
    results = vectorized_map(one, mapped)
    return map_leaves(lambda x: reshape(x, (*together, *x.shape[1:])), results)


def _cores(signature: str) -> tuple[list[list[str]], list[list[str]]]:
    """The names of the axes of each argument and of each result."""
    match = _SIGNATURE.fullmatch(signature)
    if match is None:
        raise ValueError(
            f"{signature!r} is no signature of vectorize; it looks like '(n,m),(m)->(n)'."
        )
    taken, returned = (
        [re.findall(r"\w+", one) for one in re.findall(_ARGUMENT, side)] for side in match.groups()
    )
    return taken, returned


def _loop(shape: Shape, core: int) -> Shape:
    return tuple(shape[: len(shape) - core])


def _check_cores(shapes: Iterable[Shape], cores: list[list[str]]) -> None:
    """Refuse arguments that lack an axis of the signature, or differ in one of the same name."""
    sizes: dict[str, int] = {}
    for shape, core in zip(shapes, cores, strict=True):
        if len(shape) < len(core):
            raise ShapeError(
                f"ops.vectorize: an argument of shape {tuple(shape)} has fewer axes than "
                f"({','.join(core)}) in the signature."
            )
        for name, size in zip(core, shape[len(shape) - len(core) :], strict=True):
            known = sizes.setdefault(name, size)
            if known != size and not isinstance(size, Unknown) and not isinstance(known, Unknown):
                raise ShapeError(
                    f"ops.vectorize: the axis {name} of the signature has the size {sizes[name]} "
                    f"in one argument and {size} in another."
                )


def _check_results(result: Any, cores: list[list[str]]) -> None:
    """Refuse results that are more or fewer than in the signature, or have other axes."""
    results = result if isinstance(result, (tuple, list)) else (result,)
    if len(results) != len(cores):
        raise TypeError(
            f"The function given to vectorize returned {len(results)} results, and its signature "
            f"has {len(cores)}."
        )
    for one, core in zip(results, cores, strict=True):
        if len(one.shape) != len(core):
            raise ShapeError(
                f"ops.vectorize: a result of shape {tuple(one.shape)} is not the ({','.join(core)})"
                " of the signature."
            )
