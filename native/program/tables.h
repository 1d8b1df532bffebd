// Chooses kernels by what the processor can do.
#pragma once
#include "table.h"

constexpr int kIsaCount = 3;

/// Instruction sets from slowest to fastest.
extern const char* const kIsaNames[kIsaCount];

/// How many of them this build and this processor have; at least one.
int availableIsas();

/// The table of the named instruction set; null asks for the fastest. Returns null when the name is
/// unknown or not available here.
const KernelTable* kernelTable(const char* isa);
