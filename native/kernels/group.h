// A group's steps: decoding them, and running them over one tile (docs/program-format.md). Steps are the row
// kernels of elementwise.cc; the kernel is in group.cc. Included inside namespace COTANGENT_NS.
#pragma once

/// What follows the strides in a group's record.
struct GroupTail {
  const int32_t* words;
  int steps, temps;

  explicit GroupTail(const Record& r) {
    const int64_t end = r.allStrides + r.operands * r.rank - r.words;
    words = r.words + (end + 1) / 2 * 2;
    steps = words[abi::GROUP_STEPS];
    temps = words[abi::GROUP_TEMPS];
  }
  const int32_t* step(int i) const { return words + abi::GROUP_TAIL_WORDS + i * abi::STEP_WORDS; }
};

constexpr int kStepInputs = 4;
/// Operands and tile buffers, a buffer of our own, and a null for what a step does not read (−1 & 31).
constexpr int kSlots = 32;
constexpr int kNoSlot = kSlots - 1;
static_assert(abi::MAX_OPERANDS + abi::MAX_TEMPS + 1 < kSlots);
inline int slotOf(int32_t word) { return word & kNoSlot; }

/// Bytes from one tile buffer to the next; not a power of two, so that equal places of two buffers fall
/// into different lines of the cache.
constexpr int64_t pitchFor(int itemBytes) { return kTile * itemBytes + 64; }

using RowSum = double (*)(const char* x, int64_t n);
using ColumnSums = void (*)(double* sums, const char* x, int64_t columns, int64_t rows);
using AddRow = void (*)(char* lanes, const char* x, int64_t columns);
using Flush = void (*)(double* sums, char* lanes, int64_t columns);
template <class T, class Fold>
double rowSum(const char* x, int64_t n) {
  return Fold::row(reinterpret_cast<const T*>(x), n, 1);
}
template <class T, class Fold>
void columnSums(double* sums, const char* x, int64_t columns, int64_t rows) {
  Fold::columns(sums, reinterpret_cast<const T*>(x), columns, rows, columns);
}
/// Rows that are tiles of their own are added up in their precision before they go into the sums, as
/// many as `FloatSum::columns` takes at once.
constexpr int64_t kLaneRows = 32;
inline void addRowWide(char* lanes, const char* x, int64_t columns) {
  MeanSum<float>::columns(reinterpret_cast<double*>(lanes), reinterpret_cast<const float*>(x), columns, 1, columns);
}
template <class T>
void addRow(char* lanes, const char* x, int64_t columns) {
  T* to = reinterpret_cast<T*>(lanes);
  const T* from = reinterpret_cast<const T*>(x);
  eachVector<typename VectorOf<T>::Type>(columns, [&](int64_t j, auto part) {
    using V = typename VectorOf<T>::Type;
    store(to + j, add(load<V>(to + j, part), load<V>(from + j, part)), part);
  });
}
template <class T>
void flush(double* sums, char* lanes, int64_t columns) {
  T* from = reinterpret_cast<T*>(lanes);
  for (int64_t j = 0; j < columns; j++) {
    sums[j] += from[j];
    from[j] = 0;
  }
}

/// Writes a sum, or a mean of `count` elements, or adds it to what earlier columns gave.
inline void storeSum(char* to, int dtype, double sum, int64_t count, bool adds) {
  sum /= static_cast<double>(count);
  if (dtype == abi::FLOAT64) {
    double* out = reinterpret_cast<double*>(to);
    *out = adds ? *out + sum : sum;
  } else {
    float* out = reinterpret_cast<float*>(to);
    *out = static_cast<float>(adds ? *out + sum : sum);
  }
}

inline bool isMean(const int32_t* step) { return step[abi::STEP_OPCODE] == OP_MEAN; }
inline bool isSum(const int32_t* step) { return step[abi::STEP_OPCODE] == OP_SUM || isMean(step); }
inline RowSum rowSumOf(const int32_t* step) {
  if (step[abi::STEP_DTYPE] == abi::FLOAT64) return rowSum<double, FloatSum<double>>;
  return isMean(step) ? rowSum<float, MeanSum<float>> : rowSum<float, FloatSum<float>>;
}

