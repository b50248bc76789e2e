"""`small_gpt.py` in plain PyTorch."""

import torch
from torch.nn.functional import cross_entropy
from torch_networks import GPT, time_steps


def loss(logits, tokens):
    return cross_entropy(logits.flatten(0, 1), tokens.flatten())


text = torch.randint(1000, (192, 129))
model = GPT(vocabulary=1000, length=128, width=128, heads=4, blocks=4)
time_steps(model, loss, text[:, :-1], text[:, 1:], batch_size=16, learning_rate=3e-4)
