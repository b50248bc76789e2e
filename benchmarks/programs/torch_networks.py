"""The networks of `networks.py` in plain PyTorch, and the loop that trains them."""

import json
import statistics
import time

import torch
from torch import nn
from torch.nn import functional

EPOCHS = 4


def mnist_cnn():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(1600, 10),
    )


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(width, eps=1e-3)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.mlp_norm = nn.LayerNorm(width, eps=1e-3)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)

    def forward(self, x):
        batch, length, width = x.shape
        qkv = self.qkv(self.attention_norm(x))
        q, k, v = qkv.view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, length, width))
        return x + self.down(functional.gelu(self.up(self.mlp_norm(x))))


class GPT(nn.Module):
    def __init__(self, vocabulary, length, width, heads, blocks):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(length, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(blocks))
        self.norm = nn.LayerNorm(width, eps=1e-3)
        self.head = nn.Linear(width, vocabulary)

    def forward(self, tokens):
        x = self.tokens(tokens) + self.positions.weight
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


class TiedGPT(GPT):
    """`GPT` whose embedding also reads the result."""

    def __init__(self, vocabulary=50257, length=1024, width=768, heads=12, blocks=12):
        super().__init__(vocabulary, length, width, heads, blocks)
        self.head = nn.Linear(width, vocabulary, bias=False)
        self.head.weight = self.tokens.weight


def convolved(channels, filters, size, stride=1):
    around = size // 2
    conv = nn.Conv2d(channels, filters, size, stride, around, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(filters))


class Bottleneck(nn.Module):
    def __init__(self, channels, filters, stride):
        super().__init__()
        self.path = nn.Sequential(
            *(convolved(channels, filters, 1), nn.ReLU(inplace=True)),
            *(convolved(filters, filters, 3, stride), nn.ReLU(inplace=True)),
            convolved(filters, 4 * filters, 1),
        )
        same = channels == 4 * filters
        self.shortcut = nn.Identity() if same else convolved(channels, 4 * filters, 1, stride)

    def forward(self, x):
        return functional.relu(self.path(x) + self.shortcut(x))


def resnet50(classes=1000, depths=(3, 4, 6, 3)):
    """The network of the same name in `networks.py`; floats in."""
    parts = [convolved(3, 64, 7, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    channels = 64
    for stage, depth in enumerate(depths):
        for i in range(depth):
            parts.append(Bottleneck(channels, 64 * 2**stage, 2 if stage and not i else 1))
            channels = 256 * 2**stage
    parts += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes)]
    return nn.Sequential(*parts)


def time_steps(model, loss, x, y, batch_size, learning_rate=1e-3):
    """What `clock.time_steps` prints, of a training loop in plain PyTorch."""
    optimizer = torch.optim.Adam(model.parameters(), learning_rate, eps=1e-7, fused=True)
    seconds = []
    for _ in range(EPOCHS):
        begin = time.perf_counter()
        for take in torch.randperm(len(x)).split(batch_size):
            optimizer.zero_grad()
            loss(model(x[take]), y[take]).backward()
            optimizer.step()
        seconds.append(time.perf_counter() - begin)
    first, *later = seconds
    steps = -(-len(x) // batch_size)
    print(json.dumps({"first epoch": first, "step": statistics.median(later) / steps}))
