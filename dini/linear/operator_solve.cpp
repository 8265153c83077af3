#include "dini/linear/operator_solve.hpp"

#include <algorithm>

#include "dini/linear/check_status.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/linalg_build.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/registry.hpp"
#include "dini/transforms/control_ops.hpp"
#include "dini/transforms/lanes.hpp"

namespace dini {

namespace detail {

namespace operators {

Leaves part(const Leaves& v, std::size_t first, std::size_t last) {
  return {v.begin() + static_cast<std::ptrdiff_t>(first), v.begin() + static_cast<std::ptrdiff_t>(last)};
}
Leaves behind(const Array& first, const Leaves& rest) {
  Leaves out{first};
  out.insert(out.end(), rest.begin(), rest.end());
  return out;
}

// What the op holds: Programs for A, for x from b, and the same of Aᵀ, made when they are asked for. The op's inputs are
// [b, prepared..., kept...].
struct Spec : Opaque {
  std::string name() const override { return "operator"; }
  virtual ProgramRef apply() const = 0;    // [v, prepared..., kept...] -> A v
  virtual ProgramRef forward() const = 0;  // [b, prepared..., kept...] -> x
  virtual std::shared_ptr<const Spec> transposed() const = 0;
  /// For many right-hand sides [k, n] at once of the same [prepared..., kept...], the solutions [k, n]; or undefined.
  virtual Array many(const Array& sides, const Leaves& rest) const { return (void)sides, (void)rest, Array(); }
};
using SpecRef = std::shared_ptr<const Spec>;

struct Plain final : Spec {
  LinearSystem system;
  LinearMethodRef method;
  LinearFailure failure = LinearFailure::raise;
  std::vector<Aval> prepared, kept;
  bool of_transpose = false;

  Lazy<ProgramRef> apply_, forward_;
  Lazy<SpecRef> transposed_;

  std::vector<Aval> inputs() const {
    std::vector<Aval> in{system.product()->input_avals()[0]};
    in.insert(in.end(), prepared.begin(), prepared.end());
    in.insert(in.end(), kept.begin(), kept.end());
    return in;
  }
  Leaves kept_of(const Leaves& in) const { return part(in, 1 + prepared.size(), in.size()); }
  Array product(const Array& v, const Leaves& rest) const {
    const LinearSystem here = system.with(rest);
    return of_transpose ? here.transposed().apply(v) : here.apply(v);
  }

