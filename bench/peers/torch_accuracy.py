"""The largest error of PyTorch's elementwise float32 kernels and their derivatives, as bench/accuracy/errors.ts measures ours.

    python3 torch_accuracy.py STEP [--threads=N]

Prints a list of { name, ulp, at }. The reference is PyTorch in float64. Ops of one input only: every STEP-th float32.
"""

import json
import sys

import torch
import torch.nn.functional as F

# Our names, where PyTorch has the op.
PLAIN = """abs neg square sqrt rsqrt reciprocal frac deg2rad rad2deg exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos
atan sinc sinh cosh tanh asinh acosh atanh erf erfc erfinv sigmoid logit relu""".split()
FUNCTIONS = {name: getattr(torch, name) for name in PLAIN}
FUNCTIONS |= {
    "relu6": F.relu6,
    "leakyRelu": F.leaky_relu,
    "elu": F.elu,
    "selu": F.selu,
    "celu": F.celu,
    "gelu": F.gelu,
    "geluTanh": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
    "mish": F.mish,
    "softplus": F.softplus,
    "logsigmoid": F.logsigmoid,
    "hardtanh": F.hardtanh,
    "hardsigmoid": F.hardsigmoid,
    "hardswish": F.hardswish,
    "hardshrink": F.hardshrink,
    "softshrink": F.softshrink,
    "tanhshrink": F.tanhshrink,
    "softsign": F.softsign,
}
FLOORS = {"sinc": 0.5, "gelu": 0.25, "geluTanh": 0.25, "silu": 0.25, "mish": 0.25, "hardswish": 0.25}
CHUNK = 1 << 20
LARGEST = 3.4028234663852886e38


def errors(got, want, floor):
    got = got.double()
    size = want.abs().clamp(floor if floor > 0 else 2.0**-126, LARGEST)
    last = torch.ldexp(torch.ones_like(size), (torch.frexp(size).exponent - 24))
    error = (got - want).abs() / last
    same = (got == want) | (got.isnan() & want.isnan()) | ((want.abs() > LARGEST) & got.isinf())
    error = torch.where(same, torch.zeros_like(error), error)
    return torch.where(error.isnan(), torch.full_like(error, float("inf")), error)


def evaluate(f, x):
    x = x.detach().requires_grad_()
    y = f(x)
    y.backward(torch.ones_like(y))
    return y.detach(), x.grad


def main():
    step = int(sys.argv[1])
    torch.set_num_threads(next((int(a.split("=")[1]) for a in sys.argv if a.startswith("--threads=")), 1))
    total = 2**32 // step
    found = []
    for name, f in FUNCTIONS.items():
        worst = [{"name": name, "ulp": 0.0, "at": []}, {"name": f"{name}′", "ulp": 0.0, "at": []}]
        for start in range(0, total, CHUNK):
            words = torch.arange(start, min(start + CHUNK, total), dtype=torch.int64) * step
            x = (words - ((words >> 31) << 32)).to(torch.int32).view(torch.float32)
            results = zip(worst, evaluate(f, x), evaluate(f, x.double()), (0, FLOORS.get(name, 0)))
            for each, got, want, floor in results:
                error = errors(got, want, floor)
                i = int(error.argmax())
                if float(error[i]) > each["ulp"]:
                    each["ulp"], each["at"] = float(error[i]), [float(x[i])]
        found += worst
    text = json.dumps(found)
    print(text.replace("Infinity", '"inf"'))


main()
