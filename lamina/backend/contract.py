"""The contract: what a backend is asked for, in one place.

A backend answers in three ways. *Kernels* are plain functions found by the name of the op:
first in `own`, then in the framework's `namespaces`; an op whose name is in neither is computed
from its shared definition in `lamina/ops`. *Array methods* make, cast and read tensors.
*Transformations* take functions that may read and assign variables, and leave these as plain
Python would.
"""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from lamina.backend import frames

Tensor = Any
Tree = Any
Function = Callable[..., Any]
# Of an update: a gradient or None, the handle of a parameter, those of its slots by name.
Row = tuple[Any, Any, Mapping[str, Any]]


class LeakedTraceError(RuntimeError):
    """A value that exists only while a function is being traced was used outside of it."""


LEAKED_TENSOR = (
    "A tensor made while a function was being traced was kept (in an attribute, a list or "
    "a global) and used after the trace had ended. Return it from the function, or keep "
    "it in a lamina.Variable, whose assignments are carried out of the trace."
)


class Backend(abc.ABC):
    """One framework behind the contract.

    Attributes:
        name: what `KERAS_BACKEND` calls it.
        install: the command that installs its framework.
        tensor_types: the classes of its tensors, traced ones included.
        own: kernels under another name or of other meaning than the framework's, by op name;
            None where the op's shared definition is to serve although the framework has the name.
        takes_numbers: the ops whose kernels take a Python number for their last tensor, to which
            it gives no type.
        declines: the ops whose kernels return `NotImplemented` for operands, as traced ones, that
            they leave to the op's shared definition.
        bring: brings a tensor that lies elsewhere to the device in use, and returns anything else
            as it is; None where the framework sees to that by itself, or has one device.
        compiles: whether `jit` compiles by default, so that the trainer hands it whole steps.
        steps_a_turn: how many small steps are best written out in each turn of a loop.
        mixins: what makes layers and variables at home in the framework: while the backend is in
            use, the class of that role (`"layer"`, `"optimizer"`, `"variable"`) has it as its last
            base.
    """

    name: ClassVar[str]
    install: ClassVar[str]
    tensor_types: tuple[type, ...]
    own: Mapping[str, Function | None]
    takes_numbers: ClassVar[frozenset[str]] = frozenset()
    declines: ClassVar[frozenset[str]] = frozenset()
    bring: Function | None = None
    compiles: ClassVar[bool] = False
    steps_a_turn: ClassVar[int] = 1
    mixins: ClassVar[Mapping[str, type]] = {}

    def __init__(self) -> None:
        self._kernels: dict[str, Function | None] = {}

    # Kernels ------------------------------------------------------------------------------

    @abc.abstractmethod
    def namespaces(self) -> Sequence[Any]:
        """The framework's modules to look kernels up in, in order."""

    def kernel(self, name: str, dtype: str | None = None) -> Function | None:
        """The kernel for op `name`, or None where the op's shared definition serves.

        One that has an attribute `of_type`, a function of the type that it computes in, is asked
        for the kernel of that type: what a wrapper does for some types then costs others nothing.

        It takes the op's tensors and required arguments by position, the others by keyword.
        """
        if name not in self._kernels:
            self._kernels[name] = self._find(name)
        found = self._kernels[name]
        return found if dtype is None else of_type(found, dtype)

    def _find(self, name: str) -> Function | None:
        if name in self.own:
            return self.own[name]
        for namespace in self.namespaces():
            found = getattr(namespace, name, None)
            if callable(found):
                return found  # type: ignore[no-any-return]
        return None

    def shared(self, definition: Function) -> Function:
        """An op's shared definition, as it runs on this backend."""
        return definition

    # Arrays -------------------------------------------------------------------------------

    @abc.abstractmethod
    def array(self, value: Any, dtype: str | None = None) -> Tensor:
        """`value` (tensor, NumPy array, scalar, nested list) as a tensor of `dtype`."""

    def number(self, value: complex, dtype: str) -> Any:
        """The Python number `value` as kernels take it for a tensor of `dtype`.

        Overridden where kernels take something that is made faster than a tensor.
        """
        return self.array(value, dtype)

    @abc.abstractmethod
    def cast(self, x: Tensor, dtype: str) -> Tensor:
        """`x` with its elements converted to `dtype`; `x` itself where they are already."""

    @abc.abstractmethod
    def dtype(self, x: Tensor) -> str:
        """The name of the element type of tensor `x`."""

    @abc.abstractmethod
    def to_numpy(self, x: Tensor) -> Any:
        """`x` as a NumPy array that later assignments do not change."""

    def copy(self, x: Tensor) -> Tensor:
        """`x` in a place of its own, where tensors may be written to."""
        return x

    def canonical(self, dtype: str) -> str:
        """The type that stands for `dtype` where the framework does not hold it as it is."""
        return dtype

    def is_traced(self, x: Any) -> bool:
        """Whether `x` stands for a value that is not known yet."""
        return False

    def scope(self) -> Callable[[], bool]:
        """A function that says, whenever it is called, whether what is computed now can be used.

        It cannot once the transformation under way now is over.
        """
        frame = frames.local.frame
        return lambda: frames.under_way(frame)

    def check_values(self, check: Function, *tensors: Tensor) -> None:
        """Have `check` look at the values of tensors, as NumPy arrays, unless one is traced.

        It raises an error or returns nothing, changes nothing, and depends on the values alone.
        """
        if not any(map(self.is_traced, tensors)):
            check(*map(self.to_numpy, tensors))

    # Variables ----------------------------------------------------------------------------

    @abc.abstractmethod
    def variable(self, value: Tensor, trainable: bool, name: str) -> Any:
        """A handle that holds `value`."""

    def lay_out_filters(self, handle: Any) -> None:
        """Keep the kernel of a convolution, filters last, as convolutions read it from memory."""
        return None

    def set_trainable(self, handle: Any, trainable: bool) -> None:
        """Say whether the framework's own training is to change a variable."""
        return None

    @abc.abstractmethod
    def read(self, handle: Any) -> Tensor:
        """The value of a handle, as the transformations under way see it.

        On PyTorch it is the parameter itself, which later assignments change.
        """

    @abc.abstractmethod
    def assign(self, handle: Any, value: Tensor) -> None:
        """Put `value`, of the same shape and type, into a handle.

        Raises:
            LeakedTraceError: if `value` is traced by a transformation that is not ours.
        """

    @abc.abstractmethod
    def substitute(self, handles: Sequence[Any], values: Sequence[Tensor]) -> Any:
        """A context in which `handles` read as `values` and assignments stay inside.

        Entering it returns a function of a handle: the value that it has by then.
        """

    def outside_trace(self) -> contextlib.AbstractContextManager[None]:
        """A context for making variables: what is computed there is concrete."""
        return contextlib.nullcontext()

    # Transformations ----------------------------------------------------------------------

    @abc.abstractmethod
    def jit(
        self,
        function: Function,
        jit_compile: bool | None = None,
        reads: Callable[[], Sequence[Any]] | None = None,
    ) -> Function:
        """`function` compiled for each new structure, shape and type of its arguments.

        Booleans, strings and None are part of the structure; numbers and tensors are not.
        JAX compiles with XLA in any case; TensorFlow makes a graph, and with `jit_compile` has XLA
        compile it; PyTorch runs the function as it is, and with `jit_compile` has Inductor
        compile it. Where the backend `compiles`, the result has a method `operations(*args)` that
        counts the floating-point operations of one call.

        `reads` gives handles of the variables that the function is likely to read. Where values of
        variables are inputs of what is compiled, on JAX and with Inductor, each that is found only
        by tracing costs a second trace. A function that comes with it makes use of its arguments
        and of variables only: TensorFlow traces it once, wherever it is called.
        """

    def repeating(self, function: Function, times: int | None) -> Function:
        """`function`, which is about to be called `times` times on arguments of few shapes.

        Between these calls nothing changes that it depends on but variables. Overridden where
        what it decides in Python need not be decided every time.

        Args:
            function: of tensors, nested; its results are tensors, nested.
            times: None where it is not known.
        """
        return function

    def without_gradients(self) -> contextlib.AbstractContextManager[Any]:
        """A context in which nothing is recorded for gradients taken outside of it."""
        return contextlib.nullcontext()

    @abc.abstractmethod
    def value_and_grad(
        self, function: Function, handles: Sequence[Any] | None, argnums: Any, has_aux: bool
    ) -> Function:
        """A function that returns `function`'s value and its gradients.

        The gradients are with respect to `handles`, or where that is None, to the positional
        arguments `argnums`. With `has_aux`, `function` returns `(value, auxiliary)`.
        """

    def update_all(
        self,
        update: Function,
        rows: Sequence[Row],
        memo: dict[str, Any],
        *shared: Tensor,
    ) -> None:
        """Assign what an optimizer's formula makes of each row.

        `update(gradient, parameter, slots, *shared)` of a row's values returns the new value of the
        parameter and those of slots. Overridden where all at once is faster than one by one; what
        is found out for that may be kept in `memo`, which is the formula's own and empty when the
        optimizer's attributes have changed. A formula whose attribute `kernel` names what it
        computes ("adam") is a method of an optimizer with the numbers that belong to it.
        """
        for gradient, parameter, slots in rows:
            values = {name: self.read(slot) for name, slot in slots.items()}
            new, changed = update(gradient, self.read(parameter), values, *shared)
            self.assign(parameter, new)
            for name, value in changed.items():
                self.assign(slots[name], value)

    def optimizer(self, value: Any) -> Any:
        """What stands for `value` if that is an optimizer of the framework's own, else None.

        It has `build(handles)`, `apply(gradients)` with a gradient for each of them, `handles` of
        what it keeps, `learning_rate`, which may be None, and `get_state()` and `set_state(state)`
        of what it keeps elsewhere, as plain data and arrays.
        """
        return None

    @abc.abstractmethod
    def jvp(
        self, function: Function, primals: Sequence[Tree], tangents: Sequence[Tree], has_aux: bool
    ) -> tuple[Any, ...]:
        """`function(*primals)`, and how fast it changes as `primals` move along `tangents`.

        Variables stay where they are. With `has_aux`, `function` returns `(value, auxiliary)`, and
        the auxiliary comes third.
        """

    @abc.abstractmethod
    def vmap(self, function: Function, in_axes: Any, out_axes: Any) -> Function:
        """`function` mapped over an axis of its arguments.

        TensorFlow maps no gradient of a loop whose own gradient is not written by hand.
        """

    @abc.abstractmethod
    def scan(
        self,
        function: Function,
        init: Tree,
        xs: Tree,
        length: int | None,
        reverse: bool,
        unroll: int | bool,
    ) -> tuple[Tree, Tree]:
        """`carry, y = function(carry, x)` along the first axis of `xs`; the ys stacked."""

    def in_turn(self, function: Function, xs: Tree, reads: Sequence[Any] = ()) -> Tree:
        """`function(x)` along the first axis of `xs`, the results stacked: many steps of training.

        Overridden where the variables that it uses have to be known, and one that only the trace
        finds costs a second trace: `reads` are the handles of those that are known before.
        """
        return self.scan(lambda _, x: ((), function(x)), (), xs, None, False, 1)[1]

    @abc.abstractmethod
    def while_loop(self, cond: Function, body: Function, loop_vars: tuple[Any, ...]) -> Tree:
        """`loop_vars = body(*loop_vars)` as long as `cond(*loop_vars)`."""

    @abc.abstractmethod
    def cond(self, pred: Tensor, true_fn: Function, false_fn: Function) -> Tree:
        """`true_fn()` where the scalar `pred` holds, else `false_fn()`."""

    @abc.abstractmethod
    def switch(self, index: Tensor, branches: Sequence[Function], operands: Sequence[Any]) -> Tree:
        """`branches[index](*operands)`, `index` clipped to the branches there are."""

    @abc.abstractmethod
    def remat(self, function: Function) -> Function:
        """`function`, whose gradient computes its inner values anew instead of keeping them."""

    @abc.abstractmethod
    def custom_gradient(self, function: Function) -> Function:
        """A function that returns `(output, grad)` becomes one whose gradient is `grad`.

        Where `function.differentiable` is true, `grad` is only a faster form of what
        differentiating the output gives, which may be done instead.
        """

    @abc.abstractmethod
    def eval_shape(self, function: Function, specs: Tree) -> Tree:
        """`function(*specs)` traced by the framework, every tensor as a `(shape, dtype)` pair.

        The leaves of `specs` and of the result are instances of `Spec`.
        """

    # Foreign modules ----------------------------------------------------------------------

    def foreign(self, kind: str, *parts: Any) -> Any:
        """What stands for a module of a framework's own; None where there is none of its kind.

        It is called as the module is, with `training`, and has `handles()`: the name and handle of
        each variable, and whether it is learnt.

        Args:
            kind: with its parts, `"module"`: a module of PyTorch's. `"function"`: one of JAX's, a
                function that makes its parameters and state, both of these, and the platforms to
                compile it for. `"flax"`: a module of Flax and a method; two functions stand for
                it. `"program"`: the path of a SavedModel, its endpoint, and that for training.
        """
        return None

    # Replicas -----------------------------------------------------------------------------

    def replica_mean(self, x: Tensor) -> Tensor:
        """The mean of `x` over the processes or devices that run this program side by side.

        Overridden where each of them has a part of the batch as a tensor of its own; elsewhere the
        batch is one tensor, however many devices it is spread over.
        """
        return x

    # Random -------------------------------------------------------------------------------
    # A key is a tensor of two uint32: the seed and the counter. Kernels of their own draw from
    # it: `random_uniform(key, shape, minimum, maximum, dtype)`, `random_normal`, … .

    def random_state(self) -> dict[str, Any]:
        """The state of the framework's own random numbers, which modules of its own draw from.

        Arrays by name.

        Overridden where it can be had, and put back by `set_random_state`.
        """
        return {}

    def set_random_state(self, state: dict[str, Any]) -> None:  # noqa: B027
        """Put back what `random_state` gave."""

    # Devices ------------------------------------------------------------------------------

    @abc.abstractmethod
    def devices(self) -> list[str]:
        """The devices at hand, as `"cpu:0"`; a GPU is `"gpu:0"` on every backend."""

    @abc.abstractmethod
    def device(self, name: str) -> contextlib.AbstractContextManager[Any]:
        """A context in which tensors are made on the device `name`, one of `devices()`."""

    def slow_in_loops(self) -> frozenset[str]:
        """Ops with which a step gains nothing or loses in a compiled loop on the device in use.

        "loop" stands for all that loop themselves.
        """
        return frozenset(["loop"])

    def host(self) -> contextlib.AbstractContextManager[Any]:
        """A context for the keys of random numbers: in it tensors are made where Python can read
        them without waiting, if that is how the backend draws.
        """
        return contextlib.nullcontext()

    @abc.abstractmethod
    def version(self) -> str:
        """The version of the framework."""

    def block(self, tree: Tree) -> Tree:
        """`tree`, all of it computed by now."""
        return tree

    def synchronize(self) -> None:  # noqa: B027
        """Wait until all that was handed to the devices is computed.

        Overridden where functions may return before, and `block` does not wait.
        """


def of_type(kernel: Any, dtype: str) -> Any:
    """What a kernel says to call for operands of a type, or the kernel itself."""
    choose = getattr(kernel, "of_type", None)
    return kernel if choose is None else choose(dtype)


def differing_writes(cells: Sequence[Any]) -> ValueError:
    """The error of a `vmap` whose function assigned variables a value of each element's own."""
    names = ", ".join(cell.name for cell in cells)
    return ValueError(
        f"A function under vmap assigned the variables {names} a different value for each "
        "element, and a variable holds one. Return the values instead."
    )


class Spec:
    """The shape and element type of a tensor that `eval_shape` is told or tells of."""

    __slots__ = ("dtype", "shape")

    def __init__(self, shape: Sequence[int], dtype: str) -> None:
        self.shape = tuple(shape)
        self.dtype = dtype

    def __repr__(self) -> str:
        return f"Spec(shape={self.shape}, dtype={self.dtype})"
