// NumPy's files: .npy, one array, and .npz, a zip archive of them.
//
// The format: numpy.lib.format's documentation, versions 1.0, 2.0 and 3.0. Read are b1, i1, i2, i4, i8, u1, u2, u4, f2, f4
// and f8 of either byte order, in C or Fortran order. What Dini has no dtype for is widened: i1, i2, u1, u2 to int32, u4
// to int64, f2 to float32. Other dtypes (u8, complex, strings, dates, objects, structures) are a FileError that names
// them. Nothing is unpickled.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string>

#include "dini/core/array.hpp"

namespace dini {

struct LoadOptions {
  /// The most bytes that the arrays loaded may take in memory; a FileError says how many it would have been.
  std::int64_t max_bytes = std::numeric_limits<std::int64_t>::max();
};

/// The array in a .npy file. FileError, with path, place and what was expected, where the file cannot be opened, is not a
/// regular file, or is not what the format says: a wrong or cut-off header, too few bytes of data or too many. Memory is
/// taken only for data that the file has.
Array load_npy(const std::string& path);
Array load_npy(const std::string& path, const LoadOptions& options);

/// Writes a .npy file (version 1.0, C order, the machine's byte order): whole, or not at all. FileError when that
/// fails; a file that was there stays as it was.
void save_npy(const std::string& path, const Array& a);

/// All arrays of a .npz file, stored or compressed, by name (without ".npy"). The size of a member must be what its
/// header says before it is unpacked. FileErrors as above, also for a member that is no array.
std::map<std::string, Array> load_npz(const std::string& path);
std::map<std::string, Array> load_npz(const std::string& path, const LoadOptions& options);
/// One of them; FileError, with the names there are, when there is none of this name.
Array load_npz(const std::string& path, const std::string& key);
Array load_npz(const std::string& path, const std::string& key, const LoadOptions& options);

/// Writes a .npz file as numpy.savez does, not compressed: whole, or not at all.
void save_npz(const std::string& path, const std::map<std::string, Array>& arrays);

}  // namespace dini
