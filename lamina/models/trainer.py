"""The one fit loop, and evaluate and predict."""

from __future__ import annotations

import collections
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import optree

from lamina import ops
from lamina.backend import current, floatx, standardize_dtype
from lamina.backend.tracebacks import filtered
from lamina.callbacks import BackupAndRestore, CallbackList, History
from lamina.core.tracing import infer_function
from lamina.core.walks import standing
from lamina.data import (
    ArraySource,
    Chunk,
    Source,
    make_source,
    split_validation,
    unpack_x_y_sample_weight,
)
from lamina.models.checks import check_fit, limited
from lamina.models.dispatch import Runner, compiled, steps_per_dispatch
from lamina.models.logs import leveled, numbers, plain_logs
from lamina.models.run import TrainingRun
from lamina.models.state_form import takes_state
from lamina.models.stateless import Stateless
from lamina.models.steps import Steps
from lamina.symbolic.tensor import KerasTensor, map_leaves

# Dispatches that may be under way at a time.
AHEAD = 2
# The size of a batch that has all rows there are.
WHOLE = sys.maxsize


class Trainer(Stateless):
    """The part of a model that runs steps over data."""

    _has_call: Callable[[], bool]
    _needs_building: Callable[[], bool]

    @filtered
    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: Any = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
        resume: Any = None,
    ) -> History:
        """Train for some epochs.

        Args:
            x: arrays, tensors, data frames, nested in lists or dictionaries; or batches from a
                generator, a `PyDataset`, a `DataLoader` or a `tf.data.Dataset`.
            y: targets, beside arrays.
            batch_size: rows in a batch of arrays; 32 where None.
            epochs: the epoch to stop before, counted from 0; at most `lamina.config.max_epochs()`.
            verbose: 0 silent, 1 a progress bar, 2 a line an epoch; `"auto"` is 1.
            callbacks: objects told of epochs and batches.
            validation_split: the share of rows, the last ones, to validate on.
            validation_data: `(x, y)`, `(x, y, sample_weight)` or batches.
            shuffle: whether rows are shuffled for each epoch.
            class_weight: what rows of a class weigh.
            sample_weight: what each row weighs.
            initial_epoch: the epoch to start at.
            steps_per_epoch: batches in an epoch; all of them where None.
            validation_steps: batches to validate on; all of them where None.
            validation_batch_size: rows in a batch of validation; `batch_size` where None.
            validation_freq: every how many epochs to validate, or a list of them (from 1).
            resume: a folder for backups: where the program is cut off and run again, training goes
                on from the last one, and ends with the same numbers to the bit as if nothing had
                been (on the same backend, device and versions). A `BackupAndRestore` says how
                often to back up; else it is after each epoch.

        With `resume`, the data must be such that the rest of it can be had again: arrays; a
        `PyDataset`, which has `get_state()` and `set_state(state)` where it changes between epochs;
        an iterable whose every pass gives the same batches (a `DataLoader` or `tf.data.Dataset`
        that does not shuffle), of which those before the place are read again and left out; or
        anything else with `get_state` and `set_state`, or `state_dict` and `load_state_dict`. A
        plain generator is refused by name.

        Returns:
            A `History`: `history.history["loss"]` has one number an epoch.

        Raises:
            ValueError: names the argument that is out of range, the data that does not fit, or the
                first difference between this training and the one in the backup.
        """
        self._require_compiled("fit")
        check_fit(epochs, initial_epoch, batch_size, validation_split, validation_freq)
        epochs = limited(epochs)
        if validation_split and validation_data is None:
            (x, y, sample_weight), validation_data = split_validation(
                (x, y, sample_weight), validation_split
            )
        source = make_source(
            x,
            y,
            sample_weight,
            batch_size=batch_size,
            steps=steps_per_epoch,
            shuffle=shuffle,
            class_weight=class_weight,
            floatx=floatx(),
        )
        validation = None
        if validation_data is not None:
            validation = _validation_source(
                validation_data, validation_batch_size or batch_size, validation_steps
            )
        self._prepare(source, "train")
        if resume is not None:
            resume = resume if isinstance(resume, BackupAndRestore) else BackupAndRestore(resume)
            callbacks = [callbacks, resume]
        told = self._told(callbacks, source, verbose, epochs, add_history=True)
        told.check_before_training(self._known_logs(validation))
        run = TrainingRun(self, source, validation, told, initial_epoch, exact=resume is not None)
        run.look_for_backup()
        self.stop_training = False
        try:
            with told.running("train") as final_logs:
                run.begin()
                final_logs.update({} if run.batch else run.logs)
                while run.epoch < epochs and not run.over:
                    epoch = run.epoch
                    logs = self._run_epoch(source, told, run)
                    if validation is not None and _due(epoch, validation_freq):
                        validation.rewind()
                        found = self._run_test(validation, told)
                        logs.update({f"val_{name}": value for name, value in found.items()})
                    told.on_epoch_end(epoch, logs)
                    final_logs.clear()
                    final_logs.update(logs)
                    run.epoch_done(logs)
                    if source.exhausted:
                        break
                self._finish_training()
            run.finish()
        finally:
            run.close()
            source.close()
            if validation is not None:
                validation.close()
        return told.history  # type: ignore[return-value]

    def _known_logs(self, validation: Source | None) -> list[str] | None:
        """The names in the logs of an epoch; None where a step of the user's own decides."""
        if type(self).train_step is not Steps.train_step:
            return None
        names = list(self.metrics_names)
        return names if validation is None else [*names, *(f"val_{name}" for name in names)]

    def _told(
        self,
        callbacks: Any,
        source: Source,
        verbose: Any,
        epochs: int = 1,
        add_history: bool = False,
    ) -> CallbackList:
        """The callbacks of one call, the progress bar among them; a list made before as it is."""
        if isinstance(callbacks, CallbackList) and not add_history:
            return callbacks
        return CallbackList(
            callbacks,
            add_history=add_history,
            add_progbar=verbose != 0,
            verbose=1 if verbose == "auto" else verbose,
            epochs=epochs,
            steps=source.num_batches,
            model=self,
        )

    def _run_epoch(self, source: Source, told: CallbackList, run: TrainingRun) -> dict[str, Any]:
        self.reset_metrics()
        source.on_epoch_begin()
        told.on_epoch_begin(run.epoch)
        run.rejoin()
        guarded = any(getattr(one, "keeps_finite_weights", False) for one in told)
        runner = compiled(self, "train", guarded)
        if run.batch and self.stop_training:  # it was told to stop at the batch that was backed up
            logs = run.logs
        else:
            logs = self._run_batches(source, told, "train", runner, run.seed + run.epoch, run=run)
        source.on_epoch_end()
        found: dict[str, Any] = told.clock.timed("compute", numbers)(logs)
        return found

    @standing()
    def _run_batches(
        self,
        source: Source,
        told: CallbackList,
        phase: str,
        runner: Runner,
        seed: int | None = None,
        collect: Callable[[Any, int], None] | None = None,
        run: TrainingRun | None = None,
    ) -> Any:
        """Run the batches of one epoch, telling callbacks of each; returns the last logs."""
        step, logs = (0, {}) if run is None else (run.batch, run.logs if run.batch else {})
        under_way: collections.deque[Any] = collections.deque()
        hearing = told.hearing_batches(phase)
        begin = [told.hook(one, f"on_{phase}_batch_begin") for one in hearing]
        end = [told.hook(one, f"on_{phase}_batch_end") for one in hearing]
        waited_for = told.wants_batches(phase)
        clock = told.clock
        plain = clock.timed("compute", plain_logs)
        wait = clock.timed("compute", current().block)
        # What is compiled has no Python left to leave out.
        if not (self.run_eagerly or waited_for or self._jit_compile is True):
            runner = runner.repeating(source.num_batches)
        dispatch = clock.timed("dispatch", runner)
        chunks = source.stacked(steps_per_dispatch(self, source, told, phase), seed)
        for chunk in clock.each("data", chunks):
            for tell in begin:
                tell(step, logs={})
            try:
                logs = dispatch(chunk)
            except Exception as error:
                error.add_note(f"It happened in batch {step} (of {phase}, counted from 0).")
                raise
            logs = logs if phase == "predict" else leveled(logs)
            step += chunk.steps
            # A backend may return before it has computed. Waiting for the step before the last
            # keeps it busy, and bounds the memory of batches handed over.
            under_way.append(logs)
            if len(under_way) > AHEAD:
                wait(under_way.popleft())
            if step == source.num_batches:
                wait(logs)  # so that the last progress shown is true of the whole epoch
            if collect is not None:
                collect(logs, chunk.steps)
            shown = {"outputs": logs} if phase == "predict" else dict(logs)
            shown = plain(shown) if waited_for else shown
            for tell in end:
                tell(step - 1, logs=shown)
            if run is not None:
                run.batch_done(step, logs, chunk.pending)
            if self.stop_training and phase == "train":
                break
        return logs

    def _finish_training(self) -> None:
        if self.optimizer is not None and self.optimizer.built:
            self.optimizer.finalize_variable_values(self.trainable_variables)
        current().block([variable.value for variable in self.trainable_variables])

    @filtered
    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """The loss and metrics on data; arguments as `fit`.

        Returns:
            The loss, or a list of the loss and the metrics; a dictionary with `return_dict`.
        """
        self._require_compiled("evaluate")
        source = make_source(
            x, y, sample_weight, batch_size=batch_size, steps=steps, floatx=floatx()
        )
        self._prepare(source, "test")
        told = self._told(callbacks, source, verbose)
        try:
            logs = self._run_test(source, told)
        finally:
            source.close()
        if return_dict:
            return logs
        return self._listed(logs)

    def _run_test(self, source: Source, told: CallbackList) -> dict[str, Any]:
        run = compiled(self, "test")
        with told.running("test") as final_logs:
            self.reset_metrics()
            source.on_epoch_begin()
            final_logs.update(numbers(self._run_batches(source, told, "test", run)))
            source.on_epoch_end()
        return dict(final_logs)

    @filtered
    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """The outputs for data, batch by batch, as NumPy arrays nested as the outputs are."""
        source = make_source(
            x, batch_size=batch_size, steps=steps, floatx=floatx(), allow_empty=True
        )
        self._prepare(source, "predict")
        if source.num_rows == 0:
            return map_leaves(ops.convert_to_numpy, self.predict_step(source.peek()))
        if (
            isinstance(source, ArraySource)
            and source.num_batches == 1
            and not (verbose or callbacks)
        ):
            return self._predicted(source.peek())
        told = self._told(callbacks, source, verbose)
        pieces: list[Any] = []

        def collect(outputs: Any, steps: int) -> None:
            arrays = map_leaves(ops.convert_to_numpy, outputs)
            pieces.append(map_leaves(_unstacked, arrays) if steps > 1 else arrays)

        run = compiled(self, "predict")
        try:
            with told.running("predict"):
                source.on_epoch_begin()
                self._run_batches(source, told, "predict", run, collect=collect)
                source.on_epoch_end()
        finally:
            source.close()
        return optree.tree_map(lambda *parts: np.concatenate(parts), *pieces)

    @filtered
    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """One step of training on one batch; returns its loss and metrics, as `evaluate` does."""
        return self._on_batch("train", x, y, sample_weight, class_weight, return_dict)

    @filtered
    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """The loss and metrics of one batch, as `evaluate` returns them."""
        return self._on_batch("test", x, y, sample_weight, None, return_dict)

    def _on_batch(
        self,
        phase: str,
        x: Any,
        y: Any,
        sample_weight: Any,
        class_weight: dict[int, float] | None,
        return_dict: bool,
    ) -> Any:
        self._require_compiled(f"{phase}_on_batch")
        source = make_source(
            x, y, sample_weight, batch_size=WHOLE, class_weight=class_weight, floatx=floatx()
        )
        self._prepare(source, phase)
        self.reset_metrics()
        logs = numbers(leveled(compiled(self, phase)(Chunk(1, source.peek()))))
        if return_dict:
            return logs
        return self._listed(logs)

    @filtered
    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch, as NumPy arrays."""
        source = make_source(x, batch_size=WHOLE, floatx=floatx())
        return self._predicted(source.peek())

    def _predicted(self, batch: Any) -> Any:
        outputs = compiled(self, "predict")(Chunk(1, batch))
        return map_leaves(ops.convert_to_numpy, outputs)

    def make_train_function(self, force: bool = False) -> Any:
        """The function that `fit` runs on a batch: `train_step`, compiled where that pays."""
        return self._made("train", force)

    def make_test_function(self, force: bool = False) -> Any:
        """The function that `evaluate` runs on a batch."""
        return self._made("test", force)

    def make_predict_function(self, force: bool = False) -> Any:
        """The function that `predict` runs on a batch."""
        return self._made("predict", force)

    def _made(self, phase: str, force: bool) -> Any:
        if force:
            self._functions.clear()
        run = compiled(self, phase)
        return lambda batch: run(Chunk(1, batch))

    def _require_compiled(self, method: str) -> None:
        overridden = type(self).train_step is not Steps.train_step
        if not self.compiled and not overridden:
            raise ValueError(
                f"Call model.compile(optimizer=…, loss=…) before model.{method}(): it says what "
                "to minimise and how."
            )

    def _listed(self, logs: dict[str, Any]) -> Any:
        """Logs as `evaluate` returns them: the loss, or a list that starts with it."""
        names = [name for name in self.metrics_names if name in logs]
        ordered = [logs[name] for name in [*names, *(key for key in logs if key not in names)]]
        return ordered[0] if len(ordered) == 1 else ordered

    def _prepare(self, source: Source, phase: str) -> None:
        """Make all variables on the shapes of the first batch, before anything is traced.

        A step of the user's own may call something else than the model: where all layers are
        built already, or the model has no `call`, nothing is made for it but what was compiled.
        """
        if phase in self._prepared:
            return
        if phase != "predict" or takes_state(self.predict_step):
            self._make_variables(source, phase)
        self._prepared.add(phase)

    def _make_variables(self, source: Source, phase: str) -> None:
        step = f"{phase}_step"
        own = getattr(type(self), step) is not getattr(Steps, step)
        # A step on state is handed the values of all variables, so that none may come later.
        complete = not own or takes_state(getattr(self, step))
        training = phase == "train"
        measured = complete and self._has_call() and self._measures()
        if not own or measured or self._needs_building():
            x, y, _ = map_leaves(_spec, unpack_x_y_sample_weight(source.peek()))

            def forward(x: Any) -> Any:
                return self(x, training=training)  # type: ignore[operator]

            y_pred = infer_function(forward, (x,), {})
            if y is not None and complete and phase != "predict":
                self._build_compiled(y, y_pred)
        if training and complete and self.optimizer is not None and not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)


def _spec(array: Any) -> KerasTensor:
    dtype = current().canonical(standardize_dtype(array.dtype))
    return KerasTensor(array.shape, dtype)


def _unstacked(array: np.ndarray) -> np.ndarray:
    return array.reshape(-1, *array.shape[2:])


def _due(epoch: int, freq: Any) -> bool:
    if isinstance(freq, (list, tuple, set)):
        return epoch + 1 in freq
    return bool((epoch + 1) % freq == 0)


def _validation_source(data: Any, batch_size: int | None, steps: int | None) -> Source:
    if isinstance(data, (tuple, list)) and 1 <= len(data) <= 3:
        x, y, weight = unpack_x_y_sample_weight(data)
        data, given = x, (y, weight)
    else:
        given = (None, None)
    return make_source(data, *given, batch_size=batch_size, steps=steps, floatx=floatx())
