"""Many callbacks as one."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from lamina.callbacks.callback import Callback, Logs, hears_batches, overrides, wants_batches
from lamina.callbacks.clock import Clock, Untimed
from lamina.callbacks.history import History
from lamina.callbacks.progbar_logger import ProgbarLogger


class CallbackList(Callback):
    """A list of callbacks that is called as one, in order.

    Args:
        callbacks: a callback, or some, perhaps nested in lists.
        add_history: append a `History`, unless there is one.
        add_progbar: append a `ProgbarLogger`, unless there is one.
        model: the model at work.
        **params: what the callbacks get as `params`.

    Raises:
        TypeError: something in the list is no callback.

    Example:
        >>> callbacks = CallbackList(add_history=True, epochs=1)
        >>> with callbacks.running("train") as final_logs:
        ...     callbacks.on_epoch_end(0, {"loss": 0.5})
        >>> callbacks.history.history
        {'loss': [0.5]}
    """

    def __init__(
        self,
        callbacks: Callback | Iterable[Any] | None = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        super().__init__()
        self.callbacks: list[Callback] = list(_flatten(callbacks))
        if add_history and self.history is None:
            self.append(History())
        if add_progbar and not any(isinstance(each, ProgbarLogger) for each in self.callbacks):
            self.append(ProgbarLogger())
        if model is not None:
            self.set_model(model)
        if params:
            self.set_params(params)

    @property
    def history(self) -> History | None:
        """The history among the callbacks, if there is one."""
        return next((each for each in self.callbacks if isinstance(each, History)), None)

    @property
    def clock(self) -> Any:
        """The clock among the callbacks, or what times nothing."""
        return next((each for each in self.callbacks if isinstance(each, Clock)), _UNTIMED)

    def hook(self, callback: Callback, name: str) -> Callable[..., None]:
        """The method `name` of one of the callbacks, timed where there is a clock."""
        method: Callable[..., None] = getattr(callback, name)
        clock = self.clock
        return method if callback is clock else clock.hook(method, type(callback).__name__)

    def __iter__(self) -> Iterator[Callback]:
        return iter(self.callbacks)

    def append(self, callback: Callback) -> None:
        """Add a callback at the end."""
        self.callbacks += _flatten(callback)

    def set_params(self, params: dict[str, Any]) -> None:
        """Give the parameters of the call to every callback."""
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model: Any) -> None:
        """Give the model to every callback, and to this list."""
        super().set_model(model)
        for callback in self.callbacks:
            callback.set_model(model)

    def wants_batches(self, phase: str = "train") -> bool:
        """Whether some callback must be told of each batch of "train", "test" or "predict"."""
        return any(wants_batches(callback, phase) for callback in self.callbacks)

    def hearing_batches(self, phase: str) -> list[Callback]:
        """The callbacks that do something at a batch of "train", "test" or "predict"."""
        return [callback for callback in self.callbacks if hears_batches(callback, phase)]

    def check_before_training(self, known: Iterable[str] | None = None) -> None:
        """Have each callback refuse what is known not to work.

        A callback may add to the logs that those after it get; where it is not known what, they
        are not held to the `known` names.
        """
        names = None if known is None else list(known)
        for callback in self.callbacks:
            added = _added(callback)
            names = None if names is None or added is None else [*names, *added]
            if isinstance(callback, Callback):
                callback.check_before_training(names)

    def get_state(self) -> dict[str, Any]:
        """What each callback keeps, by the name of its class, and a number from the second on."""
        names = self.state_names()
        states = {name: one.get_state() for name, one in self._named() if name in names}
        return {name: state for name, state in states.items() if state}

    def set_state(self, state: dict[str, Any]) -> None:
        """Give each callback what `get_state` took; what is of none is left out."""
        for name, callback in self._named():
            if name in state:
                callback.set_state(state[name])

    def state_names(self) -> list[str]:
        """The names under which `get_state` may have something."""
        return [name for name, callback in self._named() if _keeps_state(callback)]

    def _named(self) -> Iterator[tuple[str, Callback]]:
        counts: dict[str, int] = {}
        for callback in self.callbacks:
            name = type(callback).__name__
            counts[name] = counts.get(name, 0) + 1
            yield name if counts[name] == 1 else f"{name}_{counts[name]}", callback

    @contextmanager
    def running(self, phase: str, logs: Logs | None = None) -> Iterator[Logs]:
        """Call every `on_<phase>_begin`, run the block, and call every `on_<phase>_end`.

        A callback whose begin was called gets its end whatever happens: an exception in the block
        or in a callback, Ctrl-C. The first exception is raised; what the ends raise after it is
        noted on it.

        Args:
            phase: "train", "test" or "predict".
            logs: what the begin hooks get.

        Yields:
            A dictionary, to be filled with the logs that the end hooks get.
        """
        final_logs: Logs = {}
        begun: list[Callback] = []
        failure: BaseException | None = None
        try:
            for callback in self.callbacks:
                self.hook(callback, f"on_{phase}_begin")(logs if logs is not None else {})
                begun.append(callback)
            yield final_logs
        except BaseException as error:
            failure = error
        for callback in begun:
            try:
                self.hook(callback, f"on_{phase}_end")(final_logs)
            except Exception as error:
                if failure is None:
                    failure = error
                else:
                    name = type(callback).__name__
                    failure.add_note(f"Then {name}.on_{phase}_end raised {error!r}.")
        if failure is not None:
            raise failure


_UNTIMED = Untimed()


def _forward(hook: str, numbered: bool) -> Callable[..., None]:
    """A method that calls `hook` of every callback."""

    def call_with_number(self: CallbackList, number: int, logs: Logs | None = None) -> None:
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            self.hook(callback, hook)(number, logs=logs)

    def call(self: CallbackList, logs: Logs | None = None) -> None:
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            self.hook(callback, hook)(logs=logs)

    method = call_with_number if numbered else call
    method.__name__, method.__doc__ = hook, f"Call `{hook}` of every callback."
    return method


for _hook in [name for name in vars(Callback) if name.startswith("on_")]:
    setattr(CallbackList, _hook, _forward(_hook, "batch" in _hook or "epoch" in _hook))


def _added(callback: Any) -> tuple[str, ...] | None:
    """The names that a callback adds to the logs of an epoch; None where they are not known."""
    function = getattr(callback.on_epoch_end, "__func__", None)
    if function is Callback.on_epoch_end:
        return ()
    # A subclass with a hook of its own may add what its base class does not.
    ours = function is not None and function.__module__.startswith("lamina.callbacks.")
    return callback.adds_to_logs if ours else None


def _keeps_state(callback: Any) -> bool:
    if not all(callable(getattr(callback, name, None)) for name in ("get_state", "set_state")):
        return False
    return bool(getattr(callback, "state_attributes", ())) or overrides(callback, "get_state")


def _flatten(callbacks: Any) -> Iterator[Callback]:
    if callbacks is None:
        return
    if type(callbacks) is CallbackList:
        callbacks = callbacks.callbacks
    if isinstance(callbacks, (list, tuple)):
        for each in callbacks:
            yield from _flatten(each)
    elif isinstance(callbacks, type) or not hasattr(callbacks, "on_train_begin"):
        shown = callbacks.__name__ if isinstance(callbacks, type) else repr(callbacks)
        raise TypeError(
            f"`callbacks` must hold instances of lamina.callbacks.Callback; got {shown[:80]}"
            f"{', a class: call it first' if isinstance(callbacks, type) else ''}."
        )
    else:
        yield callbacks
