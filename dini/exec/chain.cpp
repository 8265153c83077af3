#include "dini/exec/chain.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string_view>

#include "dini/exec/rewrite.hpp"
#include "dini/exec/steps.hpp"
#include "dini/ops/kernels/vector.hpp"

namespace dini::exec {

namespace chain {

using f32 = float;
using f64 = double;
using i32 = std::int32_t;
using i64 = std::int64_t;
using b8 = bool;

// ---- Arithmetic on numbers: only where every instruction set has the same bits ---------------------------------------

// Integers wrap around, as the kernels' do.
template <class T> struct Wrapping { using type = std::make_unsigned_t<T>; };
template <> struct Wrapping<float> { using type = float; };
template <> struct Wrapping<double> { using type = double; };
template <class T> using wrapping = typename Wrapping<T>::type;
struct Add {
  static constexpr std::string_view op = "add";
  template <class T> T operator()(T a, T b) const { return static_cast<T>(wrapping<T>(a) + wrapping<T>(b)); }
};
struct Sub {
  static constexpr std::string_view op = "sub";
  template <class T> T operator()(T a, T b) const { return static_cast<T>(wrapping<T>(a) - wrapping<T>(b)); }
};
struct Mul {
  static constexpr std::string_view op = "mul";
  template <class T> T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>)
      return static_cast<T>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
    else
      return a * b;
  }
};
struct Div {
  static constexpr std::string_view op = "div";
  template <class T> T operator()(T a, T b) const { return a / b; }
};
// As the kernels: a where it is NaN, b where that is, and b of two that are equal.
struct Max {
  static constexpr std::string_view op = "maximum";
  template <class T> T operator()(T a, T b) const { return a != a || a > b ? a : b; }
};
struct Min {
  static constexpr std::string_view op = "minimum";
  template <class T> T operator()(T a, T b) const { return a != a || a < b ? a : b; }
};
struct Neg {
  static constexpr std::string_view op = "neg";
  template <class T> T operator()(T a) const { return -a; }
};
struct Abs {
  static constexpr std::string_view op = "abs";
  template <class T> T operator()(T a) const { return std::fabs(a); }
};
struct Square {
  static constexpr std::string_view op = "square";
  template <class T> T operator()(T a) const { return a * a; }
};
struct Sqrt {
  static constexpr std::string_view op = "sqrt";
  template <class T> T operator()(T a) const { return std::sqrt(a); }
};
struct Finite {
  static constexpr std::string_view op = "isfinite";
  template <class T> bool operator()(T a) const { return std::fabs(a) <= std::numeric_limits<T>::max(); }
};
struct Nan {
  static constexpr std::string_view op = "isnan";
  template <class T> bool operator()(T a) const { return a != a; }
};
struct Less {
  static constexpr std::string_view op = "lt";
  template <class T> bool operator()(T a, T b) const { return a < b; }
};
struct LessEqual {
  static constexpr std::string_view op = "le";
  template <class T> bool operator()(T a, T b) const { return a <= b; }
};
struct Equal {
  static constexpr std::string_view op = "eq";
  template <class T> bool operator()(T a, T b) const { return a == b; }
};
struct NotEqual {
  static constexpr std::string_view op = "ne";
  template <class T> bool operator()(T a, T b) const { return a != b; }
};
struct And {
  static constexpr std::string_view op = "logical_and";
  bool operator()(bool a, bool b) const { return a & b; }
};
struct Or {
  static constexpr std::string_view op = "logical_or";
  bool operator()(bool a, bool b) const { return a | b; }
};
struct Xor {
  static constexpr std::string_view op = "logical_xor";
  bool operator()(bool a, bool b) const { return a != b; }
};
struct Not {
  static constexpr std::string_view op = "logical_not";
  bool operator()(bool a) const { return !a; }
};

#define DINI_FLOATS(X, F) X(F, f32) X(F, f64)
#define DINI_NUMBERS(X, F) DINI_FLOATS(X, F) X(F, i32) X(F, i64)
#define DINI_UNARY(X) \
  DINI_FLOATS(X, Neg) \
  DINI_FLOATS(X, Abs) DINI_FLOATS(X, Square) DINI_FLOATS(X, Sqrt) DINI_FLOATS(X, Finite) DINI_FLOATS(X, Nan) X(Not, b8)
