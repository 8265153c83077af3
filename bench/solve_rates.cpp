// Which solver solves what: solvers by problems with known solutions, each solver with its defaults. For every pair the steps, and
// with --evaluations those of F; or why there was no solution. A problem counts as solved where the solve converged and the point
// is a solution that is known.
//
//     solve_rates [--evaluations] [--float32] [--kind NAME] [SOLVER...]
//
// Kinds are those of problem files, also "bounds" and "constraints".
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include <dini/dini.hpp>
#include "dini/solvers/library.hpp"
#include "tests/solvers/brackets.hpp"
#include "tests/solvers/known_cases.hpp"
#include "tests/solvers/nist.hpp"
#include "tests/solvers/optimisation_problems.hpp"
#include "tests/solvers/systems.hpp"

namespace {

using namespace dini;

struct Result {
  StatusCode status;
  bool right;  // a known solution
  std::int64_t steps, evaluations;
  StatusCode wanted = StatusCode::converged;
};
struct Problem {
  std::string name;
  std::function<Result(const Solver&)> solve;
};
struct Suite {
  Kinds kinds;
  Restriction restriction;
  std::string name;
  std::vector<Problem> problems;
  Suite(Kind kind) : kinds{kind}, restriction(Restriction::none), name(dini::name(kind)) {}
  Suite(Restriction r) : kinds{Kind::minimize, Kind::least_squares, Kind::root}, restriction(r), name(dini::name(r)) {}
};

template <class S> Result result_of(const S& s, bool right) {
  return {s.status.get(), right, s.steps.template item<std::int64_t>(), s.evaluations.template item<std::int64_t>()};
}

Suite roots(Dtype dtype) {
  Suite suite(Kind::root);
  for (const auto& s : tests::literature::systems()) {
    if (s.f(array(s.start, dtype)).dtype() != dtype) continue;  // it has constants of double precision
    suite.problems.push_back({s.name, [s, dtype](const Solver& by) {
                                const auto found =
                                    root(s.f, array(s.start, dtype), {.solver = by, .on_failure = OnFailure::best});
                                return result_of(found, dtype == Dtype::float32 || s.solved_by(found.value));
                              }});
  }
  return suite;
}

// Layers and textbook maps, all with one fixed point.
Suite fixed_points(Dtype dtype) {
  struct Map {
    std::string name;
    std::function<Array(const Array&)> f;
    std::vector<double> start;
  };
  const Array m = astype(array({{.2, .3, -.1}, {-.25, .1, .2}, {.15, -.3, .25}}), dtype);
  const std::vector<Map> maps = {
      {"cos z", [](const Array& z) { return cos(z); }, {1, .3, -2}},
      {"slow: z/1000 and the rest", [](const Array& z) { return .999 * z + .001 * cos(z); }, {0, 1, -1}},
      {"layer tanh(Mz + 1)", [m](const Array& z) { return tanh(dot(m, z) + 1.0); }, {0, 0, 0}},
      {"expanding layer", [m](const Array& z) { return 6.0 * tanh(dot(m, z) + 1.0) - 2.0 * z; }, {0, 0, 0}},
      {"rotation",
       [](const Array& z) {
         return stack({1.0 - z(1), z(0) + 2.0, 0.0 * z(2)});
       },
       {2, 1, 0}},
      {"Newton's for a root", [](const Array& z) { return .5 * (z + 2.0 / z); }, {1, 10, 1e6}},
      {"threefold", [](const Array& z) { return 3.0 * z - 4.0; }, {1, 5, -3}},
      {"z = e^-3z", [](const Array& z) { return exp(-3.0 * z); }, {.5, 0, 1}},
  };
  Suite suite(Kind::fixed_point);
  for (const Map& s : maps) {
    suite.problems.push_back({s.name, [s, dtype](const Solver& by) {
                                const auto found = fixed_point(s.f, array(s.start, dtype),
                                                               {.solver = by, .on_failure = OnFailure::best});
                                const double left = max(abs(s.f(found.value) - found.value)).item();
                                return result_of(found, dtype == Dtype::float32 || left <= 1e-8);
                              }});
  }
  return suite;
}

// Sums of squares, as minima and as fits.
Suite sums_of_squares(Kind kind, Dtype dtype) {
  Suite suite(kind);
  for (const auto& s : tests::sums_of_squares_of_the_literature()) {
    suite.problems.push_back({s.name, [s, kind, dtype](const Solver& by) {
                                const Array z0 = array(s.start, dtype);
                                const auto found =
                                    kind == Kind::minimize
                                        ? minimize([&](const Array& z) { return 0.5 * sum(square(s.residuals(z))); },
                                                   z0, {.solver = by, .on_failure = OnFailure::best})
                                        : least_squares(s.residuals, z0, {.solver = by, .on_failure = OnFailure::best});
                                const double f = 2 * astype(found.objective, Dtype::float64).item();
                                bool right = dtype == Dtype::float32;
                                for (double m : s.minima) right |= std::fabs(f - m) <= std::max(1e-4 * m, 1e-12);
                                return result_of(found, right);
                              }});
  }
  return suite;
}

// NIST's data sets, from both starts.
Suite regressions() {
  Suite suite(Kind::least_squares);
  for (const auto& r : tests::nist_regressions()) {
    for (std::size_t k = 0; k < r.starts.size(); ++k) {
      suite.problems.push_back({r.name + ", start " + std::to_string(k + 1), [r, k](const Solver& by) {
                                  const auto found =
                                      least_squares([&](const Array& z) { return r(r.observed(), z); },
                                                    array(r.starts[k]), {.solver = by, .on_failure = OnFailure::best});
                                  return result_of(found, tests::worst_digits(found.value, r.certified) <= 1e-9);
                                }});
    }
  }
  return suite;
}

Suite brackets(Dtype dtype) {
  Suite suite(Kind::bracketed_root);
  for (const auto& b : tests::bracket_cases()) {
    if (b.status != StatusCode::converged) continue;
    suite.problems.push_back({b.name, [b, dtype](const Solver& by) {
                                const auto found = root(b.f, Bracket{array(b.a, dtype), array(b.b, dtype)},
                                                        {.solver = by, .on_failure = OnFailure::best});
                                const double off = std::fabs(astype(found.value, Dtype::float64).item() - b.root);
                                const double digits = dtype == Dtype::float64 ? std::max(b.digits, 1e-14) : 1e-2;
                                return result_of(found, off <= digits * (b.root == 0 ? 1 : std::fabs(b.root)));
                              }});
  }
  return suite;
}

// With bounds or with constraints: the solution that is known, or the status for which there is none.
Suite restricted(Restriction restriction, Dtype dtype) {
  Suite suite(restriction);
  for (const auto* table : {&tests::cases_with_bounds(), &tests::cases_with_constraints()}) {
    for (const tests::KnownCase& c : *table) {
      if (c.restriction() != restriction) continue;
      suite.problems.push_back(
          {c.name, [&c, dtype](const Solver& by) -> Result {
             if (!by.method()->kinds().has(c.kind)) return {StatusCode::breakdown, false, 0, 0};
             const tests::Solved s = tests::solve(
                 c, array(c.theta, dtype), {.options = {.solver = by, .on_failure = OnFailure::best}, .dtype = dtype});
             const auto z = astype(s.z, Dtype::float64).to_vector<double>();
             const double digits = dtype == Dtype::float32 ? 1e-3 : c.singular ? 1e-4 : 1e-8;
             bool right = c.solutions.empty() || c.status != StatusCode::converged;
             for (const auto& known : c.solutions) {
               bool all = true;
               for (std::size_t k = 0; k < known.z.size(); ++k)
                 all = all && std::fabs(z[k] - known.z[k]) <= digits * std::max(1.0, std::fabs(known.z[k]));
               right = right || all;
             }
             return {s.code(), right, s.steps.item<std::int64_t>(), s.evaluations.item<std::int64_t>(), c.status};
           }});
    }
  }
  return suite;
}

std::vector<std::pair<std::string, Solver>> solvers_of(const Suite& suite, const std::vector<std::string>& wanted) {
  std::vector<std::pair<std::string, Solver>> out{{"auto", Solver()}};
  for (const auto& info : library_solvers()) {
    bool applies = info.takes >= suite.restriction;
    // Those with constraints of their own take problems without, too; they have tables of their own.
    if (suite.restriction == Restriction::none)
      applies = info.takes == Restriction::none || suite.kinds.has(Kind::bracketed_root);
    bool any = false;
    for (Kind k : {Kind::root, Kind::fixed_point, Kind::minimize, Kind::least_squares, Kind::bracketed_root})
      any = any || (suite.kinds.has(k) && info.kinds.has(k));
    if (any && applies) out.emplace_back(info.name, info.make({}));
  }
  if (!wanted.empty()) {
    std::erase_if(out, [&](const auto& s) { return std::find(wanted.begin(), wanted.end(), s.first) == wanted.end(); });
  }
  return out;
}

void print(const Suite& suite, const std::vector<std::string>& wanted, bool evaluations) {
  const auto solvers = solvers_of(suite, wanted);
  std::printf("%s\n\n", suite.name.c_str());
  for (std::size_t k = 0; k < solvers.size(); ++k) std::printf("%37c %zu: %s\n", ' ', k, solvers[k].first.c_str());
  std::printf("%-38s", "");
  for (std::size_t k = 0; k < solvers.size(); ++k) std::printf("%10zu", k);
  std::printf("\n");
  std::vector<int> solved(solvers.size()), there(solvers.size());
  std::vector<double> seconds(solvers.size());
  for (const Problem& p : suite.problems) {
    std::printf("%-38s", p.name.c_str());
    for (std::size_t k = 0; k < solvers.size(); ++k) {
      const auto start = std::chrono::steady_clock::now();
      const Result r = p.solve(solvers[k].second);
      seconds[k] += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      const bool good = r.status == r.wanted && r.right;
      solved[k] += good;
      there[k] += r.right;
      if (good) {
        std::printf("%10lld", static_cast<long long>(evaluations ? r.evaluations : r.steps));
      } else {
        const bool none = r.status == StatusCode::breakdown && r.evaluations == 0;  // not for problems of this kind
        std::printf("%10.9s", none ? "" : r.status == StatusCode::converged ? "ELSEWHERE" : name(r.status));
      }
      std::fflush(stdout);
    }
    std::printf("\n");
  }
  std::printf("%-35s%3zu", "solved, of", suite.problems.size());
  for (int count : solved) std::printf("%10d", count);
  std::printf("\n%-38s", "ended at one, whatever the status");
  for (int count : there) std::printf("%10d", count);
  std::printf("\n%-38s", "seconds, with compilation");
  for (double s : seconds) std::printf("%10.2f", s);
  std::printf("\n\n");
}

}  // namespace

int main(int argc, char** argv) {
  bool evaluations = false;
  Dtype dtype = Dtype::float64;
  std::string kind;
  std::vector<std::string> wanted;
  for (int k = 1; k < argc; ++k) {
    const std::string a = argv[k];
    if (a == "--evaluations") {
      evaluations = true;
    } else if (a == "--float32") {
      dtype = Dtype::float32;
    } else if (a == "--kind" && k + 1 < argc) {
      kind = argv[++k];
    } else {
      wanted.push_back(a);
    }
  }
  std::vector<Suite> suites{roots(dtype),
                            fixed_points(dtype),
                            sums_of_squares(Kind::minimize, dtype),
                            sums_of_squares(Kind::least_squares, dtype),
                            brackets(dtype),
                            restricted(Restriction::bounds, dtype),
                            restricted(Restriction::general, dtype)};
  if (dtype == Dtype::float64) suites.push_back(regressions());
  for (const Suite& s : suites) {
    if (kind.empty() || kind == s.name) print(s, wanted, evaluations);
  }
}
