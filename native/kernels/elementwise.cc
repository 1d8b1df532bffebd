// Elementwise ops. The driver cuts the loop nest into tiles and hands them to a row kernel as
// contiguous runs; it does not know the op. Operands that lie otherwise pass through buffers on
// the stack. Row kernels are made from the generated functors, over the widest lanes there are.
// Start at `runElementwise`.

/// Computes n elements of contiguous operands.
using RowKernel = void (*)(int64_t n, char* out, const char* const* in, const double* params);

/// Elements per tile: five operands of eight bytes take 20 KB, which stays in the L1 cache.
constexpr int64_t kTile = 512;
/// Columns of a tile when some operand is transposed: two cache lines' worth in the other direction.
constexpr int64_t kTransposedColumns = 16;
/// Rows shorter than this are put together into tiles.
constexpr int64_t kShortRow = 128;
constexpr int kMaxElementwise = 5;

/// A rectangle of items; strides in items.
struct Rectangle {
  char* at;
  int64_t rowStride, columnStride;
};

template <class T>
inline void moveItems(Rectangle to, Rectangle from, int64_t rows, int64_t columns) {
  T* t = reinterpret_cast<T*>(to.at);
  const T* f = reinterpret_cast<const T*>(from.at);
  const bool lines = to.columnStride == 1 && from.columnStride == 1;
  // A transposed source is read along its lines, and written across.
  const bool across = from.rowStride == 1 && from.columnStride != 1 && rows > 1;
  if (across) {
    for (int64_t j = 0; j < columns; j++) {
      const T* line = f + j * from.columnStride;
      for (int64_t i = 0; i < rows; i++) t[i * to.rowStride + j * to.columnStride] = line[i];
    }
    return;
  }
  for (int64_t i = 0; i < rows; i++, t += to.rowStride, f += from.rowStride) {
    if (lines && columns * sizeof(T) >= 64) {
      memcpy(t, f, static_cast<size_t>(columns) * sizeof(T));
    } else if (lines) {
      for (int64_t j = 0; j < columns; j++) t[j] = f[j];
    } else if (from.columnStride == 0) {
      const T value = *f;
      for (int64_t j = 0; j < columns; j++) t[j * to.columnStride] = value;
    } else {
      for (int64_t j = 0; j < columns; j++) t[j * to.columnStride] = f[j * from.columnStride];
    }
  }
}

/// Copies items of `bytes` bytes.
inline void moveItems(int bytes, Rectangle to, Rectangle from, int64_t rows, int64_t columns) {
  if (bytes == 4)
    moveItems<uint32_t>(to, from, rows, columns);
  else if (bytes == 8)
    moveItems<uint64_t>(to, from, rows, columns);
  else
    moveItems<uint8_t>(to, from, rows, columns);
}

/// An elementwise record cut into tiles of the plane of its last two dimensions.
struct Elementwise {
  const Record& r;
  RowKernel row;
  int operands;
  int outerDims;
  int64_t rows = 1, columns = 1;
  int64_t tileRows = 1, tileColumns;
  int64_t tilesDown, tilesAcross;
  char* base[kMaxElementwise];
  int bytes[kMaxElementwise];
  int64_t rowStride[kMaxElementwise], columnStride[kMaxElementwise];

  Elementwise(const Record& r, RowKernel row)
      : r(r), row(row), operands(r.operands), outerDims(most(r.rank - 2, 0)), columns(r.inner()) {
    if (r.rank > 1) rows = r.shape[r.rank - 2];
    bool contiguous = true, transposed = false;
    for (int k = 0; k < operands; k++) {
      base[k] = r.address(k);
      bytes[k] = abi::ITEM_BYTES[r.dtype(k)];
      columnStride[k] = columns > 1 ? r.innerStride(k) : 1;
      rowStride[k] = rows > 1 ? r.strides(k)[r.rank - 2] : columns;
      contiguous = contiguous && columnStride[k] == 1;
      transposed = transposed || (rowStride[k] == 1 && columnStride[k] > 1);
    }
    if (contiguous && columns >= kShortRow) {
      tileColumns = least(columns, kParallelWork / 2);
    } else {
      tileColumns = least(columns, transposed ? kTransposedColumns : kTile);
      tileRows = least(rows, kTile / tileColumns);
    }
    tilesDown = ceilDiv(rows, tileRows);
    tilesAcross = ceilDiv(columns, tileColumns);
  }

