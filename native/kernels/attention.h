// What attention and its backward pass share: the record as matrices, products of blocks that leave out
// what causality rules out, and masks. Included inside namespace COTANGENT_NS.
#pragma once

/// Queries and keys of a block: its scores, 16 KB of float32, stay in the L1 cache with the panel they are
/// made from.
constexpr int64_t kQueries = 64;
constexpr int64_t kKeys = 64;
/// E and Eᵥ, which docs/program-format.md bounds so that blocks of all operands fit the workspace.
constexpr int64_t kMaxFeatures = 256;

template <class T>
struct Matrix {
  T* at;
  int64_t row, column;
  Matrix from(int64_t i) const { return {at + i * row, row, column}; }
};

/// Positions of the dimensions behind the batch.
enum HeadDimension { kL, kS, kE, kEv };

/// One attention of the batch; the mask is null, bytes or numbers.
template <class T>
struct Head {
  int64_t queries, keys, features, values;
  double scale;
  bool causal, maskIsBool;
  Matrix<T> q, k, v;
  Matrix<const char> mask;

  /// `first` is the number of the operand q, which k, v and mask follow; `at` their offsets by number.
  Head(const Record& r, int first, const int64_t* at)
      : scale(r.params[0]), causal(r.params[1] != 0), maskIsBool(r.dtype(first + 3) == abi::BOOL) {
    const int32_t* sizes = r.shape + r.rank - 4;
    queries = sizes[kL], keys = sizes[kS], features = sizes[kE], values = sizes[kEv];
    q = operand(r, first, at, kL, kE);
    k = operand(r, first + 1, at, kS, kE);
    v = operand(r, first + 2, at, kS, kEv);
    const Matrix<T> m = operand(r, first + 3, at, kL, kS);
    mask = {nullptr, m.row, m.column};
    if (const char* bytes = r.address(first + 3))
      mask.at = bytes + at[first + 3] * static_cast<int64_t>(maskIsBool ? 1 : sizeof(T));
  }
  static Matrix<T> operand(const Record& r, int k, const int64_t* at, int row, int column) {
    const int32_t* strides = r.strides(k) + r.rank - 4;
    return {r.data<T>(k) + at[k], strides[row], strides[column]};
  }
  /// How many keys of the block at `key` a query sees.
  int64_t seen(int64_t query, int64_t key) const {
    const int64_t n = least(kKeys, keys - key);
    return causal ? most<int64_t>(0, least(n, query + 1 - key)) : n;
  }
};

/// Which part of a product of blocks exists, by its row i and its column j: columns j < i + ROWS + columns, and
/// depths from i + begin to before i + ROWS + end, for a tile of ROWS rows that starts at i.
struct Band {
  int64_t columns = kFar, begin = -kFar, end = kFar;
  static constexpr int64_t kFar = int64_t{1} << 40;
};

template <class T>
struct AttentionBlocks {
  using V = typename VectorOf<T>::Type;
  static constexpr int64_t kColumns = Gemm<T>::kColumns;
  static_assert(kKeys % kColumns == 0);

  /// Every line of a block becomes a column of panels for `multiply`.
  static void packLines(T* to, Matrix<T> x, int64_t lines, int64_t depth) {
    Gemm<T>::template pack<kColumns>(to, x.at, lines, depth, x.row, x.column);
  }
  /// Every column of a block becomes a column of panels.
  static void packColumns(T* to, Matrix<T> x, int64_t depth, int64_t columns) {
    Gemm<T>::template pack<kColumns>(to, x.at, columns, depth, x.column, x.row);
  }
  /// A contiguous copy, scaled.
  static void copyScaled(T* to, Matrix<T> x, int64_t rows, int64_t columns, double scale) {
    const V factor = splat<V>(scale);
    for (int64_t i = 0; i < rows; i++, to += columns, x.at += x.row) {
      if (x.column == 1) {
        eachVector<V>(columns,
                      [&](int64_t j, auto lanes) { store(to + j, mul(load<V>(x.at + j, lanes), factor), lanes); });
      } else {
        for (int64_t j = 0; j < columns; j++) to[j] = x.at[j * x.column] * static_cast<T>(scale);
      }
    }
  }
  static void scaleRow(T* x, int64_t n, double factor) {
    const V f = splat<V>(factor);
    eachVector<V>(n, [&](int64_t i, auto lanes) { store(x + i, mul(load<V>(x + i, lanes), f), lanes); });
  }

