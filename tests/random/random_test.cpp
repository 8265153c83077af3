// Draws against jax.random's: tests/data/prng_vectors.json.
#include "dini/random/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <thread>

#include "dini/core/index.hpp"
#include "../ops/expect_array.hpp"
#include "dini/ops/create.hpp"
#include "dini/ops/elementwise.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/random/random_ops.hpp"
#include "dini/random/threefry.hpp"

namespace dini::random_test {

using nlohmann::json;
namespace rnd = dini::random;

void flatten_numbers(const json& j, std::vector<double>& out) {
  if (j.is_array()) {
    for (const json& item : j) flatten_numbers(item, out);
  } else {
    out.push_back(j.get<double>());
  }
}
std::vector<double> numbers(const json& j) {
  std::vector<double> out;
  flatten_numbers(j, out);
  return out;
}

// Distance in representable numbers.
template <class T> std::int64_t ulps(T a, T b) {
  using I = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
  const auto ordered = [](T x) {
    const std::int64_t i = std::bit_cast<I>(x);
    return i < 0 ? std::numeric_limits<I>::min() - i : i;
  };
  return std::abs(ordered(a) - ordered(b));
}

void expect_equal(const Array& got, const json& wanted, const Shape& shape, Dtype dtype, const char* what) {
  EXPECT_EQ(got.shape(), shape) << what;
  EXPECT_EQ(got.dtype(), dtype) << what;
  EXPECT_FALSE(got.weak()) << what;
  EXPECT_EQ(got.to_vector<double>(), numbers(wanted)) << what;
}
template <class T> void expect_close(const Array& got, const json& wanted, const Shape& shape, const char* what) {
  EXPECT_EQ(got.shape(), shape) << what;
  const std::vector<double> values = numbers(wanted);
  ASSERT_EQ(got.size(), static_cast<std::int64_t>(values.size())) << what;
  const auto data = got.data<T>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_LE(ulps(data[i], static_cast<T>(values[i])), 4) << what << " [" << i << "] " << data[i] << " " << values[i];
  }
}

class RandomVectors : public testing::TestWithParam<const char*> {};

TEST_P(RandomVectors, AsJax) {
  std::ifstream in(DINI_SOURCE_DIR "/tests/data/prng_vectors.json");
  const json all = json::parse(in)[GetParam()];
  ASSERT_EQ(all.size(), 5u);
  const rnd::StreamScope scope(std::string(GetParam()) == "original" ? rnd::Stream::original
                                                                     : rnd::Stream::partitionable);
  for (const auto& [seed, v] : all.items()) {
    SCOPED_TRACE(seed);
    ASSERT_EQ(v.size(), 15u);
    const Array k = rnd::key(std::stoll(seed));
    expect_equal(k, v["key"], {2}, int64, "key");
    expect_equal(rnd::split(k), v["split2"], {2, 2}, int64, "split2");
    expect_equal(rnd::split(k, 3), v["split3"], {3, 2}, int64, "split3");
    expect_equal(rnd::fold_in(k, 5), v["fold_in_5"], {2}, int64, "fold_in");
    expect_equal(rnd::bits(k, {5}), v["bits_5"], {5}, int64, "bits_5");
    expect_equal(rnd::bits(k, {2, 3}), v["bits_2x3"], {2, 3}, int64, "bits_2x3");
    expect_equal(rnd::uniform(k, {5}, float32), v["uniform_f32_5"], {5}, float32, "uniform_f32");
    expect_equal(rnd::uniform(k, {3}), v["uniform_f64_3"], {3}, float64, "uniform_f64");
    expect_equal(rnd::uniform(k, {4}, float32, -2, 3), v["uniform_f32_lo-2_hi3_4"], {4}, float32, "uniform_f32_bounds");
    expect_close<float>(rnd::normal(k, {7}, float32), v["normal_f32_7"], {7}, "normal_f32");
    expect_close<double>(rnd::normal(k, {4}), v["normal_f64_4"], {4}, "normal_f64");
    expect_close<float>(rnd::normal(k, {3, 2}, float32), v["normal_f32_3x2"], {3, 2}, "normal_f32_3x2");
    expect_equal(rnd::randint(k, {6}, 0, 100, int32), v["randint_i32_0_100_6"], {6}, int32, "randint");
    expect_equal(rnd::bernoulli(k, 0.3, Shape{8}), v["bernoulli_0.3_8"], {8}, bool_, "bernoulli");
    expect_equal(rnd::permutation(k, 6), v["permutation_6"], {6}, int64, "permutation");
  }
}
INSTANTIATE_TEST_SUITE_P(Streams, RandomVectors, testing::Values("original", "partitionable"));

