#include "dini/io/npy_stream.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include "dini/io/file.hpp"

namespace dini::io {

namespace npy_bytes {

constexpr std::string_view magic = "\x93NUMPY";

// Raw bits of a float16.
struct Half {
  std::uint16_t bits;
};

float widened(Half h) {
  const std::uint32_t sign = static_cast<std::uint32_t>(h.bits & 0x8000u) << 16;
  const std::uint32_t exponent = h.bits >> 10 & 31u, fraction = h.bits & 1023u;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7F800000u | fraction << 13);
  if (exponent == 0) {
    const float size = static_cast<float>(fraction) * 0x1p-24f;
    return sign ? -size : size;
  }
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
}

// Calls f.template operator()<Stored, Kept>(): the C++ types of an element in the file and of one in an Array.
template <class F> decltype(auto) visit_type(NpyType type, F&& f) {
  switch (type) {
    case NpyType::b1: return f.template operator()<std::uint8_t, bool>();
    case NpyType::i1: return f.template operator()<std::int8_t, std::int32_t>();
    case NpyType::i2: return f.template operator()<std::int16_t, std::int32_t>();
    case NpyType::i4: return f.template operator()<std::int32_t, std::int32_t>();
    case NpyType::i8: return f.template operator()<std::int64_t, std::int64_t>();
    case NpyType::u1: return f.template operator()<std::uint8_t, std::int32_t>();
    case NpyType::u2: return f.template operator()<std::uint16_t, std::int32_t>();
    case NpyType::u4: return f.template operator()<std::uint32_t, std::int64_t>();
    case NpyType::f2: return f.template operator()<Half, float>();
    case NpyType::f4: return f.template operator()<float, float>();
    default: return f.template operator()<double, double>();
  }
}

template <class S> S swapped_bytes(S value) {
  unsigned char bytes[sizeof(S)];
  std::memcpy(bytes, &value, sizeof(S));
  std::reverse(bytes, bytes + sizeof(S));
  std::memcpy(&value, bytes, sizeof(S));
  return value;
}

template <class S, class T> T converted(S value) {
  if constexpr (std::is_same_v<S, Half>)
    return widened(value);
  else if constexpr (std::is_same_v<T, bool>)
    return value != 0;
  else
    return static_cast<T>(value);
}

// Elements in the order of the file.
template <class S, class T> void read_elements(const NpySource& source, bool swapped, std::int64_t count, T* out) {
  std::vector<S> chunk(static_cast<std::size_t>(std::min<std::int64_t>(count, 8192)));
  for (std::int64_t done = 0; done < count;) {
    const std::int64_t n = std::min<std::int64_t>(count - done, static_cast<std::int64_t>(chunk.size()));
    const bool direct = std::is_same_v<S, T> && !swapped;
    const std::int64_t wanted =
        direct ? (count - done) * static_cast<std::int64_t>(sizeof(S)) : n * static_cast<std::int64_t>(sizeof(S));
    const std::int64_t got = source.read(direct ? static_cast<void*>(out + done) : chunk.data(), wanted);
    if (got != wanted) {
      source.fail("the data end early: expected " + std::to_string(wanted) + " more bytes, got " + std::to_string(got));
    }
    if (direct) return;
    for (std::int64_t i = 0; i < n; ++i) {
      const S value = chunk[static_cast<std::size_t>(i)];
      out[done + i] = converted<S, T>(swapped ? swapped_bytes(value) : value);
    }
    done += n;
  }
}

// The elements of a file in Fortran order, where the first index runs fastest, in ours.
template <class T> void from_fortran(const T* from, T* to, const Shape& shape) {
  const int ndim = shape.ndim();
  std::vector<std::int64_t> stride(static_cast<std::size_t>(ndim)), index(static_cast<std::size_t>(ndim), 0);
  std::int64_t step = 1;
  for (int k = 0; k < ndim; ++k) stride[static_cast<std::size_t>(k)] = step, step *= shape[k];
  std::int64_t at = 0;
  for (std::int64_t i = 0; i < shape.size(); ++i) {
    to[i] = from[at];
    for (int k = ndim - 1; k >= 0; --k) {
      const auto u = static_cast<std::size_t>(k);
      at += stride[u];
      if (++index[u] < shape[k]) break;
      at -= stride[u] * shape[k];
      index[u] = 0;
    }
  }
}

std::string type_name(NpyType type) {
  static constexpr const char* names[] = {"bool",   "int8",   "int16",   "int32",   "int64",  "uint8",
                                          "uint16", "uint32", "float16", "float32", "float64"};
  return names[static_cast<int>(type)];
}

}  // namespace npy_bytes

