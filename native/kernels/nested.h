// Records that hold records. Included inside namespace COTANGENT_NS.
#pragma once

/// Calls `f(record)` for every record that the one at `words` holds, until it returns false.
template <class F>
inline void eachNested(const int32_t* words, F f) {
  const int32_t* record = words + abi::NESTED_START;
  for (int i = 0; i < words[abi::NESTED_COUNT] && f(record); i++) record += record[abi::RECORD_LENGTH];
}

/// Runs them one after the other, until one leaves a fault.
inline void runNested(const int32_t* words, Context& context) {
  eachNested(words, [&](const int32_t* record) {
    const Kernel kernel = context.table->kernels[record[abi::RECORD_OPCODE]][record[abi::RECORD_DTYPE]];
    if (kernel) {
      kernel(record, context);
    } else {
      context.status = abi::FAULT_NO_KERNEL;
      context.value = record[abi::RECORD_OPCODE];
    }
    return context.status == 0;
  });
}
