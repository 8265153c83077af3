// trace/program.hpp: Programs as text, what is ill-formed, when two are equal. The Programs are written by hand.
#include "dini/trace/internal.hpp"

#include "../ops/expect_array.hpp"
#include "dini/ops/elementwise_ops.hpp"
#include "dini/trace/internal.hpp"

namespace dini {
namespace {

const Aval vector{{3}, float64, false}, scalar{{}, float64, false};

// An op with as many outputs, of the first input's type, as its parameter says; parameters of any kind.
const Op& anything_op() {
  static const Op op = [] {
    Op o;
    o.name = "anything";
    o.infer = [](std::span<const Aval> in, const Params& p) {
      return std::vector<Aval>(p.has("outputs") ? static_cast<std::size_t>(p.integer("outputs")) : 1, in[0]);
    };
    return o;
  }();
  return op;
}

struct Solver : Opaque {
  std::string name() const override { return "newton"; }
};

// { a, b -> c = tanh(a), d = add(c, b); return d, a }
std::shared_ptr<Program> example() {
  auto p = std::make_shared<Program>();
  p->variables = {vector, vector, vector, vector};
  p->inputs = {0, 1};
  p->equations = {{&tanh_op(), {}, {0}, {2}}, {&add_op(), {}, {2, 1}, {3}}};
  p->outputs = {3, 0};
  return p;
}

TEST(Program, HasTypesOfItsOwn) {
  const auto p = example();
  EXPECT_NO_THROW(p->check());
  EXPECT_EQ(p->input_avals(), (std::vector<Aval>{vector, vector}));
  EXPECT_EQ(p->output_avals(), (std::vector<Aval>{vector, vector}));
  const Leaves out = evaluate(*p, {array({0.0, 0.0, 0.0}), array({1.0, 2.0, 3.0})});
  expect_array(out.at(0), {3}, {1, 2, 3});
  expect_array(out.at(1), {3}, {0, 0, 0});
  EXPECT_THROW(evaluate(*p, {array({1.0, 2.0, 3.0})}), std::logic_error);
}

// ---- Text ------------------------------------------------------------------------------------------------------------

TEST(Program, IsPrinted) {
  EXPECT_EQ(example()->str(),
            "{ a: float64(3,), b: float64(3,) ->\n"
            "  c: float64(3,) = tanh(a)\n"
            "  d: float64(3,) = add(c, b)\n"
            "  return d, a }");
}

TEST(Program, IsPrintedWithConstantsAndParameters) {
  auto inner = std::make_shared<Program>();
  inner->variables = {vector, vector};
  inner->inputs = {0};
  inner->equations = {{&tanh_op(), {}, {0}, {1}}};
  inner->outputs = {1};
  auto identity = std::make_shared<Program>();
  identity->variables = {scalar};
  identity->inputs = {0};
  identity->outputs = {0};
  Program p;
  p.variables = {{{}, float64, true}, {{}, int64, true}, vector, vector, vector, vector};
  p.constants = {{0, Array(0.25)}, {1, Array(-7)}, {2, array({1.0, 2.0, 3.0})}};
  p.equations = {
      {&anything_op(),
       {{"flag", true},
        {"outputs", std::int64_t{2}},
        {"tolerance", 1e-9},
        {"text", std::string("ij->i")},
        {"dtype", float32},
        {"axes", Params::Ints{0, -1}},
        {"shape", Shape{3, 1}},
        {"solver", OpaqueRef(std::make_shared<Solver>())},
        {"nothing", OpaqueRef()}},
       {2, 0},
       {3, 4}},
      {&anything_op(),
       {{"body", ProgramRef(inner)}, {"branches", std::vector<ProgramRef>{identity, identity}}, {"rule", ProgramRef()}},
       {3},
       {5}},
  };
  p.outputs = {5};
  EXPECT_NO_THROW(p.check());
  EXPECT_EQ(p.str(),
            "{ ->\n"
            "  a: float64*() = 0.25\n"
            "  b: int64*() = -7\n"
            "  c: float64(3,) = constant\n"
            "  d: float64(3,), e: float64(3,) = anything[flag=true; outputs=2; tolerance=1e-09; text=ij->i; "
            "dtype=float32; axes=[0, -1]; shape=(3, 1); solver=newton; nothing=none](c, a)\n"
            "  f: float64(3,) = anything[body={ a: float64(3,) ->\n"
            "    b: float64(3,) = tanh(a)\n"
            "    return b }; branches={ a: float64() ->\n"
            "    return a }, { a: float64() ->\n"
            "    return a }; rule=none](d)\n"
            "  return f }");
}

TEST(Program, NamesVariablesInTheOrderOfDictionaries) {
  Program p;
  p.variables.assign(703, scalar);
  for (int v : {0, 25, 26, 27, 51, 52, 701, 702}) p.inputs.push_back(v);
  p.outputs = {702};
  EXPECT_EQ(p.str(),
            "{ a: float64(), z: float64(), aa: float64(), ab: float64(), az: float64(), ba: float64(), zz: float64(), "
            "aaa: float64() ->\n"
            "  return aaa }");
}

// ---- What is ill-formed ----------------------------------------------------------------------------------------------

TEST(Program, ThatIsIllFormedIsRefused) {
  struct Case {
    const char* what;
    std::function<void(Program&)> spoil;
    const char* message;
  };
  const Case cases[] = {
      {"used before it is defined", [](Program& p) { std::swap(p.equations[0], p.equations[1]); },
       "a variable is used before it is defined"},
      {"never defined", [](Program& p) { p.equations.erase(p.equations.begin()); },
       "a variable is used before it is defined"},
      {"an input of no such number", [](Program& p) { p.equations[0].inputs = {9}; },
       "a variable is used before it is defined"},
      {"an output never defined", [](Program& p) { p.equations.pop_back(); },
       "a variable is used before it is defined"},
      {"an output of no such number", [](Program& p) { p.outputs = {4}; }, "a variable is used before it is defined"},
      {"a negative number", [](Program& p) { p.outputs = {-1}; }, "a variable is used before it is defined"},
      {"defined by two equations", [](Program& p) { p.equations[1].outputs = {2}; }, "c is defined twice"},
      {"an input twice",
       [](Program& p) {
         p.inputs = {0, 0};
       },
       "a is defined twice"},
      {"an input defined again", [](Program& p) { p.equations[0].outputs = {1}; }, "b is defined twice"},
      {"defined, of no such number", [](Program& p) { p.equations[0].outputs = {1700000}; }, "no such variable"},
      {"another dtype", [](Program& p) { p.variables[2].dtype = float32; }, "tanh gives float64(3,), not float32(3,)"},
      {"another shape", [](Program& p) { p.variables[3].shape = {1}; }, "add gives float64(3,), not float64(1,)"},
      {"another weakness", [](Program& p) { p.variables[2].weak = true; }, "tanh gives float64(3,), not float64*(3,)"},
      {"too many outputs",
       [](Program& p) {
         p.variables.push_back(vector);
         p.equations[0].outputs = {2, 4};
       },
       "tanh has another number of outputs"},
      {"too few outputs", [](Program& p) { p.equations[1].outputs = {}; }, "add has another number of outputs"},
      {"a constant of another type",
       [](Program& p) {
         p.variables.push_back(vector);
         p.constants = {{4, array({1.0, 2.0})}};
       },
       "the constant e has another type"},
      {"a constant for an input",
       [](Program& p) {
         p.constants = {{0, array({1.0, 2.0, 3.0})}};
       },
       "a is defined twice"},
      {"a Program within",
       [](Program& p) {
         auto inner = example();
         inner->outputs = {8};
         p.equations[0] = {&anything_op(), {{"body", ProgramRef(inner)}}, {0}, {2}};
       },
       "a variable is used before it is defined"},
      {"one of several Programs within",
       [](Program& p) {
         auto inner = example();
         inner->inputs = {0, 3};
         p.equations[0] = {&anything_op(), {{"branches", std::vector<ProgramRef>{example(), inner}}}, {0}, {2}};
       },
       "a variable is used before it is defined"},
  };
  for (const Case& c : cases) {
    const auto p = example();
    c.spoil(*p);
    try {
      p->check();
      ADD_FAILURE() << c.what << " is not noticed";
    } catch (const std::logic_error& e) {
      EXPECT_EQ(std::string(e.what()).find(std::string("Program: ") + c.message + "\n{ "), 0u)
          << c.what << ": " << e.what();
    }
  }
}

// ---- Equality --------------------------------------------------------------------------------------------------------

std::shared_ptr<Program> with_parameters(Params::Value value) {
  const auto p = example();
  p->equations[0] = {&anything_op(), {{"value", std::move(value)}}, {0}, {2}};
  return p;
}

TEST(Program, IsEqualToOneOfTheSameStructure) {
  const auto solver = std::make_shared<Solver>();
  const auto constant = [](double x) {
    const auto p = example();
    p->variables.push_back(scalar);
    p->constants = {{4, array(x)}};
    return p;
  };
  const auto spoilt = [](auto spoil) {
    const auto p = example();
    spoil(*p);
    return p;
  };
  // Each made twice: equal to the other one, and to no other in the list.
  const std::function<std::shared_ptr<Program>()> makers[] = {
      [] { return example(); },
      [&] { return spoilt([](Program& p) { p.equations[0].op = &sin_op(); }); },
      [&] { return spoilt([](Program& p) {
              p.equations[1].inputs = {1, 2};
            }); },
      [&] { return spoilt([](Program& p) {
              p.outputs = {0, 3};
            }); },
      [&] { return spoilt([](Program& p) { p.outputs = {3}; }); },
      [&] { return spoilt([](Program& p) {
              p.inputs = {1, 0};
            }); },
      [&] { return spoilt([](Program& p) { p.variables[1].weak = true; }); },
      [&] { return constant(0.0); },
      [&] { return constant(-0.0); },  // by the bits
      [&] { return constant(std::nan("")); },
      [&] { return with_parameters(true); },
      [&] { return with_parameters(std::int64_t{1}); },
      [&] { return with_parameters(1.0); },
      [&] { return with_parameters(std::string("1")); },
      [&] { return with_parameters(float32); },
      [&] { return with_parameters(Params::Ints{1}); },
      [&] {
        return with_parameters(Params::Ints{1, 1});
      },
      [&] { return with_parameters(Shape{1}); },
      [&] { return with_parameters(ProgramRef()); },
      [&] { return with_parameters(ProgramRef(example())); },
      [&] { return with_parameters(ProgramRef(constant(2))); },
      [&] { return with_parameters(std::vector<ProgramRef>{example()}); },
      [&] {
        return with_parameters(std::vector<ProgramRef>{example(), example()});
      },
      [&] { return with_parameters(OpaqueRef(solver)); },
      [&] { return with_parameters(OpaqueRef()); },
  };
  std::vector<std::shared_ptr<Program>> first, second;
  for (const auto& make : makers) {
    first.push_back(make());
    second.push_back(make());
  }
  for (std::size_t i = 0; i < first.size(); ++i) {
    for (std::size_t j = 0; j < first.size(); ++j) {
      EXPECT_EQ(first[i]->equal(*second[j]), i == j) << first[i]->str() << "\nand\n" << second[j]->str();
      EXPECT_EQ(first[i]->hash() == second[j]->hash(), i == j) << first[i]->str() << "\nand\n" << second[j]->str();
    }
  }
  // Opaque parameters are equal when they are one object.
  EXPECT_FALSE(with_parameters(OpaqueRef(std::make_shared<Solver>()))
                   ->equal(*with_parameters(OpaqueRef(std::make_shared<Solver>()))));
}

TEST(Program, KeepsWhatIsDerivedFromIt) {
  const auto p = example();
  int made = 0;
  const auto make = [&] { return std::make_shared<int>(++made); };
  EXPECT_EQ(*p->cached<int>("one", make), 1);
  EXPECT_EQ(*p->cached<int>("one", make), 1);
  EXPECT_EQ(*p->cached<int>("two", make), 2);
  EXPECT_EQ(*example()->cached<int>("one", make), 3);
  // One that was made while another made the same: the first that was kept counts.
  const auto kept = p->cached<int>("three", [&] { return p->cached<int>("three", make), std::make_shared<int>(-1); });
  EXPECT_EQ(*kept, 4);
}

}  // namespace
}  // namespace dini
