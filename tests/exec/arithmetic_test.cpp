// A host whose arithmetic is not the usual one (as after linking with -ffast-math) gets the usual results, and has its own back.
#include <limits>

#include "dini/core/arithmetic.hpp"
#include "dini/dini.hpp"
#include "programs.hpp"

namespace dini::exec_tests {
namespace {

using Control = ArithmeticControl;

struct Arithmetic {
  const char* name;
  Control::Bits bits;
};
#ifdef __x86_64__
constexpr Control::Bits flushed = 0x1f80 | 0x8040;
const Arithmetic arithmetics[] = {{"to nearest, with subnormals", 0x1f80},
                                  {"flushed to zero", flushed},
                                  {"rounded up", 0x1f80 | 0x4000},
                                  {"with division by zero and overflow trapped", 0x1f80 & ~0x0680u}};
#else  // nearly no ARM processor traps
constexpr Control::Bits flushed = 1 << 24;
const Arithmetic arithmetics[] = {
    {"to nearest, with subnormals", 0}, {"flushed to zero", flushed}, {"rounded up", 1 << 22}};
#endif

class Host {
 public:
  explicit Host(Control::Bits bits) { Control::set(bits); }
  ~Host() { Control::set(before_); }

 private:
  Control::Bits before_ = Control::get();
};

TEST(Arithmetic, OfTheHostIsNeitherUsedNorChanged) {
  // Subnormal numbers, sums that round, an infinity, and a solve that ends in the last bits.
  const double tiny = std::numeric_limits<double>::denorm_min();
  const Array x = array({3e-308, 0.1, 7.0, 5 * tiny}), w = numbers({4, 4}, float64, 3);
  auto f = [&](const Array& v) {
    const Array z = fixed_point_layer(
        Newton{}, [](const Array& m, const Array& u, const Array& z) { return 0.5 * tanh(dot(m, z) + u); }, w, v);
    return Leaves{v * 0.1, 1 / (v - 7.0), norm(v * 1e-5), sum(exp(v)), z, linalg::svdvals(w), v / 3};
  };
  const auto compiled = jit([&](const Array& v) { return f(v); });
  const Leaves eager = f(x), planned = compiled(x);
  for (const Arithmetic& a : arithmetics) {
    const Host host(a.bits);
    const Leaves again = f(x), once_more = compiled(x);
    const Control::Bits now = Control::get();
    Control::set(Control::standard);
    EXPECT_EQ(now & ~Control::raised, a.bits) << a.name;
    EXPECT_TRUE(same_bits(again, eager)) << a.name;
    EXPECT_TRUE(same_bits(once_more, planned)) << a.name;
  }
}

// What throws in a callback leaves the host's arithmetic alone, too.
TEST(Arithmetic, IsPutBackWhenSomethingThrows) {
  const auto failing = jit(
      [](const Array& z0) { return root([](const Array& z) { return z * z + 1.0; }, z0, {.solver = Newton{}}).value; });
  Control::Bits now = 0;
  bool thrown = false;
  {
    const Host host(flushed);
    try {
      failing(array(1.0));
    } catch (const Error&) { thrown = true; }
    now = Control::get();
  }
  EXPECT_TRUE(thrown);
  EXPECT_EQ(now & ~Control::raised, flushed);
}

}  // namespace
}  // namespace dini::exec_tests
