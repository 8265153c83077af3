#include "registry_checks.hpp"

#include <algorithm>
#include <mutex>
#include <set>
#include <sstream>

#include "dini/exec/executable.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/linalg_ops.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/trace/emit.hpp"
#include "dini/transforms/batch.hpp"
#include "dini/transforms/callable.hpp"
#include "dini/transforms/jvp.hpp"
#include "registry_numbers.hpp"

namespace dini::registry {

const char* name(Check check) {
  constexpr const char* names[] = {"value", "jvp", "dot", "second", "batch", "program", "transpose"};
  return names[static_cast<int>(check)];
}

const std::map<std::string, std::string>& tested_elsewhere() {
  static const std::map<std::string, std::string> reasons = {
      {"call", "holds a Program: transforms/wrappers_test, semantics_test"},
      {"cond", "holds Programs: transforms/wrappers_test, control_test"},
      {"while", "holds Programs: transforms/control_test"},
      {"scan", "holds a Program: transforms/wrappers_test, control_test"},
      {"checkpoint", "holds a Program: transforms/extras_checkpoint_test"},
      {"callback", "holds a user's function: exec/"},
      {"custom_vjp", "holds a user's rule: transforms/custom_test"},
      {"custom_lin", "holds a user's rule: transforms/custom_test"},
      {"custom_jvp", "holds a user's rule: transforms/custom_test"},
      {"solve", "holds a residual and a solver: implicit/"},
      {"operator_solve", "holds an operator and a solver: linear/"},
      {"check_status", "throws: implicit/"},
      {"rcond", "its value, an estimate, is held against linalg::cond: implicit/"},
  };
  return reasons;
}

namespace {

using Mask = std::vector<bool>;

// ---- An op called with a sample: a function of its floating operands -------------------------------------------------

struct Case {
  const Op* op = nullptr;
  Params params;
  Leaves in;
  std::vector<std::size_t> free;  // operands to differentiate by
  bool elementwise = false;

  // The factors that linear_solve is given are those of its A: they follow when A is changed.
  Leaves call(Leaves all) const {
    if (op->name == "linear_solve") {
      const bool symmetric = params.has("symmetric") && params.flag("symmetric");
      if (symmetric) all[2] = (all[2] + swapaxes(all[2], -1, -2)) * 0.5;
      const Leaves factors = emit(symmetric ? symmetric_factor_op() : lu_factor_op(), {all[2]});
      all[0] = factors[0];
      all[1] = factors[1];
    }
    return emit(*op, all, params);
  }
  Leaves operator()(const Leaves& values) const {
    Leaves all = in;
    for (std::size_t k = 0; k < free.size(); ++k) all[free[k]] = values[k];
    return call(all);
  }
  Leaves values() const {
    Leaves out;
    for (std::size_t k : free) out.push_back(in[k]);
    return out;
  }
  std::string str() const {
    std::string s = op->name + "(";
    for (const Array& a : in) s += (s.back() == '(' ? "" : ", ") + a.aval().str();
    for (const auto& [key, value] : params.items()) {
      if (const auto* text = std::get_if<std::string>(&value)) s += ", " + *text;
      if (const auto* flag = std::get_if<bool>(&value)) s += ", " + key + (*flag ? "=true" : "=false");
    }
    return s + ")";
  }
};

bool is_elementwise(const Op& op) { return op.reference != nullptr; }

long double reference_at(const Op& op, const std::vector<Numbers>& operands, std::size_t i, std::size_t moved = 99,
                         long double by = 0) {
  long double point[8];
  for (std::size_t k = 0; k < operands.size(); ++k) point[k] = operands[k][i] + (k == moved ? by : 0);
  return op.reference(point);
}

// The slopes of an elementwise op's reference, for one operand.
Slopes reference_slopes(const Op& op, const std::vector<Numbers>& operands, std::size_t operand) {
  const std::size_t n = operands[operand].size();
  return differentiate(
      [&](long double t) {
        Numbers out(n);
        for (std::size_t i = 0; i < n; ++i) {
          const long double scale = std::clamp(std::fabs(operands[operand][i]), 0.05L, 1.0L);
          out[i] = reference_at(op, operands, i, operand, t * scale) / scale;
        }
        return out;
      },
      1e-17L);
}

bool found(long double value, long double error) {
  return error <= 1e-9L * std::fabs(value) + 1e-11L && std::fabs(value) < 1e30L;
}

std::vector<Case> make_cases(const Op& op, Dtype dtype) {
  std::vector<Case> out;
  for (const Sample& s : op.samples(is_floating(dtype) ? dtype : Dtype::float64)) {
    Case c{&op, s.params, s.in, {}, is_elementwise(op)};
    if (!is_floating(dtype)) {
      for (Array& a : c.in) {
        if (!is_floating(a.dtype())) continue;
        Numbers v = numbers(a);
        for (long double& x : v) x = dtype == Dtype::bool_ ? x > 0.2L : std::nearbyint(std::clamp(x, -9.0L, 9.0L));
        a = from_numbers(v, a.shape(), dtype);
      }
      out.push_back(std::move(c));
      continue;
    }
    for (std::size_t k = 0; k < c.in.size(); ++k) {
      if (!is_floating(c.in[k].dtype()) || (op.name == "linear_solve" && k < 2)) continue;
      if (op.name == "polygamma" && k == 0) continue;  // a whole number
      c.free.push_back(k);
    }
    if (c.elementwise && op.differentiable) {
      // Derivatives are compared where there are any: not at kinks and poles.
      std::vector<Numbers> operands;
      for (const Array& a : c.in) operands.push_back(numbers(a));
      std::vector<std::size_t> kept_free, kept(operands[0].size());
      for (std::size_t i = 0; i < kept.size(); ++i) kept[i] = i;
      for (std::size_t k : c.free) {
        const Slopes slopes = reference_slopes(op, operands, k);
        std::vector<std::size_t> here;
        for (std::size_t i : kept) {
          if (found(slopes.value[i], slopes.error[i])) here.push_back(i);
        }
        if (here.empty()) continue;
        kept = here;
        kept_free.push_back(k);
      }
      c.free = kept_free;
      const Shape shape{static_cast<std::int64_t>(kept.size())};
      for (std::size_t k = 0; k < c.in.size(); ++k) {
        Numbers v;
        for (std::size_t i : kept) v.push_back(operands[k][i]);
        c.in[k] = from_numbers(v, shape, c.in[k].dtype());
      }
    }
    out.push_back(std::move(c));
  }
  return out;
}

const std::vector<Case>& cases(const Op& op, Dtype dtype) {
  static std::mutex mutex;
  static std::map<std::pair<const Op*, Dtype>, std::vector<Case>> made;
  std::lock_guard lock(mutex);
  const auto key = std::pair(&op, dtype);
  auto place = made.find(key);
  if (place == made.end()) place = made.emplace(key, make_cases(op, dtype)).first;
  return place->second;
}

// ---- Comparing -------------------------------------------------------------------------------------------------------

struct Stop {};  // the first failure is enough

class Judge {
 public:
  Judge(Outcome& out, bool stop) : out_(out), stop_(stop) {}

