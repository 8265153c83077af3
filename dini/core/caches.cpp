#include "dini/core/caches.hpp"

#include <mutex>
#include <vector>

namespace dini {

namespace caches {

struct Register {
  std::mutex mutex;
  std::vector<detail::ProcessCache> all;
};
Register& known() {
  static Register caches;
  return caches;
}

}  // namespace caches

std::vector<detail::ProcessCache> detail::process_caches() {
  caches::Register& r = caches::known();
  std::lock_guard lock(r.mutex);
  return r.all;
}

bool detail::register_cache(ProcessCache cache) {
  caches::Register& r = caches::known();
  std::lock_guard lock(r.mutex);
  r.all.push_back(cache);
  return true;
}

// No lock is held: what is let go may be a user's object, which may do anything.
void clear_caches() {
  for (const detail::ProcessCache& c : detail::process_caches()) c.clear();
}

std::size_t cached_programs() {
  std::size_t n = 0;
  for (const detail::ProcessCache& c : detail::process_caches()) n += c.size();
  return n;
}

}  // namespace dini
