#include "dini/transforms/debug_nans.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

#include "dini/core/index.hpp"
#include "dini/trace/program.hpp"
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

Leaves part(const Leaves& v, std::size_t first, std::size_t last) {
  return {v.begin() + static_cast<std::ptrdiff_t>(first), v.begin() + static_cast<std::ptrdiff_t>(last)};
}
Leaves join(Leaves a, const Leaves& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Runs what the op holds an operation at a time, each of which is looked at.
void look_inside(const Op& op, const Leaves& in, const Params& params) {
  std::vector<Aval> avals;
  for (const Array& a : in) avals.push_back(a.aval());
  if (op.inlined) {
    evaluate(*op.inlined(params, avals), in);
  } else if (op.name == "cond") {
    const auto& branches = params.get<std::vector<ProgramRef>>("branches");
    const std::int64_t last = static_cast<std::int64_t>(branches.size()) - 1;
    const std::int64_t k = std::clamp<std::int64_t>(in[0].item<std::int64_t>(), 0, last);
    evaluate(*branches[static_cast<std::size_t>(k)], part(in, 1, in.size()));
  } else if (op.name == "while") {
    const auto carry = static_cast<std::size_t>(params.integer("carry"));
    const std::size_t middle = carry + static_cast<std::size_t>(params.integer("cond_captured"));
    Leaves state = part(in, 0, carry);
    while (evaluate(*params.program("cond"), join(state, part(in, carry, middle)))[0].item<bool>()) {
      state = evaluate(*params.program("body"), join(state, part(in, middle, in.size())));
    }
  } else if (op.name == "scan") {
    const auto carry = static_cast<std::size_t>(params.integer("carry")),
               xs = static_cast<std::size_t>(params.integer("xs"));
    const std::int64_t length = params.integer("length");
    Leaves state = part(in, 0, carry);
    for (std::int64_t k = 0; k < length; ++k) {
      const std::int64_t at = params.flag("reverse") ? length - 1 - k : k;
      Leaves inputs = state;
      for (std::size_t j = 0; j < xs; ++j) inputs.push_back(in[carry + j](at));
      state = part(evaluate(*params.program("body"), join(inputs, part(in, carry + xs, in.size()))), 0, carry);
    }
  }
}

bool holds_programs(const Op& op) { return op.inlined || op.name == "cond" || op.name == "while" || op.name == "scan"; }

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
