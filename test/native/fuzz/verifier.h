// Decides whether a program is valid: by its words alone, and by the memory that it may touch. Where this says yes, no
// kernel may read or write anything else, whatever the data. src/program/verify.ts is the same for what the library
// emits, where TypeScript has made sure of the rest.
#pragma once
#include <math.h>

#include <algorithm>

#include "steps.h"

class Verifier {
 public:
  explicit Verifier(const Memory& memory) : memory(memory) {}

  /// Why the program must not run; null when it may.
  const char* program(const int32_t* words, int32_t end) {
    previous = nullptr;
    for (int32_t at = abi::HEADER_WORDS; at < end;) {
      if (const char* wrong = record(words + at, end - at, true)) return wrong;
      previous = words + at;
      at += words[at];
    }
    return nullptr;
  }

 private:
  struct Range {
    uint64_t first, last;
    bool overlaps(const Range& other) const { return first < other.last && other.first < last; }
  };
  const Memory& memory;
  const int32_t* previous = nullptr;
  /// How many places an index of the record at hand may name; set by `special`.
  int64_t indexed = 0;

  const char* record(const int32_t* r, int32_t room, bool outermost) {
    if (room < abi::RECORD_FIXED_WORDS) return "cut short";
    const int32_t length = r[0];
    if (length < abi::RECORD_FIXED_WORDS || length % 2 || length > room) return "length";
    if (r[1] < 0 || r[1] >= OP_COUNT) return "opcode";
    if (r[2] < 0 || r[2] >= abi::DTYPE_COUNT) return "dtype";
    if (r[1] == OP_MATMUL_GROUP || r[1] == OP_UPDATE_ALL) return outermost ? nested(r, length) : "nested twice";
    if (r[3] < 0 || r[3] > abi::MAX_RANK) return "rank";
    if (r[4] < 1 || r[4] > abi::MAX_OPERANDS) return "operands";
    if (r[5] < 0 || r[5] > length) return "params";
    const View v(r);
    int64_t body = v.strides + v.operands * v.rank - r;
    if (body > length) return "body";
    int64_t count = 1;
    for (int d = 0; d < v.rank; d++) {
      if (v.shape[d] < 1 || v.shape[d] > kMostElements) return "iteration space";
      if ((count *= v.shape[d]) > kMostElements) return "iteration space";
    }
    if (v.opcode == OP_GROUP) {
      if (const char* wrong = groupSteps(v, body + body % 2, length, &body)) return wrong;
    }
    return operands(v, body, length);
  }

  std::vector<OperandRule> rulesFor(const View& v) const {
    if (v.opcode == OP_GROUP) return std::vector<OperandRule>(static_cast<size_t>(v.operands), {'i', '*', "s"});
    if (const Rule* rule = ruleOf(v.opcode)) return operandsOf(rule->operands);
    return elementwiseOperands(v.opcode);
  }

  static bool isDType(const View& v, int k, char rule) {
    const int type = v.type(k);
    const auto bytes = [](int dtype) { return dtype == abi::UINT8 || dtype == abi::BOOL; };
    switch (rule) {
      case 't':
        return type == v.dtype || (bytes(type) && bytes(v.dtype));
      case 'l':
        return type == abi::INT64;
      case 'd':
        return type == abi::FLOAT64;
      case 'b':
        return type == abi::BOOL;
      case 'p':
        return type == abi::FLOAT32 || type == abi::FLOAT64;
      case 'k':
        return type == abi::BOOL || type == v.dtype;
      case 's':
        return type == abi::INT32;
    }
    return v.opcode != OP_COPY || k > 0 || type == v.dtype;
  }

