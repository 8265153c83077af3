// Structs whose tree() is not as it has to be.
#include <dini/dini.hpp>

using namespace dini;

struct Inner {
  Array u, v;
  auto tree() { return std::tie(u, v); }
};
struct Whole {
  Array W, b;
  Inner inner;
  int power = 2;
  std::string name;
  auto tree() { return std::tie(W, b, inner); }
};
struct Params {
  Array W, b;
  Inner inner;
  std::string name;
  std::vector<Inner> layers;
#if CASE == 1  // tree() leaves out a member that holds arrays
  auto tree() { return std::tie(W, inner, layers); }
#elif CASE == 2  // tree() leaves out a member that holds arrays
  auto tree() { return std::tie(W, b, layers); }
#elif CASE == 3  // tree() leaves out a member that holds arrays
  auto tree() { return std::tie(W, b, inner); }
#elif CASE == 4  // without const
  auto tree() const { return std::tie(W, b, inner, layers); }
#elif CASE == 5  // tree() must return references
  auto tree() { return std::tuple(W, b, inner, layers); }
#elif CASE == 6  // tree() must return a tuple of references
  auto& tree() { return W; }
#elif CASE == 7  // tree() names a member that is no tree
  auto tree() { return std::tie(W, b, inner, layers, name); }
#else
  auto tree() { return std::tie(W, b, inner, layers); }
#endif
};

void use(const Params& p, const Whole& w) {
  grad([](const Params& q) { return sum(q.W); })(p);
  grad([](const Whole& q) { return sum(q.W); })(w);
}
