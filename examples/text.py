"""Did the critic like the film? A recurrent network on sentences of reviews."""

import argparse
from collections import Counter
from pathlib import Path

import keras
import numpy as np
from keras import layers

EXCERPT = Path(__file__).parents[1] / "tests" / "data"
PADDING, UNKNOWN = 0, 1


def load_sentences(folder):
    """Sentences as lists of words, and 1 for praise or 0 for blame."""
    sentences, labels = [], []
    for label, name in enumerate(("negative.txt", "positive.txt")):
        lines = (folder / "text" / name).read_text(encoding="utf-8").splitlines()
        sentences += [line.split() for line in lines]
        labels += [label] * len(lines)
    return sentences, np.array(labels, "float32")


class Tokenizer:
    """Words to numbers: the most frequent word is 2, the next 3, all the rare ones 1."""

    def __init__(self, sentences, size):
        counts = Counter(word for sentence in sentences for word in sentence)
        frequent = [word for word, count in counts.most_common(size - 2) if count > 1]
        self.numbers = {word: number for number, word in enumerate(frequent, UNKNOWN + 1)}
        self.size = len(frequent) + 2

    def __call__(self, sentences, length):
        rows = [[self.numbers.get(word, UNKNOWN) for word in words] for words in sentences]
        return keras.utils.pad_sequences(rows, length, padding="post", truncating="post")


def make_model(vocabulary):
    """Word vectors, read forwards and backwards; the mask skips the padding."""
    return keras.Sequential(
        [
            layers.Embedding(vocabulary, 64, mask_zero=True),
            layers.SpatialDropout1D(0.3),
            layers.Bidirectional(layers.LSTM(32)),
            layers.Dropout(0.5),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=EXCERPT, help="folder that has text/")
    parser.add_argument("--epochs", type=int, default=8)
    options = parser.parse_args()
    keras.utils.set_random_seed(1)

    sentences, labels = load_sentences(options.data)
    order = np.random.default_rng(1).permutation(len(sentences))
    test, train = np.split(order, [len(order) // 6])
    tokenizer = Tokenizer([sentences[index] for index in train], size=8000)
    numbers = tokenizer(sentences, length=40)

    model = make_model(tokenizer.size)
    model.compile(
        optimizer=keras.optimizers.Adam(0.002), loss="binary_crossentropy", metrics=["accuracy"]
    )
    model.fit(numbers[train], labels[train], batch_size=32, epochs=options.epochs, verbose=2)
    _, accuracy = model.evaluate(numbers[test], labels[test], verbose=0)
    print(f"Test accuracy: {accuracy:.3f}")


if __name__ == "__main__":
    main()
