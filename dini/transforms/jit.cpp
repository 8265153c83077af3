#include "dini/transforms/jit.hpp"

#include <cstring>

#include "dini/transforms/control_ops.hpp"

namespace dini::detail {

std::shared_ptr<const JitCache::Entry> JitCache::find(const Leaves& leaves, const std::string& key) const {
  std::lock_guard lock(mutex_);
  for (const auto& e : entries_) {
    if (e->key != key || e->avals.size() != leaves.size()) continue;
    bool same = true;
    for (std::size_t k = 0; same && k < leaves.size(); ++k) same = e->avals[k] == leaves[k].aval();
    if (same) return e;
  }
  return nullptr;
}

Leaves JitCache::call(const ErasedFunction& f, const Leaves& leaves, const std::string& key,
                      std::shared_ptr<const Entry>& used, const std::function<std::any()>& prototype) {
  require_assigned(leaves, name_.c_str());
  used = find(leaves, key);
  if (!used) {
    auto made = std::make_shared<Entry>();
    made->avals = avals_of_leaves(leaves);
    made->key = key;
    made->staged = stage(f, made->avals, name_.c_str());
    made->prototype = prototype();
    bool closed = true;
    for (const Array& a : made->staged.captured) closed &= a.concrete();
    // What an enclosing transformation traces lives only as long as that: such a Program serves this call alone.
    if (closed) {
      std::lock_guard lock(mutex_);
      entries_.push_back(made);
    }
    used = made;
  }
  Leaves inputs = leaves;
  inputs.insert(inputs.end(), used->staged.captured.begin(), used->staged.captured.end());
  static const std::string in_params = "jit";
  return emit(call_op(), inputs, {{"program", used->staged.program}, {"name", in_params}});
}

bool JitCache::still_valid(const ErasedFunction& f, const Leaves& leaves, const std::string& key) const {
  const auto entry = find(leaves, key);
  if (!entry) return true;
  const Staged now = stage(f, entry->avals, "check_captures");
  if (!now.program->equal(*entry->staged.program) || now.captured.size() != entry->staged.captured.size()) return false;
  for (std::size_t k = 0; k < now.captured.size(); ++k) {
    const Array &a = now.captured[k], &b = entry->staged.captured[k];
    if (a.node() == b.node()) continue;
    if (!a.concrete() || !b.concrete() || a.aval() != b.aval()) return false;
    if (std::memcmp(a.raw(), b.raw(), static_cast<std::size_t>(a.size()) * item_size(a.dtype())) != 0) return false;
  }
  return true;
}

}  // namespace dini::detail
