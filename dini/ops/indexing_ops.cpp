// take, scatter, searchsorted: kernels and rules.
#include "dini/ops/indexing_ops.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/reduce_ops.hpp"
#include "dini/ops/registry.hpp"
#include "dini/ops/shaping_build.hpp"
#include "dini/ops/shaping_ops.hpp"
#include "dini/ops/sort_ops.hpp"

namespace dini {

using detail::Ints;

namespace indexing {

std::int64_t clamped(std::int64_t i, std::int64_t n) { return std::clamp<std::int64_t>(i, 0, n - 1); }

// Calls f(k, i): the k-th index is i.
template <class F> void each_index(const KernelCall& c, F&& f) {
  const std::int64_t count = c.in_avals[1].shape.size();
  if (c.in_avals[1].dtype == Dtype::int32) {
    const auto* p = static_cast<const std::int32_t*>(c.in[1]);
    for (std::int64_t k = 0; k < count; ++k) f(k, std::int64_t{p[k]});
  } else {
    const auto* p = static_cast<const std::int64_t*>(c.in[1]);
    for (std::int64_t k = 0; k < count; ++k) f(k, p[k]);
  }
}

void take_kernel(const KernelCall& c) {
  const Shape& from = c.in_avals[0].shape;
  if (c.out_avals[0].shape.size() == 0) return;
  const std::int64_t n = from[0], row = from.sub(1, from.ndim()).size();
  visit_dtype(c.out_avals[0].dtype, [&]<class T>() {
    const T* a = static_cast<const T*>(c.in[0]);
    T* out = static_cast<T*>(c.out[0]);
    if (n == 0) {  // nothing to take: only a traced index of an empty axis gets here
      std::fill_n(out, c.out_avals[0].shape.size(), T(0));
    } else if (row == 1) {
      each_index(c, [&](std::int64_t k, std::int64_t i) { out[k] = a[clamped(i, n)]; });
    } else {
      each_index(c, [&](std::int64_t k, std::int64_t i) {
        std::memcpy(out + k * row, a + clamped(i, n) * row, static_cast<std::size_t>(row) * sizeof(T));
      });
    }
  });
}

template <class T> T smaller(T a, T b) { return a != a ? a : b != b ? b : b < a ? b : a; }
template <class T> T larger(T a, T b) { return a != a ? a : b != b ? b : a < b ? b : a; }

void scatter_kernel(const KernelCall& c) {
  const Shape& to = c.out_avals[0].shape;
  if (to.size() == 0) return;
  const std::int64_t n = to[0], row = to.sub(1, to.ndim()).size();
  const std::string& mode = c.params.text("mode");
  visit_dtype(c.out_avals[0].dtype, [&]<class T>() {
    T* out = static_cast<T*>(c.out[0]);
    if (c.out[0] != c.in[0]) std::memcpy(out, c.in[0], static_cast<std::size_t>(to.size()) * sizeof(T));
    const T* updates = static_cast<const T*>(c.in[2]);
    const auto combine = [&](auto f) {
      each_index(c, [&](std::int64_t k, std::int64_t i) {
        if (i < 0 || i >= n) return;
        T* y = out + i * row;
        const T* u = updates + k * row;
        for (std::int64_t j = 0; j < row; ++j) y[j] = static_cast<T>(f(y[j], u[j]));
      });
    };
    if (mode == "set")
      combine([](T, T u) { return u; });
    else if (mode == "add")
      combine([](T y, T u) { return y + u; });
    else if (mode == "multiply")
      combine([](T y, T u) { return y * u; });
    else if (mode == "min")
      combine(smaller<T>);
    else
      combine(larger<T>);
  });
}

// NaN stands last.
template <class T> bool before(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    return a < b || (b != b && a == a);
  else
    return a < b;
}

void searchsorted_kernel(const KernelCall& c) {
  const Shape &s = c.in_avals[0].shape, &v = c.in_avals[1].shape;
  const std::int64_t n = s.back(), m = v.back(), batches = v.sub(0, v.ndim() - 1).size();
  const bool right = c.params.flag("right");
  visit_dtype(c.in_avals[0].dtype, [&]<class T>() {
    for (std::int64_t b = 0; b < batches; ++b) {
      const T* sorted = static_cast<const T*>(c.in[0]) + b * n;
      const T* values = static_cast<const T*>(c.in[1]) + b * m;
      auto* out = static_cast<std::int64_t*>(c.out[0]) + b * m;
      for (std::int64_t k = 0; k < m; ++k) {
        const T* at = right ? std::upper_bound(sorted, sorted + n, values[k], before<T>)
                            : std::lower_bound(sorted, sorted + n, values[k], before<T>);
        out[k] = at - sorted;
      }
    }
  });
}

// A value for each index, over the rest of the operand's axes.
Array over_rows(const Array& per_index, const Shape& updates) {
  return detail::emit_broadcast(per_index, updates, axes_from(0, per_index.ndim()));
}

bool is_unique(const Params& p, const Shape& indices) {
  return indices.size() <= 1 || (p.has("unique") && p.flag("unique"));
}

bool all_in_range(const Array& indices, std::int64_t n) {
  if (!is_readable(indices)) return false;
  const std::vector<std::int64_t> i = indices.to_vector<std::int64_t>();
  return std::all_of(i.begin(), i.end(), [n](std::int64_t k) { return 0 <= k && k < n; });
}
Array in_range(const Array& indices, std::int64_t n) {
  return logical_and(indices >= Array(std::int64_t{0}), indices < Array(n));
}
Array clamped(const Array& indices, std::int64_t n) {
  return clip(indices, Array(std::int64_t{0}), Array(std::max<std::int64_t>(n - 1, 0)));
}

// What stands at the updates: 0 at those that are dropped, since what is 0 for the others there might be 0·inf.
Array if_written(const Array& x, const Array& indices, std::int64_t n) {
  if (all_in_range(indices, n)) return x;
  return where(over_rows(in_range(indices, n), x.shape()), x, detail::literal(0, x));
}
Array written_rows(const Array& a, const Array& indices) {
  return if_written(detail::emit_take(a, indices), indices, a.shape()[0]);
}

// Whether each update is the last one written to its place.
Array last_written(const Array& indices, std::int64_t n, const Shape& updates) {
  const Array number = detail::emit_reshape(arange(indices.size()), indices.shape());
  const Array winner = detail::emit_scatter("set", zeros({n}, Dtype::int64), indices, number);
  return over_rows(detail::emit_take(winner, indices) == number, updates);
}

// What every update of a product is multiplied with: the old element and the other updates of its place, those before it times
// those after it. Nothing is divided by, so slopes of every order are right where updates are 0.
Array other_factors(const JvpCall& c) {
  const Array &a = c.in[0], &indices = c.in[1], &u = c.in[2];
  const Array own = written_rows(a, indices);
  if (is_unique(c.params, indices.shape())) return own;
  const std::int64_t count = indices.size();
  const Array places = detail::emit_reshape(astype(indices, Dtype::int64), Shape{count});
  const Array order = emit_one(argsort_op(), {places}, {{"axis", std::int64_t{0}}});
  const Array sorted = detail::emit_take(places, order);
  const Shape rows = Shape{count} + a.shape().sub(1, a.ndim());
  // Nothing of what is dropped goes on to the next place, as NaN would.
  const Array lines = if_written(detail::emit_take(detail::emit_reshape(u, rows), order), sorted, a.shape()[0]);
  const Array none = zeros(rows, u.dtype()), one = ones(rows, u.dtype());
  // Along the updates of one place: y_k = u_(k-1) y_(k-1), from 1 on at each place.
  const auto products = [&](bool backwards) {
    const auto neighbour = [&](const Array& x, const Array& fill) {
      Ints low(static_cast<std::size_t>(x.ndim()), 0), high = low;
      low[0] = backwards ? -1 : 1;
      high[0] = -low[0];
      return detail::emit_pad(x, fill, low, high, Ints(low.size(), 0));
    };
    const Array goes_on = over_rows(sorted == neighbour(sorted, Array(std::int64_t{-1})), rows);
    return emit_one(linear_recurrence_op(),
                    {where(goes_on, neighbour(lines, detail::literal(0, u)), none), where(goes_on, none, one)},
                    {{"axis", std::int64_t{0}}, {"reverse", backwards}});
  };
  // The old element outside of it: one that is infinite or NaN is no affair of other places.
  const Array others = products(false) * products(true);
  return own * detail::emit_reshape(detail::emit_scatter("set", none, order, others, true), u.shape());
}

Leaves scatter_jvp(const JvpCall& c) {
  const Array &da = c.tangents[0], &du = c.tangents[2], &a = c.in[0], &indices = c.in[1], &u = c.in[2];
  if (!da.defined() && !du.defined()) return {Array()};
  const std::string& mode = c.params.text("mode");
  const Array zero_a = da.defined() ? da : detail::emit_zeros(a.aval());
  const auto added = [&](const Array& to, const Array& slopes) {
    return detail::emit_scatter("add", to, indices, slopes);
  };
  if (mode == "set" || mode == "add") {
    return emit(scatter_op(), {zero_a, indices, du.defined() ? du : detail::emit_zeros(u.aval())}, c.params);
  }
  if (mode == "multiply") {
    const Array first =
        da.defined() ? da * emit_one(scatter_op(), {ones(a.shape(), a.dtype()), indices, u}, c.params) : zero_a;
    return {du.defined() ? added(first, du * other_factors(c)) : first};
  }
  // min, max: equal shares to all that attain the result.
  const Array own = where(a == c.out[0], ones_like(a), zeros_like(a));
  const Array theirs = where(u == detail::emit_take(c.out[0], indices), ones_like(u), zeros_like(u));
  const Array share = detail::literal(1, a) / added(own, theirs);
  const Array first = da.defined() ? da * (own * share) : zero_a;
  return {du.defined() ? added(first, du * (theirs * written_rows(share, indices))) : first};
}

Leaves scatter_transpose(const TransposeCall& c) {
  Leaves out(3);
  const Array& ct = c.cotangents[0];
  if (!ct.defined()) return out;
  const std::string& mode = c.params.text("mode");
  const Array& indices = c.in[1];
  const bool set = mode == "set";
  if (!c.in[0].defined()) {
    if (mode == "multiply") {
      out[0] = ct * emit_one(scatter_op(), {ones(ct.shape(), ct.dtype()), indices, c.in[2]}, c.params);
    } else {
      out[0] = set ? emit_one(scatter_op(), {ct, indices, detail::emit_zeros(c.in_avals[2])}, c.params) : ct;
    }
  }
  if (!c.in[2].defined()) {
    Array there = detail::emit_take(ct, indices);
    if (mode == "multiply") there = there * detail::emit_take(c.in[0], indices);  // linear only where places are unique
    if (set && !is_unique(c.params, indices.shape())) {
      there = where(last_written(indices, ct.shape()[0], there.shape()), there, detail::literal(0, there));
    }
    out[2] = if_written(there, indices, ct.shape()[0]);
  }
  return out;
}

// Lane b's index i of an axis of length n is b·n + i of all lanes' rows together.
Array lane_indices(const Array& indices, std::int64_t size, std::int64_t n) {
  return indices + detail::emit_broadcast(arange(size) * Array(n), indices.shape(), {0});
}

Batched take_batch(const BatchCall& c) {
  const Array &a = c.in[0], &indices = c.in[1];
  if (!c.batched[0]) return {emit(take_op(), {a, indices}), {true}};
  if (!c.batched[1]) {
    const Array out = detail::emit_take(detail::emit_moved(a, 0, 1), indices);
    return {{detail::emit_moved(out, indices.ndim(), 0)}, {true}};
  }
  const Shape shape = a.shape();
  const Array rows = detail::emit_reshape(a, prepend(shape[0] * shape[1], shape.sub(2, shape.ndim())));
  return {emit(take_op(), {rows, lane_indices(clamped(astype(indices, Dtype::int64), shape[1]), c.size, shape[1])}),
          {true}};
}

Batched scatter_batch(const BatchCall& c) {
  if (!c.batched[1]) {
    const Array a = c.batched[0] ? c.in[0] : detail::emit_repeated(c.in[0], c.size);
    const Array u = c.batched[2] ? c.in[2] : detail::emit_repeated(c.in[2], c.size);
    const Array out = emit_one(
        scatter_op(), {detail::emit_moved(a, 0, 1), c.in[1], detail::emit_moved(u, 0, c.in[1].ndim())}, c.params);
    return {{detail::emit_moved(out, 1, 0)}, {true}};
  }
  const Leaves in = detail::all_batched(c);
  const Shape shape = in[0].shape();
  const Array rows = detail::emit_reshape(in[0], prepend(shape[0] * shape[1], shape.sub(2, shape.ndim())));
  // Places are unique in all lanes together if they were so in each.
  Params p = c.params;
  p.set("unique", is_unique(c.params, c.in[1].shape().sub(1, c.in[1].ndim())));
  // An index out of its lane's range must not become another lane's.
  const Array wide = astype(in[1], Dtype::int64);
  const Array places = where(in_range(wide, shape[1]), lane_indices(wide, c.size, shape[1]), detail::literal(-1, wide));
  const Array out = emit_one(scatter_op(), {rows, places, in[2]}, p);
  return {{detail::emit_reshape(out, shape)}, {true}};
}

std::vector<std::vector<long double>> take_plain(const Sample& s) {
  const Shape from = s.in[0].shape();
  const auto a = detail::numbers(s.in[0]);
  const std::int64_t row = from.sub(1, from.ndim()).size();
  std::vector<long double> out;
  for (std::int64_t i : s.in[1].to_vector<std::int64_t>()) {
    for (std::int64_t j = 0; j < row; ++j) out.push_back(a[static_cast<std::size_t>(clamped(i, from[0]) * row + j)]);
  }
  return {out};
}

std::vector<std::vector<long double>> scatter_plain(const Sample& s) {
  const Shape to = s.in[0].shape();
  auto out = detail::numbers(s.in[0]);
  const auto u = detail::numbers(s.in[2]);
  const std::int64_t row = to.sub(1, to.ndim()).size();
  const std::string& mode = s.params.text("mode");
  std::size_t next = 0;
  for (std::int64_t i : s.in[1].to_vector<std::int64_t>()) {
    for (std::int64_t j = 0; j < row; ++j, ++next) {
      if (i < 0 || i >= to[0]) continue;
      long double& y = out[static_cast<std::size_t>(i * row + j)];
      if (mode == "set")
        y = u[next];
      else if (mode == "add")
        y += u[next];
      else if (mode == "multiply")
        y *= u[next];
      else if (mode == "min")
        y = std::min(y, u[next]);
      else
        y = std::max(y, u[next]);
    }
  }
  return {out};
}

}  // namespace indexing

const Op& take_op() {
  static const Op op = [] {
    Op o;
    o.name = "take";
    o.rounding = Rounding::exact;
    o.takes = Operands::any;
    o.infer = [](std::span<const Aval> in, const Params&) -> std::vector<Aval> {
      return {{in[1].shape + in[0].shape.sub(1, in[0].shape.ndim()), in[0].dtype, in[0].weak}};
    };
    o.kernel = indexing::take_kernel;
    o.jvp = [](const JvpCall& c) -> Leaves {
      if (!c.tangents[0].defined()) return {Array()};
      return emit(take_op(), {c.tangents[0], c.in[1]});
    };
    o.transpose = [](const TransposeCall& c) -> Leaves {
      if (!c.cotangents[0].defined() || c.in[0].defined()) return Leaves(2);
      const std::int64_t n = c.in_avals[0].shape[0];
      const Array i = indexing::all_in_range(c.in[1], n) ? c.in[1] : indexing::clamped(c.in[1], n);
      return {detail::emit_scatter("add", detail::emit_zeros(c.in_avals[0]), i, c.cotangents[0]), Array()};
    };
    o.batch = indexing::take_batch;
    o.samples = [](Dtype d) -> std::vector<Sample> {
      using detail::sample;
      using detail::sample_integers;
      return {{{sample({5}, d), sample_integers({3, 0, 3, 4}, {4})}, {}},
              {{sample({4, 3}, d), sample_integers({2, 0, 1, 2, 3, 2}, {2, 3}, Dtype::int32)}, {}},
              {{sample({4, 3, 2}, d), sample_integers({2}, {})}, {}},
              {{sample({4, 3}, d), sample_integers({7, -2}, {2})}, {}}};
    };
    o.plain = indexing::take_plain;
    return o;
  }();
  return op;
}

const Op& scatter_op() {
  static const Op op = [] {
    Op o;
    o.name = "scatter";
    o.rounding = Rounding::accumulates;
    o.exact_when = [](const Params& params, std::span<const Aval>, std::span<const std::optional<double>>) {
      const std::string& mode = params.text("mode");
      return mode != "add" && mode != "multiply";
    };
    o.takes = Operands::any;
    o.infer = [](std::span<const Aval> in, const Params&) -> std::vector<Aval> { return {in[0]}; };
    o.kernel = indexing::scatter_kernel;
    o.in_place = true;
    o.jvp = indexing::scatter_jvp;
    o.transpose = indexing::scatter_transpose;
    o.batch = indexing::scatter_batch;
    o.samples = [](Dtype d) -> std::vector<Sample> {
      using detail::sample;
      using detail::sample_integers;
      std::vector<Sample> out;
      for (const char* mode : {"set", "add", "multiply", "min", "max"}) {
        const std::string m = mode;
        out.push_back({{sample({5}, d), sample_integers({3, 0, 3, 4}, {4}), sample({4}, d, 1)}, {{"mode", m}}});
        out.push_back(
            {{sample({4, 3}, d), sample_integers({2, 0, 1, 2, 0, 2}, {3, 2}, Dtype::int32), sample({3, 2, 3}, d, 1)},
             {{"mode", m}}});
        out.push_back({{sample({4, 9}, d), sample_integers({2}, {}), sample({9}, d, 1)}, {{"mode", m}}});
        out.push_back({{sample({5}, d), sample_integers({7, 1, -2, 3, 1, 0}, {6}), sample({6}, d, 1)}, {{"mode", m}}});
        out.push_back(
            {{sample({5, 2}, d), sample_integers({3, 0}, {2}), sample({2, 2}, d, 1)}, {{"mode", m}, {"unique", true}}});
        if (m != "multiply") continue;
        // One and two zeros among the updates of a place, updates that are dropped, and an old element that is 0.
        out.push_back({{sample_integers({2, 0, -1}, {3}, d), sample_integers({-4, 1, 0, 2, 7, 0, 2, 1}, {8}),
                        sample_integers({3, 2, 0, 0, 5, -2, 0, 4}, {8}, d)},
                       {{"mode", m}}});
        // All of them at a place that is not the first.
        out.push_back({{sample({3}, d), sample_integers({1, 1, 1}, {3}), sample({3}, d, 1)}, {{"mode", m}}});
      }
      return out;
    };
    o.plain = indexing::scatter_plain;
    return o;
  }();
  return op;
}

const Op& searchsorted_op() {
  static const Op op = [] {
    Op o;
    o.name = "searchsorted";
    o.rounding = Rounding::exact;
    o.takes = Operands::integers;
    o.infer = [](std::span<const Aval> in, const Params&) -> std::vector<Aval> {
      return {{in[1].shape, Dtype::int64, false}};
    };
    o.kernel = indexing::searchsorted_kernel;
    o.differentiable = false;
    o.batch = [](const BatchCall& c) -> Batched {
      return {emit(searchsorted_op(), detail::all_batched(c), c.params), {true}};
    };
    o.samples = [](Dtype d) -> std::vector<Sample> {
      const Array sorted = detail::sample_integers({-3, -1, -1, 0, 2, 5, 5, 7}, {2, 4}, d);
      const Array values = detail::sample_integers({-4, -1, 0, 1, 5, 9}, {2, 3}, d);
      return {{{sorted, values}, {{"right", false}}}, {{sorted, values}, {{"right", true}}}};
    };
    o.plain = [](const Sample& s) -> std::vector<std::vector<long double>> {
      const auto sorted = detail::numbers(s.in[0]), values = detail::numbers(s.in[1]);
      const auto n = static_cast<std::size_t>(s.in[0].shape().back()),
                 m = static_cast<std::size_t>(s.in[1].shape().back());
      std::vector<long double> out;
      for (std::size_t k = 0; k < values.size(); ++k) {
        long double count = 0;
        for (std::size_t i = 0; i < n; ++i) {
          const long double x = sorted[k / m * n + i];
          count += s.params.flag("right") ? x <= values[k] : x < values[k];
        }
        out.push_back(count);
      }
      return {out};
    };
    return o;
  }();
  return op;
}

namespace detail {

Array emit_take(const Array& operand, const Array& indices) { return emit_one(take_op(), {operand, indices}); }

Array emit_scatter(const char* mode, const Array& operand, const Array& indices, const Array& updates, bool unique) {
  Params params{{"mode", std::string(mode)}};
  if (unique) params.set("unique", true);
  return emit_one(scatter_op(), {operand, indices, updates}, params);
}

}  // namespace detail

OpList index_ops() {
  static const Op* const ops[] = {&take_op(), &scatter_op(), &searchsorted_op()};
  return ops;
}

}  // namespace dini
