// start, start + step, start + 2·step, … computed from the index, so that errors do not add up.

template <class T>
void arange(const int32_t* words, Context& context) {
  const Record r(words);
  T* out = r.data<T>(0);
  const double start = r.params[0], step = r.params[1];
  parallelFor(context, r.inner(), 0.5, [&](int64_t begin, int64_t end, char*) {
    for (int64_t i = begin; i < end; i++) out[i] = convert<T>(start + static_cast<double>(i) * step);
  });
}

inline void fillArange(KernelTable& table) {
  table.kernels[OP_ARANGE][abi::FLOAT32] = arange<float>;
  table.kernels[OP_ARANGE][abi::FLOAT64] = arange<double>;
  table.kernels[OP_ARANGE][abi::INT32] = arange<int32_t>;
  table.kernels[OP_ARANGE][abi::INT64] = arange<int64_t>;
  table.kernels[OP_ARANGE][abi::UINT8] = arange<uint8_t>;
}
