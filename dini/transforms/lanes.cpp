#include "dini/transforms/lanes.hpp"

#include <algorithm>
#include <optional>

#include "dini/core/index.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/kernels/lane.hpp"
#include "dini/ops/linalg_ops.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/ops/shaping_build.hpp"
#include "dini/trace/lane_parts.hpp"
#include "dini/trace/split.hpp"
#include "dini/transforms/control_parts.hpp"
#include "dini/transforms/guarded.hpp"

namespace dini::detail {

namespace lanes {

using control::Mask;

constexpr auto tile_size = static_cast<std::int64_t>(kernels::tile_lanes);

// What an emission makes of a Program: what is shared, and the op's, whose outputs stand in another order.
struct Emission {
  struct Output {
    enum From { op, input, shared } from = op;
    std::size_t index = 0;
  };
  ProgramRef early, program;
  std::size_t stacked = 0;
  std::vector<Output> outputs;
};

std::shared_ptr<Emission> emission(const Program& p, const Mask& mapped, const Mask& summed) {
  auto made = std::make_shared<Emission>();
  const SplitProgram parts = split_program(p, mapped);
  const Program& late = *parts.late;
  const std::size_t first_kept = control::count(mapped);
  made->early = parts.early;
  std::vector<int> stacked, sums;
  for (std::size_t k = 0; k < late.outputs.size(); ++k) {
    const int v = late.outputs[k];
    const auto at =
        static_cast<std::size_t>(std::find(late.inputs.begin(), late.inputs.end(), v) - late.inputs.begin());
    const bool is_input = at < late.inputs.size();
    if (is_input && at >= first_kept) {
      made->outputs.push_back({Emission::Output::shared, at - first_kept});
    } else if (is_input && !summed[k]) {
      made->outputs.push_back({Emission::Output::input, at});
    } else {
      std::vector<int>& list = summed[k] ? sums : stacked;
      made->outputs.push_back({Emission::Output::op, list.size()});
      list.push_back(v);
    }
  }
  made->stacked = stacked.size();
  for (std::size_t k = 0; k < made->outputs.size(); ++k) {
    if (made->outputs[k].from == Emission::Output::op && summed[k]) made->outputs[k].index += stacked.size();
  }
  made->program = control::reordered(late, late.inputs, joined({stacked, sums}));
  return made;
}

Array times(const Array& a, std::int64_t n) {
  return is_floating(a.dtype()) ? a * Array(static_cast<double>(n)) : a * Array(n);
}

Mask marks(std::size_t first, bool of_first, std::size_t second) {
  Mask out(first, of_first);
  out.resize(first + second, !of_first);
  return out;
}
Mask mapped_inputs(const LaneParts& s) { return marks(s.mapped.size, true, s.shared.size); }
Mask summed_outputs(const LaneParts& s) { return marks(s.stacked.size, false, s.summed.size); }

// The outputs, of which those that are not summed have the axis.
Leaves emit_all(const LaneParts& s, const ProgramRef& p, const Leaves& in, const Mask& mapped, const Mask& summed) {
  Batched made = emit_lanes(p, in, mapped, s.size, summed, s.tile);
  for (std::size_t k = 0; k < made.out.size(); ++k) {
    if (!summed[k] && !made.batched[k]) made.out[k] = repeat_leading(made.out[k], s.size);
  }
  return made.out;
}

std::vector<Aval> infer(std::span<const Aval>, const Params& params) {
  const LaneParts s = lane_parts(params);
  std::vector<Aval> out = s.program->output_avals();
  for (std::size_t k = 0; k < s.stacked.size; ++k) out[k].shape = prepend(s.size, out[k].shape);
  return out;
}

Linearized linearize(const LinearizeCall& call) {
  const LaneParts s = lane_parts(call.params);
  const Leaves in(call.in.begin(), call.in.end());
  const Mask mapped = mapped_inputs(s), summed = summed_outputs(s), active = call.active;
  const LinearProgram linear = linear_program(s.program, active);
  Mask all_summed = summed;
  all_summed.resize(summed.size() + linear.residuals, false);
  Batched all = emit_lanes(linear.primal, in, mapped, s.size, all_summed, s.tile);
  const Group residuals{summed.size(), linear.residuals};
  Leaves out = control::part(all.out, 0, summed.size());
  for (std::size_t k = 0; k < out.size(); ++k) {
    if (!summed[k] && !all.batched[k]) out[k] = repeat_leading(out[k], s.size);
  }
  const Leaves kept = residuals.of(all.out);
  const Mask moving = joined({only(mapped, active), residuals.of(all.batched)});
  return {out, [=](const Leaves& given) {
            const Leaves moved = emit_all(s, linear.tangent, joined({only(given, active), kept}), moving,
                                          only(summed, linear.out_active));
            return control::spread(moved, linear.out_active);
          }};
}

std::pair<Leaves, Leaves> joint(const JvpCall& call) {
  const LaneParts s = lane_parts(call.params);
  const Leaves in(call.in.begin(), call.in.end()), given(call.tangents.begin(), call.tangents.end());
  const Mask mapped = mapped_inputs(s), summed = summed_outputs(s), active = control::defined(given);
  const JvpProgram both = jvp_program(s.program, active);
  const Leaves all = emit_all(s, both.program, joined({in, only(given, active)}),
                              joined({mapped, only(mapped, active)}), joined({summed, only(summed, both.out_active)}));
  return {control::part(all, 0, summed.size()),
          control::spread(control::part(all, summed.size(), all.size()), both.out_active)};
}

Leaves transpose(const TransposeCall& call) {
  const LaneParts s = lane_parts(call.params);
  const Leaves in(call.in.begin(), call.in.end()), cotangents(call.cotangents.begin(), call.cotangents.end());
  const Mask mapped = mapped_inputs(s), stacked = flipped(summed_outputs(s)), known = control::defined(in),
             linear = flipped(known), received = control::defined(cotangents);
  const ProgramRef some = s.program->cached<const Program>(derived_key("outputs", received), [&] {
    return control::reordered(*s.program, s.program->inputs, only(s.program->outputs, received));
  });
  const Leaves sent =
      emit_all(s, transpose_program(some, linear), joined({only(cotangents, received), only(in, known)}),
               joined({only(stacked, received), only(mapped, known)}), flipped(only(mapped, linear)));
  return control::spread(sent, linear);
}

// Another axis in front: inside, since what lanes of one kind share is then shared by those of the other as well.
Batched batch(const BatchCall& call) {
  const LaneParts s = lane_parts(call.params);
  Leaves in(call.in.begin(), call.in.end());
  const Mask shared = s.shared.of(call.batched);
  if (s.tile > 1 && s.summed.size == 0 && std::find(shared.begin(), shared.end(), true) == shared.end()) {
    // Lanes of lanes are lanes, and fill tiles.
    const auto joined_lanes = [&](const Array& a) {
      return reshape(a, prepend(call.size * s.size, a.shape().sub(2, a.ndim())));
    };
    for (std::size_t k = 0; k < s.mapped.size; ++k)
      in[k] = joined_lanes(call.batched[k] ? in[k] : repeat_leading(in[k], call.size));
    Params params = call.params;
    params.set("size", call.size * s.size);
    Leaves out = emit(lanes_op(), in, params);
    for (Array& a : out) a = reshape(a, prepend(call.size, prepend(s.size, a.shape().erased(0))));
    return {out, Mask(out.size(), true)};
  }
  const BatchProgram inner = batch_program(s.program, call.batched, call.size);
  const Mask mapped = mapped_inputs(s), summed = summed_outputs(s);
  for (std::size_t k = 0; k < s.mapped.size; ++k) {
    if (call.batched[k]) in[k] = swapaxes(in[k], 0, 1);
  }
  Leaves out = emit_all(s, inner.program, in, mapped, summed);
  for (std::size_t k = 0; k < s.stacked.size; ++k) {
    if (inner.out_batched[k]) out[k] = swapaxes(out[k], 0, 1);
  }
  return {out, inner.out_batched};
}

// Samples: [x, m of each lane, c, k of all]. The name says what the Program computes.
using Lane = Leaves (*)(const Leaves&);
struct LaneSample {
  const char* name;
  std::int64_t stacked;
  Lane program;
};
const LaneSample lane_samples[] = {
    {"each", 2,
     [](const Leaves& v) {
       return Leaves{v[0] * v[2] * v[2], v[1] + 1};
     }},
    {"sums", 0,
     [](const Leaves& v) {
       return Leaves{sum(v[0] * v[2]) * v[3], sin(v[2]) * v[0], v[1] * v[1]};
     }},
    {"both", 1,
     [](const Leaves& v) {
       return Leaves{exp(v[0]) * v[3], v[2] - v[0] * v[0], v[3] * v[3]};
     }},
    {"passed on", 3,
     [](const Leaves& v) {
       return Leaves{v[0], v[1], v[2], v[0], v[3]};
     }},
};

std::vector<Sample> samples(Dtype d) {
  std::vector<Sample> out;
  for (const auto& [name, stacked, f] : lane_samples) {
    for (const auto& [size, tile] : {std::pair<std::int64_t, std::int64_t>{3, 1}, {1, 1}, {3, tile_size}}) {
      const Leaves in{sample({size, 4}, d), sample_integers({4, 1, 2}, {3})(slice(0, size)), sample({4}, d, 1),
                      sample({}, d, 2)};
      const Leaves one{in[0](0), in[1](0), in[2], in[3]};
      out.push_back({in,
                     {{"program", control::program_like(one, f)},
                      {"size", size},
                      {"mapped", std::int64_t{2}},
                      {"stacked", stacked},
                      {"tile", tile},
                      {"name", std::string(name)}}});
    }
  }
  return out;
}

control::Plain plain(const Sample& s) {
  const std::string& name = s.params.text("name");
  const auto x = numbers(s.in[0]), m = numbers(s.in[1]), c = numbers(s.in[2]);
  const long double k = numbers(s.in[3])[0];
  const std::size_t size = m.size(), n = c.size();
  if (name == "passed on") {
    std::vector<long double> repeated, scaled{k * static_cast<long double>(size)}, summed(n, 0);
    for (std::size_t i = 0; i < size; ++i) repeated.insert(repeated.end(), c.begin(), c.end());
    for (std::size_t i = 0; i < x.size(); ++i) summed[i % n] += x[i];
    return {x, m, repeated, summed, scaled};
  }
  std::vector<long double> each(x.size()), next(size), products{0}, sines(n, 0), squares{0}, grown(x.size()),
      rest(n, 0);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const long double a = x[i], b = c[i % n];
    each[i] = a * b * b;
    grown[i] = std::exp(a) * k;
    products[0] += a * b * k;
    sines[i % n] += std::sin(b) * a;
    rest[i % n] += b - a * a;
  }
  for (std::size_t i = 0; i < size; ++i) {
    next[i] = m[i] + 1;
    squares[0] += m[i] * m[i];
  }
  if (name == "each") return {each, next};
  if (name == "sums") return {products, sines, squares};
  return {grown, rest, {k * k * static_cast<long double>(size)}};
}

// ---- Which Programs ---------------------------------------------------------------------------------------------------

bool holds(const Program& p, const Equation& e, const char* what, bool (*is)(const Equation&)) {
  if (is(e)) return true;
  for (const ProgramRef& inner : programs_in(p, e)) {
    const bool found = *inner->cached<bool>(what, [&] {
      return std::make_shared<bool>(std::any_of(inner->equations.begin(), inner->equations.end(),
                                                [&](const Equation& f) { return holds(*inner, f, what, is); }));
    });
    if (found) return true;
  }
  return false;
}

bool reports(const Program& p, const Equation& e) {
  return holds(p, e, "reports", [](const Equation& f) { return f.op->sees_all_lanes; });
}

bool any_marked(const Equation& e, const Mask& marks) {
  return std::any_of(e.inputs.begin(), e.inputs.end(), [&](int v) { return marks[static_cast<std::size_t>(v)]; });
}

constexpr std::int64_t factorised_matrix = 16, most_elements = 4096;

bool factorises(const Op& op) {
  return &op == &lu_factor_op() || &op == &symmetric_factor_op() || &op == &cholesky_op() || &op == &qr_op() ||
         &op == &qr_pivoted_op();
}

// Whether lanes have matrices of their own of more rows and columns than so many, or long vectors: 64 of them side by side are in no
// cache, and of larger ones there are no factors in tiles.
bool has_matrices(const Program& p, const Mask& mapped, std::int64_t largest) {
  const Mask marks = dependents_of_inputs(p, mapped);
  return std::any_of(p.equations.begin(), p.equations.end(), [&](const Equation& e) {
    if (!any_marked(e, marks)) return false;
    const std::int64_t most = factorises(*e.op) ? std::min(largest, factorised_matrix) : largest;
    const auto is_one = [&](int v) {
      const Shape& s = p.variables[static_cast<std::size_t>(v)].shape;
      return (s.ndim() >= 2 && s.at(-1) > most && s.at(-2) > most) || s.size() > most_elements;
    };
    if (std::any_of(e.outputs.begin(), e.outputs.end(), is_one)) return true;
    const std::vector<ProgramRef> within = programs_in(p, e);
    return std::any_of(within.begin(), within.end(), [largest](const ProgramRef& inner) {
      return *inner->cached<bool>("matrices beyond " + std::to_string(largest), [&] {
        return std::make_shared<bool>(has_matrices(*inner, Mask(inner->inputs.size(), true), largest));
      });
    });
  });
}

// How many lanes of a Program are computed together: all (0), one, or a tile of so many. By the shapes in a lane alone, so that what it
// gets does not depend on the others. A last tile is filled up.
//
// In a tile (exec/lane_plan.hpp) a step is one vector operation on short arrays, and a product with a shared matrix is a product of
// matrices; what it loses is that it waits for its slowest lane. That is too much where a step is long for a single lane: where it has
// matrices of its own to factorise. Measured (bench/batches) on AVX-512, one thread, microseconds a lane for the value, with all
// lanes together, in tiles, one by one:
//
//     Newton, n = 1 (Kepler)         2.3  0.15   5.4
//     n = 10                          18   2.8    15
//     n = 30                         112    83    60      (the tile as a batched Program)
//     Anderson, n = 10                58    15    51
//     forward iteration, n = 30      8.9   3.3   5.2
//     n = 100                         41    20    39
//     n = 300                        154   185   383      (20 lanes)
//
// Quadratic programs have small matrices to factorise, and the larger one of their conditions, with the rows, to multiply with:
// microseconds a lane for value and gradient in tiles, one by one:
//
//     5 unknowns, 10 rows             34   140
//     10, 20                         107   248
//     16, 32                         300   395
//     20, 30                         684   540
std::int64_t together(const Program& p, const Mask& mapped, const LaneRule& rule) {
  if (is_effectful(p)) return 0;
  const Mask marks = dependents_of_inputs(p, mapped);
  bool loops = false, any = false, within = false;
  for (const Equation& e : p.equations) {
    if (reports(p, e)) return 0;
    if (!any_marked(e, marks)) continue;
    any = true;
    if (e.op == &lanes_op()) {
      // Lanes of lanes: the rule joins them, but where each of these shares something of its own among those.
      const std::vector<int> shared = lane_parts(e.params).shared.of(e.inputs);
      if (std::any_of(shared.begin(), shared.end(), [&](int v) { return marks[static_cast<std::size_t>(v)]; }))
        return 1;
      within = true;
    }
    loops |= has_loops(p, e);
  }
  if (!any || within) return 0;
  if (has_matrices(p, mapped, rule.largest_matrix)) return loops ? 1 : 0;
  return rule.one_by_one ? 1 : tile_size;
}

}  // namespace lanes