/// The row kernel of a step, or null when there is none.
inline RowKernel rowKernel(const int32_t* step, const KernelTable& table) {
  const unsigned opcode = static_cast<unsigned>(step[abi::STEP_OPCODE]);
  const unsigned dtype = static_cast<unsigned>(step[abi::STEP_DTYPE]);
  return opcode < OP_COUNT && dtype < abi::DTYPE_COUNT ? table.rows[opcode][dtype] : nullptr;
}
/// `where` reads its condition in bytes; written into the same slot, wider items would run over it.
inline bool overruns(const int32_t* step) {
  return step[abi::STEP_OPCODE] == OP_WHERE && step[abi::STEP_OUT] == step[abi::STEP_IN] &&
         abi::ITEM_BYTES[step[abi::STEP_DTYPE]] > 1;
}
inline const char* setAside(char* to, const char* condition, int64_t n) {
  return static_cast<char*>(memcpy(to, condition, static_cast<size_t>(n)));
}
inline void noKernel(const int32_t* step, Context& context) {
  context.status = abi::FAULT_NO_KERNEL;
  context.value = step[abi::STEP_OPCODE];
}

enum class StepKind { kRow, kSumAll, kSumRows, kSumColumns };

struct GroupStep {
  StepKind kind;
  /// Which one of its kind a sum is.
  int index;
  RowKernel row;
  const double* params;
  RowSum rowSum;
  ColumnSums columnSums;
  AddRow addRow;
  Flush flush;
  /// Bytes of a lane for `addRow`.
  int laneBytes;
  /// What a sum is divided by.
  int64_t count;
  int dtype, out, in[kStepInputs];
  bool overruns;
};

/// A group's steps, decoded once for all tiles.
struct Group {
  const Record& r;
  const GroupTail tail;
  GroupStep steps[abi::MAX_STEPS];
  /// Sets of operands: written by a row, needed before they are written, written by a sum.
  uint32_t written = 0, read = 0, summed = 0;
  int sums[4] = {};
  int itemBytes = 4;
  /// Null when every step has a kernel.
  const int32_t* lacking = nullptr;

  Group(const Record& r, const GroupTail& tail, const KernelTable& table) : r(r), tail(tail) {
    for (int k = 0; k < r.operands; k++) itemBytes = most(itemBytes, abi::ITEM_BYTES[r.dtype(k)]);
    for (int s = 0; s < tail.steps && !lacking; s++) decode(tail.step(s), steps[s], table);
  }
  int sumsOf(StepKind kind) const { return sums[static_cast<int>(kind)]; }
  bool hasSums() const { return summed != 0; }

 private:
  void decode(const int32_t* words, GroupStep& step, const KernelTable& table) {
    step.kind = StepKind::kRow;
    step.row = rowKernel(words, table);
    step.params = r.params + words[abi::STEP_PARAMS];
    step.dtype = words[abi::STEP_DTYPE];
    step.out = words[abi::STEP_OUT];
    step.overruns = overruns(words);
    for (int i = 0; i < kStepInputs; i++) {
      step.in[i] = slotOf(words[abi::STEP_IN + i]);
      if (step.in[i] < r.operands && !(written >> step.in[i] & 1)) read |= 1u << step.in[i];
    }
    if (isSum(words)) {
      decodeSum(words, step);
    } else if (step.row) {
      if (step.out < r.operands) written |= 1u << step.out;
      itemBytes = most(itemBytes, abi::ITEM_BYTES[step.dtype]);
    }
    if (!step.row && step.kind == StepKind::kRow) lacking = words;
  }
  void decodeSum(const int32_t* words, GroupStep& step) {
    if (step.dtype != abi::FLOAT32 && step.dtype != abi::FLOAT64) return;
    const bool wide = step.dtype == abi::FLOAT64;
    const int32_t* strides = r.strides(step.out);
    step.kind = r.rank != 2 || (!strides[0] && !strides[1]) ? StepKind::kSumAll
                : strides[0]                                ? StepKind::kSumRows
                                                            : StepKind::kSumColumns;
    step.index = sums[static_cast<int>(step.kind)]++;
    const bool mean = isMean(words);
    step.count = !mean                               ? 1
                 : step.kind == StepKind::kSumAll    ? r.count(r.rank)
                 : step.kind == StepKind::kSumRows   ? r.shape[1]
                                                     : r.shape[0];
    step.rowSum = rowSumOf(words);
    if (wide) {
      step.columnSums = columnSums<double, FloatSum<double>>;
      step.addRow = addRow<double>;
    } else if (mean) {
      step.columnSums = columnSums<float, MeanSum<float>>;
      step.addRow = addRowWide;
    } else {
      step.columnSums = columnSums<float, FloatSum<float>>;
      step.addRow = addRow<float>;
    }
    step.laneBytes = wide || mean ? 8 : 4;
    step.flush = wide || mean ? flush<double> : flush<float>;
    itemBytes = most(itemBytes, wide ? 8 : 4);
    summed |= 1u << step.out;
  }
};

using GroupTiles = Tiles<abi::MAX_OPERANDS>;

/// The part of a thread's workspace that tile buffers and the sums of a tile's rows take.
constexpr int64_t kGroupBuffers = 1 << 18;
static_assert(kSlots * pitchFor(8) + abi::MAX_STEPS * kTile * 8 <= kGroupBuffers);

