// A Program in two: what can be computed as soon as some of its inputs are known, and the rest.
//
//     { a, x -> b = exp(a); c = mul(b, x); return c }, x late:  early { a -> b = exp(a); return b }
//                                                               late { x, b -> c = mul(b, x); return c }
//
// So a derivative prepares what does not depend on a direction, and a loop does once what is the same at each step.
#pragma once

#include <cstdint>
#include <vector>

#include "dini/trace/program.hpp"

namespace dini::detail {

/// early: [the other inputs...] -> [kept...]; late: [late inputs..., kept...] -> [outputs...].
struct SplitProgram {
  ProgramRef early, late;
};

struct SplitRule {
  /// Marks equations that are late though they depend on no late input; null: there are none.
  bool (*stays)(const Program&, const Equation&) = nullptr;
  /// What depends on nothing but constants and has up to so many elements is not kept: each part makes its own, in which
  /// passes see what it is. 0: it is kept like the rest.
  std::int64_t own_constants = 64;
};

/// The late part has the equations that depend on the late inputs, and repeats some that cost less than to keep their results
/// (one number repeated, 0, 1, 2, ...). What no output needs is in neither, but for effects. run(late, late inputs +
/// run(early, others)) has the Program's bits.
SplitProgram split_program(const Program& program, const std::vector<bool>& late_inputs, const SplitRule& rule = {});

/// A rule for loops: what a body must not give away though it is the same at each step. That is an effect, and a loop that
/// need not end, since there may be no step.
bool stays_in_loop(const Program& program, const Equation& e);

/// Marks of variables, of those that depend on a marked one as well.
std::vector<bool> dependents(const Program& program, std::vector<bool> marks);
/// Those of variables that depend on inputs with a mark.
std::vector<bool> dependents_of_inputs(const Program& program, const std::vector<bool>& inputs);

/// The part of a Program that makes `outputs` of `inputs`, variables both. Inputs are taken as given, whatever makes them; it
/// is an internal error when an output depends on another of the Program's inputs. Effects are left out where no output
/// needs them.
ProgramRef program_part(const Program& program, const std::vector<int>& inputs, const std::vector<int>& outputs);

}  // namespace dini::detail
