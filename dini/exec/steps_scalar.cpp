// Arithmetic on single elements: the counters, comparisons and choices that loops are full of.
#include <cmath>
#include <limits>
#include <string_view>

#include "dini/exec/rewrite.hpp"
#include "dini/exec/steps.hpp"

namespace dini::exec {

namespace scalar {

template <class T> const T& in(void** v, std::uint32_t slot) { return *static_cast<const T*>(v[slot]); }
template <class T> T& out(void** v, std::uint32_t slot) { return *static_cast<T*>(v[slot]); }

template <class F, class T, class R> void unary(const Step& s, void** v, const RunContext&) {
  out<R>(v, s.d) = static_cast<R>(F{}(in<T>(v, s.a)));
}
template <class F, class T, class R> void binary(const Step& s, void** v, const RunContext&) {
  out<R>(v, s.d) = static_cast<R>(F{}(in<T>(v, s.a), in<T>(v, s.b)));
}
template <class T> void select(const Step& s, void** v, const RunContext&) {
  const T x = in<T>(v, s.b), y = in<T>(v, s.c);
  out<T>(v, s.d) = in<bool>(v, s.a) ? x : y;
}

// Integers wrap around, as the kernels' do.
template <class T> struct Wrapping { using type = std::make_unsigned_t<T>; };
template <> struct Wrapping<float> { using type = float; };
template <> struct Wrapping<double> { using type = double; };
template <class T> using wrapping = typename Wrapping<T>::type;
struct Add {
  template <class T> T operator()(T a, T b) const { return static_cast<T>(wrapping<T>(a) + wrapping<T>(b)); }
};
struct Sub {
  template <class T> T operator()(T a, T b) const { return static_cast<T>(wrapping<T>(a) - wrapping<T>(b)); }
};
struct Mul {
  template <class T> T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>)
      return static_cast<T>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
    else
      return a * b;
  }
};
struct Div {
  template <class T> T operator()(T a, T b) const { return a / b; }
};
struct Neg {
  template <class T> T operator()(T a) const { return -a; }
};
struct Abs {
  template <class T> T operator()(T a) const { return std::fabs(a); }
};
struct Square {
  template <class T> T operator()(T a) const { return a * a; }
};
struct Sqrt {
  template <class T> T operator()(T a) const { return std::sqrt(a); }
};
struct Finite {
  template <class T> bool operator()(T a) const { return std::fabs(a) <= std::numeric_limits<T>::max(); }
};
struct Nan {
  template <class T> bool operator()(T a) const { return a != a; }
};
struct Less {
  template <class T> bool operator()(T a, T b) const { return a < b; }
};
struct LessEqual {
  template <class T> bool operator()(T a, T b) const { return a <= b; }
};
struct Equal {
  template <class T> bool operator()(T a, T b) const { return a == b; }
};
struct NotEqual {
  template <class T> bool operator()(T a, T b) const { return a != b; }
};
struct And {
  bool operator()(bool a, bool b) const { return a & b; }
};
struct Or {
  bool operator()(bool a, bool b) const { return a | b; }
};
struct Xor {
  bool operator()(bool a, bool b) const { return a != b; }
};
struct Not {
  bool operator()(bool a) const { return !a; }
};
template <class R> struct To {
  template <class T> R operator()(T a) const { return static_cast<R>(a); }
};

using Run = void (*)(const Step&, void**, const RunContext&);

template <class F, bool to_bool = false> Run arithmetic(Dtype d) {  // any number
  return visit_dtype(d, []<class T>() -> Run {
    if constexpr (std::is_same_v<T, bool>)
      return nullptr;
    else
      return binary<F, T, std::conditional_t<to_bool, bool, T>>;
  });
}
template <class F> Run floating_binary(Dtype d) {
  return d == Dtype::float64 ? binary<F, double, double> : d == Dtype::float32 ? binary<F, float, float> : Run(nullptr);
}
template <class F> Run floating(Dtype d) {
  return d == Dtype::float64 ? unary<F, double, double> : d == Dtype::float32 ? unary<F, float, float> : Run(nullptr);
}
template <class F> Run question(Dtype d) {
  return d == Dtype::float64 ? unary<F, double, bool> : d == Dtype::float32 ? unary<F, float, bool> : Run(nullptr);
}
template <class F> Run logical(Dtype d) { return d == Dtype::bool_ ? binary<F, bool, bool> : Run(nullptr); }

// To a dtype that can hold the number, or to float32 with one rounding.
Run convert(Dtype from, Dtype to) {
  if (to == Dtype::bool_ || (is_floating(from) && !is_floating(to))) return nullptr;
  return visit_dtype(
      from, [to]<class T>() -> Run { return visit_dtype(to, []<class R>() -> Run { return unary<To<R>, T, R>; }); });
}

struct Entry {
  std::string_view name;
  Run (*choose)(Dtype);
};
constexpr Entry table[] = {
    {"add", arithmetic<Add>},
    {"sub", arithmetic<Sub>},
    {"mul", arithmetic<Mul>},
    {"div", floating_binary<Div>},
    {"neg", floating<Neg>},
    {"abs", floating<Abs>},
    {"square", floating<Square>},
    {"sqrt", floating<Sqrt>},
    {"isfinite", question<Finite>},
    {"isnan", question<Nan>},
    {"lt", arithmetic<Less, true>},
    {"le", arithmetic<LessEqual, true>},
    {"eq", arithmetic<Equal, true>},
    {"ne", arithmetic<NotEqual, true>},
    {"logical_and", logical<And>},
    {"logical_or", logical<Or>},
    {"logical_xor", logical<Xor>},
    {"logical_not", [](Dtype d) -> Run { return d == Dtype::bool_ ? unary<Not, bool, bool> : Run(nullptr); }},
};

}  // namespace scalar

Step scalar_step(const Op& op, std::span<const Aval> in, const Aval& out) {
  Step step{nullptr};
  step.name = op.name.c_str();
  if (!op.element) return step;
  if (&op == known().select) {
    step.run = visit_dtype(out.dtype, []<class T>() -> scalar::Run { return scalar::select<T>; });
  } else if (&op == known().convert) {
    step.run = scalar::convert(in[0].dtype, out.dtype);
  } else {
    for (const scalar::Entry& entry : scalar::table) {
      if (entry.name == op.name) step.run = entry.choose(in[0].dtype);
    }
  }
  return step;
}

}  // namespace dini::exec
