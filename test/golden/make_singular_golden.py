"""Writes singular.json: first and second derivatives at singular points, kinks and infinities, computed by PyTorch in float64.

    python3 test/golden/make_singular_golden.py

The functions have the names under which test/autograd/singular.test.ts has them, too. Of a function of vectors w · f(x) is
differentiated, with w = 1, 2, 3, …; of an elementwise one the sum. The second derivative is that of the gradient, summed in the
same manner.
"""
import json
import math
import pathlib
import warnings

import torch
import torch.nn.functional as F

warnings.filterwarnings("ignore")
inf, nan = math.inf, math.nan
POINTS = [-inf, -1e20, -100.0, -6.0, -3.0, -2.0, -1.0, -0.5, -0.0, 0.0, 1e-3, 0.25, 0.5, 1.0, 2.0, 3.0, 6.0, 20.0, 100.0, 1e20, inf]
PAIRS = [(a, b) for a in POINTS[::2] + [0.0, 1.0] for b in [-inf, -2.0, -0.5, -0.0, 0.0, 0.5, 1.0, 2.0, inf]]
VECTORS = [[0.0, 0.0, 0.0], [2.0, 2.0, 2.0], [5.0], [0.0], [0.0, 1.0, -2.0], [0.0, -3.0, 0.0], [1.0, 3.0, 3.0, -2.0, -2.0],
           [inf, 1.0, -2.0], [-inf, 1.0, 2.0], [-inf, -inf], [nan, 1.0, 2.0], [[2.0, 2.0, 2.0], [0.0, 0.0, 0.0], [1.0, 0.0, 3.0]]]

NAMES = ("abs neg sign square sqrt rsqrt reciprocal frac floor ceil round trunc exp exp2 expm1 log log2 log10 log1p sin cos tan asin "
         "acos atan sinc sinh cosh tanh asinh acosh atanh erf erfc erfinv sigmoid logit relu").split()
elementwise = {name: getattr(torch, name) for name in NAMES}
elementwise |= {
    "logit(0.1)": lambda x: torch.logit(x, 0.1), "logit(0)": lambda x: torch.logit(x, 0.0), "relu6": F.relu6,
    "leakyRelu": F.leaky_relu, "leakyRelu(0)": lambda x: F.leaky_relu(x, 0.0), "elu": F.elu, "elu(0.5)": lambda x: F.elu(x, 0.5),
    "selu": F.selu, "celu": F.celu, "celu(0.5)": lambda x: F.celu(x, 0.5), "gelu": F.gelu,
    "geluTanh": lambda x: F.gelu(x, approximate="tanh"), "silu": F.silu, "mish": F.mish, "softplus": F.softplus,
    "softplus(2,1)": lambda x: F.softplus(x, 2.0, 1.0), "logsigmoid": F.logsigmoid, "hardtanh": F.hardtanh,
    "hardsigmoid": F.hardsigmoid, "hardshrink": F.hardshrink, "softshrink": F.softshrink,
    "tanhshrink": F.tanhshrink, "softsign": F.softsign, "threshold(0.5,0.25)": lambda x: F.threshold(x, 0.5, 0.25),
    "clamp(-1,1)": lambda x: torch.clamp(x, -1.0, 1.0), "clampMin(0)": lambda x: torch.clamp(x, min=0.0),
    "clampMax(0)": lambda x: torch.clamp(x, max=0.0), "nanToNum": torch.nan_to_num,
}
elementwise |= {f"pow({p})": lambda x, p=p: x.pow(p) for p in (0, 0.5, 1, 1.5, 2, 2.5, 3, 4, -1, -2, -3, -1.5)}
elementwise |= {f"rpow({b})": lambda x, b=b: torch.pow(b, x) for b in (0, 1, 2, 0.5)}
# For vectors only, as their kernels treat the ends of a kink differently for the rest of a vector.
hardswish = {"hardswish": lambda x: F.hardswish(x.repeat(16)).reshape(16, -1).mean(0)}

binary = {name: getattr(torch, name) for name in "add sub mul div pow maximum minimum fmax fmin copysign atan2 hypot logaddexp "
          "logaddexp2 xlogy remainder fmod".split()}
binary |= {"clampMin": lambda x, y: torch.clamp(x, min=y), "clampMax": lambda x, y: torch.clamp(x, max=y)}

