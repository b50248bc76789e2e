"""Is the tumour malignant? A functional model with two inputs and two outputs on a table."""

import argparse
from pathlib import Path

import keras
import numpy as np
from keras import layers

EXCERPT = Path(__file__).parents[1] / "tests" / "data"


def load_table(folder):
    """The columns of the table by name, each a float32 array."""
    file = folder / "tabular" / "breast_cancer.csv"
    table = np.genfromtxt(file, delimiter=",", names=True, dtype="float32")
    return {name: table[name] for name in table.dtype.names}


def columns(table, ending):
    """The columns whose names end so, side by side."""
    return np.stack([table[name] for name in table if name.endswith(ending)], axis=1)


def standardise(values, train):
    """Mean 0 and deviation 1, measured on the training rows alone."""
    return (values - values[train].mean(axis=0)) / values[train].std(axis=0)


def make_model():
    """Typical cells come in by one door, how much they differ by another; two questions."""
    mean = keras.Input((10,), name="mean")
    error = keras.Input((10,), name="error")
    mean_features = layers.Dense(16, activation="relu")(mean)
    error_features = layers.Dense(16, activation="relu")(error)
    both = layers.Concatenate()([mean_features, error_features])
    both = layers.Dropout(0.2)(both)
    hidden = layers.Dense(16, activation="relu")(both)
    diagnosis = layers.Dense(1, activation="sigmoid", name="diagnosis")(hidden)
    worst_radius = layers.Dense(1, name="worst_radius")(hidden)
    return keras.Model(
        inputs={"mean": mean, "error": error},
        outputs={"diagnosis": diagnosis, "worst_radius": worst_radius},
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=EXCERPT, help="folder that has tabular/")
    parser.add_argument("--epochs", type=int, default=60)
    options = parser.parse_args()
    keras.utils.set_random_seed(1)

    has_table = (options.data / "tabular").exists()
    table = load_table(options.data if has_table else EXCERPT)
    order = np.random.default_rng(1).permutation(len(table["malignant"]))
    test, train = np.split(order, [len(order) // 5])
    inputs = {name: standardise(columns(table, "_" + name), train) for name in ("mean", "error")}
    targets = {
        "diagnosis": table["malignant"][:, None],
        "worst_radius": standardise(table["radius_worst"][:, None], train),
    }

    def rows(arrays, chosen):
        return {name: array[chosen] for name, array in arrays.items()}

    model = make_model()
    model.compile(
        optimizer="adam",
        loss={"diagnosis": "binary_crossentropy", "worst_radius": "mse"},
        loss_weights={"diagnosis": 1.0, "worst_radius": 0.2},
        metrics={"diagnosis": ["accuracy"], "worst_radius": ["mae"]},
    )
    model.fit(rows(inputs, train), rows(targets, train), epochs=options.epochs, verbose=2)
    results = model.evaluate(rows(inputs, test), rows(targets, test), verbose=0, return_dict=True)
    print(f"Worst radius, mean error in deviations: {results['worst_radius_mae']:.3f}")
    print(f"Test accuracy: {results['diagnosis_accuracy']:.3f}")


if __name__ == "__main__":
    main()
