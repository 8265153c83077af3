#include "registry_cases.hpp"

#include <map>
#include <mutex>
#include <sstream>

#include "dini/ops/elementwise.hpp"
#include "dini/ops/linalg_ops.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/trace/emit.hpp"
#include "dini/trace/internal.hpp"
#include "dini/transforms/callable.hpp"

namespace dini::registry {

// ---- An op called with a sample --------------------------------------------------------------------------------------

// The factors that linear_solve is given are those of its A: they follow when A is changed.
Leaves Case::call(Leaves all) const {
  if (op->name == "linear_solve") {
    const bool symmetric = params.has("symmetric") && params.flag("symmetric");
    if (symmetric) all[2] = (all[2] + swapaxes(all[2], -1, -2)) * 0.5;
    const Leaves factors = emit(symmetric ? symmetric_factor_op() : lu_factor_op(), {all[2]});
    all[0] = factors[0];
    all[1] = factors[1];
  }
  return emit(*op, all, params);
}

Leaves Case::with(const Leaves& values) const {
  Leaves all = in;
  for (std::size_t k = 0; k < free.size(); ++k) all[free[k]] = values[k];
  return all;
}

Leaves Case::values() const {
  Leaves out;
  for (std::size_t k : free) out.push_back(in[k]);
  return out;
}

Leaves Case::plain(const Leaves& all) const {
  const std::vector<Numbers> values = op->plain({all, params});
  const std::vector<Aval> avals = op->infer(detail::avals_of_leaves(all), params);
  Leaves out;
  for (std::size_t k = 0; k < avals.size(); ++k)
    out.push_back(from_numbers(values.at(k), avals[k].shape, avals[k].dtype));
  return out;
}

std::string Case::str() const {
  std::string s = op->name + " #" + std::to_string(number) + "(";
  for (const Array& a : in) s += (s.back() == '(' ? "" : ", ") + a.aval().str();
  for (const auto& [key, value] : params.items()) {
    if (const auto* text = std::get_if<std::string>(&value)) s += ", " + *text;
    if (const auto* flag = std::get_if<bool>(&value)) s += ", " + key + (*flag ? "=true" : "=false");
  }
  return s + ")";
}

long double reference_at(const Op& op, const std::vector<Numbers>& operands, std::size_t i, std::size_t moved,
                         long double by) {
  long double point[8];
  for (std::size_t k = 0; k < operands.size(); ++k) point[k] = operands[k][i] + (k == moved ? by : 0);
  return op.reference(point);
}

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

namespace {

bool found(long double value, long double error) {
  return error <= 1e-9L * std::fabs(value) + 1e-11L && std::fabs(value) < 1e30L;
}

// Derivatives are compared where there are any: not at kinks and poles.
void keep_smooth_points(Case& c) {
  std::vector<Numbers> operands;
  for (const Array& a : c.in) operands.push_back(numbers(a));
  std::vector<std::size_t> kept_free, kept(operands[0].size());
  for (std::size_t i = 0; i < kept.size(); ++i) kept[i] = i;
  for (std::size_t k : c.free) {
    const Slopes slopes = reference_slopes(*c.op, operands, k);
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

// What a sample of float64 is in a dtype that is not floating: whole numbers, none of them large.
void make_whole(Case& c, Dtype dtype) {
  for (Array& a : c.in) {
    if (!is_floating(a.dtype())) continue;
    Numbers v = numbers(a);
    for (long double& x : v) x = dtype == Dtype::bool_ ? x > 0.2L : std::nearbyint(std::clamp(x, -9.0L, 9.0L));
    a = from_numbers(v, a.shape(), dtype);
  }
  if (c.in.empty() && c.params.has("dtype")) c.params.set("dtype", dtype);
}

std::vector<Case> make_cases(const Op& op, Dtype dtype) {
  std::vector<Case> out;
  if (!op.samples) return out;
  const std::vector<Sample> wide = op.samples(Dtype::float64);
  for (const Sample& s : is_floating(dtype) ? op.samples(dtype) : wide) {
    Case c{&op, out.size(), s.params, s.in, s.error, s.linear, {}, is_elementwise(op)};
    if (!is_floating(dtype)) {
      make_whole(c, dtype);
    } else {
      for (std::size_t k = 0; k < c.in.size(); ++k) {
        if (!is_floating(c.in[k].dtype()) || (op.name == "linear_solve" && k < 2)) continue;
        if (op.name == "polygamma" && k == 0) continue;  // a whole number
        c.free.push_back(k);
      }
      if (c.elementwise && op.differentiable) keep_smooth_points(c);
    }
    if (dtype == Dtype::float32 && !c.elementwise && op.differentiable) c.wide = wide.at(out.size()).params;
    out.push_back(std::move(c));
  }
  return out;
}

}  // namespace

std::vector<Case> cases(const Op& op, Dtype dtype) {
  if (!is_elementwise(op)) return make_cases(op, dtype);
  static std::mutex mutex;
  static std::map<std::pair<const Op*, Dtype>, std::vector<Case>> made;
  std::lock_guard lock(mutex);
  const auto key = std::pair(&op, dtype);
  auto place = made.find(key);
  if (place == made.end()) place = made.emplace(key, make_cases(op, dtype)).first;
  return place->second;
}

bool runs(const Op& op, Dtype dtype) {
  const std::vector<Case> all = cases(op, dtype);
  return std::any_of(all.begin(), all.end(), [](const Case& c) { return c.error.empty(); });
}

long double roundoff(const Case& c) {
  double e = 0;
  for (const Array& a : c.in) e = std::max(e, epsilon(a.dtype()));
  if (c.op->prepare) return e;  // its types are those of the inputs
  for (const Aval& a : c.op->infer(detail::avals_of_leaves(c.in), c.params)) e = std::max(e, epsilon(a.dtype));
  return e;
}

// ---- Comparing -------------------------------------------------------------------------------------------------------

void Judge::fail(const std::string& what) {
  out_.failures.push_back(what);
  if (stop_) throw Stop{};
}

void Judge::note(const std::string& why) {
  if (std::find(out_.notes.begin(), out_.notes.end(), why) == out_.notes.end()) out_.notes.push_back(why);
}

void Judge::close(long double got, long double wanted, long double tolerance, const std::string& where) {
  ++out_.compared;
  if (got == wanted || (std::isnan(got) && std::isnan(wanted))) return;
  if (std::fabs(got - wanted) <= tolerance) return;
  std::ostringstream s;
  s.precision(17);
  s << where << ": got " << got << ", wanted " << wanted << ", off by " << got - wanted << " with a tolerance of "
    << tolerance;
  fail(s.str());
}

void Judge::zero(const Numbers& got, const std::string& where) {
  for (std::size_t i = 0; i < got.size(); ++i) close(got[i], 0, 0, where + " [" + std::to_string(i) + "]");
}

void Judge::close(const Array& got, const Array& wanted, long double relative, const std::string& where) {
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

void Judge::close(const Leaves& got, const Leaves& wanted, long double relative, const std::string& where) {
  if (got.size() != wanted.size()) {
    fail(where + ": another number of results");
    return;
  }
  for (std::size_t k = 0; k < got.size(); ++k)
    close(got[k], wanted[k], relative, where + " result " + std::to_string(k));
}

void Judge::agree(const Numbers& got, const Slopes& wanted, long double relative, const std::string& where) {
  long double largest = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::isfinite(wanted.error[i])) largest = std::max(largest, std::fabs(wanted.value[i]));
  }
  if (largest == 0) largest = 1;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const long double value = wanted.value[i], error = wanted.error[i];
    if (!(error <= relative * std::fabs(value) + 1e-8L * largest)) continue;
    close(got[i], value, relative * std::fabs(value) + 10 * error + 1e-13L * largest,
          where + " [" + std::to_string(i) + "]");
  }
}

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

Numbers all_numbers(const Leaves& leaves) {
  Numbers out;
  for (const Array& a : leaves) {
    if (!a.defined() || !is_floating(a.dtype())) continue;
    const Numbers v = numbers(a);
    out.insert(out.end(), v.begin(), v.end());
  }
  return out;
}

// ---- Masks, lists, directions ----------------------------------------------------------------------------------------

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

Leaves joined(Leaves a, const Leaves& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
Leaves first(const Leaves& v, std::size_t n) { return {v.begin(), v.begin() + static_cast<std::ptrdiff_t>(n)}; }
Leaves after(const Leaves& v, std::size_t n) { return {v.begin() + static_cast<std::ptrdiff_t>(n), v.end()}; }

Leaves directions(const Leaves& like, std::uint64_t seed) {
  Directions d(seed);
  Leaves out;
  for (const Array& a : like) out.push_back(is_floating(a.dtype()) ? d.like(a) : Array());
  return out;
}

Leaves cotangents(const Leaves& like, std::uint64_t seed) {
  Leaves out = directions(like, seed);
  for (std::size_t k = 0; k < out.size(); ++k) {
    if (!out[k].defined()) out[k] = like[k];
  }
  return out;
}

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

namespace {

Leaves put(const Linear& linear, const Leaves& values) {
  Leaves all = linear.all;
  for (std::size_t k = 0; k < linear.places.size(); ++k) all[linear.places[k]] = values[k];
  return all;
}

}  // namespace

// ---- Derivatives -----------------------------------------------------------------------------------------------------

Leaves jvp_tangents(const ErasedFunction& f, const Leaves& x, const Leaves& dx) {
  const detail::JvpResult r = detail::jvp(f, x, dx);
  return filled(r.tangents, detail::avals_of_leaves(r.out));
}

Leaves pulled(const ErasedFunction& f, const Leaves& x, const Leaves& w, const Mask& active) {
  const detail::LinearMap map = detail::linearize(f, x, active);
  Leaves some = map.transpose(w), out;
  std::size_t next = 0;
  for (std::size_t k = 0; k < x.size(); ++k) {
    out.push_back(detail::instantiate(active[k] ? some[next++] : Array(), {x[k].shape(), x[k].dtype(), false}));
  }
  return out;
}

Leaves transposed(const ErasedFunction& f, const Linear& linear, const Leaves& w) {
  std::vector<Aval> avals;
  for (std::size_t k : linear.places) avals.push_back({linear.all[k].shape(), linear.all[k].dtype(), false});
  const Staged staged = stage([&](const Leaves& x) { return f(put(linear, x)); }, avals, "transpose");
  Leaves back = detail::backward(*staged.program, joined(Leaves(avals.size()), staged.captured), w);
  for (std::size_t k = 0; k < avals.size(); ++k) back[k] = detail::instantiate(back[k], avals[k]);
  return first(back, avals.size());
}

namespace {

bool is_linear(const Case& c, const Linear& linear, const Leaves& x, const Leaves& y) {
  const Leaves at_x = put(linear, x), at_y = put(linear, y), at_sum = put(linear, moved(x, y, 3)),
               at_difference = put(linear, moved(x, y, -4)), at_zero = put(linear, moved(x, x, -1));
  const auto value = [&](const Leaves& at) { return all_numbers(c.error.empty() ? c.call(at) : c.plain(at)); };
  try {
    const Numbers fx = value(at_x), fy = value(at_y), sum = value(at_sum), difference = value(at_difference),
                  zero = value(at_zero);
    bool some = false;
    for (std::size_t i = 0; i < fx.size(); ++i) {
      if (zero[i] != 0 || !std::isfinite(sum[i])) return false;
      some = some || fx[i] != 0;
      const long double tolerance = 64 * roundoff(c) * (std::fabs(fx[i]) + 4 * std::fabs(fy[i]) + 1);
      if (!(std::fabs(fx[i] + 3 * fy[i] - sum[i]) <= tolerance)) return false;
      if (!(std::fabs(fx[i] - 4 * fy[i] - difference[i]) <= tolerance)) return false;
    }
    return some;
  } catch (const Error&) {  // nowhere near linear: an equation without a solution
    return false;
  }
}

}  // namespace

std::vector<Linear> linear_operands(const Case& c) {
  const Leaves x = directions(c.in, 11), y = directions(c.in, 12);
  std::vector<Linear> out;
  auto add = [&](Linear l) {
    Leaves some_x, some_y;
    for (std::size_t k : l.places) some_x.push_back(x[k]), some_y.push_back(y[k]);
    if (is_linear(c, l, some_x, some_y)) out.push_back(std::move(l));
  };
  for (std::size_t bits = 1; c.linear && c.free.size() <= 8 && bits < std::size_t{1} << c.free.size(); ++bits) {
    Linear l{{}, c.in};
    for (std::size_t k = 0; k < c.free.size(); ++k) {
      if (bits >> k & 1) l.places.push_back(c.free[k]);
    }
    add(l);
  }
  const std::size_t together = out.size();
  for (std::size_t j = 0; j < together; ++j) {
    for (std::size_t alone : out[j].places) {
      Linear l{{alone}, out[j].all};
      for (std::size_t k : out[j].places) {
        if (k != alone) l.all[k] = zeros_of(l.all[k].aval());
      }
      if (out[j].places.size() > 1) add(l);
    }
  }
  return out;
}

}  // namespace dini::registry
