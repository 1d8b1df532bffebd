// The gradients of attention. With the weights P = exp(scores − lse) of a block and D = g·vᵀ:
// dv += Pᵀ·g, dS = P∘(D − Σ g∘out), dk += dSᵀ·q·scale, dq += dS·k·scale (Dao et al., "FlashAttention", 2022).
// dk and dv are sums over queries, dq is one over keys. A thread that has a head to itself makes
// all three in one go; where heads are fewer than threads, blocks of keys and then blocks of queries are shared
// out. Blocks and their order are the same in both cases, and so are the results.

template <class T>
struct AttentionBackward : AttentionBlocks<T> {
  using Blocks = AttentionBlocks<T>;
  using V = typename Blocks::V;

  struct Workspace {
    T weights[kQueries * kKeys];
    T slopes[kQueries * kKeys];
    T query[kQueries * kMaxFeatures];
    T queryPanels[kQueries * kMaxFeatures];
    T gradPanels[kQueries * kMaxFeatures];
    T keyLines[kKeys * kMaxFeatures];
    T keyPanels[kKeys * kMaxFeatures];
    T valueLines[kKeys * kMaxFeatures];
  };
  static_assert(sizeof(Workspace) <= kWorkspaceBytes);

  Head<T> head;
  Matrix<T> dq, dk, dv, g, out, lse;

  AttentionBackward(const Record& r, const int64_t* at)
      : head(r, 6, at),
        dq(Head<T>::operand(r, 0, at, kL, kE)),
        dk(Head<T>::operand(r, 1, at, kS, kE)),
        dv(Head<T>::operand(r, 2, at, kS, kEv)),
        g(Head<T>::operand(r, 3, at, kL, kEv)),
        out(Head<T>::operand(r, 4, at, kL, kEv)),
        lse(Head<T>::operand(r, 5, at, kL, kS)) {}

  static void clearRows(Matrix<T> x, int64_t begin, int64_t end, int64_t columns) {
    for (int64_t i = begin; i < end; i++) memset(x.at + i * x.row, 0, static_cast<size_t>(columns) * sizeof(T));
  }

  /// The blocks of [query, lastQuery) × [key, lastKey): dk and dv if `forKeys`, dq if `forQueries`.
  void run(int64_t firstQuery, int64_t lastQuery, int64_t firstKey, int64_t lastKey, bool forQueries, bool forKeys,
           char* workspace) const {
    Workspace& w = *reinterpret_cast<Workspace*>(workspace);
    if (forQueries) clearRows(dq, firstQuery, lastQuery, head.features);
    if (forKeys) clearRows(dk, firstKey, lastKey, head.features), clearRows(dv, firstKey, lastKey, head.values);
    for (int64_t key = firstKey; key < lastKey; key += kKeys) {
      const int64_t keys = least(kKeys, head.keys - key);
      if (head.seen(lastQuery - 1, key) == 0) break;
      Blocks::packLines(w.keyLines, head.k.from(key), keys, head.features);
      Blocks::packLines(w.valueLines, head.v.from(key), keys, head.values);
      if (forQueries) Blocks::packColumns(w.keyPanels, head.k.from(key), keys, head.features);
      for (int64_t query = firstQuery; query < lastQuery; query += kQueries) {
        const int64_t queries = least(kQueries, lastQuery - query);
        if (head.seen(query + queries - 1, key) == 0) continue;
        slopes(w, query, queries, key, keys);
        Band below, above;
        if (head.causal) below.end = query - key, above.begin = key - query;
        if (forKeys) {
          Blocks::packColumns(w.queryPanels, {w.query, head.features, 1}, queries, head.features);
          Blocks::packColumns(w.gradPanels, g.from(query), queries, head.values);
          Blocks::multiply(keys, head.values, queries, {w.weights, 1, kKeys}, w.gradPanels, dv.from(key).at, dv.row, true,
                           above);
          Blocks::multiply(keys, head.features, queries, {w.slopes, 1, kKeys}, w.queryPanels, dk.from(key).at, dk.row,
                           true, above);
        }
        if (forQueries)
          Blocks::multiply(queries, head.features, keys, {w.slopes, kKeys, 1}, w.keyPanels, dq.from(query).at, dq.row,
                           true, below);
      }
    }
    if (!forQueries) return;
    for (int64_t i = firstQuery; i < lastQuery; i++) Blocks::scaleRow(dq.at + i * dq.row, head.features, head.scale);
  }

