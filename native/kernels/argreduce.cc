// argmax and argmin along one dimension: the first of equals, and NaN beats everything.

template <class Pick, class T>
inline int64_t indexOfExtreme(const T* x, int64_t n, int64_t stride) {
  T best = x[0];
  if (stride == 1) {
    best = extremeOf<Pick>(x, n);
  } else {
    for (int64_t i = 1; i < n; i++) best = Pick::pick(Lane<T>(best), Lane<T>(x[i * stride])).v;
  }
  const bool isNan = best != best;
  int64_t i = 0;
  while (isNan ? x[i * stride] == x[i * stride] : x[i * stride] != best) i++;
  return i;
}

template <class T, class Pick>
void argreduce(const int32_t* words, Context& context) {
  const Record r(words);
  int64_t* out = r.data<int64_t>(0);
  const T* x = r.data<T>(1);
  const int64_t n = r.inner(), stride = r.innerStride(1);
  forRows<2>(r, context, static_cast<double>(n),
             [&](const int64_t* at) { out[at[0]] = indexOfExtreme<Pick>(x + at[1], n, stride); });
}

template <class T, abi::DType dtype>
void fillArgreduceFor(KernelTable& table) {
  table.kernels[OP_ARGMAX][dtype] = argreduce<T, Largest>;
  table.kernels[OP_ARGMIN][dtype] = argreduce<T, Smallest>;
}

inline void fillArgreduce(KernelTable& table) {
  fillArgreduceFor<float, abi::FLOAT32>(table);
  fillArgreduceFor<double, abi::FLOAT64>(table);
  if constexpr (kBuildsIntegers) {
    fillArgreduceFor<int32_t, abi::INT32>(table);
    fillArgreduceFor<int64_t, abi::INT64>(table);
    fillArgreduceFor<uint8_t, abi::UINT8>(table);
  }
}
