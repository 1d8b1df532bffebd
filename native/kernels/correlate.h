// Correlations of images with filters, as products of a matrix of weights with the patches of
// patches.h: conv2d, and its transpose with respect to the images. The weights are packed into panels as
// in gemm.h; the patches need no packing. Every output is summed in the order of the depth, in blocks
// that depend on shapes alone. Included inside namespace COTANGENT_NS.
#pragma once

/// A number as a type.
template <int N>
struct Constant {
  static constexpr int value = N;
};

/// Calls `f(Constant<rows>)`, 1 ≤ rows ≤ N.
template <int N, class F>
inline void withConstant(int rows, F f) {
  if constexpr (N > 1) {
    if (rows < N) return withConstant<N - 1>(rows, f);
  }
  f(Constant<N>{});
}

/// ROWS rows of c = start + a·b, or c += a·b; entry p of b's depth begins at b + offsets[p].
template <class V, int ROWS, int VECTORS>
COTANGENT_NOINLINE void offsetTile(int64_t depth, const typename V::Scalar* a, const typename V::Scalar* b,
                                   const int32_t* offsets, const typename V::Scalar* start,
                                   typename V::Scalar* c, int64_t cRow, bool adds) {
  V acc[ROWS][VECTORS];
  COTANGENT_UNROLL
  for (int i = 0; i < ROWS; i++) {
    COTANGENT_UNROLL
    for (int v = 0; v < VECTORS; v++) acc[i][v] = splat<V>(start[i]);
  }
  for (int64_t p = 0; p < depth; p++, a += ROWS) {
    const typename V::Scalar* at = b + offsets[p];
    V right[VECTORS];
    COTANGENT_UNROLL
    for (int v = 0; v < VECTORS; v++) right[v] = load<V>(at + v * V::kWidth);
    COTANGENT_UNROLL
    for (int i = 0; i < ROWS; i++) {
      const V left = splat<V>(a[i]);
      COTANGENT_UNROLL
      for (int v = 0; v < VECTORS; v++) acc[i][v] = fma(left, right[v], acc[i][v]);
    }
  }
  COTANGENT_UNROLL
  for (int i = 0; i < ROWS; i++) {
    COTANGENT_UNROLL
    for (int v = 0; v < VECTORS; v++) {
      typename V::Scalar* to = c + i * cRow + v * V::kWidth;
      store(to, adds ? add(load<V>(to), acc[i][v]) : acc[i][v]);
    }
  }
}

/// Where the vectors of a tile are read and written, and how many of their lanes.
template <int VECTORS>
struct RowVectors {
  int64_t from[VECTORS], to[VECTORS];
  int lanes[VECTORS];
};

/// The first `rows` of ROWS rows of c = start + a·b, or c += a·b, in vectors that lie apart.
template <class V, int ROWS, int VECTORS>
COTANGENT_NOINLINE void rowTile(int64_t depth, const typename V::Scalar* a, const typename V::Scalar* b,
                                const int32_t* offsets, const typename V::Scalar* start,
                                const RowVectors<VECTORS>& vectors, typename V::Scalar* c, int64_t cRow, int rows,
                                bool adds) {
  V acc[ROWS][VECTORS];
  COTANGENT_UNROLL
  for (int i = 0; i < ROWS; i++) {
    COTANGENT_UNROLL
    for (int v = 0; v < VECTORS; v++) acc[i][v] = splat<V>(start[i]);
  }
  for (int64_t p = 0; p < depth; p++, a += ROWS) {
    const typename V::Scalar* at = b + offsets[p];
    V right[VECTORS];
    COTANGENT_UNROLL
    for (int v = 0; v < VECTORS; v++) right[v] = load<V>(at + vectors.from[v]);
    COTANGENT_UNROLL
    for (int i = 0; i < ROWS; i++) {
      const V left = splat<V>(a[i]);
      COTANGENT_UNROLL
      for (int v = 0; v < VECTORS; v++) acc[i][v] = fma(left, right[v], acc[i][v]);
    }
  }
  COTANGENT_UNROLL
  for (int v = 0; v < VECTORS; v++) {
    const Part part{vectors.lanes[v]};
    COTANGENT_UNROLL
    for (int i = 0; i < ROWS; i++) {
      if (i >= rows || part.n == 0) continue;
      typename V::Scalar* to = c + i * cRow + vectors.to[v];
      if (part.n == V::kWidth)
        store(to, adds ? add(load<V>(to), acc[i][v]) : acc[i][v]);
      else
        store(to, adds ? add(load<V>(to, part), acc[i][v]) : acc[i][v], part);
    }
  }
}

