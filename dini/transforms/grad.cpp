#include "dini/transforms/grad.hpp"

#include <algorithm>

#include "dini/core/index.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/transforms/batch.hpp"

namespace dini::detail {

static const char* const value_of_function = "function's value";

std::vector<bool> floating_leaves(const Leaves& leaves) {
  std::vector<bool> out;
  for (const Array& a : leaves) out.push_back(is_floating(a.dtype()));
  return out;
}

void require_assigned(const Leaves& leaves, const char* function, const char* what) {
  for (std::size_t k = 0; k < leaves.size(); ++k) {
    if (leaves[k].defined()) continue;
    throw ValueError(std::string(function) + ": got an array that was never assigned as leaf " + std::to_string(k) +
                     " of the " + what);
  }
}

void require_some_floating(const Leaves& leaves, const char* function) {
  require_assigned(leaves, function);
  const std::vector<bool> floating = floating_leaves(leaves);
  if (std::find(floating.begin(), floating.end(), true) == floating.end()) require_floating(leaves, function);
}

void require_floating(const Leaves& leaves, const char* function) {
  for (const Array& a : leaves) {
    if (!is_floating(a.dtype())) {
      throw DtypeError(std::string(function) + ": cannot differentiate by an argument of dtype " + name(a.dtype()) +
                       "; convert it with astype(x, float64), or do not name it in argnums");
    }
  }
}

std::vector<Aval> avals_of_leaves(const Leaves& leaves) {
  std::vector<Aval> out;
  for (const Array& a : leaves) out.push_back(a.aval());
  return out;
}

void match_structure(const std::string& given, const std::string& wanted, const char* function, const char* what) {
  if (given == wanted) return;
  throw ShapeError(std::string(function) + ": the " + what + " have the structure " + given + ", expected " + wanted);
}

Leaves match_leaves(const Leaves& given, const std::vector<Aval>& wanted, const char* function, const char* what) {
  if (given.size() != wanted.size()) {
    throw ShapeError(std::string(function) + ": " + std::to_string(given.size()) + " " + what + "s for " +
                     std::to_string(wanted.size()) + " arrays");
  }
  Leaves out = given;
  for (std::size_t k = 0; k < out.size(); ++k) {
    const Aval& w = wanted[k];
    if (!is_floating(w.dtype)) {
      out[k] = Array();
      continue;
    }
    const std::string which = given.size() > 1 ? " " + std::to_string(k) : "";
    const std::string subject = std::string(function) + ": the " + what + which;
    if (!out[k].defined()) throw ValueError(subject + " is an array that was never assigned");
    if (out[k].weak() && out[k].dtype() != w.dtype) out[k] = astype(out[k], w.dtype);
    const Aval &g = out[k].aval(), plain{w.shape, w.dtype, false};
    const std::string message = subject + " is " + g.str() + ", expected " + plain.str();
    if (g.shape != w.shape) throw ShapeError(message);
    if (g.dtype != w.dtype) throw DtypeError(message);
  }
  return out;
}

std::shared_ptr<const VjpData> make_vjp(const ErasedFunction& f, const Leaves& primals, const char* function) {
  require_assigned(primals, function);
  auto data = std::make_shared<VjpData>();
  data->function = function;
  data->map = linearize(f, primals, floating_leaves(primals), function);
  require_assigned(data->map.out, function, value_of_function);
  data->inputs = avals_of_leaves(primals);
  data->outputs = avals_of_leaves(data->map.out);
  return data;
}

Leaves VjpData::pull(const Leaves& given) const {
  const Leaves some = map.transpose(match_leaves(given, outputs, function, "cotangent"));
  Leaves out;
  std::size_t next = 0;
  for (std::size_t k = 0; k < inputs.size(); ++k)
    out.push_back(instantiate(map.active[k] ? some[next++] : Array(), inputs[k]));
  return out;
}

Leaves VjpData::push(const Leaves& given) const {
  const Leaves tangents = match_leaves(given, inputs, function, "tangent");
  Leaves some;
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    if (map.active[k]) some.push_back(instantiate(tangents[k], inputs[k]));
  }
  Leaves out = map.apply(some);
  for (std::size_t k = 0; k < out.size(); ++k) out[k] = instantiate(out[k], outputs[k]);
  return out;
}

ErasedFunction make_transpose(const ErasedFunction& f, const Leaves& like) {
  require_assigned(like, "linear_transpose");
  const Staged staged = stage(f, avals_of_leaves(like), "linear_transpose");
  const std::vector<Aval> in = avals_of_leaves(like), outputs = staged.program->output_avals();
  return [staged, in, outputs](const Leaves& given) {
    Leaves inputs(in.size());
    inputs.insert(inputs.end(), staged.captured.begin(), staged.captured.end());
    Leaves out = match_leaves(given, outputs, "linear_transpose", "cotangent");
    try {
      out = backward(*staged.program, inputs, out);
    } catch (const NotLinearError& e) {
      throw TraceError("linear_transpose: f is not linear in its argument (" + e.op + ")");
    }
    out.resize(in.size());
    for (std::size_t k = 0; k < in.size(); ++k) out[k] = instantiate(out[k], in[k]);
    return out;
  };
}

std::pair<Leaves, Leaves> jvp_values(const ErasedFunction& f, const Leaves& primals, const Leaves& tangents) {
  JvpResult r = jvp(f, primals, tangents);
  require_assigned(r.out, "jvp", value_of_function);
  for (std::size_t k = 0; k < r.out.size(); ++k) r.tangents[k] = instantiate(r.tangents[k], r.out[k].aval());
  return {r.out, r.tangents};
}

