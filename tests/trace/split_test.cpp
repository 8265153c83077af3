// trace/split.hpp: random Programs in two parts, and what each part has.
#include "dini/trace/split.hpp"

#include <algorithm>
#include <random>

#include "../exec/programs.hpp"
#include "../exec/random_program.hpp"
#include "dini/trace/groups.hpp"
#include "dini/transforms/control_ops.hpp"
#include "dini/transforms/host.hpp"

namespace dini {
namespace {

using detail::split_program;
using detail::SplitProgram;
using Mask = std::vector<bool>;

Leaves run(const Program& p, const Leaves& inputs) { return Executable::compile(p, {.optimize = false})->run(inputs); }
Leaves run(const SplitProgram& parts, const Leaves& inputs, const Mask& late) {
  Mask early = late;
  early.flip();
  return run(*parts.late, detail::joined({detail::only(inputs, late), run(*parts.early, detail::only(inputs, early))}));
}

// The first equation of the late part that depends on no late input, and neither repeats what is cheap or constant.
std::string misplaced(const SplitProgram& parts, std::size_t late_inputs, const detail::SplitRule& rule) {
  const Program& late = *parts.late;
  Mask marks(late.variables.size(), false);
  for (std::size_t k = 0; k < late_inputs; ++k) marks[late.inputs[k]] = true;
  Mask given(late.variables.size(), false);
  for (int v : late.inputs) given[v] = true;
  given = detail::dependents(late, given);
  for (const Equation& e : late.equations) {
    if ((rule.stays && rule.stays(late, e)) ||
        std::any_of(e.inputs.begin(), e.inputs.end(), [&](int v) { return marks[v]; })) {
      for (int v : e.outputs) marks[v] = true;
      continue;
    }
    const int v = e.outputs.at(0);
    const std::int64_t size = late.variables[v].shape.size();
    const bool constant = !given[v] && e.op->kernel;
    const bool pattern = e.op->name == "iota" || e.op->name == "eye" ||
                         (e.op->name == "broadcast" && late.variables[e.inputs[0]].shape.size() == 1);
    if (pattern && size > 1024) continue;
    if (rule.own_constants > 0 && constant && (pattern || size <= rule.own_constants)) continue;
    return e.op->name;
  }
  return "";
}

int count(const Program& p, const std::string& op) {
  int n = 0;
  for (const Equation& e : p.equations) n += e.op->name == op;
  return n;
}

TEST(SplitProgram, OfRandomProgramsGivesTheSameBits) {
  const detail::SplitRule rules[] = {{}, {.stays = detail::stays_in_loop, .own_constants = 0}};
  int kept = 0, in_both = 0;
  for (std::uint64_t draw = 0; draw < 400; ++draw) {
    const random_programs::Description d = random_programs::descriptions(6)(rc::Random(draw)).value();
    const Leaves x = d.inputs();
    const Staged staged = make_program([&](const Leaves& in) { return d(in); }, x);
    const Leaves inputs = detail::joined({x, staged.captured});
    const Leaves wanted = run(*staged.program, inputs);
    std::mt19937 random(static_cast<unsigned>(draw));
    for (int way = 0; way < 4; ++way) {
      // Nothing late, all late, and some.
      Mask late(inputs.size());
      for (std::size_t k = 0; k < late.size(); ++k) late[k] = way == 1 || (way > 1 && random() % 3 == 0);
      const detail::SplitRule& rule = rules[way % 2];
      const SplitProgram parts = split_program(*staged.program, late, rule);
      parts.early->check();
      parts.late->check();
      const std::size_t late_inputs = detail::only(inputs, late).size();
      EXPECT_EQ(misplaced(parts, late_inputs, rule), "") << staged.program->str() << parts.late->str();
      const auto same = exec_tests::same_bits(run(parts, inputs, late), wanted);
      ASSERT_TRUE(same) << same.message() << staged.program->str() << parts.early->str() << parts.late->str();
      kept += static_cast<int>(parts.early->outputs.size());
      in_both += !parts.early->equations.empty() && !parts.late->equations.empty();
    }
  }
  EXPECT_GT(kept, 400);
  EXPECT_GT(in_both, 100);
}

struct Called final : HostFunction {
  std::string name() const override { return "called"; }
  std::vector<Aval> outputs(std::span<const Aval> in) const override { return {in[0]}; }
  Leaves call(const Leaves& in) const override { return {in[0]}; }
};
Array called(const Array& x) {
  return emit_one(detail::callback_op(), {x}, {{"function", OpaqueRef(std::make_shared<Called>())}});
}

// f(a, x), x late: how many equations of an op each part has, and how many values are kept.
TEST(SplitProgram, PutsEquationsWhereTheyBelong) {
  const Array vector = array({1.0, -2.0, 0.5}), matrix = reshape(arange(9.0), {3, 3}) + eye(3);
  struct Case {
    const char* name;
    std::function<Array(const Array&, const Array&)> f;
    const char* op;
    int early, late, kept;
    bool in_loop = false;
  };
  const Case cases[] = {
      {"an input that is read", [](const Array& a, const Array& x) { return a * x; }, "mul", 0, 1, 1},
      {"an input that is not", [](const Array&, const Array& x) { return sin(x); }, "sin", 0, 1, 0},
      {"a value that is read twice", [](const Array& a, const Array& x) { return exp(a) * x + exp(a); }, "exp", 2, 0,
       2},
      {"an output of its own", [](const Array& a, const Array&) { return exp(a); }, "exp", 1, 0, 1},
      {"what nobody needs", [](const Array& a, const Array& x) { return exp(a), sin(x), a * x; }, "exp", 0, 0, 1},
      {"a short sum", [](const Array& a, const Array& x) { return broadcast_to(sum(a), {3}) * x; }, "broadcast", 1, 0,
       1},
      {"a long one, cheaper made anew",
       [](const Array& a, const Array& x) {
         return sum(broadcast_to(sum(a), {3000}) * broadcast_to(x(0), {3000})) + sin(x);
       },
       "broadcast", 0, 3, 1},
      {"a long one that both read",
       [](const Array& a, const Array& x) {
         const Array long_one = broadcast_to(a(0), {3000});
         return sum(sin(long_one)) * x + sum(long_one * x(0));
       },
       "broadcast", 2, 3, 2},
      {"a small constant, made anew", [](const Array& a, const Array& x) { return eye(3)(0) * x + a; }, "eye", 0, 1, 1},
      {"a small constant in a loop", [](const Array& a, const Array& x) { return eye(3)(0) * x + a; }, "eye", 1, 0, 2,
       true},
      {"an early effect", [](const Array& a, const Array& x) { return called(a), x * 2; }, "callback", 1, 0, 0},
      {"an early effect in a loop", [](const Array& a, const Array& x) { return called(a), sin(x); }, "callback", 0, 1,
       1, true},
      {"a late effect", [](const Array& a, const Array& x) { return called(x), a * x; }, "callback", 0, 1, 1},
      {"an early loop",
       [](const Array& a, const Array& x) {
         return x * while_loop([](const Array& s) { return sum(s) < 9; }, [](const Array& s) { return s + 1; }, a);
       },
       "while", 1, 0, 1},
      {"an early loop in a loop",
       [](const Array& a, const Array& x) {
         return x * while_loop([](const Array& s) { return sum(s) < 9; }, [](const Array& s) { return s + 1; }, a);
       },
       "while", 0, 1, 1, true},
      {"a solve in a loop, which has one within",
       [](const Array& a, const Array& x) {
         return x * fixed_point([](const Array& p, const Array& z) { return 0.5 * cos(z) + p; }, zeros({3}),
                                FixedPointOptions{}, a)
                        .value;
       },
       "solve", 0, 1, 2, true},
  };
  for (const Case& c : cases) {
    const ProgramRef p = stage_closed([&](const Leaves& in) { return Leaves{c.f(in[0], in[1])}; },
                                      {vector.aval(), vector.aval()}, "test");
    const SplitProgram parts = split_program(
        *p, {false, true}, {.stays = c.in_loop ? detail::stays_in_loop : nullptr, .own_constants = c.in_loop ? 0 : 64});
    EXPECT_EQ(count(*parts.early, c.op), c.early) << c.name << parts.early->str();
    EXPECT_EQ(count(*parts.late, c.op), c.late) << c.name << parts.late->str();
    EXPECT_EQ(parts.early->outputs.size(), static_cast<std::size_t>(c.kept)) << c.name << parts.early->str();
    EXPECT_EQ(parts.late->inputs.size(), 1 + parts.early->outputs.size()) << c.name;
    EXPECT_TRUE(exec_tests::same_bits(run(parts, {vector, 2 * vector}, {false, true}), run(*p, {vector, 2 * vector})))
        << c.name;
  }
}

TEST(SplitProgram, PartMakesWhatIsAskedOfWhatIsGiven) {
  // a, x -> b = exp(a), c = b x, d = sin(c)
  const ProgramRef p = stage_closed([](const Leaves& in) { return Leaves{sin(exp(in[0]) * in[1])}; },
                                    {array(0.5).aval(), array(2.0).aval()}, "test");
  const int a = p->inputs[0], x = p->inputs[1], b = p->equations[0].outputs[0], c = p->equations[1].outputs[0],
            d = p->outputs[0];
  struct Case {
    std::vector<int> inputs, outputs;
    std::size_t equations;
  };
  const Case cases[] = {{{a, x}, {d}, 3}, {{c}, {d}, 1}, {{a}, {b, a}, 1}, {{x, b}, {c}, 1}, {{b}, {b}, 0}};
  for (const Case& k : cases) {
    const ProgramRef part = detail::program_part(*p, k.inputs, k.outputs);
    part->check();
    EXPECT_EQ(part->inputs.size(), k.inputs.size());
    EXPECT_EQ(part->outputs.size(), k.outputs.size());
    EXPECT_EQ(part->equations.size(), k.equations) << part->str();
  }
  EXPECT_THROW(detail::program_part(*p, {a}, {d}), std::logic_error);
}

TEST(Groups, GiveConsecutivePieces) {
  detail::Groups groups;
  const detail::Group a = groups.next(2), none = groups.next(0), b = groups.next(3);
  const std::vector<int> list{10, 11, 12, 13, 14};
  EXPECT_EQ(groups.size(), 5u);
  EXPECT_EQ(a.of(list), (std::vector<int>{10, 11}));
  EXPECT_EQ(none.of(list), std::vector<int>());
  EXPECT_EQ(b.of(list), (std::vector<int>{12, 13, 14}));
  EXPECT_TRUE(a.has(1) && !a.has(2) && b.has(2) && !b.has(5) && !none.has(2));
  EXPECT_EQ(detail::joined({b.of(list), none.of(list), a.of(list)}), (std::vector<int>{12, 13, 14, 10, 11}));
  const Mask mask{true, false, true, false, false};
  EXPECT_EQ(detail::only(list, mask), (std::vector<int>{10, 12}));
  EXPECT_EQ(detail::flipped(mask), (Mask{false, true, false, true, true}));
}

}  // namespace
}  // namespace dini
