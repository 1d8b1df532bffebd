// The Node-API module: a handful of functions over program buffers that TypeScript fills. No op is known by
// name; see docs/program-format.md.
// What is checked here: the kinds and ranges of arguments, that a program's words lie in a buffer that is
// there, and (in execute.cc) that records lie within them. A program comes as a buffer, so no number becomes
// a pointer to one. What operands say is not checked: addresses in records are TypeScript's, which alone
// validates, and it alone reaches this module. Nor can Node-API forbid that a buffer is transferred while
// `executeAsync` uses it; buffers that can be resized are refused there.
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
  /// What `execute` runs, and the Int32Array that it is the memory of.
  int32_t* program = nullptr;
  napi_ref programArray = nullptr;
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

/// A whole number from `low` to `high`; false for anything else.
bool integer(napi_env env, napi_value value, int32_t low, int32_t high, int32_t* result) {
  double number = 0;
  if (napi_get_value_double(env, value, &number) != napi_ok || !(number >= low && number <= high)) return false;
  *result = static_cast<int32_t>(number);
  return *result == number;
}

/// The words of a program: nothing where the value is no buffer, or has none any more.
struct Words {
  int32_t* data = nullptr;
  int32_t count = 0;
};

constexpr size_t kMostBytes = size_t{1} << 32;

Words wordsAt(void* data, size_t bytes) {
  const bool fits = data && bytes < kMostBytes && reinterpret_cast<uintptr_t>(data) % sizeof(double) == 0;
  if (!fits) return {};
  return {static_cast<int32_t*>(data), static_cast<int32_t>(bytes / sizeof(int32_t))};
}

/// The words of an Int32Array that is not shared.
Words wordsOfArray(napi_env env, napi_value value) {
  napi_typedarray_type type = napi_int8_array;
  size_t length = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok) return {};
  return type == napi_int32_array ? wordsAt(data, length * sizeof(int32_t)) : Words{};
}

/// The words of an ArrayBuffer from byte `offset` on.
Words wordsOfBuffer(napi_env env, napi_value buffer, napi_value offset) {
  bool isBuffer = false;
  void* data = nullptr;
  size_t bytes = 0;
  int32_t start = 0;
  if (napi_is_arraybuffer(env, buffer, &isBuffer) != napi_ok || !isBuffer) return {};
  if (napi_get_arraybuffer_info(env, buffer, &data, &bytes) != napi_ok || !data) return {};
  if (!integer(env, offset, 0, INT32_MAX, &start) || static_cast<size_t>(start) > bytes) return {};
  return wordsAt(static_cast<char*>(data) + start, bytes - static_cast<size_t>(start));
}

/// Whether a buffer can be resized. Newer than Node-API, which does not tell.
bool isResizable(napi_env env, napi_value buffer) {
  napi_value property = nullptr;
  bool resizable = false;
  return napi_get_named_property(env, buffer, "resizable", &property) == napi_ok &&
         napi_get_value_bool(env, property, &resizable) == napi_ok && resizable;
}

/// bindProgram(words): the Int32Array that `execute` runs. It is kept alive.
napi_value bindProgram(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  Instance& instance = *call.instance;
  const Words words = wordsOfArray(env, call.argument());
  napi_ref array = nullptr;
  if (words.count < abi::HEADER_WORDS || napi_create_reference(env, call.argument(), 1, &array) != napi_ok) {
    throwError(env, "bindProgram: expected an Int32Array that has room for a program");
    return nullptr;
  }
  if (instance.programArray) napi_delete_reference(env, instance.programArray);
  instance.programArray = array;
  instance.program = words.data;
  return nullptr;
}

/// How many words the bound array has by now: none where its buffer was transferred or has shrunk. Otherwise its
/// memory is where it was, which saves asking for it.
int32_t boundWords(napi_env env, const Instance& instance) {
  napi_value array = nullptr;
  size_t length = 0;
  if (!instance.programArray || napi_get_reference_value(env, instance.programArray, &array) != napi_ok ||
      napi_get_typedarray_info(env, array, nullptr, &length, nullptr, nullptr, nullptr) != napi_ok) {
    return 0;
  }
  return static_cast<int32_t>(length < INT32_MAX ? length : INT32_MAX);
}

