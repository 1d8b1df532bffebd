// The threads that kernels share work among. One pool serves the whole process, so that several
// JavaScript threads do not oversubscribe the machine: whoever finds it busy works alone.
// This header stays free of the standard library, because kernels include it once per instruction set.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// Memory each thread has for packing matrices and the like.
constexpr size_t kWorkspaceBytes = size_t{2} << 20;

/// 64-byte aligned workspace, or null when memory is short.
char* allocateWorkspace();
void freeWorkspace(char* workspace);

class Pool {
 public:
  /// Part of a job: the indices from `begin` to `end`, with the workspace of the running thread.
  using Task = void (*)(void* job, int64_t begin, int64_t end, char* workspace);

  /// The process's pool. The first `acquire` makes it, the last `release` ends it.
  static Pool* acquire();
  static void release();

  int threads() const;
  /// Waits for the job that is running, if any. Counts the calling thread.
  void setThreads(int count);

  /// Calls `task` over [0, n) in pieces of at least `grain`, the last excepted, on several threads, and
  /// returns when all are done. `workspace` is the calling thread's.
  void run(int64_t n, int64_t grain, Task task, void* job, char* workspace);

  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

 private:
  struct State;
  State* state;
  Pool();
  ~Pool();
};
