"""Models behind the interface of scikit-learn's estimators."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from lamina.models import Model


class _Estimator(BaseEstimator):  # type: ignore[misc]
    """What classifier, regressor and transformer share.

    A subclass says what the model is trained towards (`_targets`).
    """

    # What scikit-learn may route to `fit` where it is asked for: `set_fit_request` comes from it.
    __metadata_request__fit: ClassVar[dict[str, Any]] = {"sample_weight": None}

    def __init__(
        self,
        model: Model | Callable[..., Model],
        warm_start: bool = False,
        model_kwargs: dict[str, Any] | None = None,
        fit_kwargs: dict[str, Any] | None = None,
    ) -> None:
        self.model = model
        self.warm_start = warm_start
        self.model_kwargs = model_kwargs
        self.fit_kwargs = fit_kwargs

    def fit(self, X: Any, y: Any, **kwargs: Any) -> Self:
        """Train the model.

        Args:
            X: the inputs, (rows, features).
            y: a target for each row, (rows,).
            **kwargs: arguments of `Model.fit`, such as epochs or sample_weight; they win over
                `fit_kwargs`.

        Returns:
            The estimator itself, fitted.

        Raises:
            TypeError: if `model` is no model and no function, or the function makes none.
            ValueError: if the data do not fit, the model is not compiled with optimizer and loss,
                or `model_kwargs` are given to a model.
        """
        X, y = self._validated(X, y)
        targets = self._targets(y)
        model = self._model(X, targets)
        self.history_ = model.fit(X, targets, **{**(self.fit_kwargs or {}), **kwargs})
        self.model_ = model
        return self

    def _validated(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        return validate_data(self, X, y, y_numeric=True)  # type: ignore[no-any-return]

    def _targets(self, y: np.ndarray) -> np.ndarray:
        """What the model is trained towards: a column for each of its outputs."""
        return y.reshape(-1, 1)

    def _model(self, X: np.ndarray, y: np.ndarray) -> Model:
        """The model to train: a new one, or with `warm_start` that of the last time."""
        if self.warm_start and hasattr(self, "model_"):
            return self.model_
        given, kwargs = self.model, self.model_kwargs or {}
        if isinstance(given, Model):
            if kwargs:
                raise ValueError(
                    f"{type(self).__name__} was given a model, and model_kwargs "
                    f"{', '.join(map(repr, kwargs))} that are for a function which makes one. "
                    "Leave them out, or pass the function as model."
                )
            model = _compiled(given)
            return model if self.warm_start else _with_new_weights(model)
        if not callable(given):
            raise TypeError(
                f"{type(self).__name__} takes as model a Model, or a function of X and y that "
                f"makes one, and it is {given!r}."
            )
        return _compiled(given(X=X, y=y, **kwargs))

    def _outputs(self, X: Any) -> np.ndarray:
        """What the fitted model gives for each row."""
        check_is_fitted(self, "model_")
        X = validate_data(self, X, reset=False)
        return np.asarray(self.model_.predict(X, verbose=0))

    def predict(self, X: Any) -> np.ndarray:
        """What the model gives for each row.

        Args:
            X: the inputs, (rows, features).

        Returns:
            A number for each row, (rows,).

        Raises:
            ValueError: if the estimator is not fitted, or the model has more than one output.
        """
        outputs = self._outputs(X)
        if outputs.shape != (len(outputs), 1):
            raise ValueError(
                f"{type(self).__name__}.predict gives a number for each row, and the outputs of "
                f"model {self.model_.name!r} have the shape {outputs.shape}: its last layer needs "
                "one unit."
            )
        return outputs[:, 0]

    @property
    def epoch_(self) -> int:
        """The number of epochs that the last `fit` took."""
        check_is_fitted(self, "history_")
        return len(self.history_.epoch)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # Weights begin at random, and how well a model does is not known here.
        tags.non_deterministic = True
        return tags


class SKLearnClassifier(ClassifierMixin, _Estimator):  # type: ignore[misc]
    """A model as a classifier of scikit-learn.

    The model is trained towards one column for each class, 1 for the class of the row and else 0,
    in the order of `classes_`, and the greatest of its outputs is the class: its last layer has a
    unit for each class, and `"categorical_crossentropy"` is the loss for it.

    Args:
        model: a compiled model, or a function `model(X, y, **model_kwargs)` that makes one for the
            inputs (rows, features) and targets (rows, classes). A model is not changed: one like
            it with new weights is trained.
        warm_start: whether `fit` goes on training what the last one left, and a model that was
            given is itself trained.
        model_kwargs: what the function takes beside `X` and `y`.
        fit_kwargs: arguments of `Model.fit`.

    Attributes:
        model_: the fitted model.
        history_: what its `fit` returned.
        classes_: the classes, in order.

    Raises:
        ImportError: if scikit-learn is not installed.

    Example:
        >>> import lamina
        >>> from lamina.wrappers import SKLearnClassifier
        >>> def model(X, y, rate):
        ...     last = lamina.layers.Dense(y.shape[1], "softmax", kernel_initializer="zeros")
        ...     made = lamina.Sequential([last])
        ...     made.compile(lamina.optimizers.SGD(rate), "categorical_crossentropy")
        ...     return made
        >>> found = SKLearnClassifier(model, model_kwargs={"rate": 1.0}, fit_kwargs={"verbose": 0})
        >>> found.fit([[-1.0], [1.0]], ["no", "yes"], epochs=2).predict([[3.0], [-0.5]]).tolist()
        ['yes', 'no']

    Reference:
        Pedregosa et al., 2011, https://jmlr.org/papers/v12/pedregosa11a.html. In Keras,
        `decision_function` of two classes has two columns, which scikit-learn does not take, and
        predicting shows its progress.
    """

    def _validated(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        X, y = validate_data(self, X, y)
        check_classification_targets(y)
        return X, y

    def _targets(self, y: np.ndarray) -> np.ndarray:
        classes, numbers = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(
                f"{type(self).__name__} needs targets of two classes or more, and those in y are "
                f"of one class, {classes.tolist()[0]!r}."
            )
        self.classes_ = classes
        return np.eye(len(classes))[numbers]

    def _scores(self, X: Any) -> np.ndarray:
        """The outputs of the model, (rows, classes)."""
        outputs = self._outputs(X)
        if outputs.shape != (len(outputs), len(self.classes_)):
            raise ValueError(
                f"The outputs of model {self.model_.name!r} have the shape {outputs.shape}, and "
                f"there are {len(self.classes_)} classes: its last layer needs a unit for each."
            )
        return outputs

    def predict(self, X: Any) -> np.ndarray:
        """The class of the greatest output for each row.

        Args:
            X: the inputs, (rows, features).

        Returns:
            One of `classes_` for each row, (rows,).

        Raises:
            ValueError: if the estimator is not fitted, or the model has not an output for each
                class.
        """
        best = np.argmax(self._scores(X), axis=1)
        return self.classes_[best]  # type: ignore[no-any-return]

    def decision_function(self, X: Any) -> np.ndarray:
        """How much speaks for each class.

        Args:
            X: the inputs, (rows, features).

        Returns:
            The outputs of the model, (rows, classes); of two classes how much that of the second
            is above that of the first, (rows,).
        """
        scores = self._scores(X)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags


class SKLearnRegressor(RegressorMixin, _Estimator):  # type: ignore[misc]
    """A model as a regressor of scikit-learn, for one number a row.

    Args:
        model: a compiled model, or a function `model(X, y, **model_kwargs)` that makes one for the
            inputs (rows, features) and targets (rows, 1). A model is not changed: one like it with
            new weights is trained.
        warm_start: whether `fit` goes on training what the last one left, and a model that was
            given is itself trained.
        model_kwargs: what the function takes beside `X` and `y`.
        fit_kwargs: arguments of `Model.fit`.

    Attributes:
        model_: the fitted model.
        history_: what its `fit` returned.

    Raises:
        ImportError: if scikit-learn is not installed.

    Example:
        >>> import lamina
        >>> from lamina.wrappers import SKLearnRegressor
        >>> model = lamina.Sequential([lamina.layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile(lamina.optimizers.SGD(0.5), "mse")
        >>> found = SKLearnRegressor(model).fit([[-1.0], [1.0]], [-2.0, 2.0], verbose=0)
        >>> found.predict([[3.0]]).tolist()
        [6.0]

    Reference:
        Pedregosa et al., 2011, https://jmlr.org/papers/v12/pedregosa11a.html
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags


class SKLearnTransformer(TransformerMixin, _Estimator):  # type: ignore[misc]
    """A model as a transformer of scikit-learn: what it gives for a row are new features.

    Args:
        model: a compiled model, or a function `model(X, y, **model_kwargs)` that makes one for the
            inputs (rows, features) and targets (rows, 1). A model is not changed: one like it with
            new weights is trained.
        warm_start: whether `fit` goes on training what the last one left, and a model that was
            given is itself trained.
        model_kwargs: what the function takes beside `X` and `y`.
        fit_kwargs: arguments of `Model.fit`.

    Attributes:
        model_: the fitted model.
        history_: what its `fit` returned.

    Raises:
        ImportError: if scikit-learn is not installed.

    Example:
        >>> import lamina
        >>> from lamina.wrappers import SKLearnTransformer
        >>> model = lamina.Sequential([lamina.layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile(lamina.optimizers.SGD(0.5), "mse")
        >>> found = SKLearnTransformer(model, fit_kwargs={"verbose": 0})
        >>> found.fit_transform([[-1.0], [1.0]], [-2.0, 2.0]).tolist()
        [[-2.0], [2.0]]

    Reference:
        Pedregosa et al., 2011, https://jmlr.org/papers/v12/pedregosa11a.html
    """

    def transform(self, X: Any) -> np.ndarray:
        """What the model gives for each row.

        Args:
            X: the inputs, (rows, features).

        Returns:
            The outputs of the model, (rows, outputs).
        """
        return self._outputs(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.transformer_tags.preserves_dtype = []  # the model's own type
        return tags


def _compiled(model: Any) -> Model:
    """`model`, or an error if it is none that can be trained."""
    if not isinstance(model, Model):
        raise TypeError(f"The function given as model must return a Model, and gave {model!r}.")
    if not model.compiled or model.optimizer is None or model.loss is None:
        raise ValueError(
            f"Model {model.name!r} must be compiled with an optimizer and a loss before it is an "
            "estimator: call model.compile(optimizer=…, loss=…)."
        )
    return model


def _with_new_weights(model: Model) -> Model:
    """A model like `model`, compiled alike, with weights and an optimizer of its own."""
    made: Model = type(model).from_config(model.get_config())
    optimizer = model.optimizer
    arguments = {key: one for key, one in model._compile_arguments.items() if key != "optimizer"}
    made.compile(
        optimizer=type(optimizer).from_config(optimizer.get_config()),
        auto_scale_loss=False,  # the optimizer is what it became
        **copy.deepcopy(arguments),
    )
    return made
