// Combinations of ops for which there is one kernel with the same bits.
#include "dini/exec/passes.hpp"
#include "dini/exec/rewrite.hpp"
#include "dini/exec/steps.hpp"

namespace dini::exec {

namespace combination {

bool is_full_sum_of_floats(const Rewriter& r, const Equation& e) {
  const Aval& a = r.aval(e.inputs[0]);
  return e.op == known().sum && is_floating(a.dtype) &&
         static_cast<int>(e.params.ints("axes").size()) == a.shape.ndim();
}

// Σ a·b and Σ a², where nobody else reads the products.
int sum_of_products(Rewriter& r, const Equation& e) {
  const int v = r.now(e.inputs[0]);
  if (r.uses(v) != 1) return -1;
  if (const Equation* square = r.definition(v, known().square)) {
    const int x = square->inputs[0];
    return r.emit(sum_product_op(), {x, x});
  }
  if (const Equation* product = r.definition(v, known().mul)) {
    const std::vector<int> factors = product->inputs;
    return r.emit(sum_product_op(), factors);
  }
  return -1;
}

// A choice between short arrays by one condition. Long ones are left to fused loops.
int choice(Rewriter& r, const Equation& e) {
  if (r.aval(e.outputs[0]).shape.size() > static_cast<std::int64_t>(FusedData::block)) return -1;
  const Equation* repeated = r.definition(r.now(e.inputs[0]), known().broadcast);
  if (!repeated || r.aval(repeated->inputs[0]).shape.size() != 1) return -1;
  const int condition = repeated->inputs[0];
  return r.emit(choose_op(), {condition, e.inputs[1], e.inputs[2]});
}

// Whether all elements are finite.
int all_finite(Rewriter& r, const Equation& e) {
  const Equation* finite = r.definition(r.now(e.inputs[0]), known().isfinite);
  if (!finite || !is_floating(r.aval(finite->inputs[0]).dtype)) return -1;
  if (static_cast<int>(e.params.ints("axes").size()) != r.aval(e.inputs[0]).shape.ndim()) return -1;
  const int x = finite->inputs[0];
  return r.emit(all_finite_op(), {x});
}

}  // namespace combination

void combine(Program& p) {
  Rewriter r(p);
  std::vector<Equation> equations = r.take_equations();
  for (Equation& e : equations) {
    int v = -1;
    if (e.op == known().sum && combination::is_full_sum_of_floats(r, e)) v = combination::sum_of_products(r, e);
    if (e.op == known().min) v = combination::all_finite(r, e);
    if (e.op == known().select) v = combination::choice(r, e);
    if (v >= 0)
      r.replace(e.outputs[0], v);
    else
      r.keep(std::move(e));
  }
  r.finish();
}

}  // namespace dini::exec
