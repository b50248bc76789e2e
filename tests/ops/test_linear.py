"""Products, norms and decompositions beyond the table: what they multiply to, gradients, Keras."""

import math

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lamina
from lamina import ops
from lamina.backend import current, use
from lamina.ops.row import ShapeError
from lamina.symbolic import KerasTensor
from tests.ops.trials import WITH_GRADIENTS, on_each_backend

EXAMPLES = settings(max_examples=15, deadline=None)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def numbers(x):
    return np.asarray(ops.convert_to_numpy(x))


def close(one, other, tolerance=1e-4):
    np.testing.assert_allclose(numbers(one), numbers(other), tolerance, tolerance)


def positive(*shape, seed=0):
    root = normal(*shape, seed=seed)
    return root @ np.swapaxes(root, -1, -2) + np.eye(shape[-1])


# Decompositions ---------------------------------------------------------------------------


@on_each_backend
@pytest.mark.parametrize("shape", [(3, 3), (2, 4, 3), (2, 3, 4), (1, 1)])
@pytest.mark.parametrize("mode", ["reduced", "complete"])
def test_qr_multiplies_to_the_matrix(shape, mode):
    x = normal(*shape).astype("float32")
    q, r = map(numbers, ops.qr(x, mode))
    close(q @ r, x)
    close(
        np.swapaxes(q, -1, -2) @ q,
        np.broadcast_to(np.eye(q.shape[-1]), (*shape[:-2],) + (q.shape[-1],) * 2),
    )
    close(np.triu(r), r)


@on_each_backend
@pytest.mark.parametrize("shape", [(3, 3), (2, 4, 3), (2, 3, 4)])
@pytest.mark.parametrize("full", [True, False])
def test_svd_multiplies_to_the_matrix(shape, full):
    x = normal(*shape).astype("float32")
    u, s, vt = map(numbers, ops.svd(x, full_matrices=full))
    count = s.shape[-1]
    close(u[..., :count] * s[..., None, :] @ vt[..., :count, :], x)
    for factor in (u, np.swapaxes(vt, -1, -2)):
        product = np.swapaxes(factor, -1, -2) @ factor
        close(product, np.broadcast_to(np.eye(product.shape[-1]), product.shape))
    close(s, ops.svd(x, compute_uv=False))
    assert (np.diff(s) <= 0).all() and (s >= 0).all()


@on_each_backend
def test_eigenvectors_keep_their_direction():
    x = positive(2, 3, 3).astype("float32")
    values, vectors = map(numbers, ops.eigh(x))
    close(x @ vectors, vectors * values[..., None, :])
    assert (np.diff(values) >= 0).all()
    turned = normal(2, 3, 3).astype("float32")
    values, vectors = map(numbers, ops.eig(turned))
    close(turned @ vectors, vectors * values[..., None, :])
    close(np.linalg.norm(vectors, axis=-2), np.ones((2, 3)))


@on_each_backend
def test_of_a_matrix_that_is_not_symmetric_both_triangles_count():
    x = positive(3, 3).astype("float32")
    skewed = x + np.triu(np.ones((3, 3), "float32"), 1) - np.tril(np.ones((3, 3), "float32"), -1)
    close(ops.cholesky(skewed), ops.cholesky(x))
    close(ops.cholesky(skewed, upper=True), numbers(ops.cholesky(x)).T)
    close(ops.eigh(skewed)[0], ops.eigh(x)[0])


@on_each_backend
@pytest.mark.parametrize("shape", [(3, 3), (2, 4, 3), (2, 3, 4), (0, 3)])
def test_triangles_and_pivots_make_the_matrix(shape):
    x = normal(*shape).astype("float32")
    lu, pivots = map(numbers, ops.lu_factor(x))
    rows, columns = shape[-2:]
    count = min(rows, columns)
    lower = np.tril(lu, -1)[..., :count] + np.eye(rows, count)
    many = math.prod(shape[:-2])
    product = (lower @ np.triu(lu)[..., :count, :]).reshape(many, rows, columns)
    for matrix, order in zip(product, pivots.reshape(many, count), strict=True):
        for i in reversed(range(count)):
            matrix[[i, order[i]]] = matrix[[order[i], i]]
    close(product.reshape(shape), x)
    assert (np.abs(lower) <= 1 + 1e-6).all()
    assert (pivots >= np.arange(count)).all()


