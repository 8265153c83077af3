// What the rules of call, cond, while and scan share: lists of leaves and marks, Programs with their inputs in another order,
// and the parameters of the loops.
#pragma once

#include <algorithm>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "dini/trace/groups.hpp"
#include "dini/trace/split.hpp"
#include "dini/transforms/control_ops.hpp"
#include "dini/transforms/derive.hpp"

namespace dini::detail::control {

using Programs = std::vector<ProgramRef>;
using Mask = std::vector<bool>;

inline Leaves part(const Leaves& v, std::size_t first, std::size_t last) { return Group{first, last - first}.of(v); }
inline Leaves join(const Leaves& a, const Leaves& b) { return joined({a, b}); }
inline Leaves spread(const Leaves& some, const Mask& mask) {
  Leaves out;
  std::size_t next = 0;
  for (bool m : mask) out.push_back(m ? some[next++] : Array());
  return out;
}
inline Mask defined(std::span<const Array> v) {
  Mask out;
  for (const Array& a : v) out.push_back(a.defined());
  return out;
}
inline Mask either(const Mask& a, const Mask& b) {
  Mask out = a;
  for (std::size_t k = 0; k < b.size(); ++k) out[k] = out[k] || b[k];
  return out;
}
/// The Program with its inputs and outputs in another order.
inline ProgramRef reordered(const Program& p, std::vector<int> inputs, std::vector<int> outputs) {
  auto out = std::make_shared<Program>(p);
  out->inputs = std::move(inputs);
  out->outputs = std::move(outputs);
  return out;
}
inline Mask of_variables(const std::vector<int>& variables, const Mask& marks) {
  Mask out;
  for (int v : variables) out.push_back(marks[static_cast<std::size_t>(v)]);
  return out;
}
/// Which outputs depend on the inputs marked.
inline Mask dependent_outputs(const Program& p, const Mask& inputs) {
  return of_variables(p.outputs, dependents_of_inputs(p, inputs));
}
inline std::size_t count(const Mask& m) { return static_cast<std::size_t>(std::count(m.begin(), m.end(), true)); }

struct WhileParts {
  ProgramRef condition, body;
  Group carry, for_condition, for_body;  // of the op's inputs
  OpaqueRef watch;
  std::int64_t at_most;  // 0: not known
};
inline WhileParts parts_of_while(const Params& p) {
  Groups in;
  WhileParts w{p.program("cond"),
               p.program("body"),
               {},
               {},
               {},
               p.has("watch") ? p.get<OpaqueRef>("watch") : OpaqueRef(),
               p.has("at_most") ? p.integer("at_most") : 0};
  w.carry = in.next(static_cast<std::size_t>(p.integer("carry")));
  w.for_condition = in.next(static_cast<std::size_t>(p.integer("cond_captured")));
  w.for_body = in.next(w.body->inputs.size() - w.carry.size);
  return w;
}
inline Params while_params(ProgramRef condition, ProgramRef body, std::size_t carry, std::size_t cond_captured,
                           const OpaqueRef& watch = {}, std::int64_t at_most = 0) {
  Params params{{"cond", std::move(condition)},
                {"body", std::move(body)},
                {"carry", static_cast<std::int64_t>(carry)},
                {"cond_captured", static_cast<std::int64_t>(cond_captured)}};
  if (watch) params.set("watch", watch);
  if (at_most > 0) params.set("at_most", at_most);
  return params;
}
inline Params scan_params(ProgramRef body, std::int64_t length, std::size_t carry, std::size_t xs, bool reverse) {
  return {{"body", std::move(body)},
          {"length", length},
          {"carry", static_cast<std::int64_t>(carry)},
          {"xs", static_cast<std::int64_t>(xs)},
          {"reverse", reverse}};
}

// For the samples of ops that hold Programs: one that takes arrays like these.
inline ProgramRef program_like(const Leaves& in, const std::function<Leaves(const Leaves&)>& f) {
  std::vector<Aval> avals;
  for (const Array& a : in) avals.push_back(a.aval());
  return stage_closed(f, avals, "sample");
}
using Plain = std::vector<std::vector<long double>>;

}  // namespace dini::detail::control
