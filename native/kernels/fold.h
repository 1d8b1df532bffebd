// Sums and extremes over contiguous rows, shared by reductions, softmax and layer norm.
// Included inside namespace COTANGENT_NS.
#pragma once

template <class T>
struct VectorOf {
  using Type = Lane<T>;
};
template <>
struct VectorOf<float> {
  using Type = F32;
};
template <>
struct VectorOf<double> {
  using Type = F64;
};

template <class V>
constexpr int countOf(Full) {
  return V::kWidth;
}
template <class V>
constexpr int countOf(Part part) {
  return part.n;
}

/// The longest run of elements that is summed in the lanes of a vector before the sum moves on to
/// double precision.
constexpr int64_t kSumBlock = 512;
/// Fewer where vectors are narrow: 64 additions to a lane lose no more than a few units in the last place.
template <class V>
constexpr int64_t kBlockOf = least<int64_t>(kSumBlock, 64 * V::kWidth);

// Inlined always: behind a call, what a closure refers to would be loaded again after every store.

/// Calls `f(i, lanes)` for every vector of [0, n); `lanes` is Full or, at the end, Part.
template <class V, class F>
COTANGENT_INLINE void eachVector(int64_t n, F f) {
  const int rest = static_cast<int>(n % V::kWidth);
  for (int64_t i = 0; i < n - rest; i += V::kWidth) f(i, Full{});
  if (rest) f(n - rest, Part{rest});
}

/// The sum over [0, n) of `term(i, lanes)`, which returns a vector (lanes outside Part are ignored).
template <class V, class F>
COTANGENT_INLINE double sumOver(int64_t n, F term) {
  constexpr int kUnroll = 4;
  double total = 0;
  for (int64_t block = 0; block < n; block += kBlockOf<V>) {
    const int64_t end = least(block + kBlockOf<V>, n);
    V sum[kUnroll] = {splat<V>(0), splat<V>(0), splat<V>(0), splat<V>(0)};
    int64_t i = block;
    for (; i + kUnroll * V::kWidth <= end; i += kUnroll * V::kWidth) {
      COTANGENT_UNROLL
      for (int u = 0; u < kUnroll; u++) sum[u] = add(sum[u], term(i + u * V::kWidth, Full{}));
    }
    for (; i + V::kWidth <= end; i += V::kWidth) sum[0] = add(sum[0], term(i, Full{}));
    if (i < end) {
      const Part rest{static_cast<int>(end - i)};
      sum[1] = add(sum[1], keep(term(i, rest), rest));
    }
    total += sumLanes(add(add(sum[0], sum[1]), add(sum[2], sum[3])));
  }
  return total;
}

/// Two sums over [0, n) in one pass: `terms(i, lanes, a, b)` sets a vector of each.
template <class V, class F>
COTANGENT_INLINE void sumsOver(int64_t n, double& first, double& second, F terms) {
  constexpr int kUnroll = 2;
  first = second = 0;
  for (int64_t block = 0; block < n; block += kBlockOf<V>) {
    const int64_t end = least(block + kBlockOf<V>, n);
    V sum[2][kUnroll] = {{splat<V>(0), splat<V>(0)}, {splat<V>(0), splat<V>(0)}};
    V a, b;
    int64_t i = block;
    for (; i + kUnroll * V::kWidth <= end; i += kUnroll * V::kWidth) {
      COTANGENT_UNROLL
      for (int u = 0; u < kUnroll; u++) {
        terms(i + u * V::kWidth, Full{}, a, b);
        sum[0][u] = add(sum[0][u], a);
        sum[1][u] = add(sum[1][u], b);
      }
    }
    for (; i < end; i += V::kWidth) {
      const Part rest{static_cast<int>(least<int64_t>(V::kWidth, end - i))};
      terms(i, rest, a, b);
      sum[0][0] = add(sum[0][0], keep(a, rest));
      sum[1][0] = add(sum[1][0], keep(b, rest));
    }
    first += sumLanes(add(sum[0][0], sum[0][1]));
    second += sumLanes(add(sum[1][0], sum[1][1]));
  }
}

/// The values that every other one beats.
template <class T>
struct Limits;
template <>
struct Limits<float> {
  static constexpr float kLowest = -HUGE_VALF, kHighest = HUGE_VALF;
};
template <>
struct Limits<double> {
  static constexpr double kLowest = -HUGE_VAL, kHighest = HUGE_VAL;
};
template <>
struct Limits<int32_t> {
  static constexpr int32_t kLowest = INT32_MIN, kHighest = INT32_MAX;
};
template <>
struct Limits<int64_t> {
  static constexpr int64_t kLowest = INT64_MIN, kHighest = INT64_MAX;
};
template <>
struct Limits<uint8_t> {
  static constexpr uint8_t kLowest = 0, kHighest = UINT8_MAX;
};

struct Largest {
  template <class T>
  static constexpr T identity = Limits<T>::kLowest;
  template <class V>
  static V pick(V a, V b) {
    return max(a, b);
  }
};
struct Smallest {
  template <class T>
  static constexpr T identity = Limits<T>::kHighest;
  template <class V>
  static V pick(V a, V b) {
    return min(a, b);
  }
};

/// The largest or smallest of a row, n ≥ 1; NaN when there is one.
template <class Pick, class T>
inline T extremeOf(const T* x, int64_t n) {
  using V = typename VectorOf<T>::Type;
  Lane<T> result(x[0]);
  int64_t i = 0;
  if (n >= V::kWidth) {
    V best = load<V>(x);
    V other = best;
    for (i = V::kWidth; i + 2 * V::kWidth <= n; i += 2 * V::kWidth) {
      best = Pick::pick(best, load<V>(x + i));
      other = Pick::pick(other, load<V>(x + i + V::kWidth));
    }
    T lanes[V::kWidth];
    store(lanes, Pick::pick(best, other));
    for (int half = V::kWidth / 2; half > 0; half /= 2) {
      for (int lane = 0; lane < half; lane++)
        lanes[lane] = Pick::pick(Lane<T>(lanes[lane]), Lane<T>(lanes[lane + half])).v;
    }
    result = Lane<T>(lanes[0]);
  }
  for (; i < n; i++) result = Pick::pick(result, Lane<T>(x[i]));
  return result.v;
}