  const char* operands(const View& v, int64_t body, int32_t length) {
    const std::vector<OperandRule> rules = rulesFor(v);
    if (static_cast<int>(rules.size()) != v.operands) return "number of operands";
    if (const char* wrong = paramsOf(v)) return wrong;
    if (const char* wrong = special(v)) return wrong;
    std::vector<Range> ranges(rules.size(), {0, 0});
    for (int k = 0; k < v.operands; k++) {
      const OperandRule& rule = rules[static_cast<size_t>(k)];
      if (!v.present(k)) {
        if (!rule.optional()) return "an operand is absent";
        continue;
      }
      if (v.type(k) < 0 || v.type(k) >= abi::DTYPE_COUNT || !isDType(v, k, rule.dtype)) return "dtype of an operand";
      if (v.operand[4 * k + 3] & ~abi::FLAG_IMMEDIATE) return "flags";
      if (const char* wrong = strides(v, k, rule)) return wrong;
      if (v.immediate(k)) {
        const int32_t at = v.operand[4 * k];
        if (!takesImmediates(v.opcode) || rule.role != 'i') return "immediate";
        if (at < body || at > length - 2 || at % 2) return "immediate's place";
        for (int d = 0; d < v.rank; d++) {
          if (v.stride(k, d)) return "immediate with strides";
        }
        continue;
      }
      Range& range = ranges[static_cast<size_t>(k)];
      range = rangeOf(v, k, rule);
      if (v.address(k) % static_cast<uint64_t>(abi::ITEM_BYTES[v.type(k)])) return "alignment";
      const bool held =
          std::any_of(memory.begin(), memory.end(), [&](const Block& b) { return b.holds(range.first, range.last); });
      if (!held) return "memory";
    }
    if (const char* wrong = overlaps(v, rules, ranges)) return wrong;
    return checked(v);
  }

  // What is written shares no memory with anything else, unless both are walked alike.
  const char* overlaps(const View& v, const std::vector<OperandRule>& rules, const std::vector<Range>& ranges) {
    for (int a = 0; a < v.operands; a++) {
      const bool writes = v.opcode == OP_GROUP
                              ? groupWrites(v, a)
                              : rules[static_cast<size_t>(a)].written() || rules[static_cast<size_t>(a)].role == 'w';
      if (!writes || !v.present(a)) continue;
      if (v.immediate(a)) return "writes an immediate";
      for (int b = 0; b < v.operands; b++) {
        if (a == b || !v.present(b) || v.immediate(b)) continue;
        if (!ranges[static_cast<size_t>(a)].overlaps(ranges[static_cast<size_t>(b)])) continue;
        bool alike = walksElements(v.opcode) && v.address(a) == v.address(b) &&
                     abi::ITEM_BYTES[v.type(a)] == abi::ITEM_BYTES[v.type(b)];
        for (int d = 0; alike && d < v.rank; d++) alike = v.shape[d] == 1 || v.stride(a, d) == v.stride(b, d);
        if (!alike) return "operands overlap";
      }
    }
    return nullptr;
  }

  /// Sizes of a tensor's dimensions by the rule's text; -1 where the text has a letter of no use here.
  static int64_t sizeOf(const View& v, char dimension) {
    if (dimension == 'h') return v.whole(0);
    if (dimension == 'w') return v.whole(1);
    return v.shape[dimension - '0'];
  }

  const char* strides(const View& v, int k, const OperandRule& rule) {
    std::vector<std::pair<int64_t, int64_t>> walked;
    for (int d = 0; d < v.rank; d++) {
      const int64_t size = v.shape[d], stride = v.stride(k, d);
      if (stride > kMostElements || stride < -kMostElements) return "stride";
      if (size == 1) continue;
      char letter = rule.isTensor() ? 's' : rule.stride(d, v.rank);
      if (rule.isTensor() && stride != tensorStride(v, rule, d)) return "stride of a tensor";
      if (reduces(v.opcode) && k == 0 && d >= v.whole(0)) letter = '0';
      if (letter == '0' && stride) return "stride that is not 0";
      if (letter == '1' && stride != 1) return "stride that is not 1";
      if (letter == 'n' && stride < 0) return "stride below 0";
      if (letter != '0') walked.push_back({llabs(stride), size});
    }
    const bool scatters = v.opcode == OP_SCATTER || v.opcode == OP_SCATTER_ADD;
    const bool distinct = v.opcode == OP_GROUP ? groupWrites(v, k) && !groupSums(v, k) : rule.written() && !scatters;
    if (!distinct || rule.isTensor()) return nullptr;
    std::sort(walked.begin(), walked.end());
    int64_t reach = 0;
    for (const auto& [stride, size] : walked) {
      if (stride <= reach) return "a result's elements share memory";
      reach += stride * (size - 1);
    }
    return nullptr;
  }

