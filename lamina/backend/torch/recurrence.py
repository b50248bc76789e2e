"""Recurrent layers along all of time in one call of PyTorch's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    """oneDNN's, in a quarter of the time of the loop: 64 units, 80 steps, batches of 32, with
    gradients, in 4.6 ms on 2 cores where the loop takes 18.

    A step that is left out holds the cell: its input gate is shut, and its forget gate open.
    """
    if differentiating_twice() or not _serves(inputs, kernel, recurrent, hidden, cell):
        return NotImplemented
    gates = [-_WIDE, _WIDE, 0.0, 0.0]
    weights, biases = [kernel, recurrent], [bias, None]
    return _walked(torch.lstm, inputs, weights, biases, [hidden, cell], seen, reverse, gates)


def gru_sequence(
    inputs: Tensor,
    kernel: Tensor,
    bias: Tensor | None,
    recurrent: Tensor,
    state_bias: Tensor | None,
    hidden: Tensor,
    seen: Tensor | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
) -> Any:
    """The same steps, not taken by Python: 64 units, 80 steps, batches of 32, in 2.1 ms on 2 cores
    where the loop takes 7.3; with gradients 9 and 14.

    PyTorch has the reset gate first. A step that is left out holds the state by its update gate.
    """
    if not _serves(inputs, kernel, recurrent, hidden):
        return NotImplemented
    weights = [_reset_first(kernel), _reset_first(recurrent)]
    biases = [one if one is None else _reset_first(one) for one in (bias, state_bias)]
    return _walked(torch.gru, inputs, weights, biases, [hidden], seen, reverse, [0.0, _WIDE, 0.0])


def _reset_first(weights: Tensor) -> Tensor:
    update, reset, new = weights.chunk(3, -1)
    return torch.cat([reset, update, new], -1)


def _walked(
    network: Callable[..., Any],
    inputs: Tensor,
    weights: Sequence[Tensor],
    biases: Sequence[Tensor | None],
    states: list[Tensor],
    seen: Tensor | None,
    reverse: bool,
    held: list[float],
) -> Any:
    """All hidden states and the last of each kind.

    `held` are the gates' inputs in a step that is left out. What such a step makes of the hidden
    state is passed over behind the loop, which is right where all that is left out follows what
    is not, or where nothing has been seen yet and the states are 0, and nobody asks for their
    gradients.
    """
    kernel, recurrent = weights
    hidden = states[0]
    if seen is not None:
        seen = seen > 0
        padded = bool((seen[1:] <= seen[:-1]).all())
        if not padded or (reverse and not all(map(_nothing, states))):
            return NotImplemented
        inputs = torch.cat([torch.where(seen, inputs, 0.0), (~seen).to(inputs.dtype)], -1)
        gates = kernel.new_tensor(held).repeat_interleave(hidden.shape[-1])
        kernel = torch.cat([kernel, gates[None]])
    zeros = kernel.new_zeros(kernel.shape[1])
    firsts = [one[None] for one in states]
    hiddens, *last = network(
        inputs.flip(0) if reverse else inputs,
        firsts if len(firsts) > 1 else firsts[0],
        [kernel.t(), recurrent.t(), *(zeros if one is None else one for one in biases)],
        True,  # there are biases
        1,
        0.0,
        torch.is_grad_enabled(),
        False,
        False,
    )
    hiddens, ends = hiddens.flip(0) if reverse else hiddens, [one[0] for one in last]
    if seen is not None and not reverse:
        end = seen.sum(0) - 1
        places = end.clamp(min=0).expand_as(hidden)[None]
        ends[0] = torch.where(end < 0, hidden, hiddens.gather(0, places)[0])
        hiddens = torch.where(seen, hiddens, ends[0])
    return hiddens, *ends


def _serves(*given: Tensor) -> bool:
    """Whether they are for this file; the inputs, which come first, are not empty."""
    for x in given:
        if _wrapped(x) or isinstance(x, FakeTensor) or not x.is_cpu or x.dtype is not torch.float32:
            return False
    return bool(given[0].numel())


def _nothing(state: Tensor) -> bool:
    return not (state.requires_grad or bool(state.any()))


_onednn: Any = torch.backends.mkldnn
OWN: dict[str, Any] = {"gru_sequence": gru_sequence}
if _onednn.is_available():
    OWN["lstm_sequence"] = lstm_sequence
