// The largest element and the mean of windows of images, and their transposes.

/// The record of any of the four; `dilation` is 1 for means.
struct Windows {
  int64_t images, resultHeight, resultWidth, kernelHeight, kernelWidth;
  int64_t height, width, strideDown, strideAcross, paddingDown, paddingAcross;
  int64_t dilationDown = 1, dilationAcross = 1;

  explicit Windows(const Record& r)
      : images(r.shape[0]),
        resultHeight(r.shape[1]),
        resultWidth(r.shape[2]),
        kernelHeight(r.shape[3]),
        kernelWidth(r.shape[4]),
        height(static_cast<int64_t>(r.params[0])),
        width(static_cast<int64_t>(r.params[1])),
        strideDown(static_cast<int64_t>(r.params[2])),
        strideAcross(static_cast<int64_t>(r.params[3])),
        paddingDown(static_cast<int64_t>(r.params[4])),
        paddingAcross(static_cast<int64_t>(r.params[5])) {}

  int64_t pixels() const { return height * width; }
  int64_t points() const { return resultHeight * resultWidth; }
  double taps() const { return static_cast<double>(kernelHeight * kernelWidth); }
  /// Whether windows are squares of four that lie side by side, within the image.
  bool areQuarters() const {
    return kernelHeight == 2 && kernelWidth == 2 && strideDown == 2 && strideAcross == 2 && paddingDown == 0 &&
           paddingAcross == 0 && dilationDown == 1 && dilationAcross == 1 && 2 * resultHeight <= height &&
           2 * resultWidth <= width;
  }
};

/// The places of one window along one dimension that lie inside the image: from `begin` to before `end`.
struct Inside {
  int64_t begin, end;

  Inside(int64_t start, int64_t taps, int64_t dilation, int64_t size) {
    begin = start < 0 ? start + ceilDiv(-start, dilation) * dilation : start;
    end = least(size, start + (taps - 1) * dilation + 1);
  }
};

/// The longest row of windows for which `largestOfFour` has room, and places are exact in single precision.
constexpr int64_t kMaxQuarters = 1 << 16;
static_assert(2 * kMaxQuarters * sizeof(double) <= kWorkspaceBytes);

/// A row of outputs whose windows are squares of four, taken apart so that all loops are ones of vectors. `first` is the
/// place of the first window.
template <class T>
inline void largestOfFour(const T* upper, const T* lower, int64_t n, int64_t width, int64_t first, T* out,
                          int64_t* index, T* space) {
  using V = typename VectorOf<T>::Type;
  T *right = space, *below = space + n, *across = space + 2 * n, *places = space + 3 * n;
  for (int64_t x = 0; x < n; x++) out[x] = upper[2 * x];
  for (int64_t x = 0; x < n; x++) right[x] = upper[2 * x + 1];
  for (int64_t x = 0; x < n; x++) below[x] = lower[2 * x];
  for (int64_t x = 0; x < n; x++) across[x] = lower[2 * x + 1];
  const V one = splat<V>(1), line = splat<V>(static_cast<double>(width));
  eachVector<V>(n, [&](int64_t x, auto lanes) {
    V best = load<V>(out + x, lanes), place = splat<V>(0);
    const auto consider = [&](V value, V at) {
      // NaN is neither less nor equal, and stays once it is the best.
      const auto better = both(invert(le(value, best)), eq(best, best));
      best = select(better, value, best);
      place = select(better, at, place);
    };
    consider(load<V>(right + x, lanes), one);
    consider(load<V>(below + x, lanes), line);
    consider(load<V>(across + x, lanes), add(line, one));
    store(out + x, best, lanes);
    store(places + x, place, lanes);
  });
  for (int64_t x = 0; x < n; x++) index[x] = first + 2 * x + static_cast<int32_t>(places[x]);
}

template <class T>
void maxPool2d(const int32_t* words, Context& context) {
  const Record r(words);
  Windows w(r);
  w.dilationDown = static_cast<int64_t>(r.params[6]), w.dilationAcross = static_cast<int64_t>(r.params[7]);
  const double work = w.taps() * static_cast<double>(w.resultWidth);
  parallelFor(context, w.images * w.resultHeight, work, [&](int64_t begin, int64_t end, char* workspace) {
    for (int64_t row = begin; row < end; row++) {
      const T* image = r.data<T>(2) + row / w.resultHeight * w.pixels();
      T* out = r.data<T>(0) + row * w.resultWidth;
      int64_t* index = r.data<int64_t>(1) + row * w.resultWidth;
      const int64_t top = row % w.resultHeight * w.strideDown - w.paddingDown;
      if (w.areQuarters() && w.width <= kMaxQuarters) {
        const T* upper = image + top * w.width;
        largestOfFour(upper, upper + w.width, w.resultWidth, w.width, top * w.width, out, index,
                      reinterpret_cast<T*>(workspace));
        continue;
      }
      const Inside down(top, w.kernelHeight, w.dilationDown, w.height);
      for (int64_t x = 0; x < w.resultWidth; x++) {
        const Inside across(x * w.strideAcross - w.paddingAcross, w.kernelWidth, w.dilationAcross, w.width);
        int64_t place = down.begin * w.width + across.begin;
        T best = image[place];
        for (int64_t i = down.begin; i < down.end; i += w.dilationDown) {
          for (int64_t j = across.begin; j < across.end; j += w.dilationAcross) {
            const T value = image[i * w.width + j];
            if (value <= best || best != best) continue;
            best = value;
            place = i * w.width + j;
          }
        }
        out[x] = best;
        index[x] = place;
      }
    }
  });
}

