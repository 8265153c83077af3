#include "apps/dini/output.hpp"

#include <string>
#include <utility>

#include "apps/dini/report.hpp"
#include "dini/io/npy_stream.hpp"

namespace dini::app {

namespace {

using Group = std::pair<const char*, ProblemResult::Named ProblemResult::*>;
constexpr Group groups[] = {{"gradient-", &ProblemResult::gradient},
                            {"hessian-", &ProblemResult::hessian},
                            {"jacobian-", &ProblemResult::jacobian},
                            {"dual-", &ProblemResult::duals}};

// A file that an earlier run may have written.
bool is_result(std::string_view name) {
  if (name == "z.npy" || name == "loss.npy" || name == "result.json") return true;
  for (const auto& [prefix, member] : groups) {
    if (name.starts_with(prefix) && name.ends_with(".npy")) return true;
  }
  return false;
}

}  // namespace

Output::Output(const Options& options) : options_(options) {
  for (const auto& [option, path] :
       {std::pair{"--out", &options.out}, {"--history", &options.history}, {"--plot", &options.plot}}) {
    if (*path && (*path)->empty()) throw ProblemError(std::string(option) + ": the path is empty");
  }
  if (options.out) folder_ = std::make_unique<io::OutputFolder>(*options.out, "--out");
}

void Output::write(const ProblemResult& result) {
  if (folder_) {
    const auto add = [&](const std::string& name, const Array& a) {
      if (a.defined()) folder_->write(name + ".npy", {io::npy_prelude(a.aval()), io::npy_data(a)});
    };
    add("z", result.z);
    add("loss", result.loss);
    for (const auto& [prefix, member] : groups) {
      for (const auto& [name, a] : result.*member) add(prefix + name, a);
    }
    folder_->write("result.json", {to_json(result), "\n"});
  }
  if (options_.history) io::write_file(*options_.history, {history_csv(result)}, "--history");
  if (options_.plot) io::write_file(*options_.plot, {history_svg(result)}, "--plot");
  if (folder_) folder_->finish(is_result);
}

}  // namespace dini::app
