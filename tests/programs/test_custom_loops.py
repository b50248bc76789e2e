"""Programs written once, with Lamina's own API, come to the same numbers on every backend."""

import numpy as np
import pytest

import lamina
from lamina import layers, losses, metrics, ops, optimizers
from tests.programs.agreement import X, Y, agree, each_other_backend, falls

pytestmark = pytest.mark.every_backend

BATCHES = [(X[i : i + 8], Y[i : i + 8]) for i in range(0, 32, 8)]


def network(*inner):
    return lamina.Sequential([lamina.Input((4,)), *inner, layers.Dense(1)])


def array(tensor):
    return ops.convert_to_numpy(tensor)


def weights(model):
    return [variable.value for variable in model.weights]


# Loops of one's own ---------------------------------------------------------------------------


def _own_loop(compile_step):
    model = network(layers.Dense(8, activation="tanh"))
    optimizer, loss_of = optimizers.Adam(0.02), losses.MeanSquaredError()

    def step(x, y):
        def loss():
            return loss_of(y, model(x, training=True))

        value, gradients = lamina.value_and_grad(loss, model.trainable_variables)()
        optimizer.apply(gradients, model.trainable_variables)
        return value

    step = compile_step(step)
    found = falls([step(x, y) for _ in range(3) for x, y in BATCHES])
    assert int(optimizer.iterations) == 12
    return found, weights(model), [v.value for v in optimizer.variables]


def own_loop():
    return _own_loop(lambda step: step)


def own_loop_compiled():
    return _own_loop(lamina.jit)


def gradient_accumulation_by_hand():
    model = network(layers.Dense(8, activation="relu"))
    optimizer, loss_of = optimizers.SGD(0.1, momentum=0.9), losses.MeanSquaredError()
    kept = [lamina.Variable(ops.zeros(v.shape)) for v in model.trainable_variables]

    @lamina.jit
    def step(x, y, last):
        gradients = lamina.grad(lambda: loss_of(y, model(x)), model.trainable_variables)()
        for total, gradient in zip(kept, gradients, strict=True):
            total.assign_add(gradient / 2)
        if last:
            optimizer.apply([total.value for total in kept], model.trainable_variables)
            for total in kept:
                total.assign(ops.zeros(total.shape))

    for i, (x, y) in enumerate(BATCHES):
        step(x, y, i % 2 == 1)
    assert int(optimizer.iterations) == 2
    assert not any(total.numpy().any() for total in kept)
    return weights(model)


def per_example_gradients():
    model = network(layers.Dense(3, activation="tanh"))
    trained = [v.value for v in model.trainable_variables]

    def loss(values, x, y):
        outputs, _ = model.stateless_call(values, [], x[None])
        return ops.mean(ops.square(outputs - y))

    each = lamina.vmap(lamina.grad(loss), (None, 0, 0))(trained, X, Y)
    whole = lamina.grad(
        lambda: ops.mean(ops.square(ops.subtract(model(X), Y))), model.trainable_variables
    )()
    for one, mean in zip(each, whole, strict=True):
        assert one.shape == (32, *mean.shape)
        np.testing.assert_allclose(array(one).mean(0), array(mean), rtol=1e-4, atol=1e-5)
    return each


def per_example_gradients_of_variables():
    model = network(layers.Dense(3, activation="tanh"))

    def one(x, y):
        return lamina.grad(
            lambda: ops.mean(ops.square(model(x[None]) - y)), model.trainable_variables
        )()

    return lamina.vmap(one)(X, Y)


def second_derivatives():
    weight = lamina.Variable([1.0, 2.0])

    def cubes(x):
        return ops.sum(weight**3 * x)

    def penalty():
        """The norm of a gradient, as in gradient-penalty losses."""
        return ops.sum(ops.square(lamina.grad(cubes, [weight])(2.0)[0]))

    found = lamina.grad(penalty, [weight])()[0]  # d/dw sum((6 w²)²) = 144 w³
    np.testing.assert_allclose(array(found), [144.0, 1152.0], rtol=1e-5)
    third = lamina.grad(lamina.grad(lamina.grad(lambda x: x**4)))(2.0)
    assert float(third) == 48.0
    rows = lamina.vmap(lamina.grad(lambda x: ops.sum(ops.sin(x))))
    curvature = lamina.grad(lambda x: ops.sum(rows(x) ** 2))(X)
    return found, third, curvature


