// Stable sort along the contiguous last dimension by a bottom-up merge sort of keys in the
// record's workspace. NaN is greatest. Dtypes of up to four bytes pack value and index into one
// 64-bit key, so that merging compares words; wider ones merge indices and look the values up.

/// Runs of this length are sorted by insertion before merging starts.
constexpr int64_t kSortRun = 16;

/// Sorts the n keys in `a`, with `b` as scratch; returns whichever holds the result.
template <class K, class Less>
inline K* mergeSort(K* a, K* b, int64_t n, Less less) {
  for (int64_t begin = 0; begin < n; begin += kSortRun) {
    const int64_t end = least(begin + kSortRun, n);
    for (int64_t i = begin + 1; i < end; i++) {
      const K key = a[i];
      int64_t j = i;
      for (; j > begin && less(key, a[j - 1]); j--) a[j] = a[j - 1];
      a[j] = key;
    }
  }
  for (int64_t width = kSortRun; width < n; width *= 2) {
    for (int64_t begin = 0; begin < n; begin += 2 * width) {
      const int64_t middle = least(begin + width, n), end = least(begin + 2 * width, n);
      int64_t i = begin, j = middle, to = begin;
      while (i < middle && j < end) {
        // Of equals the left one goes first. Written without branches: which side wins is a coin toss.
        const bool right = less(a[j], a[i]);
        b[to++] = right ? a[j] : a[i];
        j += right;
        i += !right;
      }
      while (i < middle) b[to++] = a[i++];
      while (j < end) b[to++] = a[j++];
    }
    K* swap = a;
    a = b;
    b = swap;
  }
  return a;
}

// Unsigned numbers that compare as the values do: the sign bit turned for positive numbers, all
// bits for negative ones. Zeros of both signs are one key, and so are all NaNs.
inline uint32_t sortKey(float x) {
  if (x != x) return UINT32_MAX;
  const uint32_t bits = bitsOf<uint32_t>(x + 0.0f);
  return bits >> 31 ? ~bits : bits | 0x80000000u;
}
inline uint32_t sortKey(int32_t x) { return static_cast<uint32_t>(x) ^ 0x80000000u; }
inline uint32_t sortKey(uint8_t x) { return x; }

template <class T>
inline bool sortsBefore(T a, T b) {
  return a < b || (b != b && a == a);
}

/// Leaves the indices of x in sorted order in `indices`. `space` has room for 2n.
template <class T>
inline void sortRow(const T* x, int64_t n, int64_t* indices, int64_t* space, bool descending) {
  if constexpr (sizeof(T) <= 4) {
    uint64_t* keys = reinterpret_cast<uint64_t*>(space);
    const uint32_t turn = descending ? UINT32_MAX : 0;
    for (int64_t i = 0; i < n; i++) {
      keys[i] = static_cast<uint64_t>(sortKey(x[i]) ^ turn) << 32 | static_cast<uint32_t>(i);
    }
    const uint64_t* sorted = mergeSort(keys, keys + n, n, [](uint64_t a, uint64_t b) { return a < b; });
    for (int64_t i = 0; i < n; i++) indices[i] = static_cast<uint32_t>(sorted[i]);
  } else {
    for (int64_t i = 0; i < n; i++) space[i] = i;
    const int64_t* sorted =
        descending
            ? mergeSort(space, space + n, n, [x](int64_t a, int64_t b) { return sortsBefore(x[b], x[a]); })
            : mergeSort(space, space + n, n, [x](int64_t a, int64_t b) { return sortsBefore(x[a], x[b]); });
    memcpy(indices, sorted, static_cast<size_t>(n) * sizeof(int64_t));
  }
}

template <class T>
void sort(const int32_t* words, Context&) {
  const Record r(words);
  const int64_t n = r.inner();
  const int outer = r.rank ? r.rank - 1 : 0;
  Odometer<4> at(r, outer);
  at.seek(0);
  // One after the other: the rows share their workspace.
  for (int64_t row = r.count(outer); row > 0; row--, at.next()) {
    T* values = r.data<T>(0) + at.offset[0];
    int64_t* indices = r.data<int64_t>(1) + at.offset[1];
    const T* x = r.data<T>(2) + at.offset[2];
    sortRow(x, n, indices, r.data<int64_t>(3) + at.offset[3], r.params[0] != 0);
    for (int64_t i = 0; i < n; i++) values[i] = x[indices[i]];
  }
}

inline void fillSort(KernelTable& table) {
  table.kernels[OP_SORT][abi::FLOAT32] = sort<float>;
  table.kernels[OP_SORT][abi::FLOAT64] = sort<double>;
  table.kernels[OP_SORT][abi::INT32] = sort<int32_t>;
  table.kernels[OP_SORT][abi::INT64] = sort<int64_t>;
  table.kernels[OP_SORT][abi::UINT8] = sort<uint8_t>;
  table.kernels[OP_SORT][abi::BOOL] = sort<uint8_t>;
}
