// Groups of random steps over random layouts, against a walk of the iteration space that runs the steps one
// element at a time.
#include <algorithm>
#include <memory>

#include "harness.h"

namespace {

enum class Kind { kNone, kNumber, kBool };

struct Step {
  int opcode, out;
  std::vector<int> in;
};

/// A random group: operands (sums, results, inputs), then tile buffers; every one with a naive value per
/// element of the space.
template <class T>
class Case {
 public:
  Case(const Dims& shape, bool sums) : shape(shape), n(countOf(shape)) {
    if (sums) addSums();
    const int results = 1 + pick(3), inputs = 1 + pick(4);
    for (int i = 0; i < results; i++) addOperand(writable());
    const int firstInput = operands();
    for (int i = 0; i < inputs; i++) addOperand(anyLayout());
    temps = 1 + pick(4);
    for (int t = 0; t < temps; t++) slots.push_back({Kind::kNone, std::vector<double>(size())});
    // Some results are updated in place: their old values can be read.
    for (int k = 0; k < operands(); k++) {
      const bool readable = k >= firstInput || (k >= sumCount && pick(3) == 0);
      if (readable) load(k);
    }
    for (int s = 0; s < 8; s++) addStep(sumCount + results, pick(2) == 0);
    for (int k = sumCount; k < sumCount + results; k++) emit(OP_NEG, k, {any(Kind::kNumber)});
    for (int k = 0; k < sumCount; k++) addSum(k);
  }

  std::vector<int32_t> record() {
    std::vector<Operand> list;
    for (int k = 0; k < operands(); k++) list.push_back(operand(*data[at(k)], strides[at(k)]));
    std::vector<int32_t> tail = {static_cast<int32_t>(steps.size()), temps};
    for (const Step& step : steps) {
      std::vector<int32_t> words = {step.opcode, dtypeOf<T>(), step.out, -1, -1, -1, -1, 0};
      std::copy(step.in.begin(), step.in.end(), words.begin() + abi::STEP_IN);
      tail.insert(tail.end(), words.begin(), words.end());
    }
    return recordOf(OP_GROUP, dtypeOf<T>(), shape, {}, list, tail);
  }

  /// Runs it on copies of the operands' present values, and leaves the results in `data`.
  void run(Machine& m) {
    Program program;
    program.append(record());
    check(program.run(m) == 0, "status of a group");
  }
  std::vector<std::vector<T>> snapshot() {
    std::vector<std::vector<T>> values;
    for (auto& buffer : data) values.emplace_back(buffer->data(), buffer->data() + buffer->size());
    return values;
  }
  void restore(const std::vector<std::vector<T>>& values) {
    for (size_t k = 0; k < values.size(); k++) std::copy(values[k].begin(), values[k].end(), data[k]->data());
  }

  void verify() {
    bool exact = true;
    for (int k = sumCount; k < operands(); k++) {
      if (slots[at(k)].kind == Kind::kNone) continue;
      for (int64_t i = 0; i < n; i++) {
        const T got = (*data[at(k)])[offsetAt(i, shape, strides[at(k)])];
        exact = exact && static_cast<double>(got) == slots[at(k)].value[static_cast<size_t>(i)];
      }
    }
    check(exact, "values of a group " + show(shape));
    bool close = true;
    for (int k = 0; k < sumCount; k++) {
      for (int64_t i = 0; i < data[at(k)]->size(); i++) {
        const size_t cell = static_cast<size_t>(i);
        // Relative to the sum of the terms' sizes, as terms cancel.
        const long double bound = sizes[at(k)][cell] * (sizeof(T) == 4 ? 1e-6L : 1e-14L);
        close = close && fabsl((*data[at(k)])[i] - totals[at(k)][cell]) <= bound;
      }
    }
    check(close, "sums of a group " + show(shape));
  }

 private:
  struct Slot {
    Kind kind;
    std::vector<double> value;
  };
  Dims shape;
  int64_t n;
  int sumCount = 0, temps = 0;
  std::vector<std::unique_ptr<Buffer<T>>> data;
  std::vector<Dims> strides;
  std::vector<Slot> slots;
  std::vector<Step> steps;
  /// Extended, so that the naive sums are the more accurate ones.
  std::vector<std::vector<long double>> totals, sizes;

  static size_t at(int i) { return static_cast<size_t>(i); }
  static int pick(int n) { return static_cast<int>(draw() % static_cast<uint64_t>(n)); }
  size_t size() const { return static_cast<size_t>(n); }
  int operands() const { return static_cast<int>(data.size()); }

