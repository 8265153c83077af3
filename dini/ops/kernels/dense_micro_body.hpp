// The text of dense_micro.hpp's kernels, included once per instruction set (so no include guard) inside that set's
// namespace and under its target options. The including file defines Vec<T>:
//   width, free_masks (masked loads cost no more than others), rows (register blocking for up to three vectors of columns),
// vectors (most vectors of columns in a block);
//   Type; zero(), broadcast(x), load(p), load(p, count), store(p, v), store(p, v, count);
//   fma(a, b, c) = a b + c, fnma(a, b, c) = c − a b, for vectors and scalars; div(a, b).

// f(Index<0>), f(Index<1>), …: unrolled in the source. GCC unrolls a loop over an array of accumulators too late to keep
// them out of memory.
template <int I> struct Index { static constexpr int value = I; };
#define DINI_INLINE __attribute__((always_inline))

template <int N, class F> DINI_INLINE inline void repeat(const F& f) {
  if constexpr (N > 0) {
    repeat<N - 1>(f);
    f(Index<N - 1>{});
  }
}

template <class T, int NV, bool Tail>
DINI_INLINE inline void load_row(typename Vec<T>::Type (&v)[NV], const T* p, std::ptrdiff_t tail) {
  repeat<NV - 1>([&](auto j) DINI_INLINE { v[j.value] = Vec<T>::load(p + j.value * Vec<T>::width); });
  const T* last = p + (NV - 1) * Vec<T>::width;
  v[NV - 1] = Tail ? Vec<T>::load(last, tail) : Vec<T>::load(last);
}

template <class T, int NV, bool Tail>
DINI_INLINE inline void store_row(T* p, const typename Vec<T>::Type (&v)[NV], std::ptrdiff_t tail) {
  repeat<NV - 1>([&](auto j) DINI_INLINE { Vec<T>::store(p + j.value * Vec<T>::width, v[j.value]); });
  T* last = p + (NV - 1) * Vec<T>::width;
  if constexpr (Tail) {
    Vec<T>::store(last, v[NV - 1], tail);
  } else {
    Vec<T>::store(last, v[NV - 1]);
  }
}

// acc ± factor row, vector by vector.
template <class T, int NV, bool Subtract>
DINI_INLINE inline void accumulate(typename Vec<T>::Type (&acc)[NV], T factor, const typename Vec<T>::Type (&row)[NV]) {
  const auto f = Vec<T>::broadcast(factor);
  repeat<NV>([&](auto j) DINI_INLINE {
    acc[j.value] = Subtract ? Vec<T>::fnma(f, row[j.value], acc[j.value]) : Vec<T>::fma(f, row[j.value], acc[j.value]);
  });
}

// MR rows of NV vectors of C stay in registers over all of k.
template <class T, int MR, int NV, bool Tail, bool Subtract>
void multiply_block(bool load_c, std::ptrdiff_t k, const T* a, std::ptrdiff_t a_row, std::ptrdiff_t a_col, const T* b,
                    std::ptrdiff_t b_row, T* c, std::ptrdiff_t c_row, std::ptrdiff_t tail) {
  using V = typename Vec<T>::Type;
  V acc[MR][NV];
  repeat<MR>([&](auto r)
                 DINI_INLINE { repeat<NV>([&](auto j) DINI_INLINE { acc[r.value][j.value] = Vec<T>::zero(); }); });
  if (load_c) repeat<MR>([&](auto r) DINI_INLINE { load_row<T, NV, Tail>(acc[r.value], c + r.value * c_row, tail); });
  for (std::ptrdiff_t p = 0; p < k; ++p) {
    V row[NV];
    load_row<T, NV, Tail>(row, b, tail);
    repeat<MR>([&](auto r) DINI_INLINE { accumulate<T, NV, Subtract>(acc[r.value], a[r.value * a_row], row); });
    a += a_col;
    b += b_row;
  }
  repeat<MR>([&](auto r) DINI_INLINE { store_row<T, NV, Tail>(c + r.value * c_row, acc[r.value], tail); });
}

