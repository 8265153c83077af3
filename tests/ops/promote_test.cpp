// Common dtypes with weak literals, conversion, broadcasting of operands.
#include "dini/ops/promote.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/transforms/jit.hpp"

namespace dini {
namespace {

Array of_dtype(Dtype d) { return ones({2}, d); }

TEST(Promote, StrongDtypes) {
  const Dtype all[] = {bool_, int32, int64, float32, float64};
  const Dtype table[5][5] = {{bool_, int32, int64, float32, float64},
                             {int32, int32, int64, float32, float64},
                             {int64, int64, int64, float32, float64},
                             {float32, float32, float32, float32, float64},
                             {float64, float64, float64, float64, float64}};
  for (int i = 0; i < 5; ++i) {
    for (int j = 0; j < 5; ++j) {
      const Array y = of_dtype(all[i]) + of_dtype(all[j]);
      EXPECT_EQ(y.dtype(), table[i][j]) << name(all[i]) << " + " << name(all[j]);
      EXPECT_FALSE(y.weak());
    }
  }
}

TEST(Promote, WeakLiterals) {
  struct Case {
    Dtype array;
    Array literal;
    Dtype wanted;
  };
  const Case cases[] = {
      {bool_, true, bool_},     {bool_, 2, int64},       {bool_, 2.0, float64},   {int32, true, int32},
      {int32, 2, int32},        {int32, 2.0, float64},   {int64, 2, int64},       {int64, 2.5, float64},
      {float32, true, float32}, {float32, 2, float32},   {float32, 2.0, float32}, {float32, 2.0f, float32},
      {float64, 2, float64},    {float64, 2.0, float64},
  };
  for (const Case& c : cases) {
    for (const Array& y : {of_dtype(c.array) * c.literal, c.literal * of_dtype(c.array)}) {
      EXPECT_EQ(y.dtype(), c.wanted) << name(c.array) << " * " << c.literal.aval().str();
      EXPECT_FALSE(y.weak());
      EXPECT_EQ(y.shape(), (Shape{2}));
    }
  }
}

TEST(Promote, OnlyLiteralsStayWeak) {
  const Array y = Array(2.0) * Array(3);
  EXPECT_TRUE(y.weak());
  EXPECT_EQ(y.dtype(), float64);
  EXPECT_EQ((y * array(1.5f)).dtype(), float32);
  EXPECT_TRUE(exp(Array(0)).weak());
  EXPECT_EQ((array(2.0f) * array(3.0)).dtype(), float64);
  EXPECT_TRUE(common_dtype({Array(1), Array(2.0)}).weak);
  EXPECT_FALSE(common_dtype({Array(1), array(2.0f)}).weak);
}

TEST(Promote, QuotientsAndFunctionsOfIntegersAreFloating) {
  const Array i = array(std::vector<int>{7, -7});
  EXPECT_EQ((i / 2).dtype(), float64);
  EXPECT_EQ((i / 2).to_vector<double>(), (std::vector<double>{3.5, -3.5}));
  EXPECT_EQ((i / array(2.0f)).dtype(), float32);
  EXPECT_EQ(exp(i).dtype(), float64);
  EXPECT_EQ(sqrt(of_dtype(bool_)).dtype(), float64);
  EXPECT_EQ(hypot(i, array(2.0f)).dtype(), float32);
  EXPECT_EQ(abs(i).dtype(), int64);
}

TEST(Promote, Astype) {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(astype(array({2.9, -2.9, 0.0}), int64).to_vector<int>(), (std::vector<int>{2, -2, 0}));
  EXPECT_EQ(astype(array({2.9, -0.0, nan}), bool_).to_vector<int>(), (std::vector<int>{1, 0, 1}));
  EXPECT_EQ(astype(array({1e30, -inf, nan}), int32).to_vector<std::int64_t>(),
            (std::vector<std::int64_t>{2147483647, -2147483648LL, 0}));
  EXPECT_EQ(astype(array({0.1}), float32).data<float>()[0], 0.1f);
  EXPECT_FALSE(astype(2.0, float64).weak());
  EXPECT_EQ(astype(array(std::vector<int>{3}), float32).dtype(), float32);
}

TEST(Promote, Broadcasting) {
  struct Case {
    Shape a, b, y;
  };
  for (const Case& c : {Case{{}, {3}, {3}}, Case{{2, 1}, {3}, {2, 3}}, Case{{4, 1, 3}, {2, 1}, {4, 2, 3}},
                        Case{{1}, {2, 3}, {2, 3}}, Case{{0, 3}, {1, 3}, {0, 3}}, Case{{1, 1}, {}, {1, 1}}}) {
    EXPECT_EQ((ones(c.a) + ones(c.b)).shape(), c.y);
    EXPECT_EQ((ones(c.b) + ones(c.a)).shape(), c.y);
  }
  const Array column = array({{10.0}, {20.0}}), row = array({1.0, 2.0, 3.0});
  EXPECT_EQ((column + row).to_vector<double>(), (std::vector<double>{11, 12, 13, 21, 22, 23}));
  try {
    (void)(ones({5}) < ones({10, 4}));
    FAIL();
  } catch (const ShapeError& e) {
    const std::string what = e.what();
    EXPECT_NE(what.find("<"), std::string::npos) << what;
    EXPECT_NE(what.find("(5,)"), std::string::npos) << what;
    EXPECT_NE(what.find("(10, 4)"), std::string::npos) << what;
  }
}

TEST(Promote, UnassignedArraysAreNamed) {
  EXPECT_THROW(Array() + 1, ValueError);
  EXPECT_THROW(exp(Array()), ValueError);
  EXPECT_THROW(where(true, Array(), 1), ValueError);
}

}  // namespace
}  // namespace dini
