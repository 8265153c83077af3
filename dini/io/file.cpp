#include "dini/io/file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace dini::io {

namespace files {

std::string reason(int error) { return std::generic_category().message(error); }

[[noreturn]] void fail(const std::string& who, const std::string& path, const std::string& what) {
  throw FileError(who + ": " + escaped(path, 4096) + ": " + what);
}

void check_path(const std::string& path, const std::string& who) {
  if (path.empty()) throw FileError(who + ": the path is empty");
  if (path.find('\0') != std::string::npos) fail(who, path, "the path has a zero byte");
}

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

// A file that is removed unless it is kept.
class Temporary {
 public:
  Temporary(const std::string& target, mode_t mode, const std::string& who) : who_(who), target_(target) {
    static std::atomic<unsigned> number{0};
    for (int attempt = 0; attempt < 100; ++attempt) {
      path_ = target + "." + std::to_string(::getpid()) + "-" + std::to_string(number++) + ".part";
      descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
      if (descriptor_ >= 0 || errno != EEXIST) break;
    }
    if (descriptor_ < 0) refuse("cannot be written");
  }
  ~Temporary() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;

  void set_mode(mode_t mode) {
    if (::fchmod(descriptor_, mode) != 0) refuse("cannot be written");
  }
  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::write(descriptor_, bytes.data(), std::min<std::size_t>(bytes.size(), 1u << 30));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) refuse("writing failed");
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  // All of it is on the disk.
  void complete() {
    if (::fsync(descriptor_) != 0) refuse("writing failed");
    const int closed = ::close(descriptor_);
    descriptor_ = -1;
    if (closed != 0) refuse("writing failed");
  }
  void take_place() {
    if (::rename(path_.c_str(), target_.c_str()) != 0) refuse("cannot be replaced");
    path_.clear();
  }

 private:
  [[noreturn]] void refuse(const char* what) const { fail(who_, target_, std::string(what) + ": " + reason(errno)); }
  std::string who_, target_, path_;
  int descriptor_ = -1;
};

}  // namespace files

InputFile::InputFile(const std::string& path, const std::string& who) : path_(path), who_(who) {
  files::check_path(path, who);
  // Without waiting: opening a pipe would otherwise last until somebody writes to it.
  descriptor_.number = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (descriptor_.number < 0) fail("cannot be opened: " + files::reason(errno));
  struct stat status {};
  if (::fstat(descriptor_.number, &status) != 0) fail("cannot be read: " + files::reason(errno));
  if (!S_ISREG(status.st_mode)) fail(std::string("is ") + files::kind_of(status.st_mode) + ", not a file");
  size_ = status.st_size;
}

InputFile::Descriptor::~Descriptor() {
  if (number >= 0) ::close(number);
}

void InputFile::fail(const std::string& what) const { files::fail(who_, path_, what); }

std::int64_t InputFile::read(void* to, std::int64_t count) {
  std::int64_t done = 0;
  while (done < count) {
    const auto most = static_cast<std::size_t>(std::min<std::int64_t>(count - done, 1 << 30));
    const ssize_t n = ::read(descriptor_.number, static_cast<char*>(to) + done, most);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("reading failed: " + files::reason(errno));
    if (n == 0) break;
    done += n;
  }
  return done;
}

std::string read_file(const std::string& path, const std::string& who, std::int64_t max_bytes) {
  InputFile file(path, who);
  if (file.size() > max_bytes) {
    file.fail("has " + std::to_string(file.size()) + " bytes, more than the limit of " + std::to_string(max_bytes));
  }
  std::string text(static_cast<std::size_t>(file.size()), '\0');
  text.resize(static_cast<std::size_t>(file.read(text.data(), file.size())));
  return text;
}

void write_file(const std::string& path, std::initializer_list<std::string_view> pieces, const std::string& who) {
  files::check_path(path, who);
  // What a link points to is replaced, not the link.
  std::string target = path;
  struct stat old {};
  const bool exists = ::stat(path.c_str(), &old) == 0;
  if (exists) {
    if (!S_ISREG(old.st_mode))
      files::fail(who, path, std::string("is ") + files::kind_of(old.st_mode) + ", not a file");
    const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), std::free);
    if (real) target = real.get();
  }
  files::Temporary temporary(target, 0666, who);
  if (exists) temporary.set_mode(old.st_mode & 07777);
  for (std::string_view piece : pieces) temporary.write(piece);
  temporary.complete();
  temporary.take_place();
  // The name, too, should outlast a power failure; a file system that cannot promise it is no error.
  const std::size_t slash = target.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : target.substr(0, slash + 1);
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor >= 0) {
    (void)::fsync(descriptor);
    ::close(descriptor);
  }
}