  ProgramRef apply() const override {
    return apply_.get([&] {
      return stage_closed([&](const Leaves& in) { return Leaves{product(in[0], kept_of(in))}; }, inputs(),
                          "operator_solve");
    });
  }
  ProgramRef forward() const override {
    return forward_.get([&] {
      return stage_closed(
          [&](const Leaves& in) {
            const Array& b = in[0];
            if (b.size() == 0) return Leaves{b};
            const Leaves rest = kept_of(in);
            // Scaled by a power of two to size about 1, so that a method's absolute numbers mean the same at any scale.
            const Array largest = max(abs(b));
            const Array usable = (largest > 0) & isfinite(largest);
            const Array exponent = round(log2(where(usable, largest, astype(Array(1.0), b.dtype()))));
            const Array scale = exp2(exponent);
            const LinearOutcome out =
                method->attempt([&](const Array& v) { return product(v, rest); }, system.with(rest),
                                part(in, 1, 1 + prepared.size()), b / scale, of_transpose);
            const Array x = out.x * scale;
            if (failure == LinearFailure::nan) return Leaves{where(out.status == 0, x, Array(std::nan("")))};
            if (failure == LinearFailure::keep) return Leaves{x};
            Report report{"adjoint: " + method->name(), ReportKind::linear};
            report.entry = method->advice();
            return Leaves{check_status(x, out.status, array(std::int64_t{0}), out.residual, report)};
          },
          inputs(), "operator_solve");
    });
  }
  Array many(const Array& sides, const Leaves& rest) const override {
    const auto middle = rest.begin() + static_cast<std::ptrdiff_t>(prepared.size());
    const Array columns =
        method->solve_many(system.with({middle, rest.end()}), {rest.begin(), middle}, sides.T(), of_transpose);
    return columns.defined() ? columns.T() : columns;
  }
  SpecRef transposed() const override {
    return transposed_.get([&] {
      auto t = std::make_shared<Plain>();
      t->system = system;
      t->method = method;
      t->failure = failure;
      t->prepared = prepared;
      t->kept = kept;
      t->of_transpose = !of_transpose;
      return t;
    });
  }
};

struct Lanes final : Spec {
  SpecRef inner;
  std::vector<bool> batched;
  std::int64_t size = 0;
  ProgramRef apply() const override { return batch_program(inner->apply(), batched, size, {true}).program; }
  ProgramRef forward() const override { return lanes_program(inner->forward(), batched, size, {true}).program; }
  SpecRef transposed() const override {
    auto t = std::make_shared<Lanes>();
    t->inner = inner->transposed();
    t->batched = batched;
    t->size = size;
    return t;
  }
};

SpecRef spec_of(const Params& params) { return std::static_pointer_cast<const Spec>(params.get<OpaqueRef>("spec")); }

const Op& op();

Array emit_solve(const SpecRef& spec, const Leaves& inputs) {
  return emit_one(op(), inputs, {{"spec", OpaqueRef(spec)}});
}

std::vector<Aval> types_of(const Leaves& arrays) {
  std::vector<Aval> out;
  for (const Array& a : arrays) out.push_back({a.shape(), a.dtype(), false});
  return out;
}

SpecRef plain_spec(const LinearSystem& system, const LinearMethodRef& method, const Leaves& prepared,
                   LinearFailure failure) {
  auto spec = std::make_shared<Plain>();
  spec->system = system.with({});
  spec->method = method;
  spec->failure = failure;
  spec->prepared = types_of(prepared);
  spec->kept = types_of(system.kept());
  return spec;
}

// Samples: A = s K² + m I, where K² has the squares of K's elements and m is an integer; less I for a fixed point; one of A
// and -A definite for conjugate gradients. And one without solution, A = 0.
std::vector<Sample> operator_samples(Dtype d) {
  Leaves kept{sample_definite({3, 3}, d), astype(array(0.25), d), array(std::int64_t{2})};
  const Array b = sample({3}, d);
  const double tolerance = d == Dtype::float32 ? 1e-6 : 1e-14;
  std::vector<Sample> out;
  auto add = [&](const Adjoint& adjoint, bool fixed_point, LinearFailure failure, const char* error = "") {
    std::vector<Aval> avals = types_of(kept);
    avals.insert(avals.begin(), b.aval());
    const ProgramRef product = stage_closed(
        [](const Leaves& v) { return Leaves{v[2] * dot(square(v[1]), v[0]) + astype(v[3], v[0].dtype()) * v[0]}; },
        avals, "sample");
    const LinearSystem system =
        fixed_point ? LinearSystem::of_fixed_point(product, kept) : LinearSystem::of_products(product, kept);
    const Leaves prepared = adjoint.method()->prepare(system);
    Leaves in = behind(b, prepared);
    in.insert(in.end(), kept.begin(), kept.end());
    out.push_back({in,
                   {{"spec", OpaqueRef(plain_spec(system, adjoint.method(), prepared, failure))},
                    {"fixed_point", fixed_point},
                    {"first_kept", static_cast<std::int64_t>(1 + prepared.size())}},
                   error});
  };
  add(CG{.tolerance = tolerance}, false, LinearFailure::raise);
  kept = {kept[0], -kept[1], array(std::int64_t{0})};
  add(CG{.tolerance = tolerance}, true, LinearFailure::keep);
  kept = {sample_matrix({3, 3}, d, 1), -kept[1], array(std::int64_t{2})};
  add(GMRES{.restart = 3, .tolerance = tolerance}, true, LinearFailure::raise);
  add(BiCGStab{.tolerance = tolerance}, false, LinearFailure::nan);
  kept = {kept[0], zeros({}, d), array(std::int64_t{0})};
  add(GMRES{.restart = 3, .tolerance = tolerance}, false, LinearFailure::raise, "adjoint: gmres");
  return out;
}

std::vector<std::vector<long double>> plain_operator_solve(const Sample& in) {
  const auto k = static_cast<std::size_t>(in.params.integer("first_kept"));
  PlainMatrix a(numbers(in.in[k]), 0, 3, 3);
  const PlainMatrix b(numbers(in.in[0]), 0, 3, 1);
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) a(i, j) *= a(i, j) * numbers(in.in[k + 1])[0];
    a(i, i) += numbers(in.in[k + 2])[0] - (in.params.flag("fixed_point") ? 1 : 0);
  }
  return {plain_solve(a, b).x};
}

const Op& op() {
  static const Op record = [] {
    Op o;
    o.name = "operator_solve";
    o.infer = [](std::span<const Aval> in, const Params&) {
      return std::vector<Aval>{{in[0].shape, in[0].dtype, false}};
    };
    o.inlined = [](const Params& params, std::span<const Aval>) { return spec_of(params)->forward(); };
    o.jvp = [](const JvpCall& call) {
      const SpecRef spec = spec_of(call.params);
      Array right = call.tangents[0];
      std::vector<bool> active{false};
      Leaves moving;
      for (std::size_t k = 1; k < call.in.size(); ++k) {
        active.push_back(call.tangents[k].defined());
        if (active.back()) moving.push_back(call.tangents[k]);
      }
      if (!moving.empty()) {
        const LinearProgram linear = linear_program(spec->apply(), active);
        if (linear.out_active[0]) {
          Leaves at(call.in.begin(), call.in.end());
          at[0] = call.out[0];
          const Leaves all = emit(call_op(), at, {{"program", linear.primal}, {"name", std::string("A x")}});
          moving.insert(moving.end(), all.begin() + 1, all.end());
          const Array change =
              emit_one(call_op(), moving, {{"program", linear.tangent}, {"name", std::string("dA x")}});
          right = right.defined() ? right - change : -change;
        }
      }
      if (!right.defined()) return Leaves{Array()};
      Leaves inputs(call.in.begin(), call.in.end());
      inputs[0] = right;
      return Leaves{emit_solve(spec, inputs)};
    };
    o.transpose = [](const TransposeCall& call) {
      Leaves inputs(call.in.begin(), call.in.end()), out(call.in.size());
      inputs[0] = call.cotangents[0];
      out[0] = emit_solve(spec_of(call.params)->transposed(), inputs);
      return out;
    };
    o.batch = [](const BatchCall& call) {
      if (std::find(call.batched.begin() + 1, call.batched.end(), true) == call.batched.end()) {
        const Array out = spec_of(call.params)->many(call.in[0], Leaves(call.in.begin() + 1, call.in.end()));
        if (out.defined()) return Batched{{out}, {true}};
      }
      auto lanes = std::make_shared<Lanes>();
      lanes->inner = spec_of(call.params);
      lanes->batched = call.batched;
      lanes->batched[0] = true;
      lanes->size = call.size;
      Leaves in(call.in.begin(), call.in.end());
      if (!call.batched[0]) in[0] = repeat_leading(in[0], call.size);
      return Batched{{emit_solve(lanes, in)}, {true}};
    };
    o.samples = operator_samples;
    o.plain = plain_operator_solve;
    return o;
  }();
  return record;
}

}  // namespace operators

Array operator_solve(const LinearSystem& system, const LinearMethodRef& method, const Leaves& prepared, const Array& b,
                     LinearFailure failure) {
  Leaves inputs = operators::behind(b, prepared);
  inputs.insert(inputs.end(), system.kept().begin(), system.kept().end());
  return operators::emit_solve(operators::plain_spec(system, method, prepared, failure), inputs);
}

const Op& operator_solve_op() { return operators::op(); }

}  // namespace detail

OpList linear_ops() {
  static const Op* const list[] = {&detail::operator_solve_op(), &detail::check_status_op(), &detail::guard_op()};
  return list;
}

}  // namespace dini