/// execute(end): runs the records of the bound program up to word `end`; returns 0 or a FAULT_* code.
napi_value executeProgram(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  Instance& instance = *call.instance;
  int32_t end = 0;
  if (!integer(env, call.argument(), abi::HEADER_WORDS, boundWords(env, instance), &end)) {
    throwError(env, "execute: expected a word of the bound program");
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

/// executeAt(buffer, offset, begin, end, repeat): runs the records of words [begin, end) of the program that
/// starts at byte `offset` of an ArrayBuffer `repeat` times over, or until its header says stop; returns 0 or a
/// FAULT_* code.
napi_value executeProgramAt(napi_env env, napi_callback_info info) {
  const CallOf<5> call(env, info);
  Instance& instance = *call.instance;
  const Words words = wordsOfBuffer(env, call.arguments[0], call.arguments[1]);
  int32_t begin = 0, end = 0, repeat = 0;
  if (words.count < abi::HEADER_WORDS ||
      !integer(env, call.arguments[2], abi::HEADER_WORDS, words.count, &begin) ||
      !integer(env, call.arguments[3], begin, words.count, &end) ||
      !integer(env, call.arguments[4], 0, INT32_MAX, &repeat)) {
    throwError(env, "executeAt: expected an ArrayBuffer, where a program starts in it, its words, and a count");
    return nullptr;
  }
  int status = 0;
  try {
    status = executeRepeatedly(*instance.table, instance.context, words.data, begin, end, repeat);
  } catch (const std::exception& error) {
    throwError(env, error.what());
    return nullptr;
  }
  napi_value result = nullptr;
  napi_create_int32(env, status, &result);
  return result;
}

/// executeAsync(buffer, offset, end, repeat): the same for all records, on a thread of its own; a promise of what
/// `executeAt` returns. The buffer is kept; all that the program refers to must stay until then.
napi_value executeProgramAsync(napi_env env, napi_callback_info info) {
  const CallOf<4> call(env, info);
  const Words words = wordsOfBuffer(env, call.arguments[0], call.arguments[1]);
  int32_t end = 0, repeat = 0;
  if (words.count < abi::HEADER_WORDS || isResizable(env, call.arguments[0]) ||
      !integer(env, call.arguments[2], abi::HEADER_WORDS, words.count, &end) ||
      !integer(env, call.arguments[3], 0, INT32_MAX, &repeat)) {
    throwError(env, "executeAsync: expected a fixed ArrayBuffer, where a program starts in it, its end, and a count");
    return nullptr;
  }
  try {
    return executeAsync(env, *call.instance->table, call.arguments[0], words.data, end, repeat);
  } catch (const std::exception& error) {
    throwError(env, error.what());
    return nullptr;
  }
}

/// addressOf(buffer): where an ArrayBuffer's first byte is. Exact as a double up to 2^53. For operands of records;
/// no function here takes an address.
napi_value addressOf(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  bool isBuffer = false, isDetached = true;
  void* address = nullptr;
  size_t bytes = 0;
  napi_is_arraybuffer(env, call.argument(), &isBuffer);
  if (isBuffer) napi_is_detached_arraybuffer(env, call.argument(), &isDetached);
  if (isDetached || napi_get_arraybuffer_info(env, call.argument(), &address, &bytes) != napi_ok) {
    throwError(env, "addressOf: expected an ArrayBuffer");
    return nullptr;
  }
  return number(env, static_cast<double>(reinterpret_cast<uintptr_t>(address)));
}

/// setNumThreads(n): for the whole process; counts the calling thread.
napi_value setNumThreads(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  int32_t count = 0;
  if (!integer(env, call.argument(), 1, INT32_MAX, &count)) {
    throwError(env, "setNumThreads: expected a positive whole number");
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
  if (instance->programArray) napi_delete_reference(env, instance->programArray);
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
      {"bindProgram", bindProgram},
      {"execute", executeProgram},
      {"executeAt", executeProgramAt},
      {"executeAsync", executeProgramAsync},
      {"addressOf", addressOf},
      {"setNumThreads", setNumThreads},
      {"getNumThreads", getNumThreads},
      {"info", describe},
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
