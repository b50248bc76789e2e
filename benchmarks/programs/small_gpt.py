"""A decoder of four blocks of width 128 on 128 tokens, in batches of 16."""

import numpy as np
from clock import time_steps
from keras import losses, optimizers
from networks import gpt

model = gpt(vocabulary=1000, length=128, width=128, heads=4, blocks=4)
loss = losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(optimizer=optimizers.Adam(3e-4), loss=loss)
text = np.random.default_rng(0).integers(0, 1000, (192, 129), dtype=np.int32)
time_steps(model, text[:, :-1], text[:, 1:], batch_size=16)
