#include "dini/linear/check_status.hpp"

#include <cmath>
#include <cstdio>
#include <cstring>

#include "dini/ops/create.hpp"
#include "dini/ops/linalg_build.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/trace/emit.hpp"
#include "dini/transforms/control_ops.hpp"
#include "dini/transforms/derive.hpp"
#include "dini/transforms/grad.hpp"

namespace dini {

namespace detail {

Array code(StatusCode c) { return array(static_cast<std::int64_t>(c)); }

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
    case ReportKind::bracketed_solve:
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
        case Cause::semidefinite:
          return ", for the Hessian is not positive definite in the directions that the active constraints leave: " +
                 describe(code);
        case Cause::tie:
          std::snprintf(text, sizeof text,
                        ", where %g constraints are active with a multiplier of 0, so that it has two sides", measure);
          break;
      }
  }
  std::string out = std::string(text) + ": " + describe(code) + call.params.text("entry");
  const bool bracketed = call.params.integer("kind") == static_cast<std::int64_t>(ReportKind::bracketed_solve);
  if ((code == StatusCode::nonfinite || bracketed) && call.params.has("map")) {
    const ProgramRef map = call.params.program("map");
    const Params::Ints& lanes = call.params.ints("lanes");
    Leaves theta;
    for (std::size_t k = report_inputs; k < call.in_avals.size(); ++k) {
      theta.push_back(lane_of(call.in_avals[k], call.in[k], lanes[k - report_inputs] != 0, lane));
    }
    const Array z = lane_of(call.in_avals[4], call.in[4], has_lanes, lane);
    TraceScope scope(nullptr);
    auto mapped = [&](const Array& v) {
      Leaves inputs{v};
      inputs.insert(inputs.end(), theta.begin(), theta.end());
      return emit(call_op(), inputs, {{"program", map}, {"name", std::string("f")}})[0];
    };
    out += bracketed ? bracket_entry(code, mapped, z, theta[0], theta[1]) : nonfinite_entry(mapped, z);
  }
  return out;
}

}  // namespace

const Op& check_status_op() {
  static const Op op = [] {
    Op o;
    o.name = "check_status";
    o.rounding = Rounding::exact;
    o.sees_all_lanes = true;
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

}  // namespace dini
