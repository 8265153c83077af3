// core/tree.hpp: flatten, unflatten and structure for everything that is a tree.
#include "dini/core/tree.hpp"

#include <functional>
#include <list>
#include <set>

#include "../ops/expect_array.hpp"

namespace tree_test_foreign {
// A struct that cannot be changed has its tree() beside it, in its own namespace.
struct Foreign {
  dini::Array u, v;
};
auto tree(Foreign& p) { return std::tie(p.u, p.v); }
}  // namespace tree_test_foreign

namespace dini {
namespace {

using tree_test_foreign::Foreign;

struct Params {
  Array W, b;
  std::string label;  // no part of the tree: kept as it is
  auto tree() { return std::tie(W, b); }
};

struct Layers {
  std::vector<Params> layers;
  double scale = 1;
  auto tree() { return std::tie(layers, scale); }
};

Array number(double x) { return array(x); }

static_assert(Tree<Array> && Tree<double> && Tree<int> && Tree<bool> && Tree<None>);
static_assert(Tree<std::tuple<>> && Tree<std::pair<Array, std::vector<double>>>);
static_assert(Tree<std::array<Array, 2>> && Tree<std::map<std::string, std::map<std::string, Array>>>);
static_assert(Tree<Params> && Tree<Foreign> && Tree<Layers> && Tree<const Layers&>);
static_assert(!Tree<std::string> && !Tree<std::list<Array>> && !Tree<std::map<int, Array>> && !Tree<Array*>);
static_assert(!Tree<std::tuple<Array, std::string>> && !Tree<std::vector<std::set<int>>>);
static_assert(std::is_same_v<tree_t<double>, Array> && std::is_same_v<tree_t<const int&>, Array>);
// Arrays in the places of numbers, but for those of structs.
template <class T, class Wanted> constexpr bool becomes = std::is_same_v<tree_t<T>, Wanted>;
static_assert(becomes<std::tuple<double, int, Array, None>, std::tuple<Array, Array, Array, None>>);
static_assert(becomes<std::pair<std::pair<float, Layers>, Array>, std::pair<std::pair<Array, Layers>, Array>>);
static_assert(becomes<std::vector<bool>, std::vector<Array>> && becomes<const std::vector<Array>&, std::vector<Array>>);
static_assert(becomes<std::array<std::vector<double>, 2>, std::array<std::vector<Array>, 2>>);
static_assert(becomes<std::map<std::string, std::vector<int>, std::greater<>>,
                      std::map<std::string, std::vector<Array>, std::greater<>>>);
static_assert(becomes<std::vector<Layers>, std::vector<Layers>> && becomes<std::tuple<>, std::tuple<>>);
static_assert(std::is_same_v<tree_t<const Params&>, Params> && std::is_same_v<tree_t<Array>, Array>);

// tree() may name parts of members; what it leaves out may be anything that holds no arrays, or be in statics().
struct Parts {
  Params params;
  Array three[3];
  std::vector<int> axes;
  std::function<void()> callback;
  auto tree() { return std::tie(params.W, params.b, three[0], three[1], three[2]); }
};
struct WithStatics {
  Array W, table;
  auto tree() { return std::tie(W); }
  auto statics() const { return std::tie(table); }
};
struct Recursive {
  Array a;
  std::vector<Recursive> children;
  auto tree() { return std::tie(a, children); }
};
class Hidden {
 public:
  Hidden(Array w, Array kept) : w_(std::move(w)), kept_(std::move(kept)) {}
  auto tree() { return std::tie(w_); }
  const Array& kept() const { return kept_; }

