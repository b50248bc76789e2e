"""Attention in heads against Keras."""

import keras
import numpy as np
import pytest

import lamina
from lamina import layers, ops
from lamina.core.context import get_mask
from tests.layers.test_recurrent import agree

GENERATOR = np.random.default_rng(0)


def draw(*shape):
    return GENERATOR.normal(size=shape).astype("float32")


QUERY, VALUE, KEY, IMAGE = draw(2, 5, 4), draw(2, 6, 3), draw(2, 6, 7), draw(2, 3, 5, 4)
SOURCES = np.array([[1, 1, 0, 1, 0, 0], [0, 1, 1, 1, 1, 1]], bool)
TARGETS = np.array([[1, 1, 0, 1, 0], [0, 1, 1, 1, 1]], bool)
SEEN = GENERATOR.random((2, 5, 6)) > 0.4
SEEN[0, 1] = False

CASES = {
    "self": ({}, [QUERY, QUERY], {}),
    "cross": ({"use_bias": False}, [QUERY, VALUE, KEY], {}),
    "output": ({"output_shape": (7, 2)}, [QUERY, VALUE], {}),
    "causal": ({"use_gate": True}, [QUERY, QUERY], {"use_causal_mask": True}),
    "window": ({"sliding_window": 2}, [QUERY, QUERY], {}),
    "padded": ({}, [QUERY, VALUE], {"value_mask": SOURCES, "query_mask": TARGETS}),
    "key mask": ({}, [QUERY, VALUE, KEY], {"key_mask": SOURCES}),
    "mask": ({}, [QUERY, VALUE], {"attention_mask": SEEN}),
    "mask of heads": ({}, [QUERY, VALUE], {"attention_mask": np.stack([SEEN, ~SEEN], 1)}),
    "columns": ({"attention_axes": 1}, [IMAGE, IMAGE], {}),
    "rows": ({"attention_axes": (2,)}, [IMAGE, IMAGE], {}),
    "image": ({}, [IMAGE, IMAGE], {}),
}


@pytest.mark.parametrize("scores", [False, True], ids=["output", "scores"])
@pytest.mark.parametrize("case", CASES)
def test_agrees_with_keras(case, scores):
    arguments, inputs, call = CASES[case]
    call = {**call, "return_attention_scores": scores}
    layer, reference = agree(lambda of: of.MultiHeadAttention(2, 3, **arguments), *inputs, **call)
    assert [v.path.partition("/")[2] for v in layer.weights] == [
        v.path.partition("/")[2] for v in reference.weights
    ]
    keys = reference.get_config().keys()
    assert keys == layer.get_config().keys()
    keras.layers.MultiHeadAttention.from_config(layer.get_config())
    again = layers.MultiHeadAttention.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()


GROUPED = {
    "shared": ({}, [QUERY, VALUE, KEY], {}),
    "gate": ({"use_gate": True, "use_bias": False}, [QUERY, QUERY], {"use_causal_mask": True}),
    "one key head": ({"num_key_value_heads": 1, "sliding_window": 2}, [QUERY, VALUE], {}),
    "padded": (
        {"num_key_value_heads": 4},
        [QUERY, VALUE],
        {"query_mask": TARGETS, "value_mask": SOURCES, "key_mask": SOURCES[::-1]},
    ),
    "mask": ({}, [QUERY, VALUE], {"attention_mask": SEEN, "use_causal_mask": True}),
}


@pytest.mark.parametrize("scores", [False, True], ids=["output", "scores"])
@pytest.mark.parametrize("case", GROUPED)
def test_grouped_queries_agree_with_keras(case, scores):
    arguments, inputs, call = GROUPED[case]
    arguments = {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2, **arguments}
    call = {**call, "return_attention_scores": scores}
    layer, reference = agree(lambda of: of.GroupQueryAttention(**arguments), *inputs, **call)
    paths = [[v.path.partition("/")[2] for v in one.weights] for one in (layer, reference)]
    assert paths[0] == paths[1]
    assert layer.name.rstrip("_0123456789") == reference.name.rstrip("_0123456789")
    assert layer.get_config().keys() == reference.get_config().keys()
    again = layers.GroupQueryAttention.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()


