"""What may be drawn for layers of sequences, attention, and layers around others."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.agreement.case import Draw, Made
from tests.agreement.pieces import (
    ACTIVATION,
    BOOL,
    FORMAT,
    GATE,
    PADDING,
    REGULARIZER,
    SMALL,
    each_axis,
    fixed,
    images,
    of,
    weight,
)

STEPS = np.array([[False, True, True, False], [True, False, True, True]])
SOURCES = np.array([[True, True, False, True, True], [False, True, True, True, True]])
SEQUENCE = {**fixed((2, 4, 3)), "call": of([{}, {"mask": STEPS}])}

CELL = {
    "activation": ACTIVATION,
    "use_bias": BOOL,
    **weight("kernel"),
    **weight("recurrent"),
    **weight("bias"),
}
GATED = {**CELL, "recurrent_activation": GATE}
LOOP = {
    "return_sequences": BOOL,
    "return_state": BOOL,
    "go_backwards": BOOL,
    "unroll": BOOL,
    "zero_output_for_mask": BOOL,
}
CELLS = {
    "SimpleRNNCell": (CELL, 1),
    "GRUCell": ({**GATED, "reset_after": BOOL}, 1),
    "LSTMCell": ({**GATED, "unit_forget_bias": BOOL}, 2),
}
SEED = frozenset({"seed"})
# What Keras writes of how an inner layer was built, for files.
INNER = frozenset({"seed", "build_config"})
PASSED_OVER = {
    "Keras passes over its activity_regularizer": lambda case: (
        case.arguments.get("activity_regularizer") is not None
    )
}
UNEQUAL_SIZES = {
    "Keras on JAX fails where value_dim is not key_dim; tests/layers has it": lambda case: (
        case.arguments.get("value_dim", case.arguments["key_dim"]) != case.arguments["key_dim"]
    )
}


def states(count: int) -> Any:
    """The shapes of a step's input and of `count` states."""

    def shapes(arguments: dict[str, Any]) -> st.SearchStrategy[Any]:
        return st.just([(2, 3), [(2, arguments["units"])] * count])

    return shapes


def cell(name: str, units: st.SearchStrategy[int] = SMALL) -> st.SearchStrategy[Made]:
    return st.builds(Made, st.just(name), st.fixed_dictionaries({"units": units}))


SOME_CELL = st.one_of(*(cell(name) for name in CELLS))
RECURRENT = {
    **{
        name: Draw(
            {"units": SMALL},
            options,
            {"shape": states(count), "spread": st.just(True)},
            unlike=SEED,
        )
        for name, (options, count) in CELLS.items()
    },
    "StackedRNNCells": Draw(
        {
            "cells": st.tuples(
                cell("GRUCell", of([2])) | cell("SimpleRNNCell", of([2])),
                cell("SimpleRNNCell", of([3])) | cell("GRUCell", of([3])),
            ).map(list)
        },
        {},
        {"shape": st.just([(2, 3), [(2, 2), (2, 3)]]), "spread": st.just(True)},
        unlike=INNER,
    ),
    **{
        name.removesuffix("Cell"): Draw(
            {"units": SMALL},
            {**options, **LOOP, "activity_regularizer": REGULARIZER},
            SEQUENCE,
            unlike=SEED,
            left_out=PASSED_OVER if name == "SimpleRNNCell" else {},
        )
        for name, (options, _) in CELLS.items()
    },
    "RNN": Draw(
        {"cell": SOME_CELL | st.lists(SOME_CELL, min_size=2, max_size=2)},
        LOOP,
        SEQUENCE,
        unlike=INNER,
    ),
    **{
        f"ConvLSTM{rank}D": Draw(
            {"filters": SMALL, "kernel_size": each_axis(rank)},
            {
                **GATED,
                "unit_forget_bias": BOOL,
                "strides": each_axis(rank),
                "padding": PADDING,
                "data_format": FORMAT,
                "return_sequences": BOOL,
                "return_state": BOOL,
                "go_backwards": BOOL,
            },
            {
                "shape": lambda arguments, rank=rank: images(rank, (4, 5), (2,))(arguments).map(
                    lambda shape: (2, 3, *shape[1:])
                )
            },
            unlike=SEED,
        )
        for rank in (1, 2, 3)
    },
}

TWO = [(2, 4, 3), (2, 5, 3)]
THREE = [(2, 4, 3), (2, 5, 3), (2, 5, 3)]
SCORES = {"return_attention_scores": True}
ATTENTION = {
    "Attention": Draw(
        {},
        {"use_scale": BOOL, "score_mode": of(["dot", "concat"]), "dropout": of([0.0])},
        {
            **fixed(TWO, THREE),
            "call": of([{}, SCORES, {"mask": [STEPS, SOURCES]}, {"use_causal_mask": True}]),
        },
        unlike=SEED,
    ),
    "AdditiveAttention": Draw(
        {},
        {"use_scale": BOOL, "dropout": of([0.0])},
        {
            **fixed(TWO, THREE),
            "call": of([{}, SCORES, {"mask": [STEPS, SOURCES]}, {"use_causal_mask": True}]),
        },
        unlike=SEED,
    ),
    "MultiHeadAttention": Draw(
        {"num_heads": SMALL, "key_dim": SMALL},
        {
            "value_dim": SMALL,
            "use_bias": BOOL,
            "output_shape": of([None, 4, (2, 3)]),
            "attention_axes": of([None, 1, (1,)]),
            "use_gate": BOOL,
            **weight("kernel"),
            **weight("bias"),
        },
        {
            **fixed(TWO, THREE),
            "spread": st.just(True),
            "call": of([{}, SCORES, {"query_mask": STEPS}, {"use_causal_mask": True}]),
        },
        unlike=SEED,
        left_out=UNEQUAL_SIZES,
    ),
    "GroupedQueryAttention": Draw(
        {"head_dim": SMALL, "num_query_heads": of([2, 4]), "num_key_value_heads": of([1, 2])},
        {"use_bias": BOOL, "use_gate": BOOL, **weight("kernel"), **weight("bias")},
        {
            **fixed(TWO, THREE),
            "spread": st.just(True),
            "call": of([{}, SCORES, {"query_mask": STEPS}, {"use_causal_mask": True}]),
        },
        unlike=SEED,
    ),
}


def inner(name: str, **arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Made]:
    return st.builds(Made, st.just(name), st.fixed_dictionaries(arguments))


AROUND = {
    "TimeDistributed": Draw(
        {
            "layer": inner("Dense", units=SMALL, activation=ACTIVATION)
            | inner("LayerNormalization")
            | inner("Conv1D", filters=SMALL, kernel_size=of([2]))
        },
        {},
        fixed((2, 4, 3), (2, 2, 4, 3)),
        unlike=INNER,
    ),
    "Bidirectional": Draw(
        {
            "layer": st.one_of(
                *(
                    inner(name, units=SMALL, return_sequences=BOOL, return_state=BOOL)
                    for name in ("SimpleRNN", "GRU", "LSTM")
                )
            )
        },
        {"merge_mode": of(["concat", "sum", "mul", "ave", None])},
        SEQUENCE,
        unlike=INNER,
    ),
    "SpectralNormalization": Draw(
        {
            "layer": inner("Dense", units=SMALL)
            | inner("Conv1D", filters=SMALL, kernel_size=of([2]))
        },
        {"power_iterations": SMALL},
        {**fixed((2, 4, 3)), "training": st.just(True)},
        unlike=INNER,
        tolerance=1e-4,
    ),
}

DRAWS = {**RECURRENT, **ATTENTION, **AROUND}
