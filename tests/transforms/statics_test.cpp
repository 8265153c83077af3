// Members of structs outside of their trees: jit compiles anew where one differs, and every transformation passes them on.
#include <functional>
#include <optional>
#include <variant>

#include "expect.hpp"

namespace dini {
namespace {

enum class Kind { tanh, relu };
struct Inside {
  double tolerance = 1;
  std::vector<int> lengths = {};
};
struct Layer {
  Array W;
  int power = 2;
  Kind kind = Kind::tanh;
  std::string name = {};
  std::optional<double> limit = {};
  std::variant<int, std::string> either = 0;
  Inside inside = {};
  bool flags[2] = {};
  auto tree() { return std::tie(W); }
};

Array powered(const Layer& l, const Array& x) {
  Array out = x;
  for (int k = 1; k < l.power; ++k) out = out * x;
  return l.W * out;
}

// How often f is traced when it is called with each of these in turn.
template <class T> int traces(const std::vector<T>& arguments) {
  int count = 0;
  auto f = jit([&](const T&) {
    ++count;
    return Array(1.0);
  });
  for (const T& a : arguments) f(a);
  return count;
}

TEST(Statics, JitComputesWithTheMembersOfEachCall) {
  auto fast = jit(powered);
  const Array x = array(3.0);
  EXPECT_EQ(fast(Layer{2.0}, x).item(), 18.0);
  EXPECT_EQ(fast(Layer{2.0, 3}, x).item(), 54.0);
  EXPECT_EQ(fast(Layer{2.0}, x).item(), 18.0);
  EXPECT_EQ(fast(Layer{5.0, 3}, x).item(), 135.0);
  EXPECT_EQ(jit(grad(powered))(Layer{2.0, 3}, x).W.item(), 27.0);
  EXPECT_TRUE(check_captures(fast, Layer{2.0, 3}, x));
}

TEST(Statics, JitTellsEachKindOfMemberApart) {
  const Array w = array(1.0);
  const Layer same{w};
  EXPECT_EQ(traces<Layer>({same, same, Layer{array(2.0)}}), 1);
  const std::vector<Layer> others{{w, 3},
                                  {w, 2, Kind::relu},
                                  {w, 2, Kind::tanh, "a"},
                                  {w, 2, Kind::tanh, "", 1.0},
                                  {w, 2, Kind::tanh, "", {}, 1},
                                  {w, 2, Kind::tanh, "", {}, "0"},
                                  {w, 2, Kind::tanh, "", {}, 0, {2}},
                                  {w, 2, Kind::tanh, "", {}, 0, {1, {0}}},
                                  {w, 2, Kind::tanh, "", {}, 0, {1, {}}, {false, true}}};
  for (std::size_t k = 0; k < others.size(); ++k) EXPECT_EQ(traces<Layer>({same, others[k], same, others[k]}), 2) << k;
  // Within containers.
  EXPECT_EQ((traces<std::vector<Layer>>({{same, same}, {same, others[0]}, {others[0], same}, {same, same}})), 3);
  using Named = std::map<std::string, std::pair<Layer, Array>>;
  EXPECT_EQ((traces<Named>({{{"a", {same, w}}}, {{"a", {others[0], w}}}, {{"b", {same, w}}}, {{"a", {same, w}}}})), 3);
}

struct Parts {
  Inside inside;
  std::pair<Array, Array> two;
  Array three[3];
  int k = 0;
  auto tree() { return std::tie(two.first, two.second, three[0], three[1], three[2]); }
};

TEST(Statics, JitComparesNoLeaves) {
  const Array a = array(1.0), b = array(2.0);
  EXPECT_EQ(traces<Parts>({{{}, {a, b}, {a, b, a}}, {{}, {b, a}, {b, a, b}}}), 1);
  EXPECT_EQ(traces<Parts>({{{}, {a, b}, {a, b, a}}, {{}, {a, b}, {a, b, a}, 1}}), 2);
}

// Says itself what it is.
struct Model {
  Array W;
  std::function<Array(const Array&)> activation;
  std::string name;
  Array table;
  auto tree() { return std::tie(W); }
  auto statics() const { return std::tie(name, table); }
};
class Hidden {
 public:
  explicit Hidden(Array w, int n = 0) : w_(std::move(w)), n_(n) {}
  auto tree() { return std::tie(w_); }
  auto statics() const { return std::tuple(n_); }
  int n() const { return n_; }

