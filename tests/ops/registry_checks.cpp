// value, batch and program; and what runs a check.
#include "registry_checks.hpp"

#include <iterator>
#include <set>

#include "dini/exec/executable.hpp"
#include "dini/trace/emit.hpp"
#include "dini/transforms/batch.hpp"
#include "dini/transforms/callable.hpp"
#include "registry_cases.hpp"

namespace dini::registry {

const char* name(Check check) {
  constexpr const char* names[] = {"value", "jvp", "dot", "second", "batch", "program", "transpose"};
  return names[static_cast<int>(check)];
}

namespace {

// ---- value -----------------------------------------------------------------------------------------------------------

// All of an elementwise op's samples, edges included.
void check_elementwise(Judge& judge, const Op& op, Dtype dtype) {
  std::vector<Case> all;
  if (is_floating(dtype)) {
    for (const Sample& s : op.samples(dtype)) all.push_back({&op, all.size(), s.params, s.in, "", true, {}, true});
  } else {
    all = cases(op, dtype);
  }
  for (const Case& c : all) {
    const Array out = c.call(c.in)[0];
    std::vector<Numbers> operands;
    for (const Array& a : c.in) operands.push_back(numbers(a));
    const Numbers got = numbers(out);
    const long double relative = 32 * epsilon(out.dtype()), absolute = 4 * epsilon(out.dtype());
    for (std::size_t i = 0; i < got.size(); ++i) {
      long double wanted = reference_at(op, operands, i);
      if (out.dtype() == Dtype::float32) wanted = static_cast<float>(wanted);
      if (!is_floating(out.dtype()) && !std::isfinite(wanted)) continue;
      judge.close(got[i], wanted,
                  relative * std::fabs(wanted) +
                      (std::fabs(wanted) < 1 ? absolute : 0) * std::min(1.0L, 1e3L * std::fabs(wanted)),
                  c.str() + " value [" + std::to_string(i) + "]");
    }
  }
}

}  // namespace

void check_value(Judge& judge, const Op& op, Dtype dtype) {
  if (is_elementwise(op)) return check_elementwise(judge, op, dtype);
  for (const Case& c : cases(op, dtype)) {
    if (!c.error.empty()) {
      judge.refuses([&] { c.call(c.in); }, c.error, c.str() + " value");
      continue;
    }
    const Leaves out = emit(op, c.in, c.params);
    const std::vector<Numbers> wanted = op.plain({c.in, c.params});
    const long double relative = dtype == Dtype::float32 ? 2e-4L : 1e-11L;
    if (wanted.size() != out.size()) {
      judge.fail(c.str() + ": its reference has another number of outputs");
      continue;
    }
    for (std::size_t k = 0; k < out.size(); ++k) {
      const Numbers got = numbers(out[k]);
      if (got.size() != wanted[k].size()) {
        judge.fail(c.str() + ": its reference has another size");
        continue;
      }
      long double largest = 0;
      for (long double x : wanted[k]) {
        if (std::isfinite(x)) largest = std::max(largest, std::fabs(x));
      }
      const long double tolerance = is_floating(out[k].dtype()) ? relative * std::max(largest, 1e-3L) : 0;
      for (std::size_t i = 0; i < got.size(); ++i) {
        const long double value = out[k].dtype() == Dtype::bool_ ? wanted[k][i] != 0 : wanted[k][i];
        judge.close(got[i], value, tolerance, c.str() + " value " + std::to_string(k) + " [" + std::to_string(i) + "]");
      }
    }
  }
}

// ---- batch -----------------------------------------------------------------------------------------------------------

namespace {

// Other operands of the same kind: floating ones a little different (for a function with steps, in another order, as integer
// ones are), an integer one more in the last lane, conditions turned.
Array variant(const Array& a, int lane, bool steps) {
  Numbers v = numbers(a);
  if (lane == 0) return a;
  if (a.dtype() == Dtype::bool_) {
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = (i + static_cast<std::size_t>(lane)) % 2 ? v[i] : 1 - v[i];
  } else if (is_floating(a.dtype()) && !steps) {
    Directions d(static_cast<std::uint64_t>(lane));
    for (long double& x : v) x *= 1 + 0.02L * static_cast<long double>(d.next());
  } else if (a.ndim() > 0) {
    const std::size_t n = static_cast<std::size_t>(a.shape().back());
    for (std::size_t i = 0; n && i + n <= v.size(); i += n) {
      const auto begin = v.begin() + static_cast<std::ptrdiff_t>(i), end = begin + static_cast<std::ptrdiff_t>(n);
      lane == 1 ? static_cast<void>(std::rotate(begin, begin + 1, end)) : std::reverse(begin, end);
    }
  } else if (!is_floating(a.dtype())) {
    v[0] += lane / 2;
  }
  return from_numbers(v, a.shape(), a.dtype());
}

// Operands of one lane: the first lane's where there is no batch.
Leaves row(const std::vector<Leaves>& lanes, std::size_t lane, const Mask& batched) {
  Leaves out = lanes[lane];
  for (std::size_t k = 0; k < batched.size(); ++k) {
    if (!batched[k]) out[k] = lanes[0][k];
  }
  return out;
}

Leaves together(const std::vector<Leaves>& lanes, const Mask& batched) {
  Leaves out;
  for (std::size_t k = 0; k < batched.size(); ++k) {
    std::vector<Array> column;
    for (const Leaves& lane : lanes) column.push_back(lane[k]);
    out.push_back(batched[k] ? stacked(column) : lanes[0][k]);
  }
  return out;
}

// f over batches against f in a loop. Where it throws in a lane, it has to throw over all.
void check_batched(Judge& judge, const ErasedFunction& f, const std::vector<Leaves>& lanes, const Mask& batched,
                   long double relative, const std::string& where) {
  const auto at_once = [&] {
    return detail::vmap(f, together(lanes, batched), batched, static_cast<std::int64_t>(lanes.size()), true).out;
  };
  std::vector<Leaves> rows;
  try {
    for (std::size_t lane = 0; lane < lanes.size(); ++lane) rows.push_back(f(row(lanes, lane, batched)));
  } catch (const Error& e) {
    const std::string what = e.what();  // up to what it says of the lane
    return judge.refuses(at_once, what.substr(0, what.find(':') + 1), where + str(batched), "a lane throws");
  }
  const Leaves got = at_once();
  for (std::size_t r = 0; r < got.size(); ++r) {
    std::vector<Array> column;
    for (const Leaves& row : rows) column.push_back(row.at(r));
    judge.close(got[r], stacked(column), relative, where + str(batched) + " result " + std::to_string(r));
  }
}

// What the lanes send to their operands: those that all share get the sum.
Leaves gathered(const std::vector<Leaves>& lanes, const Mask& batched) {
  Leaves out = together(lanes, batched);
  for (std::size_t k = 0; k < out.size(); ++k) {
    for (std::size_t lane = 1; lane < lanes.size() && !batched[k]; ++lane)
      out[k] = moved({out[k]}, {lanes[lane][k]}, 1)[0];
  }
  return out;
}

// Over no lanes: results of the right shapes and dtypes.
void check_no_lanes(Judge& judge, const Case& c) {
  Leaves none;
  for (const Array& a : c.in) none.push_back(from_numbers({}, prepend(0, a.shape()), a.dtype()));
  const Leaves got = detail::vmap(c.function(), none, Mask(c.in.size(), true), 0, true).out, one = c.call(c.in);
  for (std::size_t k = 0; k < one.size(); ++k) {
    judge.close(got.at(k), from_numbers({}, prepend(0, one[k].shape()), one[k].dtype()), 0,
                c.str() + " vmap of size 0");
  }
}

// The transpose of the op over lanes against the op's transposes: an operand that all lanes share gets their sum.
void check_batched_transpose(Judge& judge, const Case& c, const std::vector<Leaves>& lanes, const Mask& batched,
                             long double relative) {
  for (const Linear& linear : linear_operands(c)) {
    std::vector<Leaves> w, back;
    for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
      w.push_back(cotangents(c.plain(linear.all), 30 + lane));
      back.push_back(transposed(c.function(), {linear.places, row(lanes, lane, batched)}, w.back()));
    }
    const ErasedFunction over_lanes = [&](const Leaves& all) {
      return detail::vmap(c.function(), all, batched, static_cast<std::int64_t>(lanes.size()), true).out;
    };
    const Leaves got =
        transposed(over_lanes, {linear.places, together(lanes, batched)}, together(w, Mask(w[0].size(), true)));
    Mask own;
    for (std::size_t k : linear.places) own.push_back(batched[k]);
    judge.close(got, gathered(back, own), relative, c.str() + " transpose of vmap" + str(batched));
  }
}

bool gives_integers(const Case& c) {
  if (!c.error.empty()) return false;
  const Leaves out = c.call(c.in);
  return std::any_of(out.begin(), out.end(), [](const Array& a) { return !is_floating(a.dtype()); });
}

Mask extended(Mask m, std::size_t k, bool by) {
  m.resize(m.size() + k, by);
  return m;
}

Case at(const Case& c, const Leaves& in) {
  Case here = c;
  here.in = in;
  return here;
}

// vmap of jvp and of vjp, as functions of the operands and of [tangents of the free ones...] or [cotangents...].
void check_batched_derivatives(Judge& judge, const Case& c, const std::vector<Leaves>& lanes, long double relative) {
  const std::size_t n = c.in.size(), m = c.free.size();
  const ErasedFunction forward = [&](const Leaves& in) {
    const Case here = at(c, first(in, n));
    const detail::JvpResult r = detail::jvp(here, here.values(), after(in, n));
    Leaves out;
    for (std::size_t k = 0; k < r.out.size(); ++k) {
      if (is_floating(r.out[k].dtype())) out.push_back(detail::instantiate(r.tangents[k], r.out[k].aval()));
    }
    return out;
  };
  const ErasedFunction backward = [&](const Leaves& in) {
    const Case here = at(c, first(in, n));
    return pulled(here, here.values(), after(in, n), Mask(m, true));
  };
  const Leaves like = c(c.values());
  std::vector<Leaves> with_v, with_w;
  for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
    with_v.push_back(joined(lanes[lane], directions(c.values(), 20 + lane)));
    with_w.push_back(joined(lanes[lane], cotangents(like, 30 + lane)));
  }
  const auto compare = [&](const Mask& mask, bool by) {
    if (has_forward(*c.op))
      check_batched(judge, forward, with_v, extended(mask, m, by), 20 * relative, c.str() + " vmap of jvp");
    if (has_reverse(*c.op))
      check_batched(judge, backward, with_w, extended(mask, like.size(), by), 20 * relative, c.str() + " vmap of vjp");
  };
  compare(Mask(n, false), true);
  for (const Mask& mask : subsets(n)) {
    compare(mask, true);
    compare(mask, false);
  }
}

