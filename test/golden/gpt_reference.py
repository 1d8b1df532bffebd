"""The training run of src/cli in PyTorch: model, schedule and optimizer written out once more, on purpose, to be compared with.

Nothing here is read from the library but the names of the parameters; see make_gpt_golden.py and replay_run.py for its uses.
"""
import math

import torch
import torch.nn.functional as F


def parameter_shapes(vocabulary, context, width, layers, heads):
    """Names, as in the library's stateDict(), and shapes."""
    shapes = {"tokens.weight": (vocabulary, width), "positions.weight": (context, width)}
    for layer in range(layers):
        shapes |= {
            f"blocks.{layer}.{name}": shape
            for name, shape in {
                "norm1.weight": (width,), "norm1.bias": (width,),
                "self_attn.in_proj_weight": (3 * width, width), "self_attn.in_proj_bias": (3 * width,),
                "self_attn.out_proj.weight": (width, width), "self_attn.out_proj.bias": (width,),
                "norm2.weight": (width,), "norm2.bias": (width,),
                "linear1.weight": (4 * width, width), "linear1.bias": (4 * width,),
                "linear2.weight": (width, 4 * width), "linear2.bias": (width,),
            }.items()
        }
    return shapes | {
        "norm.weight": (width,), "norm.bias": (width,),
        "head.weight": (vocabulary, width), "head.bias": (vocabulary,),
    }


def logits(p, tokens, layers, heads):
    b, t = tokens.shape

    def norm(x, name):
        return F.layer_norm(x, x.shape[-1:], p[name + ".weight"], p[name + ".bias"])

    def linear(x, name):
        return F.linear(x, p[name + ".weight"], p[name + ".bias"])

    x = p["tokens.weight"][tokens] + p["positions.weight"][:t]
    width = x.shape[-1]
    future = torch.triu(torch.ones(t, t, dtype=torch.bool), 1)
    for layer in range(layers):
        block = f"blocks.{layer}."
        qkv = F.linear(norm(x, block + "norm1"), p[block + "self_attn.in_proj_weight"], p[block + "self_attn.in_proj_bias"])
        q, k, v = (part.view(b, t, heads, -1).transpose(1, 2) for part in qkv.split(width, -1))
        scores = (q @ k.transpose(-1, -2)) / math.sqrt(width // heads)
        mixed = scores.masked_fill(future, -math.inf).softmax(-1) @ v
        x = x + linear(mixed.transpose(1, 2).reshape(b, t, width), block + "self_attn.out_proj")
        x = x + linear(F.gelu(linear(norm(x, block + "norm2"), block + "linear1")), block + "linear2")
    return linear(norm(x, "norm"), "head")


def learning_rate(step, steps, peak):
    warm_up = max(1, round(steps * 0.05))
    if step < warm_up:
        return peak * (step + 1) / warm_up
    return peak * (0.05 + 0.95 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up))) / 2)


def train(p, batches, steps, peak, layers, heads):
    """The loss of every batch, before the step on it. `steps` is the length of the schedule."""
    for parameter in p.values():
        parameter.requires_grad_()
    optimizer = torch.optim.AdamW(p.values(), lr=peak, betas=(0.9, 0.99), weight_decay=0.1)
    for step, (inputs, targets) in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps, peak)
        loss = F.cross_entropy(logits(p, inputs, layers, heads).flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(p.values(), 1.0)
        optimizer.step()
        yield loss.item()
