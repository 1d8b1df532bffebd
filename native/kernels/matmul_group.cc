// A product, and a group over each part of it as soon as it is complete, while it is in the cache. Where the
// group's tiles cannot be had part by part (sums, other shapes or layouts), one record runs after the other.
// Start at `matmulGroup`.

/// The group's record in a space whose last dimension is the product's n, given that it is flat.
struct Unflattened {
  Record r;
  int32_t shape[2];
  int32_t strides[abi::MAX_OPERANDS][2];

  Unflattened(const Record& flat, int32_t rows, int32_t n) : r(flat), shape{rows, n} {
    for (int k = 0; k < flat.operands; k++) {
      strides[k][1] = flat.allStrides[k];
      strides[k][0] = flat.allStrides[k] * n;
    }
    r.rank = 2;
    r.shape = shape;
    r.allStrides = strides[0];
  }
};

/// The bytes from an operand's first element to its last.
inline int64_t extentOf(const Record& r, int operand, int dims) {
  int64_t last = 0;
  for (int d = 0; d < dims; d++) last += int64_t{r.shape[d] - 1} * r.strides(operand)[d];
  return (last + 1) * abi::ITEM_BYTES[r.dtype(operand)];
}

/// Whether operand `k` of the group, which begins where C does, walks it as the product does.
inline bool walksAlike(const Record& product, const Record& group, int k) {
  const int dims = product.rank - 1;
  const int32_t *own = group.strides(k), *cs = product.strides(0);
  if (product.shape[dims - 1] > 1 && own[group.rank - 1] != cs[dims - 1]) return false;
  if (group.rank == dims) {
    for (int d = 0; d < dims - 1; d++) {
      if (product.shape[d] > 1 && own[d] != cs[d]) return false;
    }
    return true;
  }
  // All rows of the batch are one dimension of the group.
  int64_t pitch = own[0];
  for (int d = dims - 2; d >= 0; d--) {
    if (product.shape[d] > 1 && cs[d] != pitch) return false;
    pitch *= product.shape[d];
  }
  return true;
}

/// Whether what the group does to a tile of C needs no other part of C than that tile.
inline bool staysInside(const Record& product, const Record& group) {
  const char* c = product.address(0);
  const char* end = c + extentOf(product, 0, product.rank - 1);
  for (int k = 0; k < group.operands; k++) {
    const char* at = group.address(k);
    if (at >= end || at + extentOf(group, k, group.rank) <= c) continue;
    if (at != c || group.dtype(k) != product.dtype(0) || !walksAlike(product, group, k)) return false;
  }
  return true;
}

/// Runs the two together and returns true, or does nothing.
template <class T>
bool runTogether(const Record& product, const Record& record, const GroupTail& tail, Context& context) {
  const int dims = product.rank - 1;
  const int32_t n = product.shape[dims - 1];
  const int64_t rows = product.count(dims - 1);
  bool same = record.rank == dims;
  for (int d = 0; same && d < dims; d++) same = record.shape[d] == product.shape[d];
  const bool flat = record.rank == 1 && record.shape[0] == rows * n;
  const bool merged = record.rank == 2 && record.shape[0] == rows && record.shape[1] == n;
  if (!same && !flat && !merged) return false;
  const Unflattened unflattened(record, static_cast<int32_t>(rows), n);
  const Record& r = flat ? unflattened.r : record;
  const Group g(r, tail, *context.table);
  if (g.lacking || g.hasSums() || !staysInside(product, r)) return false;

  const MatmulPlan<T> plan(product, context);
  const double groupWork = static_cast<double>(rows) * n * tail.steps;
  if (!plan.shares && groupWork >= 2 * kParallelWork) return false;
  const GroupTiles tiles(r, kTile);
  const int64_t m = product.shape[dims - 2];
  plan.run(context, [&](int64_t place, const Region& part, char* workspace) {
    GroupRun run(g, tiles, workspace + kWorkspaceBytes - kGroupBuffers);
    const int64_t plane = r.rank > 2 ? place : 0, top = r.rank > 2 ? 0 : place * m;
    tiles.eachIn(plane, top + part.i0, top + part.i1, part.j0, part.j1,
                 [&](const Tile& tile) { run.run(tile); });
  });
  return true;
}

inline void matmulGroup(const int32_t* words, Context& context) {
  const int32_t* first = words + abi::NESTED_START;
  const Record product(first), record(first + first[abi::RECORD_LENGTH]);
  const GroupTail tail(record);
  const int dtype = first[abi::RECORD_DTYPE];
  const bool together = dtype == abi::FLOAT32   ? runTogether<float>(product, record, tail, context)
                        : dtype == abi::FLOAT64 ? runTogether<double>(product, record, tail, context)
                                                : false;
  if (!together) runNested(words, context);
}

inline void fillMatmulGroup(KernelTable& table) {
  for (int dtype = 0; dtype < abi::DTYPE_COUNT; dtype++) table.kernels[OP_MATMUL_GROUP][dtype] = matmulGroup;
}
