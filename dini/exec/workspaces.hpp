// The memory of activations of a plan: taken for a run, and kept for the next one.
#pragma once

#include <atomic>
#include <cstddef>

#include "dini/exec/plan.hpp"

namespace dini::exec {

/// One activation's memory: this header, the table of pointers, the arrays. Pointers to arrays in it are set when it is made;
/// loops exchange them, which leaves each with a place of its own.
struct Workspace {
  Workspace* next = nullptr;
  Workspace* before = nullptr;  // where large ones wait, with whose it is
  const void* owner = nullptr;
  std::size_t bytes = 0;
  void** slots = nullptr;
};

/// Those of one plan, for any number of threads. Small ones stay with the plan. Large ones wait in one place of the process, which holds
/// 256 MB of them together, or the last one: what has waited the longest goes first, whosever it is.
class Workspaces {
 public:
  explicit Workspaces(const Plan& plan);
  ~Workspaces();
  Workspaces(const Workspaces&) = delete;
  Workspaces& operator=(const Workspaces&) = delete;

  /// One that nobody else uses until it is given back.
  Workspace* take();
  void give_back(Workspace* w);

 private:
  // In lists for groups of threads: as a rule a thread finds its own there, and never waits.
  static constexpr std::size_t count = 8;
  static std::size_t mine();
  static void put(std::atomic<Workspace*>& list, Workspace* w);

  const Plan& plan_;
  const std::size_t bytes_;
  std::atomic<Workspace*> lists_[count] = {};
};

}  // namespace dini::exec
