// Mutants of ops: what a rule receives, emits and returns, and what a kernel computes.
#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "dini/core/index.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/elementwise_ops.hpp"
#include "dini/ops/linalg_ops.hpp"
#include "dini/ops/reduce_ops.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/ops/shaping_ops.hpp"
#include "dini/trace/emit.hpp"
#include "dini/trace/internal.hpp"
#include "mutant.hpp"

namespace dini::mutation {
namespace {

std::string text(std::size_t k) { return std::to_string(k); }

// Ops that hold Programs have operands without end; the first of them do.
constexpr std::size_t counted = 4;

// The next array that could stand in the i-th's place; the number of them where there is none.
std::size_t next_alike(const Leaves& a, std::size_t i) {
  for (std::size_t j = i + 1; j < a.size(); ++j) {
    if (a[j].defined() && a[i].shape() == a[j].shape() && a[i].dtype() == a[j].dtype() && a[i].node() != a[j].node()) {
      return j;
    }
  }
  return a.size();
}

Array negated(const Array& a) { return a.dtype() == Dtype::bool_ ? logical_not(a) : -a; }

// Ops that change nothing where the type stays.
bool only_shapes(const Op& op) {
  const Op* const ops[] = {&convert_op(), &broadcast_op(), &reshape_op(), &concatenate_op()};
  return std::find(std::begin(ops), std::end(ops), &op) != std::end(ops) || op.name == "barrier";
}

// ---- What a rule emits -----------------------------------------------------------------------------------------------

const Op* sibling(const Op& op) {
  static const std::map<const Op*, const Op*> siblings = [] {
    std::map<const Op*, const Op*> both;
    for (auto [a, b] : {std::pair(&add_op(), &sub_op()),
                        {&maximum_op(), &minimum_op()},
                        {&eq_op(), &ne_op()},
                        {&logical_and_op(), &logical_or_op()},
                        {&sin_op(), &cos_op()},
                        {&sinh_op(), &cosh_op()},
                        {&max_op(), &min_op()},
                        {&sum_op(), &prod_op()}}) {
      both[a] = b;
      both[b] = a;
    }
    return both;
  }();
  const auto place = siblings.find(&op);
  return place == siblings.end() ? nullptr : place->second;
}

// Whether an operand and the next have no order. The directions of derivatives of e^A and of cofactors have none.
bool commutes(const Op& op, std::size_t operand) {
  if (&op == &expm_op() || &op == &cofactor_op()) return operand > 0;
  const Op* const ops[] = {&add_op(), &mul_op(),         &maximum_op(),    &minimum_op(),     &hypot_op(), &eq_op(),
                           &ne_op(),  &logical_and_op(), &logical_or_op(), &logical_xor_op(), &betaln_op()};
  return std::find(std::begin(ops), std::end(ops), &op) != std::end(ops);
}

// Whether a transposition is more than a reshape.
bool moves_elements(const Shape& shape, const Params::Ints& axes) {
  std::int64_t last = -1;
  for (std::int64_t axis : axes) {
    if (shape[static_cast<int>(axis)] == 1) continue;
    if (axis < last) return shape.size() > 0;
    last = axis;
  }
  return false;
}

// What the op infers; nothing where it refuses.
std::vector<Aval> inferred(const Op& op, const Leaves& inputs, const Params& params) {
  std::vector<Aval> avals;
  for (const Array& a : inputs) avals.push_back(a.aval());
  try {
    return op.infer(avals, params);
  } catch (const std::exception&) { return {}; }
}

// The parameters with one flag flipped or one axis moved, where the result's type stays.
std::vector<std::pair<std::string, Params>> misread(const Op& op, const Leaves& inputs, const Params& params) {
  std::vector<std::pair<std::string, Params>> out;
  const std::vector<Aval> wanted = inferred(op, inputs, params);
  if (std::all_of(wanted.begin(), wanted.end(), [](const Aval& a) { return a.shape.size() == 0; })) return out;
  const int ndim = inputs.empty() ? wanted[0].shape.ndim() : inputs[0].ndim();
  for (const auto& [name, value] : params.items()) {
    Params other = params;
    // Not to rely on a promise ("unique") is never wrong, and full factors of the shape of thin ones are thin ones.
    if (const bool* flag = std::get_if<bool>(&value);
        flag && name != "weak" && name != "full" && !(*flag && name == "unique")) {
      other.set(name, !*flag);
    } else if (const auto* axis = std::get_if<std::int64_t>(&value); axis && name == "axis" && ndim > 1) {
      other.set(name, (*axis + 1) % ndim);
    } else if (const auto* axes = std::get_if<Params::Ints>(&value);
               axes && name == "axes" && axes->size() == 1 && ndim > 1 && &op != &broadcast_op()) {
      other.set(name, Params::Ints{(axes->front() + 1) % ndim});
    } else {
      continue;
    }
    if (inferred(op, inputs, other) == wanted) out.emplace_back(name + " misread", other);
  }
  return out;
}

// Hands on what a rule emits, but for the one op in which the mutant goes wrong.
class RuleTrace final : public Trace {
 public:
  RuleTrace(TraceRef parent, std::string rule) : Trace(std::move(parent)), rule_(std::move(rule)) {}
  bool abstract() const override { return false; }
  std::string kind() const override { return parent() ? parent()->kind() : "a rule"; }

