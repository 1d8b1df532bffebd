// Batch normalisation (Ioffe, Szegedy, "Batch Normalization", 2015) of [n, c, l] in training, and its
// backward pass. Mean and variance take two passes: the one-pass formula cancels where the mean is large.

/// Channels that are runs of l elements, taken one by one. What belongs to the channel is the same in all lanes.
template <class V>
struct ChannelRuns {
  using T = typename V::Scalar;
  static constexpr int64_t kTile = 1;
  int64_t n, c, l;

  template <class Lanes>
  static COTANGENT_INLINE V per(const T* values, int64_t, Lanes) {
    return splat<V>(values[0]);
  }
  /// Two sums over the channel; `terms(offset, place in the tile, lanes, a, b)` sets the summands.
  template <class F>
  COTANGENT_INLINE void sum(int64_t channel, int64_t, double (&totals)[2][kTile], F terms) const {
    totals[0][0] = totals[1][0] = 0;
    for (int64_t i = 0; i < n; i++) {
      const int64_t run = (i * c + channel) * l;
      double first, second;
      sumsOver<V>(l, first, second, [&](int64_t j, auto lanes, V& a, V& b) { terms(run + j, 0, lanes, a, b); });
      totals[0][0] += first, totals[1][0] += second;
    }
  }
  /// Calls `f(offset, place in the tile, lanes)` for all elements.
  template <class F>
  COTANGENT_INLINE void each(int64_t channel, int64_t, F f) const {
    for (int64_t i = 0; i < n; i++)
      eachVector<V>(l, [&](int64_t j, auto lanes) { f((i * c + channel) * l + j, 0, lanes); });
  }
};

/// The same where l is 1: channels are columns, taken a tile of neighbours at a time, one in each lane.
template <class V>
struct ChannelColumns {
  using T = typename V::Scalar;
  static constexpr int64_t kTile = 128;
  /// Rows that are summed up in single precision.
  static constexpr int64_t kRows = 32;
  int64_t n, c, l;

  template <class Lanes>
  static COTANGENT_INLINE V per(const T* values, int64_t i, Lanes lanes) {
    return load<V>(values + i, lanes);
  }
  template <class F>
  COTANGENT_INLINE void sum(int64_t first, int64_t count, double (&totals)[2][kTile], F terms) const {
    memset(totals, 0, sizeof(totals));
    for (int64_t row = 0; row < n;) {
      T block[2][kTile] = {};
      for (const int64_t stop = least(row + kRows, n); row < stop; row++) {
        eachVector<V>(count, [&](int64_t j, auto lanes) {
          V a, b;
          terms(row * c + first + j, j, lanes, a, b);
          store(block[0] + j, add(load<V>(block[0] + j, lanes), a), lanes);
          store(block[1] + j, add(load<V>(block[1] + j, lanes), b), lanes);
        });
      }
      for (int s = 0; s < 2; s++) {
        for (int64_t j = 0; j < count; j++) totals[s][j] += static_cast<double>(block[s][j]);
      }
    }
  }
  template <class F>
  COTANGENT_INLINE void each(int64_t first, int64_t count, F f) const {
    for (int64_t i = 0; i < n; i++)
      eachVector<V>(count, [&](int64_t j, auto lanes) { f(i * c + first + j, j, lanes); });
  }
};

/// Calls `f(first channel, channels)` for tiles of channels, on several threads.
template <class Walk, class F>
inline void eachTile(const Walk& walk, Context& context, F f) {
  const double work = 2.0 * static_cast<double>(walk.n * walk.l * least(Walk::kTile, walk.c));
  parallelFor(context, ceilDiv(walk.c, Walk::kTile), work, [&](int64_t begin, int64_t end, char*) {
    for (int64_t tile = begin; tile < end; tile++)
      f(tile * Walk::kTile, least(Walk::kTile, walk.c - tile * Walk::kTile));
  });
}

