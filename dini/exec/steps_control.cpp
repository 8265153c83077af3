// Loops, branches and fused elementwise loops.
#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>

#include "dini/core/pool.hpp"
#include "dini/exec/steps.hpp"
#include "dini/ops/kernels/dense_workspace.hpp"
#include "dini/ops/kernels/vector.hpp"
#include "dini/ops/reduce_loops.hpp"
#include "dini/ops/watched.hpp"

namespace dini::exec {

namespace control {

// Each cycle's pointers move one place on.
inline void rotate(const std::vector<std::uint32_t>& cycles, void** v) {
  for (const std::uint32_t *c = cycles.data(), *end = c + cycles.size(); c < end;) {
    const std::uint32_t n = *c++;
    void* first = v[c[0]];
    for (std::uint32_t k = 0; k + 1 < n; ++k) v[c[k]] = v[c[k + 1]];
    v[c[n - 1]] = first;
    c += n;
  }
}

void while_loop(const Step& s, void** v, const RunContext& context) {
  const WhileData& d = *static_cast<const WhileData*>(s.data);
  while (true) {
    context.poll_turn();
    run_block(d.cond, v, context);
    if (!*static_cast<const bool*>(v[d.condition])) return;
    run_block(d.body, v, context);
    rotate(d.cycles, v);
  }
}

// The turns in the carries' own places are all or nothing: a turn writes over none of them.
void watched_while(const Step& s, void** v, const RunContext&) {
  const WhileData& d = *static_cast<const WhileData*>(s.data);
  detail::run_watched(&static_cast<const detail::WatchOpaque&>(*d.watch).watch,
                      [&] { while_loop(s, v, RunContext()); });
}

void scan(const Step& s, void** v, const RunContext& context) {
  const ScanData& d = *static_cast<const ScanData*>(s.data);
  for (std::int64_t k = 0; k < d.length; ++k) {
    context.poll_turn();
    const std::size_t at = static_cast<std::size_t>(d.reverse ? d.length - 1 - k : k);
    for (const ScanData::Slice& slice : d.slices)
      v[slice.slice] = static_cast<char*>(v[slice.array]) + at * slice.stride;
    run_block(d.body, v, context);
    rotate(d.cycles, v);
  }
}

void cond(const Step& s, void** v, const RunContext& context) {
  const CondData& d = *static_cast<const CondData*>(s.data);
  const std::int64_t index = *static_cast<const std::int64_t*>(v[d.index]);
  const auto chosen =
      static_cast<std::size_t>(std::clamp<std::int64_t>(index, 0, static_cast<std::int64_t>(d.branches.size()) - 1));
  run_block(d.branches[chosen], v, context);
  rotate(d.cycles[chosen], v);
}

// What one block adds to a sum. In a norm, of elements times `factor`.
template <class T> T block_part(const FusedData::Sum& sum, char* const* at, std::size_t n, double factor) {
  const auto& k = kernels::vector_kernels<T>();
  const T *a = reinterpret_cast<const T*>(at[sum.a]), *b = reinterpret_cast<const T*>(at[sum.b]);
  switch (sum.of) {
    case FusedData::Sum::products: return k.dot(a, b, n);
    case FusedData::Sum::norm:
      return factor == 1 ? k.sum_squares(a, n) : reduce_detail::scaled_squares(a, n, static_cast<T>(factor));
    default: return k.block_sum(a, n);
  }
}

// n elements x. Compilers make a loop over single elements of std::fill_n at this level of optimisation; integers go as the
// numbers of the same bits.
template <class T> void fill(T* y, std::size_t n, T x) {
  if constexpr (sizeof(T) == 1) {
    std::memset(y, x, n);
  } else {
    using Number = std::conditional_t<sizeof(T) == 4, float, double>;
    kernels::vector_kernels<Number>().fill(n, std::bit_cast<Number>(x), reinterpret_cast<Number*>(y));
  }
}

// Elements `first` to first + n of what o repeats.
template <class T>
void repeat(const FusedData::Operand& o, const void* from, void* to, std::size_t first, std::size_t n) {
  const T* x = static_cast<const T*>(from);
  T* y = static_cast<T*>(to);
  if (o.length == 1) {
    fill(y, n, *x);
    return;
  }
  std::size_t k = first / o.inner % o.length;
  if (o.inner == 1) {
    for (std::size_t count = 0; n > 0; y += count, n -= count, k = 0) {
      count = std::min(n, o.length - k);
      std::memcpy(y, x + k, count * sizeof(T));
    }
    return;
  }
  std::size_t count = o.inner - first % o.inner;
  for (; n > 0; y += count, n -= count, count = o.inner, k = k + 1 == o.length ? 0 : k + 1) {
    count = std::min(n, count);
    fill(y, count, x[k]);
  }
}
void repeat(const FusedData::Operand& o, const void* from, void* to, std::size_t first, std::size_t n) {
  switch (o.item) {
    case 1: return repeat<std::uint8_t>(o, from, to, first, n);
    case 4: return repeat<std::uint32_t>(o, from, to, first, n);
    default: return repeat<std::uint64_t>(o, from, to, first, n);
  }
}

// The blocks from `first` to `last`. Sum k of block i has its part at parts[i * sums + k].
void some_blocks(const FusedData& d, void** v, const RunContext& context, char* scratch, std::size_t first,
                 std::size_t last, double* parts, double factor) {
  constexpr std::size_t block = FusedData::block;
  char* at[FusedData::most_operands];
  std::size_t stride[FusedData::most_operands];
  for (std::size_t k = 0; k < d.operands.size(); ++k) {
    const FusedData::Operand& o = d.operands[k];
    stride[k] = o.kind == FusedData::Operand::array ? block * o.item : 0;
    at[k] =
        o.kind == FusedData::Operand::array ? static_cast<char*>(v[o.slot]) + first * stride[k] : scratch + o.offset;
    if (o.kind == FusedData::Operand::splat) repeat(o, v[o.slot], at[k], 0, std::min(block, d.size));
  }
  for (std::size_t i = first; i < last; ++i) {
    context.poll_turn();
    const std::size_t n = std::min(block, d.size - i * block);
    for (std::size_t k = 0; k < d.operands.size(); ++k) {
      const FusedData::Operand& o = d.operands[k];
      if (o.kind == FusedData::Operand::repeated) repeat(o, v[o.slot], at[k], i * block, n);
    }
    double* part = parts + i * d.sums.size();
    const FusedData::Sum* sum = d.sums.data();
    for (const FusedData::Call& call : d.calls) {
      if (call.function) {
        const void* in[3] = {at[call.in[0]], at[call.in[1]], at[call.in[2]]};
        call.function(in, at[call.out], n);
        continue;
      }
      *part++ = sum->dtype == Dtype::float32 ? static_cast<double>(block_part<float>(*sum, at, n, factor))
                                             : block_part<double>(*sum, at, n, factor);
      ++sum;
    }
    for (std::size_t k = 0; k < d.operands.size(); ++k) at[k] += stride[k];
  }
}

// All of them, by all threads where there are many. Sums are added from the first block to the last, whoever made their parts.
void all_blocks(const FusedData& d, void** v, const RunContext& context, double* totals, double factor) {
  constexpr std::size_t piece = 32, threads_from = 2 * piece;  // a piece of a few cheap operations takes some 10 µs
  const std::size_t blocks = (d.size + FusedData::block - 1) / FusedData::block, sums = d.sums.size();
  kernels::Scratch<double> parts(blocks * sums);
  if (blocks < threads_from) {
    some_blocks(d, v, context, static_cast<char*>(v[d.scratch]), 0, blocks, parts.data(), factor);
  } else {
    detail::for_pieces((blocks + piece - 1) / piece, [&](std::size_t k) {
      kernels::Scratch<char> scratch(d.scratch_bytes);
      some_blocks(d, v, context, scratch.data(), k * piece, std::min((k + 1) * piece, blocks), parts.data(), factor);
    });
  }
  std::fill_n(totals, sums, 0.0);
  for (std::size_t i = 0; i < blocks; ++i)
    for (std::size_t k = 0; k < sums; ++k) totals[k] += parts[i * sums + k];
}

void fused(const Step& s, void** v, const RunContext& context) {
  const FusedData& d = *static_cast<const FusedData*>(s.data);
  double totals[FusedData::most_operands];
  all_blocks(d, v, context, totals, 1);
  for (std::size_t k = 0; k < d.sums.size(); ++k) {
    const FusedData::Sum& sum = d.sums[k];
    auto finish = [&]<class T>() {
      T& y = *static_cast<T*>(v[sum.slot]);
      y = static_cast<T>(totals[k]);
      if (sum.of != FusedData::Sum::norm) return;
      // A norm whose squares over- or underflow: the whole once more, since its blocks are gone.
      y = reduce_detail::norm_of(y, [&](bool down) {
        double scaled[FusedData::most_operands];
        const double scale = static_cast<double>(reduce_detail::norm_scale<T>);
        all_blocks(d, v, context, scaled, down ? 1 / scale : scale);
        return scaled[k];
      });
    };
    sum.dtype == Dtype::float32 ? finish.operator()<float>() : finish.operator()<double>();
  }
}

std::string print_cycles(const std::vector<std::uint32_t>& cycles, const std::string& indent) {
  std::string out;
  for (std::size_t k = 0; k < cycles.size(); k += cycles[k] + 1) {
    out += out.empty() ? indent + "rotate" : ";";
    for (std::size_t j = 1; j <= cycles[k]; ++j) out += " " + std::to_string(cycles[k + j]);
  }
  return out.empty() ? out : out + "\n";
}

Step make(void (*run)(const Step&, void**, const RunContext&), const StepData& data, const char* name) {
  Step s{run};
  s.data = &data;
  s.name = name;
  return s;
}

}  // namespace control

Step while_step(const WhileData& data) {
  return control::make(data.watch ? control::watched_while : control::while_loop, data, "while");
}
Step scan_step(const ScanData& data) { return control::make(control::scan, data, "scan"); }
Step cond_step(const CondData& data) { return control::make(control::cond, data, "cond"); }
Step fused_step(const FusedData& data) { return control::make(control::fused, data, "fused"); }

std::string WhileData::str(const std::string& indent) const {
  return indent + "condition " + std::to_string(condition) + "\n" + print(cond, indent) + indent + "body\n" +
         print(body, indent) + control::print_cycles(cycles, indent);
}

std::string ScanData::str(const std::string& indent) const {
  std::string out = indent + std::to_string(length) + (reverse ? " times, backwards\n" : " times\n");
  for (const Slice& s : slices)
    out += indent + "slice " + std::to_string(s.slice) + " of " + std::to_string(s.array) + "\n";
  return out + print(body, indent) + control::print_cycles(cycles, indent);
}

std::string CondData::str(const std::string& indent) const {
  std::string out;
  for (std::size_t k = 0; k < branches.size(); ++k) {
    out += indent + "branch " + std::to_string(k) + " of " + std::to_string(index) + "\n" + print(branches[k], indent) +
           control::print_cycles(cycles[k], indent);
  }
  return out;
}

std::string FusedData::str(const std::string& indent) const {
  auto operand = [&](std::size_t k) {
    const Operand& o = operands[k];
    return o.kind == Operand::array
               ? std::to_string(o.slot)
               : (o.kind == Operand::scratch ? "~" + std::to_string(k) : "repeated " + std::to_string(o.slot));
  };
  std::string out;
  std::size_t next = 0;
  for (const Call& c : calls) {
    out += indent;
    if (c.function) {
      out += operand(c.out) + " = " + c.name + "(";
      for (int k = 0; k < c.count; ++k) out += (k ? ", " : "") + operand(c.in[k]);
    } else {
      const Sum& s = sums[next++];
      out += std::to_string(s.slot) + (s.of == Sum::norm ? " = norm2(" : " = sum(") + operand(s.a) +
             (s.of == Sum::products ? " * " + operand(s.b) : "");
    }
    out += ")\n";
  }
  return out;
}

}  // namespace dini::exec