  static int64_t tensorStride(const View& v, const OperandRule& rule, int d) {
    int64_t stride = 1;
    for (size_t i = rule.strides.size() - 1; i > 0; i--) {
      if (rule.strides[i] == '0' + d) return stride;
      stride *= sizeOf(v, rule.strides[i]);
    }
    return 0;
  }

  Range rangeOf(const View& v, int k, const OperandRule& rule) const {
    int64_t first = 0, last = 0;
    for (int d = 0; d < v.rank; d++) {
      const int64_t reach = static_cast<int64_t>(v.shape[d] - 1) * v.stride(k, d);
      (reach < 0 ? first : last) += reach;
    }
    if (rule.isTensor()) {
      last = 1;
      for (const char c : rule.strides.substr(1)) last *= sizeOf(v, c);
      last--;
    }
    if (rule.dtype == 's') last += 3;
    if (rule.role == 'w') last += 2 * v.shape[v.rank - 1] - 1;
    // What an index, which has been checked, adds.
    const bool byIndex =
        (v.opcode == OP_GATHER && k == 1) || ((v.opcode == OP_SCATTER || v.opcode == OP_SCATTER_ADD) && k == 0);
    if (byIndex) last += v.whole(0) * (indexed - 1);
    const int64_t bytes = abi::ITEM_BYTES[v.type(k)];
    return {v.address(k) + static_cast<uint64_t>(first * bytes),
            v.address(k) + static_cast<uint64_t>((last + 1) * bytes)};
  }
  const char* paramsOf(const View& v) {
    const Rule* rule = ruleOf(v.opcode);
    if (!rule && v.opcode != OP_GROUP) {
      if (elementwiseRule(v.opcode).arity == 0) return "opcode without a rule";
      if (v.params != kElementwiseParams) return "number of params";
      return unless(fits(v.param[0], v.dtype) && fits(v.param[1], v.dtype), "param beyond its dtype");
    }
    if (!rule) return nullptr;
    if (v.rank < rule->minRank || v.rank > rule->maxRank) return "rank for this opcode";
    const std::string_view kinds = rule->params;
    const int most = static_cast<int>(kinds.size()) + (v.opcode == OP_CHECK_INDEX ? 1 : 0);
    if (v.params < static_cast<int>(kinds.size()) || v.params > most) return "number of params";
    for (int p = 0; p < v.params; p++) {
      const char kind = p < static_cast<int>(kinds.size()) ? kinds[static_cast<size_t>(p)] : 'z';
      if (kind == 'z' && !(fabs(v.param[p]) <= 9007199254740992.0 && v.param[p] == trunc(v.param[p])))
        return "param that is not whole";
    }
    return nullptr;
  }

