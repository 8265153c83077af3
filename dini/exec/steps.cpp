#include "dini/exec/steps.hpp"

#include <cstring>
#include <limits>

#include "dini/exec/interpreter.hpp"
#include "dini/exec/rewrite.hpp"
#include "dini/ops/kernels/dense.hpp"
#include "dini/ops/kernels/matrix_vector.hpp"
#include "dini/ops/kernels/vector.hpp"
#include "dini/ops/reduce_loops.hpp"

namespace dini::exec {

namespace step {

using Function = void (*)();
template <class F> F typed(const Step& s) { return reinterpret_cast<F>(s.function); }
template <class T> const T* in(void** v, std::uint32_t slot) { return static_cast<const T*>(v[slot]); }
template <class T> T* out(void** v, std::uint32_t slot) { return static_cast<T*>(v[slot]); }

// ---- Products and sums -----------------------------------------------------------------------------------------------

template <class T> void product(const Step& s, void** v, const RunContext&) {
  using F = void (*)(std::size_t, std::size_t, const T*, const T*, T*);
  typed<F>(s)(s.m, s.n, in<T>(v, s.a), in<T>(v, s.b), out<T>(v, s.d));
}
template <class T> void product_swapped(const Step& s, void** v, const RunContext&) {
  using F = void (*)(std::size_t, std::size_t, const T*, const T*, T*);
  typed<F>(s)(s.m, s.n, in<T>(v, s.b), in<T>(v, s.a), out<T>(v, s.d));
}
template <class T> void matrices(const Step& s, void** v, const RunContext&) {
  const ProductData& d = *static_cast<const ProductData*>(s.data);
  const T *a = in<T>(v, s.a), *b = in<T>(v, s.b);
  T* c = out<T>(v, s.d);
  for (std::size_t i = 0; i < d.batch; ++i) {
    kernels::gemm<T>(d.trans_a, d.trans_b, d.m, d.n, d.k, a + i * d.m * d.k, b + i * d.k * d.n, c + i * d.m * d.n);
  }
}
template <class T> void sum(const Step& s, void** v, const RunContext&) {
  using F = T (*)(const T*, std::size_t);
  *out<T>(v, s.d) = typed<F>(s)(in<T>(v, s.a), s.n);
}
// No comparison with NaN, which both extremes then are, is true.
template <class T> bool are_finite(std::size_t n, const T* x) {
  const kernels::VectorKernels<T>& k = kernels::vector_kernels<T>();
  constexpr T infinity = std::numeric_limits<T>::infinity();
  return k.max(x, n) < infinity && k.min(x, n) > -infinity;
}
template <class T> void all_finite(const Step& s, void** v, const RunContext&) {
  *out<bool>(v, s.d) = are_finite(s.n, in<T>(v, s.a));
}
template <class T> void norm(const Step& s, void** v, const RunContext&) {
  *out<T>(v, s.d) = reduce_detail::norm_of(in<T>(v, s.a), s.n);
}
template <class T> void dot(const Step& s, void** v, const RunContext&) {
  using F = T (*)(const T*, const T*, std::size_t);
  *out<T>(v, s.d) = typed<F>(s)(in<T>(v, s.a), in<T>(v, s.b), s.n);
}

// The kernel of dot_general without its preparation: the same calls, so the same bits.
template <class T> void choose_product(Step& s, const ProductData& d) {
  using F = void (*)(std::size_t, std::size_t, const T*, const T*, T*);
  F f = nullptr;
  if (d.batch == 1 && d.k > 0 && d.n == 1) {
    f = d.trans_a ? kernels::transposed_vector<T> : kernels::matrix_vector<T>;
    s.m = d.trans_a ? d.k : d.m, s.n = d.trans_a ? d.m : d.k;
    s.run = product<T>;
  } else if (d.batch == 1 && d.k > 0 && d.m == 1) {
    f = d.trans_b ? kernels::matrix_vector<T> : kernels::transposed_vector<T>;
    s.m = d.trans_b ? d.n : d.k, s.n = d.trans_b ? d.k : d.n;
    s.run = product_swapped<T>;
  } else if (d.batch == 1 && d.k == 1) {
    f = kernels::outer_product<T>;
    s.m = d.m, s.n = d.n;
    s.run = product<T>;
  } else {
    s.run = matrices<T>;
    s.data = &d;
  }
  s.function = reinterpret_cast<Function>(f);
}

template <class T> void whole_product(Step& s, std::size_t bytes) {
  constexpr std::size_t small = 4096;
  if ((s.run != product<T> && s.run != product_swapped<T>) || s.m * s.n > small) return;
  const auto is = [&](auto f) { return s.function == reinterpret_cast<Function>(f); };
  const kernels::WholeKernels<T>& whole = kernels::vector_kernels<T>().whole;
  if (is(kernels::matrix_vector<T>) && s.m * sizeof(T) == bytes)
    s.function = reinterpret_cast<Function>(whole.gemv);
  else if (is(kernels::transposed_vector<T>) && s.n * sizeof(T) == bytes)
    s.function = reinterpret_cast<Function>(whole.gemv_t);
}

// ---- Reductions along axes ----------------------------------------------------------------------------------------------

struct ReductionData final : StepData {
  explicit ReductionData(const reduce_detail::Groups& g) : groups(g) {}
  reduce_detail::Groups groups;
};
template <class Rule, class T> void reduced(const Step& s, void** v, const RunContext&) {
  const auto& groups = static_cast<const ReductionData*>(s.data)->groups;
  reduce_detail::reduce_elements<Rule>(in<T>(v, s.a), out<T>(v, s.d), groups);
}
template <class T> void choose_reduction(Step& s, const Op& op) {
  if constexpr (!std::is_same_v<T, bool>) {
    if (&op == known().sum) s.run = reduced<reduce_detail::SumRule, T>;
  }
  if (&op == known().max) s.run = reduced<reduce_detail::MaxRule, T>;
  if (&op == known().min) s.run = reduced<reduce_detail::MinRule, T>;
}

template <class T>
void choose_dense(Step& s, const Op& op, const Params& params, std::span<const Aval> in, const Aval& out) {
  const kernels::VectorKernels<T>& k = kernels::vector_kernels<T>();
  if (&op == &sum_product_op()) {
    s.run = dot<T>, s.function = reinterpret_cast<Function>(k.dot), s.n = in[0].shape.size();
  } else if (&op == known().norm2 && out.shape.size() == 1) {
    s.run = norm<T>, s.n = in[0].shape.size();
  } else if (&op == known().sum && static_cast<int>(params.ints("axes").size()) == in[0].shape.ndim() &&
             in[0].shape.ndim() > 0) {
    s.run = sum<T>, s.function = reinterpret_cast<Function>(k.sum), s.n = in[0].shape.size();
  }
}

// ---- Anything --------------------------------------------------------------------------------------------------------

void kernel(const Step& s, void** v, const RunContext&) {
  const KernelData& d = *static_cast<const KernelData*>(s.data);
  constexpr std::size_t most = 16;
  const void* in_small[most];
  void* out_small[most];
  std::vector<const void*> in_large(d.in.size() > most ? d.in.size() : 0);
  std::vector<void*> out_large(d.out.size() > most ? d.out.size() : 0);
  const void** in = d.in.size() > most ? in_large.data() : in_small;
  void** out = d.out.size() > most ? out_large.data() : out_small;
  for (std::size_t k = 0; k < d.in.size(); ++k) in[k] = v[d.in[k]];
  for (std::size_t k = 0; k < d.out.size(); ++k) out[k] = v[d.out[k]];
  d.kernel({d.params, {in, d.in.size()}, {out, d.out.size()}, d.in_avals, d.out_avals});
}

void callback(const Step& s, void** v, const RunContext& context) {
  context.poll();
  const CallbackData& d = *static_cast<const CallbackData*>(s.data);
  auto bytes = [](const Aval& a) { return static_cast<std::size_t>(a.shape.size()) * item_size(a.dtype); };
  Leaves arguments;
  for (std::size_t k = 0; k < d.in.size(); ++k) {
    void* p;
    arguments.push_back(allocate(d.in_avals[k], &p));
    std::memcpy(p, v[d.in[k]], bytes(d.in_avals[k]));
  }
  const Leaves results = call_host(*d.op, d.params, arguments, d.out_avals);
  for (std::size_t k = 0; k < d.out.size(); ++k) std::memcpy(v[d.out[k]], results[k].raw(), bytes(d.out_avals[k]));
}

void poll(const Step&, void**, const RunContext& context) { context.poll(); }

}  // namespace step

Step poll_step() {
  Step s{step::poll};
  s.name = "poll";
  return s;
}

Step dense_step(const Op& op, const Params& params, std::span<const Aval> in, const Aval& out) {
  Step s{nullptr};
  s.name = op.name.c_str();
  if (&op == &all_finite_op()) {
    s.run = in[0].dtype == Dtype::float32 ? step::all_finite<float> : step::all_finite<double>;
    s.n = static_cast<std::size_t>(in[0].shape.size());
  } else if (out.dtype == Dtype::float32) {
    step::choose_dense<float>(s, op, params, in, out);
  } else if (out.dtype == Dtype::float64) {
    step::choose_dense<double>(s, op, params, in, out);
  }
  return s;
}

Step reduction_step(const Op& op, const Params& params, const Aval& in, const Aval& out,
                    std::unique_ptr<StepData>& data) {
  Step s{nullptr};
  s.name = op.name.c_str();
  if (out.shape.size() == 0) return s;
  if (in.dtype == Dtype::float32) step::choose_reduction<float>(s, op);
  if (in.dtype == Dtype::float64) step::choose_reduction<double>(s, op);
  if (in.dtype == Dtype::bool_) step::choose_reduction<bool>(s, op);
  if (!s.run) return s;
  data = std::make_unique<step::ReductionData>(reduce_detail::Groups(in.shape, params.ints("axes")));
  s.data = data.get();
  return s;
}

Step product_step(const ProductData& data, Dtype dtype) {
  Step s{nullptr};
  s.name = "dot_general";
  if (dtype == Dtype::float32)
    step::choose_product<float>(s, data);
  else
    step::choose_product<double>(s, data);
  return s;
}

void write_whole_product(Step& s, std::size_t bytes) {
  step::whole_product<float>(s, bytes);
  step::whole_product<double>(s, bytes);
}

Step kernel_step(const KernelData& data) {
  Step s{step::kernel};
  s.data = &data;
  return s;
}

Step callback_step(const CallbackData& data) {
  Step s{step::callback};
  s.data = &data;
  s.name = "callback";
  return s;
}

// ---- Ops of plans ----------------------------------------------------------------------------------------------------

const Op& sum_product_op() {
  static const Op op = [] {
    Op o;
    o.name = "sum_product";
    o.infer = [](std::span<const Aval> in, const Params&) -> std::vector<Aval> {
      return {{Shape{}, in[0].dtype, false}};
    };
    o.kernel = [](const KernelCall& call) {
      const std::size_t n = static_cast<std::size_t>(call.in_avals[0].shape.size());
      auto run = [&]<class T>() {
        *static_cast<T*>(call.out[0]) =
            kernels::vector_kernels<T>().dot(static_cast<const T*>(call.in[0]), static_cast<const T*>(call.in[1]), n);
      };
      if (call.in_avals[0].dtype == Dtype::float32)
        run.operator()<float>();
      else
        run.operator()<double>();
    };
    return o;
  }();
  return op;
}

const Op& all_finite_op() {
  static const Op op = [] {
    Op o;
    o.name = "all_finite";
    o.infer = [](std::span<const Aval>, const Params&) -> std::vector<Aval> {
      return {{Shape{}, Dtype::bool_, false}};
    };
    o.kernel = [](const KernelCall& call) {
      const std::size_t n = static_cast<std::size_t>(call.in_avals[0].shape.size());
      *static_cast<bool*>(call.out[0]) = call.in_avals[0].dtype == Dtype::float32
                                             ? step::are_finite(n, static_cast<const float*>(call.in[0]))
                                             : step::are_finite(n, static_cast<const double*>(call.in[0]));
    };
    return o;
  }();
  return op;
}

const Op& choose_op() {
  static const Op op = [] {
    Op o;
    o.name = "choose";
    o.infer = [](std::span<const Aval> in, const Params&) -> std::vector<Aval> { return {in[1]}; };
    o.kernel = [](const KernelCall& call) {
      const std::size_t bytes =
          static_cast<std::size_t>(call.out_avals[0].shape.size()) * item_size(call.out_avals[0].dtype);
      std::memcpy(call.out[0], call.in[*static_cast<const bool*>(call.in[0]) ? 1 : 2], bytes);
    };
    return o;
  }();
  return op;
}

}  // namespace dini::exec
