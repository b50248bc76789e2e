"""Products of large matrices on a CPU by oneDNN.

PyTorch makes them by MKL, which on processors of other makers than Intel leaves their widest
vectors unused; convolutions and recurrent layers are oneDNN's already.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from lamina.backend.torch.recording import opaque

# Multiply-adds from which on oneDNN is ahead, and the fewest rows and the shortest that it takes.
# Milliseconds of PyTorch's product and oneDNN's, forward and both gradients, medians of 30
# alternate runs on 2 cores of an AMD EPYC (Zen 5); rows, their length, columns:
#    2048,  128,  512    4.6   2.7
#    2048,  128, 1000    9.5   4.8
#    8192,  768,  768  138    67
#     128,  784,  512    1.52  0.82
#      32,  512,  512    0.34  0.26
#       4, 2048, 2048    3.8   2.0
#   16384,   64,   16    0.75  0.55
# It loses with less work and short rows:
#    1024,   64,   64    0.18  0.21
#       1, 2048, 2048    1.6   1.9
#   65536,    8,   64    6.0   6.8
# The forward pass alone costs it less, in microseconds:
#      64,  128,  512   56    46
#      32,  784,  128   46    32
#       8,  512,  512   56    44
#      64,  128,  128   18    21
LARGE, LARGE_FORWARD = 2**23, 2**21
FEWEST_ROWS, SHORTEST = 4, 16
# Elements of the rows below which nothing else is asked, so that small products cost no more.
FEWEST = 2**11
# Rows from which on the gradient of the kernel is made as that of a convolution, which copies
# nothing: 0.21 ms of 2048 rows of 128 and 128, where the product of the copy takes 0.37.
MANY_ROWS = 1024

# Classes of tensors that hold their numbers themselves; a transform of `torch.func` has them too.
_ORDINARY = frozenset([Tensor, torch.nn.Parameter])
_transform: Any = torch._C._functorch.peek_interpreter_stack
_mkldnn: Any = torch.backends.mkldnn
_linear: Any = getattr(torch.ops.mkldnn, "_linear_pointwise", None)
_convolution_backward: Any = torch.ops.aten.convolution_backward
_there = (
    platform.machine() in ("x86_64", "AMD64") and _mkldnn.is_available() and _linear is not None
)


def by_onednn(product: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """`product(x, kernel)` or `product(x, kernel, bias)`, by oneDNN where that is faster."""

    def call(*given: Any) -> Tensor:
        if given[0].numel() < FEWEST or not _serves(*given[:2]):
            return product(*given)
        return _affine(*given)

    call.of_type = lambda dtype: call if dtype == "float32" else product  # type: ignore[attr-defined]
    return call


def _serves(x: Tensor, kernel: Tensor) -> bool:
    if kernel.ndim != 2:
        return False
    length, columns = kernel.shape
    elements = x.numel()
    return (
        _there
        and elements * columns >= (LARGE if torch.is_grad_enabled() else LARGE_FORWARD)
        and elements >= FEWEST_ROWS * length
        and x.shape[-1] == length >= SHORTEST
        and x.is_cpu
        and x.dtype is torch.float32
        and x.__class__ in _ORDINARY
        and kernel.__class__ in _ORDINARY
        and _transform() is None
        and not torch.compiler.is_compiling()
        and forward_ad._current_level < 0
        and torch._C._get_mkldnn_enabled()
    )


def _differentiable(x: Tensor, kernel: Tensor, bias: Tensor | None = None) -> Tensor:
    given = (x, kernel, bias)
    if torch.is_grad_enabled() and any(one is not None and one.requires_grad for one in given):
        y: Tensor = _Affine.apply(*given)  # type: ignore[no-untyped-call]
        return y
    return _plain(*given)


# In a recording one call, whose gradient runs by itself.
_affine = opaque(_differentiable)


def _plain(x: Tensor, kernel: Tensor, bias: Tensor | None = None) -> Tensor:
    y: Tensor = _linear(x, kernel.t(), bias, "none", [], "")
    return y


class _Affine(torch.autograd.Function):
    """The gradients are products again, so that there are gradients of them too."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, kernel)
        return _plain(x, kernel, bias)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> Any:
        x, kernel = ctx.saved_tensors
        of_x, of_kernel, of_bias = ctx.needs_input_grad
        x, rows = x.reshape(-1, x.shape[-1]), upstream.reshape(-1, upstream.shape[-1])
        return (
            _differentiable(upstream, kernel.t()) if of_x else None,
            _summed_over_rows(x, rows) if of_kernel else None,
            rows.sum(0) if of_bias else None,
        )


def _summed_over_rows(x: Tensor, y: Tensor) -> Tensor:
    """xᵀ · y, the sum of products of a row of each."""
    if len(x) >= MANY_ROWS and not torch.is_grad_enabled():
        return _as_convolution(x, y)
    # oneDNN copies what it is given turned over from the left, so that is the smaller one.
    if x.shape[1] <= y.shape[1]:
        return _differentiable(x.t(), y)
    return _differentiable(y.t(), x).t()


def _as_convolution(x: Tensor, y: Tensor) -> Tensor:
    """xᵀ · y as the gradient of the filters by which an image of `y` would become one of `x`."""
    one, other = (rows.view(1, 1, *rows.shape).permute(0, 3, 1, 2) for rows in (x, y))
    filters = x.new_empty(x.shape[1], y.shape[1], 1, 1)
    given = (None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1, [False, True, False])
    gradient: Tensor = _convolution_backward(one, other, filters, *given)[1]
    return gradient[:, :, 0, 0]
