#include "table.hpp"

#include <charconv>

namespace pydini::table {

const char* keep(std::string text) {
  static auto* texts = new std::deque<std::string>;
  texts->push_back(std::move(text));
  return texts->back().c_str();
}

namespace {

nb::object value_of(std::string_view text) {
  if (text == "None") return nb::none();
  if (text == "True" || text == "False") return nb::bool_(text == "True");
  if (text == "()") return nb::make_tuple();
  if (text.front() == '"') return nb::str(text.data() + 1, text.size() - 2);
  std::int64_t whole = 0;
  const auto end = text.data() + text.size();
  if (const auto r = std::from_chars(text.data(), end, whole); r.ec == std::errc() && r.ptr == end)
    return nb::int_(whole);
  double v = 0;
  if (const auto r = std::from_chars(text.data(), end, v); r.ec == std::errc() && r.ptr == end) return nb::float_(v);
  throw std::logic_error("a function's default is not understood: " + std::string(text));
}

}  // namespace

Parsed parse(std::string_view signature) {
  Parsed p;
  const std::size_t open = signature.find('(');
  p.name = keep(std::string(signature.substr(0, open)));
  std::string_view rest = signature.substr(open + 1, signature.size() - open - 2);
  while (!rest.empty()) {
    const std::size_t comma = rest.find(", ");
    const std::string_view one = rest.substr(0, comma);
    const std::size_t sign = one.find('=');
    p.names.push_back(keep(std::string(one.substr(0, sign))));
    p.texts.emplace_back(sign == std::string_view::npos ? "" : one.substr(sign + 1));
    p.defaults.push_back(p.texts.back().empty() ? nb::object() : value_of(p.texts.back()));
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 2);
  }
  return p;
}

const char* stub(const Parsed& p, const std::vector<const char*>& hints, const char* result, bool method) {
  std::string out = std::string("def ") + p.name + "(";
  for (std::size_t k = 0; k < p.names.size(); ++k) {
    if (k) out += ", ";
    if (k == 0 && method) {
      out += "self";
      continue;
    }
    out += std::string(p.names[k]) + ": " + hints.at(k);
    if (!p.texts[k].empty()) out += " = " + p.texts[k];
  }
  return keep(out + ") -> " + result);
}

nb::object To<Named>::make(const Named& n) {
  static auto* types = new nb::dict;
  nb::object key = nb::steal(PyUnicode_FromString(n.type));
  PyObject* found = PyDict_GetItem(types->ptr(), key.ptr());
  if (!found) {
    std::string names = n.type;
    const std::size_t open = names.find('(');
    nb::object type = nb::module_::import_("collections")
                          .attr("namedtuple")(names.substr(0, open), names.substr(open + 1, names.size() - open - 2));
    type.attr("__module__") = "dini";
    (*types)[key] = type;
    found = PyDict_GetItem(types->ptr(), key.ptr());
  }
  std::vector<nb::object> members;
  for (const Array& a : n.members) members.push_back(from_array(a));
  return call_python(found, tuple_of(members));
}

template <> const char* const From<std::optional<std::int64_t>>::hint = "int | None";
template <> const char* const From<std::optional<int>>::hint = "int | None";
template <> const char* const From<std::optional<double>>::hint = "float | None";
template <> const char* const From<std::optional<Dtype>>::hint = "DTypeLike | None";
template <> const char* const From<std::optional<dini::Axes>>::hint = "int | Sequence[int] | None";
template <> const char* const From<std::optional<AxisList>>::hint = "int | Sequence[int] | None";
template <> const char* const From<std::optional<Lengths>>::hint = "int | Sequence[int] | None";

}  // namespace pydini::table