  void fail(const std::string& what) {
    out_.failures.push_back(what);
    if (stop_) throw Stop{};
  }

  void close(long double got, long double wanted, long double tolerance, const std::string& where) {
    ++out_.compared;
    if (got == wanted || (std::isnan(got) && std::isnan(wanted))) return;
    if (std::fabs(got - wanted) <= tolerance) return;
    std::ostringstream s;
    s.precision(17);
    s << where << ": got " << got << ", wanted " << wanted << ", off by " << got - wanted << " with a tolerance of "
      << tolerance;
    fail(s.str());
  }

  // Relative to the largest element.
  void close(const Array& got, const Array& wanted, long double relative, const std::string& where) {
    if (got.shape() != wanted.shape() || got.dtype() != wanted.dtype()) {
      fail(where + ": got " + got.aval().str() + ", wanted " + wanted.aval().str());
      return;
    }
    const Numbers a = numbers(got), b = numbers(wanted);
    long double largest = 0;
    for (long double x : b) {
      if (std::isfinite(x)) largest = std::max(largest, std::fabs(x));
    }
    for (std::size_t i = 0; i < a.size(); ++i)
      close(a[i], b[i], relative * largest, where + " [" + std::to_string(i) + "]");
  }

  // To the bit, but for the sign of zeros and the payload of NaNs.
  void same(const Array& got, const Array& wanted, const std::string& where) { close(got, wanted, 0, where); }

  void same(const Leaves& got, const Leaves& wanted, const std::string& where) {
    if (got.size() != wanted.size()) {
      fail(where + ": another number of results");
      return;
    }
    for (std::size_t k = 0; k < got.size(); ++k) same(got[k], wanted[k], where + " result " + std::to_string(k));
  }
  void close(const Leaves& got, const Leaves& wanted, long double relative, const std::string& where) {
    if (got.size() != wanted.size()) {
      fail(where + ": another number of results");
      return;
    }
    for (std::size_t k = 0; k < got.size(); ++k)
      close(got[k], wanted[k], relative, where + " result " + std::to_string(k));
  }

