// A result as the start of a problem: of the same one with other data, say.
#include <algorithm>
#include <filesystem>

#include "dini/formula/text.hpp"
#include "dini/io/file.hpp"
#include "dini/io/problem_read.hpp"
#include "dini/ops/promote.hpp"

namespace dini::problem_reader {

namespace {

// Without "nan" and "inf".
bool is_finite(const ProblemValue& value) {
  if (!value.holds<ProblemValue::List>()) return value.is_number();
  const ProblemValue::List& list = value.get<ProblemValue::List>();
  return std::all_of(list.begin(), list.end(), is_finite);
}

class StartReader {
 public:
  StartReader(const std::string& name, const Source& source, Problem& p)
      : path_((std::filesystem::path(source.folder) / name).string()), source_(source), p_(p) {}

  void read() {
    ProblemValue result;
    try {
      result = parse_json(io::read_file(path_, "start", max_problem_bytes), text::escaped(path_));
    } catch (const ProblemError& e) { throw FileError(std::string("start: ") + e.what()); }
    const ProblemValue* z = result.find("z");
    if (!z) refuse("it is no result: there is no `z`");
    const ProblemValue* status = result.find("status");
    const bool lanes = status && status->holds<ProblemValue::List>();
    in_lanes(lanes);
    const Array found = numbers(*z, "z");
    if (p_.z0.defined() && (z0_in_lanes_ ? p_.z0.shape().erased(0) : p_.z0.shape()) !=
                               (lanes && found.ndim() > 0 ? found.shape().erased(0) : found.shape())) {
      fail("start",
           "z of " + text::escaped(path_) + " has shape " + found.shape().str() + ", `z0` has " + p_.z0.shape().str());
    }
    p_.z0 = found;
    p_.z0_formula.reset();
    p_.resumed = true;
    if (const ProblemValue* duals = result.find("duals")) multipliers(*duals, lanes);
  }

 private:
  std::string path_;
  const Source& source_;
  Problem& p_;
  bool z0_in_lanes_ = false;

  [[noreturn]] void refuse(const std::string& why) const {
    throw FileError("start: " + text::escaped(path_) + ": " + why);
  }

  Array numbers(const ProblemValue& value, const std::string& key) const {
    if (!is_finite(value)) refuse(text::in_quotes(key) + " is not made of finite numbers");
    try {
      return astype(read_array(value, key, p_.dtype, source_), p_.dtype);
    } catch (const ProblemError& e) { refuse(e.what()); }
  }

  // A result of lanes starts each lane from its own.
  void in_lanes(bool lanes) {
    z0_in_lanes_ = std::find(p_.batch.begin(), p_.batch.end(), "z0") != p_.batch.end();
    if (lanes && p_.batch.empty()) fail("start", text::escaped(path_) + " is of lanes, and the problem has no `batch`");
    if (!lanes && z0_in_lanes_) fail("start", "`batch` has `z0`, and " + text::escaped(path_) + " is not of lanes");
    if (lanes && !z0_in_lanes_) p_.batch.emplace_back("z0");
  }

  // Of all constraints, or none.
  void multipliers(const ProblemValue& duals, bool lanes) {
    Problem::Inputs out;
    for (const auto* rows : {&p_.equalities, &p_.inequalities}) {
      for (const ProblemRows& r : *rows) {
        const ProblemValue* v = duals.find(r.name);
        if (!v || !is_finite(*v)) return;
        const Array a = out[r.name] = numbers(*v, "duals." + r.name);
        if (lanes && (a.ndim() == 0 || a.shape()[0] != p_.z0.shape()[0])) {
          refuse(text::in_quotes("duals." + r.name) + " is not of as many lanes as `z`");
        }
      }
    }
    p_.start_duals = std::move(out);
  }
};

}  // namespace

void read_start(const ProblemValue& contents, const Source& source, Problem& p) {
  const ProblemValue* v = contents.find("start");
  if (!v) return;
  if (!p.kind) fail("start", "nothing is solved for problems of kind `value`");
  const std::string& name = read_text(*v, "start");
  if (name.empty() || name.find('\0') != std::string::npos) fail("start", "this is no path: " + text::in_quotes(name));
  StartReader(name, source, p).read();
}

}  // namespace dini::problem_reader
