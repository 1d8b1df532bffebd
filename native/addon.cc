// The Node-API module: a handful of functions over a program buffer that TypeScript fills. Nothing is
// checked here and no op is known by name; see docs/program-format.md.
// Each environment (main thread, worker threads) has its own Instance; only the thread pool and the
// kernel tables are shared by the process.
// Plain Node-API rather than its C++ wrapper, because `execute` has to cost nanoseconds.
#include <node_api.h>
#include <stdlib.h>

#include <exception>

#include "program/async.h"
#include "program/execute.h"
#include "program/tables.h"
#include "threads/pool.h"

namespace {

struct Instance {
  const KernelTable* table = nullptr;
  Context context = {};
  int32_t* program = nullptr;
  napi_ref programBuffer = nullptr;
};

/// Throws, once: an exception that is already on its way stays.
void throwError(napi_env env, const char* message) {
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (!pending) napi_throw_error(env, nullptr, message);
}

/// A call's first arguments and the instance it is made on.
template <size_t N>
struct CallOf {
  Instance* instance = nullptr;
  napi_value arguments[N] = {};
  CallOf(napi_env env, napi_callback_info info) {
    size_t count = N;
    void* data = nullptr;
    napi_get_cb_info(env, info, &count, arguments, nullptr, &data);
    instance = static_cast<Instance*>(data);
  }
};
struct Call : CallOf<1> {
  using CallOf::CallOf;
  napi_value argument() const { return arguments[0]; }
};

napi_value number(napi_env env, double value) {
  napi_value result = nullptr;
  napi_create_double(env, value, &result);
  return result;
}

napi_value text(napi_env env, const char* value) {
  napi_value result = nullptr;
  napi_create_string_utf8(env, value, NAPI_AUTO_LENGTH, &result);
  return result;
}

/// The memory of an ArrayBuffer or typed array, and the ArrayBuffer itself.
bool memoryOf(napi_env env, napi_value value, void** address, napi_value* buffer) {
  bool isTypedArray = false, isBuffer = false;
  size_t bytes = 0;
  napi_is_typedarray(env, value, &isTypedArray);
  if (isTypedArray) {
    return napi_get_typedarray_info(env, value, nullptr, nullptr, address, buffer, nullptr) == napi_ok;
  }
  napi_is_arraybuffer(env, value, &isBuffer);
  *buffer = value;
  return isBuffer && napi_get_arraybuffer_info(env, value, address, &bytes) == napi_ok;
}

/// bindProgram(buffer): the buffer that `execute` runs. It is kept alive and must not be detached.
napi_value bindProgram(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  void* address = nullptr;
  napi_value buffer = nullptr;
  if (!memoryOf(env, call.argument(), &address, &buffer)) {
    throwError(env, "bindProgram: expected an Int32Array or an ArrayBuffer");
    return nullptr;
  }
  Instance& instance = *call.instance;
  if (instance.programBuffer) napi_delete_reference(env, instance.programBuffer);
  napi_create_reference(env, buffer, 1, &instance.programBuffer);
  instance.program = static_cast<int32_t*>(address);
  return nullptr;
}

/// execute(end): runs the records up to word `end`; returns 0 or a FAULT_* code.
napi_value executeProgram(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  Instance& instance = *call.instance;
  int32_t end = 0;
  napi_get_value_int32(env, call.argument(), &end);
  if (!instance.program) {
    throwError(env, "execute: no program is bound");
    return nullptr;
  }
  int status = 0;
  try {
    status = execute(*instance.table, instance.context, instance.program, end);
  } catch (const std::exception& error) {
    throwError(env, error.what());
    return nullptr;
  }
  napi_value result = nullptr;
  napi_create_int32(env, status, &result);
  return result;
}

int32_t integer(napi_env env, napi_value value) {
  int32_t result = 0;
  napi_get_value_int32(env, value, &result);
  return result;
}

int32_t* programAt(napi_env env, napi_value address) {
  double value = 0;
  napi_get_value_double(env, address, &value);
  return reinterpret_cast<int32_t*>(static_cast<uintptr_t>(value));
}

/// executeAt(address, begin, end, repeat): runs the records of [begin, end) of the program at `address`
/// `repeat` times over, or until its header says stop; returns 0 or a FAULT_* code.
napi_value executeProgramAt(napi_env env, napi_callback_info info) {
  const CallOf<4> call(env, info);
  Instance& instance = *call.instance;
  int status = 0;
  try {
    status = executeRepeatedly(*instance.table, instance.context, programAt(env, call.arguments[0]),
                               integer(env, call.arguments[1]), integer(env, call.arguments[2]),
                               integer(env, call.arguments[3]));
  } catch (const std::exception& error) {
    throwError(env, error.what());
    return nullptr;
  }
  napi_value result = nullptr;
  napi_create_int32(env, status, &result);
  return result;
}

/// executeAsync(address, end, repeat): the same for all records, on a thread of its own; a promise of what
/// `executeAt` returns. The program and all it refers to must stay until then.
napi_value executeProgramAsync(napi_env env, napi_callback_info info) {
  const CallOf<3> call(env, info);
  try {
    return executeAsync(env, *call.instance->table, programAt(env, call.arguments[0]),
                        integer(env, call.arguments[1]), integer(env, call.arguments[2]));
  } catch (const std::exception& error) {
    throwError(env, error.what());
    return nullptr;
  }
}

/// addressOf(buffer): where its first byte is. Exact as a double up to 2^53.
napi_value addressOf(napi_env env, napi_callback_info info) {
  void* address = nullptr;
  napi_value buffer = nullptr;
  if (!memoryOf(env, Call(env, info).argument(), &address, &buffer)) {
    throwError(env, "addressOf: expected an ArrayBuffer or a typed array");
    return nullptr;
  }
  return number(env, static_cast<double>(reinterpret_cast<uintptr_t>(address)));
}

/// setNumThreads(n): for the whole process; counts the calling thread.
napi_value setNumThreads(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  int32_t count = 0;
  if (napi_get_value_int32(env, call.argument(), &count) != napi_ok || count < 1) {
    throwError(env, "setNumThreads: expected a positive number");
    return nullptr;
  }
  try {
    call.instance->context.pool->setThreads(count);
  } catch (const std::exception& error) {
    throwError(env, error.what());
  }
  return nullptr;
}

napi_value getNumThreads(napi_env env, napi_callback_info info) {
  return number(env, Call(env, info).instance->context.pool->threads());
}

/// info(): { isa, isas, threads, tableHash, napi }
napi_value describe(napi_env env, napi_callback_info info) {
  const Instance* instance = Call(env, info).instance;
  napi_value result = nullptr, isas = nullptr;
  napi_create_object(env, &result);
  napi_create_array(env, &isas);
  for (int i = 0; i < availableIsas(); i++)
    napi_set_element(env, isas, static_cast<uint32_t>(i), text(env, kIsaNames[i]));
  napi_set_named_property(env, result, "isa", text(env, instance->table->isa));
  napi_set_named_property(env, result, "isas", isas);
  napi_set_named_property(env, result, "threads", number(env, instance->context.pool->threads()));
  napi_set_named_property(env, result, "tableHash", number(env, TABLE_HASH));
  napi_set_named_property(env, result, "napi", number(env, NAPI_VERSION));
  return result;
}

void destroy(napi_env env, void* data, void*) {
  Instance* instance = static_cast<Instance*>(data);
  if (instance->programBuffer) napi_delete_reference(env, instance->programBuffer);
  if (instance->context.workspace) freeWorkspace(instance->context.workspace);
  if (instance->context.pool) Pool::release();
  delete instance;
}

/// Returns what is wrong, or null.
const char* prepare(Instance* instance) {
  const char* isa = getenv("COTANGENT_ISA");
  instance->table = kernelTable(isa && *isa ? isa : nullptr);
  if (!instance->table) {
    return "COTANGENT_ISA names an instruction set that this processor or build does not have; it is one of "
           "scalar, avx2, avx512, and only scalar off x86-64";
  }
  instance->context.workspace = allocateWorkspace();
  if (!instance->context.workspace) return "cotangent: out of memory";
  instance->context.pool = Pool::acquire();
  return nullptr;
}

napi_value initialize(napi_env env, napi_value exports) {
  Instance* instance = nullptr;
  try {
    instance = new Instance;
    const char* wrong = prepare(instance);
    if (wrong) {
      destroy(env, instance, nullptr);
      throwError(env, wrong);
      return nullptr;
    }
    if (napi_set_instance_data(env, instance, destroy, nullptr) != napi_ok) {
      destroy(env, instance, nullptr);
      throwError(env, "cotangent: the environment refuses the module");
      return nullptr;
    }
  } catch (const std::exception& error) {
    throwError(env, error.what());
    return nullptr;
  }
  const struct {
    const char* name;
    napi_callback callback;
  } functions[] = {
      {"bindProgram", bindProgram},     {"execute", executeProgram},
      {"executeAt", executeProgramAt},  {"executeAsync", executeProgramAsync},
      {"addressOf", addressOf},         {"setNumThreads", setNumThreads},
      {"getNumThreads", getNumThreads}, {"info", describe},
  };
  for (const auto& f : functions) {
    napi_value function = nullptr;
    napi_create_function(env, f.name, NAPI_AUTO_LENGTH, f.callback, instance, &function);
    napi_set_named_property(env, exports, f.name, function);
  }
  return exports;
}

}  // namespace

NAPI_MODULE_INIT() { return initialize(env, exports); }
