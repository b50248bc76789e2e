"""Linear algebra, where PyTorch spells it differently."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lamina.backend.contract import of_type
from lamina.backend.linear import is_complete, of_vectors
from lamina.backend.torch.alignment import aligned
from lamina.backend.torch.dtypes import NAMES
from lamina.backend.torch.products import by_onednn
from lamina.backend.torch.transforms import is_traced

linalg: Any = torch.linalg
_MULTIPLIED = {torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.complex64}
_broadcast: Any = torch.broadcast_tensors


def _of_numbers(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A product, of truth values too; and of integers on a GPU, where PyTorch has none."""

    def kernel(x1: Tensor, x2: Tensor, *options: Any) -> Tensor:
        if x1.dtype in _MULTIPLIED or (x1.is_cpu and x1.dtype is not torch.bool):
            return function(x1, x2, *options)
        wide = torch.float64 if x1.dtype is not torch.bool else torch.float32
        return function(x1.to(wide), x2.to(wide), *options).to(x1.dtype)

    names = {NAMES[one] for one in _MULTIPLIED}
    kernel.of_type = lambda dtype: of_type(function, dtype) if dtype in names else kernel  # type: ignore[attr-defined]
    return kernel


matmul = aligned(by_onednn(torch.matmul))


@_of_numbers
def dot(x1: Tensor, x2: Tensor) -> Tensor:
    if not x1.ndim or not x2.ndim:
        return x1 * x2
    return matmul(x1, x2) if x2.ndim < 3 else torch.tensordot(x1, x2, ([-1], [-2]))


def einsum(subscripts: str, *operands: Tensor) -> Tensor:
    one = operands[0]
    if one.is_floating_point() or (one.is_cpu and one.dtype is not torch.bool):
        return torch.einsum(subscripts, *operands)
    return torch.einsum(subscripts, *[x.to(torch.float64) for x in operands]).to(one.dtype)


def cross(x1: Tensor, x2: Tensor, axisa: int, axisb: int, axisc: int, axis: int | None) -> Tensor:
    one = x1.movedim(axisa if axis is None else axis, -1)
    two = x2.movedim(axisb if axis is None else axis, -1)
    if one.shape[-1] == two.shape[-1] == 2:
        return one[..., 0] * two[..., 1] - one[..., 1] * two[..., 0]
    if not {one.shape[-1], two.shape[-1]} <= {2, 3}:
        raise ValueError("The vectors of a cross product have two or three elements.")
    one, two = (torch.constant_pad_nd(x, [0, 3 - x.shape[-1]]) for x in (one, two))
    product: Tensor = linalg.cross(*_broadcast(one, two))
    return product.movedim(-1, axisc if axis is None else axis)


def _symmetric(x: Tensor) -> Tensor:
    """Of both triangles, so that they have the same gradient; PyTorch looks at the lower one."""
    return (x + x.mT) / 2


def _or_nan(result: Tensor, failed: Tensor) -> Tensor:
    """`result`, and NaN where a matrix is such that there is none: an error would stop a batch."""
    return torch.where(
        (failed == 0)[(...,) + (None,) * (result.ndim - failed.ndim)], result, torch.nan
    )


def cholesky(x: Tensor, upper: bool) -> Tensor:
    return _or_nan(*linalg.cholesky_ex(_symmetric(x), upper=upper))


def solve(a: Tensor, b: Tensor) -> Tensor:
    # Of as many dimensions, or PyTorch may take matrices that are mapped for vectors.
    if b.ndim < a.ndim:
        b = b.expand(*a.shape[: a.ndim - b.ndim], *b.shape)
    return _or_nan(*linalg.solve_ex(a, b))


def det(x: Tensor) -> Tensor:
    """Where it is 0, by singular values: PyTorch's gradient would be 0 there, too."""
    value: Tensor = linalg.det(x)
    singular = value == 0
    if not is_traced(x) and not (x.requires_grad and bool(singular.any())):
        return value
    places = singular[..., None, None]
    steps = torch.arange(1, x.shape[-1] + 1, dtype=x.dtype, device=x.device)
    u, s, vt = linalg.svd(torch.where(places, x, torch.diag(steps)))
    sign = (linalg.det(u) * linalg.det(vt)).detach()
    regular = linalg.det(torch.where(places, torch.diag(steps), x))
    return torch.where(singular, sign * s.prod(-1), regular)


def lu_factor(x: Tensor) -> tuple[Tensor, Tensor]:
    lu, pivots, _ = linalg.lu_factor_ex(x)
    return lu, pivots - 1  # counted from 1


def pinv(x: Tensor, rcond: Tensor | None) -> Tensor:
    if rcond is None:
        rcond = torch.scalar_tensor(10 * max(x.shape[-2:]) * torch.finfo(x.dtype).eps)
    inverse: Tensor = linalg.pinv(x, rtol=rcond)
    return inverse


def solve_triangular(a: Tensor, b: Tensor, lower: bool) -> Tensor:
    x: Tensor = linalg.solve_triangular(a, b, upper=not lower)
    return x


def svd(x: Tensor, full_matrices: bool, compute_uv: bool) -> Any:
    return linalg.svd(x, full_matrices) if compute_uv else linalg.svdvals(x)


OWN: dict[str, Any] = {
    # No truth values; no integers on a GPU.
    "dot": dot,  # vectors only
    "einsum": einsum,
    "inner": _of_numbers(torch.inner),
    "matmul": _of_numbers(matmul),
    "tensordot": None,
    "vdot": None,  # vectors only
    "outer": None,  # vectors only
    "cross": cross,
    "trace": None,  # matrices only
    "norm": None,  # the gradient at 0
    # torch.linalg's meaning, which is NumPy's, where `torch` has the name too.
    "det": det,
    "eig": linalg.eig,
    "qr": lambda x, mode: linalg.qr(x, "complete" if is_complete(mode) else "reduced"),
    "svd": svd,
    # NaN, not an error, where there is no result.
    "cholesky": cholesky,
    "inv": lambda x: _or_nan(*linalg.inv_ex(x)),
    "solve": of_vectors(solve),
    "solve_triangular": of_vectors(solve_triangular),
    "eigh": lambda x: linalg.eigh(_symmetric(x)),
    "lu_factor": lu_factor,
    "pinv": pinv,
    # The ops' shared definitions: other results or arguments, gradients not finite, no stacks.
    "cdist": None,
    "cholesky_inverse": None,
    "lstsq": None,
    "matrix_rank": None,
}
