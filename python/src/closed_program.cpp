// Programs for bridges: closed functions, and what is derived from them, each a Program again.
#include "closed_program.hpp"

#include "dini/exec/executable.hpp"

namespace pydini {

namespace e = dini::erased;

namespace {

// For libraries that do not let arrays of 64 bits through: what a linearisation keeps of a point goes as two arrays of 32 bits each. A
// number is the sum of both, so that a derivative goes through, too; it keeps 48 of its 53 bits.
constexpr double word = 4294967296.0;

bool is_wide(const Aval& a) { return a.dtype == Dtype::float64 || a.dtype == Dtype::int64; }

void narrow(const Array& x, Leaves& out) {
  if (x.dtype() == Dtype::int64) {
    const auto w = static_cast<std::int64_t>(word);
    const Array high = dini::floor_divide(x, w);
    out.push_back(dini::astype(high, Dtype::int32));
    out.push_back(dini::astype(x - high * w - w / 2, Dtype::int32));
  } else if (x.dtype() == Dtype::float64) {
    const Array high = dini::astype(x, Dtype::float32);
    const Array rest = x - dini::astype(high, Dtype::float64);
    out.push_back(high);
    out.push_back(dini::astype(dini::where(dini::isfinite(high), rest, dini::zeros_like(rest)), Dtype::float32));
  } else {
    out.push_back(x);
  }
}

Array widened(const Aval& wanted, const Leaves& in, std::size_t& next) {
  if (!is_wide(wanted)) return in[next++];
  const Array high = dini::astype(in[next], wanted.dtype), low = dini::astype(in[next + 1], wanted.dtype);
  next += 2;
  if (wanted.dtype == Dtype::float64) return high + low;
  const auto w = static_cast<std::int64_t>(word);
  return high * w + low + w / 2;
}

// The pair with residuals of at most 32 bits.
e::LinearProgram narrowed(const e::LinearProgram& l) {
  const std::vector<Aval> out = l.primal->output_avals();
  const std::size_t values = out.size() - l.residuals;
  const std::vector<Aval> residuals(out.begin() + static_cast<std::ptrdiff_t>(values), out.end());
  e::LinearProgram made = l;
  made.primal = dini::detail::stage_closed(
      [&](const Leaves& in) {
        const Leaves all = dini::detail::evaluate(*l.primal, in);
        Leaves kept(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(values));
        for (std::size_t k = values; k < all.size(); ++k) narrow(all[k], kept);
        return kept;
      },
      l.primal->input_avals(), "linearize");
  const std::vector<Aval> before = l.tangent->input_avals(), kept = made.primal->output_avals();
  const std::size_t tangents = before.size() - l.residuals;
  std::vector<Aval> in(before.begin(), before.begin() + static_cast<std::ptrdiff_t>(tangents));
  in.insert(in.end(), kept.begin() + static_cast<std::ptrdiff_t>(values), kept.end());
  made.tangent = dini::detail::stage_closed(
      [&](const Leaves& given) {
        Leaves all(given.begin(), given.begin() + static_cast<std::ptrdiff_t>(tangents));
        std::size_t next = tangents;
        for (const Aval& r : residuals) all.push_back(widened(r, given, next));
        return dini::detail::evaluate(*l.tangent, all);
      },
      in, "linearize");
  made.residuals = kept.size() - values;
  return made;
}

ClosedProgram closed(const ErasedFunction& f, std::vector<Aval> in) {
  return {computing([&] { return dini::detail::stage_closed(f, in, "jit"); })};
}

}  // namespace

Leaves fitting(const Leaves& given, std::span<const Aval> wanted) {
  if (given.size() != wanted.size())
    throw dini::ShapeError("Program: " + std::to_string(given.size()) + " arrays for " + std::to_string(wanted.size()));
  Leaves out = given;
  for (std::size_t k = 0; k < out.size(); ++k) {
    if (out[k].weak()) out[k] = dini::astype(out[k], wanted[k].dtype);
    const std::string message =
        "Program: argument " + std::to_string(k) + " is " + out[k].aval().str() + ", expected " + wanted[k].str();
    if (out[k].shape() != wanted[k].shape) throw dini::ShapeError(message);
    if (out[k].dtype() != wanted[k].dtype) throw dini::DtypeError(message);
  }
  return out;
}

nb::object pairs_of(std::span<const Aval> avals) {
  std::vector<nb::object> all;
  for (const Aval& a : avals) {
    std::vector<nb::object> lengths;
    for (std::int64_t n : a.shape) lengths.push_back(nb::int_(n));
    all.push_back(nb::make_tuple(tuple_of(lengths), dini::name(a.dtype)));
  }
  return tuple_of(all);
}

std::vector<Aval> avals_of_pairs(nb::handle pairs) {
  std::vector<Aval> out;
  for (nb::handle pair : nb::iter(pairs)) {
    Shape shape;
    for (nb::handle n : nb::iter(nb::object(pair[0]))) shape.append(to_whole(n, "a length"));
    out.push_back({shape, to_dtype(nb::object(pair[1])), false});
  }
  return out;
}

void bind_closed_programs(nb::module_& m) {
  nb::class_<ClosedProgram>(m, "_ClosedProgram", "A function of arrays that captures nothing.",
                            nb::is_weak_referenceable())
      .def_prop_ro("in_avals", [](const ClosedProgram& p) { return pairs_of(p.program->input_avals()); })
      .def_prop_ro("out_avals", [](const ClosedProgram& p) { return pairs_of(p.program->output_avals()); })
      .def("__repr__", [](const ClosedProgram& p) { return p.program->str(); })
      .def("__hash__", [](const ClosedProgram& p) { return static_cast<Py_hash_t>(p.program->hash() >> 1); })
      .def("__eq__",
           [](const ClosedProgram& p, nb::handle o) {
             ClosedProgram* other = nullptr;
             return nb::try_cast<ClosedProgram*>(o, other) && other && p.program->equal(*other->program);
           })
      // (inputs) -> (outputs, residuals), and (tangents of the active inputs, residuals) -> (tangents of the active outputs).
      .def("linearized",
           [](const ClosedProgram& p, const std::vector<bool>& active, bool narrow_residuals) {
             const e::LinearProgram l = computing([&] {
               e::LinearProgram made = e::linear_program(p.program, active);
               return narrow_residuals ? narrowed(made) : made;
             });
             return nb::make_tuple(ClosedProgram{l.primal}, ClosedProgram{l.tangent}, l.out_active);
           })
      // (cotangents, what it is not linear in) -> cotangents of the marked inputs.
      .def("transposed",
           [](const ClosedProgram& p, const std::vector<bool>& linear) {
             return ClosedProgram{computing([&] { return e::transpose_program(p.program, linear); })};
           })
      .def("batched",
           [](const ClosedProgram& p, const std::vector<bool>& batched, std::int64_t size) {
             const e::BatchProgram b = computing([&] { return e::batch_program(p.program, batched, size); });
             return nb::make_tuple(ClosedProgram{b.program}, b.out_batched);
           })
      // Its values, also where arrays are traced.
      .def("__call__", [](const ClosedProgram& p, nb::args args) {
        Leaves in;
        for (nb::handle h : args) in.push_back(to_array(h, "Program"));
        const Leaves out = computing([&] {
          in = fitting(in, p.program->input_avals());
          return dini::detail::current_trace() ? dini::detail::evaluate(*p.program, in)
                                               : dini::run_program(*p.program, in);
        });
        std::vector<nb::object> all;
        for (const Array& a : out) all.push_back(from_array(a));
        return tuple_of(all);
      });
  m.def(
      "_close",
      [](nb::object f, nb::handle avals) {
        return closed(
            [&](const Leaves& leaves) {
              return with_gil([&] {
                std::vector<nb::object> args;
                for (const Array& a : leaves) args.push_back(from_array(a));
                Leaves out = Flat(call_python(f, tuple_of(args))).leaves;
                for (Array& a : out) {
                  if (a.weak()) a = dini::astype(a, a.dtype());
                }
                return out;
              });
            },
            avals_of_pairs(avals));
      },
      nb::arg("f"), nb::arg("avals"),
      "The Program of f(*arrays) -> a tree of arrays, for arrays of these (shape, dtype). What f captures is "
      "constant.");
}

}  // namespace pydini
