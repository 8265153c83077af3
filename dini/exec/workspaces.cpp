#include "dini/exec/workspaces.hpp"

#include <mutex>
#include <new>
#include <utility>

#include "dini/core/caches.hpp"

namespace dini::exec {

namespace workspaces {

constexpr std::size_t alignment = 64;
constexpr std::size_t large = std::size_t{1} << 20, most_together = std::size_t{1} << 28;  // bytes
constexpr std::size_t round_up(std::size_t n) { return (n + alignment - 1) / alignment * alignment; }
constexpr std::size_t header = round_up(sizeof(Workspace));

void release(Workspace* w) {
  while (w) ::operator delete(static_cast<void*>(std::exchange(w, w->next)), std::align_val_t(alignment));
}

// Large ones that nobody uses, the one given back last in front.
class Waiting {
 public:
  Workspace* take(const void* owner) {
    std::lock_guard lock(mutex_);
    Workspace* w = front_;
    while (w && w->owner != owner) w = w->next;
    return w ? without(w) : nullptr;
  }
  void put(Workspace* w) {
    Workspace* dropped = nullptr;
    {
      std::lock_guard lock(mutex_);
      w->next = front_, w->before = nullptr;
      (front_ ? front_->before : back_) = w;
      front_ = w;
      bytes_ += w->bytes;
      while (bytes_ > most_together && back_ != front_) push(dropped, back_);
    }
    release(dropped);
  }
  void drop(const void* owner) {  // null: all
    Workspace* dropped = nullptr;
    {
      std::lock_guard lock(mutex_);
      for (Workspace *w = front_, *next; w; w = next) {
        next = w->next;
        if (!owner || w->owner == owner) push(dropped, w);
      }
    }
    release(dropped);
  }

 private:
  Workspace* without(Workspace* w) {
    (w->before ? w->before->next : front_) = w->next;
    (w->next ? w->next->before : back_) = w->before;
    bytes_ -= w->bytes;
    w->next = w->before = nullptr;
    return w;
  }
  void push(Workspace*& list, Workspace* w) {
    without(w)->next = list;
    list = w;
  }

  std::mutex mutex_;
  Workspace *front_ = nullptr, *back_ = nullptr;
  std::size_t bytes_ = 0;
};

// Never destroyed: what a static object has compiled may end later.
Waiting& waiting() {
  static Waiting* const all = new Waiting;
  static const bool registered [[maybe_unused]] =
      detail::register_cache({"workspaces", [] { waiting().drop(nullptr); }, [] { return std::size_t{0}; }});
  return *all;
}

}  // namespace workspaces

Workspaces::Workspaces(const Plan& plan)
    : plan_(plan), bytes_(workspaces::header + table_bytes(plan) + plan.workspace_bytes) {}

Workspaces::~Workspaces() {
  for (auto& list : lists_) workspaces::release(list.load());
  if (bytes_ >= workspaces::large) workspaces::waiting().drop(this);
}

Workspace* Workspaces::take() {
  Workspace* w = nullptr;
  if (bytes_ >= workspaces::large) {
    w = workspaces::waiting().take(this);
  } else {
    std::atomic<Workspace*>& list = lists_[mine()];
    w = list.exchange(nullptr, std::memory_order_acquire);
    if (w && w->next) put(list, std::exchange(w->next, nullptr));
  }
  if (w) return w;
  char* memory = static_cast<char*>(::operator new(bytes_, std::align_val_t(workspaces::alignment)));
  w = new (memory) Workspace{.owner = this, .bytes = bytes_};
  w->slots = reinterpret_cast<void**>(memory + workspaces::header);
  fill_table(plan_, w->slots, memory + workspaces::header + table_bytes(plan_));
  return w;
}

void Workspaces::give_back(Workspace* w) {
  if (bytes_ >= workspaces::large)
    workspaces::waiting().put(w);
  else
    put(lists_[mine()], w);
}

std::size_t Workspaces::mine() {
  static std::atomic<std::size_t> threads{0};
  thread_local const std::size_t number = threads.fetch_add(1, std::memory_order_relaxed) % count;
  return number;
}

void Workspaces::put(std::atomic<Workspace*>& list, Workspace* w) {
  while (true) {
    Workspace* expected = nullptr;
    if (list.compare_exchange_strong(expected, w, std::memory_order_acq_rel)) return;
    // Others are there: take them and put all together.
    Workspace* others = list.exchange(nullptr, std::memory_order_acquire);
    if (!others) continue;
    Workspace* last = others;
    while (last->next) last = last->next;
    last->next = w;
    w = others;
  }
}

}  // namespace dini::exec