 private:
  Outcome& out_;
  bool stop_;
};

Array zeros_of(const Aval& a) {
  return from_numbers(Numbers(static_cast<std::size_t>(a.shape.size()), 0), a.shape, a.dtype);
}

Leaves filled(const Leaves& maybe, const std::vector<Aval>& avals) {
  Leaves out = maybe;
  for (std::size_t k = 0; k < out.size(); ++k) {
    if (!out[k].defined()) out[k] = zeros_of(avals[k]);
  }
  return out;
}

long double product(const Leaves& a, const Leaves& b, long double& size) {
  long double sum = 0;
  size = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    if (!a[k].defined() || !b[k].defined()) continue;
    const Numbers x = numbers(a[k]), y = numbers(b[k]);
    for (std::size_t i = 0; i < x.size(); ++i) {
      sum += x[i] * y[i];
      size += std::fabs(x[i] * y[i]);
    }
  }
  return sum;
}

// The coarsest of the dtypes involved.
long double roundoff(const Case& c) {
  double e = 0;
  for (const Array& a : c.in) e = std::max(e, epsilon(a.dtype()));
  std::vector<Aval> avals = detail::avals_of_leaves(c.in);
  for (const Aval& a : c.op->infer(avals, c.params)) e = std::max(e, epsilon(a.dtype));
  return e;
}

// Each operand alone, and all.
std::vector<Mask> subsets(std::size_t n) {
  std::vector<Mask> out;
  for (std::size_t k = 0; k < n; ++k) {
    Mask m(n, false);
    m[k] = true;
    out.push_back(m);
  }
  if (n == 3) {
    for (std::size_t k = 0; k < n; ++k) {
      Mask m(n, true);
      m[k] = false;
      out.push_back(m);
    }
  }
  if (n > 1) out.push_back(Mask(n, true));
  return out;
}
std::string str(const Mask& m) {
  std::string s = " [";
  for (bool b : m) s += b ? '1' : '0';
  return s + "]";
}

Leaves masked(const Leaves& v, const Mask& m) {
  Leaves out;
  for (std::size_t k = 0; k < v.size(); ++k) out.push_back(m[k] ? v[k] : Array());
  return out;
}

Leaves directions(const Leaves& like, std::uint64_t seed) {
  Directions d(seed);
  Leaves out;
  for (const Array& a : like) out.push_back(is_floating(a.dtype()) ? d.like(a) : Array());
  return out;
}
// Directions along which to change the operands: small where an elementwise op's operand is.
Leaves moves(const Case& c, std::uint64_t seed) {
  Leaves out = directions(c.values(), seed);
  if (!c.elementwise) return out;
  for (std::size_t k = 0; k < out.size(); ++k) {
    Numbers v = numbers(out[k]);
    const Numbers x = numbers(c.in[c.free[k]]);
    for (std::size_t i = 0; i < v.size(); ++i) v[i] *= std::clamp(std::fabs(x[i]), 0.05L, 1.0L);
    out[k] = from_numbers(v, out[k].shape(), out[k].dtype());
  }
  return out;
}

Leaves moved(const Leaves& x, const Leaves& by, long double t) {
  Leaves out = x;
  for (std::size_t k = 0; k < x.size(); ++k) {
    if (!by[k].defined()) continue;
    Numbers v = numbers(x[k]);
    const Numbers d = numbers(by[k]);
    for (std::size_t i = 0; i < v.size(); ++i) v[i] += t * d[i];
    out[k] = from_numbers(v, x[k].shape(), x[k].dtype());
  }
  return out;
}

Numbers all_numbers(const Leaves& leaves) {
  Numbers out;
  for (const Array& a : leaves) {
    if (!a.defined() || !is_floating(a.dtype())) continue;
    const Numbers v = numbers(a);
    out.insert(out.end(), v.begin(), v.end());
  }
  return out;
}

// Where differences say anything, the rule must agree with them.
void compare(Judge& judge, const Numbers& got, const Slopes& wanted, long double relative, const std::string& where) {
  long double largest = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::isfinite(wanted.error[i])) largest = std::max(largest, std::fabs(wanted.value[i]));
  }
  if (largest == 0) largest = 1;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const long double value = wanted.value[i], error = wanted.error[i];
    if (!(error <= relative * std::fabs(value) + 1e-8L * largest)) continue;
    judge.close(got[i], value, relative * std::fabs(value) + 10 * error + 1e-13L * largest,
                where + " [" + std::to_string(i) + "]");
  }
}

Leaves jvp_tangents(const ErasedFunction& f, const Leaves& x, const Leaves& dx) {
  const detail::JvpResult r = detail::jvp(f, x, dx);
  return filled(r.tangents, detail::avals_of_leaves(r.out));
}

// Jᵀw of all operands, the operands that are not active having zeros.
Leaves pulled(const ErasedFunction& f, const Leaves& x, const Leaves& w, const Mask& active) {
  const detail::LinearMap map = detail::linearize(f, x, active);
  Leaves some = map.transpose(w), out;
  std::size_t next = 0;
  for (std::size_t k = 0; k < x.size(); ++k) {
    out.push_back(detail::instantiate(active[k] ? some[next++] : Array(), {x[k].shape(), x[k].dtype(), false}));
  }
  return out;
}

// ---- The checks ------------------------------------------------------------------------------------------------------