template <class T, int NV, bool Tail, bool Subtract>
inline void multiply_columns(bool load_c, std::ptrdiff_t m, std::ptrdiff_t k, const T* a, std::ptrdiff_t a_row,
                             std::ptrdiff_t a_col, const T* b, std::ptrdiff_t b_row, T* c, std::ptrdiff_t c_row,
                             std::ptrdiff_t tail) {
  constexpr int rows = NV > 3 ? Vec<T>::rows * 3 / 4 : Vec<T>::rows;
  std::ptrdiff_t i = 0;
  for (; i + rows <= m; i += rows)
    multiply_block<T, rows, NV, Tail, Subtract>(load_c, k, a + i * a_row, a_row, a_col, b, b_row, c + i * c_row, c_row,
                                                tail);
  if constexpr (rows > 4) {
    if (m - i >= 4) {
      multiply_block<T, 4, NV, Tail, Subtract>(load_c, k, a + i * a_row, a_row, a_col, b, b_row, c + i * c_row, c_row,
                                               tail);
      i += 4;
    }
  }
  if (m - i >= 2) {
    multiply_block<T, 2, NV, Tail, Subtract>(load_c, k, a + i * a_row, a_row, a_col, b, b_row, c + i * c_row, c_row,
                                             tail);
    i += 2;
  }
  if (m - i >= 1)
    multiply_block<T, 1, NV, Tail, Subtract>(load_c, k, a + i * a_row, a_row, a_col, b, b_row, c + i * c_row, c_row,
                                             tail);
}

template <class T, int NV, bool Subtract>
inline void multiply_panel(bool load_c, std::ptrdiff_t m, std::ptrdiff_t n, std::ptrdiff_t k, const T* a,
                           std::ptrdiff_t a_row, std::ptrdiff_t a_col, const T* b, std::ptrdiff_t b_row, T* c,
                           std::ptrdiff_t c_row) {
  const std::ptrdiff_t tail = n - (NV - 1) * Vec<T>::width;
  if (!Vec<T>::free_masks && tail == Vec<T>::width) {
    multiply_columns<T, NV, Vec<T>::free_masks, Subtract>(load_c, m, k, a, a_row, a_col, b, b_row, c, c_row, tail);
  } else {
    multiply_columns<T, NV, true, Subtract>(load_c, m, k, a, a_row, a_col, b, b_row, c, c_row, tail);
  }
}

// Columns [j, j + n) with n at most `vectors` vectors.
template <class T, bool Subtract>
inline void multiply_any(bool load_c, std::ptrdiff_t m, std::ptrdiff_t n, std::ptrdiff_t k, const T* a,
                         std::ptrdiff_t a_row, std::ptrdiff_t a_col, const T* b, std::ptrdiff_t b_row, T* c,
                         std::ptrdiff_t c_row) {
  constexpr std::ptrdiff_t w = Vec<T>::width;
  if (n <= w) {
    multiply_panel<T, 1, Subtract>(load_c, m, n, k, a, a_row, a_col, b, b_row, c, c_row);
  } else if (n <= 2 * w) {
    multiply_panel<T, 2, Subtract>(load_c, m, n, k, a, a_row, a_col, b, b_row, c, c_row);
  } else if constexpr (Vec<T>::vectors >= 3) {
    if (n <= 3 * w) {
      multiply_panel<T, 3, Subtract>(load_c, m, n, k, a, a_row, a_col, b, b_row, c, c_row);
    } else if constexpr (Vec<T>::vectors >= 4) {
      multiply_panel<T, 4, Subtract>(load_c, m, n, k, a, a_row, a_col, b, b_row, c, c_row);
    }
  }
}

// One column: MR scalar chains side by side hide the latency of each.
template <class T, bool Subtract>
inline void multiply_column(bool load_c, std::ptrdiff_t m, std::ptrdiff_t k, const T* a, std::ptrdiff_t a_row,
                            std::ptrdiff_t a_col, const T* b, std::ptrdiff_t b_row, T* c, std::ptrdiff_t c_row) {
  constexpr int rows = 8;
  std::ptrdiff_t i = 0;
  for (; i + rows <= m; i += rows) {
    T acc[rows];
    for (int r = 0; r < rows; ++r) acc[r] = load_c ? c[(i + r) * c_row] : T(0);
    const T* column = a + i * a_row;
    for (std::ptrdiff_t p = 0; p < k; ++p) {
      const T x = b[p * b_row];
      for (int r = 0; r < rows; ++r)
        acc[r] = Subtract ? Vec<T>::fnma(column[r * a_row], x, acc[r]) : Vec<T>::fma(column[r * a_row], x, acc[r]);
      column += a_col;
    }
    for (int r = 0; r < rows; ++r) c[(i + r) * c_row] = acc[r];
  }
  for (; i < m; ++i) {
    T acc = load_c ? c[i * c_row] : T(0);
    for (std::ptrdiff_t p = 0; p < k; ++p)
      acc = Subtract ? Vec<T>::fnma(a[i * a_row + p * a_col], b[p * b_row], acc)
                     : Vec<T>::fma(a[i * a_row + p * a_col], b[p * b_row], acc);
    c[i * c_row] = acc;
  }
}

