// Layer normalisation over the contiguous last dimension (Ba, Kiros, Hinton, "Layer Normalization",
// 2016), root mean square normalisation (Zhang, Sennrich, "Root Mean Square Layer Normalization", 2019),
// and their backward passes. The second is the first without a mean and a bias; its records lack the
// operands of those, so that what follows moves up. Mean and variance take two passes over the row: the
// one-pass formula cancels where the mean is large. What rounding leaves of the mean is a mean of its own,
// taken off variance and elements (Chan, Golub, LeVeque, "Algorithms for Computing the Sample Variance",
// 1983).

/// x − mean, or x where no mean is taken off.
template <bool kCentred, class V>
COTANGENT_INLINE V centred(V x, V mean) {
  if constexpr (kCentred) return sub(x, mean);
  return x;
}

/// Operands that have one value per row are addressed by the row's offset, the others by feature.
template <class T, bool kCentred>
void normalise(const int32_t* words, Context& context) {
  using V = typename VectorOf<T>::Type;
  constexpr int kMean = 1, kRstd = 1 + kCentred, kX = kRstd + 1, kWeight = kX + 1, kBias = kWeight + 1;
  const Record r(words);
  const int64_t n = r.inner();
  const double eps = r.params[0], count = static_cast<double>(n);
  const T* weight = r.data<T>(kWeight);
  const T* bias = kCentred ? r.data<T>(kBias) : nullptr;
  forRows<6>(r, context, 2 * count, [&](const int64_t* at) {
    T* y = r.data<T>(0) + at[0];
    const T* x = r.data<T>(kX) + at[kX];
    V center = splat<V>(0);
    if constexpr (kCentred) {
      const double mean = sumOver<V>(n, [&](int64_t i, auto lanes) { return load<V>(x + i, lanes); }) / count;
      r.data<T>(kMean)[at[kMean]] = static_cast<T>(mean);
      center = splat<V>(mean);
    }
    double squares, rest = 0;
    if constexpr (kCentred) {
      sumsOver<V>(n, squares, rest, [&](int64_t i, auto lanes, V& a, V& b) {
        b = sub(load<V>(x + i, lanes), center), a = mul(b, b);
      });
      rest /= count;
    } else {
      squares = sumOver<V>(n, [&](int64_t i, auto lanes) {
        const V v = load<V>(x + i, lanes);
        return mul(v, v);
      });
    }
    const double variance = most(squares / count - rest * rest, 0.0);
    const double rstd = 1 / sqrt(Lane<double>(variance + eps)).v;
    r.data<T>(kRstd)[at[kRstd]] = static_cast<T>(rstd);
    const V scale = splat<V>(rstd), slack = splat<V>(rest);
    eachVector<V>(n, [&](int64_t i, auto lanes) {
      V v = mul(centred<kCentred>(centred<kCentred>(load<V>(x + i, lanes), center), slack), scale);
      if (weight) v = mul(v, load<V>(weight + i, lanes));
      if (bias) v = add(v, load<V>(bias + i, lanes));
      store(y + i, v, lanes);
    });
  });
}

/// With x̂ = (x − mean)·rstd and ĝ = g·weight: dx = rstd·(ĝ − avg(ĝ) − x̂·avg(ĝ·x̂)), where avg(ĝ) is
/// what comes by way of the mean.
template <class T, bool kCentred>
void normaliseBackward(const int32_t* words, Context& context) {
  using V = typename VectorOf<T>::Type;
  constexpr int kG = 1, kX = 2, kMean = 3, kRstd = 3 + kCentred, kWeight = kRstd + 1;
  const Record r(words);
  const int64_t n = r.inner();
  const double count = static_cast<double>(n);
  const T* weight = r.data<T>(kWeight);
  forRows<6>(r, context, 2 * count, [&](const int64_t* at) {
    T* dx = r.data<T>(0) + at[0];
    const T* g = r.data<T>(kG) + at[kG];
    const T* x = r.data<T>(kX) + at[kX];
    V mean = splat<V>(0);
    if constexpr (kCentred) mean = splat<V>(r.data<T>(kMean)[at[kMean]]);
    const V rstd = splat<V>(r.data<T>(kRstd)[at[kRstd]]);
    const auto weighted = [&](int64_t i, auto lanes) {
      const V v = load<V>(g + i, lanes);
      return weight ? mul(v, load<V>(weight + i, lanes)) : v;
    };
    const auto normal = [&](int64_t i, auto lanes) {
      return mul(centred<kCentred>(load<V>(x + i, lanes), mean), rstd);
    };
    double sum, products;
    if constexpr (kCentred) {
      sumsOver<V>(n, sum, products, [&](int64_t i, auto lanes, V& a, V& b) {
        a = weighted(i, lanes);
        b = mul(a, normal(i, lanes));
      });
    } else {
      sum = 0;
      products =
          sumOver<V>(n, [&](int64_t i, auto lanes) { return mul(weighted(i, lanes), normal(i, lanes)); });
    }
    const V average = splat<V>(sum / count), slope = splat<V>(products / count);
    eachVector<V>(n, [&](int64_t i, auto lanes) {
      const V rest = sub(centred<kCentred>(weighted(i, lanes), average), mul(normal(i, lanes), slope));
      store(dx + i, mul(rest, rstd), lanes);
    });
  });
}

