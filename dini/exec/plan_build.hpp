// From a Program to a plan: slots for its variables, steps for its equations. What is shared by the files that do it.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

#include "dini/exec/fuse.hpp"
#include "dini/exec/plan.hpp"
#include "dini/exec/rewrite.hpp"
#include "dini/exec/subroutine.hpp"

namespace dini::exec {

inline constexpr int no_level = -1;

inline std::size_t bytes_of(const Aval& a) { return static_cast<std::size_t>(a.shape.size()) * item_size(a.dtype); }

// One Program on its way into a block.
struct Level {
  Level(const Program& program, int number);
  const Program& p;
  int id;
  Grouping groups;
  std::vector<int> slot;                    // of each variable
  std::vector<int> target;                  // where a variable is wanted
  std::vector<int> last;                    // the last group that reads it
  std::vector<const Equation*> definition;  // what makes it
};

class PlanBuilder {
 public:
  explicit PlanBuilder(Plan& plan) : plan_(plan) {}
  void build(Program& p, const std::vector<Aval>& outputs);

 private:
  // Slots.
  int add_slot(Slot::Kind kind, std::size_t bytes, int level = no_level);
  int result(Level& l, int v);                         // a place for a variable that a step makes
  void bind(Level& l, int v, int slot);                // the variable is what that slot holds
  bool dying(const Level& l, int v, int group) const;  // whether this group may write over it
  void touch(int slot);
  Step& emit(Block& block, Step step, std::initializer_list<int> slots);

  // Programs and equations.
  void inputs_and_constants(Level& l, const std::vector<int>& inputs);
  void want(Level& l, int v, int slot);
  static double work_of(const Level& l, const Group& group);
  void lower(Level& l, Block& block);
  void lower_equation(Level& l, Block& block, const Equation& e, int group);
  void lower_kernel(Level& l, Block& block, const Equation& e, int group);
  void lower_fused(Level& l, Block& block, const Group& group, int number);
  void lower_while(Level& l, Block& block, const Equation& e, int group);
  void lower_scan(Level& l, Block& block, const Equation& e, int group);
  void lower_cond(Level& l, Block& block, const Equation& e, int group);
  void lower_subroutine(Level& l, Block& block, const Equation& e);
  void lower_late_call(Level& l, Block& block, const Equation& e);
  void lower_lanes(Level& l, Block& block, const Equation& e);
  void bind_call(Level& l, CallSlots& slots, const Equation& e);
  void lower_callback(Level& l, Block& block, const Equation& e);

  // Loops and branches.
  int passed_on(const Level& l, const Equation& e, std::size_t output, int group) const;
  std::vector<int> enter_carries(Level& l, Block& block, const Equation& e, std::size_t carry, int group);
  std::vector<std::uint32_t> rotation(const Level& body, Block& block, const std::vector<int>& carries,
                                      const std::vector<int>& results);
  struct LoopStart {
    int clock;
    std::size_t touched;
  };
  void leave_loop(Level& l, const Equation& e, const std::vector<int>& carries, LoopStart start);

  template <class T> T* own(std::unique_ptr<T> data) {
    T* raw = data.get();
    plan_.data.push_back(std::move(data));
    return raw;
  }

  Plan& plan_;
  int clock_ = 0, levels_ = 0;
  std::vector<int> touched_;   // slots in the order in which steps use them
  std::vector<int> owner_;     // by slot: the level whose steps may write over it
  std::vector<int> last_use_;  // by slot: the last group of that level that reads any variable in it
};

}  // namespace dini::exec