// jvp and vjp of vmap, in the free operands.
void check_derivatives_of_batch(Judge& judge, const Case& c, const std::vector<Leaves>& lanes, const Mask& batched,
                                long double relative) {
  const Case many = at(c, together(lanes, batched));
  const ErasedFunction f = [&](const Leaves& values) {
    return detail::vmap(c.function(), many.with(values), batched, static_cast<std::int64_t>(lanes.size()), true).out;
  };
  Mask own;
  for (std::size_t k : c.free) own.push_back(batched[k]);
  const Mask all(own.size(), true);
  std::vector<Leaves> v, w, tangents, back;
  for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
    v.push_back(directions(c.values(), 20 + lane));
    try {
      w.push_back(cotangents(c.call(row(lanes, lane, batched)), 30 + lane));
    } catch (const Error&) {  // it throws in a lane, as vmap then must: see check_batched
      return;
    }
  }
  for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
    const Case here = at(c, row(lanes, lane, batched));
    if (has_forward(*c.op)) tangents.push_back(jvp_tangents(here, here.values(), row(v, lane, own)));
    if (has_reverse(*c.op)) back.push_back(pulled(here, here.values(), w[lane], all));
  }
  const Leaves x = many.values();
  if (has_forward(*c.op)) {
    judge.close(jvp_tangents(f, x, together(v, own)), together(tangents, Mask(tangents[0].size(), true)), relative,
                c.str() + " jvp of vmap" + str(batched));
  }
  if (has_reverse(*c.op)) {
    judge.close(pulled(f, x, together(w, Mask(w[0].size(), true)), all), gathered(back, own), relative,
                c.str() + " vjp of vmap" + str(batched));
  }
}

}  // namespace

