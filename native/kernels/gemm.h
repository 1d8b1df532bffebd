// One matrix product of floats, three ways: dot products or columns when one side is (nearly) a
// vector, tiles read in place when everything is small, and otherwise blocks packed into the cache
// order of Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", 2008.
// matmul.cc chooses among them and shares the work out. Included inside namespace COTANGENT_NS.
#pragma once

/// One product of the batch; strides in elements.
template <class T>
struct Product {
  int64_t m, n, k;
  int64_t cRow, aRow, aDepth, bDepth, bColumn;
  T* c;
  const T* a;
  const T* b;
};

template <class T>
struct Gemm {
  using V = typename VectorOf<T>::Type;
  static constexpr int kRows = kMicroRows;
  static constexpr int kVectors = kMicroVectors;
  static constexpr int kColumns = kVectors * V::kWidth;
  /// Depth of a block: panels of A and B of this depth fit the L1 cache together.
  static constexpr int64_t kDepth = kMatmulDepth;
  /// Rows of a block of A (144 KB, for the L2 cache), columns of a block of B (1 MB, for the L3).
  static constexpr int64_t kBlockRows = (147456 / (kDepth * sizeof(T))) / kRows * kRows;
  static constexpr int64_t kBlockColumns = ((1 << 20) / (kDepth * sizeof(T))) / kColumns * kColumns;
  static constexpr int64_t kPackedA = 1 << 18;
  static_assert(kBlockRows * kDepth * sizeof(T) <= kPackedA);
  static_assert(kPackedA + kBlockColumns * kDepth * sizeof(T) <= kWorkspaceBytes - kGroupBuffers);

  /// A whole panel of lines that are contiguous along the depth, in squares from right to left: a square
  /// that is wider than what is left of R spills into the next depth, which is written afterwards.
  template <int R>
  static void packAcross(T* to, const T* from, int64_t depth, int64_t lineStride) {
    constexpr int kSide = SquareBlock<T>::kWidth;
    // Depths that a square spills into.
    constexpr int kSpills = R % kSide == 0 ? 0 : (kSide - R % kSide + R - 1) / R;
    int64_t p = 0;
    for (; p + kSide + kSpills <= depth; p += kSide) {
      COTANGENT_UNROLL
      for (int i = (R - 1) / kSide * kSide; i >= 0; i -= kSide)
        SquareBlock<T>::transpose(from + i * lineStride + p, lineStride, least(kSide, R - i), to + p * R + i, R);
    }
    for (; p < depth; p++) {
      for (int i = 0; i < R; i++) to[p * R + i] = from[i * lineStride + p];
    }
  }

  /// Cuts `lines` lines into panels of R, each with its R values of one depth side by side. The
  /// last panel is filled up with zeros.
  template <int R>
  static void pack(T* to, const T* from, int64_t lines, int64_t depth, int64_t lineStride,
                   int64_t depthStride) {
    for (; lines > 0; lines -= R, from += R * lineStride, to += R * depth) {
      if (lines < R) {
        memset(to, 0, static_cast<size_t>(R * depth) * sizeof(T));
        for (int64_t p = 0; p < depth; p++) {
          for (int64_t i = 0; i < lines; i++) to[p * R + i] = from[i * lineStride + p * depthStride];
        }
      } else if (lineStride == 1) {
        for (int64_t p = 0; p < depth; p++) {
          for (int i = 0; i < R; i++) to[p * R + i] = from[p * depthStride + i];
        }
      } else if (depthStride == 1) {
        packAcross<R>(to, from, depth, lineStride);
      } else {
        for (int64_t p = 0; p < depth; p++) {
          for (int i = 0; i < R; i++) to[p * R + i] = from[i * lineStride + p * depthStride];
        }
      }
    }
  }

  /// Calls `finished(i0, i1, j0, j1)` for every block of C as soon as it is complete.
  template <class F>
  static void packed(const Product<T>& g, char* workspace, F finished) {
    T* packedA = reinterpret_cast<T*>(workspace);
    T* packedB = reinterpret_cast<T*>(workspace + kPackedA);
    for (int64_t j0 = 0; j0 < g.n; j0 += kBlockColumns) {
      const int64_t columns = least(kBlockColumns, g.n - j0);
      for (int64_t p0 = 0; p0 < g.k; p0 += kDepth) {
        const int64_t depth = least(kDepth, g.k - p0);
        pack<kColumns>(packedB, g.b + j0 * g.bColumn + p0 * g.bDepth, columns, depth, g.bColumn, g.bDepth);
        for (int64_t i0 = 0; i0 < g.m; i0 += kBlockRows) {
          const int64_t rows = least(kBlockRows, g.m - i0);
          pack<kRows>(packedA, g.a + i0 * g.aRow + p0 * g.aDepth, rows, depth, g.aRow, g.aDepth);
          block(packedA, packedB, g.c + i0 * g.cRow + j0, g.cRow, rows, columns, depth, p0 > 0);
          if (p0 + depth == g.k) finished(i0, i0 + rows, j0, j0 + columns);
        }
      }
    }
  }

