// The accuracy of elementwise float kernels and their derivatives: on numbers of every magnitude within an
// interval, and on the inputs with the largest errors that `npm run bench -- accuracy` found, with their
// neighbours. What is right comes from the C library in long double; where that is no longer than double,
// only float32 is tested.
#include <float.h>

#include "harness.h"

namespace {

using Real = long double;
constexpr Real kPi = 3.141592653589793238462643383279502884L;
constexpr bool kTestsDoubles = LDBL_MANT_DIG >= 64;

Real square(Real x) { return x * x; }
Real phi(Real x) { return erfcl(-x * sqrtl(0.5L)) / 2; }
Real logistic(Real x) { return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x)); }
Real softplusOf(Real x) { return log1pl(expl(-fabsl(x))) + (x > 0 ? x : 0); }
/// 1/cosh²(x): the slope of tanh, and four times that of the logistic function at 2x.
Real sech2(Real x) { return 4 * expl(-2 * fabsl(x)) / square(1 + expl(-2 * fabsl(x))); }
Real twiceU(Real x) { return 2 * sqrtl(2 / kPi) * (x + 0.044715L * x * x * x); }
Real twiceSlope(Real x) { return 2 * sqrtl(2 / kPi) * (1 + 3 * 0.044715L * x * x); }
Real sinPi(Real x) { return sinl(kPi * (x - 2 * roundl(x / 2))); }
Real cosPi(Real x) { return cosl(kPi * (x - 2 * roundl(x / 2))); }
/// Where the difference below cancels.
Real sincSlopeSeries(Real tt) { return 1 - tt / 10 * (1 - tt / 28 * (1 - tt / 54)); }
Real erfSlope(Real x) { return 2 / sqrtl(kPi) * expl(-x * x); }

/// An op of one input, or its derivative.
struct Function {
  const char* name;
  int opcode;
  /// The operands: x, the result r of the op `forward`, and the cotangent g, which is 1.
  const char* reads;
  int forward;
  double low, high;
  /// Largest errors in ulp: of float32, and of float64.
  double single, twice;
  Real (*exact)(Real);
  /// The inputs with the largest errors in float32.
  std::vector<float> worst = {};
  /// Smaller results have errors as if they were this large: those of slopes near their zeros.
  double floor = 0;
  std::vector<double> params = {};
};

#define EXACT(formula) [](Real x) -> Real { return formula; }

