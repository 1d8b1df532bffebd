// The innermost loops of matmul: a tile of C in registers. Included inside namespace COTANGENT_NS.
#pragma once

/// acc[i][v] += a[i]·b[v] over k, with a's and b's strides given; constant strides are folded away.
template <class V, int ROWS, int VECTORS, class Lanes>
COTANGENT_INLINE void accumulate(V (&acc)[ROWS][VECTORS], int64_t k, const typename V::Scalar* a,
                                 int64_t aRow, int64_t aDepth, const typename V::Scalar* b, int64_t bDepth,
                                 Lanes lanes) {
  for (int64_t p = 0; p < k; p++) {
    V right[VECTORS];
    COTANGENT_UNROLL
    for (int v = 0; v < VECTORS; v++) right[v] = load<V>(b + v * V::kWidth, lanes);
    COTANGENT_UNROLL
    for (int i = 0; i < ROWS; i++) {
      const V left = splat<V>(a[i * aRow]);
      COTANGENT_UNROLL
      for (int v = 0; v < VECTORS; v++) acc[i][v] = fma(left, right[v], acc[i][v]);
    }
    a += aDepth;
    b += bDepth;
  }
}

template <class V, int ROWS, int VECTORS>
COTANGENT_INLINE void clear(V (&acc)[ROWS][VECTORS]) {
  COTANGENT_UNROLL
  for (int i = 0; i < ROWS; i++) {
    COTANGENT_UNROLL
    for (int v = 0; v < VECTORS; v++) acc[i][v] = splat<V>(0);
  }
}

/// A whole tile from packed panels; c = a·b, or c += a·b.
template <class V, int ROWS, int VECTORS>
COTANGENT_NOINLINE void packedTile(int64_t k, const typename V::Scalar* a, const typename V::Scalar* b,
                                   typename V::Scalar* c, int64_t cRow, bool adds) {
  V acc[ROWS][VECTORS];
  clear(acc);
  accumulate(acc, k, a, 1, ROWS, b, VECTORS * V::kWidth, Full{});
  COTANGENT_UNROLL
  for (int i = 0; i < ROWS; i++) {
    COTANGENT_UNROLL
    for (int v = 0; v < VECTORS; v++) {
      typename V::Scalar* to = c + i * cRow + v * V::kWidth;
      store(to, adds ? add(load<V>(to), acc[i][v]) : acc[i][v]);
    }
  }
}

/// ROWS rows and VECTORS vectors (or the first lanes of one) of c = a·b or c += a·b, read in place.
template <class V, int ROWS, int VECTORS, class Lanes>
COTANGENT_INLINE void directTile(int64_t k, const typename V::Scalar* a, int64_t aRow, int64_t aDepth,
                                 const typename V::Scalar* b, int64_t bDepth, typename V::Scalar* c,
                                 int64_t cRow, bool adds, Lanes lanes) {
  V acc[ROWS][VECTORS];
  clear(acc);
  accumulate(acc, k, a, aRow, aDepth, b, bDepth, lanes);
  COTANGENT_UNROLL
  for (int i = 0; i < ROWS; i++) {
    COTANGENT_UNROLL
    for (int v = 0; v < VECTORS; v++) {
      typename V::Scalar* to = c + i * cRow + v * V::kWidth;
      store(to, adds ? add(load<V>(to, lanes), acc[i][v]) : acc[i][v], lanes);
    }
  }
}

/// ROWS dot products with the same contiguous vector.
template <class V, int ROWS>
COTANGENT_INLINE void dotRows(int64_t k, const typename V::Scalar* a, int64_t aRow,
                              const typename V::Scalar* x, typename V::Scalar* out, int64_t outStride) {
  constexpr int kChains = 2;
  V acc[ROWS][kChains];
  clear(acc);
  const auto step = [&](int64_t p, int chain, auto lanes) {
    const V right = load<V>(x + p, lanes);
    COTANGENT_UNROLL
    for (int i = 0; i < ROWS; i++)
      acc[i][chain] = fma(load<V>(a + i * aRow + p, lanes), right, acc[i][chain]);
  };
  int64_t p = 0;
  for (; p + 2 * V::kWidth <= k; p += 2 * V::kWidth) {
    step(p, 0, Full{});
    step(p + V::kWidth, 1, Full{});
  }
  for (; p + V::kWidth <= k; p += V::kWidth) step(p, 0, Full{});
  if (p < k) step(p, 1, Part{static_cast<int>(k - p)});
  for (int i = 0; i < ROWS; i++) {
    out[i * outStride] = static_cast<typename V::Scalar>(sumLanes(add(acc[i][0], acc[i][1])));
  }
}
