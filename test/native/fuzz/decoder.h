// Makes programs out of bytes: records of any opcode over memory of their own, most of them valid, and then changes
// words of some.
#pragma once
#include <algorithm>

#include "draw.h"

class Decoder : public Draw {
 public:
  std::vector<int32_t> words;

  Decoder(const KernelTable& table, const uint8_t* bytes, size_t count)
      : Draw(bytes, count), words(abi::HEADER_WORDS), table(table) {
    const int records = 1 + pick(3);
    for (int i = 0; i < records; i++) {
      // Elementwise ops are most of all, and all alike.
      const int which = pick(4), code = pick(256) | pick(256) << 8;
      constexpr int kStructured = OP_COUNT - OP_COPY;
      draw(which == 0 ? code % OP_COUNT : which == 3 ? OP_GROUP : OP_COPY + code % kStructured);
    }
    if (pick(2)) mutate();
  }

 private:
  struct Draft {
    int opcode, dtype;
    Dims shape;
    std::vector<double> params;
    std::vector<OperandRule> rules;
    std::vector<Operand> operands;
    /// Values of its operands: of an index, how many places there are.
    int64_t places = 0;
    std::vector<int32_t> tail;
  };
  const KernelTable& table;

  int dtypeFor(int opcode) {
    std::vector<int> has;
    for (int d = 0; d < abi::DTYPE_COUNT; d++) {
      if (table.kernels[opcode][d]) has.push_back(d);
    }
    if (has.empty() || oneIn(64)) return pick(abi::DTYPE_COUNT);
    return has[static_cast<size_t>(pick(static_cast<int>(has.size())))];
  }

  int typeOf(char rule, int dtype) {
    switch (rule) {
      case 't':
        return dtype == abi::UINT8 && oneIn(8) ? abi::BOOL : dtype;
      case 'l':
        return abi::INT64;
      case 'd':
        return abi::FLOAT64;
      case 'b':
        return abi::BOOL;
      case 'p':
        return pick(2) ? abi::FLOAT64 : abi::FLOAT32;
      case 'k':
        return pick(2) ? abi::BOOL : dtype;
      case 's':
        return abi::INT32;
    }
    return pick(abi::DTYPE_COUNT);
  }

  /// Strides as a rule's letters allow: dimensions in any order, with gaps, the inputs' repeated or backwards.
  Dims layout(const Dims& shape, const std::string& letters, bool written) {
    const size_t rank = shape.size();
    Dims strides(rank, 0);
    std::vector<size_t> order;
    int64_t step = 1;
    for (size_t d = 0; d < rank; d++) {
      if (letters[d] == '1') step = strides[d] = 1, step *= shape[d];
      if (letters[d] == 'n' || letters[d] == 's') order.push_back(d);
    }
    // Row-major most often.
    if (oneIn(3)) {
      for (size_t i = order.size(); i > 1; i--)
        std::swap(order[i - 1], order[static_cast<size_t>(pick(static_cast<int>(i)))]);
    }
    const bool gaps = oneIn(5), repeats = !written && oneIn(3), backwards = oneIn(3);
    for (size_t i = order.size(); i-- > 0;) {
      const size_t d = order[i];
      if (repeats && oneIn(2)) continue;
      if (gaps) step += pick(3);
      strides[d] = static_cast<int32_t>(step);
      step *= shape[d];
      if (letters[d] == 's' && backwards && oneIn(2)) strides[d] = -strides[d];
    }
    return strides;
  }

  std::string lettersOf(const Draft& r, const OperandRule& rule, int k) {
    std::string letters;
    const int rank = static_cast<int>(r.shape.size());
    for (int d = 0; d < rank; d++) {
      const bool reduced = reduces(r.opcode) && k == 0 && d >= r.params[0];
      letters += reduced ? '0' : rule.stride(d, rank);
    }
    return letters;
  }

  static int64_t sizeOf(const Draft& r, char dimension) {
    if (dimension == 'h') return static_cast<int64_t>(r.params[0]);
    if (dimension == 'w') return static_cast<int64_t>(r.params[1]);
    return r.shape[static_cast<size_t>(dimension - '0')];
  }

