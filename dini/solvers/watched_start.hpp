// The start of a watched solve.
#pragma once

#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/transforms/control.hpp"

namespace dini::detail {

/// first(z0) as one turn of a watched loop: it may take as long as a step, and is ended as one. `unmade` puts into a state of
/// zeros what is handed on then. P is a tree with a `status`.
template <class P, class First, class Unmade>
P watched_start(const First& first, const Array& z0, const WatchRef& watch, const Unmade& unmade) {
  struct Start {
    P p;
    Array made;
    auto tree() { return std::tie(p, made); }
  };
  P like;
  const Staged staged = stage(
      [&](const Leaves& in) {
        like = first(in[0]);
        return flatten(like);
      },
      {z0.aval()}, "solve");
  Leaves nothing;
  for (const Aval& a : staged.program->output_avals()) nothing.push_back(zeros(a.shape, a.dtype));
  Start start{unflatten(like, nothing), array(false)};
  unmade(start.p);
  start = loop([](const Start& s) { return ~s.made; },
               // z0 is made to depend on the loop's state: what does not is computed before the loop.
               [&](const Start& s) {
                 return Start{first(where(s.made, zeros_like(z0), z0)), array(true)};
               },
               start, 1, watch);
  start.p.status = where(start.made, start.p.status, code(StatusCode::cancelled));
  return start.p;
}

}  // namespace dini::detail
