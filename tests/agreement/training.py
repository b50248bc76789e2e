"""What may be drawn for optimizers and schedules."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.agreement.case import Draw, Made, Strategy
from tests.agreement.pieces import BOOL, of

SHAPES = {"shapes": of([[(3, 4), (4,), ()]])}
RATE = st.just(0.05) | st.builds(
    Made,
    of(["schedules.ExponentialDecay"]),
    st.just({"initial_learning_rate": 0.05, "decay_steps": 2, "decay_rate": 0.5}),
)
OPTIONS = {
    "weight_decay": of([None, 0.05]),
    "clipnorm": of([None, 0.5]),
    "clipvalue": of([None, 0.3]),
    "global_clipnorm": of([None, 0.7]),
    "use_ema": BOOL,
    "ema_momentum": of([0.8]),
    "ema_overwrite_frequency": of([None, 2]),
    "loss_scale_factor": of([None, 4.0]),
    "gradient_accumulation_steps": of([None, 2]),
}
BETAS = {"beta_1": of([0.9, 0.5]), "beta_2": of([0.999, 0.9])}
EPSILON = {"epsilon": of([1e-7, 1e-3])}


def optimizer(**options: Strategy) -> Draw:
    """An optimizer with a learning rate, options of its own and those that all take."""
    return Draw({"learning_rate": RATE}, {**OPTIONS, **options}, SHAPES, tolerance=1e-4)


OPTIMIZERS = {
    "SGD": optimizer(momentum=of([0.0, 0.9]), nesterov=BOOL),
    "RMSprop": optimizer(rho=of([0.9, 0.5]), momentum=of([0.0, 0.8]), centered=BOOL, **EPSILON),
    "Adam": optimizer(amsgrad=BOOL, **BETAS, **EPSILON),
    "AdamW": optimizer(amsgrad=BOOL, **BETAS, **EPSILON),
    "Adagrad": optimizer(initial_accumulator_value=of([0.1, 0.5]), **EPSILON),
    "Adadelta": optimizer(rho=of([0.95, 0.5]), **EPSILON),
    "Adafactor": optimizer(
        beta_2_decay=of([-0.8, -0.5]),
        epsilon_1=of([1e-30, 1e-5]),
        epsilon_2=of([1e-3, 1e-2]),
        clip_threshold=of([1.0, 0.5]),
        relative_step=BOOL,
    ),
    "Adamax": optimizer(**BETAS, **EPSILON),
    "Ftrl": optimizer(
        learning_rate_power=of([-0.5, -0.3]),
        initial_accumulator_value=of([0.1, 0.5]),
        l1_regularization_strength=of([0.0, 0.1]),
        l2_regularization_strength=of([0.0, 0.1]),
        l2_shrinkage_regularization_strength=of([0.0, 0.1]),
        beta=of([0.0, 0.5]),
    ),
    "Lamb": optimizer(**BETAS, **EPSILON),
    "Lion": optimizer(**BETAS),
    "Muon": optimizer(
        momentum=of([0.95, 0.5]),
        nesterov=BOOL,
        ns_steps=of([5, 2]),
        rms_rate=of([0.2, None]),
        adam_lr_ratio=of([1, 0.5]),
        adam_weight_decay=of([0.004, None]),
        exclude_embeddings=BOOL,
    ),
    "Nadam": optimizer(**BETAS, **EPSILON),
    "ScheduleFreeAdamW": optimizer(warmup_steps=of([0, 2]), **BETAS, **EPSILON),
}

# Of a learning rate that is an integer Keras computes decay in integers.
FIRST = of([0.1, 1.0])
STEPS = of([3, 7, 20])
SCHEDULES = {
    **{
        name: Draw(
            {"initial_learning_rate": FIRST, "decay_steps": STEPS, "decay_rate": of([0.5, 0.9, 2])},
            {"staircase": BOOL},
        )
        for name in ("ExponentialDecay", "InverseTimeDecay")
    },
    "PolynomialDecay": Draw(
        {"initial_learning_rate": FIRST, "decay_steps": STEPS},
        {"end_learning_rate": of([0.01, 0.0]), "power": of([1.0, 2.0, 0.5]), "cycle": BOOL},
    ),
    "PiecewiseConstantDecay": Draw(
        {"boundaries": of([[3, 7], [1, 20]]), "values": of([[1.0, 0.5, 0.2], [0.1, 0.2, 0.3]])}
    ),
    "CosineDecay": Draw(
        {"initial_learning_rate": FIRST, "decay_steps": STEPS},
        {
            "alpha": of([0.0, 0.2]),
            "warmup_target": of([None, 0.3]),
            "warmup_steps": of([0, 3]),
        },
    ),
    "CosineDecayRestarts": Draw(
        {"initial_learning_rate": FIRST, "first_decay_steps": of([3, 7])},
        {"t_mul": of([2.0, 1.0, 1.5]), "m_mul": of([1.0, 0.8]), "alpha": of([0.0, 0.2])},
        # Near a restart the part of the period that has passed is a difference of equal numbers.
        tolerance=1e-4,
    ),
}
