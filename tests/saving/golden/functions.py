"""Writes models of Keras 2 that call TensorFlow's functions, one each.

    TF_USE_LEGACY_KERAS=1 PYTHONPATH=. python -m tests.saving.golden.functions

Run it by hand, in an environment with `tf_keras` and TensorFlow. It writes `functions.npz`: for
each function `NAME/model`, the JSON of a model that calls it, and `NAME/output`, what the model
gives for `inputs()`.
"""

import pathlib

import numpy as np

SHAPES = {"matrix": (2, 4, 6), "image": (2, 8, 8, 4)}


def inputs(kind):
    """A matrix or an image for each of two rows: the same numbers everywhere."""
    return np.random.default_rng(3).normal(size=SHAPES[kind]).astype("float32")


def calls(tf, keras):
    """For each kind of inputs, calls by name: as programs write them."""
    k, same = keras.backend, (0, 2, 1)
    matrix = {
        "reduce_mean": lambda x: tf.reduce_mean(x, axis=1),
        "reduce_mean by place": lambda x: tf.reduce_mean(x, 1, True),
        "reduce_sum": lambda x: tf.reduce_sum(x, axis=-1, keepdims=True),
        "reduce_max": lambda x: tf.reduce_max(x, [1, 2]),
        "reduce_min": lambda x: tf.math.reduce_min(x, axis=1),
        "reduce_prod": lambda x: tf.reduce_prod(x, axis=1),
        "reduce_std": lambda x: tf.math.reduce_std(x, axis=1),
        "reduce_variance": lambda x: tf.math.reduce_variance(x, axis=1),
        "reduce_logsumexp": lambda x: tf.reduce_logsumexp(x, axis=1),
        "reduce_any": lambda x: tf.cast(tf.reduce_any(x > 1, axis=1), "float32"),
        "reduce_all": lambda x: tf.cast(tf.reduce_all(x > -1, axis=1), "float32"),
        "concat": lambda x: tf.concat([x, x * 2], axis=1),
        "concat by place": lambda x: tf.concat([x, x * 2], -1),
        "stack": lambda x: tf.stack([x, x + 1], axis=1),
        "expand_dims": lambda x: tf.expand_dims(x, -1),
        "newaxis": lambda x: x[..., tf.newaxis],
        "getitem": lambda x: x[:, -1],
        "getitem of slices": lambda x: x[:, 1:3, ::2],
        "squeeze": lambda x: tf.squeeze(tf.expand_dims(x, 1), axis=1),
        "transpose": lambda x: tf.transpose(x, perm=same),
        "reshape": lambda x: tf.reshape(x, [-1, 24]),
        "cast": lambda x: tf.cast(x, tf.float16),
        "cast of booleans": lambda x: tf.cast(x > 0, "float32"),
        "softmax": lambda x: tf.nn.softmax(x, axis=1),
        "log_softmax": lambda x: tf.nn.log_softmax(x),
        "relu6": lambda x: tf.nn.relu6(x * 5),
        "elu": lambda x: tf.nn.elu(x),
        "selu": lambda x: tf.nn.selu(x),
        "gelu": lambda x: tf.nn.gelu(x),
        "gelu, approximate": lambda x: tf.nn.gelu(x, approximate=True),
        "silu": lambda x: tf.nn.silu(x),
        "leaky_relu": lambda x: tf.nn.leaky_relu(x),
        "leaky_relu, alpha": lambda x: tf.nn.leaky_relu(x, alpha=0.3),
        "softplus": lambda x: tf.nn.softplus(x),
        "softsign": lambda x: tf.nn.softsign(x),
        "l2_normalize": lambda x: tf.math.l2_normalize(x, axis=1),
        "matmul": lambda x: tf.matmul(x, tf.transpose(x, same)),
        "matmul, transpose_b": lambda x: tf.matmul(x, x + 1, transpose_b=True),
        "matmul, transpose_a": lambda x: tf.matmul(x, x + 1, transpose_a=True),
        "matmul by @": lambda x: x @ tf.transpose(x, same),
        "tensordot": lambda x: tf.tensordot(x, tf.ones((6, 3)), axes=[[2], [0]]),
        "clip_by_value": lambda x: tf.clip_by_value(x, clip_value_max=0.5, clip_value_min=-0.4),
        "where": lambda x: tf.where(x > 0, x, 0.1 * x),
        "tile": lambda x: tf.tile(x, [1, 2, 1]),
        "repeat": lambda x: tf.repeat(x, 2, axis=1),
        "split": lambda x: tf.add_n(tf.split(x, 2, axis=1)),
        "split by sizes": lambda x: tf.split(x, [1, 3], axis=1)[1],
        "unstack": lambda x: tf.add_n(tf.unstack(x, axis=1)),
        "pad": lambda x: tf.pad(x, [[0, 0], [1, 1], [0, 2]]),
        "pad, constant_values": lambda x: tf.pad(x, [[0, 0], [1, 1], [0, 2]], constant_values=2.0),
        "pad, reflect": lambda x: tf.pad(x, [[0, 0], [1, 1], [0, 0]], mode="REFLECT"),
        "sqrt of abs": lambda x: tf.sqrt(tf.abs(x) + 1),
        "rsqrt": lambda x: tf.math.rsqrt(tf.square(x) + 1),
        "exp": lambda x: tf.exp(x),
        "log": lambda x: tf.math.log(tf.math.log1p(tf.abs(x)) + 1),
        "pow": lambda x: tf.pow(x, 2.0) + x**3,
        "maximum, minimum": lambda x: tf.maximum(tf.minimum(0.5, x), -0.5),
        "sin, cos, tanh": lambda x: tf.sin(x) + tf.math.cos(x) * tf.tanh(x),
        "sigmoid, erf": lambda x: tf.sigmoid(x) + tf.math.erf(x),
        "floor, round, ceil": lambda x: tf.floor(x) + tf.round(x) * tf.math.ceil(x),
        "sign": lambda x: tf.sign(x),
        "add, subtract": lambda x: tf.subtract(1.0, tf.add(x, 1.0)),
        "multiply, divide": lambda x: tf.multiply(x, tf.divide(x, 2.0)),
        "divide_no_nan": lambda x: tf.math.divide_no_nan(x, x - x),
        "operators": lambda x: 1.0 / (x * x + 1) - (-x) // 0.3 + x % 0.3,
        "argmax": lambda x: tf.cast(tf.argmax(x, axis=-1), "float32"),
        "argmin": lambda x: tf.cast(tf.math.argmin(x, 1), "float32"),
        "cumsum": lambda x: tf.cumsum(x, axis=1),
        "reverse": lambda x: tf.reverse(x, axis=[1]),
        "roll": lambda x: tf.roll(x, shift=1, axis=1),
        "zeros_like, ones_like": lambda x: tf.zeros_like(x) + tf.ones_like(x),
        "identity": lambda x: tf.identity(x) * 2,
        "stop_gradient": lambda x: tf.stop_gradient(x),
        "norm": lambda x: tf.norm(x, axis=-1),
        "equal": lambda x: tf.cast(tf.equal(tf.round(x), 0.0), "float32"),
        "not_equal": lambda x: tf.cast(tf.not_equal(tf.round(x), 0.0), "float32"),
        "logical": lambda x: tf.cast(tf.logical_and(x > 0, tf.logical_not(x >= 1)), "float32"),
        "less": lambda x: tf.cast(x <= 0.5, "float32") + tf.cast(x < 0.1, "float32"),
        "one_hot": lambda x: tf.one_hot(tf.cast(tf.abs(x) * 2, "int32"), depth=5),
        "gather": lambda x: tf.gather(x, [0, 2], axis=1),
        "top_k": lambda x: tf.math.top_k(x, k=2)[0],
        "broadcast_to": lambda x: tf.broadcast_to(tf.reduce_max(x, 1, True), [2, 4, 6]),
        "sort": lambda x: tf.sort(x, axis=-1),
        "backend": lambda x: k.mean(x, axis=1) + k.sum(x, axis=1) * k.sqrt(k.max(x, axis=1)),
        "backend, more": lambda x: k.concatenate(
            [k.l2_normalize(x, -1), k.expand_dims(x[:, 0], 1)], 1
        ),
        "backend, batch_dot": lambda x: k.batch_dot(x, x, axes=[2, 2]),
        "activations": lambda x: keras.activations.relu(x, max_value=1.0),
        "activations, softmax": lambda x: keras.activations.softmax(x),
    }
    image = {
        "resize": lambda x: tf.image.resize(x, (12, 12)),
        "resize, nearest": lambda x: tf.image.resize(x, [4, 4], method="nearest"),
        "avg_pool2d": lambda x: tf.nn.avg_pool2d(x, 2, 2, "VALID"),
        "max_pool2d": lambda x: tf.nn.max_pool2d(x, 3, 2, "SAME"),
        "reduce_mean of images": lambda x: tf.reduce_mean(x, axis=[1, 2]),
        "depth_to_space": lambda x: tf.nn.depth_to_space(x, 2),
        "space_to_depth": lambda x: tf.nn.space_to_depth(x, 2),
        "flip_left_right": lambda x: tf.image.flip_left_right(x),
        "flip_up_down": lambda x: tf.image.flip_up_down(x),
        "rgb_to_grayscale": lambda x: tf.image.rgb_to_grayscale(x[..., :3]),
        "bias_add": lambda x: tf.nn.bias_add(x, tf.ones(4)),
    }
    return {"matrix": matrix, "image": image}


def main():
    import tensorflow as tf
    import tf_keras as keras

    found = {}
    for kind, every in calls(tf, keras).items():
        for name, call in every.items():
            given = keras.Input(SHAPES[kind][1:])
            model = keras.Model(given, call(given))
            found[f"{kind}/{name}/model"] = np.array(model.to_json().encode())
            found[f"{kind}/{name}/output"] = model.predict(inputs(kind), verbose=0)
    np.savez_compressed(pathlib.Path(__file__).with_suffix(".npz"), **found)


if __name__ == "__main__":
    main()