  Leaves process(const Op& op, const Leaves& inputs, const Params& params) override {
    TraceScope scope(parent());
    // Counted by name, since what is emitted beside depends on shapes: a scalar is not broadcast.
    const std::string place = rule_ + " emits " + op.name + " " + text(count_[op.name]++) + ": ";
    if (!session().listing && session().wanted.compare(0, place.size(), place) != 0) return emit(op, inputs, params);
    if (const Op* other = sibling(op); other && chosen(place + other->name + " instead")) {
      return emit(*other, inputs, params);
    }
    for (std::size_t i = 0; i < std::min(inputs.size(), counted); ++i) {
      const std::size_t j = next_alike(inputs, i);
      if (j == inputs.size() || commutes(op, i) || !chosen(place + "operand " + text(i) + " swapped with the next"))
        continue;
      Leaves swapped = inputs;
      std::swap(swapped[i], swapped[j]);
      return emit(op, swapped, params);
    }
    for (const auto& [what, other] : misread(op, inputs, params)) {
      if (chosen(place + what)) return emit(op, inputs, other);
    }
    if (&op == &transpose_op() && moves_elements(inputs[0].shape(), params.ints("axes")) &&
        chosen(place + "reshaped, not transposed")) {
      Leaves out = emit(op, inputs, params);
      return {reshape(inputs[0], Lengths(out[0].shape()))};
    }
    Leaves out = emit(op, inputs, params);
    if (out.size() != 1 || out[0].size() == 0) return out;
    for (std::size_t i = 0; i < std::min(inputs.size(), counted) && !only_shapes(op); ++i) {
      if (out[0].aval() == inputs[i].aval() && chosen(place + "operand " + text(i) + " instead")) return {inputs[i]};
    }
    if (only_shapes(op) && std::all_of(inputs.begin(), inputs.end(), [&](const Array& a) { return has_no_sign(a); })) {
      signless_.push_back(out[0]);
    } else if ((is_floating(out[0].dtype()) || out[0].dtype() == Dtype::bool_) && chosen(place + "negated")) {
      return {negated(out[0])};
    }
    return out;
  }

 private:
  // Zeros or NaNs.
  bool has_no_sign(const Array& a) const {
    if (a.concrete()) {
      const auto values = a.to_vector<double>();
      return std::none_of(values.begin(), values.end(), [](double x) { return std::fabs(x) > 0; });
    }
    return std::any_of(signless_.begin(), signless_.end(), [&](const Array& zero) { return zero.node() == a.node(); });
  }

