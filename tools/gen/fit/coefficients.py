"""Writes src/ops/math/coefficients.ts:

    python3 tools/gen/fit/coefficients.py > src/ops/math/coefficients.ts
    npx biome format --write src/ops/math/coefficients.ts

Every entry names the function approximated, its interval, and the degree. The comment after each constant
is the largest error of the approximation before its coefficients are rounded, relative to the result.
Takes some 15 seconds and needs mpmath. The formulas that use the constants are in src/ops/math/.
"""

import struct
import sys

from mpmath import (
    asin, atan, cos, erf, erfc, erfinv, exp, expm1, log, log1p, mpf, nstr, pi, sin, sinh, sqrt, tan,
)

from remez import fit

LN2 = log(2)


def from_series(f, limit, at_zero):
    """A quotient that is 0/0 at zero."""
    return lambda x: at_zero if abs(x) < limit else f(x)


TINY = mpf(10) ** -12
third = mpf(1) / 3
sixth = mpf(1) / 6

# In these, z stands for x²: odd functions are x + x·z·P(z).
exp_tail = from_series(lambda x: (exp(x) - 1 - x) / x**2, TINY, mpf(1) / 2)
exp2_tail = from_series(lambda x: expm1(x * LN2) / x, TINY, LN2)
log_tail = from_series(lambda x: (log1p(x) - x + x**2 / 2) / x**3, TINY, third)
log_ratio = from_series(
    lambda z: (log((1 + sqrt(z)) / (1 - sqrt(z))) / sqrt(z) - 2) / z, TINY, 2 * third
)
# The cosine is 1 - z/2 + z²·P(z).
cos_tail = from_series(lambda z: (cos(sqrt(z)) - 1 + z / 2) / z**2, TINY, mpf(1) / 24)
sin_tail = from_series(lambda z: (sin(sqrt(z)) / sqrt(z) - 1) / z, TINY, -sixth)
tan_tail = from_series(lambda z: (tan(sqrt(z)) / sqrt(z) - 1) / z, TINY, third)
asin_tail = from_series(lambda z: (asin(sqrt(z)) / sqrt(z) - 1) / z, TINY, sixth)
atan_tail = from_series(lambda z: (atan(sqrt(z)) / sqrt(z) - 1) / z, TINY, -third)
sinh_tail = from_series(lambda z: (sinh(sqrt(z)) / sqrt(z) - 1) / z, TINY, sixth)
erf_ratio = from_series(lambda z: erf(sqrt(z)) / sqrt(z), TINY, 2 / sqrt(pi))


def odd_weight(f):
    """Relative error of f(x) in terms of the error of P in x + x·z·P(z)."""
    return lambda z: mpf(1) if z < TINY else sqrt(z) * z / f(sqrt(z))


def erfcx_in_t(center):
    """exp(a²)·erfc(a)·(1 + 2a) with t = (a - center)/(a + center)."""

    def value(t):
        a = center * (1 + t) / (1 - t)
        return exp(a * a) * erfc(a) * (1 + 2 * a)

    return value


def ndtr_ratio(z):
    """(Φ(x) - 1/2)/x with z = x²."""
    x = sqrt(z)
    return 1 / sqrt(2 * pi) if z < TINY else erf(x / sqrt(mpf(2))) / (2 * x)


def mills_in_t(center):
    """exp(a²/2)·Φ(-a)·(a + 3/4) with t = (a - center)/(a + center)."""

    def value(t):
        a = center * (1 + t) / (1 - t)
        return exp(a * a / 2) * erfc(a / sqrt(mpf(2))) / 2 * (a + mpf(3) / 4)

    return value


def erfinv_in_w(w):
    """erfinv(x)/x with w = -log(1 - x²)."""
    if w < TINY:
        return sqrt(pi) / 2
    x = sqrt(-expm1(-w))
    return erfinv(x) / x


def erfinv_in_s(s):
    return erfinv_in_w(s * s)


def relative(f):
    return lambda x: 1 / f(x)


def shifted(f, low, high):
    """Function, interval and weight with zero in the middle of the interval."""
    middle = (mpf(low) + mpf(high)) / 2
    return lambda v: f(v + middle), low - middle, high - middle, lambda v: 1 / f(v + middle)


half_log2 = LN2 / 2 + mpf("0.0001")
root_low, root_high = sqrt(mpf(1) / 2) - 1, sqrt(mpf(2)) - 1
ratio_limit = ((root_high) / (2 + root_high)) ** 2
quarter = (pi / 4 + mpf("0.001")) ** 2
eighth = (sqrt(mpf(2)) - 1 + mpf("1e-6")) ** 2
cos_weight = lambda z: z * z / cos(sqrt(z))
exp_weight = lambda x: x * x
exp2_weight = lambda x: abs(x) if x else TINY
log_weight = lambda x: abs(x**3 / log1p(x)) if x else mpf(0) + TINY
ratio_weight = lambda z: z

