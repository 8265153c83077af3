// An array that was never assigned, where a transformation meets one: an error that names the function and the place.
#include <gtest/gtest.h>

#include "expect.hpp"

namespace dini {
namespace {

const Array x = array({0.3, -1.2, 0.7}), one = array(1.0), none_at_all;

struct Layer {
  Array W, b;
  auto tree() { return std::tie(W, b); }
};

struct Case {
  const char* name;
  std::function<void()> run;
  std::vector<std::string> parts;
};

TEST(Unassigned, IsAnErrorOfEveryTransformation) {
  const Layer half{x, {}};
  const std::vector<Array> two(2);
  const auto f = [](const Layer& l) { return sum(l.W * l.b); };
  const auto first = [](const std::vector<Array>& v) { return sum(v[0]); };
  const auto id = [](const Array& a) { return a; };
  const auto nothing = [](const Array&) { return Array(); };
  const auto below = [](const Array& a) { return all(a < 3); };
  const auto kept = [](const Array& c, const Array& e) { return std::pair(c, e); };
  const auto lost = [](const Array&, const Array& e) { return std::pair(Array(), e); };
  const Case cases[] = {
      {"grad of half a struct", [&] { grad(f)(half); }, {"grad", "leaf 1 of the arguments"}},
      {"jit of half a struct", [&] { jit(f)(half); }, {"jit", "leaf 1 of the arguments"}},
      {"jvp of half a struct", [&] { jvp(f, half, half); }, {"jvp", "leaf 1 of the arguments"}},
      {"grad of a vector", [&] { grad(first)(two); }, {"grad", "leaf 0 of the arguments"}},
      {"jacobian of a vector", [&] { jacobian(first)(two); }, {"jacobian", "leaf 0 of the arguments"}},
      {"vmap", [&] { vmap(id)(none_at_all); }, {"vmap", "leaf 0 of the arguments"}},
      {"vjp", [&] { vjp(id, none_at_all); }, {"vjp", "leaf 0 of the arguments"}},
      {"linearize", [&] { linearize(id, none_at_all); }, {"linearize", "leaf 0 of the arguments"}},
      {"linear_transpose", [&] { linear_transpose(id, none_at_all); }, {"linear_transpose", "leaf 0"}},
      {"check_grads", [&] { check_grads(id, none_at_all); }, {"check_grads", "leaf 0 of the arguments"}},
      {"make_program", [&] { make_program(id, none_at_all); }, {"make_program", "leaf 0 of the arguments"}},
      {"eval_shape", [&] { eval_shape(id, none_at_all); }, {"eval_shape", "leaf 0 of the arguments"}},
      {"checkpoint",
       [&] { grad([&](const Array& a) { return a * checkpoint(id)(none_at_all); })(one); },
       {"checkpoint", "leaf 0 of the arguments"}},
      {"jvp's tangent", [&] { jvp(id, x, none_at_all); }, {"jvp", "the tangent"}},
      {"linearize's tangent", [&] { linearize(id, x).second(none_at_all); }, {"linearize", "the tangent"}},
      {"vjp's cotangent", [&] { vjp(id, x).pullback(none_at_all); }, {"vjp", "the cotangent"}},
      {"linear_transpose's cotangent",
       [&] { linear_transpose(id, x)(none_at_all); },
       {"linear_transpose", "cotangent"}},
      {"grad's value", [&] { grad(nothing)(x); }, {"grad", "leaf 0 of the function's value"}},
      {"jvp's value", [&] { jvp(nothing, x, x); }, {"jvp", "leaf 0 of the function's value"}},
      {"vjp's value", [&] { vjp(nothing, x); }, {"vjp", "leaf 0 of the function's value"}},
      {"jacobian's value", [&] { jacrev(nothing)(x); }, {"jacobian", "leaf 0 of the function's value"}},
      {"vmap's value", [&] { vmap(nothing)(x); }, {"vmap", "leaf 0 of the function's value"}},
      {"jit's value", [&] { jit(nothing)(x); }, {"jit: the result"}},
      {"scan's carry", [&] { scan(kept, none_at_all, x); }, {"scan", "leaf 0 of the carry"}},
      {"scan's xs", [&] { scan(kept, x, none_at_all); }, {"scan", "leaf 0 of the xs"}},
      {"scan's body", [&] { scan(lost, x, x); }, {"scan", "leaf 0 of the body's value"}},
      {"while_loop's state", [&] { while_loop(below, id, none_at_all); }, {"while_loop", "leaf 0 of the state"}},
      {"while_loop's body", [&] { while_loop(below, nothing, x); }, {"while_loop", "leaf 0 of the body's value"}},
      {"cond's condition", [&] { cond(none_at_all, id, id, x); }, {"cond"}},
      {"cond's operand", [&] { cond(one, id, id, none_at_all); }, {"cond", "leaf 0 of the operands"}},
      {"switch_case's index", [&] { switch_case(none_at_all, std::tuple(id, id), x); }, {"switch_case"}},
      {"custom_jvp's value",
       [&] { jvp(custom_jvp(id, [](const Array&, const Array& da) { return std::pair(Array(), da); }), x, x); },
       {"custom_jvp", "leaf 0 of the value"}},
      {"custom_vjp's value",
       [&] {
         vjp(custom_vjp(
                 id, [](const Array& a) { return std::pair(Array(), a); },
                 [](const Array&, const Array& ct) { return ct; }),
             x);
       },
       {"custom_vjp: fwd", "leaf 0 of the value"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    std::vector<std::string> parts = c.parts;
    parts.push_back("an array that was never assigned");
    throws<ValueError>(c.run, parts);
  }
}

}  // namespace
}  // namespace dini
