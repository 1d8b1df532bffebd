// A thread a run rather than libuv's pool: there an environment that ends waits for work in progress before
// anything of ours is called, and the run could not be told to stop.
// The run's function of the environment ("thread-safe function") carries its end back to JavaScript.
#include "async.h"

#include <stdio.h>

#include <exception>
#include <memory>
#include <new>
#include <stdexcept>
#include <thread>

#include "../threads/pool.h"
#include "execute.h"

namespace {

struct Run {
  const KernelTable& table;
  int32_t* program;
  int32_t end, repeat;
  Context context = {};
  std::thread thread;
  napi_deferred deferred = nullptr;
  napi_threadsafe_function ended = nullptr;
  /// On the buffer that holds the program.
  napi_ref buffer = nullptr;
  int status = 0;
  char failure[128] = "";

  Run(const KernelTable& table, int32_t* program, int32_t end, int32_t repeat)
      : table(table), program(program), end(end), repeat(repeat) {
    context.workspace = allocateWorkspace();
    if (!context.workspace) throw std::bad_alloc();
    context.pool = Pool::acquire();
  }
  ~Run() {
    freeWorkspace(context.workspace);
    Pool::release();
  }
};

/// What the thread does.
void work(Run* run) {
  try {
    run->status =
        executeRepeatedly(run->table, run->context, run->program, abi::HEADER_WORDS, run->end, run->repeat);
  } catch (const std::exception& error) {
    snprintf(run->failure, sizeof(run->failure), "%s", error.what());
  } catch (...) {
    snprintf(run->failure, sizeof(run->failure), "executeAsync: unknown failure");
  }
  napi_call_threadsafe_function(run->ended, nullptr, napi_tsfn_nonblocking);
  napi_release_threadsafe_function(run->ended, napi_tsfn_release);
}

/// The environment ends before the run has settled. Runs before the thread-safe function goes, because it
/// was registered after it.
void abandon(void* data) {
  Run* run = static_cast<Run*>(data);
  const_cast<volatile int32_t&>(run->program[abi::HEADER_STOP]) = 1;
  if (run->thread.joinable()) run->thread.join();
}

/// Settles the promise, on the environment's thread; without an environment `abandon` has been there.
void settle(napi_env env, napi_value, void* context, void*) {
  if (!env) return;
  Run* run = static_cast<Run*>(context);
  run->thread.join();
  napi_remove_env_cleanup_hook(env, abandon, run);
  napi_delete_reference(env, run->buffer);
  napi_value result = nullptr;
  if (!run->failure[0]) {
    napi_create_int32(env, run->status, &result);
    napi_resolve_deferred(env, run->deferred, result);
    return;
  }
  napi_value message = nullptr;
  napi_create_string_utf8(env, run->failure, NAPI_AUTO_LENGTH, &message);
  napi_create_error(env, nullptr, message, &result);
  napi_reject_deferred(env, run->deferred, result);
}

/// The last that happens to a run.
void finish(napi_env, void* data, void*) { delete static_cast<Run*>(data); }

}  // namespace

napi_value executeAsync(napi_env env, const KernelTable& table, napi_value buffer, int32_t* program,
                        int32_t end, int32_t repeat) {
  auto owner = std::make_unique<Run>(table, program, end, repeat);
  napi_value name = nullptr, promise = nullptr;
  napi_create_string_utf8(env, "cotangent.executeAsync", NAPI_AUTO_LENGTH, &name);
  if (napi_create_reference(env, buffer, 1, &owner->buffer) != napi_ok ||
      napi_create_promise(env, &owner->deferred, &promise) != napi_ok ||
      napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, owner.get(), finish, owner.get(),
                                      settle, &owner->ended) != napi_ok) {
    throw std::runtime_error("executeAsync: the environment refuses");
  }
  Run* run = owner.release();
  napi_add_env_cleanup_hook(env, abandon, run);
  try {
    run->thread = std::thread(work, run);
  } catch (...) {
    napi_remove_env_cleanup_hook(env, abandon, run);
    napi_release_threadsafe_function(run->ended, napi_tsfn_abort);
    throw;
  }
  return promise;
}
