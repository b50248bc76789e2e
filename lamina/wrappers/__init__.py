"""Models as estimators of scikit-learn, which is imported when one is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamina.wrappers.estimators import SKLearnClassifier as SKLearnClassifier
    from lamina.wrappers.estimators import SKLearnRegressor as SKLearnRegressor
    from lamina.wrappers.estimators import SKLearnTransformer as SKLearnTransformer

__all__ = ["SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from lamina.wrappers import estimators
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "sklearn":
            raise
        raise ImportError(
            f"{name} is an estimator of scikit-learn, which is not installed. Install it with: "
            "pip install scikit-learn"
        ) from error
    return getattr(estimators, name)
