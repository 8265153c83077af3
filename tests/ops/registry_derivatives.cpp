// jvp, dot, second and transpose: derivatives against differences of values, modes against each other, float32 against
// float64.
#include "dini/trace/internal.hpp"
#include "dini/transforms/callable.hpp"
#include "registry_cases.hpp"

namespace dini::registry {

namespace {

const char* const zero_derivative = "its derivative is zero, or it has none";

// The cases with derivatives to check; notes why there are none.
std::vector<Case> derivable(Judge& judge, const Op& op, Dtype dtype) {
  const bool by_transpose = !runs(op, dtype);
  std::vector<Case> out;
  bool any = false;
  for (const Case& c : cases(op, dtype)) {
    any = any || !c.free.empty();
    if (!c.free.empty() && (c.error.empty() || by_transpose)) out.push_back(c);
  }
  if (!is_floating(dtype))
    judge.note("integers and booleans have no derivative");
  else if (!any)
    judge.note("no floating operand");
  return out;
}

Leaves cast_all(const Leaves& leaves, Dtype from, Dtype to) {
  Leaves out = leaves;
  for (Array& a : out) {
    if (a.defined() && a.dtype() == from) a = cast(a, to);
  }
  return out;
}

// A rule as a function of a case, of tangents of its operands and of cotangents of its outputs.
using Rule = std::function<Leaves(const Case&, const Leaves& v, const Leaves& w)>;

// The rule in float32 against the rule in float64 at the same point. (Programs that a sample holds are those of float64.)
void check_narrow(Judge& judge, const Case& c, const Rule& rule, long double relative, const std::string& where) {
  Case wide = c;
  if (!c.elementwise) wide.params = c.wide;
  wide.in = cast_all(c.in, Dtype::float32, Dtype::float64);
  const Leaves v = directions(c.values(), 5), w = directions(c(c.values()), 6);
  const Leaves narrow = rule(c, v, w), exact = rule(wide, cast_all(v, Dtype::float32, Dtype::float64),
                                                    cast_all(w, Dtype::float32, Dtype::float64));
  for (std::size_t k = 0; k < narrow.size(); ++k) {
    if (!is_floating(narrow[k].dtype())) continue;
    const Numbers a = numbers(narrow[k]), b = numbers(exact[k]);
    long double largest = 0;
    for (long double y : b) {
      if (std::isfinite(y)) largest = std::max(largest, std::fabs(y));
    }
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (!std::isfinite(b[i])) continue;
      const long double tolerance =
          c.elementwise ? relative * std::fabs(b[i]) + relative / 100 : 20 * relative * largest;
      judge.close(a[i], b[i], tolerance, c.str() + " float32 " + where + " [" + std::to_string(i) + "]");
    }
  }
}

Leaves jvp_rule(const Case& c, const Leaves& v, const Leaves&) { return jvp_tangents(c, c.values(), v); }
Leaves vjp_rule(const Case& c, const Leaves&, const Leaves& w) {
  return pulled(c, c.values(), w, Mask(c.free.size(), true));
}

// The tangent as a function of the point, and the cotangent.
ErasedFunction tangent_at(const Case& c, const Leaves& v) {
  return [c, v](const Leaves& at) { return jvp_tangents(c, at, v); };
}
ErasedFunction cotangent_at(const Case& c, const Leaves& w) {
  return [c, w](const Leaves& at) { return pulled(c, at, w, Mask(at.size(), true)); };
}

void check_first(Judge& judge, const Case& c) {
  const Leaves x = c.values(), v = directions(x, 1);
  for (const Mask& active : subsets(x.size())) {
    const Leaves dx = masked(v, active);
    Slopes wanted;
    if (c.elementwise) {
      std::vector<Numbers> operands;
      for (const Array& a : c.in) operands.push_back(numbers(a));
      const std::size_t n = operands[0].size();
      wanted = {Numbers(n, 0), Numbers(n, 0)};
      for (std::size_t k = 0; k < x.size(); ++k) {
        if (!active[k]) continue;
        const Slopes one = reference_slopes(*c.op, operands, c.free[k]);
        const Numbers by = numbers(v[k]);
        for (std::size_t i = 0; i < n; ++i) {
          wanted.value[i] += one.value[i] * by[i];
          wanted.error[i] += one.error[i] * std::fabs(by[i]) + 16 * roundoff(c) * std::fabs(one.value[i]);
        }
      }
    } else {
      wanted = differentiate([&](long double t) { return all_numbers(c(moved(x, dx, t))); }, roundoff(c));
    }
    judge.agree(all_numbers(jvp_tangents(c, x, dx)), wanted, 1e-8L, c.str() + " jvp" + str(active));
  }
}

// ⟨w, J v⟩ = ⟨Jᵀw, v⟩, w in one output at a time and in all; and linearize against jvp. Where there is no reverse mode (by
// `no_reverse`), only that, and the transpose must be refused.
void check_modes(Judge& judge, const ErasedFunction& f, const Leaves& x, const Leaves& v, long double relative,
                 const std::string& where, const std::string& no_reverse = "") {
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
    judge.close(map.out, r.out, relative, where + " values of linearize" + str(active));
    const Leaves w = directions(r.out, 7);
    if (!no_reverse.empty()) {
      const bool any = std::count(map.out_active.begin(), map.out_active.end(), true) > 0;
      if (any) judge.refuses([&] { map.transpose(w); }, no_reverse, where + " transpose" + str(active));
      continue;
    }
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

// An op without forward mode: ⟨Jᵀw, v⟩ against differences of ⟨w, f⟩, one operand and one output at a time.
void check_reverse(Judge& judge, const Case& c) {
  const Leaves x = c.values(), v = directions(x, 2), y = c(x), w = directions(y, 7);
  for (const Mask& active : subsets(x.size())) {
    judge.close(detail::linearize(c, x, active).out, y, 1e4L * roundoff(c),
                c.str() + " values of linearize" + str(active));
    for (std::size_t only = 0; only < w.size(); ++only) {
      if (!w[only].defined()) continue;
      Leaves ct(w.size());
      ct[only] = w[only];
      const Leaves dx = masked(v, active);
      long double size;
      const long double got = product(pulled(c, x, ct, active), dx, size);
      const Slopes wanted =
          differentiate([&](long double t) { return Numbers{product(ct, c(moved(x, dx, t)), size)}; }, roundoff(c));
      judge.agree({got}, wanted, 1e-8L, c.str() + " vjp of result " + std::to_string(only) + str(active));
    }
  }
}

// An op that cannot be run is known by its transpose, a function of w and of the operands in which the op is not linear: its
// derivatives are checked as those of any other.
void check_transpose_as_function(Judge& judge, const Case& c) {
  for (const Linear& linear : linear_operands(c)) {
    const Leaves w = cotangents(c.plain(linear.all), 7);
    std::vector<std::size_t> others;
    Leaves x = w;
    for (std::size_t k : c.free) {
      if (std::find(linear.places.begin(), linear.places.end(), k) != linear.places.end()) continue;
      others.push_back(k);
      x.push_back(linear.all[k]);
    }
    const ErasedFunction f = [&](const Leaves& at) {
      Linear here = linear;
      for (std::size_t k = 0; k < others.size(); ++k) here.all[others[k]] = at[w.size() + k];
      return transposed(c.function(), here, first(at, w.size()));
    };
    const Leaves u = directions(x, 4);
    const Slopes wanted = differentiate([&](long double t) { return all_numbers(f(moved(x, u, t))); }, roundoff(c));
    judge.agree(all_numbers(jvp_tangents(f, x, u)), wanted, 1e-6L, c.str() + " jvp of its transpose");
    check_modes(judge, f, x, u, 1e5L * roundoff(c), c.str() + " its transpose");
  }
}

// An op that is linear, and has no transpose: one that refuses it, or that its derivative does not use.
void check_not_needed(Judge& judge, const Case& c, const Linear& linear, const Leaves& w) {
  const Op& op = *c.op;
  if (!has_reverse(op)) {
    const std::string& why = op.no_transpose.empty() ? op.no_jvp : op.no_transpose;
    return judge.refuses([&] { vjp_rule(c, {}, w); }, why, c.str() + " transpose");
  }
  Mask active(c.in.size(), false);
  for (std::size_t k : linear.places) active[k] = true;
  const detail::LinearMap map = detail::linearize([&](const Leaves& in) { return c.call(in); }, linear.all, active);
  for (const Equation& e : map.program->equations) {
    if (e.op == &op) judge.fail(c.str() + ": is linear, its derivative is written with it, and it has no transpose");
  }
  judge.note("its derivative is written with other ops");
}

}  // namespace

void check_jvp(Judge& judge, const Op& op, Dtype dtype) {
  for (const Case& c : derivable(judge, op, dtype)) {
    const Leaves x = c.values(), v = directions(x, 1);
    if (!has_forward(op)) {
      judge.refuses([&] { detail::jvp(c, x, v); }, op.no_jvp, c.str() + " jvp");
    } else if (!op.differentiable) {
      judge.note(zero_derivative);
      for (const Array& t : jvp_tangents(c, x, v)) judge.zero(all_numbers({t}), c.str() + " jvp");
    } else if (dtype == Dtype::float32) {
      check_narrow(judge, c, jvp_rule, 1e-4L, "jvp");
    } else {
      check_first(judge, c);
    }
  }
}

void check_dot(Judge& judge, const Op& op, Dtype dtype) {
  for (const Case& c : derivable(judge, op, dtype)) {
    const Leaves x = c.values(), v = directions(x, 2);
    const Mask all(x.size(), true);
    if (!op.differentiable) {
      judge.note(zero_derivative);
      judge.zero(all_numbers(vjp_rule(c, v, directions(c(x), 7))), c.str() + " vjp");
      continue;
    }
    if (!c.error.empty() || (!has_forward(op) && !has_reverse(op))) {
      judge.refuses([&] { detail::linearize(c, x, all); }, op.no_jvp, c.str() + " linearize");
      continue;
    }
    if (has_forward(op)) check_modes(judge, c, x, v, 1e4L * roundoff(c), c.str(), op.no_transpose);
    if (!has_reverse(op)) continue;
    if (dtype == Dtype::float32)
      check_narrow(judge, c, vjp_rule, 1e-4L, "vjp");
    else if (!has_forward(op))
      check_reverse(judge, c);
  }
}

void check_second(Judge& judge, const Op& op, Dtype dtype) {
  for (const Case& c : derivable(judge, op, dtype)) {
    if (!op.differentiable) {
      judge.note(zero_derivative);
      continue;
    }
    if (!c.error.empty()) {
      judge.note(op.no_jvp);
      check_transpose_as_function(judge, c);
      continue;
    }
    const Rule jvp_of_jvp = [](const Case& k, const Leaves& v, const Leaves&) {
      return jvp_tangents(tangent_at(k, v), k.values(), v);
    };
    const Rule jvp_of_vjp = [](const Case& k, const Leaves& v, const Leaves& w) {
      return jvp_tangents(cotangent_at(k, w), k.values(), v);
    };
    const Leaves x = c.values(), v = directions(x, 3), u = moves(c, 4), w = directions(c(x), 6);
    const auto against_differences = [&](const ErasedFunction& f, const std::string& what) {
      const Slopes wanted = differentiate([&](long double t) { return all_numbers(f(moved(x, u, t))); }, roundoff(c));
      judge.agree(all_numbers(jvp_tangents(f, x, u)), wanted, 1e-6L, c.str() + what);
    };
    const bool narrow = dtype == Dtype::float32;
    if (has_forward(op)) {
      if (narrow)
        check_narrow(judge, c, jvp_of_jvp, 2e-4L, "jvp of jvp");
      else
        against_differences(tangent_at(c, v), " jvp of jvp");
    } else {
      judge.refuses([&] { jvp_of_jvp(c, v, w); }, op.no_jvp, c.str() + " jvp of jvp");
    }
    if (has_reverse(op)) {
      if (narrow)
        check_narrow(judge, c, jvp_of_vjp, 2e-4L, "jvp of vjp");
      else
        against_differences(cotangent_at(c, w), " jvp of vjp");
      check_modes(judge, cotangent_at(c, w), x, v, 1e6L * roundoff(c), c.str() + " vjp of vjp");
      if (has_forward(op)) check_modes(judge, tangent_at(c, v), x, u, 1e6L * roundoff(c), c.str() + " vjp of jvp");
    }
  }
}

// An op that its own derivative is written with has a transpose in what it is linear in.
void check_transpose(Judge& judge, const Op& op, Dtype dtype) {
  bool linear_in_any = false;
  for (const Case& c : derivable(judge, op, dtype)) {
    if (!op.differentiable) {
      judge.note(zero_derivative);
      continue;
    }
    for (Linear& linear : linear_operands(c)) {
      linear_in_any = true;
      const Leaves x = directions(c.in, 11);
      Leaves at;
      for (std::size_t k : linear.places) at.push_back(linear.all[k] = x[k]);
      const Leaves y = c.error.empty() ? c.call(linear.all) : c.plain(linear.all), w = directions(y, 13);
      if (!op.transpose) {
        check_not_needed(judge, c, linear, w);
        continue;
      }
      const Leaves back = transposed(c.function(), linear, w);
      long double left_size, right_size;
      const long double left = product(w, y, left_size), right = product(back, at, right_size);
      judge.close(right, left, 1e4L * roundoff(c) * (left_size + right_size), c.str() + " transpose");
    }
  }
  if (!is_floating(dtype) || !op.differentiable || linear_in_any) return;
  if (op.transpose) judge.fail(op.name + ": has a transpose, and no sample in which it is linear");
  judge.note("linear in no operand");
}

}  // namespace dini::registry
