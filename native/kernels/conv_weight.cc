// The transpose of conv2d with respect to the filters: dweight[o][k] = Σ g[o] · patch[k] over the outputs of
// all images. Two ways, both over the planes of patches.h. Where there are many filters, vectors hold filters:
// g is turned so that an output's filters lie side by side, and every patch element scales them. Where a
// filter has few taps, or there are few filters, vectors hold outputs: dot products of rows of g with
// rows of the planes. A thread sums up its part of dweight over all images in order, so results do
// not depend on how many there are. Included after conv.cc.

/// VECTORS vectors of filters for ROWS entries of the depth, added to `sums`: Σ over a block of outputs of
/// patch[entry] · g[filters].
template <class V, int ROWS, int VECTORS>
COTANGENT_NOINLINE void outerTile(int64_t height, int64_t width, int64_t pitch, const typename V::Scalar* planes,
                                  const int32_t* offsets, const typename V::Scalar* g, typename V::Scalar* sums,
                                  int64_t sumsRow) {
  using T = typename V::Scalar;
  V acc[ROWS][VECTORS];
  clear(acc);
  const T* at[ROWS];
  COTANGENT_UNROLL
  for (int i = 0; i < ROWS; i++) at[i] = planes + offsets[i];
  for (int64_t y = 0; y < height; y++) {
    const int64_t end = y * pitch + width;
    for (int64_t q = y * pitch; q < end; q++, g += VECTORS * V::kWidth) {
      V right[VECTORS];
      COTANGENT_UNROLL
      for (int v = 0; v < VECTORS; v++) right[v] = load<V>(g + v * V::kWidth);
      COTANGENT_UNROLL
      for (int i = 0; i < ROWS; i++) {
        const V left = splat<V>(at[i][q]);
        COTANGENT_UNROLL
        for (int v = 0; v < VECTORS; v++) acc[i][v] = fma(left, right[v], acc[i][v]);
      }
    }
  }
  COTANGENT_UNROLL
  for (int i = 0; i < ROWS; i++) {
    COTANGENT_UNROLL
    for (int v = 0; v < VECTORS; v++) {
      T* to = sums + i * sumsRow + v * V::kWidth;
      store(to, add(load<V>(to), acc[i][v]));
    }
  }
}

/// A block of outputs of several images, as `dotTile` walks it.
template <class T>
struct OutputRows {
  int64_t images, height, width;
  /// From image to image and from row to row.
  int64_t planesImage, pitch, gImage, gRow;
};

/// One vector of outputs of `dotTile`.
template <class V, int ROWS, int TAPS, class Lanes>
COTANGENT_INLINE void dotStep(V (&acc)[ROWS][TAPS], const typename V::Scalar* planes, const int32_t* offsets,
                              const typename V::Scalar* g, int64_t filterStride, Lanes lanes) {
  V left[ROWS];
  COTANGENT_UNROLL
  for (int i = 0; i < ROWS; i++) left[i] = load<V>(g + i * filterStride, lanes);
  COTANGENT_UNROLL
  for (int t = 0; t < TAPS; t++) {
    const V right = load<V>(planes + offsets[t], lanes);
    COTANGENT_UNROLL
    for (int i = 0; i < ROWS; i++) acc[i][t] = fma(left[i], right, acc[i][t]);
  }
}

