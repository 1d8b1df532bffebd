// cumsum and cumprod along the last dimension. Floats run in double precision, rounded on the way out.

template <class T, class Acc, class Op>
void scan(const int32_t* words, Context& context) {
  const Record r(words);
  T* out = r.data<T>(0);
  const T* x = r.data<T>(1);
  const int64_t n = r.inner(), os = r.innerStride(0), xs = r.innerStride(1);
  forRows<2>(r, context, static_cast<double>(n), [&](const int64_t* at) {
    T* y = out + at[0];
    const T* from = x + at[1];
    Acc acc = Op::template identity<Acc>();
    for (int64_t i = 0; i < n; i++) {
      acc = Op::join(acc, static_cast<Acc>(from[i * xs]));
      y[i * os] = static_cast<T>(acc);
    }
  });
}

template <class T, class Acc, abi::DType dtype>
void fillScanFor(KernelTable& table) {
  table.kernels[OP_CUMSUM][dtype] = scan<T, Acc, Plus>;
  table.kernels[OP_CUMPROD][dtype] = scan<T, Acc, Times>;
}

inline void fillScan(KernelTable& table) {
  fillScanFor<float, double, abi::FLOAT32>(table);
  fillScanFor<double, double, abi::FLOAT64>(table);
  if constexpr (kBuildsIntegers) {
    fillScanFor<int32_t, int32_t, abi::INT32>(table);
    fillScanFor<int64_t, int64_t, abi::INT64>(table);
    fillScanFor<uint8_t, uint8_t, abi::UINT8>(table);
  }
}