template <class T, bool Subtract>
void multiply_signed(bool load_c, std::ptrdiff_t m, std::ptrdiff_t n, std::ptrdiff_t k, const T* a,
                     std::ptrdiff_t a_row, std::ptrdiff_t a_col, const T* b, std::ptrdiff_t b_row, T* c,
                     std::ptrdiff_t c_row) {
  if (n == 1) return multiply_column<T, Subtract>(load_c, m, k, a, a_row, a_col, b, b_row, c, c_row);
  // A block of B, step_k × step_n, is at most 32 KiB: it stays in the first cache over all of A's rows. (A third level,
  // blocks of A's rows, was measured to lose up to order 1000.)
  constexpr std::ptrdiff_t step_n = Vec<T>::vectors * Vec<T>::width;
  constexpr std::ptrdiff_t most = 32768 / (step_n * static_cast<std::ptrdiff_t>(sizeof(T)));
  constexpr std::ptrdiff_t step_k = most < 256 ? most : 256;
  // Packed where enough rows share it: pieces of rows far apart are spread over cache sets and pages.
  const bool pack = n >= 128 && m >= 4 * Vec<T>::rows;
  alignas(64) T packed[step_k * step_n];
  std::ptrdiff_t p = 0;
  do {
    const std::ptrdiff_t kb = k - p < step_k ? k - p : step_k;
    for (std::ptrdiff_t j = 0; j < n; j += step_n) {
      const std::ptrdiff_t nb = n - j < step_n ? n - j : step_n;
      const T* block = b + p * b_row + j;
      std::ptrdiff_t block_row = b_row;
      if (pack) {
        for (std::ptrdiff_t r = 0; r < kb; ++r)
          __builtin_memcpy(packed + r * step_n, block + r * b_row, static_cast<std::size_t>(nb) * sizeof(T));
        block = packed;
        block_row = step_n;
      }
      multiply_any<T, Subtract>(load_c, m, nb, kb, a + p * a_col, a_row, a_col, block, block_row, c + j, c_row);
    }
    load_c = true;
    p += kb;
  } while (p < k);
}

template <class T>
void multiply(Accumulate mode, std::ptrdiff_t m, std::ptrdiff_t n, std::ptrdiff_t k, const T* a, std::ptrdiff_t a_row,
              std::ptrdiff_t a_col, const T* b, std::ptrdiff_t b_row, T* c, std::ptrdiff_t c_row) {
  if (mode == Accumulate::subtract) {
    multiply_signed<T, true>(true, m, n, k, a, a_row, a_col, b, b_row, c, c_row);
  } else {
    multiply_signed<T, false>(mode == Accumulate::add, m, n, k, a, a_row, a_col, b, b_row, c, c_row);
  }
}

// ---- triangular solves ----------------------------------------------------------------------------------------------

// A block of rows is solved in registers: what was just stored under a mask cannot be loaded again before it has reached the
// cache. Row p is divided, and taken from all rows below.
template <class T, int NV, int Rows>
inline void solve_rows(bool unit, std::ptrdiff_t nrhs, const T* a, std::ptrdiff_t a_row, std::ptrdiff_t a_col, T* x,
                       std::ptrdiff_t x_row) {
  const std::ptrdiff_t tail = nrhs - (NV - 1) * Vec<T>::width;
  typename Vec<T>::Type rows[Rows][NV];
  repeat<Rows>([&](auto r) DINI_INLINE { load_row<T, NV, true>(rows[r.value], x + r.value * x_row, tail); });
  repeat<Rows>([&](auto p) DINI_INLINE {
    if (!unit) {
      const auto pivot = Vec<T>::broadcast(a[p.value * (a_row + a_col)]);
      repeat<NV>([&](auto j) DINI_INLINE { rows[p.value][j.value] = Vec<T>::div(rows[p.value][j.value], pivot); });
    }
    repeat<Rows - 1 - p.value>([&](auto below) DINI_INLINE {
      constexpr int i = p.value + 1 + below.value;
      accumulate<T, NV, true>(rows[i], a[i * a_row + p.value * a_col], rows[p.value]);
    });
  });
  repeat<Rows>([&](auto r) DINI_INLINE { store_row<T, NV, true>(x + r.value * x_row, rows[r.value], tail); });
}

