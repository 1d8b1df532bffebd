"""Writes gpt.json: the first losses of the training run of src/cli, computed by PyTorch in float32.

    python3 test/golden/make_gpt_golden.py

Weights and batches come from an integer hash that test/golden/gpt.test.ts computes, too, so that neither needs storing.
The model, the schedule and the optimizer's settings are written out here once more, on purpose: they are what is compared.
"""
import json
import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

VOCABULARY, CONTEXT, WIDTH, LAYERS, HEADS = 17, 16, 32, 2, 2
BATCH, STEPS, PEAK = 8, 20, 3e-3
M32 = np.uint64(0xFFFFFFFF)


def mix(x):
    """The integer hash `lowbias32` (Chris Wellons, hash-prospector)."""
    x = np.uint64(x) & M32
    x = ((x ^ (x >> np.uint64(16))) * np.uint64(0x7FEB352D)) & M32
    x = ((x ^ (x >> np.uint64(15))) * np.uint64(0x846CA68B)) & M32
    return x ^ (x >> np.uint64(16))


def weights(name, shape):
    """Uniform in [-0.1, 0.1), around 1 for the gains of layer norms."""
    seed = 0
    for byte in name.encode():
        seed = int(mix(seed * 31 + byte))
    n = math.prod(shape)
    unit = mix(np.arange(n, dtype=np.uint64) + np.uint64(seed)).astype(np.float64) / 2**32
    centre = 1.0 if name.endswith("weight") and len(shape) == 1 else 0.0
    return torch.tensor((centre + (unit - 0.5) * 0.2).astype(np.float32).reshape(shape), requires_grad=True)


def batch_of(step):
    """Rows of i -> (i² + 3 i start) mod 17: something that can be learned."""
    rows = np.arange(BATCH, dtype=np.uint64) + np.uint64(step * BATCH)
    start = mix(np.uint64(1000) + rows).astype(np.int64)[:, None] % 97
    i = np.arange(CONTEXT + 1)[None, :]
    text = torch.tensor((i * i + 3 * i * start) % VOCABULARY)
    return text[:, :-1], text[:, 1:]


SHAPES = {"tokens.weight": (VOCABULARY, WIDTH), "positions.weight": (CONTEXT, WIDTH)}
for layer in range(LAYERS):
    block = f"blocks.{layer}."
    SHAPES |= {
        block + "norm1.weight": (WIDTH,), block + "norm1.bias": (WIDTH,),
        block + "self_attn.in_proj_weight": (3 * WIDTH, WIDTH), block + "self_attn.in_proj_bias": (3 * WIDTH,),
        block + "self_attn.out_proj.weight": (WIDTH, WIDTH), block + "self_attn.out_proj.bias": (WIDTH,),
        block + "norm2.weight": (WIDTH,), block + "norm2.bias": (WIDTH,),
        block + "linear1.weight": (4 * WIDTH, WIDTH), block + "linear1.bias": (4 * WIDTH,),
        block + "linear2.weight": (WIDTH, 4 * WIDTH), block + "linear2.bias": (WIDTH,),
    }
SHAPES |= {"norm.weight": (WIDTH,), "norm.bias": (WIDTH,), "head.weight": (VOCABULARY, WIDTH), "head.bias": (VOCABULARY,)}
P = {name: weights(name, shape) for name, shape in SHAPES.items()}


def norm(x, name):
    return F.layer_norm(x, (WIDTH,), P[name + ".weight"], P[name + ".bias"])


def linear(x, name):
    return F.linear(x, P[name + ".weight"], P[name + ".bias"])


def model(tokens):
    b, t = tokens.shape
    x = P["tokens.weight"][tokens] + P["positions.weight"][:t]
    future = torch.triu(torch.ones(t, t, dtype=torch.bool), 1)
    for layer in range(LAYERS):
        block = f"blocks.{layer}."
        qkv = F.linear(norm(x, block + "norm1"), P[block + "self_attn.in_proj_weight"], P[block + "self_attn.in_proj_bias"])
        q, k, v = (part.view(b, t, HEADS, -1).transpose(1, 2) for part in qkv.split(WIDTH, -1))
        scores = (q @ k.transpose(-1, -2)) / math.sqrt(WIDTH // HEADS)
        mixed = scores.masked_fill(future, -math.inf).softmax(-1) @ v
        x = x + linear(mixed.transpose(1, 2).reshape(b, t, WIDTH), block + "self_attn.out_proj")
        x = x + linear(F.gelu(linear(norm(x, block + "norm2"), block + "linear1")), block + "linear2")
    return linear(norm(x, "norm"), "head")


def learning_rate(step):
    warm_up = max(1, round(STEPS * 0.05))
    if step < warm_up:
        return PEAK * (step + 1) / warm_up
    return PEAK * (0.05 + 0.95 * (1 + math.cos(math.pi * (step - warm_up) / (STEPS - warm_up))) / 2)


optimizer = torch.optim.AdamW(P.values(), lr=PEAK, betas=(0.9, 0.99), weight_decay=0.1)
losses = []
for step in range(STEPS):
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(step)
    inputs, targets = batch_of(step)
    loss = F.cross_entropy(model(inputs).view(-1, VOCABULARY), targets.reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(P.values(), 1.0)
    optimizer.step()
    losses.append(loss.item())

golden = {
    "config": {"vocabulary": VOCABULARY, "context": CONTEXT, "width": WIDTH, "layers": LAYERS, "heads": HEADS},
    "batch": BATCH, "steps": STEPS, "lr": PEAK, "torch": torch.__version__, "losses": losses,
}
path = pathlib.Path(__file__).with_name("gpt.json")
path.write_text(json.dumps(golden, indent=2) + "\n")
print(f"{path.name}: losses {losses[0]:.4f} to {losses[-1]:.4f}")
