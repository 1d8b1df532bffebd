"""The trainings of ../tasks.ts in PyTorch: one line of JSON for the one that is named.

usage: torch_steps.py ID --threads N --warm-up N --rounds N --per-round N
       torch_steps.py probe --threads N    which PyTorch this is, and how fast its BLAS: builds differ tenfold
"""
import argparse
import json
import math
import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F

# Rounds end early on builds that would take minutes.
BUDGET_SECONDS = 8
MIN_ROUNDS = 3
HAS_FUSED_ATTENTION = hasattr(F, "scaled_dot_product_attention")


def himmelblau():
    at = torch.tensor([-4.0, 0.0], requires_grad=True)

    def loss():
        x, y = at[0], at[1]
        return (x.square() + y - 11).square() + (x + y.square() - 7).square()

    return torch.optim.Adam([at], lr=1e-3), loss


def regression():
    x = torch.randn(100, 3)
    y = x @ torch.tensor([[1.5], [-2.0], [0.7]]) + 0.3 + 0.01 * torch.randn(100, 1)
    model = nn.Linear(3, 1)
    return torch.optim.SGD(model.parameters(), lr=1e-2), lambda: F.mse_loss(model(x), y)


def mlp(make_optimizer):
    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10))
    x, y = torch.randn(128, 784), torch.randint(0, 10, (128,))
    return make_optimizer(model.parameters()), lambda: F.cross_entropy(model(x), y)


def cnn():
    def block(before, after):
        return nn.Conv2d(before, after, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)

    head = nn.Flatten(), nn.Linear(7 * 7 * 64, 128), nn.ReLU(), nn.Linear(128, 10)
    model = nn.Sequential(*block(1, 32), *block(32, 64), *head)
    x, y = torch.randn(64, 1, 28, 28), torch.randint(0, 10, (64,))
    return torch.optim.Adam(model.parameters(), lr=1e-3), lambda: F.cross_entropy(model(x), y)


class Block(nn.Module):
    """Pre-norm attention and feed-forward, with residual connections."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.project, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.widen, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def attend(self, x, mask):
        batch, length, width = x.shape
        split = self.project(x).view(batch, length, 3, self.heads, width // self.heads)
        q, k, v = split.permute(2, 0, 3, 1, 4)
        if HAS_FUSED_ATTENTION:
            mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
            mixed = scores.masked_fill(mask, -math.inf).softmax(-1) @ v
        return self.out(mixed.transpose(1, 2).reshape(batch, length, width))

    def forward(self, x, mask):
        x = x + self.attend(self.norm1(x), mask)
        return x + self.narrow(F.gelu(self.widen(self.norm2(x))))


class Gpt(nn.Module):
    def __init__(self, vocabulary=65, context=64, layers=4, heads=4, width=128):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary, bias=False)
        self.register_buffer("places", torch.arange(context))
        self.register_buffer("mask", torch.ones(context, context, dtype=torch.bool).triu(1))

    def forward(self, tokens):
        x = self.tokens(tokens) + self.positions(self.places)
        for block in self.blocks:
            x = block(x, self.mask)
        return self.head(self.norm(x))


def gpt():
    model = Gpt()
    inputs, targets = torch.randint(0, 65, (16, 64)), torch.randint(0, 65, (16 * 64,))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    return optimizer, lambda: F.cross_entropy(model(inputs).view(-1, 65), targets)


TASKS = {
    "himmelblau": himmelblau,
    "regression": regression,
    "mlp_sgd": lambda: mlp(lambda p: torch.optim.SGD(p, lr=0.01)),
    "mlp_adam": lambda: mlp(lambda p: torch.optim.Adam(p, lr=1e-3)),
    "cnn": cnn,
    "gpt": gpt,
}


def probe():
    a = torch.randn(512, 512)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - start)
    return {"version": torch.__version__, "gflops": 2 * 512**3 / min(times) / 1e9}


def train(given):
    torch.manual_seed(0)
    optimizer, loss_of = TASKS[given.id]()

    def step():
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        optimizer.step()
        return loss

    first = step().item()
    for _ in range(given.warm_up):
        step()
    times = []
    began = time.perf_counter()
    while len(times) < given.rounds:
        start = time.perf_counter()
        if len(times) >= MIN_ROUNDS and start - began > BUDGET_SECONDS:
            break
        for _ in range(given.per_round):
            loss = step()
        times.append((time.perf_counter() - start) / given.per_round * 1e3)
    return {"id": given.id, "ms": statistics.median(times), "first": first, "last": loss.item()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("id", choices=["probe", *TASKS])
    parser.add_argument("--threads", type=int, required=True)
    for name in ("--warm-up", "--rounds", "--per-round"):
        parser.add_argument(name, type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    print(json.dumps(probe() if given.id == "probe" else train(given)))


main()