void check_value(Judge& judge, const Op& op, Dtype dtype) {
  if (is_elementwise(op)) {
    // All samples, edges included.
    for (const Sample& s : op.samples(is_floating(dtype) ? dtype : Dtype::float64)) {
      Case c{&op, s.params, s.in, {}, true};
      if (!is_floating(dtype)) c = cases(op, dtype)[0];
      const Array out = c.call(c.in)[0];
      std::vector<Numbers> operands;
      for (const Array& a : c.in) operands.push_back(numbers(a));
      const Numbers got = numbers(out);
      const long double relative = 32 * epsilon(out.dtype()), absolute = 4 * epsilon(out.dtype());
      for (std::size_t i = 0; i < got.size(); ++i) {
        long double wanted = reference_at(op, operands, i);
        if (out.dtype() == Dtype::float32) wanted = static_cast<float>(wanted);
        if (!is_floating(out.dtype()) && !std::isfinite(wanted)) continue;
        judge.close(got[i], wanted,
                    relative * std::fabs(wanted) +
                        (std::fabs(wanted) < 1 ? absolute : 0) * std::min(1.0L, 1e3L * std::fabs(wanted)),
                    c.str() + " value [" + std::to_string(i) + "]");
      }
    }
    return;
  }
  for (const Sample& s : op.samples(dtype)) {
    const Case c{&op, s.params, s.in, {}, false};
    const Leaves out = emit(op, s.in, s.params);
    const std::vector<Numbers> wanted = op.plain(s);
    const long double relative = dtype == Dtype::float64 ? 1e-11L : 2e-4L;
    if (wanted.size() != out.size()) {
      judge.fail(c.str() + ": its reference has another number of outputs");
      continue;
    }
    for (std::size_t k = 0; k < out.size(); ++k) {
      const Numbers got = numbers(out[k]);
      if (got.size() != wanted[k].size()) {
        judge.fail(c.str() + ": its reference has another size");
        continue;
      }
      long double largest = 0;
      for (long double x : wanted[k]) {
        if (std::isfinite(x)) largest = std::max(largest, std::fabs(x));
      }
      const long double tolerance = is_floating(out[k].dtype()) ? relative * std::max(largest, 1e-3L) : 0;
      for (std::size_t i = 0; i < got.size(); ++i) {
        judge.close(got[i], wanted[k][i], tolerance,
                    c.str() + " value " + std::to_string(k) + " [" + std::to_string(i) + "]");
      }
    }
  }
}

// float32: the rule in float32 against the rule in float64 at the same point.
void check_narrow(Judge& judge, const Case& c) {
  Case wide = c;
  for (Array& a : wide.in) {
    if (a.dtype() == Dtype::float32) a = cast(a, Dtype::float64);
  }
  for (const auto& [key, value] : c.params.items()) {
    if (const Dtype* d = std::get_if<Dtype>(&value); d && *d == Dtype::float32) wide.params.set(key, Dtype::float64);
  }
  const Leaves x = c.values(), v = directions(x, 5);
  Leaves wide_v;
  for (const Array& a : v) wide_v.push_back(cast(a, Dtype::float64));
  const Leaves narrow = jvp_tangents(c, x, v), exact = jvp_tangents(wide, wide.values(), wide_v);
  for (std::size_t k = 0; k < narrow.size(); ++k) {
    if (!is_floating(narrow[k].dtype())) continue;
    const Numbers a = numbers(narrow[k]), b = numbers(exact[k]);
    long double largest = 0;
    for (long double y : b) {
      if (std::isfinite(y)) largest = std::max(largest, std::fabs(y));
    }
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (!std::isfinite(b[i])) continue;
      const long double tolerance = c.elementwise ? 1e-4L * std::fabs(b[i]) + 1e-6L : 2e-3L * largest;
      judge.close(a[i], b[i], tolerance, c.str() + " float32 jvp [" + std::to_string(i) + "]");
    }
  }
}

void check_jvp(Judge& judge, const Op& op, Dtype dtype) {
  for (const Case& c : cases(op, dtype)) {
    if (c.free.empty()) continue;
    if (dtype == Dtype::float32) {
      check_narrow(judge, c);
      continue;
    }
    const Leaves x = c.values(), v = directions(x, 1);
    for (const Mask& active : subsets(x.size())) {
      const Leaves dx = masked(v, active);
      const Numbers got = all_numbers(jvp_tangents(c, x, dx));
      Slopes wanted;
      if (c.elementwise) {
        std::vector<Numbers> operands;
        for (const Array& a : c.in) operands.push_back(numbers(a));
        const std::size_t n = operands[0].size();
        wanted = {Numbers(n, 0), Numbers(n, 0)};
        for (std::size_t k = 0; k < x.size(); ++k) {
          if (!active[k]) continue;
          const Slopes one = reference_slopes(op, operands, c.free[k]);
          const Numbers by = numbers(v[k]);
          for (std::size_t i = 0; i < n; ++i) {
            wanted.value[i] += one.value[i] * by[i];
            wanted.error[i] += one.error[i] * std::fabs(by[i]) + 16 * roundoff(c) * std::fabs(one.value[i]);
          }
        }
      } else {
        wanted = differentiate([&](long double t) { return all_numbers(c(moved(x, dx, t))); }, roundoff(c));
      }
      compare(judge, got, wanted, 1e-8L, c.str() + " jvp" + str(active));
    }
  }
}

