// What a user's derivative rule returns, held against what it should.
#include "dini/ops/promote.hpp"
#include "dini/transforms/custom.hpp"

namespace dini::detail {

void throw_rule_arity(const char* what, std::size_t got, std::size_t wanted) {
  throw ShapeError(std::string(what) + " returned " + std::to_string(got) + " cotangents, expected " +
                   std::to_string(wanted) + ", one for each differentiable argument (`none` for no derivative)");
}

Leaves check_rule_leaves(const Leaves& given, const std::vector<Aval>& wanted, std::size_t argument, const char* what) {
  const std::string where = std::string(what) + ": for argument " + std::to_string(argument) + " ";
  if (given.size() != wanted.size()) {
    throw ShapeError(where + "got " + std::to_string(given.size()) + " arrays, expected " +
                     std::to_string(wanted.size()));
  }
  Leaves out = given;
  for (std::size_t k = 0; k < given.size(); ++k) {
    if (!out[k].defined()) continue;
    if (out[k].weak() && out[k].dtype() != wanted[k].dtype) out[k] = astype(out[k], wanted[k].dtype);
    if (!is_floating(wanted[k].dtype)) {
      out[k] = Array();
      continue;
    }
    if (out[k].shape() != wanted[k].shape) {
      throw ShapeError(where + "got shape " + out[k].shape().str() + ", expected " + wanted[k].shape.str());
    }
    if (out[k].dtype() != wanted[k].dtype) {
      throw DtypeError(where + "got dtype " + name(out[k].dtype()) + ", expected " + name(wanted[k].dtype));
    }
  }
  return out;
}

void KnownOutputs::check(const ErasedFunction& function, const Leaves& inputs, const Leaves& given, const char* what) {
  require_assigned(given, what, "value");
  const std::vector<Aval> in = avals_of_leaves(inputs);
  auto alike = [&](const std::vector<Aval>& wanted) {
    return std::equal(given.begin(), given.end(), wanted.begin(), wanted.end(),
                      [](const Array& a, const Aval& w) { return a.shape() == w.shape && a.dtype() == w.dtype; });
  };
  {
    std::lock_guard lock(mutex_);
    for (const auto& [i, o] : seen_) {
      if (i == in && alike(o)) return;
    }
  }
  std::vector<Aval> wanted;
  try {
    wanted = stage(function, in, "custom").program->output_avals();
  } catch (const TraceError&) {  // a function that needs values (it branches on them) is run
    wanted = avals_of_leaves(function(inputs));
  }
  if (given.size() != wanted.size()) {
    throw ShapeError(std::string(what) + " returned " + std::to_string(given.size()) +
                     " arrays, the function returns " + std::to_string(wanted.size()));
  }
  for (std::size_t k = 0; k < given.size(); ++k) {
    if (given[k].shape() == wanted[k].shape && given[k].dtype() == wanted[k].dtype) continue;
    throw ShapeError(std::string(what) + ": output " + std::to_string(k) + " is " + given[k].aval().str() +
                     ", that of the function " + wanted[k].str());
  }
  std::lock_guard lock(mutex_);
  seen_.emplace_back(in, wanted);
}

}  // namespace dini::detail
