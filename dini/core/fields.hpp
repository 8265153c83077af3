// The members of a struct, without a word from it: how many there are, and references to them.
//
// A struct is counted by what initialises it, T{{}, {}, ...}, one {} a member. So this sees aggregates alone: no class with
// constructors, private members or a base, none with a member that {} does not initialise, and none of more than 24 members.
#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>

namespace dini::detail {

// Declared only: convert to a member of any type, and to a base of T.
struct AnyMember {
  template <class U> operator U() const;
};
template <class T> struct AnyBase {
  template <class U>
  requires(std::is_base_of_v<U, T> && !std::is_same_v<U, T>) operator U() const;
};

// fits: n members or more can be initialised; more: there is one behind them. bind: references to n members.
template <std::size_t n> struct Fields;

// clang-format off
#define DINI_BRACES_1 {}
#define DINI_BRACES_2 DINI_BRACES_1, {}
#define DINI_BRACES_3 DINI_BRACES_2, {}
#define DINI_BRACES_4 DINI_BRACES_3, {}
#define DINI_BRACES_5 DINI_BRACES_4, {}
#define DINI_BRACES_6 DINI_BRACES_5, {}
#define DINI_BRACES_7 DINI_BRACES_6, {}
#define DINI_BRACES_8 DINI_BRACES_7, {}
#define DINI_BRACES_9 DINI_BRACES_8, {}
#define DINI_BRACES_10 DINI_BRACES_9, {}
#define DINI_BRACES_11 DINI_BRACES_10, {}
#define DINI_BRACES_12 DINI_BRACES_11, {}
#define DINI_BRACES_13 DINI_BRACES_12, {}
#define DINI_BRACES_14 DINI_BRACES_13, {}
#define DINI_BRACES_15 DINI_BRACES_14, {}
#define DINI_BRACES_16 DINI_BRACES_15, {}
#define DINI_BRACES_17 DINI_BRACES_16, {}
#define DINI_BRACES_18 DINI_BRACES_17, {}
#define DINI_BRACES_19 DINI_BRACES_18, {}
#define DINI_BRACES_20 DINI_BRACES_19, {}
#define DINI_BRACES_21 DINI_BRACES_20, {}
#define DINI_BRACES_22 DINI_BRACES_21, {}
#define DINI_BRACES_23 DINI_BRACES_22, {}
#define DINI_BRACES_24 DINI_BRACES_23, {}
#define DINI_NAMES_1 m1
#define DINI_NAMES_2 DINI_NAMES_1, m2
#define DINI_NAMES_3 DINI_NAMES_2, m3
#define DINI_NAMES_4 DINI_NAMES_3, m4
#define DINI_NAMES_5 DINI_NAMES_4, m5
#define DINI_NAMES_6 DINI_NAMES_5, m6
#define DINI_NAMES_7 DINI_NAMES_6, m7
#define DINI_NAMES_8 DINI_NAMES_7, m8
#define DINI_NAMES_9 DINI_NAMES_8, m9
#define DINI_NAMES_10 DINI_NAMES_9, m10
#define DINI_NAMES_11 DINI_NAMES_10, m11
#define DINI_NAMES_12 DINI_NAMES_11, m12
#define DINI_NAMES_13 DINI_NAMES_12, m13
#define DINI_NAMES_14 DINI_NAMES_13, m14
#define DINI_NAMES_15 DINI_NAMES_14, m15
#define DINI_NAMES_16 DINI_NAMES_15, m16
#define DINI_NAMES_17 DINI_NAMES_16, m17
#define DINI_NAMES_18 DINI_NAMES_17, m18
#define DINI_NAMES_19 DINI_NAMES_18, m19
#define DINI_NAMES_20 DINI_NAMES_19, m20
#define DINI_NAMES_21 DINI_NAMES_20, m21
#define DINI_NAMES_22 DINI_NAMES_21, m22
#define DINI_NAMES_23 DINI_NAMES_22, m23
#define DINI_NAMES_24 DINI_NAMES_23, m24
#define DINI_FIELDS(n)                                                                                      \
  template <> struct Fields<n> {                                                                            \
    template <class T> static constexpr bool fits = requires { T{DINI_BRACES_##n}; };                       \
    template <class T> static constexpr bool more = requires { T{DINI_BRACES_##n, AnyMember()}; } ||        \
                                                    requires { T{DINI_BRACES_##n, {}}; };                   \
    template <class T> static auto bind(T& t) {                                                             \
      auto& [DINI_NAMES_##n] = t;                                                                           \
      return std::tie(DINI_NAMES_##n);                                                                      \
    }                                                                                                       \
  };
DINI_FIELDS(1) DINI_FIELDS(2) DINI_FIELDS(3) DINI_FIELDS(4) DINI_FIELDS(5) DINI_FIELDS(6)
DINI_FIELDS(7) DINI_FIELDS(8) DINI_FIELDS(9) DINI_FIELDS(10) DINI_FIELDS(11) DINI_FIELDS(12)
DINI_FIELDS(13) DINI_FIELDS(14) DINI_FIELDS(15) DINI_FIELDS(16) DINI_FIELDS(17) DINI_FIELDS(18)
DINI_FIELDS(19) DINI_FIELDS(20) DINI_FIELDS(21) DINI_FIELDS(22) DINI_FIELDS(23) DINI_FIELDS(24)
#undef DINI_FIELDS
#undef DINI_BRACES_1
#undef DINI_BRACES_2
#undef DINI_BRACES_3
#undef DINI_BRACES_4
#undef DINI_BRACES_5
#undef DINI_BRACES_6
#undef DINI_BRACES_7
#undef DINI_BRACES_8
#undef DINI_BRACES_9
#undef DINI_BRACES_10
#undef DINI_BRACES_11
#undef DINI_BRACES_12
#undef DINI_BRACES_13
#undef DINI_BRACES_14
#undef DINI_BRACES_15
#undef DINI_BRACES_16
#undef DINI_BRACES_17
#undef DINI_BRACES_18
#undef DINI_BRACES_19
#undef DINI_BRACES_20
#undef DINI_BRACES_21
#undef DINI_BRACES_22
#undef DINI_BRACES_23
#undef DINI_BRACES_24
#undef DINI_NAMES_1
#undef DINI_NAMES_2
#undef DINI_NAMES_3
#undef DINI_NAMES_4
#undef DINI_NAMES_5
#undef DINI_NAMES_6
#undef DINI_NAMES_7
#undef DINI_NAMES_8
#undef DINI_NAMES_9
#undef DINI_NAMES_10
#undef DINI_NAMES_11
#undef DINI_NAMES_12
#undef DINI_NAMES_13
#undef DINI_NAMES_14
#undef DINI_NAMES_15
#undef DINI_NAMES_16
#undef DINI_NAMES_17
#undef DINI_NAMES_18
#undef DINI_NAMES_19
#undef DINI_NAMES_20
#undef DINI_NAMES_21
#undef DINI_NAMES_22
#undef DINI_NAMES_23
#undef DINI_NAMES_24
    // clang-format on

    template <class T, std::size_t n = 24>
    constexpr std::size_t count_fields() {
  if constexpr (n == 0)
    return 0;
  else if constexpr (Fields<n>::template fits<T>)
    return Fields<n>::template more<T> ? 0 : n;
  else
    return count_fields<T, n - 1>();
}

/// How many members T has; 0 where that cannot be seen, and where it has none.
template <class T> constexpr std::size_t fields_of() {
  if constexpr (!std::is_class_v<T> || !std::is_aggregate_v<T> || requires { std::tuple_size<T>::value; })
    return 0;
  else if constexpr (requires { T{AnyBase<T>()}; })
    return 0;
  else
    return count_fields<T>();
}

/// A tuple of references to all members, in order.
template <class T> auto fields(T& t) { return Fields<fields_of<std::remove_const_t<T>>()>::bind(t); }

}  // namespace dini::detail
