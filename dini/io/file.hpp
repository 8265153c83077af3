// Files on the disk: what every reader and writer of the library goes through. Only regular files are opened, nothing
// waits on a pipe, and a file is written whole or not at all. All faults are FileErrors that begin with `who`, the name
// of the function or the key for which the file is read, and the path.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include "dini/core/error.hpp"

namespace dini::io {

inline constexpr std::int64_t no_limit = std::numeric_limits<std::int64_t>::max();

/// A regular file, open for reading from its start.
class InputFile {
 public:
  InputFile(const std::string& path, const std::string& who);
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  std::int64_t size() const { return size_; }
  int descriptor() const { return descriptor_.number; }
  /// The next `count` bytes, or what is left of them; their number.
  std::int64_t read(void* to, std::int64_t count);

  /// FileError: "who: path: what".
  [[noreturn]] void fail(const std::string& what) const;

 private:
  struct Descriptor {
    ~Descriptor();
    int number = -1;
  };
  std::string path_, who_;
  Descriptor descriptor_;
  std::int64_t size_ = 0;
};

/// All of a file. FileError when it is larger than `max_bytes`.
std::string read_file(const std::string& path, const std::string& who, std::int64_t max_bytes = no_limit);

/// Writes a file that holds the pieces one after the other. They go to a temporary file beside it, which takes the
/// file's place when all is on the disk; on an error it is removed and what was there stays.
void write_file(const std::string& path, std::initializer_list<std::string_view> pieces, const std::string& who);

/// Files of one folder that take their places together, in the stead of those of an earlier time.
class OutputFolder {
 public:
  /// Makes the folder, and those above it, where there is none.
  OutputFolder(const std::string& path, const std::string& who);
  /// Without `finish`, what was written is removed, and so are the folders that were made for it.
  ~OutputFolder();
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  /// Writes a file that holds the pieces one after the other, under a temporary name.
  void write(const std::string& name, std::initializer_list<std::string_view> pieces);
  /// Removes the files whose names are `replaced`, and gives those written their own. The last one written goes first and
  /// comes last: where it is, the files are all there and of one time. Another process that does the same waits.
  void finish(const std::function<bool(std::string_view name)>& replaced);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// Text from a file for a message: what is not printable is escaped, and what is long cut off.
std::string escaped(std::string_view text, std::size_t most = 80);

}  // namespace dini::io
