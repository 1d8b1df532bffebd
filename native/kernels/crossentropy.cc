// cross_entropy of rows of logits and one class per row, and its gradient. The probabilities are
// never stored: a row's logarithm of the sum of exponentials is what the two passes share. Rows of
// the ignored class give 0.

/// weight · (lse − x[t]), summed from its small parts: both may be large while the loss is not.
template <class T>
void crossEntropy(const int32_t* words, Context& context) {
  using V = typename VectorOf<T>::Type;
  const Record r(words);
  const int64_t n = r.inner();
  const int64_t ignored = static_cast<int64_t>(r.params[0]);
  const T* weight = r.data<T>(4);
  forRows<5>(r, context, kExpWork * static_cast<double>(n), [&](const int64_t* at) {
    T& loss = r.data<T>(0)[at[0]];
    T& lse = r.data<T>(1)[at[1]];
    const T* x = r.data<T>(2) + at[2];
    const int64_t target = r.data<int64_t>(3)[at[3]];
    loss = lse = 0;
    if (target == ignored) return;
    const T top = extremeOf<Largest>(x, n);
    const V largest = splat<V>(top);
    const double sum =
        sumOver<V>(n, [&](int64_t i, auto lanes) { return exp(sub(load<V>(x + i, lanes), largest)); });
    const double logSum = log(Lane<double>(sum)).v;
    const double surprise = static_cast<double>(top) - static_cast<double>(x[target]) + logSum;
    loss = static_cast<T>(weight ? surprise * static_cast<double>(weight[target]) : surprise);
    lse = static_cast<T>(static_cast<double>(top) + logSum);
  });
}

/// g · weight · (softmax(x) − [c = t]). Exponentials are divided by their own sum, which is 1 but for
/// the rounding of lse: that error grows with the logits, and is the same factor in all of them.
template <class T>
void crossEntropyBackward(const int32_t* words, Context& context) {
  using V = typename VectorOf<T>::Type;
  const Record r(words);
  const int64_t n = r.inner();
  const int64_t ignored = static_cast<int64_t>(r.params[0]);
  const T* weight = r.data<T>(5);
  forRows<6>(r, context, kExpWork * static_cast<double>(n), [&](const int64_t* at) {
    T* dx = r.data<T>(0) + at[0];
    const T* x = r.data<T>(2) + at[2];
    const int64_t target = r.data<int64_t>(4)[at[4]];
    if (target == ignored) {
      memset(dx, 0, static_cast<size_t>(n) * sizeof(T));
      return;
    }
    double slope = static_cast<double>(r.data<T>(1)[at[1]]);
    if (weight) slope *= static_cast<double>(weight[target]);
    const V shift = splat<V>(static_cast<double>(r.data<T>(3)[at[3]]));
    const double sum = sumOver<V>(n, [&](int64_t i, auto lanes) {
      const V e = exp(sub(load<V>(x + i, lanes), shift));
      store(dx + i, e, lanes);
      return e;
    });
    const V scale = splat<V>(slope / sum);
    eachVector<V>(n,
                  [&](int64_t i, auto lanes) { store(dx + i, mul(load<V>(dx + i, lanes), scale), lanes); });
    dx[target] -= static_cast<T>(slope);
  });
}

template <class T, abi::DType dtype>
void fillCrossEntropyFor(KernelTable& table) {
  table.kernels[OP_CROSS_ENTROPY][dtype] = crossEntropy<T>;
  table.kernels[OP_CROSS_ENTROPY_BACKWARD][dtype] = crossEntropyBackward<T>;
}

inline void fillCrossEntropy(KernelTable& table) {
  fillCrossEntropyFor<float, abi::FLOAT32>(table);
  fillCrossEntropyFor<double, abi::FLOAT64>(table);
}
