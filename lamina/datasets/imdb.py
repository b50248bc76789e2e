"""IMDB: 50,000 film reviews, as word numbers, that praise or blame."""

from numpy.random import RandomState

from lamina.datasets import texts
from lamina.datasets.npz import read_npz
from lamina.datasets.splits import Split, shuffled
from lamina.utils.files import get_file

_BASE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_SHA256 = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"
_WORDS_MD5 = "bfafd718b763782e994055a2d397834f"


def load_data(
    path: str = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int | None = 3,
) -> tuple[Split, Split]:
    """Load the IMDB reviews: 25,000 for training and 25,000 for testing.

    A review is a list of word numbers, where a lower number is a more frequent word.

    Args:
        path: the name of the file in the `datasets` folder of the cache.
        num_words: words of this number and above become `oov_char`; by default of the highest
            that occurs.
        skip_top: words below this number become `oov_char`.
        maxlen: only reviews with fewer words than this are kept, the mark of the start counted;
            by default all.
        seed: of the order of the reviews.
        start_char: the number that marks the start of a review; None for no mark.
        oov_char: the number of the words left out; None drops them.
        index_from: what is added to the numbers of words, to leave room for the marks.

    Returns:
        `(x_train, y_train), (x_test, y_test)`; the reviews are arrays of lists of int, the
        labels int64 of shape (n,), 1 for praise and 0 for blame.

    Raises:
        DownloadError: the file could not be fetched. It is an `OSError`.
        ValueError: the file is not the data set, or no review is shorter than `maxlen`.

    The file holds pickles; they are read without `pickle`, so nothing in them can run. Keras
    takes any further argument and ignores it, such as `nb_words`; here it is an error.

    A. L. Maas and others, "Learning word vectors for sentiment analysis", ACL 2011.
    """
    file = get_file(path, _BASE + "imdb.npz", file_hash=_SHA256)
    x_train, y_train, x_test, y_test = read_npz(file, "x_train", "y_train", "x_test", "y_test")
    random = RandomState(seed)
    parts, labels = [], []
    for x, y in ((x_train, y_train), (x_test, y_test)):
        texts.check_texts(file, x)
        x, y = shuffled(x, y, random)
        kept, kept_labels = texts.short(texts.marked(x, start_char, index_from), y, maxlen)
        parts.append(kept)
        labels.append(kept_labels)
    train, test = texts.frequent(parts, num_words, skip_top, oov_char)
    return (train, labels[0]), (test, labels[1])


def get_word_index(path: str = "imdb_word_index.json") -> dict[str, int]:
    """The number of each word of the reviews, before `index_from` is added.

    Args:
        path: the name of the file in the `datasets` folder of the cache.

    Returns:
        A dictionary of 88,584 words.

    Raises:
        DownloadError: the file could not be fetched. It is an `OSError`.
        ValueError: the file is not that of the data set.
    """
    return texts.word_index(path, _BASE + "imdb_word_index.json", _WORDS_MD5)