Batched emit_lanes(const ProgramRef& p, const Leaves& in, const std::vector<bool>& mapped, std::int64_t size,
                   const std::vector<bool>& summed, std::int64_t tile) {
  using lanes::Emission;
  std::vector<bool> sums = summed;
  sums.resize(p->outputs.size(), false);
  const auto made =
      p->cached<Emission>(derived_key("lanes", mapped, sums), [&] { return lanes::emission(*p, mapped, sums); });
  const Leaves own = only(in, mapped), others = only(in, flipped(mapped));
  // Equation by equation: as one call all results would depend on all operands, and a tangent's factor be a tangent.
  const Leaves kept = evaluate(*made->early, others);
  Leaves results;
  if (!made->program->outputs.empty()) {
    Params params{{"program", made->program},
                  {"size", size},
                  {"mapped", static_cast<std::int64_t>(own.size())},
                  {"stacked", static_cast<std::int64_t>(made->stacked)}};
    if (tile > 1) params.set("tile", tile);
    results = emit(lanes_op(), joined({own, kept}), params);
  }
  Batched out;
  for (std::size_t k = 0; k < made->outputs.size(); ++k) {
    const auto [from, index] = made->outputs[k];
    if (from == Emission::Output::shared) {
      out.out.push_back(sums[k] ? lanes::times(kept[index], size) : kept[index]);
      out.batched.push_back(false);
    } else {
      out.out.push_back(from == Emission::Output::input ? own[index] : results[index]);
      out.batched.push_back(!sums[k]);
    }
  }
  return out;
}

