// Counter-based random numbers: Philox 4×32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random
// numbers: as easy as 1, 2, 3", SC 2011; constants from their table 2). Block b depends on the seed and
// on counter + b alone, so blocks are drawn in any order. docs/program-format.md fixes which words
// make which element. The transcendental functions run on lanes whose fma is not fused, for the bits
// to agree with WebAssembly's.

/// Blocks drawn side by side: ten rounds are one long chain of multiplications, several chains fill
/// the time that each of them waits.
constexpr int kGroup = 16;
/// Word i of block b of a group is the low half of [i][b].
using Blocks = uint64_t[4][kGroup];
inline uint32_t word(uint64_t lane) { return static_cast<uint32_t>(lane); }

constexpr double kTwoToMinus24 = 1.0 / 16777216;
constexpr double kTwoTo32 = 4294967296;
constexpr double kTwoToMinus32 = 1 / kTwoTo32;
constexpr double kTwoToMinus53 = 1.0 / 9007199254740992;

struct Philox {
  uint32_t* state;
  uint64_t counter;

  explicit Philox(int32_t* words) : state(reinterpret_cast<uint32_t*>(words)) {
    counter = static_cast<uint64_t>(state[3]) << 32 | state[2];
  }

  /// The blocks from `first` on.
  void draw(int64_t first, Blocks& blocks) const {
    constexpr int kChains = kGroup / Words::kWidth;
    Words w[4][kChains];
    for (int b = 0; b < kGroup; b++) {
      blocks[0][b] = counter + static_cast<uint64_t>(first + b);
      blocks[1][b] = blocks[0][b] >> 32;
    }
    for (int c = 0; c < kChains; c++) {
      w[0][c] = Words::load(blocks[0] + c * Words::kWidth);
      w[1][c] = Words::load(blocks[1] + c * Words::kWidth);
      w[2][c] = w[3][c] = Words::splat(0);
    }
    const Words multiplier0 = Words::splat(0xD2511F53u), multiplier1 = Words::splat(0xCD9E8D57u);
    uint32_t key[2] = {state[0], state[1]};
    for (int round = 0; round < 10; round++) {
      const Words key0 = Words::splat(key[0]), key1 = Words::splat(key[1]);
      COTANGENT_UNROLL
      for (int c = 0; c < kChains; c++) {
        const Words p0 = product(multiplier0, w[0][c]), p1 = product(multiplier1, w[2][c]);
        w[0][c] = exclusiveOr(exclusiveOr(upper(p1), w[1][c]), key0);
        w[2][c] = exclusiveOr(exclusiveOr(upper(p0), w[3][c]), key1);
        w[1][c] = p1;
        w[3][c] = p0;
      }
      key[0] += 0x9E3779B9u;
      key[1] += 0xBB67AE85u;
    }
    for (int i = 0; i < 4; i++) {
      for (int c = 0; c < kChains; c++) store(blocks[i] + c * Words::kWidth, w[i][c]);
    }
  }

  /// The words of one block of a second sequence, as a fraction in [0, 1): what follows the digits that element
  /// i of `block` was drawn with.
  double digitsBelow(int64_t block, int i) const {
    const uint64_t at = counter + static_cast<uint64_t>(block);
    uint64_t w[4] = {word(at), at >> 32, static_cast<uint64_t>(i + 1), 0};
    uint32_t key[2] = {state[0], state[1]};
    for (int round = 0; round < 10; round++) {
      const uint64_t p0 = 0xD2511F53u * w[0], p1 = 0xCD9E8D57u * w[2];
      w[0] = (p1 >> 32) ^ w[1] ^ key[0];
      w[2] = (p0 >> 32) ^ w[3] ^ key[1];
      w[1] = word(p1);
      w[3] = word(p0);
      key[0] += 0x9E3779B9u;
      key[1] += 0xBB67AE85u;
    }
    double fraction = 0;
    for (int k = 3; k >= 0; k--) fraction = (fraction + static_cast<double>(w[k])) * kTwoToMinus32;
    return fraction;
  }

