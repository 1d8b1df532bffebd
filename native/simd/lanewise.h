// The verbs that go through the C library, for vectors of several lanes: one call per lane.
// Included inside namespace COTANGENT_NS after the instruction set's header.
#pragma once

template <class V, class F>
inline V lanewise(V x, V y, F f) {
  typename V::Scalar a[V::kWidth], b[V::kWidth];
  store(a, x);
  store(b, y);
  for (int i = 0; i < V::kWidth; i++) a[i] = f(a[i], b[i]);
  return load<V>(a);
}

/// Vectors only: plain lanes have overloads of their own, which fit better.
template <class V, int = V::kWidth>
inline V pow(V x, V y) {
  using T = typename V::Scalar;
  return lanewise(x, y, [](T a, T b) { return powOf(a, b); });
}
template <class V, int = V::kWidth>
inline V fmodlarge(V x, V y) {
  using T = typename V::Scalar;
  return lanewise(x, y, [](T a, T b) { return fmodOf(a, b); });
}
template <class V, int = V::kWidth>
inline V sinlarge(V x) {
  using T = typename V::Scalar;
  return lanewise(x, x, [](T a, T) { return sinOf(a); });
}
template <class V, int = V::kWidth>
inline V coslarge(V x) {
  using T = typename V::Scalar;
  return lanewise(x, x, [](T a, T) { return cosOf(a); });
}