  const char* special(const View& v) {
    indexed = 0;
    if (reduces(v.opcode)) return unless(v.whole(0) >= 0 && v.whole(0) <= v.rank, "kept dimensions");
    if (v.opcode == OP_RANDOM_INTEGERS || v.opcode == OP_CHECK_INDEX)
      return unless(v.whole(0) < v.whole(1), "empty range");
    if (v.opcode == OP_SGD_STEP) return unless(v.param[0] == 0 || v.present(2), "momentum");
    if (v.opcode == OP_ATTENTION || v.opcode == OP_ATTENTION_BACKWARD)
      return unless(v.shape[v.rank - 2] <= 256 && v.shape[v.rank - 1] <= 256, "features");
    if (v.opcode == OP_MAX_POOL2D_BACKWARD) {
      if (const char* wrong = image(v)) return wrong;
    }
    if (convolves(v.opcode) || pools(v.opcode)) {
      if (const char* wrong = image(v)) return wrong;
      const bool dilates = v.opcode != OP_AVG_POOL2D && v.opcode != OP_AVG_POOL2D_BACKWARD;
      for (int i = 0; i < 2; i++) {
        const int first = convolves(v.opcode) ? 4 : 1;
        const int64_t outputs = v.shape[first + i], taps = v.shape[first + 2 + i];
        const int64_t size = v.whole(i), step = v.whole(2 + i), padding = v.whole(4 + i);
        const int64_t dilation = dilates ? v.whole(6 + i) : 1;
        const auto bounded = [](int64_t n, int64_t least) { return n >= least && n <= 4096; };
        if (!bounded(step, 1) || !bounded(padding, 0) || !bounded(dilation, 1)) return "window";
        const int64_t last = (outputs - 1) * step;
        if (convolves(v.opcode) && last + (taps - 1) * dilation + 1 > size + 2 * padding) return "outputs";
        for (int64_t u = 0; pools(v.opcode) && u < outputs; u++) {
          bool inside = false;
          for (int64_t t = 0; t < taps; t++) {
            const int64_t place = u * step - padding + t * dilation;
            inside = inside || (place >= 0 && place < size);
          }
          if (!inside) return "window beside the image";
        }
      }
      return nullptr;
    }
    if (v.opcode == OP_GATHER || v.opcode == OP_SCATTER || v.opcode == OP_SCATTER_ADD) {
      if (v.whole(0) < 0 || v.whole(0) > kMostElements) return "pitch";
      const int x = v.opcode == OP_GATHER ? 1 : 0;
      bool lacks = v.rank == 0;
      for (int d = 0; d < v.rank; d++) lacks = lacks || v.stride(x, d) == 0;
      if (!lacks) return "an indexed dimension with a stride";
    }
    if (indexOf(v.opcode) >= 0 || (v.operands == 3 && divides(v.opcode, v.dtype))) {
      if (!previous) return "unchecked";
      const View check(previous);
      if (check.opcode != (indexOf(v.opcode) >= 0 ? OP_CHECK_INDEX : OP_CHECK_NONZERO)) return "unchecked";
      if (indexOf(v.opcode) >= 0) indexed = check.whole(1);
      if (indexed > kMostElements) return "index beyond all memory";
    }
    return nullptr;
  }

  static const char* image(const View& v) {
    for (int i = 0; i < 2; i++) {
      if (v.whole(i) < 1 || v.whole(i) > 4096) return "image";
    }
    return unless(v.whole(0) * v.whole(1) <= kMostElements, "image");
  }

  // Dimensions that an operand is really walked along.
  static std::vector<std::pair<int, int>> walkOf(const View& v, int k) {
    std::vector<std::pair<int, int>> walk;
    for (int d = 0; d < v.rank; d++) {
      if (v.shape[d] > 1 && v.stride(k, d)) walk.push_back({v.shape[d], v.stride(k, d)});
    }
    return walk;
  }

  const char* checked(const View& v) const {
    const int index = indexOf(v.opcode), operand = index >= 0 ? index : 2;
    if (index < 0 && !divides(v.opcode, v.dtype)) return nullptr;
    const View check(previous);
    if (v.immediate(operand) != check.immediate(0)) return "another operand was checked";
    if (v.immediate(operand)) return "an immediate was checked";
    if (check.address(0) != v.address(operand) || check.type(0) != v.type(operand))
      return "another operand was checked";
    if (index < 0 && check.dtype != v.dtype) return "checked as something else";
    if (walkOf(v, operand) != walkOf(check, 0)) return "other elements were checked";
    if (index < 0) return nullptr;
    if (check.whole(0) != 0) return "indices below 0";
    const bool classes = v.opcode == OP_CROSS_ENTROPY || v.opcode == OP_CROSS_ENTROPY_BACKWARD;
    if (classes && check.whole(1) > v.shape[1]) return "classes";
    if (v.opcode == OP_MAX_POOL2D_BACKWARD && check.whole(1) > v.whole(0) * v.whole(1)) return "places";
    return unless(check.params == 2 || (classes && check.whole(2) == v.whole(0)), "exempt");
  }

