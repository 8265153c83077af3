// Random Programs: the interpreter without passes, the executor's plan, eager runs, batches and derivatives agree.
//
// A failure is shrunk, and printed with its Program and how to draw it again. RC_PARAMS="seed=7 max_success=500" in the
// environment draws others: the number is that of each test.
#include <cstdlib>
#include <set>
#include <sstream>

#include "../ops/registry_numbers.hpp"
#include "dini/ops/registry.hpp"
#include "programs.hpp"
#include "random_program.hpp"

namespace dini::random_programs {
namespace {

// 10,000 Programs in all; fewer without optimisation and under sanitizers, which the tests are not optimised for.
constexpr int tests = 40;
#ifdef __OPTIMIZE__
constexpr int programs = 10000;
#else
constexpr int programs = 400;
#endif

using Function = std::function<Leaves(const Leaves&)>;

struct Disagreement : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// ---- Comparing -------------------------------------------------------------------------------------------------------

double largest(const Leaves& leaves) {
  double out = 0;
  for (const Array& a : leaves) {
    for (double x : a.to_vector<double>()) out = std::isfinite(x) ? std::max(out, std::fabs(x)) : out;
  }
  return out;
}

// In roundings, where it is not the same Program that is compared: cotangents are added up in another order, batches of
// products go by other kernels. 10,000 Programs need 21 of them for batched gradients, 2 for compiled ones, and none for
// values (with AVX-512), relative to the largest number.
constexpr double rounding = 256;

// Relative to the largest element of all, or to 1.
void expect_close(const Leaves& got, const Leaves& wanted, double relative, const std::string& what) {
  if (got.size() != wanted.size()) throw Disagreement(what + ": another number of results");
  const double tolerance = relative * std::max(1.0, largest(wanted));
  for (std::size_t k = 0; k < got.size(); ++k) {
    if (got[k].aval() != wanted[k].aval())
      throw Disagreement(what + ": " + got[k].aval().str() + " for " + wanted[k].aval().str());
    const auto a = got[k].to_vector<double>(), b = wanted[k].to_vector<double>();
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (a[i] == b[i] || std::fabs(a[i] - b[i]) <= tolerance) continue;
      std::ostringstream s;
      s.precision(17);
      s << what << ": result " << k << " " << got[k].aval().str() << " at " << i << ": " << a[i] << ", wanted " << b[i]
        << ", tolerance " << tolerance;
      throw Disagreement(s.str());
    }
  }
}

void expect_same(const Leaves& got, const Leaves& wanted, const std::string& what) {
  const auto same = exec_tests::same_bits(got, wanted);
  if (!same) throw Disagreement(what + ": " + same.message());
}

// Sum of products, and of their magnitudes, over the floating leaves.
struct Product {
  double sum = 0, size = 0;
};
Product product(const Leaves& a, const Leaves& b) {
  Product out;
  for (std::size_t k = 0; k < a.size(); ++k) {
    if (!is_floating(b[k].dtype())) continue;
    const auto x = a[k].to_vector<double>(), y = b[k].to_vector<double>();
    for (std::size_t i = 0; i < x.size(); ++i) {
      out.sum += x[i] * y[i];
      out.size += std::fabs(x[i] * y[i]);
    }
  }
  return out;
}

// ---- What a Program and its derivatives must fulfil ------------------------------------------------------------------

// Results of an eager run, and of the compiled one.
struct Ways {
  Leaves eager, compiled;
};

// f eagerly; jit's plan, in a fresh workspace and a used one; and the interpreter without passes, which must give jit's bits.
Ways run(const Function& f, const Leaves& x, const std::string& what) {
  const Leaves eager = f(x);
  const Staged staged = make_program(f, x);
  staged.program->check();
  Leaves inputs = x;
  inputs.insert(inputs.end(), staged.captured.begin(), staged.captured.end());
  const Leaves plain = Executable::compile(*staged.program, {.optimize = false})->run(inputs);
  const auto compiled = jit(f);
  try {
    for (int turn = 0; turn < 2; ++turn) expect_same(compiled(x), plain, what + ", planned and interpreted");
  } catch (const Disagreement& e) {
    throw Disagreement(std::string(e.what()) + "\n" + staged.program->str() + "\nplanned as\n" +
                       Executable::compile(*staged.program)->str());
  }
  return {eager, plain};
}

Leaves directions(const Leaves& like, std::uint64_t seed) {
  registry::Directions d(seed);
  Leaves out;
  for (const Array& a : like) out.push_back(d.like(a));
  return out;
}

Leaves stacked(const std::vector<Leaves>& lanes) {
  Leaves out;
  for (std::size_t j = 0; j < lanes[0].size(); ++j) {
    Leaves column;
    for (const Leaves& lane : lanes) column.push_back(lane[j]);
    out.push_back(registry::stacked(column));
  }
  return out;
}

// How many functions are smooth, and of how many of these differences tell the slope.
struct Counts {
  int smooth = 0, differenced = 0;
};

class Checked {
 public:
  explicit Checked(const Description& d) : d_(d) {}