  std::string rule_;
  Leaves signless_;
  std::map<std::string, std::size_t> count_;
};

// A custom rule's ops are its user's, here a test's.
template <class F> auto watched(const std::string& rule, const Params& params, const F& f) {
  if (params.has("rule")) return f();
  TraceScope scope(std::make_shared<RuleTrace>(current_trace(), rule));
  return f();
}

// ---- What a rule receives and returns --------------------------------------------------------------------------------

Leaves broken(Leaves a, const std::string& place) {
  for (std::size_t i = 0; i < std::min(a.size(), counted); ++i) {
    if (!a[i].defined()) continue;
    const std::string it = place + " " + text(i) + ": ";
    if (is_floating(a[i].dtype())) {
      if (chosen(it + "dropped")) {
        a[i] = Array();
        continue;
      }
      if (chosen(it + "negated")) a[i] = -a[i];
      if (chosen(it + "doubled")) a[i] = a[i] + a[i];
    }
    const std::size_t j = next_alike(a, i);
    if (j < a.size() && chosen(it + "swapped with the next")) std::swap(a[i], a[j]);
  }
  return a;
}
// Values are all there, whatever is wrong with them.
Leaves broken_values(Leaves a, const std::string& place) {
  for (std::size_t i = 0; i < std::min(a.size(), counted); ++i) {
    if ((is_floating(a[i].dtype()) || a[i].dtype() == Dtype::bool_) && chosen(place + " " + text(i) + ": negated")) {
      a[i] = negated(a[i]);
    }
  }
  return a;
}

bool any_defined(const Leaves& a) {
  return std::any_of(a.begin(), a.end(), [](const Array& x) { return x.defined(); });
}

Array first_lane(const Array& a) { return broadcast_to(a(slice(0, 1), ellipsis), a.shape()); }

void break_lanes(Array& a, const std::string& it) {
  if (a.shape().size() == 0 || a.shape()[0] < 2) return;
  if (chosen(it + "lanes reversed")) a = flip(a, AxisList{0});
  if (chosen(it + "its first lane in all")) a = first_lane(a);
}

// ---- Kernels ---------------------------------------------------------------------------------------------------------

template <class T> void spoil(T* a, std::size_t n, bool negate) {
  for (std::size_t i = 0; i < n; ++i) {
    if constexpr (std::is_same_v<T, bool>) {
      a[i] = !a[i];
    } else {
      a[i] = static_cast<T>(negate ? -a[i] : a[i] + a[i]);
    }
  }
}

// Kernels are plain functions, and a process has one mutant: what a spoiled kernel wraps is global.
Kernel whole_kernel;
ElementKernel (*whole_element)(std::span<const Aval>, const Aval&);
std::size_t spoiled_output;
bool negates;

void spoiled_kernel(const KernelCall& call) {
  whole_kernel(call);
  const Aval& aval = call.out_avals[spoiled_output];
  visit_dtype(aval.dtype, [&]<class T>() {
    spoil(static_cast<T*>(call.out[spoiled_output]), static_cast<std::size_t>(aval.shape.size()), negates);
  });
}

template <class From, class To> ElementKernel whole_loop;
template <class From, class To> void spoiled_loop(const void* const* in, void* out, std::size_t n) {
  whole_loop<From, To>(in, out, n);
  spoil(static_cast<To*>(out), n, negates);
}
ElementKernel spoiled_element(std::span<const Aval> in, const Aval& out) {
  const ElementKernel whole = whole_element(in, out);
  if (!whole) return whole;
  return visit_dtype(in.back().dtype, [&]<class From>() {
    return visit_dtype(out.dtype, [&]<class To>() -> ElementKernel {
      whole_loop<From, To> = whole;
      return spoiled_loop<From, To>;
    });
  });
}

void break_kernel(const Op& op) {
  const Sample sample = op.samples(Dtype::float64).front();
  std::vector<Aval> avals;
  for (const Array& a : sample.in) avals.push_back(a.aval());
  const std::vector<Aval> outputs = op.infer(avals, sample.params);
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    for (bool negate : {true, false}) {
      if (!negate && outputs[k].dtype == Dtype::bool_) continue;
      if (!chosen(op.name + " kernel, output " + text(k) + (negate ? ": negated" : ": doubled"))) continue;
      whole_kernel = std::exchange(op.kernel, spoiled_kernel);
      whole_element = op.element;
      if (op.element) op.element = spoiled_element;
      spoiled_output = k;
      negates = negate;
      return;
    }
  }
}

}  // namespace