#define DINI_BINARY(X)  \
  DINI_NUMBERS(X, Add)  \
  DINI_NUMBERS(X, Sub)  \
  DINI_NUMBERS(X, Mul)  \
  DINI_FLOATS(X, Div)   \
  DINI_FLOATS(X, Max)   \
  DINI_FLOATS(X, Min)   \
  DINI_NUMBERS(X, Less) \
  DINI_NUMBERS(X, LessEqual) DINI_NUMBERS(X, Equal) DINI_NUMBERS(X, NotEqual) X(And, b8) X(Or, b8) X(Xor, b8)
// To a dtype that can hold the number, or to float32 with one rounding.
#define DINI_CONVERT(X) \
  X(b8, i32)            \
  X(b8, i64)            \
  X(b8, f32) X(b8, f64) X(i32, i64) X(i32, f32) X(i32, f64) X(i64, i32) X(i64, f32) X(i64, f64) X(f32, f64) X(f64, f32)
// Of which the size alone matters: x, the size's type.
#define DINI_SIZES(X, F) X(F, std::uint8_t, 1) X(F, std::uint32_t, 4) X(F, std::uint64_t, 8)

enum Code : std::uint16_t {
  none,
#define DINI_CODE(F, T) F##_##T,
#define DINI_CODE_TO(T, R) T##_to_##R,
#define DINI_CODE_SIZE(F, T, size) F##_##size,
  DINI_UNARY(DINI_CODE) DINI_BINARY(DINI_CODE) DINI_CONVERT(DINI_CODE_TO) DINI_SIZES(DINI_CODE_SIZE, select)
      DINI_SIZES(DINI_CODE_SIZE, copy) DINI_SIZES(DINI_CODE_SIZE, fill) move,
  part,
  choose,
  unary_f32,
  unary_f64,
  binary_f32,
  binary_f64,
  compare_f32,
  compare_f64,
  element_1,
  element_2,
  element_3
};

using Link = ChainData::Link;
template <class T> const T& in(void** v, std::uint32_t slot) { return *static_cast<const T*>(v[slot]); }
template <class T> T& out(void** v, std::uint32_t slot) { return *static_cast<T*>(v[slot]); }
template <class T> const T* all(void** v, std::uint32_t slot) { return static_cast<const T*>(v[slot]); }

template <int count> void element(const Link& l, void** v) {
  const void* const operands[3] = {v[l.a], v[l.b], v[l.c]};
  reinterpret_cast<ElementKernel>(l.function)(operands, v[l.d], l.n);
}

