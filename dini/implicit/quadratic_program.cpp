#include "dini/implicit/quadratic_program.hpp"

#include <limits>
#include <string>

#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/shaping.hpp"

namespace dini {

namespace detail {
namespace programs {

constexpr double infinite = std::numeric_limits<double>::infinity();

[[noreturn]] void misfit(const std::string& name, const Array& a, const std::string& wanted) {
  throw ShapeError("quadratic_program: " + name + " has shape " + a.shape().str() + "; it has to be " + wanted);
}

std::string sizes(std::int64_t rows, std::int64_t columns) {
  return "(" + std::to_string(rows) + ", " + std::to_string(columns) + ")";
}

// The arrays that are there in one floating dtype, and of their full shapes.
class Checked {
 public:
  explicit Checked(const QuadraticProgram& given) : p(given), linear(!given.P.defined()) {
    if (!p.q.defined()) throw ValueError("quadratic_program: q is missing; of a feasibility problem it is zeros({n})");
    if (p.q.ndim() != 1) misfit("q", p.q, "a vector, one number for each unknown");
    Leaves there;
    for (Array* a : members()) {
      if (a->defined()) there.push_back(*a);
    }
    Aval common = common_dtype(there);
    dtype = is_floating(common.dtype) ? common.dtype : Dtype::float64;
    for (Array* a : members()) {
      if (a->defined()) *a = astype(*a, dtype);
    }
    n = p.q.size();
    if (p.P.defined() && p.P.shape() != Shape{n, n}) misfit("P", p.P, sizes(n, n) + ", as q says");
    rows("A", p.A, {{"b", &p.b}}, 0);
    rows("G", p.G, {{"h", &p.h}, {"h_lower", &p.h_lower}}, infinite);
    bound("lower", p.lower, -infinite);
    bound("upper", p.upper, infinite);
  }

  QuadraticProgram p;
  Dtype dtype;
  std::int64_t n;
  bool linear;

 private:
  using Sides = std::vector<std::pair<std::string, Array*>>;
  std::vector<Array*> members() { return {&p.P, &p.q, &p.A, &p.b, &p.G, &p.h, &p.h_lower, &p.lower, &p.upper}; }

  void rows(const std::string& name, Array& matrix, const Sides& sides, double nothing) const {
    bool some = false;
    std::string of;
    for (const auto& [side, a] : sides) {
      some = some || a->defined();
      of += (of.empty() ? "" : " or ") + side;
    }
    if (matrix.defined() != some) {
      throw ValueError("quadratic_program: " + (some ? of + " needs a matrix " + name : name + " needs " + of));
    }
    if (!some) matrix = zeros({0, n}, dtype);
    if (matrix.ndim() != 2 || matrix.shape()[1] != n) {
      misfit(name, matrix, "a matrix with " + std::to_string(n) + " columns, as q says");
    }
    const std::int64_t m = matrix.shape()[0];
    bool first = true;
    for (const auto& [side, a] : sides) {
      if (!a->defined() && first) *a = full({m}, Array(nothing), dtype);
      if (a->defined()) *a = spread(side, *a, m, "row of " + name);
      first = false;
    }
  }
  void bound(const std::string& name, Array& a, double none) const {
    a = a.defined() ? spread(name, a, n, "unknown") : full({n}, Array(none), dtype);
  }
  static Array spread(const std::string& name, const Array& a, std::int64_t count, const std::string& what) {
    if (a.ndim() == 0) return broadcast_to(a, {count});
    if (a.ndim() != 1 || a.size() != count) {
      misfit(name, a, "one number, or (" + std::to_string(count) + ",): one for each " + what);
    }
    return a;
  }
};

// side·(Gx - h), -∞ where there is no row.
Array one_sided(const Array& gx, const Array& h, double side) {
  const Array none = side * h == infinite;
  return where(none, Array(-infinite), side * (gx - where(none, zeros_like(h), h)));
}

template <class Start>
Optimum<Array, Array, Array> solved(const Checked& checked, const ProgramOptions& options, const Start& start) {
  const QuadraticProgram& given = checked.p;
  const bool linear = checked.linear, two_sided = given.h_lower.defined();
  const Leaves data{linear ? given.q : given.P,         given.q, given.A, given.b, given.G, given.h,
                    two_sided ? given.h_lower : given.h};
  auto objective = [linear](const Leaves& d, const Array& x) {
    const Array cost = dot(d[1], x);
    return linear ? cost : 0.5 * dot(x, dot(d[0], x)) + cost;
  };
  auto equal = [](const Leaves& d, const Array& x) { return dot(d[2], x) - d[3]; };
  auto at_most = [two_sided](const Leaves& d, const Array& x) {
    const Array gx = dot(d[4], x), above = programs::one_sided(gx, d[5], 1);
    return two_sided ? stack({above, programs::one_sided(gx, d[6], -1)}) : above;
  };
  return solve_constrained<Kind::quadratic_program>(
      "quadratic_program", objective, start,
      subject_to(Bounds{given.lower, given.upper}, Equal{equal}, AtMost{at_most}), options, data);
}

}  // namespace programs
}  // namespace detail

Optimum<Array, Array, Array> quadratic_program(const QuadraticProgram& program, const ProgramOptions& options,
                                               const Array& x0) {
  using namespace detail::programs;
  const Checked checked(program);
  const Array& q = checked.p.q;
  if (x0.defined() && x0.shape() != q.shape()) misfit("x0", x0, "like q, " + q.shape().str());
  return solved(checked, options, x0.defined() ? astype(x0, checked.dtype) : zeros_like(q));
}

Optimum<Array, Array, Array> quadratic_program(const QuadraticProgram& program, const ProgramOptions& options,
                                               const Optimum<Array, Array, Array>& start) {
  using namespace detail::programs;
  const Checked checked(program);
  const Array& q = checked.p.q;
  if (start.value.shape() != q.shape()) misfit("start.value", start.value, "like q, " + q.shape().str());
  Optimum<Array, Array, Array> from = start;
  from.value = astype(from.value, checked.dtype);
  return solved(checked, options, from);
}

}  // namespace dini
