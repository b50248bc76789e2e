"""The table of `summary()`."""

import pytest

import lamina
from lamina import layers


def model():
    x = lamina.Input((8,), name="a_rather_long_name_for_an_input_of_a_model")
    h = layers.Dense(4, name="first")(x)
    inner = lamina.Sequential([lamina.Input((4,)), layers.Dense(2, name="deep")], name="inner")
    return lamina.Model(x, layers.Add(name="sum")([inner(h), layers.Dense(2, name="side")(h)]))


def text(**kwargs):
    lines = []
    model().summary(print_fn=lines.append, **kwargs)
    return "\n".join(lines)


@pytest.mark.parametrize("width", [50, 80, 120])
def test_fits_the_width(width):
    assert max(map(len, text(line_length=width).splitlines())) <= width


def test_counts_shapes_and_sources():
    found = text(line_length=140)
    for part in ("first (Dense)", "(None, 4)", "36", "side[0]", "Total params: 56"):
        assert part in found


def test_nested_models_and_trainable():
    assert "deep" not in text()
    found = text(expand_nested=True, show_trainable=True, line_length=140)
    assert "deep (Dense)" in found and "Trainable" in found


def test_range_of_layers():
    found = text(layer_range=["first", "inner"])
    assert "first" in found and "side" not in found.replace("inside", "")


def test_unbuilt_says_so(capsys):
    lamina.Sequential([layers.Dense(2)]).summary()
    assert "unbuilt" in capsys.readouterr().out
