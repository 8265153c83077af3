// Ops that move elements, of few elements and of many, and reductions along axes: planned as lists, with the bits of their kernels.
#include "dini/dini.hpp"
#include "programs.hpp"

namespace dini::exec_tests {
namespace {

using Move = std::function<Array(const Array&, const Array&)>;

// Of two arrays of three axes, alike in shape.
const std::vector<std::pair<std::string, Move>> moves{
    {"a slice whose elements are neighbours", [](const Array& a, const Array&) { return a(slice(1, end)); }},
    {"a slice of rows", [](const Array& a, const Array&) { return a(slice(), slice(1, 3)); }},
    {"every second element", [](const Array& a, const Array&) { return a(slice(), slice(), slice(0, end, 2)); }},
    {"one element", [](const Array& a, const Array&) { return a(1, 2, 3); }},
    {"a transposition", [](const Array& a, const Array&) { return transpose(a); }},
    {"an exchange of rows",
     [](const Array& a, const Array&) {
       return transpose(a, {1, 0, 2});
     }},
    {"backwards", [](const Array& a, const Array&) { return flip(a); }},
    {"one after the other",
     [](const Array& a, const Array& b) {
       return concatenate({a, b, a});
     }},
    {"side by side",
     [](const Array& a, const Array& b) {
       return concatenate({b, a}, -1);
     }},
    {"numbers of several",
     [](const Array& a, const Array& b) {
       return stack({a(0, 0, 0), b(1, 0, 1), a(0, 2, 0)});
     }},
    {"repeated rows",
     [](const Array& a, const Array&) {
       return broadcast_to(a(0), {5, a.shape()[1], a.shape()[2]});
     }},
    {"repeated columns",
     [](const Array& a, const Array&) {
       return broadcast_to(a(slice(), slice(), slice(0, 1)), {a.shape()[0], a.shape()[1], 7});
     }},
    {"a border",
     [](const Array& a, const Array&) {
       return pad(a, {{1, 2}, {0, 1}, {2, 0}}, a(0, 0, 0));
     }},
    {"a border of another array",
     [](const Array& a, const Array& b) {
       return pad(a, {{0, 0}, {0, 0}, {1, 1}}, b(0, 1, 1));
     }},
    {"the largest along the middle axis", [](const Array& a, const Array&) { return max(a, 1); }},
    {"the smallest of all", [](const Array& a, const Array&) { return min(a); }},
    {"the largest along two axes",
     [](const Array& a, const Array&) {
       return max(a, {0, 2});
     }},
};

TEST(Moves, HaveTheBitsOfTheirKernels) {
  for (const auto& named : moves) {
    const Move& move = named.second;
    for (Dtype dtype : {float32, float64, int32, int64, bool_}) {
      for (const Shape& shape : {Shape{2, 3, 4}, Shape{3, 40, 13}, Shape{20, 30, 50}}) {
        SCOPED_TRACE(named.first + " of " + std::string(name(dtype)) + shape.str());
        const Leaves in{numbers(shape, dtype, 1), numbers(shape, dtype, 2)};
        EXPECT_TRUE(agrees(make_case([&](const Leaves& v) { return Leaves{move(v[0], v[1])}; }, in)));
        // Of what lies in memory that is used again, to what is computed with.
        if (is_floating(dtype)) {
          EXPECT_TRUE(agrees(make_case(
              [&](const Leaves& v) {
                const Array a = sin(v[0]), b = exp(v[1]) - v[0];
                return Leaves{cos(move(a, b)) + 1.0, sum(a * b)};
              },
              in)));
        }
      }
    }
  }
}

TEST(Moves, SumsAlongAxes) {
  for (Dtype dtype : {float32, float64}) {
    for (const ReduceAxes& axes : {ReduceAxes{0}, ReduceAxes{1}, ReduceAxes{2}, ReduceAxes{0, 2}}) {
      EXPECT_TRUE(
          agrees(make_case([&](const Leaves& v) { return Leaves{sum(v[0], axes)}; }, {numbers({4, 50, 7}, dtype)})));
    }
  }
}

}  // namespace
}  // namespace dini::exec_tests