std::optional<Batched> by_lanes(const ProgramRef& p, const Leaves& in, const std::vector<bool>& mapped,
                                std::int64_t size, const LaneRule& rule) {
  const std::int64_t together = lanes::together(*p, mapped, rule);
  if (together == 0) return std::nullopt;
  return emit_lanes(p, in, mapped, size, {}, together);
}

BatchProgram lanes_program(const ProgramRef& p, const std::vector<bool>& mapped, std::int64_t size,
                           const std::vector<bool>& want, const LaneRule& rule) {
  return *p->cached<BatchProgram>(
      derived_key("by lanes", mapped, want, size) +
          derived_key("linear in", rule.linear, {}, rule.one_by_one ? 0 : rule.largest_matrix),
      [&] {
        // What reports on all lanes, and what follows from it, comes behind the rest.
        const SplitProgram parts =
            split_program(*p, std::vector<bool>(p->inputs.size(), false), {.stays = lanes::reports});
        const Program& early = *parts.early;
        std::vector<bool> given = rule.linear;
        given.resize(early.inputs.size(), false);
        const std::vector<bool> moving = rule.linear.empty() ? std::vector<bool>(early.outputs.size(), true)
                                                             : control::dependent_outputs(early, given),
                                still = flipped(moving);
        const ProgramRef moved = program_part(early, early.inputs, only(early.outputs, moving)),
                         known = program_part(early, only(early.inputs, flipped(given)), only(early.outputs, still));
        return std::make_shared<BatchProgram>(stage_batch(*p, mapped, size, want, [&](const Leaves& inputs) {
          const auto all_lanes = [&](const ProgramRef& q, const Leaves& in, const std::vector<bool>& axes) {
            return vmap([&](const Leaves& v) { return evaluate(*q, v); }, in, axes, size, false);
          };
          const std::optional<Batched> first = by_lanes(moved, inputs, mapped, size, rule);
          if (!first) return all_lanes(p, inputs, mapped);
          const Batched others = all_lanes(known, only(inputs, flipped(given)), only(mapped, flipped(given)));
          Batched both;
          std::size_t next[2] = {0, 0};
          for (bool m : moving) {
            const Batched& from = m ? *first : others;
            both.out.push_back(from.out[next[m]]);
            both.batched.push_back(from.batched[next[m]++]);
          }
          return all_lanes(parts.late, both.out, both.batched);
        }));
      });
}