// Salmon et al.'s known answers (the file kat_vectors of their Random123 library).
TEST(Random, ThreefryKnownAnswers) {
  const struct {
    std::uint32_t counter[2], key[2], result[2];
  } table[] = {
      {{0, 0}, {0, 0}, {0x6b200159, 0x99ba4efe}},
      {{0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}, {0x1cb996fc, 0xbb002be7}},
      {{0x243f6a88, 0x85a308d3}, {0x13198a2e, 0x03707344}, {0xc4923a9c, 0x483df7a0}},
  };
  for (const auto& row : table) {
    const auto w = rnd::detail::threefry({row.key[0], row.key[1]}, {row.counter[0], row.counter[1]});
    EXPECT_EQ(w.a, row.result[0]);
    EXPECT_EQ(w.b, row.result[1]);
  }
}

// Every op against its reference, on its samples.
TEST(Random, KernelsAgainstReferences) {
  for (const Op* op : random_ops()) {
    if (!op->plain) continue;
    std::vector<Sample> samples = op->samples(float64);
    for (const Sample& s : op->samples(float32)) samples.push_back(s);
    for (const Sample& sample : samples) {
      std::vector<Aval> avals;
      std::vector<const void*> in;
      for (const Array& a : sample.in) avals.push_back(a.aval()), in.push_back(a.raw());
      const std::vector<Aval> out_avals = op->infer(avals, sample.params);
      void* memory;
      const Array out = allocate(out_avals[0], &memory);
      op->kernel({sample.params, in, {&memory, 1}, avals, out_avals});
      const auto got = out.to_vector<long double>(), wanted = op->plain(sample)[0];
      ASSERT_EQ(got.size(), wanted.size()) << op->name;
      const long double tolerance = op != &random_normal_op() ? 0 : out.dtype() == float32 ? 1e-6 : 1e-15;
      for (std::size_t i = 0; i < got.size(); ++i) {
        EXPECT_LE(std::abs(got[i] - wanted[i]), tolerance * std::max(std::abs(wanted[i]), 0.1L))
            << op->name << " " << i;
      }
    }
  }
}

TEST(Random, PartitionableElementsStandForThemselves) {
  const rnd::StreamScope scope(rnd::Stream::partitionable);
  const Array k = rnd::key(3);
  const auto many = rnd::bits(k, {50}).to_vector<std::int64_t>(), few = rnd::bits(k, {7}).to_vector<std::int64_t>();
  EXPECT_TRUE(std::equal(few.begin(), few.end(), many.begin()));
}

TEST(Random, BitsWidths) {
  for (const auto stream : {rnd::Stream::original, rnd::Stream::partitionable}) {
    const rnd::StreamScope scope(stream);
    for (const std::int64_t word : rnd::bits(rnd::key(1), {100}).to_vector<std::int64_t>()) {
      EXPECT_GE(word, 0);
      EXPECT_LT(word, 1LL << 32);
    }
    // A double's mantissa is the upper 52 bits of a word of 64.
    const auto words = rnd::bits(rnd::key(1), {9}, 64).to_vector<std::int64_t>();
    const auto u = rnd::uniform(rnd::key(1), {9}).to_vector<double>();
    for (std::size_t i = 0; i < 9; ++i)
      EXPECT_EQ(u[i], std::ldexp(static_cast<double>(static_cast<std::uint64_t>(words[i]) >> 12), -52));
    EXPECT_EQ(rnd::bits(rnd::key(1), {0, 3}).size(), 0);
    EXPECT_EQ(rnd::bits(rnd::key(1)).shape(), Shape{});
    EXPECT_EQ(rnd::split(rnd::key(1), 0).shape(), (Shape{0, 2}));
  }
}

