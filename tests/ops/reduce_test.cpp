// Reductions, running sums and products: values against plain loops and closed forms, slopes at ties and zeros.
#include "dini/ops/reduce.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "dini/core/index.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/registry.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/trace/emit.hpp"
#include "dini/transforms/grad.hpp"
#include "dini/transforms/jit.hpp"
#include "dini/transforms/vmap.hpp"

namespace dini {
namespace {

const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
using Doubles = std::vector<double>;
using Fn = std::function<Array(const Array&)>;

void expect_values(const Array& y, const Doubles& wanted, double tolerance = 1e-14, const std::string& what = "") {
  const Doubles got = y.to_vector<double>();
  ASSERT_EQ(got.size(), wanted.size()) << what;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(wanted[i]))
      EXPECT_TRUE(std::isnan(got[i])) << what << " " << i << ": " << got[i];
    else if (std::isinf(wanted[i]))
      EXPECT_EQ(got[i], wanted[i]) << what << " " << i;
    else
      EXPECT_NEAR(got[i], wanted[i], tolerance * std::max(1.0, std::fabs(wanted[i]))) << what << " " << i;
  }
}

TEST(Reduce, OpsAgreeWithTheirReferences) {
  for (OpList family : {reduce_ops(), sort_ops(), create_ops()}) {
    for (const Op* op : family) {
      for (Dtype dtype : {float32, float64}) {
        for (const Sample& s : op->samples(dtype)) {
          const auto wanted = op->plain(s)[0];
          expect_values(emit_one(*op, s.in, s.params), Doubles(wanted.begin(), wanted.end()), 8 * epsilon(dtype),
                        op->name);
        }
      }
    }
  }
}

TEST(Reduce, AxesAndKeepdims) {
  const Array x = ones({2, 3, 4});
  EXPECT_EQ(sum(x).shape(), (Shape{}));
  EXPECT_EQ(sum(x, {}, true).shape(), (Shape{1, 1, 1}));
  EXPECT_EQ(sum(x, 1).shape(), (Shape{2, 4}));
  EXPECT_EQ(sum(x, -1, true).shape(), (Shape{2, 3, 1}));
  EXPECT_EQ(sum(x, {0, -1}).shape(), (Shape{3}));
  EXPECT_EQ(sum(x, Axes{}).shape(), (Shape{2, 3, 4}));
  EXPECT_EQ(sum(x).item<double>(), 24);
  EXPECT_EQ(mean(x, {2, 0}, true).shape(), (Shape{1, 3, 1}));
  EXPECT_EQ(argmax(x, 1).shape(), (Shape{2, 4}));
  EXPECT_EQ(argmax(x, 1, true).shape(), (Shape{2, 1, 4}));
  EXPECT_EQ(argmax(x).shape(), (Shape{}));
  EXPECT_EQ(logsumexp(x, 1, true).shape(), (Shape{2, 1, 4}));
  EXPECT_EQ(logsumexp(x, {0, 1}).shape(), (Shape{4}));
  EXPECT_EQ(cumsum(x).shape(), (Shape{24}));
  EXPECT_THROW(sum(x, 3), ShapeError);
  EXPECT_THROW(sum(x, {1, -2}), ShapeError);
}

TEST(Reduce, Dtypes) {
  EXPECT_EQ(sum(ones({3}, int32)).dtype(), int64);
  EXPECT_EQ(sum(ones({3}, bool_)).item<int>(), 3);
  EXPECT_EQ(prod(ones({3}, bool_)).dtype(), int64);
  EXPECT_EQ(cumsum(ones({3}, int32)).dtype(), int64);
  EXPECT_EQ(max(ones({3}, int32)).dtype(), int32);
  EXPECT_EQ(mean(ones({3}, int32)).dtype(), float64);
  EXPECT_EQ(sum(ones({3}, float32)).dtype(), float32);
  EXPECT_EQ(stddev(ones({3}, float32)).dtype(), float32);
  EXPECT_EQ(argmin(ones({3}, float32)).dtype(), int64);
  EXPECT_EQ(softmax(arange(3)).dtype(), float64);
  EXPECT_EQ(norm(arange(3)).dtype(), float64);
}

