#include "dini/io/npy.hpp"

#include <unistd.h>
#include <zip.h>

#include <memory>
#include <set>
#include <vector>

#include "dini/io/file.hpp"
#include "dini/io/npy_stream.hpp"

namespace dini {

namespace npz {

using io::InputFile;

// A libzip archive over an open file; closing it changes nothing.
class Archive {
 public:
  explicit Archive(const InputFile& file) : file_(file) {
    const int copy = ::dup(file.descriptor());  // libzip closes the descriptor that it is given
    int code = ZIP_ER_OPEN;
    if (copy >= 0) archive_ = ::zip_fdopen(copy, ZIP_CHECKCONS, &code);
    if (archive_) return;
    if (copy >= 0) ::close(copy);
    zip_error_t error;
    ::zip_error_init_with_code(&error, code);
    const std::string text = ::zip_error_strerror(&error);
    ::zip_error_fini(&error);
    file.fail("not a .npz file: " + text);
  }
  ~Archive() { ::zip_discard(archive_); }
  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;

  // The members' names in order, without ".npy".
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    std::set<std::string> seen;
    const zip_int64_t n = ::zip_get_num_entries(archive_, 0);
    for (zip_int64_t i = 0; i < n; ++i) {
      const char* raw = ::zip_get_name(archive_, static_cast<zip_uint64_t>(i), ZIP_FL_ENC_GUESS);
      std::string name = raw ? raw : "";
      if (name.ends_with(".npy"))
        name.resize(name.size() - 4);
      else
        name += no_array;
      if (!seen.insert(name).second) file_.fail("the member '" + io::escaped(name) + "' is there twice");
      out.push_back(std::move(name));
    }
    return out;
  }
  static constexpr const char* no_array = "\n";

  Array load(std::size_t index, const std::string& name, std::int64_t max_bytes) const {
    const std::string member = "the member '" + io::escaped(name) + "'";
    const auto fail = [&](const std::string& what) { file_.fail(member + ": " + what); };
    zip_stat_t status;
    constexpr zip_uint64_t needed = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
    if (::zip_stat_index(archive_, index, 0, &status) != 0 || (status.valid & needed) != needed) {
      fail(std::string("cannot be read: ") + ::zip_strerror(archive_));
    }
    if (status.comp_method != ZIP_CM_STORE && status.comp_method != ZIP_CM_DEFLATE) {
      fail("is compressed by method " + std::to_string(status.comp_method) + ", expected stored or deflated");
    }
    // Deflate makes nothing smaller than by a factor of 1032.
    if (status.size >> 62 || status.size / 1032 > status.comp_size + 64) {
      fail("cannot have " + std::to_string(status.size) + " bytes: only " + std::to_string(status.comp_size) +
           " are stored");
    }
    const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> stream(::zip_fopen_index(archive_, index, 0), ::zip_fclose);
    if (!stream) fail(std::string("cannot be read: ") + ::zip_strerror(archive_));
    const auto read = [&](void* to, std::int64_t count) -> std::int64_t {
      std::int64_t done = 0;
      while (done < count) {
        const zip_int64_t n =
            ::zip_fread(stream.get(), static_cast<char*>(to) + done, static_cast<zip_uint64_t>(count - done));
        if (n < 0) fail(std::string("reading failed: ") + ::zip_file_strerror(stream.get()));
        if (n <= 0) break;
        done += n;
      }
      return done;
    };
    return io::read_npy({static_cast<std::int64_t>(status.size), read, fail}, max_bytes);
  }

 private:
  const InputFile& file_;
  zip_t* archive_ = nullptr;
};

}  // namespace npz

Array load_npy(const std::string& path) { return load_npy(path, LoadOptions{}); }

Array load_npy(const std::string& path, const LoadOptions& options) {
  io::InputFile file(path, "load_npy");
  return io::read_npy({file.size(), [&](void* to, std::int64_t count) { return file.read(to, count); },
                       [&](const std::string& what) { file.fail(what); }},
                      options.max_bytes);
}

void save_npy(const std::string& path, const Array& a) {
  if (!a.defined()) throw ValueError("save_npy: an array that was never assigned");
  const std::string_view data = io::npy_data(a);  // an error for a traced array comes before the file is touched
  io::write_file(path, {io::npy_prelude(a.aval()), data}, "save_npy");
}