ValueAndGradient grad_leaves(const ErasedFunction& f, const Leaves& primals) {
  require_assigned(primals, "grad");
  require_floating(primals, "grad");
  LinearMap map = linearize(f, primals, std::vector<bool>(primals.size(), true), "grad");
  require_assigned(map.out, "grad", value_of_function);
  if (map.out.size() != 1 || map.out[0].ndim() != 0) {
    throw ShapeError("grad: the function's value must be a scalar, and " +
                     (map.out.size() == 1 ? "has shape " + map.out[0].shape().str()
                                          : "is a tree of " + std::to_string(map.out.size()) + " arrays") +
                     "; use jacobian for the derivative of an array");
  }
  const Array value = map.out[0];
  if (!is_floating(value.dtype()))
    throw DtypeError(std::string("grad: the function's value has dtype ") + name(value.dtype()));
  Leaves gradient(primals.size());
  if (map.out_active[0]) gradient = map.transpose({ones({}, value.dtype())});
  for (std::size_t k = 0; k < primals.size(); ++k) gradient[k] = instantiate(gradient[k], primals[k].aval());
  return {value, gradient};
}

// A basis of a list of arrays' elements, as one batch: for array k, an identity where its rows are, zeros elsewhere.
static Leaves basis(const std::vector<Aval>& avals, const std::vector<bool>& active, std::int64_t total) {
  Leaves out;
  std::int64_t before = 0;
  for (std::size_t k = 0; k < avals.size(); ++k) {
    if (!active[k]) {
      out.push_back(Array());
      continue;
    }
    const std::int64_t n = avals[k].shape.size();
    out.push_back(reshape(eye(total, n, -before, avals[k].dtype), prepend(total, avals[k].shape)));
    before += n;
  }
  return out;
}

std::vector<Leaves> jacobian_leaves(const ErasedFunction& f, const Leaves& primals, Mode mode) {
  require_assigned(primals, "jacobian");
  require_floating(primals, "jacobian");
  const std::vector<Aval> in = avals_of_leaves(primals);
  const LinearMap map = linearize(f, primals, std::vector<bool>(primals.size(), true), "jacobian");
  require_assigned(map.out, "jacobian", value_of_function);
  std::int64_t inputs = 0, outputs = 0;
  for (const Aval& a : in) inputs += a.shape.size();
  for (std::size_t k = 0; k < map.out.size(); ++k) {
    if (map.out_active[k]) outputs += map.out[k].size();
  }
  const bool forward = mode == Mode::forward || (mode == Mode::automatic && inputs <= outputs);
  const std::vector<Aval> out = avals_of_leaves(map.out);
  std::vector<Leaves> rows(out.size());
  auto zero = [&](std::size_t i, std::size_t j) { return zeros(out[i].shape + in[j].shape, out[i].dtype); };
  if (forward ? inputs == 0 : outputs == 0) {
    for (std::size_t i = 0; i < out.size(); ++i) {
      for (std::size_t j = 0; j < in.size(); ++j) rows[i].push_back(zero(i, j));
    }
    return rows;
  }
  if (forward) {
    const Leaves seeds = basis(in, std::vector<bool>(in.size(), true), inputs);
    Batched pushed = vmap(
        [&](const Leaves& tangents) {
          Leaves some = map.apply(tangents);
          for (std::size_t i = 0; i < out.size(); ++i) some[i] = instantiate(some[i], out[i]);
          return some;
        },
        seeds, std::vector<bool>(in.size(), true), inputs, true);
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (!map.out_active[i]) {
        for (std::size_t j = 0; j < in.size(); ++j) rows[i].push_back(zero(i, j));
        continue;
      }
      // [inputs, out...] -> [out..., inputs], cut into the inputs' pieces
      const Array columns = moveaxis(pushed.out[i], 0, -1);
      std::int64_t before = 0;
      for (const Aval& a : in) {
        const std::int64_t n = a.shape.size();
        const Array piece = in.size() == 1 ? columns : columns(ellipsis, slice(before, before + n));
        rows[i].push_back(reshape(piece, out[i].shape + a.shape));
        before += n;
      }
    }
    return rows;
  }
  Leaves seeds = basis(out, map.out_active, outputs);
  std::vector<bool> batched;
  for (Array& s : seeds) {
    batched.push_back(s.defined());
    if (!s.defined()) s = zeros({});
  }
  Batched pulled = vmap(
      [&](const Leaves& cotangents) {
        Leaves given = cotangents;
        for (std::size_t i = 0; i < given.size(); ++i) {
          if (!map.out_active[i]) given[i] = Array();
        }
        Leaves some = map.transpose(given);
        for (std::size_t j = 0; j < in.size(); ++j) some[j] = instantiate(some[j], in[j]);
        return some;
      },
      seeds, batched, outputs, true);
  std::int64_t before = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::int64_t n = out[i].shape.size();
    for (std::size_t j = 0; j < in.size(); ++j) {
      if (!map.out_active[i]) {
        rows[i].push_back(zero(i, j));
        continue;
      }
      const Array piece = out.size() == 1 ? pulled.out[j] : pulled.out[j](slice(before, before + n), ellipsis);
      rows[i].push_back(reshape(piece, out[i].shape + in[j].shape));
    }
    if (map.out_active[i]) before += n;
  }
  return rows;
}

Array strip_innermost(const Array& a) {
  auto* trace = dynamic_cast<JvpTrace*>(current_trace().get());
  return trace ? trace->value_of(a) : a;
}

}  // namespace dini::detail
