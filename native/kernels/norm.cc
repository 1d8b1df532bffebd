// Layer normalisation over the contiguous last dimension (Ba, Kiros, Hinton, "Layer Normalization",
// 2016) and its backward passes. Mean and variance take two passes over the row: the one-pass formula
// cancels where the mean is large.

/// Operands that have one value per row are addressed by the row's offset, the others by feature.
template <class T>
void layerNorm(const int32_t* words, Context& context) {
  using V = typename VectorOf<T>::Type;
  const Record r(words);
  const int64_t n = r.inner();
  const double eps = r.params[0];
  const T* weight = r.data<T>(4);
  const T* bias = r.data<T>(5);
  forRows<6>(r, context, 2.0 * static_cast<double>(n), [&](const int64_t* at) {
    T* y = r.data<T>(0) + at[0];
    const T* x = r.data<T>(3) + at[3];
    const double mean =
        sumOver<V>(n, [&](int64_t i, auto lanes) { return load<V>(x + i, lanes); }) / static_cast<double>(n);
    const V center = splat<V>(mean);
    const double squares = sumOver<V>(n, [&](int64_t i, auto lanes) {
      const V d = sub(load<V>(x + i, lanes), center);
      return mul(d, d);
    });
    const double rstd = 1 / sqrt(Lane<double>(squares / static_cast<double>(n) + eps)).v;
    r.data<T>(1)[at[1]] = static_cast<T>(mean);
    r.data<T>(2)[at[2]] = static_cast<T>(rstd);
    const V scale = splat<V>(rstd);
    eachVector<V>(n, [&](int64_t i, auto lanes) {
      V v = mul(sub(load<V>(x + i, lanes), center), scale);
      if (weight) v = mul(v, load<V>(weight + i, lanes));
      if (bias) v = add(v, load<V>(bias + i, lanes));
      store(y + i, v, lanes);
    });
  });
}

/// With x̂ = (x − mean)·rstd and ĝ = g·weight: dx = rstd·(ĝ − avg(ĝ) − x̂·avg(ĝ·x̂)).
template <class T>
void layerNormBackward(const int32_t* words, Context& context) {
  using V = typename VectorOf<T>::Type;
  const Record r(words);
  const int64_t n = r.inner();
  const T* weight = r.data<T>(5);
  forRows<6>(r, context, 2.0 * static_cast<double>(n), [&](const int64_t* at) {
    T* dx = r.data<T>(0) + at[0];
    const T* g = r.data<T>(1) + at[1];
    const T* x = r.data<T>(2) + at[2];
    const V mean = splat<V>(r.data<T>(3)[at[3]]);
    const V rstd = splat<V>(r.data<T>(4)[at[4]]);
    const auto weighted = [&](int64_t i, auto lanes) {
      const V v = load<V>(g + i, lanes);
      return weight ? mul(v, load<V>(weight + i, lanes)) : v;
    };
    const auto normal = [&](int64_t i, auto lanes) { return mul(sub(load<V>(x + i, lanes), mean), rstd); };
    const double count = static_cast<double>(n);
    const V average = splat<V>(sumOver<V>(n, weighted) / count);
    const V slope = splat<V>(
        sumOver<V>(n, [&](int64_t i, auto lanes) { return mul(weighted(i, lanes), normal(i, lanes)); }) /
        count);
    eachVector<V>(n, [&](int64_t i, auto lanes) {
      const V rest = sub(sub(weighted(i, lanes), average), mul(normal(i, lanes), slope));
      store(dx + i, mul(rest, rstd), lanes);
    });
  });
}

/// dweight = Σ g·x̂ and dbias = Σ g over rows. Threads take tiles of features, so that every sum is
/// made by one of them; either result may be absent.
template <class T>
void layerNormBackwardAffine(const int32_t* words, Context& context) {
  using V = typename VectorOf<T>::Type;
  constexpr int64_t kFeatures = 128;
  constexpr int64_t kRowBlock = 32;
  const Record r(words);
  const int64_t n = r.inner();
  const int outer = r.rank ? r.rank - 1 : 0;
  const int64_t rows = r.count(outer);
  T* outputs[2] = {r.data<T>(0), r.data<T>(1)};
  parallelFor(context, ceilDiv(n, kFeatures), 2.0 * kFeatures * static_cast<double>(rows),
              [&](int64_t begin, int64_t end, char*) {
                for (int64_t tile = begin; tile < end; tile++) {
                  const int64_t first = tile * kFeatures, features = least(kFeatures, n - first);
                  double total[2][kFeatures] = {};
                  T block[2][kFeatures];
                  Odometer<6> at(r, outer);
                  at.seek(0);
                  for (int64_t row = 0; row < rows;) {
                    memset(block, 0, sizeof(block));
                    for (const int64_t stop = least(row + kRowBlock, rows); row < stop; row++, at.next()) {
                      const T* g = r.data<T>(2) + at.offset[2] + first;
                      const T* x = r.data<T>(3) + at.offset[3] + first;
                      const V mean = splat<V>(r.data<T>(4)[at.offset[4]]);
                      const V rstd = splat<V>(r.data<T>(5)[at.offset[5]]);
                      eachVector<V>(features, [&](int64_t i, auto lanes) {
                        const V slope = load<V>(g + i, lanes);
                        const V normal = mul(sub(load<V>(x + i, lanes), mean), rstd);
                        store(block[0] + i, add(load<V>(block[0] + i, lanes), mul(slope, normal)), lanes);
                        store(block[1] + i, add(load<V>(block[1] + i, lanes), slope), lanes);
                      });
                    }
                    for (int o = 0; o < 2; o++) {
                      for (int64_t i = 0; i < features; i++) total[o][i] += block[o][i];
                    }
                  }
                  for (int o = 0; o < 2; o++) {
                    for (int64_t i = 0; i < features && outputs[o]; i++)
                      outputs[o][first + i] = static_cast<T>(total[o][i]);
                  }
                }
              });
}

template <class T, abi::DType dtype>
void fillNormFor(KernelTable& table) {
  table.kernels[OP_LAYER_NORM][dtype] = layerNorm<T>;
  table.kernels[OP_LAYER_NORM_BACKWARD][dtype] = layerNormBackward<T>;
  table.kernels[OP_LAYER_NORM_BACKWARD_AFFINE][dtype] = layerNormBackwardAffine<T>;
}

inline void fillNorm(KernelTable& table) {
  fillNormFor<float, abi::FLOAT32>(table);
  fillNormFor<double, abi::FLOAT64>(table);
}