Array read_npy(const NpySource& source, std::int64_t max_bytes) {
  std::int64_t offset = 0;
  const auto read = [&](void* to, std::int64_t count, const char* what) {
    const std::int64_t got = source.read(to, count);
    if (got != count) {
      source.fail(std::string(what) + " is cut off: expected " + std::to_string(count) + " bytes at byte " +
                  std::to_string(offset) + ", got " + std::to_string(got));
    }
    offset += count;
  };
  char start[8];
  const std::int64_t there = source.read(start, 8);
  if (there < 6 || std::string_view(start, 6) != npy_bytes::magic) {
    source.fail("not a .npy file: expected \\x93NUMPY at byte 0, got '" +
                escaped({start, static_cast<std::size_t>(std::clamp<std::int64_t>(there, 0, 6))}) + "'");
  }
  if (there < 8) source.fail("the version is cut off: expected 2 bytes at byte 6, got " + std::to_string(there - 6));
  offset = 8;
  const int version = static_cast<unsigned char>(start[6]), minor = static_cast<unsigned char>(start[7]);
  if (version < 1 || version > 3 || minor != 0) {
    source.fail("expected version 1.0, 2.0 or 3.0 at byte 6, got " + std::to_string(version) + "." +
                std::to_string(minor));
  }
  unsigned char digits[4] = {};
  read(digits, version == 1 ? 2 : 4, "the header's length");
  const std::int64_t length = digits[0] | digits[1] << 8 | static_cast<std::int64_t>(digits[2]) << 16 |
                              static_cast<std::int64_t>(digits[3]) << 24;
  if (length > source.size - offset) {
    source.fail("the header is cut off: expected " + std::to_string(length) + " bytes at byte " +
                std::to_string(offset) + ", there are " + std::to_string(source.size - offset));
  }
  // Three keys and at most 16 lengths are never more; structured dtypes may be, and are refused anyway.
  if (constexpr std::int64_t longest = 65536; length > longest) {
    source.fail("the header at byte " + std::to_string(offset) + " has " + std::to_string(length) +
                " bytes, expected at most " + std::to_string(longest));
  }
  std::string text(static_cast<std::size_t>(length), '\0');
  const std::int64_t header_at = offset;
  read(text.data(), length, "the header");
  NpyHeader header;
  try {
    header = parse_npy_header(text);
  } catch (const NpyHeaderError& e) {
    source.fail("byte " + std::to_string(header_at + static_cast<std::int64_t>(e.position)) +
                ", in the header: " + e.message);
  }

  return npy_bytes::visit_type(header.type, [&]<class S, class T>() {
    const std::int64_t count = header.shape.size(), left = source.size - offset;
    std::int64_t stored = 0, kept = 0;
    const bool fits = !__builtin_mul_overflow(count, static_cast<std::int64_t>(sizeof(S)), &stored) &&
                      !__builtin_mul_overflow(count, static_cast<std::int64_t>(sizeof(T)), &kept);
    const std::string what = npy_bytes::type_name(header.type) + header.shape.str();
    if (!fits) source.fail("the data of " + what + " are larger than any file");
    if (left != stored) {
      source.fail("the data of " + what + " take " + std::to_string(stored) + " bytes from byte " +
                  std::to_string(offset) + ", there are " + std::to_string(left));
    }
    const bool permute = header.fortran && header.shape.ndim() > 1 && count > 0;
    if (kept > max_bytes / (permute ? 2 : 1)) {
      source.fail(what + " takes " + std::to_string(kept) + " bytes of memory" +
                  (permute ? ", twice while it is put in order" : "") + ", more than the limit of " +
                  std::to_string(max_bytes));
    }
    const Aval aval{header.shape, dtype_of<T>(), false};
    void* memory;
    Array out = allocate(aval, &memory);
    npy_bytes::read_elements<S, T>(source, header.swapped, count, static_cast<T*>(memory));
    if (permute) {
      void* ordered;
      Array in_order = allocate(aval, &ordered);
      npy_bytes::from_fortran(static_cast<const T*>(memory), static_cast<T*>(ordered), header.shape);
      out = in_order;
    }
    // The end may have moved, and an archive's checksum is looked at there.
    char more;
    if (source.read(&more, 1) != 0) source.fail("more data follow those of " + what);
    return out;
  });
}

std::string npy_prelude(const Aval& aval) {
  static constexpr const char* types[] = {"b1", "i4", "i8", "f4", "f8"};
  constexpr char order = std::endian::native == std::endian::little ? '<' : '>';
  std::string text = std::string("{'descr': '") + (aval.dtype == Dtype::bool_ ? '|' : order) +
                     types[static_cast<int>(aval.dtype)] + "', 'fortran_order': False, 'shape': " + aval.shape.str() +
                     ", }";
  // The data begin at a multiple of 64 bytes.
  const std::size_t before = npy_bytes::magic.size() + 4;
  text.append(63 - (before + text.size()) % 64, ' ');
  text += '\n';
  std::string out(npy_bytes::magic);
  out += {'\1', '\0', static_cast<char>(text.size() & 255), static_cast<char>(text.size() >> 8)};
  return out + text;
}

std::string_view npy_data(const Array& a) {
  return {static_cast<const char*>(a.raw()), static_cast<std::size_t>(a.size()) * item_size(a.dtype())};
}

}  // namespace dini::io
