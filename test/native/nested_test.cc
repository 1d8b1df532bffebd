// Records that hold records do what these do one after the other, bit for bit.
#include <memory>

#include "harness.h"

namespace {

using Words = std::vector<int32_t>;

/// How the group that follows a product sees C.
enum class Space { kSame, kFlat, kMerged, kTurned };

/// c = a·b; y = relu(c + bias) kept as such, and c doubled in place.
template <class T>
void testProduct(Machine& m, int32_t batch, int32_t rows, int32_t n, int32_t k, Space space, bool bTurned) {
  const int64_t size = int64_t{batch} * rows * n;
  Buffer<T> a(int64_t{batch} * rows * k, -1, 1), b(int64_t{batch} * k * n, -1, 1), bias(n, -1, 1);
  Buffer<T> c(size), y(size), wantC(size), wantY(size);
  const auto build = [&](Buffer<T>& cTo, Buffer<T>& yTo) {
    const Dims bs = bTurned ? Dims{k * n, 0, k, 1} : Dims{k * n, 0, 1, n};
    std::vector<Words> both = {recordOf(OP_MATMUL, dtypeOf<T>(), {batch, rows, n, k}, {},
                                        {operand(cTo, {rows * n, n, 1, 0}), operand(a, {rows * k, k, 0, 1}),
                                         operand(b, bs)})};
    Dims shape = {batch, rows, n}, cs = {rows * n, n, 1}, biases = {0, 0, 1};
    if (space == Space::kFlat) shape = {batch * rows * n}, cs = {1}, biases = {0};
    if (space == Space::kMerged) shape = {batch * rows, n}, cs = {n, 1}, biases = {0, 1};
    // Every other tile of C is needed before it is complete.
    const Dims turned = space == Space::kTurned ? Dims{rows * n, 1, n} : cs;
    const int dtype = dtypeOf<T>();
    both.push_back(recordOf(OP_GROUP, dtype, shape, {},
                            {operand(yTo, cs), operand(cTo, space == Space::kTurned ? turned : cs),
                             operand(bias, biases)},
                            {3, 1, OP_ADD, dtype, 3, 1, 2, -1, -1, 0, OP_RELU, dtype, 0, 3, -1, -1, -1, 0,
                             OP_ADD, dtype, 1, 1, 1, -1, -1, 0}));
    return both;
  };
  Program together, apart;
  together.append(recordHolding(OP_MATMUL_GROUP, dtypeOf<T>(), build(c, y)));
  for (const Words& record : build(wantC, wantY)) apart.append(record);
  check(together.run(m) == 0 && apart.run(m) == 0, "status of a product with a group");
  const size_t bytes = sizeof(T) * static_cast<size_t>(size);
  check(memcmp(c.data(), wantC.data(), bytes) == 0 && memcmp(y.data(), wantY.data(), bytes) == 0,
        "a product with a group " + show({batch, rows, n, k}));
}

template <class T>
void testProducts(Machine& m) {
  const Dims sizes[] = {{1, 1, 1, 1},       {1, 5, 7, 3},       {3, 5, 7, 3},    {1, 1, 300, 70},
                        {1, 300, 1, 70},    {1, 3, 200, 64},    {4, 40, 50, 60}, {1, 200, 300, 100},
                        {2, 130, 270, 520}, {1, 260, 40, 300}};
  for (const Dims& s : sizes) {
    for (const Space space : {Space::kSame, Space::kFlat, Space::kMerged}) {
      for (const bool bTurned : {false, true}) testProduct<T>(m, s[0], s[1], s[2], s[3], space, bTurned);
    }
  }
  for (const bool bTurned : {false, true}) testProduct<T>(m, 2, 200, 200, 150, Space::kTurned, bTurned);
}

template <class T>
void testUpdates(Machine& m) {
  const Dims sizes = {1, 17, 70000, 3, 1000, 64};
  std::vector<std::unique_ptr<Buffer<T>>> values[2];
  Buffer<double> steps(static_cast<int64_t>(2 * sizes.size())), rate(1);
  steps.fill(0, 0);
  rate[0] = 0.01;
  for (size_t i = 0; i < sizes.size(); i++) {
    for (int v = 0; v < 4; v++) {
      values[0].push_back(std::make_unique<Buffer<T>>(sizes[i], 0.0, 1.0));
      values[1].push_back(std::make_unique<Buffer<T>>(sizes[i]));
      memcpy(values[1].back()->data(), values[0].back()->data(), sizeof(T) * static_cast<size_t>(sizes[i]));
    }
  }
  std::vector<Words> records[2];
  for (size_t i = 0; i < sizes.size(); i++) {
    for (size_t which = 0; which < 2; which++) {
      const auto value = [&](size_t v) { return operand(*values[which][4 * i + v], {1}); };
      const Operand step = operand(steps, {0}, static_cast<int64_t>(which * sizes.size() + i));
      records[which].push_back(
          i % 3 == 2 ? recordOf(OP_SGD_STEP, dtypeOf<T>(), {sizes[i]}, {0.9, 0.1, 0.01, 1},
                                {value(0), value(1), value(2), step, operand(rate, {0})})
                     : recordOf(OP_ADAM_STEP, dtypeOf<T>(), {sizes[i]}, {0.9, 0.99, 1e-8, 0.1, 1.0 * (i % 2)},
                                {value(0), value(1), value(2), value(3), step, operand(rate, {0})}));
    }
  }
  Program together, apart;
  together.append(recordHolding(OP_UPDATE_ALL, dtypeOf<T>(), records[0]));
  for (const Words& record : records[1]) apart.append(record);
  for (int t = 0; t < 3; t++) check(together.run(m) == 0 && apart.run(m) == 0, "status of updates");
  bool same = true, counted = true;
  for (int64_t i = 0; i < steps.size(); i++) counted = counted && steps[i] == 3;
  for (size_t v = 0; v < values[0].size(); v++) {
    same = same && memcmp(values[0][v]->data(), values[1][v]->data(),
                          sizeof(T) * static_cast<size_t>(values[0][v]->size())) == 0;
  }
  check(same, "updates side by side");
  check(counted, "every update counts its step once");
}

}  // namespace

void testMatmulGroup(Machine& m) {
  testProducts<float>(m);
  testProducts<double>(m);
}

void testUpdateAll(Machine& m) {
  testUpdates<float>(m);
  testUpdates<double>(m);
}
