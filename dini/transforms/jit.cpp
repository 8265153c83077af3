#include "dini/transforms/jit.hpp"

#include <algorithm>
#include <cstring>
#include <mutex>

#include "dini/core/cancel.hpp"
#include "dini/trace/run.hpp"
#include "dini/transforms/control_ops.hpp"

namespace dini::detail {

namespace {

// What is kept of a function: when it is first called with values, also what runs it.
struct KeptEntry final : JitCache::Entry {
  const Executable& executable() const {
    std::call_once(once_, [this] { executable_ = ready_to_run(*staged.program); });
    return *executable_;
  }

 private:
  mutable std::once_flag once_;
  mutable std::shared_ptr<const Executable> executable_;
};

// Whether the values are there, and nothing is traced or looked at.
bool runs_at_once(const Leaves& leaves) {
  if (current_trace() || watch_nonfinite) return false;
  return std::all_of(leaves.begin(), leaves.end(), [](const Array& a) { return a.concrete(); });
}

std::size_t hash_with(std::size_t h, std::size_t x) { return (h ^ x) * 0x9e3779b97f4a7c15ULL; }
std::size_t hash_with(std::size_t h, const Aval& a) {
  for (std::int64_t n : a.shape) h = hash_with(h, static_cast<std::size_t>(n));
  h = hash_with(h, static_cast<std::size_t>(a.shape.ndim()));
  return hash_with(h, 2 * static_cast<std::size_t>(a.dtype) + a.weak);
}

}  // namespace

std::size_t JitCache::Hash::operator()(const Key& key) const {
  std::size_t h = std::hash<std::string>()(key.rest);
  for (const Aval& a : key.avals) h = hash_with(h, a);
  return h ^ (h >> 32);
}
std::size_t JitCache::Hash::operator()(const Arguments& key) const {
  std::size_t h = std::hash<std::string>()(key.rest);
  for (const Array& a : key.leaves) h = hash_with(h, a.aval());
  return h ^ (h >> 32);
}
bool JitCache::Equal::operator()(const Key& a, const Key& b) const { return a.rest == b.rest && a.avals == b.avals; }
bool JitCache::Equal::operator()(const Key& a, const Arguments& b) const {
  return a.rest == b.rest && std::equal(a.avals.begin(), a.avals.end(), b.leaves.begin(), b.leaves.end(),
                                        [](const Aval& aval, const Array& leaf) { return aval == leaf.aval(); });
}

Leaves JitCache::call(const ErasedFunction& f, const Leaves& leaves, const std::string& key,
                      std::shared_ptr<const Entry>& used, const std::function<std::any()>& prototype) {
  require_assigned(leaves, name_.c_str());
  used = entries_.find(Arguments{leaves, key});
  if (!used) {
    auto made = std::make_shared<KeptEntry>();
    made->staged = stage(f, avals_of_leaves(leaves), name_.c_str());
    made->prototype = prototype();
    bool closed = true;
    for (const Array& a : made->staged.captured) closed &= a.concrete();
    // What an enclosing transformation traces lives only as long as that: such a Program serves this call alone.
    used = closed ? entries_.keep({avals_of_leaves(leaves), key}, std::move(made)) : std::move(made);
  }
  if (runs_at_once(leaves)) {
    poll_cancel();
    const Executable& executable = static_cast<const KeptEntry&>(*used).executable();
    const Leaves& captured = used->staged.captured;
    if (captured.empty()) return run_ready(executable, leaves);
    if (std::all_of(captured.begin(), captured.end(), [](const Array& a) { return a.concrete(); })) {
      Leaves inputs = leaves;
      inputs.insert(inputs.end(), captured.begin(), captured.end());
      return run_ready(executable, inputs);
    }
  }
  Leaves inputs = leaves;
  inputs.insert(inputs.end(), used->staged.captured.begin(), used->staged.captured.end());
  static const std::string in_params = "jit";
  return emit(call_op(), inputs, {{"program", used->staged.program}, {"name", in_params}});
}

bool JitCache::still_valid(const ErasedFunction& f, const Leaves& leaves, const std::string& key) const {
  const auto entry = entries_.find(Arguments{leaves, key});
  if (!entry) return true;
  const Staged now = stage(f, avals_of_leaves(leaves), "check_captures");
  if (!now.program->equal(*entry->staged.program) || now.captured.size() != entry->staged.captured.size()) return false;
  for (std::size_t k = 0; k < now.captured.size(); ++k) {
    const Array &a = now.captured[k], &b = entry->staged.captured[k];
    if (a.node() == b.node()) continue;
    if (!a.concrete() || !b.concrete() || a.aval() != b.aval()) return false;
    if (std::memcmp(a.raw(), b.raw(), static_cast<std::size_t>(a.size()) * item_size(a.dtype())) != 0) return false;
  }
  return true;
}

void append_elements(const Array& a, std::string& key) {
  if (!a.defined()) return append_text({}, key);
  if (!a.concrete()) {
    throw TraceError("jit: an array " + a.aval().str() +
                     " that is no part of its struct's tree is traced by a transformation around: name it in tree()");
  }
  append_text(a.aval().str(), key);
  append_bytes(a.raw(), static_cast<std::size_t>(a.size()) * item_size(a.dtype()), key);
}

}  // namespace dini::detail