std::vector<Function> functions() {
  return {
      {"sqrt", OP_SQRT, "x", 0, 1e-37, 1e37, 0.51, 0.51, sqrtl, {11.7216301f}},
      {"rsqrt", OP_RSQRT, "x", 0, 1e-37, 1e37, 1.6, 1.6, EXACT(1 / sqrtl(x)), {67523960.0f}},
      {"rsqrt'",
       OP_RSQRT_VJP_X,
       "rg",
       OP_RSQRT,
       1e-25,
       1e24,
       6,
       6,
       EXACT(-0.5L / (x * sqrtl(x))),
       {25.6125107f}},
      {"exp", OP_EXP, "x", 0, -103, 88.7, 1.1, 1.1, expl, {-5.85473537f, 4.54709244f}},
      {"exp2", OP_EXP2, "x", 0, -149, 127.9, 1.4, 1.4, exp2l, {-0.47924f, 0.505131066f}},
      {"expm1", OP_EXPM1, "x", 0, -20, 88.7, 1.7, 1.7, expm1l, {0.378422856f, 0.370958388f}},
      {"expm1'", OP_EXPM1_VJP_X, "xg", 0, -103, 88.7, 1.1, 1.1, expl, {-5.85473537f, 4.54709244f}},
      {"log", OP_LOG, "x", 0, 1e-38, 3e38, 1, 1, logl, {2.67982101f}},
      {"log2", OP_LOG2, "x", 0, 1e-38, 3e38, 1.3, 1.3, log2l, {0.855226874f, 1.37393486f}},
      {"log2'", OP_LOG2_VJP_X, "xg", 0, 1e-37, 3e38, 1.6, 1.6, EXACT(1 / (x * logl(2))), {3.3606451e-10f}},
      {"log10", OP_LOG10, "x", 0, 1e-38, 3e38, 1.6, 1.6, log10l, {1.32963753f, 1.5496558f}},
      {"log10'",
       OP_LOG10_VJP_X,
       "xg",
       0,
       1e-37,
       3e37,
       1.6,
       1.6,
       EXACT(1 / (x * logl(10))),
       {2.00545918e+18f}},
      {"log1p", OP_LOG1P, "x", 0, -0.999, 3e38, 1.1, 1.1, log1pl, {0.413787305f}},
      {"sin", OP_SIN, "x", 0, -8000, 8000, 2.4, 2.4, sinl, {4505.16895f}},
      {"cos", OP_COS, "x", 0, -8000, 8000, 2.4, 2.4, cosl, {2228.89746f}},
      {"tan", OP_TAN, "x", 0, -8000, 8000, 3.7, 3.7, tanl, {7664.16553f}},
      {"asin", OP_ASIN, "x", 0, -1, 1, 2.5, 2.8, asinl, {0.503540277f, -0.508039176f}},
      {"acos", OP_ACOS, "x", 0, -1, 1, 1.5, 1.6, acosl, {0.613794148f}},
      {"atan", OP_ATAN, "x", 0, -3e38, 3e38, 2.4, 2.4, atanl, {-0.415057808f, -0.439042002f}},
      {"sinc",
       OP_SINC,
       "x",
       0,
       -1000,
       1000,
       3.5,
       3.5,
       EXACT(x == 0 ? 1 : sinPi(x) / (kPi * x)),
       {-12.005065f}},
      {"sinc'",
       OP_SINC_VJP_X,
       "xrg",
       OP_SINC,
       -1000,
       1000,
       3.2,
       3.2,
       EXACT(fabsl(x) < 0.01L ? -square(kPi) * x / 3 * sincSlopeSeries(square(kPi * x))
                              : (cosPi(x) - sinPi(x) / (kPi * x)) / x),
       {0.747298002f},
       0.5},
      {"sinh", OP_SINH, "x", 0, -89, 89, 1.8, 2, sinhl, {1.39033222f}},
      {"cosh", OP_COSH, "x", 0, -89, 89, 1.6, 1.8, coshl, {-3.16183734f}},
      {"tanh", OP_TANH, "x", 0, -20, 20, 2.6, 2.8, tanhl, {4.22599792f}},
      {"tanh'", OP_TANH_VJP_X, "xrg", OP_TANH, -43, 43, 4.4, 4.4, sech2, {2.42382646f}},
      {"asinh", OP_ASINH, "x", 0, -3e38, 3e38, 1.8, 2, asinhl, {-0.508039176f}},
      {"asinh'", OP_ASINH_VJP_X, "xg", 0, -1e37, 1e37, 2.8, 2.8, EXACT(1 / sqrtl(x * x + 1)), {-4.12395763f}},
      {"acosh", OP_ACOSH, "x", 0, 1, 3e38, 2.6, 2.8, acoshl, {1.00193512f}},
      {"acosh'",
       OP_ACOSH_VJP_X,
       "xg",
       0,
       1.001,
       1e37,
       3.4,
       3.4,
       EXACT(1 / sqrtl((x - 1) * (x + 1))),
       {65.0456848f}},
      {"atanh", OP_ATANH, "x", 0, -0.999, 0.999, 2.2, 2.2, atanhl, {0.11767289f}},
      {"erf", OP_ERF, "x", 0, -6, 6, 1.6, 1.6, erfl, {0.753783524f}},
      {"erf'", OP_ERF_VJP_X, "xg", 0, -9, 9, 4.2, 4.5, erfSlope, {1.89987397f, 0.911761045f}},
      {"erfc", OP_ERFC, "x", 0, -4, 9.1, 3.7, 4, erfcl, {7.82754278f, 1.73125041f}},
      {"erfc'", OP_ERFC_VJP_X, "xg", 0, -9, 9, 4.2, 4.5, EXACT(-erfSlope(x)), {1.89987397f, 0.911761045f}},
      {"sigmoid", OP_SIGMOID, "x", 0, -87, 87, 2.4, 2.4, logistic, {-1.98327172f}},
      {"sigmoid'",
       OP_SIGMOID_VJP_X,
       "xrg",
       OP_SIGMOID,
       -86,
       86,
       4,
       4,
       EXACT(sech2(x / 2) / 4),
       {-3.42223716f}},
      {"elu",
       OP_ELU,
       "x",
       0,
       -20,
       88,
       1.7,
       1.7,
       EXACT(x > 0 ? x : expm1l(x)),
       {-0.281737506f, -0.36825192f},
       0,
       {1}},
      {"elu'", OP_ELU_VJP_X, "xg", 0, -87, 88, 1.1, 1.1, EXACT(x > 0 ? 1 : expl(x)), {-5.85473537f}, 0, {1}},
      {"selu'",
       OP_SELU_VJP_X,
       "xg",
       0,
       -87,
       88,
       2.3,
       2.8,
       EXACT(x > 0 ? 1.0507009873554804934193349852946L
                   : 1.0507009873554804934193349852946L * 1.6732632423543772848170429916717L * expl(x)),
       {-1.98327172f}},
      {"celu'",
       OP_CELU_VJP_X,
       "xg",
       0,
       -170,
       88,
       1.1,
       1.1,
       EXACT(x > 0 ? 1 : expl(x / 2)),
       {-11.6937599f},
       0,
       {2}},
      {"gelu", OP_GELU, "x", 0, -12.9, 20, 5, 6, EXACT(x * phi(x)), {-0.987600684f, -1.83789814f}},
      {"gelu'",
       OP_GELU_VJP_X,
       "xg",
       0,
       -12.9,
       20,
       5,
       6,
       EXACT(phi(x) + x * expl(-x * x / 2) / sqrtl(2 * kPi)),
       {-0.872574449f, -0.636403561f},
       0.25},
      {"geluTanh",
       OP_GELU_TANH,
       "x",
       0,
       -3,
       20,
       16,
       16,
       EXACT(x * logistic(twiceU(x))),
       {-2.50202727f, -2.79277444f}},
      {"geluTanh'",
       OP_GELU_TANH_VJP_X,
       "xg",
       0,
       -3,
       20,
       20,
       45,
       EXACT(logistic(twiceU(x)) + x * sech2(twiceU(x) / 2) / 4 * twiceSlope(x)),
       {4.96216583f},
       0.25},
      {"silu", OP_SILU, "x", 0, -87, 87, 2.9, 2.9, EXACT(x * logistic(x)), {-9.20136166f, -5.17143059f}},
      {"silu'",
       OP_SILU_VJP_X,
       "xg",
       0,
       -80,
       80,
       10,
       20,
       EXACT(logistic(x) + x * sech2(x / 2) / 4),
       {16.6336117f},
       0.25},
      {"mish", OP_MISH, "x", 0, -80, 80, 4.5, 4.5, EXACT(x * tanhl(softplusOf(x))), {-3.30916882f}},
      {"mish'",
       OP_MISH_VJP_X,
       "xg",
       0,
       -80,
       80,
       12,
       30,
       EXACT(tanhl(softplusOf(x)) + x * sech2(softplusOf(x)) * logistic(x)),
       {8.80436897f},
       0.25},
      {"softplus",
       OP_SOFTPLUS,
       "x",
       0,
       -87,
       19.9,
       2,
       2,
       softplusOf,
       {-0.447424233f, -2.02479076f},
       0,
       {1, 20}},
      {"logsigmoid", OP_LOGSIGMOID, "x", 0, -87, 87, 2, 2, EXACT(-softplusOf(-x)), {-0.328421026f}},
      {"tanhshrink", OP_TANHSHRINK, "x", 0, 1, 80, 8, 8, EXACT(x - tanhl(x)), {1.00585091f}},
      {"tanhshrink'", OP_TANHSHRINK_VJP_X, "xg", 0, 1e-10, 80, 6, 6, EXACT(square(tanhl(x))), {2.56871057f}},
  };
}
#undef EXACT

