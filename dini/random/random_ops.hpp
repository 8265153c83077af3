// The ops of random/. Keys may have axes in front: [..., 2], and each draws for itself. `stream` is "original" or
// "partitionable". Random integers that stand for words are int64 in [0, 2³²).
#pragma once

#include "dini/ops/registry.hpp"

namespace dini {

const Op& random_key_op();      // seed [...] int64 → [..., 2]
const Op& random_split_op();    // {count: int64, stream: text} key [..., 2] → [..., count, 2]
const Op& random_fold_in_op();  // key [..., 2], data [...] int64 → [..., 2]
const Op& random_bits_op();     // {shape: Shape, width: int64 32|64, stream: text} key [..., 2] → [..., shape] int64

// {shape: Shape, dtype: Dtype, stream: text}, key [..., 2] → [..., shape]
const Op& random_uniform_op();   // in [0, 1)
const Op& random_normal_op();    // with mean 0 and variance 1
const Op& random_integers_op();  // further inputs low, high: [..., shape] int64

const Op& random_permutation_op();  // {length: int64, stream: text} key [..., 2] → [..., length] int64
const Op& random_scale_op();  // u, low, high of one shape and floating dtype → max(low, fma(u, high - low, low))

}  // namespace dini
