#include "apps/dini/lanes.hpp"

#include <algorithm>

#include "dini/core/index.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/trace/trace.hpp"
#include "dini/transforms/vmap.hpp"

namespace dini::app {

Array rows_of(const Array& a, const std::vector<std::int64_t>& rows) {
  return take(a, from_data(rows.data(), Shape{static_cast<std::int64_t>(rows.size())}), 0);
}

Problem::Inputs rows_of(const Problem::Inputs& arrays, const std::vector<std::int64_t>& rows) {
  Problem::Inputs out;
  for (const auto& [name, a] : arrays) out[name] = rows_of(a, rows);
  return out;
}

namespace {

Point start_of(const Problem& p, const Array& z0) {
  Point out{{"z", z0}};
  for (const auto& [name, a] : p.start_duals) out["dual_" + name] = a;
  return out;
}

}  // namespace

Lanes::Lanes(const Problem& p) : problem_(&p), shared_(p.inputs) {
  for (const std::string& name : p.batch) {
    if (name == "z0") {
      start_ = start_of(p, p.z0);
      size_ = p.z0.shape()[0];
    } else {
      batched_.insert(shared_.extract(name));
      size_ = batched_.at(name).shape()[0];
    }
  }
}

const Array& Lanes::input(const std::string& name) const {
  const auto found = batched_.find(name);
  return found == batched_.end() ? shared_.at(name) : found->second;
}

Problem::Inputs Lanes::inputs_of(std::int64_t lane) const {
  Problem::Inputs out = shared_;
  for (const auto& [name, a] : batched_) out[name] = a(lane);
  return out;
}

Leaves Lanes::each(const Function& f, const Leaves& more) const {
  const bool together = std::all_of(batched_.begin(), batched_.end(),
                                    [](const auto& entry) { return is_floating(entry.second.dtype()); });
  if (together && size_ > 1) {
    const auto one = [&](const Problem::Inputs& inputs, const Leaves& rows, const Array&) {
      Problem::Inputs all = shared_;
      for (const auto& [name, a] : inputs) all[name] = a;
      return f(all, rows);
    };
    return vmap(one)(batched_, more, arange(size_));  // something has the axis, whatever the lanes differ in
  }
  std::vector<Leaves> columns;
  for (std::int64_t k = 0; k < size_; ++k) {
    Leaves rows;
    for (const Array& a : more) rows.push_back(a(k));
    const Leaves out = f(inputs_of(k), rows);
    columns.resize(out.size());
    for (std::size_t i = 0; i < out.size(); ++i) columns[i].push_back(out[i]);
  }
  Leaves out;
  for (const Leaves& column : columns) out.push_back(size_ == 1 ? expand_dims(column[0], 0) : stack(column));
  return out;
}

Lanes Lanes::with(const Problem::Inputs& changed) const {
  Lanes out = *this;
  for (const auto& [name, a] : changed) (is_batched(name) ? out.batched_ : out.shared_)[name] = a;
  return out;
}

Lanes Lanes::chosen(const std::vector<std::int64_t>& rows) const {
  Lanes out = *this;
  out.size_ = static_cast<std::int64_t>(rows.size());
  for (auto& [name, a] : out.batched_) a = rows_of(a, rows);
  out.start_ = rows_of(start_, rows);
  return out;
}

Point Lanes::starts() const {
  if (batched_start()) return start_;
  Point out;
  const Leaves found = each([&](const Problem::Inputs& inputs, const Leaves&) {
    out = start_of(*problem_, problem_->start(inputs));
    return flatten(out);
  });
  return unflatten(out, found);
}

void Lanes::check_indices(const Formula& formula, const Point& rows) const {
  const auto value = [&](std::int64_t k, const Leaves& at) {
    return problem_->evaluate_found(formula, inputs_of(k), unflatten(rows, at));
  };
  std::vector<Aval> row;
  for (const auto& [name, a] : rows) row.push_back({a.shape().erased(0), a.dtype(), false});
  const detail::Staged staged =
      detail::stage([&](const Leaves& in) { return Leaves{value(0, in)}; }, row, "check_indices");
  const std::vector<int>& given = staged.program->inputs;
  const bool computed =
      std::any_of(staged.program->equations.begin(), staged.program->equations.end(), [&](const detail::Equation& e) {
        return e.op->name == "take" && std::find(given.begin(), given.end(), e.inputs[1]) == given.end();
      });
  for (std::int64_t k = 0; computed && k < size_; ++k) {
    try {
      Leaves at;
      for (const auto& [name, a] : rows) at.push_back(a(k));
      value(k, at);
    } catch (const FormulaError& e) {
      if (size_ == 1) throw;
      throw FormulaError("in lane " + std::to_string(k) + ": " + e.what());
    }
  }
}

}  // namespace dini::app
