"""The progress bar, as it is written to files and terminals of several widths."""

import io
import re

import pytest

from lamina.callbacks import CallbackList, Progbar


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


class AsciiFile(io.StringIO):
    encoding = "ascii"


class Scalar:
    """A number on a device, which counts how often it is read."""

    reads = 0

    def __float__(self):
        Scalar.reads += 1
        return 0.25


@pytest.fixture
def shown(monkeypatch):
    """Run a function with a stream for stdout, and return what it wrote."""

    def show(function, stream, columns=200, **environment):
        for name in ("NO_COLOR", "TERM"):
            monkeypatch.delenv(name, raising=False)
        for name, value in {"COLUMNS": str(columns), **environment}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("sys.stdout", stream)
        function()
        monkeypatch.undo()
        return stream.getvalue()

    return show


def timeless(text):
    """The text with every duration as 0s and every rate as 1ms."""
    return re.sub(r"\d+s(\x1b\[0m)? \d+(us|ms|s)/", r"0s\1 1ms/", text)


def ten_steps(**arguments):
    def run():
        bar = Progbar(10, interval=0, **arguments)
        bar.update(1, [("loss", 0.5), ("acc", 0.3)])
        bar.update(5, [("loss", 0.25), ("acc", 0.00001)])
        bar.update(10, [("loss", 12345.0), ("acc", 0.9)])

    return run


def test_a_terminal_shows_what_keras_shows(shown):
    text = timeless(shown(ten_steps(stateful_metrics=["acc"]), Terminal()))
    frames = [frame.rstrip() for frame in text.split("\r")]
    assert frames == [
        "",
        "\x1b[1m 1/10\x1b[0m \x1b[32m━━\x1b[0m\x1b[37m━━━━━━━━━━━━━━━━━━\x1b[0m \x1b[1m0s\x1b[0m "
        "1ms/step - loss: 0.5000 - acc: 0.3000",
        "\x1b[1m 5/10\x1b[0m \x1b[32m━━━━━━━━━━\x1b[0m\x1b[37m━━━━━━━━━━\x1b[0m \x1b[1m0s\x1b[0m "
        "1ms/step - loss: 0.3000 - acc: 1.0000e-05",
        "\x1b[1m10/10\x1b[0m \x1b[32m━━━━━━━━━━━━━━━━━━━━\x1b[0m\x1b[37m\x1b[0m \x1b[1m0s\x1b[0m "
        "1ms/step - loss: 12345.0000 - acc: 0.9000",
    ]


def test_a_file_gets_one_plain_line(shown):
    line = "10/10 {} 0s 1ms/step - loss: 12345.0000 - acc: 0.9000\n"
    assert timeless(shown(ten_steps(), io.StringIO())) == line.format("━" * 20)
    assert timeless(shown(ten_steps(), AsciiFile())) == line.format("=" * 20)


def test_verbosity(shown):
    text = shown(ten_steps(verbose=2), io.StringIO())
    assert re.fullmatch(r"10/10 - 0s - \d+(us|ms)/step - loss: 12345.0000 - acc: 0.9000\n", text)
    assert shown(ten_steps(verbose=0), Terminal()) == ""


def test_no_colour_where_none_is_wanted(shown):
    assert "\x1b" not in shown(ten_steps(), Terminal(), NO_COLOR="1")
    assert "\x1b" not in shown(ten_steps(), Terminal(), TERM="dumb")


@pytest.mark.parametrize("columns", range(8, 130, 7))
def test_no_line_is_wider_than_the_terminal(shown, columns):
    def run():
        bar = Progbar(843, interval=0, stateless_metrics=())
        values = [("accuracy", 0.9), ("loss", 0.3), ("val_accuracy", 0.9), ("val_loss", 1e-5)]
        bar.update(400, values[:2])
        bar.update(843, values)

    text = re.sub(r"\x1b\[\d+m", "", shown(run, Terminal(), columns))
    assert max(map(len, re.split(r"[\r\n]", text))) < columns


