"""The training of `gpt2.py` in plain PyTorch, with `torch.compile`."""

from text import BATCH, OPERATIONS, SHAPE, text
from throughput import time_torch
from torch.nn import functional
from torch_networks import TiedGPT


def loss(logits, targets):
    return functional.cross_entropy(logits.flatten(0, 1), targets.flatten())


x, y = text[:, :-1].copy(), text[:, 1:].copy()
unit = ("tokens", SHAPE["length"])
time_torch(TiedGPT(**SHAPE), loss, lambda tokens: tokens, x, y, BATCH, unit, OPERATIONS)
