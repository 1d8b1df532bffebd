"""Repeats a run of the main job in PyTorch, from what export_run.ts wrote, and compares the losses.

    python3 test/golden/replay_run.py FILE [RESULTS.json]
"""
import json
import sys
import time

import numpy as np
import torch

import gpt_reference

DTYPES = {"F32": np.float32, "I64": np.int64}


def read_safetensors(path):
    """Tensors and metadata, without depending on the safetensors package."""
    data = open(path, "rb").read()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    metadata = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        begin, end = (start + offset for offset in entry["data_offsets"])
        array = np.frombuffer(data[begin:end], DTYPES[entry["dtype"]]).reshape(entry["shape"])
        tensors[name] = torch.tensor(array)
    return tensors, metadata


tensors, settings = read_safetensors(sys.argv[1])
batches = list(zip(tensors.pop("batches.inputs"), tensors.pop("batches.targets")))
begun = time.perf_counter()
losses = list(
    gpt_reference.train(
        tensors, batches, int(settings["steps"]), float(settings["lr"]), int(settings["layers"]), int(settings["heads"])
    )
)
seconds = time.perf_counter() - begun
print(f"{len(losses)} losses from {losses[0]:.6f} to {losses[-1]:.6f}, {batches[0][0].numel() * len(losses) / seconds:.0f} characters/s")
if len(sys.argv) > 2:
    ours = [point["loss"] for point in json.load(open(sys.argv[2]))["history"]["train"]][: len(losses)]
    print(f"largest relative difference: {max(abs(a - b) / b for a, b in zip(ours, losses)):.1e}")
