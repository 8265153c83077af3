#include "apps/dini/options.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "dini/formula/text.hpp"

namespace dini::app {

namespace {

[[noreturn]] void fail(const std::string& option, const std::string& why) { throw ProblemError(option + ": " + why); }

ProblemValue of_text(std::string s) {
  ProblemValue v;
  v.content = std::move(s);
  return v;
}

std::optional<ProblemValue> as_json(const std::string& s, std::string* why = nullptr) {
  try {
    return parse_json(s, "as JSON");
  } catch (const ProblemError& e) {
    if (why) *why = e.what();
    return {};
  }
}

// Nothing is no path, and stays what it is.
std::string absolute(const std::string& path) { return path.empty() ? path : std::filesystem::absolute(path).string(); }

ProblemValue file_value(const std::string& path, const std::string& key) {
  ProblemValue v;
  ProblemValue::Object object;
  // Absolute, since a problem file's own paths are relative to its folder.
  object.emplace_back("file", of_text(absolute(path)));
  if (!key.empty()) object.emplace_back("key", of_text(key));
  v.content = std::move(object);
  return v;
}

// FILE.npy or FILE.npz:KEY.
std::optional<ProblemValue> as_file(const std::string& s) {
  if (s.ends_with(".npy")) return file_value(s, "");
  const std::size_t colon = s.rfind(".npz:");
  if (colon != std::string::npos && colon + 5 < s.size())
    return file_value(s.substr(0, colon + 4), s.substr(colon + 5));
  return {};
}

void make_absolute(ProblemValue& v) {
  if (!v.holds<ProblemValue::Object>()) return;
  for (auto& [key, value] : v.get<ProblemValue::Object>()) {
    if (key == "file" && value.holds<std::string>()) value.content = absolute(value.get<std::string>());
  }
}

ProblemValue array_value(const std::string& option, const std::string& s) {
  std::string why;
  if (auto v = as_json(s, &why)) {
    make_absolute(*v);
    return *v;
  }
  if (auto v = as_file(s)) return *v;
  fail(option, text::in_quotes(s) + " is neither JSON nor the path of a .npy file or FILE.npz:KEY (" + why + ")");
}

// JSON where it is an object, a list or a number, else text.
ProblemValue method_value(const std::string& option, const std::string& s) {
  const std::size_t first = s.find_first_not_of(" \t\n");
  if (first == std::string::npos || s[first] != '{') return of_text(s);
  std::string why;
  if (auto v = as_json(s, &why)) return *v;
  fail(option, why);
}

ProblemValue number_value(const std::string& option, const std::string& s) {
  std::string why;
  if (auto v = as_json(s, &why)) return *v;
  fail(option, text::in_quotes(s) + " is not a number (" + why + ")");
}

ProblemValue names_value(const std::string& s) {
  ProblemValue v;
  if (s == "true" || s == "false") {
    v.content = s == "true";
    return v;
  }
  ProblemValue::List names;
  for (std::size_t at = 0; at <= s.size() && !s.empty();) {
    const std::size_t comma = std::min(s.find(',', at), s.size());
    names.push_back(of_text(s.substr(at, comma - at)));
    at = comma + 1;
  }
  v.content = std::move(names);
  return v;
}

// As array_value, or else a formula.
ProblemValue formula_or_array(const std::string& s) {
  if (auto v = as_json(s)) {
    make_absolute(*v);
    return *v;
  }
  if (auto file = as_file(s)) return *file;
  ProblemValue v;
  v.content = ProblemValue::Object{{"formula", of_text(s)}};
  return v;
}

// Adds what an option names, each time that it is given, to an object of the problem.
template <class Convert>
void set_named(ProblemValue& contents, const char* key, const std::string& option, const char* form,
               const std::vector<std::string>& given, Convert convert) {
  if (given.empty()) return;
  ProblemValue named;
  named.content = ProblemValue::Object{};
  if (const ProblemValue* old = contents.find(key); old && old->holds<ProblemValue::Object>()) named = *old;
  std::vector<std::string> seen;
  for (const std::string& one : given) {
    const std::size_t sign = one.find('=');
    // The sign of a comparison is none that ends a name.
    const bool compares = sign != std::string::npos && sign > 0 &&
                          (std::strchr("<>!", one[sign - 1]) || (sign + 1 < one.size() && one[sign + 1] == '='));
    if (sign == std::string::npos || sign == 0 || compares) {
      fail(option, text::in_quotes(one) + " is not " + form +
                       (compares ? "; write a name before it: row=" + text::escaped(one) : std::string()));
    }
    const std::string name = one.substr(0, sign);
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
      fail(option, text::in_quotes(name) + " is given twice");
    }
    seen.push_back(name);
    named.set(name, convert(option + " " + text::escaped(name), one.substr(sign + 1)));
  }
  contents.set(key, std::move(named));
}

std::string read_standard_input() {
  std::string out;
  char block[65536];
  while (true) {
    const ssize_t n = ::read(STDIN_FILENO, block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw FileError(std::string("standard input cannot be read: ") + std::strerror(errno));
    if (n == 0) return out;
    out.append(block, static_cast<std::size_t>(n));
    if (static_cast<std::int64_t>(out.size()) > max_problem_bytes) {
      throw ProblemError("standard input: more than " + std::to_string(max_problem_bytes) +
                         " bytes; large arrays belong in .npy files");
    }
  }
}

ProblemValue base_contents(const Options& options) {
  if (options.file == "-") return parse_json(read_standard_input(), "standard input");
  if (!options.file.empty()) return read_problem_file(options.file);
  ProblemValue v;
  v.content = ProblemValue::Object{};
  return v;
}

}  // namespace

std::string problem_folder(const Options& options) {
  return options.file.empty() || options.file == "-" ? "" : std::filesystem::path(options.file).parent_path().string();
}

ProblemValue problem_contents(const Options& options) {
  if (options.formulas.size() > 1) {
    throw ProblemError("--" + options.formulas[0].first + " and --" + options.formulas[1].first +
                       ": a problem has one formula");
  }
  if (options.file.empty() && options.formulas.empty()) {
    throw ProblemError("no problem: give a file, or --root, --fixed-point, --minimize, --least-squares or --value");
  }
  if (!options.file.empty() && !options.formulas.empty()) {
    throw ProblemError("--" + options.formulas[0].first + ": the problem is in the file " +
                       text::in_quotes(options.file) + ", which has a formula of its own");
  }
  ProblemValue contents = base_contents(options);
  if (!contents.holds<ProblemValue::Object>()) return contents;  // make_problem says what is wrong
  if (!options.formulas.empty()) {
    std::string kind = options.formulas[0].first;
    std::replace(kind.begin(), kind.end(), '-', '_');
    contents.set("kind", of_text(kind));
    contents.set("formula", of_text(options.formulas[0].second));
  }
  set_named(contents, "inputs", "--input", "NAME=VALUE", options.inputs, array_value);
  const auto expression = [](const std::string&, const std::string& s) { return of_text(s); };
  set_named(contents, "equalities", "--equality", "NAME=FORMULA", options.equalities, expression);
  set_named(contents, "inequalities", "--inequality", "NAME=FORMULA", options.inequalities, expression);
  const auto set = [&](const char* key, const std::optional<std::string>& option, auto convert) {
    if (option) contents.set(key, convert(*option));
  };
  set("z0", options.z0, formula_or_array);
  set("loss", options.loss, of_text);
  set("gradient", options.gradient, names_value);
  set("hessian", options.hessian, names_value);
  set("jacobian", options.jacobian, names_value);
  set("batch", options.batch, names_value);
  set("dtype", options.dtype, of_text);
  set("solver", options.solver, [](const std::string& s) { return method_value("--solver", s); });
  set("adjoint", options.adjoint, [](const std::string& s) { return method_value("--adjoint", s); });
  set("robust", options.robust, [](const std::string& s) { return method_value("--robust", s); });
  set("tolerance", options.tolerance, [](const std::string& s) { return number_value("--tolerance", s); });
  set("max_steps", options.max_steps, [](const std::string& s) { return number_value("--max-steps", s); });
  set("deadline", options.deadline, [](const std::string& s) { return number_value("--deadline", s); });
  set("lower", options.lower, formula_or_array);
  set("upper", options.upper, formula_or_array);
  set("ties", options.ties, of_text);
  // Absolute, since the problem's own is relative to its folder.
  set("start", options.start, [](const std::string& s) { return of_text(absolute(s)); });
  set("bracket", options.bracket, [](const std::string& s) {
    std::string why;
    if (auto v = as_json(s, &why)) return *v;
    fail("--bracket", text::in_quotes(s) + " is not [a, b] (" + why + ")");
  });
  return contents;
}

std::int64_t memory_limit(const Options& options) {
  if (!options.max_memory) {
    const std::int64_t pages = ::sysconf(_SC_PHYS_PAGES), size = ::sysconf(_SC_PAGE_SIZE);
    return pages > 0 && size > 0 ? pages * size / 2 : std::int64_t{1} << 32;
  }
  const std::string& s = *options.max_memory;
  double number = 0;
  const auto result = std::from_chars(s.data(), s.data() + s.size(), number);
  const std::string unit(result.ptr, s.data() + s.size());
  constexpr std::pair<const char*, double> units[] = {
      {"", 1}, {"K", 1024.0}, {"M", 1048576.0}, {"G", 1073741824.0}, {"T", 1099511627776.0}};
  for (const auto& [name, bytes] : units) {
    if (result.ec == std::errc() && unit == name && number * bytes >= 1 && number * bytes < 9e18) {
      return static_cast<std::int64_t>(number * bytes);
    }
  }
  fail("--max-memory", text::in_quotes(s) + " is not a number of bytes, such as 500000000, 500M or 4G");
}

}  // namespace dini::app
