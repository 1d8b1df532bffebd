// What the steps of a group must be, for the verifier.
#pragma once
#include "view.h"

inline const int32_t* tailOf(const View& v) {
  const int64_t end = v.strides + v.operands * v.rank - v.words;
  return v.words + end + end % 2;
}

inline const int32_t* stepOf(const View& v, int i) { return tailOf(v) + abi::GROUP_TAIL_WORDS + i * abi::STEP_WORDS; }

inline bool groupWrites(const View& v, int k) {
  for (int i = 0; i < tailOf(v)[abi::GROUP_STEPS]; i++) {
    if (stepOf(v, i)[abi::STEP_OUT] == k) return true;
  }
  return false;
}

inline bool groupSums(const View& v, int k) {
  for (int i = 0; i < tailOf(v)[abi::GROUP_STEPS]; i++) {
    if (stepOf(v, i)[abi::STEP_OUT] == k && addsUp(stepOf(v, i)[abi::STEP_OPCODE])) return true;
  }
  return false;
}

inline const char* groupSum(const View& v, int i, const int32_t* step) {
  const int out = step[abi::STEP_OUT], from = step[abi::STEP_IN], dtype = step[abi::STEP_DTYPE];
  if (dtype > abi::FLOAT64 || out >= v.operands || v.type(out) != dtype) return "sum's dtype";
  for (int j = 0; j < tailOf(v)[abi::GROUP_STEPS]; j++) {
    const int32_t* other = stepOf(v, j);
    if (j != i && other[abi::STEP_OUT] == out) return "sum written twice";
    for (int k = 0; k < 4; k++) {
      if (other[abi::STEP_IN + k] == out) return "sum read";
      if (j > i && other[abi::STEP_IN + k] == from && !addsUp(other[abi::STEP_OPCODE]))
        return "sum's input read later";
    }
  }
  int strided = 0;
  for (int d = 0; d < v.rank; d++) {
    if (v.stride(out, d) < 0) return "sum's strides";
    strided += v.stride(out, d) != 0;
  }
  return unless(strided == 0 || (v.rank == 2 && strided == 1), "sum's strides");
}

inline const char* groupStep(const View& v, int i, const int32_t* step, int temps, const std::vector<bool>& holds) {
  const int opcode = step[abi::STEP_OPCODE], dtype = step[abi::STEP_DTYPE], out = step[abi::STEP_OUT];
  if (opcode < 0 || opcode >= OP_COUNT || dtype < 0 || dtype >= abi::DTYPE_COUNT) return "step's opcode";
  const bool sums = addsUp(opcode);
  const ElementwiseRule rule = elementwiseRule(opcode);
  const int arity = sums || opcode == OP_COPY ? 1 : opcode == OP_WHERE ? 3 : rule.arity;
  if (arity == 0 || divides(opcode, dtype)) return "no step";
  const int param = step[abi::STEP_PARAMS];
  const int reads = rule.arity ? kElementwiseParams : 0;
  if (param < 0 || param > v.params - reads) return "step's params";
  for (int p = 0; p < reads; p++) {
    if (!fits(v.param[param + p], dtype)) return "step's params";
  }
  const auto typed = [&](int slot, int type) {
    return slot >= v.operands || (v.type(slot) >= 0 && v.type(slot) < abi::DTYPE_COUNT &&
                                  abi::ITEM_BYTES[v.type(slot)] == abi::ITEM_BYTES[type]);
  };
  if (out < 0 || out >= v.operands + temps || !typed(out, rule.isTest ? abi::BOOL : dtype)) return "slot written";
  for (int k = 0; k < 4; k++) {
    const int slot = step[abi::STEP_IN + k];
    if (slot < (k < arity ? 0 : -1) || slot >= v.operands + temps) return "slot read";
    if (slot < 0) continue;
    if (k >= arity) return "more slots than the step reads";
    if (!typed(slot, opcode == OP_WHERE && k == 0 ? abi::BOOL : dtype)) return "dtype of a slot";
    if (slot >= v.operands ? !holds[static_cast<size_t>(slot - v.operands)] : !v.present(slot))
      return "slot without value";
  }
  if (out < v.operands && !v.present(out)) return "slot without memory";
  return sums ? groupSum(v, i, step) : nullptr;
}

inline const char* groupSteps(const View& v, int64_t start, int32_t length, int64_t* body) {
  if (start + abi::GROUP_TAIL_WORDS > length) return "tail";
  const int32_t* tail = v.words + start;
  const int steps = tail[abi::GROUP_STEPS], temps = tail[abi::GROUP_TEMPS];
  if (steps < 1 || steps > abi::MAX_STEPS || temps < 0 || temps > abi::MAX_TEMPS) return "steps";
  const int64_t end = start + abi::GROUP_TAIL_WORDS + steps * abi::STEP_WORDS;
  if (end > length) return "steps";
  *body = end;
  std::vector<bool> holds(static_cast<size_t>(temps), false);
  for (int i = 0; i < steps; i++) {
    const int32_t* step = stepOf(v, i);
    if (const char* wrong = groupStep(v, i, step, temps, holds)) return wrong;
    const int out = step[abi::STEP_OUT] - v.operands;
    if (out >= 0) holds[static_cast<size_t>(out)] = true;
  }
  return nullptr;
}
