// The frame of the native tests: records built by hand, operands with guards around them, and a naive walk of
// iteration spaces to compare with. A test is a function of a Machine; main.cc runs each on every instruction
// set with several thread counts.
#pragma once
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <functional>
#include <string>
#include <vector>

#include "../../native/program/execute.h"
#include "../../native/program/tables.h"
#include "../../native/threads/pool.h"

using Dims = std::vector<int32_t>;

struct Machine {
  const KernelTable* table;
  Context context;
};

inline int passed = 0, failed = 0;
inline std::string situation;

/// Counts a check; prints the ones that fail.
inline void check(bool ok, const std::string& what) {
  if (ok) {
    passed++;
  } else if (failed++ < 50) {
    printf("FAILED [%s] %s\n", situation.c_str(), what.c_str());
  }
}

inline std::string show(const Dims& dims) {
  std::string text = "[";
  for (int32_t d : dims) text += std::to_string(d) + " ";
  return text + "]";
}

template <class T>
constexpr abi::DType dtypeOf();
template <>
constexpr abi::DType dtypeOf<float>() {
  return abi::FLOAT32;
}
template <>
constexpr abi::DType dtypeOf<double>() {
  return abi::FLOAT64;
}
template <>
constexpr abi::DType dtypeOf<int32_t>() {
  return abi::INT32;
}
template <>
constexpr abi::DType dtypeOf<int64_t>() {
  return abi::INT64;
}
template <>
constexpr abi::DType dtypeOf<uint8_t>() {
  return abi::UINT8;
}
template <>
constexpr abi::DType dtypeOf<bool>() {
  return abi::BOOL;
}

/// Deterministic numbers: xorshift (Marsaglia, 2003).
inline uint64_t seed = 88172645463325252u;
inline uint64_t draw() {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  return seed ^= seed << 17;
}
inline double between(double low, double high) {
  return low + static_cast<double>(draw() >> 11) / 9007199254740992.0 * (high - low);
}

/// Elements with guard bytes on both sides, checked when it goes.
template <class T>
class Buffer {
 public:
  explicit Buffer(int64_t n) : n(n), bytes(static_cast<size_t>(n) * sizeof(T) + 2 * kGuard, kPattern) {}
  Buffer(int64_t n, double low, double high) : Buffer(n) { fill(low, high); }
  Buffer(const Buffer&) = delete;
  ~Buffer() {
    bool intact = true;
    for (size_t i = 0; i < kGuard; i++)
      intact = intact && bytes[i] == kPattern && bytes[bytes.size() - 1 - i] == kPattern;
    check(intact, "guard bytes");
  }
  void fill(double low, double high) {
    for (int64_t i = 0; i < n; i++) data()[i] = static_cast<T>(between(low, high));
  }
  T* data() { return reinterpret_cast<T*>(bytes.data() + kGuard); }
  T& operator[](int64_t i) { return data()[i]; }
  int64_t size() const { return n; }

 private:
  static constexpr size_t kGuard = 64;
  static constexpr unsigned char kPattern = 0xA5;
  int64_t n;
  std::vector<unsigned char> bytes;
};

struct Operand {
  void* address;
  int dtype;
  Dims strides;
};
template <class T>
Operand operand(Buffer<T>& buffer, const Dims& strides, int64_t offset = 0) {
  return {buffer.data() + offset, dtypeOf<T>(), strides};
}
inline Operand absent(const Dims& strides) { return {nullptr, abi::FLOAT32, strides}; }

/// The words of a record; `tail` follows the strides, from an even word on.
inline std::vector<int32_t> recordOf(int opcode, int dtype, const Dims& shape,
                                     const std::vector<double>& params, const std::vector<Operand>& operands,
                                     const std::vector<int32_t>& tail = {}) {
  std::vector<int32_t> record(abi::RECORD_FIXED_WORDS);
  record[abi::RECORD_OPCODE] = opcode;
  record[abi::RECORD_DTYPE] = dtype;
  record[abi::RECORD_RANK] = static_cast<int32_t>(shape.size());
  record[abi::RECORD_OPERANDS] = static_cast<int32_t>(operands.size());
  record[abi::RECORD_PARAMS] = static_cast<int32_t>(params.size());
  for (double p : params) {
    int32_t halves[2];
    memcpy(halves, &p, 8);
    record.insert(record.end(), halves, halves + 2);
  }
  for (const Operand& o : operands) {
    const uint64_t address = reinterpret_cast<uint64_t>(o.address);
    record.insert(record.end(),
                  {static_cast<int32_t>(address), static_cast<int32_t>(address >> 32), o.dtype, 0});
  }
  record.insert(record.end(), shape.begin(), shape.end());
  for (const Operand& o : operands) record.insert(record.end(), o.strides.begin(), o.strides.end());
  if (record.size() % 2) record.push_back(0);
  record.insert(record.end(), tail.begin(), tail.end());
  if (record.size() % 2) record.push_back(0);
  record[abi::RECORD_LENGTH] = static_cast<int32_t>(record.size());
  return record;
}

