// .npy and .npz files: those that NumPy wrote (tests/data/npy, by scripts/make_npy_files.py), and bytes put together
// here.
#include "dini/io/npy.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <locale>
#include <sstream>

#include "dini/io/file.hpp"
#include "dini/io/npy_stream.hpp"

namespace dini::npy_test {

namespace fs = std::filesystem;

const std::string data = DINI_SOURCE_DIR "/tests/data/npy/";

// A folder of a test's own.
struct Folder {
  Folder() {
    std::string name = testing::TempDir() + "dini_npy_XXXXXX";
    path = ::mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path); }
  std::string operator/(const std::string& name) const { return path + "/" + name; }
  std::size_t files() const { return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), {})); }
  std::string path;
};

void put(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }
std::string get(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

// A file with this dictionary and these bytes of data.
std::string npy(const std::string& dictionary, const std::string& bytes, int version = 1) {
  std::string out = std::string("\x93NUMPY") + static_cast<char>(version) + '\0';
  const std::size_t n = dictionary.size();
  for (int k = 0; k < (version == 1 ? 2 : 4); ++k) out += static_cast<char>(n >> 8 * k & 255);
  return out + dictionary + bytes;
}
std::string dictionary(const std::string& shape, const std::string& descr = "'<f8'") {
  return "{'descr': " + descr + ", 'fortran_order': False, 'shape': " + shape + "}";
}

// The message of the FileError, which begins with function and path; those are cut off.
template <class F> std::string fault(const std::string& start, F f) {
  try {
    f();
  } catch (const FileError& e) {
    const std::string text = e.what();
    EXPECT_EQ(text.substr(0, start.size()), start);
    return text.substr(std::min(start.size(), text.size()));
  }
  ADD_FAILURE() << "no error: " << start;
  return "";
}
std::string load_fault(const std::string& path, const LoadOptions& options = {}) {
  return fault("load_npy: " + path + ": ", [&] { load_npy(path, options); });
}

TEST(Npy, EveryDtypeAndByteOrder) {
  const struct {
    const char* name;
    Dtype dtype;
    int add;
  } table[] = {{"f2", float32, 0}, {"f4", float32, 0}, {"f8", float64, 0}, {"i1", int32, 0}, {"i2", int32, 0},
               {"i4", int32, 0},   {"i8", int64, 0},   {"u1", int32, 1},   {"u2", int32, 1}, {"u4", int64, 1}};
  for (const auto& row : table) {
    for (const std::string order : {"", "big_"}) {
      if (!order.empty() && row.name[1] == '1') continue;
      const Array a = load_npy(data + order + row.name + ".npy");
      EXPECT_EQ(a.aval(), (Aval{{2, 3}, row.dtype, false})) << order << row.name;
      std::vector<double> wanted = {-1, 0, 1, 9, 10, 11};
      for (double& v : wanted) v += row.add;
      EXPECT_EQ(a.to_vector<double>(), wanted) << order << row.name;
    }
  }
  const Array b = load_npy(data + "b1.npy");
  EXPECT_EQ(b.dtype(), bool_);
  EXPECT_EQ(b.to_vector<int>(), (std::vector<int>{0, 0, 1, 1, 1, 1}));
}

TEST(Npy, Halves) {
  const float inf = std::numeric_limits<float>::infinity();
  // 1e-7 and -6e-8 are the numbers 2 and -1 times 2^-24; 0.333 is 1364 times 2^-12.
  const std::vector<float> wanted = {0x1p-23f, -0x1p-24f, 65504, inf, -inf, -0.0f, 1364 * 0x1p-12f};
  const Array a = load_npy(data + "half_special.npy");
  EXPECT_EQ(a.to_vector<float>(), wanted);
  EXPECT_TRUE(std::signbit(a.data<float>()[5]));
  const std::string nan = npy(dictionary("(1,)", "'<f2'"), std::string("\x01\x7e", 2));
  const Folder folder;
  put(folder / "nan.npy", nan);
  EXPECT_TRUE(std::isnan(load_npy(folder / "nan.npy").item()));
}

TEST(Npy, OrdersShapesAndVersions) {
  std::vector<double> cube(24);
  for (std::size_t i = 0; i < 24; ++i) cube[i] = static_cast<double>(i);
  for (const char* name : {"fortran", "version2", "version3"}) {
    const Array a = load_npy(data + name + ".npy");
    EXPECT_EQ(a.shape(), (Shape{2, 3, 4})) << name;
    EXPECT_EQ(a.to_vector<double>(), cube) << name;
  }
  EXPECT_EQ(load_npy(data + "scalar.npy").shape(), Shape{});
  EXPECT_EQ(load_npy(data + "scalar.npy").item(), 2.5);
  EXPECT_EQ(load_npy(data + "empty.npy").aval(), (Aval{{3, 0, 2}, float32, false}));
}

TEST(Npy, HeadersOfOtherWriters) {
  const Folder folder;
  const std::string path = folder / "a.npy", two(16, '\0');
  for (const std::string text : {"{'shape': (2,), 'fortran_order': True, 'descr': '<f8', }    \n",
                                 "{\"descr\":\"=f8\",\"fortran_order\":False,\"shape\":(2,)}",
                                 "{'descr': 'f8', 'fortran_order': False, 'shape': (2L,), }",
                                 " {'descr':'<f8','fortran_order':False,'shape':( 2 , 1 )}\t"}) {
    put(path, npy(text, two));
    EXPECT_EQ(load_npy(path).size(), 2) << text;
  }
  // Booleans are what is not 0.
  put(path, npy(dictionary("(3,)", "'|b1'"), std::string("\0\2\377", 3)));
  EXPECT_EQ(load_npy(path).to_vector<int>(), (std::vector<int>{0, 1, 1}));
}

TEST(Npy, WrongStarts) {
  const Folder folder;
  const std::string path = folder / "a.npy", good = npy(dictionary("(2,)"), std::string(16, '\0'));
  const struct {
    std::string bytes, message;
  } table[] = {
      {"", "not a .npy file: expected \\x93NUMPY at byte 0, got ''"},
      {"\x93NUMP", "not a .npy file: expected \\x93NUMPY at byte 0, got '\x93NUMP'"},
      {"PK\3\4xxxxxxx", "not a .npy file: expected \\x93NUMPY at byte 0, got 'PK\\x03\\x04xx'"},
      {good.substr(0, 7), "the version is cut off: expected 2 bytes at byte 6, got 1"},
      {std::string("\x93NUMPY\x09\0", 8) + good.substr(8), "expected version 1.0, 2.0 or 3.0 at byte 6, got 9.0"},
      {std::string("\x93NUMPY\x01\x01", 8) + good.substr(8), "expected version 1.0, 2.0 or 3.0 at byte 6, got 1.1"},
      {good.substr(0, 9), "the header's length is cut off: expected 2 bytes at byte 8, got 1"},
      {good.substr(0, 50), "the header is cut off: expected 55 bytes at byte 10, there are 40"},
      {std::string("\x93NUMPY\x02\0\xff\xff\xff\xff", 12) + good.substr(10),
       "the header is cut off: expected 4294967295 bytes at byte 12, there are 71"},
      {npy(dictionary("(2,)") + std::string(70000, ' '), std::string(16, '\0'), 2),
       "the header at byte 12 has 70055 bytes, expected at most 65536"},
      {good.substr(0, 80), "the data of float64(2,) take 16 bytes from byte 65, there are 15"},
      {good + "x", "the data of float64(2,) take 16 bytes from byte 65, there are 17"},
      {npy(dictionary("(65536, 65536)"), ""),
       "the data of float64(65536, 65536) take 34359738368 bytes from byte 75, there are 0"},
      {npy(dictionary("(65536, 65536)"), "x"),
       "the data of float64(65536, 65536) take 34359738368 bytes from byte 75, there are 1"},
      {npy(dictionary("(2000000000, 2000000000)"), ""),
       "the data of float64(2000000000, 2000000000) are larger than any file"},
  };
  for (const auto& row : table) {
    put(path, row.bytes);
    std::string got = load_fault(path);
    if (row.bytes.size() == 5) got = row.message;  // the byte 0x93 alone is not text
    EXPECT_EQ(got, row.message);
  }
  // Cut off anywhere it is an error.
  for (std::size_t n = 0; n < good.size(); ++n) {
    put(path, good.substr(0, n));
    EXPECT_THROW(load_npy(path), FileError) << n;
  }
}

TEST(Npy, WrongDictionaries) {
  const Folder folder;
  const std::string path = folder / "a.npy";
  const struct {
    std::string text, message;
  } table[] = {
      {dictionary("(-1,)"), "byte 61, in the header: a length is negative, found '-1,)}'"},
      {dictionary("(4294967296, 4294967296)"), ""},
      {dictionary("(12345678901234567890,)"),
       "byte 61, in the header: a length is larger than 2^63: 12345678901234567890"},
      {dictionary("(x,)"), "byte 61, in the header: expected a length, found 'x,)}'"},
      {dictionary("(1.5,)"), "byte 62, in the header: expected ',' or ')', found '.5,)}'"},
      {dictionary("(2"), "byte 62, in the header: expected ',' or ')', found '}'"},
      {dictionary("(02,)"), "byte 61, in the header: a length begins with 0"},
      {dictionary("(2)"), "byte 60, in the header: the shape is a number, not a tuple: (n) instead of (n,)"},
      {dictionary("2"), "byte 60, in the header: expected '(', found '2}'"},
      {dictionary("(,)"), "byte 61, in the header: expected a length, found ',)}'"},
      {dictionary("(2,,)"), "byte 63, in the header: expected a length, found ',)}'"},
      {dictionary("(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)"), ""},
      {"{'descr': '<f8', 'fortran_order': False}", "byte 50, in the header: the key 'shape' is missing"},
      {"{'descr': '<f8', 'shape': (2,)}", "byte 41, in the header: the key 'fortran_order' is missing"},
      {"{}", "byte 12, in the header: the key 'descr' is missing"},
      {"{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (2,)}",
       "byte 27, in the header: the key 'descr' stands twice"},
      {"{'descr': '<f8', 'fortran_order': False, 'shape': (2,), 'x\1': 1}",
       "byte 66, in the header: an unknown key 'x\\x01'"},
      {"{'descr': '<f8', 'fortran_order': 0, 'shape': (2,)}",
       "byte 44, in the header: expected True or False, found '0, 'shape': (2,)}'"},
      {"{'descr': '<f8' 'fortran_order': False, 'shape': (2,)}", "byte 26, in the header: expected ',' or '}'"},
      {"{'descr: 1}", "byte 12, in the header: a quote is not closed"},
      {"[]", "byte 10, in the header: expected '{', found '[]'"},
      {"", "byte 10, in the header: expected '{', found the header's end"},
      {dictionary("(2,)") + "import os", "byte 65, in the header: something follows the dictionary"},
      {std::string("{'descr': '<f8'\0}", 17), "byte 25, in the header: expected ',' or '}'"},
  };
  for (const auto& row : table) {
    put(path, npy(row.text, std::string(16, '\0')));
    const std::string got = load_fault(path);
    if (!row.message.empty())
      EXPECT_EQ(got, row.message) << row.text;
    else
      EXPECT_NE(got.find("in the header: the shape is impossible"), std::string::npos) << got;
  }
}

TEST(Npy, UnknownDtypes) {
  const std::string wanted = "; wanted one of b1 i1 i2 i4 i8 u1 u2 u4 f2 f4 f8",
                    at = "byte 20, in the header: the dtype is ";
  const std::pair<const char*, std::string> table[] = {
      {"complex", "'<c16', complex"},
      {"u8", "'<u8'"},
      {"string", "'<U2', of strings"},
      {"bytes", "'|S2', of byte strings"},
      {"object", "'|O', of Python objects, which are not unpickled"},
      {"date", "'<M8[D]', of dates"},
      {"longdouble", "'<f16'"},
  };
  for (const auto& [name, text] : table) EXPECT_EQ(load_fault(data + "bad_" + name + ".npy"), at + text + wanted);
  EXPECT_EQ(load_fault(data + "bad_structured.npy"), at + "structured; wanted numbers or booleans");
  const Folder folder;
  for (const std::string descr : {"''", "'<'", "'|f8'", "'<<f8'", "'<f88'", "'b2'", "'<f8\\n'"}) {
    put(folder / "a.npy", npy(dictionary("(2,)", descr), std::string(16, '\0')));
    EXPECT_EQ(load_fault(folder / "a.npy").substr(0, at.size()), at) << descr;
  }
}

TEST(Npy, OnlyRegularFiles) {
  const Folder folder;
  EXPECT_EQ(load_fault(folder / "none.npy"), "cannot be opened: No such file or directory");
  EXPECT_EQ(load_fault(folder.path), "is a directory, not a file");
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(load_fault(folder / "pipe"), "is a pipe, not a file");
  EXPECT_EQ(load_fault("/dev/zero"), "is a device, not a file");
  EXPECT_EQ(fault("load_npy: ", [] { load_npy(""); }), "the path is empty");
  EXPECT_EQ(fault("load_npy: ", [] { load_npy(std::string("a\0b", 3)); }), "a\\x00b: the path has a zero byte");
  const std::string start = "save_npy: ";
  EXPECT_EQ(fault(start, [&] { save_npy(folder.path, array(1.0)); }), folder.path + ": is a directory, not a file");
  EXPECT_EQ(fault(start, [&] { save_npy(folder / "pipe", array(1.0)); }), folder / "pipe: is a pipe, not a file");
  EXPECT_EQ(fault(start, [&] { save_npy("/dev/full", array(1.0)); }), "/dev/full: is a device, not a file");
}

TEST(Npy, MemoryLimit) {
  EXPECT_EQ(load_fault(data + "f8.npy", {.max_bytes = 47}),
            "float64(2, 3) takes 48 bytes of memory, more than the limit of 47");
  EXPECT_EQ(load_npy(data + "f8.npy", {.max_bytes = 48}).size(), 6);
  EXPECT_EQ(load_fault(data + "u1.npy", {.max_bytes = 6}),
            "uint8(2, 3) takes 24 bytes of memory, more than the limit of 6");
  EXPECT_EQ(load_fault(data + "fortran.npy", {.max_bytes = 200}),
            "float64(2, 3, 4) takes 192 bytes of memory, twice while it is put in order, more than the limit of 200");
}

TEST(Npy, RoundTrips) {
  const Folder folder;
  const std::string path = folder / "a.npy";
  const double inf = std::numeric_limits<double>::infinity();
  std::vector<Array> arrays = {array(2.5),
                               array(true),
                               array({1.0f, -0.0f}),
                               array({{1, 2, 3}, {4, 5, 6}}),
                               array({inf, -inf, 5e-324}),
                               array(std::int32_t{7}),
                               from_data<double>(nullptr, {0, 3})};
  arrays.push_back(from_data(std::vector<double>(1000, 0.1).data(), {10, 1, 100}));
  for (const Array& a : arrays) {
    save_npy(path, a);
    const std::string bytes = get(path);
    EXPECT_EQ((bytes.size() - static_cast<std::size_t>(a.size()) * item_size(a.dtype())) % 64, 0u);
    const Array b = load_npy(path);
    EXPECT_EQ(b.aval(), (Aval{a.shape(), a.dtype(), false}));
    EXPECT_TRUE(a.size() == 0 ||
                std::memcmp(a.raw(), b.raw(), static_cast<std::size_t>(a.size()) * item_size(a.dtype())) == 0);
  }
  EXPECT_EQ(folder.files(), 1u);
  EXPECT_THROW(save_npy(path, Array()), ValueError);
}

// What NumPy would have written, to the byte.
TEST(Npy, BytesAsNumPys) {
  const Folder folder;
  for (const char* name : {"f4", "f8", "i4", "i8", "b1", "scalar", "empty"}) {
    save_npy(folder / "a.npy", load_npy(data + name + ".npy"));
    EXPECT_EQ(get(folder / "a.npy"), get(data + name + ".npy")) << name;
  }
}

struct Comma : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

TEST(Npy, TheLocaleChangesNothing) {
  const Folder folder;
  const std::locale before = std::locale::global(std::locale(std::locale::classic(), new Comma));
  save_npy(folder / "a.npy", from_data(std::vector<float>(12345).data(), {12345}));
  const Array a = load_npy(folder / "a.npy");
  std::locale::global(before);
  EXPECT_EQ(a.shape(), Shape{12345});
  EXPECT_NE(get(folder / "a.npy").find("'shape': (12345,)"), std::string::npos);
}

// Limits the size of files that this process writes.
struct FileSizeLimit {
  explicit FileSizeLimit(rlim_t bytes) {
    handler = std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before);
    const rlimit now{bytes, before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &now);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
  }
  rlimit before{};
  void (*handler)(int);
};