/// dweight = Σ g·x̂ and dbias = Σ g over rows. Threads take tiles of features, so that every sum is
/// made by one of them; either result may be absent. The outputs are operands before g.
template <class T, bool kCentred>
void normaliseBackwardAffine(const int32_t* words, Context& context) {
  using V = typename VectorOf<T>::Type;
  constexpr int64_t kFeatures = 128;
  constexpr int64_t kRowBlock = 32;
  constexpr int kOutputs = kCentred ? 2 : 1;
  constexpr int kG = kOutputs, kX = kG + 1, kMean = kX + 1, kRstd = kMean + kCentred;
  const Record r(words);
  const int64_t n = r.inner();
  const int outer = r.rank ? r.rank - 1 : 0;
  const int64_t rows = r.count(outer);
  parallelFor(
      context, ceilDiv(n, kFeatures), 2.0 * kFeatures * static_cast<double>(rows),
      [&](int64_t begin, int64_t end, char*) {
        for (int64_t tile = begin; tile < end; tile++) {
          const int64_t first = tile * kFeatures, features = least(kFeatures, n - first);
          double total[kOutputs][kFeatures] = {};
          T block[kOutputs][kFeatures];
          Odometer<6> at(r, outer);
          at.seek(0);
          for (int64_t row = 0; row < rows;) {
            memset(block, 0, sizeof(block));
            for (const int64_t stop = least(row + kRowBlock, rows); row < stop; row++, at.next()) {
              const T* g = r.data<T>(kG) + at.offset[kG] + first;
              const T* x = r.data<T>(kX) + at.offset[kX] + first;
              V mean = splat<V>(0);
              if constexpr (kCentred) mean = splat<V>(r.data<T>(kMean)[at.offset[kMean]]);
              const V rstd = splat<V>(r.data<T>(kRstd)[at.offset[kRstd]]);
              eachVector<V>(features, [&](int64_t i, auto lanes) {
                const V slope = load<V>(g + i, lanes);
                const V normal = mul(centred<kCentred>(load<V>(x + i, lanes), mean), rstd);
                store(block[0] + i, add(load<V>(block[0] + i, lanes), mul(slope, normal)), lanes);
                if constexpr (kCentred)
                  store(block[1] + i, add(load<V>(block[1] + i, lanes), slope), lanes);
              });
            }
            for (int o = 0; o < kOutputs; o++) {
              for (int64_t i = 0; i < features; i++) total[o][i] += static_cast<double>(block[o][i]);
            }
          }
          for (int o = 0; o < kOutputs; o++) {
            T* output = r.data<T>(o);
            for (int64_t i = 0; i < features && output; i++) output[first + i] = static_cast<T>(total[o][i]);
          }
        }
      });
}

template <class T, abi::DType dtype>
void fillNormFor(KernelTable& table) {
  table.kernels[OP_LAYER_NORM][dtype] = normalise<T, true>;
  table.kernels[OP_LAYER_NORM_BACKWARD][dtype] = normaliseBackward<T, true>;
  table.kernels[OP_LAYER_NORM_BACKWARD_AFFINE][dtype] = normaliseBackwardAffine<T, true>;
  table.kernels[OP_RMS_NORM][dtype] = normalise<T, false>;
  table.kernels[OP_RMS_NORM_BACKWARD][dtype] = normaliseBackward<T, false>;
  table.kernels[OP_RMS_NORM_BACKWARD_AFFINE][dtype] = normaliseBackwardAffine<T, false>;
}

inline void fillNorm(KernelTable& table) {
  fillNormFor<float, abi::FLOAT32>(table);
  fillNormFor<double, abi::FLOAT64>(table);
}
