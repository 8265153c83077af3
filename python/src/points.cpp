// What is known of a fit, and the nearest points of sets.
#include "solving.hpp"
#include "table.hpp"

namespace pydini {

namespace {

using table::From;
using A = const Array&;

// Leaves side by side, and back.
Array flat(const Leaves& leaves) {
  std::vector<Array> pieces;
  for (const Array& a : leaves) pieces.push_back(dini::ravel(a));
  return pieces.size() == 1 ? pieces[0] : dini::concatenate(pieces);
}
Leaves parts_of(A v, const Leaves& like) {
  Leaves out;
  std::int64_t at = 0;
  for (const Array& a : like) {
    out.push_back(dini::reshape(v(dini::slice(at, at + a.size())), a.shape()));
    at += a.size();
  }
  return out;
}

struct Fit {
  nb::object residuals;
  Flat z;
  nb::object theta;  // a tuple
  Array covariance(bool full_hessian) const {
    auto of = [&](A v) {
      return with_gil([&] {
        std::vector<nb::object> all;
        for (nb::handle h : nb::borrow<nb::tuple>(theta)) all.push_back(nb::borrow(h));
        all.push_back(z.def.unflatten(parts_of(v, z.leaves)));
        return flat(Flat(call_python(residuals, tuple_of(all))).leaves);
      });
    };
    return computing([&] { return dini::detail::covariance_at(of, flat(z.leaves), {full_hessian}); });
  }
};

Fit fit_of(nb::object residuals, nb::handle z, nb::args theta) {
  nb::object point = nb::borrow(z);
  if (PyObject_HasAttrString(z.ptr(), "status_code")) point = z.attr("value");  // a solution
  return {std::move(residuals), Flat(point), theta};
}

}  // namespace

void bind_points(nb::module_& m) {
  m.def(
      "covariance",
      [](nb::object r, nb::handle z, nb::args theta, bool full_hessian) {
        return from_array(fit_of(r, z, theta).covariance(full_hessian));
      },
      nb::arg("r"), nb::arg("z"), nb::arg("theta"), nb::arg("full_hessian") = true,
      nb::sig("def covariance(r: Callable[..., Any], z: Any, *theta: Any, full_hessian: bool = True) -> Array"),
      "s²H⁻¹ of a fit z with the residuals r(*theta, z): with the full Hessian, or with JᵀJ.");
  m.def(
      "standard_errors",
      [](nb::object r, nb::handle z, nb::args theta, bool full_hessian) {
        const Fit fit = fit_of(r, z, theta);
        const Array c = fit.covariance(full_hessian);
        return fit.z.def.unflatten(parts_of(dini::detail::root_of_diagonal(c), fit.z.leaves));
      },
      nb::arg("r"), nb::arg("z"), nb::arg("theta"), nb::arg("full_hessian") = true,
      nb::sig("def standard_errors(r: Callable[..., Any], z: Any, *theta: Any, full_hessian: bool = True) -> Any"),
      "The roots of the covariance's diagonal, in a tree like z.");
  table::Table t(m);
  t.add(
      "project_box(x, lower, upper)", "The nearest z with lower <= z <= upper.",
      +[](A x, A l, A u) { return dini::project_box(x, l, u); });
  t.add(
      "project_simplex(x, total=1.0)", "The nearest z with z >= 0 and the sum `total`.",
      +[](A x, A s) { return dini::project_simplex(x, s); });
  t.add(
      "project_box_section(x, a, b, lower, upper)", "The nearest z with lower <= z <= upper and a'z = b.",
      +[](A x, A a, A b, A l, A u) { return dini::project_box_section(x, a, b, l, u); });
  t.add(
      "project_ball(x, radius=1.0, ord=2.0)", "The nearest z of a ball in the norm of order 1, 2 or inf.",
      +[](A x, A r, double ord) { return dini::project_ball(x, r, ord); });
  t.add(
      "project_halfspace(x, a, b)", "The nearest z with a'z <= b.",
      +[](A x, A a, A b) { return dini::project_halfspace(x, a, b); });
  t.add(
      "project_affine(x, A, b)", "The nearest z with A z = b.",
      +[](A x, A a, A b) { return dini::project_affine(x, a, b); });
  t.add(
      "project_polyhedron(x, A=None, b=None, G=None, h=None, h_lower=None, lower=None, upper=None)",
      "The nearest z with A z = b, h_lower <= G z <= h, lower <= z <= upper.",
      +[](A x, const table::Maybe& a, const table::Maybe& b, const table::Maybe& g, const table::Maybe& h,
          const table::Maybe& hl, const table::Maybe& l, const table::Maybe& u) {
        dini::QuadraticProgram rows;
        rows.A = a.a, rows.b = b.a, rows.G = g.a, rows.h = h.a, rows.h_lower = hl.a, rows.lower = l.a, rows.upper = u.a;
        return dini::project_polyhedron(x, rows);
      });
}

}  // namespace pydini
