// Builders of elementwise ops: a record with a few fields becomes an Op with all of its rules.
//
//     static const Op op = unary({
//         .op = tanh_op,
//         .name = "tanh",
//         .kernel = vector_kernel<DINI_VECTOR(tanh)>(),
//         .jvp = [](const Array& x, const Array& y, const Array& dx) { return dx * emit_one(sech_squared_op(), {x}); },
//         .samples = {-1000, -2, 0.3, 1000},
//         .reference = [](const long double* x) { return std::tanh(x[0]); },
//     });
#pragma once

#include <array>
#include <string>
#include <type_traits>
#include <vector>

#include "dini/ops/elementwise.hpp"
#include "dini/ops/elementwise_ops.hpp"
#include "dini/ops/kernels/vector.hpp"
#include "dini/trace/emit.hpp"

namespace dini {

const Op& broadcast_op();

namespace detail {

// ---- Kernels --------------------------------------------------------------------------------------------------------

struct ElementwiseKernel {
  Kernel kernel = nullptr;
  ElementKernel (*element)(std::span<const Aval> in, const Aval& out) = nullptr;
};

// One function of VectorKernels, for both dtypes.
template <auto F32, auto F64> struct VectorMember {
  static constexpr int arity =
      std::is_same_v<std::remove_cvref_t<decltype(std::declval<kernels::VectorKernels<double>>().*F64)>,
                     kernels::UnaryKernel<double>>
          ? 1
          : 2;
  template <class T> static auto function() {
    if constexpr (std::is_same_v<T, float>)
      return kernels::vector_kernels<float>().*F32;
    else
      return kernels::vector_kernels<double>().*F64;
  }
  template <class T> static void run(const void* const* in, void* out, std::size_t n) {
    const auto f = function<T>();
    const T* a = static_cast<const T*>(in[0]);
    if constexpr (std::is_same_v<decltype(f), const kernels::UnaryKernel<T>>) {
      f(a, static_cast<T*>(out), n);
    } else if constexpr (std::is_same_v<decltype(f), const kernels::CompareKernel<T>>) {
      f(a, static_cast<const T*>(in[1]), static_cast<bool*>(out), n);
    } else {
      f(a, static_cast<const T*>(in[1]), static_cast<T*>(out), n);
    }
  }
};
#define DINI_VECTOR(member) \
  detail::VectorMember<&kernels::VectorKernels<float>::member, &kernels::VectorKernels<double>::member>

// A loop over elements with a function object F, from T to R.
template <class F, class T, class R, int arity> void element_loop(const void* const* in, void* out, std::size_t n) {
  const F f{};
  R* y = static_cast<R*>(out);
  if constexpr (arity == 1) {
    const T* a = static_cast<const T*>(in[0]);
    for (std::size_t i = 0; i < n; ++i) y[i] = static_cast<R>(f(a[i]));
  } else {
    const T *a = static_cast<const T*>(in[0]), *b = static_cast<const T*>(in[1]);
    for (std::size_t i = 0; i < n; ++i) y[i] = static_cast<R>(f(a[i], b[i]));
  }
}

template <auto element> void run_elementwise(const KernelCall& call) {
  element(call.in_avals, call.out_avals[0])(call.in.data(), call.out[0],
                                            static_cast<std::size_t>(call.out_avals[0].shape.size()));
}

// The vector kernel for floating numbers, and for the other dtypes F, if there is one.
template <class Member, class F, bool to_bool> ElementKernel vector_element(std::span<const Aval> in, const Aval&) {
  switch (in[0].dtype) {
    case Dtype::float32: return Member::template run<float>;
    case Dtype::float64: return Member::template run<double>;
    default: break;
  }
  if constexpr (!std::is_void_v<F>) {
    switch (in[0].dtype) {
      case Dtype::bool_: return element_loop<F, bool, bool, Member::arity>;
      case Dtype::int32:
        return element_loop<F, std::int32_t, std::conditional_t<to_bool, bool, std::int32_t>, Member::arity>;
      default: return element_loop<F, std::int64_t, std::conditional_t<to_bool, bool, std::int64_t>, Member::arity>;
    }
  }
  return nullptr;
}
template <class Member> ElementwiseKernel vector_kernel() {
  constexpr auto element = &vector_element<Member, void, false>;
  return {&run_elementwise<element>, element};
}
template <class Member, class F> ElementwiseKernel vector_kernel(F) {
  constexpr auto element = &vector_element<Member, F, false>;
  return {&run_elementwise<element>, element};
}
template <class Member, class F> ElementwiseKernel compare_kernel(F) {
  constexpr auto element = &vector_element<Member, F, true>;
  return {&run_elementwise<element>, element};
}

// A plain loop with a function object for every dtype; R is bool with `to_bool`, else the operands' type.
template <class F, int arity, bool to_bool> ElementKernel loop_element(std::span<const Aval> in, const Aval&) {
  return visit_dtype(in[0].dtype, []<class T>() -> ElementKernel {
    return element_loop<F, T, std::conditional_t<to_bool, bool, T>, arity>;
  });
}
template <int arity, bool to_bool = false, class F> ElementwiseKernel loop_kernel(F) {
  constexpr auto element = &loop_element<F, arity, to_bool>;
  return {&run_elementwise<element>, element};
}

// ---- Records --------------------------------------------------------------------------------------------------------

struct Unary {
  /// The function that returns the op.
  const Op& (*op)();
  const char* name;
  ElementwiseKernel kernel;
  /// The tangent of y = f(x); null for ops whose derivative is zero.
  Array (*jvp)(const Array& x, const Array& y, const Array& dx) = nullptr;
  /// For linear ops: the cotangent of x.
  Array (*transpose)(const Array& dy) = nullptr;
  std::vector<double> samples;
  long double (*reference)(const long double* x);
  bool to_bool = false;
  Operands takes = Operands::floating;
  Rounding rounding = Rounding::rounds;
};

struct Binary {
  const Op& (*op)();
  const char* name;
  ElementwiseKernel kernel;
  /// The tangents of y = f(a, b) by a and by b; null where there is none.
  Array (*jvp_a)(const Array& a, const Array& b, const Array& y, const Array& da) = nullptr;
  Array (*jvp_b)(const Array& a, const Array& b, const Array& y, const Array& db) = nullptr;
  /// For ops that are linear in a, with b known (undefined if it is linear in both); likewise in b.
  Array (*transpose_a)(const Array& b, const Array& dy) = nullptr;
  Array (*transpose_b)(const Array& a, const Array& dy) = nullptr;
  std::vector<std::array<double, 2>> samples;
  long double (*reference)(const long double* x);
  bool to_bool = false;
  Operands takes = Operands::floating;
  Rounding rounding = Rounding::rounds;
  decltype(Op::exact_when) exact_when = nullptr;
};

Op unary(Unary record);
Op binary(Binary record);

// The rules that all elementwise ops share.
std::vector<Aval> infer_elementwise(std::span<const Aval> in, bool to_bool);
Batched batch_elementwise(const Op& op, const BatchCall& call);
// A concrete array of a dtype and shape from numbers.
Array sample_array(const std::vector<double>& values, const Shape& shape, Dtype dtype);

// a where c is true, else b, in the dtype of `like`.
inline Array pick(const Array& c, double a, double b, const Array& like) {
  return where(c, literal(a, like), literal(b, like));
}

}  // namespace detail
}  // namespace dini
