#include "dini/transforms/elementwise_in.hpp"

#include <algorithm>

#include "dini/ops/elementwise_ops.hpp"
#include "dini/ops/shaping_ops.hpp"
#include "dini/transforms/control_ops.hpp"

namespace dini::detail {

namespace {

enum class Reads { nothing, element, anything };

Reads of_equation(const Program& p, const Equation& e, std::int64_t n, const std::vector<Reads>& reads);

// What the outputs read of an input of n elements, from what the inputs read of it.
std::vector<Reads> reads_of(const Program& p, std::int64_t n, const std::vector<Reads>& in) {
  std::vector<Reads> all(p.variables.size(), Reads::nothing);
  for (std::size_t k = 0; k < in.size(); ++k) all[static_cast<std::size_t>(p.inputs[k])] = in[k];
  for (const Equation& e : p.equations) {
    std::vector<Reads> operands;
    for (int v : e.inputs) operands.push_back(all[static_cast<std::size_t>(v)]);
    if (e.op == &call_op()) {
      const std::vector<Reads> out = reads_of(*e.params.program("program"), n, operands);
      for (std::size_t k = 0; k < out.size(); ++k) all[static_cast<std::size_t>(e.outputs[k])] = out[k];
    } else {
      for (int v : e.outputs) all[static_cast<std::size_t>(v)] = of_equation(p, e, n, operands);
    }
  }
  std::vector<Reads> out;
  for (int v : p.outputs) out.push_back(all[static_cast<std::size_t>(v)]);
  return out;
}

Reads of_equation(const Program& p, const Equation& e, std::int64_t n, const std::vector<Reads>& reads) {
  const auto size = [&](int v) { return p.variables[static_cast<std::size_t>(v)].shape.size(); };
  if (reads.empty()) return Reads::nothing;
  const Reads most = *std::max_element(reads.begin(), reads.end());
  if (most != Reads::element) return most;
  const bool moves_nothing =
      e.op == &reshape_op() || (e.op == &broadcast_op() && size(e.inputs[0]) == size(e.outputs[0]));
  bool by_element = e.outputs.size() == 1 && size(e.outputs[0]) == n && (moves_nothing || e.op->element);
  for (std::size_t k = 0; k < reads.size(); ++k)
    by_element = by_element && (reads[k] == Reads::nothing || size(e.inputs[k]) == n);
  return by_element ? Reads::element : Reads::anything;
}

}  // namespace

bool is_elementwise(const Program& program, std::size_t input) {
  std::vector<Reads> in(program.inputs.size(), Reads::nothing);
  in[input] = Reads::element;
  const std::int64_t n = program.input_avals()[input].shape.size();
  if (n < 2) return n == 1;
  const std::vector<Reads> out = reads_of(program, n, in);
  return std::all_of(out.begin(), out.end(), [](Reads r) { return r != Reads::anything; });
}

}  // namespace dini::detail
