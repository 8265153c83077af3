// Functions that are called at run time and have derivatives: another program's model, a function of another library's.
//
// A HostMap gives, beside its values, maps of the same kind for its linearisation, its transpose and for batches. The op `host` that holds
// one asks for them, so that it is differentiated in both modes, batched and compiled like any other; calls happen when the op is
// run, on the calling thread, with concrete arrays.
//
//     auto model = std::make_shared<Model>();              // struct Model : HostMap
//     Array y = call_host(model, {x})[0];
//
// Derived maps are made whenever a derivative is taken: who makes the same again and again hands out the same object, and what
// was compiled for it serves again.
#pragma once

#include <memory>
#include <vector>

#include "dini/ops/op.hpp"

namespace dini {

struct HostMap;
using HostMapRef = std::shared_ptr<const HostMap>;

/// x... -> y.... `outputs` says the shapes and dtypes for these of the inputs; `call` is given concrete arrays.
struct HostMap : detail::HostFunction, std::enable_shared_from_this<HostMap> {
  ~HostMap() override = default;
  /// How many values it has.
  virtual std::size_t results() const = 0;
  /// How many of the inputs, the last ones, it is linear in.
  virtual std::size_t linear() const { return 0; }
  /// (x..., ẋ...) -> ẏ..., linear in ẋ; the tangents of what is not floating are 0 and of no account. TraceError, unless overridden.
  virtual HostMapRef linearized() const;
  /// Of one that is linear in its last inputs: (the others..., ȳ...) -> cotangents of those inputs, linear in ȳ. TraceError, unless
  /// overridden.
  virtual HostMapRef transposed() const;
  /// The same over a leading axis of the marked inputs, which all of its outputs get. Unless overridden it is called for one lane
  /// after the other.
  virtual HostMapRef batched(const std::vector<bool>& marked, std::int64_t size) const;
};

/// The map's values at arrays, which may be traced. ShapeError or DtypeError where what it returns is not what it said.
detail::Leaves call_host(const HostMapRef& map, const detail::Leaves& inputs);

namespace detail {
const Op& host_op();  // {function: a HostMap}
}

}  // namespace dini