void check_batch(Judge& judge, const Op& op, Dtype dtype) {
  const bool by_transpose = !runs(op, dtype);
  for (const Case& c : cases(op, dtype)) {
    if (c.in.empty()) {
      judge.note("no operand");
      continue;
    }
    const long double relative = 200 * roundoff(c);
    std::vector<Leaves> lanes(3);
    // Pivots, signs and whole numbers differ between lanes only if much else does.
    static const std::set<std::string> with_steps{"linear_solve", "slogdet", "polygamma"};
    const bool steps = with_steps.count(op.name) || (!op.differentiable && gives_integers(c));
    for (std::size_t k = 0; k < c.in.size(); ++k) {
      const bool smooth = op.differentiable && std::find(c.free.begin(), c.free.end(), k) != c.free.end();
      for (int lane = 0; lane < 3; ++lane)
        lanes[static_cast<std::size_t>(lane)].push_back(variant(c.in[k], lane, steps || (c.elementwise && !smooth)));
    }
    const std::vector<Leaves> one{lanes[1]};
    const ErasedFunction value = c.function();
    for (const Mask& m : subsets(c.in.size())) {
      check_batched(judge, value, lanes, m, relative, c.str() + " vmap");
      check_batched(judge, value, one, m, relative, c.str() + " vmap of size 1");
      if (by_transpose) check_batched_transpose(judge, c, lanes, m, relative);
    }
    if (c.error.empty()) check_no_lanes(judge, c);
    if (c.free.empty() || !c.error.empty() || dtype != Dtype::float64) continue;
    if (op.differentiable) check_batched_derivatives(judge, c, lanes, relative);
    if (!has_forward(op) && !has_reverse(op)) continue;
    for (const Mask& m : subsets(c.in.size())) check_derivatives_of_batch(judge, c, lanes, m, 20 * relative);
  }
}

