// The plan: what a Program becomes before it is run.
//
// Every array has a slot, an index into the activation's table of pointers. A step reads and writes through slots, so a
// loop's carries change places by an exchange of two pointers. Inputs, outputs and constants have slots too; all other
// arrays lie in the activation's workspace, at offsets planned so that what is never alive together shares memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dini/core/cancel.hpp"
#include "dini/exec/executable.hpp"

namespace dini::exec {

/// What the steps of one activation share, beside its arrays.
struct RunContext {
  CancelScope* cancel = detail::cancel_scope;  // null: nobody may end this run
  /// CancelledError where the run is to end: before what is long, and at each turn of a loop.
  void poll() const {
    if (cancel) [[unlikely]]
      cancel->poll();
  }
  void poll_turn() const {
    if (cancel) [[unlikely]]
      cancel->poll_turn();
  }
};

struct Step {
  void (*run)(const Step& self, void** v, const RunContext& context);  // null: a link of a chain that is to be made
  void (*function)() = nullptr;                                        // a kernel, whose type `run` knows
  std::uint32_t a = 0, b = 0, c = 0, d = 0;                            // slots; d is the result's
  std::size_t n = 0, m = 0;
  const void* data = nullptr;  // what does not fit here
  const char* name = "";
  std::uint16_t code = 0;  // what a link of a chain does (chain.cpp); 0: a step of its own
};

struct Block {
  std::vector<Step> steps;
};

inline void run_block(const Block& block, void** v, const RunContext& context) {
  for (const Step& s : block.steps) s.run(s, v, context);
}

/// What a step's `data` may point to; the plan owns it.
struct StepData {
  virtual ~StepData() = default;
  /// More lines for the printed plan.
  virtual std::string str(const std::string& indent) const { return (void)indent, ""; }
};

struct Slot {
  enum Kind { input, constant, output, dynamic, temporary, dedicated };
  Kind kind = temporary;
  std::size_t bytes = 0;
  std::size_t offset = 0;     // in the workspace, where it has a place there
  int first = -1, last = -1;  // the steps between which it is alive, by number
};

/// Where an output comes from.
struct OutputSource {
  Slot::Kind kind;  // input, constant, output
  int index;        // of the input, the constant or the allocated array
  Aval aval;
};

struct Plan {
  std::vector<Aval> input_avals;
  std::vector<Slot> slots;  // those of the inputs come first
  std::vector<std::pair<std::uint32_t, Array>> constants;
  std::vector<std::pair<std::uint32_t, Aval>> allocated;  // slots of kind output
  std::vector<OutputSource> outputs;
  bool shares = false;  // whether an allocated array is more than one output
  Block main;
  std::vector<std::unique_ptr<StepData>> data;
  std::size_t workspace_bytes = 0;
};

/// Where an output is when the plan has run.
std::uint32_t slot_of(const Plan& plan, const OutputSource& from);

/// Lays out a private copy of a Program; `outputs` are the types that its outputs shall have.
std::unique_ptr<const Plan> make_plan(Program& program, const std::vector<Aval>& outputs);

/// Gives every slot that lies in the workspace its offset; the workspace's size in bytes.
std::size_t assign_memory(std::vector<Slot>& slots);

std::string print(const Block& block, const std::string& indent);

std::shared_ptr<const Executable> make_planned(std::unique_ptr<const Plan> plan);

}  // namespace dini::exec