  /// An operand in memory of its own.
  Operand place(Draft& r, int k) {
    const OperandRule& rule = r.rules[static_cast<size_t>(k)];
    const int dtype = r.opcode == OP_COPY && k == 0 ? r.dtype : typeOf(rule.dtype, r.dtype);
    Dims strides(r.shape.size(), 0);
    int64_t first = 0, last = 0;
    if (rule.isTensor()) {
      int64_t items = 1;
      for (size_t i = rule.strides.size() - 1; i > 0; i--) {
        const char c = rule.strides[i];
        if (c < 'a') strides[static_cast<size_t>(c - '0')] = static_cast<int32_t>(items);
        items *= sizeOf(r, c);
      }
      last = items - 1;
    } else {
      strides = layout(r.shape, lettersOf(r, rule, k), rule.written());
      // Whole rows are chosen by one index.
      if (k == indexOf(r.opcode) && strides.size() > 1 && oneIn(3)) strides.back() = 0;
      if (indexed(r.opcode) == k) last += indexDimension(r, strides);
      for (size_t d = 0; d < r.shape.size(); d++)
        (strides[d] < 0 ? first : last) += static_cast<int64_t>(r.shape[d] - 1) * strides[d];
    }
    if (rule.dtype == 's') last += 3;
    if (rule.role == 'w') last += 2 * r.shape.back() - 1;
    const int64_t places = k == indexOf(r.opcode) ? r.places : 0;
    // Now and then there is too little of it, which the verifier is to see.
    const int64_t missing = oneIn(64) ? 1 : 0;
    char* start = allocate(last - first + 1 - missing, dtype, places);
    return {start - first * abi::ITEM_BYTES[dtype], dtype, strides};
  }
  static int indexed(int opcode) {
    if (opcode == OP_GATHER) return 1;
    return opcode == OP_SCATTER || opcode == OP_SCATTER_ADD ? 0 : -1;
  }
  /// Takes a dimension out of the strides, as the one that an index chooses along; returns how far that reaches.
  int64_t indexDimension(Draft& r, Dims& strides) {
    int64_t step = 1;
    if (!strides.empty()) {
      const size_t d = static_cast<size_t>(pick(static_cast<int>(strides.size())));
      step = strides[d];
      strides[d] = 0;
      // Behind all the others there is room.
      if (pick(2)) {
        step = 1;
        for (size_t e = 0; e < strides.size(); e++)
          step = std::max<int64_t>(step, static_cast<int64_t>(r.shape[e]) * strides[e]);
      }
    }
    r.params[0] = static_cast<double>(step);
    return step * (r.places - 1);
  }

  void draw(int opcode) {
    if (opcode == OP_MATMUL_GROUP) return drawProduct();
    if (opcode == OP_UPDATE_ALL) return drawUpdates();
    if (opcode == OP_GROUP) return append(drawGroup(space(pick(5)), dtypeFor(OP_GROUP)));
    Draft r = draft(opcode, dtypeFor(opcode));
    fill(r);
    finish(r);
  }

  Draft draft(int opcode, int dtype) {
    Draft r;
    r.opcode = opcode, r.dtype = dtype;
    const Rule* rule = ruleOf(opcode);
    if (!rule) {
      r.rules = elementwiseOperands(opcode);
      r.shape = space(pick(5));
      r.params = {number(dtype), number(dtype)};
      return r;
    }
    r.rules = operandsOf(rule->operands);
    const int rank = rule->minRank + pick(std::min(rule->maxRank - rule->minRank + 1, oneIn(16) ? 17 : 4));
    r.shape = space(rank);
    for (const char* kind = rule->params; *kind; kind++) r.params.push_back(*kind == 'z' ? pick(8) : number());
    parameters(r);
    return r;
  }
  double number(int dtype = abi::FLOAT64) {
    if (dtype > abi::FLOAT64) return pick(200);
    static const double kNumbers[] = {0, 1, -1, 0.5, 0.9, 0.999, 1e-5, 2, -3, 20, 1e30, NAN, INFINITY, 1e-300};
    return kNumbers[pick(14)];
  }

