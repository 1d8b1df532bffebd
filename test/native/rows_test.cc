// Softmax and layer normalisation with their backward passes, against the formulas in float64.
#include "harness.h"

namespace {

template <class T>
constexpr double kTolerance = sizeof(T) == 8 ? 1e-12 : 2e-5;

template <class T>
void testSoftmax(Machine& m, int32_t rows, int32_t n, int32_t pitch) {
  const Dims shape = {rows, n}, strides = {pitch, 1};
  Buffer<T> x(extentOf(shape, strides), -30, 30), y(extentOf(shape, strides)), z(extentOf(shape, strides));
  Buffer<T> g(extentOf(shape, strides), -1, 1), dy(extentOf(shape, strides)), dz(extentOf(shape, strides));
  const Operand X = operand(x, strides), Y = operand(y, strides), Z = operand(z, strides),
                G = operand(g, strides);
  runOne(m, OP_SOFTMAX, dtypeOf<T>(), shape, {}, {Y, X});
  runOne(m, OP_LOG_SOFTMAX, dtypeOf<T>(), shape, {}, {Z, X});
  runOne(m, OP_SOFTMAX_BACKWARD, dtypeOf<T>(), shape, {}, {operand(dy, strides), G, Y});
  runOne(m, OP_LOG_SOFTMAX_BACKWARD, dtypeOf<T>(), shape, {}, {operand(dz, strides), G, Z});
  bool ok = true;
  for (int64_t i = 0; i < rows; i++) {
    const int64_t at = i * pitch;
    double largest = -1e300, sum = 0, dot = 0, total = 0;
    for (int64_t j = 0; j < n; j++) largest = fmax(largest, x[at + j]);
    for (int64_t j = 0; j < n; j++) sum += exp(x[at + j] - largest);
    for (int64_t j = 0; j < n; j++) {
      dot += g[at + j] * exp(x[at + j] - largest) / sum;
      total += g[at + j];
    }
    for (int64_t j = 0; j < n; j++) {
      const double p = exp(x[at + j] - largest) / sum;
      ok = ok && near(y[at + j], p, kTolerance<T>, 1e-12) &&
           near(z[at + j], x[at + j] - largest - log(sum), kTolerance<T>, kTolerance<T>);
      ok = ok && near(dy[at + j], (g[at + j] - dot) * p, 0, 5 * kTolerance<T>);
      ok = ok && near(dz[at + j], g[at + j] - p * total, 0, 50 * kTolerance<T>);
    }
  }
  check(ok, "softmax of " + std::to_string(rows) + " rows of " + std::to_string(n));
}

template <class T>
void testNorm(Machine& m, int32_t rows, int32_t n, bool affine) {
  const Dims shape = {rows, n}, flat = {n, 1}, perRow = {1, 0}, perFeature = {0, 1};
  Buffer<T> x(rows * n, 90, 110), g(rows * n, -1, 1), weight(n, 0.5, 2), bias(n, -1, 1);
  Buffer<T> y(rows * n), mean(rows), rstd(rows), dx(rows * n), dweight(n), dbias(n);
  const double eps = 1e-5;
  const Operand W = affine ? operand(weight, perFeature) : absent(perFeature);
  const Operand B = affine ? operand(bias, perFeature) : absent(perFeature);
  const Operand Mean = operand(mean, perRow), Rstd = operand(rstd, perRow), X = operand(x, flat),
                G = operand(g, flat);
  runOne(m, OP_LAYER_NORM, dtypeOf<T>(), shape, {eps}, {operand(y, flat), Mean, Rstd, X, W, B});
  runOne(m, OP_LAYER_NORM_BACKWARD, dtypeOf<T>(), shape, {}, {operand(dx, flat), G, X, Mean, Rstd, W});
  runOne(m, OP_LAYER_NORM_BACKWARD_AFFINE, dtypeOf<T>(), shape, {},
         {operand(dweight, perFeature), operand(dbias, perFeature), G, X, Mean, Rstd});

  std::vector<double> wantWeight(static_cast<size_t>(n)), wantBias(static_cast<size_t>(n));
  bool forward = true, backward = true;
  for (int64_t i = 0; i < rows; i++) {
    double sum = 0, squares = 0, average = 0, slope = 0;
    for (int64_t j = 0; j < n; j++) sum += x[i * n + j];
    const double mu = sum / n;
    for (int64_t j = 0; j < n; j++) squares += (x[i * n + j] - mu) * (x[i * n + j] - mu);
    const double r = 1 / sqrt(squares / n + eps);
    const auto normal = [&](int64_t j) { return (x[i * n + j] - mu) * r; };
    const auto weighted = [&](int64_t j) {
      return g[i * n + j] * (affine ? static_cast<double>(weight[j]) : 1.0);
    };
    for (int64_t j = 0; j < n; j++) {
      average += weighted(j) / n;
      slope += weighted(j) * normal(j) / n;
      wantWeight[static_cast<size_t>(j)] += g[i * n + j] * normal(j);
      wantBias[static_cast<size_t>(j)] += g[i * n + j];
    }
    forward = forward && near(mean[i], mu, kTolerance<T>) && near(rstd[i], r, 10 * kTolerance<T>);
    for (int64_t j = 0; j < n; j++) {
      const double want = affine ? normal(j) * weight[j] + bias[j] : normal(j);
      forward = forward && near(y[i * n + j], want, 0, 10 * kTolerance<T> * (n == 1 ? 100 : 1));
      const double wantDx = r * (weighted(j) - average - normal(j) * slope);
      backward = backward && near(dx[i * n + j], wantDx, 0, 10 * kTolerance<T> * r);
    }
  }
  for (int64_t j = 0; j < n; j++) {
    const double tolerance = 50 * kTolerance<T> * sqrt(rows);
    backward = backward &&
               near(dweight[j], wantWeight[static_cast<size_t>(j)], 0, tolerance * (n == 1 ? 100 : 1)) &&
               near(dbias[j], wantBias[static_cast<size_t>(j)], 0, tolerance);
  }
  check(forward, "layer norm of " + std::to_string(rows) + " rows of " + std::to_string(n));
  check(backward, "layer norm backward of " + std::to_string(rows) + " rows of " + std::to_string(n));
}

template <class T>
void testType(Machine& m) {
  for (int32_t n : {1, 7, 17, 513, 1000}) {
    for (int32_t rows : {1, 7, 130}) {
      testSoftmax<T>(m, rows, n, n);
      testSoftmax<T>(m, rows, n, n + 3);
      testNorm<T>(m, rows, n, true);
      testNorm<T>(m, rows, n, false);
    }
  }
}

}  // namespace

void testRows(Machine& m) {
  testType<float>(m);
  testType<double>(m);

  // A masked score has probability zero, and a row of nothing but masks has none to give.
  Buffer<float> x(4), y(4);
  x[0] = -INFINITY, x[1] = 0, x[2] = -INFINITY, x[3] = -INFINITY;
  runOne(m, OP_SOFTMAX, abi::FLOAT32, {2, 2}, {}, {operand(y, {2, 1}), operand(x, {2, 1})});
  check(y[0] == 0 && y[1] == 1 && isnan(y[2]) && isnan(y[3]), "softmax of masked scores");
}
