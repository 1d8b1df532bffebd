// Optimizer steps, one pass over a parameter each. `step` counts the steps made so far and is
// advanced here; it and the learning rate are float64 scalars in memory. Scalars are computed in
// float64 and applied in the parameter's dtype. `update_all` passes over many parameters at once.

constexpr double kOptimizerWork = 1;

/// Stochastic gradient descent with momentum (Sutskever et al., 2013, in PyTorch's form): the first
/// step starts the momentum buffer with the gradient itself.
template <class T>
struct Sgd {
  using V = typename VectorOf<T>::Type;
  T* parameter;
  const T* gradient;
  T* buffer;
  V rate, momentum, taken, decay;
  bool decays, nesterov, first;

  /// Reads a record's scalars, and counts the step.
  static Sgd begin(const Record& r) {
    double& step = *r.data<double>(3);
    Sgd s;
    s.parameter = r.data<T>(0), s.gradient = r.data<T>(1);
    s.buffer = r.params[0] == 0 ? nullptr : r.data<T>(2);
    s.rate = splat<V>(*r.data<double>(4)), s.momentum = splat<V>(r.params[0]);
    s.taken = splat<V>(1 - r.params[1]), s.decay = splat<V>(r.params[2]);
    s.decays = r.params[2] != 0, s.nesterov = r.params[3] != 0, s.first = step == 0;
    step += 1;
    return s;
  }

  template <class Lanes>
  COTANGENT_INLINE void update(int64_t i, Lanes lanes) const {
    const V p = load<V>(parameter + i, lanes);
    V d = load<V>(gradient + i, lanes);
    if (decays) d = fma(decay, p, d);
    if (buffer) {
      const V moved = first ? d : fma(momentum, load<V>(buffer + i, lanes), mul(taken, d));
      store(buffer + i, moved, lanes);
      d = nesterov ? fma(momentum, moved, d) : moved;
    }
    store(parameter + i, sub(p, mul(rate, d)), lanes);
  }
};

/// Adam (Kingma and Ba, 2015); with decoupled weight decay AdamW (Loshchilov and Hutter, 2019).
template <class T>
struct Adam {
  using V = typename VectorOf<T>::Type;
  T* parameter;
  const T* gradient;
  T *first, *second;
  V b1, b2, rest1, rest2, eps, decay, size, unbias;
  bool decays, decoupled;

  /// Reads a record's scalars, and counts the step.
  static Adam begin(const Record& r) {
    double& step = *r.data<double>(4);
    const double rate = *r.data<double>(5), beta1 = r.params[0], beta2 = r.params[1];
    const double t = step + 1;
    Adam a;
    a.parameter = r.data<T>(0), a.gradient = r.data<T>(1);
    a.first = r.data<T>(2), a.second = r.data<T>(3);
    a.b1 = splat<V>(beta1), a.b2 = splat<V>(beta2);
    a.rest1 = splat<V>(1 - beta1), a.rest2 = splat<V>(1 - beta2);
    a.eps = splat<V>(r.params[2]);
    a.decays = r.params[3] != 0, a.decoupled = r.params[4] != 0;
    a.decay = splat<V>(a.decoupled ? rate * r.params[3] : r.params[3]);
    a.size = splat<V>(rate / (1 - ::pow(beta1, t)));
    a.unbias = splat<V>(1 / ::sqrt(1 - ::pow(beta2, t)));
    step = t;
    return a;
  }

  template <class Lanes>
  COTANGENT_INLINE void update(int64_t i, Lanes lanes) const {
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
  }
};

/// Elements `begin` to `end`. The update comes as a copy, which no store can change, so that the compiler
/// keeps its scalars in registers.
template <class Update>
COTANGENT_NOINLINE void updateRange(const Update update, int64_t begin, int64_t end) {
  eachVector<typename Update::V>(end - begin,
                                 [&](int64_t i, auto lanes) { update.update(begin + i, lanes); });
}

template <class Update>
void optimizerStep(const int32_t* words, Context& context) {
  const Record r(words);
  const Update update = Update::begin(r);
  parallelFor(context, r.inner(), kOptimizerWork,
              [&](int64_t begin, int64_t end, char*) { updateRange(update, begin, end); });
}

/// One record of `update_all` and its place among all their elements.
template <class T>
struct PlacedUpdate {
  int64_t begin, end;
  bool isAdam;
  union {
    Sgd<T> sgd;
    Adam<T> adam;
  };
};

/// All elements of all records as one job; as many records at once as the workspace describes.
template <class T>
void updateAll(const int32_t* words, Context& context) {
  using Placed = PlacedUpdate<T>;
  Placed* placed = reinterpret_cast<Placed*>(context.workspace);
  constexpr int64_t kMost = kWorkspaceBytes / sizeof(Placed);
  int64_t count = 0, total = 0;
  const auto run = [&] {
    parallelFor(context, total, kOptimizerWork, [&](int64_t begin, int64_t end, char*) {
      for (const Placed* p = placed; p < placed + count && p->begin < end; p++) {
        const int64_t from = most(begin, p->begin) - p->begin, to = least(end, p->end) - p->begin;
        if (from >= to) continue;
        if (p->isAdam)
          updateRange(p->adam, from, to);
        else
          updateRange(p->sgd, from, to);
      }
    });
    count = total = 0;
  };
  eachNested(words, [&](const int32_t* record) {
    const Record r(record);
    Placed& p = placed[count++];
    p.begin = total;
    p.end = total += r.inner();
    p.isAdam = record[abi::RECORD_OPCODE] == OP_ADAM_STEP;
    if (p.isAdam)
      p.adam = Adam<T>::begin(r);
    else
      p.sgd = Sgd<T>::begin(r);
    if (count == kMost) run();
    return true;
  });
  run();
}

template <class T, abi::DType dtype>
void fillOptimFor(KernelTable& table) {
  table.kernels[OP_SGD_STEP][dtype] = optimizerStep<Sgd<T>>;
  table.kernels[OP_ADAM_STEP][dtype] = optimizerStep<Adam<T>>;
  table.kernels[OP_UPDATE_ALL][dtype] = updateAll<T>;
}

inline void fillOptim(KernelTable& table) {
  fillOptimFor<float, abi::FLOAT32>(table);
  fillOptimFor<double, abi::FLOAT64>(table);
}