flat = lambda parts: torch.cat([part.reshape(-1) for part in parts])
vectors = {f"{name}({c})": lambda x, f=f, c=c: f(x, -1, correction=c) for name, f in {"std": torch.std, "var": torch.var}.items() for c in (1, 0)}
vectors |= {f"norm({p})": lambda x, p=p: torch.linalg.vector_norm(x, p, -1) for p in (0, 0.5, 1, 1.5, 2, 2.5, 3, 4, inf, -inf, -0.5, -1, -2)}
vectors |= {
    "stdMean": lambda x: flat(torch.std_mean(x, -1)), "varMean": lambda x: flat(torch.var_mean(x, -1)), "prod": lambda x: x.prod(-1),
    "cumprod": lambda x: x.cumprod(-1), "logsumexp": lambda x: x.logsumexp(-1), "softmax": lambda x: x.softmax(-1),
    "logSoftmax": lambda x: x.log_softmax(-1), "amax": lambda x: x.amax(-1), "amin": lambda x: x.amin(-1), "max": torch.max, "min": torch.min,
    "max(dim)": lambda x: x.max(-1).values, "min(dim)": lambda x: x.min(-1).values,
    "layerNorm": lambda x: F.layer_norm(x, x.shape[-1:]), "rmsNorm": lambda x: F.rms_norm(x, x.shape[-1:], eps=1e-5),
    "l1Loss": lambda x: F.l1_loss(x, torch.zeros_like(x)),
    "bceWithLogits": lambda x: F.binary_cross_entropy_with_logits(x, torch.full_like(x, 0.25), reduction="none"),
    "crossEntropy": lambda x: F.cross_entropy(x.reshape(-1, x.shape[-1]), torch.zeros(x.numel() // x.shape[-1], dtype=torch.long), reduction="none"),
}
PROBABILITIES = [[0.0, 1.0, 0.5, 1e-13, 0.25]]
losses = {f"bce({t})": lambda x, t=t: F.binary_cross_entropy(x, torch.full_like(x, t), reduction="none") for t in (0.0, 0.5, 1.0)}


def number(v):
    return float(f"{v:.9g}") if math.isfinite(v) else "NaN" if v != v else "Infinity" if v > 0 else "-Infinity"


def numbers(x):
    # Zeros of which there is no memory are made some by the sum.
    return None if x is None else [number(v) for v in (x + torch.zeros_like(x)).detach().reshape(-1).tolist()]


def weights(x, weighted):
    return torch.arange(1, x.numel() + 1, dtype=x.dtype).reshape(x.shape) if weighted else torch.ones_like(x)


def derivatives(f, inputs, weighted):
    xs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in inputs]
    y = f(*xs)
    first = torch.autograd.grad((y * weights(y, weighted)).sum(), xs, create_graph=True, allow_unused=True)
    second = []
    for g in first:
        try:
            h = torch.autograd.grad((g * weights(g, weighted)).sum(), xs, retain_graph=True, allow_unused=True)
            second.append([numbers(x) for x in h])
        except (AttributeError, RuntimeError, TypeError):  # It does not depend on the inputs, or PyTorch has no second derivative.
            second.append(None)
    given = [[number(v) for v in x.detach().reshape(-1).tolist()] for x in xs]
    return {"inputs": given, "shape": list(xs[0].shape), "first": [numbers(g) for g in first], "second": second}


cases = {}
for name, f in (elementwise | hardswish).items():
    cases[name] = [derivatives(f, [POINTS], False)]
for name, f in binary.items():
    cases[f"{name}/2"] = [derivatives(f, [[a for a, _ in PAIRS], [b for _, b in PAIRS]], False)]
for name, f in vectors.items():
    cases[f"{name}/v"] = [derivatives(f, [x], True) for x in VECTORS]
for name, f in losses.items():
    cases[f"{name}/v"] = [derivatives(f, [x], True) for x in PROBABILITIES]
path = pathlib.Path(__file__).with_name("singular.json")
rows = ",\n".join(f"{json.dumps(name)}: {json.dumps(case, separators=(',', ':'))}" for name, case in cases.items())
path.write_text(f'{{"torch": "{torch.__version__.split("+")[0]}", "cases": {{\n{rows}\n}}}}\n')
print(f"{path.name}: {len(cases)} functions")