void check_dot_of(Judge& judge, const ErasedFunction& f, const Leaves& x, const Leaves& v, long double relative,
                  const std::string& where) {
  for (const Mask& active : subsets(x.size())) {
    const Leaves dx = masked(v, active);
    const detail::JvpResult r = detail::jvp(f, x, dx);
    const std::vector<Aval> out = detail::avals_of_leaves(r.out);
    const Leaves dy = filled(r.tangents, out);
    const detail::LinearMap map = detail::linearize(f, x, active);
    Leaves some;
    for (std::size_t k = 0; k < x.size(); ++k) {
      if (active[k]) some.push_back(v[k]);
    }
    judge.close(filled(map.apply(some), out), dy, relative, where + " linearize against jvp" + str(active));
    Leaves w = directions(r.out, 7);
    for (std::size_t only = 0; only <= w.size(); ++only) {
      Leaves ct = w;
      for (std::size_t k = 0; k < ct.size(); ++k) {
        if (only < ct.size() && k != only) ct[k] = Array();
      }
      if (w.size() == 1 && only == 1) break;
      const Leaves back = map.transpose(ct);
      long double left_size, right_size;
      const long double left = product(ct, dy, left_size), right = product(back, some, right_size);
      judge.close(right, left, relative * (left_size + right_size), where + " dot test" + str(active));
    }
  }
}

void check_dot(Judge& judge, const Op& op, Dtype dtype) {
  for (const Case& c : cases(op, dtype)) {
    if (c.free.empty()) continue;
    const Leaves x = c.values();
    check_dot_of(judge, c, x, directions(x, 2), 1e4L * roundoff(c), c.str());
  }
}

void check_second(Judge& judge, const Op& op, Dtype dtype) {
  for (const Case& c : cases(op, dtype)) {
    if (c.free.empty()) continue;
    const Leaves x = c.values(), v = directions(x, 3), u = moves(c, 4);
    const Mask all(x.size(), true);
    // The tangent as a function of the point.
    const ErasedFunction first = [&](const Leaves& at) {
      detail::JvpResult r = detail::jvp(c, at, v);
      for (std::size_t k = 0; k < r.out.size(); ++k)
        r.tangents[k] = detail::instantiate(r.tangents[k], r.out[k].aval());
      return r.tangents;
    };
    const auto slopes = [&](const ErasedFunction& g) {
      return differentiate([&](long double t) { return all_numbers(g(moved(x, u, t))); }, roundoff(c));
    };
    compare(judge, all_numbers(jvp_tangents(first, x, u)), slopes(first), 1e-6L, c.str() + " jvp of jvp");
    // The cotangent as a function of the point, and of w.
    const Leaves w = directions(c(x), 6);
    const ErasedFunction back = [&](const Leaves& at) { return pulled(c, at, w, all); };
    compare(judge, all_numbers(jvp_tangents(back, x, u)), slopes(back), 1e-6L, c.str() + " jvp of vjp");
    check_dot_of(judge, back, x, v, 1e6L * roundoff(c), c.str() + " vjp of vjp");
  }
}

// Other operands of the same kind: floating ones a little different (for a function with steps, in another order, as
// integer ones are), conditions turned.
Array variant(const Array& a, int lane, bool steps) {
  Numbers v = numbers(a);
  if (lane == 0) return a;
  if (a.dtype() == Dtype::bool_) {
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = (i + static_cast<std::size_t>(lane)) % 2 ? v[i] : 1 - v[i];
  } else if (is_floating(a.dtype()) && !steps) {
    Directions d(static_cast<std::uint64_t>(lane));
    for (long double& x : v) x *= 1 + 0.02L * static_cast<long double>(d.next());
  } else if (a.ndim() > 0) {
    const std::size_t n = static_cast<std::size_t>(a.shape().back());
    for (std::size_t i = 0; n && i + n <= v.size(); i += n) {
      const auto first = v.begin() + static_cast<std::ptrdiff_t>(i), last = first + static_cast<std::ptrdiff_t>(n);
      lane == 1 ? static_cast<void>(std::rotate(first, first + 1, last)) : std::reverse(first, last);
    }
  }
  return from_numbers(v, a.shape(), a.dtype());
}

