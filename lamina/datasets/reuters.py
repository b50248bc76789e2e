"""Reuters: 11,228 news reports, as word numbers, of 46 topics."""

from numpy.random import RandomState

from lamina.datasets import texts
from lamina.datasets.npz import read_npz
from lamina.datasets.splits import Split, check_test_split, shuffled, split
from lamina.utils.files import get_file

_BASE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_SHA256 = "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"
_WORDS_MD5 = "4d44cc38712099c9e383dc6e5f11a921"
_TOPICS = (
    "cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves "
    "ship cotton carcass crude nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin "
    "strategic-metal livestock retail ipi iron-steel rubber heat jobs lei bop zinc orange "
    "pet-chem dlr gas silver wpi hog lead"
)


def load_data(
    path: str = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int | None = 3,
) -> tuple[Split, Split]:
    """Load the Reuters reports, 11,228 in all.

    A report is a list of word numbers, where a lower number is a more frequent word.

    Args:
        path: the name of the file in the `datasets` folder of the cache.
        num_words: words of this number and above become `oov_char`; by default of the highest
            that occurs.
        skip_top: words below this number become `oov_char`.
        maxlen: only reports with fewer words than this are kept, the mark of the start counted;
            by default all.
        test_split: the share of reports for testing, from 0 to 1.
        seed: of the order of the reports.
        start_char: the number that marks the start of a report; None for no mark.
        oov_char: the number of the words left out; None drops them.
        index_from: what is added to the numbers of words, to leave room for the marks.

    Returns:
        `(x_train, y_train), (x_test, y_test)`; the reports are arrays of lists of int, the
        labels int64 of shape (n,) with values 0 to 45, in the order of `get_label_names`.

    Raises:
        DownloadError: the file could not be fetched. It is an `OSError`.
        ValueError: the file is not the data set, `test_split` is no share, or no report is
            shorter than `maxlen`.

    The file holds a pickle; it is read without `pickle`, so nothing in it can run. Keras makes
    a table of reports that happen to be of one length; here they are lists always.

    D. D. Lewis, "Reuters-21578 text categorization test collection", 1997.
    """
    check_test_split(test_split, all_allowed=True)
    file = get_file(path, _BASE + "reuters.npz", file_hash=_SHA256)
    x, y = read_npz(file, "x", "y")
    texts.check_texts(file, x)
    x, y = shuffled(x, y, RandomState(seed))
    kept, labels = texts.short(texts.marked(x, start_char, index_from), y, maxlen)
    [found] = texts.frequent([kept], num_words, skip_top, oov_char)
    return split(found, labels, test_split)


def get_word_index(path: str = "reuters_word_index.json") -> dict[str, int]:
    """The number of each word of the reports, before `index_from` is added.

    Args:
        path: the name of the file in the `datasets` folder of the cache.

    Returns:
        A dictionary of words and numbers.

    Raises:
        DownloadError: the file could not be fetched. It is an `OSError`.
        ValueError: the file is not that of the data set.
    """
    return texts.word_index(path, _BASE + "reuters_word_index.json", _WORDS_MD5)


def get_label_names() -> tuple[str, ...]:
    """The topics, in the order of the labels.

    Returns:
        A tuple of 46 names.

    Example:
        >>> get_label_names()[:4]
        ('cocoa', 'grain', 'veg-oil', 'earn')
    """
    return tuple(_TOPICS.split())