/// Filters and results of a correlation; strides in elements.
template <class T>
struct Correlation {
  using V = typename VectorOf<T>::Type;
  Patches<T> patches;
  /// Filters, each of which makes one channel of the result.
  int64_t filters;
  const T* weight;
  int64_t weightFilter, weightChannel, weightDown, weightAcross;
  int64_t outFilter, outDown, outAcross;
  /// One number per filter, or null.
  const T* bias;
  /// Whether vectors begin with rows of outputs.
  bool byRows = false;

  static constexpr int64_t kPackedBytes = 1 << 18;
  static constexpr int64_t kPlaneBytes = 1 << 19;
  static constexpr int64_t kTableBytes = kMaxPatchDepth * sizeof(int32_t);
  /// Longest vector of outputs that a tile reads, beyond the last plane too.
  static constexpr int64_t kSlack = 8 * V::kWidth * sizeof(T);
  static_assert(kPackedBytes + 2 * kTableBytes + kPlaneBytes + kSlack <= kWorkspaceBytes);
  /// Aimed at: a panel of weights and what a tile sees of the planes fit the L1 cache together. Taps that share
  /// planes see the same.
  static constexpr int64_t kSharedDepth = 320, kDepth = 160;

  /// Cuts the outputs into blocks whose planes fit the workspace, and returns the depth of a block.
  int64_t plan() {
    for (;;) {
      const int64_t aim = patches.shared && patches.taps() > 1 ? kSharedDepth : kDepth;
      int64_t width = patches.across.outputs;
      patches.cut(1, width);
      if (patches.depthWithin(aim, kPlaneBytes) == 0) patches.cut(1, width = least<int64_t>(width, 128));
      const int64_t depth = patches.depthWithin(aim, kPlaneBytes);
      if (depth == 0) {
        patches.shared = false;
        continue;
      }
      const int64_t line = patches.unitBytes(), units = depth / patches.unit();
      patches.cut(2, width);
      const int64_t each = patches.unitBytes() - line;
      const int64_t rows = 1 + (kPlaneBytes / units - line) / each, outputs = patches.down.outputs;
      patches.cut(ceilDiv(outputs, ceilDiv(outputs, rows)), width);
      chooseVectors(depth);
      return depth;
    }
  }

  /// Vectors that begin with the rows of outputs need no second copy; those that run on from row to row fill their
  /// lanes but for the zeros between the rows. The first pays off where a tile takes little time.
  void chooseVectors(int64_t depth) {
    const double full = static_cast<double>(patches.width);
    const double aligned = full / static_cast<double>(ceilDiv(patches.width, V::kWidth) * V::kWidth);
    const double running = full / static_cast<double>(patches.pitch);
    byRows = outAcross == 1 && patches.pitch != outDown && aligned >= (depth <= 64 ? 0.75 : 1) * running;
  }

  /// Rows of a panel: those that leave the fewest lanes of the last one unused.
  int panelRows() const {
    if (filters <= kMicroRows) return static_cast<int>(filters);
    int best = kMicroRows;
    int64_t lowest = INT64_MAX;
    for (int rows = kMicroRows; rows >= kMicroRows / 2; rows--) {
      // A panel's loads of the patches count as much as one row and a half.
      const int64_t cost = ceilDiv(filters, rows) * (2 * rows + 5);
      if (cost < lowest) best = rows, lowest = cost;
    }
    return best;
  }

