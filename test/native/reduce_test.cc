// Reductions, argmax/argmin and scans over every mixture of kept and reduced dimensions.
#include "harness.h"

namespace {

struct Case {
  /// Kept dimensions, then reduced ones, with the strides of x.
  Dims shape, x;
  int kept;
};

std::vector<Case> cases() {
  std::vector<Case> list;
  for (int32_t n : {1, 7, 17, 513, 1000, 300001}) {
    list.push_back({{n}, {1}, 0});
    list.push_back({{n}, {2}, 0});
    list.push_back({{3, n}, {n, 1}, 1});
    list.push_back({{n, 3}, {1, n}, 1});
    list.push_back({{n, 3}, {3, 1}, 1});
  }
  list.push_back({{5, 0 + 200, 300}, {300, 1500, 1}, 1});
  list.push_back({{4, 130, 70}, {1, 4 * 70, 4}, 1});
  list.push_back({{130, 70, 4}, {1, 4 * 130, 130}, 1});
  list.push_back({{2, 150, 6, 7}, {1, 2, 2100, 300}, 2});
  list.push_back({{10, 100000}, {1, 10}, 1});
  list.push_back({{6, 5}, {1, 0}, 1});
  list.push_back({{6, 5}, {0, 1}, 1});
  list.push_back({{3, 4}, {1, 3}, 2});
  list.push_back({{2, 3, 4, 5}, {60, 1, 15, 3}, 2});
  return list;
}

/// Output strides: the kept dimensions packed, in reverse order when `turned`.
Dims outStrides(const Case& c, bool turned) {
  Dims strides(c.shape.size(), 0);
  int32_t step = 1;
  for (int i = 0; i < c.kept; i++) {
    const int d = turned ? i : c.kept - 1 - i;
    strides[static_cast<size_t>(d)] = step;
    step *= c.shape[static_cast<size_t>(d)];
  }
  return strides;
}

template <class T, class F>
void testReduce(Machine& m, int opcode, double low, double high, double start, double tolerance, F join,
                bool mean = false) {
  for (const Case& c : cases()) {
    for (const bool turned : {false, true}) {
      const Dims os = outStrides(c, turned);
      Buffer<T> x(extentOf(c.shape, c.x), low, high), out(extentOf(c.shape, os));
      std::vector<double> want(static_cast<size_t>(out.size()), start);
      for (int64_t i = 0; i < countOf(c.shape); i++) {
        double& acc = want[static_cast<size_t>(offsetAt(i, c.shape, os))];
        acc = join(acc, static_cast<double>(x[offsetAt(i, c.shape, c.x)]));
      }
      const Dims reduced(c.shape.begin() + c.kept, c.shape.end());
      for (double& value : want) value /= mean ? static_cast<double>(countOf(reduced)) : 1;
      runOne(m, opcode, dtypeOf<T>(), c.shape, {static_cast<double>(c.kept)},
             {operand(out, os), operand(x, c.x)});
      bool ok = true;
      for (int64_t i = 0; i < out.size(); i++) {
        const double wrapped = dtypeOf<T>() == abi::UINT8
                                   ? static_cast<double>(static_cast<uint8_t>(
                                         static_cast<int64_t>(want[static_cast<size_t>(i)])))
                                   : want[static_cast<size_t>(i)];
        ok = ok && near(static_cast<double>(out[i]), wrapped, tolerance);
      }
      check(ok, "reduce " + std::to_string(opcode) + " dtype " + std::to_string(dtypeOf<T>()) + " " +
                    show(c.shape) + show(c.x));
    }
  }
}

template <class T>
void testReduceOf(Machine& m) {
  const bool isFloat = dtypeOf<T>() <= abi::FLOAT64;
  // Positive numbers, so that the relative error of the sum is that of its parts.
  testReduce<T>(m, OP_SUM, 0, 10, 0, isFloat ? 1e-6 : 0, [](double a, double b) { return a + b; });
  if (isFloat) testReduce<T>(m, OP_MEAN, 0, 10, 0, 1e-6, [](double a, double b) { return a + b; }, true);
  if (isFloat) testReduce<T>(m, OP_PROD, 0.999, 1.0011, 1, 1e-6, [](double a, double b) { return a * b; });
  testReduce<T>(m, OP_AMAX, 0, 200, -1e30, 0, [](double a, double b) { return a < b ? b : a; });
  testReduce<T>(m, OP_AMIN, 0, 200, 1e30, 0, [](double a, double b) { return a < b ? a : b; });
}

template <class T>
void testArg(Machine& m) {
  for (int32_t n : {1, 7, 17, 513, 1000}) {
    for (const bool across : {false, true}) {
      const int32_t rows = 5;
      const Dims shape = {rows, n}, strides = across ? Dims{1, rows} : Dims{n, 1};
      Buffer<T> x(rows * n, 0, 20);
      Buffer<int64_t> out(rows);
      for (const int opcode : {OP_ARGMAX, OP_ARGMIN}) {
        runOne(m, opcode, dtypeOf<T>(), shape, {}, {operand(out, {1, 0}), operand(x, strides)});
        for (int64_t i = 0; i < rows; i++) {
          int64_t best = 0;
          for (int64_t j = 1; j < n; j++) {
            const T a = x[i * strides[0] + j * strides[1]], b = x[i * strides[0] + best * strides[1]];
            if (opcode == OP_ARGMAX ? a > b : a < b) best = j;
          }
          check(out[i] == best, "arg of " + std::to_string(n));
        }
      }
    }
  }
}

void testNan(Machine& m) {
  Buffer<float> x(1000, -1, 1), out(1);
  Buffer<int64_t> index(1);
  x[700] = NAN;
  x[900] = NAN;
  for (const int opcode : {OP_AMAX, OP_AMIN, OP_SUM}) {
    runOne(m, opcode, abi::FLOAT32, {1000}, {0}, {operand(out, {0}), operand(x, {1})});
    check(isnan(out[0]), "NaN goes through a reduction");
  }
  for (const int opcode : {OP_ARGMAX, OP_ARGMIN}) {
    runOne(m, opcode, abi::FLOAT32, {1000}, {}, {operand(index, {0}), operand(x, {1})});
    check(index[0] == 700, "the first NaN wins");
  }
}

/// Ten million tenths: float32 accumulators drift far off, blocks in double precision do not.
void testSumsOfManyElements(Machine& m) {
  const int32_t n = 1 << 22;
  Buffer<float> x(n), out(1);
  for (int64_t i = 0; i < n; i++) x[i] = 0.1f;
  runOne(m, OP_SUM, abi::FLOAT32, {n}, {0}, {operand(out, {0}), operand(x, {1})});
  check(near(out[0], static_cast<double>(0.1f) * n, 2e-7), "sum of 4 million float32");
}

template <class T>
void testScan(Machine& m) {
  for (int32_t n : {1, 17, 1000}) {
    for (const bool across : {false, true}) {
      const Dims shape = {6, n}, xs = across ? Dims{1, 6} : Dims{n, 1}, os = {n, 1};
      Buffer<T> x(6 * n, 0.9, 3), out(6 * n);
      runOne(m, OP_CUMSUM, dtypeOf<T>(), shape, {}, {operand(out, os), operand(x, xs)});
      bool ok = true;
      for (int64_t i = 0; i < 6; i++) {
        double sum = 0;
        for (int64_t j = 0; j < n; j++) {
          sum += static_cast<double>(x[i * xs[0] + j * xs[1]]);
          ok = ok && near(static_cast<double>(out[i * n + j]),
                          dtypeOf<T>() == abi::UINT8 ? fmod(sum, 256) : sum, 1e-6);
        }
      }
      check(ok, "cumsum");
    }
  }
}

}  // namespace

void testReductions(Machine& m) {
  testReduceOf<float>(m);
  testReduceOf<double>(m);
  testReduceOf<int32_t>(m);
  testReduceOf<int64_t>(m);
  testReduceOf<uint8_t>(m);
  testArg<float>(m);
  testArg<double>(m);
  testArg<int32_t>(m);
  testArg<int64_t>(m);
  testArg<uint8_t>(m);
  testNan(m);
  testSumsOfManyElements(m);
  testScan<float>(m);
  testScan<int64_t>(m);
  testScan<uint8_t>(m);
}
