// 32-bit words in 64-bit lanes, for the multiplications of Philox. Only the low half of a lane counts;
// the upper one may hold anything. Included inside namespace COTANGENT_NS.
#pragma once

#if defined(COTANGENT_AVX2)
struct Words {
  static constexpr int kWidth = 4;
  __m256i v;
  static Words splat(uint32_t w) { return {_mm256_set1_epi64x(w)}; }
  static Words load(const uint64_t* p) { return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))}; }
};
inline void store(uint64_t* p, Words a) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a.v); }
/// The product of the low halves, 64 bits.
inline Words product(Words a, Words b) { return {_mm256_mul_epu32(a.v, b.v)}; }
inline Words upper(Words a) { return {_mm256_srli_epi64(a.v, 32)}; }
inline Words exclusiveOr(Words a, Words b) { return {_mm256_xor_si256(a.v, b.v)}; }
#else
struct Words {
  static constexpr int kWidth = 1;
  uint64_t v;
  static Words splat(uint32_t w) { return {w}; }
  static Words load(const uint64_t* p) { return {*p}; }
};
inline void store(uint64_t* p, Words a) { *p = a.v; }
/// The product of the low halves, 64 bits.
inline Words product(Words a, Words b) { return {(a.v & 0xFFFFFFFFu) * (b.v & 0xFFFFFFFFu)}; }
inline Words upper(Words a) { return {a.v >> 32}; }
inline Words exclusiveOr(Words a, Words b) { return {a.v ^ b.v}; }
#endif
