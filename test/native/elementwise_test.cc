// Elementwise records over many layouts, copies between all dtypes, and choosing by a condition.
#include "harness.h"

namespace {

/// Layouts of a three-operand record: the shape, and the strides of out, x and y.
struct Layout {
  Dims shape, out, x, y;
};

std::vector<Layout> layouts() {
  std::vector<Layout> list = {{{}, {}, {}, {}}};
  for (int32_t n : {1, 7, 17, 513, 1000, 100003}) {
    list.push_back({{n}, {1}, {1}, {1}});
    list.push_back({{n}, {1}, {0}, {1}});
    list.push_back({{n}, {2}, {3}, {1}});
    list.push_back({{n}, {3}, {1}, {0}});
  }
  const std::vector<Dims> planes = {{5, 7},    {7, 5},    {17, 513}, {513, 17},
                                    {40, 130}, {1000, 1}, {1, 1000}, {300, 200}};
  for (const Dims& s : planes) {
    const int32_t a = s[0], b = s[1];
    list.push_back({s, {b, 1}, {b, 1}, {0, 1}});
    list.push_back({s, {b, 1}, {1, 0}, {0, 1}});
    list.push_back({s, {b, 1}, {1, a}, {b, 1}});
    list.push_back({s, {1, a}, {1, a}, {b, 1}});
    list.push_back({s, {b + 3, 1}, {b + 1, 1}, {2 * b, 2}});
    list.push_back({s, {b, 1}, {0, 0}, {1, a}});
  }
  list.push_back({{3, 4, 5}, {20, 5, 1}, {1, 3, 12}, {0, 5, 1}});
  list.push_back({{3, 64, 70}, {4480, 70, 1}, {64, 1, 192}, {70, 0, 1}});
  list.push_back({{2, 3, 2, 9}, {54, 18, 9, 1}, {1, 2, 6, 12}, {0, 9, 0, 1}});
  return list;
}

template <class T, class R, class F>
void testBinary(Machine& m, int opcode, double low, double high, F expected) {
  for (const Layout& l : layouts()) {
    Buffer<R> out(extentOf(l.shape, l.out));
    Buffer<T> x(extentOf(l.shape, l.x), low, high), y(extentOf(l.shape, l.y), low, high);
    runOne(m, opcode, dtypeOf<T>(), l.shape, {}, {operand(out, l.out), operand(x, l.x), operand(y, l.y)});
    bool ok = true;
    for (int64_t i = 0; i < countOf(l.shape); i++) {
      const R want = expected(x[offsetAt(i, l.shape, l.x)], y[offsetAt(i, l.shape, l.y)]);
      ok = ok && out[offsetAt(i, l.shape, l.out)] == want;
    }
    check(ok, "binary " + std::to_string(opcode) + " dtype " + std::to_string(dtypeOf<T>()) + " " +
                  show(l.shape) + show(l.x));
  }
}

template <class T>
void testUnary(Machine& m, int opcode, double low, double high, double tolerance,
               double (*expected)(double)) {
  for (int32_t n : {1, 7, 17, 513, 1000, 70001}) {
    Buffer<T> x(n, low, high), out(n);
    runOne(m, opcode, dtypeOf<T>(), {n}, {}, {operand(out, {1}), operand(x, {1})});
    bool ok = true;
    for (int64_t i = 0; i < n; i++) ok = ok && near(out[i], expected(x[i]), tolerance, tolerance);
    check(ok, "unary " + std::to_string(opcode) + " of " + std::to_string(n));
  }
}

/// The output may be an input with the same layout.
void testInPlace(Machine& m) {
  for (int32_t n : {1, 17, 1000, 100003}) {
    for (int32_t step : {1, 2}) {
      Buffer<float> x(n * step, -1, 1), y(n, -1, 1), before(n * step);
      memcpy(before.data(), x.data(), sizeof(float) * static_cast<size_t>(n * step));
      runOne(m, OP_ADD, abi::FLOAT32, {n}, {}, {operand(x, {step}), operand(x, {step}), operand(y, {1})});
      bool ok = true;
      for (int64_t i = 0; i < n * step; i++) {
        ok = ok && x[i] == (i % step ? before[i] : before[i] + y[i / step]);
      }
      check(ok, "in place");
    }
  }
}

void testSpecialValues(Machine& m) {
  Buffer<float> x(4), y(4), out(4);
  const float xs[] = {NAN, 1, -0.0f, INFINITY}, ys[] = {1, NAN, 5, 2};
  memcpy(x.data(), xs, sizeof(xs));
  memcpy(y.data(), ys, sizeof(ys));
  runOne(m, OP_MAXIMUM, abi::FLOAT32, {4}, {}, {operand(out, {1}), operand(x, {1}), operand(y, {1})});
  check(isnan(out[0]) && isnan(out[1]) && out[2] == 5 && out[3] == INFINITY, "maximum with NaN");
  runOne(m, OP_MINIMUM, abi::FLOAT32, {4}, {}, {operand(out, {1}), operand(x, {1}), operand(y, {1})});
  check(isnan(out[0]) && isnan(out[1]) && out[2] == 0 && out[3] == 2, "minimum with NaN");

  Buffer<int32_t> a(3), b(3), q(3);
  const int32_t as[] = {INT32_MIN, -7, 7}, bs[] = {-1, 2, -2};
  memcpy(a.data(), as, sizeof(as));
  memcpy(b.data(), bs, sizeof(bs));
  runOne(m, OP_FLOOR_DIVIDE, abi::INT32, {3}, {}, {operand(q, {1}), operand(a, {1}), operand(b, {1})});
  check(q[0] == INT32_MIN && q[1] == -4 && q[2] == -4, "integer division rounds down and wraps");
}

template <class To, class From>
void testConvert(Machine& m) {
  const bool isBool = dtypeOf<To>() == abi::BOOL;
  for (int32_t n : {1, 17, 1000}) {
    Buffer<From> x(2 * n, 0, 100);
    x[0] = 0;
    for (int32_t step : {1, 2}) {
      Buffer<To> out(n);
      runOne(m, OP_COPY, dtypeOf<To>(), {n}, {}, {operand(out, {1}), operand(x, {step})});
      bool ok = true;
      for (int64_t i = 0; i < n; i++) {
        const To want = isBool ? static_cast<To>(x[i * step] != 0) : static_cast<To>(x[i * step]);
        ok = ok && memcmp(&want, &out[i], sizeof(To)) == 0;
      }
      check(ok, "convert");
    }
  }
}
template <class To>
void testConvertTo(Machine& m) {
  testConvert<To, float>(m);
  testConvert<To, double>(m);
  testConvert<To, int32_t>(m);
  testConvert<To, int64_t>(m);
  testConvert<To, uint8_t>(m);
  testConvert<To, bool>(m);
}

template <class T>
void testTransposedCopy(Machine& m) {
  for (const Dims& s : std::vector<Dims>{{3, 7, 5}, {1, 40, 33}, {2, 130, 257}, {5, 1, 9}, {1, 600, 600}}) {
    const Dims from = {s[1] * s[2], 1, s[1]}, to = packed(s);
    Buffer<T> x(countOf(s), 0, 100), out(countOf(s));
    runOne(m, OP_COPY, dtypeOf<T>(), s, {}, {operand(out, to), operand(x, from)});
    bool ok = true;
    for (int64_t i = 0; i < countOf(s); i++) ok = ok && out[i] == x[offsetAt(i, s, from)];
    check(ok, "transposed copy " + show(s));
  }
}

void testWhere(Machine& m) {
  for (const Layout& l : layouts()) {
    Buffer<double> out(extentOf(l.shape, l.out)), x(extentOf(l.shape, l.x), -1, 1),
        y(extentOf(l.shape, l.y), -1, 1);
    const Dims flat = packed(l.shape);
    Buffer<bool> condition(countOf(l.shape));
    for (int64_t i = 0; i < condition.size(); i++) condition[i] = draw() & 1;
    runOne(m, OP_WHERE, abi::FLOAT64, l.shape, {},
           {operand(out, l.out), operand(condition, flat), operand(x, l.x), operand(y, l.y)});
    bool ok = true;
    for (int64_t i = 0; i < countOf(l.shape); i++) {
      const double want = condition[i] ? x[offsetAt(i, l.shape, l.x)] : y[offsetAt(i, l.shape, l.y)];
      ok = ok && out[offsetAt(i, l.shape, l.out)] == want;
    }
    check(ok, "where " + show(l.shape));
  }
}

}  // namespace

