#include "dini/linear/operator_solve.hpp"

#include <cmath>
#include <cstdio>
#include <cstring>

#include "dini/linear/krylov.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/linalg_build.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/registry.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/transforms/grad.hpp"
#include "dini/transforms/host.hpp"

namespace dini {

namespace detail {

namespace operators {

std::vector<bool> first_of(std::size_t n) {
  std::vector<bool> m(n, false);
  m[0] = true;
  return m;
}

// What the op holds: Programs for A, for x from b, and the same of Aᵀ, made when they are asked for.
struct Spec : Opaque {
  std::string name() const override { return "operator"; }
  virtual ProgramRef apply() const = 0;    // [v, kept...] -> A v
  virtual ProgramRef forward() const = 0;  // [b, kept...] -> x
  virtual std::shared_ptr<const Spec> transposed() const = 0;
};
using SpecRef = std::shared_ptr<const Spec>;

struct Plain final : Spec {
  ProgramRef product;
  bool minus_identity = false, nan = false;
  LinearMethodRef method;

  Lazy<ProgramRef> apply_, forward_;
  Lazy<SpecRef> transposed_;

  ProgramRef apply() const override {
    return apply_.get([&] {
      return stage_closed(
          [&](const Leaves& in) {
            const Array v = evaluate(*product, in)[0];
            return Leaves{minus_identity ? v - in[0] : v};
          },
          product->input_avals(), "operator_solve");
    });
  }
  ProgramRef forward() const override {
    return forward_.get([&] {
      return stage_closed(
          [&](const Leaves& in) {
            const Leaves kept(in.begin() + 1, in.end());
            const Array& b = in[0];
            if (b.size() == 0) return Leaves{b};
            // Scaled by a power of two to size about 1, so that a method's absolute numbers mean the same at any scale.
            const Array largest = max(abs(b));
            const Array usable = (largest > 0) & isfinite(largest);
            const Array exponent = round(log2(where(usable, largest, astype(Array(1.0), b.dtype()))));
            const Array scale = exp2(exponent);
            std::function<Array(const Array&)> map;
            if (minus_identity) {
              map = [&](const Array& v) {
                Leaves inputs{v};
                inputs.insert(inputs.end(), kept.begin(), kept.end());
                return evaluate(*product, inputs)[0];
              };
            }
            const LinearOutcome out = method->solve(apply(), kept, map, b / scale);
            const Array x = out.x * scale;
            if (nan) return Leaves{where(out.status == 0, x, Array(std::nan("")))};
            return Leaves{check_status(x, out.status, array(std::int64_t{0}), out.residual,
                                       {"adjoint: " + method->key(), ReportKind::linear})};
          },
          product->input_avals(), "operator_solve");
    });
  }
  SpecRef transposed() const override {
    return transposed_.get([&] {
      auto t = std::make_shared<Plain>();
      t->product = transpose_program(product, first_of(product->inputs.size()));
      t->minus_identity = minus_identity;
      t->nan = nan;
      t->method = method;
      return t;
    });
  }
};

struct Lanes final : Spec {
  SpecRef inner;
  std::vector<bool> batched;
  std::int64_t size = 0;
  ProgramRef apply() const override { return batch_program(inner->apply(), batched, size, {true}).program; }
  ProgramRef forward() const override { return batch_program(inner->forward(), batched, size, {true}).program; }
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

// Samples: A = s K² + m I, where K² has the squares of K's elements and m is an integer; less I for a fixed point; one of A
// and -A definite for conjugate gradients. And one without solution, A = 0.
std::vector<Sample> operator_samples(Dtype d) {
  const Leaves kept{sample_definite({3, 3}, d), astype(array(0.25), d), array(std::int64_t{2})};
  Leaves in{sample({3}, d)};
  in.insert(in.end(), kept.begin(), kept.end());
  const double tolerance = d == Dtype::float32 ? 1e-6 : 1e-14;
  std::vector<Sample> out;
  auto add = [&](const Leaves& operands, const Adjoint& adjoint, bool minus_identity, bool nan,
                 const char* error = "") {
    auto spec = std::make_shared<Plain>();
    std::vector<Aval> avals;
    for (const Array& a : operands) avals.push_back(a.aval());
    spec->product = stage_closed(
        [](const Leaves& v) { return Leaves{v[2] * dot(square(v[1]), v[0]) + astype(v[3], v[0].dtype()) * v[0]}; },
        avals, "sample");
    spec->minus_identity = minus_identity;
    spec->nan = nan;
    spec->method = krylov_method(adjoint);
    out.push_back({operands, {{"spec", OpaqueRef(spec)}, {"minus_identity", minus_identity}}, error});
  };
  add(in, CG{tolerance, 0}, false, false);
  add({in[0], in[1], -in[2], array(std::int64_t{0})}, CG{tolerance, 0}, true, false);
  in[1] = sample_matrix({3, 3}, d, 1);
  add(in, GMRES{3, tolerance, 0}, true, false);
  add(in, BiCGStab{tolerance, 0}, false, true);
  in[2] = zeros({}, d);
  in[3] = array(std::int64_t{0});
  add(in, GMRES{3, tolerance, 0}, false, false, "adjoint: gmres");
  return out;
}

std::vector<std::vector<long double>> plain_operator_solve(const Sample& in) {
  PlainMatrix a(numbers(in.in[1]), 0, 3, 3);
  const PlainMatrix b(numbers(in.in[0]), 0, 3, 1);
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) a(i, j) *= a(i, j) * numbers(in.in[2])[0];
    a(i, i) += numbers(in.in[3])[0] - (in.params.flag("minus_identity") ? 1 : 0);
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

// ---- Krylov methods, called at run time ----------------------------------------------------------------------------------

struct KrylovFunction final : HostFunction {
  ProgramRef apply;  // [v, kept...] -> A v
  Adjoint adjoint;
  bool negated = false;  // solve -A x = -b
  std::string name() const override { return adjoint.name(); }
  std::vector<Aval> outputs(std::span<const Aval> in) const override {
    return {{in[0].shape, in[0].dtype, false}, {{}, Dtype::int64, false}, {{}, in[0].dtype, false}};
  }
  Leaves call(const Leaves& inputs) const override {
    const Dtype dtype = inputs[0].dtype();
    Leaves arguments = inputs;
    const RealOperator a = [&](const RealVector& v) {
      arguments[0] = astype(from_data(v.data(), inputs[0].shape()), dtype);
      return signed_vector(emit_one(call_op(), arguments, {{"program", apply}, {"name", std::string("A v")}}));
    };
    const RealVector b = signed_vector(inputs[0]);
    const double tolerance = adjoint.tolerance > 0 ? adjoint.tolerance : std::pow(epsilon(dtype), 0.75);
    const long long n = static_cast<long long>(b.size());
    const long long most = adjoint.max_steps > 0 ? adjoint.max_steps : std::max(1000LL, 10 * n);
    const KrylovResult r = adjoint.kind == Adjoint::Kind::cg         ? conjugate_gradients(a, b, tolerance, most)
                           : adjoint.kind == Adjoint::Kind::bicgstab ? bicgstab(a, b, tolerance, most)
                                                                     : gmres(a, b, adjoint.restart, tolerance, most);
    return {astype(from_data(r.x.data(), inputs[0].shape()), dtype), array(static_cast<std::int64_t>(r.status)),
            astype(array(r.residual), dtype)};
  }

