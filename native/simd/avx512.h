// Vectors of 512 bits: sixteen float32 or eight float64 lanes with AVX-512 F, DQ, BW and VL.
// The verbs are those of docs/formulas.md; scalar.h explains them and must come first.
// Included inside namespace COTANGENT_NS.
#pragma once

struct Mask32 {
  __mmask16 v;
};
struct Mask64 {
  __mmask8 v;
};

inline __mmask16 tailMask32(int n) { return static_cast<__mmask16>((1u << n) - 1); }
inline __mmask8 tailMask64(int n) { return static_cast<__mmask8>((1u << n) - 1); }

struct F32 {
  using Scalar = float;
  using Mask = Mask32;
  static constexpr int kWidth = 16;
  static constexpr bool kIsDouble = false;
  __m512 v;
  static F32 splat(double c) { return {_mm512_set1_ps(static_cast<float>(c))}; }
  static F32 load(const float* p, Full) { return {_mm512_loadu_ps(p)}; }
  static F32 load(const float* p, Part part) { return {_mm512_maskz_loadu_ps(tailMask32(part.n), p)}; }
};

struct F64 {
  using Scalar = double;
  using Mask = Mask64;
  static constexpr int kWidth = 8;
  static constexpr bool kIsDouble = true;
  __m512d v;
  static F64 splat(double c) { return {_mm512_set1_pd(c)}; }
  static F64 load(const double* p, Full) { return {_mm512_loadu_pd(p)}; }
  static F64 load(const double* p, Part part) { return {_mm512_maskz_loadu_pd(tailMask64(part.n), p)}; }
};

inline void store(float* p, F32 a, Full = {}) { _mm512_storeu_ps(p, a.v); }
inline void store(double* p, F64 a, Full = {}) { _mm512_storeu_pd(p, a.v); }
inline void store(float* p, F32 a, Part part) { _mm512_mask_storeu_ps(p, tailMask32(part.n), a.v); }
inline void store(double* p, F64 a, Part part) { _mm512_mask_storeu_pd(p, tailMask64(part.n), a.v); }

// Both widths from one line.
#define COTANGENT_UNARY(verb, form)                  \
  inline F32 verb(F32 a) { return {form(ps, a.v)}; } \
  inline F64 verb(F64 a) { return {form(pd, a.v)}; }
