// sum, mean, prod, amax, amin over any dimensions. Either each result is folded along rows of memory, or,
// where a kept dimension is the contiguous one, a tile of results is folded at once down columns.
// The partition depends on the shape alone, so results do not depend on the number of threads.
// Start at `reduce`; the folds themselves come first.

/// A fold of one element after the other: integers of every kind, products.
template <class T, class A, class Op>
struct ScalarFold {
  using Acc = A;
  static Acc row(const T* x, int64_t n, int64_t stride) {
    Acc acc = Op::template identity<Acc>();
    if (stride == 1) {
      for (int64_t i = 0; i < n; i++) acc = Op::join(acc, static_cast<Acc>(x[i]));
    } else {
      for (int64_t i = 0; i < n; i++) acc = Op::join(acc, static_cast<Acc>(x[i * stride]));
    }
    return acc;
  }
  static void columns(Acc* acc, const T* x, int64_t columns, int64_t rows, int64_t pitch) {
    for (int64_t i = 0; i < rows; i++) {
      for (int64_t j = 0; j < columns; j++) acc[j] = Op::join(acc[j], static_cast<Acc>(x[i * pitch + j]));
    }
  }
  static Acc identity() { return Op::template identity<Acc>(); }
  static Acc join(Acc a, Acc b) { return Op::join(a, b); }
};

struct Plus {
  template <class A>
  static A identity() {
    return 0;
  }
  template <class A>
  static A join(A a, A b) {
    return static_cast<A>(a + b);
  }
};
struct Times {
  template <class A>
  static A identity() {
    return 1;
  }
  template <class A>
  static A join(A a, A b) {
    return static_cast<A>(a * b);
  }
};

/// Sums of floats: in vectors over short blocks, in double precision over all.
template <class T>
struct FloatSum : ScalarFold<T, double, Plus> {
  using V = typename VectorOf<T>::Type;
  static double row(const T* x, int64_t n, int64_t stride) {
    if (stride != 1) return ScalarFold<T, double, Plus>::row(x, n, stride);
    return sumOver<V>(n, [x](int64_t i, auto lanes) { return load<V>(x + i, lanes); });
  }
  static void columns(double* acc, const T* x, int64_t columns, int64_t rows, int64_t pitch) {
    constexpr int64_t kRowBlock = 32;
    for (; rows > 0; rows -= kRowBlock, x += kRowBlock * pitch) {
      const int64_t block = least(rows, kRowBlock);
      int64_t j = 0;
      for (; j + 4 * V::kWidth <= columns; j += 4 * V::kWidth)
        sumDown<4>(acc + j, x + j, block, pitch, Full{});
      eachVector<V>(columns - j,
                    [&](int64_t i, auto lanes) { sumDown<1>(acc + j + i, x + j + i, block, pitch, lanes); });
    }
  }

 private:
  /// Several vectors side by side, because a cache line holds more than one.
  template <int VECTORS, class Lanes>
  static void sumDown(double* acc, const T* x, int64_t rows, int64_t pitch, Lanes lanes) {
    V sum[VECTORS];
    COTANGENT_UNROLL
    for (int v = 0; v < VECTORS; v++) sum[v] = splat<V>(0);
    for (int64_t i = 0; i < rows; i++) {
      COTANGENT_UNROLL
      for (int v = 0; v < VECTORS; v++) sum[v] = add(sum[v], load<V>(x + i * pitch + v * V::kWidth, lanes));
    }
    T sums[VECTORS * V::kWidth];
    for (int v = 0; v < VECTORS; v++) store(sums + v * V::kWidth, sum[v]);
    for (int i = 0; i < VECTORS * countOf<V>(lanes); i++) acc[i] += sums[i];
  }
};

/// The sum of n floats in double precision throughout, in lanes of their own.
inline double wideSum(const float* x, int64_t n) {
  constexpr int kLanes = 16;
  double lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int k = 0; k < kLanes; k++) lanes[k] += static_cast<double>(x[i + k]);
  }
  for (int k = 0; i + k < n; k++) lanes[k] += static_cast<double>(x[i + k]);
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int k = 0; k < half; k++) lanes[k] += lanes[k + half];
  }
  return lanes[0];
}

/// Sums for means: those of float32 are rounded once, after the division, so that a mean lies within the data.
template <class T>
struct MeanSum : FloatSum<T> {};
template <>
struct MeanSum<float> : ScalarFold<float, double, Plus> {
  static double row(const float* x, int64_t n, int64_t stride) {
    return stride == 1 ? wideSum(x, n) : ScalarFold<float, double, Plus>::row(x, n, stride);
  }
};