// The same of one column.
template <class T, int Rows>
inline void solve_column(bool unit, const T* a, std::ptrdiff_t a_row, std::ptrdiff_t a_col, T* x,
                         std::ptrdiff_t x_row) {
  T rows[Rows];
  repeat<Rows>([&](auto r) DINI_INLINE { rows[r.value] = x[r.value * x_row]; });
  repeat<Rows>([&](auto p) DINI_INLINE {
    if (!unit) rows[p.value] /= a[p.value * (a_row + a_col)];
    repeat<Rows - 1 - p.value>([&](auto below) DINI_INLINE {
      constexpr int i = p.value + 1 + below.value;
      rows[i] = Vec<T>::fnma(a[i * a_row + p.value * a_col], rows[p.value], rows[i]);
    });
  });
  repeat<Rows>([&](auto r) DINI_INLINE { x[r.value * x_row] = rows[r.value]; });
}

// n rows, 1 ≤ n ≤ Rows, of nrhs columns: NV vectors of them, or with NV = 0 the one.
template <class T, int NV, int Rows>
inline void solve_block(bool unit, std::ptrdiff_t n, std::ptrdiff_t nrhs, const T* a, std::ptrdiff_t a_row,
                        std::ptrdiff_t a_col, T* x, std::ptrdiff_t x_row) {
  if constexpr (Rows > 1) {
    if (n < Rows) return solve_block<T, NV, Rows - 1>(unit, n, nrhs, a, a_row, a_col, x, x_row);
  }
  if constexpr (NV == 0) {
    solve_column<T, Rows>(unit, a, a_row, a_col, x, x_row);
  } else {
    solve_rows<T, NV, Rows>(unit, nrhs, a, a_row, a_col, x, x_row);
  }
}

template <class T>
void solve_lower(bool unit, std::ptrdiff_t n, std::ptrdiff_t nrhs, const T* a, std::ptrdiff_t a_row,
                 std::ptrdiff_t a_col, T* x, std::ptrdiff_t x_row) {
  if (nrhs == 1) {
    const bool columns_contiguous = a_row == 1 || a_row == -1;
    constexpr std::ptrdiff_t step_n = Vec<T>::vectors * Vec<T>::width;
    const std::ptrdiff_t step = columns_contiguous ? (step_n < 16 ? step_n : 16) : 8;
    for (std::ptrdiff_t i = 0; i < n; i += step) {
      const std::ptrdiff_t rows = n - i < step ? n - i : step;
      T* xi = x + i * x_row;
      const T* ai = a + i * a_row;
      if (columns_contiguous && (x_row == 1 || x_row == -1) && i > 0) {
        // The block of x as a row: xᵀ −= (x before)ᵀ Lᵀ, vectors along L's contiguous columns.
        const std::ptrdiff_t low = a_row < 0 ? rows - 1 : 0;
        if ((a_row < 0) == (x_row < 0)) {
          multiply_any<T, true>(true, 1, rows, i, x, 0, x_row, ai + low * a_row, a_col, xi + low * x_row, 0);
        } else {
          multiply_column<T, true>(true, rows, i, ai, a_row, a_col, x, x_row, xi, x_row);
        }
      } else if (i > 0) {
        multiply_column<T, true>(true, rows, i, ai, a_row, a_col, x, x_row, xi, x_row);
      }
      // Of sixteen rows the first eight, and these out of the others.
      const T* diagonal = ai + i * a_col;
      const std::ptrdiff_t first = rows < 8 ? rows : 8, others = rows - first;
      solve_block<T, 0, 8>(unit, first, 1, diagonal, a_row, a_col, xi, x_row);
      if (others == 0) continue;
      multiply_column<T, true>(true, others, first, diagonal + 8 * a_row, a_row, a_col, xi, x_row, xi + 8 * x_row,
                               x_row);
      solve_block<T, 0, 8>(unit, others, 1, diagonal + 8 * (a_row + a_col), a_row, a_col, xi + 8 * x_row, x_row);
    }
    return;
  }
  constexpr std::ptrdiff_t step_n = 2 * Vec<T>::width;
  constexpr std::ptrdiff_t step = Vec<T>::rows;
  for (std::ptrdiff_t j = 0; j < nrhs; j += step_n) {
    const std::ptrdiff_t nb = nrhs - j < step_n ? nrhs - j : step_n;
    for (std::ptrdiff_t i = 0; i < n; i += step) {
      const std::ptrdiff_t rows = n - i < step ? n - i : step;
      T* xi = x + i * x_row + j;
      const T* ai = a + i * a_row;
      if (i > 0) multiply_any<T, true>(true, rows, nb, i, ai, a_row, a_col, x + j, x_row, xi, x_row);
      if (nb <= Vec<T>::width) {
        solve_block<T, 1, Vec<T>::rows>(unit, rows, nb, ai + i * a_col, a_row, a_col, xi, x_row);
      } else {
        solve_block<T, 2, Vec<T>::rows>(unit, rows, nb, ai + i * a_col, a_row, a_col, xi, x_row);
      }
    }
  }
}

