// The checks that every op of the registry must pass. They know nothing of any op but its record: values come from its
// reference, derivatives from differences of values, batches from a loop, compiled results from eager ones.
//
// registry_test.cpp runs them as tests, tests/mutation breaks rules and wants them to fail.
#pragma once

#include <string>
#include <vector>

#include "dini/ops/internal.hpp"

namespace dini::registry {

enum class Check {
  value,      // against the op's reference
  jvp,        // against Richardson-extrapolated central differences; float32 against float64
  dot,        // ⟨w, jvp(v)⟩ = ⟨vjp(w), v⟩, and linearize against jvp
  second,     // jvp of jvp and of vjp against differences, vjp of both by the dot test; float32 against float64
  batch,      // vmap of value, jvp and vjp, and jvp and vjp of vmap, against the loop
  program,    // staged, compiled with and without passes: the eager bits
  transpose,  // linear operands have a transpose, and it is the transpose
};
inline constexpr Check all_checks[] = {Check::value, Check::jvp,     Check::dot,      Check::second,
                                       Check::batch, Check::program, Check::transpose};
const char* name(Check check);

struct Outcome {
  int compared = 0;                // numbers that were held against another
  int refused = 0;                 // calls that the record says are errors, and that were
  std::vector<std::string> notes;  // why there are no numbers, or not all: from the record
  std::vector<std::string> failures;
};

/// Dtypes in which an op's samples are drawn: floating ones, and what else the record says that it takes.
std::vector<Dtype> dtypes(const Op& op);

/// Makes what the checks keep, so that processes made from this one have it.
void prepare(const Op& op);

/// With `stop_at_first` the first failure is the last.
Outcome run_check(const Op& op, Dtype dtype, Check check, bool stop_at_first = false);

}  // namespace dini::registry
