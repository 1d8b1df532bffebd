"""A convolution of ../conv.bench.ts in PyTorch: [forward, gradient of the images, gradient of the filters] in milliseconds.

usage: torch_conv.py N C H W FILTERS KERNEL STRIDE PADDING GROUPS --threads=N
"""
import argparse
import json
import statistics
import time

import torch
from torch.nn import functional as F

ROUNDS = 9


def milliseconds(work):
    work()
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("settings", type=int, nargs=9)
    parser.add_argument("--threads", type=int, required=True)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    n, c, h, w, filters, kernel, stride, padding, groups = given.settings
    x = torch.randn(n, c, h, w, requires_grad=True)
    weight = torch.randn(filters, c // groups, kernel, kernel, requires_grad=True)
    y = F.conv2d(x, weight, stride=stride, padding=padding, groups=groups)
    g = torch.randn_like(y)

    def forward():
        with torch.no_grad():
            F.conv2d(x, weight, stride=stride, padding=padding, groups=groups)

    def backward(to):
        return lambda: torch.autograd.grad(y, to, g, retain_graph=True)

    print(json.dumps([milliseconds(work) for work in (forward, backward(x), backward(weight))]))


main()
