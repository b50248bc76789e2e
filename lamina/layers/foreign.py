"""What is written for one framework as a layer: modules, functions and saved programs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

from lamina import ops
from lamina.backend import backend, current
from lamina.core import registry
from lamina.core.call import tensors_of
from lamina.core.context import current_scopes
from lamina.core.layer import Layer
from lamina.core.load_errors import UnsafeContentError
from lamina.core.seeds import SeedGenerator
from lamina.core.variable import Variable
from lamina.ops.row import TensorLike
from lamina.symbolic.tensor import KerasTensor, map_leaves


class _Foreign(Layer):
    """A layer around something that its framework computes.

    Attributes:
        _foreign: what stands for it in the backend.
        _code: the arguments that are programs.
    """

    _foreign: Any
    _code: ClassVar[tuple[str, ...]] = ("module",)

    def _at_home(self, kind: str, *parts: Any) -> Any:
        """What the backend makes of it.

        Raises:
            ValueError: if the backend cannot run it; says which one can.
        """
        found = current().foreign(kind, *parts)
        if found is None:
            what, where = _HOMES[kind]
            raise ValueError(
                f"{type(self).__name__} takes {what}, and got {type(parts[0]).__name__} on the "
                f"backend {backend()!r}. Set KERAS_BACKEND={where}."
            )
        return found

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The layer that `get_config` described; what it is around is registered by its name.

        Raises:
            UnsafeContentError: if that is stored as code or other data.
            ValueError: if it is neither registered nor among the custom objects.
        """
        made = registry.deserialize(config)
        for name in cls._code:
            if isinstance(made.get(name), (str, bytes, dict, list)):
                raise UnsafeContentError(
                    f"The {name} of {cls.__name__} {made.get('name')!r} is stored as data, from "
                    "which no program is made. Register its class or function, or pass it in "
                    "custom_objects."
                )
        return cls(**made)

    def _adopt(self) -> None:
        """Make its variables this layer's."""
        with self._naming():
            scope = "/".join(current_scopes())
        for path, handle, learnt in self._foreign.handles():
            variable = Variable.around(handle, f"{scope}/{path.replace('.', '/')}", learnt)
            variable.trainable = learnt and self.trainable
            self._own.append(variable)


_HOMES = {
    "module": ("a torch.nn.Module on the PyTorch backend", "torch"),
    "function": ("a function of JAX on the backends JAX and TensorFlow", "jax"),
    "flax": ("a flax.linen.Module on the backends JAX and TensorFlow", "jax"),
    "program": ("the path of a SavedModel on the TensorFlow backend", "tensorflow"),
}


