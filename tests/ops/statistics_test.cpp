// What NumPy's table does not say of the compositions: errors, derivatives to second order, traced arguments.
#include "dini/ops/statistics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "dini/core/index.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/linalg.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/ops/sort.hpp"
#include "dini/transforms/check_grads.hpp"
#include "dini/transforms/grad.hpp"
#include "dini/transforms/jit.hpp"
#include "dini/transforms/vmap.hpp"
#include "expect_array.hpp"

namespace dini {
namespace {

TEST(Statistics, DerivativesToSecondOrderInBothDtypes) {
  const Array c = array({0.5, 1.25, 2.5, 4.0}),
              a = array({{0.7, -1.3, 2.1, 0.4}, {1.7, 0.2, -0.9, -2.3}, {3.1, 1.1, 0.6, 2.6}});
  using Function = std::function<Array(const Array&)>;
  const std::pair<const char*, Function> functions[] = {
      {"diff", [](const Array& x) { return square(diff(x, 2)); }},
      {"median", [](const Array& x) { return square(median(x, 1)); }},
      {"quantile", [](const Array& x) { return square(quantile(x, 0.3, 0)); }},
      {"cov", [](const Array& x) { return cov(x); }},
      {"trapezoid", [&](const Array& x) { return square(trapezoid(x, astype(c, x.dtype()))); }},
      {"interp", [&](const Array& x) { return square(interp(x, astype(c, x.dtype()), x(0) * x(1))); }},
      {"polyval", [](const Array& x) { return polyval(x(0), x(1)); }},
      {"convolve", [](const Array& x) { return convolve(x(0), x(1, slice(0, 3)), "same"); }},
      {"nansum", [](const Array& x) { return square(nansum(x, 0)); }},
      {"nanmean", [](const Array& x) { return square(nanmean(x, 0)); }},
      {"nanmax", [](const Array& x) { return square(nanmax(x, 0)); }},
      {"average", [](const Array& x) { return average(x, 1, square(x)); }},
      {"logsumexp", [](const Array& x) { return logsumexp(x, 1, false, square(x)); }},
      {"copysign", [](const Array& x) { return square(copysign(x(0), x(1))); }},
      {"top_k", [](const Array& x) { return square(top_k(x, 2).values); }},
      {"sort", [](const Array& x) { return square(sort(x, 0, true)); }},
      {"pad", [](const Array& x) { return square(pad(x, 3, "reflect")); }},
      {"repeat",
       [](const Array& x) {
         return square(repeat(x, array({1, 0, 2}), 0));
       }},
      {"block_diag",
       [](const Array& x) {
         return square(block_diag({x, x(0)}));
       }},
      {"array",
       [](const Array& x) {
         return square(array({x(0), x(1)}));
       }},
      {"divide", [](const Array& x) { return x.at(0).divide(x(1)); }},
      {"power", [](const Array& x) { return abs(x).at(0).power(x(1)); }},
      {"i0", [](const Array& x) { return special::i0(x); }},
      {"i1", [](const Array& x) { return special::i1(x); }},
      {"entr", [](const Array& x) { return special::entr(abs(x)); }},
      {"ndtr", [](const Array& x) { return special::ndtr(x); }},
      {"log_ndtr", [](const Array& x) { return special::log_ndtr(x); }},
      {"log_ndtr far left", [](const Array& x) { return special::log_ndtr(4 * x - 35); }},
      {"log_ndtr far right", [](const Array& x) { return special::log_ndtr(0.1 * x + 5.5); }},
      {"beta", [](const Array& x) { return special::beta(abs(x), 1.5); }},
      {"norm of an axis", [](const Array& x) { return linalg::norm(x, {1}); }},
  };
  for (const auto& [name, f] : functions) {
    for (Dtype dtype : {float64, float32}) {
      SCOPED_TRACE(std::string(name) + " of " + dini::name(dtype));
      EXPECT_EQ(f(astype(a, dtype)).dtype(), dtype);
      EXPECT_NO_THROW(check_grads(f, astype(a, dtype), {.order = dtype == float64 ? 2 : 1}));
      const Array lanes = stack({astype(a, dtype), astype(2 * a, dtype)});
      expect_array(vmap(f)(lanes)(1), f(lanes(1)).shape(), jit(f)(lanes(1)).to_vector<double>(), 4 * epsilon(dtype));
    }
  }
}

TEST(Statistics, SlopesOfInterpAtKnots) {
  // Of the piece to the right, and at the last knot of the one to the left.
  const auto f = [](const Array& x) { return sum(interp(x, array({0.0, 1.0, 2.0}), array({0.0, 1.0, 5.0}))); };
  expect_array(grad(f)(array({-1.0, 0.0, 1.0, 2.0, 3.0})), {5}, {0, 1, 4, 4, 0});
}

TEST(Statistics, SlopesAtZero) {
  // ∂/∂b log Σ b eˣ = eˣ/Σ b eˣ, also where b is 0.
  const Array x = array({1.0, 2.0, 900.0}), b = array({3.0, 0.0, 0.0});
  const auto f = [](const Array& a, const Array& w) { return logsumexp(a, {}, false, w); };
  const auto [dx, db] = grad<0, 1>(f)(x, b);
  expect_array(f(x, b), {}, {1 + std::log(3.0)}, 1e-15);
  expect_array(dx, {3}, {1, 0, 0});
  expect_array(db(slice(0, 2)), {2}, {1.0 / 3, std::exp(1.0) / 3}, 1e-15);
  const double inf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(grad([](const Array& v) { return sum(special::entr(v)); })(array({0.0, 1.0})).to_vector<double>(),
            (std::vector<double>{inf, -1}));
}

TEST(Statistics, TracedShares) {
  const Array a = array({3.0, 1.0, 2.0, 5.0});
  const auto at = [&](const Array& q) { return quantile(a, q); };
  expect_array(jit(at)(array({0.0, 0.5, 1.0})), {3}, {1, 2.5, 5});
  expect_array(grad(at)(array(0.9)), {}, {6});
  expect_array(grad(at)(array(0.2)), {}, {3}, 1e-15);
}

TEST(Statistics, Errors) {
  expect_error<ShapeError>([] { median(zeros({0})); }, "median: nothing to choose from in an array of shape (0,)");
  expect_error<ValueError>([] { quantile(zeros(3), 1.5); }, "quantile: q is 1.500000, wanted 0 to 1");
  expect_error<ValueError>([] { diff(zeros(3), -1); }, "diff: n is -1, wanted 0 or more");
  expect_error<ShapeError>([] { cov(zeros({1, 2, 3})); }, "cov: wants a vector or a matrix, got shape (1, 2, 3)");
  expect_error<ShapeError>([] { interp(0.5, zeros(3), zeros(2)); },
                           "interp: wants points and values in vectors of one length, not (3,) and (2,)");
  expect_error<ShapeError>(
      [] {
        polyval(zeros({2, 2}), 1.0);
      },
      "polyval: wants a vector of coefficients, got shape (2, 2)");
  expect_error<ValueError>([] { convolve(ones(3), ones(2), "whole"); },
                           "convolve: \"whole\" is none of \"full\", \"same\", \"valid\"");
  expect_error<ShapeError>([] { convolve(ones(3), zeros(0)); },
                           "convolve: wants two vectors with elements, got shapes (3,) and (0,)");
  expect_error<ShapeError>(
      [] {
        average(zeros({2, 3}), 1, zeros(2));
      },
      "average: weights of shape (2,) for an array of shape (2, 3)");
  expect_error<ShapeError>([] { block_diag({zeros({1, 1, 1})}); }, "block_diag: wants matrices, got shape (1, 1, 1)");
  EXPECT_THROW(trapezoid(zeros(3), zeros(4)), ShapeError);
}

}  // namespace
}  // namespace dini
