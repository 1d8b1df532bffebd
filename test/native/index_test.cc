// gather, scatter, scatter_add, sort and the checks that precede them.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "harness.h"

namespace {

/// x is [outer, from, inner], indexed in the middle with [outer, n, inner] indices; the index may
/// vary along `inner` or not.
template <class T>
void testGather(Machine& m, int32_t outer, int32_t from, int32_t n, int32_t inner, bool rowwise) {
  const Dims shape = {outer, n, inner};
  const Dims xs = {from * inner, 0, 1}, os = {n * inner, inner, 1};
  const Dims is = rowwise ? Dims{0, 1, 0} : os;
  Buffer<T> x(outer * from * inner, 0, 100), out(countOf(shape));
  Buffer<int64_t> index(extentOf(shape, is), 0, from);
  runOne(m, OP_GATHER, dtypeOf<T>(), shape, {static_cast<double>(inner)},
         {operand(out, os), operand(x, xs), operand(index, is)});
  bool ok = true;
  for (int64_t i = 0; i < countOf(shape); i++) {
    ok = ok && out[i] == x[offsetAt(i, shape, xs) + index[offsetAt(i, shape, is)] * inner];
  }
  check(ok, "gather " + show(shape));
}

template <class T>
void testScatter(Machine& m, int opcode, int32_t outer, int32_t to, int32_t n, int32_t inner, bool rowwise) {
  const Dims shape = {outer, n, inner};
  const Dims os = {to * inner, 0, 1}, ss = {n * inner, inner, 1};
  const Dims is = rowwise ? Dims{0, 1, 0} : ss;
  Buffer<T> out(outer * to * inner, 0, 100), source(countOf(shape), 0, 100);
  Buffer<int64_t> index(extentOf(shape, is), 0, to);
  std::vector<T> want(out.data(), out.data() + out.size());
  for (int64_t i = 0; i < countOf(shape); i++) {
    T& target = want[static_cast<size_t>(offsetAt(i, shape, os) + index[offsetAt(i, shape, is)] * inner)];
    target = opcode == OP_SCATTER ? source[i] : static_cast<T>(target + source[i]);
  }
  runOne(m, opcode, dtypeOf<T>(), shape, {static_cast<double>(inner)},
         {operand(out, os), operand(index, is), operand(source, ss)});
  // Equal to the last bit: the order of additions is fixed.
  check(memcmp(want.data(), out.data(), want.size() * sizeof(T)) == 0, "scatter " + show(shape));
}

template <class T>
void testSortOf(Machine& m, double low, double high) {
  for (int32_t n : {1, 7, 16, 17, 33, 513, 5000}) {
    for (const bool descending : {false, true}) {
      const int32_t rows = 3;
      Buffer<T> x(rows * n, low, high), values(rows * n);
      Buffer<int64_t> indices(rows * n), space(2 * n);
      if (dtypeOf<T>() <= abi::FLOAT64 && n > 10)
        x[3] = static_cast<T>(NAN), x[5] = static_cast<T>(-NAN), x[6] = 0, x[8] = static_cast<T>(-0.0);
      runOne(m, OP_SORT, dtypeOf<T>(), {rows, n}, {descending ? 1.0 : 0.0},
             {operand(values, {n, 1}), operand(indices, {n, 1}), operand(x, {n, 1}), operand(space, {0, 1})});
      bool ok = true;
      for (int64_t r = 0; r < rows; r++) {
        std::vector<int64_t> want(static_cast<size_t>(n));
        std::iota(want.begin(), want.end(), 0);
        const T* row = x.data() + r * n;
        const auto before = [&](int64_t a, int64_t b) {
          const T l = row[descending ? b : a], g = row[descending ? a : b];
          return l < g || (g != g && l == l);
        };
        std::stable_sort(want.begin(), want.end(), before);
        for (int64_t i = 0; i < n; i++) {
          const int64_t index = indices[r * n + i];
          ok = ok && index == want[static_cast<size_t>(i)] &&
               memcmp(&values[r * n + i], row + index, sizeof(T)) == 0;
        }
      }
      check(ok, "sort of " + std::to_string(n) + " dtype " + std::to_string(dtypeOf<T>()));
    }
  }
}

double faultValue(const Program& program) {
  double value;
  memcpy(&value, program.words.data() + abi::HEADER_FAULT_VALUE, 8);
  return value;
}

}  // namespace

