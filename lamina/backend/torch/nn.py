"""Neural-network kernels that PyTorch has under another name or signature, or faster."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from lamina.backend.config import epsilon as default_epsilon
from lamina.backend.config import settings
from lamina.backend.torch import convolution, pooling, resizing
from lamina.backend.torch.dtypes import TYPES

# What is behind torch.nn.functional, without its layer of Python.
_C: Any = torch._C._nn

Axes = int | Sequence[int]


def gelu(x: Tensor, approximate: bool = True) -> Tensor:
    y: Tensor = _C.gelu(x, approximate="tanh" if approximate else "none")
    return y


def softplus(x: Tensor) -> Tensor:
    y: Tensor = _C.softplus(x, 1, 40)  # from where on it is x in 64 bits too
    return y


def _along(function: Callable[[Tensor, int], Tensor]) -> Callable[..., Tensor]:
    """`function` of one axis as a kernel of several axes, or of all."""

    def kernel(x: Tensor, axis: Axes | None = -1) -> Tensor:
        if isinstance(axis, int):
            return function(x, axis)
        last, axes = _moved(x, range(x.ndim) if axis is None else axis)
        flat = last.flatten(x.ndim - len(axes))
        return function(flat, -1).reshape(last.shape).movedim(_end(axes), axes)

    return kernel


def _end(axes: Sequence[int]) -> list[int]:
    return list(range(-len(axes), 0))


def _moved(x: Tensor, axis: Axes) -> tuple[Tensor, list[int]]:
    """`x` with `axis` at the end, in the order of `x`; and that axis, or axes."""
    rank = x.ndim
    axes = sorted(one % rank for one in ((axis,) if isinstance(axis, int) else axis))
    return (x if axes[0] == rank - len(axes) else x.movedim(axes, _end(axes))), axes


_LAST = (-1, (-1,))


def _normalization(function: Callable[..., Tensor], vectors: int) -> Callable[..., Tensor]:
    """`function` over the last axes, with so many vectors, as a kernel over any axes."""

    def kernel(x: Tensor, *given: Any, axis: Axes = -1, epsilon: float | None = None) -> Tensor:
        if axis in _LAST and len(given) == vectors and epsilon is not None:
            for one in given:
                if one is not None and one.ndim != 1:
                    break
            else:
                return function(x, x.shape[-1:], *given, epsilon)
        moved, axes = _moved(x, axis)
        shape = moved.shape[-len(axes) :]
        scales = [
            one if one is None else one.expand(shape) if one.ndim == 0 else one.reshape(shape)
            for one in (*given, *(None,) * (vectors - len(given)))
        ]
        small = default_epsilon() if epsilon is None else epsilon
        y = function(moved, shape, *scales, small)
        return y if moved is x else y.movedim(_end(axes), axes)

    return kernel


def batch_normalization(
    x: Tensor,
    mean: Tensor,
    variance: Tensor,
    axis: Any,
    offset: Tensor | None = None,
    scale: Tensor | None = None,
    epsilon: float = 1e-3,
) -> Tensor:
    factor = torch.rsqrt(variance + epsilon)
    if scale is not None:
        factor = factor * scale
    # One pass over x; torch.batch_norm would pass no gradient to mean and variance.
    shift = -mean * factor if offset is None else torch.addcmul(offset, mean, factor, value=-1)
    axes = [one % x.ndim for one in ((axis,) if isinstance(axis, int) else axis)]
    if axes == [x.ndim - 1]:
        return torch.addcmul(shift, x, factor)
    shape = [size if i in axes else 1 for i, size in enumerate(x.shape)]
    return torch.addcmul(shift.reshape(shape), x, factor.reshape(shape))


def standardize_batch(
    x: Tensor,
    axis: int,
    offset: Tensor | None = None,
    scale: Tensor | None = None,
    epsilon: float = 1e-3,
) -> tuple[Tensor, Tensor, Tensor]:
    channels = x.shape[axis]
    count = x.numel() // max(channels, 1)
    # Half-width floats are computed in 32 bits, which the kernel does as it reads and writes them.
    dtype = x.dtype if x.dtype is torch.float64 else torch.float32
    scale, offset = (one if one is None else one.to(dtype) for one in (scale, offset))
    if count < 2 or torch._C._functorch.is_functorch_wrapped_tensor(x):
        axes = [one for one in range(x.ndim) if one != axis % x.ndim]
        wide = x.to(dtype)
        variance, mean = torch.var_mean(wide, axes, correction=0)
        y = batch_normalization(wide, mean, variance, axis, offset, scale, epsilon)
        return y.to(x.dtype), mean, variance
    # With a momentum of 1 these become the moments of the batch, the variance divided by n - 1.
    mean, variance = x.new_zeros(2, channels, dtype=dtype).unbind()
    given = (scale, offset, mean, variance, True, 1.0, epsilon)
    if x.ndim == 3 and axis in (-1, 2):
        # Signals have no memory format with channels last, and would be turned over: 5.3 ms
        # forward and backward of 32 × 500 × 64 and not 1.5.
        y = torch.native_batch_norm(x.flatten(0, 1), *given)[0].reshape(x.shape)
    else:
        y = torch.native_batch_norm(x.movedim(axis, 1), *given)[0].movedim(1, axis)
    return y, mean, variance * ((count - 1) / count)


def one_hot(
    x: Tensor, num_classes: int, axis: int = -1, dtype: str = "float32", sparse: bool = False
) -> Tensor:
    axis = axis % (x.ndim + 1)
    classes = torch.arange(num_classes, device=x.device)
    classes = classes.reshape(-1, *(1,) * (x.ndim - axis))
    return (x.unsqueeze(axis) == classes).to(TYPES[dtype])


def sparse_categorical_crossentropy(
    target: Tensor, output: Tensor, from_logits: bool = False, axis: int = -1
) -> Tensor:
    axis = axis % output.ndim
    classes = output.shape[axis]
    if target.ndim == output.ndim and target.shape[-1] == 1:
        target = target.squeeze(-1)
    target = target.to(torch.int64)
    last = output if axis == output.ndim - 1 else output.movedim(axis, -1)
    if from_logits:
        logarithms = torch.log_softmax(last, -1)
    else:
        small = default_epsilon()
        logarithms = (last / last.sum(-1, keepdim=True)).clamp(small, 1 - small).log()
    # A class that is none of them costs nothing.
    known = torch.where((target >= 0) & (target < classes), target, _NO_CLASS)
    # In one row: its gradient takes half the time of that of picking elements one by one.
    picked: Tensor = _C.nll_loss_nd(
        logarithms.reshape(-1, classes), known.reshape(-1), None, 0, _NO_CLASS
    )
    return picked.reshape(target.shape)


# What `nll_loss` leaves out.
_NO_CLASS = -100

# Finite, so that a target which sees nothing gets the mean of the values and not NaN; added to
# any other logit it stays what it is.
_LEAST = -0.7 * 3.4028235e38


def dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    bias: Tensor | None = None,
    mask: Tensor | None = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> Tensor:
    q, k, v = query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2)
    grouped = k.shape[1] != q.shape[1]
    seen = added = None
    if mask is not None or bias is not None:
        seen = _seen(q, k, mask, is_causal)
        added = _added(q, bias, seen)
    if attn_logits_soft_cap is None and _serves(q, k, v, None if mask is None else added):
        with _kernels(flash_attention):
            y: Tensor = _C.scaled_dot_product_attention(
                q, k, v, added, 0.0, is_causal and added is None, scale=scale, enable_gqa=grouped
            )
        return y.transpose(1, 2)
    if flash_attention:
        raise ValueError(_NO_FLASH)
    if grouped:
        groups = q.shape[1] // k.shape[1]
        k, v = (one.repeat_interleave(groups, dim=1) for one in (k, v))
    logits = (q @ k.transpose(2, 3)) * (1 / math.sqrt(q.shape[-1]) if scale is None else scale)
    if attn_logits_soft_cap is not None:
        logits = attn_logits_soft_cap * torch.tanh(logits / attn_logits_soft_cap)
    if bias is not None:
        logits = logits + bias
    seen = _seen(q, k, mask, is_causal)
    if seen is not None:  # chosen, not added: what is hidden has no gradient
        logits = torch.where(seen, logits.to(_wide(q)), _LEAST)
    return (torch.softmax(logits, -1).to(v.dtype) @ v).transpose(1, 2)


_NO_FLASH = (
    "flash_attention=True: PyTorch's flash kernel does not serve these arguments. It knows no "
    "attn_logits_soft_cap, no gradient where a target sees nothing, and no torch.func, and takes "
    "some types and sizes only on some devices. Leave flash_attention at None."
)


@contextlib.contextmanager
def _with_flash_only() -> Iterator[None]:
    try:
        with sdpa_kernel(SDPBackend.FLASH_ATTENTION):
            yield
    except RuntimeError as error:
        raise ValueError(_NO_FLASH) from error


def _kernels(flash: bool | None) -> contextlib.AbstractContextManager[None]:
    """A block in which PyTorch computes attention by flash kernels, by others, or by any."""
    if flash is None and settings.flash_attention is not False:
        return contextlib.nullcontext()
    return _with_flash_only() if flash else sdpa_kernel(_OTHERS)


_OTHERS = [SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]


def _serves(q: Tensor, k: Tensor, v: Tensor, hidden: Tensor | None) -> bool:
    """Whether PyTorch's fused kernel does what is asked.

    It is not made for `torch.func`, and its gradient is wrong by a factor where a target sees
    nothing, as one that is padding does: `_LEAST` swallows the logarithm of the number of sources.
    """
    compiling = torch.compiler.is_compiling()
    if not compiling and torch._C._functorch.is_functorch_wrapped_tensor(q):
        return False
    if hidden is None or not (q.requires_grad or k.requires_grad or v.requires_grad):
        return True
    known = not (compiling or isinstance(hidden, FakeTensor))
    return known and bool((hidden.amax(-1) > _LEAST / 2).all())


def _seen(q: Tensor, k: Tensor, mask: Tensor | None, is_causal: bool) -> Tensor | None:
    """Which target sees which source; None where all see all."""
    seen = None if mask is None else mask.to(torch.bool)
    if is_causal:
        causal = q.new_ones((q.shape[2], k.shape[2]), dtype=torch.bool).tril()
        seen = causal if seen is None else causal & seen
    return seen


def _wide(q: Tensor) -> torch.dtype:
    """The type of logits: at least 32 bits, which `_LEAST` needs."""
    return torch.float64 if q.dtype is torch.float64 else torch.float32


def _added(q: Tensor, bias: Tensor | None, seen: Tensor | None) -> Tensor:
    """What is added to the logits."""
    start: Any = q.new_zeros((), dtype=_wide(q)) if bias is None else bias.to(_wide(q))
    return start if seen is None else torch.where(seen, start, _LEAST)


_is_batched = torch._C._functorch.is_batchedtensor
_NEVER = -1e30
_IMPOSSIBLE = 1e5


def ctc_loss(
    target: Tensor,
    output: Tensor,
    target_length: Tensor,
    output_length: Tensor,
    mask_index: int = 0,
) -> Any:
    """As the op's shared definition has it, which takes 45 ms where this takes 0.6.

    Forward and gradient of 16 sequences of 60 steps, 30 classes and 12 labels, on 2 cores. It needs
    to know the lengths, so that tensors which stand for others are left to the definition.
    """
    given = (target, output, target_length, output_length)
    if any(isinstance(one, FakeTensor) or _is_batched(one) for one in given):
        return NotImplemented
    classes = output.shape[-1]
    scores = torch.log_softmax(output, -1).clamp_min(_NEVER).transpose(0, 1)
    inside = torch.arange(target.shape[1], device=target.device) < target_length[:, None]
    known = (target >= 0) & (target < classes)
    again = (target[:, 1:] == target[:, :-1]) & inside[:, 1:]  # a blank has to come between
    possible = (known | ~inside).all(1) & (target_length + again.sum(1) <= output_length)
    labels, blank = target.clamp(0, classes - 1), mask_index % classes
    loss = torch.ctc_loss(scores, labels, output_length, target_length, blank, 0, True)
    return torch.where(possible & (loss < -_NEVER / 2), loss, _IMPOSSIBLE)


OWN: dict[str, Callable[..., Any] | None] = {
    **convolution.OWN,
    **pooling.OWN,
    **resizing.OWN,
    # Other meanings: torch.nn.functional has these names for functions of other arguments.
    "ctc_loss": ctc_loss,
    "normalize": None,
    "one_hot": one_hot,
    "threshold": None,  # keeps NaN
    # No integers.
    "fold": None,
    "unfold": None,
    # Other names of arguments.
    "gelu": gelu,
    "glu": lambda x, axis: _C.glu(x, axis),
    "softmax": _along(torch.softmax),
    "log_softmax": _along(torch.log_softmax),
    # Other names.
    "log_sigmoid": _C.log_sigmoid,
    "hard_sigmoid": _C.hardsigmoid,
    "hard_silu": _C.hardswish,
    # A function of Python less.
    "elu": _C.elu,
    "leaky_relu": _C.leaky_relu,
    "relu6": _C.relu6,
    "silu": _C.silu,
    "softplus": softplus,
    # Fused: fewer passes over memory than the ops' shared definitions.
    "batch_normalization": batch_normalization,
    "standardize_batch": standardize_batch,
    "dot_product_attention": dot_product_attention,
    "layer_normalization": _normalization(torch.layer_norm, 2),
    "rms_normalization": _normalization(torch.rms_norm, 1),
    # Picks elements; the shared definition multiplies by one-hot codes as large as the output.
    "sparse_categorical_crossentropy": sparse_categorical_crossentropy,
    # The name alone would find nothing: detached from the graph of gradients.
    "stop_gradient": torch.Tensor.detach,
}
