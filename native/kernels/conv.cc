// conv2d and its transpose with respect to the images, both as correlations. The transpose with
// respect to the filters is in conv_weight.cc.

/// The record of any of the three.
template <class T>
struct Convolution {
  const Record r;
  int64_t images, groups, filters, channels;
  int64_t resultHeight, resultWidth, kernelHeight, kernelWidth;
  int64_t height, width;
  int64_t strideDown, strideAcross, paddingDown, paddingAcross, dilationDown, dilationAcross;

  explicit Convolution(const int32_t* words)
      : r(words),
        images(r.shape[0]),
        groups(r.shape[1]),
        filters(r.shape[2]),
        channels(r.shape[3]),
        resultHeight(r.shape[4]),
        resultWidth(r.shape[5]),
        kernelHeight(r.shape[6]),
        kernelWidth(r.shape[7]),
        height(param(0)),
        width(param(1)),
        strideDown(param(2)),
        strideAcross(param(3)),
        paddingDown(param(4)),
        paddingAcross(param(5)),
        dilationDown(param(6)),
        dilationAcross(param(7)) {}

  int64_t pixels() const { return height * width; }
  int64_t points() const { return resultHeight * resultWidth; }
  int64_t taps() const { return kernelHeight * kernelWidth; }
  Axis down() const {
    return {resultHeight, strideDown, -paddingDown, dilationDown, kernelHeight, height};
  }
  Axis across() const {
    return {resultWidth, strideAcross, -paddingAcross, dilationAcross, kernelWidth, width};
  }
  double multiplications() const {
    return static_cast<double>(images * groups * points()) * static_cast<double>(filters * channels * taps());
  }

 private:
  int64_t param(int i) const { return static_cast<int64_t>(r.params[i]); }
};

/// One part of several, in which there is a share of whatever is counted.
struct Share {
  int64_t index, count;
  int64_t begin(int64_t size) const { return size * index / count; }
  int64_t end(int64_t size) const { return size * (index + 1) / count; }
};

/// Calls `f(group, first image, images, band of their rows, workspace)` for parts of the work, on several
/// threads. A part packs the weights for itself, so it has several images where there are enough of them, and
/// bands of one image where there are few.
template <class T, class F>
inline void shareImages(const Convolution<T>& conv, Context& context, int64_t rows, F f) {
  const int64_t threads = context.pool->threads(), all = conv.images * conv.groups;
  const int64_t each = threads == 1 ? conv.images : most<int64_t>(1, least(conv.images, all / (2 * threads)));
  const int64_t chunks = ceilDiv(conv.images, each);
  const int64_t bands = threads == 1 ? 1 : most<int64_t>(1, least(rows, 2 * threads / all));
  // Multiplications per unit of work.
  const double work = conv.multiplications() / 32 / static_cast<double>(conv.groups * chunks * bands);
  parallelFor(context, conv.groups * chunks * bands, work, [&](int64_t begin, int64_t end, char* workspace) {
    for (int64_t task = begin; task < end; task++) {
      const int64_t first = task / bands % chunks * each;
      f(task / bands / chunks, first, least(each, conv.images - first), Share{task % bands, bands}, workspace);
    }
  });
}

template <class T>
void conv2d(const int32_t* words, Context& context) {
  const Convolution<T> conv(words);
  const int64_t taps = conv.taps(), filter = conv.channels * taps;
  Correlation<T> whole{.patches = Patches<T>(conv.down(), conv.across(), conv.channels),
                       .filters = conv.filters,
                       .weight = conv.r.template data<T>(2),
                       .weightFilter = filter,
                       .weightChannel = taps,
                       .weightDown = conv.kernelWidth,
                       .weightAcross = 1,
                       .outFilter = conv.points(),
                       .outDown = conv.resultWidth,
                       .outAcross = 1,
                       .bias = conv.r.template data<T>(3)};
  const int64_t depth = whole.plan();
  const int64_t imageSize = conv.groups * conv.channels * conv.pixels(),
                outSize = conv.groups * conv.filters * conv.points();
  shareImages(conv, context, conv.resultHeight,
              [&](int64_t group, int64_t first, int64_t images, Share share, char* workspace) {
                Correlation<T> part = whole;
                part.weight += group * conv.filters * filter;
                if (part.bias) part.bias += group * conv.filters;
                const T* x = conv.r.template data<T>(1) + first * imageSize + group * conv.channels * conv.pixels();
                T* out = conv.r.template data<T>(0) + first * outSize + group * conv.filters * conv.points();
                part.run(x, imageSize, out, outSize, images, share.begin(conv.resultHeight),
                         share.end(conv.resultHeight), depth, workspace);
              });
}

