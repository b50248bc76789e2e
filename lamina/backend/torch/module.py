"""What makes layers and variables at home in PyTorch: a layer is a `torch.nn.Module`.

The state of a layer is found by walking its attributes. The tables that a module keeps of its
parameters, buffers and children are read from that walk whenever PyTorch asks, so that nothing is
kept twice and `parameters`, `state_dict`, `to`, `zero_grad` and the rest are PyTorch's own.
"""

from __future__ import annotations

import re
import sys
from collections import OrderedDict
from typing import Any

import optree
import torch

from lamina.backend.frames import Cell
from lamina.backend.session import guard, new_token
from lamina.backend.symbolic import Symbolic
from lamina.backend.torch.dtypes import NAMES

# The hooks that `Module.__init__` would have made, and an empty table for each.
_TABLES = frozenset(
    name for name, table in vars(torch.nn.Module()).items() if isinstance(table, (dict, set))
)


class LayerMixin(torch.nn.Module):
    """The side of a layer that PyTorch sees."""

    name: str
    trainable: bool
    call: Any
    add_weight: Any
    _standing: Any
    _is_full_backward_hook: bool | None = None
    # What `training` is where no caller says: set by `train()` and `eval()`.
    default_training: bool | None

    def __getattr__(self, name: str) -> Any:
        if name in _TABLES:
            table = vars(self)[name] = type(vars(torch.nn.Module())[name])()
            return table
        # Children have names that are no attributes; PyTorch's own code takes them for such.
        caller = sys._getframe(1).f_globals.get("__name__", "")
        if caller.startswith("torch.nn.") and name in (children := self._modules):
            return children[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, torch.nn.Module) and not isinstance(value, LayerMixin):
            value = self.layer_of(value)
        object.__setattr__(self, name, value)

    __delattr__ = object.__delattr__
    __dir__ = object.__dir__
    __repr__ = object.__repr__

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """As calling the layer."""
        if vars(self).pop("_in_hooks", False):  # by `_call_with_hooks`, in a call of the layer
            return type(self).call(self, *args, **kwargs)
        return self(*args, **kwargs)

    @property
    def _parameters(self) -> dict[str, torch.Tensor]:  # type: ignore[override]
        return _Held((name, cell) for name, cell, learns in self._torch_state() if learns)

    @property
    def _buffers(self) -> dict[str, torch.Tensor]:  # type: ignore[override]
        return _Held((name, cell) for name, cell, learns in self._torch_state() if not learns)

    @property
    def _modules(self) -> dict[str, torch.nn.Module]:  # type: ignore[override]
        # Named by class and place, not by the names that layers are given one after another: a
        # state saved in one process fits the same model in another.
        return _named((_snake_case(type(one).__name__), one) for one in self._layers)

    def _torch_state(self) -> list[tuple[str, Cell, bool]]:
        """The variables that are this layer's own: name, cell, and whether they are learnt."""
        named = _named((v.name, v) for v in self._outer_variables())
        return [(name, v.handle, v.declared_trainable) for name, v in named.items()]

    def _named_members(self, *args: Any, **kwargs: Any) -> Any:
        # `parameters`, `zero_grad` and others ask every module, and each answer is a walk.
        with self._standing():
            return iter(list(super()._named_members(*args, **kwargs)))

    def train(self, mode: bool = True) -> Any:
        """Say what `training` is in calls that do not say it."""
        for module in self.modules():
            if isinstance(module, LayerMixin):
                module.default_training = mode
            else:
                module.training = mode
        return self

    @property
    def training(self) -> bool:
        return bool(self.default_training)

    @training.setter
    def training(self, value: bool) -> None:
        if value != self.training:  # `torch.compile` sets it to what it is
            self.default_training = value

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        """As setting `trainable`."""
        self.trainable = requires_grad
        return self

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        for tensor in (*self._parameters.values(), *self._buffers.values()):
            if fn(tensor.new_empty(0)).dtype != tensor.dtype:
                raise TypeError(
                    f"Layer {self.name!r} keeps its variables as {tensor.dtype}, and its types "
                    "come from its dtype policy: make it with dtype='float16', or set "
                    "lamina.config.set_dtype_policy, instead of converting it. Nothing was changed."
                )
        return super()._apply(fn, recurse)  # type: ignore[no-untyped-call]

    def register_parameter(self, name: str, param: torch.Tensor | None) -> None:
        """A variable of that value, in the attribute `name`."""
        self._register(name, param, True)

    def register_buffer(
        self, name: str, tensor: torch.Tensor | None, persistent: bool = True
    ) -> None:
        """A variable that is not learnt, in the attribute `name`; what is not `persistent`, and so
        not part of the state, is kept there as it is.
        """
        if persistent:
            self._register(name, tensor, False)
        else:
            setattr(self, name, tensor)

    def _register(self, name: str, tensor: torch.Tensor | None, trainable: bool) -> None:
        if tensor is not None:
            value, dtype = tensor.detach(), NAMES[tensor.dtype]
            tensor = self.add_weight(
                value.shape, lambda shape, dtype: value, dtype, trainable, name=name
            )
        setattr(self, name, tensor)

    def register_forward_hook(self, *args: Any, **kwargs: Any) -> Any:
        """As for any module: the hook sees each call, between what the layer does around it."""
        return self._hooked(super().register_forward_hook, *args, **kwargs)

    def register_forward_pre_hook(self, *args: Any, **kwargs: Any) -> Any:
        """As for any module; see `register_forward_hook`."""
        return self._hooked(super().register_forward_pre_hook, *args, **kwargs)

    def register_full_backward_hook(self, *args: Any, **kwargs: Any) -> Any:
        """As for any module."""
        return self._hooked(super().register_full_backward_hook, *args, **kwargs)

    def register_full_backward_pre_hook(self, *args: Any, **kwargs: Any) -> Any:
        """As for any module."""
        return self._hooked(super().register_full_backward_pre_hook, *args, **kwargs)

    def _hooked(self, register: Any, *args: Any, **kwargs: Any) -> Any:
        """Have `call` go by way of PyTorch's hooks from now on."""
        vars(self)["call"] = self._call_with_hooks
        guard.flip(new_token())  # steps that were recorded without hooks are of no use any more
        return register(*args, **kwargs)

    def _call_with_hooks(self, *args: Any, **kwargs: Any) -> Any:
        given: Any = (args, kwargs)
        if any(isinstance(leaf, Symbolic) for leaf in optree.tree_leaves(given)):
            return type(self).call(self, *args, **kwargs)  # shapes alone are asked for
        vars(self)["_in_hooks"] = True
        return self._call_impl(*args, **kwargs)  # type: ignore[no-untyped-call]


