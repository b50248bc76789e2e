"""One step of training, testing and predicting."""

from __future__ import annotations

from typing import Any

from lamina import ops
from lamina.core.call import CallSignature, accepts
from lamina.core.context import masks_of, set_mask
from lamina.core.transforms import value_and_grad
from lamina.data import unpack_x_y_sample_weight
from lamina.models.compilation import Compilation
from lamina.models.compile_loss import CompileLoss
from lamina.models.compile_metrics import CompileMetrics, named_result
from lamina.models.older_names import OlderNames
from lamina.models.outputs import Outputs
from lamina.models.state_form import also_on_state
from lamina.symbolic.tensor import leaves


class Steps(OlderNames, Compilation):
    """The part of a model that says what one step does; each method may be overridden."""

    _graph: Any
    _signature: CallSignature
    losses: list[Any]

    # Steps --------------------------------------------------------------------------------

    @also_on_state("train")
    def train_step(self, data: Any) -> dict[str, Any]:
        """One batch forward and backward, and one step of the optimizer.

        Args:
            data: `x`, `(x, y)` or `(x, y, sample_weight)`.

        Returns:
            The metrics so far by name, as `compute_metrics` returns them.
        """
        x, y, sample_weight = unpack_x_y_sample_weight(data)

        def forward() -> Any:
            y_pred = self._outputs(x, training=True)
            loss = self._loss(x, y, y_pred, sample_weight, training=True)
            scaled = loss if self.optimizer is None else self.optimizer.scale_loss(loss)
            return scaled, (loss, y_pred, masks_of(y_pred))

        variables = self.trainable_variables
        (_, (loss, y_pred, masks)), gradients = value_and_grad(forward, variables, has_aux=True)()
        _attach(masks, y_pred)
        self._clear_losses()  # type: ignore[attr-defined]
        self._track(loss, x)
        if variables:
            self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return self.compute_metrics(x, y, y_pred, sample_weight)

    @also_on_state("test")
    def test_step(self, data: Any) -> dict[str, Any]:
        """One batch forward, and its loss and metrics; arguments and result as `train_step`."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self._outputs(x, training=False)
        loss = self._loss(x, y, y_pred, sample_weight, training=False)
        self._clear_losses()  # type: ignore[attr-defined]
        self._track(loss, x)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    @also_on_state("predict")
    def predict_step(self, data: Any) -> Any:
        """One batch forward: the outputs."""
        x, _, _ = unpack_x_y_sample_weight(data)
        outputs = self._outputs(x, training=False)
        self._clear_losses()  # type: ignore[attr-defined]
        return outputs

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The scalar to minimise: the compiled loss, and what layers added.

        It is 0 in a model without any loss that is tested, for the sake of its metrics.

        Raises:
            ValueError: if there is no loss at all to train by.
        """
        parts = []
        if self._compile_arguments.get("loss") is not None and y is not None:
            self._build_compiled(y, y_pred)
            assert self._compile_loss is not None
            total = self._compile_loss(y, y_pred, sample_weight)
            parts += [] if total is None else [total]
        parts += [ops.sum(ops.cast(loss, "float32")) for loss in self.losses]
        if not parts:
            if not training and self._compile_arguments.get("loss") is None:
                return ops.zeros(())  # there may be metrics to compute
            if self._compile_arguments.get("loss") is None or y is not None:
                raise ValueError(
                    "There is no loss to compute: compile the model with loss=…, call add_loss in "
                    "a layer, or override compute_loss or train_step."
                )
            raise ValueError(
                "The model was compiled with a loss, and the data has no targets for it: pass y, "
                "or batches of (x, y)."
            )
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total

    def _outputs(self, x: Any, training: bool) -> Any:
        """The model called on `x`; in training only where its `call` has the argument.

        A model with `call(self, x)` runs its layers as outside of training: as Keras does.
        """
        told = {"training": training} if self._signature.declares_training else {}
        return self(x, **told)  # type: ignore[operator]

    def _loss(self, *args: Any, training: bool) -> Any:
        """`compute_loss`, an override of which need not take `training`."""
        function = getattr(self.compute_loss, "__func__", self.compute_loss)
        told = {"training": training} if accepts(function, "training") else {}
        return self.compute_loss(*args, **told)

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        """Take one batch into the compiled metrics; returns `get_metrics_result()`."""
        if y is not None and self._compile_arguments:
            self._build_compiled(y, y_pred)
            if self._compile_metrics is not None:
                self._compile_metrics.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def get_metrics_result(self) -> dict[str, Any]:
        """The values of all metrics by name."""
        found: dict[str, Any] = {}
        for metric in self.metrics:
            if metric is self._compile_metrics:
                continue
            found.update(named_result(metric.name, metric))
        if self._compile_metrics is not None:
            found.update(self._compile_metrics.result())
        return found

    @property
    def metrics(self) -> list[Any]:
        """What `compile` brought: the mean of the loss, one metric that stands for all that were
        compiled (`"compile_metrics"`), the losses of single outputs; the model adds its layers'.
        """
        return self._training_metrics()

    @property
    def metrics_names(self) -> list[str]:
        """The names of what `evaluate` returns, in its order.

        Keras 3 lists all compiled metrics as one `"compile_metrics"` here.
        """
        compiled = self._compile_metrics
        names: list[str] = []
        for one in self.metrics:
            if compiled is None or one is not compiled:
                names.append(one.name)
            else:
                names += [key for _, _, key, metric in compiled.entries if key == metric.name]
        entries = [] if compiled is None else compiled.entries
        return names + sorted(key for _, _, key, metric in entries if key != metric.name)

    def reset_metrics(self) -> None:
        """Start all metrics anew."""
        for metric in self.metrics:
            metric.reset_state()

    def _training_metrics(self) -> list[Any]:
        """The metrics that `compile` brought: the loss first."""
        found = [] if self._loss_tracker is None else [self._loss_tracker]
        if self._compile_metrics is not None and self._compile_metrics.metrics:
            found.append(self._compile_metrics)
        return found + ([] if self._compile_loss is None else self._compile_loss.metrics)

    def _track(self, loss: Any, x: Any) -> None:
        """Take the loss of one batch into the mean, by the number of its rows."""
        if self._loss_tracker is not None:
            rows = next(iter(ops.shape(leaf)[0] for leaf in leaves(x)), 1)
            self._loss_tracker.add_mean(loss, rows)

    def _measures(self) -> bool:
        """Whether `compile` was given a loss or metrics."""
        given = ("loss", "metrics", "weighted_metrics")
        return any(self._compile_arguments.get(name) is not None for name in given)

    def _build_compiled(self, y: Any, y_pred: Any) -> None:
        """Make the losses and metrics once the outputs are known."""
        if self._compile_loss is not None:
            return
        given = self._compile_arguments
        outputs = Outputs.of(y_pred, self._graph)
        self._compile_loss = CompileLoss(given["loss"], given["loss_weights"], outputs)
        self._compile_metrics = CompileMetrics(
            given["metrics"],
            given["weighted_metrics"],
            outputs,
            self._compile_loss.targets,
            y,
            y_pred,
        )


def _attach(masks: Any, y_pred: Any) -> None:
    if masks is not None:
        for mask, tensor in zip(leaves([masks]), leaves(y_pred), strict=False):
            set_mask(tensor, mask)
