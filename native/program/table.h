// What a kernel is, and the table that finds it: opcode × dtype → function. Each instruction set's
// build of kernels/all.cc fills in what it has; tables.cc lays them over each other.
#pragma once
#include <stdint.h>

#include "../generated/abi.h"
#include "../generated/opcodes.h"

class Pool;
struct KernelTable;

/// What a kernel may use besides its record, and where it leaves a fault.
struct Context {
  Pool* pool;
  /// kWorkspaceBytes of memory for the calling thread, 64-byte aligned.
  char* workspace;
  /// 0 or an abi::FAULT_* code, and the value that caused it.
  int status;
  double value;
  /// The table that is running, for records that hold others.
  const KernelTable* table = nullptr;
};

using Kernel = void (*)(const int32_t* record, Context& context);

/// Computes n elements of contiguous operands; an elementwise op without its record. Elements are taken
/// in order, so an output may lie where an input of no smaller items does.
using RowKernel = void (*)(int64_t n, char* out, const char* const* in, const double* params);

struct KernelTable {
  const char* isa;
  Kernel kernels[OP_COUNT][abi::DTYPE_COUNT];
  /// What may be a step of a group: elementwise ops, `where`, and `copy` without conversion.
  RowKernel rows[OP_COUNT][abi::DTYPE_COUNT];
};

namespace scalar {
void fillTable(KernelTable& table);
}
namespace avx2 {
void fillTable(KernelTable& table);
}
namespace avx512 {
void fillTable(KernelTable& table);
}