// Each link jumps to the next one's code itself: a jump of its own for each is one that the processor foresees.
void run(const Step& s, void** v, const RunContext&) {
  static const void* const places[] = {&&at_none,
#define DINI_PLACE(F, T) &&at_##F##_##T,
#define DINI_PLACE_TO(T, R) &&at_##T##_to_##R,
#define DINI_PLACE_SIZE(F, T, size) &&at_##F##_##size,
                                       DINI_UNARY(DINI_PLACE) DINI_BINARY(DINI_PLACE) DINI_CONVERT(DINI_PLACE_TO)
                                               DINI_SIZES(DINI_PLACE_SIZE, select) DINI_SIZES(DINI_PLACE_SIZE, copy)
                                                   DINI_SIZES(DINI_PLACE_SIZE, fill) &&
                                           at_move,
                                       &&at_part,
                                       &&at_choose,
                                       &&at_unary_f32,
                                       &&at_unary_f64,
                                       &&at_binary_f32,
                                       &&at_binary_f64,
                                       &&at_compare_f32,
                                       &&at_compare_f64,
                                       &&at_element_1,
                                       &&at_element_2,
                                       &&at_element_3};
  const Link* l = static_cast<const ChainData*>(s.data)->links.data();
  goto* places[l->code];
#define DINI_NEXT goto* places[(++l)->code];
#define DINI_RUN_UNARY(F, T)                                             \
  at_##F##_##T : out<decltype(F()(T()))>(v, l->d) = F()(in<T>(v, l->a)); \
  DINI_NEXT
#define DINI_RUN_BINARY(F, T)                                                                 \
  at_##F##_##T : out<decltype(F()(T(), T()))>(v, l->d) = F()(in<T>(v, l->a), in<T>(v, l->b)); \
  DINI_NEXT
#define DINI_RUN_CONVERT(T, R)                                        \
  at_##T##_to_##R : out<R>(v, l->d) = static_cast<R>(in<T>(v, l->a)); \
  DINI_NEXT
#define DINI_RUN_SELECT(F, T, size)                                              \
  at_##F##_##size : out<T>(v, l->d) = in<T>(v, in<bool>(v, l->a) ? l->b : l->c); \
  DINI_NEXT
#define DINI_RUN_COPY(F, T, size)                     \
  at_##F##_##size : out<T>(v, l->d) = in<T>(v, l->a); \
  DINI_NEXT
#define DINI_RUN_FILL(F, T, size)                                        \
  at_##F##_##size : std::fill_n(&out<T>(v, l->d), l->n, in<T>(v, l->a)); \
  DINI_NEXT
#define DINI_RUN_KERNELS(T)                                                                                       \
  at_unary_##T : reinterpret_cast<kernels::UnaryKernel<T>>(l->function)(all<T>(v, l->a), &out<T>(v, l->d), l->n); \
  DINI_NEXT                                                                                                       \
  at_binary_##T : reinterpret_cast<kernels::BinaryKernel<T>>(l->function)(all<T>(v, l->a), all<T>(v, l->b),       \
                                                                          &out<T>(v, l->d), l->n);                \
  DINI_NEXT                                                                                                       \
  at_compare_##T : reinterpret_cast<kernels::CompareKernel<T>>(l->function)(all<T>(v, l->a), all<T>(v, l->b),     \
                                                                            &out<bool>(v, l->d), l->n);           \
  DINI_NEXT
  DINI_UNARY(DINI_RUN_UNARY)
  DINI_BINARY(DINI_RUN_BINARY)
  DINI_CONVERT(DINI_RUN_CONVERT)
  DINI_SIZES(DINI_RUN_SELECT, select)
  DINI_SIZES(DINI_RUN_COPY, copy)
  DINI_SIZES(DINI_RUN_FILL, fill)
  DINI_RUN_KERNELS(f32)
  DINI_RUN_KERNELS(f64)
at_move:
  std::memcpy(v[l->d], v[l->a], l->n);
  DINI_NEXT
at_choose:
  std::memcpy(v[l->d], v[in<bool>(v, l->a) ? l->b : l->c], l->n);
  DINI_NEXT
at_part:
  std::memcpy(v[l->d], all<char>(v, l->a) + reinterpret_cast<std::uintptr_t>(l->function), l->n);
  DINI_NEXT
at_element_1:
  element<1>(*l, v);
  DINI_NEXT
at_element_2:
  element<2>(*l, v);
  DINI_NEXT
at_element_3:
  element<3>(*l, v);
  DINI_NEXT
at_none:
  return;
}

Code of_size(Code one, Code four, Code eight, std::size_t size) { return size == 1 ? one : size == 4 ? four : eight; }

// The code of an op of one number, by the dtype of its first operand.
Code arithmetic(std::string_view name, Dtype dtype) {
  struct Known {
    Dtype dtype;
    std::string_view name;
    Code code;
  };
#define DINI_KNOW(F, T) {dtype_of<T>(), F::op, F##_##T},
  static constexpr Known known_ones[] = {DINI_UNARY(DINI_KNOW) DINI_BINARY(DINI_KNOW)};
  for (const Known& k : known_ones) {
    if (k.dtype == dtype && k.name == name) return k.code;
  }
  return none;
}

Code convert(Dtype from, Dtype to) {
#define DINI_KNOW_CONVERT(T, R) \
  if (from == dtype_of<T>() && to == dtype_of<R>()) return T##_to_##R;
  DINI_CONVERT(DINI_KNOW_CONVERT)
  return none;
}