// From JAX 0.10.2 with 64-bit types, original stream, key 7: the rule's corners.
TEST(Random, IntegersAtTheEdges) {
  const Array k = rnd::key(7);
  const std::int64_t least = std::numeric_limits<std::int64_t>::min(), most = std::numeric_limits<std::int64_t>::max();
  for (const std::int64_t v : rnd::randint(k, {20}, 5, 5).to_vector<std::int64_t>()) EXPECT_EQ(v, 5);
  for (const std::int64_t v : rnd::randint(k, {20}, 5, -5, int32).to_vector<std::int64_t>()) EXPECT_EQ(v, 5);
  const struct {
    std::int64_t low, high;
    Dtype dtype;
    std::vector<std::int64_t> wanted;
  } table[] = {
      {least, most, int64, {-4809204260750342821, 2699806079305178858, -4571901702747182701, 6251033750450643461}},
      {-1000000000000000,
       1000000000000000007,
       int64,
       {409167776104432959, 911178116159954589, 646470334107593079, 458405787305419164}},
      {-3, 4, int64, {0, 3, -2, -3, 3}},
      {-2000000000, 2000000000, int32, {-1666084202, -581929929, 1576188743, -618561192}},
      {-2147483648, 2147483648, int32, {-1813567850, -729413577, 1428705095, -766044840}},  // all that int32 holds
      {0, 2147483648, int32, {333915798, 1418070071, 1428705095, 1381438808}},
      {-(1LL << 40), 10, int32, {-1813567850, -729413577, -718778563, -766044840}},
  };
  for (const auto& row : table) {
    const Shape shape{static_cast<std::int64_t>(row.wanted.size())};
    EXPECT_EQ(rnd::randint(k, shape, row.low, row.high, row.dtype).to_vector<std::int64_t>(), row.wanted) << row.low;
  }
}

// From the same: permutations of several rounds, words of 64 bits, data above 2^31.
TEST(Random, MoreFromJax) {
  const Array k = rnd::key(7);
  const auto start = [](const Array& a) { return a(slice(end, 6)).to_vector<std::int64_t>(); };
  EXPECT_EQ(start(rnd::permutation(k, 3000)), (std::vector<std::int64_t>{409, 2901, 555, 2826, 2585, 2550}));
  EXPECT_EQ(rnd::fold_in(k, -1).to_vector<std::int64_t>(), (std::vector<std::int64_t>{3658129989, 1719350670}));
  const rnd::StreamScope scope(rnd::Stream::partitionable);
  EXPECT_EQ(start(rnd::permutation(k, 3000)), (std::vector<std::int64_t>{2846, 88, 2378, 1526, 2050, 993}));
  EXPECT_EQ(rnd::randint(k, {4}, -1000000000000000, 1000000000000000007).to_vector<std::int64_t>(),
            (std::vector<std::int64_t>{551925565873535138, 909775705619275667, 77256908980097312, 349740935073184886}));
  EXPECT_EQ(rnd::bits(k, {2}, 64).to_vector<std::int64_t>(),
            (std::vector<std::int64_t>{-2875719286934581888, 837714335556982463}));
}

// Normals where an erfinv goes astray: in the tails, near 0, and where XLA's log1p is inexact (|u| near 0.6).
TEST(Random, NormalsFarOut) {
  const struct {
    std::size_t at;
    double value;
  } wide[] = {{3035, 0.8416497069948519}, {1217, -0.8416624427919129},   {2944, -0.9211269383577912},
              {2686, -0.921014195469891}, {2108, -3.7148653648329515},   {843, -3.630648954717832},
              {615, 3.6298741733298736},  {3892, 0.00022915052206930612}},
    narrow[] = {{389, -3.7775444984436035},
                {2878, -3.6983397006988525},
                {3412, 3.570967435836792},
                {3609, 0.000464729469968006}};
  const Array doubles = rnd::normal(rnd::key(99), {4000}), floats = rnd::normal(rnd::key(99), {4000}, float32);
  for (const auto& row : wide) EXPECT_LE(ulps(doubles.data<double>()[row.at], row.value), 4) << row.value;
  for (const auto& row : narrow) {
    EXPECT_LE(ulps(floats.data<float>()[row.at], static_cast<float>(row.value)), 4) << row.value;
  }
}

TEST(Random, BoundsBroadcast) {
  const Array low = array({{0.0}, {100.0}}), high = array({1.0, 2.0, 50.0});
  const auto u = rnd::uniform(rnd::key(0), {2, 3}, float64, low, 200.0 + array({1.0, 2.0, 50.0})).to_vector<double>();
  for (int i = 0; i < 3; ++i) {
    EXPECT_LT(u[static_cast<std::size_t>(i)], 250);
    EXPECT_GE(u[static_cast<std::size_t>(3 + i)], 100);
  }
  EXPECT_THROW(rnd::uniform(rnd::key(0), {3}, float64, low), ShapeError);
  const auto n = rnd::randint(rnd::key(0), {3, 2}, array({0, 1000}), array({10, 1010})).to_vector<std::int64_t>();
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(n[i] / 1000, static_cast<std::int64_t>(i % 2));
  EXPECT_EQ(rnd::bernoulli(rnd::key(0), array({0.0, 1.0, 0.0, 1.0})).to_vector<int>(), (std::vector<int>{0, 1, 0, 1}));
}

