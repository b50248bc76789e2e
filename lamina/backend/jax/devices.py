"""Where JAX computes: on a GPU where there is one, or where it was told."""

from __future__ import annotations

import contextlib

import jax


def available() -> list[str]:
    """Names as `"gpu:0"`; the CPU is there beside other devices too."""
    found = jax.devices()
    if found[0].platform != "cpu":
        found = [*found, *jax.devices("cpu")]
    return [f"{device.platform}:{device.id}" for device in found]


def use(name: str) -> contextlib.AbstractContextManager[None]:
    """A block that computes on the device `name`."""
    platform, _, index = name.partition(":")
    return jax.default_device(jax.devices(platform)[int(index)])  # type: ignore[no-any-return]


def current() -> jax.Device:
    """The device that is computed on now."""
    told = jax.config.jax_default_device  # type: ignore[attr-defined]
    if isinstance(told, str):
        return jax.devices(told)[0]
    return jax.devices()[0] if told is None else told
