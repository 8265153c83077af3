#include "dini/ops/contract.hpp"

#include <algorithm>
#include <string>

#include "dini/ops/contract_ops.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/ops/shaping_build.hpp"

namespace dini {

using detail::Ints;

namespace contract {

ShapeError inner_differ(const char* function, const Array& a, const Array& b) {
  return ShapeError(std::string(function) + ": inner dimensions differ: " + a.shape().str() + " and " +
                    b.shape().str());
}

void promote_pair(Array& a, Array& b, const char* function) {
  detail::check_defined(a, function);
  detail::check_defined(b, function);
  const Dtype dtype = common_dtype({a, b}).dtype;
  a = detail::as_operand(a, dtype);
  b = detail::as_operand(b, dtype);
}

// dot_general on any dtype: for bool, whether any pair is both true.
Array product(const Array& a, const Array& b, const Ints& lc, const Ints& rc, const Ints& lb = {},
              const Ints& rb = {}) {
  if (a.dtype() != Dtype::bool_) return detail::emit_dot_general(a, b, lc, rc, lb, rb);
  return astype(detail::emit_dot_general(astype(a, Dtype::int32), astype(b, Dtype::int32), lc, rc, lb, rb),
                Dtype::bool_);
}

}  // namespace contract

Array dot(const Array& a, const Array& b) {
  Array x = a, y = b;
  contract::promote_pair(x, y, "dot");
  if (x.ndim() == 0 || y.ndim() == 0) return x.dtype() == Dtype::bool_ ? logical_and(x, y) : x * y;
  const int i = x.ndim() - 1, j = std::max(0, y.ndim() - 2);
  if (x.aval().shape[i] != y.aval().shape[j]) throw contract::inner_differ("dot", x, y);
  return contract::product(x, y, {i}, {j});
}

Array matmul(const Array& a, const Array& b) {
  Array x = a, y = b;
  contract::promote_pair(x, y, "matmul");
  if (x.ndim() == 0 || y.ndim() == 0) {
    throw ShapeError("matmul: scalars are not matrices: " + x.shape().str() + " and " + y.shape().str());
  }
  const bool left_vector = x.ndim() == 1, right_vector = y.ndim() == 1;
  const int i = x.ndim() - 1, j = right_vector ? 0 : y.ndim() - 2;
  if (x.aval().shape[i] != y.aval().shape[j]) throw contract::inner_differ("matmul", x, y);
  if (left_vector || right_vector || (x.ndim() == 2 && y.ndim() == 2)) {
    return contract::product(x, y, {i}, {j});  // the free axes come in NumPy's order
  }
  // Leading axes, from the back: equal ones are batches, one of length 1 or a missing one makes the other's free.
  const Shape xs = x.shape(), ys = y.shape();
  const Shape xl = xs.sub(0, xs.ndim() - 2), yl = ys.sub(0, ys.ndim() - 2);
  try {
    broadcast_shapes(xl, yl, "matmul");
  } catch (const ShapeError&) {
    throw ShapeError("matmul: leading axes do not broadcast: " + xs.str() + " and " + ys.str());
  }
  const int n = std::max(xl.ndim(), yl.ndim());
  std::vector<std::int64_t> x_kept, y_kept;
  Ints xb, yb, x_free, y_free, both, gone;  // places among the leading axes of the result
  for (int k = 0; k < n; ++k) {
    const int ix = k - (n - xl.ndim()), iy = k - (n - yl.ndim());
    const std::int64_t lx = ix < 0 ? 1 : xl[ix], ly = iy < 0 ? 1 : yl[iy];
    if (lx == ly && lx != 1) {
      xb.push_back(static_cast<std::int64_t>(x_kept.size()));
      yb.push_back(static_cast<std::int64_t>(y_kept.size()));
      both.push_back(k);
    } else if (lx != 1) {
      x_free.push_back(k);
    } else if (ly != 1) {
      y_free.push_back(k);
    } else {
      gone.push_back(k);
      continue;
    }
    if (lx != 1) x_kept.push_back(lx);
    if (ly != 1) y_kept.push_back(ly);
  }
  x_kept.insert(x_kept.end(), {xs.at(-2), xs.at(-1)});
  y_kept.insert(y_kept.end(), {ys.at(-2), ys.at(-1)});
  const Array left = detail::emit_reshape(x, x_kept), right = detail::emit_reshape(y, y_kept);
  const Array raw = contract::product(left, right, {left.ndim() - 1}, {right.ndim() - 2}, xb, yb);
  // raw's axes: both, x_free, m, y_free, n
  Ints order = both;
  order.insert(order.end(), x_free.begin(), x_free.end());
  order.push_back(n);
  order.insert(order.end(), y_free.begin(), y_free.end());
  order.push_back(n + 1);
  Axes axes;
  for (std::int64_t k = 0; k < n + 2; ++k) {
    const auto at = std::find(order.begin(), order.end(), k);
    if (at != order.end()) axes.push_back(static_cast<int>(at - order.begin()));
  }
  const Array sorted = detail::emit_transpose(raw, axes);
  Shape shape = sorted.shape();
  for (std::int64_t k : gone) shape = shape.inserted(static_cast<int>(k), 1);
  return detail::emit_reshape(sorted, shape);
}

Array vdot(const Array& a, const Array& b) {
  Array x = a, y = b;
  contract::promote_pair(x, y, "vdot");
  if (x.size() != y.size()) throw contract::inner_differ("vdot", x, y);
  return contract::product(ravel(x), ravel(y), {0}, {0});
}

Array inner(const Array& a, const Array& b) {
  Array x = a, y = b;
  contract::promote_pair(x, y, "inner");
  if (x.ndim() == 0 || y.ndim() == 0) return x.dtype() == Dtype::bool_ ? logical_and(x, y) : x * y;
  if (x.aval().shape.back() != y.aval().shape.back()) throw contract::inner_differ("inner", x, y);
  return contract::product(x, y, {x.ndim() - 1}, {y.ndim() - 1});
}

Array outer(const Array& a, const Array& b) {
  Array x = a, y = b;
  contract::promote_pair(x, y, "outer");
  return contract::product(ravel(x), ravel(y), {}, {});
}

Array tensordot(const Array& a, const Array& b, int axes) {
  detail::check_defined(a, "tensordot");
  detail::check_defined(b, "tensordot");
  if (axes < 0 || axes > a.ndim() || axes > b.ndim()) {
    throw ShapeError("tensordot: " + std::to_string(axes) + " axes are more than there are in " + a.shape().str() +
                     " and " + b.shape().str());
  }
  return tensordot(a, b, std::pair(axes_from(a.ndim() - axes, a.ndim()), axes_from(0, axes)));
}

Array tensordot(const Array& a, const Array& b, const std::pair<Axes, Axes>& axes) {
  Array x = a, y = b;
  contract::promote_pair(x, y, "tensordot");
  const Axes left = normalize_axes(axes.first, x.ndim(), "tensordot");
  const Axes right = normalize_axes(axes.second, y.ndim(), "tensordot");
  if (left.size() != right.size()) {
    throw ShapeError("tensordot: " + std::to_string(left.size()) + " axes of the first array for " +
                     std::to_string(right.size()) + " of the second");
  }
  for (std::size_t k = 0; k < left.size(); ++k) {
    if (x.aval().shape[left[k]] != y.aval().shape[right[k]]) {
      throw ShapeError("tensordot: axis " + std::to_string(left[k]) + " of " + x.shape().str() + " and axis " +
                       std::to_string(right[k]) + " of " + y.shape().str() + " have different lengths");
    }
  }
  return contract::product(x, y, to_ints(left), to_ints(right));
}

Array kron(const Array& a, const Array& b) {
  Array x = a, y = b;
  contract::promote_pair(x, y, "kron");
  const int n = std::max(x.ndim(), y.ndim());
  std::vector<std::int64_t> xs, ys, out;
  for (int k = 0; k < n; ++k) {
    const int i = k - (n - x.ndim()), j = k - (n - y.ndim());
    const std::int64_t lx = i < 0 ? 1 : x.aval().shape[i], ly = j < 0 ? 1 : y.aval().shape[j];
    xs.insert(xs.end(), {lx, 1});
    ys.insert(ys.end(), {1, ly});
    out.push_back(lx * ly);
  }
  return detail::emit_reshape(detail::emit_reshape(x, xs) * detail::emit_reshape(y, ys), out);
}

Array cross(const Array& a, const Array& b) {
  Array x = a, y = b;
  contract::promote_pair(x, y, "cross");
  const auto fits = [](const Array& v) { return v.ndim() > 0 && (v.shape().back() == 2 || v.shape().back() == 3); };
  if (!fits(x) || !fits(y)) {
    throw ShapeError("cross: the last axes must have length 2 or 3: " + x.shape().str() + " and " + y.shape().str());
  }
  const bool flat = x.shape().back() == 2 && y.shape().back() == 2;
  const auto in_space = [](const Array& v) {
    if (v.shape().back() == 3) return v;
    std::vector<std::pair<std::int64_t, std::int64_t>> widths(static_cast<std::size_t>(v.ndim()), {0, 0});
    widths.back() = {0, 1};
    return pad(v, widths, 0);
  };
  x = in_space(x);
  y = in_space(y);
  const Array out = roll(x, -1, -1) * roll(y, -2, -1) - roll(x, -2, -1) * roll(y, -1, -1);
  if (!flat) return out;
  return squeeze(split(out, std::vector<std::int64_t>{2}, -1)[1], -1);
}

}  // namespace dini
