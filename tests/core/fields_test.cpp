// core/fields.hpp: which structs' members are seen, and that they are all of them.
#include "dini/core/fields.hpp"

#include <gtest/gtest.h>

#include <any>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dini/core/array.hpp"

namespace dini {
namespace {

using detail::fields;
using detail::fields_of;

struct Empty {};
struct One {
  Array a;
};
struct Nested {
  One one;
  Array three[3];
  int table[2][2];
  std::array<Array, 2> two;
  const int fixed = 3;
};
struct Various {
  std::optional<Array> optional;
  std::function<int(int)> function;
  std::any any;
  std::unique_ptr<int> pointer;
  std::tuple<int, Array> tuple;
  std::map<std::string, Array> map;
  const char* name;
  bool flag;
};
static_assert(fields_of<Empty>() == 0 && fields_of<One>() == 1 && fields_of<Nested>() == 5 &&
              fields_of<Various>() == 8);

// What is not seen is not taken for less than it is.
struct Base {
  int x;
};
struct Derived : Base {
  int y;
};
struct DerivedOfNothing : Empty {
  int y;
};
struct Made {
  explicit Made(int) {}
};
struct WithMade {
  Made made;
  int k;
};
struct WithMadeBetween {
  int k;
  Made made = Made(3);
  int l;
};
struct WithReference {
  int& r;
  int k;
};
struct Virtual {
  virtual ~Virtual() = default;
  Array a;
};
class Private {
 public:
  Array a() const { return a_; }

 private:
  Array a_;
};
static_assert(fields_of<Derived>() == 0 && fields_of<DerivedOfNothing>() == 0 && fields_of<Made>() == 0);
static_assert(fields_of<WithMade>() == 0 && fields_of<WithMadeBetween>() == 0 && fields_of<WithReference>() == 0);
static_assert(fields_of<Virtual>() == 0 && fields_of<Private>() == 0);
static_assert(fields_of<std::array<int, 3>>() == 0 && fields_of<std::string>() == 0 && fields_of<int>() == 0);

struct Most {
  int a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22, a23, a24;
};
struct TooMany {
  int a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22, a23, a24;
  int a25;
};
static_assert(fields_of<Most>() == 24 && fields_of<TooMany>() == 0);

TEST(Fields, AreReferencesInOrder) {
  Nested n{};
  const auto all = fields(n);
  static_assert(std::is_same_v<decltype(all),
                               const std::tuple<One&, Array(&)[3], int(&)[2][2], std::array<Array, 2>&, const int&>>);
  EXPECT_EQ(&std::get<0>(all), &n.one);
  EXPECT_EQ(&std::get<1>(all), &n.three);
  EXPECT_EQ(&std::get<4>(all), &n.fixed);
  Most most{};
  std::get<23>(fields(most)) = 5;
  EXPECT_EQ(most.a24, 5);
  const Most& constant = most;
  EXPECT_EQ(&std::get<23>(fields(constant)), &most.a24);
}

}  // namespace
}  // namespace dini