/// |got − want| in units in the last place of T.
template <class T>
double ulpsOf(T got, Real want, double floor) {
  constexpr int kDigits = sizeof(T) == 4 ? 24 : 53, kLeast = sizeof(T) == 4 ? -125 : -1021;
  if (!isfinite(got)) return HUGE_VAL;
  int exponent;
  frexpl(want < 0 ? fminl(want, -floor) : fmaxl(want, floor), &exponent);
  const Real last = ldexpl(1, (exponent < kLeast ? kLeast : exponent) - kDigits);
  return static_cast<double>(fabsl(static_cast<Real>(got) - want) / last);
}

/// Numbers of the interval: evenly spread ones, ones of all magnitudes, and the worst ones with their
/// neighbours.
template <class T>
std::vector<T> inputsOf(const Function& k) {
  constexpr int kEach = 3000;
  std::vector<T> x;
  const double least = k.low > 0 ? log(k.low) : log(1e-9);
  while (x.size() < 2 * kEach) {
    const double size = exp(between(least, log(fmax(fabs(k.low), k.high))));
    const double value = x.size() % 2 ? between(k.low, k.high) : draw() & 1 ? -size : size;
    if (value >= k.low && value <= k.high) x.push_back(static_cast<T>(value));
  }
  for (float worst : k.worst)
    for (float near : {worst, nextafterf(worst, -HUGE_VALF), nextafterf(worst, HUGE_VALF)}) x.push_back(near);
  return x;
}