TEST(Random, UniformStaysBelowHigh) {
  // (high - low) is rounded, and the product with it: still never below low.
  const auto u = rnd::uniform(rnd::key(11), {4096}, float32, 1e7, 1e7 + 1).to_vector<float>();
  for (const float v : u) EXPECT_GE(v, 1e7f);
}

TEST(Random, MomentsOfNormals) {
  const auto x = rnd::normal(rnd::key(5), {40000}).to_vector<double>();
  double sum = 0, squares = 0, fourth = 0;
  for (const double v : x) sum += v, squares += v * v, fourth += v * v * v * v;
  const double n = static_cast<double>(x.size());
  EXPECT_NEAR(sum / n, 0, 5 / std::sqrt(n));
  EXPECT_NEAR(squares / n, 1, 5 * std::sqrt(2 / n));
  EXPECT_NEAR(fourth / n, 3, 5 * std::sqrt(96 / n));
}

TEST(Random, PermutationsOfArrays) {
  const Array k = rnd::key(2), m = array({{0, 1, 2}, {10, 11, 12}, {20, 21, 22}, {30, 31, 32}});
  const auto order = rnd::permutation(k, 4).to_vector<std::int64_t>();
  const auto rows = rnd::permutation(k, m).to_vector<std::int64_t>();
  for (std::size_t i = 0; i < 12; ++i) EXPECT_EQ(rows[i], 10 * order[i / 3] + static_cast<std::int64_t>(i % 3));
  const auto columns_order = rnd::permutation(k, 3).to_vector<std::int64_t>();
  const auto columns = rnd::permutation(k, m, -1).to_vector<std::int64_t>();
  for (std::size_t i = 0; i < 12; ++i)
    EXPECT_EQ(columns[i], 10 * static_cast<std::int64_t>(i / 3) + columns_order[i % 3]);
  auto long_one = rnd::permutation(k, 3000).to_vector<std::int64_t>();  // two rounds
  EXPECT_FALSE(std::is_sorted(long_one.begin(), long_one.end()));
  std::sort(long_one.begin(), long_one.end());
  for (std::size_t i = 0; i < long_one.size(); ++i) EXPECT_EQ(long_one[i], static_cast<std::int64_t>(i));
  EXPECT_EQ(rnd::permutation(k, 0).size(), 0);
  EXPECT_EQ(rnd::permutation(k, 1).to_vector<int>(), std::vector<int>{0});
}

TEST(Random, Choices) {
  const Array k = rnd::key(4), a = array({10.0, 20.0, 30.0});
  for (const double v : rnd::choice(k, a, {5, 2}).to_vector<double>()) EXPECT_TRUE(v == 10 || v == 20 || v == 30);
  auto all = rnd::choice(k, a, {3}, false).to_vector<double>();
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, (std::vector<double>{10, 20, 30}));
  EXPECT_EQ(rnd::choice(k, 9, {2, 2}, false).shape(), (Shape{2, 2}));
  for (const int v : rnd::choice(k, 4, {50}, true, array({0.0, 0.5, 0.0, 0.5})).to_vector<int>())
    EXPECT_TRUE(v == 1 || v == 3);
  EXPECT_THROW(rnd::choice(k, a, {4}, false), ValueError);
  EXPECT_THROW(rnd::choice(k, a, {2}, true, array({1.0, 2.0})), ShapeError);
  EXPECT_THROW(rnd::choice(k, a, {2}, false, a), ValueError);
}

TEST(Random, StreamsByThreadAndScope) {
  EXPECT_EQ(rnd::current_stream(), rnd::Stream::original);
  const auto original = rnd::bits(rnd::key(0), {2}).to_vector<std::int64_t>();
  {
    const rnd::StreamScope outer(rnd::Stream::partitionable);
    EXPECT_NE(rnd::bits(rnd::key(0), {2}).to_vector<std::int64_t>(), original);
    {
      const rnd::StreamScope inner(rnd::Stream::original);
      EXPECT_EQ(rnd::bits(rnd::key(0), {2}).to_vector<std::int64_t>(), original);
    }
    EXPECT_EQ(rnd::current_stream(), rnd::Stream::partitionable);
    std::thread([] { EXPECT_EQ(rnd::current_stream(), rnd::Stream::original); }).join();
  }
  rnd::set_stream(rnd::Stream::partitionable);
  std::thread([] { EXPECT_EQ(rnd::current_stream(), rnd::Stream::partitionable); }).join();
  rnd::set_stream(rnd::Stream::original);
  EXPECT_EQ(rnd::current_stream(), rnd::Stream::original);
}

