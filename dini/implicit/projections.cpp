#include "dini/implicit/projections.hpp"

#include <cmath>
#include <limits>
#include <string>

#include "dini/core/index.hpp"
#include "dini/ops/contract.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/linalg.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/ops/sort.hpp"
#include "dini/solvers/criterion.hpp"
#include "dini/transforms/control.hpp"

namespace dini {

namespace detail {
namespace projections {

constexpr double infinite = std::numeric_limits<double>::infinity(), unknown = std::numeric_limits<double>::quiet_NaN();

Array only(const Array& mask, const Array& a) { return where(mask, a, zeros_like(a)); }

// The operands with one floating dtype; x has to be a vector.
void prepare(const char* function, std::initializer_list<Array*> operands) {
  Leaves all;
  for (Array* a : operands) all.push_back(*a);
  const Dtype dtype = common_dtype(all).dtype;
  for (Array* a : operands) *a = astype(*a, is_floating(dtype) ? dtype : Dtype::float64);
  if ((*operands.begin())->ndim() != 1) {
    throw ShapeError(std::string(function) + ": x has shape " + (*operands.begin())->shape().str() +
                     "; it has to be a vector (for batches there is vmap)");
  }
}

// `value`, with the mean of the derivatives of two others that are nearly it: of one where both are the same.
Array with_slopes(const Array& value, const Array& with, const Array& without) {
  const Array mean = 0.5 * (with + without);
  return mean + stop_gradient(value - mean);
}

// How near to its border a constraint is weakly active: the size of what it is made of, by τ.
Array little(const Array& size) { return solution_tolerance(size.dtype()) * size; }

// The t of aᵀclip(x - a t, l, u) = b, for constants: between which of the t at which an entry reaches a bound, by bisection of these.
struct Section {
  const Array &x, &a, &b, &lower, &upper;

