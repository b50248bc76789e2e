"""The training of `resnet50.py` in plain PyTorch, with `torch.compile`."""

import torch
from images import BATCH, CLASSES, DEPTHS, OPERATIONS, images, labels
from throughput import time_torch
from torch.nn import functional
from torch_networks import resnet50


def prepare(images):
    """Bytes (batch, height, width, 3) as floats with the channels in front, last in memory."""
    return images.permute(0, 3, 1, 2).float() / 255


model = resnet50(CLASSES, DEPTHS).to(memory_format=torch.channels_last)
unit = ("images", 1)
time_torch(model, functional.cross_entropy, prepare, images, labels, BATCH, unit, OPERATIONS)
