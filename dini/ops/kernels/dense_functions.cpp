#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "dini/ops/kernels/dense.hpp"
#include "dini/ops/kernels/dense_backend.hpp"
#include "dini/ops/kernels/dense_micro.hpp"
#include "dini/ops/kernels/dense_workspace.hpp"

namespace dini::kernels {
namespace {

// ---- exponential ----------------------------------------------------------------------------------------------------

struct Pade {
  std::size_t order;
  double theta;    // ‖A‖ up to which the approximant's backward error is below double's unit roundoff
  double leading;  // 1/|c₂ₘ₊₁| of the backward error's series
};
// Al-Mohy & Higham, SIAM J. Matrix Anal. Appl. 31 (2009), table 3.1 and (2.6).
constexpr Pade pade[] = {{3, 1.495585217958292e-2, 100800.0},
                         {5, 2.539398330063230e-1, 10059033600.0},
                         {7, 9.504178996162932e-1, 4487938430976000.0},
                         {9, 2.097847961257068, 5914384781877411840000.0},
                         {13, 4.25, 113250775606021113483283660800000000.0}};

// How often A has to be halved more so that rounding in its powers does no harm: their ℓ(A, m).
int extra_squarings(std::size_t n, const double* a, const Pade& p, double* v, double* w) {
  // ‖ |A|^(2m+1) ‖₁ = the largest entry of 1ᵀ|A|^(2m+1).
  std::fill(v, v + n, 1.0);
  double log_scale = 0;
  double first = 0;
  for (std::size_t turn = 0; turn < 2 * p.order + 1; ++turn) {
    std::fill(w, w + n, 0.0);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) w[j] += v[i] * std::abs(a[i * n + j]);
    const double largest = *std::max_element(w, w + n);
    if (largest == 0) return 0;
    for (std::size_t j = 0; j < n; ++j) v[j] = w[j] / largest;
    log_scale += std::log2(largest);
    if (turn == 0) first = log_scale;
  }
  const double log_alpha = log_scale - first - std::log2(p.leading);
  return std::max(0, static_cast<int>(std::ceil((log_alpha + 53) / (2 * static_cast<double>(p.order)))));
}

constexpr double coefficients_13[] = {64764752532480000.,
                                      32382376266240000.,
                                      7771770303897600.,
                                      1187353796428800.,
                                      129060195264000.,
                                      10559470521600.,
                                      670442572800.,
                                      33522128640.,
                                      1323241920.,
                                      40840800.,
                                      960960.,
                                      16380.,
                                      182.,
                                      1.};
constexpr double coefficients_9[] = {17643225600., 8821612800., 2075673600., 302702400., 30270240.,
                                     2162160.,     110880.,     3960.,       90.,        1.};
constexpr double coefficients_7[] = {17297280., 8648640., 1995840., 277200., 25200., 1512., 56., 1.};
constexpr double coefficients_5[] = {30240., 15120., 3360., 420., 30., 1.};
constexpr double coefficients_3[] = {120., 60., 12., 1.};

void product(std::size_t n, const double* a, const double* b, double* c) { gemm(false, false, n, n, n, a, b, c); }

void expm_double(std::size_t n, const double* a, double* e) {
  const std::size_t size = n * n;
  Scratch<double> memory(9 * size + 2 * n);
  double* const x = memory.data();  // A, scaled
  double* const x2 = x + size;
  double* const x4 = x2 + size;
  double* const x6 = x4 + size;
  double* const x8 = x6 + size;
  double* const odd = x8 + size;
  double* const even = odd + size;
  double* const p = even + size;
  double* const q = p + size;
  double* const v = q + size;
  double* const w = v + n;
  std::memcpy(x, a, size * sizeof(double));

  product(n, x, x, x2);
  product(n, x2, x2, x4);
  product(n, x2, x4, x6);
  // ‖A^k‖^(1/k) in place of ‖A‖: a matrix far from normal is not squared more often than its powers need.
  const double d4 = std::pow(norm_1(n, x4), 1.0 / 4);
  const double d6 = std::pow(norm_1(n, x6), 1.0 / 6);
  const double eta = std::max(d4, d6);
  const Pade* chosen = nullptr;
  for (int i = 0; i < 4 && chosen == nullptr; ++i)
    if (eta <= pade[i].theta && extra_squarings(n, x, pade[i], v, w) == 0) chosen = &pade[i];
  int squarings = 0;
  if (chosen == nullptr) {
    chosen = &pade[4];
    if (std::isfinite(eta)) {
      squarings = eta > 0 ? std::max(0, static_cast<int>(std::ceil(std::log2(eta / chosen->theta)))) : 0;
    } else {  // the powers overflow: by the norm, whose exponent is always at hand
      double largest = 0;
      for (std::size_t i = 0; i < size; ++i) largest = std::max(largest, std::abs(x[i]));
      squarings = std::ilogb(largest) + std::ilogb(static_cast<double>(n)) + 2;
    }
    for (std::size_t i = 0; i < size; ++i) x[i] = std::ldexp(x[i], -squarings);
    const int extra = extra_squarings(n, x, *chosen, v, w);
    squarings += extra;
    for (std::size_t i = 0; i < size; ++i) x[i] = std::ldexp(x[i], -extra);
    if (squarings > 0) {
      product(n, x, x, x2);
      product(n, x2, x2, x4);
      product(n, x2, x4, x6);
    }
  }

  // p = odd part, q = even part of the numerator.
  const auto combine = [&](const double* c, std::size_t terms, double* out) {
    const double* powers[] = {nullptr, x2, x4, x6, x8};
    for (std::size_t i = 0; i < size; ++i) {
      double sum = 0;
      for (std::size_t t = terms; t-- > 1;) sum += c[2 * t] * powers[t][i];
      out[i] = sum;
    }
    for (std::size_t i = 0; i < n; ++i) out[i * n + i] += c[0];
  };
  if (chosen->order == 13) {
    const double* b = coefficients_13;
    for (std::size_t i = 0; i < size; ++i) {
      odd[i] = b[13] * x6[i] + b[11] * x4[i] + b[9] * x2[i];
      even[i] = b[12] * x6[i] + b[10] * x4[i] + b[8] * x2[i];
    }
    product(n, x6, odd, p);
    product(n, x6, even, q);
    combine(b + 1, 4, odd);
    combine(b, 4, even);
    for (std::size_t i = 0; i < size; ++i) {
      odd[i] += p[i];
      even[i] += q[i];
    }
  } else {
    const double* b = chosen->order == 3   ? coefficients_3
                      : chosen->order == 5 ? coefficients_5
                      : chosen->order == 7 ? coefficients_7
                                           : coefficients_9;
    if (chosen->order == 9) product(n, x4, x4, x8);
    const std::size_t terms = (chosen->order + 1) / 2;
    combine(b + 1, terms, odd);
    combine(b, terms, even);
  }
  product(n, x, odd, p);
  // (even − p) e = even + p.
  for (std::size_t i = 0; i < size; ++i) {
    q[i] = even[i] - p[i];
    odd[i] = even[i] + p[i];
  }
  Scratch<std::int32_t> perm(n);
  lu_factor(n, q, q, perm.data());
  lu_solve(false, n, n, q, perm.data(), odd, x);
  double* from = x;
  double* to = x2;
  for (int i = 0; i < squarings; ++i) {
    product(n, from, from, to);
    std::swap(from, to);
  }
  std::memcpy(e, from, size * sizeof(double));
}

}  // namespace

template <class T> int expm(std::size_t n, const T* a, T* e) {
  if (n == 0) return 0;
  if (!all_finite(n * n, a)) {
    fill_nan(n * n, e);
    return 1;
  }
  if (n == 1) {
    e[0] = std::exp(a[0]);
  } else if constexpr (std::is_same_v<T, double>) {
    expm_double(n, a, e);
  } else {
    // In double: the squarings' loss then stays below float's rounding.
    Scratch<double> wide(2 * n * n);
    double* out = wide.data() + n * n;
    std::copy(a, a + n * n, wide.data());
    expm_double(n, wide.data(), out);
    for (std::size_t i = 0; i < n * n; ++i) e[i] = static_cast<float>(out[i]);
  }
  return 0;
}

template int expm<float>(std::size_t, const float*, float*);
template int expm<double>(std::size_t, const double*, double*);

}  // namespace dini::kernels
