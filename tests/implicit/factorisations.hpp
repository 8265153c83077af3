// How often a matrix is factorised.
#pragma once

#include "dini/dini.hpp"
#include "dini/ops/linalg_ops.hpp"

namespace dini::tests {

// Counts the runs of the kernels that factorise, during its life. Compiled functions take a kernel when they are compiled.
class Factorisations {
 public:
  Factorisations() {
    lu_ = lu_factor_op().kernel;
    symmetric_ = symmetric_factor_op().kernel;
    lu_factor_op().kernel = [](const detail::KernelCall& call) { ++runs_, lu_(call); };
    symmetric_factor_op().kernel = [](const detail::KernelCall& call) { ++runs_, symmetric_(call); };
  }
  ~Factorisations() {
    lu_factor_op().kernel = lu_;
    symmetric_factor_op().kernel = symmetric_;
  }
  Factorisations(const Factorisations&) = delete;
  Factorisations& operator=(const Factorisations&) = delete;

  template <class F> static std::int64_t during(const F& f) {
    const std::int64_t before = runs_;
    f();
    return runs_ - before;
  }

 private:
  static inline detail::Kernel lu_ = nullptr, symmetric_ = nullptr;
  static inline std::int64_t runs_ = 0;
};

}  // namespace dini::tests