/// Dot products of ROWS filters' g, `filterStride` apart, with TAPS entries of the depth.
template <class V, int ROWS, int TAPS>
COTANGENT_NOINLINE void dotTile(const OutputRows<typename V::Scalar>& rows, const typename V::Scalar* planes,
                                const int32_t* offsets, const typename V::Scalar* g, int64_t filterStride,
                                double (&sums)[ROWS][TAPS]) {
  V acc[ROWS][TAPS];
  clear(acc);
  for (int64_t n = 0; n < rows.images; n++) {
    for (int64_t y = 0; y < rows.height; y++) {
      const typename V::Scalar* from = planes + n * rows.planesImage + y * rows.pitch;
      const typename V::Scalar* slope = g + n * rows.gImage + y * rows.gRow;
      int64_t x = 0;
      for (; x + V::kWidth <= rows.width; x += V::kWidth)
        dotStep(acc, from + x, offsets, slope + x, filterStride, Full{});
      if (x < rows.width)
        dotStep(acc, from + x, offsets, slope + x, filterStride, Part{static_cast<int>(rows.width - x)});
    }
  }
  COTANGENT_UNROLL
  for (int i = 0; i < ROWS; i++) {
    COTANGENT_UNROLL
    for (int t = 0; t < TAPS; t++) sums[i][t] = sumLanes(acc[i][t]);
  }
}

template <class T>
class WeightGradient {
  using V = typename VectorOf<T>::Type;
  static constexpr int kColumns = 2 * V::kWidth;
  /// Rows of an outer product; the accumulators and one operand fill the registers.
  static constexpr int kRows = least(kMicroRows, 12);
  static constexpr int kDotRows = 3;
  static constexpr int kDotTaps = kMicroRows >= 12 ? 9 : 3;
  static constexpr int64_t kPlaneBytes = 1 << 19;
  static constexpr int64_t kTableBytes = (kMaxPatchDepth + 16) * sizeof(int32_t);
  /// Depth and filters of a part: sums of both, and g of a block, fit the workspace beside the planes.
  static constexpr int64_t kDepth = 384;
  static constexpr int64_t kFilters = 128;
  /// Outputs that are summed up in single precision before they are added to others.
  static constexpr int64_t kChain = 256;
  static constexpr int64_t kDotChain = 2048;
  static_assert(kTableBytes + kPlaneBytes + (kMaxPatchDepth + 16 + kChain) * kFilters * sizeof(double) <=
                kWorkspaceBytes);

  const Convolution<T>& conv;
  Patches<T> patches;
  bool dots;
  /// Images of a block; depth and filters of a part.
  int64_t blockImages = 1, depth, filters;

 public:
  WeightGradient(const Convolution<T>& conv, int threads)
      : conv(conv), patches(conv.down(), conv.across(), conv.channels) {
    // Turning g costs about as much as sixteen entries of the depth.
    dots = conv.filters < V::kWidth / 2 || patches.depth() <= 4 * V::kWidth;
    const int64_t chain = dots ? kDotChain : kChain, across = conv.resultWidth;
    const int64_t width = least(across, chain), height = most<int64_t>(1, least(conv.resultHeight, chain / width));
    patches.cut(height, width);
    if (dots) blockImages = most<int64_t>(1, least(conv.images, chain / (width * height)));
    const int64_t bytes = kPlaneBytes / blockImages;
    if (patches.unitBytes() > bytes) {
      patches.shared = false;
      patches.cut(height, width);
    }
    depth = patches.depthWithin(kDepth, bytes);
    filters = least(conv.filters, kFilters);
    // Smaller parts where threads would be idle otherwise.
    while (parts() < threads) {
      if (!dots && depth >= 8 * kRows && depth > patches.unit()) {
        depth = ceilDiv(depth / patches.unit(), 2) * patches.unit();
      } else if (filters >= (dots ? 2 * kDotRows : 2 * kColumns)) {
        filters = dots ? ceilDiv(ceilDiv(filters, 2), kDotRows) * kDotRows : ceilDiv(ceilDiv(filters, 2), kColumns) * kColumns;
      } else {
        break;
      }
    }
  }

  int64_t deep() const { return ceilDiv(patches.depth(), depth); }
  int64_t wide() const { return ceilDiv(conv.filters, filters); }
  int64_t parts() const { return conv.groups * deep() * wide(); }