// f over batches against f in a loop.
void check_batched(Judge& judge, const ErasedFunction& f, const std::vector<Leaves>& lanes, const Mask& batched,
                   long double relative, const std::string& where) {
  Leaves inputs;
  for (std::size_t k = 0; k < batched.size(); ++k) {
    std::vector<Array> column;
    for (const Leaves& lane : lanes) column.push_back(lane[k]);
    inputs.push_back(batched[k] ? stacked(column) : lanes[0][k]);
  }
  const Batched got = detail::vmap(f, inputs, batched, static_cast<std::int64_t>(lanes.size()), true);
  std::vector<Leaves> rows;
  for (const Leaves& lane : lanes) {
    Leaves mixed = lane;
    for (std::size_t k = 0; k < batched.size(); ++k) {
      if (!batched[k]) mixed[k] = lanes[0][k];
    }
    rows.push_back(f(mixed));
  }
  for (std::size_t r = 0; r < got.out.size(); ++r) {
    std::vector<Array> column;
    for (const Leaves& row : rows) column.push_back(row.at(r));
    judge.close(got.out[r], stacked(column), relative, where + str(batched) + " result " + std::to_string(r));
  }
}

// The tangents of a vmap against those of its lanes, and its cotangents against its tangents: the batching rule under
// differentiation.
void check_derivatives_of_vmap(Judge& judge, const Case& c, const std::vector<Leaves>& lanes, long double relative) {
  const auto call = [&](const Leaves& in) { return c.call(in); };
  std::vector<std::vector<Array>> in(c.in.size()), by(c.in.size()), out;
  for (const Leaves& lane : lanes) {
    Leaves dx(lane.size());
    const Leaves all = directions(lane, 40 + in[0].size());
    for (std::size_t k : c.free) dx[k] = all[k];
    const Leaves dy = jvp_tangents(call, lane, dx);
    out.resize(dy.size());
    for (std::size_t r = 0; r < dy.size(); ++r) out[r].push_back(dy[r]);
    for (std::size_t k = 0; k < lane.size(); ++k) {
      in[k].push_back(lane[k]);
      by[k].push_back(dx[k]);
    }
  }
  Leaves all, x, dx, wanted;
  for (const auto& column : in) all.push_back(stacked(column));
  for (const auto& column : out) wanted.push_back(stacked(column));
  for (std::size_t k : c.free) {
    x.push_back(all[k]);
    dx.push_back(stacked(by[k]));
  }
  const ErasedFunction mapped = [&](const Leaves& values) {
    for (std::size_t k = 0; k < values.size(); ++k) all[c.free[k]] = values[k];
    return detail::vmap(call, all, Mask(all.size(), true), static_cast<std::int64_t>(lanes.size()), true).out;
  };
  judge.close(jvp_tangents(mapped, x, dx), wanted, relative, c.str() + " jvp of vmap");
  if (c.op->differentiable) check_dot_of(judge, mapped, x, dx, relative, c.str() + " vmap");
}

void check_batch(Judge& judge, const Op& op, Dtype dtype) {
  for (const Case& c : cases(op, dtype)) {
    if (c.in.empty()) continue;
    const long double relative = 200 * roundoff(c);
    std::vector<Leaves> lanes(3);
    const Leaves plain = c.call(c.in);
    // Pivots, signs and whole numbers differ between lanes only if much else does.
    static const std::set<std::string> with_steps{"linear_solve", "slogdet", "polygamma"};
    const bool steps = with_steps.count(op.name) ||
                       (!op.differentiable && std::any_of(plain.begin(), plain.end(),
                                                          [](const Array& a) { return !is_floating(a.dtype()); }));
    for (std::size_t k = 0; k < c.in.size(); ++k) {
      const bool smooth = op.differentiable && std::find(c.free.begin(), c.free.end(), k) != c.free.end();
      for (int lane = 0; lane < 3; ++lane)
        lanes[static_cast<std::size_t>(lane)].push_back(variant(c.in[k], lane, steps || (c.elementwise && !smooth)));
    }
    const std::vector<Leaves> one{lanes[1]};
    const ErasedFunction value = [&](const Leaves& in) { return c.call(in); };
    const std::vector<Mask> all = subsets(c.in.size());
    for (const Mask& m : all) {
      check_batched(judge, value, lanes, m, relative, c.str() + " vmap");
      check_batched(judge, value, one, m, relative, c.str() + " vmap of size 1");
    }
    if (c.free.empty() || dtype != Dtype::float64) continue;
    check_derivatives_of_vmap(judge, c, lanes, 20 * relative);
    if (!op.differentiable) continue;
    // [inputs..., tangents of the free ones...] and [inputs..., cotangents...].
    const std::size_t n = c.in.size(), m = c.free.size();
    const ErasedFunction forward = [&](const Leaves& in) {
      Case here = c;
      here.in.assign(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(n));
      detail::JvpResult r =
          detail::jvp(here, here.values(), Leaves(in.begin() + static_cast<std::ptrdiff_t>(n), in.end()));
      Leaves out;
      for (std::size_t k = 0; k < r.out.size(); ++k) {
        if (is_floating(r.out[k].dtype())) out.push_back(detail::instantiate(r.tangents[k], r.out[k].aval()));
      }
      return out;
    };
    const Leaves like = c(c.values());
    const ErasedFunction backward = [&](const Leaves& in) {
      Case here = c;
      here.in.assign(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(n));
      return pulled(here, here.values(), Leaves(in.begin() + static_cast<std::ptrdiff_t>(n), in.end()), Mask(m, true));
    };
    std::vector<Leaves> with_v = lanes, with_w = lanes;
    for (std::size_t lane = 0; lane < 3; ++lane) {
      for (const Array& d : directions(c.values(), 20 + lane)) with_v[lane].push_back(d);
      for (const Array& d : directions(like, 30 + lane))
        with_w[lane].push_back(d.defined() ? d : like[with_w[lane].size() - n]);
    }
    auto extended = [](Mask m, std::size_t k, bool by) {
      m.resize(m.size() + k, by);
      return m;
    };
    for (const Mask& mask : all) {
      for (bool by : {true, false}) {
        check_batched(judge, forward, with_v, extended(mask, m, by), 20 * relative, c.str() + " vmap of jvp");
        check_batched(judge, backward, with_w, extended(mask, like.size(), by), 20 * relative,
                      c.str() + " vmap of vjp");
      }
    }
    const Mask none(n, false);
    check_batched(judge, forward, with_v, extended(none, m, true), 20 * relative, c.str() + " vmap of jvp");
    check_batched(judge, backward, with_w, extended(none, like.size(), true), 20 * relative, c.str() + " vmap of vjp");
  }
}

