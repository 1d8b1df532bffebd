"""Minimax polynomials and rational functions by Remez exchange, in mpmath.

`fit` minimises max |weight(x) * (f(x) - P(x)/Q(x))| over an interval. With weight 1/f the error is
relative. Nothing here knows about formulas; `coefficients.py` lists what is fitted for src/ops/math.
Method: E. Remez (1934); see Muller, "Elementary Functions", 3rd ed., section 3.5.
"""

from mpmath import mp, mpf, cos, pi, lu_solve, matrix

mp.dps = 50


def horner(coefficients, x):
    total = mpf(0)
    for c in reversed(coefficients):
        total = total * x + c
    return total


def fit(f, low, high, degree, weight=lambda x: mpf(1), below=0, rounds=30, grid=40):
    """Fits P/Q, P of the given degree, Q of degree `below` with Q(0) = 1.

    Returns (coefficients of P, coefficients of Q, largest weighted error).
    """
    low, high = mpf(low), mpf(high)
    count = degree + below + 2
    middle, half = (low + high) / 2, (high - low) / 2
    # Powers of the variable scaled to [-1, 1] keep the linear systems well conditioned.
    nodes = [-cos(pi * i / (count - 1)) for i in range(count)]
    dense = [-cos(pi * i / (grid * count)) for i in range(grid * count + 1)]
    # A weight of zero would leave a node without an error to level.
    floor = max(weight(middle + half * t) for t in dense) / 10000
    sample = lambda t: (t, f(middle + half * t), max(floor, weight(middle + half * t)))
    values = [sample(t) for t in dense]
    best = None
    for _ in range(rounds):
        top, bottom, level = level_error([sample(t) for t in nodes], degree, below)
        errors = [w * (v - horner(top, t) / horner(bottom, t)) for t, v, w in values]
        largest = max(abs(e) for e in errors)
        if best is None or largest < best[2]:
            best = (top, bottom, largest)
        # The new nodes are the extrema of the alternating error.
        peaks = []
        for (t, _, _), e in zip(values, errors):
            if peaks and (peaks[-1][1] > 0) == (e > 0):
                if abs(e) > abs(peaks[-1][1]):
                    peaks[-1] = (t, e)
            else:
                peaks.append((t, e))
        while len(peaks) > count:
            peaks.pop(0 if abs(peaks[0][1]) < abs(peaks[-1][1]) else -1)
        if len(peaks) < count or largest / abs(level) < mpf("1.0005"):
            break
        nodes = [p[0] for p in peaks]
    top, bottom = unscale(best[0], middle, half), unscale(best[1], middle, half)
    return [c / bottom[0] for c in top], [c / bottom[0] for c in bottom], best[2]


def level_error(known, degree, below):
    """The P/Q whose weighted errors at the nodes have equal size and alternating sign.

    P - fQ = (-1)^i E Q/w is linear but for E·Q, where the Q of the round before stands in.
    """
    bottom = [mpf(1)] + [mpf(0)] * below
    for _ in range(1 if below == 0 else 12):
        rows, right = [], []
        for i, (t, v, w) in enumerate(known):
            powers = [t**j for j in range(degree + 1)]
            lower = [-v * t**j for j in range(1, below + 1)]
            rows.append(powers + lower + [(-1) ** i * horner(bottom, t) / w])
            right.append(v)
        solution = lu_solve(matrix(rows), matrix(right))
        bottom = [mpf(1)] + [solution[degree + j] for j in range(1, below + 1)]
    return [solution[j] for j in range(degree + 1)], bottom, solution[degree + below + 1]


def unscale(scaled, middle, half):
    """Coefficients in x of a polynomial in (x - middle) / half."""
    out = [mpf(0)] * len(scaled)
    for c in reversed(scaled):
        shifted = [mpf(0)] + out[:-1]
        out = [(s - middle * o) / half for s, o in zip(shifted, out)]
        out[0] += c
    return out
