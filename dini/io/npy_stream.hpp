// Reading and writing the .npy format from and to anything that has bytes: a file, a member of a .npz archive.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "dini/core/array.hpp"

namespace dini::io {

/// The dtypes of .npy files that can be read, by NumPy's letters and sizes.
enum class NpyType { b1, i1, i2, i4, i8, u1, u2, u4, f2, f4, f8 };

/// What a header says.
struct NpyHeader {
  NpyType type = NpyType::f8;
  bool swapped = false;  // the other byte order than this machine's
  bool fortran = false;
  Shape shape;
};

/// What is wrong with a header, and where in its text. The caller knows in which file.
struct NpyHeaderError {
  std::size_t position;
  std::string message;
};
/// Reads the dictionary that a header is: {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }. Throws
/// NpyHeaderError.
NpyHeader parse_npy_header(std::string_view text);

/// Bytes that are read in order.
struct NpySource {
  /// How many there are in all.
  std::int64_t size;
  /// The next `count` bytes, or what is left of them; their number.
  std::function<std::int64_t(void* to, std::int64_t count)> read;
  /// Throws the FileError with this message.
  std::function<void(const std::string& what)> fail;
};

/// The array. Memory is taken when the header, the size and `max_bytes` agree.
Array read_npy(const NpySource& source, std::int64_t max_bytes);

/// Magic, version and header of a file for this array, whose data follow.
std::string npy_prelude(const Aval& aval);

/// The array's elements as bytes, which the array keeps alive.
std::string_view npy_data(const Array& a);

}  // namespace dini::io
