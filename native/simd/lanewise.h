// The verbs that go through the C library, for vectors of several lanes: one call per lane.
// Included inside namespace COTANGENT_NS after avx2.h or avx512.h.
#pragma once

template <class V, class F>
inline V lanewise(V x, V y, F f) {
  typename V::Scalar a[V::kWidth], b[V::kWidth];
  store(a, x);
  store(b, y);
  for (int i = 0; i < V::kWidth; i++) a[i] = f(a[i], b[i]);
  return load<V>(a);
}

#define COTANGENT_LANEWISE(V) \
  inline V pow(V x, V y) { \
    return lanewise(x, y, [](V::Scalar a, V::Scalar b) { return powOf(a, b); }); \
  } \
  inline V sinlarge(V x) { \
    return lanewise(x, x, [](V::Scalar a, V::Scalar) { return sinOf(a); }); \
  } \
  inline V coslarge(V x) { \
    return lanewise(x, x, [](V::Scalar a, V::Scalar) { return cosOf(a); }); \
  }
COTANGENT_LANEWISE(F32)
COTANGENT_LANEWISE(F64)
#undef COTANGENT_LANEWISE