template <class Walk>
void batchNorm(const Record& r, const Walk& walk, Context& context) {
  using T = typename Walk::T;
  using V = typename VectorOf<T>::Type;
  T *y = r.data<T>(0), *means = r.data<T>(1), *variances = r.data<T>(2);
  const T *x = r.data<T>(3), *weight = r.data<T>(4), *bias = r.data<T>(5);
  const double eps = r.params[0], count = static_cast<double>(walk.n * walk.l);
  eachTile(walk, context, [&](int64_t first, int64_t channels) {
    double totals[2][Walk::kTile];
    T scale[Walk::kTile], shift[Walk::kTile];
    T *mean = means + first, *variance = variances + first;
    walk.sum(first, channels, totals, [&](int64_t at, int64_t, auto lanes, V& a, V& b) {
      a = load<V>(x + at, lanes), b = splat<V>(0);
    });
    for (int64_t i = 0; i < channels; i++) mean[i] = static_cast<T>(totals[0][i] / count);
    walk.sum(first, channels, totals, [&](int64_t at, int64_t i, auto lanes, V& a, V& b) {
      b = sub(load<V>(x + at, lanes), Walk::per(mean, i, lanes)), a = mul(b, b);
    });
    for (int64_t i = 0; i < channels; i++) {
      // What rounding left of the mean is taken off the variance and the elements.
      const double rest = totals[1][i] / count, squares = most(totals[0][i] / count - rest * rest, 0.0);
      variance[i] = static_cast<T>(squares);
      const double factor =
          (weight ? static_cast<double>(weight[first + i]) : 1) / sqrt(Lane<double>(squares + eps)).v;
      scale[i] = static_cast<T>(factor);
      shift[i] = static_cast<T>((bias ? static_cast<double>(bias[first + i]) : 0) - rest * factor);
    }
    walk.each(first, channels, [&](int64_t at, int64_t i, auto lanes) {
      const V centre = sub(load<V>(x + at, lanes), Walk::per(mean, i, lanes));
      store(y + at, add(mul(centre, Walk::per(scale, i, lanes)), Walk::per(shift, i, lanes)), lanes);
    });
  });
}

/// With x̂ = (x − mean)·rstd: dweight = Σ g·x̂, dbias = Σ g, dx = rstd·weight·(g − avg(g) − x̂·avg(g·x̂)).
template <class Walk>
void batchNormBackward(const Record& r, const Walk& walk, Context& context) {
  using T = typename Walk::T;
  using V = typename VectorOf<T>::Type;
  T *dx = r.data<T>(0), *dweight = r.data<T>(1), *dbias = r.data<T>(2);
  const T *g = r.data<T>(3), *x = r.data<T>(4), *weight = r.data<T>(7);
  const double eps = r.params[0], count = static_cast<double>(walk.n * walk.l);
  eachTile(walk, context, [&](int64_t first, int64_t channels) {
    double totals[2][Walk::kTile];
    T rstd[Walk::kTile], average[Walk::kTile], slope[Walk::kTile], scale[Walk::kTile];
    const T *mean = r.data<T>(5) + first, *variance = r.data<T>(6) + first;
    for (int64_t i = 0; i < channels; i++)
      rstd[i] = static_cast<T>(1 / sqrt(Lane<double>(static_cast<double>(variance[i]) + eps)).v);
    const auto normal = [&](int64_t at, int64_t i, auto lanes) {
      return mul(sub(load<V>(x + at, lanes), Walk::per(mean, i, lanes)), Walk::per(rstd, i, lanes));
    };
    walk.sum(first, channels, totals, [&](int64_t at, int64_t i, auto lanes, V& a, V& b) {
      b = load<V>(g + at, lanes), a = mul(b, normal(at, i, lanes));
    });
    for (int64_t i = 0; i < channels; i++) {
      dweight[first + i] = static_cast<T>(totals[0][i]), dbias[first + i] = static_cast<T>(totals[1][i]);
      slope[i] = static_cast<T>(totals[0][i] / count), average[i] = static_cast<T>(totals[1][i] / count);
      scale[i] = weight ? rstd[i] * weight[first + i] : rstd[i];
    }
    if (!dx) return;
    walk.each(first, channels, [&](int64_t at, int64_t i, auto lanes) {
      const V along = mul(normal(at, i, lanes), Walk::per(slope, i, lanes));
      const V rest = sub(sub(load<V>(g + at, lanes), Walk::per(average, i, lanes)), along);
      store(dx + at, mul(rest, Walk::per(scale, i, lanes)), lanes);
    });
  });
}

template <class T, bool kBackward>
void batchNormBoth(const int32_t* words, Context& context) {
  using V = typename VectorOf<T>::Type;
  const Record r(words);
  const int64_t n = r.shape[0], c = r.shape[1], l = r.shape[2];
  const auto run = [&](const auto& walk) {
    if constexpr (kBackward)
      batchNormBackward(r, walk, context);
    else
      batchNorm(r, walk, context);
  };
  if (l == 1)
    run(ChannelColumns<V>{n, c, l});
  else
    run(ChannelRuns<V>{n, c, l});
}

template <class T, abi::DType dtype>
void fillBatchNormFor(KernelTable& table) {
  table.kernels[OP_BATCH_NORM][dtype] = batchNormBoth<T, false>;
  table.kernels[OP_BATCH_NORM_BACKWARD][dtype] = batchNormBoth<T, true>;
}

inline void fillBatchNorm(KernelTable& table) {
  fillBatchNormFor<float, abi::FLOAT32>(table);
  fillBatchNormFor<double, abi::FLOAT64>(table);
}