  /// Vectors of a tile: enough to keep the multipliers busy where there are few rows.
  static constexpr int vectorsFor(int rows) {
    if (rows == 1) return 8;
    return rows == 2 || (rows <= 4 && kMicroRows >= 8) ? 4 : 2;
  }

  /// The outputs from row y0 to y1 of `images` images, which lie `imageStride` and `outStride` apart. `blockDepth` comes
  /// from `plan`.
  void run(const T* image, int64_t imageStride, T* out, int64_t outStride, int64_t images, int64_t y0, int64_t y1,
           int64_t blockDepth, char* workspace) const {
    T* packed = reinterpret_cast<T*>(workspace);
    int32_t* offsets = reinterpret_cast<int32_t*>(workspace + kPackedBytes);
    int32_t* weights = offsets + kMaxPatchDepth;
    T* planes = reinterpret_cast<T*>(workspace + kPackedBytes + 2 * kTableBytes);
    const int rows = panelRows();
    for (int64_t k0 = 0; k0 < patches.depth(); k0 += blockDepth) {
      const int64_t k1 = least(k0 + blockDepth, patches.depth()), depth = k1 - k0;
      patches.locate(k0, k1, offsets);
      locateWeights(k0, k1, weights);
      // Filters that are packed together: panels in equal parts.
      const int64_t panels = ceilDiv(filters, rows);
      const int64_t fits = kPackedBytes / (depth * static_cast<int64_t>(sizeof(T))) / rows;
      const int64_t step = ceilDiv(panels, ceilDiv(panels, fits)) * rows;
      for (int64_t m0 = 0; m0 < filters; m0 += step) {
        const int64_t m1 = least(m0 + step, filters);
        withConstant<kMicroRows>(rows, [&](auto size) { pack<size.value>(m0, m1, depth, weights, packed); });
        for (int64_t n = 0; n < images; n++) {
          for (int64_t y = y0; y < y1; y += patches.height) {
            for (int64_t x = 0; x < patches.across.outputs; x += patches.width) {
              const int64_t height = least(patches.height, y1 - y),
                            width = least(patches.width, patches.across.outputs - x);
              patches.fill(image + n * imageStride, k0, k1, y, x, height, width, planes);
              T* to = out + n * outStride + y * outDown + x * outAcross;
              withConstant<kMicroRows>(rows, [&](auto size) {
                block<size.value>(m0, m1, depth, packed, planes, offsets, height, width, to, k0 > 0);
              });
            }
          }
        }
      }
    }
  }

 private:
  void locateWeights(int64_t k0, int64_t k1, int32_t* places) const {
    for (int64_t k = k0; k < k1; k++) {
      const int64_t i = k % patches.taps() / patches.across.taps, j = k % patches.across.taps;
      places[k - k0] =
          static_cast<int32_t>(k / patches.taps() * weightChannel + i * weightDown + j * weightAcross);
    }
  }

  /// Panels of ROWS filters, in stretches of the depth that lie together in memory.
  template <int ROWS>
  void pack(int64_t m0, int64_t m1, int64_t depth, const int32_t* places, T* to) const {
    for (int64_t m = m0; m < m1; m += ROWS) {
      const T* from = weight + m * weightFilter;
      for (int64_t p = 0, end; p < depth; to += (end - p) * ROWS, p = end) {
        for (end = p + 1; end < depth && places[end] == places[end - 1] + 1;) end++;
        Gemm<T>::template pack<ROWS>(to, from + places[p], least<int64_t>(ROWS, m1 - m), end - p, weightFilter, 1);
      }
    }
  }

