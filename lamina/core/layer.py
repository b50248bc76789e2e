"""The layer: state and a computation, built on first use."""

from __future__ import annotations

import functools
import inspect
from typing import Any, ClassVar

from lamina import ops
from lamina.backend import current, plays
from lamina.backend.tracebacks import cut
from lamina.core import input_spec as specs
from lamina.core import registry
from lamina.core.arguments import (
    BASE_ARGUMENTS,
    Recorded,
    made_with,
    old_input_shape,
    old_shapes,
    refuse_code,
)
from lamina.core.call import (
    CallSignature,
    as_shapes,
    build_arguments,
    is_tensors,
    locate,
    memo_key,
    shapes,
    tensors_of,
)
from lamina.core.context import CallContext, any_mask, get_mask, local, masks_of, set_mask
from lamina.core.layer_state import LayerState
from lamina.core.layer_types import LayerTypes
from lamina.core.plain import untagged
from lamina.core.rematerialization import Rematerialized, innermost_scope
from lamina.core.tracing import infer_function
from lamina.core.walks import once
from lamina.ops.operand import is_concrete
from lamina.symbolic.graph import Operation
from lamina.symbolic.tensor import (
    KerasTensor,
    any_symbolic,
    infer,
    inferences,
    inferring,
    leaves,
    map_leaves,
    renewed,
)


