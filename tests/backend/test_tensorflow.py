"""What is particular to TensorFlow: graphs, tapes, and functions of the user's own."""

import warnings

import numpy as np
import pytest

import lamina
from lamina import ops
from lamina.backend import use

tf = pytest.importorskip("tensorflow")


@pytest.fixture(autouse=True)
def backend():
    with use("tensorflow") as active:
        yield active


@pytest.fixture
def weight():
    return lamina.Variable([1.0, 2.0], name="weight")


@pytest.fixture
def count():
    return lamina.Variable(0, dtype="int32", trainable=False, name="count")


def numbers(x):
    return ops.convert_to_numpy(x).tolist()


def eager(function):
    return function


WAYS = pytest.mark.parametrize("way", [eager, lamina.jit, tf.function], ids=["eager", "jit", "tf"])


# Variables in TensorFlow's own functions -----------------------------------------------------


@WAYS
def test_a_tape_takes_variables_as_sources(way, weight):
    @way
    def slopes():
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(weight * weight) + tf.reduce_sum(tf.sin(weight))
        return tape.gradient(loss, [weight])[0]

    expected = 2 * np.array([1.0, 2.0]) + np.cos([1.0, 2.0])
    np.testing.assert_allclose(slopes(), expected, rtol=1e-6)


@WAYS
def test_a_tape_takes_variables_that_were_assigned_before(way, weight):
    @way
    def slopes():
        weight.assign(weight * 2)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(weight**2)
        return tape.gradient(loss, weight)

    assert numbers(slopes()) == [4.0, 8.0]
    assert weight.numpy().tolist() == [2.0, 4.0]


def test_a_tape_inside_a_transformation_takes_variables(weight):
    def inner(x):
        with tf.GradientTape() as tape:
            tape.watch(weight.value)
            loss = tf.reduce_sum(weight**3) * x
        return tf.reduce_sum(tape.gradient(loss, weight))

    _, (gradient,) = lamina.value_and_grad(inner, [weight])(2.0)
    assert numbers(gradient) == [12.0, 24.0]


def test_a_tape_does_not_follow_what_is_not_trainable():
    fixed = lamina.Variable(2.0, trainable=False)
    with tf.GradientTape() as tape:
        loss = fixed * fixed
    assert tape.gradient(loss, fixed) is None


def test_functions_of_tensorflow_take_variables(weight):
    matrix = lamina.Variable([[1.0, 2.0]])
    assert numbers(tf.matmul(matrix, tf.ones((2, 1)))) == [[3.0]]
    assert numbers(tf.ones(2) + weight) == numbers(weight + tf.ones(2)) == [2.0, 3.0]
    assert numbers(tf.convert_to_tensor(weight)) == [1.0, 2.0]
    assert tf.convert_to_tensor(weight).dtype == tf.float32


def test_functions_of_tensorflow_read_what_a_transformation_gives(weight):
    value, (gradient,) = lamina.value_and_grad(
        lambda: tf.tensordot(weight, tf.constant([3.0, 4.0]), 1), [weight]
    )()
    assert (float(value), numbers(gradient)) == (11.0, [3.0, 4.0])


def test_a_function_of_the_users_assigns_variables(weight, count):
    @tf.function
    def step(x):
        count.assign_add(1)
        weight.assign_sub(x)
        if x > 0:  # autograph
            weight.assign(weight * 2)
        return weight.value

    assert [numbers(step(tf.constant(x))) for x in (1.0, -1.0)] == [[0.0, 2.0], [1.0, 3.0]]
    assert int(count) == 2


def test_a_function_of_the_users_assigns_variables_inside_a_transformation(weight, count):
    @tf.function
    def twice(x):
        count.assign_add(2)
        return x * weight

    def loss(x):
        count.assign_add(1)
        result = twice(x)
        count.assign_add(1)
        return ops.sum(result)

    for way in (eager, lamina.jit):
        step = way(lamina.value_and_grad(loss, [weight]))
        before = int(count)
        value, (gradient,) = step(np.float32(3.0))
        assert (float(value), numbers(gradient)) == (9.0, [3.0, 3.0])
        assert int(count) == before + 4


def test_variables_are_made_inside_a_function_of_the_users():
    layer = lamina.layers.Dense(2)
    call = tf.function(lambda x: layer(x))
    assert call(tf.ones((3, 4))).shape == (3, 2)
    assert layer.kernel.numpy().shape == (4, 2)


