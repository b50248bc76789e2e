"""GPT-2 of 124M weights in mixed bfloat16, batches of 16 texts of 1,024 tokens."""

import keras
from networks import TiedGPT
from text import BATCH, OPERATIONS, SHAPE, text
from throughput import JIT_COMPILE, time_fit

keras.mixed_precision.set_global_policy("mixed_bfloat16")
model = TiedGPT(**SHAPE)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(optimizer=keras.optimizers.Adam(3e-4), loss=loss, jit_compile=JIT_COMPILE)
time_fit(model, text[:, :-1], text[:, 1:], BATCH, ("tokens", SHAPE["length"]), OPERATIONS)
