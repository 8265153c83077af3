// What the library throws. Every message names the function, what it got and what it wanted.
#pragma once

#include <stdexcept>
#include <string>

namespace dini {

/// The base of everything the library throws on purpose.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Shapes that do not fit, axes or indices out of range, trees of another structure.
struct ShapeError : Error {
  using Error::Error;
};

/// A dtype that a function cannot take, or two that do not fit together.
struct DtypeError : Error {
  using Error::Error;
};

/// A traced value used where only a concrete one can be, or outside the transformation that made it.
struct TraceError : Error {
  using Error::Error;
};

/// A value that is out of a function's domain of options: a negative tolerance, an unknown name.
struct ValueError : Error {
  using Error::Error;
};

/// A computation that was asked to end, by a token or a deadline (core/watch.hpp).
struct CancelledError : Error {
  using Error::Error;
};

/// A text formula that is wrong, with the column where.
struct FormulaError : Error {
  using Error::Error;
};

/// A file that cannot be read or written, or is not what it should be.
struct FileError : Error {
  using Error::Error;
};

}  // namespace dini
