#include "apps/dini/parts.hpp"

#include <algorithm>
#include <cmath>

#include "dini/ops/create.hpp"
#include "dini/ops/shaping.hpp"

namespace dini::app {

namespace {

using Named = ProblemResult::Named;

Array nan_rows(const Array& like, std::int64_t count) {
  return full(like.shape().erased(0).inserted(0, count), Array(std::nan("")), like.dtype());
}

// The rows of all parts; NaN where a part has none. Undefined where none has any. Without a batch the row itself.
Array joined(const Lanes& all, const std::vector<Part>& parts, const std::vector<Array>& rows) {
  Array like;
  for (const Array& a : rows) {
    if (a.defined()) like = a;
  }
  if (!like.defined()) return like;
  std::vector<Array> pieces;
  for (std::size_t k = 0; k < parts.size(); ++k) {
    pieces.push_back(rows[k].defined() ? rows[k] : nan_rows(like, parts[k].lanes));
  }
  const Array out = pieces.size() == 1 ? pieces[0] : concatenate(pieces);
  return all.problem().batch.empty() ? reshape(out, out.shape().erased(0)) : out;
}

Array total(const std::vector<Array>& parts) {
  Array out;
  for (const Array& a : parts) {
    if (a.defined()) out = out.defined() ? out + a : a;
  }
  return out;
}

}  // namespace

Array spread(const Array& rows, const std::vector<std::int64_t>& of, std::int64_t lanes) {
  if (static_cast<std::int64_t>(of.size()) == lanes) return rows;
  std::vector<std::int64_t> from(static_cast<std::size_t>(lanes), static_cast<std::int64_t>(of.size()));
  for (std::size_t k = 0; k < of.size(); ++k) from[static_cast<std::size_t>(of[k])] = static_cast<std::int64_t>(k);
  return rows_of(concatenate({rows, nan_rows(rows, 1)}), from);
}

Derivatives spread(Derivatives d, const std::vector<std::int64_t>& of, const Lanes& lanes) {
  const auto over_lanes = [&](Named& arrays, bool always) {
    for (auto& [name, a] : arrays) {
      if (always || lanes.is_batched(name)) a = spread(a, of, lanes.size());
    }
  };
  over_lanes(d.gradient, false);
  over_lanes(d.hessian, false);
  over_lanes(d.jacobian, true);
  return d;
}

void join(const Lanes& all, const std::vector<Part>& parts, ProblemResult& to) {
  const Problem& p = all.problem();
  std::vector<Array> loss;
  bool derived = false;
  for (const Part& part : parts) {
    loss.push_back(part.loss);
    derived = derived || part.derivatives;
  }
  const auto array = [&](Problem::Inputs Part::*member, const std::string& name) {
    std::vector<Array> of_parts;
    for (const Part& part : parts) {
      const auto found = (part.*member).find(name);
      of_parts.push_back(found == (part.*member).end() ? Array() : found->second);
    }
    return joined(all, parts, of_parts);
  };
  to.z = array(&Part::point, "z");
  to.loss = joined(all, parts, loss);
  to.objective = array(&Part::point, "objective");
  const auto by_duals = [&](Named& out, Problem::Inputs Part::*member, const std::string& prefix) {
    for (const std::string& n : p.dual_names()) {
      if (const Array a = array(member, prefix + n); a.defined()) out.emplace_back(n, a);
    }
  };
  by_duals(to.duals, &Part::point, "dual_");
  by_duals(to.slacks, &Part::slacks, "");
  const auto has = [&](StatusCode code) { return std::count(to.status.begin(), to.status.end(), name(code)) > 0; };
  // Only some solvers have them.
  const auto some = [](const Array& a) {
    const std::vector<double> v = a.to_vector<double>();
    return std::any_of(v.begin(), v.end(), [](double x) { return std::isfinite(x) && x != 0; });
  };
  if (has(StatusCode::infeasible)) {
    by_duals(to.certificate, &Part::certificate, "");
    const auto proves = [&](const auto& entry) { return some(entry.second); };
    if (std::none_of(to.certificate.begin(), to.certificate.end(), proves)) to.certificate.clear();
  }
  if (has(StatusCode::unbounded)) to.ray = array(&Part::ray, "ray");
  if (to.ray.defined() && !some(to.ray)) to.ray = {};
  if (!derived) return;
  const auto take = [&](Named Derivatives::*member, const std::vector<std::string>& names, bool always, bool& has,
                        Named& out) {
    has = !names.empty();
    for (std::size_t k = 0; k < names.size(); ++k) {
      std::vector<Array> of_parts;
      for (const Part& part : parts) {
        of_parts.push_back(part.derivatives ? ((*part.derivatives).*member)[k].second : Array());
      }
      const bool rows = always || all.is_batched(names[k]);
      out.emplace_back(names[k], rows ? joined(all, parts, of_parts) : total(of_parts));
    }
  };
  take(&Derivatives::gradient, p.gradient, false, to.has_gradient, to.gradient);
  take(&Derivatives::hessian, p.hessian, false, to.has_hessian, to.hessian);
  take(&Derivatives::jacobian, p.jacobian, true, to.has_jacobian, to.jacobian);
}

}  // namespace dini::app