  void hold(Counts& counts) {
    const Ways value = run(f_, all_, "value");
    if (exact_)
      expect_same(value.compiled, value.eager, "value, jit and eager");
    else
      expect_close(value.compiled, value.eager, tolerance_, "value, jit and eager");
    weights_ = directions(value.eager, d_.seed + 2);
    hold_in_lanes(f_, value.eager, "value");
    if (!(d_.traits() & no_forward)) hold_forward();
    if (!(d_.traits() & no_reverse)) hold_reverse();
    if (!pushed_.empty() && !pulled_.empty()) {
      const Product forward = product(weights_, pushed_), reverse = product(pulled_, dx_);
      if (!(std::fabs(forward.sum - reverse.sum) <= tolerance_ * (1 + forward.size + reverse.size))) {
        throw Disagreement("dot test: jvp gives " + std::to_string(forward.sum) + ", vjp " +
                           std::to_string(reverse.sum));
      }
    }
    if (!(d_.traits() & (kinked | single)) && d_.sizes.n < 100) hold_against_differences(counts);
  }

 private:
  // By the floating arguments; the last two, of integers, are constants.
  static Leaves floats(const Leaves& in) { return Leaves(in.begin(), in.end() - 2); }
  static Leaves with_integers(Leaves x, const Leaves& in) {
    x.insert(x.end(), in.end() - 2, in.end());
    return x;
  }

  // Lanes differ in every argument; of the first one g's results are known.
  void hold_in_lanes(const Function& g, const Leaves& first, const std::string& what) {
    std::vector<Leaves> lanes = {all_}, each = {first};
    for (unsigned k = 1; k < 3; ++k) {
      lanes.push_back(d_.inputs(k));
      each.push_back(g(lanes.back()));
    }
    const Ways batched = run([&](const Leaves& in) { return vmap(g)(in); }, stacked(lanes), "vmap of " + what);
    const Leaves loop = stacked(each);
    expect_close(batched.eager, loop, tolerance_, "vmap of " + what + " and a loop");
    expect_close(batched.compiled, loop, tolerance_, "jit of vmap of " + what + " and a loop");
  }

  void hold_forward() {
    Leaves x_dx = all_;
    x_dx.insert(x_dx.end(), dx_.begin(), dx_.end());
    const auto n = static_cast<std::ptrdiff_t>(all_.size());
    const Ways pushed = run(
        [&](const Leaves& in) {
          const Leaves x(in.begin(), in.begin() + n);
          return jvp([&](const Leaves& y) { return f_(with_integers(y, x)); }, floats(x),
                     Leaves(in.begin() + n, in.end()))
              .tangent;
        },
        x_dx, "jvp");
    expect_close(pushed.compiled, pushed.eager, tolerance_, "jvp, jit and eager");
    pushed_ = pushed.eager;
  }

  void hold_reverse() {
    const Function slope = slope_of(f_);
    const Ways pulled = run(slope, all_, "grad");
    expect_close(pulled.compiled, pulled.eager, tolerance_, "grad, jit and eager");
    expect_close(slope_of(jit(f_))(all_), pulled.eager, tolerance_, "grad of jit, and grad");
    hold_in_lanes(slope, pulled.eager, "grad");
    pulled_ = pulled.eager;
  }
  // The gradient of the results' sum, each element with its weight.
  Function slope_of(const Function& g) const {
    return [this, g](const Leaves& in) {
      const auto weighted = [&](const Leaves& y) {
        const Leaves out = g(with_integers(y, in));
        Array sum = 0.0;
        for (std::size_t k = 0; k < out.size(); ++k) {
          if (is_floating(out[k].dtype())) sum = sum + vdot(out[k], weights_[k]);
        }
        return sum;
      };
      return grad(weighted)(floats(in));
    };
  }