void check_staged(Judge& judge, const ErasedFunction& f, const Leaves& in, const std::string& where) {
  const Leaves eager = f(in);
  const Staged staged = stage(f, detail::avals_of_leaves(in), "jit"),
               again = stage(f, detail::avals_of_leaves(in), "jit");
  staged.program->check();
  if (!staged.program->equal(*again.program) || staged.program->hash() != again.program->hash()) {
    judge.fail(where + ": traced twice, two Programs");
  }
  Leaves inputs = in;
  inputs.insert(inputs.end(), staged.captured.begin(), staged.captured.end());
  judge.same(Executable::compile(*staged.program, {.optimize = false})->run(inputs), eager, where + " unoptimised");
  const auto fast = Executable::compile(*staged.program);
  judge.same(fast->run(inputs), eager, where + " compiled");
  judge.same(fast->run(inputs), eager, where + " compiled, second run");
}

void check_program(Judge& judge, const Op& op, Dtype dtype) {
  for (const Case& c : cases(op, dtype)) {
    check_staged(
        judge, [&](const Leaves& in) { return c.call(in); }, c.in, c.str() + " program");
    if (c.free.empty() || !op.differentiable) continue;
    const Leaves x = c.values();
    const std::size_t n = x.size();
    Leaves with_v = x, with_w = x;
    for (const Array& d : directions(x, 8)) with_v.push_back(d);
    const Leaves like = c(x);
    for (const Array& d : directions(like, 9)) with_w.push_back(d.defined() ? d : like[with_w.size() - n]);
    check_staged(
        judge,
        [&](const Leaves& in) {
          const auto middle = in.begin() + static_cast<std::ptrdiff_t>(n);
          detail::JvpResult r = detail::jvp(c, Leaves(in.begin(), middle), Leaves(middle, in.end()));
          Leaves out = r.out;
          for (const Array& t : r.tangents) {
            if (t.defined()) out.push_back(t);
          }
          return out;
        },
        with_v, c.str() + " program of jvp");
    check_staged(
        judge,
        [&](const Leaves& in) {
          const auto middle = in.begin() + static_cast<std::ptrdiff_t>(n);
          return pulled(c, Leaves(in.begin(), middle), Leaves(middle, in.end()), Mask(n, true));
        },
        with_w, c.str() + " program of vjp");
  }
}

