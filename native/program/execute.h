// Runs the records of a program one after the other, once or again and again.
#pragma once
#include "table.h"

/// Runs the records from HEADER_WORDS up to word `end` of `program`. Returns 0, or the FAULT_* code
/// of the record that stopped it, which the program's header then describes.
int execute(const KernelTable& table, Context& context, int32_t* program, int32_t end);

/// Runs the records from word `begin` up to word `end` of `program` `repeat` times over, or until its
/// header's HEADER_STOP, which another thread may set, asks that no repetition be begun. Leaves the number
/// of complete repetitions in HEADER_DONE; returns what `execute` does.
int executeRepeatedly(const KernelTable& table, Context& context, int32_t* program, int32_t begin,
                      int32_t end, int32_t repeat);
