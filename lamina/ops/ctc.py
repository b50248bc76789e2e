"""Connectionist temporal classification: sequences of labels without their places in time.

A model gives each class a score at each step of time, one class being the blank. A path is one
class a step; what it says is its labels with repetitions merged and blanks left out, and the
probability of a sequence of labels is that of all paths that say it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina.ops import (
    arithmetic,
    comparison,
    control,
    conversion,
    creation,
    dtypes,
    indexing,
    joining,
    logical,
    rounding,
    shapes_ctc,
    shaping,
)
from lamina.ops.activations import log_softmax
from lamina.ops.row import Indices, Tensor, TensorLike, op

# The logarithm of no probability: finite, so that gradients through sums of it are.
NEVER = -1e30
_IMPOSSIBLE = 1e5  # the loss where no path says the target, as Keras has it on JAX


def either(*logarithms: Tensor) -> Tensor:
    """The logarithm of the sum of probabilities given as logarithms."""
    total, *others = logarithms
    for one in others:
        total = arithmetic.logaddexp(total, one)
    return total


def picked(log_probabilities: Tensor, labels: Tensor) -> Tensor:
    """The log-probability of each label, (…, labels), at each step: (…, steps, labels)."""
    classes = log_probabilities.shape[-1]
    places = shaping.expand_dims(rounding.clip(labels, 0, classes - 1), -2)
    chosen = indexing.take_along_axis(log_probabilities, places, axis=-1)
    known = logical.logical_and(labels >= 0, labels < classes)
    return comparison.where(shaping.expand_dims(known, -2), chosen, NEVER)


def in_32_bits(types: Sequence[str], dtype: str | None) -> dtypes.Plan:
    """Computed and returned in at least 32 bits: sums over all paths are of many terms."""
    compute = dtypes.widened(types, dtype)[0]
    return compute, compute


@op(result=in_32_bits, shape=shapes_ctc.loss)
def ctc_loss(
    target: Indices,
    output: TensorLike,
    target_length: Indices,
    output_length: Indices,
    mask_index: int = 0,
) -> Tensor:
    """-log(p(target)), the sum over all paths that say it, by dynamic programming in logarithms.

    Args:
        target: labels: integers of shape `(batch, labels)`; a label that is no class has
            probability 0.
        output: logits of shape `(batch, time, classes)`.
        target_length: how many labels of each sequence count: integers of shape `(batch,)`.
        output_length: how many steps of each sequence count, likewise.
        mask_index: the class that is the blank.

    Returns:
        A tensor of shape `(batch,)`, in 32 bits at least; 1e5, with a gradient of 0, where no path
        says the target, as where it has more labels than there are steps.

    Example:
        >>> from lamina import ops
        >>> logits = ops.zeros((1, 2, 3))  # 3 of the 9 paths say [1]: 1 1, 0 1 and 1 0
        >>> round(float(ops.ctc_loss([[1]], logits, [1], [2])[0]), 4)
        1.0986

    Reference:
        Graves et al., 2006, https://www.cs.toronto.edu/~graves/icml_2006.pdf
    """
    # Targets come as floats to a loss function of one's own.
    target, target_length, output_length = (
        conversion.cast(one, "int32") for one in (target, target_length, output_length)
    )
    log_probabilities = arithmetic.maximum(log_softmax(output), NEVER)
    blank = log_probabilities[:, :, mask_index, None]
    labels = picked(log_probabilities, target)
    none = conversion.cast(shaping.expand_dims(output_length, -1) * 0, output.dtype)
    never = none + NEVER
    repeats = comparison.equal(target[:, 1:], target[:, :-1])

    def step(state: tuple[Tensor, ...], scores: tuple[Tensor, Tensor]) -> tuple[Any, tuple[()]]:
        """Paths that have said i labels and a blank since, and those that are saying label i."""
        time, after, saying = state
        said = joining.concatenate([never, saying], axis=1)
        further = comparison.where(repeats, NEVER, said[:, 1:-1])
        further = joining.concatenate([never, further], axis=1)[:, : saying.shape[1]]
        new_after = scores[0] + either(after, said)
        new_saying = scores[1] + either(saying, after[:, :-1], further)
        counts = shaping.expand_dims(time < output_length, -1)
        new = (
            comparison.where(counts, *pair) for pair in ((new_after, after), (new_saying, saying))
        )
        return (time + 1, *new), ()

    saying = none + creation.full(target.shape[1:], NEVER, dtype=output.dtype)
    start = (conversion.cast(0, "int32"), joining.concatenate([none, saying], axis=1), saying)
    in_time = tuple(shaping.swapaxes(one, 0, 1) for one in (blank, labels))
    (_, after, saying), _ = control.scan(step, start, in_time)
    place = shaping.expand_dims(target_length, -1)
    ends = (after, joining.concatenate([never, saying], axis=1))
    total = either(*(indexing.take_along_axis(one, place, axis=1)[:, 0] for one in ends))
    return comparison.where(total < NEVER / 2, _IMPOSSIBLE, -total)
