// A view of one record's words (docs/program-format.md). Included inside a namespace of the
// including file's own, because inline functions compiled for one instruction set must not be
// merged by the linker with those of another.
#pragma once

struct Record {
  const int32_t* words;
  int rank;
  int operands;
  const double* params;
  const int32_t* operandWords;
  const int32_t* shape;
  const int32_t* allStrides;

  explicit Record(const int32_t* record)
      : words(record),
        rank(record[abi::RECORD_RANK]),
        operands(record[abi::RECORD_OPERANDS]),
        params(reinterpret_cast<const double*>(record + abi::RECORD_FIXED_WORDS)),
        operandWords(record + abi::RECORD_FIXED_WORDS + 2 * record[abi::RECORD_PARAMS]),
        shape(operandWords + abi::OPERAND_WORDS * operands),
        allStrides(shape + rank) {}

  /// The operand's first element; null where an optional operand is absent.
  char* address(int operand) const {
    const int32_t* o = operandWords + abi::OPERAND_WORDS * operand;
    const uint32_t low = static_cast<uint32_t>(o[abi::OPERAND_ADDRESS_LOW]);
    if (o[abi::OPERAND_FLAGS] & abi::FLAG_IMMEDIATE) {
      return reinterpret_cast<char*>(const_cast<int32_t*>(words) + low);
    }
    const uint64_t high = static_cast<uint32_t>(o[abi::OPERAND_ADDRESS_HIGH]);
    return reinterpret_cast<char*>(static_cast<uintptr_t>(high << 32 | low));
  }
  template <class T>
  T* data(int operand) const {
    return reinterpret_cast<T*>(address(operand));
  }
  int dtype(int operand) const { return operandWords[abi::OPERAND_WORDS * operand + abi::OPERAND_DTYPE]; }
  const int32_t* strides(int operand) const { return allStrides + operand * rank; }
  /// The operand's stride along the last dimension; 0 for a single element.
  int64_t innerStride(int operand) const { return rank ? strides(operand)[rank - 1] : 0; }
  /// Size of the last dimension; 1 for a single element.
  int64_t inner() const { return rank ? shape[rank - 1] : 1; }
  /// Product of the dimensions before `end`.
  int64_t count(int end) const {
    int64_t n = 1;
    for (int d = 0; d < end; d++) n *= shape[d];
    return n;
  }
};
