#include "execute.h"

#include <string.h>

namespace {

/// Whether a record's head, and all that the head counts, lies in the record, and the record before `end`.
bool isWhole(const int32_t* record, int64_t left) {
  if (left < abi::RECORD_FIXED_WORDS) return false;
  const int64_t length = record[abi::RECORD_LENGTH];
  const int64_t rank = record[abi::RECORD_RANK], operands = record[abi::RECORD_OPERANDS];
  const int64_t params = record[abi::RECORD_PARAMS];
  if (length > left || rank < 0 || operands < 0 || params < 0) return false;
  // No product of these overflows: each is at most `length` by then.
  if (rank > length || operands > length || params > length) return false;
  return abi::RECORD_FIXED_WORDS + 2 * params + (abi::OPERAND_WORDS + rank) * operands + rank <= length;
}

/// Runs the records of [at, end) and returns where it stopped: at `end`, or at the record that left a fault
/// in the context.
int32_t runRecords(const KernelTable& table, Context& context, const int32_t* program, int32_t at,
                   int32_t end) {
  while (at < end) {
    const int32_t* record = program + at;
    const bool whole = isWhole(record, end - at);
    const unsigned opcode = whole ? static_cast<unsigned>(record[abi::RECORD_OPCODE]) : unsigned{OP_COUNT};
    const unsigned dtype = whole ? static_cast<unsigned>(record[abi::RECORD_DTYPE]) : 0;
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
