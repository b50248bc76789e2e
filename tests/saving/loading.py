"""What the tests of files share: loading, and looking at what a refusal says."""

import warnings

import pytest

import lamina
from lamina.saving import load_model


def quietly(load, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lamina.saving.UnverifiedFileWarning)
        return load(*args, **kwargs)


def refused(error, path, *words):
    with pytest.raises(error) as caught:
        load_model(path)
    text = str(caught.value)
    assert str(path) in text and len(text) <= 600
    for word in words:
        assert word in text
    return text
