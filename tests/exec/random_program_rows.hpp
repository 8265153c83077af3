// The table of what random Programs are made of.
#pragma once

#include "random_program.hpp"

namespace dini::random_programs {

inline constexpr Type float_types[] = {Type::scalar, Type::vector, Type::row, Type::matrix, Type::square, Type::box};

Family elementwise_family();  // random_program_elementwise.cpp
Family op_family();           // random_program_ops.cpp
Family transform_family();    // random_program_transforms.cpp

}  // namespace dini::random_programs