@on_each_backend
def test_what_a_singular_matrix_has_no_result_of_is_not_finite_and_alone():
    stack = np.stack([np.ones((2, 2)), 2 * np.eye(2)]).astype("float32")
    for found in (ops.inv(stack), ops.solve(stack, np.ones((2, 2, 1), "float32"))):
        assert not np.isfinite(numbers(found)[0]).any() and np.isfinite(numbers(found)[1]).all()
    triangles = np.stack([np.diag([1, 0]), 2 * np.eye(2)]).astype("float32")
    found = numbers(ops.solve_triangular(triangles, np.ones((2, 2), "float32"), lower=True))
    assert not np.isfinite(found[0]).all() and found[1].tolist() == [0.5, 0.5]
    found = numbers(ops.cholesky(np.stack([-np.eye(2), 4 * np.eye(2)]).astype("float32")))
    assert np.isnan(found[0]).any() and found[1].tolist() == [[2, 0], [0, 2]]
    sign, logarithm = map(numbers, ops.slogdet(stack))
    assert (sign.tolist(), logarithm[0]) == ([0, 1], -math.inf)
    assert numbers(ops.det(stack)).tolist() == [0, 4]


@on_each_backend
@pytest.mark.parametrize("shape", [(0, 0), (2, 0, 0)])
def test_matrices_without_elements(shape):
    x = np.zeros(shape, "float32")
    assert numbers(ops.det(x)).tolist() == np.ones(shape[:-2]).tolist()
    for name in ("inv", "cholesky", "pinv"):
        assert getattr(ops, name)(x).shape == shape
    assert numbers(ops.matrix_rank(x)).tolist() == np.zeros(shape[:-2]).tolist()


def test_pseudo_inverses_are_those_of_keras():
    for shape in [(4, 3), (2, 3, 4)]:
        x = normal(*shape).astype("float32")
        x[..., 2] = x[..., 0] + x[..., 1]
        close(ops.pinv(x), keras.ops.pinv(x), 1e-3)
        close(ops.pinv(x, 0.5), keras.ops.pinv(x, 0.5), 1e-3)
        close(ops.matrix_rank(x), keras.ops.matrix_rank(x))
        close(ops.matrix_rank(x, 1.0), keras.ops.matrix_rank(x, 1.0))
    each = np.array([1e-6, 0.5], "float32")
    close(ops.pinv(x, each), keras.ops.pinv(x, each), 1e-3)
    b = normal(4, 2).astype("float32")
    for a in (normal(4, 3), normal(4, 6), np.ones((4, 3))):
        a = a.astype("float32")
        close(ops.lstsq(a, b), keras.ops.lstsq(a, b), 1e-3)
        close(ops.lstsq(a, b[:, 0], 0.1), keras.ops.lstsq(a, b[:, 0], 0.1), 1e-3)


def test_factors_and_distances_are_those_of_keras():
    factor = np.linalg.cholesky(positive(3, 3)).astype("float32")
    close(ops.cholesky_inverse(factor), keras.ops.cholesky_inverse(factor))
    upper = factor.T.copy()
    close(ops.cholesky_inverse(upper, upper=True), keras.ops.cholesky_inverse(upper, upper=True))
    x = normal(3, 4).astype("float32")
    for one, other in zip(ops.lu_factor(x), keras.ops.lu_factor(x), strict=True):
        close(one, other)
    x, y = (normal(2, n, 3, seed=n).astype("float32") + 1e3 for n in (4, 5))
    close(ops.cdist(x, y), keras.ops.cdist(x, y))
    assert ops.cdist(KerasTensor((None, 4)), KerasTensor((5, 4))).shape == (None, 5)


# Gradients --------------------------------------------------------------------------------


