"""What each metric is tried on: one row of the table a class."""

from tests.losses.data import bits, classes, distribution, logits, one_hot, places, values

THRESHOLDS = [{}, {"thresholds": 0.3}, {"thresholds": [0.8, 0.2]}]
RATIOS = [
    *THRESHOLDS,
    {"top_k": 2},
    {"class_id": 1},
    {"top_k": 1, "class_id": 2},
    {"top_k": 2, "thresholds": [0.4]},
]
AREAS = [
    *(
        {"curve": c, "summation_method": m}
        for c in ("ROC", "PR", "PRGAIN")
        for m in ("interpolation", "minoring", "majoring")
    ),
    {"num_thresholds": 5},
    {"thresholds": [0.2, 0.5]},
    {"label_weights": [0.2, 0.3, 0.5]},
]
PLACES = {"num_classes": 3}


def at(name):
    """Arguments of the best of one ratio where another, `name`, is large enough."""
    return [{name: 0.5}, {name: 0.8, "num_thresholds": 5}, {name: 0.3, "class_id": 1}]


# class -> (targets, predictions, [arguments])
TABLE = {
    "Accuracy": (bits, bits, [{}]),
    "BinaryAccuracy": (bits, values, [{}, {"threshold": 0.3}]),
    "CategoricalAccuracy": (one_hot, values, [{}]),
    "SparseCategoricalAccuracy": (classes, values, [{}]),
    "TopKCategoricalAccuracy": (one_hot, values, [{}, {"k": 2}]),
    "SparseTopKCategoricalAccuracy": (classes, values, [{}, {"k": 2}]),
    "TruePositives": (bits, values, THRESHOLDS),
    "FalsePositives": (bits, values, THRESHOLDS),
    "TrueNegatives": (bits, values, THRESHOLDS),
    "FalseNegatives": (bits, values, THRESHOLDS),
    "Precision": (bits, values, RATIOS),
    "Recall": (bits, values, RATIOS),
    "AUC": (bits, values, [{}, *AREAS]),
    "SensitivityAtSpecificity": (bits, values, at("specificity")),
    "SpecificityAtSensitivity": (bits, values, at("sensitivity")),
    "PrecisionAtRecall": (bits, values, at("recall")),
    "RecallAtPrecision": (bits, values, at("precision")),
    "FBetaScore": (
        bits,
        values,
        [{}, {"beta": 0.5, "average": "macro"}, {"beta": 2.0, "threshold": 0.4}],
    ),
    "F1Score": (one_hot, values, [{}, {"average": "micro"}, {"average": "weighted"}]),
    "R2Score": (
        logits,
        logits,
        [
            {},
            {"class_aggregation": None},
            {"class_aggregation": "variance_weighted_average", "num_regressors": 1},
        ],
    ),
    "PearsonCorrelation": (logits, logits, [{}, {"axis": 1}]),
    "ConcordanceCorrelation": (logits, logits, [{}, {"axis": 1}]),
    "IoU": (
        places,
        places,
        [{**PLACES, "target_class_ids": [0, 2]}, {**PLACES, "target_class_ids": [1]}],
    ),
    "BinaryIoU": (bits, values, [{}, {"target_class_ids": [1], "threshold": 0.3}]),
    "MeanIoU": (places, places, [PLACES, {"num_classes": 5, "ignore_class": 0}]),
    "OneHotIoU": (
        one_hot,
        values,
        [{**PLACES, "target_class_ids": [0, 2]}, {**PLACES, "target_class_ids": [1]}],
    ),
    "OneHotMeanIoU": (one_hot, values, [PLACES, {**PLACES, "ignore_class": 2}]),
    "MeanSquaredError": (logits, logits, [{}]),
    "RootMeanSquaredError": (logits, logits, [{}]),
    "MeanAbsoluteError": (logits, logits, [{}]),
    "MeanAbsolutePercentageError": (values, values, [{}]),
    "MeanSquaredLogarithmicError": (logits, logits, [{}]),
    "LogCoshError": (logits, logits, [{}]),
    "CosineSimilarity": (logits, logits, [{}, {"axis": 1}]),
    "Hinge": (bits, logits, [{}]),
    "SquaredHinge": (bits, logits, [{}]),
    "CategoricalHinge": (one_hot, logits, [{}]),
    "KLDivergence": (distribution, distribution, [{}]),
    "Poisson": (values, values, [{}]),
    "BinaryCrossentropy": (bits, values, [{}, {"from_logits": True}, {"label_smoothing": 0.2}]),
    "CategoricalCrossentropy": (
        one_hot,
        distribution,
        [{}, {"from_logits": True}, {"label_smoothing": 0.2}],
    ),
    "SparseCategoricalCrossentropy": (
        classes,
        distribution,
        [{}, {"from_logits": True}, {"ignore_class": 1}],
    ),
}
# Those that take tables of samples and columns alone.
OF_TABLES = ("FBetaScore", "F1Score", "R2Score")
# Those that count places in whole numbers; for Keras weights are then one for each place.
OF_PLACES = ("IoU", "BinaryIoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU")
