// The ops that hold Programs. They stand in transforms/, not in ops/, since their rules transform those Programs.
//
//   call   {program, name}                        [inputs...] -> [outputs...]
//   late_call {program}                       the same of a Program that is made when it is first run (trace/late.hpp)
//   cond   {branches}                             [index, operands...] -> [outputs...], 0 <= index < number of branches
//   while  {cond, body, carry, cond_captured}     [carry..., captured by cond..., captured by body...] -> [carry...]
//          and {watch}, a WatchOpaque, of a loop that may be ended in the middle of a turn: with the carries that the turn
//          began with; {at_most} says how many turns there are at most, where that is known
//   scan   {body, length, carry, xs, reverse}     [carry..., xs..., captured...] -> [carry..., stacked ys...]
//   lanes  {program, size, mapped, stacked}       [mapped..., shared...] -> [stacked..., summed...]  (transforms/lanes.hpp)
#pragma once

#include "dini/ops/registry.hpp"
#include "dini/trace/emit.hpp"

namespace dini::detail {

const Op& call_op();
const Op& late_call_op();
const Op& cond_op();
const Op& while_op();
const Op& scan_op();

}  // namespace dini::detail