template <class T>
void testKernel(Machine& m, const Function& k, double bound) {
  const std::vector<T> inputs = inputsOf<T>(k);
  const int32_t n = static_cast<int32_t>(inputs.size());
  Buffer<T> x(n), r(n), g(n, 1, 1), out(n);
  memcpy(x.data(), inputs.data(), sizeof(T) * inputs.size());
  std::vector<Operand> operands = {operand(out, {1})};
  for (const char* c = k.reads; *c; c++) operands.push_back(operand(*c == 'x' ? x : *c == 'r' ? r : g, {1}));
  if (strchr(k.reads, 'r')) runOne(m, k.forward, dtypeOf<T>(), {n}, {}, {operand(r, {1}), operand(x, {1})});
  runOne(m, k.opcode, dtypeOf<T>(), {n}, k.params, operands);
  double worst = 0;
  T at = 0;
  for (int32_t i = 0; i < n; i++) {
    const double error = ulpsOf(out[i], k.exact(x[i]), k.floor);
    if (error > worst) worst = error, at = x[i];
  }
  char text[160];
  snprintf(text, sizeof(text), "%s(%.17g) in float%d: %.3g ulp of %g", k.name, static_cast<double>(at),
           static_cast<int>(8 * sizeof(T)), worst, bound);
  check(worst <= bound, text);
}

/// Every float32 from 3 to 4, where erf is next to flat.
void testMonotonic(Machine& m) {
  const float from = 3;
  int32_t first;
  memcpy(&first, &from, 4);
  const int32_t n = 1 << 22;
  Buffer<float> x(n), y(n);
  for (int32_t i = 0; i < n; i++) {
    const int32_t bits = first + i;
    memcpy(x.data() + i, &bits, 4);
  }
  for (int opcode : {OP_ERF, OP_ERFC}) {
    runOne(m, opcode, abi::FLOAT32, {n}, {}, {operand(y, {1}), operand(x, {1})});
    int wrong = 0;
    for (int32_t i = 1; i < n; i++) wrong += opcode == OP_ERF ? y[i] < y[i - 1] : y[i] > y[i - 1];
    check(wrong == 0, opcode == OP_ERF ? "erf falls" : "erfc rises");
  }
}

/// Remainders of any two numbers are those of the C library, bit for bit.
template <class T>
void testRemainders(Machine& m) {
  const int32_t n = 20001;
  Buffer<T> x(n), y(n), out(n);
  for (Buffer<T>* b : {&x, &y}) {
    for (int32_t i = 0; i < n; i++) {
      const uint64_t bits = draw();
      memcpy(b->data() + i, &bits, sizeof(T));
    }
  }
  runOne(m, OP_FMOD, dtypeOf<T>(), {n}, {}, {operand(out, {1}), operand(x, {1}), operand(y, {1})});
  bool ok = true;
  for (int32_t i = 0; i < n; i++) {
    const T want = static_cast<T>(fmod(static_cast<double>(x[i]), static_cast<double>(y[i])));
    ok = ok && (isnan(want) ? isnan(out[i]) : memcmp(&want, &out[i], sizeof(T)) == 0);
  }
  check(ok, "fmod in float" + std::to_string(8 * sizeof(T)));
}

}  // namespace

void testAccuracy(Machine& m) {
  for (const Function& k : functions()) {
    testKernel<float>(m, k, k.single);
    if (kTestsDoubles) testKernel<double>(m, k, k.twice);
  }
  testMonotonic(m);
  testRemainders<float>(m);
  testRemainders<double>(m);
}