// ---- transposition --------------------------------------------------------------------------------------------------

// a₀ b₀ a₁ b₁ … of the first halves, or of the second.
template <bool Second, class V, std::size_t... I> DINI_INLINE inline V interleave(V a, V b, std::index_sequence<I...>) {
  constexpr int width = sizeof...(I), first = Second ? width / 2 : 0;
  return __builtin_shufflevector(a, b, (first + static_cast<int>(I) / 2 + (I % 2 ? width : 0))...);
}

// Interleaving row i with row i + w/2, log₂ w times over, transposes a square.
template <class T> DINI_INLINE inline void transpose_square(typename Vec<T>::Type (&rows)[Vec<T>::width]) {
  constexpr int w = Vec<T>::width;
  constexpr auto lanes = std::make_index_sequence<w>{};
  for (int turn = 1; turn < w; turn *= 2) {
    typename Vec<T>::Type next[w];
    repeat<w / 2>([&](auto i) DINI_INLINE {
      next[2 * i.value] = interleave<false>(rows[i.value], rows[i.value + w / 2], lanes);
      next[2 * i.value + 1] = interleave<true>(rows[i.value], rows[i.value + w / 2], lanes);
    });
    repeat<w>([&](auto i) DINI_INLINE { rows[i.value] = next[i.value]; });
  }
}

template <class T>
void transpose(std::ptrdiff_t rows, std::ptrdiff_t columns, const T* from, std::ptrdiff_t from_ld, T* to,
               std::ptrdiff_t to_ld) {
  constexpr std::ptrdiff_t w = Vec<T>::width;
  for (std::ptrdiff_t i = 0; i < rows; i += w) {
    const std::ptrdiff_t down = rows - i < w ? rows - i : w;
    for (std::ptrdiff_t j = 0; j < columns; j += w) {
      const std::ptrdiff_t across = columns - j < w ? columns - j : w;
      const T* corner = from + i * from_ld + j;
      T* target = to + j * to_ld + i;
      typename Vec<T>::Type square[w];
      if (down == w && across == w) {
        repeat<w>([&](auto r) DINI_INLINE { square[r.value] = Vec<T>::load(corner + r.value * from_ld); });
        transpose_square<T>(square);
        repeat<w>([&](auto c) DINI_INLINE { Vec<T>::store(target + c.value * to_ld, square[c.value]); });
      } else {
        for (std::ptrdiff_t r = 0; r < w; ++r)
          square[r] = r < down ? Vec<T>::load(corner + r * from_ld, across) : Vec<T>::zero();
        transpose_square<T>(square);
        for (std::ptrdiff_t c = 0; c < across; ++c) Vec<T>::store(target + c * to_ld, square[c], down);
      }
    }
  }
}

// ---- factorisations -------------------------------------------------------------------------------------------------

// |a| where it is larger than b, else b, as where either is NaN.
template <class T>
DINI_INLINE inline typename Vec<T>::Type larger_size(typename Vec<T>::Type a, typename Vec<T>::Type b) {
  const typename Vec<T>::Type size = a < Vec<T>::zero() ? -a : a;
  return size > b ? size : b;
}

