"""Which digit was spoken? Convolutions and a GRU on a spectrogram."""

import argparse
import wave
from pathlib import Path

import keras
import numpy as np
from keras import layers

EXCERPT = Path(__file__).parents[1] / "tests" / "data"
SAMPLES = 6000  # 0.75 seconds at 8 kHz
WINDOW, STEP = 256, 128


def read_sound(path):
    """The samples of a WAV file from -1 to 1, cut or padded to one length."""
    with wave.open(str(path)) as file:
        sound = np.frombuffer(file.readframes(SAMPLES), "<i2").astype("float32") / 2**15
    return np.pad(sound, (0, SAMPLES - len(sound)))


def log_spectrogram(sounds):
    """How loud each frequency is over time, shape (sounds, times, frequencies), standardised."""
    windows = np.lib.stride_tricks.sliding_window_view(sounds, WINDOW, axis=1)[:, ::STEP]
    power = np.abs(np.fft.rfft(windows * np.hanning(WINDOW))) ** 2
    levels = np.log(power + 1e-5)
    centred = levels - levels.mean(axis=(1, 2), keepdims=True)
    return (centred / levels.std(axis=(1, 2), keepdims=True)).astype("float32")


def load_sounds(folder):
    """Spectrograms, digits, and the number of the take: `speech/7/7_jackson_12.wav` is take 12."""
    files = sorted((folder / "speech").glob("*/*.wav"))
    names = [file.stem.split("_") for file in files]
    digits = np.array([int(digit) for digit, _, _ in names])
    takes = np.array([int(take) for _, _, take in names])
    return log_spectrogram(np.stack([read_sound(file) for file in files])), digits, takes


def make_model(shape):
    """Convolutions find sounds, the GRU reads their order."""
    return keras.Sequential(
        [
            keras.Input(shape),
            layers.Conv1D(64, 5, padding="same", activation="relu"),
            layers.MaxPooling1D(2),
            layers.Conv1D(64, 3, padding="same", activation="relu"),
            layers.MaxPooling1D(2),
            layers.Dropout(0.3),
            layers.GRU(64),
            layers.Dropout(0.3),
            layers.Dense(10, activation="softmax"),
        ]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=EXCERPT, help="folder that has speech/")
    parser.add_argument("--epochs", type=int, default=40)
    options = parser.parse_args()
    keras.utils.set_random_seed(1)

    sounds, digits, takes = load_sounds(options.data)
    test = takes % 5 == 0

    model = make_model(sounds.shape[1:])
    model.compile(
        optimizer=keras.optimizers.Adam(0.002),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.fit(sounds[~test], digits[~test], batch_size=32, epochs=options.epochs, verbose=2)
    _, accuracy = model.evaluate(sounds[test], digits[test], verbose=0)
    print(f"Test accuracy: {accuracy:.3f}")


if __name__ == "__main__":
    main()