  void advance(int64_t blocks) {
    counter += static_cast<uint64_t>(blocks);
    state[2] = static_cast<uint32_t>(counter);
    state[3] = static_cast<uint32_t>(counter >> 32);
  }
};

/// Fills n elements, `kPerBlock` from each block: `make(words, values)` computes those of a group,
/// `take(philox, first, count, values)` puts them away. Advances the counter by the blocks consumed.
template <int kPerBlock, class Value, class Make, class Take>
inline void drawAll(int32_t* state, Context& context, int64_t n, double workEach, Make make, Take take) {
  constexpr int64_t kElements = kPerBlock * kGroup;
  Philox philox(state);
  parallelFor(context, ceilDiv(n, kElements), workEach * kElements, [&](int64_t begin, int64_t end, char*) {
    for (int64_t group = begin; group < end; group++) {
      Blocks words;
      Value values[kElements];
      philox.draw(group * kGroup, words);
      make(words, values);
      const int64_t first = group * kElements;
      take(philox, first, least(kElements, n - first), values);
    }
  });
  philox.advance(ceilDiv(n, kPerBlock));
}

/// Stores what was drawn.
template <class T>
inline auto into(T* out) {
  return [out](const Philox&, int64_t first, int64_t count, const auto* values) {
    for (int64_t i = 0; i < count; i++) out[first + i] = static_cast<T>(values[i]);
  };
}

// Rough costs of an element in the units of parallelFor.
constexpr double kUniformWork = 1;
constexpr double kNormalWork = 6;

inline void uniformFloat32(const int32_t* words, Context& context) {
  const Record r(words);
  drawAll<4, float>(
      r.data<int32_t>(1), context, r.inner(), kUniformWork,
      [](const Blocks& w, float* v) {
        for (int b = 0; b < kGroup; b++) {
          for (int i = 0; i < 4; i++) {
            v[4 * b + i] = static_cast<float>(static_cast<int32_t>(word(w[i][b]) >> 8)) *
                           static_cast<float>(kTwoToMinus24);
          }
        }
      },
      into(r.data<float>(0)));
}

inline void uniformFloat64(const int32_t* words, Context& context) {
  const Record r(words);
  drawAll<2, double>(
      r.data<int32_t>(1), context, r.inner(), kUniformWork,
      [](const Blocks& w, double* v) {
        for (int b = 0; b < kGroup; b++) {
          for (int i = 0; i < 2; i++) {
            const double high = static_cast<double>(word(w[2 * i][b]) >> 5);
            const double low = static_cast<double>(word(w[2 * i + 1][b]) >> 6);
            v[2 * b + i] = (high * 67108864 + low) * kTwoToMinus53;
          }
        }
      },
      into(r.data<double>(0)));
}

/// Box and Muller, "A note on the generation of random normal deviates", 1958. Element i of a block
/// goes to normals[i][block].
inline void boxMuller(const Blocks& w, double (&normals)[4][kGroup]) {
  using V = Unfused;
  static_assert(kGroup % V::kWidth == 0);
  double radii[kGroup], angles[kGroup];
  for (int i = 0; i < 4; i += 2) {
    for (int b = 0; b < kGroup; b++) {
      radii[b] = (static_cast<double>(word(w[i][b])) + 1) * kTwoToMinus32;
      angles[b] = 6.283185307179586 * (static_cast<double>(word(w[i + 1][b])) * kTwoToMinus32);
    }
    for (int b = 0; b < kGroup; b += V::kWidth) {
      const V radius = sqrt(mul(splat<V>(-2), log(load<V>(radii + b))));
      const V angle = load<V>(angles + b);
      store(normals[i] + b, mul(radius, cos(angle)));
      store(normals[i + 1] + b, mul(radius, sin(angle)));
    }
  }
}