  void addOperand(const Dims& layout) {
    strides.push_back(layout);
    data.push_back(std::make_unique<Buffer<T>>(extentOf(shape, layout), -1.0, 1.0));
    slots.push_back({Kind::kNone, std::vector<double>(size())});
  }
  void load(int k) {
    slots[at(k)].kind = Kind::kNumber;
    for (int64_t i = 0; i < n; i++)
      slots[at(k)].value[static_cast<size_t>(i)] = (*data[at(k)])[offsetAt(i, shape, strides[at(k)])];
  }
  /// Row-major, with a gap after every row, or column-major.
  Dims writable() {
    Dims padded = shape;
    const int way = pick(4);
    if (way == 1 && !shape.empty()) padded.back() += 3;
    if (way < 2 || shape.size() < 2) return packed(padded);
    Dims reversed(shape.rbegin(), shape.rend()), layout = way == 2 ? packed(shape) : packed(reversed);
    if (way == 3) std::reverse(layout.begin(), layout.end());
    return layout;
  }
  Dims anyLayout() {
    Dims layout = writable();
    if (pick(2)) return layout;
    for (int32_t& stride : layout) {
      if (pick(2)) stride = 0;
    }
    return layout;
  }

  /// A slot of this kind that has a value.
  int any(Kind kind) {
    std::vector<int> found;
    for (size_t k = 0; k < slots.size(); k++) {
      if (slots[k].kind == kind) found.push_back(static_cast<int>(k));
    }
    return found.empty() ? -1 : found[at(pick(static_cast<int>(found.size())))];
  }

  void addStep(int firstInput, bool tests) {
    const int temp = operands() + pick(temps);
    const int result = sumCount + pick(firstInput - sumCount);
    const int x = any(Kind::kNumber), y = any(Kind::kNumber), condition = any(Kind::kBool);
    if (tests && condition < 0) return emit(OP_LT, temp, {x, y});
    // The condition's own slot may take the result.
    if (tests) return emit(OP_WHERE, pick(2) ? condition : temp, {condition, x, y});
    const int opcodes[] = {OP_ADD, OP_MUL, OP_MAXIMUM, OP_COPY, OP_NEG};
    const int opcode = opcodes[pick(5)];
    const bool unary = opcode == OP_COPY || opcode == OP_NEG;
    emit(opcode, pick(3) ? temp : result, unary ? std::vector<int>{x} : std::vector<int>{x, y});
  }

  void emit(int opcode, int out, const std::vector<int>& in) {
    steps.push_back({opcode, out, in});
    std::vector<double> value(size());
    for (size_t i = 0; i < size(); i++) {
      double v[3] = {};
      for (size_t a = 0; a < in.size(); a++) v[a] = slots[at(in[a])].value[i];
      const T x = static_cast<T>(v[0]), y = static_cast<T>(v[1]);
      value[i] = opcode == OP_ADD       ? static_cast<double>(static_cast<T>(x + y))
                 : opcode == OP_MUL     ? static_cast<double>(static_cast<T>(x * y))
                 : opcode == OP_MAXIMUM ? std::max(v[0], v[1])
                 : opcode == OP_NEG     ? -v[0]
                 : opcode == OP_LT      ? v[0] < v[1]
                 : opcode == OP_WHERE   ? (v[0] != 0 ? v[1] : v[2])
                                        : v[0];
    }
    slots[at(out)] = {opcode == OP_LT ? Kind::kBool : Kind::kNumber, value};
  }

