"""Dtype policies of layers whose weights are quantized.

A name says how, and from which policy: `int8_from_mixed_bfloat16`, `int4/128_from_float32`,
`gptq/4/128_from_float32`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from lamina.core.policy import SLOT, DTypePolicy, named_by_mode

MODES = ("int8", "float8", "int4", "gptq", "awq")


class QuantizedDTypePolicy(DTypePolicy):
    """The types of a layer whose weights are kept in a narrow type.

    Args:
        mode: `int8`, `int4`, `float8`, `gptq` or `awq`.
        source_name: the policy of the layer before; the process's where None.

    Raises:
        ValueError: if there is no such mode, or `int8` is to be computed in float16, whose range
            the products leave.

    Example:
        >>> policy = QuantizedDTypePolicy("int8", "mixed_bfloat16")
        >>> policy.name, policy.compute_dtype, policy.quantization_mode
        ('int8_from_mixed_bfloat16', 'bfloat16', 'int8')
    """

    slot: ClassVar[str | None] = SLOT

    def __init__(self, mode: str, source_name: str | None = None) -> None:
        if mode not in MODES:
            raise ValueError(f"A mode of quantization is one of {', '.join(MODES)}, not {mode!r}.")
        super().__init__(source_name)
        self.mode = mode
        if mode == "int8" and self.compute_dtype == "float16":
            raise ValueError(
                f"int8 cannot be computed in float16, which {self.source_name!r} asks for: the "
                "products leave its range. Use bfloat16 or float32."
            )

    @property
    def spelled(self) -> str:
        """The mode with its numbers, as a name begins with it."""
        return self.mode

    @property
    def name(self) -> str:
        """The mode, and the policy that it was made from."""
        return f"{self.spelled}_from_{self.source_name}"

    @property
    def quantization_mode(self) -> str | None:
        """The mode without its numbers."""
        return self.mode

    def get_config(self) -> dict[str, Any]:
        """What makes an equal policy again."""
        return {"mode": self.spelled, "source_name": self.source_name}

    def __repr__(self) -> str:
        return f'<{type(self).__name__} "{self.name}">'


class QuantizedFloat8DTypePolicy(QuantizedDTypePolicy):
    """The types of a layer that multiplies in float8, scaled by the largest numbers seen.

    Args:
        mode: `float8`.
        source_name: the policy of the layer before; the process's where None.
        amax_history_length: how many steps the largest numbers are remembered for.

    Raises:
        TypeError: if `amax_history_length` is no integer.

    Example:
        >>> QuantizedFloat8DTypePolicy("float8", "float32").amax_history_length
        1024
    """

    default_amax_history_length: ClassVar[int] = 1024

    def __init__(
        self, mode: str, source_name: str | None = None, amax_history_length: int = 1024
    ) -> None:
        super().__init__(mode, source_name)
        if not isinstance(amax_history_length, int):
            raise TypeError(
                f"amax_history_length is an integer number of steps, not {amax_history_length!r}."
            )
        self._amax_history_length = amax_history_length

    @property
    def amax_history_length(self) -> int:
        """How many steps the largest numbers are remembered for."""
        return self._amax_history_length

    def get_config(self) -> dict[str, Any]:
        """What makes an equal policy again."""
        return {**super().get_config(), "amax_history_length": self.amax_history_length}


class _Numbered(QuantizedDTypePolicy):
    """A policy whose mode has whole numbers in it, between slashes."""

    form: ClassVar[str]

    def __init__(self, mode: str, source_name: str | None = None) -> None:
        kind, *numbers = self.form.split("/")
        parts = str(mode).split("/")
        if parts[0] != kind or len(parts) != len(numbers) + 1:
            raise ValueError(f"A mode of {type(self).__name__} is {self.form!r}, not {mode!r}.")
        super().__init__(kind, source_name)
        for name, text in zip(numbers, parts[1:], strict=True):
            try:
                setattr(self, name, int(text))
            except ValueError:
                raise ValueError(
                    f"In {self.form!r}, {name} is a whole number, and {mode!r} has {text!r} there."
                ) from None
        self._check(mode)

    def _check(self, mode: str) -> None:
        """Refuse numbers out of range."""

    @property
    def spelled(self) -> str:
        return "/".join([self.mode, *(str(getattr(self, one)) for one in self.form.split("/")[1:])])


def _size(name: str, value: int, mode: str) -> None:
    if value < 1 and value != -1:
        raise ValueError(
            f"{name} is at least 1, or -1 for all rows, and not {value} as in {mode!r}."
        )


class Int4DTypePolicy(_Numbered):
    """The types of a layer whose weights are kept in 4 bits, with a scale for each block.

    Args:
        mode: `int4/<block_size>`; -1 for one scale for each channel.
        source_name: the policy of the layer before; the process's where None.

    Raises:
        ValueError: if the mode is none.

    Example:
        >>> Int4DTypePolicy("int4/128", "float32").block_size
        128
    """

    form: ClassVar[str] = "int4/block_size"
    block_size: int

    def _check(self, mode: str) -> None:
        _size("block_size", self.block_size, mode)


class GPTQDTypePolicy(_Numbered):
    """The types of a layer quantized by GPTQ.

    Args:
        mode: `gptq/<weight_bits>/<group_size>`: 2, 3, 4 or 8 bits; -1 for one group of all.
        source_name: the policy of the layer before; the process's where None.

    Raises:
        ValueError: if the mode is none.

    Example:
        >>> policy = GPTQDTypePolicy("gptq/4/128", "float32")
        >>> policy.weight_bits, policy.group_size
        (4, 128)

    Reference:
        Frantar et al., 2022, https://arxiv.org/abs/2210.17323
    """

    form: ClassVar[str] = "gptq/weight_bits/group_size"
    bits: ClassVar[tuple[int, ...]] = (2, 3, 4, 8)
    weight_bits: int
    group_size: int

    def _check(self, mode: str) -> None:
        if self.weight_bits not in self.bits:
            known = ", ".join(map(str, self.bits))
            raise ValueError(f"weight_bits is {known}, and not {self.weight_bits} as in {mode!r}.")
        _size("group_size", self.group_size, mode)


class AWQDTypePolicy(GPTQDTypePolicy):
    """The types of a layer quantized by AWQ.

    Args:
        mode: `awq/4/<group_size>`; -1 for one group of all.
        source_name: the policy of the layer before; the process's where None.

    Raises:
        ValueError: if the mode is none.

    Example:
        >>> AWQDTypePolicy("awq/4/128", "mixed_bfloat16").name
        'awq/4/128_from_mixed_bfloat16'

    Reference:
        Lin et al., 2023, https://arxiv.org/abs/2306.00978
    """

    form: ClassVar[str] = "awq/weight_bits/group_size"
    bits: ClassVar[tuple[int, ...]] = (4,)


def named(name: str) -> QuantizedDTypePolicy:
    """The policy that `name` says, such as `int8_from_float32`.

    Raises:
        ValueError: if it names no mode, or no policy to begin with.

    Example:
        >>> named("int4/64_from_float32")
        <Int4DTypePolicy "int4/64_from_float32">
    """
    mode, *rest = name.split("_from_")
    if len(rest) != 1:
        raise ValueError(
            f"The name of a quantized policy is a mode and the policy that it begins with, such as "
            f"'int8_from_float32', not {name!r}."
        )
    made = _CLASSES.get(mode.split("/")[0], QuantizedDTypePolicy)
    return made(mode, rest[0])


def _int4(mode: str, source_name: str) -> QuantizedDTypePolicy:
    made = QuantizedDTypePolicy if mode == "int4" else Int4DTypePolicy
    return made(mode, source_name)


_CLASSES: dict[str, Callable[[str, str], QuantizedDTypePolicy]] = {
    "float8": QuantizedFloat8DTypePolicy,
    "int4": _int4,
    "gptq": GPTQDTypePolicy,
    "awq": AWQDTypePolicy,
}
named_by_mode.update(dict.fromkeys(MODES, named))
