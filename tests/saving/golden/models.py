"""The models of the golden corpus, built with whatever library is given: a Keras of any version
since 2.15, or Lamina. Only what all of them have is used.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class Golden:
    """A model, the shapes of its data, and what can be asked of it.

    `inputs` are shapes without the batch, by name where there are several; `classes` above 0 are
    inputs or targets that are numbers of classes. `repeatable`: trains without random draws.
    """

    build: Callable[[Any], Any]
    inputs: Any
    targets: Any
    tokens: int = 0
    classes: int = 0
    repeatable: bool = True
    functional: bool = True
    exact: bool = True

    def data(self) -> tuple[Any, Any]:
        draw = np.random.RandomState(1)
        return _drawn(draw, self.inputs, self.tokens), _drawn(draw, self.targets, self.classes)


def _drawn(draw: np.random.RandomState, shapes: Any, classes: int) -> Any:
    if isinstance(shapes, dict):
        return {name: _drawn(draw, shape, classes) for name, shape in shapes.items()}
    if isinstance(shapes, list):
        return [_drawn(draw, shape, classes) for shape in shapes]
    shape = (8, *shapes)
    return draw.randint(0, classes, shape) if classes else draw.normal(size=shape).astype("float32")


def custom_objects(keras: Any) -> dict[str, Any]:
    """The classes and functions of one's own that `custom` and `subclassed` are made of."""
    return _custom_objects(keras)


@functools.cache
def _custom_objects(keras: Any) -> dict[str, Any]:
    layers = keras.layers
    # In `utils` before 2.11.
    registering = keras.saving if hasattr(keras, "saving") else keras.utils

    @registering.register_keras_serializable(package="golden")
    class Scale(layers.Layer):
        """Has a variable of its own, and is registered."""

        def __init__(self, start=1.0, **kwargs):
            super().__init__(**kwargs)
            self.start = start

        def build(self, input_shape):
            start = keras.initializers.Constant(self.start)
            self.scale = self.add_weight(
                name="scale", shape=(input_shape[-1],), initializer=start, trainable=True
            )
            self.built = True

        def call(self, inputs):
            return inputs * self.scale

        def get_config(self):
            return {**super().get_config(), "start": self.start}

    class Block(layers.Layer):
        """Has layers of its own, and is known by `custom_objects` only."""

        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.first = layers.Dense(units, activation="relu")
            self.others = [layers.Dense(units), layers.Dense(units)]

        def call(self, inputs):
            found = self.first(inputs)
            for other in self.others:
                found = found + other(found)
            return found

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    @registering.register_keras_serializable(package="golden")
    class Boxes(keras.Model):
        """Has layers in an attribute, a list and a dictionary."""

        def __init__(self, units=3, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.first = layers.Dense(units, activation="relu")
            self.others = [layers.Dense(units), layers.Dense(units)]
            self.heads = {"mean": layers.Dense(1), "spread": layers.Dense(1)}

        def call(self, inputs):
            found = self.first(inputs)
            for other in self.others:
                found = found + other(found)
            return self.heads["mean"](found) - self.heads["spread"](found)

        def get_config(self):
            return {"units": self.units}

    def squash(value):
        return value / (1.0 + value * value)

    def squared(y_true, y_pred):
        return (y_true - y_pred) ** 2

    return {
        "Scale": Scale,
        "Block": Block,
        "Boxes": Boxes,
        "squash": squash,
        "squared": squared,
    }


def mlp(keras: Any) -> Any:
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(3, activation="relu"),
            layers.Dense(2, activation="softmax", name="classes"),
        ]
    )
    model.compile(
        keras.optimizers.Adam(0.01, beta_1=0.85),
        keras.losses.MeanSquaredError(),
        metrics=["mae", keras.metrics.BinaryAccuracy(threshold=0.4)],
    )
    return model


