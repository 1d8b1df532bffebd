// Runs a program on a thread of its own while JavaScript goes on.
#pragma once
#include <node_api.h>

#include "table.h"

/// Starts `executeRepeatedly` over all records of the program, with a context that no other run shares, and
/// returns a promise of its result. Any number may run at once. When the environment ends first, the run is
/// told to stop and waited for. `buffer`, which holds the program, is kept until then. Throws std::exception
/// where threads or memory are refused.
napi_value executeAsync(napi_env env, const KernelTable& table, napi_value buffer, int32_t* program,
                        int32_t end, int32_t repeat);
