// LruCache: what was made for a key, kept for the next who asks; what nobody asked for the longest goes first.
//
//     LruCache<std::string, const Table> tables(256);
//     const std::shared_ptr<const Table> table = tables.get(name, [&] { return make_table(name); });
//
// From any number of threads. Values are made, and destroyed when they have to go, while no lock is held, so that making or
// destroying one may use the cache. A value lives on with those who hold it.
#pragma once

#include <cstddef>
#include <functional>
#include <iterator>
#include <limits>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace dini::detail {

/// A bounded cache. Keys may be looked for by anything that Hash and Equal (of a key and that) take.
template <class Key, class Value, class Hash = std::hash<Key>, class Equal = std::equal_to<>> class LruCache {
 public:
  static constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

  /// At most so many entries, of at most so much weight together.
  explicit LruCache(std::size_t most_entries, std::size_t most_weight = unlimited)
      : most_entries_(most_entries), most_weight_(most_weight) {}
  LruCache(const LruCache&) = delete;
  LruCache& operator=(const LruCache&) = delete;

  /// What is kept for the key, which counts as a use; null where there is nothing.
  template <class Like> std::shared_ptr<Value> find(const Like& key) {
    const std::size_t hash = Hash{}(key);
    std::lock_guard lock(mutex_);
    return use(hash, key);
  }

  /// Keeps a value; one that is heavier than all may be is not kept. Returns it, or that of another thread that was first.
  std::shared_ptr<Value> keep(Key key, std::shared_ptr<Value> value, std::size_t weight = 1) {
    if (weight > most_weight_ || most_entries_ == 0) return value;
    const std::size_t hash = Hash{}(key);
    Entries added, dropped;  // before the lock, so that what is dropped is destroyed after it
    added.push_back({std::move(key), value, hash, weight});
    std::lock_guard lock(mutex_);
    if (auto first = use(hash, added.front().key)) return first;
    index_.emplace(hash, added.begin());
    entries_.splice(entries_.begin(), added);
    weight_ += weight;
    while (entries_.size() > most_entries_ || weight_ > most_weight_) drop_last(dropped);
    return value;
  }

  /// What is kept for the key, or what `make` gives, which is kept then.
  template <class Make> std::shared_ptr<Value> get(Key key, Make&& make) {
    if (auto found = find(key)) return found;
    return keep(std::move(key), make());
  }

  void clear() {
    Entries dropped;
    std::lock_guard lock(mutex_);
    index_.clear();
    dropped.swap(entries_);
    weight_ = 0;
  }

  std::size_t size() const {
    std::lock_guard lock(mutex_);
    return entries_.size();
  }

 private:
  struct Entry {
    Key key;
    std::shared_ptr<Value> value;
    std::size_t hash, weight;
  };
  using Entries = std::list<Entry>;

  template <class Like> std::shared_ptr<Value> use(std::size_t hash, const Like& key) {
    const auto [first, last] = index_.equal_range(hash);
    for (auto at = first; at != last; ++at) {
      const auto entry = at->second;
      if (!Equal{}(entry->key, key)) continue;
      entries_.splice(entries_.begin(), entries_, entry);
      return entry->value;
    }
    return nullptr;
  }

  void drop_last(Entries& dropped) {
    const auto entry = std::prev(entries_.end());
    auto at = index_.equal_range(entry->hash).first;
    while (at->second != entry) ++at;
    index_.erase(at);
    weight_ -= entry->weight;
    dropped.splice(dropped.begin(), entries_, entry);
  }

  const std::size_t most_entries_, most_weight_;
  mutable std::mutex mutex_;
  Entries entries_;                                                         // the one used last comes first
  std::unordered_multimap<std::size_t, typename Entries::iterator> index_;  // by hash
  std::size_t weight_ = 0;
};

}  // namespace dini::detail
