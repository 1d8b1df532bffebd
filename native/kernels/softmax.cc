// softmax and log_softmax along the contiguous last dimension, and their backward passes. The
// largest element is subtracted first, so that no exponential overflows.

/// Rough cost of an exponential in the units of parallelFor.
constexpr double kExpWork = 2;

template <class T>
void softmax(const int32_t* words, Context& context) {
  using V = typename VectorOf<T>::Type;
  const Record r(words);
  const int64_t n = r.inner();
  forRows<2>(r, context, kExpWork * static_cast<double>(n), [&](const int64_t* at) {
    T* y = r.data<T>(0) + at[0];
    const T* x = r.data<T>(1) + at[1];
    const V largest = splat<V>(extremeOf<Largest>(x, n));
    const double sum = sumOver<V>(n, [&](int64_t i, auto lanes) {
      const V e = exp(sub(load<V>(x + i, lanes), largest));
      store(y + i, e, lanes);
      return e;
    });
    const V scale = splat<V>(1 / sum);
    eachVector<V>(n, [&](int64_t i, auto lanes) { store(y + i, mul(load<V>(y + i, lanes), scale), lanes); });
  });
}

template <class T>
void logSoftmax(const int32_t* words, Context& context) {
  using V = typename VectorOf<T>::Type;
  const Record r(words);
  const int64_t n = r.inner();
  forRows<2>(r, context, kExpWork * static_cast<double>(n), [&](const int64_t* at) {
    T* y = r.data<T>(0) + at[0];
    const T* x = r.data<T>(1) + at[1];
    const V largest = splat<V>(extremeOf<Largest>(x, n));
    const double sum =
        sumOver<V>(n, [&](int64_t i, auto lanes) { return exp(sub(load<V>(x + i, lanes), largest)); });
    const V logSum = splat<V>(log(Lane<double>(sum)).v);
    eachVector<V>(n, [&](int64_t i, auto lanes) {
      store(y + i, sub(sub(load<V>(x + i, lanes), largest), logSum), lanes);
    });
  });
}

/// dx = (g − Σ g·y)·y
template <class T>
void softmaxBackward(const int32_t* words, Context& context) {
  using V = typename VectorOf<T>::Type;
  const Record r(words);
  const int64_t n = r.inner();
  forRows<3>(r, context, static_cast<double>(n), [&](const int64_t* at) {
    T* dx = r.data<T>(0) + at[0];
    const T* g = r.data<T>(1) + at[1];
    const T* y = r.data<T>(2) + at[2];
    const V dot = splat<V>(sumOver<V>(
        n, [&](int64_t i, auto lanes) { return mul(load<V>(g + i, lanes), load<V>(y + i, lanes)); }));
    eachVector<V>(n, [&](int64_t i, auto lanes) {
      store(dx + i, mul(sub(load<V>(g + i, lanes), dot), load<V>(y + i, lanes)), lanes);
    });
  });
}

/// dx = g − exp(y)·Σ g
template <class T>
void logSoftmaxBackward(const int32_t* words, Context& context) {
  using V = typename VectorOf<T>::Type;
  const Record r(words);
  const int64_t n = r.inner();
  forRows<3>(r, context, kExpWork * static_cast<double>(n), [&](const int64_t* at) {
    T* dx = r.data<T>(0) + at[0];
    const T* g = r.data<T>(1) + at[1];
    const T* y = r.data<T>(2) + at[2];
    const V sum = splat<V>(sumOver<V>(n, [&](int64_t i, auto lanes) { return load<V>(g + i, lanes); }));
    eachVector<V>(n, [&](int64_t i, auto lanes) {
      store(dx + i, sub(load<V>(g + i, lanes), mul(exp(load<V>(y + i, lanes)), sum)), lanes);
    });
  });
}

template <class T, abi::DType dtype>
void fillSoftmaxFor(KernelTable& table) {
  table.kernels[OP_SOFTMAX][dtype] = softmax<T>;
  table.kernels[OP_LOG_SOFTMAX][dtype] = logSoftmax<T>;
  table.kernels[OP_SOFTMAX_BACKWARD][dtype] = softmaxBackward<T>;
  table.kernels[OP_LOG_SOFTMAX_BACKWARD][dtype] = logSoftmaxBackward<T>;
}

inline void fillSoftmax(KernelTable& table) {
  fillSoftmaxFor<float, abi::FLOAT32>(table);
  fillSoftmaxFor<double, abi::FLOAT64>(table);
}
