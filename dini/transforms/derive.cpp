#include "dini/transforms/derive.hpp"

namespace dini::detail {

std::string derived_key(const char* what, const std::vector<bool>& a, const std::vector<bool>& b, std::int64_t n) {
  std::string s = what;
  for (bool x : a) s += x ? '1' : '0';
  s += '/';
  for (bool x : b) s += x ? '1' : '0';
  return s + '/' + std::to_string(n);
}

namespace {

bool wanted(const std::vector<bool>& want, std::size_t k) { return k < want.size() && want[k]; }

ErasedFunction function_of(const ProgramRef& p) {
  return [p](const Leaves& inputs) { return evaluate(*p, inputs); };
}

}  // namespace

JvpProgram jvp_program(const ProgramRef& p, const std::vector<bool>& active, const std::vector<bool>& want) {
  return *p->cached<JvpProgram>(derived_key("jvp", active, want), [&] {
    auto made = std::make_shared<JvpProgram>();
    std::vector<Aval> avals = p->input_avals();
    const std::size_t n = avals.size();
    for (std::size_t k = 0; k < n; ++k) {
      if (active[k]) avals.push_back({avals[k].shape, avals[k].dtype, false});
    }
    made->program = stage_closed(
        [&](const Leaves& inputs) {
          Leaves primals(inputs.begin(), inputs.begin() + n), tangents;
          std::size_t next = n;
          for (std::size_t k = 0; k < n; ++k) tangents.push_back(active[k] ? inputs[next++] : Array());
          JvpResult r = jvp(function_of(p), primals, tangents);
          Leaves out = r.out;
          for (std::size_t k = 0; k < r.out.size(); ++k) {
            const bool keep = r.tangents[k].defined() || wanted(want, k);
            made->out_active.push_back(keep);
            if (keep) out.push_back(instantiate(r.tangents[k], r.out[k].aval()));
          }
          return out;
        },
        avals, "jvp");
    return made;
  });
}

LinearProgram linear_program(const ProgramRef& p, const std::vector<bool>& active, const std::vector<bool>& want) {
  return *p->cached<LinearProgram>(derived_key("linear", active, want), [&] {
    auto made = std::make_shared<LinearProgram>();
    made->primal = stage_closed(
        [&](const Leaves& inputs) {
          LinearMap map = linearize(function_of(p), inputs, active);
          made->out_active = map.out_active;
          made->tangent = map.program;
          made->residuals = map.captured.size();
          Leaves out = map.out;
          out.insert(out.end(), map.captured.begin(), map.captured.end());
          return out;
        },
        p->input_avals(), "linearize");
    // Where an output's tangent is asked for and is zero, the tangent Program gives zeros.
    bool missing = false;
    for (std::size_t k = 0; k < made->out_active.size(); ++k) missing |= wanted(want, k) && !made->out_active[k];
    if (missing) {
      const ProgramRef inner = made->tangent;
      const std::vector<bool> had = made->out_active;
      const std::vector<Aval> out_avals = p->output_avals();
      made->tangent = stage_closed(
          [&](const Leaves& inputs) {
            const Leaves some = evaluate(*inner, inputs);
            Leaves out;
            std::size_t next = 0;
            for (std::size_t k = 0; k < had.size(); ++k) {
              if (had[k])
                out.push_back(some[next++]);
              else if (wanted(want, k))
                out.push_back(instantiate(Array(), out_avals[k]));
            }
            return out;
          },
          inner->input_avals(), "linearize");
      for (std::size_t k = 0; k < had.size(); ++k) made->out_active[k] = had[k] || wanted(want, k);
    }
    return made;
  });
}

ProgramRef transpose_program(const ProgramRef& p, const std::vector<bool>& linear) {
  return p->cached<const Program>(derived_key("transpose", linear, {}), [&] {
    std::vector<Aval> avals = p->output_avals();
    const std::size_t n = avals.size();
    for (Aval& a : avals) a.weak = false;
    const std::vector<Aval> in = p->input_avals();
    for (std::size_t k = 0; k < in.size(); ++k) {
      if (!linear[k]) avals.push_back(in[k]);
    }
    return stage_closed(
        [&](const Leaves& arguments) {
          const Leaves cotangents(arguments.begin(), arguments.begin() + n);
          Leaves inputs, out;
          std::size_t next = n;
          for (std::size_t k = 0; k < in.size(); ++k) inputs.push_back(linear[k] ? Array() : arguments[next++]);
          const Leaves all = backward(*p, inputs, cotangents);
          for (std::size_t k = 0; k < in.size(); ++k) {
            if (linear[k]) out.push_back(instantiate(all[k], in[k]));
          }
          return out;
        },
        avals, "transpose");
  });
}

BatchProgram stage_batch(const Program& p, const std::vector<bool>& batched, std::int64_t size,
                         const std::vector<bool>& want, const std::function<Batched(const Leaves&)>& run) {
  BatchProgram made;
  std::vector<Aval> avals = p.input_avals();
  for (std::size_t k = 0; k < avals.size(); ++k) {
    if (batched[k]) avals[k].shape = prepend(size, avals[k].shape);
  }
  made.program = stage_closed(
      [&](const Leaves& inputs) {
        Batched r = run(inputs);
        for (std::size_t k = 0; k < r.out.size(); ++k) {
          if (wanted(want, k) && !r.batched[k]) {
            r.out[k] = repeat_leading(r.out[k], size);
            r.batched[k] = true;
          }
        }
        made.out_batched = r.batched;
        return r.out;
      },
      avals, "vmap");
  return made;
}

BatchProgram batch_program(const ProgramRef& p, const std::vector<bool>& batched, std::int64_t size,
                           const std::vector<bool>& want) {
  return *p->cached<BatchProgram>(derived_key("batch", batched, want, size), [&] {
    return std::make_shared<BatchProgram>(stage_batch(*p, batched, size, want, [&](const Leaves& inputs) {
      return vmap(function_of(p), inputs, batched, size, false);
    }));
  });
}

}  // namespace dini::detail