  int64_t tiles() const { return r.count(outerDims) * tilesDown * tilesAcross; }

  void run(int64_t begin, int64_t end) const {
    alignas(64) char buffers[kMaxElementwise][kTile * 8];
    // What a tile's buffer holds, for operands that several tiles share.
    const char* held[kMaxElementwise] = {};
    int64_t heldRows = 0, heldColumns = 0;
    const int64_t perPlane = tilesDown * tilesAcross;
    Odometer<kMaxElementwise> at(r, outerDims);
    at.seek(begin / perPlane);
    for (int64_t tile = begin; tile < end; tile++) {
      if (tile != begin && tile % perPlane == 0) at.next();
      const int64_t i = tile % perPlane / tilesAcross * tileRows, j = tile % tilesAcross * tileColumns;
      const int64_t height = least(tileRows, rows - i), width = least(tileColumns, columns - j);
      if (height != heldRows || width != heldColumns) memset(held, 0, sizeof(held));
      heldRows = height, heldColumns = width;

      const char* in[kMaxElementwise];
      Rectangle out{};
      for (int k = operands - 1; k >= 0; k--) {
        char* from = base[k] + (at.offset[k] + i * rowStride[k] + j * columnStride[k]) * bytes[k];
        const Rectangle source{from, rowStride[k], columnStride[k]};
        if (k == 0)
          out = source;
        else if (isDense(k, height, width))
          in[k - 1] = from;
        else {
          in[k - 1] = buffers[k];
          if (held[k] != from) moveItems(bytes[k], {buffers[k], width, 1}, source, height, width);
          held[k] = from;
        }
      }
      if (isDense(0, height, width)) {
        row(height * width, out.at, in, r.params);
      } else {
        row(height * width, buffers[0], in, r.params);
        moveItems(bytes[0], out, {buffers[0], width, 1}, height, width);
      }
    }
  }

 private:
  bool isDense(int k, int64_t height, int64_t width) const {
    return columnStride[k] == 1 && (height == 1 || rowStride[k] == width);
  }
};

/// Whether every operand is one contiguous run, as in most records; found without any set-up.
inline bool isFlat(const Record& r) {
  if (r.rank == 0) return true;
  if (r.rank > 1) return false;
  for (int k = 0; k < r.operands; k++) {
    if (r.allStrides[k] != 1) return false;
  }
  return true;
}

inline void runElementwise(const Record& r, Context& context, RowKernel row) {
  if (isFlat(r) && r.inner() <= kParallelWork) {
    const char* in[kMaxElementwise];
    for (int k = 1; k < r.operands; k++) in[k - 1] = r.address(k);
    return row(r.inner(), r.address(0), in, r.params);
  }
  const Elementwise job(r, row);
  const double workEach = static_cast<double>(job.tileRows * job.tileColumns);
  parallelFor(context, job.tiles(), workEach,
              [&](int64_t begin, int64_t end, char*) { job.run(begin, end); });
}

template <RowKernel row>
void elementwise(const int32_t* words, Context& context) {
  runElementwise(Record(words), context, row);
}

// Row kernels.

template <class V, class F, int ARITY, class Lanes>
inline auto applyAt(const double* params, const typename V::Scalar* const* in, int64_t i, Lanes lanes) {
  if constexpr (ARITY == 1) {
    return F::apply(params, load<V>(in[0] + i, lanes));
  } else if constexpr (ARITY == 2) {
    return F::apply(params, load<V>(in[0] + i, lanes), load<V>(in[1] + i, lanes));
  } else if constexpr (ARITY == 3) {
    return F::apply(params, load<V>(in[0] + i, lanes), load<V>(in[1] + i, lanes), load<V>(in[2] + i, lanes));
  } else {
    return F::apply(params, load<V>(in[0] + i, lanes), load<V>(in[1] + i, lanes), load<V>(in[2] + i, lanes),
                    load<V>(in[3] + i, lanes));
  }
}

template <class T, class R>
inline void storeResult(T* out, R result) {
  store(out, result);
}
template <class M>
inline void storeResult(uint8_t* out, M mask) {
  storeMask(out, mask);
}
inline void storeResult(uint8_t* out, Lane<uint8_t> result) { *out = result.v; }