TEST(Reduce, Values) {
  const Array x = array({{1.0, 5.0, 2.0}, {4.0, 3.0, -6.0}});
  expect_values(mean(x, 0), {2.5, 4, -2});
  expect_values(var(x, 1), {26.0 / 9, 182.0 / 9});
  expect_values(var(x, 1, false, 1), {13.0 / 3, 91.0 / 3});
  expect_values(stddev(x), {std::sqrt(91.0 / 6 - 2.25)});
  expect_values(max(x, 0), {4, 5, 2});
  expect_values(min(x), {-6});
  expect_values(argmax(x, 1), {1, 0});
  expect_values(argmin(x), {5});
  expect_values(norm(x), {std::sqrt(91.0)});
  expect_values(norm(x, 1), {21});
  expect_values(norm(x, inf), {6});
  expect_values(norm(x, -inf), {1});
  expect_values(norm(array({0.0, 3.0}), 0), {1});
  expect_values(norm(x, 3, 1), {std::cbrt(134.0), std::cbrt(307.0)});
  expect_values(norm(x, 2, 1, true), {std::sqrt(30.0), std::sqrt(61.0)});
  expect_values(cumsum(x, 1), {1, 6, 8, 4, 7, 1});
  expect_values(cumprod(x, 0), {1, 5, 2, 4, 15, -12});
  expect_values(any(x > 4, 0), {0, 1, 0});
  expect_values(all(x > 0, 1), {1, 0});
  expect_values(any(x), {1});
  expect_values(softmax(array({0.0, std::log(3.0)})), {0.25, 0.75});
  expect_values(log_softmax(array({0.0, std::log(3.0)})), {std::log(0.25), std::log(0.75)});
  expect_values(argmax(array({1.0, nan, 3.0, nan})), {1});
  expect_values(max(array({1.0, nan, 3.0})), {nan});
  expect_values(max(array({{1.0, nan}, {3.0, 2.0}}), 0), {3, nan});
}

// Where squares over- or underflow, and where only some of them do.
TEST(Reduce, NormsOfAnySize) {
  struct Row {
    Doubles x;
    double norm;  // for float32, too, where its range has them all
    Dtype dtype = float64;
  };
  const double least = std::numeric_limits<double>::denorm_min(), most = std::numeric_limits<double>::max(),
               least32 = std::numeric_limits<float>::denorm_min(), most32 = std::numeric_limits<float>::max();
  const Row rows[] = {
      {{3, -4}, 5},
      {{3e200, -4e200}, 5e200},
      {{3e-200, -4e-200}, 5e-200},
      {{3e-170, 4e-170, 1e-200}, 5e-170},
      {{1e200, 1, 1e-200}, 1e200},
      {{3 * least, 4 * least}, 5 * least},
      {{most / 8, most / 4, most / 4, most / 2}, 0.625 * most},
      {{most, most}, inf},
      {{least}, least},
      {{-most}, most},
      {{3e30, -4e30}, 5e30, float32},
      {{3e-30, -4e-30}, 5e-30, float32},
      {{3 * least32, 4 * least32}, 5 * least32, float32},
      {{most32 / 8, most32 / 4, most32 / 4, most32 / 2}, 0.625 * most32, float32},
      {{-most32}, most32, float32},
      {{most32, most32}, inf, float32},
      {{0, -0.0}, 0},
      {{-0.0}, 0},
      {{-inf}, inf},
      {{1, inf, -inf}, inf},
      {{1e-300, inf}, inf},
      {{nan, 1e300}, nan},
      {{inf, nan}, nan},
      {{nan}, nan},
  };
  const auto compiled = jit([](const Array& x) { return norm(x); });
  for (const Row& row : rows) {
    const Array x = astype(array(row.x), row.dtype);
    SCOPED_TRACE(::testing::PrintToString(row.x));
    const double close = row.dtype == float32 ? 1e-7 : 4e-16;
    expect_values(norm(x), {row.norm}, close);
    expect_values(compiled(x), {row.norm}, close);
    expect_values(norm(stack({x, x}), 2, 1), {row.norm, row.norm}, close);  // by rows, by columns, with a neighbour
    expect_values(norm(stack({x, ones_like(x)}, 1), 2, 0), {row.norm, std::sqrt(static_cast<double>(x.size()))}, close);
    expect_values(vmap([](const Array& v) { return norm(v); })(stack({ones_like(x), x})),
                  {std::sqrt(static_cast<double>(x.size())), row.norm}, close);
    // Long, in one loop with what makes it.
    const Array longer = tile(x, 3000);
    const double scaled = row.norm * std::sqrt(3000.0);
    if (row.norm > 1e-300 || row.norm == 0 || std::isnan(row.norm)) {
      const double wanted = row.dtype == float32 && scaled > most32 ? inf : scaled;
      expect_values(jit([](const Array& v) { return norm(v - 0.0); })(longer), {wanted}, 10 * close);
      EXPECT_TRUE(array_equal(jit([](const Array& v) { return norm(v - 0.0); })(longer), norm(longer)).item<bool>() ||
                  std::isnan(wanted));
    }
  }
}