@plays("layer")
class Layer(Recorded, LayerTypes, LayerState, Rematerialized, Operation):
    """A computation with variables of its own.

    Subclasses define `__init__`, `call`, and `build(self, input_shape)` if they have variables.
    Variables, layers, metrics and seed generators kept in attributes (also inside lists and
    dictionaries) belong to the layer.

    Args:
        activity_regularizer: a penalty on the output, added to `losses`.
        trainable: whether training changes the variables.
        dtype: a dtype policy or its name; the process's policy where None.
        autocast: whether float inputs are cast to the policy's compute type.
        name: unique in its model; made from the class's name where None.

    Example:
        >>> import lamina
        >>> class Scale(lamina.Layer):
        ...     def build(self, input_shape):
        ...         self.scale = self.add_weight(shape=input_shape[-1:], initializer="ones")
        ...     def call(self, x):
        ...         return x * self.scale
        >>> Scale()(lamina.ops.ones((2, 3))).shape
        (2, 3)
    """

    slot: ClassVar[str] = "layers"
    _signature: ClassVar[CallSignature]
    _computes_mask: ClassVar[bool] = False
    supports_masking: bool = False
    input_spec: Any = None
    _call_losses: list[Any]
    # The layers that added losses while this one was called from outside of any layer.
    _loss_layers: list[Layer]
    _spec_memo: dict[Any, Any]
    # The class and element type of arguments that need no conversion, and `autocast` by then.
    _accepted: set[tuple[type, Any, bool]]
    # An input's shape, and the `input_spec` that it was found to fit.
    _fitting: tuple[Any, Any] = (None, None)
    # Constructor arguments that are no part of the config.
    unsaved: ClassVar[frozenset[str]] = frozenset()
    # Whether arguments may be lambdas, of which files have but the name.
    holds_code: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._signature = CallSignature(cls.call)
        cls._computes_mask = cls.compute_mask is not Layer.compute_mask
        if "build" in vars(cls):
            cls.build = _noted(vars(cls)["build"])  # type: ignore[method-assign]
        registry.enter_class(cls.slot, cls)

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        current()  # whose base class the instance is to have
        instance = super().__new__(cls, *args, **kwargs)
        # Set here, so that a subclass may use them before it calls super().__init__().
        instance._start_state()
        instance._call_losses = []
        instance._loss_layers = []
        instance._spec_memo = {}
        instance._accepted = set()
        instance._path = None
        instance.built = False
        instance.inbound_nodes = []
        return instance

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_accepted": set()}

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        self._input_shape = old_input_shape(kwargs)
        if kwargs:
            raise TypeError(
                f"{type(self).__name__} has no argument {', '.join(map(repr, kwargs))}. It takes: "
                f"{', '.join(self._taken(kwargs))}."
            )
        super().__init__(name)
        self.activity_regularizer = registry.identify("regularizers", activity_regularizer)
        self.dtype_policy = dtype
        self.autocast = autocast
        if not trainable:  # what was set before this may hold layers
            self.trainable = False
        self._remat = innermost_scope()

    def _taken(self, refused: dict[str, Any]) -> list[str]:
        """The names of the constructor's arguments, for a message."""
        own = [name for name in self._arguments if name.isidentifier() and name not in refused]
        return list(dict.fromkeys([*own, "name", "trainable", "dtype"]))

    # Calling ------------------------------------------------------------------------------

    def build(self, *args: Any, **kwargs: Any) -> None:
        """Make the variables, given the shape of the inputs. Layers without any need none."""
        self.built = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        symbolic = masked = False
        if not self.built:
            self._settle_path()
        if not self.built or inferences or not self._accepts(args, kwargs):
            symbolic = any(type(leaf) is KerasTensor for leaf in leaves((args, kwargs)))
            args, kwargs = self._converted(args), self._converted(kwargs)
            masked = True
        elif self.supports_masking or self._signature.has_mask:
            masked = any_mask(args)
        before = local.context
        if before is None and (bring := current().bring) is not None:
            args, kwargs = map_leaves(bring, (args, kwargs))
        context = CallContext(self, before, None, self._autocast_dtype)
        given = kwargs
        if masked:
            kwargs = self._with_masks(args, kwargs)
        kwargs = self._with_training(args, kwargs, context)
        local.context = context
        if before is None and self._loss_layers:
            self._clear_losses()
        try:
            if self.input_spec is not None:
                self._check_inputs(args, kwargs, context)
            if not self.built:
                self._build_for(args, kwargs)
            if symbolic := symbolic and not inferring():
                # The graph keeps what was given; what is filled in depends on the later call.
                outputs = self.symbolic_call(*args, **given)
            else:
                call = self.call
                if self._remat is not None:
                    call = self.rematerialized_call(call, *args, **kwargs)
                outputs = call(*args, **kwargs)
                if self.activity_regularizer is not None:
                    self._penalize(outputs)
            if masked or self._computes_mask:
                self._hand_on_masks(args, kwargs, outputs, symbolic)
        except Exception as error:
            locate(error, context, args, kwargs)
            if before is None:
                cut(error)
            raise
        finally:
            local.context = before
        return outputs

    def _penalize(self, outputs: Any) -> None:
        if not inferring():
            for output in leaves(outputs):
                # The mean over the batch, so that the penalty does not grow with it.
                batch = max(output.shape[0] if output.ndim else 1, 1)
                self.add_loss(self.activity_regularizer(output) / batch)

    def _for_inference(self, *args: Any, **kwargs: Any) -> Any:
        return self.call(*args, **self._with_masks(args, kwargs))

    def _accepts(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Whether the arguments are tensors or lists of them, and numbers, of classes and types
        that were found to need no conversion.
        """
        accepted, autocast = self._accepted, self.autocast
        if len(args) == 1 and not kwargs and args[0].__class__ is not list:
            one = args[0]
            return (type(one), getattr(one, "dtype", None), autocast) in accepted
        for value in (*args, *kwargs.values()) if kwargs else args:
            for one in value if value.__class__ is list else (value,):
                if (type(one), getattr(one, "dtype", None), autocast) not in accepted:
                    return False
        return bool(args)

    def _converted(self, values: Any) -> Any:
        policy, dtype = self._settled(), self.input_dtype

        def convert(leaf: Any) -> Any:
            converted = policy.convert_input(leaf, self.autocast, dtype)
            if converted is not leaf:
                mask = get_mask(leaf)
                if mask is not None:
                    set_mask(converted, mask)
            elif is_concrete(leaf):
                self._accepted.add((type(leaf), getattr(leaf, "dtype", None), self.autocast))
            return converted

        return map_leaves(convert, values)

    def _with_training(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], context: CallContext
    ) -> dict[str, Any]:
        """Resolve `training`: the argument, else the caller's, else the signature's default."""
        known = self._signature
        open_to_it = len(args) <= known.training_position
        training = kwargs.get("training") if open_to_it else args[known.training_position]
        if training is None and context.parent is not None:
            training = context.parent.training
        elif training is None:
            training = self.default_training
        if training is None:
            training = known.training_default
        context.training = training
        if known.declares_training and training is not None and open_to_it:
            return {**kwargs, "training": training}
        if kwargs and not known.has_training and "training" in kwargs:
            return {key: value for key, value in kwargs.items() if key != "training"}
        return kwargs

    def _with_masks(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Fill the mask arguments that were not given from the masks of the tensors."""
        known = self._signature
        if not known.has_mask:
            return kwargs
        named = known.named(args, kwargs)
        alone = sum(map(is_tensors, named.values())) <= 1
        for mask, name in known.masks.items():
            if named.get(mask) is None and name in named and (alone or mask != "mask"):
                found = masks_of(named[name])
                if found is not None:
                    kwargs = {**kwargs, mask: found}
        return kwargs

    def _hand_on_masks(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: Any, symbolic: bool
    ) -> None:
        named = self._signature.named(args, kwargs) if kwargs or self._signature.has_mask else {}
        first = args[0] if args else next(iter(named.values()), None)
        masks = masks_of(first)
        if masks is None and not self._computes_mask:
            return
        if named.get("mask") is not None:
            masks = named["mask"]
        symbolic = symbolic and any_symbolic((first, masks))
        compute = functools.partial(infer, self.compute_mask) if symbolic else self.compute_mask
        if (computed := compute(first, masks)) is None:
            return
        found = list(computed) if isinstance(computed, (list, tuple)) else [computed]
        for tensor, mask in zip(leaves(outputs), found, strict=False):
            # A layer that returns its very input must not change the mask that it came with.
            if mask is not None and get_mask(tensor) is None:
                set_mask(tensor, mask)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The mask of the output: the input's where the layer `supports_masking`, else none."""
        return previous_mask if self.supports_masking else None

    def _check_inputs(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], context: CallContext
    ) -> None:
        spec, first = self.input_spec, args[0] if args else next(iter(kwargs.values()), None)
        shape = getattr(first, "shape", None)
        if self._fitting == (spec, shape):
            return
        specs.check(spec, first, context.path(), type(self).__name__)
        if shape is not None and is_concrete(first):
            self._fitting = (spec, shape)

    def _build_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        arguments = build_arguments(self.build, self._signature.named(args, kwargs))
        self.build(**arguments)
        self.built = True
        self._build_shapes = arguments
        if self.input_spec is not None:  # made by build
            context = local.context or CallContext(self, None, None, None)
            self._check_inputs(args, kwargs, context)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the outputs from the inputs. Every layer says how."""
        raise TypeError(
            f"Layer {self.name!r} cannot be called: its class {type(self).__name__} has no "
            "`call` method. Define `def call(self, inputs)` that returns the outputs."
        )

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """The outputs as symbolic tensors, the call noted in the graph."""
        outputs = self.compute_output_spec(*args, **kwargs)
        return outputs if inferring() else self.record(args, kwargs, outputs)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Symbolic tensors of the shapes and types that `call` returns for these."""
        if _overrides(self, "compute_output_shape"):
            return self._declared_spec(args, kwargs)
        if not self.built and _overrides(self, "build"):
            return self._built_copy(args, kwargs).compute_output_spec(*args, **kwargs)
        key = memo_key((args, kwargs))
        found = self._spec_memo.get((key, self._types)) if key else None
        if found is None:
            found = infer_function(self._for_inference, args, kwargs)
            if key:
                self._spec_memo[key, self._types] = found
        return map_leaves(
            lambda leaf: renewed(leaf) if isinstance(leaf, KerasTensor) else leaf, found
        )

    def _declared_spec(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        arguments = build_arguments(self.compute_output_shape, self._signature.named(args, kwargs))
        shape = self.compute_output_shape(**arguments)
        return tensors_of(shape, self.compute_dtype)

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The output's shape for inputs of these shapes; None for unknown dimensions."""
        inputs = [tensors_of(shape, self.compute_dtype) for shape in args]
        named = {
            name.removesuffix("_shape"): tensors_of(shape, self.compute_dtype)
            for name, shape in kwargs.items()
            if name != "input_shape"
        }
        if "input_shape" in kwargs:
            inputs = [tensors_of(kwargs["input_shape"], self.compute_dtype)]
        # Shapes come from running `call`, which needs variables: a copy gets them, not this one.
        layer = self if self.built else self._built_copy(tuple(inputs), named)
        return shapes(layer.compute_output_spec(*inputs, **named))

    def _built_copy(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A layer of the same config, built for these inputs."""
        layer = type(self).from_config(self.get_config())
        if not layer.built:
            layer._build_for(args, kwargs)
        return layer

    def stateless_call(
        self,
        trainable_variables: list[Any],
        non_trainable_variables: list[Any],
        *args: Any,
        return_losses: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Call the layer with these values in place of its variables', and change nothing.

        Args:
            trainable_variables: values in the order of `self.trainable_variables`.
            non_trainable_variables: values in the order of `self.non_trainable_variables`.
            return_losses: whether to return `losses` as well.

        Returns:
            `(outputs, new_non_trainable_values)`, and the losses as asked.
        """
        trained, others = self.trainable_variables, self.non_trainable_variables
        if (len(trained), len(others)) != (len(trainable_variables), len(non_trainable_variables)):
            raise ValueError(
                f"Layer {self.name!r} has {len(trained)} trainable and {len(others)} other "
                f"variables, and stateless_call was given {len(trainable_variables)} and "
                f"{len(non_trainable_variables)} values. Build the layer first, and pass the "
                "values of trainable_variables and non_trainable_variables."
            )
        handles = [variable.handle for variable in (*trained, *others)]
        given = (*trainable_variables, *non_trainable_variables)
        values = [ops.convert_to_tensor(value) for value in given]
        with current().substitute(handles, values) as value_of:
            outputs = self(*args, **kwargs)
            losses = self.losses if return_losses else []
            updated = [value_of(variable.handle) for variable in others]
        self._clear_losses()
        return (outputs, updated, losses) if return_losses else (outputs, updated)

    # Losses -------------------------------------------------------------------------------

    def add_loss(self, loss: Any) -> None:
        """Add a scalar, or several, to the loss of the model; called inside `call`."""
        for one in leaves(loss):
            if not inferring():
                self._call_losses.append(one)
                context = local.context
                root: Layer = self if context is None else context.root()
                root._loss_layers.append(self)

    @property
    def losses(self) -> list[Any]:
        """What `add_loss` added in the last call, and the penalties of regularizers."""
        found = [loss for layer in self._inner_layers() for loss in layer._call_losses]
        for variable in self.trainable_weights:
            if variable.regularizer is not None:
                found.append(ops.mean(ops.convert_to_tensor(variable.regularizer(variable))))
        return found

    @once
    def _inner_layers(self) -> list[Layer]:
        return [layer for layer in self._flatten_layers() if isinstance(layer, Layer)]

    def _clear_losses(self) -> None:
        for layer in self._loss_layers:
            layer._call_losses.clear()
        self._loss_layers.clear()

    # Configuration ------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """What makes an equal layer, without its weights, through `from_config`."""
        config = {"name": self.name, "trainable": self.trainable, "dtype": self.dtype_policy}
        apart = BASE_ARGUMENTS | old_shapes(type(self))
        own = {k: v for k, v in self.recorded_config().items() if k not in apart}
        if not self.holds_code:
            refuse_code(self.name, own)
        saved = {k: v for k, v in {**config, **own}.items() if k not in self.unsaved}
        return {key: registry.serialize(value) for key, value in saved.items()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The layer that `get_config` described, with new weights."""
        return made_with(cls, untagged(config))

    def get_build_config(self) -> dict[str, Any] | None:
        """The shapes that the layer was built with, for `build_from_config`; None before that."""
        found = getattr(self, "_build_shapes", None)
        if not found or len(found) > 1:
            return found and {"shapes_dict": found}
        # A single one is called so whatever `build` calls its argument.
        return dict.fromkeys(["input_shape"], *found.values())

    def build_from_config(self, config: dict[str, Any] | None) -> None:
        """Build as `get_build_config` says."""
        if config and not self.built:
            found = as_shapes(config.get("shapes_dict", config))
            # By position where there is one: a `build` may call its argument as it likes.
            single = tuple(found) == ("input_shape",)
            self.build(*found.values()) if single else self.build(**found)
            self._build_shapes = found


def _noted(build: Any) -> Any:
    """`build`, after which the layer is built, with the layer's name in its variables' paths."""
    names = list(inspect.signature(build).parameters)[1:]

    @functools.wraps(build)
    def run(self: Layer, *args: Any, **kwargs: Any) -> None:
        before = local.context
        if before is None or before.layer is not self:
            local.context = CallContext(self, before, None, None)
        self._settle_path()
        try:
            build(self, *args, **kwargs)
        finally:
            local.context = before
        self.built = True
        self._build_shapes = {**dict(zip(names, args, strict=False)), **kwargs}

    return run


Layer._signature = CallSignature(Layer.call)


def _overrides(layer: Layer, method: str) -> bool:
    return getattr(type(layer), method) is not getattr(Layer, method)
