"""What is in the picture? A small convolutional network on CIFAR-10."""

import argparse
from pathlib import Path

import keras
import numpy as np
from keras import layers
from PIL import Image

EXCERPT = Path(__file__).parents[1] / "tests" / "data"


def load_images(folder, part):
    """Pictures as float32 of shape (n, 32, 32, 3) from 0 to 1, and their classes 0 to 9."""
    files = sorted((folder / "cifar10").glob(f"{part}_*.png"))
    pixels = np.concatenate([np.asarray(Image.open(file)) for file in files])
    labels = np.load(folder / "cifar10" / "labels.npz")[part]
    return pixels.reshape(-1, 32, 32, 3).astype("float32") / 255, labels


def make_model():
    """Three blocks of convolution and pooling, then a dense classifier."""
    model = keras.Sequential([keras.Input((32, 32, 3))])
    for filters in (32, 64, 128):
        model.add(layers.Conv2D(filters, 3, padding="same", use_bias=False))
        model.add(layers.BatchNormalization(momentum=0.9))
        model.add(layers.Activation("relu"))
        model.add(layers.MaxPooling2D())
        model.add(layers.Dropout(0.2))
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dense(10, activation="softmax"))
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=EXCERPT, help="folder that has cifar10/")
    parser.add_argument("--epochs", type=int, default=15)
    options = parser.parse_args()
    keras.utils.set_random_seed(1)

    train_images, train_labels = load_images(options.data, "train")
    test_images, test_labels = load_images(options.data, "test")

    model = make_model()
    model.summary()
    model.compile(
        optimizer=keras.optimizers.Adam(0.002),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.fit(train_images, train_labels, batch_size=32, epochs=options.epochs, verbose=2)
    _, accuracy = model.evaluate(test_images, test_labels, verbose=0)
    print(f"Test accuracy: {accuracy:.3f}")


if __name__ == "__main__":
    main()
