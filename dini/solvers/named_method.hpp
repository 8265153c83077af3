// What the methods of option structs with tables have in common.
#pragma once

#include "dini/core/option_table.hpp"
#include "dini/solvers/solver.hpp"

namespace dini::detail {

/// A method by its table: name, key, kinds, constraints. ValueError for options out of range.
class NamedMethod : public SolverMethod {
 public:
  template <class S>
  explicit NamedMethod(const S& solver)
      : name_(S::table().name), key_(S::table().key(solver)), kinds_(S::table().kinds), takes_(S::table().takes) {
    S::table().check(solver);
  }
  std::string name() const override { return name_; }
  std::string key() const override { return key_; }
  Kinds kinds() const override { return kinds_; }
  Restriction takes() const override { return takes_; }

 private:
  std::string name_, key_;
  Kinds kinds_;
  Restriction takes_;
};

}  // namespace dini::detail