def test_layers_work_in_a_dataset(count):
    class Count(lamina.layers.Layer):
        def call(self, x):
            count.assign_add(1)
            return x * 2

    layer = Count()
    found = tf.data.Dataset.range(3).map(lambda x: layer(tf.cast(x, tf.float32)))
    assert [float(x) for x in found] == [0.0, 2.0, 4.0]
    assert int(count) == 3


def test_a_leaked_tensor_is_refused(weight):
    kept = []
    tf.function(lambda x: kept.append(x * 1))(tf.ones(2))
    with pytest.raises(lamina.LeakedTraceError, match=r"'weight'.*kept"):
        weight.assign(kept[0])
    assert weight.numpy().tolist() == [1.0, 2.0]


# jit -----------------------------------------------------------------------------------------


def test_arrays_tensors_and_numbers_share_a_trace():
    traces = []

    @lamina.jit
    def double(x):
        traces.append(1)
        return {"b": x * 2, "a": None, "c": ["kept", 3]}

    for x in (2.0, np.float32(2.0), tf.constant(2.0)):
        found = double(x)
        assert list(found) == ["b", "a", "c"]
        assert (float(found["b"]), found["a"], found["c"][0], int(found["c"][1])) == (
            4.0,
            None,
            "kept",
            3,
        )
    assert len(traces) == 1


def test_composite_tensors_go_in_and_out():
    ragged = tf.ragged.constant([[1.0], [2.0, 3.0]])
    found = lamina.jit(lambda x: x * 2)(ragged)
    assert found.to_list() == [[2.0], [4.0, 6.0]]


def test_xla_compiles_where_asked_and_graphs_serve_where_it_cannot(weight):
    def step(x):
        weight.assign(weight + x)
        return ops.sum(weight)

    assert float(lamina.jit(step, jit_compile=True)(1.0)) == 5.0
    impossible = lamina.jit(
        lambda x: (step(x), tf.strings.length(tf.strings.as_string(x)))[0], jit_compile=True
    )
    with pytest.warns(RuntimeWarning, match="XLA cannot compile"):
        assert float(impossible(1.0)) == 7.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert float(impossible(1.0)) == 9.0


def test_a_failing_call_assigns_nothing(weight):
    @lamina.jit
    def step(x):
        weight.assign(weight + x)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        step(1.0)
    assert weight.numpy().tolist() == [1.0, 2.0]


def test_operations_are_counted():
    a, b = np.ones((8, 16), "float32"), np.ones((16, 32), "float32")
    product = 2 * 8 * 16 * 32
    assert lamina.jit(tf.matmul).operations(a, b) == product
    assert lamina.jit(lambda a, b: tf.einsum("ij,jk->ik", a, b)).operations(a, b) == product
    kernel = np.ones((3, 3, 4, 5), "float32")
    image = np.ones((2, 8, 8, 4), "float32")
    convolve = lamina.jit(lambda x, k: tf.nn.conv2d(x, k, 1, "SAME"))
    assert convolve.operations(image, kernel) == 2 * 2 * 8 * 8 * 9 * 4 * 5
    loop = lamina.jit(lambda a, b: lamina.scan(lambda c, _: (c + a @ b, ()), a @ b, length=50))
    assert 50 * product <= loop.operations(a, b) <= 60 * product


def test_a_tape_goes_through_a_compiled_function(weight):
    step = lamina.jit(lambda x: ops.sum(weight * weight * x))
    with tf.GradientTape() as tape:
        value = step(3.0)
    assert numbers(tape.gradient(value, weight)) == [6.0, 12.0]


# Transformations in graphs -------------------------------------------------------------------


@WAYS
def test_gradients_flow_through_assignments_in_loops_and_branches(way, weight, count):
    def body(carry, x):
        count.assign_add(1)
        weight.assign(weight * x)
        return carry + ops.sum(weight), ops.sum(weight)

    def loss(xs):
        total, parts = lamina.scan(body, 0.0, xs)
        lamina.cond(total > 0, lambda: weight.assign(weight * 10), lambda: weight.value)
        return total + ops.sum(weight) + 0 * ops.sum(parts)

    xs = np.array([2.0, 3.0], "float32")
    value, (gradient,) = way(lamina.value_and_grad(loss, [weight]))(xs)
    assert (float(value), numbers(gradient)) == (24.0 + 180.0, [68.0, 68.0])
    assert weight.numpy().tolist() == [60.0, 120.0]
    assert int(count) == 2


