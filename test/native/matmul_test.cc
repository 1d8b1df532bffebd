// Matrix products of many shapes, every layout of the operands, batches with broadcasting.
#include "harness.h"

namespace {

template <class T>
void testProduct(Machine& m, const Dims& shape, const Dims& cs, const Dims& as, const Dims& bs) {
  Buffer<T> c(extentOf(shape, cs)), a(extentOf(shape, as), -3, 3), b(extentOf(shape, bs), -3, 3);
  std::vector<double> want(static_cast<size_t>(c.size()));
  for (int64_t i = 0; i < countOf(shape); i++) {
    want[static_cast<size_t>(offsetAt(i, shape, cs))] +=
        static_cast<double>(a[offsetAt(i, shape, as)]) * static_cast<double>(b[offsetAt(i, shape, bs)]);
  }
  runOne(m, OP_MATMUL, dtypeOf<T>(), shape, {}, {operand(c, cs), operand(a, as), operand(b, bs)});
  const double k = shape.back();
  const double tolerance = (dtypeOf<T>() == abi::FLOAT64   ? 1e-14
                            : dtypeOf<T>() == abi::FLOAT32 ? 3e-6
                                                           : 0) *
                           (1 + k);
  bool ok = true;
  Dims places = shape;
  places.back() = 1;
  for (int64_t i = 0; i < countOf(places); i++) {
    const int64_t at = offsetAt(i, places, cs);
    ok = ok && near(static_cast<double>(c[at]), want[static_cast<size_t>(at)], 0, tolerance);
  }
  check(ok, "matmul dtype " + std::to_string(dtypeOf<T>()) + " " + show(shape) + show(as) + show(bs));
}

template <class T>
void testLayouts(Machine& m, int32_t rows, int32_t columns, int32_t depth) {
  const std::vector<Dims> lefts = {{depth, 0, 1}, {1, 0, rows}, {2 * depth, 0, 2}};
  const std::vector<Dims> rights = {{0, 1, columns}, {0, depth, 1}, {0, 3, 3 * columns}};
  for (const Dims& left : lefts) {
    for (const Dims& right : rights) {
      testProduct<T>(m, {rows, columns, depth}, {columns, 1, 0}, left, right);
    }
  }
  testProduct<T>(m, {rows, columns, depth}, {columns + 5, 1, 0}, lefts[0], rights[0]);
}

template <class T>
void testType(Machine& m) {
  const int32_t sizes[][3] = {{1, 1, 1},    {1, 17, 7},     {17, 1, 7},    {7, 17, 1},
                              {5, 6, 7},    {17, 33, 13},   {1, 513, 40},  {513, 1, 40},
                              {64, 64, 64}, {97, 101, 103}, {3, 200, 300}, {200, 3, 300}};
  for (const auto& s : sizes) testLayouts<T>(m, s[0], s[1], s[2]);
  // A batch, with one side shared and with both turned.
  testProduct<T>(m, {3, 5, 7, 9}, {35, 7, 1, 0}, {45, 9, 0, 1}, {0, 0, 1, 7});
  testProduct<T>(m, {2, 3, 16, 20, 8}, {960, 320, 20, 1, 0}, {384, 128, 1, 0, 16}, {160, 0, 0, 8, 1});
  testProduct<T>(m, {40, 1, 33, 20}, {33, 33, 1, 0}, {20, 20, 0, 1}, {660, 0, 1, 33});
  testProduct<T>(m, {4, 9, 1, 6}, {18, 2, 1, 0}, {54, 6, 0, 1}, {6, 0, 1, 1});
}

/// Sizes that take several blocks in each direction, and threads.
template <class T>
void testLarge(Machine& m) {
  testProduct<T>(m, {150, 130, 600}, {130, 1, 0}, {600, 0, 1}, {0, 1, 130});
  testProduct<T>(m, {301, 150, 70}, {150, 1, 0}, {1, 0, 301}, {0, 70, 1});
  testProduct<T>(m, {20, 1100, 70}, {1100, 1, 0}, {70, 0, 1}, {0, 1, 1100});
}

/// The same bits whatever the number of threads.
void testDeterminism(Machine& m) {
  static std::vector<float> first;
  const int32_t n = 160;
  seed = 12345;
  Buffer<float> a(n * n, -1, 1), b(n * n, -1, 1), c(n * n);
  runOne(m, OP_MATMUL, abi::FLOAT32, {n, n, n}, {},
         {operand(c, {n, 1, 0}), operand(a, {n, 0, 1}), operand(b, {0, 1, n})});
  const std::vector<float> now(c.data(), c.data() + c.size());
  if (m.context.pool->threads() == 1) first = now;
  check(now == first, "the same product on several threads");
}

}  // namespace

void testMatmul(Machine& m) {
  testType<float>(m);
  testType<double>(m);
  testType<int32_t>(m);
  testType<int64_t>(m);
  testLarge<float>(m);
  testLarge<double>(m);
  testDeterminism(m);
}