  // Records that hold records.

  const char* nested(const int32_t* r, int32_t length) {
    if (length < abi::NESTED_START) return "length";
    const int count = r[abi::NESTED_COUNT];
    const bool updates = r[1] == OP_UPDATE_ALL;
    if (r[3] || r[4] || r[5] || count < 1 || (!updates && count != 2)) return "number of records";
    const int32_t* check = previous;
    previous = nullptr;
    std::vector<const int32_t*> held;
    int32_t at = abi::NESTED_START;
    for (int i = 0; i < count; i++) {
      if (at >= length) return "number of records";
      if (const char* wrong = record(r + at, length - at, false)) return wrong;
      const int opcode = r[at + 1];
      if (updates && (r[at + 2] != r[2] || (opcode != OP_SGD_STEP && opcode != OP_ADAM_STEP))) return "record held";
      if (!updates && opcode != (i == 0 ? OP_MATMUL : OP_GROUP)) return "record held";
      held.push_back(r + at);
      at += r[at];
    }
    previous = check;
    if (at != length) return "words after the last record";
    if (updates) return apart(held, [](const View&, int, char role) { return role == 'u' || role == 'U'; });
    return product(View(held[0]), View(held[1]));
  }

  /// No record writes what another one touches.
  template <class Writes>
  const char* apart(const std::vector<const int32_t*>& held, Writes writes) {
    for (size_t a = 0; a < held.size(); a++) {
      const View v(held[a]);
      const auto rules = rulesFor(v);
      for (int i = 0; i < v.operands; i++) {
        if (!v.present(i) || v.immediate(i) || !writes(v, i, rules[static_cast<size_t>(i)].role)) continue;
        const Range range = rangeOf(v, i, rules[static_cast<size_t>(i)]);
        for (size_t b = 0; b < held.size(); b++) {
          const View other(held[b]);
          const auto others = rulesFor(other);
          for (int j = 0; a != b && j < other.operands; j++) {
            if (other.present(j) && !other.immediate(j) &&
                range.overlaps(rangeOf(other, j, others[static_cast<size_t>(j)])))
              return "records held share memory";
          }
        }
      }
    }
    return nullptr;
  }

  const char* product(const View& matmul, const View& group) {
    int64_t rows = 1;
    for (int d = 0; d < matmul.rank - 2; d++) rows *= matmul.shape[d];
    const int n = matmul.shape[matmul.rank - 2];
    bool same = group.rank == matmul.rank - 1;
    for (int d = 0; same && d < group.rank; d++) same = group.shape[d] == matmul.shape[d];
    const bool flat = group.rank == 1 && group.shape[0] == rows * n;
    const bool merged = group.rank == 2 && group.shape[0] == rows && group.shape[1] == n;
    if (!same && !flat && !merged) return "other spaces";
    const auto rules = operandsOf(ruleOf(OP_MATMUL)->operands);
    for (int k = 0; k < group.operands; k++) {
      if (!group.present(k) || group.immediate(k) || !groupWrites(group, k)) continue;
      const Range range = rangeOf(group, k, {'o', '*', "s"});
      for (int i = 1; i < 3; i++) {
        if (range.overlaps(rangeOf(matmul, i, rules[static_cast<size_t>(i)]))) return "writes what the product reads";
      }
    }
    return nullptr;
  }
};