/// Whole vectors only. Kept out of line so that the op's code exists once for body and tail.
template <class V, class F, int ARITY, class R>
COTANGENT_NOINLINE void wholeVectors(int64_t n, R* out, const typename V::Scalar* const* in,
                                     const double* params) {
  const typename V::Scalar* x[ARITY];
  for (int k = 0; k < ARITY; k++) x[k] = in[k];
  for (int64_t i = 0; i < n; i += V::kWidth) storeResult(out + i, applyAt<V, F, ARITY>(params, x, i, Full{}));
}

template <class V, class F, int ARITY, class R>
void rowOf(int64_t n, char* out, const char* const* in, const double* params) {
  using T = typename V::Scalar;
  const T* const* x = reinterpret_cast<const T* const*>(in);
  R* y = reinterpret_cast<R*>(out);
  const int rest = static_cast<int>(n % V::kWidth);
  const int64_t whole = n - rest;
  if (whole) wholeVectors<V, F, ARITY>(whole, y, x, params);
  if (!rest) return;
  T padded[ARITY][V::kWidth];
  const T* tail[ARITY];
  for (int k = 0; k < ARITY; k++) {
    const T* from = x[k] + whole;
    // A single element was often just written by the record before; a load of more bytes than that
    // would wait for the store to reach the cache.
    store(padded[k], rest == 1 ? splat<V>(*from) : load<V>(from, Part{rest}));
    tail[k] = padded[k];
  }
  R result[V::kWidth];
  wholeVectors<V, F, ARITY>(V::kWidth, result, tail, params);
  y[whole] = result[0];
  for (int i = 1; i < rest; i++) y[whole + i] = result[i];
}

template <class F, int ARITY>
void mapFLOAT(KernelTable& table, int op) {
  table.kernels[op][abi::FLOAT32] = elementwise<rowOf<F32, F, ARITY, float>>;
  table.kernels[op][abi::FLOAT64] = elementwise<rowOf<F64, F, ARITY, double>>;
}
template <class F, int ARITY>
void testFLOAT(KernelTable& table, int op) {
  table.kernels[op][abi::FLOAT32] = elementwise<rowOf<F32, F, ARITY, uint8_t>>;
  table.kernels[op][abi::FLOAT64] = elementwise<rowOf<F64, F, ARITY, uint8_t>>;
}
template <class F, int ARITY>
void mapINTEGER(KernelTable& table, int op) {
  if constexpr (kBuildsIntegers) {
    table.kernels[op][abi::INT32] = elementwise<rowOf<Lane<int32_t>, F, ARITY, int32_t>>;
    table.kernels[op][abi::INT64] = elementwise<rowOf<Lane<int64_t>, F, ARITY, int64_t>>;
    table.kernels[op][abi::UINT8] = elementwise<rowOf<Lane<uint8_t>, F, ARITY, uint8_t>>;
  }
}
template <class F, int ARITY>
void testINTEGER(KernelTable& table, int op) {
  if constexpr (kBuildsIntegers) {
    table.kernels[op][abi::INT32] = elementwise<rowOf<Lane<int32_t>, F, ARITY, uint8_t>>;
    table.kernels[op][abi::INT64] = elementwise<rowOf<Lane<int64_t>, F, ARITY, uint8_t>>;
    table.kernels[op][abi::UINT8] = elementwise<rowOf<Lane<uint8_t>, F, ARITY, uint8_t>>;
  }
}
template <class F, int ARITY>
void mapNUMBER(KernelTable& table, int op) {
  mapFLOAT<F, ARITY>(table, op);
  mapINTEGER<F, ARITY>(table, op);
}
template <class F, int ARITY>
void testNUMBER(KernelTable& table, int op) {
  testFLOAT<F, ARITY>(table, op);
  testINTEGER<F, ARITY>(table, op);
}

inline void fillElementwise(KernelTable& table) {
#define MAP(CLASS, OPCODE, FUNCTOR, ARITY) map##CLASS<FUNCTOR, ARITY>(table, OPCODE);
#define TEST(CLASS, OPCODE, FUNCTOR, ARITY) test##CLASS<FUNCTOR, ARITY>(table, OPCODE);
#include "../generated/elementwise_rows.h"
#undef MAP
#undef TEST
}
