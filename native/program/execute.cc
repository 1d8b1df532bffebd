#include "execute.h"

#include <string.h>

int execute(const KernelTable& table, Context& context, int32_t* program, int32_t end) {
  context.status = 0;
  context.value = 0;
  int32_t at = abi::HEADER_WORDS;
  while (at < end) {
    const int32_t* record = program + at;
    const unsigned opcode = static_cast<unsigned>(record[abi::RECORD_OPCODE]);
    const unsigned dtype = static_cast<unsigned>(record[abi::RECORD_DTYPE]);
    const bool known = opcode < OP_COUNT && dtype < abi::DTYPE_COUNT;
    const Kernel kernel = known ? table.kernels[opcode][dtype] : nullptr;
    if (kernel) {
      kernel(record, context);
    } else {
      context.status = abi::FAULT_NO_KERNEL;
      context.value = opcode;
    }
    if (context.status) break;
    at += record[abi::RECORD_LENGTH];
  }
  program[abi::HEADER_STATUS] = context.status;
  if (context.status) {
    program[abi::HEADER_FAULT_RECORD] = at;
    memcpy(program + abi::HEADER_FAULT_VALUE, &context.value, sizeof(double));
  }
  return context.status;
}
