// What the windows of a convolution see of an image, laid out for the tiles of correlate.h and
// conv_weight.cc: a vector along the outputs is one load, wherever its tap looks. A matrix of patches
// (im2col) would hold every element once per tap; here the taps share planes. A plane is a part of one
// channel with zeros around it, taken in steps of the stride, so that from one output to the next is one
// element; taps look at it from different offsets. Included inside namespace COTANGENT_NS.
#pragma once

/// Along one dimension, output u and tap t of its window see place u · step + first + t · delta of `size`;
/// outside there are zeros.
struct Axis {
  int64_t outputs, step, first, delta, taps, size;

  int64_t span() const { return delta < 0 ? -delta : delta; }
  /// Taps counted from the one that looks lowest.
  int64_t rank(int64_t t) const { return delta < 0 ? taps - 1 - t : t; }
  int64_t lowest() const { return delta < 0 ? first + (taps - 1) * delta : first; }
  /// How many sets of places, `step` apart, the taps need; rank k looks at set k % lines().
  int64_t lines() const {
    int64_t a = step, b = span();
    while (b != 0) {
      const int64_t rest = a % b;
      a = b, b = rest;
    }
    return least(taps, step / a);
  }
  /// Where set `line` begins, counted from the lowest place.
  int64_t origin(int64_t line) const { return line * span() % step; }
  /// Outputs that tap t is ahead of its line's origin.
  int64_t shift(int64_t t) const { return rank(t) * span() / step; }
  int64_t reach() const { return (taps - 1) * span() / step; }
};

/// Copies n elements. The last vector overlaps the one before: storing a part of one is slow with AVX2.
template <class V>
COTANGENT_INLINE void copyRow(const typename V::Scalar* from, int64_t n, typename V::Scalar* to) {
  if (n < V::kWidth) {
    for (int64_t i = 0; i < n; i++) to[i] = from[i];
    return;
  }
  for (int64_t i = 0; i + V::kWidth <= n; i += V::kWidth) store(to + i, load<V>(from + i));
  store(to + n - V::kWidth, load<V>(from + n - V::kWidth));
}

/// The most entries of a block's depth.
constexpr int64_t kMaxPatchDepth = 1024;

/// Depth is counted channel by channel, tap by tap (as filters lie in memory).
template <class T>
struct Patches {
  using V = typename VectorOf<T>::Type;
  Axis down, across;
  int64_t channels;
  /// Whether taps share planes. Each has its own where windows reach much further than their outputs.
  bool shared;
  /// Outputs of a block, elements from row to row and from plane to plane.
  int64_t height = 0, width = 0, pitch = 0, planeSize = 0;

  Patches(const Axis& down, const Axis& across, int64_t channels)
      : down(down),
        across(across),
        channels(channels),
        shared(taps() <= kMaxPatchDepth && across.reach() <= across.outputs && down.reach() <= 4 * down.outputs) {}

  int64_t taps() const { return down.taps * across.taps; }
  int64_t depth() const { return channels * taps(); }
  /// Entries of the depth that stay together.
  int64_t unit() const { return shared ? taps() : 1; }
  int64_t unitBytes() const {
    const int64_t planes = shared ? down.lines() * across.lines() : 1;
    return planes * planeSize * static_cast<int64_t>(sizeof(T));
  }
  void cut(int64_t blockHeight, int64_t blockWidth) {
    height = blockHeight, width = blockWidth;
    pitch = width + (shared ? across.reach() : 0);
    planeSize = pitch * (height + (shared ? down.reach() : 0));
  }
  /// Elements from a block's first output to after its last.
  int64_t extent(int64_t rows, int64_t columns) const { return (rows - 1) * pitch + columns; }
  /// The largest depth of at most `most` entries that takes at most `bytes`, cut into equal parts; 0 if there is none.
  int64_t depthWithin(int64_t entries, int64_t bytes) const {
    const int64_t units = depth() / unit(), fits = least(bytes / unitBytes(), most<int64_t>(entries / unit(), 1));
    return fits == 0 ? 0 : ceilDiv(units, ceilDiv(units, fits)) * unit();
  }

  /// For each entry of the depth from k0 to k1, where its first output is among the planes.
  void locate(int64_t k0, int64_t k1, int32_t* offsets) const {
    const int64_t lines = across.lines(), planes = down.lines() * lines;
    for (int64_t k = k0; k < k1; k++) {
      const int64_t i = k % taps() / across.taps, j = k % across.taps;
      int64_t plane = k - k0, start = 0;
      if (shared) {
        const int64_t line = down.rank(i) % down.lines() * lines + across.rank(j) % lines;
        plane = (k - k0) / taps() * planes + line;
        start = down.shift(i) * pitch + across.shift(j);
      }
      offsets[k - k0] = static_cast<int32_t>(plane * planeSize + start);
    }
  }

  /// Fills the planes of the depth from k0 to k1 for the block of `rows` × `columns` outputs from (y, x) on.
  void fill(const T* image, int64_t k0, int64_t k1, int64_t y, int64_t x, int64_t rows, int64_t columns,
            T* planes) const {
    const int64_t size = down.size * across.size, top = y * down.step, left = x * across.step;
    if (!shared) {
      for (int64_t k = k0; k < k1; k++, planes += planeSize) {
        const int64_t i = k % taps() / across.taps, j = k % across.taps;
        fillPlane(image + k / taps() * size, top + down.first + i * down.delta,
                  left + across.first + j * across.delta, rows, columns, planes);
      }
      return;
    }
    const int64_t high = down.lines(), wide = across.lines();
    for (int64_t channel = k0 / taps(); channel < k1 / taps(); channel++) {
      for (int64_t line = 0; line < high * wide; line++, planes += planeSize) {
        fillPlane(image + channel * size, top + down.lowest() + down.origin(line / wide),
                  left + across.lowest() + across.origin(line % wide), rows + down.reach(),
                  columns + across.reach(), planes);
      }
    }
  }

 private:
  void fillPlane(const T* channel, int64_t y, int64_t x, int64_t rows, int64_t columns, T* to) const {
    const int64_t step = across.step;
    // Columns from `begin` to `end` lie inside the image.
    const int64_t begin = least(columns, x < 0 ? ceilDiv(-x, step) : 0);
    const int64_t end = x >= across.size ? begin : most(begin, least(columns, ceilDiv(across.size - x, step)));
    if (step == 1 && down.step == 1 && columns == pitch && columns == across.size && x == 0 && y >= 0 &&
        y + rows <= down.size) {
      copyRow<V>(channel + y * across.size, rows * columns, to);
      return;
    }
    for (int64_t r = 0; r < rows; r++, y += down.step, to += pitch) {
      if (y < 0 || y >= down.size) {
        zero(to, columns);
        continue;
      }
      const T* from = channel + y * across.size + x;
      for (int64_t i = 0; i < begin; i++) to[i] = 0;
      if (step == 1) {
        copyRow<V>(from + begin, end - begin, to + begin);
      } else {
        for (int64_t i = begin; i < end; i++) to[i] = from[i * step];
      }
      for (int64_t i = end; i < columns; i++) to[i] = 0;
    }
  }
  static void zero(T* to, int64_t n) { memset(to, 0, static_cast<size_t>(n) * sizeof(T)); }
};
