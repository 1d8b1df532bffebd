// Vectors of 256 bits: eight float32 or four float64 lanes with AVX2 and FMA.
// The verbs are those of docs/formulas.md; scalar.h explains them and must come first.
// Included inside namespace COTANGENT_NS.
#pragma once

struct Mask32 {
  __m256 v;
};
struct Mask64 {
  __m256d v;
};

/// Loading 8 words from `kTail + 8 - n` gives a mask of the first n lanes.
alignas(64) constexpr int32_t kTail[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
inline __m256i tailMask32(int n) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kTail + 8 - n));
}
inline __m256i tailMask64(int n) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kTail + 8 - 2 * n));
}

struct F32 {
  using Scalar = float;
  using Mask = Mask32;
  static constexpr int kWidth = 8;
  static constexpr bool kIsDouble = false;
  __m256 v;
  static F32 splat(double c) { return {_mm256_set1_ps(static_cast<float>(c))}; }
  static F32 load(const float* p, Full) { return {_mm256_loadu_ps(p)}; }
  static F32 load(const float* p, Part part) { return {_mm256_maskload_ps(p, tailMask32(part.n))}; }
};

struct F64 {
  using Scalar = double;
  using Mask = Mask64;
  static constexpr int kWidth = 4;
  static constexpr bool kIsDouble = true;
  __m256d v;
  static F64 splat(double c) { return {_mm256_set1_pd(c)}; }
  static F64 load(const double* p, Full) { return {_mm256_loadu_pd(p)}; }
  static F64 load(const double* p, Part part) { return {_mm256_maskload_pd(p, tailMask64(part.n))}; }
};

inline void store(float* p, F32 a, Full = {}) { _mm256_storeu_ps(p, a.v); }
inline void store(double* p, F64 a, Full = {}) { _mm256_storeu_pd(p, a.v); }
inline void store(float* p, F32 a, Part part) { _mm256_maskstore_ps(p, tailMask32(part.n), a.v); }
inline void store(double* p, F64 a, Part part) { _mm256_maskstore_pd(p, tailMask64(part.n), a.v); }

// Both widths from one line.
#define COTANGENT_UNARY(verb, form)                  \
  inline F32 verb(F32 a) { return {form(ps, a.v)}; } \
  inline F64 verb(F64 a) { return {form(pd, a.v)}; }