/// Largest or smallest, NaN if there is one.
template <class T, class Pick>
struct Extreme {
  using Acc = T;
  using V = typename VectorOf<T>::Type;
  static T identity() { return Pick::template identity<T>; }
  static T join(T a, T b) { return Pick::pick(Lane<T>(a), Lane<T>(b)).v; }
  static T row(const T* x, int64_t n, int64_t stride) {
    if (stride == 1) return extremeOf<Pick>(x, n);
    T acc = x[0];
    for (int64_t i = 1; i < n; i++) acc = join(acc, x[i * stride]);
    return acc;
  }
  static void columns(T* acc, const T* x, int64_t columns, int64_t rows, int64_t pitch) {
    eachVector<V>(columns, [&](int64_t j, auto lanes) {
      V best = load<V>(acc + j, lanes);
      for (int64_t i = 0; i < rows; i++) best = Pick::pick(best, load<V>(x + i * pitch + j, lanes));
      store(acc + j, best, lanes);
    });
  }
};

/// The dimensions of a reduction, split and put into the order in which memory is best read.
struct ReduceNest {
  int keptDims = 0, foldedDims = 0;
  int32_t kept[abi::MAX_RANK], folded[abi::MAX_RANK];
  int32_t keptOut[abi::MAX_RANK], keptX[abi::MAX_RANK], foldedX[abi::MAX_RANK];
  /// The kept dimension along which x is contiguous, taken out of `kept`.
  int64_t columns = 1, columnOut = 0;
  bool byColumns = false;

  explicit ReduceNest(const Record& r) {
    const int boundary = static_cast<int>(r.params[0]);
    const int32_t *os = r.strides(0), *xs = r.strides(1);
    int columnDim = -1;
    bool rowsContiguous = false;
    for (int d = 0; d < r.rank; d++) {
      if (r.shape[d] == 1 || xs[d] != 1) continue;
      if (d < boundary)
        columnDim = d;
      else
        rowsContiguous = true;
    }
    byColumns = columnDim >= 0 && !rowsContiguous;
    for (int d = 0; d < r.rank; d++) {
      if (r.shape[d] == 1) continue;
      if (d >= boundary)
        insertFolded(r.shape[d], xs[d]);
      else if (byColumns && d == columnDim)
        columns = r.shape[d], columnOut = os[d];
      else
        appendKept(r.shape[d], os[d], xs[d]);
    }
    if (foldedDims == 0) insertFolded(1, 0);
  }

  int64_t keptCount() const { return product(kept, keptDims); }
  int64_t foldedCount() const { return product(folded, foldedDims); }

 private:
  static int64_t product(const int32_t* sizes, int n) {
    int64_t p = 1;
    for (int i = 0; i < n; i++) p *= sizes[i];
    return p;
  }
  void appendKept(int32_t size, int32_t out, int32_t x) {
    kept[keptDims] = size;
    keptOut[keptDims] = out;
    keptX[keptDims++] = x;
  }
  /// Keeps strides descending, and makes one dimension of two that lie end to end.
  void insertFolded(int32_t size, int32_t stride) {
    int at = foldedDims++;
    for (; at > 0 && foldedX[at - 1] < stride; at--) {
      folded[at] = folded[at - 1];
      foldedX[at] = foldedX[at - 1];
    }
    folded[at] = size;
    foldedX[at] = stride;
    for (int d = 0; d + 1 < foldedDims;) {
      const bool merges = foldedX[d] == static_cast<int64_t>(foldedX[d + 1]) * folded[d + 1];
      if (!merges) {
        d++;
        continue;
      }
      folded[d] *= folded[d + 1];
      foldedX[d] = foldedX[d + 1];
      for (int e = d + 1; e + 1 < foldedDims; e++) folded[e] = folded[e + 1], foldedX[e] = foldedX[e + 1];
      foldedDims--;
    }
  }
};

/// Columns folded together; also the most partial results a reduction is cut into.
constexpr int64_t kColumnTile = 128;
constexpr int64_t kMaxPartials = 64;

template <class T, class Fold, bool kMean = false>
struct Reduction {
  using Acc = typename Fold::Acc;
  const ReduceNest nest;
  T* out;
  const T* x;
  int64_t tiles, folded, chunks, chunk;

  explicit Reduction(const Record& r) : nest(r), out(r.data<T>(0)), x(r.data<T>(1)) {
    tiles = ceilDiv(nest.columns, kColumnTile);
    folded = nest.foldedCount();
    // Few results of long folds: the folds are cut into chunks whose partial results are joined.
    const int64_t tasks = nest.keptCount() * tiles;
    const int64_t width = nest.byColumns ? kColumnTile : 1;
    const int64_t room = kMaxPartials / most<int64_t>(1, least(tasks, kMaxPartials));
    const int64_t work = folded * least(nest.columns, width);
    chunks = tasks * 2 > kMaxPartials ? 1 : most<int64_t>(1, least(room, work / kParallelWork));
    chunk = ceilDiv(ceilDiv(folded, chunks), kSumBlock) * kSumBlock;
    chunks = ceilDiv(folded, chunk);
  }