void break_op(const Op& op) {
  if (op.kernel) break_kernel(op);
  if (op.inlined) {
    op.inlined = [rule = op.inlined, place = op.name + " as a Program, output"](const Params& params,
                                                                                std::span<const Aval> avals) {
      const ProgramRef program = rule(params, avals);
      if (session().listing) {
        Leaves alike;
        for (const Aval& a : program->output_avals()) alike.push_back(zeros({}, a.dtype));
        broken_values(alike, place);
      }
      if (session().listing || session().wanted.compare(0, place.size(), place) != 0) return program;
      return stage_closed([&](const Leaves& inputs) { return broken_values(evaluate(*program, inputs), place); },
                          program->input_avals(), "mutation");
    };
  }
  if (op.prepare) {
    op.prepare = [rule = op.prepare, name = op.name](const Params& params, const Leaves& inputs) {
      auto [closed, all] = rule(params, inputs);
      for (std::size_t k = inputs.size(); k < all.size(); ++k) {
        if (chosen(name + " captured " + text(k - inputs.size()) + ": held constant")) all[k] = stop_gradient(all[k]);
      }
      return std::pair(closed, all);
    };
  }
  // Where a derivative is refused, the rule only throws.
  const bool refuses = !op.no_jvp.empty();
  if (op.jvp && !refuses) {
    op.jvp = [rule = op.jvp, name = op.name](const JvpCall& call) -> Leaves {
      const Leaves tangents = broken(Leaves(call.tangents.begin(), call.tangents.end()), name + " jvp, tangent");
      if (!any_defined(tangents)) return Leaves(call.out.size());
      return broken(watched(name + " jvp", call.params,
                            [&] {
                              return rule({call.params, call.in, call.out, tangents});
                            }),
                    name + " jvp, result");
    };
  }
  if (op.linearize) {
    op.linearize = [rule = op.linearize, name = op.name](const LinearizeCall& call) {
      Linearized linear = watched(name + " linearize", call.params, [&] { return rule(call); });
      linear.out = broken_values(std::move(linear.out), name + " linearize, output");
      linear.apply = [apply = linear.apply, name, params = call.params,
                      outputs = linear.out.size()](const Leaves& given) -> Leaves {
        const Leaves tangents = broken(given, name + " linearize, tangent");
        if (!any_defined(tangents)) return Leaves(outputs);
        return broken(watched(name + " linearize's map", params, [&] { return apply(tangents); }),
                      name + " linearize, result");
      };
      return linear;
    };
  }
  if (op.joint && !refuses) {
    op.joint = [rule = op.joint, name = op.name](const JvpCall& call) -> std::pair<Leaves, Leaves> {
      const Leaves tangents = broken(Leaves(call.tangents.begin(), call.tangents.end()), name + " joint, tangent");
      auto [out, results] = watched(name + " joint", call.params, [&] {
        return rule({call.params, call.in, call.out, tangents});
      });
      return {broken_values(out, name + " joint, output"), broken(results, name + " joint, result")};
    };
  }
  if (op.transpose) {
    op.transpose = [rule = op.transpose, name = op.name](const TransposeCall& call) -> Leaves {
      const Leaves cotangents =
          broken(Leaves(call.cotangents.begin(), call.cotangents.end()), name + " transpose, cotangent");
      if (!any_defined(cotangents)) return Leaves(call.in.size());
      return broken(watched(name + " transpose", call.params,
                            [&] {
                              return rule({call.params, call.in, call.in_avals, cotangents});
                            }),
                    name + " transpose, result");
    };
  }
  if (op.batch) {
    op.batch = [rule = op.batch, name = op.name](const BatchCall& call) {
      Leaves in(call.in.begin(), call.in.end());
      for (std::size_t k = 0; k < std::min(in.size(), counted); ++k) {
        if (call.batched[k]) break_lanes(in[k], name + " batch, operand " + text(k) + ": ");
      }
      Batched result = watched(name + " batch", call.params, [&] {
        return rule({call.params, in, call.batched, call.size});
      });
      for (std::size_t k = 0; k < std::min(result.out.size(), counted); ++k) {
        if (result.batched[k]) break_lanes(result.out[k], name + " batch, result " + text(k) + ": ");
      }
      return result;
    };
  }
}

}  // namespace dini::mutation