#define COTANGENT_BINARY(verb, name)                                       \
  inline F32 verb(F32 a, F32 b) { return {_mm256_##name##_ps(a.v, b.v)}; } \
  inline F64 verb(F64 a, F64 b) { return {_mm256_##name##_pd(a.v, b.v)}; }
#define COTANGENT_COMPARE(verb, predicate)                                          \
  inline Mask32 verb(F32 a, F32 b) { return {_mm256_cmp_ps(a.v, b.v, predicate)}; } \
  inline Mask64 verb(F64 a, F64 b) { return {_mm256_cmp_pd(a.v, b.v, predicate)}; }

COTANGENT_BINARY(add, add)
COTANGENT_BINARY(sub, sub)
COTANGENT_BINARY(mul, mul)
COTANGENT_BINARY(div, div)
inline F32 fma(F32 a, F32 b, F32 c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
inline F64 fma(F64 a, F64 b, F64 c) { return {_mm256_fmadd_pd(a.v, b.v, c.v)}; }

#define COTANGENT_NEG(s, x) _mm256_xor_##s(x, _mm256_set1_##s(-0.0))
#define COTANGENT_ABS(s, x) _mm256_andnot_##s(_mm256_set1_##s(-0.0), x)
#define COTANGENT_SQRT(s, x) _mm256_sqrt_##s(x)
#define COTANGENT_FLOOR(s, x) _mm256_round_##s(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)
#define COTANGENT_CEIL(s, x) _mm256_round_##s(x, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC)
#define COTANGENT_TRUNC(s, x) _mm256_round_##s(x, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC)
#define COTANGENT_RINT(s, x) _mm256_round_##s(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
COTANGENT_UNARY(neg, COTANGENT_NEG)
COTANGENT_UNARY(abs, COTANGENT_ABS)
COTANGENT_UNARY(sqrt, COTANGENT_SQRT)
COTANGENT_UNARY(floor, COTANGENT_FLOOR)
COTANGENT_UNARY(ceil, COTANGENT_CEIL)
COTANGENT_UNARY(trunc, COTANGENT_TRUNC)
COTANGENT_UNARY(rint, COTANGENT_RINT)

COTANGENT_COMPARE(eq, _CMP_EQ_OQ)
COTANGENT_COMPARE(ne, _CMP_NEQ_UQ)
COTANGENT_COMPARE(lt, _CMP_LT_OQ)
COTANGENT_COMPARE(le, _CMP_LE_OQ)
COTANGENT_COMPARE(gt, _CMP_GT_OQ)
COTANGENT_COMPARE(ge, _CMP_GE_OQ)

#undef COTANGENT_UNARY
#undef COTANGENT_BINARY
#undef COTANGENT_COMPARE
#undef COTANGENT_NEG
#undef COTANGENT_ABS
#undef COTANGENT_SQRT
#undef COTANGENT_FLOOR
#undef COTANGENT_CEIL
#undef COTANGENT_TRUNC
#undef COTANGENT_RINT

inline Mask32 both(Mask32 a, Mask32 b) { return {_mm256_and_ps(a.v, b.v)}; }
inline Mask64 both(Mask64 a, Mask64 b) { return {_mm256_and_pd(a.v, b.v)}; }
inline Mask32 either(Mask32 a, Mask32 b) { return {_mm256_or_ps(a.v, b.v)}; }
inline Mask64 either(Mask64 a, Mask64 b) { return {_mm256_or_pd(a.v, b.v)}; }
inline Mask32 invert(Mask32 a) { return {_mm256_xor_ps(a.v, _mm256_castsi256_ps(_mm256_set1_epi32(-1)))}; }
inline Mask64 invert(Mask64 a) { return {_mm256_xor_pd(a.v, _mm256_castsi256_pd(_mm256_set1_epi32(-1)))}; }
inline bool anylane(Mask32 m) { return _mm256_movemask_ps(m.v) != 0; }
inline bool anylane(Mask64 m) { return _mm256_movemask_pd(m.v) != 0; }
inline F32 select(Mask32 m, F32 a, F32 b) { return {_mm256_blendv_ps(b.v, a.v, m.v)}; }
inline F64 select(Mask64 m, F64 a, F64 b) { return {_mm256_blendv_pd(b.v, a.v, m.v)}; }

// The instructions return their second operand when either is NaN; only the first is left to mend.
inline F32 min(F32 a, F32 b) { return select(ne(a, a), a, F32{_mm256_min_ps(a.v, b.v)}); }
inline F64 min(F64 a, F64 b) { return select(ne(a, a), a, F64{_mm256_min_pd(a.v, b.v)}); }
inline F32 max(F32 a, F32 b) { return select(ne(a, a), a, F32{_mm256_max_ps(a.v, b.v)}); }
inline F64 max(F64 a, F64 b) { return select(ne(a, a), a, F64{_mm256_max_pd(a.v, b.v)}); }

inline F32 copysign(F32 a, F32 b) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  return {_mm256_or_ps(_mm256_andnot_ps(sign, a.v), _mm256_and_ps(sign, b.v))};
}
inline F64 copysign(F64 a, F64 b) {
  const __m256d sign = _mm256_set1_pd(-0.0);
  return {_mm256_or_pd(_mm256_andnot_pd(sign, a.v), _mm256_and_pd(sign, b.v))};
}

// AVX2 cannot convert between double and int64, but adding 2^52 puts an integer into the low bits
// of a double, where integer instructions reach it.
inline F32 exp2i(F32 n) {
  const __m256i biased = _mm256_add_epi32(_mm256_cvtps_epi32(n.v), _mm256_set1_epi32(127));
  return {_mm256_castsi256_ps(_mm256_slli_epi32(biased, 23))};
}
inline F64 exp2i(F64 n) {
  const __m256d biased = _mm256_add_pd(n.v, _mm256_set1_pd(4503599627370496.0 + 1023.0));
  return {_mm256_castsi256_pd(_mm256_slli_epi64(_mm256_castpd_si256(biased), 52))};
}
inline F32 exponent(F32 x) {
  const __m256i biased = _mm256_srli_epi32(_mm256_castps_si256(x.v), 23);
  return {_mm256_cvtepi32_ps(_mm256_sub_epi32(biased, _mm256_set1_epi32(127)))};
}
inline F64 exponent(F64 x) {
  const __m256d magic = _mm256_set1_pd(4503599627370496.0);
  const __m256i biased = _mm256_srli_epi64(_mm256_castpd_si256(x.v), 52);
  const __m256d shifted = _mm256_castsi256_pd(_mm256_or_si256(biased, _mm256_castpd_si256(magic)));
  return {_mm256_sub_pd(shifted, _mm256_set1_pd(4503599627370496.0 + 1023.0))};
}
inline F32 mantissa(F32 x) {
  const __m256i low = _mm256_and_si256(_mm256_castps_si256(x.v), _mm256_set1_epi32(0x007fffff));
  return {_mm256_castsi256_ps(_mm256_or_si256(low, _mm256_set1_epi32(0x3f800000)))};
}
inline F64 mantissa(F64 x) {
  const __m256i low = _mm256_and_si256(_mm256_castpd_si256(x.v), _mm256_set1_epi64x(0x000fffffffffffff));
  return {_mm256_castsi256_pd(_mm256_or_si256(low, _mm256_set1_epi64x(0x3ff0000000000000)))};
}

inline void storeMask(uint8_t* p, Mask32 m) {
  const __m256i wide = _mm256_castps_si256(m.v);
  const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1));
  const __m128i bytes = _mm_and_si128(_mm_packs_epi16(words, words), _mm_set1_epi8(1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), bytes);
}
inline void storeMask(uint8_t* p, Mask64 m) {
  const int bits = _mm256_movemask_pd(m.v);
  for (int i = 0; i < 4; i++) p[i] = bits >> i & 1;
}

inline F32 keep(F32 a, Full) { return a; }
inline F64 keep(F64 a, Full) { return a; }
inline F32 keep(F32 a, Part part) { return {_mm256_and_ps(a.v, _mm256_castsi256_ps(tailMask32(part.n)))}; }
inline F64 keep(F64 a, Part part) { return {_mm256_and_pd(a.v, _mm256_castsi256_pd(tailMask64(part.n)))}; }
inline double sumLanes(F64 a) {
  const __m128d half = _mm_add_pd(_mm256_castpd256_pd128(a.v), _mm256_extractf128_pd(a.v, 1));
  return _mm_cvtsd_f64(_mm_add_sd(half, _mm_unpackhi_pd(half, half)));
}
inline double sumLanes(F32 a) {
  const __m256d low = _mm256_cvtps_pd(_mm256_castps256_ps128(a.v));
  const __m256d high = _mm256_cvtps_pd(_mm256_extractf128_ps(a.v, 1));
  return sumLanes(F64{_mm256_add_pd(low, high)});
}

constexpr bool kBuildsIntegers = true;
/// 12 of the 16 registers accumulate, two hold B, one A.
constexpr int kMicroRows = 6;
constexpr int kMicroVectors = 2;
constexpr int64_t kMatmulDepth = 256;
