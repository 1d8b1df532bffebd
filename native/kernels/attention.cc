// Attention without keeping the scores: a block of queries meets the keys block by block, and what has been
// summed is scaled down when a greater score turns up (Dao et al., "FlashAttention", 2022; the running sums are
// Milakov and Gimelshein's, "Online normalizer calculation for softmax", 2018). The backward pass
// computes the scores again. Blocks lie at the same places whatever the number of threads, and so do all sums.

template <class T>
struct Attention : AttentionBlocks<T> {
  using Blocks = AttentionBlocks<T>;
  using V = typename Blocks::V;
  /// Rows whose running maximum and sum the workspace holds.
  static constexpr int64_t kChunk = 1024;
  /// Queries for which packing keys and values costs more than it saves.
  static constexpr int64_t kFewQueries = 4;

  struct Workspace {
    double total[kChunk];
    T top[kChunk];
    T scores[kQueries * kKeys];
    T query[kQueries * kMaxFeatures];
    T keys[kKeys * kMaxFeatures];
    T values[kKeys * kMaxFeatures];
  };
  static_assert(sizeof(Workspace) <= kWorkspaceBytes);

  /// Queries `first` to before `last` against all keys.
  static void run(const Head<T>& head, Matrix<T> out, Matrix<T> lse, int64_t first, int64_t last, char* workspace) {
    Workspace& w = *reinterpret_cast<Workspace*>(workspace);
    for (int64_t i = 0; i < last - first; i++) w.total[i] = 0, w.top[i] = Limits<T>::kLowest;
    const bool inPlace = last - first <= kFewQueries && head.k.column == 1 && head.v.column == 1;
    const int64_t end = head.causal ? least(head.keys, last) : head.keys;
    for (int64_t key = 0; key < end; key += kKeys) {
      const int64_t keys = least(kKeys, head.keys - key);
      if (!inPlace) {
        Blocks::packLines(w.keys, head.k.from(key), keys, head.features);
        Blocks::packColumns(w.values, head.v.from(key), keys, head.values);
      }
      for (int64_t query = first; query < last; query += kQueries) {
        const int64_t queries = least(kQueries, last - query);
        if (head.seen(query + queries - 1, key) == 0) continue;
        block(w, head, out.from(query), query, queries, key, keys, query - first, inPlace);
      }
    }
    for (int64_t i = first; i < last; i++) {
      const double total = w.total[i - first];
      // No key was allowed where nothing was summed.
      Blocks::scaleRow(out.at + i * out.row, head.values, total == 0 ? 0 : 1 / total);
      lse.at[i * lse.row] =
          total == 0 ? Limits<T>::kLowest
                     : static_cast<T>(static_cast<double>(w.top[i - first]) + log(Lane<double>(total)).v);
    }
  }

  static void block(Workspace& w, const Head<T>& head, Matrix<T> out, int64_t query, int64_t queries, int64_t key,
                    int64_t keys, int64_t state, bool inPlace) {
    Blocks::copyScaled(w.query, head.q.from(query), queries, head.features, head.scale);
    Band scored, weighted;
    if (head.causal) scored.columns = weighted.end = query - key;
    const Matrix<T> q = {w.query, head.features, 1}, p = {w.scores, kKeys, 1};
    const Matrix<T> k = head.k.from(key), v = head.v.from(key);
    if (inPlace)
      Gemm<T>::dots({queries, keys, head.features, kKeys, q.row, 1, 1, k.row, p.at, q.at, k.at});
    else
      Blocks::multiply(queries, (keys + Blocks::kColumns - 1) / Blocks::kColumns * Blocks::kColumns, head.features, q,
                       w.keys, w.scores, kKeys, false, scored);
    for (int64_t i = 0; i < queries; i++) {
      const int64_t n = head.seen(query + i, key);
      const double factor = weigh(head, w.scores + i * kKeys, n, query + i, key, w.top[state + i], w.total[state + i]);
      for (int64_t j = n; j < keys; j++) w.scores[i * kKeys + j] = 0;
      if (key > 0 && factor != 1) Blocks::scaleRow(out.at + i * out.row, head.values, factor);
    }
    if (inPlace)
      Gemm<T>::directBlock({queries, head.values, keys, out.row, kKeys, 1, v.row, 1, out.at, p.at, v.at}, key > 0);
    else
      Blocks::multiply(queries, head.values, keys, p, w.values, out.at, out.row, key > 0, weighted);
  }

  /// Turns a query's scores into exponentials and updates its maximum and sum; returns the factor for what has
  /// been summed before.
  static double weigh(const Head<T>& head, T* x, int64_t n, int64_t query, int64_t key, T& top, double& total) {
    if (n == 0) return 1;
    if (head.mask.at) Blocks::applyMask(head, query, key, x, n);
    const Lane<T> before(top);
    const Lane<T> largest = max(before, Lane<T>(extremeOf<Largest>(x, n)));
    // While nothing is allowed the maximum is −∞, and exponentials of −∞ are wanted, not of −∞ + ∞.
    const V shift = splat<V>(largest.v == Limits<T>::kLowest ? 0 : largest.v);
    const double sum = sumOver<V>(n, [&](int64_t j, auto lanes) {
      const V e = exp(sub(load<V>(x + j, lanes), shift));
      store(x + j, e, lanes);
      return e;
    });
    const double factor = before.v == largest.v ? 1 : exp(sub(before, largest)).v;
    top = largest.v;
    total = total * factor + sum;
    return factor;
  }
};

template <class T>
void attention(const int32_t* words, Context& context) {
  const Record r(words);
  const int outer = r.rank - 4;
  const int64_t batch = r.count(outer), none[6] = {};
  const Head<T> sample(r, 2, none);
  // Rows that one task takes: packed keys and values serve all of them, and every thread wants some.
  int64_t chunk = least(sample.queries, Attention<T>::kChunk);
  const int64_t threads = context.pool->threads();
  while (threads > 1 && chunk > kQueries && batch * ceilDiv(sample.queries, chunk) < 4 * threads)
    chunk = ceilDiv(chunk, 2 * kQueries) * kQueries;
  const int64_t chunks = ceilDiv(sample.queries, chunk);
  parallelFor(context, batch * chunks, attentionWork(sample, chunk, 2),
              [&](int64_t begin, int64_t end, char* workspace) {
                Odometer<6> at(r, outer);
                at.seek(begin / chunks);
                for (int64_t task = begin; task < end; task++) {
                  if (task != begin && task % chunks == 0) at.next();
                  const Head<T> head(r, 2, at.offset);
                  const int64_t first = task % chunks * chunk;
                  Attention<T>::run(head, Head<T>::operand(r, 0, at.offset, kL, kEv),
                                    Head<T>::operand(r, 1, at.offset, kL, kS), first,
                                    least(first + chunk, head.queries), workspace);
                }
              });
}
