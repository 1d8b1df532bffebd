// The build that runs everywhere: 128-bit vectors in the notation of GCC and clang, which becomes SSE2,
// NEON or whatever the target's baseline has; plain lanes for other compilers. fma rounds twice.
// The verbs are those of docs/formulas.md; scalar.h explains them and must come first.
// Included inside namespace COTANGENT_NS.
#pragma once

constexpr bool kBuildsIntegers = true;
constexpr int kMicroRows = 4;
constexpr int kMicroVectors = 2;
constexpr int64_t kMatmulDepth = 256;

#if !defined(__GNUC__) || defined(COTANGENT_PLAIN)

using F32 = Lane<float>;
using F64 = Lane<double>;

#else

/// The layout of IEEE 754's binary formats, and integers of the same size.
template <class T>
struct FloatFormat;
template <>
struct FloatFormat<float> {
  using Bits = int32_t;
  static constexpr int kMantissa = 23, kBias = 127;
};
template <>
struct FloatFormat<double> {
  using Bits = int64_t;
  static constexpr int kMantissa = 52, kBias = 1023;
};

template <class T>
struct BlockMask {
  typedef typename FloatFormat<T>::Bits Vector __attribute__((vector_size(16)));
  Vector v;
};

template <class T>
struct Block {
  using Scalar = T;
  using Mask = BlockMask<T>;
  using Bits = typename Mask::Vector;
  typedef T Vector __attribute__((vector_size(16)));
  static constexpr int kWidth = 16 / sizeof(T);
  static constexpr bool kIsDouble = sizeof(T) == 8;
  Vector v;
  static Block splat(double c) {
    Block block;
    for (int i = 0; i < kWidth; i++) block.v[i] = static_cast<T>(c);
    return block;
  }
  static Block load(const T* p, Full) {
    Block block;
    memcpy(&block.v, p, sizeof(block.v));
    return block;
  }
  static Block load(const T* p, Part part) {
    Block block{};
    for (int i = 0; i < part.n; i++) block.v[i] = p[i];
    return block;
  }
  Bits bits() const { return (Bits)v; }
  static Block ofBits(Bits bits) { return {(Vector)bits}; }
};

template <class T>
inline void store(T* p, Block<T> a, Full = {}) {
  memcpy(p, &a.v, sizeof(a.v));
}
template <class T>
inline void store(T* p, Block<T> a, Part part) {
  for (int i = 0; i < part.n; i++) p[i] = a.v[i];
}
template <class T>
inline void storeMask(uint8_t* p, BlockMask<T> m) {
  for (int i = 0; i < Block<T>::kWidth; i++) p[i] = m.v[i] & 1;
}

#define COTANGENT_BINARY(verb, op)               \
  template <class T>                             \
  inline Block<T> verb(Block<T> a, Block<T> b) { \
    return {a.v op b.v};                         \
  }
#define COTANGENT_COMPARE(verb, op)                  \
  template <class T>                                 \
  inline BlockMask<T> verb(Block<T> a, Block<T> b) { \
    return {(typename Block<T>::Bits)(a.v op b.v)};  \
  }
COTANGENT_BINARY(add, +)
COTANGENT_BINARY(sub, -)
COTANGENT_BINARY(mul, *)
COTANGENT_BINARY(div, /)
COTANGENT_COMPARE(eq, ==)
COTANGENT_COMPARE(ne, !=)
COTANGENT_COMPARE(lt, <)
COTANGENT_COMPARE(le, <=)
COTANGENT_COMPARE(gt, >)
COTANGENT_COMPARE(ge, >=)
#undef COTANGENT_BINARY
#undef COTANGENT_COMPARE

