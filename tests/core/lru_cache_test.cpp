// core/lru_cache.hpp.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "dini/core/lru_cache.hpp"

namespace dini::detail {
namespace {

using Numbers = LruCache<std::string, const int>;
std::shared_ptr<const int> number(int n) { return std::make_shared<const int>(n); }
std::string kept(Numbers& cache, const std::string& keys) {
  std::string out;
  for (char key : keys) {
    if (cache.find(std::string(1, key))) out += key;
  }
  return out;
}

// A letter is asked for, and made if it is not there; what is left afterwards.
TEST(LruCache, ForgetsWhatWasNotAskedForTheLongest) {
  struct Case {
    std::size_t most, most_weight;
    const char *asked, *left;
    int made;
  };
  const std::size_t any = Numbers::unlimited;
  const Case cases[] = {
      {3, any, "", "", 0},
      {3, any, "abc", "abc", 3},
      {3, any, "aaa", "a", 1},
      {3, any, "abcd", "bcd", 4},
      {3, any, "abcad", "acd", 4},
      {3, any, "abcdabcd", "bcd", 8},
      {1, any, "abab", "b", 4},
      {0, any, "aa", "", 2},
      // 'a' weighs 1, 'b' 2, ...
      {9, 6, "abc", "abc", 3},
      {9, 6, "abcd", "d", 4},
      {9, 6, "abcab", "abc", 3},
      {9, 6, "abf", "f", 3},
      {9, 6, "abg", "ab", 3},
      {2, 6, "abc", "bc", 3},
  };
  for (const Case& c : cases) {
    Numbers cache(c.most, c.most_weight);
    int made = 0;
    for (const char* at = c.asked; *at; ++at) {
      const std::string key(1, *at);
      auto value = cache.find(key);
      if (!value) value = cache.keep(key, number(*at), static_cast<std::size_t>(*at - 'a') + 1), ++made;
      EXPECT_EQ(*value, *at);
    }
    EXPECT_EQ(cache.size(), std::string(c.left).size()) << c.asked;
    EXPECT_EQ(kept(cache, "abcdefg"), c.left) << c.asked;
    EXPECT_EQ(made, c.made) << c.asked;
    cache.clear();
    EXPECT_EQ(cache.size(), 0u);
    EXPECT_EQ(kept(cache, "abcdefg"), "");
    cache.keep("z", number(26));
    EXPECT_EQ(kept(cache, "abcz"), c.most ? "z" : "") << "after clear, of " << c.asked;
  }
}

TEST(LruCache, KeepsTheFirstOfTwoValues) {
  Numbers cache(2);
  EXPECT_EQ(*cache.keep("a", number(1)), 1);
  EXPECT_EQ(*cache.keep("a", number(2)), 1);
  EXPECT_EQ(*cache.get("a", [] { return number(3); }), 1);
  EXPECT_EQ(*cache.get("b", [] { return number(4); }), 4);
  EXPECT_EQ(cache.size(), 2u);
}

struct OneHash {  // all keys collide
  std::size_t operator()(std::string_view) const { return 7; }
};
TEST(LruCache, LooksForKeysByWhatIsLikeThem) {
  LruCache<std::string, const int, OneHash> cache(2);
  for (const char* key : {"a", "b", "c"}) cache.keep(key, number(*key));
  EXPECT_EQ(cache.find(std::string_view("a")), nullptr);
  EXPECT_EQ(*cache.find(std::string_view("b")), 'b');
  EXPECT_EQ(*cache.find(std::string_view("c")), 'c');
}

// A value whose destruction uses the cache it was in, which would wait for itself under a lock.
struct Curious {
  LruCache<int, Curious>& cache;
  int& destroyed;
  ~Curious() { cache.find(0), ++destroyed; }
};
TEST(LruCache, DestroysOutsideOfTheLockAndOnlyWhatNobodyHolds) {
  int destroyed = 0;
  LruCache<int, Curious> cache(2);
  const auto held = cache.keep(1, std::make_shared<Curious>(Curious{cache, destroyed}));
  destroyed = 0;  // that of the temporary
  auto add = [&](int key) { cache.keep(key, std::shared_ptr<Curious>(new Curious{cache, destroyed})); };
  add(2), add(3);
  EXPECT_EQ(destroyed, 0);
  EXPECT_EQ(&held->cache, &cache);
  add(4);
  EXPECT_EQ(destroyed, 1);
  cache.clear();
  EXPECT_EQ(destroyed, 3);
}

TEST(LruCache, ServesThreads) {
  Numbers cache(8);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int k = 0; k < 4000; ++k) {
        const int n = (k * (t + 1)) % 16;
        if (*cache.get(std::to_string(n), [&] { return number(n); }) != n) ++wrong;
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(cache.size(), 8u);
}

}  // namespace
}  // namespace dini::detail
