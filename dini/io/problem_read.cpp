#include "dini/io/problem_read.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <limits>

#include "dini/formula/text.hpp"
#include "dini/io/npy.hpp"
#include "dini/ops/promote.hpp"

namespace dini::problem_reader {

void fail(const std::string& key, const std::string& why) { throw ProblemError(text::in_quotes(key) + ": " + why); }

std::string shown(double v) {
  char out[32];
  return std::string(out, std::to_chars(out, out + sizeof out, v).ptr);
}

void check_keys(const ProblemValue& object, const std::vector<std::string>& known, const std::string& where) {
  for (const auto& [key, value] : object.get<ProblemValue::Object>()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      throw ProblemError((where.empty() ? "" : text::in_quotes(where) + ": ") + "unknown key " + text::in_quotes(key) +
                         text::nearest_hint(key, known));
    }
  }
}

std::size_t read_choice(const ProblemValue& value, const std::string& key, const std::vector<std::string>& choices) {
  if (!value.holds<std::string>()) fail(key, std::string("text is wanted, got ") + value.kind());
  const auto found = std::find(choices.begin(), choices.end(), value.get<std::string>());
  if (found == choices.end()) {
    fail(key, "there is no " + text::in_quotes(value.get<std::string>()) + "; there are " + text::listed(choices));
  }
  return static_cast<std::size_t>(found - choices.begin());
}

namespace {

// Collects the numbers of nested lists, which must all be of one shape.
class Collector {
 public:
  Collector(const std::string& key, bool bools) : key_(key), bools_(bools) {}

  void collect(const ProblemValue& value) {
    for (const ProblemValue* v = &value; v->holds<ProblemValue::List>();) {
      const ProblemValue::List& list = v->get<ProblemValue::List>();
      if (lengths_.size() == static_cast<std::size_t>(Shape::max_ndim)) {
        fail(key_, "more than " + std::to_string(Shape::max_ndim) + " axes");
      }
      lengths_.push_back(static_cast<std::int64_t>(list.size()));
      if (list.empty()) break;
      v = &list.front();
    }
    add(value, 0);
  }

  Shape shape() const { return Shape(lengths_); }
  const std::vector<const ProblemValue*>& leaves() const { return leaves_; }

 private:
  void add(const ProblemValue& value, std::size_t axis) {
    if (axis == lengths_.size()) {
      if (value.holds<ProblemValue::List>()) ragged(axis);
      if (!value.is_number() && !(bools_ && value.holds<bool>())) {
        fail(key_,
             std::string(bools_ ? "numbers or bools are wanted, got " : "numbers are wanted, got ") + value.kind());
      }
      leaves_.push_back(&value);
      return;
    }
    if (!value.holds<ProblemValue::List>()) {
      if (!value.is_number() && !value.holds<bool>())
        fail(key_, std::string("numbers are wanted, got ") + value.kind());
      ragged(axis);
    }
    const ProblemValue::List& list = value.get<ProblemValue::List>();
    if (static_cast<std::int64_t>(list.size()) != lengths_[axis]) {
      fail(key_, "ragged: a row of axis " + std::to_string(axis) + " has length " + std::to_string(list.size()) +
                     ", the first one has " + std::to_string(lengths_[axis]));
    }
    for (const ProblemValue& v : list) add(v, axis + 1);
  }
  [[noreturn]] void ragged(std::size_t axis) const {
    fail(key_, "ragged: numbers and lists stand side by side along axis " + std::to_string(axis == 0 ? 0 : axis - 1));
  }

  const std::string& key_;
  bool bools_;
  std::vector<std::int64_t> lengths_;
  std::vector<const ProblemValue*> leaves_;
};

template <class T> Array numbers(const Collector& c, const std::string& key) {
  void* memory;
  Array out = allocate({c.shape(), dtype_of<T>(), false}, &memory);
  T* to = static_cast<T*>(memory);
  for (const ProblemValue* v : c.leaves()) {
    if constexpr (std::is_same_v<T, bool>) {
      if (!v->holds<bool>()) fail(key, std::string("bools are wanted, got ") + v->kind());
      *to++ = v->get<bool>();
    } else if constexpr (std::is_integral_v<T>) {
      const bool whole = v->holds<std::int64_t>() || std::floor(v->number()) == v->number();
      const double d = v->number();
      if (!whole || d < static_cast<double>(std::numeric_limits<T>::min()) ||
          d >= -static_cast<double>(std::numeric_limits<T>::min())) {
        fail(key, shown(d) + " is no number of dtype " + dini::name(dtype_of<T>()));
      }
      *to++ = v->holds<std::int64_t>() ? static_cast<T>(v->get<std::int64_t>()) : static_cast<T>(d);
    } else {
      const double d = v->number();
      const T t = static_cast<T>(d);
      if (std::isfinite(d) && !std::isfinite(t))
        fail(key, shown(d) + " is larger than a " + dini::name(dtype_of<T>()) + " can be");
      *to++ = t;
    }
  }
  return out;
}

Array read_numbers(const ProblemValue& value, const std::string& key, Dtype dtype) {
  Collector c(key, dtype == Dtype::bool_);
  c.collect(value);
  return visit_dtype(dtype, [&]<class T>() { return numbers<T>(c, key); });
}

Array read_array_file(const ProblemValue& value, const std::string& key, const Source& source) {
  check_keys(value, {"file", "key"}, key);
  const ProblemValue& file = *value.find("file");
  if (!file.holds<std::string>()) fail(key + ".file", std::string("a path is wanted, got ") + file.kind());
  const std::string& name = file.get<std::string>();
  if (name.empty() || name.find('\0') != std::string::npos)
    fail(key + ".file", "this is no path: " + text::in_quotes(name));
  const std::string path = (std::filesystem::path(source.folder) / name).string();
  const ProblemValue* member = value.find("key");
  if (path.ends_with(".npz")) {
    if (!member) fail(key, "a .npz file wants a `key`");
    if (!member->holds<std::string>()) fail(key + ".key", std::string("text is wanted, got ") + member->kind());
    return load_npz(path, member->get<std::string>(), {source.max_bytes});
  }
  if (member) fail(key, "only a .npz file has a `key`, and " + text::in_quotes(name) + " does not end in .npz");
  return load_npy(path, {source.max_bytes});
}

}  // namespace

Array read_array(const ProblemValue& value, const std::string& key, Dtype dtype, const Source& source) {
  if (!value.holds<ProblemValue::Object>()) return read_numbers(value, key, dtype);
  if (value.find("file")) {
    Array a = read_array_file(value, key, source);
    return is_floating(a.dtype()) ? astype(a, dtype) : a;
  }
  check_keys(value, {"value", "dtype", "file", "key"}, key);
  const ProblemValue* numbers = value.find("value");
  if (!numbers) fail(key, "the object has neither `value` nor `file`");
  if (value.find("key")) fail(key, "`key` belongs to a `file`");
  Dtype own = dtype;
  if (const ProblemValue* d = value.find("dtype")) {
    const Dtype all[] = {Dtype::bool_, Dtype::int32, Dtype::int64, Dtype::float32, Dtype::float64};
    own = all[read_choice(*d, key + ".dtype", {"bool", "int32", "int64", "float32", "float64"})];
  }
  const Array a = read_numbers(*numbers, key, own);
  return is_floating(own) ? astype(a, dtype) : a;
}

}  // namespace dini::problem_reader
