// What docs/program-format.md says of every opcode, as text that the verifier checks records against and the decoder
// draws them from.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "../harness.h"

/// An operand is a role, a dtype and its strides:
///   role     o result, x result that may be absent, u updated in place, U the same or absent, i read, m read or
///   absent,
///            w workspace
///   dtype    t the record's, l int64, d float64, b bool, p float32 or float64, k bool or the record's, s the state of
///   a
///            generator, * any
///   strides  the first letter for all dimensions but those at the end, which have letters of their own: n not
///   negative,
///            s any, 0 zero, 1 one; or = and the dimensions of a row-major tensor: digits of the iteration space,
///            h and w for the first two params
/// Params are x, any number, or z, a whole one.
struct Rule {
  int opcode, minRank, maxRank;
  const char* params;
  const char* operands;
};

struct OperandRule {
  char role, dtype;
  std::string_view strides;
  bool written() const { return role == 'o' || role == 'x' || role == 'u' || role == 'U'; }
  bool optional() const { return role == 'x' || role == 'U' || role == 'm'; }
  bool isTensor() const { return strides[0] == '='; }
  /// The letter of dimension `d` of `rank`.
  char stride(int d, int rank) const {
    const int own = static_cast<int>(strides.size()) - 1, at = d - (rank - own);
    return own == 0 || at < 0 ? strides[0] : strides[static_cast<size_t>(at + 1)];
  }
};

inline const Rule kRules[] = {
    {OP_COPY, 0, 16, "", "o*n i*s"},
    {OP_WHERE, 0, 16, "", "otn ibs its its"},
    {OP_CHECK_INDEX, 0, 16, "zz", "ils"},
    {OP_CHECK_NONZERO, 0, 16, "", "its"},
    {OP_CHECK_WITHIN, 0, 16, "xx", "its"},
    {OP_SUM, 0, 16, "z", "otn itn"},
    {OP_MEAN, 0, 16, "z", "otn itn"},
    {OP_PROD, 0, 16, "z", "otn itn"},
    {OP_AMAX, 0, 16, "z", "otn itn"},
    {OP_AMIN, 0, 16, "z", "otn itn"},
    {OP_ARGMAX, 1, 16, "", "oln0 itn"},
    {OP_ARGMIN, 1, 16, "", "oln0 itn"},
    {OP_CUMSUM, 1, 16, "", "otn its"},
    {OP_CUMPROD, 1, 16, "", "otn its"},
    {OP_SOFTMAX, 1, 16, "", "otn1 itn1"},
    {OP_LOG_SOFTMAX, 1, 16, "", "otn1 itn1"},
    {OP_SOFTMAX_BACKWARD, 1, 16, "", "otn1 itn1 itn1"},
    {OP_LOG_SOFTMAX_BACKWARD, 1, 16, "", "otn1 itn1 itn1"},
    {OP_LAYER_NORM, 2, 2, "x", "otn1 otn0 otn0 itn1 mt01 mt01"},
    {OP_LAYER_NORM_BACKWARD, 2, 2, "", "otn1 itn1 itn1 itn0 itn0 mt01"},
    {OP_LAYER_NORM_BACKWARD_AFFINE, 2, 2, "", "ot01 ot01 itn1 itn1 itn0 itn0"},
    {OP_RMS_NORM, 2, 2, "x", "otn1 otn0 itn1 mt01"},
    {OP_RMS_NORM_BACKWARD, 2, 2, "", "otn1 itn1 itn1 itn0 mt01"},
    {OP_RMS_NORM_BACKWARD_AFFINE, 2, 2, "", "ot01 itn1 itn1 itn0"},
    {OP_MATMUL, 3, 16, "", "otnn10 itnn0n itn0nn"},
    {OP_GATHER, 0, 16, "z", "otn itn iln"},
    {OP_SCATTER, 0, 16, "z", "utn iln itn"},
    {OP_SCATTER_ADD, 0, 16, "z", "utn iln itn"},
    {OP_SORT, 1, 16, "x", "otn1 oln1 itn1 wl00"},
    {OP_UNIFORM, 1, 1, "", "ot1 us0"},
    {OP_NORMAL, 1, 1, "", "ot1 us0"},
    {OP_BERNOULLI, 1, 1, "", "ot1 ipn us0"},
    {OP_RANDOM_INTEGERS, 1, 1, "zz", "ot1 us0"},
    {OP_ARANGE, 1, 1, "xx", "ot1"},
    {OP_SGD_STEP, 1, 1, "xxxx", "ut1 it1 Ut1 ud0 id0"},
    {OP_ADAM_STEP, 1, 1, "xxxxx", "ut1 it1 ut1 ut1 ud0 id0"},
    {OP_CROSS_ENTROPY, 2, 2, "z", "otn0 otn0 itn1 iln0 mt01"},
    {OP_CROSS_ENTROPY_BACKWARD, 2, 2, "z", "otn1 itn0 itn1 itn0 iln0 mt01"},
    {OP_ATTENTION, 4, 16, "xx", "otnn001 otnn000 itnn0n0 itn0nn0 itn0n0n mknnn00"},
    {OP_ATTENTION_BACKWARD, 4, 16, "xx",
     "otnn010 otn0n10 otn0n01 itnn00n itnn001 itnn000 itnn0n0 itn0nn0 itn0n0n mknnn00"},
    {OP_CONV2D, 8, 8, "zzzzzzzz", "ot=01245 it=013hw it=12367 mt=12"},
    {OP_CONV2D_BACKWARD_INPUT, 8, 8, "zzzzzzzz", "ot=013hw it=01245 it=12367"},
    {OP_CONV2D_BACKWARD_WEIGHT, 8, 8, "zzzzzzzz", "ot=12367 it=01245 it=013hw"},
    {OP_MAX_POOL2D, 5, 5, "zzzzzzzz", "ot=012 ol=012 it=0hw"},
    {OP_MAX_POOL2D_BACKWARD, 3, 3, "zz", "ot=0hw it=012 il=012"},
    {OP_AVG_POOL2D, 5, 5, "zzzzzzzx", "ot=012 it=0hw"},
    {OP_AVG_POOL2D_BACKWARD, 5, 5, "zzzzzzzx", "ot=0hw it=012"},
    {OP_BATCH_NORM, 3, 3, "x", "ot=012 ot=1 ot=1 it=012 mt=1 mt=1"},
    {OP_BATCH_NORM_BACKWARD, 3, 3, "x", "xt=012 ot=1 ot=1 it=012 it=012 it=1 it=1 mt=1"},
};