 private:
  Array w_, kept_;
};

// Leaves in order, as numbers; and back with each of them ten times as large.
template <class T> void round_trip(const T& t, const std::string& wanted, const std::vector<double>& numbers) {
  EXPECT_EQ(structure(t), wanted);
  const std::vector<Array> leaves = flatten(t);
  ASSERT_EQ(leaves.size(), numbers.size()) << wanted;
  std::vector<Array> others;
  for (std::size_t k = 0; k < leaves.size(); ++k) {
    EXPECT_EQ(leaves[k].item(), numbers[k]) << wanted;
    others.push_back(number(10 * numbers[k]));
  }
  const T back = unflatten(t, others);
  EXPECT_EQ(structure(back), wanted);
  const std::vector<Array> again = flatten(back), mapped = flatten(tree_map([](const Array&a) { return 10 * a; }, t));
  for (std::size_t k = 0; k < leaves.size(); ++k) {
    EXPECT_EQ(again[k].item(), 10 * numbers[k]) << wanted;
    EXPECT_EQ(mapped[k].item(), 10 * numbers[k]) << wanted;
    EXPECT_EQ(flatten(t)[k].item(), numbers[k]) << wanted;  // the prototype is as it was
  }
}

TEST(Tree, GoesToLeavesAndBack) {
  const Array a = number(1), b = number(2), c = number(3);
  round_trip(a, "*", {1});
  round_trip(2.5, "*", {2.5});
  round_trip(7, "*", {7});
  round_trip(none, "none", {});
  round_trip(std::tuple<>(), "()", {});
  round_trip(std::tuple(a, none, 2.0), "(*, none, *)", {1, 2});
  round_trip(std::pair(a, std::tuple(b, c)), "(*, (*, *))", {1, 2, 3});
  round_trip(std::vector<Array>{a, b, c}, "[*, *, *]", {1, 2, 3});
  round_trip(std::vector<Array>{}, "[]", {});
  round_trip(std::array<double, 2>{4, 5}, "[*, *]", {4, 5});
  // Maps in the order of their keys.
  round_trip(std::map<std::string, Array>{{"w", a}, {"b", b}}, "{b: *, w: *}", {2, 1});
  round_trip(std::map<std::string, std::vector<Array>>{{"x", {a, b}}, {"y", {}}}, "{x: [*, *], y: []}", {1, 2});
  round_trip(Params{a, b, "first"}, "(*, *)", {1, 2});
  round_trip(Foreign{a, b}, "(*, *)", {1, 2});
  round_trip(Layers{{{a, b, "one"}, {c, a, "two"}}, 0.5}, "([(*, *), (*, *)], *)", {1, 2, 3, 1, 0.5});
  round_trip(Parts{{a, b, ""}, {c, a, b}, {}, {}}, "(*, *, *, *, *)", {1, 2, 3, 1, 2});
  round_trip(WithStatics{a, b}, "(*)", {1});
  round_trip(Recursive{a, {{b, {}}, {c, {}}}}, "(*, [(*, []), (*, [])])", {1, 2, 3});
  round_trip(Hidden(a, b), "(*)", {1});
  round_trip(std::tuple(std::vector<std::pair<Array, None>>{{a, none}}, Foreign{b, c}), "([(*, none)], (*, *))",
             {1, 2, 3});
}

TEST(Tree, PrototypesGiveWhatLeavesDoNotSay) {
  const Params p = unflatten(Params{number(1), number(2), "kept"}, {number(3), number(4)});
  EXPECT_EQ(p.label, "kept");
  // Leaves are what was flattened, not copies of it; numbers are weak scalars.
  const Array a = array({1.0, 2.0});
  EXPECT_EQ(flatten(std::tuple(a, 1.0))[0].raw(), a.raw());
  EXPECT_TRUE(flatten(std::tuple(a, 1.0))[1].weak());
  // An array may take the place of one of another shape or dtype; a number takes what it can hold.
  EXPECT_EQ(unflatten(number(0), {a}).shape(), (Shape{2}));
  EXPECT_EQ(unflatten(0, {number(2.75)}), 2);
  expect_error<ShapeError>([&] { unflatten(0.0, {a}); }, "Array::item: the array has shape (2,), not one element");
}

TEST(Tree, MapsOverSeveral) {
  const auto sum_of = [](const Array& a, const Array& b, const Array& c) { return a + b * c; };
  const Array a = number(1), b = number(2), c = number(3);
  using Pair = std::pair<Array, std::vector<Array>>;
  const Pair mapped = tree_map(sum_of, Pair(a, {b}), std::pair(2.0, std::vector<double>{3}), Pair(c, {c}));
  EXPECT_EQ(mapped.first.item(), 1 + 2 * 3);
  EXPECT_EQ(mapped.second.at(0).item(), 2 + 3 * 3);
  EXPECT_EQ(tree_map(sum_of, Params{a, b, "kept"}, Params{a, b, ""}, Params{b, c, ""}).label, "kept");
  expect_error<ShapeError>(
      [&] {
        tree_map(sum_of, std::pair(a, b), std::pair(a, b), std::vector<Array>{a, b});
      },
      "tree_map: the trees have the structures (*, *) and [*, *]");
}

TEST(Tree, WantsAsManyLeavesAsThePrototypeHas) {
  const Array a = number(1);
  expect_error<ShapeError>([&] { unflatten(std::pair(a, a), {a}); },
                           "unflatten: the tree (*, *) does not have 1 leaves");
  expect_error<ShapeError>([&] { unflatten(std::vector<Array>{}, {a}); },
                           "unflatten: the tree [] does not have 1 leaves");
  expect_error<ShapeError>(
      [&] {
        unflatten(std::map<std::string, Array>{{"w", a}}, {a, a});
      },
      "unflatten: the tree {w: *} does not have 2 leaves");
}

}  // namespace
}  // namespace dini
