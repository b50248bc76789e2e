"""Where PyTorch makes tensors: on the first GPU where there is one, else on the CPU."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import ml_dtypes
import numpy as np
import torch

from lamina.backend.config import floatx
from lamina.backend.torch.dtypes import TYPES

_CPU = torch.device("cpu")
# Bytes that are copied to a GPU by way of pinned memory at most: PyTorch keeps what it had of that.
_PINNED = 2**28


class _Local(threading.local):
    device: torch.device | None = None


_local = _Local()
_automatic = torch.device("cuda", 0) if torch.cuda.is_available() else _CPU


def default() -> torch.device:
    """The device that tensors are made on now."""
    return _local.device or _automatic


def available() -> list[str]:
    return ["cpu:0", *(f"gpu:{i}" for i in range(torch.cuda.device_count()))]


@contextlib.contextmanager
def use(name: str) -> Iterator[None]:
    """A block that makes tensors on the device `name`, as `"gpu:0"`."""
    device = torch.device(name.replace("gpu", "cuda"))
    with _placing(device), device:  # the latter for PyTorch's own functions
        yield


def brought(x: Any) -> Any:
    """A tensor that a data loader left on the CPU, on the default device; the rest as it is."""
    device = default()
    elsewhere = isinstance(x, torch.Tensor) and x.is_cpu and device != _CPU
    return x.to(device, non_blocking=True) if elsewhere else x


def host() -> contextlib.AbstractContextManager[None]:
    """A block whose tensors are made on the CPU, as far as `placed` makes them."""
    return contextlib.nullcontext() if default() == _CPU else _placing(_CPU)


@contextlib.contextmanager
def _placing(device: torch.device) -> Iterator[None]:
    """A block in which `default()` is `device`."""
    before, _local.device = _local.device, device
    try:
        yield
    finally:
        _local.device = before


def replica_mean(x: torch.Tensor) -> torch.Tensor:
    """The mean of `x` over the processes of `torch.distributed`; gradients flow to all of them."""
    distributed = torch.distributed
    if not distributed.is_available() or not distributed.is_initialized():
        return x
    from torch.distributed.nn.functional import all_reduce

    return all_reduce(x) / distributed.get_world_size()  # type: ignore[no-any-return,no-untyped-call]


def placed(value: Any, dtype: str | None) -> torch.Tensor:
    """`value`, a number, nested list or NumPy array, as a tensor on the default device."""
    kind = None if dtype is None else TYPES[dtype]
    if not isinstance(value, np.ndarray):
        value = np.asarray(value)
        if dtype is None and value.dtype == np.float64:
            kind = TYPES[floatx()]
        elif dtype is None and value.dtype == np.int64:
            kind = torch.int32
    device = default()
    if value.dtype == ml_dtypes.bfloat16:
        tensor = torch.from_numpy(value.astype(np.float32)).to(torch.bfloat16)
    elif value.dtype.kind == "u" and value.dtype.itemsize > 1:
        tensor = torch.from_numpy(value.astype(np.int64)).to(TYPES[value.dtype.name])
    elif device.type == "cuda" and value.nbytes <= _PINNED and not _in_trace():
        tensor = _pinned(value)
    else:
        # A tensor of its own: the array may change later.
        tensor = torch.from_numpy(np.array(value, order="C"))
    tensor = tensor if device == _CPU else tensor.to(device, non_blocking=True)
    return tensor if kind is None else tensor.to(kind)


def _in_trace() -> bool:
    """Whether tensors made now have no memory."""
    return torch._C._len_torch_dispatch_stack() > 0


def _pinned(value: np.ndarray) -> torch.Tensor:
    """A copy of `value` in memory that a GPU reads by itself, where others need not wait for it.

    From elsewhere a copy begins after all that the GPU has been asked to do, and the CPU waits for
    its end: on an H200 a step of ResNet-50 took 90 ms so, and takes 76.
    """
    dtype = torch.from_numpy(np.empty(0, value.dtype)).dtype
    tensor = torch.empty(value.shape, dtype=dtype, pin_memory=True)
    np.copyto(tensor.numpy(), value)
    return tensor


def to_numpy(x: torch.Tensor) -> np.ndarray:
    """`x` as a NumPy array of its own."""
    x = x.detach().cpu()
    if x.dtype == torch.bfloat16:
        return x.float().numpy().astype(ml_dtypes.bfloat16)
    return x.resolve_conj().numpy().copy()
