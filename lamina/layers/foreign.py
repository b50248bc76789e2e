"""A module of the backend's framework as a layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina.backend import backend, current
from lamina.core.context import current_scopes
from lamina.core.layer import Layer
from lamina.core.variable import Variable
from lamina.ops.row import TensorLike
from lamina.symbolic.tensor import KerasTensor


class TorchModuleWrapper(Layer):
    """A `torch.nn.Module` as a layer, on the PyTorch backend.

    Modules that are assigned to an attribute of a layer are wrapped by themselves. The module's
    parameters and buffers are the layer's variables: `fit` trains them, in training mode where
    `training` holds.

    Args:
        module: the module, its parameters already made (a lazy one after its first call).
        name: see `Layer`.
        output_shape: the shape of the output, the batch with it, None for unknown dimensions;
            found by tracing the module where None.
        **kwargs: the options of every `Layer`.

    Raises:
        ValueError: if the backend has no such modules.

    Example:
        >>> import lamina
        >>> if lamina.backend.backend() == "torch":
        ...     import torch
        ...     print(TorchModuleWrapper(torch.nn.Linear(3, 4))(lamina.ops.ones((2, 3))).shape)
    """

    def __init__(
        self,
        module: Any,
        name: str | None = None,
        output_shape: Sequence[int | None] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self._foreign = current().module(module)
        if self._foreign is None:
            raise ValueError(
                f"TorchModuleWrapper takes a torch.nn.Module on the PyTorch backend, and got "
                f"{type(module).__name__} on the backend {backend()!r}. Set KERAS_BACKEND=torch."
            )
        self.module = module
        self.output_shape = output_shape
        scope = "/".join((*current_scopes(), self.name))
        for path, handle, learnt in self._foreign.handles():
            variable = Variable.around(handle, f"{scope}/{path.replace('.', '/')}", learnt)
            self._own.append(variable)
        self.built = True

    @staticmethod
    def layer_of(module: Any) -> Any:
        return module

    def call(self, *args: TensorLike, training: bool | None = None, **kwargs: Any) -> Any:
        return self._foreign(*args, training=bool(training), **kwargs)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        if self.output_shape is None:
            return super().compute_output_spec(*args, **kwargs)
        return KerasTensor(self.output_shape, self.compute_dtype)
