#include "dini/exec/subroutine.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include "dini/exec/passes.hpp"

namespace dini::exec {

const Op& subroutine_op() {
  static const Op op = [] {
    Op o;
    o.name = "subroutine";
    o.infer = [](std::span<const Aval>, const Params& params) {
      std::vector<Aval> out = params.program("program")->output_avals();
      for (Aval& a : out) a.weak = false;
      return out;
    };
    o.inlined = [](const Params& params, std::span<const Aval>) { return params.program("program"); };
    return o;
  }();
  return op;
}

// ---- Which they are --------------------------------------------------------------------------------------------------

namespace subroutines {

// What is shorter is put in the place of its calls: passes see through it there.
constexpr std::int64_t longest_inlined = 2000;
constexpr std::int64_t long_enough = std::int64_t{1} << 40;  // what is longer is not counted

void call(const Plan& plan, const CallSlots& d, char* memory, void** v, const RunContext& context) {
  void** slots = reinterpret_cast<void**>(memory);
  fill_table(plan, slots, memory + table_bytes(plan));
  for (std::size_t k = 0; k < d.in.size(); ++k) slots[k] = v[d.in[k]];
  // The first output that is a certain array is made in its place; all others are copies.
  for (std::size_t k = d.out.size(); k-- > 0;) {
    const OutputSource& from = plan.outputs[k];
    if (from.kind == Slot::output) slots[plan.allocated[from.index].first] = v[d.out[k]];
  }
  run_block(plan.main, slots, context);
  for (std::size_t k = 0; k < d.out.size(); ++k) {
    const OutputSource& from = plan.outputs[k];
    const std::size_t slot = from.kind == Slot::input      ? static_cast<std::size_t>(from.index)
                             : from.kind == Slot::constant ? plan.constants[from.index].first
                                                           : plan.allocated[from.index].first;
    const std::size_t bytes = static_cast<std::size_t>(from.aval.shape.size()) * item_size(from.aval.dtype);
    if (bytes && slots[slot] != v[d.out[k]]) std::memcpy(v[d.out[k]], slots[slot], bytes);
  }
}

void run(const Step& s, void** v, const RunContext& context) {
  const SubroutineData& d = *static_cast<const SubroutineData*>(s.data);
  call(*d.plan, d, static_cast<char*>(v[d.workspace]), v, context);
}

void run_late(const Step& s, void** v, const RunContext& context) {
  const LateCallData& d = *static_cast<const LateCallData*>(s.data);
  const std::shared_ptr<const Plan> plan = subroutine_plan(d.program->program());
  constexpr auto alignment = std::align_val_t(64);
  struct Free {
    void operator()(char* p) const { ::operator delete(static_cast<void*>(p), alignment); }
  };
  const std::unique_ptr<char, Free> memory(
      static_cast<char*>(::operator new(table_bytes(*plan) + plan->workspace_bytes, alignment)));
  call(*plan, d, memory.get(), v, context);
}

// The slots, printed.
std::string between(const CallSlots& d) {
  std::string out = " from";
  for (std::uint32_t slot : d.in) out += " " + std::to_string(slot);
  out += " to";
  for (std::uint32_t slot : d.out) out += " " + std::to_string(slot);
  return out + "\n";
}

}  // namespace subroutines

std::int64_t Calls::visit(const Program& program) {
  std::int64_t size = 0;
  for (const Equation& e : program.equations) {
    std::int64_t within = 1;
    if (!e.op->kernel) {
      const std::vector<ProgramRef> programs = programs_in(program, e);
      if (e.op->inlined && !programs.empty()) called_.emplace(&e, programs[0]);
      for (const ProgramRef& p : programs) {
        if (seen_.try_emplace(p.get()).second) {
          const std::int64_t its_size = visit(*p);
          seen_[p.get()].size = its_size;
        }
        Seen& seen = seen_[p.get()];
        ++seen.calls;
        within += seen.size;
      }
    }
    size = std::min(size + within, subroutines::long_enough);
  }
  return size;
}

bool Calls::is_subroutine(const Program& called) const {
  const Seen& seen = seen_.at(&called);
  return seen.calls > 1 && seen.size > subroutines::longest_inlined;
}

// ---- What they do ----------------------------------------------------------------------------------------------------

std::shared_ptr<const Plan> subroutine_plan(const ProgramRef& program) {
  return program->cached<const Plan>("subroutine", [&] {
    return std::shared_ptr<const Plan>(make_plan(*optimized(*program), program->output_avals()));
  });
}

std::size_t table_bytes(const Plan& plan) {
  constexpr std::size_t alignment = 64;
  return (plan.slots.size() * sizeof(void*) + alignment - 1) / alignment * alignment;
}

void fill_table(const Plan& plan, void** slots, char* workspace) {
  for (std::size_t k = 0; k < plan.slots.size(); ++k) {
    const Slot& s = plan.slots[k];
    const bool here = s.kind == Slot::temporary || s.kind == Slot::dedicated;
    slots[k] = here ? workspace + s.offset : nullptr;
  }
  for (const auto& [slot, array] : plan.constants) slots[slot] = const_cast<void*>(array.raw());
}

std::size_t SubroutineData::workspace_bytes() const { return table_bytes(*plan) + plan->workspace_bytes; }

std::string SubroutineData::str(const std::string& indent) const {
  return indent + "of " + std::to_string(plan->main.steps.size()) + " steps," + subroutines::between(*this);
}

std::string LateCallData::str(const std::string& indent) const {
  return indent + subroutines::between(*this).substr(1);
}

Step late_call_step(const LateCallData& data) {
  Step s{subroutines::run_late};
  s.data = static_cast<const StepData*>(&data);
  s.name = "late_call";
  return s;
}

Step subroutine_step(const SubroutineData& data) {
  Step s{subroutines::run};
  s.data = &data;
  s.name = "subroutine";
  return s;
}

}  // namespace dini::exec
