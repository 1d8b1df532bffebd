#include "tables.h"

#include <string.h>

#include <mutex>

#if defined(COTANGENT_X86) && defined(_MSC_VER)
#include <immintrin.h>
#include <intrin.h>
#endif

const char* const kIsaNames[kIsaCount] = {"scalar", "avx2", "avx512"};

namespace {

using Fill = void (*)(KernelTable&);

#if !defined(COTANGENT_X86)
const Fill kFills[] = {scalar::fillTable};
int detectIsas() { return 1; }
#else
const Fill kFills[] = {scalar::fillTable, avx2::fillTable, avx512::fillTable};

#if defined(_MSC_VER)
// CPUID leaves 1 and 7 and XCR0: Intel SDM volume 2A, "CPUID", and volume 1, 13.3. The processor must
// have the instructions and the system must save their registers.
int detectIsas() {
  int one[4], seven[4];
  __cpuid(one, 1);
  __cpuidex(seven, 7, 0);
  const bool osSaves = one[2] >> 27 & 1;
  const unsigned long long saved = osSaves ? _xgetbv(0) : 0;
  const bool fma = one[2] >> 12 & 1, avx2 = seven[1] >> 5 & 1;
  if (!fma || !avx2 || (saved & 0x6) != 0x6) return 1;
  const unsigned needed = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;  // F, DQ, BW, VL
  if ((static_cast<unsigned>(seven[1]) & needed) != needed || (saved & 0xe6) != 0xe6) return 2;
  return 3;
}
#else
int detectIsas() {
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return 1;
  const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                    __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  return wide ? 3 : 2;
}
#endif
#endif

KernelTable tables[kIsaCount];
std::once_flag tablesFilled;

// Slower sets first: where a faster one lacks a kernel, the slower one's stays.
void fillTables() {
  for (int isa = 0; isa < availableIsas(); isa++) {
    tables[isa].isa = kIsaNames[isa];
    for (int level = 0; level <= isa; level++) kFills[level](tables[isa]);
  }
}

}  // namespace

int availableIsas() {
  static const int count = detectIsas();
  return count;
}

const KernelTable* kernelTable(const char* isa) {
  std::call_once(tablesFilled, fillTables);
  const int count = availableIsas();
  if (!isa) return &tables[count - 1];
  for (int i = 0; i < count; i++) {
    if (strcmp(isa, kIsaNames[i]) == 0) return &tables[i];
  }
  return nullptr;
}