 private:
  RealVector signed_vector(const Array& a) const {
    RealVector v = a.to_vector<double>();
    if (negated) {
      for (double& x : v) x = -x;
    }
    return v;
  }
};

}  // namespace operators

Array operator_solve(const ProgramRef& product, bool minus_identity, const LinearMethodRef& method, bool nan,
                     const Array& b, const Leaves& kept) {
  auto spec = std::make_shared<operators::Plain>();
  spec->product = product;
  spec->minus_identity = minus_identity;
  spec->nan = nan;
  spec->method = method;
  Leaves inputs{b};
  inputs.insert(inputs.end(), kept.begin(), kept.end());
  return operators::emit_solve(spec, inputs);
}

// ---- check_status ----------------------------------------------------------------------------------------------------

namespace {

Array copy_of(const Aval& aval, const void* from) {
  void* memory;
  Array a = allocate(aval, &memory);
  std::memcpy(memory, from, static_cast<std::size_t>(aval.shape.size()) * item_size(aval.dtype));
  return a;
}

constexpr std::size_t report_inputs = 5;  // x, status, count, measure, z; then θ

// One lane of an operand that may have a leading axis of lanes, as an array of its own.
Array lane_of(const Aval& aval, const void* from, bool has_lanes, std::int64_t lane) {
  if (!has_lanes) return copy_of(aval, from);
  const Aval one{aval.shape.erased(0), aval.dtype, false};
  return copy_of(
      one, static_cast<const char*>(from) + static_cast<std::size_t>(lane * one.shape.size()) * item_size(one.dtype));
}

double number_at(const Aval& aval, const void* p, std::int64_t k) {
  return visit_dtype(
      aval.dtype, [&]<class T>() { return static_cast<double>(static_cast<const T*>(p)[aval.shape.ndim() ? k : 0]); });
}

std::string describe_failure(const KernelCall& call, StatusCode code, std::int64_t lane, bool has_lanes) {
  const double count = number_at(call.in_avals[2], call.in[2], lane),
               measure = number_at(call.in_avals[3], call.in[3], lane);
  char text[200] = "";
  switch (static_cast<ReportKind>(call.params.integer("kind"))) {
    case ReportKind::solve:
      if (count == 0 && code == StatusCode::nonfinite)
        std::snprintf(text, sizeof text, " at the start, residual norm %.3g", measure);
      else
        std::snprintf(text, sizeof text, " after %lld steps, residual norm %.3g", static_cast<long long>(count),
                      measure);
      break;
    case ReportKind::linear:
      std::snprintf(text, sizeof text, ", residual norm %.3g of a right-hand side of about 1", measure);
      break;
    case ReportKind::derivative:
      switch (static_cast<Cause>(static_cast<int>(count))) {
        case Cause::condition:
          std::snprintf(text, sizeof text, ", condition number %.3g with rows and columns scaled", 1 / measure);
          break;
        case Cause::multiple_root:
          std::snprintf(text, sizeof text,
                        ", as at a multiple root: one Newton correction changes it by %.3g of itself", measure);
          break;
        case Cause::far_from_solution:
          std::snprintf(text, sizeof text, ", its Newton correction is %.3g of its size", measure);
          break;
      }
  }
  std::string out = std::string(text) + ": " + describe(code) + call.params.text("entry");
  if (code == StatusCode::nonfinite && call.params.has("map")) {
    const ProgramRef map = call.params.program("map");
    const Params::Ints& lanes = call.params.ints("lanes");
    Leaves theta;
    for (std::size_t k = report_inputs; k < call.in_avals.size(); ++k) {
      theta.push_back(lane_of(call.in_avals[k], call.in[k], lanes[k - report_inputs] != 0, lane));
    }
    const Array z = lane_of(call.in_avals[4], call.in[4], has_lanes, lane);
    TraceScope scope(nullptr);
    out += nonfinite_entry(
        [&](const Array& v) {
          Leaves inputs{v};
          inputs.insert(inputs.end(), theta.begin(), theta.end());
          return emit_one(call_op(), inputs, {{"program", map}, {"name", std::string("f")}});
        },
        z);
  }
  return out;
}

const Op& check_status_op() {
  static const Op op = [] {
    Op o;
    o.name = "check_status";
    o.rounding = Rounding::exact;
    o.infer = [](std::span<const Aval> in, const Params&) { return std::vector<Aval>{in[0]}; };
    o.kernel = [](const KernelCall& call) {
      const auto* status = static_cast<const std::int64_t*>(call.in[1]);
      const bool has_lanes = call.in_avals[1].shape.ndim() > 0;
      const std::int64_t lanes = call.in_avals[1].shape.size();
      std::int64_t failed = 0, first = -1;
      for (std::int64_t k = lanes; k-- > 0;) {
        if (status[k] == 0) continue;
        ++failed;
        first = k;
      }
      if (failed == 0) {
        std::memcpy(call.out[0], call.in[0],
                    static_cast<std::size_t>(call.in_avals[0].shape.size()) * item_size(call.in_avals[0].dtype));
        return;
      }
      const auto code = static_cast<StatusCode>(status[first]);
      const std::string& what = call.params.text("what");
      const std::string where = has_lanes ? " in lane " + std::to_string(first) + " (" + std::to_string(failed) +
                                                " of " + std::to_string(lanes) + " lanes failed)"
                                          : "";
      SolveError error(what + ": " + name(code) + where + describe_failure(call, code, first, has_lanes), code);
      error.solver = what;
      error.value = copy_of(call.in_avals[4], call.in[4]);
      error.status = copy_of(call.in_avals[1], call.in[1]);
      error.steps = copy_of(call.in_avals[2], call.in[2]);
      error.residual_norm = copy_of(call.in_avals[3], call.in[3]);
      throw error;
    };
    o.jvp = [](const JvpCall& call) { return Leaves{call.tangents[0]}; };
    o.samples = [](Dtype d) {
      // [x, status, count, measure, z]: converged, and not.
      const Params params{{"what", std::string("sample")},
                          {"kind", static_cast<std::int64_t>(ReportKind::solve)},
                          {"entry", std::string(" (entry)")}};
      Leaves in{sample({3}, d), array(std::int64_t{0}), array(std::int64_t{7}), sample({}, d, 1), sample({2}, d, 2)};
      std::vector<Sample> out{{in, params}};
      in[1] = array(static_cast<std::int64_t>(StatusCode::stagnated));
      out.push_back({in, params, "sample: stagnated after 7 steps"});
      return out;
    };
    o.plain = [](const Sample& s) { return std::vector<std::vector<long double>>{numbers(s.in[0])}; };
    o.batch = [](const BatchCall& call) {
      // Every operand of the report gets the axis, so that it has all lanes; θ keeps what it has.
      Leaves in(call.in.begin(), call.in.end());
      for (std::size_t k = 0; k < report_inputs; ++k) {
        if (!call.batched[k]) in[k] = repeat_leading(in[k], call.size);
      }
      const bool nested = in[1].ndim() > 1;  // lanes of lanes: which entry is at fault is not looked for
      if (nested) in.resize(report_inputs);
      Params params{{"what", call.params.text("what")},
                    {"kind", call.params.integer("kind")},
                    {"entry", call.params.text("entry")}};
      if (call.params.has("map") && !nested) {
        Params::Ints lanes;
        for (std::size_t k = report_inputs; k < in.size(); ++k) lanes.push_back(call.batched[k] ? 1 : 0);
        params.set("map", call.params.program("map"));
        params.set("lanes", lanes);
      }
      return Batched{{emit_one(check_status_op(), in, params)}, {true}};
    };
    return o;
  }();
  return op;
}

struct KrylovMethod final : LinearMethod {
  explicit KrylovMethod(Adjoint a) : adjoint(std::move(a)) {}
  Adjoint adjoint;
  std::string key() const override { return adjoint.key(); }
  LinearOutcome solve(const ProgramRef& apply, const Leaves& kept, const std::function<Array(const Array&)>& map,
                      const Array& b) const override {
    auto f = std::make_shared<operators::KrylovFunction>();
    f->apply = apply;
    f->adjoint = adjoint;
    // What is definite of a fixed point is I - M, and conjugate gradients mind the sign.
    f->negated = static_cast<bool>(map);
    Leaves inputs{b};
    inputs.insert(inputs.end(), kept.begin(), kept.end());
    const Leaves out = emit(callback_op(), inputs, {{"function", OpaqueRef(f)}});
    return {out[0], out[1], out[2]};
  }
};

}  // namespace

LinearMethodRef krylov_method(const Adjoint& adjoint) { return std::make_shared<KrylovMethod>(adjoint); }

std::string nonfinite_entry(const std::function<Array(const Array&)>& map, const Array& z) {
  const std::vector<double> value = map(z).to_vector<double>();
  for (std::size_t k = 0; k < value.size(); ++k) {
    if (!std::isfinite(value[k])) return " (the function's value at index " + std::to_string(k) + ")";
  }
  if (z.size() > 1000) return "";
  // A slope that is not finite spoils all columns of its row in forward mode, which multiplies it by zeros, and all rows of
  // its column in reverse: it stands where both meet.
  const std::vector<double> a = jacfwd(map)(z).to_vector<double>();
  std::vector<double> b;
  try {
    b = jacrev(map)(z).to_vector<double>();
  } catch (const TraceError&) {  // a map that reverse mode does not go through
    b = a;
  }
  const auto n = static_cast<std::size_t>(z.size());
  for (std::size_t k = 0; k < a.size(); ++k) {
    if (!std::isfinite(a[k]) && !std::isfinite(b[k])) {
      return " (its Jacobian in row " + std::to_string(k / n) + ", column " + std::to_string(k % n) + ")";
    }
  }
  return "";
}

Array check_status(const Array& x, const Array& status, const Array& count, const Array& measure,
                   const Report& report) {
  Leaves in{x, status, count, measure, report.z.defined() ? report.z : x};
  const auto kind = static_cast<std::int64_t>(report.kind);
  const Params::Ints lanes(report.theta.size(), 0);
  if (!report.map)
    return emit_one(check_status_op(), in, {{"what", report.what}, {"kind", kind}, {"entry", report.entry}});
  in.insert(in.end(), report.theta.begin(), report.theta.end());
  return emit_one(
      check_status_op(), in,
      {{"what", report.what}, {"kind", kind}, {"entry", report.entry}, {"lanes", lanes}, {"map", report.map}});
}

}  // namespace detail

OpList linear_ops() {
  static const Op* const list[] = {&detail::operators::op(), &detail::check_status_op()};
  return list;
}

}  // namespace dini
