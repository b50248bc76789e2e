"""Losses and metrics of several outputs in `fit`: Keras's names and numbers."""

import keras
import numpy as np
import pytest

import lamina

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 4)).astype("float32")
CLASSES = np.eye(3, dtype="float32")[RNG.integers(0, 3, 24)]
NUMBERS = RNG.normal(size=(24, 2)).astype("float32")
WEIGHTS = {"kind": RNG.uniform(0.5, 2, 24).astype("float32"), "size": np.ones(24, "float32")}


def model_of(k, by_name):
    x = k.Input((4,))
    kind = k.layers.Dense(3, activation="softmax", name="kind")(x)
    size = k.layers.Dense(2, name="size")(x)
    model = k.Model(x, {"kind": kind, "size": size} if by_name else [kind, size])
    rng = np.random.default_rng(5)
    model.set_weights([rng.normal(size=w.shape).astype("float32") / 3 for w in model.get_weights()])
    return model


def in_dictionaries(k):
    return {
        "loss": {"kind": k.losses.CategoricalFocalCrossentropy(), "size": "huber"},
        "loss_weights": {"kind": 1.0, "size": 0.5},
        "metrics": {
            "kind": [
                k.metrics.F1Score(average="macro"),
                k.metrics.F1Score(name="by_class"),
                k.metrics.OneHotMeanIoU(3),
                k.metrics.AUC(multi_label=True, num_thresholds=20),
            ],
            "size": [k.metrics.R2Score(), k.metrics.PearsonCorrelation()],
        },
        "weighted_metrics": {"kind": [k.metrics.PrecisionAtRecall(0.5), "mse"], "size": ["mse"]},
    }


def in_lists(k):
    return {
        "loss": [k.losses.Tversky(axis=1), "log_cosh"],
        "metrics": [["accuracy", k.metrics.BinaryIoU(threshold=0.4)], [k.metrics.R2Score(None)]],
        "weighted_metrics": [[k.metrics.FBetaScore("weighted", 2.0)], None],
    }


@pytest.mark.filterwarnings("ignore:Explicitly requested dtype int64")
@pytest.mark.of_keras
@pytest.mark.parametrize("arguments", [in_dictionaries, in_lists])
def test_fit_reports_what_keras_reports(arguments):
    history, evaluated = [], []
    for k in (keras, lamina):
        k.utils.clear_session(free_memory=False)
        model = model_of(k, by_name=arguments is in_dictionaries)
        model.compile(optimizer="sgd", **arguments(k))
        targets, weights = {"kind": CLASSES, "size": NUMBERS}, WEIGHTS
        if arguments is in_lists:
            targets, weights = list(targets.values()), list(weights.values())
        data = (X, targets)
        run = model.fit(*data, 12, 2, verbose=0, shuffle=False, sample_weight=weights)
        history.append(run.history)
        evaluated.append(
            model.evaluate(*data, 12, verbose=0, sample_weight=weights, return_dict=True)
        )
    for theirs, ours in (history, evaluated):
        assert list(ours) == list(theirs)
        for name in theirs:
            np.testing.assert_allclose(ours[name], np.array(theirs[name]), rtol=1e-4, atol=1e-5)