template <class T>
inline BlockMask<T> both(BlockMask<T> a, BlockMask<T> b) {
  return {a.v & b.v};
}
template <class T>
inline BlockMask<T> either(BlockMask<T> a, BlockMask<T> b) {
  return {a.v | b.v};
}
template <class T>
inline BlockMask<T> invert(BlockMask<T> a) {
  return {~a.v};
}
template <class T>
inline bool anylane(BlockMask<T> m) {
  bool any = false;
  for (int i = 0; i < Block<T>::kWidth; i++) any |= m.v[i] != 0;
  return any;
}
template <class T>
inline Block<T> select(BlockMask<T> m, Block<T> a, Block<T> b) {
  return Block<T>::ofBits((a.bits() & m.v) | (b.bits() & ~m.v));
}

template <class T>
inline Block<T> fma(Block<T> a, Block<T> b, Block<T> c) {
  return {a.v * b.v + c.v};
}
template <class T>
inline Block<T> neg(Block<T> a) {
  return {-a.v};
}
template <class T>
inline typename Block<T>::Bits signBit() {
  return Block<T>::splat(-0.0).bits();
}
template <class T>
inline Block<T> abs(Block<T> a) {
  return Block<T>::ofBits(a.bits() & ~signBit<T>());
}
template <class T>
inline Block<T> copysign(Block<T> a, Block<T> b) {
  return Block<T>::ofBits((a.bits() & ~signBit<T>()) | (b.bits() & signBit<T>()));
}
template <class T>
inline Block<T> sqrt(Block<T> a) {
  for (int i = 0; i < Block<T>::kWidth; i++) a.v[i] = sqrt(Lane<T>(a.v[i])).v;
  return a;
}
template <class T>
inline Block<T> min(Block<T> a, Block<T> b) {
  return select(either(lt(a, b), ne(a, a)), a, b);
}
template <class T>
inline Block<T> max(Block<T> a, Block<T> b) {
  return select(either(gt(a, b), ne(a, a)), a, b);
}
template <class T>
inline Block<T> rint(Block<T> x) {
  return roundEven(x);
}
template <class T>
inline Block<T> floor(Block<T> x) {
  return roundDown(x);
}
template <class T>
inline Block<T> ceil(Block<T> x) {
  return roundUp(x);
}
template <class T>
inline Block<T> trunc(Block<T> x) {
  return copysign(roundDown(abs(x)), x);
}

/// 2^(mantissa bits): adding it puts a small integer into the low bits of a float, and back.
template <class T>
constexpr double kIntegerShift = sizeof(T) == 8 ? 4503599627370496.0 : 8388608.0;
template <class T>
inline Block<T> exp2i(Block<T> n) {
  using Format = FloatFormat<T>;
  const Block<T> biased = add(n, Block<T>::splat(kIntegerShift<T> + Format::kBias));
  return Block<T>::ofBits(biased.bits() << Format::kMantissa);
}
template <class T>
inline Block<T> exponent(Block<T> x) {
  using Format = FloatFormat<T>;
  const auto biased = x.bits() >> Format::kMantissa;
  const auto shifted = Block<T>::ofBits(biased | Block<T>::splat(kIntegerShift<T>).bits());
  return sub(shifted, Block<T>::splat(kIntegerShift<T> + Format::kBias));
}
template <class T>
inline Block<T> mantissa(Block<T> x) {
  using Format = FloatFormat<T>;
  const typename Format::Bits low = (typename Format::Bits{1} << Format::kMantissa) - 1;
  return Block<T>::ofBits((x.bits() & low) | Block<T>::splat(1).bits());
}

template <class T>
inline Block<T> keep(Block<T> a, Full) {
  return a;
}
template <class T>
inline Block<T> keep(Block<T> a, Part part) {
  for (int i = part.n; i < Block<T>::kWidth; i++) a.v[i] = 0;
  return a;
}
template <class T>
inline double sumLanes(Block<T> a) {
  double sum = 0;
  for (int i = 0; i < Block<T>::kWidth; i++) sum += a.v[i];
  return sum;
}

using F32 = Block<float>;
using F64 = Block<double>;

#endif