  void hold_against_differences(Counts& counts) {
    const Staged staged = make_program(f_, all_);
    const auto plain = Executable::compile(*staged.program, {.optimize = false});
    const registry::Slopes slopes = registry::differentiate(
        [&](long double t) {
          Leaves x = floats(all_);
          for (std::size_t k = 0; k < x.size(); ++k) x[k] = x[k] + array(static_cast<double>(t)) * dx_[k];
          x = with_integers(x, all_);
          x.insert(x.end(), staged.captured.begin(), staged.captured.end());
          return registry::Numbers{product(weights_, plain->run(x)).sum};
        },
        epsilon(float64));
    const long double along = pushed_.empty() ? product(pulled_, dx_).sum : product(weights_, pushed_).sum,
                      wanted = slopes.value[0], error = slopes.error[0], size = 1 + std::fabs(wanted);
    ++counts.smooth;
    if (!(error <= 1e-7L * size)) return;
    ++counts.differenced;
    if (!(std::fabs(along - wanted) <= 4 * error + 1e-10L * size)) {
      std::ostringstream s;
      s << "differences give " << wanted << " +- " << error << ", derivatives " << along;
      throw Disagreement(s.str());
    }
  }

  const Description& d_;
  const Function f_ = [this](const Leaves& in) { return d_(in); };
  const double tolerance_ = rounding * (d_.traits() & single ? epsilon(float32) : epsilon(float64));
  // Eagerly a branch is taken, compiled it is an op: derivatives within the Program may differ in their last bits.
  const bool exact_ = !(d_.traits() & nested);
  const Leaves all_ = d_.inputs(), dx_ = directions(floats(all_), d_.seed + 1);
  Leaves weights_, pushed_, pulled_;
};

class RandomPrograms : public ::testing::TestWithParam<int> {};

TEST_P(RandomPrograms, AgreeWithTheInterpreterUnderTransformations) {
  // RapidCheck reads the environment once, and takes a random seed where it finds none.
  setenv("RC_PARAMS", "seed=20240", 0);
  rc::detail::Configuration defaults;
  defaults.testParams.maxSuccess = programs / tests;
  rc::detail::TestParams params = rc::detail::configFromString(std::getenv("RC_PARAMS"), defaults).testParams;
  SCOPED_TRACE("RC_PARAMS=\"seed=" + std::to_string(params.seed) + "\" draws it again");
  params.seed += static_cast<std::uint64_t>(GetParam());
  Counts counts;
  const auto result = rc::detail::checkTestable(
      [&] {
        const Description d = *descriptions();
        Checked(d).hold(counts);
      },
      rc::detail::TestMetadata{"RandomPrograms", "random Programs"}, params);
  if (!result.template is<rc::detail::SuccessResult>()) {
    std::ostringstream s;
    rc::detail::printResultMessage(result, s);
    FAIL() << s.str();
  }
  EXPECT_GE(counts.differenced, 0.9 * counts.smooth);
}

INSTANTIATE_TEST_SUITE_P(Draws, RandomPrograms, ::testing::Range(0, tests));

void collect_ops(const Program& program, std::set<std::string>& out) {
  for (const Equation& e : program.equations) {
    out.insert(e.op->name);
    for (const auto& [key, value] : e.params.items()) {
      if (const auto* p = std::get_if<ProgramRef>(&value); p && *p) collect_ops(**p, out);
      if (const auto* list = std::get_if<std::vector<ProgramRef>>(&value)) {
        for (const ProgramRef& p : *list) collect_ops(*p, out);
      }
    }
  }
}

TEST(RandomProgramDraws, HaveEveryOpAndEveryDepth) {
  std::set<std::string> drawn;
  std::map<int, int> depths;
  constexpr int draws = 3000;
  for (int k = 0; k < draws; ++k) {
    const Description d = descriptions()(rc::Random(static_cast<std::uint64_t>(k))).value();
    ++depths[d.depth()];
    const Function f = [&](const Leaves& in) { return d(in); };
    collect_ops(*make_program(f, d.inputs()).program, drawn);
  }
  for (int depth = 1; depth <= 8; ++depth) EXPECT_GT(depths[depth], draws / 10) << depth;
  // Those of derivatives are met when they are taken; the others are tested with what they belong to.
  const std::set<std::string> elsewhere = {
      "cofactor",
      "custom_lin",
      "symmetric_factor",
      "qr_pivoted",  // of det, custom_vjp, symmetric solves
      "host",
      "callback",
      "solve",
      "operator_solve",
      "check_status",
      "rcond",
      "late_call",
      "guard",  // implicit/, linear/
      "lanes",  // of loops in batches, when they are long
      "random_split",
      "random_bits",
      "random_integers",
      "random_permutation",  // random/
      "random_scale",
      "watch",
      "rounding",
      "relative_change",
  };
  for (const Op* op : all_ops())
    EXPECT_NE(drawn.count(op->name), elsewhere.count(op->name)) << op->name << ": drawn, or to be tested elsewhere?";
}

}  // namespace
}  // namespace dini::random_programs