template <class T>
void maxPool2dBackward(const int32_t* words, Context& context) {
  const Record r(words);
  const int64_t points = static_cast<int64_t>(r.shape[1]) * r.shape[2];
  const int64_t pixels = static_cast<int64_t>(r.params[0]) * static_cast<int64_t>(r.params[1]);
  parallelFor(context, r.shape[0], static_cast<double>(points + pixels / 8), [&](int64_t begin, int64_t end, char*) {
    for (int64_t image = begin; image < end; image++) {
      T* dx = r.data<T>(0) + image * pixels;
      const T* g = r.data<T>(1) + image * points;
      const int64_t* index = r.data<int64_t>(2) + image * points;
      memset(dx, 0, static_cast<size_t>(pixels) * sizeof(T));
      for (int64_t i = 0; i < points; i++) dx[index[i]] += g[i];
    }
  });
}

/// What the sum of a window is divided by.
struct Divisor {
  const Windows& w;
  bool countsPadding;
  double given;

  Divisor(const Record& r, const Windows& w) : w(w), countsPadding(r.params[6] != 0), given(r.params[7]) {}

  double operator()(int64_t y, int64_t x, const Inside& down, const Inside& across) const {
    if (given != 0) return given;
    if (!countsPadding) return static_cast<double>((down.end - down.begin) * (across.end - across.begin));
    // Windows may reach beyond the padding; those places do not count.
    const int64_t top = y * w.strideDown, left = x * w.strideAcross;
    return static_cast<double>(least(w.kernelHeight, w.height + 2 * w.paddingDown - top) *
                               least(w.kernelWidth, w.width + 2 * w.paddingAcross - left));
  }
};

template <class T>
void avgPool2d(const int32_t* words, Context& context) {
  const Record r(words);
  const Windows w(r);
  const Divisor divisor(r, w);
  const double work = w.taps() * static_cast<double>(w.resultWidth);
  parallelFor(context, w.images * w.resultHeight, work, [&](int64_t begin, int64_t end, char*) {
    for (int64_t row = begin; row < end; row++) {
      const int64_t y = row % w.resultHeight, top = y * w.strideDown - w.paddingDown;
      const T* image = r.data<T>(1) + row / w.resultHeight * w.pixels();
      T* out = r.data<T>(0) + row * w.resultWidth;
      const Inside down(top, w.kernelHeight, 1, w.height);
      if (w.areQuarters()) {
        const T *upper = image + top * w.width, *lower = upper + w.width;
        const T factor = static_cast<T>(1 / divisor(0, 0, down, Inside(0, 2, 1, w.width)));
        for (int64_t x = 0; x < w.resultWidth; x++)
          out[x] = (upper[2 * x] + upper[2 * x + 1] + (lower[2 * x] + lower[2 * x + 1])) * factor;
        continue;
      }
      for (int64_t x = 0; x < w.resultWidth; x++) {
        const Inside across(x * w.strideAcross - w.paddingAcross, w.kernelWidth, 1, w.width);
        double sum = 0;
        for (int64_t i = down.begin; i < down.end; i++) {
          for (int64_t j = across.begin; j < across.end; j++) sum += static_cast<double>(image[i * w.width + j]);
        }
        out[x] = static_cast<T>(sum / divisor(y, x, down, across));
      }
    }
  });
}

template <class T>
void avgPool2dBackward(const int32_t* words, Context& context) {
  const Record r(words);
  const Windows w(r);
  const Divisor divisor(r, w);
  const double work = w.taps() * static_cast<double>(w.points()) + static_cast<double>(w.pixels());
  parallelFor(context, w.images, work, [&](int64_t begin, int64_t end, char*) {
    for (int64_t image = begin; image < end; image++) {
      T* dx = r.data<T>(0) + image * w.pixels();
      const T* g = r.data<T>(1) + image * w.points();
      memset(dx, 0, static_cast<size_t>(w.pixels()) * sizeof(T));
      if (w.areQuarters()) {
        const T factor = static_cast<T>(1 / divisor(0, 0, Inside(0, 2, 1, w.height), Inside(0, 2, 1, w.width)));
        for (int64_t y = 0; y < 2 * w.resultHeight; y++) {
          for (int64_t x = 0; x < w.resultWidth; x++)
            dx[y * w.width + 2 * x] = dx[y * w.width + 2 * x + 1] = g[y / 2 * w.resultWidth + x] * factor;
        }
        continue;
      }
      for (int64_t y = 0; y < w.resultHeight; y++) {
        const Inside down(y * w.strideDown - w.paddingDown, w.kernelHeight, 1, w.height);
        for (int64_t x = 0; x < w.resultWidth; x++) {
          const Inside across(x * w.strideAcross - w.paddingAcross, w.kernelWidth, 1, w.width);
          const double slope = static_cast<double>(g[y * w.resultWidth + x]);
          const T part = static_cast<T>(slope / divisor(y, x, down, across));
          for (int64_t i = down.begin; i < down.end; i++) {
            for (int64_t j = across.begin; j < across.end; j++) dx[i * w.width + j] += part;
          }
        }
      }
    }
  });
}

template <class T, abi::DType dtype>
void fillPoolFor(KernelTable& table) {
  table.kernels[OP_MAX_POOL2D][dtype] = maxPool2d<T>;
  table.kernels[OP_MAX_POOL2D_BACKWARD][dtype] = maxPool2dBackward<T>;
  table.kernels[OP_AVG_POOL2D][dtype] = avgPool2d<T>;
  table.kernels[OP_AVG_POOL2D_BACKWARD][dtype] = avgPool2dBackward<T>;
}

inline void fillPool(KernelTable& table) {
  fillPoolFor<float, abi::FLOAT32>(table);
  fillPoolFor<double, abi::FLOAT64>(table);
}
