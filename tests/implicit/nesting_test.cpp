// z = cos z + θ at θ = 0.3: value and three derivatives in every order of forward and reverse, by every solver and adjoint,
// staged and not, compiled and batched.
//
// With s = 1 + sin z:  z' = 1/s,  z'' = -cos z/s³,  z''' = (s sin z + 3 cos² z)/s⁵.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "dini/dini.hpp"

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
};

Way way(bool fixed, const Solver& solver, const char* solver_name, const Adjoint& adjoint, bool stage) {
  const FixedPointOptions options{.solver = solver, .tolerance = {}, .adjoint = adjoint, .stage = stage};
  const std::string name =
      std::string(fixed ? "fixed_point " : "root ") + solver_name + " " + adjoint.name() + (stage ? "" : " eager");
  if (fixed) {
    return {name, [=](const Array& t) {
              return fixed_point([](const Array& t, const Array& z) { return cos(z) + t; }, Array(array(0.5)), options,
                                 t)
                  .value;
            }};
  }
  return {
      name, [=](const Array& t) {
        return root([](const Array& t, const Array& z) { return cos(z) + t - z; }, Array(array(0.5)), options, t).value;
      }};
}

std::vector<Way> all_ways() {
  const std::pair<Solver, const char*> solvers[] = {
      {ForwardIteration{}, "forward_iteration"}, {Anderson{}, "anderson"}, {Newton{}, "newton"}};
  std::vector<Way> ways;
  for (bool stage : {true, false}) {
    for (const auto& [s, name] : solvers) {
      for (const Adjoint& a : {Adjoint(Direct{}), Adjoint(GMRES{}), Adjoint(SameSolver{})})
        ways.push_back(way(true, s, name, a, stage));
    }
    for (const Adjoint& a : {Adjoint(Direct{}), Adjoint(GMRES{})})
      ways.push_back(way(false, Newton{}, "newton", a, stage));
  }
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
    if (w.name.find("eager") != std::string::npos) continue;
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
    if (w.name.find("eager") != std::string::npos) continue;
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
