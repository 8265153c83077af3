// qr_pivoted: QR with column pivoting, which tells the rank. It is not differentiated: what is solved by it has a derivative of its own.
#include <algorithm>
#include <numeric>
#include <utility>

#include "dini/ops/linalg_build.hpp"

namespace dini {

using detail::PlainMatrix;
using detail::Stack;

namespace factor_ops {

std::vector<Aval> qr_pivoted_infer(std::span<const Aval> in, const Params& p) {
  std::vector<Aval> out = qr_infer(in, p);
  out.push_back({detail::leading(in[0].shape) + Shape{in[0].shape.back()}, Dtype::int32, false});
  return out;
}

void qr_pivoted_kernel(const KernelCall& c) {
  detail::visit_floating(c.out_avals[0].dtype, [&]<class T>() {
    const Stack s(c.in_avals[0].shape);
    const std::size_t k = static_cast<std::size_t>(c.out_avals[0].shape.back());
    for (std::int64_t i = 0; i < s.count; ++i) {
      kernels::qr_pivoted<T>(s.m, s.n, detail::item<T>(c, 0, i, s.m * s.n), detail::result<T>(c, 0, i, s.m * k),
                             detail::result<T>(c, 1, i, k * s.n), detail::result<std::int32_t>(c, 2, i, s.n), -1,
                             c.params.flag("full"));
    }
  });
}

// The order in which columns are taken: at each place what is longest once the directions of those before it are removed.
std::vector<std::size_t> plain_order(PlainMatrix a) {
  std::vector<std::size_t> order(a.n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto product = [&](std::size_t i, std::size_t j) {
    long double total = 0;
    for (std::size_t k = 0; k < a.m; ++k) total += a(k, i) * a(k, j);
    return total;
  };
  for (std::size_t k = 0; k < std::min(a.m, a.n); ++k) {
    std::size_t longest = k;
    for (std::size_t j = k; j < a.n; ++j) {
      if (product(order[j], order[j]) > product(order[longest], order[longest])) longest = j;
    }
    std::swap(order[k], order[longest]);
    const std::size_t by = order[k];
    for (std::size_t j = k + 1; j < a.n; ++j) {
      const long double part = product(order[j], by) / product(by, by);
      for (std::size_t i = 0; i < a.m; ++i) a(i, order[j]) -= part * a(i, by);
    }
  }
  return order;
}

std::vector<std::vector<long double>> qr_pivoted_plain(const Sample& sample) {
  const auto rows = [&](const PlainMatrix& f, std::size_t full_m, std::size_t k) {
    PlainMatrix out(sample.params.flag("full") ? full_m : k, f.n);
    std::copy_n(f.x.begin(), out.x.size(), out.x.begin());
    return out.x;
  };
  std::vector<long double> r, perm;
  const auto q = detail::plain_each(sample.in[0], [&](const PlainMatrix& a, std::size_t) {
    const std::vector<std::size_t> order = plain_order(a);
    PlainMatrix moved(a.m, a.n);
    for (std::size_t i = 0; i < a.m; ++i) {
      for (std::size_t j = 0; j < a.n; ++j) moved(i, j) = a(i, order[j]);
    }
    auto [full, upper] = plain_qr(moved);
    const std::size_t k = std::min(a.m, a.n);
    const auto part = rows(upper, a.m, k);
    r.insert(r.end(), part.begin(), part.end());
    perm.insert(perm.end(), order.begin(), order.end());
    return detail::plain_transpose(
               PlainMatrix(rows(detail::plain_transpose(full), a.m, k), 0, sample.params.flag("full") ? a.m : k, a.m))
        .x;
  });
  return {q, r, perm};
}

}  // namespace factor_ops

const Op& qr_pivoted_op() {
  static const Op op = [] {
    Op o;
    o.name = "qr_pivoted";
    o.rounding = Rounding::exact;
    o.infer = factor_ops::qr_pivoted_infer;
    o.kernel = factor_ops::qr_pivoted_kernel;
    o.differentiable = false;
    o.batch = [](const BatchCall& c) { return detail::batch_stack(qr_pivoted_op(), c); };
    o.samples = [](Dtype d) -> std::vector<Sample> {
      return {{{detail::sample({4, 3}, d)}, {{"full", true}}},
              {{detail::sample({3, 5}, d, 1)}, {{"full", false}}},
              {{detail::sample({2, 4, 2}, d, 2)}, {{"full", false}}}};
    };
    o.plain = factor_ops::qr_pivoted_plain;
    return o;
  }();
  return op;
}

}  // namespace dini