inline const Rule* ruleOf(int opcode) {
  for (const Rule& rule : kRules) {
    if (rule.opcode == opcode) return &rule;
  }
  return nullptr;
}

inline std::vector<OperandRule> operandsOf(const char* text) {
  std::vector<OperandRule> list;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view word = rest.substr(0, rest.find(' '));
    list.push_back({word[0], word[1], word.substr(2)});
    rest.remove_prefix(word.size() == rest.size() ? word.size() : word.size() + 1);
  }
  return list;
}

/// The elementwise ops, from the generated table: how many inputs, and whether the result is bool.
struct ElementwiseRule {
  int arity = 0;
  bool isTest = false;
};
inline ElementwiseRule elementwiseRule(int opcode) {
  switch (opcode) {
#define MAP(CLASS, OPCODE, FUNCTOR, ARITY) ROW_##CLASS(OPCODE, ARITY, false)
#define TEST(CLASS, OPCODE, FUNCTOR, ARITY) ROW_##CLASS(OPCODE, ARITY, true)
#define ROW_FLOAT(OPCODE, ARITY, IS_TEST) \
  case OPCODE:                            \
    return {ARITY, IS_TEST};
#define ROW_NUMBER ROW_FLOAT
// Whose floats are another row.
#define ROW_INTEGER(OPCODE, ARITY, IS_TEST)
#include "../../../native/generated/elementwise_rows.h"
#undef MAP
#undef TEST
  }
  return {};
}
/// Params that an elementwise op may read.
constexpr int kElementwiseParams = 2;

inline std::vector<OperandRule> elementwiseOperands(int opcode) {
  const ElementwiseRule rule = elementwiseRule(opcode);
  std::vector<OperandRule> list = {{'o', rule.isTest ? 'b' : 't', "n"}};
  for (int i = 0; i < rule.arity; i++) list.push_back({'i', 't', "s"});
  return list;
}

inline bool divides(int opcode, int dtype) {
  return dtype >= abi::INT32 &&
         (opcode == OP_FLOOR_DIVIDE || opcode == OP_TRUNC_DIVIDE || opcode == OP_REMAINDER || opcode == OP_FMOD);
}
/// The operand that a `check_index` record in front has checked; −1 where there is none.
inline int indexOf(int opcode) {
  switch (opcode) {
    case OP_GATHER:
    case OP_MAX_POOL2D_BACKWARD:
      return 2;
    case OP_SCATTER:
    case OP_SCATTER_ADD:
      return 1;
    case OP_CROSS_ENTROPY:
      return 3;
    case OP_CROSS_ENTROPY_BACKWARD:
      return 4;
    default:
      return -1;
  }
}
inline bool addsUp(int opcode) { return opcode == OP_SUM || opcode == OP_MEAN; }
inline bool reduces(int opcode) {
  return addsUp(opcode) || opcode == OP_PROD || opcode == OP_AMAX || opcode == OP_AMIN;
}
inline bool convolves(int opcode) {
  return opcode == OP_CONV2D || opcode == OP_CONV2D_BACKWARD_INPUT || opcode == OP_CONV2D_BACKWARD_WEIGHT;
}
inline bool pools(int opcode) {
  return opcode == OP_MAX_POOL2D || opcode == OP_AVG_POOL2D || opcode == OP_AVG_POOL2D_BACKWARD;
}
/// Elementwise driver: results may lie where operands of the same layout do, and operands may be immediate.
inline bool walksElements(int opcode) {
  return opcode == OP_COPY || opcode == OP_WHERE || opcode == OP_GROUP || elementwiseRule(opcode).arity > 0;
}
inline bool takesImmediates(int opcode) {
  return walksElements(opcode) || opcode == OP_BERNOULLI || opcode == OP_SGD_STEP || opcode == OP_ADAM_STEP;
}