/// A record that holds records.
inline std::vector<int32_t> recordHolding(int opcode, int dtype,
                                          const std::vector<std::vector<int32_t>>& held) {
  std::vector<int32_t> record = {0, opcode, dtype, 0, 0, 0, static_cast<int32_t>(held.size()), 0};
  for (const std::vector<int32_t>& each : held) record.insert(record.end(), each.begin(), each.end());
  record[abi::RECORD_LENGTH] = static_cast<int32_t>(record.size());
  return record;
}

/// A program buffer; records are appended, then run.
class Program {
 public:
  Program() : words(abi::HEADER_WORDS) {}

  void add(int opcode, int dtype, const Dims& shape, const std::vector<double>& params,
           const std::vector<Operand>& operands) {
    append(recordOf(opcode, dtype, shape, params, operands));
  }
  void append(const std::vector<int32_t>& record) { words.insert(words.end(), record.begin(), record.end()); }

  int run(Machine& m) {
    // 8-byte aligned, as params are read in place.
    std::vector<double> aligned(words.size() / 2 + 1);
    memcpy(aligned.data(), words.data(), words.size() * sizeof(int32_t));
    const int status = execute(*m.table, m.context, reinterpret_cast<int32_t*>(aligned.data()),
                               static_cast<int32_t>(words.size()));
    memcpy(words.data(), aligned.data(), abi::HEADER_WORDS * sizeof(int32_t));
    return status;
  }

  std::vector<int32_t> words;
};

inline void runOne(Machine& m, int opcode, int dtype, const Dims& shape, const std::vector<double>& params,
                   const std::vector<Operand>& operands) {
  Program program;
  program.add(opcode, dtype, shape, params, operands);
  check(program.run(m) == 0,
        "status of opcode " + std::to_string(opcode) + " dtype " + std::to_string(dtype));
}

inline int64_t countOf(const Dims& shape) {
  int64_t n = 1;
  for (int32_t d : shape) n *= d;
  return n;
}

/// Row-major strides.
inline Dims packed(const Dims& shape) {
  Dims strides(shape.size());
  int32_t step = 1;
  for (size_t d = shape.size(); d-- > 0;) {
    strides[d] = step;
    step *= shape[d];
  }
  return strides;
}

/// The offset of the element at position `i` (row-major) of `shape`.
inline int64_t offsetAt(int64_t i, const Dims& shape, const Dims& strides) {
  int64_t offset = 0;
  for (size_t d = shape.size(); d-- > 0;) {
    offset += i % shape[d] * strides[d];
    i /= shape[d];
  }
  return offset;
}

/// Room that an operand with these strides needs.
inline int64_t extentOf(const Dims& shape, const Dims& strides) {
  int64_t last = 0;
  for (size_t d = 0; d < shape.size(); d++) last += static_cast<int64_t>(shape[d] - 1) * strides[d];
  return last + 1;
}

inline bool near(double got, double want, double relative, double absolute = 0) {
  if (isnan(want)) return isnan(got);
  if (isinf(want)) return got == want;
  return fabs(got - want) <= absolute + relative * fabs(want);
}

void testElementwise(Machine& m);
void testAccuracy(Machine& m);
void testCopy(Machine& m);
void testReductions(Machine& m);
void testMatmul(Machine& m);
void testRows(Machine& m);
void testImages(Machine& m);
void testIndex(Machine& m);
void testSort(Machine& m);
void testRandom(Machine& m);
void testOptim(Machine& m);
void testGroup(Machine& m);
void testMatmulGroup(Machine& m);
void testUpdateAll(Machine& m);
void testExecute(Machine& m);
