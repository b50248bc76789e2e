"""What may be drawn for losses and metrics."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.agreement.case import Draw, Strategy
from tests.agreement.pieces import BOOL, of

SHAPES = of([(4, 3), (2, 4, 3)])
REDUCTION = of(["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None])
WEIGHTS = of(["none", "samples", "values"])
LOGITS = {"from_logits": BOOL}
SMOOTH = {"label_smoothing": of([0.0, 0.2])}
AXIS = {"axis": of([-1, 1])}
CLASSES = {"ignore_class": of([None, 1, -1]), **AXIS}


def on(
    y_true: str,
    y_pred: str | None,
    shape: Strategy[Any] = SHAPES,
    weights: Strategy[str] = WEIGHTS,
) -> dict[str, Strategy[Any]]:
    """Batches of these makers of `data.py`."""
    return {
        "y_true": st.just(y_true),
        "y_pred": st.just(y_pred),
        "shape": shape,
        "weights": weights,
    }


REGRESSION = on("logits", "logits")
POSITIVE = on("values", "values")
BINARY = on("bits", "values")
MARGIN = on("bits", "logits")
ONE_HOT = on("one_hot", "distribution")
NUMBERS = on("classes", "distribution")
# One weight a sample: these answer one value for the batch, or for a sample.
WHOLE = on("bits", "values", weights=of(["none"]))


def loss(given: dict[str, Strategy[Any]], **options: Strategy[Any]) -> Draw:
    return Draw({}, {"reduction": REDUCTION, **options}, given)


LOSSES = {
    **{
        name: loss(REGRESSION)
        for name in (
            "MeanSquaredError",
            "MeanAbsoluteError",
            "MeanSquaredLogarithmicError",
            "LogCosh",
        )
    },
    "MeanAbsolutePercentageError": loss(POSITIVE),
    "Huber": loss(REGRESSION, delta=of([0.5, 1.0, 2])),
    "CosineSimilarity": loss(REGRESSION, **AXIS),
    "Hinge": loss(MARGIN),
    "SquaredHinge": loss(MARGIN),
    "CategoricalHinge": loss(on("one_hot", "logits")),
    "KLDivergence": loss(on("distribution", "distribution")),
    "Poisson": loss(POSITIVE),
    "BinaryCrossentropy": loss(BINARY, **LOGITS, **SMOOTH, **AXIS),
    "CategoricalCrossentropy": loss(ONE_HOT, **LOGITS, **SMOOTH, **AXIS),
    "SparseCategoricalCrossentropy": loss(NUMBERS, **LOGITS, **CLASSES),
    "BinaryFocalCrossentropy": loss(
        BINARY,
        apply_class_balancing=BOOL,
        alpha=of([0.25, 0.6]),
        gamma=of([2.0, 1.0]),
        **LOGITS,
        **SMOOTH,
        **AXIS,
    ),
    "CategoricalFocalCrossentropy": loss(
        ONE_HOT, alpha=of([0.25, 0.6]), gamma=of([2.0, 1.0]), **LOGITS, **SMOOTH, **AXIS
    ),
    "CategoricalGeneralizedCrossEntropy": loss(NUMBERS, q=of([0.5, 0.2, 0.9])),
    "Circle": loss(
        on("classes", "logits", of([(6, 3)]), of(["none", "samples"])),
        gamma=of([80.0, 2.0]),
        margin=of([0.4, 0.2]),
        remove_diagonal=BOOL,
    ),
    "CTC": loss(on("labels", "logits", of([(2, 6, 4), (3, 8, 5)]), of(["none", "rows"]))),
    "Dice": loss(WHOLE, axis=of([None, 1, (1,), -1])),
    "Tversky": loss(WHOLE, alpha=of([0.5, 0.2]), beta=of([0.5, 0.7]), axis=of([None, 1, (1,), -1])),
}

THRESHOLD = of([None, 0.3, [0.8, 0.2], [0.4]])
RATIO = {"thresholds": THRESHOLD, "top_k": of([None, 1, 2]), "class_id": of([None, 1, 2])}
LEVEL = of([0.3, 0.5, 0.8])
AT = {"num_thresholds": of([5, 50]), "class_id": of([None, 1])}
FLAT = of([(12, 3), (5, 3)])
SCORE = {"average": of([None, "micro", "macro", "weighted"]), "threshold": of([None, 0.4])}
OVERLAP = {"ignore_class": of([None, 0])}


def metric(given: dict[str, Strategy[Any]], **options: Strategy[Any]) -> Draw:
    return Draw({}, options, given)


def overlap(y_true: str, y_pred: str, targets: bool, **options: Strategy[Any]) -> Draw:
    """One of the family of intersection over union."""
    required = {"num_classes": of([3])}
    if targets:
        required["target_class_ids"] = of([[0, 2], [1], (0, 1)])
    plain = y_true == y_pred == "scalar_classes"
    shape = of([(8,), (4, 2)]) if plain else of([(8, 3), (2, 4, 3)])
    return Draw(required, {**OVERLAP, **options}, on(y_true, y_pred, shape, of(["none"])))


METRICS = {
    "Accuracy": metric(on("bits", "bits")),
    "BinaryAccuracy": metric(BINARY, threshold=of([0.5, 0.3])),
    "CategoricalAccuracy": metric(ONE_HOT),
    "SparseCategoricalAccuracy": metric(NUMBERS),
    "TopKCategoricalAccuracy": metric(ONE_HOT, k=of([1, 2, 5])),
    "SparseTopKCategoricalAccuracy": metric(NUMBERS, k=of([1, 2])),
    **{
        name: metric(BINARY, thresholds=THRESHOLD)
        for name in ("TruePositives", "FalsePositives", "TrueNegatives", "FalseNegatives")
    },
    "Precision": metric(on("bits", "values", FLAT), **RATIO),
    "Recall": metric(on("bits", "values", FLAT), **RATIO),
    "AUC": metric(
        on("bits", "values", FLAT),
        num_thresholds=of([5, 50]),
        curve=of(["ROC", "PR", "PRGAIN"]),
        summation_method=of(["interpolation", "minoring", "majoring"]),
        thresholds=of([None, [0.5, 0.2]]),
        multi_label=BOOL,
        num_labels=of([None, 3]),
        from_logits=BOOL,
    ),
    "PrecisionAtRecall": Draw({"recall": LEVEL}, AT, on("bits", "values", FLAT)),
    "RecallAtPrecision": Draw({"precision": LEVEL}, AT, on("bits", "values", FLAT)),
    "SensitivityAtSpecificity": Draw({"specificity": LEVEL}, AT, on("bits", "values", FLAT)),
    "SpecificityAtSensitivity": Draw({"sensitivity": LEVEL}, AT, on("bits", "values", FLAT)),
    "FBetaScore": metric(
        on("one_hot", "distribution", FLAT, of(["none", "samples"])),
        beta=of([1.0, 0.5, 2.0]),
        **SCORE,
    ),
    "F1Score": metric(on("one_hot", "distribution", FLAT, of(["none", "samples"])), **SCORE),
    "R2Score": metric(
        on("logits", "logits", FLAT, of(["none", "samples"])),
        class_aggregation=of(["uniform_average", "variance_weighted_average", None]),
        num_regressors=of([0, 1]),
    ),
    "PearsonCorrelation": metric(REGRESSION, **AXIS),
    "ConcordanceCorrelation": metric(REGRESSION, **AXIS),
    "IoU": overlap("scalar_classes", "scalar_classes", True),
    "MeanIoU": overlap("scalar_classes", "scalar_classes", False),
    "OneHotIoU": overlap("one_hot", "distribution", True, axis=of([-1])),
    "OneHotMeanIoU": overlap("one_hot", "distribution", False, axis=of([-1])),
    "BinaryIoU": metric(
        on("bits", "values", of([(8,), (4, 3)]), of(["none"])),
        target_class_ids=of([(0, 1), [0], [1]]),
        threshold=of([0.5, 0.3]),
    ),
    **{
        name: metric(REGRESSION)
        for name in (
            "MeanSquaredError",
            "RootMeanSquaredError",
            "MeanAbsoluteError",
            "MeanSquaredLogarithmicError",
            "LogCoshError",
        )
    },
    "MeanAbsolutePercentageError": metric(POSITIVE),
    "CosineSimilarity": metric(REGRESSION, **AXIS),
    "Hinge": metric(MARGIN),
    "SquaredHinge": metric(MARGIN),
    "CategoricalHinge": metric(on("one_hot", "logits")),
    "KLDivergence": metric(on("distribution", "distribution")),
    "Poisson": metric(POSITIVE),
    "BinaryCrossentropy": metric(BINARY, **LOGITS, **SMOOTH),
    "CategoricalCrossentropy": metric(ONE_HOT, **LOGITS, **SMOOTH, **AXIS),
    "SparseCategoricalCrossentropy": metric(NUMBERS, **LOGITS, **CLASSES),
    "Mean": metric(on("values", None)),
    "Sum": metric(on("values", None)),
}
