#include "random_program.hpp"

#include <algorithm>
#include <ostream>
#include <stdexcept>

#include "dini/ops/elementwise.hpp"
#include "dini/ops/promote.hpp"
#include "programs.hpp"

namespace dini::random_programs {

const char* name(Type type) {
  constexpr const char* names[] = {"scalar", "vector", "row", "matrix", "square", "box", "index", "indices"};
  return names[static_cast<int>(type)];
}

Shape Sizes::shape(Type type) const {
  switch (type) {
    case Type::vector: return {n};
    case Type::row: return {m};
    case Type::matrix: return {n, m};
    case Type::square: return {m, m};
    case Type::box: return {2, n, m};
    case Type::indices: return {6};
    default: return {};
  }
}

// ---- Building --------------------------------------------------------------------------------------------------------

namespace {

Value build(const Expr& e, const Sizes& sizes, const Scope& scope) {
  if (e.row) {
    Value v = e.row->build(Build(e, sizes, scope));
    if (v.array.shape() != sizes.shape(e.type))
      throw std::logic_error(e.row->name + " gives " + v.array.aval().str() + " for a " + name(e.type));
    v.type = e.type;
    return v;
  }
  const auto fits = [&](const Value& v) { return v.type == e.type; };
  auto left = e.draw % std::count_if(scope.begin(), scope.end(), fits);
  return *std::find_if(scope.rbegin(), scope.rend(), [&](const Value& v) { return fits(v) && left-- == 0; });
}

// Numbers in (-1, 1); integers that may be indices into rows. No op makes them: they are constants under every trace.
Array input(Type type, const Sizes& sizes, Dtype dtype, unsigned seed) {
  const Array a = exec_tests::numbers(sizes.shape(type), is_float(type) ? dtype : int64, seed);
  if (is_float(type)) return a;
  std::vector<std::int64_t> indices = a.to_vector<std::int64_t>();
  for (std::int64_t& i : indices) i = std::clamp(i, -sizes.m, sizes.m - 1);
  return from_data(indices.data(), a.shape());
}

}  // namespace

Array squash(const Array& x, double bound, double half, double center) {
  if (center == 0 && bound <= half) return x;
  const Array inner = bound > 8 ? x * (8 / bound) : x;
  return center == 0 ? half * sin(inner) : center + half * sin(inner);
}

Value Build::value(std::size_t k) const { return build(expr_.args[k], sizes_, scope_); }

Array Build::arg(std::size_t k, double limit) const {
  const Value v = value(k);
  return squash(v.array, v.bound, limit);
}

Body Build::body(std::size_t k, Dtype dtype) const { return body_in(scope_, k, dtype); }

Body Build::closed_body(std::size_t k, Dtype dtype) const {
  Scope numbers;
  for (Type t : all_types) numbers.push_back({t, input(t, sizes_, dtype, 1), 1});
  return body_in(numbers, k, dtype);
}

Body Build::body_in(Scope scope, std::size_t k, Dtype dtype) const {
  return [&e = expr_.args[k], &binds = expr_.row->args[k].binds, &sizes = sizes_, scope = std::move(scope),
          dtype](const Leaves& bound) {
    Scope inner = scope;
    for (std::size_t j = 0; j < bound.size(); ++j) inner.push_back({binds[j], bound[j], body_bound});
    const Value v = build(e, sizes, inner);
    return is_float(e.type) ? astype(squash(v.array, v.bound, body_bound), dtype) : v.array;
  };
}

// ---- Descriptions ----------------------------------------------------------------------------------------------------

namespace {

int depth_of(const Expr& e) {
  int deepest = 0;
  for (const Expr& a : e.args) deepest = std::max(deepest, depth_of(a));
  return e.row ? deepest + 1 : 0;
}

unsigned traits_of(const Expr& e) {
  unsigned traits = e.row ? e.row->traits : 0;
  for (const Expr& a : e.args) traits |= traits_of(a);
  return traits;
}

// The arguments of every Program.
constexpr Type input_types[] = {Type::scalar, Type::vector, Type::vector, Type::row,    Type::matrix,
                                Type::square, Type::box,    Type::index,  Type::indices};

}  // namespace

int Description::depth() const { return depth_of(root); }

unsigned Description::traits() const {
  return traits_of(root) | (dtype == float32 || other == float32 ? unsigned{single} : 0u);
}

Leaves Description::inputs(unsigned lane) const {
  Leaves out;
  for (Type type : input_types) {
    const unsigned k = static_cast<unsigned>(out.size());
    out.push_back(input(type, sizes, k == 2 ? other : dtype, seed + 100 * lane + k));
  }
  return out;
}

Leaves Description::operator()(const Leaves& inputs) const {
  Scope scope;
  for (std::size_t k = 0; k < inputs.size(); ++k) scope.push_back({input_types[k], inputs[k], 1});
  Leaves out = {build(root, sizes, scope).array};
  if (root.row && root.row->args[0].binds.empty()) out.push_back(build(root.args[0], sizes, scope).array);
  out.push_back(inputs[root.draw % inputs.size()]);
  if (root.draw % 4 == 0) out.push_back(out[0]);
  return out;
}

// ---- Drawing ---------------------------------------------------------------------------------------------------------

namespace {

class Draw {
 public:
  explicit Draw(const rc::Random& random) : random_(random) {}
  unsigned below(std::size_t n) { return static_cast<unsigned>(random_.next() % n); }

