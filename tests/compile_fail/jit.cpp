// Structs with members beside their tree() that jit cannot compare.
#include <dini/dini.hpp>
#include <functional>

using namespace dini;

struct Layer {
  Array W;
  int power = 2;
#if CASE == 1  // declare in the struct auto statics() const
  std::function<Array(const Array&)> activation;
#elif CASE == 2  // declare in the struct auto statics() const
  const double* table = nullptr;
#elif CASE == 3  // declare in the struct auto statics() const
  Solver solver;
#endif
  auto tree() { return std::tie(W); }
};
class Hidden {
 public:
  explicit Hidden(Array w, int power = 2) : w_(std::move(w)), power_(power) {}
  auto tree() { return std::tie(w_); }
  int power() const { return power_; }
#if CASE == 4  // declare in it auto statics() const
#else
  auto statics() const { return std::tie(power_); }
#endif

 private:
  Array w_;
  int power_;
};

void use(const Layer& l, const Hidden& h) {
  jit([](const Layer& q) { return sum(q.W); })(l);
  jit([](const Hidden& q) { return Array(q.power()); })(h);
}
