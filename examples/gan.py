"""New handwritten digits: a generative adversarial network with a training step of its own."""

import argparse
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops

import lamina

LATENT = 32


def make_network(name, sizes, dropout=0.0, activation=None):
    """Dense layers of these sizes; each hidden one with dropout, or else normalised."""
    model = keras.Sequential([keras.Input((sizes[0],))], name=name)
    for units in sizes[1:-1]:
        model.add(layers.Dense(units))
        model.add(layers.Dropout(dropout) if dropout else layers.BatchNormalization())
        model.add(layers.LeakyReLU(0.2))
    model.add(layers.Dense(sizes[-1], activation=activation))
    return model


class GAN(keras.Model):
    """Two networks against each other; `train_step` takes a step of each."""

    def __init__(self, generator, judge):
        super().__init__()
        self.generator, self.judge = generator, judge
        self.seeds = keras.random.SeedGenerator(1)
        self.forging = keras.optimizers.Adam(0.001, beta_1=0.5)
        self.judging = keras.optimizers.Adam(0.001, beta_1=0.5)
        self.forging.build(generator.trainable_variables)
        self.judging.build(judge.trainable_variables)

    def call(self, noise, training=False):
        return self.generator(noise, training=training)

    def judging_loss(self, real, noise):
        """Real pictures should score high, made ones low; softplus(-s) is -log(sigmoid(s))."""
        scores_real = self.judge(real, training=True)
        scores_made = self.judge(self(noise, training=True), training=True)
        return ops.mean(ops.softplus(-scores_real)) + ops.mean(ops.softplus(scores_made))

    def forging_loss(self, noise):
        """Made pictures should score high."""
        return ops.mean(ops.softplus(-self.judge(self(noise, training=True), training=True)))

    def train_step(self, data):
        real, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        noise = keras.random.normal((ops.shape(real)[0], LATENT), seed=self.seeds)
        return {
            "judging_loss": self.step(self.judging_loss, self.judge, self.judging, real, noise),
            "forging_loss": self.step(self.forging_loss, self.generator, self.forging, noise),
        }

    def step(self, loss, network, optimizer, *inputs):
        weights = network.trainable_variables
        value, gradients = lamina.value_and_grad(loss, variables=weights)(*inputs)
        optimizer.apply(gradients, weights)
        return value


def digit_score(classifier, pictures):
    """1: all pictures alike; 10: each clearly one digit, and all ten there (inception score)."""
    chances = classifier.predict(pictures, verbose=0) + 1e-9
    return np.exp(np.mean(np.sum(chances * np.log(chances / chances.mean(axis=0)), axis=1)))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder that has mnist.npz")
    parser.add_argument("--epochs", type=int, default=6)
    options = parser.parse_args()
    keras.utils.set_random_seed(1)
    if options.data:
        mnist = np.load(options.data / "mnist.npz")
        images, labels, test = mnist["x_train"], mnist["y_train"], mnist["x_test"]
    else:
        (images, labels), (test, _) = keras.datasets.mnist.load_data()
    images, test = (part.reshape(-1, 784).astype("float32") / 255 for part in (images, test))
    classifier = make_network("classifier", (784, 64, 10), dropout=0.1, activation="softmax")
    classifier.compile("adam", "sparse_categorical_crossentropy")
    classifier.fit(images, labels, batch_size=128, epochs=2, verbose=2)

    generator = make_network("generator", (LATENT, 128, 256, 784), activation="sigmoid")
    gan = GAN(generator, make_network("judge", (784, 256, 128, 1), dropout=0.3))
    noise = np.random.default_rng(1).normal(size=(1000, LATENT)).astype("float32")
    before = digit_score(classifier, ops.convert_to_numpy(gan(noise)))
    gan.compile()
    gan.fit(images, batch_size=128, epochs=options.epochs, verbose=2)
    after, real = (digit_score(classifier, x) for x in (gan.predict(noise, verbose=0), test[:1000]))
    print(f"Digit score: {after:.2f} of 10 (before training {before:.2f}, real digits {real:.2f})")


if __name__ == "__main__":
    main()
