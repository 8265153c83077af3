#include "dini/transforms/debug_nans.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

#include "dini/core/index.hpp"
#include "dini/trace/groups.hpp"
#include "dini/trace/internal.hpp"
#include "dini/trace/lane_parts.hpp"
#include "dini/trace/run.hpp"

namespace dini {

namespace detail {

constinit thread_local int watch_nonfinite = 0;

namespace nans {

bool bad(double x, bool infinities) { return std::isnan(x) || (infinities && std::isinf(x)); }

template <class T> std::int64_t first_bad(const void* data, std::int64_t n, bool infinities) {
  const T* x = static_cast<const T*>(data);
  for (std::int64_t k = 0; k < n; ++k) {
    if (bad(static_cast<double>(x[k]), infinities)) return k;
  }
  return -1;
}

// The flat index of the first NaN, or infinity where they count; -1: none.
std::int64_t first_bad(const Array& a) {
  const bool infinities = watch_nonfinite > 1;
  if (a.dtype() == Dtype::float64) return first_bad<double>(a.raw(), a.size(), infinities);
  if (a.dtype() == Dtype::float32) return first_bad<float>(a.raw(), a.size(), infinities);
  return -1;
}

std::string number(double x) {
  if (std::isnan(x)) return "nan";  // whatever its sign bit
  char s[40];
  std::snprintf(s, sizeof s, "%.9g", x);
  return s;
}

std::string index_text(std::int64_t flat, const Shape& shape) {
  std::vector<std::int64_t> index(static_cast<std::size_t>(shape.ndim()));
  for (int d = shape.ndim() - 1; d >= 0; --d) {
    index[static_cast<std::size_t>(d)] = flat % shape[d];
    flat /= shape[d];
  }
  std::string s = "(";
  for (std::size_t d = 0; d < index.size(); ++d) s += (d ? ", " : "") + std::to_string(index[d]);
  return s + ")";
}

std::string message(const Op& op, const Leaves& inputs, const Array& out, std::int64_t at) {
  std::string s = op.name + ": its result " + out.aval().str() + " is " +
                  number(out.to_vector<double>()[static_cast<std::size_t>(at)]);
  if (out.ndim() > 0) s += " at " + index_text(at, out.shape());
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    const Array& a = inputs[k];
    const std::string which = "; input " + std::to_string(k);
    if (a.size() == 1 || a.shape() == out.shape()) {
      const std::size_t place = a.size() == 1 ? 0 : static_cast<std::size_t>(at);
      s += which + (a.ndim() ? " there: " : ": ") + number(a.to_vector<double>()[place]);
    }
    if (const std::int64_t had = first_bad(a); had >= 0) {
      s += which + " " + a.aval().str() + " was so already" + (a.ndim() ? ", at " + index_text(had, a.shape()) : "");
    }
  }
  return s;
}

// Ops that put numbers elsewhere, and make none.
bool only_moves(const Op& op) {
  static const std::set<std::string> names = {"broadcast", "reshape",       "transpose", "slice",   "reverse",
                                              "pad",       "concatenate",   "take",      "scatter", "convert",
                                              "select",    "stop_gradient", "barrier",   "sort",    "neg"};
  return names.count(op.name) != 0;
}

// Runs what the op holds an operation at a time, each of which is looked at.
void look_inside(const Op& op, const Leaves& in, const Params& params) {
  std::vector<Aval> avals;
  for (const Array& a : in) avals.push_back(a.aval());
  if (op.inlined) {
    evaluate(*op.inlined(params, avals), in);
    return;
  }
  Groups groups;
  switch (op.control) {
    case Control::cond: {
      const auto& branches = params.get<std::vector<ProgramRef>>("branches");
      const std::int64_t last = static_cast<std::int64_t>(branches.size()) - 1;
      const std::int64_t k = std::clamp<std::int64_t>(in[0].item<std::int64_t>(), 0, last);
      evaluate(*branches[static_cast<std::size_t>(k)], Leaves(in.begin() + 1, in.end()));
      return;
    }
    case Control::while_loop: {
      const Group carry = groups.next(static_cast<std::size_t>(params.integer("carry"))),
                  for_condition = groups.next(static_cast<std::size_t>(params.integer("cond_captured"))),
                  for_body = groups.next(in.size() - groups.size());
      Leaves state = carry.of(in);
      while (evaluate(*params.program("cond"), joined({state, for_condition.of(in)}))[0].item<bool>()) {
        state = evaluate(*params.program("body"), joined({state, for_body.of(in)}));
      }
      return;
    }
    case Control::scan: {
      const Group carry = groups.next(static_cast<std::size_t>(params.integer("carry"))),
                  xs = groups.next(static_cast<std::size_t>(params.integer("xs"))),
                  captured = groups.next(in.size() - groups.size());
      const std::int64_t length = params.integer("length");
      Leaves state = carry.of(in);
      for (std::int64_t k = 0; k < length; ++k) {
        const std::int64_t at = params.flag("reverse") ? length - 1 - k : k;
        Leaves x;
        for (const Array& a : xs.of(in)) x.push_back(a(at));
        state = carry.of(evaluate(*params.program("body"), joined({state, x, captured.of(in)})));
      }
      return;
    }
    case Control::lanes: {
      const LaneParts s = lane_parts(params);
      for (std::int64_t k = 0; k < s.size; ++k) {
        Leaves one = in;
        for (std::size_t j = 0; j < s.mapped.size; ++j) one[j] = in[j](k);
        evaluate(*s.program, one);
      }
      return;
    }
    case Control::callback:
    case Control::late:
    case Control::none: return;
  }
}

bool holds_programs(const Op& op) {
  return op.inlined || (op.control != Control::none && op.control != Control::callback);
}

}  // namespace nans

Leaves run_op_watched(const Op& op, const Leaves& inputs, const Params& params) {
  using namespace nans;
  if (!holds_programs(op)) {
    Leaves out = run_op(op, inputs, params);
    if (only_moves(op)) return out;
    for (const Array& a : out) {
      if (const std::int64_t at = first_bad(a); at >= 0) throw NanError(message(op, inputs, a, at));
    }
    return out;
  }
  Leaves out;
  try {
    out = run_op(op, inputs, params);
  } catch (const Error&) {
    look_inside(op, inputs, params);  // a NaN may be why it failed, and its place says more
    throw;
  }
  const bool any = std::any_of(out.begin(), out.end(), [](const Array& a) { return first_bad(a) >= 0; });
  // Where nothing within makes one it is meant, as in a solve's history beyond its last step.
  if (any) look_inside(op, inputs, params);
  return out;
}

}  // namespace detail

DebugNans::DebugNans(bool infinities, bool on) : before_(detail::watch_nonfinite) {
  detail::watch_nonfinite = !on ? 0 : infinities ? 2 : 1;
}
DebugNans::~DebugNans() { detail::watch_nonfinite = before_; }

}  // namespace dini
