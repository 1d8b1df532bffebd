// Plain lanes: the verbs of docs/formulas.md over one element of any type. Integers use them in
// every instruction set, floats in the scalar build, and random numbers always, because here no
// product is ever fused into a sum, so WebAssembly computes the same bits.
// Vectors of several lanes are in avx2.h and avx512.h, which add overloads to these functions.
// Included inside namespace COTANGENT_NS.
#pragma once

/// Says that a load, store or row body covers a whole vector …
struct Full {};
/// … or only its first `n` lanes (the rest reads as zero and is never written).
struct Part {
  int n;
};

template <class T>
struct LaneOf {
  using Scalar = T;
  using Mask = bool;
  static constexpr int kWidth = 1;
  static constexpr bool kIsDouble = false;
};

template <class T>
struct Lane : LaneOf<T> {
  T v;
  Lane() = default;
  Lane(T value) : v(value) {}
  static Lane splat(double c) {
    // By way of int64 where T is an integer, so that −1 is defined for bytes too.
    if constexpr (static_cast<T>(0.5) == 0) return Lane(static_cast<T>(static_cast<int64_t>(c)));
    return Lane(static_cast<T>(c));
  }
  static Lane load(const T* p, Full) { return Lane(*p); }
  static Lane load(const T* p, Part) { return Lane(*p); }
};

template <>
struct Lane<double> : LaneOf<double> {
  static constexpr bool kIsDouble = true;
  double v;
  Lane() = default;
  Lane(double value) : v(value) {}
  static Lane splat(double c) { return Lane(c); }
  static Lane load(const double* p, Full) { return Lane(*p); }
  static Lane load(const double* p, Part) { return Lane(*p); }
};

template <class V>
inline V splat(double c) {
  return V::splat(c);
}
template <class V, class Lanes = Full>
inline V load(const typename V::Scalar* p, Lanes lanes = {}) {
  return V::load(p, lanes);
}
template <class T, class Lanes = Full>
inline void store(T* p, Lane<T> a, Lanes = {}) {
  *p = a.v;
}
/// One byte per lane, 0 or 1.
inline void storeMask(uint8_t* p, bool m) { *p = m; }

// Arithmetic. Integers wrap (the build says -fwrapv).
template <class T>
inline Lane<T> add(Lane<T> a, Lane<T> b) {
  return static_cast<T>(a.v + b.v);
}
template <class T>
inline Lane<T> sub(Lane<T> a, Lane<T> b) {
  return static_cast<T>(a.v - b.v);
}
template <class T>
inline Lane<T> mul(Lane<T> a, Lane<T> b) {
  return static_cast<T>(a.v * b.v);
}
template <class T>
inline Lane<T> div(Lane<T> a, Lane<T> b) {
  return a.v / b.v;
}
template <class T>
inline Lane<T> fma(Lane<T> a, Lane<T> b, Lane<T> c) {
  return a.v * b.v + c.v;
}
template <class T>
inline Lane<T> neg(Lane<T> a) {
  return static_cast<T>(-a.v);
}
template <class T>
inline Lane<T> abs(Lane<T> a) {
  return a.v < 0 ? neg(a) : a;
}
inline Lane<float> abs(Lane<float> a) { return ::fabsf(a.v); }
inline Lane<double> abs(Lane<double> a) { return ::fabs(a.v); }
inline Lane<float> sqrt(Lane<float> a) { return ::sqrtf(a.v); }
inline Lane<double> sqrt(Lane<double> a) { return ::sqrt(a.v); }
// `a != a` only holds for NaN; integer builds drop it.
template <class T>
inline Lane<T> min(Lane<T> a, Lane<T> b) {
  return a.v < b.v || a.v != a.v ? a : b;
}
template <class T>
inline Lane<T> max(Lane<T> a, Lane<T> b) {
  return a.v > b.v || a.v != a.v ? a : b;
}

// Comparisons, masks.
#define COTANGENT_COMPARE(verb, op)        \
  template <class T>                       \
  inline bool verb(Lane<T> a, Lane<T> b) { \
    return a.v op b.v;                     \
  }
COTANGENT_COMPARE(eq, ==)
COTANGENT_COMPARE(ne, !=)
COTANGENT_COMPARE(lt, <)
COTANGENT_COMPARE(le, <=)
COTANGENT_COMPARE(gt, >)
COTANGENT_COMPARE(ge, >=)
#undef COTANGENT_COMPARE
inline bool both(bool a, bool b) { return a & b; }
inline bool either(bool a, bool b) { return a | b; }
inline bool invert(bool a) { return !a; }
inline bool anylane(bool m) { return m; }
template <class T>
inline Lane<T> select(bool m, Lane<T> a, Lane<T> b) {
  return m ? a : b;
}

inline Lane<float> copysign(Lane<float> a, Lane<float> b) { return ::copysignf(a.v, b.v); }
inline Lane<double> copysign(Lane<double> a, Lane<double> b) { return ::copysign(a.v, b.v); }

