// Executable over a plan.
#include "dini/core/arithmetic.hpp"
#include "dini/exec/interpreter.hpp"
#include "dini/exec/passes.hpp"
#include "dini/exec/plan.hpp"
#include "dini/exec/subroutine.hpp"
#include "dini/exec/workspaces.hpp"

namespace dini::exec {

namespace {

class Planned final : public Executable {
 public:
  explicit Planned(std::unique_ptr<const Plan> plan) : plan_(std::move(plan)), workspaces_(*plan_) {}

  Leaves run(std::span<const Array> inputs) const override {
    const Plan& plan = *plan_;
    check_inputs(inputs, plan.input_avals);
    const RunContext context;
    context.poll();
    struct Lease {
      Workspaces& of;
      Workspace* w;
      ~Lease() { of.give_back(w); }
    };
    const Lease lease{workspaces_, workspaces_.take()};
    void** v = lease.w->slots;
    for (std::size_t k = 0; k < inputs.size(); ++k) v[k] = const_cast<void*>(inputs[k].raw());
    Leaves out(plan.outputs.size());
    // An array that is an output once is made in its place; one that is more than one waits in `shared`.
    Leaves shared;
    if (plan.shares) {
      shared.resize(plan.allocated.size());
      for (std::size_t k = 0; k < shared.size(); ++k)
        shared[k] = allocate(plan.allocated[k].second, &v[plan.allocated[k].first]);
    }
    for (std::size_t k = 0; k < out.size(); ++k) {
      const OutputSource& source = plan.outputs[k];
      switch (source.kind) {
        case Slot::input: out[k] = typed(inputs[source.index], source.aval); break;
        case Slot::constant: out[k] = typed(plan.constants[source.index].second, source.aval); break;
        default:
          if (plan.shares)
            out[k] = typed(shared[source.index], source.aval);
          else
            out[k] = allocate(source.aval, &v[plan.allocated[source.index].first]);
      }
    }
    const DefaultArithmetic arithmetic;
    run_block(plan.main, v, context);
    return out;
  }

  std::string str() const override {
    const Plan& p = *plan_;
    std::string text = print(p.main, "");
    text += "return";
    for (const OutputSource& o : p.outputs) {
      text += o.kind == Slot::input      ? " input " + std::to_string(o.index)
              : o.kind == Slot::constant ? " constant " + std::to_string(o.index)
                                         : " " + std::to_string(p.allocated[o.index].first);
    }
    return text + "\n" + std::to_string(p.slots.size()) + " slots, " + std::to_string(p.workspace_bytes) + " bytes\n";
  }

 private:
  static Array typed(const Array& a, const Aval& aval) { return a.aval() == aval ? a : with_aval(a, aval); }
  std::unique_ptr<const Plan> plan_;
  mutable Workspaces workspaces_;
};

}  // namespace

std::shared_ptr<const Executable> make_planned(std::unique_ptr<const Plan> plan) {
  return std::make_shared<Planned>(std::move(plan));
}

}  // namespace dini::exec