/// The places of x, a stride apart, that the same taps reach: the first of them, the first of the taps, how far
/// the taps are apart, and where they find g from there.
struct Phase {
  int64_t place, tap = 0, tapStep;
  Axis axis;

  /// Forward, output y and tap i see place y · stride − padding + i · dilation.
  Phase(const Axis& forward, int64_t place) : place(place) {
    const int64_t stride = forward.step, dilation = forward.delta, padding = -forward.first;
    // As many taps on, remainders of the stride come again.
    tapStep = Axis{0, stride, 0, dilation, stride, 0}.lines();
    const int64_t candidates = least(forward.taps, tapStep);
    while (tap < candidates && (place + padding - tap * dilation) % stride != 0) tap++;
    axis = {ceilDiv(forward.size - place, stride), 1, 0, -(tapStep * dilation / stride), 0, forward.outputs};
    if (tap == candidates) return;
    axis.first = (place + padding - tap * dilation) / stride;
    axis.taps = ceilDiv(forward.taps - tap, tapStep);
  }
};

/// Every phase is a correlation of g with the filters turned round.
template <class T>
void conv2dBackwardInput(const int32_t* words, Context& context) {
  const Convolution<T> conv(words);
  const int64_t taps = conv.taps(), filter = conv.channels * taps;
  const int64_t gSize = conv.groups * conv.filters * conv.points(),
                outSize = conv.groups * conv.channels * conv.pixels();
  const auto onePhase = [&](const Phase& down, const Phase& across, int64_t group, int64_t first, int64_t images,
                            Share share, char* workspace) {
    T* out = conv.r.template data<T>(0) + first * outSize + group * conv.channels * conv.pixels() +
             down.place * conv.width + across.place;
    const int64_t begin = share.begin(down.axis.outputs), end = share.end(down.axis.outputs);
    if (down.axis.taps == 0 || across.axis.taps == 0) {
      for (int64_t line = 0; line < images * conv.channels; line++) {
        T* to = out + line / conv.channels * outSize + line % conv.channels * conv.pixels();
        for (int64_t y = begin; y < end; y++) {
          for (int64_t x = 0; x < across.axis.outputs; x++)
            to[y * conv.strideDown * conv.width + x * conv.strideAcross] = 0;
        }
      }
      return;
    }
    Correlation<T> part{.patches = Patches<T>(down.axis, across.axis, conv.filters),
                        .filters = conv.channels,
                        .weight = conv.r.template data<T>(2) + group * conv.filters * filter +
                                  down.tap * conv.kernelWidth + across.tap,
                        .weightFilter = taps,
                        .weightChannel = filter,
                        .weightDown = down.tapStep * conv.kernelWidth,
                        .weightAcross = across.tapStep,
                        .outFilter = conv.pixels(),
                        .outDown = conv.strideDown * conv.width,
                        .outAcross = conv.strideAcross,
                        .bias = nullptr};
    const int64_t depth = part.plan();
    const T* g = conv.r.template data<T>(1) + first * gSize + group * conv.filters * conv.points();
    part.run(g, gSize, out, outSize, images, begin, end, depth, workspace);
  };
  shareImages(conv, context, ceilDiv(conv.height, conv.strideDown),
              [&](int64_t group, int64_t first, int64_t images, Share share, char* workspace) {
                for (int64_t y = 0; y < least(conv.strideDown, conv.height); y++) {
                  for (int64_t x = 0; x < least(conv.strideAcross, conv.width); x++)
                    onePhase(Phase(conv.down(), y), Phase(conv.across(), x), group, first, images, share, workspace);
                }
              });
}
