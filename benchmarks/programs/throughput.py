"""What the programs for a GPU share: a size from the command line, a clock, the peak."""

import json
import sys
import time

# `small` is for a CPU, to see that a program runs.
SMALL = "small" in sys.argv[1:]
# Whether PyTorch is to compile the step: "auto" leaves it to the library.
JIT_COMPILE = True if "compiled" in sys.argv[1:] else "auto"
SIDE = 512 if SMALL else 8192
EPOCHS = 2


def peak_of(product, wait, rounds=20):
    """The floating-point operations a second of `product()`, of two square bfloat16 matrices."""
    for _ in range(3):
        wait(product())
    found = []
    for _ in range(3):
        begin = time.perf_counter()
        for _ in range(rounds):
            last = product()
        wait(last)
        found.append(2 * SIDE**3 * rounds / (time.perf_counter() - begin))
    return max(found)


def report(seconds, rows, batch, unit, operations, peak):
    """Print the figures of a training.

    Args:
        seconds: of the two epochs, the first of which compiles.
        rows: in an epoch.
        batch: rows in a step.
        unit: what is counted, and how many of it are in a row.
        operations: floating-point operations that training takes for one of the unit.
        peak: those that a second of the largest product has.
    """
    first, second = seconds
    name, each = unit
    done = rows * each / second
    figures = {
        "first epoch": first,
        "step": second / (rows // batch),
        f"{name} a second": done,
        "share of the peak": done * operations / peak,
    }
    print(json.dumps(figures))


def time_fit(model, x, y, batch, unit, operations):
    import numpy as np
    from clock import Clock
    from keras import ops

    drawn = np.random.default_rng(0).normal(size=(SIDE, SIDE)).astype("float32")
    matrix = ops.cast(ops.convert_to_tensor(drawn), "bfloat16")
    peak = peak_of(
        lambda: ops.matmul(matrix, matrix), lambda y: ops.convert_to_numpy(ops.sum(y[:1, :1]))
    )
    clock = Clock()
    model.fit(x, y, batch_size=batch, epochs=EPOCHS, verbose=0, callbacks=[clock])
    report(clock.seconds, len(x), batch, unit, operations, peak)


def time_torch(model, loss, prepare, x, y, batch, unit, operations):
    """The same by a loop in plain PyTorch, with `torch.compile` and bfloat16."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = model.to(device)
    matrix = torch.randn(SIDE, SIDE, device=device, dtype=torch.bfloat16)
    peak = peak_of(lambda: matrix @ matrix, lambda y: y[0, 0].item())
    optimizer = torch.optim.Adam(model.parameters(), 3e-4, eps=1e-7, fused=True)
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    if device == "cuda":
        x, y = x.pin_memory(), y.pin_memory()

    @torch.compile
    def loss_of(inputs, targets):
        with torch.autocast(device, torch.bfloat16):
            outputs = model(prepare(inputs))
        return loss(outputs.float(), targets.long())

    seconds = []
    for _ in range(EPOCHS):
        begin = time.perf_counter()
        for take in torch.randperm(len(x)).split(batch):
            inputs = x[take].to(device, non_blocking=True)
            targets = y[take].to(device, non_blocking=True)
            optimizer.zero_grad()
            value = loss_of(inputs, targets)
            value.backward()
            optimizer.step()
        value.item()
        seconds.append(time.perf_counter() - begin)
    report(seconds, len(x), batch, unit, operations, peak)