def _parts(name, *squared):
    """The results of an op, those that are unique up to their sign squared."""

    def function(x, **options):
        results = getattr(ops, name)(x, **options)
        return [ops.square(one) if i in squared else one for i, one in enumerate(results)]

    return function


MANY = {
    "slogdet": (_parts("slogdet"), (2, 3, 3)),
    "qr": (_parts("qr", 0, 1), (2, 4, 3)),
    "qr of a wide matrix": (_parts("qr", 0, 1), (2, 3, 4)),
    "complete qr": (lambda x: _parts("qr", 0, 1)(x, mode="complete"), (3, 3)),
    "svd": (lambda x: _parts("svd", 0, 2)(x, full_matrices=False), (2, 4, 3)),
    "svd of a wide matrix": (lambda x: _parts("svd", 0, 2)(x, full_matrices=False), (3, 4)),
    "full svd": (_parts("svd", 0, 2), (3, 3)),
    "eigh": (_parts("eigh", 1), (2, 3, 3)),
    "lu_factor": (lambda x: ops.lu_factor(x)[0], (2, 3, 3)),
    "lu_factor of a tall matrix": (lambda x: ops.lu_factor(x)[0], (4, 3)),
    "fft": (lambda x: ops.fft((x[0], x[1])), (2, 3, 5)),
    "fft2": (lambda x: ops.fft2((x[0], x[1])), (2, 3, 4)),
    "ifft2": (lambda x: ops.ifft2((x[0], x[1])), (2, 3, 4)),
    "rfft": (lambda x: ops.rfft(x), (2, 6)),
    "rfft of an odd length": (lambda x: ops.rfft(x), (2, 5)),
    "rfft of a part": (lambda x: ops.rfft(x, 4), (2, 7)),
    "rfft of more": (lambda x: ops.rfft(x, 9), (2, 7)),
    "irfft": (lambda x: ops.irfft((x[0], x[1])), (2, 2, 4)),
    "irfft of an odd length": (lambda x: ops.irfft((x[0], x[1]), 5), (2, 2, 4)),
    "irfft of more": (lambda x: ops.irfft((x[0], x[1]), 10), (2, 2, 4)),
    "stft": (lambda x: ops.stft(x, 5, 2, 8), (2, 12)),
    "stft from the start": (lambda x: ops.stft(x, 4, 3, 4, window=None, center=False), (12,)),
    "istft": (lambda x: ops.istft((x[0], x[1]), 6, 2, 8), (2, 2, 6, 5)),
    "window": (lambda x: ops.stft(np.arange(12.0), 5, 2, 8, window=x), (5,)),
}


def slopes_of(function, x):
    """The gradient by central differences, in double precision."""

    def exact(x):
        with use("numpy"):
            return float(function(x))

    found = np.zeros_like(x)
    for place in np.ndindex(*x.shape):
        step = np.zeros_like(x)
        step[place] = 1e-5
        found[place] = (exact(x + step) - exact(x - step)) / 2e-5
    return found


def gradient_of(function, x):
    value = ops.convert_to_tensor(x, "float32")
    return numbers(current().value_and_grad(function, None, 0, False)(value)[1])


@on_each_backend
@pytest.mark.parametrize("name", MANY)
def test_gradients_of_several_results(name):
    function, shape = MANY[name]

    def loss(x):
        results = function(x)
        results = results if isinstance(results, (list, tuple)) else [results]
        total = 0.0
        for i, one in enumerate(results):
            weights = np.random.default_rng(i).uniform(1, 2, tuple(one.shape))
            total = ops.add(total, ops.sum(ops.multiply(one, weights.astype(ops.dtype(one)))))
        return total

    x = normal(*shape, seed=3)
    np.testing.assert_allclose(gradient_of(loss, x), slopes_of(loss, x), 5e-3, 5e-3)


@on_each_backend
def test_the_gradient_of_eigenvalues():
    real = lambda x: current().kernel("real")(x)  # noqa: E731

    def loss(x):
        values, _ = ops.eig(x)
        return ops.sum(real(values * values * values))  # the trace of x³

    x = normal(3, 3)
    expected = 3 * np.swapaxes(x @ x, -1, -2)
    np.testing.assert_allclose(gradient_of(loss, x), expected, 1e-3, 1e-3)


