// Walking an iteration space: the odometer over outer dimensions, and sharing rows among threads.
// Included inside namespace COTANGENT_NS.
#pragma once

template <class T>
constexpr T least(T a, T b) {
  return b < a ? b : a;
}
template <class T>
constexpr T most(T a, T b) {
  return a < b ? b : a;
}
inline int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// A job smaller than this many elementary operations (about a nanosecond's worth each) stays on
/// the calling thread.
constexpr int64_t kParallelWork = 32768;

/// Calls `f(begin, end, workspace)` over [0, n) in pieces, on several threads when there is work
/// enough. The result must not depend on where the pieces are cut.
template <class F>
inline void parallelFor(Context& context, int64_t n, double workEach, F f) {
  const double work = workEach * static_cast<double>(n);
  if (work < 2 * kParallelWork || n < 2) return f(int64_t{0}, n, context.workspace);
  const int64_t grain = most<int64_t>(1, static_cast<int64_t>(kParallelWork / workEach));
  context.pool->run(
      n, grain,
      [](void* job, int64_t begin, int64_t end, char* workspace) {
        (*static_cast<F*>(job))(begin, end, workspace);
      },
      &f, context.workspace);
}

/// Counts through `dims` dimensions and keeps the offsets of N operands, in elements; those that the
/// record does not have follow its first.
template <int N>
struct Odometer {
  int dims;
  const int32_t* shape;
  const int32_t* strides[N];
  int64_t offset[N];
  int32_t index[abi::MAX_RANK];

  /// The first `dims` dimensions of a record.
  Odometer(const Record& r, int dims) : dims(dims), shape(r.shape) {
    for (int k = 0; k < N; k++) strides[k] = r.strides(k < r.operands ? k : 0);
  }

  void seek(int64_t position) {
    for (int k = 0; k < N; k++) offset[k] = 0;
    for (int d = dims - 1; d >= 0; d--) {
      index[d] = static_cast<int32_t>(position % shape[d]);
      position /= shape[d];
      for (int k = 0; k < N; k++) offset[k] += static_cast<int64_t>(index[d]) * strides[k][d];
    }
  }

  void next() {
    for (int d = dims - 1; d >= 0; d--) {
      if (++index[d] < shape[d]) {
        for (int k = 0; k < N; k++) offset[k] += strides[k][d];
        return;
      }
      index[d] = 0;
      for (int k = 0; k < N; k++) offset[k] -= static_cast<int64_t>(shape[d] - 1) * strides[k][d];
    }
  }
};

/// Calls `f(offsets)` for every index of all dimensions but the last, in parallel; the offsets are
/// the operands' in elements. `workEach` estimates one call.
template <int N, class F>
inline void forRows(const Record& r, Context& context, double workEach, F f) {
  const int outer = r.rank ? r.rank - 1 : 0;
  parallelFor(context, r.count(outer), workEach, [&](int64_t begin, int64_t end, char*) {
    Odometer<N> at(r, outer);
    at.seek(begin);
    for (int64_t i = begin; i < end; i++, at.next()) f(at.offset);
  });
}