  /// Leaves P and dS of a block in the workspace, and its queries times the scale.
  void slopes(Workspace& w, int64_t query, int64_t queries, int64_t key, int64_t keys) const {
    const int64_t columns = (keys + Blocks::kColumns - 1) / Blocks::kColumns * Blocks::kColumns;
    Blocks::copyScaled(w.query, head.q.from(query), queries, head.features, head.scale);
    Band scored;
    if (head.causal) scored.columns = query - key;
    Blocks::multiply(queries, columns, head.features, {w.query, head.features, 1}, w.keyLines, w.weights, kKeys, false,
                     scored);
    Blocks::multiply(queries, columns, head.values, g.from(query), w.valueLines, w.slopes, kKeys, false, scored);
    for (int64_t i = 0; i < queries; i++) {
      T* p = w.weights + i * kKeys;
      T* s = w.slopes + i * kKeys;
      const T logSum = lse.at[(query + i) * lse.row];
      const int64_t n = logSum == Limits<T>::kLowest ? 0 : head.seen(query + i, key);
      if (n > 0 && head.mask.at) Blocks::applyMask(head, query + i, key, p, n);
      const V total = splat<V>(logSum), delta = splat<V>(dot(query + i));
      eachVector<V>(n, [&](int64_t j, auto lanes) {
        const V weight = exp(sub(load<V>(p + j, lanes), total));
        store(p + j, weight, lanes);
        store(s + j, mul(weight, sub(load<V>(s + j, lanes), delta)), lanes);
      });
      for (int64_t j = n; j < keys; j++) p[j] = s[j] = 0;
    }
  }

  /// Σ g∘out of a query
  double dot(int64_t i) const {
    const T* a = g.at + i * g.row;
    const T* b = out.at + i * out.row;
    if (g.column == 1 && out.column == 1)
      return sumOver<V>(head.values,
                        [&](int64_t j, auto lanes) { return mul(load<V>(a + j, lanes), load<V>(b + j, lanes)); });
    double sum = 0;
    for (int64_t j = 0; j < head.values; j++) sum += static_cast<double>(a[j * g.column]) * b[j * out.column];
    return sum;
  }
};

template <class T>
void attentionBackward(const int32_t* words, Context& context) {
  const Record r(words);
  const int outer = r.rank - 4;
  const int64_t batch = r.count(outer), none[10] = {};
  const Head<T> sample(r, 6, none);
  /// Calls `f(task, parts)` for `parts` parts of every head.
  const auto each = [&](int64_t parts, double work, auto f) {
    parallelFor(context, batch * parts, work / static_cast<double>(parts),
                [&](int64_t begin, int64_t end, char* workspace) {
                  Odometer<10> at(r, outer);
                  at.seek(begin / parts);
                  for (int64_t task = begin; task < end; task++) {
                    if (task != begin && task % parts == 0) at.next();
                    f(AttentionBackward<T>(r, at.offset), task % parts, workspace);
                  }
                });
  };
  const int64_t queries = sample.queries, keys = sample.keys;
  if (batch >= context.pool->threads()) {
    each(1, attentionWork(sample, queries, 5), [=](const AttentionBackward<T>& head, int64_t, char* workspace) {
      head.run(0, queries, 0, keys, true, true, workspace);
    });
    return;
  }
  each(ceilDiv(keys, kKeys), attentionWork(sample, queries, 4),
       [=](const AttentionBackward<T>& head, int64_t part, char* workspace) {
         head.run(0, queries, part * kKeys, least(keys, (part + 1) * kKeys), false, true, workspace);
       });
  each(ceilDiv(queries, kQueries), attentionWork(sample, queries, 3),
       [=](const AttentionBackward<T>& head, int64_t part, char* workspace) {
         head.run(part * kQueries, least(queries, (part + 1) * kQueries), 0, keys, true, false, workspace);
       });
}

inline void fillAttention(KernelTable& table) {
  table.kernels[OP_ATTENTION][abi::FLOAT32] = attention<float>;
  table.kernels[OP_ATTENTION][abi::FLOAT64] = attention<double>;
  table.kernels[OP_ATTENTION_BACKWARD][abi::FLOAT32] = attentionBackward<float>;
  table.kernels[OP_ATTENTION_BACKWARD][abi::FLOAT64] = attentionBackward<double>;
}