// Rounding, from the other verbs, because the C library's functions are calls at the x86-64 baseline.
// Adding and subtracting 2^(mantissa bits) rounds to even; larger numbers are whole already.
template <class V>
COTANGENT_INLINE V roundEven(V x) {
  const V magic = splat<V>(V::kIsDouble ? 4503599627370496.0 : 8388608.0);
  const V size = abs(x);
  return select(lt(size, magic), copysign(sub(add(size, magic), magic), x), x);
}
template <class V>
COTANGENT_INLINE V roundDown(V x) {
  const V r = roundEven(x);
  return select(gt(r, x), sub(r, splat<V>(1)), r);
}
template <class V>
COTANGENT_INLINE V roundUp(V x) {
  const V r = roundEven(x);
  return select(lt(r, x), copysign(add(r, splat<V>(1)), x), r);
}
template <class T>
inline Lane<T> rint(Lane<T> x) {
  return roundEven(x);
}
template <class T>
inline Lane<T> floor(Lane<T> x) {
  return roundDown(x);
}
template <class T>
inline Lane<T> ceil(Lane<T> x) {
  return roundUp(x);
}
template <class T>
inline Lane<T> trunc(Lane<T> x) {
  return copysign(roundDown(abs(x)), x);
}

// The parts of a float. Layout: IEEE 754-2019, 3.4.
template <class To, class From>
inline To bitsOf(From from) {
  To to;
  static_assert(sizeof(To) == sizeof(From));
  memcpy(&to, &from, sizeof(To));
  return to;
}
inline Lane<float> exp2i(Lane<float> n) { return bitsOf<float>((static_cast<int32_t>(n.v) + 127) << 23); }
inline Lane<double> exp2i(Lane<double> n) {
  return bitsOf<double>(static_cast<int64_t>(static_cast<int32_t>(n.v) + 1023) << 52);
}
inline Lane<float> exponent(Lane<float> x) { return static_cast<float>((bitsOf<int32_t>(x.v) >> 23) - 127); }
inline Lane<double> exponent(Lane<double> x) {
  return static_cast<double>(static_cast<int32_t>(bitsOf<int64_t>(x.v) >> 52) - 1023);
}
inline Lane<float> mantissa(Lane<float> x) {
  return bitsOf<float>((bitsOf<int32_t>(x.v) & 0x007fffff) | 0x3f800000);
}
inline Lane<double> mantissa(Lane<double> x) {
  return bitsOf<double>((bitsOf<int64_t>(x.v) & 0x000fffffffffffff) | 0x3ff0000000000000);
}

// Through the C library.
inline float powOf(float x, float y) { return ::powf(x, y); }
inline double powOf(double x, double y) { return ::pow(x, y); }
inline float fmodOf(float x, float y) { return ::fmodf(x, y); }
inline double fmodOf(double x, double y) { return ::fmod(x, y); }
/// Integers wrap. A negative power is 1 / xⁿ rounded towards zero, and 0 of 0, as in PyTorch.
template <class T>
inline T powOf(T x, T y) {
  if constexpr (std::is_signed_v<T>) {
    if (y < 0) return x == 1 ? 1 : x != -1 ? 0 : y & 1 ? -1 : 1;
  }
  uint64_t base = static_cast<uint64_t>(x), power = 1;
  for (uint64_t bits = static_cast<uint64_t>(y); bits; bits >>= 1) {
    if (bits & 1) power *= base;
    base *= base;
  }
  return static_cast<T>(power);
}
inline float sinOf(float x) { return ::sinf(x); }
inline double sinOf(double x) { return ::sin(x); }
inline float cosOf(float x) { return ::cosf(x); }
inline double cosOf(double x) { return ::cos(x); }
template <class T>
inline Lane<T> pow(Lane<T> x, Lane<T> y) {
  return powOf(x.v, y.v);
}
template <class T>
inline Lane<T> fmodlarge(Lane<T> x, Lane<T> y) {
  return fmodOf(x.v, y.v);
}
template <class T>
inline Lane<T> sinlarge(Lane<T> x) {
  return sinOf(x.v);
}
template <class T>
inline Lane<T> coslarge(Lane<T> x) {
  return cosOf(x.v);
}

// Integer division. The smallest integer divided by -1 traps on x86, hence the detour.
template <class T>
inline Lane<T> truncdiv(Lane<T> a, Lane<T> b) {
  return b.v == static_cast<T>(-1) && static_cast<T>(-1) < 0 ? neg(a) : Lane<T>(a.v / b.v);
}
template <class T>
inline Lane<T> truncmod(Lane<T> a, Lane<T> b) {
  return b.v == static_cast<T>(-1) && static_cast<T>(-1) < 0 ? Lane<T>(0) : Lane<T>(a.v % b.v);
}
template <class T>
inline Lane<T> floormod(Lane<T> a, Lane<T> b) {
  const T r = truncmod(a, b).v;
  return r != 0 && (r < 0) != (b.v < 0) ? static_cast<T>(r + b.v) : r;
}
template <class T>
inline Lane<T> floordiv(Lane<T> a, Lane<T> b) {
  const T r = truncmod(a, b).v;
  return static_cast<T>(truncdiv(a, b).v - (r != 0 && (r < 0) != (b.v < 0)));
}

// What reductions need beyond the verbs.
/// Lanes outside `lanes` become zero.
template <class T, class Lanes>
inline Lane<T> keep(Lane<T> a, Lanes) {
  return a;
}
/// The sum over lanes, in double precision.
template <class T>
inline double sumLanes(Lane<T> a) {
  return a.v;
}