def cnn(keras: Any) -> Any:
    layers = keras.layers
    image = keras.Input((8, 8, 1))
    x = layers.Conv2D(3, 3, padding="same", use_bias=False)(image)
    x = layers.BatchNormalization()(x)
    x = layers.Activation("relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(2, (3, 2), strides=2, activation="gelu")(x)
    x = layers.Dropout(0.25)(x)
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, layers.Dense(3, activation="softmax")(x), name="cnn")
    model.compile(
        keras.optimizers.SGD(0.1, momentum=0.9),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def shared(keras: Any) -> Any:
    layers = keras.layers
    left, right = keras.Input((4,), name="left"), keras.Input((4,), name="right")
    twice = layers.Dense(3, activation="tanh", name="twice")
    a, b = twice(left), twice(right)
    both = layers.Concatenate()([layers.Add()([a, b]), layers.Subtract()([a, b]), b])
    first = layers.Dense(2, name="first")(both)
    second = layers.Dense(1, name="second")(layers.Multiply()([a, b]))
    model = keras.Model([left, right], [first, second])
    model.compile(
        keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
        ["mse", "mae"],
        loss_weights=[1.0, 0.5],
    )
    return model


def operators(keras: Any) -> Any:
    layers = keras.layers
    inputs = {"left": keras.Input((4,), name="left"), "right": keras.Input((4,), name="right")}
    x = layers.Dense(3)(inputs["left"]) * 2.0
    y = 1.0 - layers.Dense(3)(inputs["right"])
    z = (x + y) / 3.0 - x[:, 1:2]
    if hasattr(keras, "ops"):
        z = keras.ops.concatenate([z, keras.ops.relu(-y)], axis=-1)
        z = keras.ops.transpose(keras.ops.reshape(z, (-1, 2, 3)), (0, 2, 1))
        z = keras.ops.mean(z, axis=1) + keras.ops.max(z, axis=1)
    outputs = {
        "total": layers.Dense(1, name="total")(z),
        "spread": layers.Dense(1, name="spread")(y**2),
    }
    model = keras.Model(inputs, outputs)
    model.compile(
        keras.optimizers.Nadam(0.01),
        {"total": "mse", "spread": keras.losses.MeanAbsoluteError()},
        metrics={"total": ["mae"]},
    )
    return model


def sequence(keras: Any) -> Any:
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((5,), dtype="int32"),
            layers.Embedding(6, 3, mask_zero=True),
            layers.Bidirectional(layers.LSTM(2, return_sequences=True)),
            layers.GRU(3),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(
        keras.optimizers.RMSprop(0.01, momentum=0.5, centered=True),
        keras.losses.BinaryCrossentropy(label_smoothing=0.1),
    )
    return model


def attention(keras: Any) -> Any:
    layers = keras.layers
    given = keras.Input((4, 6))
    x = layers.MultiHeadAttention(num_heads=2, key_dim=3)(given, given)
    x = layers.LayerNormalization(epsilon=1e-5)(layers.Add()([given, x]))
    x = layers.TimeDistributed(layers.Dense(3, activation="swish"))(x)
    x = layers.Dense(1)(layers.Flatten()(x))
    model = keras.Model(given, x)
    rate = keras.optimizers.schedules.CosineDecay(0.01, decay_steps=10, alpha=0.1)
    model.compile(keras.optimizers.AdamW(rate, weight_decay=0.02), "mse")
    return model


def nested(keras: Any) -> Any:
    layers = keras.layers
    inner = keras.Sequential(
        [keras.Input((4,)), layers.Dense(3), layers.BatchNormalization()], name="inner"
    )
    given = keras.Input((4,))
    x = inner(given)
    middle = keras.Model(given, layers.Dense(3, activation="elu")(x), name="middle")
    outer = keras.Sequential([keras.Input((4,)), middle, layers.Dense(1)], name="outer")
    inner.layers[0].trainable = False
    outer.compile(keras.optimizers.Adagrad(0.05), "mse")
    return outer


def custom(keras: Any) -> Any:
    layers, ours = keras.layers, custom_objects(keras)
    given = keras.Input((4,))
    x = layers.Dense(3, activation=ours["squash"])(given)
    x = ours["Block"](2)(ours["Scale"](1.5)(x))
    model = keras.Model(given, layers.Dense(1)(x))
    model.compile(keras.optimizers.Adam(0.01, amsgrad=True, clipnorm=1.0), ours["squared"])
    return model


def subclassed(keras: Any) -> Any:
    model = custom_objects(keras)["Boxes"](units=3)
    model(np.zeros((1, 4), "float32"))
    model.compile(keras.optimizers.Adamax(0.01), "mse")
    return model


def convolutions(keras: Any) -> Any:
    layers = keras.layers
    regularizers, initializers = keras.regularizers, keras.initializers
    image = keras.Input((6, 6, 2))
    x = layers.SeparableConv2D(
        4, 3, padding="same", pointwise_regularizer=regularizers.L1L2(l1=0.01, l2=0.02)
    )(image)
    x = layers.GroupNormalization(groups=2)(x)
    x = layers.LeakyReLU()(x)
    x = layers.DepthwiseConv2D(3, depthwise_initializer=initializers.HeNormal(seed=3))(x)
    x = layers.PReLU(shared_axes=[1, 2], alpha_initializer=initializers.Constant(0.25))(x)
    x = layers.Conv2DTranspose(
        2, 3, strides=2, bias_constraint=keras.constraints.MaxNorm(2.0), kernel_regularizer="l2"
    )(x)
    x = layers.UpSampling2D(2, interpolation="bilinear")(layers.AveragePooling2D(3)(x))
    x = layers.ReLU(max_value=2.0)(x)
    model = keras.Model(image, layers.Dense(1)(layers.Flatten()(x)))
    model.compile(keras.optimizers.Adadelta(0.5), keras.losses.LogCosh())
    return model


def mixed(keras: Any) -> Any:
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(3, dtype="mixed_bfloat16", activation="relu"),
            layers.Dense(3, dtype="mixed_float16"),
            layers.Dense(1, dtype="float32"),
        ]
    )
    model.compile("sgd", "mse")
    return model


def long_names(keras: Any) -> Any:
    """A list of names above the 64 kB that an attribute in HDF5 can hold."""
    layers = [keras.layers.Dense(2, name="d" * 1000)]
    layers += [keras.layers.Activation("linear", name=f"{i:02d}" * 500) for i in range(70)]
    return keras.Sequential([keras.Input((2,)), *layers])


MODELS = {
    "mlp": Golden(mlp, (4,), (2,)),
    "cnn": Golden(cnn, (8, 8, 1), (), classes=3, repeatable=False),
    "shared": Golden(shared, [(4,), (4,)], [(2,), (1,)]),
    "operators": Golden(operators, {"left": (4,), "right": (4,)}, {"total": (1,), "spread": (1,)}),
    "sequence": Golden(sequence, (5,), (1,), tokens=6, classes=2),
    "attention": Golden(attention, (4, 6), (1,)),
    "nested": Golden(nested, (4,), (1,)),
    "custom": Golden(custom, (4,), (1,)),
    "subclassed": Golden(subclassed, (4,), (1,), functional=False),
    "convolutions": Golden(convolutions, (6, 6, 2), (1,)),
    "mixed": Golden(mixed, (4,), (1,), exact=False),
}
