// Draws inside transformations: the same numbers, and derivatives by the bounds.
#include <gtest/gtest.h>

#include "dini/core/index.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/random/random.hpp"
#include "dini/transforms/grad.hpp"
#include "dini/transforms/jit.hpp"
#include "dini/transforms/vmap.hpp"

namespace dini::random_transforms_test {

namespace rnd = dini::random;

// All functions of a key, with results as float64.
struct Draw {
  const char* name;
  Array (*f)(const Array& key);
};
const Draw draws[] = {
    {"split", [](const Array& k) { return astype(rnd::split(k, 3), float64); }},
    {"fold_in", [](const Array& k) { return astype(rnd::fold_in(k, 7), float64); }},
    {"bits",
     [](const Array& k) {
       return astype(rnd::bits(k, {2, 5}), float64);
     }},
    {"uniform", [](const Array& k) { return rnd::uniform(k, {7}); }},
    {"uniform bounds",
     [](const Array& k) {
       return astype(rnd::uniform(k, {3, 2}, float32, array({-1.0, 4.0}), 5), float64);
     }},
    {"normal", [](const Array& k) { return rnd::normal(k, {5}); }},
    {"randint",
     [](const Array& k) {
       return astype(rnd::randint(k, {4}, array({0, 5, -9, 2}), 50), float64);
     }},
    {"bernoulli", [](const Array& k) { return astype(rnd::bernoulli(k, 0.3, Shape{9}), float64); }},
    {"permutation", [](const Array& k) { return astype(rnd::permutation(k, 6), float64); }},
    {"permutation of rows",
     [](const Array& k) {
       return rnd::permutation(k, array({{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}}));
     }},
    {"choice", [](const Array& k) { return astype(rnd::choice(k, 10, {4}), float64); }},
    {"choice by weight",
     [](const Array& k) {
       return astype(rnd::choice(k, 3, {4}, true, array({0.2, 0.5, 0.3})), float64);
     }},
};

TEST(RandomTransforms, JitDrawsTheSame) {
  for (const auto stream : {rnd::Stream::original, rnd::Stream::partitionable}) {
    const rnd::StreamScope scope(stream);
    for (const Draw& d : draws) {
      const auto f = d.f;
      const Array key = rnd::key(17), eager = f(key), compiled = jit([f](const Array&k) { return f(k); })(key);
      EXPECT_EQ(compiled.shape(), eager.shape()) << d.name;
      EXPECT_EQ(compiled.to_vector<double>(), eager.to_vector<double>()) << d.name;
    }
  }
}

TEST(RandomTransforms, VmapOverKeysIsTheLoop) {
  for (const auto stream : {rnd::Stream::original, rnd::Stream::partitionable}) {
    const rnd::StreamScope scope(stream);
    const Array keys = rnd::split(rnd::key(17), 3);
    for (const Draw& d : draws) {
      const auto f = d.f;
      const Array all = vmap([f](const Array& k) { return f(k); })(keys);
      for (int lane = 0; lane < 3; ++lane) {
        EXPECT_EQ(all(lane).to_vector<double>(), f(keys(lane)).to_vector<double>()) << d.name << " " << lane;
      }
    }
  }
}

TEST(RandomTransforms, VmapOverSeedsDataAndBounds) {
  const Array seeds = array({3, -1, 12});
  const Array keys = vmap([](const Array& s) { return rnd::key(s); })(seeds);
  const Array k = rnd::key(1);
  const Array folded = vmap([&](const Array& s) { return rnd::fold_in(k, s); })(seeds);
  const Array drawn = vmap([&](const Array& s) { return rnd::randint(k, {4}, s, 20); })(seeds);
  for (int lane = 0; lane < 3; ++lane) {
    const std::int64_t s = seeds(lane).item<std::int64_t>();
    EXPECT_EQ(keys(lane).to_vector<double>(), rnd::key(s).to_vector<double>());
    EXPECT_EQ(folded(lane).to_vector<double>(), rnd::fold_in(k, s).to_vector<double>());
    EXPECT_EQ(drawn(lane).to_vector<double>(), rnd::randint(k, {4}, s, 20).to_vector<double>());
  }
}

TEST(RandomTransforms, DerivativesByTheBounds) {
  const Array k = rnd::key(5);
  const auto u = rnd::uniform(k, {4}).to_vector<double>();
  double sum_u = 0;
  for (const double v : u) sum_u += v;
  const auto f = [&](const Array& low, const Array& high) { return sum(rnd::uniform(k, {4}, float64, low, high)); };
  const auto [by_low, by_high] = grad<0, 1>(f)(array(-2.0), array(3.0));
  EXPECT_NEAR(by_low.item(), 4 - sum_u, 1e-14);
  EXPECT_NEAR(by_high.item(), sum_u, 1e-14);
  // A draw by itself is a constant, also where its key is made under grad.
  const Array slope =
      grad([&](const Array& x) { return sum(x * rnd::normal(rnd::fold_in(k, 2), {3})); })(array({1.0, 2.0, 3.0}));
  EXPECT_EQ(slope.to_vector<double>(), rnd::normal(rnd::fold_in(k, 2), {3}).to_vector<double>());
}

TEST(RandomTransforms, JitKeepsTheStreamItWasTracedWith) {
  const Array k = rnd::key(0);
  const auto f = jit([](const Array& key) { return rnd::bits(key, {3}); });
  const auto original = f(k).to_vector<std::int64_t>();
  const rnd::StreamScope scope(rnd::Stream::partitionable);
  EXPECT_EQ(f(k).to_vector<std::int64_t>(), original);
  EXPECT_NE(rnd::bits(k, {3}).to_vector<std::int64_t>(), original);
}

}  // namespace dini::random_transforms_test
