// scan: every derivative of a loop with a fixed number of steps is another such loop.
#include <cmath>

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/promote.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/ops/shaping_build.hpp"
#include "dini/transforms/control_parts.hpp"

namespace dini::detail {

namespace control {

struct ScanParts {
  ProgramRef body;
  std::int64_t length;
  std::size_t carry, xs;
  bool reverse;
};
static ScanParts parts_of_scan(const Params& p) {
  return {p.program("body"), p.integer("length"), static_cast<std::size_t>(p.integer("carry")),
          static_cast<std::size_t>(p.integer("xs")), p.flag("reverse")};
}

// Which of the body's inputs are active once the carry's activity has settled. `derive` is what makes the tangents: where
// one writes zeros the other may know that there is nothing.
template <class Derive> static Mask scan_active(const ScanParts& s, Mask active, const Derive& derive) {
  for (;;) {
    const Mask out = derive(s.body, active, Mask()).out_active;
    Mask next = active;
    for (std::size_t k = 0; k < s.carry; ++k) next[k] = next[k] || out[k];
    if (next == active) return active;
    active = next;
  }
}

static std::vector<Aval> lined_up(const std::vector<Aval>& a, const std::vector<Aval>& b, const std::vector<Aval>& c) {
  std::vector<Aval> out = a;
  out.insert(out.end(), b.begin(), b.end());
  out.insert(out.end(), c.begin(), c.end());
  return out;
}

static Linearized linearize_scan(const LinearizeCall& call) {
  const ScanParts s = parts_of_scan(call.params);
  const Leaves in(call.in.begin(), call.in.end());
  const Mask active = scan_active(s, call.active, linear_program);
  Mask want(s.body->outputs.size(), false);
  for (std::size_t k = 0; k < s.carry; ++k) want[k] = active[k];
  const LinearProgram linear = linear_program(s.body, active, want);
  const std::size_t outputs = s.body->outputs.size(), n = s.carry;
  // A residual that is one of the captured inputs is the same at each step, and one that is an x is there already: they
  // are passed on. The others are stacked by the primal scan.
  enum class From { step, xs, captured };
  std::vector<std::pair<From, std::size_t>> origin;
  std::vector<int> stacked_outputs;
  for (std::size_t r = 0; r < linear.residuals; ++r) {
    const int v = linear.primal->outputs[outputs + r];
    const auto& inputs = linear.primal->inputs;
    const auto place = static_cast<std::size_t>(std::find(inputs.begin(), inputs.end(), v) - inputs.begin());
    if (place < inputs.size() && place >= n + s.xs)
      origin.emplace_back(From::captured, place);
    else if (place < inputs.size() && place >= n)
      origin.emplace_back(From::xs, place);
    else {
      origin.emplace_back(From::step, stacked_outputs.size());
      stacked_outputs.push_back(v);
    }
  }
  auto primal = std::make_shared<Program>();
  primal->variables = linear.primal->variables;
  primal->inputs = linear.primal->inputs;
  primal->constants = linear.primal->constants;
  primal->equations = linear.primal->equations;
  primal->outputs.assign(linear.primal->outputs.begin(),
                         linear.primal->outputs.begin() + static_cast<std::ptrdiff_t>(outputs));
  primal->outputs.insert(primal->outputs.end(), stacked_outputs.begin(), stacked_outputs.end());
  const Leaves all = emit(scan_op(), in, scan_params(primal, s.length, n, s.xs, s.reverse));

  // The tangent scan: carry [dc...], xs [dx..., residuals that vary...], captured [dcaptured..., residuals that do not...].
  const Mask carry_active = mask_part(active, 0, n), xs_active = mask_part(active, n, n + s.xs),
             captured_active = mask_part(active, n + s.xs, active.size());
  const std::size_t nc = count(carry_active), nx = count(xs_active), nk = count(captured_active);
  Leaves varying, fixed;
  std::vector<std::size_t> place_of(linear.residuals);  // in [varying..., fixed...]
  for (std::size_t r = 0; r < linear.residuals; ++r) {
    if (origin[r].first == From::captured) continue;
    place_of[r] = varying.size();
    varying.push_back(origin[r].first == From::xs ? in[origin[r].second] : all[outputs + origin[r].second]);
  }
  for (std::size_t r = 0; r < linear.residuals; ++r) {
    if (origin[r].first != From::captured) continue;
    place_of[r] = varying.size() + fixed.size();
    fixed.push_back(in[origin[r].second]);
  }
  const std::vector<Aval> tangent_in = linear.tangent->input_avals();
  auto sub = [&](std::size_t a, std::size_t b) {
    return std::vector<Aval>(tangent_in.begin() + static_cast<std::ptrdiff_t>(a),
                             tangent_in.begin() + static_cast<std::ptrdiff_t>(b));
  };
  std::vector<Aval> varying_avals(varying.size()), fixed_avals(fixed.size());
  for (std::size_t r = 0; r < linear.residuals; ++r) {
    const Aval& a = tangent_in[nc + nx + nk + r];
    (place_of[r] < varying.size() ? varying_avals[place_of[r]] : fixed_avals[place_of[r] - varying.size()]) = a;
  }
  std::vector<Aval> xs_avals = sub(nc, nc + nx), captured_avals = sub(nc + nx, nc + nx + nk);
  xs_avals.insert(xs_avals.end(), varying_avals.begin(), varying_avals.end());
  captured_avals.insert(captured_avals.end(), fixed_avals.begin(), fixed_avals.end());
  const std::size_t nv = varying.size();
  const ProgramRef body = stage_closed(
      [&](const Leaves& a) {
        Leaves inputs = part(a, 0, nc + nx);
        const Leaves moving = part(a, nc + nx, nc + nx + nv), dk = part(a, nc + nx + nv, nc + nx + nv + nk),
                     still = part(a, nc + nx + nv + nk, a.size());
        inputs = join(std::move(inputs), dk);
        for (std::size_t r = 0; r < linear.residuals; ++r) {
          inputs.push_back(place_of[r] < nv ? moving[place_of[r]] : still[place_of[r] - nv]);
        }
        return evaluate(*linear.tangent, inputs);
      },
      lined_up(sub(0, nc), xs_avals, captured_avals), "scan");
  const Mask out_active = linear.out_active;
  std::vector<Aval> carry_avals;
  for (std::size_t k = 0; k < n; ++k) carry_avals.push_back(in[k].aval());
  return {part(all, 0, outputs), [=](const Leaves& given) {
            Leaves inputs;
            for (std::size_t k = 0; k < n; ++k) {
              if (carry_active[k]) inputs.push_back(instantiate(given[k], carry_avals[k]));
            }
            inputs = join(join(std::move(inputs), only(part(given, n, n + s.xs), xs_active)), varying);
            inputs = join(join(std::move(inputs), only(part(given, n + s.xs, given.size()), captured_active)), fixed);
            return spread(emit(scan_op(), inputs, scan_params(body, s.length, nc, nx + nv, s.reverse)), out_active);
          }};
}

static std::pair<Leaves, Leaves> joint_scan(const JvpCall& call) {
  const ScanParts s = parts_of_scan(call.params);
  const Leaves in(call.in.begin(), call.in.end()), dx(call.tangents.begin(), call.tangents.end());
  const Mask active = scan_active(s, defined(dx), jvp_program);
  const std::size_t n = s.carry, m = n + s.xs, outputs = s.body->outputs.size();
  Mask want(outputs, false);
  for (std::size_t k = 0; k < n; ++k) want[k] = active[k];
  const JvpProgram both = jvp_program(s.body, active, want);
  const std::size_t nc = count(mask_part(active, 0, n)), nx = count(mask_part(active, n, m));
  const std::size_t n_captured = in.size() - m;
  std::vector<Aval> a = both.program->input_avals();
  auto sub = [&](std::size_t first, std::size_t last) {
    return std::vector<Aval>(a.begin() + static_cast<std::ptrdiff_t>(first),
                             a.begin() + static_cast<std::ptrdiff_t>(last));
  };
  const std::size_t t = in.size();  // where tangents begin
  const ProgramRef body = stage_closed(
      [&](const Leaves& v) {
        // [c, dc | x, dx | k, dk] -> [c, x, k, dc, dx, dk], and [c, y, dc, dy] -> [c, dc, y, dy]
        const std::size_t x = n + nc, k = x + s.xs + nx;
        Leaves inputs = join(join(part(v, 0, n), part(v, x, x + s.xs)), part(v, k, k + n_captured));
        inputs =
            join(join(join(std::move(inputs), part(v, n, x)), part(v, x + s.xs, k)), part(v, k + n_captured, v.size()));
        const Leaves out = evaluate(*both.program, inputs);
        return join(join(part(out, 0, n), part(out, outputs, outputs + nc)),
                    join(part(out, n, outputs), part(out, outputs + nc, out.size())));
      },
      [&] {
        std::vector<Aval> order = sub(0, n);
        for (auto piece :
             {sub(t, t + nc), sub(n, m), sub(t + nc, t + nc + nx), sub(m, t), sub(t + nc + nx, a.size())}) {
          order.insert(order.end(), piece.begin(), piece.end());
        }
        return order;
      }(),
      "scan");
  Leaves dc;
  for (std::size_t k = 0; k < n; ++k) {
    if (active[k]) dc.push_back(instantiate(dx[k], in[k].aval()));
  }
  Leaves inputs = join(part(in, 0, n), dc);
  inputs = join(join(std::move(inputs), part(in, n, m)), only(part(dx, n, m), mask_part(active, n, m)));
  inputs = join(join(std::move(inputs), part(in, m, t)), only(part(dx, m, t), mask_part(active, m, t)));
  const Leaves out = emit(scan_op(), inputs, scan_params(body, s.length, n + nc, s.xs + nx, s.reverse));
  const std::size_t ys = outputs - n;
  const Leaves tangents = join(part(out, n, n + nc), part(out, n + nc + ys, out.size()));
  return {join(part(out, 0, n), part(out, n + nc, n + nc + ys)), spread(tangents, both.out_active)};
}

// Which outputs depend on the inputs marked.
static Mask dependent_outputs(const Program& p, const Mask& inputs) {
  Mask depends(p.variables.size(), false), out;
  for (std::size_t k = 0; k < p.inputs.size(); ++k) depends[static_cast<std::size_t>(p.inputs[k])] = inputs[k];
  for (const Equation& e : p.equations) {
    const bool any =
        std::any_of(e.inputs.begin(), e.inputs.end(), [&](int v) { return depends[static_cast<std::size_t>(v)]; });
    for (int v : e.outputs) depends[static_cast<std::size_t>(v)] = any;
  }
  for (int v : p.outputs) out.push_back(depends[static_cast<std::size_t>(v)]);
  return out;
}

static Leaves transpose_scan_without(const TransposeCall& call, const Mask& linear);

// The transposed scan runs the other way: its carry is [ct of the carry..., ct gathered for captured...], its xs are
// [ct of ys..., xs that are known...], its ys are the ct of the xs that are not.
static Leaves transpose_scan(const TransposeCall& call) {
  const ScanParts s = parts_of_scan(call.params);
  const Leaves in(call.in.begin(), call.in.end());
  const std::size_t n = s.carry, m = n + s.xs;
  Mask linear = defined(in);
  linear.flip();
  // A carry that starts as a known value and comes to depend on what is transposed is linear, too; its start has no
  // cotangent. One that never does (a counter) is computed first, and then goes along as an x.
  const Mask wanted = linear;
  for (;;) {
    const Mask out = dependent_outputs(*s.body, linear);
    Mask next = linear;
    for (std::size_t k = 0; k < n; ++k) next[k] = next[k] || out[k];
    if (next == linear) break;
    linear = next;
  }
  if (count(mask_part(linear, 0, n)) < n) return transpose_scan_without(call, linear);
  const Mask xs_linear = mask_part(linear, n, m), captured_linear = mask_part(linear, m, in.size());
  Mask xs_known = xs_linear, captured_known = captured_linear;
  xs_known.flip();
  captured_known.flip();
  const std::size_t nx = count(xs_linear), nk = count(captured_linear), ny = s.body->outputs.size() - n;
  const ProgramRef transposed =
      transpose_program(s.body, linear);  // [ct c, ct y, known x, known k] -> [ct c, ct x, ct k]
  const std::vector<Aval> a = transposed->input_avals();
  const std::vector<Aval> body_in = s.body->input_avals();
  std::vector<Aval> avals(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(n));
  Leaves init;
  for (std::size_t k = 0; k < n; ++k) init.push_back(instantiate(call.cotangents[k], call.in_avals[k]));
  for (std::size_t k = m; k < in.size(); ++k) {
    if (!linear[k]) continue;
    avals.push_back({body_in[k].shape, body_in[k].dtype, false});
    init.push_back(zeros(body_in[k].shape, body_in[k].dtype));
  }
  avals.insert(avals.end(), a.begin() + static_cast<std::ptrdiff_t>(n), a.end());
  const ProgramRef body = stage_closed(
      [&](const Leaves& v) {
        const Leaves out = evaluate(*transposed, join(part(v, 0, n), part(v, n + nk, v.size())));
        Leaves carry = part(out, 0, n);
        for (std::size_t k = 0; k < nk; ++k) carry.push_back(v[n + k] + out[n + nx + k]);
        return join(std::move(carry), part(out, n, n + nx));
      },
      avals, "scan");
  Leaves xs;
  for (std::size_t k = 0; k < ny; ++k) {
    const Aval y = s.body->variables[s.body->outputs[n + k]];
    xs.push_back(instantiate(call.cotangents[n + k], {prepend(s.length, y.shape), y.dtype, false}));
  }
  xs = join(std::move(xs), only(part(in, n, m), xs_known));
  const Leaves inputs = join(join(init, xs), only(part(in, m, in.size()), captured_known));
  const Leaves out = emit(scan_op(), inputs, scan_params(body, s.length, n + nk, xs.size(), !s.reverse));
  Leaves sent = join(join(part(out, 0, n), spread(part(out, n + nk, out.size()), xs_linear)),
                     spread(part(out, n, n + nk), captured_linear));
  for (std::size_t k = 0; k < sent.size(); ++k) {
    if (!wanted[k]) sent[k] = Array();
  }
  return sent;
}

static Leaves transpose_scan_without(const TransposeCall& call, const Mask& linear) {
  const ScanParts s = parts_of_scan(call.params);
  const Leaves in(call.in.begin(), call.in.end());
  const std::size_t n = s.carry, m = n + s.xs;
  const std::vector<Aval> avals = s.body->input_avals();
  Mask known_carry = mask_part(linear, 0, n), known = linear;
  known_carry.flip();
  known.flip();
  const std::size_t nc = count(known_carry);
  std::vector<Aval> known_avals;
  for (std::size_t k = 0; k < avals.size(); ++k) {
    if (known[k]) known_avals.push_back(avals[k]);
  }
  const ProgramRef forward = stage_closed(
      [&](const Leaves& v) {
        Leaves inputs = spread(v, known);
        for (std::size_t k = 0; k < inputs.size(); ++k) inputs[k] = instantiate(inputs[k], avals[k]);
        return join(only(part(evaluate(*s.body, inputs), 0, n), known_carry), part(v, 0, nc));
      },
      known_avals, "scan");
  const Leaves seen =
      emit(scan_op(), only(in, known), scan_params(forward, s.length, nc, count(mask_part(known, n, m)), s.reverse));
  // The same scan with the known carries moved behind the xs.
  auto body = std::make_shared<Program>();
  body->variables = s.body->variables;
  body->constants = s.body->constants;
  body->equations = s.body->equations;
  std::vector<std::size_t> place;  // of the new inputs among the old ones
  for (std::size_t k = 0; k < n; ++k) {
    if (!known_carry[k]) place.push_back(k);
  }
  const std::size_t carry = place.size();
  for (std::size_t k = n; k < m; ++k) place.push_back(k);
  for (std::size_t k = 0; k < n; ++k) {
    if (known_carry[k]) place.push_back(k);
  }
  for (std::size_t k = m; k < in.size(); ++k) place.push_back(k);
  Leaves inputs, cotangents;
  std::vector<Aval> in_avals;
  std::size_t next = nc;
  for (std::size_t k : place) {
    const bool moved = k < n && known_carry[k];
    body->inputs.push_back(s.body->inputs[k]);
    inputs.push_back(moved ? seen[next++] : in[k]);
    in_avals.push_back(moved ? inputs.back().aval() : call.in_avals[k]);
  }
  for (std::size_t k = 0; k < s.body->outputs.size(); ++k) {
    if (k < n && known_carry[k]) continue;
    body->outputs.push_back(s.body->outputs[k]);
    cotangents.push_back(call.cotangents[k]);
  }
  const Params params = scan_params(body, s.length, carry, s.xs + nc, s.reverse);
  const Leaves some = transpose_scan({params, inputs, in_avals, cotangents});
  Leaves sent(in.size());
  for (std::size_t k = 0; k < place.size(); ++k) {
    if (place[k] >= n || !known_carry[place[k]]) sent[place[k]] = some[k];
  }
  return sent;
}

static Batched batch_scan(const BatchCall& call) {
  const ScanParts s = parts_of_scan(call.params);
  Leaves in(call.in.begin(), call.in.end());
  const std::size_t n = s.carry;
  Mask batched = call.batched;
  for (;;) {
    const Mask out = batch_program(s.body, batched, call.size).out_batched;
    Mask next = batched;
    for (std::size_t k = 0; k < n; ++k) next[k] = next[k] || out[k];
    if (next == batched) break;
    batched = next;
  }
  const BatchProgram body = batch_program(s.body, batched, call.size, mask_part(batched, 0, n));
  for (std::size_t k = 0; k < n; ++k) {
    if (batched[k] && !call.batched[k]) in[k] = repeat_leading(in[k], call.size);
  }
  for (std::size_t k = n; k < n + s.xs; ++k) {
    if (batched[k]) in[k] = moveaxis(in[k], 0, 1);  // steps in front, lanes behind them
  }
  Leaves out = emit(scan_op(), in, scan_params(body.program, s.length, n, s.xs, s.reverse));
  for (std::size_t k = n; k < out.size(); ++k) {
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
  Plain out(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(p.carry));  // the carries, then the ys
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