// The kernels of which most steps consist, called without the way round through their ElementKernel.
template <class T> bool direct(Step& s, std::string_view name, Code unary, Code binary, Code compare) {
  const kernels::VectorKernels<T>& k = kernels::vector_kernels<T>();
  const auto look = [&](Code code, const auto& list) {
    for (const auto& [its_name, function] : list) {
      if (its_name != name) continue;
      s.code = code;
      s.function = reinterpret_cast<void (*)()>(function);
      return true;
    }
    return false;
  };
  using Unary = std::pair<std::string_view, kernels::UnaryKernel<T>>;
  using Binary = std::pair<std::string_view, kernels::BinaryKernel<T>>;
  using Compare = std::pair<std::string_view, kernels::CompareKernel<T>>;
  const Unary unaries[] = {{"tanh", k.tanh}, {"exp", k.exp}, {"sin", k.sin},   {"cos", k.cos}, {"square", k.square},
                           {"neg", k.neg},   {"abs", k.abs}, {"sqrt", k.sqrt}, {"log", k.log}};
  const Binary binaries[] = {{"add", k.add}, {"sub", k.sub},         {"mul", k.mul},
                             {"div", k.div}, {"maximum", k.maximum}, {"minimum", k.minimum}};
  const Compare compares[] = {{"lt", k.lt}, {"le", k.le}, {"eq", k.eq}, {"ne", k.ne}};
  return look(unary, unaries) || look(binary, binaries) || look(compare, compares);
}

Step link(const char* name, Code code) {
  Step s{nullptr};
  s.name = name;
  s.code = code;
  return s;
}

}  // namespace chain

Step element_step(const Op& op, std::span<const Aval> in, const Aval& out) {
  Step s = chain::link(op.name.c_str(), chain::none);
  if (!op.element || in.empty() || in.size() > 3) return s;
  s.n = static_cast<std::size_t>(out.shape.size());
  if (s.n == 1) {
    const std::size_t size = item_size(out.dtype);
    if (&op == known().select)
      s.code = chain::of_size(chain::select_1, chain::select_4, chain::select_8, size);
    else if (&op == known().convert)
      s.code = chain::convert(in[0].dtype, out.dtype);
    else
      s.code = chain::arithmetic(op.name, in[0].dtype);
    if (s.code) return s;
  }
  using namespace chain;
  if (in[0].dtype == Dtype::float32 && direct<float>(s, op.name, unary_f32, binary_f32, compare_f32)) return s;
  if (in[0].dtype == Dtype::float64 && direct<double>(s, op.name, unary_f64, binary_f64, compare_f64)) return s;
  const ElementKernel f = op.element(in, out);
  if (!f) return s;
  s.function = reinterpret_cast<void (*)()>(f);
  s.code = in.size() == 1 ? element_1 : in.size() == 2 ? element_2 : element_3;
  return s;
}

Step fill_step(const Aval& out) {
  Step s = chain::link("fill", chain::of_size(chain::fill_1, chain::fill_4, chain::fill_8, item_size(out.dtype)));
  s.n = static_cast<std::size_t>(out.shape.size());
  return s;
}

Step copy_step(std::size_t bytes) {
  using namespace chain;
  Step s = link("copy", bytes == 1 || bytes == 4 || bytes == 8 ? of_size(copy_1, copy_4, copy_8, bytes) : move);
  s.n = bytes;
  return s;
}

Step part_step(const char* name, std::size_t offset, std::size_t bytes) {
  Step s = chain::link(name, chain::part);
  s.function = reinterpret_cast<void (*)()>(offset);  // a link has no other place
  s.n = bytes;
  return s;
}

Step choose_step(const Aval& out) {
  Step s = chain::link("choose", chain::choose);
  s.n = static_cast<std::size_t>(out.shape.size()) * item_size(out.dtype);
  return s;
}