template <class E, class F> void expect_error(F f, const std::string& message) {
  try {
    f();
    ADD_FAILURE() << "no error: " << message;
  } catch (const E& e) { EXPECT_EQ(std::string(e.what()), message); }
}

TEST(Random, Errors) {
  const Array k = rnd::key(0);
  expect_error<DtypeError>(
      [] {
        rnd::bits(array({1.0, 2.0}));
      },
      "random::bits: the key is float64(2,), wanted int64(2,) as random::key makes");
  expect_error<ShapeError>([&] { rnd::uniform(rnd::split(k, 3), {2}); },
                           "random::uniform: the key is int64(3, 2), wanted int64(2,); for an array of keys use vmap");
  expect_error<DtypeError>([] { rnd::key(1.5); }, "random::key: the seed is float64*(), wanted an integer");
  expect_error<ShapeError>(
      [] {
        rnd::key(array({1, 2}));
      },
      "random::key: the seed is int64(2,), wanted a scalar; for several seeds use vmap");
  expect_error<DtypeError>([&] { rnd::normal(k, {2}, int32); }, "random::normal: got int32, wanted float32 or float64");
  expect_error<DtypeError>([&] { rnd::randint(k, {2}, 0, 2, float32); },
                           "random::randint: got float32, wanted int32 or int64");
  expect_error<DtypeError>([&] { rnd::randint(k, {2}, 0.5, 2); },
                           "random::randint: low is float64*(), wanted an integer");
  expect_error<ValueError>([&] { rnd::bits(k, {2}, 16); }, "random::bits: got a width of 16, wanted 32 or 64");
  expect_error<ValueError>([&] { rnd::split(k, -1); }, "random::split: -1 keys are less than none");
  expect_error<ValueError>([] { rnd::bits(Array()); }, "random::bits: an array that was never assigned");
  expect_error<ShapeError>(
      [&] { rnd::bits(k, {1LL << 32}); },
      "random::bits: one key of the original stream gives less than 2^32 words, asked for 4294967296; "
      "split the key, or take the partitionable stream");
}

// jax.random 0.10 with key 0, jax_threefry_partitionable off.
TEST(Random, GumbelExponentialAndCategorical) {
  const Array k = rnd::key(0), logits = reshape(arange(12.0), {3, 4}) / 4;
  expect_array(rnd::exponential(k, 3), {3}, {0.8544915853232073, 0.10501178866275104, 1.3546637219258484}, 4e-16);
  expect_array(rnd::exponential(k, 3, float32), {3}, {3.361633, 0.3778718, 1.002475}, 2e-7);
  expect_array(rnd::gumbel(k, 3), {3}, {0.5901317576885231, -0.8353969477049009, 1.2091464050786647}, 4e-16);
  expect_array(rnd::gumbel(k, 3, float32), {3}, {3.3440380096435547, -0.1451333463191986, 0.7825522422790527}, 2e-7);
  EXPECT_EQ(rnd::gumbel(k, 3, float32).dtype(), float32);
  expect_array(rnd::categorical(k, array({0.0, 1.0, 2.0}), -1, 8), {8}, {1, 2, 2, 0, 1, 2, 1, 1});
  expect_array(rnd::categorical(k, logits, 0), {4}, {1, 2, 2, 2});
  expect_array(rnd::categorical(k, logits, 0, Lengths{2, 4}), {2, 4}, {1, 2, 2, 2, 0, 0, 2, 2});
  expect_error<ShapeError>(
      [&] {
        rnd::categorical(k, logits, 0, Lengths{4, 2});
      },
      "random::categorical: draws of shape (4, 2) for logits of shape (3, 4)");
  EXPECT_THROW(rnd::gumbel(k, 3, int32), DtypeError);
  EXPECT_EQ(rnd::normal(k, 3).shape(), (Shape{3}));
  expect_error<ShapeError>([&] { rnd::uniform(k, {2, -1}); }, "random::uniform: negative length in (2, -1)");
}

}  // namespace dini::random_test