  template <int ROWS, int VECTORS, class Lanes>
  static void tile(const Matrix<T>& a, const T* b, int64_t depth, T* c, int64_t cRow, bool adds, int64_t i,
                   const Band& band, Lanes lanes) {
    const int64_t begin = most<int64_t>(0, i + band.begin), end = least(depth, i + ROWS + band.end);
    if (begin >= end) return;
    directTile<V, ROWS, VECTORS>(end - begin, a.at + i * a.row + begin * a.column, a.row, a.column,
                                 b + begin * kColumns, kColumns, c + i * cRow, cRow, adds, lanes);
  }
  template <int ROWS>
  static void rows(int64_t i, int64_t m, int64_t n, int64_t j, const Matrix<T>& a, const T* b, int64_t depth,
                   T* c, int64_t cRow, bool adds, const Band& band) {
    for (; i + ROWS <= m; i += ROWS) {
      if (j >= i + ROWS + band.columns) continue;
      if (n >= kColumns) {
        tile<ROWS, Gemm<T>::kVectors>(a, b, depth, c, cRow, adds, i, band, Full{});
        continue;
      }
      int64_t x = 0;
      for (; x + V::kWidth <= n; x += V::kWidth) tile<ROWS, 1>(a, b + x, depth, c + x, cRow, adds, i, band, Full{});
      if (x < n) tile<ROWS, 1>(a, b + x, depth, c + x, cRow, adds, i, band, Part{static_cast<int>(n - x)});
    }
    if constexpr (ROWS > 1) rows<(ROWS > 4) ? 4 : ROWS / 2>(i, m, n, j, a, b, depth, c, cRow, adds, band);
  }
  /// c (+)= a · panels within the band; what is left out is not written. A is read in place, C has contiguous rows.
  COTANGENT_NOINLINE static void multiply(int64_t m, int64_t n, int64_t depth, const Matrix<T>& a, const T* panels,
                                          T* c, int64_t cRow, bool adds, const Band& band) {
    for (int64_t j = 0; j < n; j += kColumns, panels += depth * kColumns)
      rows<Gemm<T>::kDirectRows>(0, m, n - j, j, a, panels, depth, c + j, cRow, adds, band);
  }

  /// Adds the mask to a query's scores for the n keys from `key` on; −∞ wherever it forbids, even over NaN.
  static void applyMask(const Head<T>& head, int64_t query, int64_t key, T* x, int64_t n) {
    T bias[kKeys];
    const int64_t at = query * head.mask.row + key * head.mask.column, step = head.mask.column;
    const T* numbers = reinterpret_cast<const T*>(head.mask.at) + at;
    if (head.maskIsBool) {
      for (int64_t j = 0; j < n; j++) bias[j] = head.mask.at[at + j * step] ? 0 : Limits<T>::kLowest;
    } else {
      for (int64_t j = 0; j < n; j++) bias[j] = numbers[j * step];
    }
    const V lowest = splat<V>(Limits<T>::kLowest);
    eachVector<V>(n, [&](int64_t j, auto lanes) {
      const V b = load<V>(bias + j, lanes);
      store(x + j, select(eq(b, lowest), lowest, add(load<V>(x + j, lanes), b)), lanes);
    });
  }
};

/// Cost of a task over all keys, in the units of parallelFor: `products` products of blocks, and exponentials.
template <class T>
inline double attentionWork(const Head<T>& head, int64_t queries, double products) {
  const double scores = static_cast<double>(queries) * static_cast<double>(head.keys) / (head.causal ? 2 : 1);
  return scores * (products * static_cast<double>(head.features + head.values) / 64 + kExpWork);
}
