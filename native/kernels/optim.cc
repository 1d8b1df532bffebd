// Optimizer steps, one pass over a parameter each. `step` counts the steps made so far and is
// advanced here; it and the learning rate are float64 scalars in memory. Scalars are computed in
// float64 and applied in the parameter's dtype.

constexpr double kOptimizerWork = 1;

/// Splits the elements among threads, then calls `body(i, lanes)` for every vector.
template <class V, class F>
inline void updateAll(const Record& r, Context& context, F body) {
  parallelFor(context, r.inner(), kOptimizerWork, [&](int64_t begin, int64_t end, char*) {
    eachVector<V>(end - begin, [&](int64_t i, auto lanes) { body(begin + i, lanes); });
  });
}

/// Stochastic gradient descent with momentum (Sutskever et al., 2013, in PyTorch's form): the first
/// step starts the momentum buffer with the gradient itself.
template <class T>
void sgdStep(const int32_t* words, Context& context) {
  using V = typename VectorOf<T>::Type;
  const Record r(words);
  T* parameter = r.data<T>(0);
  const T* gradient = r.data<T>(1);
  T* buffer = r.data<T>(2);
  double& step = *r.data<double>(3);
  const V rate = splat<V>(*r.data<double>(4));
  const V momentum = splat<V>(r.params[0]), taken = splat<V>(1 - r.params[1]), decay = splat<V>(r.params[2]);
  const bool decays = r.params[2] != 0, nesterov = r.params[3] != 0, first = step == 0;
  if (r.params[0] == 0) buffer = nullptr;
  updateAll<V>(r, context, [&](int64_t i, auto lanes) {
    const V p = load<V>(parameter + i, lanes);
    V d = load<V>(gradient + i, lanes);
    if (decays) d = fma(decay, p, d);
    if (buffer) {
      const V moved = first ? d : fma(momentum, load<V>(buffer + i, lanes), mul(taken, d));
      store(buffer + i, moved, lanes);
      d = nesterov ? fma(momentum, moved, d) : moved;
    }
    store(parameter + i, sub(p, mul(rate, d)), lanes);
  });
  step += 1;
}

/// Adam (Kingma and Ba, 2015); with decoupled weight decay AdamW (Loshchilov and Hutter, 2019).
template <class T>
void adamStep(const int32_t* words, Context& context) {
  using V = typename VectorOf<T>::Type;
  const Record r(words);
  T* parameter = r.data<T>(0);
  const T* gradient = r.data<T>(1);
  T* first = r.data<T>(2);
  T* second = r.data<T>(3);
  double& step = *r.data<double>(4);
  const double rate = *r.data<double>(5);
  const double beta1 = r.params[0], beta2 = r.params[1];
  const double t = step + 1;
  const V b1 = splat<V>(beta1), b2 = splat<V>(beta2);
  const V rest1 = splat<V>(1 - beta1), rest2 = splat<V>(1 - beta2);
  const V eps = splat<V>(r.params[2]);
  const bool decays = r.params[3] != 0, decoupled = r.params[4] != 0;
  const V decay = splat<V>(decoupled ? rate * r.params[3] : r.params[3]);
  const V size = splat<V>(rate / (1 - ::pow(beta1, t)));
  const V unbias = splat<V>(1 / ::sqrt(1 - ::pow(beta2, t)));
  updateAll<V>(r, context, [&](int64_t i, auto lanes) {
    V p = load<V>(parameter + i, lanes);
    V g = load<V>(gradient + i, lanes);
    if (decays && decoupled)
      p = sub(p, mul(decay, p));
    else if (decays)
      g = fma(decay, p, g);
    const V m = fma(b1, load<V>(first + i, lanes), mul(rest1, g));
    const V v = fma(b2, load<V>(second + i, lanes), mul(mul(rest2, g), g));
    store(first + i, m, lanes);
    store(second + i, v, lanes);
    const V scale = fma(sqrt(v), unbias, eps);
    store(parameter + i, sub(p, div(mul(size, m), scale)), lanes);
  });
  step = t;
}

template <class T, abi::DType dtype>
void fillOptimFor(KernelTable& table) {
  table.kernels[OP_SGD_STEP][dtype] = sgdStep<T>;
  table.kernels[OP_ADAM_STEP][dtype] = adamStep<T>;
}

inline void fillOptim(KernelTable& table) {
  fillOptimFor<float, abi::FLOAT32>(table);
  fillOptimFor<double, abi::FLOAT64>(table);
}