// x/‖x‖ and (I - x xᵀ/‖x‖²)/‖x‖.
TEST(Reduce, SlopesOfNormsOfAnySize) {
  const Fn f = [](const Array& x) { return norm(x); };
  for (const double size : {1e-250, 1e-160, 1.0, 1e160, 1e300}) {
    const Array x = array({3 * size, -4 * size});
    expect_values(grad(f)(x), {0.6, -0.8});
    expect_values(grad([](const Array& v) { return sum(norm(v, 2, 0, true)); })(x), {0.6, -0.8});
    expect_values(hessian(f)(x) * size, {0.128, 0.096, 0.096, 0.072});
  }
  const Array small = astype(array({3e-30, -4e-30}), float32);
  expect_values(grad(f)(small), {0.6, -0.8}, 1e-6);
  expect_values(grad(f)(array(-3.0)), {-1});
  expect_values(grad(f)(array(0.0)), {nan});
  expect_values(hessian(f)(array({-3e-200})), {0});
  expect_values(grad(f)(array({inf, 1.0})), {nan, 0});
}

TEST(Reduce, OverNothing) {
  const Array none = zeros({0}), flat = zeros({2, 0});
  expect_values(sum(none), {0});
  expect_values(prod(none), {1});
  expect_values(sum(flat, 1), {0, 0});
  expect_values(sum(flat, 0), {});
  expect_values(any(none), {0});
  expect_values(all(none), {1});
  expect_values(logsumexp(none), {-inf});
  expect_values(mean(none), {nan});
  expect_values(norm(none), {0});
  EXPECT_EQ(cumsum(none).shape(), (Shape{0}));
  EXPECT_EQ(softmax(flat).shape(), (Shape{2, 0}));
  EXPECT_THROW(max(none), ShapeError);
  EXPECT_THROW(argmin(none), ShapeError);
  EXPECT_THROW(min(flat, 1), ShapeError);
  EXPECT_EQ(max(flat, 0).shape(), (Shape{0}));
  for (const Fn& f : {Fn([](const Array& x) { return sum(x); }), Fn([](const Array& x) { return prod(x); }),
                      Fn([](const Array& x) { return logsumexp(x); })}) {
    EXPECT_EQ(grad(f)(none).shape(), (Shape{0}));
  }
}

TEST(Reduce, LogsumexpAtTheEdges) {
  expect_values(logsumexp(array({1e4, 1e4})), {1e4 + std::log(2.0)});
  expect_values(logsumexp(array({-inf, -inf})), {-inf});
  expect_values(logsumexp(array({inf, 0.0})), {inf});
  expect_values(logsumexp(array({-inf, 2.0})), {2});
  const Fn f = [](const Array& x) { return logsumexp(x); };
  expect_values(grad(f)(array({1e4, 1e4})), {0.5, 0.5});
  expect_values(grad(f)(array({-inf, 2.0})), {0, 1});
  expect_values(hessian(f)(array({0.0, 0.0})), {0.25, -0.25, -0.25, 0.25});
}

