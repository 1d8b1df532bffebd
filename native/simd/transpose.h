// Squares of elements turned over in registers: packing lines of a matrix side by side is bound by
// single loads and stores otherwise. AVX-512 uses the 256-bit forms too.
// Included inside namespace COTANGENT_NS.
#pragma once

/// `transpose` writes element p of line i to `to[p * step + i]` for kWidth elements and lines. Of lines from
/// `lines` on nothing is read, and what is written for them is arbitrary.
template <class T>
struct SquareBlock {
  static constexpr int kWidth = 4;
  static void transpose(const T* from, int64_t line, int lines, T* to, int64_t step) {
    for (int p = 0; p < kWidth; p++) {
      for (int i = 0; i < kWidth; i++) to[p * step + i] = from[(i < lines ? i : 0) * line + p];
    }
  }
};

#if defined(COTANGENT_AVX2) || defined(COTANGENT_AVX512)

template <>
struct SquareBlock<float> {
  static constexpr int kWidth = 8;
  static COTANGENT_INLINE void transpose(const float* from, int64_t line, int lines, float* to, int64_t step) {
    __m256 r[8], pairs[8], fours[8];
    COTANGENT_UNROLL
    for (int i = 0; i < 8; i++) r[i] = _mm256_loadu_ps(from + (i < lines ? i : 0) * line);
    COTANGENT_UNROLL
    for (int i = 0; i < 8; i += 2) {
      pairs[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
      pairs[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    COTANGENT_UNROLL
    for (int i = 0; i < 8; i += 4) {
      fours[i] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0x44);
      fours[i + 1] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0xEE);
      fours[i + 2] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0x44);
      fours[i + 3] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0xEE);
    }
    COTANGENT_UNROLL
    for (int p = 0; p < 4; p++) _mm256_storeu_ps(to + p * step, _mm256_permute2f128_ps(fours[p], fours[p + 4], 0x20));
    COTANGENT_UNROLL
    for (int p = 0; p < 4; p++)
      _mm256_storeu_ps(to + (p + 4) * step, _mm256_permute2f128_ps(fours[p], fours[p + 4], 0x31));
  }
};

template <>
struct SquareBlock<double> {
  static constexpr int kWidth = 4;
  static COTANGENT_INLINE void transpose(const double* from, int64_t line, int lines, double* to, int64_t step) {
    __m256d r[4];
    COTANGENT_UNROLL
    for (int i = 0; i < 4; i++) r[i] = _mm256_loadu_pd(from + (i < lines ? i : 0) * line);
    const __m256d even = _mm256_unpacklo_pd(r[0], r[1]), odd = _mm256_unpackhi_pd(r[0], r[1]);
    const __m256d even2 = _mm256_unpacklo_pd(r[2], r[3]), odd2 = _mm256_unpackhi_pd(r[2], r[3]);
    _mm256_storeu_pd(to, _mm256_permute2f128_pd(even, even2, 0x20));
    _mm256_storeu_pd(to + step, _mm256_permute2f128_pd(odd, odd2, 0x20));
    _mm256_storeu_pd(to + 2 * step, _mm256_permute2f128_pd(even, even2, 0x31));
    _mm256_storeu_pd(to + 3 * step, _mm256_permute2f128_pd(odd, odd2, 0x31));
  }
};

#endif