std::map<std::string, Array> load_npz(const std::string& path) { return load_npz(path, LoadOptions{}); }

std::map<std::string, Array> load_npz(const std::string& path, const LoadOptions& options) {
  const io::InputFile file(path, "load_npz");
  const npz::Archive archive(file);
  const std::vector<std::string> names = archive.names();
  std::map<std::string, Array> out;
  std::int64_t left = options.max_bytes;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].ends_with(npz::Archive::no_array)) {
      file.fail("the member '" + io::escaped(names[i].substr(0, names[i].size() - 1)) +
                "' is not an array, its name not ending in .npy");
    }
    const Array a = archive.load(i, names[i], left);
    left -= a.size() * static_cast<std::int64_t>(item_size(a.dtype()));
    out.emplace(names[i], a);
  }
  return out;
}

Array load_npz(const std::string& path, const std::string& key) { return load_npz(path, key, LoadOptions{}); }

Array load_npz(const std::string& path, const std::string& key, const LoadOptions& options) {
  const io::InputFile file(path, "load_npz");
  const npz::Archive archive(file);
  const std::vector<std::string> names = archive.names();
  std::string there;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].ends_with(npz::Archive::no_array)) continue;
    if (names[i] == key || names[i] + ".npy" == key) return archive.load(i, names[i], options.max_bytes);
    if (there.size() < 500) there += (there.empty() ? "'" : ", '") + io::escaped(names[i]) + "'";
  }
  file.fail("there is no member '" + io::escaped(key) + "'; there " + (there.empty() ? "are none" : "is " + there));
}

void save_npz(const std::string& path, const std::map<std::string, Array>& arrays) {
  std::vector<std::string> members;
  for (const auto& [name, a] : arrays) {
    if (!a.defined()) throw ValueError("save_npz: '" + name + "' is an array that was never assigned");
    members.push_back(io::npy_prelude(a.aval()).append(io::npy_data(a)));
  }
  if (arrays.empty()) {
    // libzip makes no file for no members: the record that ends an archive, by itself.
    io::write_file(path, {std::string("PK\5\6") + std::string(18, '\0')}, "save_npz");
    return;
  }
  // The archive is made in memory, so that the file is written as all others are.
  zip_error_t error;
  ::zip_error_init(&error);
  zip_source_t* memory = ::zip_source_buffer_create(nullptr, 0, 0, &error);
  zip_t* archive = memory ? ::zip_open_from_source(memory, ZIP_TRUNCATE, &error) : nullptr;
  const auto fail = [&](const char* what) { throw FileError("save_npz: " + io::escaped(path, 4096) + ": " + what); };
  if (!archive) {
    if (memory) ::zip_source_free(memory);
    fail("the archive cannot be made");
  }
  ::zip_source_keep(memory);
  const std::unique_ptr<zip_source_t, void (*)(zip_source_t*)> kept(memory, ::zip_source_free);
  std::size_t i = 0;
  for (const auto& [name, a] : arrays) {
    const std::string& bytes = members[i++];
    zip_source_t* source = ::zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
    const zip_int64_t at = source ? ::zip_file_add(archive, (name + ".npy").c_str(), source, ZIP_FL_ENC_UTF_8) : -1;
    if (at < 0 || ::zip_set_file_compression(archive, static_cast<zip_uint64_t>(at), ZIP_CM_STORE, 0) != 0) {
      if (source && at < 0) ::zip_source_free(source);
      ::zip_discard(archive);
      fail(("the member '" + io::escaped(name) + "' cannot be added").c_str());
    }
  }
  if (::zip_close(archive) != 0) {
    ::zip_discard(archive);
    fail("the archive cannot be made");
  }
  std::string bytes;
  zip_stat_t status;
  if (::zip_source_open(memory) != 0 || ::zip_source_stat(memory, &status) != 0) fail("the archive cannot be made");
  bytes.resize(status.size);
  const zip_int64_t n = ::zip_source_read(memory, bytes.data(), bytes.size());
  ::zip_source_close(memory);
  if (n != static_cast<zip_int64_t>(bytes.size())) fail("the archive cannot be made");
  io::write_file(path, {bytes}, "save_npz");
}

}  // namespace dini