@WAYS
def test_while_and_switch_carry_assignments(way, count):
    def run(n):
        lamina.while_loop(lambda i: i < n, lambda i: (count.assign_add(1) * 0 + i + 1,), (0,))
        return ops.switch(n, [lambda: count.value, lambda: count.assign_add(100)])

    assert int(way(run)(np.int32(3))) == 103
    assert int(count) == 103
    assert int(way(lamina.value_and_grad(lambda n: ops.cast(run(n), "float32"), []))(4)[0]) == 207
    assert int(count) == 207


@WAYS
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("unroll", [1, 2, 3, True])
def test_a_scan_has_gradients(way, reverse, unroll):
    def loss(start, xs):
        last, ys = lamina.scan(
            lambda c, x: (c * x, {"y": c + x}), start, xs, reverse=reverse, unroll=unroll
        )
        return last + ops.sum(ys["y"] * np.array([1.0, 2.0, 4.0], "float32"))

    xs = np.array([2.0, 3.0, 5.0], "float32")
    found = way(lamina.grad(loss, argnums=(0, 1)))(1.5, xs)
    with use("jax"):
        expected = lamina.grad(loss, argnums=(0, 1))(1.5, xs)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=1e-6)


def test_a_scan_of_unknown_length_in_a_function_of_the_users():
    @tf.function(input_signature=[tf.TensorSpec((None,))])
    def total(xs):
        return lamina.scan(lambda c, x: (c + x, c), 0.0, xs)

    for size in (0, 3):
        last, parts = total(tf.ones(size))
        assert (float(last), parts.shape) == (size, (size,))


def test_a_scan_over_nothing_has_outputs_of_length_nothing():
    last, ys = lamina.scan(lambda c, x: (c + 1, x * 2), 0, np.ones((0, 3), "float32"))
    assert (int(last), ys.shape) == (0, (0, 3))


@WAYS
def test_second_derivatives(way, weight):
    def cubes(x):
        return ops.sum(weight**3) * x

    def slopes(x):
        return ops.sum(lamina.value_and_grad(cubes, [weight])(x)[1][0])

    _, (second,) = way(lamina.value_and_grad(slopes, [weight]))(2.0)
    assert numbers(second) == [12.0, 24.0]


@WAYS
def test_remat_follows_closures_variables_and_assignments(way, weight, count):
    traces = []

    def loss(x):
        scale = x * 2

        @lamina.remat
        def part(y):
            traces.append(1)
            count.assign_add(1)
            weight.assign(weight + 1)
            return ops.sum(ops.sin(y) * weight * scale)

        return part(x) + ops.sum(weight)

    def plain(x, w):
        return ops.sum(ops.sin(x) * (w + 1) * x * 2) + ops.sum(w + 1)

    x, w = np.array([0.5, 1.0], "float32"), weight.numpy()
    _, (of_weight,) = way(lamina.value_and_grad(loss, [weight]))(x)
    expected = lamina.grad(plain, argnums=(0, 1))(x, w)
    np.testing.assert_allclose(of_weight, expected[1], rtol=1e-6)
    assert (int(count), weight.numpy().tolist()) == (1, [2.0, 3.0])
    assert len(traces) == (1 if way is eager else 2)
    weight.assign(w)
    np.testing.assert_allclose(way(lamina.grad(loss))(x), expected[0], rtol=1e-6)


@WAYS
def test_custom_gradients_have_structures_and_read_variables(way, weight):
    @ops.custom_gradient
    def function(x, y):
        def gradient(upstream):
            first, (second,) = upstream["a"], upstream["b"]
            return first * 10 + second, y * 0 + ops.sum(second)

        return {"a": x * weight, "b": [y]}, gradient

    def loss(x, y):
        found = function(x, y)
        return ops.sum(found["a"] * 2) + ops.sum(found["b"][0] * 3)

    ones = np.ones(2, "float32")
    found = way(lamina.grad(loss, argnums=(0, 1)))(ones, ones)
    assert [numbers(one) for one in found] == [[23.0, 23.0], [6.0, 6.0]]
    _, (of_weight,) = way(lamina.value_and_grad(lambda: loss(ones, ones), [weight]))()
    assert numbers(of_weight) == [0.0, 0.0]


