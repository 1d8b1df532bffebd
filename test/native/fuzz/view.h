// A record's words as the verifier reads them, and the memory they point into.
#pragma once
#include <memory>

#include "rules.h"

/// Memory that belongs together, allocated to its last byte, so that the sanitizer sees whoever leaves it.
struct Block {
  explicit Block(int64_t bytes) : bytes(bytes), data(new char[static_cast<size_t>(bytes)]()) {}
  int64_t bytes;
  std::unique_ptr<char[]> data;
  bool holds(uint64_t first, uint64_t last) const {
    const uint64_t start = reinterpret_cast<uint64_t>(data.get());
    return first >= start && last <= start + static_cast<uint64_t>(bytes) && first <= last;
  }
};
using Memory = std::vector<Block>;

/// Longest walk of a record; longer ones are refused for the time they take.
constexpr int64_t kMostElements = 1 << 20;

/// The words of a record that holds no others, and what they say.
struct View {
  const int32_t* words;
  int opcode, dtype, rank, operands, params;
  const double* param;
  const int32_t *operand, *shape, *strides;
  explicit View(const int32_t* r)
      : words(r),
        opcode(r[1]),
        dtype(r[2]),
        rank(r[3]),
        operands(r[4]),
        params(r[5]),
        param(reinterpret_cast<const double*>(r + 6)),
        operand(r + 6 + 2 * params),
        shape(operand + 4 * operands),
        strides(shape + rank) {}
  bool present(int k) const { return operand[4 * k] || operand[4 * k + 1] || operand[4 * k + 3]; }
  bool immediate(int k) const { return operand[4 * k + 3] == abi::FLAG_IMMEDIATE; }
  int type(int k) const { return operand[4 * k + 2]; }
  int stride(int k, int d) const { return strides[k * rank + d]; }
  uint64_t address(int k) const {
    return static_cast<uint64_t>(static_cast<uint32_t>(operand[4 * k + 1])) << 32 |
           static_cast<uint32_t>(operand[4 * k]);
  }
  int64_t whole(int p) const { return static_cast<int64_t>(param[p]); }
};

/// Integers are converted without a look.
inline bool fits(double x, int dtype) {
  if (dtype == abi::FLOAT32 || dtype == abi::FLOAT64) return true;
  const double low = dtype >= abi::UINT8 ? 0 : dtype == abi::INT64 ? -0x1p63 : -0x1p31;
  const double high = dtype >= abi::UINT8 ? 255 : dtype == abi::INT64 ? 0x1p63 - 1024 : 0x1p31 - 1;
  return x == trunc(x) && x >= low && x <= high;
}

/// Null, or what is wrong.
inline const char* unless(bool ok, const char* what) { return ok ? nullptr : what; }
