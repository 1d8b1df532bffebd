// Convolution, pooling and batch normalisation, against their definitions in float64.
#include "harness.h"

namespace {

template <class T>
constexpr double kTolerance = sizeof(T) == 8 ? 1e-12 : 3e-5;

/// One convolution: sizes, and pairs of vertical and horizontal steps.
struct Shape {
  int32_t n, groups, o, c, height, width, kh, kw;
  int32_t stride[2], padding[2], dilation[2];
  int32_t resultHeight() const {
    return (height + 2 * padding[0] - dilation[0] * (kh - 1) - 1) / stride[0] + 1;
  }
  int32_t resultWidth() const { return (width + 2 * padding[1] - dilation[1] * (kw - 1) - 1) / stride[1] + 1; }
};

template <class T>
void testConv(Machine& m, const Shape& s, bool biased) {
  const int32_t oh = s.resultHeight(), ow = s.resultWidth();
  const int32_t pixels = s.height * s.width, points = oh * ow, taps = s.kh * s.kw;
  const int64_t images = static_cast<int64_t>(s.n) * s.groups * s.c * pixels,
                results = static_cast<int64_t>(s.n) * s.groups * s.o * points,
                filters = static_cast<int64_t>(s.groups) * s.o * s.c * taps;
  Buffer<T> x(images, -1, 1), w(filters, -1, 1), b(s.groups * s.o, -1, 1), g(results, -1, 1);
  Buffer<T> y(results), dx(images), dw(filters);
  const Dims shape = {s.n, s.groups, s.o, s.c, oh, ow, s.kh, s.kw};
  const Dims image = {s.groups * s.c * pixels, s.c * pixels, 0, pixels, 0, 0, 0, 0};
  const Dims result = {s.groups * s.o * points, s.o * points, points, 0, ow, 1, 0, 0};
  const Dims filter = {0, s.o * s.c * taps, s.c * taps, taps, 0, 0, s.kw, 1};
  const Dims channel = {0, s.o, 1, 0, 0, 0, 0, 0};
  const std::vector<double> params = {1.0 * s.height,     1.0 * s.width,      1.0 * s.stride[0],   1.0 * s.stride[1],
                                      1.0 * s.padding[0], 1.0 * s.padding[1], 1.0 * s.dilation[0], 1.0 * s.dilation[1]};
  runOne(m, OP_CONV2D, dtypeOf<T>(), shape, params,
         {operand(y, result), operand(x, image), operand(w, filter), biased ? operand(b, channel) : absent(channel)});
  runOne(m, OP_CONV2D_BACKWARD_INPUT, dtypeOf<T>(), shape, params,
         {operand(dx, image), operand(g, result), operand(w, filter)});
  runOne(m, OP_CONV2D_BACKWARD_WEIGHT, dtypeOf<T>(), shape, params,
         {operand(dw, filter), operand(g, result), operand(x, image)});

  std::vector<double> wantY(static_cast<size_t>(results)), wantX(static_cast<size_t>(images)),
      wantW(static_cast<size_t>(filters));
  for (int64_t at = 0; at < results; at++) {
    const int64_t column = at % ow, row = at / ow % oh, o = at / points % (s.groups * s.o), n = at / points / (s.groups * s.o);
    const int64_t group = o / s.o;
    double& sum = wantY[static_cast<size_t>(at)];
    if (biased) sum = b[o];
    for (int64_t k = 0; k < s.c * taps; k++) {
      const int64_t i = row * s.stride[0] - s.padding[0] + k % taps / s.kw * s.dilation[0];
      const int64_t j = column * s.stride[1] - s.padding[1] + k % s.kw * s.dilation[1];
      if (i < 0 || i >= s.height || j < 0 || j >= s.width) continue;
      const int64_t from = ((n * s.groups + group) * s.c + k / taps) * pixels + i * s.width + j, tap = o * s.c * taps + k;
      sum += static_cast<double>(x[from]) * w[tap];
      wantX[static_cast<size_t>(from)] += static_cast<double>(g[at]) * w[tap];
      wantW[static_cast<size_t>(tap)] += static_cast<double>(g[at]) * x[from];
    }
  }
  bool forward = true, input = true, weight = true;
  for (int64_t i = 0; i < results; i++)
    forward = forward && near(y[i], wantY[static_cast<size_t>(i)], kTolerance<T>, kTolerance<T>);
  for (int64_t i = 0; i < images; i++)
    input = input && near(dx[i], wantX[static_cast<size_t>(i)], kTolerance<T>, kTolerance<T>);
  for (int64_t i = 0; i < filters; i++)
    weight = weight && near(dw[i], wantW[static_cast<size_t>(i)], kTolerance<T>, kTolerance<T>);
  const std::string name = " of " + show(shape) + "steps " + show({s.stride[0], s.stride[1], s.padding[0], s.padding[1],
                                                                   s.dilation[0], s.dilation[1]});
  check(forward, "conv2d" + name);
  check(input, "conv2d_backward_input" + name);
  check(weight, "conv2d_backward_weight" + name);
}

template <class T>
void testConvs(Machine& m) {
  const Shape shapes[] = {
      {1, 1, 1, 1, 1, 1, 1, 1, {1, 1}, {0, 0}, {1, 1}},
      {3, 1, 5, 1, 28, 28, 3, 3, {1, 1}, {1, 1}, {1, 1}},
      {2, 1, 33, 10, 14, 14, 3, 3, {1, 1}, {1, 1}, {1, 1}},
      {2, 1, 70, 37, 4, 4, 3, 3, {1, 1}, {1, 1}, {1, 1}},
      {2, 1, 9, 40, 2, 1, 2, 2, {1, 1}, {1, 1}, {1, 1}},
      {1, 2, 17, 3, 9, 11, 3, 2, {2, 3}, {2, 1}, {1, 2}},
      {2, 5, 1, 1, 13, 9, 3, 3, {1, 1}, {1, 1}, {1, 1}},
      {2, 3, 2, 1, 13, 9, 3, 3, {2, 2}, {1, 1}, {1, 1}},
      {1, 1, 20, 3, 16, 16, 4, 4, {4, 4}, {0, 0}, {1, 1}},
      {1, 1, 3, 2, 9, 9, 2, 2, {3, 4}, {0, 1}, {2, 2}},
      {1, 1, 40, 9, 5, 20, 1, 1, {1, 1}, {0, 0}, {1, 1}},
      {1, 1, 2, 3, 3, 3, 3, 3, {1, 1}, {9, 9}, {9, 9}},
      {1, 1, 3, 1, 2, 700, 1, 3, {1, 1}, {0, 1}, {1, 1}},
      {1, 1, 2, 1, 45, 33, 41, 31, {1, 1}, {0, 0}, {1, 1}},
  };
  bool biased = false;
  for (const Shape& shape : shapes) testConv<T>(m, shape, biased = !biased);
}

template <class T>
void testPools(Machine& m, int32_t images, int32_t h, int32_t w, int32_t k, int32_t stride, int32_t padding) {
  const int32_t oh = (h + 2 * padding - k) / stride + 1, ow = (w + 2 * padding - k) / stride + 1;
  const int32_t pixels = h * w, points = oh * ow;
  Buffer<T> x(images * pixels, -1, 1), g(images * points, -1, 1);
  Buffer<T> y(images * points), mean(images * points), dx(images * pixels), dmean(images * pixels);
  Buffer<int64_t> index(images * points);
  const Dims shape = {images, oh, ow, k, k}, places = {images, oh, ow};
  const Dims image = {pixels, 0, 0, 0, 0}, result = {points, ow, 1, 0, 0};
  const std::vector<double> steps = {1.0 * h, 1.0 * w, 1.0 * stride, 1.0 * stride, 1.0 * padding, 1.0 * padding};
  std::vector<double> dilated = steps, counted = steps;
  dilated.insert(dilated.end(), {1, 1}), counted.insert(counted.end(), {0, 0});
  runOne(m, OP_MAX_POOL2D, dtypeOf<T>(), shape, dilated,
         {operand(y, result), operand(index, result), operand(x, image)});
  runOne(m, OP_MAX_POOL2D_BACKWARD, dtypeOf<T>(), places, {1.0 * h, 1.0 * w},
         {operand(dx, {pixels, 0, 0}), operand(g, {points, ow, 1}), operand(index, {points, ow, 1})});
  runOne(m, OP_AVG_POOL2D, dtypeOf<T>(), shape, counted, {operand(mean, result), operand(x, image)});
  runOne(m, OP_AVG_POOL2D_BACKWARD, dtypeOf<T>(), shape, counted, {operand(dmean, image), operand(g, result)});
  std::vector<double> wantX(static_cast<size_t>(images * pixels)), wantMean(static_cast<size_t>(images * pixels));
  bool largest = true, average = true;
  for (int64_t at = 0; at < images * points; at++) {
    const int64_t n = at / points, top = at / ow % oh * stride - padding, left = at % ow * stride - padding;
    double best = -1e300, sum = 0;
    int64_t place = -1;
    std::vector<int64_t> seen;
    for (int64_t i = top; i < top + k; i++) {
      for (int64_t j = left; j < left + k; j++) {
        if (i < 0 || j < 0 || i >= h || j >= w) continue;
        seen.push_back(i * w + j);
        const double value = x[n * pixels + i * w + j];
        sum += value;
        if (value > best) best = value, place = i * w + j;
      }
    }
    largest = largest && static_cast<double>(y[at]) == best && index[at] == place;
    average = average && near(mean[at], sum / static_cast<double>(seen.size()), kTolerance<T>, kTolerance<T>);
    wantX[static_cast<size_t>(n * pixels + place)] += g[at];
    for (int64_t p : seen)
      wantMean[static_cast<size_t>(n * pixels + p)] += static_cast<double>(g[at]) / static_cast<double>(seen.size());
  }
  bool backward = true;
  for (int64_t i = 0; i < images * pixels; i++) {
    backward = backward && near(dx[i], wantX[static_cast<size_t>(i)], kTolerance<T>, kTolerance<T>) &&
               near(dmean[i], wantMean[static_cast<size_t>(i)], kTolerance<T>, kTolerance<T>);
  }
  const std::string name = " of " + show(shape);
  check(largest, "max_pool2d" + name);
  check(average, "avg_pool2d" + name);
  check(backward, "pooling backward" + name);
}

template <class T>
void testBatchNorm(Machine& m, int32_t n, int32_t c, int32_t l, bool affine) {
  const Dims shape = {n, c, l}, whole = {c * l, l, 1}, channel = {0, 1, 0};
  const int64_t size = static_cast<int64_t>(n) * c * l, count = static_cast<int64_t>(n) * l;
  Buffer<T> x(size, 90, 110), g(size, -1, 1), weight(c, 0.5, 2), bias(c, -1, 1);
  Buffer<T> y(size), mean(c), variance(c), dx(size), dweight(c), dbias(c);
  const double eps = 0.1;
  const Operand W = affine ? operand(weight, channel) : absent(channel);
  const Operand B = affine ? operand(bias, channel) : absent(channel);
  const Operand Mean = operand(mean, channel), Variance = operand(variance, channel), X = operand(x, whole);
  runOne(m, OP_BATCH_NORM, dtypeOf<T>(), shape, {eps}, {operand(y, whole), Mean, Variance, X, W, B});
  runOne(m, OP_BATCH_NORM_BACKWARD, dtypeOf<T>(), shape, {eps},
         {operand(dx, whole), operand(dweight, channel), operand(dbias, channel), operand(g, whole), X, Mean, Variance, W});
  bool forward = true, backward = true;
  for (int64_t k = 0; k < c; k++) {
    const auto at = [&](int64_t i) { return (i / l * c + k) * l + i % l; };
    double mu = 0, squares = 0, along = 0, slopes = 0;
    for (int64_t i = 0; i < count; i++) mu += x[at(i)] / static_cast<double>(count);
    for (int64_t i = 0; i < count; i++) squares += (x[at(i)] - mu) * (x[at(i)] - mu) / static_cast<double>(count);
    const double rstd = 1 / sqrt(squares + eps), factor = affine ? static_cast<double>(weight[k]) : 1;
    const auto normal = [&](int64_t i) { return (x[at(i)] - mu) * rstd; };
    for (int64_t i = 0; i < count; i++) along += g[at(i)] * normal(i), slopes += g[at(i)];
    forward = forward && near(mean[k], mu, kTolerance<T>) && near(variance[k], squares, 10 * kTolerance<T>, 1e-9);
    backward = backward && near(dweight[k], along, kTolerance<T>, 100 * kTolerance<T>) &&
               near(dbias[k], slopes, kTolerance<T>, 10 * kTolerance<T>);
    for (int64_t i = 0; i < count; i++) {
      const double want = normal(i) * factor + (affine ? static_cast<double>(bias[k]) : 0);
      const double rest = g[at(i)] - slopes / static_cast<double>(count) - normal(i) * along / static_cast<double>(count);
      forward = forward && near(y[at(i)], want, 0, 10 * kTolerance<T>);
      backward = backward && near(dx[at(i)], factor * rstd * rest, 0, 10 * kTolerance<T>);
    }
  }
  check(forward, "batch_norm of " + show(shape));
  check(backward, "batch_norm_backward of " + show(shape));
}

template <class T>
void testAll(Machine& m) {
  testConvs<T>(m);
  for (const int32_t size : {1, 2, 9, 70}) {
    testPools<T>(m, 3, size + 1, size + 2, 2, 2, 0);
    testPools<T>(m, 2, size + 2, size + 3, 3, 2, 1);
  }
  for (const int32_t channels : {1, 3, 150}) {
    testBatchNorm<T>(m, 40, channels, 1, channels == 3);
    testBatchNorm<T>(m, 2, channels, 7, channels != 3);
    testBatchNorm<T>(m, 1, channels, 530, true);
  }
}

}  // namespace

void testImages(Machine& m) {
  testAll<float>(m);
  testAll<double>(m);
}