std::string ChainData::line() const {
  std::string out;
  for (std::size_t k = 0; k < names.size(); ++k) {
    const Link& l = links[k];
    if (k) out += "; ";
    out += names[k];
    out += " " + std::to_string(l.a);
    if (l.b != l.a) out += " " + std::to_string(l.b);
    if (l.c != l.a) out += " " + std::to_string(l.c);
    out += " -> " + std::to_string(l.d);
  }
  return out;
}

namespace chain {

template <class T> void write_whole(ChainData::Link& l, Code unary, Code binary) {
  const kernels::VectorKernels<T>& k = kernels::vector_kernels<T>();
  const kernels::WholeKernels<T>& w = k.whole;
  const auto change = [&](const auto& list) {
    for (const auto& [function, whole] : list) {
      if (reinterpret_cast<void (*)()>(function) != l.function) continue;
      l.function = reinterpret_cast<void (*)()>(whole);
      return;
    }
  };
  using Unary = std::pair<kernels::UnaryKernel<T>, kernels::UnaryKernel<T>>;
  using Binary = std::pair<kernels::BinaryKernel<T>, kernels::BinaryKernel<T>>;
  if (l.code == unary) {
    change(std::initializer_list<Unary>{{k.neg, w.neg},
                                        {k.abs, w.abs},
                                        {k.square, w.square},
                                        {k.sqrt, w.sqrt},
                                        {k.exp, w.exp},
                                        {k.log, w.log},
                                        {k.sin, w.sin},
                                        {k.cos, w.cos},
                                        {k.tanh, w.tanh}});
  } else if (l.code == binary) {
    change(std::initializer_list<Binary>{{k.add, w.add},
                                         {k.sub, w.sub},
                                         {k.mul, w.mul},
                                         {k.div, w.div},
                                         {k.maximum, w.maximum},
                                         {k.minimum, w.minimum}});
  }
}

}  // namespace chain

void write_whole_registers(Plan& plan) {
  // Of no other array, the bytes of the one in the slot; 0 elsewhere.
  const auto own_bytes = [&](std::uint32_t slot) {
    const Slot& s = plan.slots[slot];
    return s.kind == Slot::temporary || s.kind == Slot::dedicated ? s.bytes : 0;
  };
  const auto in_block = [&](Block& block) {
    for (Step& s : block.steps) write_whole_product(s, own_bytes(s.d));
  };
  in_block(plan.main);
  for (const std::unique_ptr<StepData>& data : plan.data) {
    if (auto* links = dynamic_cast<ChainData*>(data.get())) {
      for (ChainData::Link& l : links->links) {
        const std::size_t bytes = own_bytes(l.d);
        if (bytes == l.n * sizeof(float)) chain::write_whole<float>(l, chain::unary_f32, chain::binary_f32);
        if (bytes == l.n * sizeof(double)) chain::write_whole<double>(l, chain::unary_f64, chain::binary_f64);
      }
    } else if (auto* loop = dynamic_cast<WhileData*>(data.get())) {
      in_block(loop->cond), in_block(loop->body);
    } else if (auto* scan = dynamic_cast<ScanData*>(data.get())) {
      in_block(scan->body);
    } else if (auto* branches = dynamic_cast<CondData*>(data.get())) {
      for (Block& branch : branches->branches) in_block(branch);
    }
  }
}

void join_chains(Block& block, std::vector<std::unique_ptr<StepData>>& owned) {
  std::size_t to = 0;
  for (std::size_t k = 0; k < block.steps.size(); ++to) {
    if (!block.steps[k].code) {
      block.steps[to] = block.steps[k++];
      continue;
    }
    auto data = std::make_unique<ChainData>();
    for (; k < block.steps.size() && block.steps[k].code; ++k) {
      const Step& s = block.steps[k];
      data->links.push_back({s.code, s.a, s.b, s.c, s.d, s.n, s.function});
      data->names.push_back(s.name);
    }
    data->links.push_back({});  // the end
    Step step{chain::run};
    step.name = "chain";
    step.data = data.get();
    block.steps[to] = step;
    owned.push_back(std::move(data));
  }
  block.steps.resize(to);
}

}  // namespace dini::exec
