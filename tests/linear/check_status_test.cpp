// What a failure that is found when a compiled or batched solve runs says of its lanes.
#include "dini/linear/check_status.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "dini/core/array.hpp"
#include "dini/core/error.hpp"
#include "dini/transforms/vmap.hpp"

namespace dini::detail {
namespace {

using Doubles = std::vector<double>;

const Array converged = array(static_cast<std::int64_t>(StatusCode::converged));
const Array stagnated = array(static_cast<std::int64_t>(StatusCode::stagnated));

template <class F> SolveError failure(const F& f) {
  try {
    f();
  } catch (const SolveError& e) { return e; }
  ADD_FAILURE() << "nothing was thrown";
  return SolveError("", StatusCode::converged);
}

TEST(CheckStatus, HandsOnWhatConverged) {
  const Array x = array({1.0, 2.0});
  const Array y = dini::vmap(
      [&](const Array& v) { return check_status(v, converged, array(std::int64_t{3}), array(0.5), {"f"}); })(x);
  EXPECT_EQ(y.to_vector<double>(), (Doubles{1, 2}));
}

TEST(CheckStatus, ReportsEveryLanesOwnNumbers) {
  const Array x = array({{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}});
  const Array status = array({0, static_cast<int>(StatusCode::stagnated), static_cast<int>(StatusCode::max_steps)});
  const SolveError e = failure([&] {
    dini::vmap([](const Array& v, const Array& s, const Array& count, const Array& measure) {
      return check_status(v, s, count, measure, {"newton"});
    })(x, astype(status, int64), astype(array({3, 8, 9}), int64), array({0.5, 0.25, 0.75}));
  });
  EXPECT_NE(
      std::string(e.what()).find("newton: stagnated in lane 1 (2 of 3 lanes failed) after 8 steps, residual norm 0.25"),
      std::string::npos)
      << e.what();
  EXPECT_EQ(e.code, StatusCode::stagnated);
  EXPECT_EQ(e.value.to_vector<double>(), (Doubles{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(e.status.to_vector<double>(), status.to_vector<double>());
  EXPECT_EQ(e.steps.to_vector<double>(), (Doubles{3, 8, 9}));
  EXPECT_EQ(e.residual_norm.to_vector<double>(), (Doubles{0.5, 0.25, 0.75}));
}

TEST(CheckStatus, RepeatsWhatLanesShare) {
  const SolveError e = failure([&] {
    dini::vmap([](const Array& v) {
      return check_status(v, stagnated, array(std::int64_t{7}), array(0.125), {"newton"});
    })(array({{1.0, 2.0}, {3.0, 4.0}}));
  });
  EXPECT_NE(std::string(e.what()).find("in lane 0 (2 of 2 lanes failed) after 7 steps, residual norm 0.125"),
            std::string::npos)
      << e.what();
  EXPECT_EQ(e.steps.to_vector<double>(), (Doubles{7, 7}));
  EXPECT_EQ(e.residual_norm.to_vector<double>(), (Doubles{0.125, 0.125}));
  const SolveError shared = failure([&] {
    dini::vmap([](const Array& s) {
      return check_status(array({1.0, 2.0}), s, array(std::int64_t{7}), array(0.125), {"f"});
    })(astype(array({0, static_cast<int>(StatusCode::stagnated)}), int64));
  });
  EXPECT_EQ(shared.value.to_vector<double>(), (Doubles{1, 2, 1, 2}));
  EXPECT_EQ(shared.status.to_vector<double>(), (Doubles{0, static_cast<double>(StatusCode::stagnated)}));
}

}  // namespace
}  // namespace dini::detail
