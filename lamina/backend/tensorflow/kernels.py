"""What TensorFlow spells differently from the op of that name, or lacks, each with its reason."""

from __future__ import annotations

from typing import Any

from lamina.backend.tensorflow import elementwise, fourier, indexing, linear, reductions, shaping

OWN: dict[str, Any] = {
    **elementwise.OWN,
    **fourier.OWN,
    **indexing.OWN,
    **linear.OWN,
    **reductions.OWN,
    **shaping.OWN,
}