  static void block(const T* a, const T* b, T* c, int64_t cRow, int64_t rows, int64_t columns, int64_t depth,
                    bool adds) {
    for (int64_t j = 0; j < columns; j += kColumns) {
      for (int64_t i = 0; i < rows; i += kRows) {
        const T* left = a + i * depth;
        const T* right = b + j * depth;
        T* to = c + i * cRow + j;
        if (i + kRows <= rows && j + kColumns <= columns) {
          packedTile<V, kRows, kVectors>(depth, left, right, to, cRow, adds);
          continue;
        }
        T tile[kRows * kColumns];
        packedTile<V, kRows, kVectors>(depth, left, right, tile, kColumns, false);
        const int64_t height = least<int64_t>(kRows, rows - i), width = least<int64_t>(kColumns, columns - j);
        for (int64_t y = 0; y < height; y++) {
          for (int64_t x = 0; x < width; x++) {
            const T sum = tile[y * kColumns + x];
            to[y * cRow + x] = adds ? to[y * cRow + x] + sum : sum;
          }
        }
      }
    }
  }

  /// Rows of a tile read in place; fewer at the lower edge.
  static constexpr int kDirectRows = least(kMicroRows, 6);

  /// In place: needs B contiguous along n.
  template <int ROWS>
  static void directRows(const Product<T>& g, int64_t i, int64_t j, bool whole, bool adds) {
    for (; i + ROWS <= g.m; i += ROWS) {
      const T* a = g.a + i * g.aRow;
      T* c = g.c + i * g.cRow + j;
      if (whole) {
        directTile<V, ROWS, 2>(g.k, a, g.aRow, g.aDepth, g.b + j, g.bDepth, c, g.cRow, adds, Full{});
      } else {
        const Part rest{static_cast<int>(least<int64_t>(V::kWidth, g.n - j))};
        directTile<V, ROWS, 1>(g.k, a, g.aRow, g.aDepth, g.b + j, g.bDepth, c, g.cRow, adds, rest);
      }
    }
    if constexpr (ROWS > 1) directRows<(ROWS > 4) ? 4 : ROWS / 2>(g, i, j, whole, adds);
  }
  static void directBlock(const Product<T>& g, bool adds) {
    int64_t j = 0;
    for (; j + 2 * V::kWidth <= g.n; j += 2 * V::kWidth) directRows<kDirectRows>(g, 0, j, true, adds);
    for (; j < g.n; j += V::kWidth) directRows<kDirectRows>(g, 0, j, false, adds);
  }
  /// A large B is read a few rows at a time: walking down its columns would be a cache miss each step.
  static void direct(const Product<T>& g) {
    constexpr int64_t kStrip = 8;
    constexpr int64_t kCached = 1 << 17;
    const int64_t depth = g.k * g.n * static_cast<int64_t>(sizeof(T)) > kCached ? kStrip : g.k;
    for (int64_t p = 0; p < g.k; p += depth) {
      Product<T> strip = g;
      strip.k = least(depth, g.k - p);
      strip.a += p * g.aDepth;
      strip.b += p * g.bDepth;
      directBlock(strip, p > 0);
    }
  }

  /// B contiguous along k and small: turned round in the workspace first.
  static void directTransposed(Product<T> g, char* workspace) {
    T* turned = reinterpret_cast<T*>(workspace);
    const Rectangle from{reinterpret_cast<char*>(const_cast<T*>(g.b)), g.bDepth, g.bColumn};
    moveItems(sizeof(T), {workspace, g.n, 1}, from, g.k, g.n);
    g.b = turned;
    g.bDepth = g.n;
    direct(g);
  }

  /// One row of C, B contiguous along n: C gathers multiples of B's rows.
  static void columns(const Product<T>& g) {
    constexpr int kWide = 8;
    int64_t j = 0;
    for (; j + kWide * V::kWidth <= g.n; j += kWide * V::kWidth) {
      directTile<V, 1, kWide>(g.k, g.a, 0, g.aDepth, g.b + j, g.bDepth, g.c + j, 0, false, Full{});
    }
    for (; j < g.n; j += V::kWidth) {
      const Part rest{static_cast<int>(least<int64_t>(V::kWidth, g.n - j))};
      directTile<V, 1, 1>(g.k, g.a, 0, g.aDepth, g.b + j, g.bDepth, g.c + j, 0, false, rest);
    }
  }

  /// Dot products of A's rows with B's columns, both contiguous along k.
  static void dots(const Product<T>& g) {
    constexpr int kDotRows = 4;
    for (int64_t i = 0; i < g.m; i++) {
      int64_t j = 0;
      const T* a = g.a + i * g.aRow;
      T* c = g.c + i * g.cRow;
      for (; j + kDotRows <= g.n; j += kDotRows)
        dotRows<V, kDotRows>(g.k, g.b + j * g.bColumn, g.bColumn, a, c + j, 1);
      for (; j < g.n; j++) dotRows<V, 1>(g.k, g.b + j * g.bColumn, g.bColumn, a, c + j, 1);
    }
  }
};
