// Executable over a plan: activations and their workspaces.
#include <atomic>
#include <new>

#include "dini/core/arithmetic.hpp"
#include "dini/exec/interpreter.hpp"
#include "dini/exec/passes.hpp"
#include "dini/exec/plan.hpp"
#include "dini/exec/subroutine.hpp"

namespace dini::exec {

namespace {

// One activation's memory: this header, the table of pointers, the arrays. Pointers to arrays in it are set when it is
// made; loops exchange them, which leaves each with a place of its own.
struct Workspace {
  Workspace* next = nullptr;
  void** slots = nullptr;
};

constexpr std::size_t alignment = 64;
std::size_t round_up(std::size_t n) { return (n + alignment - 1) / alignment * alignment; }

Workspace* make_workspace(const Plan& plan) {
  const std::size_t table = round_up(sizeof(Workspace)), arrays = table + table_bytes(plan);
  char* memory = static_cast<char*>(::operator new(arrays + plan.workspace_bytes, std::align_val_t(alignment)));
  Workspace* w = new (memory) Workspace;
  w->slots = reinterpret_cast<void**>(memory + table);
  fill_table(plan, w->slots, memory + arrays);
  return w;
}

void free_workspace(Workspace* w) { ::operator delete(static_cast<void*>(w), std::align_val_t(alignment)); }

// Workspaces that nobody uses, in lists for groups of threads: as a rule a thread finds its own there, and never waits.
class FreeLists {
 public:
  ~FreeLists() {
    for (auto& list : lists_) {
      for (Workspace* w = list.load(); w;) free_workspace(std::exchange(w, w->next));
    }
  }
  Workspace* take() {
    std::atomic<Workspace*>& list = lists_[mine()];
    Workspace* w = list.exchange(nullptr, std::memory_order_acquire);
    if (w && w->next) put_list(list, std::exchange(w->next, nullptr));
    return w;
  }
  void put(Workspace* w) { put_list(lists_[mine()], w); }

 private:
  static constexpr std::size_t count = 8;
  static std::size_t mine() {
    static std::atomic<std::size_t> threads{0};
    thread_local const std::size_t number = threads.fetch_add(1, std::memory_order_relaxed) % count;
    return number;
  }
  static void put_list(std::atomic<Workspace*>& list, Workspace* w) {
    while (true) {
      Workspace* expected = nullptr;
      if (list.compare_exchange_strong(expected, w, std::memory_order_acq_rel)) return;
      // Others are there: take them and put all together.
      Workspace* others = list.exchange(nullptr, std::memory_order_acquire);
      if (!others) continue;
      Workspace* last = others;
      while (last->next) last = last->next;
      last->next = w;
      w = others;
    }
  }
  std::atomic<Workspace*> lists_[count] = {};
};

class Planned final : public Executable {
 public:
  explicit Planned(std::unique_ptr<const Plan> plan) : plan_(std::move(plan)) {}

  Leaves run(std::span<const Array> inputs) const override {
    const Plan& plan = *plan_;
    check_inputs(inputs, plan.input_avals);
    const RunContext context;
    context.poll();
    struct Lease {
      FreeLists& lists;
      Workspace* w;
      ~Lease() { lists.put(w); }
    };
    Workspace* w = workspaces_.take();
    const Lease lease{workspaces_, w ? w : make_workspace(plan)};
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
  mutable FreeLists workspaces_;
};

}  // namespace

std::shared_ptr<const Executable> make_planned(std::unique_ptr<const Plan> plan) {
  return std::make_shared<Planned>(std::move(plan));
}

}  // namespace dini::exec
