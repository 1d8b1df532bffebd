// Elementwise ops. The driver cuts the loop nest into tiles and hands them to a row kernel as
// contiguous runs (tiles.h); it does not know the op. Row kernels are made from the generated functors,
// over the widest lanes there are. Start at `runElementwise`.

constexpr int kMaxElementwise = 5;

/// Tiles `begin` to `end` of an elementwise record.
inline void runTiles(const Tiles<kMaxElementwise>& tiles, RowKernel row, int64_t begin, int64_t end) {
  alignas(64) char memory[kMaxElementwise][kTile * 8];
  TileBuffers<kMaxElementwise> buffers(memory[0], sizeof(memory[0]));
  tiles.each(begin, end, [&](const Tile& tile) {
    buffers.enter(tile);
    const char* in[kMaxElementwise];
    for (int k = tiles.operands - 1; k > 0; k--) {
      const Rectangle source = tiles.rectangle(k, tile);
      in[k - 1] = tiles.isDense(k, tile) ? source.at : buffers.gather(k, tiles.bytes[k], source);
    }
    const Rectangle out = tiles.rectangle(0, tile);
    if (tiles.isDense(0, tile)) return row(tile.size(), out.at, in, tiles.r.params);
    row(tile.size(), buffers.at(0), in, tiles.r.params);
    buffers.scatter(0, tiles.bytes[0], out);
  });
}

inline void runElementwise(const Record& r, Context& context, RowKernel row) {
  if (isFlat(r) && r.inner() <= kParallelWork) {
    const char* in[kMaxElementwise];
    for (int k = 1; k < r.operands; k++) in[k - 1] = r.address(k);
    return row(r.inner(), r.address(0), in, r.params);
  }
  const Tiles<kMaxElementwise> tiles(r, kParallelWork / 2);
  const double workEach = static_cast<double>(tiles.tileRows * tiles.tileColumns);
  parallelFor(context, tiles.count(), workEach,
              [&](int64_t begin, int64_t end, char*) { runTiles(tiles, row, begin, end); });
}

template <RowKernel row>
void elementwise(const int32_t* words, Context& context) {
  runElementwise(Record(words), context, row);
}

/// Enters a row kernel: as an op of its own, and as a step of groups.
template <RowKernel row>
void fillRow(KernelTable& table, int op, int dtype) {
  table.kernels[op][dtype] = elementwise<row>;
  table.rows[op][dtype] = row;
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
  fillRow<rowOf<F32, F, ARITY, float>>(table, op, abi::FLOAT32);
  fillRow<rowOf<F64, F, ARITY, double>>(table, op, abi::FLOAT64);
}
template <class F, int ARITY>
void testFLOAT(KernelTable& table, int op) {
  fillRow<rowOf<F32, F, ARITY, uint8_t>>(table, op, abi::FLOAT32);
  fillRow<rowOf<F64, F, ARITY, uint8_t>>(table, op, abi::FLOAT64);
}
template <class F, int ARITY>
void mapINTEGER(KernelTable& table, int op) {
  if constexpr (kBuildsIntegers) {
    fillRow<rowOf<Lane<int32_t>, F, ARITY, int32_t>>(table, op, abi::INT32);
    fillRow<rowOf<Lane<int64_t>, F, ARITY, int64_t>>(table, op, abi::INT64);
    fillRow<rowOf<Lane<uint8_t>, F, ARITY, uint8_t>>(table, op, abi::UINT8);
  }
}
template <class F, int ARITY>
void testINTEGER(KernelTable& table, int op) {
  if constexpr (kBuildsIntegers) {
    fillRow<rowOf<Lane<int32_t>, F, ARITY, uint8_t>>(table, op, abi::INT32);
    fillRow<rowOf<Lane<int64_t>, F, ARITY, uint8_t>>(table, op, abi::INT64);
    fillRow<rowOf<Lane<uint8_t>, F, ARITY, uint8_t>>(table, op, abi::UINT8);
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
