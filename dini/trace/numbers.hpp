// The C++ numbers of a Program as inputs of it.
//
// A number that a traced function uses becomes a constant of its Program, and one that it captured and that changes from call to
// call (a step length, a frequency) makes another Program at every call. Where a Program is to serve all of them the numbers are
// taken out. Zero and powers of two stay: these are what algebra looks for, by which products are exact and the rounding noise of a
// Program is found, and numbers that change are seldom among them.
#pragma once

#include "dini/trace/program.hpp"

namespace dini::detail {

/// The Program with its numbers as last inputs, and these. The Program itself where it has none.
Staged with_numbers_apart(const ProgramRef& program);

}  // namespace dini::detail