ProgramRef batch_of_lanes(const Params& params) {
  const LaneParts s = lane_parts(params);
  std::vector<Aval> avals = s.program->input_avals();
  for (std::size_t k = 0; k < s.mapped.size; ++k) avals[k].shape = prepend(s.size, avals[k].shape);
  const std::vector<bool> all(s.program->outputs.size(), true);
  const ProgramRef batched = batch_program(s.program, lanes::mapped_inputs(s), s.size, all).program;
  return stage_closed(
      [&](const Leaves& in) {
        Leaves out = evaluate(*batched, in);
        for (std::size_t k = s.summed.first; k < s.summed.end(); ++k) out[k] = sum(out[k], 0);
        return out;
      },
      avals, "lanes");
}

ProgramRef alone(const Op& op, const Params& params, const std::vector<Aval>& in) {
  auto p = std::make_shared<Program>();
  Equation e{&op, params, {}, {}};
  auto add = [&](const Aval& a) {
    p->variables.push_back(a);
    return static_cast<int>(p->variables.size()) - 1;
  };
  for (const Aval& a : in) e.inputs.push_back(add(a));
  for (const Aval& a : op.infer(in, params)) e.outputs.push_back(add(a));
  p->inputs = e.inputs;
  p->outputs = e.outputs;
  p->equations.push_back(std::move(e));
  return p;
}

const Op& lanes_op() {
  static const Op op = [] {
    Op o;
    o.name = "lanes";
    o.control = Control::lanes;
    o.rounding = Rounding::within;
    o.infer = lanes::infer;
    o.linearize = lanes::linearize;
    o.joint = lanes::joint;
    o.transpose = lanes::transpose;
    o.batch = lanes::batch;
    o.samples = lanes::samples;
    o.plain = lanes::plain;
    return o;
  }();
  return op;
}

}  // namespace dini::detail
