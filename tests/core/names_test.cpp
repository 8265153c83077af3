// A user's program under `using namespace dini` may give its own things the names that the library uses within.
#include "dini/dini.hpp"

#include <gtest/gtest.h>

using namespace dini;

// clang-format off
#define DINI_TEST_NAMES(use)                                                                                           \
  use(Argument) use(Backend) use(Batch) use(Batched) use(BatchCall) use(Block) use(Body) use(Branch) use(Buffer)       \
  use(Call) use(Case) use(Choice) use(Config) use(Context) use(Control) use(Cost) use(Data) use(Entry) use(Equation)   \
  use(ErasedFunction) use(Executable) use(Field) use(Graph) use(HostFunction) use(Input) use(Inputs) use(Item)         \
  use(Jit) use(JvpCall) use(JvpTrace) use(Kernel) use(KernelCall) use(KnownOutputs) use(Layer) use(Leaf) use(Leaves)   \
  use(Lengths) use(Linearized) use(LinearMap) use(LinearOutcome) use(Loss) use(Map) use(Mask) use(Matrix) use(Method)  \
  use(MethodTable) use(Mode) use(Model) use(Names) use(Node) use(Op) use(Opaque) use(OpaqueRef) use(Operands)          \
  use(Operator) use(Optimizer) use(Option) use(Options) use(Outcome) use(Output) use(Param) use(Params)                \
  use(Parameter) use(Parameters) use(Pass) use(Plan) use(Point) use(Problem) use(Program) use(ProgramRef) use(Range)   \
  use(Ref) use(Residual) use(Result) use(Row) use(Rule) use(Sample) use(SampleSet) use(Scope) use(Settings)            \
  use(SolverProblem) use(SolverState) use(Stage) use(Staged) use(State) use(Step) use(Steps) use(StopRule)             \
  use(Stream) use(Structure) use(Task) use(Tensor) use(Term) use(Trace) use(Tracer) use(TraceRef) use(TraceScope)      \
  use(Transpose) use(TransposeCall) use(Tuple) use(Value) use(Values) use(Variable) use(Vector) use(Weights)           \
  use(Workspace)
// clang-format on

#define DINI_TEST_DECLARE(name)         \
  struct name {                         \
    Array a;                            \
    auto tree() { return std::tie(a); } \
  };

namespace {

DINI_TEST_NAMES(DINI_TEST_DECLARE)

// Found without qualification, and a tree like any other.
template <class T> void differentiate(const T& t) {
  auto square_of = [](const T& p) { return p.a * p.a; };
  EXPECT_EQ(grad(square_of)(t).a.item(), 6.0);
  EXPECT_EQ(jit(square_of)(t).item(), 9.0);
}

TEST(Names, OfTheLibraryWithinAreFreeForUsers) {
  differentiate(Params{3.0});
  differentiate(Op{3.0});
#define DINI_TEST_USE(name) EXPECT_EQ(sum(name{2.0}.a).item(), 2.0);
  DINI_TEST_NAMES(DINI_TEST_USE)
}

}  // namespace
