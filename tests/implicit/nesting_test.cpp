// z = cos z + θ at θ = 0.3: value and three derivatives in every order of forward and reverse, by every solver of the library
// and every exact adjoint, by a user's solver, with a host branch and with another solve in the residual; staged and not,
// compiled and batched.
//
// With s = 1 + sin z:  z' = 1/s,  z'' = -cos z/s³,  z''' = (s sin z + 3 cos² z)/s⁵.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "tests/solvers/accurate.hpp"

namespace nesting_test {

using namespace dini;

const double theta = 0.3, wanted[] = {0.91209242766275, 0.55841394343907, -0.10658246707, 0.13792156337};

using Scalar = std::function<Array(const Array&)>;

Scalar forward(const Scalar& f) {
  return [f](const Array& t) { return jvp(f, t, ones_like(t)).tangent; };
}
Scalar reverse(const Scalar& f) {
  return [f](const Array& t) { return grad(f)(t); };
}

struct Way {
  std::string name;
  Scalar z;
  bool abstract = true;  // works under jit and vmap
};

Array map_of(const Array& t, const Array& z) { return cos(z) + t; }
// Its Jacobian is positive.
Array residual_of(const Array& t, const Array& z) { return z - cos(z) - t; }

Way way(const std::string& name, const FixedPointOptions& options, Array (*f)(const Array&, const Array&)) {
  const bool fixed = f == map_of;
  return {(fixed ? "fixed_point " : "root ") + name + (options.stage ? "" : " unstaged"),
          [=](const Array& t) {
            const Array start = array(0.5);
            return (fixed ? fixed_point(f, start, options, t) : root(f, start, options, t)).value;
          },
          options.stage};
}

// A user's solver, with a plain loop on values.
Array plain_iteration(const Function& f, const Array& z0) {
  Array z = f(z0), before = z0;
  for (int k = 0; norm(z - before) > 1e-14 && k < 1000; ++k) {
    before = z;
    z = f(z);
  }
  return z;
}

std::vector<Way> all_ways() {
  std::vector<Way> ways;
  for (const auto& solver : tests::usual_solvers(Kind::fixed_point)) {
    FixedPointOptions o = tests::accurate(solver);
    for (const auto& adjoint : library_adjoints()) {
      if (!adjoint.make({}).exact() || !tests::takes_any_jacobian(adjoint.name)) continue;
      o.adjoint = adjoint.make({});
      ways.push_back(way(solver.name + " " + adjoint.name, o, map_of));
      if (solver.kinds.has(Kind::root) && adjoint.kinds.has(Kind::root))
        ways.push_back(way(solver.name + " " + adjoint.name, o, residual_of));
    }
    o.stage = false;
    o.adjoint = {};
    ways.push_back(way(solver.name, o, map_of));
    if (solver.kinds.has(Kind::root)) ways.push_back(way(solver.name, o, residual_of));
  }
  const auto user = owning([](const Function& f, const Array& z) { return plain_iteration(f, z); });
  for (const Adjoint& a : {Adjoint(Direct{}), Adjoint(SameSolver{})}) {
    ways.push_back(way("a user's solver " + a.name(), {.solver = user, .adjoint = a}, map_of));
  }
  ways.push_back(way("a user's solver", {.solver = user, .stage = false}, map_of));
  // The branch is read on the host.
  const auto branching = [](const Array& t, const Array& z) {
    if (z > 0.0) return map_of(t, z);
    return 2.0 * z + t;
  };
  ways.push_back({"a host branch in the residual",
                  [=](const Array& t) { return fixed_point(branching, Array(array(0.5)), {}, t).value; }, false});
  // 2w + sin w = 2c + sin c has the one solution w = c, for c = cos z.
  const auto inner = [](const Array& t, const Array& z) {
    const Array c = cos(z);
    return t + root([](const Array& right, const Array& w) { return 2 * w + sin(w) - right; }, Array(array(0.0)), {},
                    2 * c + sin(c))
                   .value;
  };
  ways.push_back(
      {"a solve in the residual", [=](const Array& t) { return fixed_point(inner, Array(array(0.5)), {}, t).value; }});
  return ways;
}

// Every order of forward and reverse of the given depth: bit k of the number says what the k-th is, innermost first.
Scalar nested(const Scalar& f, int depth, int order) {
  Scalar g = f;
  for (int k = 0; k < depth; ++k) g = (order >> k) & 1 ? reverse(g) : forward(g);
  return g;
}
std::string spelled(int depth, int order) {
  std::string s;
  for (int k = 0; k < depth; ++k) s = ((order >> k) & 1 ? "reverse of " : "forward of ") + s;
  return s;
}

TEST(Nesting, AllOrdersOfForwardAndReverse) {
  for (const Way& w : all_ways()) {
    for (int depth = 0; depth <= 3; ++depth) {
      for (int order = 0; order < 1 << depth; ++order) {
        const std::string what = spelled(depth, order) + w.name;
        try {
          EXPECT_NEAR(nested(w.z, depth, order)(array(theta)).item(), wanted[depth], 1e-9) << what;
        } catch (const std::exception& e) { ADD_FAILURE() << what << ": " << e.what(); }
      }
    }
  }
}

TEST(Nesting, UnderJit) {
  for (const Way& w : all_ways()) {
    if (!w.abstract) continue;
    for (int depth = 0; depth <= 3; ++depth) {
      for (int order = 0; order < 1 << depth; ++order) {
        const std::string what = "jit of " + spelled(depth, order) + w.name;
        try {
          EXPECT_NEAR(jit(nested(w.z, depth, order))(array(theta)).item(), wanted[depth], 1e-9) << what;
          if (depth < 3 && depth > 0) {
            EXPECT_NEAR(nested(Scalar(jit(w.z)), depth, order)(array(theta)).item(), wanted[depth], 1e-9)
                << what << ", jit inside";
          }
        } catch (const std::exception& e) { ADD_FAILURE() << what << ": " << e.what(); }
      }
    }
  }
}

TEST(Nesting, UnderVmap) {
  const std::vector<double> at{-0.2, 0.3, 0.9};
  for (const Way& w : all_ways()) {
    if (!w.abstract) continue;
    for (int depth = 0; depth <= 3; ++depth) {
      for (int order = 0; order < 1 << depth; ++order) {
        const std::string what = "vmap of " + spelled(depth, order) + w.name;
        try {
          const Array got = vmap(nested(w.z, depth, order))(array(at));
          EXPECT_NEAR(got(1).item(), wanted[depth], 1e-9) << what;
          if (depth < 3) {
            for (int k = 0; k < 3; ++k) {
              EXPECT_NEAR(got(k).item(), nested(w.z, depth, order)(array(at[static_cast<std::size_t>(k)])).item(), 1e-9)
                  << what;
            }
          }
          if (depth == 1) {  // and of the batch's sum
            const Array sums = nested(
                [&](const Array& t) {
                  return Array(sum(vmap(w.z)(t + array({0.0, 0.0}))));
                },
                1, order)(array(theta));
            EXPECT_NEAR(sums.item(), 2 * wanted[1], 1e-9) << what << ", outside";
          }
        } catch (const std::exception& e) { ADD_FAILURE() << what << ": " << e.what(); }
      }
    }
  }
}

}  // namespace nesting_test
