"""Rows of the layers of sequences; those around other layers are in `test_recurrent.py`."""

import numpy as np

from tests.layers.row import Row

STEPS = np.array([[False, True, True, False, False], [True, False, True, True, True]])
SOURCES = np.array([[True, True, False, True, False, False], [False, True, True, True, True, True]])
SEQUENCE = (2, 5, 3)
MASKED = {"inputs": SEQUENCE, "call": {"mask": STEPS}}
ALL = {"return_sequences": True, "return_state": True}

EMBEDDING = [
    Row(
        "Embedding",
        {"input_dim": 7, "output_dim": 4, "mask_zero": True},
        (2, 5),
        "int32",
        unlike=frozenset({"activity_regularizer"}),
    ),
    Row(
        "Embedding",
        {"input_dim": 7, "output_dim": 4, "lora_rank": 2},
        (2, 5),
        "int32",
        unlike=frozenset({"activity_regularizer"}),
    ),
    Row("Masking", {"mask_value": 0.5}, SEQUENCE),
]

RECURRENT = [
    Row("SimpleRNN", {"units": 4}, SEQUENCE, unlike=frozenset({"seed"})),
    Row("SimpleRNN", {"units": 4, "activation": "relu", **ALL}, **MASKED),
    Row("LSTM", {"units": 4}, SEQUENCE),
    Row("LSTM", {"units": 4, **ALL}, **MASKED),
    Row("LSTM", {"units": 4, "go_backwards": True, "use_bias": False, **ALL}, **MASKED),
    Row("LSTM", {"units": 4, "activation": "relu", "kernel_regularizer": "l2"}, SEQUENCE),
    Row("LSTM", {"units": 4, "zero_output_for_mask": True, **ALL}, **MASKED),
    Row(
        "LSTM",
        {"units": 4, "dropout": 0.5, "recurrent_dropout": 0.5},
        SEQUENCE,
        deterministic=False,
    ),
    Row("GRU", {"units": 4}, SEQUENCE),
    Row("GRU", {"units": 4, "unroll": True, **ALL}, **MASKED),
    Row("GRU", {"units": 4, **ALL}, **MASKED),
    Row("GRU", {"units": 4, "go_backwards": True, "use_bias": False, **ALL}, **MASKED),
    Row("GRU", {"units": 4, "reset_after": False, **ALL}, **MASKED),
    Row(
        "GRU", {"units": 4, "dropout": 0.5, "recurrent_dropout": 0.5}, SEQUENCE, deterministic=False
    ),
]

CONVOLUTIONAL = [
    Row(
        "ConvLSTM1D",
        {"filters": 2, "kernel_size": 3, "strides": 2, "data_format": "channels_first", **ALL},
        (2, 3, 2, 7),
    ),
    Row(
        "ConvLSTM2D",
        {"filters": 2, "kernel_size": (2, 3), "padding": "same", "go_backwards": True, **ALL},
        (2, 3, 3, 4, 2),
    ),
    Row(
        "ConvLSTM3D",
        {"filters": 2, "kernel_size": 2, "dilation_rate": 2, "dropout": 0.5, "activation": "relu"},
        (2, 2, 3, 4, 3, 1),
        deterministic=False,
    ),
]

ATTENTION = [
    Row("Attention", {}, [(2, 5, 3), (2, 6, 3)], call={"mask": [STEPS, SOURCES]}),
    Row("Attention", {"use_scale": True, "score_mode": "concat"}, [(2, 5, 3), (2, 6, 3)]),
    Row("Attention", {}, [(2, 3, 5, 4), (2, 3, 6, 4)], call={"return_attention_scores": True}),
    Row(
        "AdditiveAttention",
        {},
        [(2, 5, 3), (2, 6, 3), (2, 6, 3)],
        unlike=frozenset({"seed"}),
    ),
]

ROWS = [*EMBEDDING, *RECURRENT, *CONVOLUTIONAL, *ATTENTION]
