// What the executor's tests share: Programs from functions, and runs of them in both ways.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <random>

#include "dini/exec/executable.hpp"
#include "dini/trace/internal.hpp"

namespace dini::exec_tests {

/// Numbers in (-1, 1), or small integers, or booleans, the same for the same seed.
inline Array numbers(const Shape& shape, Dtype dtype = float64, unsigned seed = 1) {
  std::mt19937 random(seed);
  void* memory;
  Array a = allocate({shape, dtype, false}, &memory);
  visit_dtype(dtype, [&]<class T>() {
    for (std::int64_t k = 0; k < shape.size(); ++k) {
      const double x = static_cast<double>(random() % 2000001) / 1000000 - 1;
      T& to = static_cast<T*>(memory)[k];
      if constexpr (std::is_same_v<T, bool>)
        to = x > 0;
      else if constexpr (std::is_integral_v<T>)
        to = static_cast<T>(x * 5);
      else
        to = static_cast<T>(x);
    }
  });
  return a;
}

/// A Program and all of its inputs, the captured ones included.
struct Case {
  ProgramRef program;
  Leaves inputs;
};

inline Case make_case(const std::function<Leaves(const Leaves&)>& f, Leaves inputs) {
  std::vector<Aval> avals;
  for (const Array& a : inputs) avals.push_back(a.aval());
  Staged staged = stage(f, avals, "test");
  inputs.insert(inputs.end(), staged.captured.begin(), staged.captured.end());
  return {staged.program, inputs};
}

inline ::testing::AssertionResult same_bits(const Leaves& a, const Leaves& b) {
  if (a.size() != b.size()) return ::testing::AssertionFailure() << a.size() << " and " << b.size() << " arrays";
  for (std::size_t k = 0; k < a.size(); ++k) {
    if (a[k].aval() != b[k].aval()) {
      return ::testing::AssertionFailure()
             << "output " << k << ": " << a[k].aval().str() << " and " << b[k].aval().str();
    }
    const std::size_t item = item_size(a[k].dtype());
    for (std::int64_t i = 0; i < a[k].size(); ++i) {
      const char *x = static_cast<const char*>(a[k].raw()) + i * item,
                 *y = static_cast<const char*>(b[k].raw()) + i * item;
      if (std::memcmp(x, y, item) != 0) {
        return ::testing::AssertionFailure() << "output " << k << " " << a[k].aval().str() << " at " << i << ": "
                                             << a[k].to_vector<double>()[i] << " and " << b[k].to_vector<double>()[i];
      }
    }
  }
  return ::testing::AssertionSuccess();
}

/// The plan's results, twice (the second time in a workspace that was used), are those of the plain interpreter.
inline ::testing::AssertionResult agrees(const Case& c) {
  const Leaves plain = Executable::compile(*c.program, {.optimize = false})->run(c.inputs);
  const auto planned = Executable::compile(*c.program);
  for (int turn = 0; turn < 2; ++turn) {
    const auto same = same_bits(planned->run(c.inputs), plain);
    if (!same) {
      return ::testing::AssertionFailure() << same.message() << "\nturn " << turn << " of\n"
                                           << c.program->str() << "\nplanned as\n"
                                           << planned->str();
    }
  }
  return ::testing::AssertionSuccess();
}

}  // namespace dini::exec_tests
