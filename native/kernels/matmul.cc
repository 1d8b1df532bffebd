// Batched matrix products. Floats go one of the ways of gemm.h, in tiles shared among threads;
// integers take plain loops. Every element of C is summed in an order that depends on the shapes
// alone, so results do not depend on the number of threads. Start at `matmul`.

/// The product at one place of the batch. A dimension of size 1 gets stride 1, which is as good as any.
template <class T>
inline Product<T> productAt(const Record& r, const int64_t* at) {
  const int rank = r.rank;
  const int64_t m = r.shape[rank - 3], n = r.shape[rank - 2], k = r.shape[rank - 1];
  const int32_t *cs = r.strides(0) + rank - 3, *as = r.strides(1) + rank - 3, *bs = r.strides(2) + rank - 3;
  Product<T> g;
  g.m = m, g.n = n, g.k = k;
  g.c = r.data<T>(0) + at[0], g.a = r.data<T>(1) + at[1], g.b = r.data<T>(2) + at[2];
  g.cRow = m == 1 ? 1 : cs[0];
  g.aRow = m == 1 ? 1 : as[0];
  g.aDepth = k == 1 ? 1 : as[2];
  g.bDepth = k == 1 ? 1 : bs[2];
  g.bColumn = n == 1 ? 1 : bs[1];
  return g;
}

/// A single column of C is a single row of its transpose: Cᵀ = BᵀAᵀ.
template <class T>
inline Product<T> transposed(const Product<T>& g) {
  return {g.n, g.m, g.k, 1, g.bColumn, g.bDepth, g.aDepth, g.aRow, g.c, g.b, g.a};
}

enum class Way { kColumns, kDots, kDirect, kDirectTransposed, kPacked };

/// Up to about this many multiplications packing costs more than it saves.
constexpr int64_t kDirectLimit = 96 * 96 * 96;
/// Up to this depth C is written more than anything is computed.
constexpr int64_t kShallow = 8;
/// Rows for which reading B once each beats packing it.
constexpr int64_t kFewRows = 4;

template <class T>
inline Way chooseWay(const Product<T>& g) {
  const bool small = g.m * g.n * g.k <= kDirectLimit;
  if (g.m == 1 && g.bColumn == 1) return Way::kColumns;
  if (g.m <= kFewRows && g.aDepth == 1 && g.bDepth == 1) return Way::kDots;
  if (g.bColumn == 1 && (small || g.m <= kFewRows || g.k <= kShallow)) return Way::kDirect;
  if (small && g.bDepth == 1 && g.k * g.n * sizeof(T) <= kWorkspaceBytes) return Way::kDirectTransposed;
  return Way::kPacked;
}

/// Rows i0 to i1 and columns j0 to j1 of C.
struct Region {
  int64_t i0, i1, j0, j1;
};

template <class T>
inline Product<T> partOf(Product<T> g, const Region& part) {
  g.m = part.i1 - part.i0, g.n = part.j1 - part.j0;
  g.a += part.i0 * g.aRow;
  g.b += part.j0 * g.bColumn;
  g.c += part.i0 * g.cRow + part.j0;
  return g;
}

/// How C is cut into tiles for several threads.
struct Grid {
  int64_t down = 1, across = 1;

  template <class T>
  Grid(const Product<T>& g, Way way, int64_t batch, int threads) {
    // Smaller tiles spend more on packing than a second thread gains.
    constexpr int64_t kLeast = 64;
    if (threads == 1 || way == Way::kDirectTransposed) return;
    while (batch * down * across < threads * 2) {
      const int64_t height = g.m / down, width = g.n / across;
      if (width >= height && width >= 2 * kLeast)
        across *= 2;
      else if (height >= 2 * kLeast)
        down *= 2;
      else
        return;
    }
  }
  int64_t tiles() const { return down * across; }
  /// A tile's bounds: multiples of 16, so that most vectors stay whole.
  template <class T>
  Region region(const Product<T>& g, int64_t tile) const {
    return {cut(g.m, down, tile / across), cut(g.m, down, tile / across + 1), cut(g.n, across, tile % across),
            cut(g.n, across, tile % across + 1)};
  }

 private:
  static int64_t cut(int64_t size, int64_t parts, int64_t part) {
    return part == parts ? size : size * part / parts / 16 * 16;
  }
};

