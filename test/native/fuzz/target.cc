// libFuzzer's target: bytes become a program (decoder.h), and what is valid (verifier.h) runs, on any instruction set,
// alone or with a second thread. The sanitizers say whether it was safe. At the end the opcodes that ran are counted.
#include "decoder.h"
#include "verifier.h"

namespace {

int64_t programs = 0, accepted = 0, faults = 0;
int64_t executed[OP_COUNT];

void count(const int32_t* words, int32_t end) {
  for (int32_t at = abi::HEADER_WORDS; at < end; at += words[at]) executed[words[at + abi::RECORD_OPCODE]]++;
}

void report() {
  int reached = 0;
  for (int op = 0; op < OP_COUNT; op++) {
    reached += executed[op] > 0;
    if (!executed[op]) printf("FAILED opcode %d never ran\n", op);
  }
  printf("%lld programs, %lld valid, %lld of them stopped by a fault\n", static_cast<long long>(programs),
         static_cast<long long>(accepted), static_cast<long long>(faults));
  printf("%d of %d opcodes ran\n", reached, OP_COUNT);
  printf("%d passed, %d failed\n", reached, OP_COUNT - reached);
  fflush(stdout);
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  atexit(report);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  static Pool* pool = Pool::acquire();
  static char* workspace = allocateWorkspace();
  if (size < 2) return 0;
  const int threads = bytes[0] & 64 ? 2 : 1;
  if (pool->threads() != threads) pool->setThreads(threads);
  Machine m{kernelTable(kIsaNames[bytes[0] % availableIsas()]), {pool, workspace, 0, 0}};
  Decoder program(*m.table, bytes + 1, size - 1);
  programs++;
  // Aligned, as params are read in place, and as long as it is.
  const size_t words = program.words.size();
  const std::unique_ptr<double[]> aligned(new double[words / 2]);
  int32_t* start = reinterpret_cast<int32_t*>(aligned.get());
  memcpy(start, program.words.data(), words * sizeof(int32_t));
  const int32_t end = static_cast<int32_t>(words);
  const char* wrong = Verifier(program.memory).program(start, end);
  static const bool traces = getenv("COTANGENT_FUZZ_TRACE") != nullptr;
  if (traces) printf("%s\n", wrong ? wrong : "valid");
  if (wrong) return 0;
  accepted++;
  const int status = execute(*m.table, m.context, start, end);
  if (status) faults++;
  count(start, status ? start[abi::HEADER_FAULT_RECORD] : end);
  return 0;
}
