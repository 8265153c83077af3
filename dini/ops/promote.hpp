// What happens to operands before an elementwise op: a common dtype by NumPy's rules with weak literals, a common shape
// by NumPy's broadcasting.
//
// Strong operands decide the dtype among themselves (core/dtype.hpp: promote). A weak one, a C++ number, takes that
// dtype unless it is of a higher kind (bool < integer < floating): int32 with 2.0 is float64. The result is weak only
// where all operands are.
#pragma once

#include "dini/core/array.hpp"

namespace dini {

/// The dtype, and the weakness, that operands have in common. The shape is not looked at.
Aval common_dtype(const detail::Leaves& operands);

/// The array with another dtype, strong. Floating to integer truncates towards zero; anything to bool is `!= 0`. Linear
/// between floating dtypes; derivatives by integers are zero.
Array astype(const Array& a, Dtype dtype);

namespace detail {

// The operand with this dtype, as an elementwise op wants it. A literal stays a literal: it is converted at once.
Array as_operand(const Array& a, Dtype dtype);

// The operand with this shape. ShapeError in the name of `function` when it does not broadcast to it.
Array as_shape(const Array& a, const Shape& shape, const char* function);

// The operands with a common dtype and shape. With `floating`, bool and integers become float64.
void promote_operands(Array& a, Array& b, const char* function, bool floating = false);
void promote_operands(detail::Leaves& operands, const char* function, bool floating = false);

// Operand of a function of floating numbers: bool and integers become float64.
Array as_floating(const Array& a, const char* function);

// A C++ number with the dtype of `like`, for rules.
Array literal(double value, const Array& like);

// ValueError, in the name of `function`, for an array that was never assigned.
void check_defined(const Array& a, const char* function);

// Whether this is a C++ number that nothing was done to but conversion.
inline bool is_literal(const Array& a) { return a.concrete() && a.weak() && a.ndim() == 0; }

}  // namespace detail

}  // namespace dini
