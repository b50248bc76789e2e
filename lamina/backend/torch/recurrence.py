"""A long short-term memory along all of time in one call of oneDNN."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor

from lamina.backend.torch.transforms import differentiating_twice

_wrapped = torch._C._functorch.is_functorch_wrapped_tensor
# What opens a gate wholly, or shuts it: 1 and 0 are its sigmoids.
_WIDE = 1e4


def lstm_sequence(
    inputs: Tensor,
    kernel: Tensor,
    bias: Tensor | None,
    recurrent: Tensor,
    hidden: Tensor,
    cell: Tensor,
    seen: Tensor | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
) -> Any:
    """In a quarter of the time of the loop: 64 units, 80 steps, batches of 32, with gradients, in
    4.6 ms on 2 cores where the loop takes 18.

    A step that is left out holds the cell: its input gate is shut, and its forget gate open. What
    it makes of the hidden state is passed over behind the loop, which is right where all that is
    left out follows what is not, or where nothing has been seen yet and both states are 0, and
    nobody asks for their gradients.
    """
    given = [one for one in (inputs, kernel, recurrent, hidden, cell) if one is not None]
    if differentiating_twice() or not all(map(_served, given)) or not inputs.numel():
        return NotImplemented
    zeros = kernel.new_zeros(kernel.shape[1])
    if seen is not None:
        seen = seen > 0
        padded = bool((seen[1:] <= seen[:-1]).all())
        if not padded or (reverse and not (_nothing(hidden) and _nothing(cell))):
            return NotImplemented
        inputs = torch.cat([torch.where(seen, inputs, 0.0), (~seen).to(inputs.dtype)], -1)
        held = kernel.new_tensor([-_WIDE, _WIDE, 0.0, 0.0]).repeat_interleave(hidden.shape[-1])
        kernel = torch.cat([kernel, held[None]])
    hiddens, last, carried = torch.lstm(
        inputs.flip(0) if reverse else inputs,
        (hidden[None], cell[None]),
        [kernel.t(), recurrent.t(), zeros if bias is None else bias, zeros],
        True,  # there are biases
        1,
        0.0,
        torch.is_grad_enabled(),
        False,
        False,
    )
    hiddens, last = hiddens.flip(0) if reverse else hiddens, last[0]
    if seen is not None and not reverse:
        end = seen.sum(0) - 1
        places = end.clamp(min=0).expand_as(last)[None]
        last = torch.where(end < 0, hidden, hiddens.gather(0, places)[0])
        hiddens = torch.where(seen, hiddens, last)
    return hiddens, last, carried[0]


def _served(x: Tensor) -> bool:
    concrete = not (_wrapped(x) or isinstance(x, FakeTensor))
    return concrete and x.is_cpu and x.dtype is torch.float32


def _nothing(state: Tensor) -> bool:
    return not (state.requires_grad or bool(state.any()))


_onednn: Any = torch.backends.mkldnn
OWN = {"lstm_sequence": lstm_sequence} if _onednn.is_available() else {}
