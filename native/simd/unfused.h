// float64 vectors whose fma rounds twice, like plain lanes and like WebAssembly: random numbers come
// out the same on every backend, at the speed of vectors. Only what log, sin, cos and sqrt need.
// Included inside namespace COTANGENT_NS after the instruction set's own header.
#pragma once

struct Unfused {
  using Scalar = double;
  using Mask = F64::Mask;
  static constexpr int kWidth = F64::kWidth;
  static constexpr bool kIsDouble = true;
  F64 v;
  static Unfused splat(double c) { return {F64::splat(c)}; }
  template <class Lanes>
  static Unfused load(const double* p, Lanes lanes) {
    return {F64::load(p, lanes)};
  }
};

inline void store(double* p, Unfused a) { store(p, a.v); }
inline Unfused fma(Unfused a, Unfused b, Unfused c) { return {add(mul(a.v, b.v), c.v)}; }
inline Unfused select(Unfused::Mask m, Unfused a, Unfused b) { return {select(m, a.v, b.v)}; }

#define COTANGENT_UNARY(verb) \
  inline Unfused verb(Unfused a) { return {verb(a.v)}; }
#define COTANGENT_BINARY(verb) \
  inline Unfused verb(Unfused a, Unfused b) { return {verb(a.v, b.v)}; }
#define COTANGENT_COMPARE(verb) \
  inline Unfused::Mask verb(Unfused a, Unfused b) { return verb(a.v, b.v); }
COTANGENT_UNARY(neg)
COTANGENT_UNARY(abs)
COTANGENT_UNARY(sqrt)
COTANGENT_UNARY(floor)
COTANGENT_UNARY(rint)
COTANGENT_UNARY(exponent)
COTANGENT_UNARY(mantissa)
COTANGENT_UNARY(sinlarge)
COTANGENT_UNARY(coslarge)
COTANGENT_BINARY(add)
COTANGENT_BINARY(sub)
COTANGENT_BINARY(mul)
COTANGENT_BINARY(div)
COTANGENT_BINARY(copysign)
COTANGENT_COMPARE(eq)
COTANGENT_COMPARE(ne)
COTANGENT_COMPARE(lt)
COTANGENT_COMPARE(le)
COTANGENT_COMPARE(gt)
COTANGENT_COMPARE(ge)
#undef COTANGENT_UNARY
#undef COTANGENT_BINARY
#undef COTANGENT_COMPARE
