// The options of solvers and adjoints as tables.
//
// A method's one table says what its options are called, what they may be and what they are for. From it come the check of
// their values, the key by which equal methods are known to be equal, and all that problem files and the tool know of them.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "dini/core/error.hpp"
#include "dini/core/kind.hpp"

namespace dini {

/// Which values an option may have.
struct OptionRange {
  double least = 0, most = std::numeric_limits<double>::infinity();
  bool least_included = true, most_included = true;
  bool contains(double v) const {
    return (least_included ? v >= least : v > least) && (most_included ? v <= most : v < most);
  }
  /// "0 or more", "in [0, 1)", "finite".
  std::string text() const;
};

struct OptionInfo {
  std::string name, help;
  double fallback;  // the default
  OptionRange range;
  bool whole;  // a whole number
};
using OptionValues = std::vector<std::pair<std::string, double>>;

/// A method of the library under the name that problem files use. Made is Solver or Adjoint.
template <class Made> struct MethodInfo {
  std::string name, purpose;
  Kinds kinds;     // of problem that it is for
  bool automatic;  // one of those that "auto" chooses from
  std::vector<OptionInfo> options;
  Restriction takes;  // the most that a problem may have besides
  /// With these values in place of the defaults. ValueError for an option that there is not, or a value out of range.
  std::function<Made(const OptionValues&)> make;
};

namespace detail {

/// ValueError naming the options that there are.
[[noreturn]] void no_such_option(const std::string& method, const std::string& option,
                                 const std::vector<OptionInfo>& known);
[[noreturn]] void out_of_range(const std::string& method, const OptionInfo& option, double value);
std::string exact_digits(double value);

template <class S> struct Field {
  const char* name;
  std::variant<int S::*, std::int64_t S::*, double S::*> member;
  OptionRange range;
  const char* help;

  // (Inlined, GCC 12 warns of the members that a small struct does not have.)
  [[gnu::noinline]] double get(const S& s) const {
    return std::visit([&](auto m) { return static_cast<double>(s.*m); }, member);
  }
  OptionInfo info(const S& defaults) const {
    return {name, help, get(defaults), range, !std::holds_alternative<double S::*>(member)};
  }
  void check(const std::string& method, const S& defaults, double v) const {
    if (!range.contains(v)) out_of_range(method, info(defaults), v);
  }
  [[gnu::noinline]] void set(const std::string& method, S& s, double v) const {
    check(method, s, v);
    std::visit(
        [&](auto m) {
          using T = std::remove_cvref_t<decltype(s.*m)>;
          if constexpr (std::is_integral_v<T>) {
            if (v != std::floor(v) || !(v < static_cast<double>(std::numeric_limits<T>::max())))
              out_of_range(method, info(s), v);
          }
          s.*m = static_cast<T>(v);
        },
        member);
  }
};

template <class S> struct MethodTable {
  std::string name, purpose;
  Kinds kinds;
  bool automatic;
  std::vector<Field<S>> fields;
  Restriction takes = Restriction::none;

  /// ValueError for the first option out of its range.
  void check(const S& s) const {
    for (const Field<S>& f : fields) f.check(name, s, f.get(s));
  }
  /// Name and options, to the last digit.
  std::string key(const S& s) const {
    std::string out = name;
    for (const Field<S>& f : fields) out += " " + exact_digits(f.get(s));
    return out;
  }
  template <class Made> MethodInfo<Made> info(const S& defaults = {}) const {
    MethodInfo<Made> out{name, purpose, kinds, automatic, {}, takes, {}};
    for (const Field<S>& f : fields) out.options.push_back(f.info(defaults));
    out.make = [table = *this, known = out.options, defaults](const OptionValues& values) {
      S s = defaults;
      for (const auto& [option, value] : values) {
        bool found = false;
        for (const Field<S>& f : table.fields) {
          if (option != f.name) continue;
          f.set(table.name, s, value);
          found = true;
        }
        if (!found) no_such_option(table.name, option, known);
      }
      return Made(s);
    };
    return out;
  }
};

}  // namespace detail
}  // namespace dini
