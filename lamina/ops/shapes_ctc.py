"""Shape rules of connectionist temporal classification; see `lamina.ops.shapes`."""

from __future__ import annotations

from typing import Any

from lamina.ops.row import Shape, ShapeError
from lamina.ops.shapes import broadcast


def _scores(name: str, shape: Shape) -> None:
    if len(shape) != 3:
        raise ShapeError(f"{name} is (batch, time, classes), not of shape {shape}.")


def _lengths(name: str, shape: Shape) -> Shape:
    if len(shape) != 1:
        raise ShapeError(f"{name} is (batch,), a length for each sequence, not of shape {shape}.")
    return shape


def loss(
    target: Shape, output: Shape, target_length: Shape, output_length: Shape, mask_index: int = 0
) -> Shape:
    _scores("output", output)
    if len(target) != 2:
        raise ShapeError(f"target is (batch, labels), not of shape {target}.")
    lengths = _lengths("target_length", target_length), _lengths("output_length", output_length)
    return broadcast(target[:1], output[:1], *lengths)


def decode(
    inputs: Shape,
    sequence_lengths: Shape,
    strategy: str = "greedy",
    beam_width: int = 100,
    top_paths: int = 1,
    *others: Any,
) -> list[Shape]:
    _scores("inputs", inputs)
    batch = broadcast(inputs[:1], _lengths("sequence_lengths", sequence_lengths))
    paths = 1 if strategy == "greedy" else top_paths
    return [(paths, *batch, inputs[1]), (*batch, paths)]
