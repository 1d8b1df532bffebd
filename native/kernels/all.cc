// All kernels, compiled once per instruction set into the namespace COTANGENT_NS (scalar, avx2,
// avx512). Nothing here may leave a symbol that the linker could merge with another set's: no
// templates of the standard library, and everything of our own inside the namespace.
// A kernel's contract is in docs/program-format.md. To add one: write it in its family's file, enter
// it in that file's fill function.
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "../program/table.h"
#include "../threads/pool.h"

#if defined(COTANGENT_AVX2) || defined(COTANGENT_AVX512)
#include <immintrin.h>
#endif

#if defined(_MSC_VER) && !defined(__clang__)
#define COTANGENT_NOINLINE __declspec(noinline)
#define COTANGENT_INLINE __forceinline
#define COTANGENT_UNROLL
#else
#define COTANGENT_NOINLINE __attribute__((noinline))
#define COTANGENT_INLINE inline __attribute__((always_inline))
#if defined(__clang__)
#define COTANGENT_UNROLL _Pragma("unroll")
#else
#define COTANGENT_UNROLL _Pragma("GCC unroll 16")
#endif
#endif

namespace COTANGENT_NS {

#include "../program/record.h"
#include "../simd/scalar.h"
#if defined(COTANGENT_AVX512)
#include "../simd/avx512.h"
#elif defined(COTANGENT_AVX2)
#include "../simd/avx2.h"
#else
#include "../simd/portable.h"
#endif
#include "../simd/lanewise.h"
#include "../simd/unfused.h"
#include "../simd/words.h"
#include "../simd/transpose.h"
#include "../generated/math.h"
#include "../generated/elementwise.h"
#include "loops.h"
#include "tiles.h"
#include "nested.h"
#include "fold.h"
#include "microkernel.h"

#include "elementwise.cc"
#include "copy.cc"
#include "reduce.cc"
#include "group.h"
#include "group.cc"
#include "argreduce.cc"
#include "scan.cc"
#include "softmax.cc"
#include "crossentropy.cc"
#include "norm.cc"
#include "gemm.h"
#include "matmul.cc"
#include "patches.h"
#include "correlate.h"
#include "conv.cc"
#include "conv_weight.cc"
#include "pool.cc"
#include "batchnorm.cc"
#include "attention.h"
#include "attention.cc"
#include "attention_backward.cc"
#include "matmul_group.cc"
#include "index.cc"
#include "sort.cc"
#include "random.cc"
#include "arange.cc"
#include "optim.cc"
#include "check.cc"

void fillTable(KernelTable& table) {
  fillElementwise(table);
  fillReduce(table);
  fillGroup(table);
  fillArgreduce(table);
  fillScan(table);
  fillSoftmax(table);
  fillCrossEntropy(table);
  fillNorm(table);
  fillMatmul(table);
  fillConv(table);
  fillPool(table);
  fillBatchNorm(table);
  fillAttention(table);
  fillMatmulGroup(table);
  fillOptim(table);
  if constexpr (kBuildsIntegers) {
    fillCopy(table);
    fillIndex(table);
    fillSort(table);
    fillRandom(table);
    fillArange(table);
    fillCheck(table);
  }
}

}  // namespace COTANGENT_NS
