// Printing arrays as NumPy does: columns aligned, `...` in long arrays, and no more digits than tell an element from
// its neighbours in its dtype. Nothing here looks at the locale.
#pragma once

#include <iosfwd>
#include <string>

#include "dini/core/array.hpp"

namespace dini {

/// How arrays are printed; the defaults are NumPy's.
struct PrintOptions {
  std::int64_t threshold = 1000;  // arrays of more elements are abbreviated
  std::int64_t edgeitems = 3;     // how many elements an abbreviated axis shows at either end
  int line_width = 75;
  int precision = 8;  // digits after the point at most; negative: all that the dtype needs
};

/// The array's elements, as `str` of NumPy 2.4 gives them:
///
///     [ 0.00649598 -0.7015958  -0.984715  ]
///
/// Floating elements are the shortest digits that read back as the same number, at most `precision` after the point.
/// They go to scientific notation where the largest is 1e8 (float32: 1e6) or more, the least below 1e-4, or the ratio of
/// the two above 1000. A single number (no axes) has all its digits: `3.6371896`. A traced value prints as its value
/// where it has one (under jvp, vjp, grad), else as `<traced float64(3,)>`.
std::string to_string(const Array& a, const PrintOptions& options = {});

std::ostream& operator<<(std::ostream& out, const Array& a);

}  // namespace dini