class TorchModuleWrapper(_Foreign):
    """A `torch.nn.Module` as a layer, on the PyTorch backend.

    Modules that are assigned to an attribute of a layer are wrapped by themselves. The module's
    parameters and buffers are the layer's variables: `fit` trains them, in training mode where
    `training` holds or, where nobody told, PyTorch records for gradients.

    Args:
        module: the module, its parameters already made (a lazy one after its first call).
        name: see `Layer`.
        output_shape: the shape of the output, the batch with it, None for unknown dimensions;
            found by tracing the module where None.
        **kwargs: the options of every `Layer`.

    Raises:
        ValueError: if the backend has no such modules.

    Example:
        >>> import torch
        >>> from lamina import backend, layers, ops
        >>> with backend.use("torch"):
        ...     tuple(layers.TorchModuleWrapper(torch.nn.Linear(3, 4))(ops.ones((2, 3))).shape)
        (2, 4)
    """

    def __init__(
        self,
        module: Any,
        name: str | None = None,
        output_shape: Sequence[int | None] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self._foreign = self._at_home("module", module)
        self.module = module
        self.output_shape = output_shape
        self._adopt()
        self.built = True

    @staticmethod
    def layer_of(module: Any) -> Any:
        return module

    def parameters(self, recurse: bool = True) -> Iterator[Any]:
        """The module's parameters, as `torch.nn.Module.parameters` gives them."""
        return self.module.parameters(recurse=recurse)  # type: ignore[no-any-return]

    def call(self, *args: TensorLike, training: bool | None = None, **kwargs: Any) -> Any:
        return self._foreign(*args, training=training, **kwargs)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        if self.output_shape is None:
            return super().compute_output_spec(*args, **kwargs)
        return KerasTensor(self.output_shape, self.compute_dtype)


class JaxLayer(_Foreign):
    """A pure function of JAX as a layer, on the backends JAX and TensorFlow.

    Args:
        call_fn: the function, which takes `inputs` and those of the others that it needs, by
            these names: `params`, a tree of what is trained; `state`, a tree of what it changes
            itself, and then it returns `(outputs, new_state)`; `rng`, a key of `jax.random` in
            training and None outside of it; `training`, a boolean.
        init_fn: a function of `rng`, `inputs` and, if it takes that, `training`, which returns
            `params`, or `(params, state)`; called when the layer is built, on ones of the shape of
            the inputs, where neither of the two is given.
        params: the tree to begin with. Leaves that are no floats are not trained.
        state: the tree to begin with.
        seed: for the keys.
        native_serialization_platforms: on TensorFlow, the platforms that the function is compiled
            for, as `("cpu", "cuda")`; the one at hand where None.
        **kwargs: the options of every `Layer`.

    The attributes `params` and `state` are the trees, with variables for leaves.

    Raises:
        ValueError: if the backend cannot run it, or the function takes other arguments.

    Example:
        >>> import numpy as np
        >>> from lamina import layers, ops
        >>> layer = layers.JaxLayer(lambda params, inputs: inputs @ params, params=np.ones((2, 3)))
        >>> layer(ops.ones((1, 2))).tolist()
        [[2.0, 2.0, 2.0]]
    """

    unsaved: ClassVar[frozenset[str]] = frozenset({"params", "state", "seed"})
    _code: ClassVar[tuple[str, ...]] = ("call_fn", "init_fn")

    def __init__(
        self,
        call_fn: Callable[..., Any],
        init_fn: Callable[..., Any] | None = None,
        params: Any = None,
        state: Any = None,
        seed: int | None = None,
        native_serialization_platforms: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        taken = _checked_arguments(call_fn)
        if taken & {"params", "state"} and init_fn is None and params is None and state is None:
            raise ValueError(
                f"{type(self).__name__} needs init_fn, params or state where call_fn takes "
                "`params` or `state`: none of them was given."
            )
        self.call_fn = call_fn
        self.init_fn = init_fn
        self.seed = seed
        self.native_serialization_platforms = native_serialization_platforms
        self._foreign = self._at_home(
            "function", call_fn, init_fn, params, state, native_serialization_platforms
        )
        self.params: Any = None
        self.state: Any = None
        self._keys = SeedGenerator(seed) if "rng" in taken else None
        if self._foreign.made:
            self._adopt()

    def _adopt(self) -> None:
        super()._adopt()
        self.params, self.state = self._foreign.trees(self._own)

    def build(self, input_shape: Any) -> None:
        if not self._foreign.made:
            inputs = map_leaves(self._stand_in, tensors_of(input_shape, self.variable_dtype))
            self._foreign.make((self._keys or SeedGenerator(self.seed)).next(), inputs)
            self._adopt()

    @staticmethod
    def _stand_in(spec: KerasTensor) -> Any:
        shape = [1 if size is None else size for size in spec.shape]
        return ops.convert_to_numpy(ops.ones(shape, spec.dtype))

    def call(self, inputs: Any, training: bool = False) -> Any:
        key = self._keys.next() if training and self._keys is not None else None
        return self._foreign(inputs, key, bool(training))


def _checked_arguments(call_fn: Any) -> set[str]:
    """The names of a function's arguments, which are those that it can be given."""
    taken, known = set(inspect.signature(call_fn).parameters), _ARGUMENTS
    if "inputs" not in taken or not taken <= known:
        raise ValueError(
            f"call_fn takes `inputs` and any of {sorted(known - {'inputs'})}, by these names, not "
            f"{sorted(taken)}. Wrap it in a function that does."
        )
    return taken


_ARGUMENTS = {"params", "state", "rng", "inputs", "training"}


class FlaxLayer(JaxLayer):
    """A module of Flax's `linen` as a layer, on the backends JAX and TensorFlow.

    The collection `params` is trained; all others are state that the module changes itself.

    Args:
        module: a `flax.linen.Module`.
        method: what to call instead of the module: a method of its class or another function
            that takes the module first, `inputs` next and, if it needs to know, `training`.
        variables: the collections to begin with, as `module.init` returns them; made when the
            layer is built where None.
        **kwargs: the options of every `Layer`, and `seed`.

    Raises:
        ValueError: if the backend cannot run it, or it is no such module.
        ImportError: if Flax is not installed.

    Example:
        >>> from flax import linen
        >>> from lamina import layers, ops
        >>> layers.FlaxLayer(linen.Dense(4))(ops.ones((2, 3))).shape
        (2, 4)
    """

    unsaved: ClassVar[frozenset[str]] = frozenset({"variables", "seed"})
    _code = ("module",)

    def __init__(
        self, module: Any, method: Any = None, variables: Any = None, **kwargs: Any
    ) -> None:
        self.module = module
        self.method = method
        call, init = self._at_home("flax", module, method)
        state = None if variables is None else dict(variables)
        params = None if state is None else {"params": state.pop("params", {})}
        super().__init__(call, init, params, state, **kwargs)


class TFSMLayer(_Foreign):
    """A SavedModel of TensorFlow as a layer, on the TensorFlow backend.

    Its variables are the layer's, and can be trained further.

    Args:
        filepath: the folder of the SavedModel.
        call_endpoint: which of its functions the layer calls, an attribute or a signature;
            `"serve"` is what `model.export` made.
        call_training_endpoint: the one to call in training, where it is another.
        trainable: whether training changes its variables.
        name, dtype: as for every `Layer`.

    Raises:
        ValueError: if the backend cannot run it, or it has no such endpoint.
    """

    def __init__(
        self,
        filepath: Any,
        call_endpoint: str = "serve",
        call_training_endpoint: str | None = None,
        trainable: bool = True,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(trainable=trainable, name=name, dtype=dtype)
        self.filepath = str(filepath)
        self.call_endpoint = call_endpoint
        self.call_training_endpoint = call_training_endpoint
        self._foreign = self._at_home(
            "program", self.filepath, call_endpoint, call_training_endpoint
        )
        self._adopt()
        self.built = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        return self._foreign(inputs, training=bool(training))

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None, safe_mode: bool | None = None
    ) -> TFSMLayer:
        """The layer that `get_config` described, where `safe_mode` is False.

        Raises:
            UnsafeContentError: otherwise: a SavedModel is a program, and a config names any.
        """
        if safe_mode is not False:
            raise UnsafeContentError(
                "A config of TFSMLayer names a SavedModel, a program that could do anything, so "
                "it is not loaded. If you trust the config and the SavedModel, call "
                "TFSMLayer.from_config(config, safe_mode=False)."
            )
        return cls(**config)
