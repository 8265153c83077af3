// Algebra that leaves every bit: moves of data that cancel, products with one and with identity matrices, sums with a
// zero that changes nothing.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include "dini/exec/passes.hpp"
#include "dini/exec/rewrite.hpp"

namespace dini::exec {

namespace algebra {

using Ints = Params::Ints;

bool contains(const Ints& list, std::int64_t x) { return std::find(list.begin(), list.end(), x) != list.end(); }

Ints identity(int n) {
  Ints out(n);
  for (int k = 0; k < n; ++k) out[k] = k;
  return out;
}

// ---- Moves of data ---------------------------------------------------------------------------------------------------

int reshape(Rewriter& r, int v, const Shape& shape) {
  v = r.now(v);
  while (const Equation* e = r.definition(v, known().reshape)) v = e->inputs[0];
  if (r.aval(v).shape == shape) return v;
  return r.emit(*known().reshape, {v}, {{"shape", shape}});
}

// Whether a transposition moves axes of length 1 only: the elements stay where they are.
bool moves_nothing(const Shape& shape, const Ints& axes) {
  std::int64_t last = -1;
  for (std::int64_t a : axes) {
    if (shape[static_cast<int>(a)] == 1) continue;
    if (a < last) return false;
    last = a;
  }
  return true;
}

Ints inverse_of(const Ints& axes) {
  Ints out(axes.size());
  for (std::size_t k = 0; k < axes.size(); ++k) out[static_cast<std::size_t>(axes[k])] = static_cast<std::int64_t>(k);
  return out;
}

// Where a broadcast's operand has its axes once the result's axes are moved.
Ints moved_places(const Equation& broadcast, const Ints& axes) {
  const Ints to = inverse_of(axes);
  Ints places;
  for (std::int64_t a : broadcast.params.ints("axes")) places.push_back(to[static_cast<std::size_t>(a)]);
  return places;
}

bool elementwise(const Equation& e) { return e.op->element && e.outputs.size() == 1 && !e.inputs.empty(); }

// Whether an array is the same with its axes moved: an identity, a number repeated, and what is made of these element by element.
bool stays(const Rewriter& r, int v, const Ints& axes, int depth = 8) {
  v = r.now(v);
  const Equation* e = r.definition(v);
  if (!e || depth == 0) return false;
  if (e->op == known().eye)
    return e->params.integer("rows") == e->params.integer("columns") && e->params.integer("offset") == 0;
  if (e->op == known().broadcast) {
    const Shape& shape = r.aval(v).shape;
    for (std::size_t k = 0; k < axes.size(); ++k) {
      if (shape[static_cast<int>(axes[k])] != shape[static_cast<int>(k)]) return false;
    }
    return r.aval(e->inputs[0]).shape.size() == 1;
  }
  return elementwise(*e) &&
         std::all_of(e->inputs.begin(), e->inputs.end(), [&](int u) { return stays(r, u, axes, depth - 1); });
}

// Whether moving an array's axes can be left to what it is made of, where it costs nothing: a move that undoes it, or the repeating
// of another.
bool moves_inside(const Rewriter& r, int v, const Ints& axes, int depth = 8) {
  v = r.now(v);
  const Equation* e = r.definition(v);
  if (!e || depth == 0) return false;
  if (e->op == known().transpose) return e->params.ints("axes") == inverse_of(axes);
  if (stays(r, v, axes)) return true;
  if (e->op == known().broadcast) {
    const Ints places = moved_places(*e, axes);
    return std::is_sorted(places.begin(), places.end());
  }
  return elementwise(*e) && r.uses(v) <= 1 &&
         std::all_of(e->inputs.begin(), e->inputs.end(), [&](int u) { return moves_inside(r, u, axes, depth - 1); });
}

int move_inside(Rewriter& r, int v, const Ints& axes) {
  v = r.now(v);
  const Equation e = *r.definition(v);
  if (e.op == known().transpose) return r.now(e.inputs[0]);
  if (stays(r, v, axes)) return v;
  if (e.op == known().broadcast) {
    Shape to;
    for (std::int64_t a : axes) to.append(r.aval(v).shape[static_cast<int>(a)]);
    return r.emit(*known().broadcast, {e.inputs[0]}, {{"shape", to}, {"axes", moved_places(e, axes)}});
  }
  std::vector<int> inputs;
  for (int u : e.inputs) inputs.push_back(move_inside(r, u, axes));
  return r.emit(*e.op, inputs, e.params);
}

int transpose(Rewriter& r, int v, Ints axes) {
  v = r.now(v);
  while (const Equation* e = r.definition(v, known().transpose)) {
    const Ints& inner = e->params.ints("axes");
    for (std::int64_t& a : axes) a = inner[a];
    v = e->inputs[0];
  }
  const Shape& from = r.aval(v).shape;
  if (axes == identity(from.ndim())) return v;
  if (moves_nothing(from, axes)) {
    Shape to;
    for (std::int64_t a : axes) to.append(from[static_cast<int>(a)]);
    return reshape(r, v, to);
  }
  if (moves_inside(r, v, axes)) return move_inside(r, v, axes);
  return r.emit(*known().transpose, {v}, {{"axes", axes}});
}

int broadcast(Rewriter& r, int v, const Shape& shape, Ints axes) {
  v = r.now(v);
  while (const Equation* e = r.definition(v, known().broadcast)) {
    Ints through;
    for (std::int64_t a : e->params.ints("axes")) through.push_back(axes[a]);
    axes = std::move(through);
    v = e->inputs[0];
  }
  if (r.aval(v).shape.size() == shape.size()) return reshape(r, v, shape);
  return r.emit(*known().broadcast, {v}, {{"shape", shape}, {"axes", axes}});
}

// ---- Numbers ---------------------------------------------------------------------------------------------------------

// The number that a constant is everywhere, also when broadcast or reshaped.
std::optional<double> number(const Rewriter& r, int v) {
  v = r.now(v);
  while (const Equation* e = r.definition(v)) {
    if (e->op != known().broadcast && e->op != known().reshape) return std::nullopt;
    v = e->inputs[0];
  }
  const Array* a = r.constant_value(v);
  return a ? uniform_number(*a) : std::nullopt;
}

bool is_zero(std::optional<double> x, bool negative) { return x && *x == 0 && std::signbit(*x) == negative; }

// What an elementwise op of two operands gives without being done; -1: nothing.
int arithmetic(Rewriter& r, const Equation& e) {
  const KnownOps& ops = known();
  const int a = r.now(e.inputs[0]), b = e.inputs.size() > 1 ? r.now(e.inputs[1]) : -1;
  const bool floating = is_floating(r.aval(a).dtype);
  if (e.op == ops.mul) {
    if (number(r, b) == 1.0) return a;
    if (number(r, a) == 1.0) return b;
  } else if (e.op == ops.div) {
    if (floating && number(r, b) == 1.0) return a;
  } else if (e.op == ops.add) {  // -0 + 0 is 0, so only -0 is no summand
    if (is_zero(number(r, b), floating)) return a;
    if (is_zero(number(r, a), floating)) return b;
  } else if (e.op == ops.sub) {
    if (is_zero(number(r, b), false)) return a;
  } else if (e.op == ops.neg) {
    if (const Equation* inner = r.definition(a, ops.neg)) return inner->inputs[0];
  } else if (e.op == ops.logical_not) {
    if (const Equation* inner = r.definition(a, ops.logical_not)) return inner->inputs[0];
  } else if (e.op == ops.maximum || e.op == ops.minimum) {
    if (a == b) return a;
    // A truth value as a number is 0 or 1.
    const bool least = e.op == ops.maximum;
    for (const auto& [x, bound] : {std::pair(a, b), std::pair(b, a)}) {
      const Equation* from = r.definition(x, ops.convert);
      const std::optional<double> value = number(r, bound);
      if (!floating && from && r.aval(from->inputs[0]).dtype == Dtype::bool_ && value &&
          (least ? *value <= 0 : *value >= 1))
        return x;
    }
  } else if (e.op == ops.select) {
    const std::optional<double> c = number(r, a);
    if (c) return r.now(e.inputs[*c != 0 ? 1 : 2]);
    if (b == r.now(e.inputs[2])) return b;
  }
  return -1;
}

// ---- Identity matrices -----------------------------------------------------------------------------------------------

// An array that is δ(i_p, i_q) at index i, times `scale` where there is one: a vector along axis `along` (p or q) and
// along `scale_axes` as `broadcast` takes them.
struct Delta {
  int p = 0, q = 1;
  int scale = -1;
  Ints scale_axes;
};

std::optional<Delta> delta(const Rewriter& r, int v, bool scaled);

// A product of an identity with something broadcast.
std::optional<Delta> scaled_delta(const Rewriter& r, const Equation& e) {
  for (int side = 0; side < 2; ++side) {
    std::optional<Delta> d = delta(r, e.inputs[side], false);
    if (!d) continue;
    const Equation* s = r.definition(r.now(e.inputs[1 - side]), known().broadcast);
    if (!s) continue;
    d->scale = r.now(s->inputs[0]);
    d->scale_axes = s->params.ints("axes");
    if (contains(d->scale_axes, d->p) && contains(d->scale_axes, d->q)) continue;
    return d;
  }
  return std::nullopt;
}

std::optional<Delta> delta(const Rewriter& r, int v, bool scaled) {
  const KnownOps& ops = known();
  const Equation* e = r.definition(r.now(v));
  if (!e) return std::nullopt;
  if (e->op == ops.eye) {
    const bool square = e->params.integer("rows") == e->params.integer("columns") && e->params.integer("offset") == 0;
    return square ? std::optional<Delta>(Delta{}) : std::nullopt;
  }
  if (e->op == ops.convert) return delta(r, e->inputs[0], false);
  if (e->op == ops.transpose) {
    std::optional<Delta> d = delta(r, e->inputs[0], false);
    if (!d) return d;
    const Ints& axes = e->params.ints("axes");
    auto place = [&](int a) { return static_cast<int>(std::find(axes.begin(), axes.end(), a) - axes.begin()); };
    d->p = place(d->p), d->q = place(d->q);
    return d;
  }
  if (e->op == ops.broadcast) {
    std::optional<Delta> d = delta(r, e->inputs[0], false);
    if (!d) return d;
    const Ints& axes = e->params.ints("axes");
    d->p = static_cast<int>(axes[d->p]), d->q = static_cast<int>(axes[d->q]);
    return d;
  }
  if (e->op == ops.reshape) {  // axes of length 1 put in or taken out
    std::optional<Delta> d = delta(r, e->inputs[0], false);
    if (!d) return d;
    const Shape &from = r.aval(e->inputs[0]).shape, &to = e->params.shape("shape");
    if (from[d->p] == 1) return std::nullopt;
    std::vector<int> a, b;
    for (int k = 0; k < from.ndim(); ++k)
      if (from[k] != 1) a.push_back(k);
    for (int k = 0; k < to.ndim(); ++k)
      if (to[k] != 1) b.push_back(k);
    if (a.size() != b.size()) return std::nullopt;
    for (std::size_t k = 0; k < a.size(); ++k) {
      if (from[a[k]] != to[b[k]]) return std::nullopt;
    }
    auto place = [&](int axis) { return b[std::find(a.begin(), a.end(), axis) - a.begin()]; };
    d->p = place(d->p), d->q = place(d->q);
    return d;
  }
  if (scaled && e->op == ops.mul) return scaled_delta(r, *e);
  return std::nullopt;
}

Array zero_of(Dtype dtype) {
  void* memory;
  Array zero = allocate({Shape{}, dtype, false}, &memory);
  std::memset(memory, 0, item_size(dtype));
  return zero;
}

// dot_general with a (scaled) identity on one side: a transposition of the other side (times the scale); -1: neither is.
int product(Rewriter& r, const Equation& e) {
  const Ints contract[2] = {e.params.ints("lhs_contract"), e.params.ints("rhs_contract")};
  const Ints batch[2] = {e.params.ints("lhs_batch"), e.params.ints("rhs_batch")};
  if (contract[0].size() != 1) return -1;
  for (int side = 0; side < 2; ++side) {
    const int v = r.now(e.inputs[side]), other = r.now(e.inputs[1 - side]);
    std::optional<Delta> d = delta(r, v, true);
    if (!d) continue;
    if (d->q == contract[side][0]) std::swap(d->p, d->q);
    if (d->p != contract[side][0] || contains(batch[side], d->q)) continue;
    const int ndim = r.aval(v).shape.ndim();
    if (static_cast<int>(batch[side].size()) + 2 != ndim) continue;  // another free axis: the other side is repeated
    const Shape& shape = r.aval(other).shape;
    Ints axes = batch[1 - side];
    if (side == 0) axes.push_back(contract[1][0]);
    for (int k = 0; k < shape.ndim(); ++k) {
      if (!contains(batch[1 - side], k) && k != contract[1 - side][0]) axes.push_back(k);
    }
    if (side == 1) axes.push_back(contract[0][0]);
    if (d->scale < 0) return transpose(r, other, axes);
    // Where the scale's axes are in the result.
    Ints places;
    const int ndim_out = shape.ndim();
    for (std::int64_t a : d->scale_axes) {
      const auto at = std::find(batch[side].begin(), batch[side].end(), a);
      if (at != batch[side].end())
        places.push_back(at - batch[side].begin());
      else
        places.push_back(side == 0 ? static_cast<std::int64_t>(batch[side].size()) : ndim_out - 1);
    }
    if (!std::is_sorted(places.begin(), places.end())) continue;
    const int moved = transpose(r, other, axes);
    const Shape to = r.aval(moved).shape;
    const int scale = broadcast(r, d->scale, to, places);
    const int scaled =
        r.emit(*known().mul, side == 0 ? std::vector<int>{scale, moved} : std::vector<int>{moved, scale});
    // The sum that this stands for starts from 0, so that no element of it is -0.
    const int zero = r.constant(zero_of(r.aval(scaled).dtype));
    return r.emit(*known().add, {scaled, broadcast(r, zero, to, {})});
  }
  return -1;
}

// Sums, norms and extremes of one element each. A sum starts from 0, so that none is -0.
int of_one(Rewriter& r, const Equation& e) {
  const Shape& shape = r.aval(e.inputs[0]).shape;
  for (std::int64_t a : e.params.ints("axes")) {
    if (shape[static_cast<int>(a)] != 1) return -1;
  }
  const Aval out = r.aval(e.outputs[0]);  // what is emitted moves the list of them
  if (out.dtype != r.aval(e.inputs[0]).dtype) return -1;
  if (e.op == known().norm2) return reshape(r, r.emit(*known().abs, {e.inputs[0]}), out.shape);
  const int v = reshape(r, e.inputs[0], out.shape);
  if (e.op != known().sum || !is_floating(out.dtype)) return v;
  const int zero = r.constant(zero_of(out.dtype));
  return r.emit(*known().add, {v, broadcast(r, zero, out.shape, {})});
}

// What is done with one element is done before reshapes, so that the same of differently shaped ones is found to be the same.
int before_reshapes(Rewriter& r, const Equation& e) {
  if (!elementwise(e) || r.aval(e.outputs[0]).shape.size() != 1) return -1;
  std::vector<int> from;
  for (int v : e.inputs) {
    const Equation* moved = r.definition(r.now(v), known().reshape);
    if (!moved) return -1;
    from.push_back(moved->inputs[0]);
    if (r.aval(from.back()).shape != r.aval(from.front()).shape) return -1;
  }
  const Aval out = r.aval(e.outputs[0]);
  return reshape(r, r.emit(*e.op, from, e.params), out.shape);
}

int simpler(Rewriter& r, const Equation& e) {
  const KnownOps& ops = known();
  if (e.op == ops.stop_gradient) return r.now(e.inputs[0]);
  if (e.op == ops.convert) return r.aval(e.inputs[0]).dtype == e.params.dtype("dtype") ? r.now(e.inputs[0]) : -1;
  if (e.op == ops.reshape) return reshape(r, e.inputs[0], e.params.shape("shape"));
  if (e.op == ops.transpose) return transpose(r, e.inputs[0], e.params.ints("axes"));
  if (e.op == ops.broadcast) return broadcast(r, e.inputs[0], e.params.shape("shape"), e.params.ints("axes"));
  if (e.op == ops.dot_general) return product(r, e);
  if (e.op == ops.sum || e.op == ops.max || e.op == ops.min || e.op == ops.norm2) return of_one(r, e);
  const int v = arithmetic(r, e);
  return v >= 0 ? v : before_reshapes(r, e);
}

// Takes out of a cond what every branch passes on alike: it is the operand.
void pass_by(Rewriter& r, Equation& e) {
  const std::vector<Program*> branches = programs_of(e);
  for (std::size_t k = e.outputs.size(); k-- > 0;) {
    int same = -1;
    for (const Program* branch : branches) {
      const auto at = std::find(branch->inputs.begin(), branch->inputs.end(), branch->outputs[k]);
      const int operand =
          at == branch->inputs.end() ? -1 : r.now(e.inputs[static_cast<std::size_t>(at - branch->inputs.begin()) + 1]);
      same = branch == branches[0] || same == operand ? operand : -1;
    }
    if (same < 0) continue;
    r.replace(e.outputs[k], same);
    e.outputs.erase(e.outputs.begin() + static_cast<std::ptrdiff_t>(k));
    for (Program* branch : branches) branch->outputs.erase(branch->outputs.begin() + static_cast<std::ptrdiff_t>(k));
  }
}

}  // namespace algebra

void simplify(Program& p) {
  Rewriter r(p);
  for (Equation& e : r.take_equations()) {
    if (kind_of(*e.op) == Kind::cond) algebra::pass_by(r, e);
    const int v =
        e.op->kernel && !e.op->effectful && e.outputs.size() == 1 && !e.inputs.empty() ? algebra::simpler(r, e) : -1;
    if (v >= 0)
      r.replace(e.outputs[0], v);
    else
      r.keep(std::move(e));
  }
  r.finish();
}

}  // namespace dini::exec
