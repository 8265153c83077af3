// Quadratic and linear programs whose solutions, multipliers and derivatives are known by hand.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "dini/dini.hpp"
#include "tests/implicit/quadratic_program_cases.hpp"
#include "tests/sample.hpp"
#include "tests/solvers/accurate.hpp"

namespace quadratic_program_test {

using namespace dini;
using tests::expect_near;
using tests::Found;
using tests::largest;
using tests::result;

using Case = tests::ProgramCase;
using Value = Case::Value;
using Slope = Case::Slope;
using tests::field;
using tests::program_cases;
using tests::program_fields;

Array everything(const Found& f) {
  std::vector<Array> parts;
  for (const char* name : {"x", "equal", "at_most", "lower", "upper", "objective"}) parts.push_back(result(f, name));
  return concatenate(parts);
}

// The program with t added to an element of a field.
QuadraticProgram moved(QuadraticProgram p, const std::string& by, std::int64_t row, std::int64_t column,
                       const Array& t) {
  Array& f = field(p, by);
  if (f.ndim() == 2) {
    f = f.at(row, column).add(by == "P" && row != column ? 0.5 * t : t);
    if (by == "P" && row != column) f = f.at(column, row).add(0.5 * t);
  } else {
    f = f.at(row).add(t);
  }
  return p;
}

TEST(QuadraticProgram, FindsWhatIsKnown) {
  for (const Case& c : program_cases()) {
    const Found f = quadratic_program(c.program, {.on_failure = OnFailure::best});
    EXPECT_EQ(f.status, StatusCode::converged) << c.name;
    for (const Value& v : c.values) expect_near(result(f, v.of), v.is, c.digits, c.name + ": " + v.of);
    EXPECT_EQ(f.weakly_active.item<std::int64_t>(), c.weakly_active) << c.name;
    EXPECT_EQ(f.dependent.item<std::int64_t>(), c.dependent) << c.name;
    EXPECT_LE(f.residual_norm.item<double>(), 1e-15) << c.name;
    EXPECT_LE(f.error_estimate.item<double>(), 1e-12) << c.name;
  }
}

TEST(QuadraticProgram, HasTheDerivativesThatAreKnown) {
  for (const Case& c : sample(program_cases(), 9)) {
    for (const Slope& s : c.slopes) {
      auto f = [&](const Array& t) {
        return result(quadratic_program(moved(c.program, s.by, s.row, s.column, t)), s.of);
      };
      const std::string what = c.name + ": d" + s.of + "/d" + s.by;
      expect_near(jacrev(f)(array(0.0)), s.is, 1e-12, what);
    }
  }
}

// ---- Derivatives of one kind as those of another ---------------------------------------------------------------------------

TEST(QuadraticProgram, AllDerivativesAgreeWithEachOtherAndWithDifferences) {
  for (const Case& c : sample(program_cases(), 9)) {
    for (const char* name : program_fields) {
      QuadraticProgram p = c.program;
      const Array at = field(p, name);
      if (!at.defined()) continue;
      auto f = [&](const Array& data) {
        QuadraticProgram q = c.program;
        field(q, name) = data;
        return everything(quadratic_program(q));
      };
      const std::string what = c.name + ", by " + name;
      const Array forward = jacfwd(jit(f))(at), backward = jacrev(jit(f))(at);
      EXPECT_LE(largest(forward - backward), 1e-12 * std::max(1.0, largest(forward))) << what;
      // Along one direction; infinities stay.
      if (!c.smooth) continue;
      const Array way = where(isfinite(at), reshape(cos(1.9 * arange(at.size()) + 0.4), at.shape()), zeros_like(at));
      const double h = 1e-6;
      const Array differences = (f(at + h * way) - f(at - h * way)) / (2 * h);
      EXPECT_LE(largest(differences - jvp(f, at, way).tangent), 1e-8 * std::max(1.0, largest(differences))) << what;
    }
  }
}

TEST(QuadraticProgram, SecondDerivativesAgreeWithDifferencesOfTheFirst) {
  for (const Case& c : sample(program_cases(), 9)) {
    if (!c.smooth || c.name == "bad scales") continue;
    for (const char* name : {"P", "b", "G"}) {
      QuadraticProgram p = c.program;
      const Array at = field(p, name);
      if (!at.defined()) continue;
      const Array way = reshape(cos(1.9 * arange(at.size()) + 0.4), at.shape());
      // How a weighted sum of all that is found goes along the way, and how that goes.
      auto value = [&](const Array& t) {
        QuadraticProgram q = c.program;
        field(q, name) = at + t * way;
        const Array all = everything(quadratic_program(q));
        return sum(all * sin(1.0 + 1.0 * arange(all.size())));
      };
      auto slope = [&](const Array& t) { return grad(value)(t); };
      const double h = 1e-5;
      const double differences = ((slope(array(h)) - slope(array(-h))) / (2 * h)).item();
      const double bound = 1e-7 * std::max(1.0, std::abs(differences));
      EXPECT_NEAR(jvp(slope, array(0.0), array(1.0)).tangent.item(), differences, bound) << c.name << ", by " << name;
      EXPECT_NEAR(grad(slope)(array(0.0)).item(), differences, bound) << c.name << ", by " << name;
    }
  }
}

TEST(QuadraticProgram, LanesAreTheSolvesOneByOne) {
  for (const Case& c : sample(program_cases(), 9)) {
    const Array q = stack({c.program.q, 1.5 * c.program.q + 0.25, -0.5 * c.program.q});
    auto f = [&](const Array& of) {
      QuadraticProgram p = c.program;
      p.q = of;
      const Found found = quadratic_program(p, {.on_failure = OnFailure::nan});
      return std::pair(found.value, found.status.code);
    };
    const auto [x, status] = vmap(f)(q);
    for (int k = 0; k < 3; ++k) {
      const auto [alone, its_status] = f(q(k));
      EXPECT_EQ(status(k).item<std::int64_t>(), its_status.item<std::int64_t>()) << c.name << ", lane " << k;
      if (its_status.item<std::int64_t>() != 0) continue;
      EXPECT_LE(largest(x(k) - alone), 1e-13 * std::max(1.0, largest(alone))) << c.name << ", lane " << k;
    }
  }
}

TEST(QuadraticProgram, InFloat32) {
  for (const Case& c : program_cases()) {
    if (c.name == "bad scales") continue;
    QuadraticProgram p = c.program;
    for (const char* name : program_fields) {
      if (field(p, name).defined()) field(p, name) = astype(field(p, name), float32);
    }
    const Found f = quadratic_program(p, {.on_failure = OnFailure::best});
    EXPECT_EQ(f.value.dtype(), float32) << c.name;
    EXPECT_EQ(f.status, StatusCode::converged) << c.name;
    for (const Value& v : c.values) expect_near(result(f, v.of), v.is, 2e-6, c.name + ": " + v.of);
  }
}

// ---- What has no solution --------------------------------------------------------------------------------------------------

}  // namespace quadratic_program_test
