// Copying between any two dtypes and layouts, and choosing by a condition: rows for the elementwise
// driver, which does the walking and the transposing.

template <class To, class From>
inline To convert(From x) {
  return static_cast<To>(x);
}
/// Truncates; what does not fit becomes the nearest integer that does, NaN becomes 0.
template <class To>
inline To truncated(double x) {
  constexpr double low = sizeof(To) == 8 ? -9223372036854775808.0 : -2147483648.0;
  constexpr double high = sizeof(To) == 8 ? 9223372036854775808.0 : 2147483648.0;
  constexpr To largest = static_cast<To>(sizeof(To) == 8 ? INT64_MAX : INT32_MAX);
  if (x != x) return 0;
  return x < low ? static_cast<To>(low) : x >= high ? largest : static_cast<To>(x);
}
template <>
inline int32_t convert(float x) {
  return truncated<int32_t>(x);
}
template <>
inline int32_t convert(double x) {
  return truncated<int32_t>(x);
}
template <>
inline int64_t convert(float x) {
  return truncated<int64_t>(x);
}
template <>
inline int64_t convert(double x) {
  return truncated<int64_t>(x);
}
/// Bytes take the low bits of the integer, as C does.
template <>
inline uint8_t convert(float x) {
  return static_cast<uint8_t>(truncated<int32_t>(x));
}
template <>
inline uint8_t convert(double x) {
  return static_cast<uint8_t>(truncated<int32_t>(x));
}

template <class To, class From>
void convertRow(int64_t n, char* out, const char* const* in, const double*) {
  To* y = reinterpret_cast<To*>(out);
  const From* x = reinterpret_cast<const From*>(in[0]);
  for (int64_t i = 0; i < n; i++) y[i] = convert<To>(x[i]);
}
template <class From>
void toBoolRow(int64_t n, char* out, const char* const* in, const double*) {
  const From* x = reinterpret_cast<const From*>(in[0]);
  for (int64_t i = 0; i < n; i++) out[i] = x[i] != 0;
}

/// Converters to T by the source's dtype; a bool is a byte of 0 or 1.
template <class T>
struct Converters {
  static constexpr RowKernel from[abi::DTYPE_COUNT] = {convertRow<T, float>,   convertRow<T, double>,
                                                       convertRow<T, int32_t>, convertRow<T, int64_t>,
                                                       convertRow<T, uint8_t>, convertRow<T, uint8_t>};
};
struct BoolConverters {
  static constexpr RowKernel from[abi::DTYPE_COUNT] = {toBoolRow<float>,   toBoolRow<double>,
                                                       toBoolRow<int32_t>, toBoolRow<int64_t>,
                                                       toBoolRow<uint8_t>, toBoolRow<uint8_t>};
};

template <class Item>
void sameRow(int64_t n, char* out, const char* const* in, const double*) {
  memcpy(out, in[0], static_cast<size_t>(n) * sizeof(Item));
}

template <class Item, class Rows>
void copyTo(const int32_t* words, Context& context) {
  const Record r(words);
  const int to = r.dtype(0), from = r.dtype(1);
  const bool same = to == from || (to == abi::UINT8 && from == abi::BOOL);
  runElementwise(r, context, same ? sameRow<Item> : Rows::from[from]);
}

/// Items are moved, not interpreted, so dtypes of one size share a row.
template <class Item>
void whereRow(int64_t n, char* out, const char* const* in, const double*) {
  Item* y = reinterpret_cast<Item*>(out);
  const char* condition = in[0];
  const Item* a = reinterpret_cast<const Item*>(in[1]);
  const Item* b = reinterpret_cast<const Item*>(in[2]);
  for (int64_t i = 0; i < n; i++) y[i] = condition[i] ? a[i] : b[i];
}

template <class Item>
void fillMoves(KernelTable& table, int dtype) {
  fillRow<whereRow<Item>>(table, OP_WHERE, dtype);
  table.rows[OP_COPY][dtype] = sameRow<Item>;
}

inline void fillCopy(KernelTable& table) {
  table.kernels[OP_COPY][abi::FLOAT32] = copyTo<uint32_t, Converters<float>>;
  table.kernels[OP_COPY][abi::FLOAT64] = copyTo<uint64_t, Converters<double>>;
  table.kernels[OP_COPY][abi::INT32] = copyTo<uint32_t, Converters<int32_t>>;
  table.kernels[OP_COPY][abi::INT64] = copyTo<uint64_t, Converters<int64_t>>;
  table.kernels[OP_COPY][abi::UINT8] = copyTo<uint8_t, Converters<uint8_t>>;
  table.kernels[OP_COPY][abi::BOOL] = copyTo<uint8_t, BoolConverters>;
  for (int dtype = 0; dtype < abi::DTYPE_COUNT; dtype++) {
    const int bytes = abi::ITEM_BYTES[dtype];
    if (bytes == 4)
      fillMoves<uint32_t>(table, dtype);
    else if (bytes == 8)
      fillMoves<uint64_t>(table, dtype);
    else
      fillMoves<uint8_t>(table, dtype);
  }
}