TEST(Reduce, SlopesAtTies) {
  expect_values(grad([](const Array& x) { return max(x); })(array({1.0, 3.0, 3.0, 2.0})), {0, 0.5, 0.5, 0});
  expect_values(grad([](const Array& x) { return min(x); })(array({1.0, 1.0, 1.0, 2.0})),
                {1 / 3.0, 1 / 3.0, 1 / 3.0, 0});
  expect_values(grad([](const Array& x) {
                  return sum(max(x, 0) * array({2.0, 5.0}));
                })(array({{1.0, 4.0}, {1.0, 3.0}})),
                {1, 5, 1, 0});
  expect_values(grad([](const Array& x) { return norm(x); })(zeros({2})), {nan, nan});
  expect_values(grad([](const Array& x) { return norm(x); })(array({3.0, 4.0})), {0.6, 0.8});
  expect_values(grad([](const Array& x) { return norm(x, inf); })(array({3.0, -4.0})), {0, -1});
}

TEST(Reduce, ProductsWithZeros) {
  const Fn f = [](const Array& x) { return prod(x); };
  expect_values(grad(f)(array({2.0, 0.0, 3.0})), {0, 6, 0});
  expect_values(grad(f)(array({2.0, 0.0, 0.0})), {0, 0, 0});
  expect_values(hessian(f)(array({2.0, 0.0, 0.0})), {0, 0, 0, 0, 0, 2, 0, 2, 0});
  expect_values(jacobian([](const Array& x) { return cumprod(x); })(array({2.0, 0.0, 3.0})),
                {1, 0, 0, 0, 2, 0, 0, 6, 0});
  expect_values(jacfwd([](const Array& x) { return cumprod(x); })(array({2.0, 0.0, 3.0})), {1, 0, 0, 0, 2, 0, 0, 6, 0});
  // Σ cumprod = a + ab + abc at (2, 0, 3): second derivatives 1 + c, b, a.
  expect_values(hessian([](const Array& x) { return sum(cumprod(x)); })(array({2.0, 0.0, 3.0})),
                {0, 4, 0, 4, 0, 2, 0, 2, 0});
  expect_values(grad([](const Array& x) {
                  return sum(prod(x, {0, 2}) * array({1.0, 10.0}));
                })(array({{{1.0, 2.0}, {0.0, 5.0}}, {{3.0, 4.0}, {6.0, 7.0}}})),
                {24, 12, 2100, 0, 8, 6, 0, 0});
}

TEST(Reduce, RunningSlopes) {
  expect_values(jacobian([](const Array& x) { return cumsum(x); })(array({2.0, 5.0, 3.0})),
                {1, 0, 0, 1, 1, 0, 1, 1, 1});
  expect_values(grad([](const Array& x) { return var(x); })(array({1.0, 2.0, 6.0})), {-4 / 3.0, -2 / 3.0, 2});
  expect_values(grad([](const Array& x) { return mean(x); })(array({1.0, 2.0})), {0.5, 0.5});
  expect_values(jacobian([](const Array& x) { return softmax(x); })(array({0.0, std::log(3.0)})),
                {3 / 16.0, -3 / 16.0, -3 / 16.0, 3 / 16.0});
}

// A sum's bits do not depend on what stands beside it.
TEST(Reduce, LanesHaveTheBitsOfSingleSums) {
  const std::int64_t n = 2500;
  const Array x = sin(astype(arange(3 * n), float64) * 1.7);
  for (const Array& rows : {x, astype(x, float32)}) {
    std::vector<Array> lanes;
    const Array batch = with_aval(rows, {Shape{3, n}, rows.dtype(), false});
    const Array sums = sum(batch, 1), mapped = vmap([](const Array&r) { return sum(r); })(batch);
    for (int k = 0; k < 3; ++k) {
      const Array alone = sum(batch(k));
      EXPECT_EQ(alone.item<double>(), sums(k).item<double>());
      EXPECT_EQ(alone.item<double>(), mapped(k).item<double>());
    }
  }
}

TEST(Reduce, SumsAreAccurate) {
  const Array tenths = full({100000, 3}, 0.1f, float32);
  for (const Array& y : {sum(tenths, 0), sum(full({3, 100000}, 0.1f, float32), 1)}) {
    for (float v : y.to_vector<float>()) EXPECT_NEAR(v, 10000.0f, 0.01f);
  }
}

}  // namespace
}  // namespace dini
