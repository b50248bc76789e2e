"""Mixed precision: the policy of the process, and the scaling of losses."""

from __future__ import annotations

from lamina.core.policy import DTypePolicy
from lamina.core.policy import DTypePolicy as Policy
from lamina.core.policy import dtype_policy as global_policy
from lamina.core.policy import set_dtype_policy as set_global_policy
from lamina.optimizers import LossScaleOptimizer

dtype_policy, set_dtype_policy = global_policy, set_global_policy

__all__ = [
    "DTypePolicy",
    "LossScaleOptimizer",
    "Policy",
    "dtype_policy",
    "global_policy",
    "set_dtype_policy",
    "set_global_policy",
]