def test_heads_that_do_not_divide_are_refused():
    with pytest.raises(ValueError, match="4 query heads are no multiple of 3"):
        layers.GroupQueryAttention(8, 4, 3)


MAKERS = {
    "heads": lambda of, x: of.MultiHeadAttention(2, 3)(x, x, use_causal_mask=True),
    "groups": lambda of, x: of.GroupQueryAttention(3, 4, 2)(x, x),
    "dot": lambda of, x: of.Attention()([x, x], use_causal_mask=True),
    "additive": lambda of, x: of.AdditiveAttention()([x, x]),
}


@pytest.mark.filterwarnings("ignore:.*passed an input with a mask:UserWarning")  # of Keras
@pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS)
def test_masks_of_an_embedding_hide_padding_as_in_keras(maker):
    words, outputs, weights = np.array([[3, 1, 2, 0, 0], [1, 0, 4, 4, 0]]), [], None
    for of, model in ((layers, lamina.Model), (keras.layers, keras.Model)):
        inputs = of.Input((None,), dtype="int32")
        attended = maker(of, of.Embedding(5, 4, mask_zero=True)(inputs))
        made = model(inputs, of.GlobalAveragePooling1D()(attended))
        weights = weights or [GENERATOR.normal(size=w.shape) for w in made.get_weights()]
        made.set_weights(weights)
        outputs.append(np.asarray(ops.convert_to_numpy(made(words))))
    np.testing.assert_allclose(*outputs, rtol=1e-5, atol=1e-5)


def test_members_are_read_only():
    layer = layers.MultiHeadAttention(2, 3, attention_axes=1)
    assert (layer.num_heads, layer.key_dim, layer.value_dim, layer.attention_axes) == (
        2,
        3,
        3,
        (1,),
    )
    with pytest.raises(AttributeError, match="num_heads"):
        layer.num_heads = 4
    with pytest.raises(AttributeError, match="query_dense"):
        _ = layer.query_dense
    layer(QUERY, VALUE)
    assert layer.query_dense.kernel.shape == (4, 2, 3)
    assert layer.output_dense.kernel.shape == (2, 3, 4)


def test_another_size_of_values():
    call = {"return_attention_scores": True}
    arguments = {"value_dim": 5, "output_shape": 7}
    layer, _ = agree(lambda of: of.MultiHeadAttention(2, 3, **arguments), QUERY, VALUE, KEY, **call)
    whole = layer(QUERY, VALUE, KEY, return_attention_scores=True)[0]
    alone = layer(QUERY, VALUE, KEY)
    np.testing.assert_allclose(*map(ops.convert_to_numpy, (alone, whole)), rtol=1e-6)


def test_shape_is_foreseen():
    layer = layers.MultiHeadAttention(2, 3, value_dim=5)
    spec = layer(lamina.KerasTensor((None, None, 4)), lamina.KerasTensor((None, 6, 3)))
    assert spec.shape == (None, None, 4)


def test_dropout_changes_the_output_in_training_only():
    layer = layers.MultiHeadAttention(2, 3, dropout=0.5, seed=1)
    still = [ops.convert_to_numpy(layer(QUERY, QUERY)) for _ in range(2)]
    moving = [ops.convert_to_numpy(layer(QUERY, QUERY, training=True)) for _ in range(2)]
    np.testing.assert_array_equal(*still)
    assert (moving[0] != moving[1]).any()


def test_mask_of_the_query_goes_on():
    layer = layers.MultiHeadAttention(2, 3)
    query = layers.Masking()(QUERY * TARGETS[..., None])
    np.testing.assert_array_equal(get_mask(layer(query, VALUE)), TARGETS)