/// Where a thread adds up: per sum over everything one number, per sum down columns one per column from
/// `firstColumn` on, and before that a lane for each (of eight bytes at most).
struct Sums {
  double* all;
  double* columns;
  char* lanes;
  int64_t firstColumn, width;
};

/// One thread's way through the tiles of a group.
struct GroupRun {
  const Group& g;
  const GroupTiles& tiles;
  TileBuffers<abi::MAX_OPERANDS> buffers;
  char* slots[kSlots];
  Sums sums;
  double* rowSums;

  GroupRun(const Group& g, const GroupTiles& tiles, char* workspace, Sums sums = {})
      : g(g), tiles(tiles), buffers(workspace, pitchFor(g.itemBytes)), sums(sums) {
    const int used = tiles.operands + g.tail.temps;
    for (int slot = tiles.operands; slot < used; slot++) slots[slot] = buffers.at(slot);
    slots[kNoSlot] = nullptr;
    rowSums = reinterpret_cast<double*>(workspace + kSlots * pitchFor(8));
  }

  /// Puts what is left in lanes into the sums.
  void finish() {
    if (tiles.tileRows > 1) return;
    for (int s = 0; s < g.tail.steps; s++) {
      const GroupStep& step = g.steps[s];
      const int64_t first = step.index * sums.width;
      if (step.kind == StepKind::kSumColumns)
        step.flush(sums.columns + first, sums.lanes + first * 8, sums.width);
    }
  }

  void run(const Tile& tile) {
    place(tile);
    for (int s = 0; s < g.tail.steps; s++) {
      const GroupStep& step = g.steps[s];
      const char* in[kStepInputs];
      for (int i = 0; i < kStepInputs; i++) in[i] = slots[step.in[i]];
      if (step.kind != StepKind::kRow) {
        sum(step, tile, in[0]);
        continue;
      }
      if (step.overruns) in[0] = setAside(buffers.at(kNoSlot), in[0], tile.size());
      step.row(tile.size(), slots[step.out], in, step.params);
    }
    for (int k = 0; k < tiles.operands; k++) {
      if ((g.written >> k & 1) && slots[k] == buffers.at(k))
        buffers.scatter(k, tiles.bytes[k], tiles.rectangle(k, tile));
    }
  }

 private:
  /// Operands' slots: in place or in buffers.
  void place(const Tile& tile) {
    buffers.enter(tile);
    for (int k = 0; k < tiles.operands; k++) {
      if (g.summed >> k & 1) continue;
      const Rectangle source = tiles.rectangle(k, tile);
      if (tiles.isDense(k, tile)) {
        slots[k] = source.at;
        continue;
      }
      slots[k] = buffers.at(k);
      if (g.read >> k & 1) buffers.gather(k, tiles.bytes[k], source, !(g.written >> k & 1));
    }
  }

  void sum(const GroupStep& step, const Tile& tile, const char* x) {
    if (step.kind == StepKind::kSumAll) {
      sums.all[step.index] += step.rowSum(x, tile.size());
    } else if (step.kind == StepKind::kSumColumns) {
      sumColumns(step, tile, x);
    } else {
      sumRows(step, tile, x);
    }
  }
  void sumColumns(const GroupStep& step, const Tile& tile, const char* x) {
    const int64_t first = step.index * sums.width, column = tile.column - sums.firstColumn;
    double* to = sums.columns + first + column;
    if (tiles.tileRows > 1) return step.columnSums(to, x, tile.width, tile.height);
    char* lanes = sums.lanes + first * 8 + column * step.laneBytes;
    step.addRow(lanes, x, tile.width);
    if (tile.row % kLaneRows == kLaneRows - 1) step.flush(to, lanes, tile.width);
  }
  /// A band's tiles follow each other, from the first column to the last. Where the columns are too many
  /// for one go (`runSums`), later ones add to what the results hold.
  void sumRows(const GroupStep& step, const Tile& tile, const char* x) {
    double* to = rowSums + step.index * kTile;
    const int64_t bytes = abi::ITEM_BYTES[step.dtype];
    const bool first = tile.column == sums.firstColumn;
    const int64_t end = tile.column + tile.width;
    const bool last = end == tiles.columns || end == sums.firstColumn + sums.width;
    const Rectangle out = tiles.rectangle(step.out, tile);
    for (int64_t i = 0; i < tile.height; i++) {
      const double part = step.rowSum(x + i * tile.width * bytes, tile.width);
      to[i] = first ? part : to[i] + part;
      if (last) storeSum(out.at + i * out.rowStride * bytes, step.dtype, to[i], step.count, sums.firstColumn > 0);
    }
  }
};

