// The build that runs everywhere: plain lanes throughout. Compilers turn their loops into whatever
// vectors the target's baseline has (SSE2, NEON). Included inside namespace COTANGENT_NS after scalar.h.
#pragma once

using F32 = Lane<float>;
using F64 = Lane<double>;

constexpr bool kBuildsIntegers = true;
constexpr int kMicroRows = 4;
constexpr int kMicroVectors = 2;
constexpr int64_t kMatmulDepth = 256;

#if defined(__GNUC__) || defined(__clang__)
/// Four or two elements in the compiler's own vector type, for matmul, whose speed is worth it.
template <class T>
struct Block {
  using Scalar = T;
  typedef T Vector __attribute__((vector_size(16)));
  static constexpr int kWidth = 16 / sizeof(T);
  Vector v;
  static Block splat(double c) {
    const T value = static_cast<T>(c);
    return {Vector{} + value};
  }
  static Block load(const T* p, Full) {
    Block block;
    memcpy(&block.v, p, sizeof(block.v));
    return block;
  }
  static Block load(const T* p, Part part) {
    Block block{};
    memcpy(&block.v, p, static_cast<size_t>(part.n) * sizeof(T));
    return block;
  }
};
template <class T>
inline void store(T* p, Block<T> a, Full = {}) {
  memcpy(p, &a.v, sizeof(a.v));
}
template <class T>
inline void store(T* p, Block<T> a, Part part) {
  memcpy(p, &a.v, static_cast<size_t>(part.n) * sizeof(T));
}
template <class T>
inline Block<T> add(Block<T> a, Block<T> b) {
  return {a.v + b.v};
}
template <class T>
inline Block<T> fma(Block<T> a, Block<T> b, Block<T> c) {
  return {a.v * b.v + c.v};
}
template <class T>
inline double sumLanes(Block<T> a) {
  double sum = 0;
  for (int i = 0; i < Block<T>::kWidth; i++) sum += a.v[i];
  return sum;
}
template <class T>
struct MatmulVector {
  using Type = Block<T>;
};
#else
template <class T>
struct MatmulVector {
  using Type = Lane<T>;
};
#endif
