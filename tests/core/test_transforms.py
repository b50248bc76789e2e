"""The stateful transformations: functions that read and assign variables, as plain Python would."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lamina
from lamina import ops
from lamina.backend import current, use
from lamina.symbolic import KerasTensor


def numbers(x):
    return ops.convert_to_numpy(x).tolist()


@pytest.fixture
def weight():
    return lamina.Variable([1.0, 2.0], name="weight")


@pytest.fixture
def count():
    return lamina.Variable(0, dtype="int32", name="count")


def test_jit_carries_assignments_out(weight, count):
    @lamina.jit
    def step(x):
        count.assign_add(1)
        weight.assign(weight + x)
        return ops.sum(weight)

    assert [float(step(1.0)), float(step(2.0))] == [5.0, 9.0]
    assert int(count) == 2
    assert weight.numpy().tolist() == [4.0, 5.0]


def test_jit_traces_once_for_each_structure_shape_and_flag(count):
    traces = []

    @lamina.jit
    def step(x, double=False):
        traces.append(1)
        return x * 2 if double else x

    for x in (1.0, 2.0, np.ones(3, "float32"), np.zeros(3, "float32")):
        step(x)
    # On PyTorch it runs as it is.
    assert len(traces) == (2 if current().compiles else 4)
    assert float(step(3.0, double=True)) == 6.0
    assert len(traces) == (3 if current().compiles else 5)


def test_jit_finds_variables_made_inside(count):
    made = []

    @lamina.jit
    def step(x):
        if not made:
            made.append(lamina.Variable(10.0))
        made[0].assign_add(x)
        return made[0].value

    assert [float(step(1.0)), float(step(1.0))] == [11.0, 12.0]
    assert float(made[0]) == 12.0


def test_jit_sees_trainable_change():
    layer = lamina.layers.BatchNormalization()
    x = np.random.default_rng(0).normal(3.0, 2.0, (64, 4)).astype("float32")
    layer.build(x.shape)
    call = lamina.jit(lambda x: layer(x, training=True))
    normalized = float(ops.mean(call(x)))
    layer.trainable = False
    assert abs(float(ops.mean(call(x)))) > 1.0 > abs(normalized)
    layer.trainable = True
    assert abs(float(ops.mean(call(x)))) < 1.0


def test_donation_leaves_arrays_alone_that_somebody_else_holds(on_jax, weight):
    twin = lamina.Variable([0.0, 0.0])
    twin.assign(weight.value)
    step = lamina.jit(lambda: (weight.assign(weight * 2), twin.assign(twin * 3)))
    held = [weight.numpy(), weight.value, np.asarray(weight.value)]
    step()
    held.append(weight.value)
    step()
    assert [np.asarray(one).tolist() for one in held] == [[1.0, 2.0]] * 3 + [[2.0, 4.0]]
    assert weight.numpy().tolist() == [4.0, 8.0]
    assert twin.numpy().tolist() == [9.0, 18.0]


def test_value_and_grad_of_variables_keeps_side_effects(weight, count):
    def loss(x):
        count.assign_add(1)
        return ops.sum(weight * weight) * x, "aux"

    (value, aux), (gradient,) = lamina.value_and_grad(loss, [weight], has_aux=True)(2.0)
    assert (float(value), aux, numbers(gradient), int(count)) == (10.0, "aux", [4.0, 8.0], 1)


def test_grad_of_arguments():
    found = lamina.grad(lambda x, y: x * y * y, argnums=(0, 1))(2.0, 3.0)
    assert [float(one) for one in found] == [9.0, 12.0]


@pytest.mark.parametrize("unroll", [1, 2, 3])
def test_scan_cond_and_while_carry_assignments(count, unroll):
    def body(carry, x):
        count.assign_add(1)
        return carry + x, carry

    carry, ys = lamina.jit(lambda: lamina.scan(body, 0.0, ops.arange(4.0), unroll=unroll))()
    assert (float(carry), numbers(ys), int(count)) == (6.0, [0.0, 0.0, 1.0, 3.0], 4)
    lamina.jit(lambda p: lamina.cond(p > 0, lambda: count.assign(100), lambda: count.value))(
        np.float32(1.0)
    )
    assert int(count) == 100
    lamina.while_loop(lambda i: i < 3, lambda i: (count.assign_add(1) * 0 + i + 1,), (0,))
    assert int(count) == 103


def test_steps_in_turn_may_know_their_variables_before(weight, count):
    unknown = lamina.Variable(2.0, name="unknown")
    backend, traces = current(), []

    def step(x):
        traces.append(x)
        count.assign_add(1)
        unknown.assign_add(weight.value[0])
        return x

    xs = ops.arange(3.0)
    every = [count, weight, unknown]
    for known in ([], every[:2], every):
        traces.clear()
        reads = [variable.handle for variable in known]
        assert numbers(backend.in_turn(step, xs, reads)) == [0.0, 1.0, 2.0]
    assert len(traces) == (1 if backend.name == "jax" else 3)
    assert (int(count), float(unknown), numbers(weight)) == (9, 11.0, [1.0, 2.0])


def test_remat_has_the_same_gradient_and_keeps_assignments(weight, count):
    def f(x):
        count.assign_add(1)
        return ops.sum(ops.sin(x) * weight)

    x = np.array([0.5, 1.0], "float32")
    plain = lamina.grad(f)(x)
    assert np.allclose(lamina.grad(lamina.remat(f))(x), plain)
    assert int(count) == 2


def test_vmap_reads_variables_and_refuses_an_assignment_for_each_element(weight):
    sums = lamina.vmap(lambda x: ops.sum(x * weight))(np.ones((3, 2), "float32"))
    assert numbers(sums) == [3.0] * 3
    with pytest.raises(ValueError, match=r"weight.*different value"):
        lamina.vmap(weight.assign)(np.ones((3, 2), "float32"))
    assert weight.numpy().tolist() == [1.0, 2.0]


def test_assignment_under_plain_jax_is_explained():
    with use("jax"):
        weight = lamina.Variable([1.0, 2.0], name="weight")
        expected = r"'weight'.*lamina\.jit.*stateless_call"
        with pytest.raises(lamina.LeakedTraceError, match=expected):
            jax.jit(lambda x: weight.assign(weight.value + x))(1.0)
        assert weight.numpy().tolist() == [1.0, 2.0]


@pytest.mark.parametrize("name", ["jax", "tensorflow"])
def test_leaked_tracer_is_explained(name):
    kept = []
    with use(name):
        lamina.jit(lambda x: kept.append(x * 1) or x)(np.ones(2, "float32"))
        with pytest.raises(lamina.LeakedTraceError, match=r"kept.*lamina\.Variable"):
            lamina.jit(lambda x: x + kept[0])(np.ones(2, "float32"))


def test_eval_shape_of_framework_code_is_traced_by_the_framework():
    with use("jax"):
        found = lamina.eval_shape(lambda x: jnp.sin(x).sum(0), KerasTensor((None, 3)))
    assert (found.shape, found.dtype) == ((3,), "float32")


@pytest.fixture
def on_jax():
    with use("jax"):
        yield


def test_plain_jax_transformations_over_stateless_call(on_jax):
    layer = lamina.layers.Dense(2)
    layer.build((None, 3))
    x = np.ones((4, 3), "float32")

    def loss(trained):
        outputs, _ = layer.stateless_call(trained, [], x)
        return outputs.sum()

    trained = [v.value for v in layer.trainable_variables]
    gradients = jax.jit(jax.grad(loss))(trained)
    assert np.allclose(gradients[0], 4.0)
    assert np.allclose(
        layer(x), jax.vmap(lambda row: layer.stateless_call(trained, [], row[None])[0][0])(x)
    )


@pytest.mark.parametrize("name", ["jax", "torch", "tensorflow", "numpy"])
def test_a_copy_stays_what_it_was(name):
    with use(name):
        weight = lamina.Variable([1.0, 2.0])
        kept = ops.copy(weight.value)
        weight.assign([3.0, 4.0])
        assert numbers(kept) == [1.0, 2.0]


def test_arrays_changed_after_a_call_change_no_tensor():
    """JAX computes later than Python runs, and takes an array's memory as its own where it can."""
    step = lamina.jit(lambda x: x + 0)
    for _ in range(10):
        for make in (ops.convert_to_tensor, lambda x: ops.convert_to_tensor(x, "float32"), step):
            x = np.ones(1 << 18, "float32")
            y = make(x)
            x[:] = 2
            assert float(ops.max(y)) == 1.0
