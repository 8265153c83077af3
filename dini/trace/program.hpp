// Program: the library's one intermediate form. Typed, in single-assignment form, printable and checkable.
//
//     { a: float64(3, 3), b: float64(3,) ->
//       c: float64(3,) = matmul(a, b)
//       d: float64(3,) = tanh(c)
//       return d }
#pragma once

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "dini/core/lru_cache.hpp"
#include "dini/ops/op.hpp"

namespace dini::detail {

/// One operation; inputs and outputs are numbers of variables.
struct Equation {
  const Op* op = nullptr;
  Params params;
  std::vector<int> inputs, outputs;
};

class Program {
 public:
  Program() = default;
  /// Without what is derived from the other and kept with it.
  explicit Program(const Program& other);
  Program& operator=(const Program&) = delete;

  std::vector<Aval> variables;
  std::vector<int> inputs;                       // distinct variables
  std::vector<int> outputs;                      // any variables, in any number
  std::vector<std::pair<int, Array>> constants;  // small concrete arrays, literals mostly
  std::vector<Equation> equations;

  std::vector<Aval> input_avals() const;
  std::vector<Aval> output_avals() const;

  /// As above; Programs within are printed indented.
  std::string str() const;
  /// std::logic_error where a variable is used before it is defined or defined twice, or where an equation's types are
  /// not what its op infers.
  void check() const;
  /// Of the structure: ops, parameters, types, constants' bits. Equal Programs have equal hashes.
  std::uint64_t hash() const;
  bool equal(const Program& other) const;

  /// A place for what is derived from a finished Program and kept with it: executables, derivatives. Where two threads
  /// make the same thing at once, both get the one that was first. What was not asked for the longest is forgotten, and made
  /// anew: a Program may be batched with any number of sizes.
  template <class T, class Make> std::shared_ptr<T> cached(const std::string& key, Make&& make) const {
    return std::static_pointer_cast<T>(derived_.get(key, [&]() -> std::shared_ptr<void> {
      return std::const_pointer_cast<std::remove_const_t<T>>(std::shared_ptr<T>(make()));
    }));
  }

 private:
  mutable detail::LruCache<std::string, void> derived_{64};
};

/// The Programs among parameters.
std::vector<ProgramRef> programs_in(const Params& params);
/// The Programs that an equation holds (branches, a loop's body), or the one that it stands for.
std::vector<ProgramRef> programs_in(const Program& program, const Equation& e);

/// Whether it calls back into a user's code, also from a Program within.
bool is_effectful(const Program& program, const Equation& e);
bool is_effectful(const Program& program);

/// The number that a concrete array has in every place; none where they differ or there is no place.
std::optional<double> uniform_number(const Array& a);

/// Prints str().
std::ostream& operator<<(std::ostream& out, const Program& program);

/// Emits the Program's equations in the current trace.
Leaves evaluate(const Program& program, const Leaves& inputs);

/// A Program and what it captured: its last inputs are for `captured`, in order.
struct Staged {
  ProgramRef program;
  Leaves captured;
  friend std::ostream& operator<<(std::ostream& out, const Staged& s) { return out << *s.program; }
};

}  // namespace dini::detail