class _Held(dict[str, torch.Tensor]):
    """The values of variables by name. Setting one puts another tensor in its place, for a while
    as `torch.func.functional_call` does, or for good as `Module.to` with buffers.
    """

    def __init__(self, cells: Any) -> None:
        self.cells: dict[str, Cell] = dict(cells)
        super().__init__((name, cell.value) for name, cell in self.cells.items())

    def __setitem__(self, name: str, value: torch.Tensor) -> None:
        self.cells[name].value = value
        super().__setitem__(name, value)


def _named(items: Any) -> dict[str, Any]:
    """The items by name; the second of a name is called `name_1`."""
    found: dict[str, Any] = OrderedDict()
    for name, item in items:
        count, unique = 0, name
        while unique in found:
            count += 1
            unique = f"{name}_{count}"
        found[unique] = item
    return found


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


class VariableMixin:
    """What makes a variable an operand of PyTorch's own functions."""

    value: torch.Tensor

    @classmethod
    def __torch_function__(
        cls, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        def plain(value: Any) -> Any:
            if isinstance(value, VariableMixin):
                return value.value
            return [plain(one) for one in value] if isinstance(value, (list, tuple)) else value

        named = {key: plain(value) for key, value in (kwargs or {}).items()}
        return function(*(plain(value) for value in args), **named)