#define COTANGENT_BINARY(verb, name)                                       \
  inline F32 verb(F32 a, F32 b) { return {_mm512_##name##_ps(a.v, b.v)}; } \
  inline F64 verb(F64 a, F64 b) { return {_mm512_##name##_pd(a.v, b.v)}; }
#define COTANGENT_COMPARE(verb, predicate)                                               \
  inline Mask32 verb(F32 a, F32 b) { return {_mm512_cmp_ps_mask(a.v, b.v, predicate)}; } \
  inline Mask64 verb(F64 a, F64 b) { return {_mm512_cmp_pd_mask(a.v, b.v, predicate)}; }

COTANGENT_BINARY(add, add)
COTANGENT_BINARY(sub, sub)
COTANGENT_BINARY(mul, mul)
COTANGENT_BINARY(div, div)
inline F32 fma(F32 a, F32 b, F32 c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
inline F64 fma(F64 a, F64 b, F64 c) { return {_mm512_fmadd_pd(a.v, b.v, c.v)}; }

#define COTANGENT_NEG(s, x) _mm512_xor_##s(x, _mm512_set1_##s(-0.0))
#define COTANGENT_ABS(s, x) _mm512_andnot_##s(_mm512_set1_##s(-0.0), x)
#define COTANGENT_SQRT(s, x) _mm512_sqrt_##s(x)
#define COTANGENT_FLOOR(s, x) _mm512_roundscale_##s(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)
#define COTANGENT_CEIL(s, x) _mm512_roundscale_##s(x, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC)
#define COTANGENT_TRUNC(s, x) _mm512_roundscale_##s(x, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC)
#define COTANGENT_RINT(s, x) _mm512_roundscale_##s(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
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

inline Mask32 both(Mask32 a, Mask32 b) { return {static_cast<__mmask16>(a.v & b.v)}; }
inline Mask64 both(Mask64 a, Mask64 b) { return {static_cast<__mmask8>(a.v & b.v)}; }
inline Mask32 either(Mask32 a, Mask32 b) { return {static_cast<__mmask16>(a.v | b.v)}; }
inline Mask64 either(Mask64 a, Mask64 b) { return {static_cast<__mmask8>(a.v | b.v)}; }
inline Mask32 invert(Mask32 a) { return {static_cast<__mmask16>(~a.v)}; }
inline Mask64 invert(Mask64 a) { return {static_cast<__mmask8>(~a.v)}; }
inline bool anylane(Mask32 m) { return m.v != 0; }
inline bool anylane(Mask64 m) { return m.v != 0; }
inline F32 select(Mask32 m, F32 a, F32 b) { return {_mm512_mask_blend_ps(m.v, b.v, a.v)}; }
inline F64 select(Mask64 m, F64 a, F64 b) { return {_mm512_mask_blend_pd(m.v, b.v, a.v)}; }

// The instructions return their second operand when either is NaN; only the first is left to mend.
inline F32 min(F32 a, F32 b) { return select(ne(a, a), a, F32{_mm512_min_ps(a.v, b.v)}); }
inline F64 min(F64 a, F64 b) { return select(ne(a, a), a, F64{_mm512_min_pd(a.v, b.v)}); }
inline F32 max(F32 a, F32 b) { return select(ne(a, a), a, F32{_mm512_max_ps(a.v, b.v)}); }
inline F64 max(F64 a, F64 b) { return select(ne(a, a), a, F64{_mm512_max_pd(a.v, b.v)}); }

inline F32 copysign(F32 a, F32 b) {
  const __m512 sign = _mm512_set1_ps(-0.0f);
  return {_mm512_or_ps(_mm512_andnot_ps(sign, a.v), _mm512_and_ps(sign, b.v))};
}
inline F64 copysign(F64 a, F64 b) {
  const __m512d sign = _mm512_set1_pd(-0.0);
  return {_mm512_or_pd(_mm512_andnot_pd(sign, a.v), _mm512_and_pd(sign, b.v))};
}

inline F32 exp2i(F32 n) {
  const __m512i biased = _mm512_add_epi32(_mm512_cvtps_epi32(n.v), _mm512_set1_epi32(127));
  return {_mm512_castsi512_ps(_mm512_slli_epi32(biased, 23))};
}
inline F64 exp2i(F64 n) {
  const __m512i biased = _mm512_add_epi64(_mm512_cvtpd_epi64(n.v), _mm512_set1_epi64(1023));
  return {_mm512_castsi512_pd(_mm512_slli_epi64(biased, 52))};
}
inline F32 exponent(F32 x) {
  const __m512i biased = _mm512_srli_epi32(_mm512_castps_si512(x.v), 23);
  return {_mm512_cvtepi32_ps(_mm512_sub_epi32(biased, _mm512_set1_epi32(127)))};
}
inline F64 exponent(F64 x) {
  const __m512i biased = _mm512_srli_epi64(_mm512_castpd_si512(x.v), 52);
  return {_mm512_cvtepi64_pd(_mm512_sub_epi64(biased, _mm512_set1_epi64(1023)))};
}
inline F32 mantissa(F32 x) {
  const __m512i low = _mm512_and_si512(_mm512_castps_si512(x.v), _mm512_set1_epi32(0x007fffff));
  return {_mm512_castsi512_ps(_mm512_or_si512(low, _mm512_set1_epi32(0x3f800000)))};
}
inline F64 mantissa(F64 x) {
  const __m512i low = _mm512_and_si512(_mm512_castpd_si512(x.v), _mm512_set1_epi64(0x000fffffffffffff));
  return {_mm512_castsi512_pd(_mm512_or_si512(low, _mm512_set1_epi64(0x3ff0000000000000)))};
}

inline void storeMask(uint8_t* p, Mask32 m) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm_maskz_set1_epi8(m.v, 1));
}
inline void storeMask(uint8_t* p, Mask64 m) {
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_maskz_set1_epi8(m.v, 1));
}

inline F32 keep(F32 a, Full) { return a; }
inline F64 keep(F64 a, Full) { return a; }
inline F32 keep(F32 a, Part part) { return {_mm512_maskz_mov_ps(tailMask32(part.n), a.v)}; }
inline F64 keep(F64 a, Part part) { return {_mm512_maskz_mov_pd(tailMask64(part.n), a.v)}; }
inline double sumLanes(F64 a) { return _mm512_reduce_add_pd(a.v); }
inline double sumLanes(F32 a) {
  const __m512d low = _mm512_cvtps_pd(_mm512_castps512_ps256(a.v));
  const __m512d high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(a.v, 1));
  return sumLanes(F64{_mm512_add_pd(low, high)});
}

/// Integers, and what only moves memory, gain nothing from wider vectors; the table keeps AVX2's.
constexpr bool kBuildsIntegers = false;
/// 28 of the 32 registers accumulate, two hold B, one A.
constexpr int kMicroRows = 14;
constexpr int kMicroVectors = 2;
constexpr int64_t kMatmulDepth = 192;
