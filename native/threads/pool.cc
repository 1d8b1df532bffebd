// A job is published by bumping a generation number. Workers that see it in time enter, take pieces
// from a shared counter and leave; the caller takes pieces too, closes the job when none are left
// and waits only for workers inside. A worker that the system never scheduled is not waited for.
#include "pool.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#if defined(_MSC_VER) && defined(_M_X64)
#include <immintrin.h>
#endif

namespace {

constexpr int kMaxThreads = 256;
/// More threads than this rarely pay for work the size of a tensor op.
constexpr int kDefaultThreadCap = 16;
/// How long an idle worker spins. A parked one takes 5–80 µs to wake, records in a training step
/// follow each other faster.
constexpr std::chrono::microseconds kSpin{60};
/// Pieces per thread: enough to even out threads that run at different speeds.
constexpr int64_t kPiecesPerThread = 4;

inline void spinPause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(_M_X64)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

int defaultThreads() {
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  return cores < 1 ? 1 : cores < kDefaultThreadCap ? cores : kDefaultThreadCap;
}

// The phase word: generation (upper 32 bits), whether the job is open, number of workers inside.
constexpr uint64_t kGeneration = uint64_t{1} << 32;
constexpr uint64_t kOpen = uint64_t{1} << 31;
constexpr uint64_t kInside = kOpen - 1;
uint64_t generationOf(uint64_t phase) { return phase / kGeneration; }

}  // namespace

char* allocateWorkspace() {
  return static_cast<char*>(operator new(kWorkspaceBytes, std::align_val_t{64}, std::nothrow));
}
void freeWorkspace(char* workspace) { operator delete(workspace, std::align_val_t{64}); }

struct Pool::State {
  /// Held by whoever runs a job or changes the number of threads.
  std::mutex busy;
  std::atomic<int> count{defaultThreads()};
  std::vector<std::thread> workers;

  std::atomic<uint64_t> phase{0};
  std::atomic<bool> stopping{false};

  std::mutex parking;
  std::condition_variable unpark;
  std::atomic<int> parked{0};

  // The job. Written while no worker is inside.
  Task task;
  void* job;
  int64_t total;
  int64_t piece;
  std::atomic<int64_t> next{0};

  void takePieces(char* workspace) {
    for (;;) {
      const int64_t begin = next.fetch_add(piece, std::memory_order_relaxed);
      if (begin >= total) return;
      const int64_t end = begin + piece < total ? begin + piece : total;
      task(job, begin, end, workspace);
    }
  }

  void park(uint64_t seen) {
    std::unique_lock<std::mutex> lock(parking);
    parked.fetch_add(1);
    unpark.wait(lock, [&] { return stopping || generationOf(phase) != seen; });
    parked.fetch_sub(1);
  }

  /// Returns false when the pool stops.
  bool awaitJob(uint64_t seen) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 1;; i++) {
      if (stopping.load(std::memory_order_relaxed)) return false;
      if (generationOf(phase.load(std::memory_order_acquire)) != seen) return true;
      spinPause();
      if (i % 64 == 0 && std::chrono::steady_clock::now() - start > kSpin) break;
    }
    park(seen);
    return !stopping;
  }

  void work(uint64_t seen) {
    char* workspace = allocateWorkspace();
    while (workspace && awaitJob(seen)) {
      uint64_t now = phase.load(std::memory_order_acquire);
      seen = generationOf(now);
      while ((now & kOpen) && generationOf(now) == seen) {
        if (!phase.compare_exchange_weak(now, now + 1, std::memory_order_acq_rel)) continue;
        takePieces(workspace);
        phase.fetch_sub(1, std::memory_order_release);
        break;
      }
    }
    freeWorkspace(workspace);
  }

  /// Starts what is missing. A system that refuses threads leaves fewer of them.
  void start() {
    const size_t wanted = static_cast<size_t>(count.load() - 1);
    try {
      workers.reserve(wanted);
      const uint64_t seen = generationOf(phase);
      while (workers.size() < wanted) workers.emplace_back([this, seen] { work(seen); });
    } catch (const std::exception&) {
      count = static_cast<int>(workers.size()) + 1;
    }
  }

  void stop() {
    {
      std::lock_guard<std::mutex> lock(parking);
      stopping = true;
    }
    unpark.notify_all();
    for (std::thread& worker : workers) worker.join();
    workers.clear();
    stopping = false;
  }

  void wake(int64_t helpers) {
    const int asleep = parked.load();
    if (!asleep) return;
    // Passing through the lock makes sure that a worker about to wait has begun to.
    {
      std::lock_guard<std::mutex> lock(parking);
    }
    if (helpers >= asleep) {
      unpark.notify_all();
    } else {
      for (int64_t i = 0; i < helpers; i++) unpark.notify_one();
    }
  }
};

namespace {
// Raw pointer: nothing is to run when the process unloads the library without releasing the pool.
std::mutex sharedLock;
Pool* sharedPool = nullptr;
int sharedUsers = 0;
}  // namespace

Pool::Pool() : state(new State) {}
Pool::~Pool() {
  state->stop();
  delete state;
}

Pool* Pool::acquire() {
  std::lock_guard<std::mutex> lock(sharedLock);
  if (!sharedPool) sharedPool = new Pool;
  sharedUsers++;
  return sharedPool;
}

void Pool::release() {
  std::lock_guard<std::mutex> lock(sharedLock);
  if (--sharedUsers > 0) return;
  delete sharedPool;
  sharedPool = nullptr;
}

int Pool::threads() const { return state->count; }

void Pool::setThreads(int count) {
  std::lock_guard<std::mutex> lock(state->busy);
  state->stop();
  state->count = count < 1 ? 1 : count > kMaxThreads ? kMaxThreads : count;
}

void Pool::run(int64_t n, int64_t grain, Task task, void* job, char* workspace) {
  State& s = *state;
  if (n <= grain || s.count == 1 || !s.busy.try_lock()) return task(job, 0, n, workspace);
  std::lock_guard<std::mutex> lock(s.busy, std::adopt_lock);
  if (s.workers.size() + 1 < static_cast<size_t>(s.count)) s.start();

  const int64_t pieces = s.count * kPiecesPerThread;
  const int64_t even = (n + pieces - 1) / pieces;
  s.task = task;
  s.job = job;
  s.total = n;
  s.piece = even > grain ? even : grain;
  s.next.store(0, std::memory_order_relaxed);
  const uint64_t generation = generationOf(s.phase.load(std::memory_order_relaxed)) + 1;
  s.phase.store(generation * kGeneration | kOpen);
  s.wake((n + s.piece - 1) / s.piece - 1);

  s.takePieces(workspace);
  s.phase.fetch_and(~kOpen, std::memory_order_acq_rel);
  for (int i = 0; s.phase.load(std::memory_order_acquire) & kInside; i++) {
    if (i < 10000)
      spinPause();
    else
      std::this_thread::yield();
  }
}
