// Softmax, cross entropy and the normalisations with their backward passes, against the formulas in float64.
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
void testRmsNorm(Machine& m, int32_t rows, int32_t n, bool scaled) {
  const Dims shape = {rows, n}, flat = {n, 1}, perRow = {1, 0}, perFeature = {0, 1};
  Buffer<T> x(rows * n, -2, 2), g(rows * n, -1, 1), weight(n, 0.5, 2);
  Buffer<T> y(rows * n), rstd(rows), dx(rows * n), dweight(n);
  const Operand W = scaled ? operand(weight, perFeature) : absent(perFeature);
  const Operand Rstd = operand(rstd, perRow), X = operand(x, flat), G = operand(g, flat);
  const double eps = 1e-5;
  runOne(m, OP_RMS_NORM, dtypeOf<T>(), shape, {eps}, {operand(y, flat), Rstd, X, W});
  runOne(m, OP_RMS_NORM_BACKWARD, dtypeOf<T>(), shape, {}, {operand(dx, flat), G, X, Rstd, W});
  runOne(m, OP_RMS_NORM_BACKWARD_AFFINE, dtypeOf<T>(), shape, {}, {operand(dweight, perFeature), G, X, Rstd});

  std::vector<double> wantWeight(static_cast<size_t>(n));
  bool ok = true;
  for (int64_t i = 0; i < rows; i++) {
    double squares = 0, slope = 0;
    const auto value = [&](int64_t j) { return static_cast<double>(x[i * n + j]); };
    const auto factor = [&](int64_t j) { return scaled ? static_cast<double>(weight[j]) : 1.0; };
    for (int64_t j = 0; j < n; j++) squares += value(j) * value(j);
    const double r = 1 / sqrt(squares / n + eps);
    for (int64_t j = 0; j < n; j++) {
      slope += g[i * n + j] * factor(j) * value(j) * r / n;
      wantWeight[static_cast<size_t>(j)] += g[i * n + j] * value(j) * r;
    }
    ok = ok && near(rstd[i], r, 10 * kTolerance<T>);
    for (int64_t j = 0; j < n; j++) {
      const double want = r * (g[i * n + j] * factor(j) - value(j) * r * slope);
      ok = ok && near(y[i * n + j], value(j) * r * factor(j), 0, 10 * kTolerance<T>);
      ok = ok && near(dx[i * n + j], want, 0, 10 * kTolerance<T> * r);
    }
  }
  for (int64_t j = 0; j < n; j++)
    ok = ok && near(dweight[j], wantWeight[static_cast<size_t>(j)], 0, 50 * kTolerance<T> * sqrt(rows));
  check(ok, "rms norm of " + std::to_string(rows) + " rows of " + std::to_string(n));
}

template <class T>
void testCrossEntropy(Machine& m, int32_t rows, int32_t n, bool weighted) {
  const Dims shape = {rows, n}, flat = {n, 1}, perRow = {1, 0}, perClass = {0, 1};
  Buffer<T> x(rows * n, -30, 30), g(rows, -1, 1), weight(n, 0.5, 2), loss(rows), lse(rows), dx(rows * n);
  Buffer<int64_t> target(rows);
  constexpr int64_t kIgnored = -100;
  for (int64_t i = 0; i < rows; i++) target[i] = i % 5 == 3 ? kIgnored : (i * 7 + 2) % n;
  const Operand W = weighted ? operand(weight, perClass) : absent(perClass);
  const Operand Lse = operand(lse, perRow), X = operand(x, flat), Target = operand(target, perRow);
  runOne(m, OP_CROSS_ENTROPY, dtypeOf<T>(), shape, {kIgnored}, {operand(loss, perRow), Lse, X, Target, W});
  runOne(m, OP_CROSS_ENTROPY_BACKWARD, dtypeOf<T>(), shape, {kIgnored},
         {operand(dx, flat), operand(g, perRow), X, Lse, Target, W});
  bool ok = true;
  for (int64_t i = 0; i < rows; i++) {
    const int64_t t = target[i], at = i * n;
    double largest = -1e300, sum = 0;
    for (int64_t j = 0; j < n; j++) largest = fmax(largest, x[at + j]);
    for (int64_t j = 0; j < n; j++) sum += exp(x[at + j] - largest);
    const double factor = t == kIgnored ? 0 : weighted ? static_cast<double>(weight[t]) : 1;
    const double want = t == kIgnored ? 0 : factor * (largest + log(sum) - x[at + t]);
    ok = ok && near(loss[i], want, kTolerance<T>, kTolerance<T>);
    for (int64_t j = 0; j < n; j++) {
      const double p = exp(x[at + j] - largest) / sum;
      ok = ok && near(dx[at + j], g[i] * factor * (p - (j == t)), 0, 5 * kTolerance<T>);
    }
  }
  check(ok, "cross entropy of " + std::to_string(rows) + " rows of " + std::to_string(n));
}

template <class T>
void testType(Machine& m) {
  for (int32_t n : {1, 7, 17, 513, 1000}) {
    for (int32_t rows : {1, 7, 130}) {
      testSoftmax<T>(m, rows, n, n);
      testSoftmax<T>(m, rows, n, n + 3);
      testNorm<T>(m, rows, n, true);
      testNorm<T>(m, rows, n, false);
      testRmsNorm<T>(m, rows, n, true);
      testRmsNorm<T>(m, rows, n, false);
      testCrossEntropy<T>(m, rows, n, true);
      testCrossEntropy<T>(m, rows, n, false);
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