def gradient_penalty_trains():
    model = network(layers.Dense(6, activation="tanh"))
    optimizer = optimizers.SGD(0.05)

    @lamina.jit
    def step(x, y):
        def loss():
            slope = lamina.grad(lambda inputs: ops.sum(model(inputs)))(x)
            return ops.mean(ops.square(model(x) - y)) + 0.1 * ops.mean(ops.square(slope))

        value, gradients = lamina.value_and_grad(loss, model.trainable_variables)()
        optimizer.apply(gradients, model.trainable_variables)
        return value

    return falls([step(X, Y) for _ in range(5)]), weights(model)


# Steps of one's own, under fit ----------------------------------------------------------------


class Gan(lamina.Model):
    """Two networks against each other, each with its own optimizer."""

    def __init__(self):
        super().__init__()
        self.judge = lamina.Sequential(
            [lamina.Input((4,)), layers.Dense(8), layers.LeakyReLU(0.2), layers.Dense(1)]
        )
        self.maker = lamina.Sequential(
            [lamina.Input((3,)), layers.Dense(8, activation="relu"), layers.Dense(4)]
        )
        self.judge_loss = metrics.Mean(name="judge_loss")
        self.maker_loss = metrics.Mean(name="maker_loss")

    def compile(self, judge_optimizer, maker_optimizer, loss_fn):
        super().compile()
        self.judge_optimizer = judge_optimizer
        self.maker_optimizer = maker_optimizer
        self.loss_fn = loss_fn

    @property
    def metrics(self):
        return [self.judge_loss, self.maker_loss]

    def train_step(self, data):
        real, noise = data
        counts = ops.shape(real)[0], ops.shape(noise)[0]
        labels = ops.concatenate([ops.ones((counts[0], 1)), ops.zeros((counts[1], 1))])

        def judged():
            mixed = ops.concatenate([real, self.maker(noise)])
            return self.loss_fn(labels, self.judge(mixed, training=True))

        value, gradients = lamina.value_and_grad(judged, self.judge.trainable_variables)()
        self.judge_optimizer.apply(gradients, self.judge.trainable_variables)
        self.judge_loss.update_state(value)

        def fooled():
            made = self.judge(self.maker(noise, training=True))
            return self.loss_fn(ops.ones_like(made), made)

        value, gradients = lamina.value_and_grad(fooled, self.maker.trainable_variables)()
        self.maker_optimizer.apply(gradients, self.maker.trainable_variables)
        self.maker_loss.update_state(value)
        return {metric.name: metric.result() for metric in self.metrics}


def gan_with_two_optimizers():
    model = Gan()
    model.compile(
        optimizers.Adam(0.01), optimizers.Adam(0.02), losses.BinaryCrossentropy(from_logits=True)
    )
    noise = np.random.default_rng(1).normal(size=(32, 3)).astype("float32")
    history = model.fit(X, noise, batch_size=8, epochs=2, shuffle=False, verbose=0).history
    assert list(history) == ["judge_loss", "maker_loss"]
    assert int(model.judge_optimizer.iterations) == int(model.maker_optimizer.iterations) == 8
    return history, weights(model)