  void run(int64_t part, char* workspace) const {
    const int64_t group = part / (deep() * wide()), k0 = part / wide() % deep() * depth, o0 = part % wide() * filters;
    const int64_t k1 = least(k0 + depth, patches.depth()), o1 = least(o0 + filters, conv.filters);
    if (dots)
      byDots(group, k0, k1, o0, o1, workspace);
    else
      byOuterProducts(group, k0, k1, o0, o1, workspace);
  }

 private:
  const T* imageAt(int64_t n, int64_t group) const {
    return conv.r.template data<T>(2) + (n * conv.groups + group) * conv.channels * conv.pixels();
  }
  const T* gAt(int64_t n, int64_t group, int64_t o) const {
    return conv.r.template data<T>(1) + ((n * conv.groups + group) * conv.filters + o) * conv.points();
  }
  T& result(int64_t group, int64_t o, int64_t k) const {
    return conv.r.template data<T>(0)[(group * conv.filters + o) * patches.depth() + k];
  }

  /// Calls `f(y, x, height, width)` for every block of outputs.
  template <class F>
  void eachBlock(F f) const {
    for (int64_t y = 0; y < conv.resultHeight; y += patches.height) {
      for (int64_t x = 0; x < conv.resultWidth; x += patches.width)
        f(y, x, least(patches.height, conv.resultHeight - y), least(patches.width, conv.resultWidth - x));
    }
  }

  /// Fills a multiple of `step` of offsets; those beyond the depth repeat the last.
  int64_t locate(int64_t k0, int64_t k1, int64_t step, int32_t* offsets) const {
    patches.locate(k0, k1, offsets);
    const int64_t n = k1 - k0, whole = ceilDiv(n, step) * step;
    for (int64_t k = n; k < whole; k++) offsets[k] = offsets[n - 1];
    return whole;
  }

  void byOuterProducts(int64_t group, int64_t k0, int64_t k1, int64_t o0, int64_t o1, char* workspace) const {
    int32_t* offsets = reinterpret_cast<int32_t*>(workspace);
    T* planes = reinterpret_cast<T*>(workspace + kTableBytes);
    T* sums = planes + kPlaneBytes / sizeof(T);
    const int64_t whole = locate(k0, k1, kRows, offsets);
    // The last vectors of filters go alone where one is enough.
    const int64_t pairs = (o1 - o0) / kColumns * kColumns, rest = o1 - o0 - pairs;
    const int64_t lanes = pairs + (rest > V::kWidth ? kColumns : rest > 0 ? V::kWidth : 0);
    T* turned = sums + whole * lanes;
    memset(sums, 0, static_cast<size_t>(whole * lanes) * sizeof(T));
    for (int64_t n = 0; n < conv.images; n++) {
      eachBlock([&](int64_t y, int64_t x, int64_t height, int64_t width) {
        patches.fill(imageAt(n, group), k0, k1, y, x, height, width, planes);
        turn(gAt(n, group, o0) + y * conv.resultWidth + x, o1 - o0, height, width, turned);
        for (int64_t o = 0; o < lanes; o += kColumns) {
          const T* g = turned + o * height * width;
          for (int64_t k = 0; k < whole; k += kRows) {
            T* to = sums + k * lanes + o;
            if (lanes - o >= kColumns)
              outerTile<V, kRows, 2>(height, width, patches.pitch, planes, offsets + k, g, to, lanes);
            else
              outerTile<V, kRows, 1>(height, width, patches.pitch, planes, offsets + k, g, to, lanes);
          }
        }
      });
    }
    for (int64_t o = o0; o < o1; o++) {
      for (int64_t k = k0; k < k1; k++) result(group, o, k) = sums[(k - k0) * lanes + o - o0];
    }
  }