@WAYS
def test_vmap_takes_axes_for_parts_of_a_tree(way, weight):
    x = np.arange(6, dtype="float32").reshape(2, 3)

    def function(pair, scale):
        return pair["a"] * scale + pair["b"], ops.sum(weight)

    mapped = lamina.vmap(function, in_axes=({"a": 1, "b": None}, None), out_axes=(1, None))
    found, total = way(mapped)({"a": x, "b": x[:, 0]}, 2.0)
    np.testing.assert_allclose(found, x * 2 + x[:, :1])
    assert float(total) == 3.0
    gradient = way(lamina.grad(lambda x: ops.sum(lamina.vmap(ops.sin)(x))))(x)
    np.testing.assert_allclose(gradient, np.cos(x), rtol=1e-6)


def test_vmap_keeps_an_assignment_that_is_the_same_for_every_element(weight, count):
    def function(x):
        count.assign_add(1)
        return x * 2

    assert numbers(lamina.jit(lamina.vmap(function))(np.ones(3, "float32"))) == [2.0] * 3
    assert int(count) == 1
    with pytest.raises(ValueError, match=r"weight.*different value"):
        lamina.jit(lamina.vmap(weight.assign))(np.ones((3, 2), "float32"))


def test_the_gradient_of_a_gather_is_dense():
    table = lamina.Variable(np.ones((4, 2), "float32"))
    _, (gradient,) = lamina.value_and_grad(
        lambda: tf.reduce_sum(tf.gather(table, [1, 1])), [table]
    )()
    assert numbers(gradient) == [[0, 0], [2, 2], [0, 0], [0, 0]]


def test_a_gradient_is_that_of_a_scalar(weight):
    with pytest.raises(TypeError, match="scalar"):
        lamina.value_and_grad(lambda: weight * 2, [weight])()


def test_eval_shape_of_framework_code_is_traced_by_the_framework(weight):
    def function(x):
        weight.assign(weight * 0)
        return tf.reduce_sum(tf.sin(x), 0)

    found = lamina.eval_shape(function, lamina.KerasTensor((None, 3)))
    assert (found.shape, found.dtype) == ((3,), "float32")
    assert weight.numpy().tolist() == [1.0, 2.0]


def test_a_users_function_does_not_pass_by_values_given_to_a_transformation(weight):
    scaled = tf.function(lambda x: x * weight)
    with pytest.raises(RuntimeError, match=r"'weight'.*tf\.function off"):
        lamina.vmap(lambda x: (weight.assign(weight * 2), scaled(x)))(np.ones((3, 2), "float32"))


# Keras programs ------------------------------------------------------------------------------


def train_step(self, data):
    x, y = data
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(self(x, training=True) - y))
    gradients = tape.gradient(loss, self.trainable_variables)
    self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
    return {"loss": loss}


@pytest.mark.parametrize("decorate", [eager, tf.function], ids=["plain", "tf"])
@pytest.mark.parametrize("steps", [1, 4])
@pytest.mark.parametrize("run_eagerly", [False, True])
def test_a_train_step_with_a_tape_trains_as_ours_does(decorate, steps, run_eagerly):
    class Taped(lamina.Model):
        def __init__(self):
            super().__init__()
            self.dense = lamina.layers.Dense(1, kernel_initializer="ones")

        def call(self, x):
            return self.dense(x)

    class Own(Taped):
        pass

    Taped.train_step = decorate(train_step)
    x = np.random.default_rng(0).normal(size=(32, 3)).astype("float32")
    y = x.sum(1, keepdims=True) * 2
    kernels = []
    for cls in (Taped, Own):
        model = cls()
        model.compile("adam", "mse", steps_per_execution=steps, run_eagerly=run_eagerly)
        model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
        kernels.append(model.dense.kernel.numpy())
    assert abs(kernels[0] - 1).min() > 1e-3
    np.testing.assert_allclose(kernels[0], kernels[1], rtol=1e-4)


def test_the_gradient_of_an_embedding_is_applied():
    layer = lamina.layers.Embedding(4, 2, embeddings_initializer="ones")
    layer.build((None,))
    optimizer = lamina.optimizers.SGD(1.0)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(tf.constant([1, 1, 3])))
    optimizer.apply_gradients(
        zip(tape.gradient(loss, layer.trainable_variables), layer.trainable_variables, strict=True)
    )
    assert layer.embeddings.numpy().tolist() == [[1, 1], [-1, -1], [1, 1], [0, 0]]


def test_dropout_draws_anew_in_a_users_function():
    layer = lamina.layers.Dropout(0.5, seed=1)
    draw = tf.function(lambda x: layer(x, training=True))
    first, second = numbers(draw(tf.ones(100))), numbers(draw(tf.ones(100)))
    assert first != second
    assert set(first) == {0.0, 2.0}