  /// Filters m0 to m1 of a block of outputs, the first of which is at `out`.
  template <int ROWS>
  void block(int64_t m0, int64_t m1, int64_t depth, const T* packed, const T* planes, const int32_t* offsets,
             int64_t height, int64_t width, T* out, bool adds) const {
    constexpr int kVectors = vectorsFor(ROWS), kColumns = kVectors * V::kWidth;
    if (byRows) return rowBlock<ROWS>(m0, m1, depth, packed, planes, offsets, height, width, out, adds);
    // Outputs that lie like the planes need no second copy.
    const bool straight = outAcross == 1 && patches.pitch == outDown;
    const int64_t extent = patches.extent(height, width);
    for (int64_t q = 0; q < extent; q += kColumns) {
      for (int64_t m = m0; m < m1; m += ROWS) {
        const int64_t rows = least<int64_t>(ROWS, m1 - m);
        T start[ROWS] = {};
        if (bias && !adds) {
          for (int64_t i = 0; i < rows; i++) start[i] = bias[m + i];
        }
        const T* panel = packed + (m - m0) * depth;
        T* to = out + m * outFilter;
        if (straight && rows == ROWS && q + kColumns <= extent) {
          offsetTile<V, ROWS, kVectors>(depth, panel, planes + q, offsets, start, to + q, outFilter, adds);
          continue;
        }
        T tile[ROWS * kColumns];
        offsetTile<V, ROWS, kVectors>(depth, panel, planes + q, offsets, start, tile, kColumns, false);
        place(tile, kColumns, q, rows, height, width, to, adds);
      }
    }
  }

  /// The same in vectors that begin with the rows.
  template <int ROWS>
  void rowBlock(int64_t m0, int64_t m1, int64_t depth, const T* packed, const T* planes, const int32_t* offsets,
                int64_t height, int64_t width, T* out, bool adds) const {
    constexpr int kVectors = vectorsFor(ROWS);
    // The last vector of a row overlaps the one before unless it is to be added.
    const bool overlaps = width >= V::kWidth && !adds;
    int64_t y = 0, x = 0;
    while (y < height) {
      RowVectors<kVectors> vectors;
      for (int v = 0; v < kVectors; v++) {
        if (y == height) {
          // Beyond the block: computed once more, and not stored.
          vectors.from[v] = vectors.from[v - 1], vectors.to[v] = vectors.to[v - 1], vectors.lanes[v] = 0;
          continue;
        }
        const int64_t rest = width - x, at = rest < V::kWidth && overlaps ? width - V::kWidth : x;
        vectors.from[v] = y * patches.pitch + at;
        vectors.to[v] = y * outDown + at;
        vectors.lanes[v] = static_cast<int>(overlaps ? V::kWidth : least<int64_t>(V::kWidth, rest));
        x += V::kWidth;
        if (x >= width) x = 0, y++;
      }
      for (int64_t m = m0; m < m1; m += ROWS) {
        const int rows = static_cast<int>(least<int64_t>(ROWS, m1 - m));
        T start[ROWS] = {};
        if (bias && !adds) {
          for (int i = 0; i < rows; i++) start[i] = bias[m + i];
        }
        rowTile<V, ROWS, kVectors>(depth, packed + (m - m0) * depth, planes, offsets, start, vectors,
                                   out + m * outFilter, outFilter, rows, adds);
      }
    }
  }

  /// Brings the outputs of a tile that begins q elements into the block to where they belong.
  void place(const T* tile, int64_t columns, int64_t q, int64_t rows, int64_t height, int64_t width, T* out,
             bool adds) const {
    int64_t y = q / patches.pitch, x = q % patches.pitch;
    for (int64_t lane = 0; lane < columns && y < height; lane += patches.pitch - x, x = 0, y++) {
      const int64_t count = least(width - x, columns - lane);
      if (count <= 0) continue;
      T* to = out + y * outDown + x * outAcross;
      const T* from = tile + lane;
      for (int64_t i = 0; i < rows; i++, to += outFilter, from += columns) {
        if (outAcross == 1 && !adds) {
          copyRow<V>(from, count, to);
        } else if (outAcross == 1) {
          eachVector<V>(count, [&](int64_t j, auto lanes) {
            store(to + j, add(load<V>(to + j, lanes), load<V>(from + j, lanes)), lanes);
          });
        } else {
          for (int64_t j = 0; j < count; j++) {
            T& result = to[j * outAcross];
            result = adds ? result + from[j] : from[j];
          }
        }
      }
    }
  }
};
