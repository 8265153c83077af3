// A residual captures what the transformations around its solve trace: derivatives by it are right in every nesting of every
// two of grad, jvp, vmap and jit, whatever part of the equation reads it and whether the residual is staged or not.
//
//     z = ½ x cos z + y,  D = 1 + ½ x sin z:   z_x = ½ cos z / D,   z_y = 1/D,   z_xy = -½ (sin z + x cos z z_x) / D²
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>

#include "dini/dini.hpp"
#include "tests/sample.hpp"

namespace dini::implicit_captures {
namespace {

using Scalar = std::function<Array(const Array&)>;
enum Transformation { with_grad, with_jvp, with_vmap, with_jit };
constexpr Transformation every[] = {with_grad, with_jvp, with_vmap, with_jit};
const char* const names[] = {"grad", "jvp", "vmap", "jit"};
bool differentiates(Transformation t) { return t == with_grad || t == with_jvp; }

Array apply(Transformation t, const Scalar& f, double x) {
  switch (t) {
    case with_grad: return grad(f)(array(x));
    case with_jvp: return jvp(f, array(x), array(1.0)).tangent;
    case with_vmap: return vmap(f)(array({0.1, x}))(1);
    default: return jit(f)(array(x));
  }
}

constexpr double a = 0.8, b = 0.4;

double wanted(bool by_x, bool by_y) {
  double z = 0;
  for (int k = 0; k < 200; ++k) z = a * std::cos(z) / 2 + b;
  const double D = 1 + a * std::sin(z) / 2, z_x = std::cos(z) / (2 * D);
  if (by_x && by_y) return -(std::sin(z) + a * std::cos(z) * z_x) / (2 * D * D);
  return by_x ? z_x : by_y ? 1 / D : z;
}

// The solution, with x and y captured by the equation or one of them handed over.
struct Form {
  const char* name;
  Array (*solve)(const Array& x, const Array& y, const FixedPointOptions& options);
};
const Form forms[] = {
    {"fixed_point, both captured",
     [](const Array& x, const Array& y, const FixedPointOptions& o) {
       return fixed_point([&](const Array& z) { return 0.5 * x * cos(z) + y; }, Array(array(0.0)), o).value;
     }},
    {"fixed_point, x captured",
     [](const Array& x, const Array& y, const FixedPointOptions& o) {
       return fixed_point([&](const Array& y, const Array& z) { return 0.5 * x * cos(z) + y; }, Array(array(0.0)), o, y)
           .value;
     }},
    {"fixed_point_layer, y captured",
     [](const Array& x, const Array& y, const FixedPointOptions& o) {
       auto f = [&](const Array& x, const Array& one, const Array& z) { return 0.5 * x * cos(z) + y * one; };
       return fixed_point_layer(o.solver, f, x, array(1.0), o);
     }},
    {"root, captured by a branch within",
     [](const Array& x, const Array& y, const FixedPointOptions& o) {
       auto residual = [&](const Array& z) {
         return cond(
             z > -10.0, [&](const Array& z) { return 0.5 * x * cos(z) + y - z; }, [&](const Array& z) { return x + z; },
             z);
       };
       FixedPointOptions by_newton = o;
       by_newton.solver = Newton{};
       return root(residual, Array(array(0.0)), by_newton).value;
     }},
    {"a solve in the residual",
     [](const Array& x, const Array& y, const FixedPointOptions& o) {
       auto residual = [&](const Array& z) {
         // c = cos z, by an equation of its own
         const Array c =
             fixed_point([&](const Array& c) { return 0.5 * c + 0.5 * cos(z); }, Array(array(0.0)), o).value;
         return 0.5 * x * c + y;
       };
       return fixed_point(residual, Array(array(0.0)), o).value;
     }},
};

TEST(ImplicitCaptures, OfEveryTransformationInEveryOther) {
  const std::pair<const char*, Solver> solvers[] = {
      {"newton", Newton{}}, {"anderson", Anderson{}}, {"forward_iteration", ForwardIteration{}}};
  std::size_t number = 0;
  for (const Form& form : forms) {
    for (const auto& [solver_name, solver] : solvers) {
      for (bool stage : {true, false}) {
        FixedPointOptions options;
        options.solver = solver;
        options.stage = stage;
        for (Transformation outer : every) {
          for (Transformation inner : every) {
            // Unstaged, f is called with values, which jit and vmap have none of.
            if (!tests::sampled(++number, 11)) continue;
            if (!stage && !(differentiates(outer) && differentiates(inner))) continue;
            const std::string what = std::string(form.name) + ", " + solver_name + (stage ? "" : ", unstaged") + ": " +
                                     names[outer] + " of " + names[inner];
            try {
              const Array got = apply(
                  outer,
                  [&](const Array& x) {
                    return apply(
                        inner, [&](const Array& y) { return form.solve(x, y, options); }, b);
                  },
                  a);
              EXPECT_NEAR(got.item(), wanted(differentiates(outer), differentiates(inner)), 1e-9) << what;
            } catch (const std::exception& e) { ADD_FAILURE() << what << ": " << e.what(); }
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace dini::implicit_captures