  Array at(const Array& t) const { return clip(x - a * t, lower, upper); }
  Array root() const {
    const Array unit = where(a == 0.0, ones_like(a), a);
    Array turns = concatenate({(x - lower) / unit, (x - upper) / unit});
    const Array none = (concatenate({a, a}) == 0.0) | ~isfinite(turns);
    turns = sort(where(none, Array(infinite), turns));
    const Array count = sum(astype(isfinite(turns), Dtype::int64)), one = array(std::int64_t{1});
    auto turn = [&](const Array& k) { return take(turns, maximum(minimum(k, count - one), one - one)); };
    struct Between {
      Array low, high;
      auto tree() { return std::tie(low, high); }
    };
    const auto halvings = static_cast<std::int64_t>(std::ceil(std::log2(static_cast<double>(turns.size()) + 2))) + 1;
    const Between k = fori_loop(
        0, halvings,
        [&](const Array&, const Between& s) {
          const Array middle = floor_divide(s.low + s.high, 2 * one);
          const Array goes = (dot(a, at(turn(middle))) >= b) & (middle > s.low);
          const Array falls = ~goes & (middle > s.low);
          return Between{where(goes, middle, s.low), where(falls, middle, s.high)};
        },
        Between{-one, count});
    const Array low = turn(k.low), high = turn(k.high), some = count > 0, zero = zeros_like(b);
    const Array first = where(k.low < 0, high - maximum(abs(high), ones_like(high)), low);
    const Array last = where(k.high >= count, low + maximum(abs(low), ones_like(low)), high);
    const Array inside = where(some, 0.5 * (first + last), zero);
    const Array free = free_at(inside);
    const Array slope = sum(only(free, square(a)));
    const Array rest = dot(a, where(free, x, at(inside))) - b;
    return where(slope > 0, rest / where(slope > 0, slope, ones_like(slope)), where(some & (k.low >= 0), first, last));
  }
  Array free_at(const Array& t) const {
    const Array r = x - a * t;
    return (r > lower) & (r < upper);
  }
};

Array box_section(const Array& x, const Array& a, const Array& b, const Array& lower, const Array& upper) {
  if (x.size() == 0) return x;
  const Leaves still{stop_gradient(x), stop_gradient(a), stop_gradient(b), stop_gradient(lower), stop_gradient(upper)};
  const Section section{still[0], still[1], still[2], still[3], still[4]};
  const Array t = section.root(), value = section.at(t), r = still[0] - still[1] * t;
  auto size = [](const Array& v) { return only(isfinite(v), abs(v)); };
  const Array reach = max(maximum(maximum(size(still[0]), size(still[3])), maximum(size(still[4]), size(r))));
  const Array off = abs(dot(still[1], value) - still[2]);
  const Array sound =
      (off <= 1e3 * little(dot(abs(still[1]), size(value)) + abs(still[2]))) & all(still[3] <= still[4]);

  const Array below = r - still[3], above = still[4] - r;
  const Array tied = (minimum(abs(below), abs(above)) <= little(reach)) & (still[3] < still[4]);
  const Array inside = (below > 0) & (above > 0), at_lower = below < above;
  // The nearest point with these entries free, the others at their bounds.
  auto held = [&](const Array& free) {
    const Array bound = where(at_lower, lower, upper), slope = sum(only(free, square(a)));
    const Array safe = where(free, x, where(isfinite(bound), bound, zeros_like(bound)));
    const Array shift = (dot(a, safe) - b) / where(slope > 0, slope, ones_like(slope));
    return where(free, x - a * shift, safe);
  };
  const Array wide = inside | tied, narrow = inside & ~tied;
  const Array some = sum(only(narrow, square(still[1]))) > 0;
  return where(sound, with_slopes(value, held(wide), held(where(some, narrow, wide))), Array(unknown));
}

// z of where it is on the border, x inside: by how far beyond it is.
Array bordered(const Array& beyond, const Array& size, const Array& x, const Array& on_border) {
  const Array past = stop_gradient(beyond), tie = abs(past) <= little(stop_gradient(size));
  const Array value = where(past > 0, on_border, x);
  return with_slopes(value, where(tie | (past > 0), on_border, x), where(tie | ~(past > 0), x, on_border));
}

}  // namespace projections
}  // namespace detail

Array project_box(const Array& x, const Array& lower, const Array& upper) {
  return where(lower > upper, Array(detail::projections::unknown), clip(x, lower, upper));
}

Array project_simplex(const Array& x, const Array& sum) {
  return project_box_section(x, 1.0, sum, 0.0, detail::projections::infinite);
}

Array project_box_section(const Array& x, const Array& a, const Array& b, const Array& lower, const Array& upper) {
  Array v = x, normal = a, side = b, low = lower, high = upper;
  detail::projections::prepare("project_box_section", {&v, &normal, &side, &low, &high});
  if (side.ndim() != 0)
    throw ShapeError("project_box_section: b has shape " + side.shape().str() + "; it has to be one number");
  for (Array* s : {&normal, &low, &high}) *s = broadcast_to(*s, v.shape());
  return detail::projections::box_section(v, normal, side, low, high);
}

Array project_ball(const Array& x, const Array& radius, double ord) {
  using namespace detail::projections;
  Array v = x, r = radius;
  prepare("project_ball", {&v, &r});
  if (r.ndim() != 0)
    throw ShapeError("project_ball: radius has shape " + r.shape().str() + "; it has to be one number");
  if (v.size() == 0) return v;
  if (ord == infinite) return project_box(v, -r, r);
  Array size, on_border;
  if (ord == 2) {
    const Array away = any(v != 0.0), safe = where(away, v, ones_like(v));
    size = where(away, norm(safe), zeros_like(r));
    on_border = v * (r / norm(safe));
  } else if (ord == 1) {
    size = sum(abs(v));
    on_border = sign(v) * project_simplex(abs(v), r);
  } else {
    throw ValueError("project_ball: ord must be 1, 2 or infinity, got " + std::to_string(ord));
  }
  return where(r < 0, Array(unknown), bordered(size - r, size, v, on_border));
}

Array project_halfspace(const Array& x, const Array& a, const Array& b) {
  using namespace detail::projections;
  Array v = x, normal = a, side = b;
  prepare("project_halfspace", {&v, &normal, &side});
  const Array square_length = dot(normal, normal), some = square_length > 0;
  const Array beyond = dot(normal, v) - side;
  const Array on_border = v - normal * (beyond / where(some, square_length, ones_like(square_length)));
  const Array size = dot(abs(normal), abs(v)) + abs(side);
  return where(some | (side >= 0), bordered(beyond, size, v, where(some, on_border, v)), Array(unknown));
}

Array project_affine(const Array& x, const Array& A, const Array& b) {
  Array v = x, rows = A, side = b;
  detail::projections::prepare("project_affine", {&v, &rows, &side});
  if (rows.ndim() != 2 || rows.shape()[1] != v.size()) {
    throw ShapeError("project_affine: A has shape " + rows.shape().str() +
                     "; it has to have a column for each of x's " + std::to_string(v.size()) + " entries");
  }
  return v - linalg::lstsq(rows, dot(rows, v) - side).x;
}

Array project_polyhedron(const Array& x, const QuadraticProgram& rows, const ProgramOptions& options) {
  if (rows.P.defined() || rows.q.defined()) {
    throw ValueError(
        "project_polyhedron: of the program the rows and bounds are wanted alone; P and q are those of ½‖z - x‖²");
  }
  if (x.ndim() != 1) throw ShapeError("project_polyhedron: x has shape " + x.shape().str() + "; it has to be a vector");
  QuadraticProgram program = rows;
  const Array v = detail::as_floating(x, "project_polyhedron");
  program.P = eye(v.size(), v.dtype());
  program.q = -v;
  return quadratic_program(program, options).value;
}

}  // namespace dini