@on_each_backend
@pytest.mark.parametrize(
    "function",
    [
        ops.norm,
        lambda x: ops.norm(x, ord="fro", axis=(0, 1)),
        lambda x: ops.sum(ops.norm(x, ord=3, axis=-1)),
        lambda x: ops.sum(ops.norm(x, axis=0, keepdims=True)),
        lambda x: ops.norm(x, ord="nuc", axis=(0, 1)),
        lambda x: ops.norm(x, ord=2, axis=(0, 1)),
        lambda x: ops.norm(x, ord=1, axis=(0, 1)),
        lambda x: ops.sum(ops.cdist(x, x)),
        lambda x: ops.det(x),
    ],
)
def test_gradients_at_zero_are_finite(function):
    assert np.isfinite(gradient_of(function, np.zeros((3, 3)))).all()


@on_each_backend
def test_a_norm_of_zero_stands_still():
    rows = np.array([[0.0, 0.0], [3.0, 4.0]])
    found = gradient_of(lambda x: ops.sum(ops.norm(x, axis=-1)), rows)
    assert found.round(4).tolist() == [[0, 0], [0.6, 0.8]] or np.allclose(found[1], [0.6, 0.8])
    assert found[0].tolist() == [0, 0]
    points = np.array([[0.0, 0.0], [0.0, 2.0], [0.0, 0.0]])
    found = gradient_of(lambda x: ops.sum(ops.cdist(x, x)), points)
    np.testing.assert_allclose(found, [[0, -2], [0, 4], [0, -2]])


@on_each_backend
@pytest.mark.parametrize("rank", [2, 1])
def test_a_determinant_of_zero_has_its_gradient(rank):
    x = (normal(3, rank, seed=1) @ normal(rank, 3, seed=2)).astype("float32").astype("float64")
    if rank == 2:
        x = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, 0.0, 1.0]])
    np.testing.assert_allclose(gradient_of(ops.det, x), slopes_of(ops.det, x), 1e-3, 1e-3)


@on_each_backend
def test_equal_eigenvalues_and_singular_values_have_gradients():
    for function in (
        lambda x: ops.sum(ops.exp(ops.eigh(x)[0])),
        lambda x: ops.sum(ops.square(ops.svd(x, compute_uv=False))),
        lambda x: ops.norm(x, "nuc"),
        lambda x: ops.sum(ops.pinv(x)),
    ):
        x = 2 * np.eye(3)
        np.testing.assert_allclose(gradient_of(function, x), slopes_of(function, x), 1e-3, 1e-3)


@on_each_backend
def test_gradients_of_gradients_of_pseudo_inverses():
    x = np.array([[2.0, 1.0], [0.5, 3.0], [1.0, 1.0]])

    def slope(x):
        return ops.sum(ops.square(lamina.grad(lambda y: ops.sum(ops.square(ops.pinv(y))))(x)))

    def exact(x):
        with use("numpy"):
            p = np.linalg.pinv(x)
        ut, pt = 2 * p.T, p.T
        found = -pt @ (2 * p) @ pt + (np.eye(3) - x @ p) @ ut @ p @ pt
        found = found + pt @ p @ ut @ (np.eye(2) - p @ x)
        return np.sum(found**2)

    np.testing.assert_allclose(gradient_of(slope, x), slopes_of(exact, x), 1e-3, 1e-3)


# Errors -----------------------------------------------------------------------------------

