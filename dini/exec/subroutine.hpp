// Subroutines: Programs that are called from several places and are long, and so are not put in the place of each call, but
// have a plan of their own. A solve whose residual is a solve calls that a dozen times, and so on at every level.
//
// A subroutine's memory is a piece of its caller's workspace, so that a call allocates nothing.
#pragma once

#include <memory>
#include <unordered_map>

#include "dini/exec/plan.hpp"
#include "dini/trace/late.hpp"

namespace dini::exec {

/// {program}: an op of private copies, in the place of one that stands for the Program.
const Op& subroutine_op();

/// The Programs that a Program and those within call, and which of them are to be subroutines.
class Calls {
 public:
  explicit Calls(const Program& program) { visit(program); }
  /// What an equation calls, whose op has `inlined`; the equation is of one of these Programs.
  const ProgramRef& called(const Equation& e) const { return called_.at(&e); }
  bool is_subroutine(const Program& called) const;

 private:
  struct Seen {
    std::int64_t size = 0;  // in equations, all calls put in their places
    int calls = 0;
  };
  std::int64_t visit(const Program& program);
  std::unordered_map<const Equation*, ProgramRef> called_;
  std::unordered_map<const Program*, Seen> seen_;
};

/// The plan that all callers of a Program share; it is kept with the Program.
std::shared_ptr<const Plan> subroutine_plan(const ProgramRef& program);

/// The caller's slots of a call.
struct CallSlots {
  std::vector<std::uint32_t> in, out;
};
struct SubroutineData final : StepData, CallSlots {
  explicit SubroutineData(std::shared_ptr<const Plan> subroutine) : plan(std::move(subroutine)) {}
  std::shared_ptr<const Plan> plan;
  std::uint32_t workspace = 0;
  std::size_t workspace_bytes() const;
  std::string str(const std::string& indent) const override;
};
Step subroutine_step(const SubroutineData& data);

/// A call of a Program that is made, and planned, when the call is first run. It has memory of its own while it runs.
struct LateCallData final : StepData, CallSlots {
  explicit LateCallData(detail::LateProgramRef p) : program(std::move(p)) {}
  detail::LateProgramRef program;
  std::string str(const std::string& indent) const override;
};
Step late_call_step(const LateCallData& data);

/// The size of a plan's table of pointers.
std::size_t table_bytes(const Plan& plan);
/// Fills the table: where the arrays in the workspace are, and the constants.
void fill_table(const Plan& plan, void** slots, char* workspace);

}  // namespace dini::exec