  /// Folds elements `begin` to `end` of the folded space into `acc`, for `columns` columns from x.
  void fold(const T* from, int64_t columns, int64_t begin, int64_t end, Acc* acc) const {
    const int inner = nest.foldedDims - 1;
    const int64_t length = nest.folded[inner], stride = nest.foldedX[inner];
    for (int64_t i = 0; i < columns; i++) acc[i] = Fold::identity();
    while (begin < end) {
      int64_t position = begin / length, first = begin % length, offset = first * stride;
      for (int d = inner - 1; d >= 0; d--) {
        offset += position % nest.folded[d] * nest.foldedX[d];
        position /= nest.folded[d];
      }
      const int64_t n = least(length - first, end - begin);
      if (nest.byColumns)
        Fold::columns(acc, from + offset, columns, n, stride);
      else
        acc[0] = Fold::join(acc[0], Fold::row(from + offset, n, stride));
      begin += n;
    }
  }

  /// The operands' offsets for one tile of results, and its number of columns.
  int64_t locate(int64_t task, int64_t& outOffset, int64_t& xOffset) const {
    const int64_t tile = task % tiles;
    int64_t position = task / tiles;
    outOffset = tile * kColumnTile * nest.columnOut;
    xOffset = tile * kColumnTile;
    for (int d = nest.keptDims - 1; d >= 0; d--) {
      const int64_t index = position % nest.kept[d];
      position /= nest.kept[d];
      outOffset += index * nest.keptOut[d];
      xOffset += index * nest.keptX[d];
    }
    return least(kColumnTile, nest.columns - tile * kColumnTile);
  }

  void finish(int64_t outOffset, int64_t columns, const Acc* acc) const {
    for (int64_t j = 0; j < columns; j++) {
      const Acc value = kMean ? acc[j] / static_cast<Acc>(folded) : acc[j];
      out[outOffset + j * nest.columnOut] = static_cast<T>(value);
    }
  }

  void run(Context& context) const {
    const int64_t tasks = nest.keptCount() * tiles;
    const double workEach = static_cast<double>(chunk * least(nest.columns, kColumnTile));
    if (chunks == 1) {
      return parallelFor(context, tasks, workEach, [&](int64_t begin, int64_t end, char*) {
        for (int64_t task = begin; task < end; task++) {
          int64_t to, from;
          Acc acc[kColumnTile];
          const int64_t columns = locate(task, to, from);
          fold(x + from, columns, 0, folded, acc);
          finish(to, columns, acc);
        }
      });
    }
    Acc partials[kMaxPartials][kColumnTile];
    parallelFor(context, tasks * chunks, workEach, [&](int64_t begin, int64_t end, char*) {
      for (int64_t part = begin; part < end; part++) {
        int64_t to, from;
        const int64_t columns = locate(part / chunks, to, from);
        const int64_t first = part % chunks * chunk;
        fold(x + from, columns, first, least(first + chunk, folded), partials[part]);
      }
    });
    for (int64_t task = 0; task < tasks; task++) {
      int64_t to, from;
      const int64_t columns = locate(task, to, from);
      Acc* acc = partials[task * chunks];
      for (int64_t c = 1; c < chunks; c++) {
        for (int64_t j = 0; j < columns; j++) acc[j] = Fold::join(acc[j], partials[task * chunks + c][j]);
      }
      finish(to, columns, acc);
    }
  }
};

template <class T, class Fold, bool kMean = false>
void reduce(const int32_t* words, Context& context) {
  const Record r(words);
  Reduction<T, Fold, kMean>(r).run(context);
}

template <class T, abi::DType dtype, class Sum, class Product>
void fillReduceFor(KernelTable& table) {
  table.kernels[OP_SUM][dtype] = reduce<T, Sum>;
  table.kernels[OP_PROD][dtype] = reduce<T, Product>;
  table.kernels[OP_AMAX][dtype] = reduce<T, Extreme<T, Largest>>;
  table.kernels[OP_AMIN][dtype] = reduce<T, Extreme<T, Smallest>>;
}
template <class T, abi::DType dtype>
void fillReduceFloat(KernelTable& table) {
  fillReduceFor<T, dtype, FloatSum<T>, ScalarFold<T, double, Times>>(table);
  table.kernels[OP_MEAN][dtype] = reduce<T, MeanSum<T>, true>;
}
template <class T, abi::DType dtype>
void fillReduceInteger(KernelTable& table) {
  fillReduceFor<T, dtype, ScalarFold<T, T, Plus>, ScalarFold<T, T, Times>>(table);
}

inline void fillReduce(KernelTable& table) {
  fillReduceFloat<float, abi::FLOAT32>(table);
  fillReduceFloat<double, abi::FLOAT64>(table);
  if constexpr (kBuildsIntegers) {
    fillReduceInteger<int32_t, abi::INT32>(table);
    fillReduceInteger<int64_t, abi::INT64>(table);
    fillReduceInteger<uint8_t, abi::UINT8>(table);
  }
}
