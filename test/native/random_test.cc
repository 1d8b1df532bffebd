// Random numbers against a plain reading of docs/program-format.md, arange, and the optimizer steps.
#include "harness.h"

namespace {

struct State {
  uint32_t seedLow, seedHigh, low, high;
};

/// Philox 4×32-10, one block.
void philox(const State& s, uint64_t block, uint32_t (&w)[4]) {
  const uint64_t at = (static_cast<uint64_t>(s.high) << 32 | s.low) + block;
  uint32_t c[4] = {static_cast<uint32_t>(at), static_cast<uint32_t>(at >> 32), 0, 0},
           k[2] = {s.seedLow, s.seedHigh};
  for (int round = 0; round < 10; round++) {
    const uint64_t a = uint64_t{0xD2511F53u} * c[0], b = uint64_t{0xCD9E8D57u} * c[2];
    const uint32_t next[4] = {static_cast<uint32_t>(b >> 32) ^ c[1] ^ k[0], static_cast<uint32_t>(b),
                              static_cast<uint32_t>(a >> 32) ^ c[3] ^ k[1], static_cast<uint32_t>(a)};
    memcpy(c, next, sizeof(c));
    k[0] += 0x9E3779B9u;
    k[1] += 0xBB67AE85u;
  }
  memcpy(w, c, sizeof(c));
}

/// Draws n elements and compares them with `expected(words, i)` for element i of its block.
template <class T, class F>
void testDraw(Machine& m, int opcode, int perBlock, const std::vector<double>& params, double tolerance,
              F expected) {
  for (int32_t n : {1, 7, 31, 32, 33, 1000, 40001}) {
    Buffer<T> out(n);
    Buffer<int32_t> state(4);
    // A counter about to carry into its upper half.
    const State start = {17, 4, 0xFFFFFFF0u, 2};
    memcpy(state.data(), &start, sizeof(start));
    runOne(m, opcode, dtypeOf<T>(), {n}, params, {operand(out, {1}), operand(state, {0})});
    bool ok = true;
    for (int64_t i = 0; i < n; i++) {
      uint32_t w[4];
      philox(start, static_cast<uint64_t>(i / perBlock), w);
      ok = ok && near(static_cast<double>(out[i]), expected(w, static_cast<int>(i % perBlock)), tolerance,
                      tolerance);
    }
    State end;
    memcpy(&end, state.data(), sizeof(end));
    const uint64_t used = (static_cast<uint64_t>(end.high) << 32 | end.low) -
                          (static_cast<uint64_t>(start.high) << 32 | start.low);
    check(ok, "opcode " + std::to_string(opcode) + " draws " + std::to_string(n));
    check(used == static_cast<uint64_t>((n + perBlock - 1) / perBlock), "blocks consumed");
  }
}

double gauss(const uint32_t (&w)[4], int i) {
  const double u = (static_cast<double>(w[i & 2]) + 1) / 4294967296.0,
               turns = static_cast<double>(w[(i & 2) + 1]) / 4294967296.0;
  const double radius = sqrt(-2 * log(u)), angle = 2 * M_PI * turns;
  return radius * (i & 1 ? sin(angle) : cos(angle));
}

void testBernoulli(Machine& m) {
  const int32_t n = 1001;
  Buffer<bool> out(n);
  Buffer<float> p(n, 0, 1);
  Buffer<int32_t> state(4);
  for (const int32_t stride : {0, 1}) {
    const State start = {1, 2, 3, 4};
    memcpy(state.data(), &start, sizeof(start));
    runOne(m, OP_BERNOULLI, abi::BOOL, {n}, {},
           {operand(out, {1}), operand(p, {stride}), operand(state, {0})});
    bool ok = true;
    for (int64_t i = 0; i < n; i++) {
      uint32_t w[4];
      philox(start, static_cast<uint64_t>(i / 4), w);
      ok = ok && out[i] == (w[i % 4] / 4294967296.0 < static_cast<double>(p[i * stride]));
    }
    check(ok, "bernoulli");
  }
}

template <class T>
void testSgd(Machine& m, double momentum, double dampening, double decay, bool nesterov) {
  for (int32_t n : {1, 17, 1000}) {
    Buffer<T> p(n, -1, 1), g(n, -1, 1), buffer(n);
    Buffer<double> step(1), rate(1);
    step[0] = 0, rate[0] = 0.1;
    std::vector<double> want(p.data(), p.data() + n), moved(static_cast<size_t>(n));
    const Operand momentumOperand = momentum != 0 ? operand(buffer, {1}) : absent({1});
    for (int t = 0; t < 3; t++) {
      runOne(m, OP_SGD_STEP, dtypeOf<T>(), {n}, {momentum, dampening, decay, nesterov ? 1.0 : 0.0},
             {operand(p, {1}), operand(g, {1}), momentumOperand, operand(step, {0}), operand(rate, {0})});
      for (size_t i = 0; i < want.size(); i++) {
        double d = g[static_cast<int64_t>(i)] + decay * want[i];
        if (momentum != 0) {
          moved[i] = t == 0 ? d : momentum * moved[i] + (1 - dampening) * d;
          d = nesterov ? d + momentum * moved[i] : moved[i];
        }
        want[i] -= 0.1 * d;
      }
    }
    bool ok = step[0] == 3;
    for (int64_t i = 0; i < n; i++) ok = ok && near(p[i], want[static_cast<size_t>(i)], 1e-5, 1e-6);
    check(ok, "sgd");
  }
}

template <class T>
void testAdam(Machine& m, double decay, bool decoupled) {
  const double beta1 = 0.9, beta2 = 0.99, eps = 1e-8, lr = 0.01;
  for (int32_t n : {1, 17, 1000, 50000}) {
    Buffer<T> p(n, -1, 1), g(n, -1, 1), first(n), second(n);
    Buffer<double> step(1), rate(1);
    step[0] = 0, rate[0] = lr;
    first.fill(0, 0);
    second.fill(0, 0);
    std::vector<double> want(p.data(), p.data() + n), mean(static_cast<size_t>(n)),
        square(static_cast<size_t>(n));
    for (int t = 1; t <= 3; t++) {
      runOne(m, OP_ADAM_STEP, dtypeOf<T>(), {n}, {beta1, beta2, eps, decay, decoupled ? 1.0 : 0.0},
             {operand(p, {1}), operand(g, {1}), operand(first, {1}), operand(second, {1}), operand(step, {0}),
              operand(rate, {0})});
      for (size_t i = 0; i < want.size(); i++) {
        double d = g[static_cast<int64_t>(i)];
        if (decoupled)
          want[i] -= lr * decay * want[i];
        else
          d += decay * want[i];
        mean[i] = beta1 * mean[i] + (1 - beta1) * d;
        square[i] = beta2 * square[i] + (1 - beta2) * d * d;
        want[i] -= lr / (1 - pow(beta1, t)) * mean[i] / (sqrt(square[i]) / sqrt(1 - pow(beta2, t)) + eps);
      }
    }
    bool ok = step[0] == 3;
    for (int64_t i = 0; i < n; i++) ok = ok && near(p[i], want[static_cast<size_t>(i)], 1e-4, 1e-5);
    check(ok, "adam");
  }
}

}  // namespace

