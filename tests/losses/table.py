"""What each loss is tried on: one row of the table a class."""

from tests.losses.data import (
    bits,
    class_of_each,
    classes,
    distribution,
    labels,
    logits,
    one_hot,
    unit,
    values,
)

# class -> (targets, predictions, function, [arguments])
TABLE = {
    "MeanSquaredError": (logits, logits, "mean_squared_error", [{}]),
    "MeanAbsoluteError": (logits, logits, "mean_absolute_error", [{}]),
    "MeanAbsolutePercentageError": (values, values, "mean_absolute_percentage_error", [{}]),
    "MeanSquaredLogarithmicError": (logits, logits, "mean_squared_logarithmic_error", [{}]),
    "Huber": (logits, logits, "huber", [{}, {"delta": 0.5}]),
    "LogCosh": (logits, logits, "log_cosh", [{}]),
    "CosineSimilarity": (logits, logits, "cosine_similarity", [{}, {"axis": 1}]),
    "Hinge": (bits, logits, "hinge", [{}]),
    "SquaredHinge": (bits, logits, "squared_hinge", [{}]),
    "CategoricalHinge": (one_hot, logits, "categorical_hinge", [{}]),
    "BinaryCrossentropy": (
        bits,
        values,
        "binary_crossentropy",
        [{}, {"from_logits": True}, {"label_smoothing": 0.2}, {"axis": 1}],
    ),
    "CategoricalCrossentropy": (
        one_hot,
        distribution,
        "categorical_crossentropy",
        [{}, {"from_logits": True}, {"label_smoothing": 0.2}],
    ),
    "SparseCategoricalCrossentropy": (
        classes,
        distribution,
        "sparse_categorical_crossentropy",
        [{}, {"from_logits": True}, {"ignore_class": 1}],
    ),
    "KLDivergence": (distribution, distribution, "kl_divergence", [{}]),
    "Poisson": (values, values, "poisson", [{}]),
    "BinaryFocalCrossentropy": (
        bits,
        values,
        "binary_focal_crossentropy",
        [
            {},
            {"from_logits": True, "gamma": 0.5},
            {"apply_class_balancing": True, "alpha": 0.7},
            {"label_smoothing": 0.2, "gamma": 3.0},
            {"axis": 1},
        ],
    ),
    "CategoricalFocalCrossentropy": (
        one_hot,
        values,
        "categorical_focal_crossentropy",
        [
            {},
            {"from_logits": True, "gamma": 0.5},
            {"alpha": [0.2, 0.5, 0.3]},
            {"label_smoothing": 0.2},
            {"axis": 1},
        ],
    ),
    "CategoricalGeneralizedCrossEntropy": (
        classes,
        distribution,
        "categorical_generalized_cross_entropy",
        [{"q": 0.5}, {"q": 0.1}, {"q": 0.9}],
    ),
    "Circle": (
        class_of_each,
        unit,
        "circle",
        [{}, {"gamma": 2.0, "margin": 0.25}, {"remove_diagonal": False, "gamma": 10.0}],
    ),
    "CTC": (labels, logits, "ctc", [{}]),
    "Dice": (bits, values, "dice", [{"axis": -1}, {"axis": (0, 1)}, {}]),
    "Tversky": (
        bits,
        values,
        "tversky",
        [{"axis": -1}, {"axis": (0, 1)}, {"alpha": 0.3, "beta": 0.9, "axis": 1}, {}],
    ),
}
# The shape of predictions, where a loss has no choice.
SHAPES = {"Circle": (4, 3), "CTC": (4, 6, 5)}
OF_CLASSES = (
    "SparseCategoricalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "Circle",
    "CTC",
)
