"""What a model trained by connectionist temporal classification says; see `lamina.ops.ctc`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from lamina.ops import (
    arithmetic,
    comparison,
    control,
    conversion,
    creation,
    dtypes,
    indexing,
    joining,
    linear_algebra,
    logical,
    reductions,
    rounding,
    shapes_ctc,
    shaping,
    sorting,
)
from lamina.ops.activations import log_softmax
from lamina.ops.ctc import NEVER, either, in_32_bits, picked
from lamina.ops.encodings import one_hot
from lamina.ops.row import Indices, Tensor, TensorLike, op


def _decoded(types: Sequence[str], dtype: str | None) -> dtypes.Plan:
    compute = in_32_bits(types, dtype)[0]
    return compute, ("int32", str(compute))


@op(result=_decoded, shape=shapes_ctc.decode)
def ctc_decode(
    inputs: TensorLike,
    sequence_lengths: Indices,
    strategy: str = "greedy",
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
    mask_index: int = 0,
) -> tuple[Tensor, Tensor]:
    """The sequences of labels that a model's scores say.

    Args:
        inputs: logits of shape `(batch, time, classes)`.
        sequence_lengths: how many steps of each sequence count: integers of shape `(batch,)`.
        strategy: `"greedy"`, the best class of each step, or `"beam_search"`, the most probable
            sequences, of which the best `beam_width` are followed.
        beam_width: how many sequences a beam search keeps at each step.
        top_paths: how many of them to return.
        merge_repeated: whether a class that goes on from one step to the next is one label, for the
            greedy strategy. A beam search sums over paths, in which it is one.
        mask_index: the class that is the blank.

    Returns:
        The labels, `int32` of shape `(paths, batch, time)`, with -1 after the last of them, and
        the scores, of shape `(batch, paths)`: minus the sum of the logits for the greedy
        strategy, and the log-probability for the beam search. One path where greedy, else
        `top_paths`.

    Raises:
        ValueError: if there is no such strategy, or `top_paths` is more than `beam_width`.

    Example:
        >>> from lamina import ops
        >>> logits = 5 * ops.one_hot([[1, 1, 0, 2]], 3)
        >>> labels, scores = ops.ctc_decode(logits, [4])
        >>> ops.convert_to_numpy(labels).tolist(), ops.convert_to_numpy(scores).tolist()
        ([[[1, 2, -1, -1]]], [[-20.0]])

    Reference:
        Graves et al., 2006, https://www.cs.toronto.edu/~graves/icml_2006.pdf
        Hannun et al., 2014, https://arxiv.org/abs/1408.2873
    """
    sequence_lengths = conversion.cast(sequence_lengths, "int32")
    if strategy == "greedy":
        return _greedy(inputs, sequence_lengths, merge_repeated, mask_index)
    if strategy != "beam_search":
        raise ValueError(f"ctc_decode's strategy is 'greedy' or 'beam_search', not {strategy!r}.")
    if not 1 <= top_paths <= beam_width:
        raise ValueError(
            f"ctc_decode returns 1 to beam_width = {beam_width} paths, not top_paths = {top_paths}."
        )
    return _beam_search(inputs, sequence_lengths, beam_width, top_paths, mask_index)


def _greedy(
    inputs: Tensor, lengths: Tensor, merge_repeated: bool, blank: int
) -> tuple[Tensor, Tensor]:
    best = conversion.cast(reductions.argmax(inputs, axis=-1), "int32")
    steps = creation.arange(inputs.shape[1], dtype="int32")
    counts = steps < shaping.expand_dims(lengths, -1)
    said = logical.logical_and(counts, best != blank % inputs.shape[-1])
    if merge_repeated:
        new = comparison.not_equal(best[:, 1:], best[:, :-1])
        new = joining.concatenate([comparison.equal(best[:, :1], best[:, :1]), new], axis=1)
        said = logical.logical_and(said, new)
    said = conversion.cast(said, "int32")
    # What is said comes first, in its order: the sort is stable.
    labels = indexing.take_along_axis(best, sorting.argsort(1 - said, axis=1), axis=1)
    inside = steps < reductions.sum(said, axis=1, keepdims=True)
    scores = comparison.where(counts, reductions.max(inputs, axis=-1), 0)
    labels = shaping.expand_dims(comparison.where(inside, labels, -1), 0)
    return labels, -reductions.sum(scores, axis=1, keepdims=True)


class _Beam(NamedTuple):
    """Sequences of labels under way.

    Attributes:
        labels: `(batch, beam, time)`, -1 after the last.
        length: how many labels there are: `(batch, beam)`.
        blank: the log-probability of the paths that say them and end with the blank, likewise.
        label: that of the paths which end with the last label.
        common: how many labels two sequences begin with in common: `(batch, beam, beam)`. Kept
            from step to step, since comparing all labels of all pairs takes `time` times as long.
    """

    labels: Tensor
    length: Tensor
    blank: Tensor
    label: Tensor
    common: Tensor


def _beam_search(
    inputs: Tensor, lengths: Tensor, beam_width: int, top_paths: int, blank: int
) -> tuple[Tensor, Tensor]:
    steps, classes = inputs.shape[1:]
    scores = arithmetic.maximum(log_softmax(inputs), NEVER)
    none = shaping.expand_dims(lengths * 0, -1)
    zeros = none + creation.zeros((1, beam_width), dtype="int32")
    never = conversion.cast(zeros, inputs.dtype) + NEVER
    start = _Beam(
        labels=shaping.expand_dims(zeros, -1) + creation.full((1, 1, steps), -1, dtype="int32"),
        length=zeros,
        blank=joining.concatenate([never[:, :1] * 0, never[:, 1:]], axis=1),
        label=never,
        common=shaping.expand_dims(zeros, -1) + shaping.expand_dims(zeros, 1),
    )

    def step(state: tuple[Tensor, _Beam], scores: Tensor) -> tuple[Any, tuple[()]]:
        time, beam = state
        counts = time < lengths
        pairs = zip(_advanced(beam, scores, blank % classes), beam, strict=True)
        return (time + 1, _Beam(*(_where_rows(counts, new, old) for new, old in pairs))), ()

    time = conversion.cast(0, "int32")
    (_, beam), _ = control.scan(step, (time, start), shaping.swapaxes(scores, 0, 1))
    total, order = sorting.top_k(either(beam.blank, beam.label), top_paths)
    labels = _of_beam(beam.labels, order)
    return shaping.swapaxes(labels, 0, 1), comparison.where(total < NEVER / 2, -float("inf"), total)


def _where_rows(rows: Tensor, x1: Tensor, x2: Tensor) -> Tensor:
    return comparison.where(shaping.reshape(rows, (-1, *(1,) * (len(x1.shape) - 1))), x1, x2)


def _of_beam(x: Tensor, places: Tensor) -> Tensor:
    """`x` of other sequences of the beam, its second axis."""
    places = shaping.reshape(places, (*places.shape, *(1,) * (len(x.shape) - 2)))
    return indexing.take_along_axis(x, places, axis=1)


def _advanced(beam: _Beam, scores: Tensor, blank: int) -> _Beam:
    """The best sequences one step later; `scores` are log-probabilities, `(batch, classes)`."""
    width, classes = beam.length.shape[1], scores.shape[-1]
    total = either(beam.blank, beam.label)
    place = shaping.expand_dims(arithmetic.maximum(beam.length - 1, 0), -1)
    last = indexing.take_along_axis(beam.labels, place, axis=2)[..., 0]  # -1 where there is none
    is_last = one_hot(last, classes, dtype=scores.dtype)
    repeated = picked(shaping.expand_dims(scores, 1), last)[:, 0]

    stays_blank = total + scores[:, blank, None]
    stays_label = beam.label + repeated
    # A label that is the last one begins anew only after a blank.
    before = comparison.where(is_last > 0, beam.blank[..., None], total[..., None])
    grown = before + scores[:, None]
    grown = comparison.where(creation.arange(classes) == blank, NEVER, grown)

    # What grows into a sequence of the beam adds to that one.
    parents = _parents(beam, total)
    into = indexing.take_along_axis(grown, arithmetic.maximum(last, 0)[:, None], axis=2)
    added = reductions.max(comparison.where(parents, into, NEVER), axis=1)
    stays_label = either(stays_label, added)
    taken = linear_algebra.matmul(conversion.cast(parents, scores.dtype), is_last)
    grown = comparison.where(taken > 0, NEVER, grown)

    stays = either(stays_blank, stays_label)
    every = joining.concatenate([stays, shaping.reshape(grown, (-1, width * classes))], axis=1)
    best, which = sorting.top_k(every, width)
    grows = which >= width
    parent = comparison.where(grows, (which - width) // classes, which)
    length = _of_beam(beam.length, parent)
    at_end = creation.arange(beam.labels.shape[2]) == length[..., None]
    new = logical.logical_and(at_end, grows[..., None])
    labels = comparison.where(
        new, ((which - width) % classes)[..., None], _of_beam(beam.labels, parent)
    )
    return _Beam(
        labels=labels,
        length=length + conversion.cast(grows, "int32"),
        blank=comparison.where(grows, NEVER, _of_beam(stays_blank, parent)),
        label=comparison.where(grows, best, _of_beam(stays_label, parent)),
        common=_common(beam.common, parent, labels),
    )


def _parents(beam: _Beam, total: Tensor) -> Tensor:
    """Whether sequence i of the beam, one label more, is sequence j: `(batch, i, j)`."""
    length = beam.length[:, :, None]
    begins = comparison.equal(beam.common, length)
    longer = comparison.equal(beam.length[:, None], length + 1)
    possible = (total > NEVER / 2)[:, None]
    return logical.logical_and(logical.logical_and(begins, longer), possible)


def _common(common: Tensor, parent: Tensor, labels: Tensor) -> Tensor:
    """What the new sequences, of those parents, have in common: one label more at the most."""
    rows = _of_beam(common, parent)
    common = indexing.take_along_axis(rows, parent[:, None], axis=2)
    place = rounding.clip(common, 0, labels.shape[2] - 1)
    here = indexing.take_along_axis(labels, place, axis=2)
    same = logical.logical_and(comparison.equal(here, shaping.swapaxes(here, 1, 2)), here >= 0)
    return common + conversion.cast(same, "int32")