// ---- program ---------------------------------------------------------------------------------------------------------

namespace {

void check_staged(Judge& judge, const ErasedFunction& f, const Leaves& in, const std::string& where,
                  const std::string& error = "") {
  const Staged staged = stage(f, detail::avals_of_leaves(in), "jit"),
               again = stage(f, detail::avals_of_leaves(in), "jit");
  staged.program->check();
  if (!staged.program->equal(*again.program) || staged.program->hash() != again.program->hash()) {
    judge.fail(where + ": traced twice, two Programs");
  }
  const Leaves inputs = joined(in, staged.captured);
  if (!error.empty()) {
    for (bool optimize : {false, true}) {
      judge.refuses([&] { Executable::compile(*staged.program, {.optimize = optimize})->run(inputs); }, error, where);
    }
    return;
  }
  const Leaves eager = f(in);
  judge.same(Executable::compile(*staged.program, {.optimize = false})->run(inputs), eager, where + " unoptimised");
  const auto fast = Executable::compile(*staged.program);
  judge.same(fast->run(inputs), eager, where + " compiled");
  judge.same(fast->run(inputs), eager, where + " compiled, second run");
}

}  // namespace

void check_program(Judge& judge, const Op& op, Dtype dtype) {
  const bool by_transpose = !runs(op, dtype);
  for (const Case& c : cases(op, dtype)) {
    check_staged(judge, c.function(), c.in, c.str() + " program", c.error);
    if (by_transpose) {
      for (const Linear& linear : linear_operands(c)) {
        const std::size_t n = c.in.size();
        check_staged(
            judge,
            [&](const Leaves& in) {
              return transposed(c.function(), {linear.places, first(in, n)}, after(in, n));
            },
            joined(linear.all, cotangents(c.plain(linear.all), 9)), c.str() + " program of transpose");
      }
    }
    if (c.free.empty() || !c.error.empty() || !op.differentiable) continue;
    const Leaves x = c.values();
    const std::size_t n = x.size();
    if (has_forward(op)) {
      check_staged(
          judge,
          [&](const Leaves& in) {
            const detail::JvpResult r = detail::jvp(c, first(in, n), after(in, n));
            Leaves out = r.out;
            std::copy_if(r.tangents.begin(), r.tangents.end(), std::back_inserter(out),
                         [](const Array& t) { return t.defined(); });
            return out;
          },
          joined(x, directions(x, 8)), c.str() + " program of jvp");
    }
    if (has_reverse(op)) {
      check_staged(
          judge, [&](const Leaves& in) { return pulled(c, first(in, n), after(in, n), Mask(n, true)); },
          joined(x, cotangents(c(x), 9)), c.str() + " program of vjp");
    }
  }
}

// ---- All -------------------------------------------------------------------------------------------------------------

std::vector<Dtype> dtypes(const Op& op) {
  std::vector<Dtype> out;
  for (Dtype d : {Dtype::float64, Dtype::float32, Dtype::int32, Dtype::int64, Dtype::bool_}) {
    const Operands alone = d == Dtype::bool_ ? Operands::booleans : Operands::integers;
    if (is_floating(d) || op.takes == alone || op.takes == Operands::any) out.push_back(d);
  }
  return out;
}

void prepare(const Op& op) {
  for (Dtype dtype : dtypes(op)) cases(op, dtype);
}

Outcome run_check(const Op& op, Dtype dtype, Check check, bool stop_at_first) {
  Outcome out;
  Judge judge(out, stop_at_first);
  try {
    switch (check) {
      case Check::value: check_value(judge, op, dtype); break;
      case Check::jvp: check_jvp(judge, op, dtype); break;
      case Check::dot: check_dot(judge, op, dtype); break;
      case Check::second: check_second(judge, op, dtype); break;
      case Check::batch: check_batch(judge, op, dtype); break;
      case Check::program: check_program(judge, op, dtype); break;
      case Check::transpose: check_transpose(judge, op, dtype); break;
    }
  } catch (const Stop&) {
  } catch (const std::exception& e) { out.failures.push_back(std::string(name(check)) + ": " + e.what()); }
  return out;
}

}  // namespace dini::registry
