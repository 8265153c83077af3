// core/shape.hpp and core/dtype.hpp.
#include <limits>
#include <sstream>

#include "../ops/expect_array.hpp"

namespace dini {
namespace {

constexpr std::int64_t large = std::int64_t{1} << 32;

TEST(Shape, CountsItsElementsAndPrints) {
  struct Case {
    Shape shape;
    int ndim;
    std::int64_t size;
    const char* text;
  };
  const Case cases[] = {
      {{}, 0, 1, "()"},
      {{5}, 1, 5, "(5,)"},
      {{10, 4}, 2, 40, "(10, 4)"},
      {{2, 0, 3}, 3, 0, "(2, 0, 3)"},
      {{1, 1, 1}, 3, 1, "(1, 1, 1)"},
      {{large, large / 4}, 2, std::int64_t{1} << 62, "(4294967296, 1073741824)"},  // 2⁶²: the last power of 2 that fits
      {{large, 0, large}, 3, 0, "(4294967296, 0, 4294967296)"},                    // nothing, however long the others
      {Shape(std::vector<std::int64_t>(16, 1)), 16, 1, "(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(c.shape.ndim(), c.ndim) << c.text;
    EXPECT_EQ(c.shape.size(), c.size) << c.text;
    EXPECT_EQ(c.shape.str(), c.text);
    EXPECT_EQ(Shape(c.shape.vector()), c.shape) << c.text;
  }
  expect_error<ShapeError>([] { Shape(std::vector<std::int64_t>(17, 1)); }, "Shape: more than 16 axes");
  expect_error<ShapeError>([] { Shape{2, -1}; }, "Shape: negative length in (2, -1)");
  expect_error<ShapeError>(
      [] {
        Shape{large, large};
      },
      "Shape: the number of elements of (4294967296, 4294967296) overflows");
}

TEST(Shape, GoesToAStream) {
  std::ostringstream out;
  out << Shape{10, 4} << Shape{5} << Shape{} << float32 << bool_;
  EXPECT_EQ(out.str(), "(10, 4)(5,)()float32bool");
  EXPECT_EQ(detail::Lengths(3).shape("f"), (Shape{3}));
  EXPECT_EQ((detail::Lengths{2, -1}).str(), "(2, -1)");
  EXPECT_THROW((detail::Lengths{2, -1}).shape("f"), ShapeError);
}

TEST(Shape, IsTakenApartAndPutTogether) {
  const Shape s{2, 3, 5};
  EXPECT_EQ(s[1], 3);
  EXPECT_EQ(s.at(0), 2);
  EXPECT_EQ(s.at(-1), 5);
  EXPECT_EQ(s.at(-3), 2);
  EXPECT_EQ(s.back(), 5);
  EXPECT_EQ(s.inserted(1, 7), (Shape{2, 7, 3, 5}));
  EXPECT_EQ(s.inserted(3, 7), (Shape{2, 3, 5, 7}));
  EXPECT_EQ(s.erased(0), (Shape{3, 5}));
  EXPECT_EQ(s.sub(1, 3), (Shape{3, 5}));
  EXPECT_EQ(s.sub(1, 1), Shape{});
  EXPECT_EQ(prepend(4, s), (Shape{4, 2, 3, 5}));
  EXPECT_EQ((s + Shape{7, 1}), (Shape{2, 3, 5, 7, 1}));
  EXPECT_EQ(s, (Shape{2, 3, 5}));  // none of them changed it
  EXPECT_NE(s, (Shape{2, 3}));
  EXPECT_NE((Shape{1}), Shape{});
  Shape built;
  built.append(4);
  built.append(3);
  built.set(0, 6);
  EXPECT_EQ(built, (Shape{6, 3}));
  EXPECT_EQ(built.size(), 18);
  expect_error<ShapeError>([&] { built.set(1, -2); }, "Shape: negative length in (6, -2)");
  expect_error<ShapeError>([] { Shape(std::vector<std::int64_t>(16, 1)).append(1); }, "Shape: more than 16 axes");
  expect_error<ShapeError>([] { prepend(large, {large}); },
                           "Shape: the number of elements of (4294967296, 4294967296) overflows");
}

TEST(Shape, AxesCountFromEitherEnd) {
  EXPECT_EQ(normalize_axis(0, 3, "f"), 0);
  EXPECT_EQ(normalize_axis(2, 3, "f"), 2);
  EXPECT_EQ(normalize_axis(-1, 3, "f"), 2);
  EXPECT_EQ(normalize_axis(-3, 3, "f"), 0);
  expect_error<ShapeError>([] { normalize_axis(3, 3, "sum"); }, "sum: axis 3 is out of range for an array of 3 axes");
  expect_error<ShapeError>([] { normalize_axis(-2, 1, "sum"); }, "sum: axis -2 is out of range for an array of 1 axis");
  expect_error<ShapeError>([] { normalize_axis(0, 0, "sum"); }, "sum: axis 0 is out of range for an array of 0 axes");
  EXPECT_EQ(normalize_axes({-1, 0}, 3, "f"), (Axes{2, 0}));
  EXPECT_EQ(normalize_axes({}, 0, "f"), Axes{});
  expect_error<ShapeError>([] { normalize_axes({1, -2}, 3, "flip"); }, "flip: axis 1 stands twice");
  EXPECT_EQ(axes_from(2, 5), (Axes{2, 3, 4}));
  EXPECT_EQ(axes_from(3, 3), Axes{});
}

TEST(Shape, Broadcasts) {
  const std::vector<Shape> cases[] = {
      // a, b, the two together
      {{}, {}, {}},
      {{}, {3}, {3}},
      {{3}, {1}, {3}},
      {{2, 1}, {5}, {2, 5}},
      {{4, 1, 3}, {7, 1}, {4, 7, 3}},
      {{0}, {1}, {0}},  // an empty axis stays empty
      {{2, 3}, {2, 3}, {2, 3}},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(broadcast_shapes(c[0], c[1], "f"), c[2]) << c[0].str() << c[1].str();
    EXPECT_EQ(broadcast_shapes(c[1], c[0], "f"), c[2]) << c[1].str() << c[0].str();
  }
  expect_error<ShapeError>(
      [] {
        broadcast_shapes({10, 4}, {5}, "add");
      },
      "add: shapes (10, 4) and (5,) do not broadcast");
  expect_error<ShapeError>([] { broadcast_shapes({0}, {2}, "add"); }, "add: shapes (0,) and (2,) do not broadcast");
  expect_error<ShapeError>(
      [] {
        broadcast_shapes({large, 1}, {large}, "add");
      },
      "Shape: the number of elements of (4294967296, 4294967296) overflows");
}

TEST(Dtype, IsThatOfACppType) {
  struct Case {
    Dtype dtype;
    const char* name;
    std::size_t size;
    bool floating, integer;
    double epsilon;
  };
  const Case cases[] = {{bool_, "bool", 1, false, false, 0},
                        {int32, "int32", 4, false, true, 0},
                        {int64, "int64", 8, false, true, 0},
                        {float32, "float32", 4, true, false, std::numeric_limits<float>::epsilon()},
                        {float64, "float64", 8, true, false, std::numeric_limits<double>::epsilon()}};
  for (const Case& c : cases) {
    EXPECT_STREQ(name(c.dtype), c.name);
    EXPECT_EQ(item_size(c.dtype), c.size) << c.name;
    EXPECT_EQ(is_floating(c.dtype), c.floating) << c.name;
    EXPECT_EQ(is_integer(c.dtype), c.integer) << c.name;
    EXPECT_EQ(epsilon(c.dtype), c.epsilon) << c.name;
    visit_dtype(c.dtype, [&]<class T>() {
      EXPECT_EQ(sizeof(T), c.size) << c.name;
      EXPECT_EQ(dtype_of<T>(), c.dtype) << c.name;
    });
  }
  EXPECT_EQ(dtype_of<short>(), int32);
  EXPECT_EQ(dtype_of<unsigned>(), int64);  // whose values an int32 has not
  EXPECT_EQ(dtype_of<long>(), int64);
  EXPECT_EQ(dtype_of<std::size_t>(), int64);
  EXPECT_EQ(dtype_of<long double>(), float64);
}

}  // namespace
}  // namespace dini
