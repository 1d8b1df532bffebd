// Runs the records of a program one after the other.
#pragma once
#include "table.h"

/// Runs the records from HEADER_WORDS up to word `end` of `program`. Returns 0, or the FAULT_* code
/// of the record that stopped it, which the program's header then describes.
int execute(const KernelTable& table, Context& context, int32_t* program, int32_t end);
