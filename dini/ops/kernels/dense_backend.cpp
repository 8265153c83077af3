#include "dini/ops/kernels/dense_backend.hpp"

#include <mutex>

namespace dini::kernels {

namespace {

struct BlasThreads {
  std::mutex mutex;
  int users = 0;   // how many calls of BLAS are going on
  int before = 1;  // the host's number
};
BlasThreads& blas_threads() {
  static BlasThreads threads;
  return threads;
}

}  // namespace

OneBlasThread::OneBlasThread() {
  BlasThreads& t = blas_threads();
  const std::lock_guard lock(t.mutex);
  if (t.users++ > 0) return;
  t.before = openblas_get_num_threads();
  if (t.before != 1) openblas_set_num_threads(1);
}

OneBlasThread::~OneBlasThread() {
  BlasThreads& t = blas_threads();
  const std::lock_guard lock(t.mutex);
  if (--t.users > 0) return;
  if (t.before != 1 && openblas_get_num_threads() == 1) openblas_set_num_threads(t.before);
}

}  // namespace dini::kernels