// max(|a_k|, …, |a_m−1|) by comparisons that a NaN loses, but for a NaN at a_k, which stays.
template <class T> T largest_size(std::ptrdiff_t k, std::ptrdiff_t m, const T* a) {
  constexpr std::ptrdiff_t w = Vec<T>::width;
  const T first = a[k] < T(0) ? -a[k] : a[k];
  auto largest = Vec<T>::broadcast(first);
  std::ptrdiff_t i = k + 1;
  for (; i + w <= m; i += w) largest = larger_size<T>(Vec<T>::load(a + i), largest);
  if (i < m) largest = larger_size<T>(Vec<T>::load(a + i, m - i), largest);
  T lanes[w];
  Vec<T>::store(lanes, largest);
  T all = first;
  for (T lane : lanes) all = lane > all ? lane : all;
  return all;
}

// In a panel of columns, a vector of rows at a time: the division of a vector's multipliers goes on beside the products of the one before.
template <class T>
int lu_panel(std::ptrdiff_t m, std::ptrdiff_t width, T* panel, std::ptrdiff_t ld, std::int32_t* pivot) {
  constexpr std::ptrdiff_t w = Vec<T>::width;
  int info = 0;
  for (std::ptrdiff_t k = 0; k < width; ++k) {
    T* column = panel + k * ld;
    const T largest = largest_size(k, m, column);
    std::ptrdiff_t best = k;
    while (best < m && column[best] != largest && column[best] != -largest) ++best;
    if (best == m) best = k;  // NaN
    pivot[k] = static_cast<std::int32_t>(best);
    if (!(largest > T(0))) {  // zero or NaN
      if (info == 0) info = static_cast<int>(k + 1);
      if (largest == T(0)) continue;  // a column of zeros: its multipliers are zero already
    }
    if (best != k) {
      for (std::ptrdiff_t j = 0; j < width; ++j) {
        const T keep = panel[j * ld + k];
        panel[j * ld + k] = panel[j * ld + best];
        panel[j * ld + best] = keep;
      }
    }
    const auto diagonal = Vec<T>::broadcast(column[k]);
    for (std::ptrdiff_t i = k + 1; i < m; i += w) {
      const auto factor = Vec<T>::div(Vec<T>::load(column + i), diagonal);
      Vec<T>::store(column + i, factor);
      for (std::ptrdiff_t j = k + 1; j < width; ++j) {
        T* p = panel + j * ld;
        Vec<T>::store(p + i, Vec<T>::fnma(Vec<T>::broadcast(p[k]), factor, Vec<T>::load(p + i)));
      }
    }
  }
  return info;
}

template <class T, int NV> int cholesky_panel_vectors(std::ptrdiff_t n, T* panel) {
  using V = typename Vec<T>::Type;
  constexpr std::ptrdiff_t w = Vec<T>::width;
  constexpr std::ptrdiff_t ld = panel_width;
  for (std::ptrdiff_t k = 0; k < n; ++k) {
    T* pk = panel + k * ld;
    if (!(pk[k] > T(0))) return static_cast<int>(k + 1);
    const T root = Vec<T>::sqrt(pk[k]);
    V row[NV];
    for (int v = 0; v < NV; ++v) {
      row[v] = Vec<T>::div(Vec<T>::load(pk + v * w), Vec<T>::broadcast(root));
      Vec<T>::store(pk + v * w, row[v]);
    }
    pk[k] = root;  // d/√d may round to a neighbour of √d
    for (std::ptrdiff_t i = k + 1; i < n; ++i) {
      T* p = panel + i * ld;
      const V factor = Vec<T>::broadcast(pk[i]);
      for (int v = 0; v < NV; ++v) Vec<T>::store(p + v * w, Vec<T>::fnma(factor, row[v], Vec<T>::load(p + v * w)));
    }
  }
  return 0;
}

template <class T> int cholesky_panel(std::ptrdiff_t n, T* panel) {
  constexpr int most = static_cast<int>(panel_width / Vec<T>::width);
  if constexpr (most > 1) {
    if (n <= Vec<T>::width) return cholesky_panel_vectors<T, 1>(n, panel);
  }
  if constexpr (most > 2) {
    if (n <= most / 2 * Vec<T>::width) return cholesky_panel_vectors<T, most / 2>(n, panel);
  }
  return cholesky_panel_vectors<T, most>(n, panel);
}

template <class T> const DenseMicro<T>& table() {
  static constexpr DenseMicro<T> kernels{multiply<T>, solve_lower<T>, lu_panel<T>, cholesky_panel<T>, transpose<T>};
  return kernels;
}

template const DenseMicro<float>& table<float>();
template const DenseMicro<double>& table<double>();

#undef DINI_INLINE