struct OutputFolder::Parts {
  std::filesystem::path folder;
  std::string who;
  std::vector<std::filesystem::path> made;  // folders, the innermost first
  bool finished = false;
  std::vector<std::pair<std::string, std::unique_ptr<files::Temporary>>> written;
  int descriptor = -1;

  ~Parts() {
    written.clear();
    if (descriptor >= 0) ::close(descriptor);
    for (std::size_t k = 0; k < made.size() && !finished; ++k) ::rmdir(made[k].c_str());  // only where it is empty
  }
  [[noreturn]] void refuse(const std::string& what) const { files::fail(who, folder.string(), what); }

  // The folder itself is what is locked, so that nothing is left in it. The lock ends with the descriptor.
  void lock() const {
    constexpr int tries = 1000;
    for (int k = 0; ::flock(descriptor, LOCK_EX | LOCK_NB) != 0; ++k) {
      if (errno != EWOULDBLOCK && errno != EINTR) return;  // a file system that has no locks
      if (k == tries) refuse("another process has been writing there for 10 s");
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
};

OutputFolder::OutputFolder(const std::string& path, const std::string& who) : parts_(std::make_unique<Parts>()) {
  files::check_path(path, who);
  // Without a slash at its end, after which there would be another, nameless one to make.
  parts_->folder = std::filesystem::path(path).lexically_normal();
  if (!parts_->folder.has_filename()) parts_->folder = parts_->folder.parent_path();
  parts_->who = who;
  std::error_code error;
  for (auto p = parts_->folder; !p.empty() && !std::filesystem::exists(p, error); p = p.parent_path()) {
    parts_->made.push_back(p);
  }
  std::filesystem::create_directories(parts_->folder, error);
  if (error) parts_->refuse("cannot be made a folder: " + error.message());
  parts_->descriptor = ::open(parts_->folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (parts_->descriptor < 0) parts_->refuse("cannot be opened: " + files::reason(errno));
  if (::access(parts_->folder.c_str(), W_OK | X_OK) != 0)
    parts_->refuse("cannot be written to: " + files::reason(errno));
}

OutputFolder::~OutputFolder() = default;

void OutputFolder::write(const std::string& name, std::initializer_list<std::string_view> pieces) {
  const std::filesystem::path target = parts_->folder / name;
  struct stat old {};
  if (::lstat(target.c_str(), &old) == 0 && S_ISDIR(old.st_mode)) {
    files::fail(parts_->who, target.string(), "is a directory, not a file");
  }
  auto temporary = std::make_unique<files::Temporary>(target.string(), 0666, parts_->who);
  for (std::string_view piece : pieces) temporary->write(piece);
  temporary->complete();
  parts_->written.emplace_back(name, std::move(temporary));
}

void OutputFolder::finish(const std::function<bool(std::string_view name)>& replaced) {
  const auto remove = [&](const std::filesystem::path& path) {
    if (::unlink(path.c_str()) == 0 || errno == ENOENT) return;
    files::fail(parts_->who, path.string(), "cannot be removed: " + files::reason(errno));
  };
  parts_->lock();
  if (!parts_->written.empty()) remove(parts_->folder / parts_->written.back().first);
  std::error_code error;
  for (std::filesystem::directory_iterator entry(parts_->folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const bool is_folder = entry->symlink_status(error).type() == std::filesystem::file_type::directory;
    if (!is_folder && replaced(entry->path().filename().string())) remove(entry->path());
  }
  if (error) parts_->refuse("cannot be read: " + error.message());
  for (const auto& [name, temporary] : parts_->written) temporary->take_place();
  (void)::fsync(parts_->descriptor);
  parts_->finished = true;
}

std::string escaped(std::string_view text, std::size_t most) {
  std::string out;
  for (const char c : text.substr(0, most)) {
    const auto u = static_cast<unsigned char>(c);
    if (u >= 0x20 && u != 0x7F && u != '\\') {
      out += c;  // bytes of UTF-8 among them
    } else if (u == '\\') {
      out += "\\\\";
    } else {
      constexpr char digits[] = "0123456789abcdef";
      out += {'\\', 'x', digits[u >> 4], digits[u & 15]};
    }
  }
  return text.size() > most ? out + "..." : out;
}

}  // namespace dini::io