class Own(lamina.Model):
    """A step of its own, a metric updated inside `call`, and state kept there."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(8, use_bias=False)
        self.norm = layers.BatchNormalization(momentum=0.8)
        self.head = layers.Dense(1)
        self.size = metrics.Mean(name="size")
        self.distance = metrics.MeanAbsoluteError(name="distance")
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False, name="calls")

    def call(self, x, training=False):
        if training:
            self.calls.assign_add(1.0)
        self.size.update_state(ops.mean(ops.square(x)))
        return self.head(ops.relu(self.norm(self.dense(x), training=training)))

    def train_step(self, data):
        x, y = data

        def loss():
            return ops.mean(ops.square(self(x, training=True) - y))

        value, gradients = lamina.value_and_grad(loss, self.trainable_variables)()
        self.optimizer.apply(gradients, self.trainable_variables)
        self.distance.update_state(y, self(x))
        return {"loss": value, **{m.name: m.result() for m in (self.size, self.distance)}}


def own_train_step(**options):
    model = Own()
    model.compile(optimizer=optimizers.Adam(0.02), **options)
    history = model.fit(X, Y, batch_size=8, epochs=3, shuffle=False, verbose=0).history
    falls(history["distance"])
    assert float(model.calls) == 12.0
    np.testing.assert_allclose(history["size"], np.square(X).mean(), rtol=1e-5)
    return history, weights(model)


def own_train_step_eagerly():
    return own_train_step(run_eagerly=True)


def several_steps_in_one_execution():
    return own_train_step(steps_per_execution=4)


# State, control flow and transformations ------------------------------------------------------


def batch_normalization_in_a_loop():
    layer = layers.BatchNormalization(momentum=0.5)
    layer.build((None, 4))
    train = lamina.jit(lambda x: layer(x, training=True))
    outputs = [train(x) for x, _ in BATCHES]
    assert abs(layer.moving_mean.numpy()).max() > 0.01
    return outputs, weights(layer), layer(X, training=False)


def assignments_in_control_flow():
    count, total = lamina.Variable(0, dtype="int32"), lamina.Variable(ops.zeros(4))

    def body(carry, x):
        count.assign_add(1)
        total.assign_add(x)
        big = lamina.cond(ops.sum(x) > 0, lambda: count.assign_add(100), lambda: count.value)
        return carry * 0.5 + x, (ops.sum(carry), big)

    @lamina.jit
    def everything(xs):
        carry, ys = lamina.scan(body, ops.zeros(4), xs)
        rounds = lamina.while_loop(
            lambda i, x: ops.sum(x) < 100.0,
            lambda i, x: (i + count.assign_add(1) * 0 + 1, x * 2),
            (0, ops.ones(2)),
        )
        chosen = ops.switch(2, [lambda x: x, lambda x: -x, lambda x: total.assign(x * 3)], X[0])
        return carry, ys, rounds, chosen

    found = everything(X)
    positive = int((X.sum(1) > 0).sum())
    assert int(count) == 32 + 100 * positive + 6
    np.testing.assert_allclose(total.numpy(), X[0] * 3, rtol=1e-6)
    return found, count.value, total.value


def gradients_through_assignments_and_loops():
    weight, state = lamina.Variable([0.5, -0.5, 1.0, 0.1]), lamina.Variable(ops.zeros(4))

    def body(carry, x):
        state.assign(ops.tanh(state + weight * x))
        return carry + ops.sum(state * x), state.value

    def loss(xs):
        state.assign(ops.zeros(4))
        value, _ = lamina.scan(body, 0.0, xs)
        return value

    both = lamina.jit(lamina.value_and_grad(loss, [weight]))
    value, (gradient,) = both(X)
    step = 1e-2
    for i in range(4):
        before = weight.numpy()
        sides = []
        for sign in (1, -1):
            weight.assign(before + sign * step * np.eye(4, dtype="float32")[i])
            sides.append(float(loss(X)))
        weight.assign(before)
        np.testing.assert_allclose(float(gradient[i]), (sides[0] - sides[1]) / 2 / step, rtol=1e-2)
    return value, gradient, state.value


def rematerialised_blocks():
    model = network(layers.Dense(8, activation="tanh"), layers.Dense(8, activation="tanh"))
    calls = lamina.Variable(0, dtype="int32")

    def forward(x):
        calls.assign_add(1)
        return model(x)

    def gradients(function):
        return lamina.grad(
            lambda: ops.mean(ops.square(ops.subtract(function(X), Y))), model.trainable_variables
        )()

    plain, again = gradients(forward), lamina.jit(lambda: gradients(lamina.remat(forward)))()
    for one, other in zip(plain, again, strict=True):
        np.testing.assert_allclose(array(one), array(other), rtol=1e-4, atol=1e-6)
    assert int(calls) == 2
    return again


def own_gradient():
    @lamina.custom_gradient
    def clipped(x):
        def grad(*args, upstream=None):
            (upstream,) = args if upstream is None else (upstream,)
            return ops.clip(upstream, -0.1, 0.1)

        return x * 1.0, grad

    model = network(layers.Dense(4))

    def loss():
        return ops.sum(ops.multiply(clipped(model(X)), Y))

    found = lamina.jit(lambda: lamina.grad(loss, model.trainable_variables)())()
    np.testing.assert_allclose(array(found[-1]), np.clip(Y, -0.1, 0.1).sum(0), rtol=1e-4, atol=1e-5)
    return found


def stateless_calls():
    model = network(layers.BatchNormalization(momentum=0.5))
    before = weights(model)
    trained = [v.value * 2 for v in model.trainable_variables]
    others = [v.value for v in model.non_trainable_variables]
    call = lamina.jit(lambda *state: model.stateless_call(*state, X, training=True))
    outputs, updated = call(trained, others)
    for one, other in zip(before, weights(model), strict=True):
        np.testing.assert_array_equal(array(one), array(other))
    assert not np.allclose(array(updated[0]), array(others[0]))
    return outputs, updated


# Whole models ---------------------------------------------------------------------------------


def many_layers():
    """Convolution, embedding, attention and recurrence in one small model."""
    image, words = lamina.Input((8, 8, 3)), lamina.Input((6,), dtype="int32")
    seen = layers.Conv2D(4, 3, padding="same", use_bias=False)(image)
    seen = layers.ReLU()(layers.BatchNormalization()(seen))
    seen = layers.MaxPooling2D()(seen)
    seen = layers.DepthwiseConv2D(3)(seen)
    seen = layers.GlobalAveragePooling2D()(seen)
    read = layers.Embedding(10, 8, mask_zero=True)(words)
    read = read + layers.MultiHeadAttention(2, 4)(read, read)
    read = layers.LayerNormalization()(read)
    read = layers.Bidirectional(layers.LSTM(4, return_sequences=True))(read)
    read = layers.GRU(4)(read)
    out = layers.Dense(1)(layers.Concatenate()([seen, read]))
    model = lamina.Model([image, words], out)
    # Adam makes whole steps of the rounding errors that stand for gradients of nothing.
    model.compile(optimizers.SGD(0.1), "mse", metrics=["mae"])
    random = np.random.default_rng(2)
    images = random.normal(size=(8, 8, 8, 3)).astype("float32")
    sentences = random.integers(1, 10, (8, 6)) * (np.arange(6) < random.integers(2, 7, (8, 1)))
    found = [
        model.train_on_batch([images, sentences], Y[:8], return_dict=True)["loss"] for _ in range(3)
    ]
    return falls(found), model.predict([images, sentences], verbose=0)


def decoder_with_causal_attention():
    words = lamina.Input((5,), dtype="int32")
    x = layers.Embedding(11, 8)(words)
    for _ in range(2):
        y = layers.LayerNormalization()(x)
        x = x + layers.MultiHeadAttention(2, 4)(y, y, use_causal_mask=True)
        x = x + layers.Dense(8)(layers.Dense(16, activation="gelu")(layers.LayerNormalization()(x)))
    model = lamina.Model(words, layers.Dense(11)(x))
    model.compile(
        optimizers.AdamW(0.01, global_clipnorm=1.0),
        losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["sparse_categorical_accuracy"],
    )
    data = np.random.default_rng(4).integers(0, 11, (16, 6))
    history = model.fit(
        data[:, :-1], data[:, 1:], batch_size=8, epochs=3, shuffle=False, verbose=0
    ).history
    falls(history["loss"])
    return history


EXACT = [
    own_loop,
    own_loop_compiled,
    gradient_accumulation_by_hand,
    per_example_gradients,
    per_example_gradients_of_variables,
    second_derivatives,
    gradient_penalty_trains,
    gan_with_two_optimizers,
    own_train_step,
    own_train_step_eagerly,
    several_steps_in_one_execution,
    batch_normalization_in_a_loop,
    assignments_in_control_flow,
    gradients_through_assignments_and_loops,
    rematerialised_blocks,
    own_gradient,
    stateless_calls,
    many_layers,
    decoder_with_causal_attention,
]


@each_other_backend
@pytest.mark.parametrize("program", EXACT, ids=lambda one: one.__name__)
def test_program(program, backend):
    agree(program, backend)
