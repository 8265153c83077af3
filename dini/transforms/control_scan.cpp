// scan: every derivative of a loop with a fixed number of steps is another such loop.
#include <cmath>

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/ops/shaping_build.hpp"
#include "dini/trace/split.hpp"
#include "dini/transforms/callable.hpp"
#include "dini/transforms/control_parts.hpp"

namespace dini::detail {

namespace control {

// The body is [carry..., xs..., captured...] -> [carry..., ys...], and so are the op's inputs and outputs.
struct ScanParts {
  ProgramRef body;
  std::int64_t length;
  bool reverse;
  Group carry, xs, captured, ys;
};
static ScanParts parts_of_scan(const Params& p) {
  const ProgramRef& body = p.program("body");
  Groups in, out;
  ScanParts s{body, p.integer("length"), p.flag("reverse"), {}, {}, {}, {}};
  s.carry = in.next(static_cast<std::size_t>(p.integer("carry")));
  s.xs = in.next(static_cast<std::size_t>(p.integer("xs")));
  s.captured = in.next(body->inputs.size() - in.size());
  out.next(s.carry.size);
  s.ys = out.next(body->outputs.size() - out.size());
  return s;
}

// Which of the body's inputs are active once the carry's activity has settled. `out_active` gives that of the outputs. What
// makes the tangents should say it: where one way writes zeros another may know that there is nothing.
template <class OutActive> static Mask settled(const ScanParts& s, Mask active, const OutActive& out_active) {
  for (;;) {
    const Mask next = either(active, s.carry.of(out_active(active)));
    if (next == active) return active;
    active = next;
  }
}
template <class Derive> static Mask scan_active(const ScanParts& s, const Mask& active, const Derive& derive) {
  return settled(s, active, [&](const Mask& m) { return derive(s.body, m, Mask()).out_active; });
}

// Of outputs: the active carries.
static Mask carries_wanted(const ScanParts& s, const Mask& active) {
  Mask want = s.carry.of(active);
  want.resize(s.body->outputs.size(), false);
  return want;
}

// Tangents of the active carries to start with.
static Leaves tangents_of_carries(const ScanParts& s, const Mask& active, const Leaves& tangents,
                                  const std::vector<Aval>& avals) {
  Leaves out;
  for (std::size_t k = 0; k < s.carry.size; ++k) {
    if (active[k]) out.push_back(instantiate(tangents[k], avals[k]));
  }
  return out;
}

static Linearized linearize_scan(const LinearizeCall& call) {
  const ScanParts s = parts_of_scan(call.params);
  const Leaves in(call.in.begin(), call.in.end());
  const Mask active = scan_active(s, call.active, linear_program);
  const LinearProgram linear = linear_program(s.body, active, carries_wanted(s, active));
  // What depends on captured inputs alone is the same at each step: it is computed before, and not stacked.
  Mask moving(in.size(), true);
  for (std::size_t k = s.captured.first; k < s.captured.end(); ++k) moving[k] = false;
  const SplitProgram primal = split_program(*linear.primal, moving, {.stays = stays_in_loop});
  const Leaves fixed = evaluate(*primal.early, s.captured.of(in));

  // A residual that is one of these, or an x, is passed on; the others are stacked by the primal scan.
  const Program& late = *primal.late;  // [carry..., xs..., fixed...] -> [outputs..., residuals...]
  Groups of_late;
  const Group outputs = of_late.next(s.body->outputs.size()), residuals = of_late.next(linear.residuals);
  std::vector<std::size_t> place(late.variables.size(), late.inputs.size());  // among the inputs
  for (std::size_t k = 0; k < late.inputs.size(); ++k) place[static_cast<std::size_t>(late.inputs[k])] = k;
  std::vector<int> stacked;
  for (int v : residuals.of(late.outputs)) {
    const std::size_t at = place[static_cast<std::size_t>(v)];
    if (at == late.inputs.size() || s.carry.has(at)) stacked.push_back(v);
  }
  const Leaves all = emit(scan_op(), joined({s.carry.of(in), s.xs.of(in), fixed}),
                          scan_params(reordered(late, late.inputs, joined({outputs.of(late.outputs), stacked})),
                                      s.length, s.carry.size, s.xs.size, s.reverse));
  Leaves varying, still;
  Mask varies;
  std::size_t next = outputs.end();
  for (int v : residuals.of(late.outputs)) {
    const std::size_t at = place[static_cast<std::size_t>(v)];
    varies.push_back(at == late.inputs.size() || at < s.captured.first);
    if (!varies.back())
      still.push_back(fixed[at - s.captured.first]);
    else
      varying.push_back(s.xs.has(at) ? in[at] : all[next++]);
  }

  // The tangent scan: carry [dc...], xs [dx..., varying...], captured [dcaptured..., still...].
  Groups of_tangent;
  const Group dc = of_tangent.next(count(s.carry.of(active))), dx = of_tangent.next(count(s.xs.of(active))),
              dk = of_tangent.next(count(s.captured.of(active))), kept = of_tangent.next(linear.residuals);
  const std::vector<int>& inputs = linear.tangent->inputs;
  const ProgramRef body = reordered(*linear.tangent,
                                    joined({dc.of(inputs), dx.of(inputs), only(kept.of(inputs), varies), dk.of(inputs),
                                            only(kept.of(inputs), flipped(varies))}),
                                    linear.tangent->outputs);
  const Params params = scan_params(body, s.length, dc.size, dx.size + varying.size(), s.reverse);
  const std::vector<Aval> avals = avals_of_leaves(s.carry.of(in));
  return {outputs.of(all), [=, out_active = linear.out_active](const Leaves& given) {
            const Leaves start = tangents_of_carries(s, active, given, avals);
            const Leaves out = emit(scan_op(),
                                    joined({start, only(s.xs.of(given), s.xs.of(active)), varying,
                                            only(s.captured.of(given), s.captured.of(active)), still}),
                                    params);
            return spread(out, out_active);
          }};
}

static std::pair<Leaves, Leaves> joint_scan(const JvpCall& call) {
  const ScanParts s = parts_of_scan(call.params);
  const Leaves in(call.in.begin(), call.in.end()), tangents(call.tangents.begin(), call.tangents.end());
  const Mask active = scan_active(s, defined(tangents), jvp_program);
  const JvpProgram both = jvp_program(s.body, active, carries_wanted(s, active));
  // [c, x, k, dc, dx, dk] -> [c, y, dc, dy] becomes [c, dc | x, dx | k, dk] -> [c, dc | y, dy].
  Groups of_in, of_out, of_result;
  const Group c = of_in.next(s.carry.size), x = of_in.next(s.xs.size), k = of_in.next(s.captured.size),
              dc = of_in.next(count(s.carry.of(active))), dx = of_in.next(count(s.xs.of(active))),
              dk = of_in.next(count(s.captured.of(active)));
  const Group c_out = of_out.next(c.size), y_out = of_out.next(s.ys.size), dc_out = of_out.next(dc.size),
              dy_out = of_out.next(both.program->outputs.size() - of_out.size());
  const std::vector<int>&inputs = both.program->inputs, &outputs = both.program->outputs;
  const ProgramRef body = reordered(
      *both.program, joined({c.of(inputs), dc.of(inputs), x.of(inputs), dx.of(inputs), k.of(inputs), dk.of(inputs)}),
      joined({c_out.of(outputs), dc_out.of(outputs), y_out.of(outputs), dy_out.of(outputs)}));
  const Leaves out = emit(scan_op(),
                          joined({c.of(in), tangents_of_carries(s, active, tangents, avals_of_leaves(in)), x.of(in),
                                  only(x.of(tangents), x.of(active)), k.of(in), only(k.of(tangents), k.of(active))}),
                          scan_params(body, s.length, c.size + dc.size, x.size + dx.size, s.reverse));
  const Group carries = of_result.next(c.size), carry_tangents = of_result.next(dc.size),
              ys = of_result.next(y_out.size), y_tangents = of_result.next(dy_out.size);
  return {joined({carries.of(out), ys.of(out)}),
          spread(joined({carry_tangents.of(out), y_tangents.of(out)}), both.out_active)};
}

static Leaves transpose_scan_without(const TransposeCall& call, const Mask& linear);

// The transposed scan runs the other way: its carry is [ct of the carry..., ct gathered for captured...], its xs are
// [ct of ys..., xs that are known...], its ys are the ct of the xs that are not.
static Leaves transpose_scan(const TransposeCall& call) {
  const ScanParts s = parts_of_scan(call.params);
  const Leaves in(call.in.begin(), call.in.end());
  // A carry that starts as a known value and comes to depend on what is transposed is linear, too; its start has no
  // cotangent. One that never does (a counter) is computed first, and then goes along as an x.
  const Mask wanted = flipped(defined(in));
  const Mask linear = settled(s, wanted, [&](const Mask& m) { return dependent_outputs(*s.body, m); });
  if (count(s.carry.of(linear)) < s.carry.size) return transpose_scan_without(call, linear);
  const Mask xs_linear = s.xs.of(linear), captured_linear = s.captured.of(linear);
  const ProgramRef transposed = transpose_program(s.body, linear);
  Groups of_in, of_out, of_body, of_result;  // of the Program: [ct c, ct y, known x, known k] -> [ct c, ct x, ct k]
  const Group ct_c = of_in.next(s.carry.size), ct_y = of_in.next(s.ys.size),
              known_x = of_in.next(count(flipped(xs_linear))), known_k = of_in.next(count(flipped(captured_linear)));
  const Group c = of_out.next(s.carry.size), x = of_out.next(count(xs_linear)), k = of_out.next(count(captured_linear));
  // Of the body: [ct c, gathered k | ct y, known x | known k] -> [ct c, gathered k | ct x].
  const Group body_c = of_body.next(c.size), gathered = of_body.next(k.size),
              body_rest = of_body.next(ct_y.size + known_x.size + known_k.size);
  const std::vector<Aval> avals = transposed->input_avals();
  std::vector<Aval> gathered_avals = k.of(transposed->output_avals());
  for (Aval& a : gathered_avals) a.weak = false;
  const Group rest{ct_y.first, body_rest.size};
  const ProgramRef body = stage_closed(
      [&](const Leaves& v) {
        const Leaves out = evaluate(*transposed, joined({body_c.of(v), body_rest.of(v)}));
        Leaves sums = gathered.of(v);
        const Leaves terms = k.of(out);
        for (std::size_t j = 0; j < sums.size(); ++j) sums[j] = sums[j] + terms[j];
        return joined({c.of(out), sums, x.of(out)});
      },
      joined({ct_c.of(avals), gathered_avals, rest.of(avals)}), "scan");
  Leaves start, cotangents;
  for (std::size_t j = 0; j < s.carry.size; ++j) start.push_back(instantiate(call.cotangents[j], call.in_avals[j]));
  for (const Aval& a : gathered_avals) start.push_back(zeros(a.shape, a.dtype));
  for (std::size_t j = s.ys.first; j < s.ys.end(); ++j) {
    const Aval& y = s.body->variables[static_cast<std::size_t>(s.body->outputs[j])];
    cotangents.push_back(instantiate(call.cotangents[j], {prepend(s.length, y.shape), y.dtype, false}));
  }
  const Leaves out = emit(scan_op(),
                          joined({start, cotangents, only(s.xs.of(in), flipped(xs_linear)),
                                  only(s.captured.of(in), flipped(captured_linear))}),
                          scan_params(body, s.length, start.size(), ct_y.size + known_x.size, !s.reverse));
  const Group to_c = of_result.next(c.size), to_k = of_result.next(k.size), to_x = of_result.next(x.size);
  Leaves sent = joined({to_c.of(out), spread(to_x.of(out), xs_linear), spread(to_k.of(out), captured_linear)});
  for (std::size_t j = 0; j < sent.size(); ++j) {
    if (!wanted[j]) sent[j] = Array();
  }
  return sent;
}

static Leaves transpose_scan_without(const TransposeCall& call, const Mask& linear) {
  const ScanParts s = parts_of_scan(call.params);
  const Leaves in(call.in.begin(), call.in.end());
  const std::vector<int>&inputs = s.body->inputs, &outputs = s.body->outputs;
  const Mask known = flipped(linear), known_carry = s.carry.of(known), linear_carry = s.carry.of(linear);
  const std::size_t moved = count(known_carry);
  // The known carries by themselves: those before each step are stacked.
  const ProgramRef forward =
      program_part(*s.body, only(inputs, known),
                   joined({only(s.carry.of(outputs), known_carry), only(s.carry.of(inputs), known_carry)}));
  const Leaves seen =
      emit(scan_op(), only(in, known), scan_params(forward, s.length, moved, count(s.xs.of(known)), s.reverse));
  Groups of_seen;
  of_seen.next(moved);
  const Leaves stacked = of_seen.next(moved).of(seen);
  // The same scan with the known carries moved behind the xs.
  auto among = [&](const auto& list, const auto& known_carries) {
    return joined({only(s.carry.of(list), linear_carry), s.xs.of(list), known_carries, s.captured.of(list)});
  };
  const ProgramRef body = reordered(*s.body, among(inputs, only(s.carry.of(inputs), known_carry)),
                                    joined({only(s.carry.of(outputs), linear_carry), s.ys.of(outputs)}));
  const Leaves cotangents(call.cotangents.begin(), call.cotangents.end());
  const std::vector<Aval> avals(call.in_avals.begin(), call.in_avals.end());
  const Leaves some = transpose_scan({scan_params(body, s.length, s.carry.size - moved, s.xs.size + moved, s.reverse),
                                      among(in, stacked), among(avals, avals_of_leaves(stacked)),
                                      joined({only(s.carry.of(cotangents), linear_carry), s.ys.of(cotangents)})});
  Groups of_some;
  const Group carry = of_some.next(s.carry.size - moved), xs = of_some.next(s.xs.size);
  of_some.next(moved);
  const Group captured = of_some.next(s.captured.size);
  return joined({spread(carry.of(some), linear_carry), xs.of(some), captured.of(some)});
}

static Batched batch_scan(const BatchCall& call) {
  const ScanParts s = parts_of_scan(call.params);
  Leaves in(call.in.begin(), call.in.end());
  const Mask batched =
      settled(s, call.batched, [&](const Mask& m) { return batch_program(s.body, m, call.size).out_batched; });
  const BatchProgram body = batch_program(s.body, batched, call.size, s.carry.of(batched));
  for (std::size_t k = 0; k < s.carry.size; ++k) {
    if (batched[k] && !call.batched[k]) in[k] = repeat_leading(in[k], call.size);
  }
  for (std::size_t k = s.xs.first; k < s.xs.end(); ++k) {
    if (batched[k]) in[k] = moveaxis(in[k], 0, 1);  // steps in front, lanes behind them
  }
  Leaves out = emit(scan_op(), in, scan_params(body.program, s.length, s.carry.size, s.xs.size, s.reverse));
  for (std::size_t k = s.ys.first; k < s.ys.end(); ++k) {
    if (body.out_batched[k]) out[k] = moveaxis(out[k], 1, 0);
  }
  return {out, body.out_batched};
}

// Samples of three bodies, whose references are plain_scan's three loops.
//
//   "mixed"   carries [u, v, i], xs [x, m], captured [a, k]; i and m integers. u and v change places.
//   "linear"  carries [c, p, t], xs [x], captured [a, b]. Linear in c, p, x and b; t, an integer, counts. p starts known, and follows c.
//   "nested"  carry [c], xs [x, j], captured [a]. A cond by j whose second branch is a scan over a's elements.
static Leaves mixed_body(const Leaves& in) {
  const Array &u = in[0], &v = in[1], &i = in[2], &x = in[3], &m = in[4], &a = in[5], &k = in[6];
  const Array next = sin(u) * a + x;
  return {v * k, next, i + m, next * sum(u), i, a, v};
}
static Leaves linear_body(const Leaves& in) {
  const Array &c = in[0], &p = in[1], &x = in[3], &a = in[4], &b = in[5], t = astype(in[2], c.dtype());
  return {c * a + x + b * t, p + c * t, in[2] + 1, flip(c, 0) - p, b};
}
static ProgramRef nested_body(Dtype d) {
  const Leaves scalars{sample({}, d), sample({}, d), sample({3}, d)};
  const ProgramRef turn = program_like({scalars[0], scalars[0]}, [](const Leaves& v) {
    return Leaves{v[0] * v[1] + 0.5, sin(v[0])};
  });
  const Programs branches{program_like(scalars,
                                       [](const Leaves& v) {
                                         return Leaves{v[0] * v[1], zeros_like(v[2])};
                                       }),
                          program_like(scalars, [&](const Leaves& v) {
                            return emit(scan_op(), {v[0] + v[1], v[2]}, scan_params(turn, 3, 1, 1, true));
                          })};
  return program_like({scalars[0], scalars[1], sample_integers({0}, {}), scalars[2]}, [&](const Leaves& v) {
    return emit(cond_op(), {v[2], v[0], v[1], v[3]}, {{"branches", branches}});
  });
}

static std::vector<Sample> scan_samples(Dtype d) {
  std::vector<Sample> out;
  auto add = [&](const char* kind, const ProgramRef& body, const Leaves& carry, const Leaves& xs,
                 const Leaves& captured, bool reverse) {
    Params params = scan_params(body, xs[0].shape()[0], carry.size(), xs.size(), reverse);
    params.set("kind", std::string(kind));
    out.push_back({join(join(carry, xs), captured), params, "", kind == std::string("linear")});
  };
  const Leaves mixed{sample({2}, d), sample({2}, d, 1), sample_integers({5}, {})},
      with{sample({2}, d, 3), sample({}, d, 4)};
  const ProgramRef body = program_like(join(join(mixed, {sample({2}, d), sample_integers({0}, {})}), with), mixed_body);
  for (bool reverse : {false, true}) {
    for (std::int64_t n : {0, 1, 3}) {
      const Array m = n == 0   ? sample_integers({}, {0})
                      : n == 1 ? sample_integers({2}, {1})
                               : sample_integers({2, 7, 1}, {3});
      add("mixed", body, mixed, {sample({n, 2}, d, 2), m}, with, reverse);
    }
    const Leaves linear{sample({2}, d, 5), zeros({2}, d), sample_integers({1}, {})},
        by{sample({2}, d, 6), sample({2}, d, 7)};
    add("linear", program_like(join(join(linear, {sample({2}, d)}), by), linear_body), linear, {sample({3, 2}, d, 8)},
        by, reverse);
    add("nested", nested_body(d), {sample({}, d, 9)}, {sample({4}, d, 10), sample_integers({1, 0, 0, 1}, {4})},
        {sample({3}, d, 11)}, reverse);
  }
  return out;
}

static Plain plain_scan(const Sample& s) {
  const ScanParts p = parts_of_scan(s.params);
  const auto n = static_cast<std::size_t>(p.length);
  std::vector<std::vector<long double>> in;
  for (const Array& a : s.in) in.push_back(numbers(a));
  const std::string& kind = s.params.text("kind");
  Plain out = p.carry.of(in);  // then the ys
  if (kind == "mixed") {
    const auto &x = in[3], &m = in[4], &a = in[5];
    const long double k = in[6][0];
    for (std::size_t size : {2 * n, n, 2 * n, 2 * n}) out.emplace_back(size);
    for (std::size_t step = 0; step < n; ++step) {
      const std::size_t at = p.reverse ? n - 1 - step : step;
      const std::vector<long double> u = out[0], v = out[1];
      out[4][at] = out[2][0];
      out[2][0] += m[at];
      for (std::size_t e = 0; e < 2; ++e) {
        out[0][e] = v[e] * k;
        out[1][e] = std::sin(u[e]) * a[e] + x[2 * at + e];
        out[3][2 * at + e] = out[1][e] * (u[0] + u[1]);
        out[5][2 * at + e] = a[e];
        out[6][2 * at + e] = v[e];
      }
    }
  } else if (kind == "linear") {
    const auto &x = in[3], &a = in[4], &b = in[5];
    for (int y = 0; y < 2; ++y) out.emplace_back(2 * n);
    for (std::size_t step = 0; step < n; ++step) {
      const std::size_t at = p.reverse ? n - 1 - step : step;
      const std::vector<long double> c = out[0], before = out[1];
      const long double t = out[2][0]++;
      for (std::size_t e = 0; e < 2; ++e) {
        out[0][e] = c[e] * a[e] + x[2 * at + e] + b[e] * t;
        out[1][e] = before[e] + c[e] * t;
        out[3][2 * at + e] = c[1 - e] - before[e];
        out[4][2 * at + e] = b[e];
      }
    }
  } else {
    const auto &x = in[1], &j = in[2], &a = in[3];
    out.emplace_back(3 * n, 0);
    long double& c = out[0][0];
    for (std::size_t step = 0; step < n; ++step) {
      const std::size_t at = p.reverse ? n - 1 - step : step;
      if (j[at] == 0) {
        c *= x[at];
        continue;
      }
      c += x[at];
      for (std::size_t e = 3; e-- > 0;) {
        out[1][3 * at + e] = std::sin(c);
        c = c * a[e] + 0.5L;
      }
    }
  }
  return out;
}

}  // namespace control

const Op& scan_op() {
  static const Op op = [] {
    Op o;
    o.name = "scan";
    o.control = Control::scan;
    o.rounding = Rounding::within;
    o.infer = [](std::span<const Aval>, const Params& params) {
      std::vector<Aval> out = params.program("body")->output_avals();
      for (std::size_t k = static_cast<std::size_t>(params.integer("carry")); k < out.size(); ++k) {
        out[k] = {prepend(params.integer("length"), out[k].shape), out[k].dtype, false};
      }
      return out;
    };
    o.linearize = control::linearize_scan;
    o.joint = control::joint_scan;
    o.transpose = control::transpose_scan;
    o.batch = control::batch_scan;
    o.samples = control::scan_samples;
    o.plain = control::plain_scan;
    return o;
  }();
  return op;
}

}  // namespace dini::detail
