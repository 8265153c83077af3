#include "dini/io/problem_value.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "dini/formula/text.hpp"

namespace dini {

const ProblemValue* ProblemValue::find(std::string_view key) const {
  if (!holds<Object>()) return nullptr;
  for (const auto& [name, value] : get<Object>()) {
    if (name == key) return &value;
  }
  return nullptr;
}

void ProblemValue::set(const std::string& key, ProblemValue value) {
  for (auto& [name, old] : get<Object>()) {
    if (name == key) {
      old = std::move(value);
      return;
    }
  }
  get<Object>().emplace_back(key, std::move(value));
}

const char* ProblemValue::kind() const {
  constexpr const char* kinds[] = {"null", "a bool", "a number", "a number", "text", "a list", "an object"};
  return kinds[content.index()];
}

std::string read_regular_file(const std::string& path, std::size_t limit) {
  const std::string shown = text::quoted(path);
  const auto fail = [&](const std::string& why) -> void { throw FileError(shown + ": " + why); };
  // Without O_NONBLOCK the open of a pipe waits for a writer.
  const int file = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  if (file < 0) fail(std::string("cannot be opened: ") + std::strerror(errno));
  struct Closer {
    int file;
    ~Closer() { ::close(file); }
  } closer{file};
  struct stat status;
  if (::fstat(file, &status) != 0) fail(std::string("cannot be read: ") + std::strerror(errno));
  if (S_ISDIR(status.st_mode)) fail("is a folder, not a file");
  if (!S_ISREG(status.st_mode)) fail("is not a regular file");
  if (status.st_size > static_cast<off_t>(limit)) {
    fail("has " + std::to_string(status.st_size) + " bytes; at most " + std::to_string(limit) + " are read");
  }
  std::string out(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t have = 0;
  while (have < out.size()) {
    const ssize_t n = ::read(file, out.data() + have, out.size() - have);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(std::string("cannot be read: ") + std::strerror(errno));
    if (n == 0) break;
    have += static_cast<std::size_t>(n);
  }
  out.resize(have);
  return out;
}

}  // namespace dini