# name, bits, function, interval, weight, degree of P, degree of Q
FITS = [
    ("EXP", 32, exp_tail, -half_log2, half_log2, exp_weight, 4, 0),
    ("EXP", 64, exp_tail, -half_log2, half_log2, exp_weight, 10, 0),
    ("EXP2", 32, exp2_tail, -0.5, 0.5, exp2_weight, 5, 0),
    ("EXP2", 64, exp2_tail, -0.5, 0.5, exp2_weight, 11, 0),
    ("LOG", 32, log_tail, root_low, root_high, log_weight, 7, 0),
    ("LOG_RATIO", 64, log_ratio, 0, ratio_limit, ratio_weight, 6, 0),
    ("SIN", 32, sin_tail, 0, quarter, odd_weight(sin), 2, 0),
    ("SIN", 64, sin_tail, 0, quarter, odd_weight(sin), 5, 0),
    ("COS", 32, cos_tail, 0, quarter, cos_weight, 2, 0),
    ("COS", 64, cos_tail, 0, quarter, cos_weight, 5, 0),
    ("TAN", 32, tan_tail, 0, quarter, odd_weight(tan), 5, 0),
    ("TAN", 64, tan_tail, 0, quarter, odd_weight(tan), 13, 0),
    ("ASIN", 32, asin_tail, 0, 0.25, odd_weight(asin), 4, 0),
    ("ASIN", 64, asin_tail, 0, 0.25, odd_weight(asin), 12, 0),
    ("ATAN", 32, atan_tail, 0, eighth, odd_weight(atan), 4, 0),
    ("ATAN", 64, atan_tail, 0, eighth, odd_weight(atan), 10, 0),
    ("SINH", 32, sinh_tail, 0, 1, odd_weight(sinh), 3, 0),
    ("SINH", 64, sinh_tail, 0, 1, odd_weight(sinh), 6, 0),
    ("ERF", 32, lambda z: erf_ratio(z) - 1, 0, mpf("0.75") ** 2, relative(erf_ratio), 5, 0),
    ("ERF", 64, lambda z: erf_ratio(z) - 1, 0, 1, relative(erf_ratio), 11, 0),
    ("ERFC", 32, erfcx_in_t(2), -1, 0.674, relative(erfcx_in_t(2)), 9, 0),
    ("ERFC", 64, erfcx_in_t(4), -1, 0.746, relative(erfcx_in_t(4)), 22, 0),
    ("NDTR_NEAR", 32, ndtr_ratio, 0, 1, relative(ndtr_ratio), 5, 0),
    ("NDTR_NEAR", 64, ndtr_ratio, 0, 1, relative(ndtr_ratio), 9, 0),
    ("NDTR", 32, mills_in_t(3), -0.5, 0.66, relative(mills_in_t(3)), 8, 0),
    ("NDTR", 64, mills_in_t(6), -0.715, 0.732, relative(mills_in_t(6)), 21, 0),
    ("ERFINV_NEAR", 32, *shifted(erfinv_in_w, 0, 5), 9, 0),
    ("ERFINV_FAR", 32, *shifted(erfinv_in_s, 2.23, 4.27), 9, 0),
    ("ERFINV_NEAR", 64, *shifted(erfinv_in_w, 0, 6.25), 23, 0),
    ("ERFINV_FAR", 64, *shifted(erfinv_in_s, 2.5, 4), 19, 0),
    ("ERFINV_FARTHEST", 64, *shifted(erfinv_in_s, 4, 6.1), 17, 0),
]


def decimal(value, bits):
    """The shortest decimal that reads back as the number rounded to the precision."""
    if bits == 64:
        return repr(float(value))
    single = struct.unpack("f", struct.pack("f", float(value)))[0]
    for digits in range(6, 10):
        text = f"{single:.{digits}g}"
        if struct.unpack("f", struct.pack("f", float(text)))[0] == single:
            return repr(float(text))
    raise ValueError(text)


def main():
    print("// Generated by tools/gen/fit/coefficients.py: minimax coefficients, lowest power first. Do not edit.")
    print("// biome-ignore-all lint/suspicious/noApproximativeNumericConstant: ln 2 comes out of the fit.")
    chosen = sys.argv[1:]
    for name, bits, f, low, high, weight, degree, below in FITS:
        if chosen and name not in chosen:
            continue
        top, bottom, error = fit(f, low, high, degree, weight, below)
        print(f"\n/** Error {nstr(error, 2)}. */")
        for suffix, list_ in (("", top), ("_BELOW", bottom)):
            if suffix and below == 0:
                continue
            numbers = ", ".join(decimal(c, bits) for c in list_)
            print(f"export const {name}{suffix}_{bits} = [{numbers}] as const;")


main()