WRONG = {
    "orders of vectors": lambda x: ops.norm(x, ord="fro", axis=0),
    "orders of matrices": lambda x: ops.norm(x, ord=3),
    "three axes": lambda x: ops.norm(x[None], axis=(0, 1, 2)),
    "an order of the whole": lambda x: ops.norm(x[None], ord=1),
    "axes that there are not": lambda x: ops.norm(x, axis=2),
    "negative numbers of axes": lambda x: ops.tensordot(x, x, -1),
    "too many axes": lambda x: ops.tensordot(x, x, 3),
    "axes of different sizes": lambda x: ops.tensordot(x, x, ([0], [1])),
    "lists of different lengths": lambda x: ops.tensordot(x, x, ([0, 1], [0])),
    "letters twice": lambda x: ops.einsum("ij->iij", x),
    "letters that there are not": lambda x: ops.einsum("ij->k", x),
    "too few letters": lambda x: ops.einsum("i->i", x),
    "too many operands": lambda x: ops.einsum("ij", x, x),
    "letters of two sizes": lambda x: ops.einsum("ij,ij->ij", x, x.T),
    "rectangles": ops.inv,
    "determinants of rectangles": ops.det,
    "eigenvalues of rectangles": ops.eig,
    "roots of rectangles": ops.cholesky,
    "vectors": lambda x: ops.matrix_rank(x[0]),
    "modes": lambda x: ops.qr(x, mode="raw"),
    "equations of other sizes": lambda x: ops.solve(x @ x.T, np.ones(5, "float32")),
    "distances of other sizes": lambda x: ops.cdist(x, x.T),
    "vectors without a product": lambda x: ops.cross(np.ones(4, "float32"), np.ones(4, "float32")),
    "parts of different shapes": lambda x: ops.fft((x, x[0])),
    "planes of vectors": lambda x: ops.fft2((x[0], x[0])),
    "no elements": lambda x: ops.rfft(x, 0),
    "strides of nothing": lambda x: ops.extract_sequences(x, 2, 0),
}


@on_each_backend
@pytest.mark.parametrize("name", WRONG)
def test_what_there_is_not_is_refused_alike(name):
    x = normal(2, 3).astype("float32")
    with pytest.raises(ShapeError) as here:
        WRONG[name](x)
    with use("numpy"), pytest.raises(ShapeError) as there:
        WRONG[name](x)
    assert str(here.value) == str(there.value) and len(str(here.value)) <= 600


# Keras ------------------------------------------------------------------------------------


@st.composite
def einsums(draw):
    """Subscripts of one to four operands, with what they may have; and the operands' shapes."""
    sizes = {letter: draw(st.integers(1, 3)) for letter in "abcDe"}
    batch = draw(st.lists(st.integers(1, 2), max_size=2))
    terms, shapes = [], []
    for _ in range(draw(st.integers(1, 4))):
        letters = draw(st.lists(st.sampled_from("abcDe"), max_size=3))
        dots = draw(st.booleans())
        place = draw(st.integers(0, len(letters)))
        term = "".join(letters[:place]) + "..." * dots + "".join(letters[place:])
        sizes_of = [sizes[letter] for letter in letters]
        terms.append(term)
        shapes.append((*sizes_of[:place], *(batch if dots else ()), *sizes_of[place:]))
    left = ",".join(terms)
    known = sorted({letter for letter in left if letter not in ".,"})
    if draw(st.booleans()):
        return left, shapes
    right = draw(st.permutations(known))[: draw(st.integers(0, len(known)))]
    dots = "..." if "..." in left and draw(st.integers(0, 3)) else ""
    return f"{left}->{dots}{''.join(right)}", shapes


@pytest.mark.every_backend
@EXAMPLES
@given(einsums())
def test_einsum_is_that_of_keras(one):
    subscripts, shapes = one
    operands = [normal(*shape, seed=i).astype("float32") for i, shape in enumerate(shapes)]
    expected = keras.ops.einsum(subscripts, *operands)
    for name in WITH_GRADIENTS:
        with use(name):
            found = ops.einsum(subscripts, *operands)
            assert tuple(found.shape) == expected.shape
            close(found, expected)
    symbols = ops.einsum(subscripts, *(KerasTensor(shape) for shape in shapes))
    assert symbols.shape == expected.shape


@st.composite
def contractions(draw):
    common = draw(st.lists(st.integers(0, 3), max_size=2))
    left, right = (draw(st.lists(st.integers(1, 3), max_size=2)) for _ in range(2))
    orders = [draw(st.permutations(range(len(common) + len(rest)))) for rest in (left, right)]
    shapes, axes = [], []
    for rest, order in zip((left, right), orders, strict=True):
        sizes = [*common, *rest]
        shapes.append(tuple(sizes[i] for i in order))
        places = [order.index(i) for i in range(len(common))]
        axes.append([p - len(sizes) if draw(st.booleans()) else p for p in places])
    return shapes, axes


