// The steps of a plan: functions that do one op on slots, and links of chains (chain.hpp). Each chooser returns a step without its
// slots, or one without `run` and `code` where it has nothing for these operands.
#pragma once

#include <span>

#include "dini/exec/plan.hpp"
#include "dini/ops/internal.hpp"

namespace dini::exec {

/// Looks at whether the run is to end.
Step poll_step();

// Links of chains.

/// An elementwise op. Of numbers, arithmetic as it stands, where every instruction set has the same bits.
Step element_step(const Op& op, std::span<const Aval> in, const Aval& out);
/// d = one element of a, repeated.
Step fill_step(const Aval& out);
/// d = a.
Step copy_step(std::size_t bytes);
/// d = so many bytes of a from an offset on.
Step part_step(const char* name, std::size_t offset, std::size_t bytes);
/// d = b or c, as the truth value a says.
Step choose_step(const Aval& out);

/// A dot_general whose operands lie in memory as products of matrices want them, in either order.
struct ProductData final : StepData {
  bool trans_a = false, trans_b = false;
  std::size_t batch = 1, m = 1, n = 1, k = 1;
};
/// Null where a dot_general has to rearrange an operand, or is not of floating numbers.
std::unique_ptr<ProductData> product_of(const Params& params, std::span<const Aval> in);
Step product_step(const ProductData& data, Dtype dtype);
/// Makes a small product with a vector write whole registers (exec/chain.hpp) where its result is so long.
void write_whole_product(Step& step, std::size_t bytes);

/// Full sums and other kernels that need none of a KernelCall's preparation.
Step dense_step(const Op& op, const Params& params, std::span<const Aval> in, const Aval& out);

/// A sum, maximum or minimum along axes, with how to walk over them in `data`; without `run` for any other op.
Step reduction_step(const Op& op, const Params& params, const Aval& in, const Aval& out,
                    std::unique_ptr<StepData>& data);

/// Any op with a kernel.
struct KernelData final : StepData {
  Params params;
  Kernel kernel = nullptr;
  std::vector<Aval> in_avals, out_avals;
  std::vector<std::uint32_t> in, out;
};
Step kernel_step(const KernelData& data);

/// A callback to the user's code.
struct CallbackData final : StepData {
  const Op* op = nullptr;
  Params params;
  std::vector<Aval> in_avals, out_avals;
  std::vector<std::uint32_t> in, out;
};
Step callback_step(const CallbackData& data);

struct WhileData final : StepData {
  Block cond, body;
  std::uint32_t condition = 0;
  OpaqueRef watch;  // by which the loop may be ended in the middle of a turn
  // Pointers that change places, cycle by cycle: length, slots. In each, slot 0 takes slot 1's pointer and so on.
  std::vector<std::uint32_t> cycles;
  std::string str(const std::string& indent) const override;
};
Step while_step(const WhileData& data);

struct ScanData final : StepData {
  struct Slice {
    std::uint32_t array, slice;
    std::size_t stride;
  };
  Block body;
  std::vector<Slice> slices;  // xs and ys
  std::int64_t length = 0;
  bool reverse = false;
  std::vector<std::uint32_t> cycles;
  std::string str(const std::string& indent) const override;
};
Step scan_step(const ScanData& data);

struct CondData final : StepData {
  std::vector<Block> branches;
  std::vector<std::vector<std::uint32_t>> cycles;  // of each branch, as those of a loop
  std::uint32_t index = 0;
  std::string str(const std::string& indent) const override;
};
Step cond_step(const CondData& data);

/// Elementwise ops on long arrays, block by block in cache, with sums over whole results.
struct FusedData final : StepData {
  static constexpr std::size_t block = 1024;  // the kernels' reduction_block
  static constexpr std::size_t most_operands = 64;
  struct Operand {
    enum Kind : std::uint8_t { array, scratch, splat, repeated } kind = array;
    std::uint8_t item = 0;              // bytes an element
    std::uint32_t slot = 0;             // of the array, or of what to repeat
    std::size_t offset = 0;             // of the block in the scratch slot
    std::size_t length = 1, inner = 1;  // repeated: element i is element i / inner % length of the slot's
  };
  struct Call {
    ElementKernel function = nullptr;                    // null: a sum
    std::uint8_t in[3] = {0, 0, 0}, count = 0, out = 0;  // operands
    const char* name = "";
  };
  struct Sum {
    enum Of : std::uint8_t { elements, products, norm } of = elements;  // products: of two operands
    Dtype dtype = Dtype::float64;
    std::uint8_t a = 0, b = 0;
    std::uint32_t slot = 0;
  };
  std::vector<Operand> operands;
  std::vector<Call> calls;
  std::vector<Sum> sums;
  std::size_t size = 0;
  std::uint32_t scratch = 0;  // of so many bytes
  std::size_t scratch_bytes = 0;
  std::string str(const std::string& indent) const override;
};
Step fused_step(const FusedData& data);

// Ops that only plans have: they stand for a combination of others, with the same bits.

/// Σ a·b over all elements, as sum(a * b).
const Op& sum_product_op();
/// Whether all elements are finite, as all(isfinite(a)).
const Op& all_finite_op();
/// a or b as one condition says, as select(broadcast(c), a, b).
const Op& choose_op();

}  // namespace dini::exec