/// Computes a product one way and calls `finished(i0, i1, j0, j1)` for its parts.
template <class T, class F>
inline void multiply(const Product<T>& g, Way way, char* workspace, F finished) {
  switch (way) {
    case Way::kColumns:
      Gemm<T>::columns(g);
      break;
    case Way::kDots:
      Gemm<T>::dots(g);
      break;
    case Way::kDirect:
      Gemm<T>::direct(g);
      break;
    case Way::kDirectTransposed:
      Gemm<T>::directTransposed(g, workspace);
      break;
    case Way::kPacked:
      return Gemm<T>::packed(g, workspace, finished);
  }
  finished(0, g.m, 0, g.n);
}

/// How the products of a record are computed and shared out.
template <class T>
struct MatmulPlan {
  const Record& r;
  /// Whether it is the transposes that are multiplied.
  bool turned;
  Product<T> sample;
  Way way;
  int64_t batch;
  double work;
  bool shares;
  Grid grid;

  MatmulPlan(const Record& r, Context& context)
      : r(r),
        turned(isColumn(firstOf(r))),
        sample(turned ? transposed(firstOf(r)) : firstOf(r)),
        way(chooseWay(sample)),
        batch(r.count(r.rank - 3)),
        work(workOf(sample, way)),
        shares(work * static_cast<double>(batch) >= 2 * kParallelWork),
        grid(sample, way, batch, shares ? context.pool->threads() : 1) {}

  /// Calls `finished(place in the batch, region, workspace)` for every part of the products once it is
  /// complete.
  template <class F>
  void run(Context& context, F finished) const {
    const int64_t tiles = grid.tiles();
    const auto share = [&](int64_t begin, int64_t end, char* workspace) {
      Odometer<3> at(r, r.rank - 3);
      at.seek(begin / tiles);
      for (int64_t task = begin; task < end; task++) {
        if (task != begin && task % tiles == 0) at.next();
        const Product<T> whole = productAt<T>(r, at.offset);
        const Region part = grid.region(sample, task % tiles);
        multiply(partOf(turned ? transposed(whole) : whole, part), way, workspace,
                 [&](int64_t i0, int64_t i1, int64_t j0, int64_t j1) {
                   const Region done{part.i0 + i0, part.i0 + i1, part.j0 + j0, part.j0 + j1};
                   finished(task / tiles, turned ? Region{done.j0, done.j1, done.i0, done.i1} : done,
                            workspace);
                 });
      }
    };
    parallelFor(context, batch * tiles, work / static_cast<double>(tiles), share);
  }

 private:
  static Product<T> firstOf(const Record& r) {
    const int64_t zero[3] = {0, 0, 0};
    return productAt<T>(r, zero);
  }
  static bool isColumn(const Product<T>& g) { return g.n == 1 && g.m > 1 && g.cRow == 1; }
  static double workOf(const Product<T>& g, Way way) {
    const double macs = static_cast<double>(g.m) * static_cast<double>(g.n) * static_cast<double>(g.k);
    // Multiplications per unit of work, and reading a matrix once is bound by memory.
    return macs / (way == Way::kColumns || way == Way::kDots ? 4 : 32);
  }
};

template <class T>
void matmul(const int32_t* words, Context& context) {
  const Record r(words);
  MatmulPlan<T>(r, context).run(context, [](int64_t, const Region&, char*) {});
}

template <class T>
void matmulIntegers(const int32_t* words, Context& context) {
  const Record r(words);
  const int64_t rows = r.shape[r.rank - 3];
  // One task a row of C.
  const double work = static_cast<double>(r.shape[r.rank - 2]) * static_cast<double>(r.shape[r.rank - 1]);
  parallelFor(context, r.count(r.rank - 3) * rows, work, [&](int64_t begin, int64_t end, char*) {
    Odometer<3> at(r, r.rank - 2);
    at.seek(begin);
    for (int64_t task = begin; task < end; task++, at.next()) {
      const Product<T> g = productAt<T>(r, at.offset);
      for (int64_t j = 0; j < g.n; j++) g.c[j] = 0;
      for (int64_t p = 0; p < g.k; p++) {
        const T left = g.a[p * g.aDepth];
        const T* right = g.b + p * g.bDepth;
        for (int64_t j = 0; j < g.n; j++) g.c[j] = static_cast<T>(g.c[j] + left * right[j * g.bColumn]);
      }
    }
  });
}

inline void fillMatmul(KernelTable& table) {
  table.kernels[OP_MATMUL][abi::FLOAT32] = matmul<float>;
  table.kernels[OP_MATMUL][abi::FLOAT64] = matmul<double>;
  if constexpr (kBuildsIntegers) {
    table.kernels[OP_MATMUL][abi::INT32] = matmulIntegers<int32_t>;
    table.kernels[OP_MATMUL][abi::INT64] = matmulIntegers<int64_t>;
    table.kernels[OP_MATMUL][abi::UINT8] = matmulIntegers<uint8_t>;
  }
}
