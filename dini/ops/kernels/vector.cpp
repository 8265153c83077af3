#include "vector.hpp"

#include <cstdlib>
#include <cstring>
#include <initializer_list>

#include "vector_tables.hpp"

namespace dini::kernels {
namespace {

enum class Isa { baseline, avx2, avx512 };
constexpr const char* names[] = {"baseline", "avx2", "avx512"};

Isa best_isa() {
#ifdef __x86_64__
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return Isa::baseline;
  bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
  return avx512 ? Isa::avx512 : Isa::avx2;
#else
  return Isa::baseline;
#endif
}

Isa choose() {
  Isa best = best_isa();
  if (const char* wanted = std::getenv("DINI_ISA")) {
    for (Isa isa : {Isa::baseline, Isa::avx2}) {
      if (std::strcmp(wanted, names[int(isa)]) == 0 && isa < best) return isa;
    }
  }
  return best;
}

Isa chosen() {
  static const Isa isa = choose();
  return isa;
}

template <class T> const VectorKernels<T>& table_of(Isa isa);
template <> const VectorKernels<float>& table_of([[maybe_unused]] Isa isa) {
#ifdef __x86_64__
  if (isa == Isa::avx512) return avx512::float_table();
  if (isa == Isa::avx2) return avx2::float_table();
#endif
  return baseline::float_table();
}
template <> const VectorKernels<double>& table_of([[maybe_unused]] Isa isa) {
#ifdef __x86_64__
  if (isa == Isa::avx512) return avx512::double_table();
  if (isa == Isa::avx2) return avx2::double_table();
#endif
  return baseline::double_table();
}

}  // namespace

template <class T> const VectorKernels<T>& vector_kernels() {
  static const VectorKernels<T>& table = table_of<T>(chosen());
  return table;
}

template <class T> const VectorKernels<T>* vector_kernels_for(const char* isa) {
  Isa best = best_isa();
  for (Isa candidate : {Isa::baseline, Isa::avx2, Isa::avx512}) {
    if (std::strcmp(isa, names[int(candidate)]) == 0 && candidate <= best) return &table_of<T>(candidate);
  }
  return nullptr;
}

const char* instruction_set() { return names[int(chosen())]; }

template const VectorKernels<float>& vector_kernels();
template const VectorKernels<double>& vector_kernels();
template const VectorKernels<float>* vector_kernels_for(const char*);
template const VectorKernels<double>* vector_kernels_for(const char*);

}  // namespace dini::kernels
