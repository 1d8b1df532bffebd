#include "execute.h"

#include <string.h>

namespace {

/// Runs the records of [at, end) and returns where it stopped: at `end`, or at the record that left a fault
/// in the context.
int32_t runRecords(const KernelTable& table, Context& context, const int32_t* program, int32_t at,
                   int32_t end) {
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
  return at;
}

void start(const KernelTable& table, Context& context) {
  context.table = &table;
  context.status = 0;
  context.value = 0;
}

/// Puts the outcome into the program's header.
int report(const Context& context, int32_t* program, int32_t at) {
  program[abi::HEADER_STATUS] = context.status;
  if (context.status) {
    program[abi::HEADER_FAULT_RECORD] = at;
    memcpy(program + abi::HEADER_FAULT_VALUE, &context.value, sizeof(double));
  }
  return context.status;
}

}  // namespace

int execute(const KernelTable& table, Context& context, int32_t* program, int32_t end) {
  start(table, context);
  return report(context, program, runRecords(table, context, program, abi::HEADER_WORDS, end));
}

int executeRepeatedly(const KernelTable& table, Context& context, int32_t* program, int32_t begin,
                      int32_t end, int32_t repeat) {
  // An aligned word is read whole; volatile keeps it from being read only once.
  const volatile int32_t& stop = program[abi::HEADER_STOP];
  start(table, context);
  int32_t at = begin, done = 0;
  while (done < repeat && !stop) {
    at = runRecords(table, context, program, begin, end);
    if (context.status) break;
    done++;
  }
  program[abi::HEADER_DONE] = done;
  return report(context, program, at);
}