TEST(Npy, AFailedSaveLeavesTheOldFile) {
  const Folder folder;
  const std::string path = folder / "a.npy";
  save_npy(path, array(2.5));
  const std::string old = get(path);
  const Array large = from_data(std::vector<double>(10000).data(), {10000});
  std::string message;
  {
    const FileSizeLimit limit(4096);
    message = fault("save_npy: " + path + ": ", [&] { save_npy(path, large); });
    EXPECT_THROW(save_npz(folder / "new.npz", {{"a", large}}), FileError);
  }
  EXPECT_EQ(message, "writing failed: File too large");
  EXPECT_EQ(get(path), old);
  EXPECT_EQ(folder.files(), 1u);
  EXPECT_EQ(fault("save_npy: ", [&] { save_npy(folder / "no/a.npy", large); }),
            folder / "no/a.npy: cannot be written: No such file or directory");
}

TEST(Npy, SavingKeepsModesAndLinks) {
  const Folder folder;
  save_npy(folder / "a.npy", array(1.0));
  fs::permissions(folder / "a.npy", fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink("a.npy", folder / "link.npy");
  save_npy(folder / "link.npy", array(2.0));
  EXPECT_TRUE(fs::is_symlink(folder / "link.npy"));
  EXPECT_EQ(load_npy(folder / "a.npy").item(), 2.0);
  EXPECT_EQ(fs::status(folder / "a.npy").permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

// ---- .npz --------------------------------------------------------------------------------------------------------------

std::string load_npz_fault(const std::string& path, const LoadOptions& options = {}) {
  return fault("load_npz: " + path + ": ", [&] { load_npz(path, options); });
}

TEST(Npz, StoredAndDeflated) {
  const auto stored = load_npz(data + "stored.npz");
  ASSERT_EQ(stored.size(), 3u);
  EXPECT_EQ(stored.at("W").shape(), (Shape{2, 3, 4}));
  EXPECT_EQ(stored.at("b").to_vector<int>(), (std::vector<int>{-1, 0, 1, 9, 10, 11}));
  EXPECT_EQ(stored.at("a name").to_vector<int>(), std::vector<int>{1});
  const auto deflated = load_npz(data + "deflated.npz");
  EXPECT_EQ(deflated.at("W").to_vector<double>(), stored.at("W").to_vector<double>());
  EXPECT_EQ(deflated.at("zeros").size(), 3000);
  EXPECT_EQ(load_npz(data + "stored.npz", "b").dtype(), int64);
  EXPECT_EQ(load_npz(data + "stored.npz", "b.npy").shape(), (Shape{2, 3}));
  EXPECT_EQ(fault("load_npz: " + data + "stored.npz: ", [] { load_npz(data + "stored.npz", "c"); }),
            "there is no member 'c'; there is 'W', 'b', 'a name'");
}

TEST(Npz, RoundTrip) {
  const Folder folder;
  const std::map<std::string, Array> arrays = {
      {"x", array({1.5, 2.5})}, {"naïve/é", array({true, false})}, {"", array(3)}};
  save_npz(folder / "a.npz", arrays);
  const auto back = load_npz(folder / "a.npz");
  ASSERT_EQ(back.size(), 3u);
  for (const auto& [name, a] : arrays) {
    EXPECT_EQ(back.at(name).dtype(), a.dtype());
    EXPECT_EQ(back.at(name).to_vector<double>(), a.to_vector<double>());
  }
  save_npz(folder / "none.npz", {});
  EXPECT_EQ(load_npz(folder / "none.npz").size(), 0u);
  EXPECT_THROW(save_npz(folder / "b.npz", {{"a", Array()}}), ValueError);
  EXPECT_EQ(folder.files(), 2u);
}

TEST(Npz, Limits) {
  EXPECT_EQ(load_npz_fault(data + "deflated.npz", {.max_bytes = 24191}),
            "the member 'zeros': float64(3000,) takes 24000 bytes of memory, more than the limit of 23999");
  EXPECT_EQ(load_npz(data + "deflated.npz", {.max_bytes = 24192}).size(), 2u);
}

// Finds `bytes` in a file and writes others over them: of `which` occurrences the last (-1) or the first (0).
void patch(std::string& file, const std::string& bytes, const std::string& others, bool last) {
  const std::size_t at = last ? file.rfind(bytes) : file.find(bytes);
  ASSERT_NE(at, std::string::npos);
  file.replace(at, others.size(), others);
}
std::string little(std::uint32_t v) {
  std::string out;
  for (int k = 0; k < 4; ++k) out += static_cast<char>(v >> 8 * k & 255);
  return out;
}

TEST(Npz, Damage) {
  const Folder folder;
  const std::string path = folder / "a.npz", good = get(data + "deflated.npz"), stored = get(data + "stored.npz");
  put(path, "");
  EXPECT_THROW(load_npz(path), FileError);
  put(path, "not a zip file");
  EXPECT_EQ(load_npz_fault(path).substr(0, 19), "not a .npz file: No");
  for (std::size_t n = 1; n < good.size(); n += 7) {
    put(path, good.substr(0, n));
    EXPECT_THROW(load_npz(path), FileError) << n;
  }
  // Any byte turned over: an error or, where the byte means nothing here, the arrays; never anything else.
  for (std::size_t n = 0; n < good.size(); ++n) {
    std::string bytes = good;
    bytes[n] = static_cast<char>(~bytes[n]);
    put(path, bytes);
    try {
      load_npz(path);
    } catch (const FileError&) {}
  }
  // A member that has changed by one bit: the checksum tells.
  std::string bytes = stored;
  patch(bytes, std::string("\0\0\0\0\0\0\x24\x40", 8), std::string("\0\0\0\0\0\0\x25\x40", 8), false);
  put(path, bytes);
  EXPECT_NE(load_npz_fault(path).find("CRC"), std::string::npos);

  EXPECT_EQ(load_npz_fault(folder.path), "is a directory, not a file");
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(load_npz_fault(folder / "pipe"), "is a pipe, not a file");
}

TEST(Npz, AMembersSizeIsCheckedBeforeItIsUnpacked) {
  const Folder folder;
  const std::string path = folder / "a.npz";
  // 24128 bytes, of which the directory now says that they are 10^9.
  std::string bytes = get(data + "deflated.npz");
  patch(bytes, little(24128), little(1000000000), true);
  patch(bytes, little(24128), little(1000000000), false);
  put(path, bytes);
  EXPECT_EQ(load_npz_fault(path).substr(0, 51), "the member 'zeros': cannot have 1000000000 bytes: o");
  // A size that could be, but is not what the header says.
  bytes = get(data + "deflated.npz");
  while (bytes.find(little(24128)) != std::string::npos) patch(bytes, little(24128), little(24136), false);
  put(path, bytes);
  EXPECT_EQ(load_npz_fault(path),
            "the member 'zeros': the data of float64(3000,) take 24000 bytes from byte 128, there are 24008");
}

TEST(Npz, MembersThatAreNoArrays) {
  const Folder folder;
  save_npz(folder / "a.npz", {{"x", array(1.0)}, {"y", array(2.0)}});
  std::string bytes = get(folder / "a.npz");
  for (int k = 0; k < 2; ++k) patch(bytes, "y.npy", "y.txt", k == 1);
  put(folder / "b.npz", bytes);
  EXPECT_EQ(load_npz_fault(folder / "b.npz"), "the member 'y.txt' is not an array, its name not ending in .npy");
  EXPECT_EQ(load_npz(folder / "b.npz", "x").item(), 1.0);
  bytes = get(folder / "a.npz");
  for (int k = 0; k < 2; ++k) patch(bytes, "y.npy", "x.npy", k == 1);
  put(folder / "c.npz", bytes);
  EXPECT_EQ(load_npz_fault(folder / "c.npz").substr(0, 16), "not a .npz file:");
}

TEST(File, Escapes) {
  EXPECT_EQ(io::escaped("a\nb\\c\x7f"), "a\\x0ab\\\\c\\x7f");
  EXPECT_EQ(io::escaped(std::string(100, 'x'), 3), "xxx...");
}

TEST(File, ReadsAndWrites) {
  const Folder folder;
  io::write_file(folder / "a", {"one ", "two"}, "test");
  EXPECT_EQ(io::read_file(folder / "a", "test"), "one two");
  EXPECT_EQ(fault("test: ", [&] { io::read_file(folder / "a", "test", 6); }),
            folder / "a: has 7 bytes, more than the limit of 6");
}

}  // namespace dini::npy_test
