// Checks of data that precede the record they protect. The first offender in the order of the
// iteration space becomes the fault's value.

/// Finds the first element for which `wrong` holds and reports it.
template <class T, class Wrong>
inline void checkAll(const Record& r, Context& context, int fault, Wrong wrong) {
  const T* x = r.data<T>(0);
  const int64_t n = r.inner(), stride = r.innerStride(0);
  const int outer = r.rank ? r.rank - 1 : 0;
  Odometer<1> at(r, outer);
  at.seek(0);
  for (int64_t row = r.count(outer); row > 0; row--, at.next()) {
    const T* from = x + at.offset[0];
    bool any = false;
    for (int64_t i = 0; i < n; i++) any |= wrong(from[i * stride]);
    if (!any) continue;
    int64_t i = 0;
    while (!wrong(from[i * stride])) i++;
    context.status = fault;
    context.value = static_cast<double>(from[i * stride]);
    return;
  }
}

inline void checkIndex(const int32_t* words, Context& context) {
  const Record r(words);
  const int64_t low = static_cast<int64_t>(r.params[0]);
  const uint64_t range = static_cast<uint64_t>(static_cast<int64_t>(r.params[1]) - low);
  const auto outside = [low, range](int64_t i) {
    return static_cast<uint64_t>(i) - static_cast<uint64_t>(low) >= range;
  };
  if (r.words[abi::RECORD_PARAMS] < 3) return checkAll<int64_t>(r, context, abi::FAULT_INDEX, outside);
  const int64_t exempt = static_cast<int64_t>(r.params[2]);
  checkAll<int64_t>(r, context, abi::FAULT_INDEX,
                    [outside, exempt](int64_t i) { return outside(i) & (i != exempt); });
}

template <class T>
void checkNonzero(const int32_t* words, Context& context) {
  checkAll<T>(Record(words), context, abi::FAULT_ZERO_DIVISOR, [](T v) { return v == 0; });
}

template <class T>
void checkWithin(const int32_t* words, Context& context) {
  const Record r(words);
  const T low = static_cast<T>(r.params[0]), high = static_cast<T>(r.params[1]);
  // NaN lies nowhere.
  checkAll<T>(r, context, abi::FAULT_RANGE, [low, high](T v) { return !((v >= low) & (v <= high)); });
}

inline void fillCheck(KernelTable& table) {
  table.kernels[OP_CHECK_INDEX][abi::INT64] = checkIndex;
  table.kernels[OP_CHECK_NONZERO][abi::INT32] = checkNonzero<int32_t>;
  table.kernels[OP_CHECK_NONZERO][abi::INT64] = checkNonzero<int64_t>;
  table.kernels[OP_CHECK_NONZERO][abi::UINT8] = checkNonzero<uint8_t>;
  table.kernels[OP_CHECK_WITHIN][abi::FLOAT32] = checkWithin<float>;
  table.kernels[OP_CHECK_WITHIN][abi::FLOAT64] = checkWithin<double>;
}