void testElementwise(Machine& m) {
  const auto sum = [](auto x, auto y) { return static_cast<decltype(x)>(x + y); };
  const auto less = [](auto x, auto y) { return x < y; };
  testBinary<float, float>(m, OP_ADD, -10, 10, sum);
  testBinary<double, double>(m, OP_ADD, -10, 10, sum);
  testBinary<int32_t, int32_t>(m, OP_ADD, -1000, 1000, sum);
  testBinary<int64_t, int64_t>(m, OP_ADD, -1000, 1000, sum);
  testBinary<uint8_t, uint8_t>(m, OP_ADD, 0, 255, sum);
  testBinary<float, bool>(m, OP_LT, -1, 1, less);
  testBinary<double, bool>(m, OP_LT, -1, 1, less);
  testBinary<int64_t, bool>(m, OP_LT, -5, 5, less);
  testUnary<float>(m, OP_EXP, -20, 20, 1e-6, exp);
  testUnary<double>(m, OP_EXP, -20, 20, 1e-14, exp);
  testUnary<float>(m, OP_SIN, -300, 300, 1e-6, sin);
  testUnary<double>(m, OP_SIN, -1e7, 1e7, 1e-14, sin);
  testUnary<float>(m, OP_FLOOR, -20, 20, 0, floor);
  testUnary<double>(m, OP_ROUND, -20, 20, 0, rint);
  testUnary<double>(m, OP_CEIL, -20, 20, 0, ceil);
  testUnary<float>(m, OP_TRUNC, -20, 20, 0, trunc);
  testUnary<double>(m, OP_LOG, 1e-3, 1e5, 1e-14, log);
  testInPlace(m);
  testSpecialValues(m);
}

void testCopy(Machine& m) {
  testConvertTo<float>(m);
  testConvertTo<double>(m);
  testConvertTo<int32_t>(m);
  testConvertTo<int64_t>(m);
  testConvertTo<uint8_t>(m);
  testConvertTo<bool>(m);
  testTransposedCopy<float>(m);
  testTransposedCopy<double>(m);
  testTransposedCopy<uint8_t>(m);
  testWhere(m);

  Buffer<float> odd(4);
  const float values[] = {NAN, -1.9f, 1e20f, -1e20f};
  memcpy(odd.data(), values, sizeof(values));
  Buffer<int32_t> whole(4);
  runOne(m, OP_COPY, abi::INT32, {4}, {}, {operand(whole, {1}), operand(odd, {1})});
  check(whole[0] == 0 && whole[1] == -1 && whole[2] == INT32_MAX && whole[3] == INT32_MIN,
        "float to integer");
}
