// Numbers, sizes and memory with contents, from bytes. What the bytes do not say is drawn from their first ones, so
// that short inputs make whole programs too.
#pragma once
#include "view.h"

class Draw {
 public:
  Memory memory;

  Draw(const uint8_t* bytes, size_t count) : bytes(bytes), count(count) {
    for (size_t i = 0; i < count && i < 16; i++) state = (state ^ bytes[i]) * 1099511628211u;
    state |= 1;
  }

 protected:
  int pick(int n) { return n <= 1 ? 0 : static_cast<int>(next() % static_cast<unsigned>(n)); }
  bool oneIn(int n) { return pick(n) == n - 1; }

  /// Sizes at the edges of vectors, tiles and blocks, and whatever makes work for several threads.
  int size(int64_t most) {
    static const int kEdges[] = {1,  2,  3,  4,  5,   7,   8,   9,   15,  16,   17,   31,   32,
                                 33, 63, 64, 65, 127, 129, 257, 511, 513, 1025, 4097, 70001};
    const int kind = pick(16);
    int n = kind < 9 ? 1 + pick(5) : kEdges[pick(kind < 14 ? 17 : 25)];
    return static_cast<int>(std::min<int64_t>(n, most));
  }
  /// Rarely large, for the time that takes.
  Dims space(int rank) { return space(rank, oneIn(24) ? 200000 : 3000); }
  Dims space(int rank, int64_t most) {
    Dims shape(static_cast<size_t>(rank));
    for (int32_t& n : shape) most /= n = size(most);
    return shape;
  }

  char* allocate(int64_t items, int dtype, int64_t places) {
    const int64_t item = abi::ITEM_BYTES[dtype], lead = pick(4) * item;
    memory.emplace_back(items * item + lead);
    char* start = memory.back().data.get() + lead;
    const int mode = pick(6);
    for (int64_t i = 0; i < items; i++) value(start + i * item, dtype, mode, i, places);
    return start;
  }
  template <class T>
  static void put(char* to, double x) {
    const T value = static_cast<T>(x);
    memcpy(to, &value, sizeof(T));
  }
  void value(char* to, int dtype, int mode, int64_t i, int64_t places) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    const uint64_t bits = state;
    static const double kSpecial[] = {0,        -0.0,      1,   -1,  1e-30, -1e30,  3e38,
                                      INFINITY, -INFINITY, NAN, 0.5, 88.7,  -103.9, 2147483648.0};
    static const int64_t kWhole[] = {0, 1, -1, 2, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, 255, 128};
    if (places) {
      // Now and then one that a check in front is to stop, or to let pass as the exempt one.
      int64_t index = static_cast<int64_t>(bits >> 8) % places;
      if (mode == 3 && bits % 4 == 0) index = bits & 4 ? -1 : places;
      if (bits % 8192 == 0) index = static_cast<int64_t>(bits);
      memcpy(to, &index, 8);
      return;
    }
    if (dtype == abi::BOOL) {
      *to = static_cast<char>(mode == 1 ? 0 : bits >> 40 & 1);
      return;
    }
    if (mode == 1) return;
    if (mode == 2) {
      memcpy(to, &bits, static_cast<size_t>(abi::ITEM_BYTES[dtype]));
      return;
    }
    if (dtype == abi::FLOAT32 || dtype == abi::FLOAT64) {
      const double x = mode == 3   ? kSpecial[bits % 14]
                       : mode == 4 ? static_cast<double>(i % 17)
                                   : static_cast<double>(bits >> 11) / 4503599627370496.0 - 1;
      dtype == abi::FLOAT32 ? put<float>(to, x) : put<double>(to, x);
      return;
    }
    const int64_t x = mode == 3 ? kWhole[bits % 10] : static_cast<int64_t>(bits % 7) - (mode == 5 ? 3 : 0);
    memcpy(to, &x, static_cast<size_t>(abi::ITEM_BYTES[dtype]));
  }

 private:
  const uint8_t* bytes;
  size_t count, at = 0;
  uint64_t state = 14695981039346656037u;

  unsigned next() {
    // One byte for small choices; beyond the input xorshift.
    if (at < count) return bytes[at++];
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return static_cast<unsigned>(state >> 32);
  }
};
