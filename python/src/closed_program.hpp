// A Program without captures, as an object of Python's: what a bridge to another library hands about in the place of a function.
#pragma once

#include <span>

#include "common.hpp"

namespace pydini {

/// Equal where the Programs are: whoever keeps something for one finds it for another that computes the same.
struct ClosedProgram {
  dini::erased::ProgramRef program;
};

/// The arrays, the weak ones of these dtypes; ShapeError or DtypeError where they are not like that.
Leaves fitting(const Leaves& given, std::span<const Aval> wanted);
/// A tuple of (shape, dtype), and back.
nb::object pairs_of(std::span<const Aval> avals);
std::vector<Aval> avals_of_pairs(nb::handle pairs);

}  // namespace pydini
