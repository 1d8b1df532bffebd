// Runs every test on every instruction set of this machine with one thread and with three.
#include "harness.h"

int main() {
  Pool* pool = Pool::acquire();
  const struct {
    const char* name;
    void (*run)(Machine&);
  } tests[] = {
      {"elementwise", testElementwise},
      {"accuracy", testAccuracy},
      {"copy", testCopy},
      {"reductions", testReductions},
      {"matmul", testMatmul},
      {"rows", testRows},
      {"images", testImages},
      {"index", testIndex},
      {"sort", testSort},
      {"random", testRandom},
      {"optim", testOptim},
      {"group", testGroup},
      {"matmul group", testMatmulGroup},
      {"update all", testUpdateAll},
      {"execute", testExecute},
  };
  for (int isa = 0; isa < availableIsas(); isa++) {
    for (const int threads : {1, 3}) {
      pool->setThreads(threads);
      Machine m{kernelTable(kIsaNames[isa]), {pool, allocateWorkspace(), 0, 0}};
      for (const auto& test : tests) {
        situation = std::string(kIsaNames[isa]) + ", " + std::to_string(threads) + " threads, " + test.name;
        test.run(m);
      }
      freeWorkspace(m.context.workspace);
    }
  }
  Pool::release();
  printf("%d passed, %d failed\n", passed, failed);
  return failed ? 1 : 0;
}
