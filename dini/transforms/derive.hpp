// Transformations of finished Programs, for the rules of ops that hold Programs. Results are kept with the Program.
#pragma once

#include <functional>
#include <mutex>
#include <optional>

#include "dini/transforms/batch.hpp"
#include "dini/transforms/jvp.hpp"

namespace dini::detail {

/// A value made when it is first asked for. Where two threads ask at once both make one, and both get that which was first: no lock is
/// held meanwhile, since making one may run a user's rule, which may wait for what the other thread holds.
template <class T> class Lazy {
 public:
  template <class Make> const T& get(Make&& make) const {
    {
      std::lock_guard lock(mutex_);
      if (value_) return *value_;
    }
    T made = make();
    std::lock_guard lock(mutex_);
    if (!value_) value_ = std::move(made);
    return *value_;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::optional<T> value_;
};

/// The name by which a Program keeps what is derived from it.
std::string derived_key(const char* what, const std::vector<bool>& a, const std::vector<bool>& b = {},
                        std::int64_t n = 0);

/// [inputs..., tangents of the active inputs...] -> [outputs..., tangents of the active outputs...]. An output is active
/// when its tangent is not identically zero, or when `want` asks for it.
struct JvpProgram {
  ProgramRef program;
  std::vector<bool> out_active;
};
JvpProgram jvp_program(const ProgramRef& p, const std::vector<bool>& active, const std::vector<bool>& want = {});

/// primal: [inputs...] -> [outputs..., residuals...]; tangent: [tangents of the active inputs..., residuals...] ->
/// [tangents of the active outputs...].
struct LinearProgram {
  ProgramRef primal, tangent;
  std::vector<bool> out_active;
  std::size_t residuals;
};
LinearProgram linear_program(const ProgramRef& p, const std::vector<bool>& active, const std::vector<bool>& want = {});

/// Of a Program that is linear in the inputs marked: [cotangents of the outputs..., other inputs...] -> [cotangents of the
/// linear inputs...], zeros put in where there is no dependence.
ProgramRef transpose_program(const ProgramRef& p, const std::vector<bool>& linear);

/// The Program over a leading axis of the batched inputs; outputs in `want` have it in any case.
struct BatchProgram {
  ProgramRef program;
  std::vector<bool> out_batched;
};
BatchProgram batch_program(const ProgramRef& p, const std::vector<bool>& batched, std::int64_t size,
                           const std::vector<bool>& want = {});
/// The same of what `run` makes of the inputs, in its own way.
BatchProgram stage_batch(const Program& p, const std::vector<bool>& batched, std::int64_t size,
                         const std::vector<bool>& want, const std::function<Batched(const Leaves&)>& run);

}  // namespace dini::detail