  void addSums() {
    std::vector<Dims> ways = {Dims(shape.size(), 0)};
    if (shape.size() == 2) ways.insert(ways.end(), {{1, 0}, {0, 1}});
    sumCount = 1 + pick(3);
    for (int i = 0; i < sumCount; i++) addOperand(ways[at(pick(static_cast<int>(ways.size())))]);
    totals.resize(at(sumCount));
    sizes.resize(at(sumCount));
  }
  void addSum(int k) {
    const int x = any(Kind::kNumber);
    const bool mean = pick(2) == 1;
    steps.push_back({mean ? OP_MEAN : OP_SUM, k, {x}});
    totals[at(k)].assign(static_cast<size_t>(data[at(k)]->size()), 0);
    sizes[at(k)] = totals[at(k)];
    for (int64_t i = 0; i < n; i++) {
      const size_t cell = static_cast<size_t>(offsetAt(i, shape, strides[at(k)]));
      totals[at(k)][cell] += slots[at(x)].value[static_cast<size_t>(i)];
      sizes[at(k)][cell] += fabs(slots[at(x)].value[static_cast<size_t>(i)]);
    }
    const double count = mean ? static_cast<double>(n) / static_cast<double>(totals[at(k)].size()) : 1;
    for (auto& total : totals[at(k)]) total /= count;
    for (auto& size : sizes[at(k)]) size /= count;
  }
};

template <class T>
void testRandomGroups(Machine& m) {
  const std::vector<Dims> shapes = {{},        {1},       {7},        {512},     {513},       {5000},
                                    {100003},  {5, 7},    {7, 5},     {17, 513}, {40, 130},   {1000, 1},
                                    {1, 1000}, {300, 200}, {2000, 40}, {3, 4, 5}, {3, 64, 70}, {2, 3, 2, 9}};
  for (const Dims& shape : shapes) {
    for (int i = 0; i < 4; i++) {
      Case<T> group(shape, i % 2 == 1);
      const auto before = group.snapshot();
      group.run(m);
      group.verify();
      const auto after = group.snapshot();
      const int threads = m.context.pool->threads();
      m.context.pool->setThreads(threads % 3 + 1);
      group.restore(before);
      group.run(m);
      m.context.pool->setThreads(threads);
      check(group.snapshot() == after, "a group gives the same on any number of threads " + show(shape));
    }
  }
}

/// More columns than the workspace has sums for.
void testManyColumns(Machine& m) {
  const int32_t rows = 2, columns = 300000;
  Buffer<float> x(int64_t{rows} * columns, -1, 1), down(columns), across(rows), all(1);
  std::vector<int32_t> tail = {3, 0};
  for (const int32_t out : {0, 1, 2})
    tail.insert(tail.end(), {OP_SUM, abi::FLOAT32, out, 3, -1, -1, -1, 0});
  Program program;
  program.append(recordOf(OP_GROUP, abi::FLOAT32, {rows, columns}, {},
                          {operand(down, {0, 1}), operand(across, {1, 0}), operand(all, {0, 0}),
                           operand(x, {columns, 1})},
                          tail));
  check(program.run(m) == 0, "status of a wide group");
  bool ok = true;
  double sums[2] = {};
  for (int64_t j = 0; j < columns; j++) {
    ok = ok && near(down[j], static_cast<double>(x[j]) + x[columns + j], 1e-6, 1e-7);
    for (int64_t i = 0; i < rows; i++) sums[i] += x[i * columns + j];
  }
  check(ok, "sums down many columns");
  check(near(across[0], sums[0], 1e-6, 0.01) && near(across[1], sums[1], 1e-6, 0.01), "sums over long rows");
  check(near(all[0], sums[0] + sums[1], 1e-6, 0.01), "sum over everything wide");
}

/// As accurate as the reduction: four million tenths in float32.
void testSumAccuracy(Machine& m) {
  const int32_t n = 1 << 22;
  Buffer<float> x(n), all(1), down(4), reduced(4);
  for (int64_t i = 0; i < n; i++) x[i] = 0.1f;
  const std::vector<int32_t> tail = {1, 0, OP_SUM, abi::FLOAT32, 0, 1, -1, -1, -1, 0};
  Program program;
  program.append(
      recordOf(OP_GROUP, abi::FLOAT32, {n}, {}, {operand(all, {0}), operand(x, {1})}, tail));
  program.append(recordOf(OP_GROUP, abi::FLOAT32, {n / 4, 4}, {},
                          {operand(down, {0, 1}), operand(x, {4, 1})}, tail));
  check(program.run(m) == 0, "status of long sums");
  check(near(all[0], static_cast<double>(0.1f) * n, 2e-7), "a group's sum of 4 million float32");
  // Down columns, blocks of 32 elements are added in single precision, as the reduction does.
  runOne(m, OP_SUM, abi::FLOAT32, {4, n / 4}, {1}, {operand(reduced, {1, 0}), operand(x, {1, 4})});
  check(down[3] == reduced[3], "a group's sum down a million rows");
}

void testNoKernel(Machine& m) {
  for (int32_t n : {4, 4000}) {
    Buffer<float> x(n, -1, 1), out(n);
    Program program;
    program.append(recordOf(OP_GROUP, abi::FLOAT32, {n}, {}, {operand(out, {1}), operand(x, {1})},
                            {1, 0, OP_MATMUL, abi::FLOAT32, 0, 1, -1, -1, -1, 0}));
    check(program.run(m) == abi::FAULT_NO_KERNEL, "a step that has no row kernel is a fault");
  }
}

}  // namespace

void testGroup(Machine& m) {
  testRandomGroups<float>(m);
  testRandomGroups<double>(m);
  testManyColumns(m);
  testSumAccuracy(m);
  testNoKernel(m);
}