  void parameters(Draft& r) {
    const int rank = static_cast<int>(r.shape.size());
    if (reduces(r.opcode)) r.params[0] = pick(rank + 1);
    if (r.opcode == OP_RANDOM_INTEGERS || r.opcode == OP_CHECK_INDEX) {
      r.params[0] = oneIn(3) ? -9007199254740992.0 : pick(3) - 1;
      r.params[1] = oneIn(3) ? 9007199254740992.0 : r.params[0] + 1 + pick(1000);
    }
    if (r.opcode == OP_ARANGE) r.params = {number(), number()};
    if (r.opcode == OP_SGD_STEP) r.params[0] = pick(2) ? 0.9 : 0;
    if (r.opcode == OP_ATTENTION || r.opcode == OP_ATTENTION_BACKWARD) {
      Dims batch = space(rank - 4, 4);
      const Dims sizes =
          pick(2) ? Dims{size(200), size(200), 1 + pick(4), 1 + pick(4)} : Dims{size(40), size(8), size(17), size(17)};
      batch.insert(batch.end(), sizes.begin(), sizes.end());
      r.shape = batch;
      r.params = {number(), static_cast<double>(pick(2))};
    }
    if (r.opcode == OP_MATMUL) {
      Dims batch = space(rank - 3, 6);
      const Dims sizes = {size(130), size(130), size(40)};
      batch.insert(batch.end(), sizes.begin(), sizes.end());
      r.shape = batch;
    }
    if (indexOf(r.opcode) >= 0) r.places = 1 + pick(9);
    if (r.opcode == OP_CROSS_ENTROPY || r.opcode == OP_CROSS_ENTROPY_BACKWARD) {
      r.places = r.shape[1];
      r.params[0] = pick(r.shape[1] + 2) - 1;
    }
    if (r.opcode == OP_MAX_POOL2D_BACKWARD) {
      r.params = {static_cast<double>(1 + pick(9)), static_cast<double>(1 + pick(9))};
      r.places = static_cast<int64_t>(r.params[0] * r.params[1]);
    }
    if (convolves(r.opcode) || pools(r.opcode)) windows(r);
  }

  /// Images and the windows over them.
  void windows(Draft& r) {
    const bool conv = convolves(r.opcode), wide = oneIn(6);
    const size_t first = conv ? 4 : 1;
    r.shape = conv ? Dims{1 + pick(3),
                          1 + pick(2),
                          wide ? 1 + pick(20) : 1 + pick(4),
                          wide ? 1 + pick(9) : 1 + pick(4),
                          1,
                          1,
                          1,
                          1}
                   : Dims{1 + pick(4), 1, 1, 1, 1};
    for (size_t i = 0; i < 2; i++) {
      int taps = 1 + pick(oneIn(8) ? 12 : 4), step = 1 + pick(4), dilation = 1 + pick(oneIn(4) ? 5 : 2),
          outputs = size(wide ? 40 : 9);
      int padding = pick(conv ? 4 : 1 + taps / 2);
      if (!conv && oneIn(3)) taps = step = 2, padding = 0, dilation = 1;
      if (r.opcode == OP_AVG_POOL2D || r.opcode == OP_AVG_POOL2D_BACKWARD) dilation = 1;
      const int reach = (outputs - 1) * step + (taps - 1) * dilation + 1;
      r.params[i] = std::max(1, reach - 2 * padding + (oneIn(3) ? pick(step) : 0));
      r.params[2 + i] = step;
      r.params[4 + i] = padding;
      if (conv || r.opcode == OP_MAX_POOL2D) r.params[6 + i] = dilation;
      r.shape[first + i] = outputs;
      r.shape[first + 2 + i] = taps;
    }
    if (r.opcode == OP_AVG_POOL2D || r.opcode == OP_AVG_POOL2D_BACKWARD) r.params[6] = pick(2), r.params[7] = pick(4);
  }

  /// Places all operands; where a result may lie in an input's memory it sometimes does.
  void fill(Draft& r) {
    for (int k = 0; k < static_cast<int>(r.rules.size()); k++) {
      const OperandRule& rule = r.rules[static_cast<size_t>(k)];
      if (rule.optional() && oneIn(3) && !(rule.role == 'U' && r.params[0] != 0)) {
        r.operands.push_back(absent(Dims(r.shape.size(), 0)));
        continue;
      }
      r.operands.push_back(place(r, k));
    }
    if (walksElements(r.opcode) && r.operands.size() > 1 && oneIn(5)) {
      const size_t k = 1 + static_cast<size_t>(pick(static_cast<int>(r.operands.size()) - 1));
      r.operands[k].address = r.operands[0].address;
      r.operands[k].strides = r.operands[0].strides;
    }
  }

