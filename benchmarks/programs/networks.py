"""The networks that more than one program uses, in Keras."""

from keras import Model, layers, models, ops


def mnist_cnn(last="softmax"):
    """The convolutional network of the Keras documentation for MNIST."""
    return models.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(32, (3, 3), activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Conv2D(64, (3, 3), activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation=last),
        ]
    )


class TokensAndPositions(layers.Layer):
    def __init__(self, vocabulary, length, width):
        super().__init__()
        self.length = length
        self.tokens = layers.Embedding(vocabulary, width)
        self.positions = layers.Embedding(length, width)

    def call(self, tokens):
        return self.tokens(tokens) + self.positions(ops.arange(self.length))


def block(x, width, heads):
    normed = layers.LayerNormalization()(x)
    attention = layers.MultiHeadAttention(heads, width // heads)
    x = x + attention(normed, normed, use_causal_mask=True)
    hidden = layers.Dense(4 * width, activation="gelu")(layers.LayerNormalization()(x))
    return x + layers.Dense(width)(hidden)


def gpt(vocabulary, length, width, heads, blocks):
    """A decoder: tokens (batch, length) to logits (batch, length, vocabulary)."""
    inputs = layers.Input((length,), dtype="int32")
    x = TokensAndPositions(vocabulary, length, width)(inputs)
    for _ in range(blocks):
        x = block(x, width, heads)
    logits = layers.Dense(vocabulary)(layers.LayerNormalization()(x))
    return Model(inputs, logits)
