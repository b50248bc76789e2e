"""Texts as lists of word numbers, as IMDB and Reuters have them."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamina.utils.files import get_file

Texts = NDArray[Any]


def check_texts(name: str, texts: Texts) -> None:
    """Refuse what is not an array of lists of whole numbers."""
    for text in texts:
        if type(text) is not list or not set(map(type, text)) <= {int}:
            raise ValueError(f"{name} is not the data set: a text in it is no list of numbers.")


def marked(texts: Texts, start_char: int | None, index_from: int | None) -> list[list[int]]:
    """Texts whose words are counted from `index_from`, behind the mark of the start."""
    start = [] if start_char is None else [start_char]
    if not index_from:
        return [start + text for text in texts]
    return [start + [word + index_from for word in text] for text in texts]


def short(
    texts: list[list[int]], labels: NDArray[Any], maxlen: int | None
) -> tuple[list[list[int]], NDArray[Any]]:
    """The texts of fewer than `maxlen` words, and their labels; all where it is None or 0."""
    if not maxlen:
        return texts, labels
    kept = [place for place, text in enumerate(texts) if len(text) < maxlen]
    return [texts[place] for place in kept], labels[kept]


def frequent(
    parts: Sequence[list[list[int]]],
    num_words: int | None,
    skip_top: int,
    oov_char: int | None,
) -> list[Texts]:
    """Texts with `oov_char` for the words that are too rare or too frequent.

    Args:
        parts: lists of texts.
        num_words: words from this number on are replaced; by default the highest that occurs.
        skip_top: words below this number are replaced.
        oov_char: what replaces them; None leaves them out.

    Returns:
        An array of lists for each part.

    Raises:
        ValueError: there is no text at all.
    """
    if not any(parts):
        raise ValueError("load_data: no text is shorter than maxlen; pass a larger one.")
    end = num_words or max(max(text, default=0) for part in parts for text in part)
    found = []
    for part in parts:
        if oov_char is None:
            kept = [[word for word in text if skip_top <= word < end] for text in part]
        else:
            kept = [[w if skip_top <= w < end else oov_char for w in text] for text in part]
        # Element by element: of lists of one length NumPy would make a table.
        found.append(np.fromiter(kept, object, len(kept)))
    return found


def word_index(path: str, origin: str, md5: str) -> dict[str, int]:
    """Fetch and read a JSON file of words and their numbers."""
    file = get_file(path, origin, file_hash=md5)
    try:
        with open(file, encoding="utf-8") as stream:
            found: dict[str, int] = json.load(stream)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file} is no JSON file ({error}). Delete it and load again.") from error
    if type(found) is not dict or not set(map(type, found.values())) <= {int}:
        raise ValueError(f"{file} is no table of words and numbers. Delete it and load again.")
    return found