  /// Adds the record, and in front of it the check that it needs.
  void finish(const Draft& r) {
    const bool divisor = r.operands.size() == 3 && divides(r.opcode, r.dtype);
    const int index = divisor ? 2 : indexOf(r.opcode);
    if (index >= 0 && !oneIn(64)) {
      const Operand& operand = r.operands[static_cast<size_t>(index)];
      Operand walked = operand;
      Dims shape = r.shape;
      if (operand.strides.size() != shape.size()) return;
      for (size_t d = 0; d < shape.size(); d++) {
        if (!operand.strides[d]) shape[d] = 1;
      }
      std::vector<double> range;
      if (!divisor) range = {0, static_cast<double>(r.places)};
      const bool exempt = r.opcode == OP_CROSS_ENTROPY || r.opcode == OP_CROSS_ENTROPY_BACKWARD;
      if (exempt && oneIn(2)) range.push_back(r.params[0]);
      append(recordOf(divisor ? OP_CHECK_NONZERO : OP_CHECK_INDEX, divisor ? r.dtype : abi::INT64, shape, range,
                      {walked}));
    }
    append(record(r));
  }
  void append(const std::vector<int32_t>& record) { words.insert(words.end(), record.begin(), record.end()); }

  /// A record's words; operands that repeat one element may become immediate.
  std::vector<int32_t> record(const Draft& r) {
    std::vector<int32_t> w = recordOf(r.opcode, r.dtype, r.shape, r.params, r.operands, r.tail);
    for (size_t k = 0; k < r.operands.size(); k++) {
      const Dims& strides = r.operands[k].strides;
      const bool single = std::all_of(strides.begin(), strides.end(), [](int32_t s) { return s == 0; });
      if (!single || !takesImmediates(r.opcode) || r.rules[k].role != 'i' || !r.operands[k].address || !oneIn(4))
        continue;
      int32_t* operand = w.data() + abi::RECORD_FIXED_WORDS + 2 * r.params.size() + abi::OPERAND_WORDS * k;
      operand[abi::OPERAND_ADDRESS_LOW] = static_cast<int32_t>(w.size());
      operand[abi::OPERAND_ADDRESS_HIGH] = 0;
      operand[abi::OPERAND_FLAGS] = abi::FLAG_IMMEDIATE;
      char value8[8] = {};
      value(value8, r.operands[k].dtype, pick(6), 0, 0);
      int32_t halves[2];
      memcpy(halves, value8, 8);
      w.insert(w.end(), halves, halves + 2);
    }
    w[abi::RECORD_LENGTH] = static_cast<int32_t>(w.size());
    return w;
  }