@pytest.mark.every_backend
@EXAMPLES
@given(contractions())
def test_tensordot_is_that_of_keras(one):
    shapes, axes = one
    x, y = (normal(*shape, seed=i).astype("float32") for i, shape in enumerate(shapes))
    expected = keras.ops.tensordot(x, y, axes)
    assert ops.tensordot(KerasTensor(x.shape), KerasTensor(y.shape), axes).shape == expected.shape
    for name in WITH_GRADIENTS:
        with use(name):
            close(ops.tensordot(x, y, axes), expected)


@pytest.mark.every_backend
@EXAMPLES
@given(st.data())
def test_norms_are_those_of_keras(data):
    shape = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    rank = len(shape)
    axes = data.draw(st.permutations(range(-rank, 0)))[: data.draw(st.integers(0, min(rank, 2)))]
    axes = [axis + rank * data.draw(st.booleans()) for axis in axes]
    axis = None if not axes else axes[0] if len(axes) == 1 else tuple(axes)
    matrices = len(axes) == 2 or (not axes and rank == 2)
    orders = ["fro", "nuc", 1, -1, 2, -2] if matrices else [0, 1, 2, 3, 0.5, -1, -2.5]
    orders = [None, *orders, math.inf, -math.inf]
    order = None if not axes and rank > 2 else data.draw(st.sampled_from(orders))
    keepdims = data.draw(st.booleans())
    x = normal(*shape).astype("float32")
    expected = keras.ops.norm(x, order, axis, keepdims)
    for name in WITH_GRADIENTS:
        with use(name):
            found = ops.norm(x, order, axis, keepdims)
            assert tuple(found.shape) == expected.shape
            close(found, expected, 1e-3)
    assert ops.norm(KerasTensor(x.shape), order, axis, keepdims).shape == expected.shape


def test_norms_of_nothing_and_of_integers():
    for order in (None, 1, math.inf):
        assert float(ops.norm(np.zeros(0, "float32"), order)) == 0
    assert ops.dtype(ops.norm([3, 4])) == "float32" and float(ops.norm([3, 4])) == 5
    assert np.isfinite(float(ops.norm(np.full(9, 300, "float16")[:4])))


@on_each_backend
@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ((3, 3), (3,), (3,)),
        ((2, 3, 3), (2, 3), (2, 3)),
        ((2, 3, 3), (3,), (2, 3)),
        ((2, 3, 3), (3, 2), (2, 3, 2)),
        ((1, 3, 3), (2, 3, 4), (2, 3, 4)),
        ((2, 1, 3, 3), (2, 5, 3), (2, 5, 3)),
    ],
)
def test_equations_of_vectors_and_of_stacks(a, b, expected):
    matrices = (normal(*a) + 3 * np.eye(3)).astype("float32")
    right = normal(*b).astype("float32")
    for name in ("solve", "solve_triangular", "lstsq"):
        found = numbers((function := getattr(ops, name))(matrices, right))
        assert found.shape == function(KerasTensor(a), KerasTensor(b)).shape == expected
        factors = np.triu(matrices) if name == "solve_triangular" else matrices
        whole = found if len(expected) == len(a) else found[..., None]
        close((factors @ whole).reshape(expected), np.broadcast_to(right, expected), 1e-3)


def test_symbolic_results_of_least_squares():
    x = KerasTensor((None, 4, 3))
    assert ops.pinv(x).shape == (None, 3, 4)
    assert ops.lstsq(x, KerasTensor((None, 4, 2))).shape == (None, 3, 2)
    assert (ops.matrix_rank(x).shape, ops.matrix_rank(x).dtype) == ((None,), "int32")
    assert [one.shape for one in ops.lu_factor(x)] == [(None, 4, 3), (None, 3)]
    assert [one.dtype for one in ops.eig(KerasTensor((3, 3)))] == ["complex64"] * 2