 private:
  Array w_;
  int n_;
};

TEST(Statics, AStructMaySayWhatItIs) {
  auto apply = jit([](const Model& m, const Array& x) { return m.activation(m.W * x) + sum(m.table); });
  auto plus = [](const Array& x) { return x + 1; };
  auto minus = [](const Array& x) { return x - 1; };
  const Array w = array(2.0), x = array(3.0), none = array({0.0}), some = array({0.0, 1.0});
  EXPECT_EQ(apply(Model{w, plus, "plus", none}, x).item(), 7.0);
  EXPECT_EQ(apply(Model{w, minus, "minus", none}, x).item(), 5.0);
  EXPECT_EQ(apply(Model{w, minus, "minus", some}, x).item(), 6.0);
  EXPECT_EQ(apply(Model{w, plus, "plus", none}, x).item(), 7.0);
  EXPECT_EQ(apply(Model{w, plus, "plus", array({2.0})}, x).item(), 9.0);
  throws<TraceError>([&] { grad([&](const Array& t) {
                             return apply(Model{w, plus, "plus", t}, x);
                           })(none); },
                     {"jit", "float64(1,)", "tree()"});
  EXPECT_EQ(traces<Hidden>({Hidden(w), Hidden(x), Hidden(w, 1)}), 2);
}

TEST(Statics, ResultsHaveTheirOwn) {
  auto next = jit([](const Layer& l) { return Layer{2.0 * l.W, l.power + 1}; });
  EXPECT_EQ(next(Layer{1.0, 2}).power, 3);
  EXPECT_EQ(next(Layer{1.0, 5}).power, 6);
  EXPECT_EQ(next(Layer{1.0, 2}).power, 3);
}

TEST(Statics, PassThroughTheOtherTransformations) {
  const Array x = array(3.0), xs = array({1.0, 2.0});
  for (int power : {2, 3, 2}) {
    const Layer l{2.0, power};
    const double wanted = std::pow(3.0, power);
    EXPECT_EQ(grad(powered)(l, x).W.item(), wanted);
    EXPECT_EQ(grad(powered)(l, x).power, power);
    EXPECT_EQ(vjp(powered, l, x).value.item(), 2 * wanted);
    EXPECT_EQ(vmap(powered, {.in = {not_mapped, 0}})(l, xs).to_vector<double>()[1], 2 * std::pow(2.0, power));
    EXPECT_EQ(checkpoint(powered)(l, x).item(), 2 * wanted);
    EXPECT_EQ(cond(
                  x > 1, powered, [](const Layer& m, const Array&) { return m.W; }, l, x)
                  .item(),
              2 * wanted);
    auto step = [](const Layer& m, const Array& v) { return std::pair(Layer{powered(m, v), m.power}, m.W); };
    EXPECT_EQ(scan(step, l, xs).first.W.item(), 2 * std::pow(2.0, power));
    EXPECT_EQ(scan(step, l, xs).first.power, power);
    auto again = [&](const Layer& m) { return cond(x > 1, powered, powered, m, x); };
    EXPECT_EQ(jit(again)(l).item(), 2 * wanted);
    const auto body = [](const Array&, const Layer& m) { return Layer{m.W * 2, m.power}; };
    EXPECT_EQ(fori_loop(0, 2, body, l).power, power);
  }
}

}  // namespace
}  // namespace dini