  /// A block of g in panels of filters: those of one output side by side, zeros beyond the last.
  void turn(const T* g, int64_t count, int64_t height, int64_t width, T* to) const {
    const int64_t stride = conv.points();
    // Rows that follow each other in g are one.
    const int64_t rows = width == conv.resultWidth ? 1 : height, columns = height * width / rows;
    for (int64_t o = 0; o < count; o += kColumns) {
      const int64_t some = least<int64_t>(kColumns, count - o);
      for (int64_t y = 0; y < rows; y++) {
        const T* from = g + o * stride + y * conv.resultWidth;
        if (some > V::kWidth)
          Gemm<T>::template pack<kColumns>(to, from, some, columns, stride, 1), to += columns * kColumns;
        else
          Gemm<T>::template pack<V::kWidth>(to, from, some, columns, stride, 1), to += columns * V::kWidth;
      }
    }
  }

  void byDots(int64_t group, int64_t k0, int64_t k1, int64_t o0, int64_t o1, char* workspace) const {
    int32_t* offsets = reinterpret_cast<int32_t*>(workspace);
    T* planes = reinterpret_cast<T*>(workspace + kTableBytes);
    double* sums = reinterpret_cast<double*>(workspace + kTableBytes + kPlaneBytes);
    const int64_t whole = locate(k0, k1, kDotTaps, offsets);
    const int64_t planesImage = (k1 - k0) / patches.unit() * patches.unitBytes() / static_cast<int64_t>(sizeof(T));
    memset(sums, 0, static_cast<size_t>((o1 - o0) * whole) * sizeof(double));
    for (int64_t n = 0; n < conv.images; n += blockImages) {
      const int64_t images = least(blockImages, conv.images - n);
      eachBlock([&](int64_t y, int64_t x, int64_t height, int64_t width) {
        for (int64_t i = 0; i < images; i++)
          patches.fill(imageAt(n + i, group), k0, k1, y, x, height, width, planes + i * planesImage);
        const OutputRows<T> rows{images, height, width, planesImage, patches.pitch,
                                 conv.groups * conv.filters * conv.points(), conv.resultWidth};
        const auto tile = [&](auto count, int64_t o, int64_t k) {
          double products[count.value][kDotTaps];
          dotTile<V, count.value, kDotTaps>(rows, planes, offsets + k, gAt(n, group, o) + y * conv.resultWidth + x,
                                            conv.points(), products);
          for (int i = 0; i < count.value; i++) {
            for (int t = 0; t < kDotTaps; t++) sums[(o - o0 + i) * whole + k + t] += products[i][t];
          }
        };
        for (int64_t k = 0; k < whole; k += kDotTaps) {
          int64_t o = o0;
          for (; o + kDotRows <= o1; o += kDotRows) tile(Constant<kDotRows>{}, o, k);
          for (; o < o1; o++) tile(Constant<1>{}, o, k);
        }
      });
    }
    for (int64_t o = o0; o < o1; o++) {
      for (int64_t k = k0; k < k1; k++) result(group, o, k) = static_cast<T>(sums[(o - o0) * whole + k - k0]);
    }
  }
};

template <class T>
void conv2dBackwardWeight(const int32_t* words, Context& context) {
  const Convolution<T> conv(words);
  const WeightGradient<T> gradient(conv, context.pool->threads());
  const double work = conv.multiplications() / 32 / static_cast<double>(gradient.parts());
  parallelFor(context, gradient.parts(), work, [&](int64_t begin, int64_t end, char* workspace) {
    for (int64_t part = begin; part < end; part++) gradient.run(part, workspace);
  });
}

template <class T, abi::DType dtype>
void fillConvFor(KernelTable& table) {
  table.kernels[OP_CONV2D][dtype] = conv2d<T>;
  table.kernels[OP_CONV2D_BACKWARD_INPUT][dtype] = conv2dBackwardInput<T>;
  table.kernels[OP_CONV2D_BACKWARD_WEIGHT][dtype] = conv2dBackwardWeight<T>;
}

inline void fillConv(KernelTable& table) {
  fillConvFor<float, abi::FLOAT32>(table);
  fillConvFor<double, abi::FLOAT64>(table);
}