  /// Steps over operands of one dtype and bools, and sums of what they compute.
  std::vector<int32_t> drawGroup(const Dims& shape, int dtype, const Operand* product = nullptr) {
    Draft r;
    r.opcode = OP_GROUP, r.dtype = dtype, r.shape = shape;
    const bool floats = dtype <= abi::FLOAT64;
    const int sums = floats && oneIn(3) ? 1 + pick(2) : 0, results = 1 + pick(2), inputs = 1 + pick(3),
              temps = 1 + pick(4);
    const size_t rank = shape.size();
    for (int k = 0; k < sums + results + inputs; k++) {
      const bool written = k < sums + results;
      r.rules.push_back({written ? 'o' : 'i', 't', written ? "n" : "s"});
      std::string letters(rank, written ? 'n' : 's');
      if (k < sums) {
        letters.assign(rank, '0');
        if (rank == 2 && oneIn(2)) letters[static_cast<size_t>(pick(2))] = 'n';
      }
      Dims strides = layout(shape, letters, written);
      int64_t first = 0, last = 0;
      for (size_t d = 0; d < rank; d++)
        (strides[d] < 0 ? first : last) += static_cast<int64_t>(shape[d] - 1) * strides[d];
      r.operands.push_back({allocate(last - first + 1, dtype, 0) - first * abi::ITEM_BYTES[dtype], dtype, strides});
    }
    if (product) r.operands[static_cast<size_t>(sums + results)] = *product;
    if (product && oneIn(2)) r.operands[static_cast<size_t>(sums)] = *product;
    std::vector<int> ops;
    for (int op = 0; op < OP_COUNT; op++) {
      if (table.rows[op][dtype] && !divides(op, dtype)) ops.push_back(op);
    }
    const int operands = static_cast<int>(r.operands.size());
    // Slots with a number to read; a bool has a buffer of its own.
    std::vector<int> numbers;
    for (int k = sums + results; k < operands; k++) numbers.push_back(k);
    int truth = -1;
    const auto any = [&] { return numbers[static_cast<size_t>(pick(static_cast<int>(numbers.size())))]; };
    const int steps = 1 + pick(8);
    const auto step = [&](int op, int out, std::vector<int> in) {
      in.resize(4, -1);
      r.tail.insert(r.tail.end(), {op, dtype, out, in[0], in[1], in[2], in[3], 0});
    };
    for (int i = 0; i < steps && !ops.empty(); i++) {
      const int op = ops[static_cast<size_t>(pick(static_cast<int>(ops.size())))];
      const ElementwiseRule rule = elementwiseRule(op);
      const int out = pick(3) ? operands + pick(temps) : sums + pick(results);
      if (rule.isTest) {
        truth = operands + temps;
        step(op, truth, rule.arity == 1 ? std::vector<int>{any()} : std::vector<int>{any(), any()});
      } else if (op == OP_WHERE) {
        if (truth < 0) continue;
        step(op, out, {truth, any(), any()});
        numbers.push_back(out);
      } else {
        std::vector<int> in;
        for (int k = 0; k < std::max(1, rule.arity); k++) in.push_back(any());
        step(op, out, in);
        numbers.push_back(out);
      }
    }
    for (int k = sums; k < sums + results; k++) step(OP_COPY, k, {any()});
    for (int k = 0; k < sums; k++) step(pick(2) ? OP_MEAN : OP_SUM, k, {any()});
    const int total = static_cast<int>(r.tail.size()) / abi::STEP_WORDS;
    r.tail.insert(r.tail.begin(), {total, temps + 1});
    r.params = {number(dtype), number(dtype)};
    return record(r);
  }

  void drawProduct() {
    Draft r = draft(OP_MATMUL, pick(8) ? pick(2) : dtypeFor(OP_MATMUL));
    fill(r);
    Dims shape(r.shape.begin(), r.shape.end() - 1);
    Operand c = r.operands[0];
    c.strides.pop_back();
    // Row-major results are walked flat, as the compiler's are.
    const bool packs = c.strides == packed(shape);
    if (packs && pick(2)) {
      shape = {static_cast<int32_t>(countOf(shape))};
      c.strides = {1};
    }
    append(recordHolding(OP_MATMUL_GROUP, r.dtype, {record(r), drawGroup(shape, r.dtype, &c)}));
  }

  void drawUpdates() {
    const int dtype = dtypeFor(OP_UPDATE_ALL);
    std::vector<std::vector<int32_t>> held;
    for (int i = 1 + pick(4); i > 0; i--) {
      Draft r = draft(pick(2) ? OP_SGD_STEP : OP_ADAM_STEP, dtype);
      fill(r);
      held.push_back(record(r));
    }
    append(recordHolding(OP_UPDATE_ALL, dtype, held));
  }

  void mutate() {
    static const int32_t kWords[] = {0, 1, -1, 2, 3, 16, 17, 255, 65536, INT32_MAX, INT32_MIN};
    const int body = static_cast<int>(words.size()) - abi::HEADER_WORDS;
    for (int i = 1 + pick(3); i > 0 && body > 0; i--) {
      // The words in front say more than those behind.
      const int to = abi::HEADER_WORDS + (pick(256) | pick(256) << 8) % (pick(2) ? body : std::min(body, 48));
      int32_t& word = words[static_cast<size_t>(to)];
      switch (pick(4)) {
        case 0:
          word = kWords[pick(11)];
          break;
        case 1:
          word = static_cast<int32_t>(static_cast<uint32_t>(word) + static_cast<uint32_t>(pick(2) ? 1 : -1));
          break;
        case 2:
          word ^= 1 << pick(31);
          break;
        default:
          word = words[static_cast<size_t>(abi::HEADER_WORDS + (pick(256) | pick(256) << 8) % body)];
      }
    }
  }
};
