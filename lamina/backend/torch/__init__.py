"""PyTorch behind the contract: https://docs.pytorch.org."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch

from lamina.backend.contract import Backend, Function, Row
from lamina.backend.torch import (
    affine,
    arrays,
    devices,
    foreign,
    fourier,
    indexing,
    kernels,
    layouts,
    linear,
    memory,
    module,
    nn,
    optimizer,
    random,
    recurrence,
    repetition,
    transforms,
    updates,
    variables,
)
from lamina.backend.torch.dtypes import CANONICAL, NAMES, TYPES
from lamina.backend.torch.recording import opaque


class TorchBackend(Backend):
    """Tensors are `torch.Tensor`; everything runs at once, or compiled by Inductor."""

    name: ClassVar[str] = "torch"
    install: ClassVar[str] = "pip install 'lamina[torch]'"
    mixins: ClassVar[Mapping[str, type]] = {
        "layer": module.LayerMixin,
        "variable": module.VariableMixin,
    }
    declines = frozenset(["ctc_loss", "gru_sequence", "lstm_sequence", "resize"])
    takes_numbers = frozenset(
        [
            *("add", "subtract", "multiply", "true_divide", "power", "lerp"),
            *("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"),
        ]
    )
    tensor_types: tuple[type, ...] = (torch.Tensor,)
    own: Mapping[str, Function | None] = {
        **kernels.OWN,
        **affine.OWN,
        **arrays.OWN,
        **fourier.OWN,
        **indexing.OWN,
        **linear.OWN,
        **nn.OWN,
        **random.OWN,
        **recurrence.OWN,
    }

    def __init__(self) -> None:
        super().__init__()
        memory.keep_freed_memory()
        self.bring = devices.brought if len(devices.available()) > 1 else None

    def namespaces(self) -> Sequence[Any]:
        return (torch, torch.nn.functional, torch.linalg, torch.special)

    def array(self, value: Any, dtype: str | None = None) -> torch.Tensor:
        if isinstance(value, torch.Tensor):
            x: torch.Tensor = value if self.bring is None else self.bring(value)
            return x if dtype is None else x.to(TYPES[dtype])
        return devices.placed(value, dtype)

    def number(self, value: complex, dtype: str) -> torch.Tensor:
        return torch.scalar_tensor(value, dtype=TYPES[dtype], device=devices.default())

    def cast(self, x: torch.Tensor, dtype: str) -> torch.Tensor:
        return x.to(TYPES[dtype])

    def dtype(self, x: torch.Tensor) -> str:
        return NAMES[x.dtype]

    def to_numpy(self, x: torch.Tensor) -> np.ndarray:
        return devices.to_numpy(x)

    def copy(self, x: torch.Tensor) -> torch.Tensor:
        return x.clone()

    @opaque
    def check_values(self, check: Function, *tensors: torch.Tensor) -> None:
        for x in tensors:
            if transforms.is_traced(x):
                return
        check(*[x.numpy(force=True) for x in tensors])

    def canonical(self, dtype: str) -> str:
        return CANONICAL.get(dtype, dtype)

    def is_traced(self, x: Any) -> bool:
        return transforms.is_traced(x)

    variable = staticmethod(variables.variable)
    lay_out_filters = staticmethod(layouts.lay_out_filters)
    set_trainable = staticmethod(variables.set_trainable)
    read = staticmethod(variables.read)
    assign = staticmethod(variables.assign)
    substitute = staticmethod(variables.substitute)
    outside_trace = staticmethod(transforms.outside_trace)
    without_gradients = staticmethod(torch.no_grad)

    jit = staticmethod(transforms.jit)
    value_and_grad = staticmethod(transforms.value_and_grad)
    repeating = staticmethod(repetition.repeating)
    jvp = staticmethod(transforms.jvp)
    optimizer = staticmethod(optimizer.optimizer)
    vmap = staticmethod(transforms.vmap)
    scan = staticmethod(transforms.scan)
    while_loop = staticmethod(transforms.while_loop)
    cond = staticmethod(transforms.cond)
    switch = staticmethod(transforms.switch)
    remat = staticmethod(transforms.remat)
    custom_gradient = staticmethod(transforms.custom_gradient)
    eval_shape = staticmethod(transforms.eval_shape)
    foreign = staticmethod(foreign.foreign)

    random_state = staticmethod(random.random_state)
    set_random_state = staticmethod(random.set_random_state)
    replica_mean = staticmethod(devices.replica_mean)
    host = staticmethod(devices.host)
    devices = staticmethod(devices.available)

    @torch.no_grad()
    def update_all(
        self, update: Function, rows: Sequence[Row], memo: dict[str, Any], *shared: torch.Tensor
    ) -> None:
        left = updates.update_together(update, rows, memo, shared)
        super().update_all(update, left, memo, *shared)

    def device(self, name: str) -> contextlib.AbstractContextManager[Any]:
        return devices.use(name)

    def synchronize(self) -> None:
        if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            torch.cuda.synchronize()

    def version(self) -> str:
        return str(torch.__version__)


def create() -> TorchBackend:
    return TorchBackend()


__all__ = ["TorchBackend", "create"]
