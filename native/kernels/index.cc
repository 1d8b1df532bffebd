// gather, scatter and scatter_add. The iteration space is that of the index; the indexed operand
// has stride 0 in its indexed dimension, and param 0 is its stride there. Where the index does not
// vary along a contiguous last dimension (embedding rows), whole rows are moved.

template <class T>
void gather(const int32_t* words, Context& context) {
  const Record r(words);
  T* out = r.data<T>(0);
  const T* x = r.data<T>(1);
  const int64_t* index = r.data<int64_t>(2);
  const int64_t pitch = static_cast<int64_t>(r.params[0]);
  const int64_t n = r.inner(), os = r.innerStride(0), xs = r.innerStride(1), is = r.innerStride(2);
  forRows<3>(r, context, static_cast<double>(n), [&](const int64_t* at) {
    T* to = out + at[0];
    const T* from = x + at[1];
    const int64_t* indices = index + at[2];
    if (is == 0 && os == 1 && xs == 1) {
      memcpy(to, from + indices[0] * pitch, static_cast<size_t>(n) * sizeof(T));
    } else {
      for (int64_t i = 0; i < n; i++) to[i * os] = from[i * xs + indices[i * is] * pitch];
    }
  });
}

/// Items of `source` go where `index` says, in the order of the iteration space: later ones win, and
/// sums are formed in that order whatever the number of threads. Threads share out a
/// dimension that is not the scattered one, so none writes where another does.
template <class T, bool kAdd>
void scatter(const int32_t* words, Context& context) {
  const Record r(words);
  T* out = r.data<T>(0);
  const int64_t* index = r.data<int64_t>(1);
  const T* source = r.data<T>(2);
  const int64_t pitch = static_cast<int64_t>(r.params[0]);
  const int32_t* outStrides = r.strides(0);
  const int last = r.rank - 1;
  int shared = -1;
  for (int d = 0; d < r.rank; d++) {
    if (outStrides[d] != 0 && r.shape[d] > 1 && (shared < 0 || r.shape[d] > r.shape[shared])) shared = d;
  }
  const int64_t count = r.count(r.rank);
  const int64_t slices = shared < 0 ? 1 : r.shape[shared];

  parallelFor(context, slices, static_cast<double>(count / slices), [&](int64_t begin, int64_t end, char*) {
    // The slice is a record of its own: the shared dimension shortened, the operands moved along it.
    int32_t shape[abi::MAX_RANK];
    for (int d = 0; d < r.rank; d++) shape[d] = r.shape[d];
    int64_t start[3] = {0, 0, 0};
    if (shared >= 0) {
      shape[shared] = static_cast<int32_t>(end - begin);
      for (int k = 0; k < 3; k++) start[k] = begin * r.strides(k)[shared];
    }
    const int64_t n = r.rank ? shape[last] : 1;
    const int64_t os = r.innerStride(0), is = r.innerStride(1), ss = r.innerStride(2);
    Odometer<3> at(r, r.rank ? last : 0);
    at.shape = shape;
    at.seek(0);
    const int64_t rows = count / slices * (shared < 0 ? 1 : end - begin) / n;
    for (int64_t row = 0; row < rows; row++, at.next()) {
      T* to = out + start[0] + at.offset[0];
      const int64_t* indices = index + start[1] + at.offset[1];
      const T* from = source + start[2] + at.offset[2];
      if (is == 0 && os == 1 && ss == 1) {
        T* target = to + indices[0] * pitch;
        if constexpr (kAdd) {
          for (int64_t i = 0; i < n; i++) target[i] = static_cast<T>(target[i] + from[i]);
        } else {
          memcpy(target, from, static_cast<size_t>(n) * sizeof(T));
        }
      } else {
        for (int64_t i = 0; i < n; i++) {
          T& target = to[i * os + indices[i * is] * pitch];
          target = kAdd ? static_cast<T>(target + from[i * ss]) : from[i * ss];
        }
      }
    }
  });
}

template <class Item>
void fillIndexMoves(KernelTable& table, int dtype) {
  table.kernels[OP_GATHER][dtype] = gather<Item>;
  table.kernels[OP_SCATTER][dtype] = scatter<Item, false>;
}

inline void fillIndex(KernelTable& table) {
  for (int dtype = 0; dtype < abi::DTYPE_COUNT; dtype++) {
    const int bytes = abi::ITEM_BYTES[dtype];
    if (bytes == 4)
      fillIndexMoves<uint32_t>(table, dtype);
    else if (bytes == 8)
      fillIndexMoves<uint64_t>(table, dtype);
    else
      fillIndexMoves<uint8_t>(table, dtype);
  }
  table.kernels[OP_SCATTER_ADD][abi::FLOAT32] = scatter<float, true>;
  table.kernels[OP_SCATTER_ADD][abi::FLOAT64] = scatter<double, true>;
  table.kernels[OP_SCATTER_ADD][abi::INT32] = scatter<int32_t, true>;
  table.kernels[OP_SCATTER_ADD][abi::INT64] = scatter<int64_t, true>;
  table.kernels[OP_SCATTER_ADD][abi::UINT8] = scatter<uint8_t, true>;
}
