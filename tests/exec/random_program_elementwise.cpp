// The rows of the elementwise ops, from their records: where an op has a value, and where it is smooth, its reference tells.
#include "../ops/registry_numbers.hpp"
#include "dini/dini.hpp"
#include "dini/ops/elementwise_ops.hpp"
#include "dini/ops/registry.hpp"
#include "dini/trace/emit.hpp"
#include "random_program_rows.hpp"

namespace dini::random_programs {
namespace {

struct Interval {
  double low, high;
};
constexpr Interval intervals[] = {{-2.5, 2.5}, {-0.85, 0.85}, {0.4, 2.4}, {1.3, 3.3}};
using Domain = std::vector<Interval>;  // one an operand

// What an op does on a domain: no value somewhere (or a large one), a slope missing somewhere (or a large one), or neither.
enum class Kind { undefined, kinked, smooth };
struct Finding {
  Kind kind;
  double bound;
};

constexpr int steps = 12;  // 0 and ties of operands are among the points

std::vector<double> grid_point(const Domain& domain, std::size_t i) {
  std::vector<double> x;
  for (const auto [low, high] : domain) {
    x.push_back(low + (high - low) * static_cast<double>(i % (steps + 1)) / steps);
    i /= steps + 1;
  }
  return x;
}

// Whether the op's own slope is a number everywhere: the cube root's at 0 is not.
bool has_slopes(const Op& op, const std::vector<std::vector<double>>& points) {
  Leaves x, dx;
  for (std::size_t k = 0; k < points[0].size(); ++k) {
    std::vector<double> column;
    for (const auto& p : points) column.push_back(p[k]);
    x.push_back(array(column));
    dx.push_back(ones_like(x.back()));
  }
  const auto y = jvp([&](const Leaves& in) { return emit_one(op, in); }, x, dx);
  return !is_floating(y.tangent.dtype()) || all(isfinite(y.tangent)).item<bool>();
}

Finding look(const Op& op, const Domain& domain, bool conditional) {
  std::size_t count = 1;
  for (std::size_t k = 0; k < domain.size(); ++k) count *= steps + 1;
  std::vector<std::vector<double>> points;
  for (std::size_t i = 0; i < count; ++i) points.push_back(grid_point(domain, i));
  Finding out{op.differentiable ? Kind::smooth : Kind::kinked, 0};
  for (const auto& point : points) {
    long double x[8];
    std::copy(point.begin(), point.end(), x);
    const long double y = op.reference(x);
    if (!std::isfinite(y) || std::fabs(y) > 30) return {Kind::undefined, 0};
    out.bound = std::max(out.bound, static_cast<double>(std::fabs(y)));
    for (std::size_t k = 0; k < domain.size() && out.kind == Kind::smooth; ++k) {
      const registry::Slopes slope = registry::differentiate(
          [&](long double t) {
            long double at[8];
            std::copy(x, x + domain.size(), at);
            at[k] += t;
            return registry::Numbers{op.reference(at)};
          },
          1e-17L);
      if (!(slope.error[0] < 1e-6L) || std::fabs(slope.value[0]) > 12) out.kind = Kind::kinked;
    }
  }
  if (op.differentiable && out.kind == Kind::kinked && !conditional && !has_slopes(op, points))
    return {Kind::undefined, 0};
  return out;
}

void append_op(const Op& op, std::vector<Row>& rows) {
  const Sample sample = op.samples(float64)[0];
  if (!sample.params.items().empty()) return;
  const std::size_t arity = sample.in.size();
  std::vector<bool> condition;
  for (const Array& a : sample.in) condition.push_back(a.dtype() == bool_);
  const bool conditional = std::find(condition.begin(), condition.end(), true) != condition.end();
  const bool to_bool = emit(op, sample.in)[0].dtype() == bool_;

  const auto append = [&](const std::string& suffix, const Domain& domain, const Finding& found) {
    const auto build = [&op, domain, found, condition, to_bool](const Build& b) {
      Leaves in, others;
      for (std::size_t k = 0; k < b.count(); ++k) {
        const Value v = b.value(k);
        if (k >= domain.size()) {
          others.push_back(v.array);  // to choose from, where the op gives conditions
        } else if (condition[k]) {
          in.push_back(v.array > 0.1);
        } else {
          const auto [low, high] = domain[k];
          in.push_back(squash(v.array, v.bound, (high - low) / 2, (high + low) / 2));
        }
      }
      // Conditions stay what they are; the others get one dtype, all get one shape.
      Leaves numbers;
      for (const Array& a : in) {
        if (a.dtype() != bool_) numbers.push_back(a);
      }
      if (!numbers.empty()) {
        const Dtype dtype = common_dtype(numbers).dtype;
        for (Array& a : in) {
          if (a.dtype() != bool_) a = detail::as_operand(a, dtype);
        }
      }
      for (Array& a : in) a = detail::as_shape(a, b.shape(), op.name.c_str());
      const Array y = emit_one(op, in);
      if (!to_bool) return Value{{}, y, found.bound};
      return Value{{}, where(y, squash(others[0], 99, 1.5), squash(others[1], 99, 1.5)), 1.5};
    };
    for (Type t : float_types) {
      // Operands of the type, and ones that broadcast to it.
      std::vector<std::vector<Type>> operands = {std::vector<Type>(arity, t)};
      for (Type smaller : {Type::scalar, Type::row}) {
        if (t <= smaller || t == Type::scalar || (smaller == Type::row && t < Type::matrix)) continue;
        for (std::size_t k = 0; arity > 1 && k < arity; ++k) {
          operands.push_back(operands[0]);
          operands.back()[k] = smaller;
        }
      }
      for (const std::vector<Type>& types : operands) {
        Row row{op.name + suffix, t, {}, found.kind == Kind::smooth && !to_bool ? 0u : unsigned{kinked}, build};
        for (Type type : types) row.args.push_back({type});
        if (to_bool) row.args.insert(row.args.end(), {Argument{t}, Argument{t}});
        rows.push_back(row);
      }
    }
  };

  std::vector<Domain> domains = {{}};
  for (std::size_t k = 0; k < arity; ++k) {
    std::vector<Domain> longer;
    for (const Domain& d : domains) {
      for (const Interval& i : intervals) {
        longer.push_back(d);
        longer.back().push_back(i);
      }
    }
    domains = longer;
  }
  // The first domain with values, and, where it has kinks, the first without.
  bool first = true;
  for (const Domain& d : domains) {
    const Finding found = look(op, d, conditional);
    if (found.kind == Kind::undefined || (!first && found.kind == Kind::kinked)) continue;
    append(first ? "" : "_smooth", d, found);
    if (found.kind == Kind::smooth || !op.differentiable) break;
    first = false;
  }
}

}  // namespace

Family elementwise_family() {
  Family out{"elementwise", 40, {}};
  for (const Op* op : elementwise_ops()) {
    const bool whole = op == &polygamma_op();  // its first operand: a row of its own
    if (op->reference && op->samples && !whole) append_op(*op, out.rows);
  }
  return out;
}

}  // namespace dini::random_programs
