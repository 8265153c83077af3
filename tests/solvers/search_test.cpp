// What a solve claims, looked for where it is not so: random systems, multiple roots, problems that are sound, and single cases on
// which a plain criterion fails. DINI_SEARCH_TIMES and DINI_SEARCH_SEED in the environment make a search wider, or another one.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "tests/solvers/search.hpp"

namespace search_test {

using namespace dini;
using namespace dini::tests;

const Dtype dtypes[] = {Dtype::float64, Dtype::float32};
double unit_roundoff(Dtype d) { return std::ldexp(1.0, d == Dtype::float64 ? -53 : -24); }
double narrow(Dtype d, double v) { return d == Dtype::float64 ? v : static_cast<double>(static_cast<float>(v)); }

std::string percentiles(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  std::string out;
  for (int p : {0, 1, 5, 25, 50, 75, 95, 99, 100}) {
    char text[64];
    const double at = v.empty() ? 0 : v[static_cast<std::size_t>(p / 100.0 * static_cast<double>(v.size() - 1))];
    std::snprintf(text, sizeof text, "%s%d%%: %.2g", out.empty() ? "" : ", ", p, at);
    out += text;
  }
  return out;
}

// ---- random systems ------------------------------------------------------------------------------------------------------

TEST(Search, AnErrorEstimateHoldsInEveryUnitAndFromEveryStart) {
  Draw draw(search_seed(1));
  struct Tally {
    int solves = 0, converged = 0;
    std::vector<double> ratios;
  };
  std::map<std::string, Tally> tallies;
  for (int k = 0; k < draws(1000); ++k) {
    const Dtype d = dtypes[k % 2];
    const RandomSystem F(draw, d, k / 2 % 2 ? Kind::fixed_point : Kind::root, true);
    const double u = unit_roundoff(d);
    const Array none = zeros({static_cast<std::int64_t>(F.n)}, d);
    auto f = [&](const Array& z) { return F(none, z); };
    for (const Solver& solver : {Solver(Newton{}), Solver()}) {
      const FixedPointOptions options{.solver = solver, .on_failure = OnFailure::best};
      const auto s = F.kind == Kind::root ? root(f, F.z0(), options) : fixed_point(f, F.z0(), options);
      const std::string what = std::to_string(k) + " " + F.name() + " by " + solver.name();
      Tally& t = tallies[std::string(name(d)) + (F.kind == Kind::root ? " root " : " fixed_point ") + solver.name()];
      ++t.solves;
      if (s.status != StatusCode::converged) continue;
      ++t.converged;
      const Reals w = F.in_units(s.value);
      const auto exact = F.root_near(w);
      const double estimate = s.error_estimate.item();
      if (!exact) {
        ADD_FAILURE() << what << ": no root near " << s.value << ", estimate " << estimate;
        continue;
      }
      double error = 0;
      bool plain = true;
      for (std::size_t j = 0; j < F.n; ++j) {
        error = std::max(error, static_cast<double>(std::fabs((w[j] - (*exact)[j]) / (*exact)[j])));
        plain = plain && std::fabs(w[j]) > 1e-2 && std::fabs(w[j]) < 1e2;
      }
      EXPECT_LE(error, 10 * estimate + 4 * u) << what << ": " << s.value << " from " << F.z0() << ", steps " << s.steps;
      if (error > u) t.ratios.push_back(estimate / error);
      const bool wide = d == Dtype::float64;
      if (plain && error < (wide ? 1e-12 : 1e-5) && reciprocal_condition_of(F.slopes(*exact)) > 1e-3) {
        EXPECT_LE(estimate, wide ? 1e-6 : 1e-2) << what << ": error " << error;
      }
    }
  }
  for (const auto& [which, t] : tallies) {
    std::cout << which << ": " << t.converged << " of " << t.solves << " converged; estimate/error "
              << percentiles(t.ratios) << '\n';
    EXPECT_GT(t.converged, t.solves / 2) << which;
  }
}

TEST(Search, SoundProblemsHaveTheirDerivatives) {
  Draw draw(search_seed(2));
  int sound = 0;
  for (int k = 0; k < draws(200); ++k) {
    const RandomSystem F(draw, Dtype::float64, k % 2 ? Kind::fixed_point : Kind::root, false);
    const FixedPointOptions options{.on_failure = OnFailure::best};
    const Array none = zeros({static_cast<std::int64_t>(F.n)});
    auto z = [&](const Array& more, const FixedPointOptions& options) {
      return F.kind == Kind::root ? root(F, F.z0(), options, more) : fixed_point(F, F.z0(), options, more);
    };
    const auto s = z(none, options);
    if (s.status != StatusCode::converged) continue;
    const auto exact = F.root_near(F.in_units(s.value));
    if (!exact || reciprocal_condition_of(F.slopes(*exact)) < 1e-6 || !(s.error_estimate.item() < 1e-8)) continue;
    ++sound;
    const Reals all(F.n, 1);
    const auto slope = solved(F.slopes(*exact), all);
    double wanted = 0, size = 0;
    for (Real v : *slope) wanted += static_cast<double>(v), size += static_cast<double>(std::fabs(v));
    try {
      const Array g = grad([&](const Array& m) {
        return sum(z(m, {.adjoint = k % 4 < 2 ? Adjoint() : Adjoint(Direct{})}).value / F.numbers(F.unknowns));
      })(none);
      EXPECT_NEAR(sum(g).item(), wanted, 1e-6 * size) << k << ' ' << F.name();
    } catch (const SolveError& e) {
      ADD_FAILURE() << k << ' ' << F.name() << ", condition " << 1 / reciprocal_condition_of(F.slopes(*exact)) << ": "
                    << e.what();
    }
  }
  std::cout << sound << " sound\n";
  EXPECT_GT(sound, draws(120));
}

// ---- multiple roots ------------------------------------------------------------------------------------------------------

// A function with a multiple root, of a parameter t that is 0; a start.
struct Multiple {
  std::string name;
  Kind kind = Kind::root;
  std::function<Array(const Array& t, const Array& z)> f;
  std::vector<double> start;
};

Multiple draw_multiple(Draw& draw, Dtype d) {
  Multiple m;
  const bool exact = draw.chance(.5);
  const double a = exact ? draw.sixteenths(.25, 8) : narrow(d, std::exp(6 * draw.uniform() - 3));
  const double unit = draw.chance(.5) ? 1 : std::ldexp(1.0, draw.integer(-20, 20));
  const double small = d == Dtype::float64 ? 1e-9 : 1e-4;
  // A third start where the residual rounds to 0, or nearly.
  const double off =
      draw.chance(1.0 / 3) ? small * (2 * draw.uniform() - 1) : draw.sixteenths(.0625, 1) * draw.uniform();
  double root = a;
  auto of = [d](double v) { return Array(narrow(d, v)); };
  auto set = [&](const char* name, std::function<Array(const Array&, const Array&)> f) { m.name = name, m.f = f; };
  const double b = std::fabs(draw.sixteenths(.25, 4));
  switch (draw.integer(0, 11)) {
    case 0:
      set("square expanded", [=](const Array& t, const Array& z) { return z * z - of(2 * a) * z + of(a * a) - t; });
      break;
    case 1:
      set("scaled square expanded",
          [=](const Array& t, const Array& z) { return of(b) * z * z - of(2 * a * b) * z + of(a * a * b) - t; });
      break;
    case 2:
      set("sin z = 1", [=](const Array& t, const Array& z) { return sin(z) - 1 - t; });
      root = std::acos(-1.0) / 2;
      break;
    case 3:
      set("cos z = -1", [=](const Array& t, const Array& z) { return cos(z) + 1 - t; });
      root = std::acos(-1.0);
      break;
    case 4:
      set("sum and product", [=](const Array& t, const Array& z) {
        return stack({z(0) + z(1) - of(2 * a) - t(0), z(0) * z(1) - of(a * a)});
      });
      m.start = {a * (1 + off), a * (1 - off)};
      break;
    case 5:
      set("cube expanded", [=](const Array& t, const Array& z) {
        return ((z - of(3 * a)) * z + of(3 * a * a)) * z - of(a * a * a) - t;
      });
      break;
    case 6:
      set("fixed point", [=](const Array& t, const Array& z) { return z + square(z - of(a) - t); });
      m.kind = Kind::fixed_point;
      break;
    case 7: set("cosh", [=](const Array& t, const Array& z) { return cosh(z - of(a)) - 1 - t; }); break;
    case 8: set("exp", [=](const Array& t, const Array& z) { return exp(z - of(a)) - 1 - (z - of(a)) - t; }); break;
    case 9:
      set("square times no root",
          [=](const Array& t, const Array& z) { return square(z - of(a)) * (z * z + of(b)) - t; });
      break;
    case 10:
      set("mixed with a simple root", [=](const Array& t, const Array& z) {
        const Array w = z(0) + of(.5) * z(1), v = z(1) - of(.25) * z(0);
        const Array square = w * w - of(2 * a) * w + of(a * a) - t(0), simple = v - of(b);
        return stack({square + of(b) * simple, simple - of(.5) * square});
      });
      // w = a, v = b.
      m.start = {(a - .5 * b) / 1.125 * (1 + off), (b + .25 * a) / 1.125 * (1 - off / 2)};
      break;
    default:
      set("fixed point, cos-like", [=](const Array& t, const Array& z) { return z + cos(z - of(a)) - 1 + t; });
      m.kind = Kind::fixed_point;
  }
  if (m.start.empty()) m.start = {root * (1 + off)};
  if (unit != 1) {
    m.name += " in other units";
    std::vector<double> units(m.start.size(), unit);
    if (units.size() == 2) units[1] = std::ldexp(1.0, draw.integer(-20, 20));
    for (std::size_t j = 0; j < units.size(); ++j) m.start[j] *= units[j];
    m.f = [f = m.f, units = array(units, d), kind = m.kind](const Array& t, const Array& z) {
      const Array v = f(t, z / units);
      return kind == Kind::fixed_point ? v * units : v;
    };
  }
  return m;
}

// Finite where the derivative was given.
template <class F> bool refused(F&& derivative) {
  try {
    return !std::isfinite(sum(derivative()).item());
  } catch (const SolveError&) { return true; }
}

TEST(Search, AMultipleRootHasNoDerivative) {
  Draw draw(search_seed(3));
  std::map<std::string, std::pair<int, int>> slipped;
  int solved = 0;
  for (int k = 0; k < draws(100); ++k) {
    const Dtype d = k % 4 == 3 ? Dtype::float32 : Dtype::float64;
    const Multiple m = draw_multiple(draw, d);
    const Array z0 = array(m.start, d), none = zeros_like(z0);
    const bool newton = draw.chance(.5);
    const std::vector<Adjoint> all{Direct{}, GMRES{}};
    for (const Adjoint& adjoint : all) {
      for (bool compiled : {false, true}) {
        if (compiled && k % 5) continue;
        const FixedPointOptions options{.solver = newton ? Solver(Newton{}) : Solver(), .adjoint = adjoint};
        auto z = [&](const Array& t) {
          const auto s = m.kind == Kind::root ? root(m.f, z0, options, t) : fixed_point(m.f, z0, options, t);
          // Some functions of an undetermined point are determined, as the sum is where it is given.
          return sum(s.value * where(arange(static_cast<double>(m.start.size()), d) == 1.0, 3.0, 1.0));
        };
        auto& [bad, of] = slipped[m.name + " " + adjoint.name()];
        ++of;
        const bool good = refused([&] { return compiled ? jit(grad(z))(none) : grad(z)(none); });
        bad += !good;
        EXPECT_TRUE(good) << k << ' ' << m.name << ' ' << name(d) << ' ' << adjoint.name() << (compiled ? " jit" : "")
                          << (newton ? " newton" : "") << " from " << z0 << ": " << grad(z)(none) << " at " << z(none);
      }
    }
    const FixedPointOptions options{.on_failure = OnFailure::best};
    const auto s = m.kind == Kind::root ? root(m.f, z0, options, none) : fixed_point(m.f, z0, options, none);
    solved += s.status == StatusCode::converged;
  }
  std::cout << solved << " of " << draws(100) << " solves converged\n";
  for (const auto& [what, count] : slipped) {
    if (count.first) std::cout << what << ": " << count.first << " of " << count.second << " slipped by\n";
  }
}

TEST(Search, NearlyMultipleRootsHaveTheirDerivatives) {
  // z² - 2az + c with c next to a²(1 - d²): dz/dc = -1/(2z - 2a).
  Draw draw(search_seed(4));
  for (int k = 0; k < draws(60); ++k) {
    const double a = draw.sixteenths(.25, 8), d = k % 2 ? 1e-2 : 1e-3, unit = std::ldexp(1.0, draw.integer(-30, 30));
    const double c = a * a * (1 - d * d);
    const Array z0 = array({unit * a * (1 + d * (draw.chance(.5) ? 3 : -3) * (.1 + draw.uniform()))});
    const bool cubic = draw.chance(.3);
    auto f = [&](const Array& t, const Array& z) {
      const Array w = z / unit, v = (w - 2 * a) * w + c + t;
      return cubic ? v * (w + 20) : v;
    };
    for (const Adjoint& adjoint : {Adjoint(), Adjoint(Direct{}), Adjoint(GMRES{})}) {
      const auto s = root(f, z0, {.adjoint = adjoint}, array({0.0}));
      const Real away = std::sqrt(static_cast<Real>(a) * a - static_cast<Real>(c));
      const double wanted = static_cast<double>(-1 / (s.value(0).item() / unit > a ? 2 * away : -2 * away));
      try {
        const Array slope = jit(
            grad([&](const Array& t) { return sum(root(f, z0, {.adjoint = adjoint}, t).value) / unit; }))(array({0.0}));
        EXPECT_NEAR(slope(0).item() / wanted, 1, 1e-6) << k << ' ' << adjoint.name() << ' ' << s.value;
      } catch (const SolveError& e) { ADD_FAILURE() << k << ' ' << adjoint.name() << ": " << e.what(); }
    }
  }
}

// ---- single cases --------------------------------------------------------------------------------------------------------

TEST(Search, SmallRootsOfLargeStartsAndTheOtherWayRound) {
  struct Case {
    const char* name;
    std::function<Array(const Array&)> f;
    double start, root;
  };
  const Case cases[] = {
      {"z^2 = 3.1623e-26", [](const Array& z) { return square(z) - 3.1623e-26; }, 1, std::sqrt(3.1623e-26)},
      {"z^2 = 2", [](const Array& z) { return square(z) - 2; }, 1e12, std::sqrt(2)},
      {"exp(z/1e10) = 2", [](const Array& z) { return exp(z / 1e10) - 2; }, 1e11, 1e10 * std::log(2)},
      {"log10(z) = -14", [](const Array& z) { return log10(z) + 14; }, 1, 1e-14}};
  for (const Case& c : cases) {
    for (Dtype d : dtypes) {
      for (const Solver& solver : {Solver(Newton{}), Solver()}) {
        const auto s = root(c.f, array({c.start}, d), {.solver = solver, .on_failure = OnFailure::best});
        if (s.status != StatusCode::converged) continue;
        const double error = std::fabs(std::fabs(s.value(0).item() / c.root) - 1);
        EXPECT_LE(error, 10 * s.error_estimate.item() + 8 * unit_roundoff(d)) << c.name << ' ' << name(d) << s.value;
        EXPECT_LE(error, d == Dtype::float64 ? 1e-10 : 1e-3) << c.name << ' ' << name(d) << s.value;
      }
    }
  }
  // What ends in float64 ends with all digits.
  for (const Case& c : {cases[0], cases[1], cases[2]}) {
    const auto s = root(c.f, array({c.start}), {.on_failure = OnFailure::best});
    EXPECT_TRUE(s.status == StatusCode::converged) << c.name << s.status;
  }
}

TEST(Search, WithoutASolutionNothingHasConverged) {
  struct Case {
    const char* name;
    Kind kind;
    std::function<Array(const Array&)> f;
    double start;
  };
  const Case cases[] = {
      {"z^0.25 = -1/2", Kind::root, [](const Array& z) { return power(z, 0.25) + 0.5; }, 1},
      {"5 + 0 z", Kind::root, [](const Array& z) { return 5 + 0 * z; }, 1e12},
      {"1 + exp(-z/1e10)", Kind::root, [](const Array& z) { return 1 + exp(-z / 1e10); }, 1e11},
      {"z + 1", Kind::fixed_point, [](const Array& z) { return z + 1; }, 1e12},
      {"z + 1, far away", Kind::fixed_point, [](const Array& z) { return z + 1; }, 1e20},
      {"exp(-z)", Kind::root, [](const Array& z) { return exp(-z); }, 1},
      {"1/z", Kind::root, [](const Array& z) { return 1 / z; }, 1},
  };
  for (const Case& c : cases) {
    for (Dtype d : dtypes) {
      for (const Solver& solver : {Solver(Newton{}), Solver()}) {
        const FixedPointOptions options{.solver = solver, .on_failure = OnFailure::best};
        const Array z0 = array({c.start}, d);
        const auto s = c.kind == Kind::root ? root(c.f, z0, options) : fixed_point(c.f, z0, options);
        // exp(-104) is 0 in float32: then it is the estimate that tells.
        EXPECT_TRUE(s.status != StatusCode::converged || std::isinf(s.error_estimate.item()))
            << c.name << ' ' << name(d) << ' ' << solver.name() << s.value;
      }
    }
  }
}

TEST(Search, APressureBesideAFraction) {
  // A pressure of 101325 and a fraction of 0.1, each known by the other.
  auto f = [](const Array& z) {
    const Array p = z(0), x = z(1);
    return stack({p * (1 + x) - 111457.5, x * x + x * p / 101325 - 0.11});
  };
  for (Dtype d : dtypes) {
    for (double p0 : {9e4, 1.2e5, 1e6}) {
      for (const Solver& solver : {Solver(Newton{}), Solver()}) {
        const auto s = root(f, array({p0, .45}, d), {.solver = solver, .on_failure = OnFailure::best});
        if (s.status != StatusCode::converged) continue;
        EXPECT_NEAR(s.value(0).item() / 101325, 1, d == Dtype::float64 ? 1e-14 : 1e-5) << name(d) << s.value;
        EXPECT_NEAR(s.value(1).item() / .1, 1, d == Dtype::float64 ? 1e-14 : 1e-5) << name(d) << s.value;
      }
    }
  }
}

}  // namespace search_test