// An op that is linear in an operand (or in all together) must be transposable in it.
void check_transpose(Judge& judge, const Op& op, Dtype dtype) {
  for (const Case& c : cases(op, dtype)) {
    const Leaves out = c.call(c.in);
    if (c.free.empty() || !op.differentiable ||
        !std::any_of(out.begin(), out.end(), [](const Array& a) { return is_floating(a.dtype()); }))
      continue;
    const Leaves x = directions(c.values(), 11), y = directions(c.values(), 12);
    const auto linear_in = [&](const Mask& m, const Leaves& rest) {
      Leaves at_x = rest, at_y = rest, at_sum = rest, at_difference = rest, at_zero = rest;
      for (std::size_t k = 0; k < m.size(); ++k) {
        if (!m[k]) continue;
        at_x[k] = x[k];
        at_y[k] = y[k];
        at_sum[k] = moved({x[k]}, {y[k]}, 3)[0];
        at_difference[k] = moved({x[k]}, {y[k]}, -4)[0];
        at_zero[k] = zeros_of(x[k].aval());
      }
      const Numbers fx = all_numbers(c(at_x)), fy = all_numbers(c(at_y)), sum = all_numbers(c(at_sum)),
                    difference = all_numbers(c(at_difference)), zero = all_numbers(c(at_zero));
      bool some = false;
      for (std::size_t i = 0; i < fx.size(); ++i) {
        if (zero[i] != 0 || !std::isfinite(sum[i])) return false;
        some = some || fx[i] != 0;
        const long double tolerance = 64 * roundoff(c) * (std::fabs(fx[i]) + 4 * std::fabs(fy[i]) + 1);
        if (std::fabs(fx[i] + 3 * fy[i] - sum[i]) > tolerance) return false;
        if (std::fabs(fx[i] - 4 * fy[i] - difference[i]) > tolerance) return false;
      }
      return some;
    };
    const auto transpose_in = [&](const Mask& m, const Leaves& rest) {
      std::vector<std::size_t> places;
      for (std::size_t k = 0; k < m.size(); ++k) {
        if (m[k]) places.push_back(k);
      }
      // A Program of the op alone, with the other operands captured.
      std::vector<Aval> avals;
      Leaves at;
      for (std::size_t k : places) {
        avals.push_back({x[k].shape(), x[k].dtype(), false});
        at.push_back(x[k]);
      }
      const ErasedFunction f = [&](const Leaves& in) {
        Leaves all = c.in;
        for (std::size_t k = 0; k < m.size(); ++k) all[c.free[k]] = rest[k];
        for (std::size_t k = 0; k < places.size(); ++k) all[c.free[places[k]]] = in[k];
        return emit(op, all, c.params);
      };
      const Staged staged = stage(f, avals, "transpose");
      Leaves inputs(places.size());
      inputs.insert(inputs.end(), staged.captured.begin(), staged.captured.end());
      const Leaves y_out = f(at);
      Leaves w = directions(y_out, 13);
      for (std::size_t k = 0; k < w.size(); ++k) {
        if (!w[k].defined()) w[k] = Array();
      }
      Leaves back = detail::backward(*staged.program, inputs, w);
      back.resize(places.size());
      long double left_size, right_size;
      const long double left = product(w, y_out, left_size), right = product(back, at, right_size);
      judge.close(right, left, 1e4L * roundoff(c) * (left_size + right_size), c.str() + " transpose" + str(m));
    };
    const std::size_t n = c.free.size();
    const Mask all(n, true);
    const bool jointly = n > 1 && linear_in(all, c.values());
    if (jointly) transpose_in(all, c.values());
    Leaves zeros;
    for (const Array& a : c.values()) zeros.push_back(zeros_of(a.aval()));
    for (std::size_t k = 0; k < n; ++k) {
      if (op.name == "linear_solve" && c.free[k] == 2) continue;
      Mask m(n, false);
      m[k] = true;
      if (jointly)
        transpose_in(m, zeros);
      else if (linear_in(m, c.values()))
        transpose_in(m, c.values());
    }
  }
}

}  // namespace

std::vector<Dtype> dtypes(const Op& op) {
  std::vector<Dtype> out{Dtype::float64, Dtype::float32};
  if (!op.element || !op.reference || !op.samples) return out;
  // The functions that users call convert integers before the other ops.
  static const std::set<std::string> integers{"neg", "abs",          "sign",    "square",  "add",   "sub",  "mul",
                                              "mod", "floor_divide", "maximum", "minimum", "lt",    "le",   "eq",
                                              "ne",  "select",       "floor",   "ceil",    "round", "trunc"};
  static const std::set<std::string> conditions{"logical_not", "logical_and", "logical_or", "logical_xor",
                                                "eq",          "ne",          "select"};
  if (integers.count(op.name)) out.insert(out.end(), {Dtype::int32, Dtype::int64});
  if (conditions.count(op.name)) out.push_back(Dtype::bool_);
  return out;
}

bool applies(const Op& op, Dtype dtype, Check check) {
  if (!op.samples) return false;
  if (check == Check::value) return op.reference || op.plain;
  if (check == Check::program) return true;
  const auto all = cases(op, dtype);
  if (check == Check::batch) return std::any_of(all.begin(), all.end(), [](const Case& c) { return !c.in.empty(); });
  const bool derivative =
      op.differentiable && std::any_of(all.begin(), all.end(), [](const Case& c) { return !c.free.empty(); });
  if (check == Check::jvp) return derivative && is_floating(dtype);
  return derivative && dtype == Dtype::float64;
}

Outcome run_check(const Op& op, Dtype dtype, Check check, bool stop_at_first) {
  Outcome out;
  Judge judge(out, stop_at_first);
  try {
    switch (check) {
      case Check::value: check_value(judge, op, dtype); break;
      case Check::jvp: check_jvp(judge, op, dtype); break;
      case Check::dot: check_dot(judge, op, dtype); break;
      case Check::second: check_second(judge, op, dtype); break;
      case Check::batch: check_batch(judge, op, dtype); break;
      case Check::program: check_program(judge, op, dtype); break;
      case Check::transpose: check_transpose(judge, op, dtype); break;
    }
  } catch (const Stop&) {
  } catch (const std::exception& e) { out.failures.push_back(std::string(name(check)) + ": " + e.what()); }
  return out;
}

}  // namespace dini::registry
