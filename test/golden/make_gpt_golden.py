"""Writes gpt.json: the first losses of a small training run, computed by PyTorch in float32.

    python3 test/golden/make_gpt_golden.py

Weights and batches come from an integer hash that test/golden/gpt.test.ts computes, too, so that neither needs storing.
"""
import json
import math
import pathlib

import numpy as np
import torch

import gpt_reference

CONFIG = {"vocabulary": 17, "context": 16, "width": 32, "layers": 2, "heads": 2}
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
    unit = mix(np.arange(math.prod(shape), dtype=np.uint64) + np.uint64(seed)).astype(np.float64) / 2**32
    centre = 1.0 if name.endswith("weight") and len(shape) == 1 else 0.0
    return torch.tensor((centre + (unit - 0.5) * 0.2).astype(np.float32).reshape(shape))


def batch_of(step):
    """Rows of i -> (i² + 3 i start) mod 17: something that can be learned."""
    rows = np.arange(BATCH, dtype=np.uint64) + np.uint64(step * BATCH)
    start = mix(np.uint64(1000) + rows).astype(np.int64)[:, None] % 97
    i = np.arange(CONFIG["context"] + 1)[None, :]
    text = torch.tensor((i * i + 3 * i * start) % CONFIG["vocabulary"])
    return text[:, :-1], text[:, 1:]


parameters = {name: weights(name, shape) for name, shape in gpt_reference.parameter_shapes(**CONFIG).items()}
batches = (batch_of(step) for step in range(STEPS))
losses = list(gpt_reference.train(parameters, batches, STEPS, PEAK, CONFIG["layers"], CONFIG["heads"]))
golden = {"config": CONFIG, "batch": BATCH, "steps": STEPS, "lr": PEAK, "torch": torch.__version__, "losses": losses}
path = pathlib.Path(__file__).with_name("gpt.json")
path.write_text(json.dumps(golden, indent=2) + "\n")
print(f"{path.name}: losses {losses[0]:.4f} to {losses[-1]:.4f}")
