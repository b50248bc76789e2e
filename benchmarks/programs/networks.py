"""The networks that more than one program uses, in Keras."""

from keras import Input, Model, layers, models, ops


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


class TiedGPT(Model):
    """A decoder whose embedding also reads the result: with the defaults GPT-2 of 124M weights."""

    def __init__(self, vocabulary=50257, length=1024, width=768, heads=12, blocks=12):
        super().__init__()
        self.length = length
        self.tokens = layers.ReversibleEmbedding(vocabulary, width)
        self.positions = layers.Embedding(length, width)
        x = inputs = Input((length, width))
        for _ in range(blocks):
            x = block(x, width, heads)
        self.decoder = Model(inputs, layers.LayerNormalization()(x))

    def call(self, tokens):
        x = self.tokens(tokens) + self.positions(ops.arange(self.length))
        return self.tokens(self.decoder(x), reverse=True)


def convolved(x, filters, size, strides=1, relu=True):
    x = layers.Conv2D(filters, size, strides, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    return layers.ReLU()(x) if relu else x


def resnet50(size=224, classes=1000, depths=(3, 4, 6, 3)):
    """He et al., 2015, with the stride in the middle of a block; bytes in, logits out."""
    inputs = Input((size, size, 3), dtype="uint8")
    x = convolved(layers.Rescaling(1 / 255)(inputs), 64, 7, 2)
    x = layers.MaxPooling2D(3, 2, padding="same")(x)
    for stage, depth in enumerate(depths):
        filters = 64 * 2**stage
        for i in range(depth):
            strides = 2 if stage and not i else 1
            y = convolved(convolved(x, filters, 1), filters, 3, strides)
            y = convolved(y, 4 * filters, 1, relu=False)
            x = x if i else convolved(x, 4 * filters, 1, strides, relu=False)
            x = layers.ReLU()(x + y)
    x = layers.GlobalAveragePooling2D()(x)
    return Model(inputs, layers.Dense(classes, dtype="float32")(x))