def test_a_shorter_line_covers_the_longer_one_before(shown):
    def run():
        bar = Progbar(3, interval=0, stateless_metrics=())
        bar.update(1, [("loss", 123456789.0)])
        bar.update(2, [("loss", 1.0)])

    _, first, second = re.sub(r"\x1b\[\d+m", "", shown(run, Terminal())).split("\r")
    assert len(second) >= len(first)


def test_an_unknown_target(shown):
    def run():
        bar = Progbar(None, interval=0, unit_name="sample")
        bar.add(1)
        bar.update(3, finalize=True)

    frames = re.sub(r"\x1b\[\d+m", "", timeless(shown(run, Terminal()))).split("\r")
    assert frames[1] == "      1/Unknown 0s 1ms/sample"
    assert frames[2].startswith("3/3 ━━━━━━━━━━━━━━━━━━━━ 0s 1ms/sample")


def test_long_times(shown, monkeypatch):
    now = iter([0.0, 0.0, 0.0, 4000.0, 4000.0])
    monkeypatch.setattr("time.monotonic", lambda: next(now))

    def run():
        bar = Progbar(4, interval=0)
        bar.update(1)
        bar.update(1)
        bar.update(2)
        bar.update(4)

    frames = re.sub(r"\x1b\[\d+m", "", shown(run, Terminal())).split("\r")
    assert "2:13:20 4000s/step" in frames[3] and "4000s 1333s/step" in frames[4]


def test_metrics_are_read_only_when_they_are_drawn(shown):
    def run():
        callbacks = CallbackList(add_progbar=True, verbose=1, epochs=1, steps=1000)
        with callbacks.running("train"):
            callbacks.on_epoch_begin(0)
            for batch in range(1000):
                callbacks.on_train_batch_end(batch, {"loss": Scalar()})
            callbacks.on_epoch_end(0, {"loss": Scalar()})

    Scalar.reads = 0
    assert shown(run, io.StringIO()).endswith("loss: 0.2500\n") and Scalar.reads == 1
    Scalar.reads = 0
    assert shown(run, Terminal()).endswith("\n") and 2 <= Scalar.reads < 100


def test_validation_has_no_bar_of_its_own(shown):
    def run():
        callbacks = CallbackList(add_progbar=True, verbose="auto", epochs=2, steps=1)
        with callbacks.running("train"):
            callbacks.on_epoch_begin(1)
            callbacks.on_train_batch_end(0, {"loss": 1.0})
            with callbacks.running("test"):
                callbacks.on_test_batch_end(0, {"loss": 2.0})
            callbacks.on_epoch_end(1, {"loss": 1.0, "val_loss": 2.0})

    text = timeless(shown(run, io.StringIO()))
    assert text == f"Epoch 2/2\n1/1 {'━' * 20} 0s 1ms/step - loss: 1.0000 - val_loss: 2.0000\n"


def test_evaluate_and_predict_have_bars(shown):
    def run():
        for phase in ("test", "predict"):
            callbacks = CallbackList(add_progbar=True, verbose=2, steps=1)
            with callbacks.running(phase) as logs:
                getattr(callbacks, f"on_{phase}_batch_end")(0, {"outputs": [1]})
                logs["loss"] = 1.0

    first, second = shown(run, io.StringIO()).splitlines()
    assert "loss: 1.0000" in first
    assert re.fullmatch(r"1/1 - 0s - \d+(us|ms)/step", second)


def test_an_exception_leaves_the_line_of_the_bar(shown):
    def run():
        callbacks = CallbackList(add_progbar=True, verbose=1, steps=9)
        with pytest.raises(KeyError), callbacks.running("train"):
            callbacks.on_epoch_begin(0)
            callbacks.on_train_batch_end(0, {})
            raise KeyError

    assert shown(run, Terminal()).endswith("\n")
