"""`model(x)` against the same network in plain PyTorch, with the same weights, in turns."""

import json
import statistics
import time

import networks
import torch
import torch_networks

ROUNDS, CALLS = 30, 10
SIZES = {"vocabulary": 1000, "length": 64, "width": 128, "heads": 4, "blocks": 2}


def copy_cnn(weights, twin):
    for layer in (twin[0], twin[3]):
        layer.weight.copy_(next(weights).permute(3, 2, 0, 1))
        layer.bias.copy_(next(weights))
    # What is flattened lies rows-columns-channels in Keras, channels-rows-columns in PyTorch.
    dense = next(weights).view(5, 5, 64, 10)
    twin[8].weight.copy_(dense.permute(3, 2, 0, 1).flatten(1))
    twin[8].bias.copy_(next(weights))


def copy_dense(weights, linear):
    linear.weight.copy_(next(weights).reshape(linear.in_features, -1).T)
    linear.bias.copy_(next(weights))


def copy_norm(weights, norm):
    norm.weight.copy_(next(weights))
    norm.bias.copy_(next(weights))


def copy_gpt(weights, twin):
    width = SIZES["width"]
    twin.tokens.weight.copy_(next(weights))
    twin.positions.weight.copy_(next(weights))
    for block in twin.blocks:
        copy_norm(weights, block.attention_norm)
        for part in range(3):
            rows = slice(part * width, (part + 1) * width)
            block.qkv.weight[rows] = next(weights).reshape(width, width).T
            block.qkv.bias[rows] = next(weights).flatten()
        block.out.weight.copy_(next(weights).reshape(width, width).T)
        block.out.bias.copy_(next(weights))
        copy_norm(weights, block.mlp_norm)
        copy_dense(weights, block.up)
        copy_dense(weights, block.down)
    copy_norm(weights, twin.norm)
    copy_dense(weights, twin.head)


def seconds(function, *arguments):
    begin = time.perf_counter()
    for _ in range(CALLS):
        function(*arguments)
    return (time.perf_counter() - begin) / CALLS


def compare(name, model, twin, x, twin_x):
    """The medians of both in seconds, and the median of their ratios."""
    torch.testing.assert_close(model(x), twin(twin_x), rtol=1e-3, atol=1e-4)
    seconds(model, x), seconds(twin, twin_x)
    pairs = [(seconds(model, x), seconds(twin, twin_x)) for _ in range(ROUNDS)]
    ours, plain = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(one / other for one, other in pairs)
    return {name: ours, f"{name}, plain": plain, f"{name}, ratio": ratio}


figures = {}
with torch.no_grad():
    cnn, cnn_twin = networks.mnist_cnn(last=None), torch_networks.mnist_cnn().eval()
    copy_cnn(map(torch.from_numpy, cnn.get_weights()), cnn_twin)
    for batch in (1, 32):
        images = torch.rand(batch, 28, 28, 1)
        channels_first = images.permute(0, 3, 1, 2).contiguous()
        figures |= compare(f"cnn of {batch}", cnn, cnn_twin, images, channels_first)
    gpt, gpt_twin = networks.gpt(**SIZES), torch_networks.GPT(**SIZES).eval()
    copy_gpt(map(torch.from_numpy, gpt.get_weights()), gpt_twin)
    for batch in (1, 8):
        tokens = torch.randint(1000, (batch, 64), dtype=torch.int32)
        figures |= compare(f"gpt of {batch}", gpt, gpt_twin, tokens, tokens)
print(json.dumps(figures))