void testRandom(Machine& m) {
  // Known answer of Random123 (kat_vectors, "philox4x32 10"): seed and counter zero.
  uint32_t known[4];
  philox({0, 0, 0, 0}, 0, known);
  check(known[0] == 0x6627e8d5u && known[1] == 0xe169c58du && known[2] == 0xbc57ac4cu &&
            known[3] == 0x9b00dbd8u,
        "Philox");

  testDraw<float>(m, OP_UNIFORM, 4, {}, 0,
                  [](const uint32_t (&w)[4], int i) { return (w[i] >> 8) / 16777216.0; });
  testDraw<double>(m, OP_UNIFORM, 2, {}, 0, [](const uint32_t (&w)[4], int i) {
    return ((w[2 * i] >> 5) * 67108864.0 + (w[2 * i + 1] >> 6)) / 9007199254740992.0;
  });
  testDraw<float>(m, OP_NORMAL, 4, {}, 1e-6, gauss);
  testDraw<double>(m, OP_NORMAL, 4, {}, 1e-13, gauss);
  const auto integer = [](const uint32_t (&w)[4], int i) {
    const uint64_t wide = static_cast<uint64_t>(w[2 * i + 1]) << 32 | w[2 * i];
    return -5 + static_cast<double>(wide % 17);
  };
  testDraw<int32_t>(m, OP_RANDOM_INTEGERS, 2, {-5, 12}, 0, integer);
  testDraw<int64_t>(m, OP_RANDOM_INTEGERS, 2, {-5, 12}, 0, integer);
  testBernoulli(m);

  for (int32_t n : {1, 7, 513}) {
    Buffer<float> f(n);
    Buffer<int64_t> i(n);
    runOne(m, OP_ARANGE, abi::FLOAT32, {n}, {0.5, 0.1}, {operand(f, {1})});
    runOne(m, OP_ARANGE, abi::INT64, {n}, {-3, 2}, {operand(i, {1})});
    check(f[n - 1] == static_cast<float>(0.5 + (n - 1) * 0.1) && i[n - 1] == -3 + 2 * (n - 1), "arange");
  }
}

void testOptim(Machine& m) {
  testSgd<float>(m, 0, 0, 0, false);
  testSgd<float>(m, 0.9, 0, 0.01, false);
  testSgd<double>(m, 0.9, 0.1, 0, false);
  testSgd<double>(m, 0.9, 0, 0.01, true);
  testAdam<float>(m, 0, false);
  testAdam<float>(m, 0.1, true);
  testAdam<double>(m, 0.1, false);
}