  // Exactly `depth` deep: one argument has the depth that is left, the others are small.
  Expr expr(Type type, int depth, unsigned excluded, int repeats, int nested) {
    Expr e{.type = type};
    if (depth == 0) {
      e.draw = below(3) ? below(3) : below(64);
      return e;
    }
    if (repeats == 0) excluded |= Trait::repeats;
    if (nested == 0) excluded |= Trait::nested;
    e.row = &row(type, excluded);
    e.draw = below(64);
    if (e.row->traits & Trait::repeats) --repeats;
    if (e.row->traits & Trait::nested) {
      --nested;
      excluded |= no_reverse | no_forward;
    }
    const std::size_t spine = below(e.row->args.size());
    for (std::size_t k = 0; k < e.row->args.size(); ++k) {
      const int left = k == spine ? depth - 1 : std::min<int>(depth - 1, static_cast<int>(below(4)) - 1);
      e.args.push_back(expr(e.row->args[k].type, std::max(left, 0), excluded, repeats, nested));
    }
    return e;
  }

 private:
  const Row& row(Type type, unsigned excluded) {
    for (;;) {
      int total = 0;
      for (const Family& f : families()) total += f.weight;
      int left = static_cast<int>(below(static_cast<std::size_t>(total)));
      const Family* family = families().data();
      while (left >= family->weight) left -= family++->weight;
      std::vector<const Row*> fit;
      for (const Row& r : family->rows) {
        if (r.result == type && !(r.traits & excluded)) fit.push_back(&r);
      }
      if (!fit.empty()) return *fit[below(fit.size())];
    }
  }
  rc::Random random_;
};

Description draw(const rc::Random& random, int max_depth) {
  Draw d(random);
  Description out;
  constexpr std::int64_t lengths[] = {1, 5, 5, 7, 7, 5, 7, 2050};  // the last: more than a block of the executor
  out.sizes = {lengths[d.below(std::size(lengths))], 3 + d.below(2)};
  out.dtype = d.below(3) ? float64 : float32;
  out.other = d.below(4) ? out.dtype : d.below(2) ? float64 : float32;
  out.seed = d.below(1u << 20);
  constexpr Type roots[] = {Type::scalar, Type::vector, Type::row, Type::matrix, Type::square, Type::box};
  // What has one mode of differentiation only stands in some of the Programs, alone.
  constexpr unsigned excluded[] = {no_forward, no_reverse, no_forward | no_reverse, no_forward | no_reverse,
                                   no_forward | no_reverse};
  unsigned without = excluded[d.below(std::size(excluded))];
  if (d.below(2)) {  // half of them are smooth, and in double precision
    without |= kinked | single;
    out.dtype = out.other = float64;
  }
  const int depth = 1 + static_cast<int>(d.below(static_cast<std::size_t>(max_depth)));
  out.root = d.expr(roots[d.below(std::size(roots))], depth, without, 2, 2);
  return out;
}

// ---- Shrinking -------------------------------------------------------------------------------------------------------

// The proper subtrees, the largest first; of one type, or all.
void append_subtrees(const Expr& e, const Type* type, std::vector<Expr>& out) {
  for (const Expr& a : e.args) {
    if (!type || a.type == *type) out.push_back(a);
  }
  for (const Expr& a : e.args) append_subtrees(a, type, out);
}

std::vector<Expr> smaller(const Expr& e) {
  std::vector<Expr> out;
  if (e.row || e.draw) out.push_back({.type = e.type});
  append_subtrees(e, &e.type, out);
  if (e.row && e.draw) {
    out.push_back(e);
    out.back().draw = 0;
  }
  for (std::size_t k = 0; k < e.args.size(); ++k) {
    for (Expr& a : smaller(e.args[k])) {
      out.push_back(e);
      out.back().args[k] = std::move(a);
    }
  }
  return out;
}

rc::Seq<Description> shrinks(const Description& d) {
  std::vector<Description> out;
  const auto with = [&](auto Description::*member, const auto& value) {
    out.push_back(d);
    out.back().*member = value;
  };
  std::vector<Expr> roots;
  append_subtrees(d.root, nullptr, roots);
  for (const Expr& e : roots) {
    if (is_float(e.type)) with(&Description::root, e);
  }
  for (const Expr& e : smaller(d.root)) with(&Description::root, e);
  if (d.sizes.n > 5) with(&Description::sizes, Sizes{5, d.sizes.m});
  if (d.sizes.n > 1) with(&Description::sizes, Sizes{1, d.sizes.m});
  if (d.sizes.m > 3) with(&Description::sizes, Sizes{d.sizes.n, 3});
  if (d.other != d.dtype) with(&Description::other, d.dtype);
  return rc::seq::fromContainer(std::move(out));
}

void show(const Expr& e, std::ostream& out) {
  if (!e.row) {
    out << name(e.type) << e.draw;
    return;
  }
  out << e.row->name << ':' << name(e.type) << '#' << e.draw << '(';
  for (std::size_t k = 0; k < e.args.size(); ++k) {
    out << (k ? ", " : "") << (e.row->args[k].binds.empty() ? "" : "\\ -> ");
    show(e.args[k], out);
  }
  out << ')';
}

}  // namespace

rc::Gen<Description> descriptions(int max_depth) {
  return [=](const rc::Random& random, int) {
    return rc::shrinkable::shrinkRecur(draw(random, max_depth), [](const Description& d) { return shrinks(d); });
  };
}

void showValue(const Description& d, std::ostream& out) {
  out << "n " << d.sizes.n << ", m " << d.sizes.m << ", " << dini::name(d.dtype) << ", second vector "
      << dini::name(d.other) << ", numbers " << d.seed << ":\n  ";
  show(d.root, out);
}

}  // namespace dini::random_programs