void testIndex(Machine& m) {
  for (const bool rowwise : {false, true}) {
    for (int32_t inner : {1, 7, 64}) {
      for (int32_t n : {1, 17, 400}) {
        testGather<float>(m, 3, 11, n, inner, rowwise);
        testGather<double>(m, 1, 5, n, inner, rowwise);
        testGather<uint8_t>(m, 2, 5, n, inner, rowwise);
        for (const int opcode : {OP_SCATTER, OP_SCATTER_ADD}) {
          testScatter<float>(m, opcode, 3, 11, n, inner, rowwise);
          testScatter<int64_t>(m, opcode, 1, 5, n, inner, rowwise);
          testScatter<uint8_t>(m, opcode, 2, 5, n, inner, rowwise);
        }
      }
    }
  }
  testGather<float>(m, 1, 1000, 2000, 100, true);
  testScatter<float>(m, OP_SCATTER_ADD, 1, 100, 2000, 130, true);
}

void testSort(Machine& m) {
  testSortOf<float>(m, -10, 10);
  testSortOf<double>(m, -10, 10);
  testSortOf<int32_t>(m, -50, 50);
  testSortOf<int64_t>(m, -50, 50);
  testSortOf<uint8_t>(m, 0, 255);
}

void testExecute(Machine& m) {
  // A fault names the record and the value, and nothing after it runs.
  Buffer<int64_t> index(600, 0, 10);
  Buffer<float> x(1), y(1);
  x[0] = 1, y[0] = 0;
  Program program;
  const Operand X = operand(x, {}), Y = operand(y, {});
  program.add(OP_ADD, abi::FLOAT32, {}, {}, {X, X, X});
  const int32_t second = static_cast<int32_t>(program.words.size());
  program.add(OP_CHECK_INDEX, abi::INT64, {20, 30}, {0, 10}, {operand(index, {30, 1})});
  program.add(OP_ADD, abi::FLOAT32, {}, {}, {Y, X, X});
  check(program.run(m) == 0 && x[0] == 2 && y[0] == 4, "a program without faults");
  index[77] = -3;
  index[78] = 10;
  y[0] = 0;
  check(program.run(m) == abi::FAULT_INDEX && y[0] == 0, "an index out of range stops the program");
  check(program.words[abi::HEADER_STATUS] == abi::FAULT_INDEX &&
            program.words[abi::HEADER_FAULT_RECORD] == second && faultValue(program) == -3,
        "the header tells where");

  Buffer<int32_t> divisor(100, 1, 9);
  Program division;
  division.add(OP_CHECK_NONZERO, abi::INT32, {50}, {}, {operand(divisor, {2})});
  divisor[41] = 0;
  check(division.run(m) == 0, "a zero between the strides is not looked at");
  divisor[40] = 0;
  check(division.run(m) == abi::FAULT_ZERO_DIVISOR, "a zero divisor");

  Buffer<double> probability(100, 0, 1);
  Program within;
  within.add(OP_CHECK_WITHIN, abi::FLOAT64, {50}, {0, 1}, {operand(probability, {2})});
  probability[40] = 0, probability[42] = 1, probability[43] = 2;
  check(within.run(m) == 0, "the ends of an interval lie in it");
  probability[44] = std::nan("");
  check(within.run(m) == abi::FAULT_RANGE, "NaN lies in no interval");
  probability[40] = -1e-300;
  check(within.run(m) == abi::FAULT_RANGE && faultValue(within) == -1e-300, "a number outside of an interval");

  Program unknown;
  unknown.add(OP_EXP, abi::INT32, {}, {}, {X, X});
  check(unknown.run(m) == abi::FAULT_NO_KERNEL, "no kernel for this dtype");
  Program beyond;
  beyond.add(OP_COUNT, abi::FLOAT32, {}, {}, {X, X});
  check(beyond.run(m) == abi::FAULT_NO_KERNEL, "no such opcode");

  // An immediate moves with its record.
  Program immediate;
  immediate.add(OP_ADD, abi::FLOAT32, {}, {}, {Y, X, {nullptr, abi::FLOAT32, {}}});
  const size_t at = abi::HEADER_WORDS;
  const int32_t length = immediate.words[at];
  int32_t* flags = immediate.words.data() + at + abi::RECORD_FIXED_WORDS + 2 * abi::OPERAND_WORDS;
  flags[abi::OPERAND_ADDRESS_LOW] = length;
  flags[abi::OPERAND_FLAGS] = abi::FLAG_IMMEDIATE;
  const float half = 0.5f;
  int32_t bits;
  memcpy(&bits, &half, 4);
  immediate.words.push_back(bits);
  immediate.words.push_back(0);
  immediate.words[at] = length + 2;
  check(immediate.run(m) == 0 && y[0] == x[0] + 0.5f, "an immediate operand");
}
