"""Pictures of models, as Graphviz source: no Graphviz needed."""

import pytest

import lamina
from lamina import layers

pytest.importorskip("pydot")


def branching():
    x = lamina.Input((4,), name="x")
    inner = lamina.Sequential([lamina.Input((4,)), layers.Dense(3, name="deep")], name="inner")
    y = layers.Concatenate(name="join")([inner(x), x])
    return lamina.Model(x, layers.Dense(2, activation="relu", name="head")(y), name="outer")


def test_boxes_and_arrows(tmp_path):
    target = tmp_path / "model.dot"
    lamina.utils.plot_model(branching(), str(target), show_shapes=True, show_layer_names=True)
    text = target.read_text()
    for arrow in ("x -> inner", "inner -> join", "x -> join", "join -> head"):
        assert arrow in text.replace('"', "")
    assert "out: (None, 7)" in text and "head (Dense)" in text


def test_nested_models_become_clusters():
    graph = lamina.utils.model_to_dot(branching(), expand_nested=True, show_layer_activations=True)
    text = graph.to_string()
    assert "cluster_inner" in text and "activation: relu" in text
    assert "inner/deep -> join" in text.replace('"', "")


def test_an_unbuilt_model_says_what_to_do():
    with pytest.raises(ValueError, match=r"not built.*build"):
        lamina.utils.model_to_dot(lamina.Sequential([layers.Dense(1)]))
