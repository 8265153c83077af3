#include "dini/ops/promote.hpp"

#include <string>

#include "dini/core/arithmetic.hpp"
#include "dini/trace/emit.hpp"

namespace dini {

const Op& convert_op();
const Op& broadcast_op();
const Op& reshape_op();

namespace {

int dtype_kind(Dtype d) { return is_floating(d) ? 2 : is_integer(d) ? 1 : 0; }

// The operands' common dtype, grown one by one.
struct DtypeJoin {
  bool any_strong = false, any_weak = false;
  Dtype strong = Dtype::bool_, weak = Dtype::bool_;
  void take(const Array& a) {
    (a.weak() ? any_weak : any_strong) = true;
    Dtype& mine = a.weak() ? weak : strong;
    mine = promote(mine, a.dtype());
  }
  Dtype dtype() const { return !any_strong || (any_weak && dtype_kind(weak) > dtype_kind(strong)) ? weak : strong; }
};

}  // namespace

Aval common_dtype(const Leaves& operands) {
  DtypeJoin join;
  for (const Array& a : operands) join.take(a);
  return {Shape{}, join.dtype(), !join.any_strong};
}

Array astype(const Array& a, Dtype dtype) {
  detail::check_defined(a, "astype");
  if (a.dtype() == dtype && !a.weak()) return a;
  return emit_one(convert_op(), {a}, {{"dtype", dtype}, {"weak", false}});
}

namespace detail {

void check_defined(const Array& a, const char* function) {
  if (!a.defined()) throw ValueError(std::string(function) + ": an array that was never assigned");
}

Array as_operand(const Array& a, Dtype dtype) {
  if (a.dtype() == dtype) return a;
  if (!is_literal(a)) return emit_one(convert_op(), {a}, {{"dtype", dtype}, {"weak", a.weak()}});
  const DefaultArithmetic arithmetic;
  void* memory;
  Array out = allocate({Shape{}, dtype, true}, &memory);
  visit_dtype(dtype, [&]<class T>() {
    if constexpr (std::is_same_v<T, bool>)
      *static_cast<T*>(memory) = a.item<double>() != 0;
    else
      *static_cast<T*>(memory) = a.item<T>();
  });
  return out;
}

Array literal(double value, const Array& like) { return as_operand(Array(value), like.dtype()); }

Array as_shape(const Array& a, const Shape& shape, const char* function) {
  const Shape from = a.shape();
  if (from == shape) return a;
  const int missing = shape.ndim() - from.ndim();
  Shape kept;
  Params::Ints axes;
  bool fits = missing >= 0;
  for (int i = 0; fits && i < from.ndim(); ++i) {
    if (from[i] == shape[i + missing]) {
      kept.append(from[i]);
      axes.push_back(i + missing);
    } else {
      fits = from[i] == 1;
    }
  }
  if (!fits) { throw ShapeError(std::string(function) + ": " + from.str() + " does not broadcast to " + shape.str()); }
  const Array core = kept == from ? a : emit_one(reshape_op(), {a}, {{"shape", kept}});
  if (kept == shape) return core;
  return emit_one(broadcast_op(), {core}, {{"shape", shape}, {"axes", axes}});
}

void promote_operands(Array& a, Array& b, const char* function, bool floating) {
  check_defined(a, function);
  check_defined(b, function);
  const Aval &x = a.aval(), &y = b.aval();
  if (x.dtype != y.dtype || (floating && !is_floating(x.dtype))) {
    DtypeJoin join;
    join.take(a);
    join.take(b);
    const Dtype dtype = floating && !is_floating(join.dtype()) ? Dtype::float64 : join.dtype();
    a = as_operand(a, dtype);
    b = as_operand(b, dtype);
  }
  if (a.aval().shape != b.aval().shape) {
    const Shape shape = broadcast_shapes(a.shape(), b.shape(), function);
    a = as_shape(a, shape, function);
    b = as_shape(b, shape, function);
  }
}

void promote_operands(Leaves& operands, const char* function, bool floating) {
  DtypeJoin join;
  Shape shape;
  for (const Array& a : operands) {
    check_defined(a, function);
    join.take(a);
    if (a.aval().shape != shape) shape = broadcast_shapes(shape, a.aval().shape, function);
  }
  const Dtype dtype = floating && !is_floating(join.dtype()) ? Dtype::float64 : join.dtype();
  for (Array& a : operands) a = as_shape(as_operand(a, dtype), shape, function);
}

Array as_floating(const Array& a, const char* function) {
  check_defined(a, function);
  return is_floating(a.dtype()) ? a : as_operand(a, Dtype::float64);
}

}  // namespace detail

}  // namespace dini
