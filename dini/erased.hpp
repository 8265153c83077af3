// The library without its templates: functions of leaves, for bindings to other languages and for code that makes functions at run time.
//
// The templates of the other headers flatten trees and call what is here; whoever has trees of another kind, or none, calls it
// himself. An ErasedFunction takes leaves and returns leaves. It is called on the calling thread, during the call that it is given
// to, and once more wherever a transformation says so. Whatever it throws comes out of that call as the very object that was
// thrown, and all state is as it was.
//
//     using namespace dini;
//     erased::ErasedFunction f = [](const erased::Leaves& in) { return erased::Leaves{sum(in[0] * in[0])}; };
//     auto [value, gradient] = erased::value_and_grad(f, {x});
//
// dini/dini.hpp does not include this header.
#pragma once

#include "dini/dini.hpp"

#include "dini/solvers/library.hpp"
#include "dini/trace/trace.hpp"
#include "dini/transforms/derive.hpp"
#include "dini/transforms/host_map.hpp"

namespace dini::erased {

using detail::ErasedFunction;
using detail::Leaves;

// ---- Derivatives -----------------------------------------------------------------------------------------------------

/// A scalar value and its gradient by every leaf. DtypeError where a leaf is not floating.
using detail::ValueAndGradient;
inline ValueAndGradient value_and_grad(const ErasedFunction& f, const Leaves& at) { return detail::grad_leaves(f, at); }

/// The values, and their change with `tangents`, leaves like `at`.
inline std::pair<Leaves, Leaves> jvp(const ErasedFunction& f, const Leaves& at, const Leaves& tangents) {
  detail::require_some_floating(at, "jvp");
  return detail::jvp_values(f, at, detail::match_leaves(tangents, detail::avals_of_leaves(at), "jvp", "tangent"));
}

/// f run once: `map.out` is its value, pull(cotangents) and push(tangents) the linear map there in both directions. `map.program` and
/// `map.captured` are that map and what it needs of the point.
using Linearization = detail::VjpData;
inline std::shared_ptr<const Linearization> vjp(const ErasedFunction& f, const Leaves& at) {
  return detail::make_vjp(f, at);
}
inline std::shared_ptr<const Linearization> linearize(const ErasedFunction& f, const Leaves& at) {
  detail::require_some_floating(at, "linearize");
  return detail::make_vjp(f, at, "linearize");
}

/// Of f linear in leaves like these: cotangents of its values -> those of its arguments.
inline ErasedFunction linear_transpose(const ErasedFunction& f, const Leaves& like) {
  return detail::make_transpose(f, like);
}

/// [value][argument]: ∂(value)/∂(argument), of shape value.shape + argument.shape.
using detail::Mode;
inline std::vector<Leaves> jacobian(const ErasedFunction& f, const Leaves& at, Mode mode = Mode::automatic) {
  return detail::jacobian_leaves(f, at, mode);
}

/// A value within a function that is being differentiated, as those around see it: for results beside the value.
using detail::strip_innermost;

// ---- Batches, compiled functions, recomputation ------------------------------------------------------------------------

/// f over an axis of the leaves. `counts`: of how many leaves each argument consists, which axes.in may be given by.
inline Leaves vmap(const ErasedFunction& f, const Leaves& in, const std::vector<std::size_t>& counts,
                   const VmapAxes& axes) {
  return detail::vmap_leaves(f, in, counts, axes);
}

/// What was compiled of one function: call(f, leaves, key, used, prototype) runs the Program of these types and this key, and
/// traces f where there is none.
using Jit = detail::JitCache;

inline Leaves checkpoint(const ErasedFunction& f, const Leaves& in) { return detail::checkpoint_leaves(f, in); }

// ---- Control flow ----------------------------------------------------------------------------------------------------

inline Leaves switch_case(const char* name, const Array& index, const std::vector<ErasedFunction>& branches,
                          const Leaves& operands) {
  return detail::switch_leaves(name, index, branches, operands);
}
inline Leaves while_loop(const std::function<Array(const Leaves&)>& condition, const ErasedFunction& body,
                         const Leaves& init) {
  return detail::while_leaves(condition, body, init);
}
/// body: [carry..., x...] -> [carry..., y...].
inline Leaves scan(const ErasedFunction& body, const Leaves& init, const Leaves& xs, std::optional<std::int64_t> length,
                   bool reverse) {
  return detail::scan_leaves(body, init, xs, detail::scan_length(xs, length), reverse);
}
using detail::truth;

// ---- Rules of the user's -----------------------------------------------------------------------------------------------

/// A rule may be kept with what was compiled and be called, or let go, on any thread. No lock of the library's is held while it runs.
using VjpRule = detail::CustomVjpRule;
using JvpRule = detail::CustomJvpRule;
using detail::check_rule_leaves;
using detail::KnownOutputs;
inline Leaves custom_vjp(VjpRule rule, std::shared_ptr<KnownOutputs> known, const Leaves& in) {
  return detail::custom_vjp_call(std::move(rule), std::move(known), in);
}
inline Leaves custom_jvp(JvpRule rule, std::shared_ptr<KnownOutputs> known, const Leaves& in) {
  return detail::custom_jvp_call(std::move(rule), std::move(known), in);
}

// ---- Solving ---------------------------------------------------------------------------------------------------------

/// The function takes [z leaves..., θ leaves...].
using detail::SolvedLeaves;
using detail::SolveRequest;
inline SolvedLeaves solve(const SolveRequest& request) { return detail::solve_leaves(request); }

/// A solver made of any function (f, z) -> z. `may_outlive`: whether a copy of it may live on after the call.
inline Solver user_solver(std::function<Array(const Function&, const Array&)> f, bool may_outlive) {
  return Solver(detail::host_method(std::move(f), may_outlive));
}

// ---- Programs --------------------------------------------------------------------------------------------------------

using detail::ProgramRef;
using detail::Staged;
/// f's Program for arguments like these, with what it captured; `purpose` is the transformation's name in messages.
inline Staged stage(const ErasedFunction& f, const std::vector<Aval>& like, const char* purpose) {
  return detail::stage(f, like, purpose);
}
using detail::LinearProgram;
inline LinearProgram linear_program(const ProgramRef& p, const std::vector<bool>& active) {
  return detail::linear_program(p, active);
}
using detail::BatchProgram;
using detail::transpose_program;
inline BatchProgram batch_program(const ProgramRef& p, const std::vector<bool>& batched, std::int64_t size) {
  return detail::batch_program(p, batched, size);
}

// ---- Errors and checks, so that messages are the same everywhere ---------------------------------------------------------

using detail::avals_of_leaves;
using detail::HostReadError;
using detail::LeakError;
using detail::match_leaves;
using detail::match_structure;
using detail::require_assigned;
using detail::require_floating;
using detail::require_some_floating;

}  // namespace dini::erased