template <class T>
void normal(const int32_t* words, Context& context) {
  const Record r(words);
  drawAll<4, double>(
      r.data<int32_t>(1), context, r.inner(), kNormalWork,
      [](const Blocks& w, double* v) {
        double normals[4][kGroup];
        boxMuller(w, normals);
        for (int b = 0; b < kGroup; b++) {
          for (int i = 0; i < 4; i++) v[4 * b + i] = normals[i][b];
        }
      },
      into(r.data<T>(0)));
}

/// One where the element's word, as the first 32 digits of a number in [0, 1), lies below the probability. Where these digits
/// cannot tell (once in 2³² elements), those of a second sequence do, so that no probability is too small or too near 1.
template <class T, class P>
inline void bernoulliOf(const Record& r, Context& context) {
  T* out = r.data<T>(0);
  const P* probability = r.data<P>(1);
  const int64_t stride = r.innerStride(1);
  drawAll<4, double>(
      r.data<int32_t>(2), context, r.inner(), kUniformWork,
      [](const Blocks& w, double* v) {
        for (int b = 0; b < kGroup; b++) {
          for (int i = 0; i < 4; i++) v[4 * b + i] = static_cast<double>(word(w[i][b]));
        }
      },
      [=](const Philox& philox, int64_t first, int64_t count, const double* v) {
        const auto limit = [=](int64_t i) { return static_cast<double>(probability[(first + i) * stride]) * kTwoTo32; };
        bool tied = false;
        for (int64_t i = 0; i < count; i++) {
          const double p = limit(i);
          out[first + i] = v[i] < p;
          tied |= v[i] < p && v[i] + 1 > p;
        }
        for (int64_t i = 0; tied && i < count; i++) {
          const double p = limit(i);
          if (v[i] < p && v[i] + 1 > p)
            out[first + i] = philox.digitsBelow((first + i) / 4, static_cast<int>((first + i) % 4)) < p - v[i];
        }
      });
}
template <class T>
void bernoulli(const int32_t* words, Context& context) {
  const Record r(words);
  if (r.dtype(1) == abi::FLOAT64)
    bernoulliOf<T, double>(r, context);
  else
    bernoulliOf<T, float>(r, context);
}

template <class T>
void randomIntegers(const int32_t* words, Context& context) {
  const Record r(words);
  const int64_t low = static_cast<int64_t>(r.params[0]);
  const uint64_t range = static_cast<uint64_t>(static_cast<int64_t>(r.params[1]) - low);
  drawAll<2, int64_t>(
      r.data<int32_t>(1), context, r.inner(), kUniformWork,
      [low, range](const Blocks& w, int64_t* v) {
        for (int b = 0; b < kGroup; b++) {
          for (int i = 0; i < 2; i++) {
            const uint64_t wide = w[2 * i + 1][b] << 32 | word(w[2 * i][b]);
            v[2 * b + i] = low + static_cast<int64_t>(wide % range);
          }
        }
      },
      into(r.data<T>(0)));
}

template <class T>
void fillRandomFor(KernelTable& table, int dtype) {
  table.kernels[OP_BERNOULLI][dtype] = bernoulli<T>;
  table.kernels[OP_RANDOM_INTEGERS][dtype] = randomIntegers<T>;
}

inline void fillRandom(KernelTable& table) {
  table.kernels[OP_UNIFORM][abi::FLOAT32] = uniformFloat32;
  table.kernels[OP_UNIFORM][abi::FLOAT64] = uniformFloat64;
  table.kernels[OP_NORMAL][abi::FLOAT32] = normal<float>;
  table.kernels[OP_NORMAL][abi::FLOAT64] = normal<double>;
  fillRandomFor<float>(table, abi::FLOAT32);
  fillRandomFor<double>(table, abi::FLOAT64);
  fillRandomFor<int32_t>(table, abi::INT32);
  fillRandomFor<int64_t>(table, abi::INT64);
  fillRandomFor<uint8_t>(table, abi::UINT8);
  fillRandomFor<bool>(table, abi::BOOL);
}
