// Trees: what functions may take and return beside single arrays. An Array is a leaf; so is a C++ number (as a weak
// scalar). Tuples, pairs, vectors, std::array and string-keyed maps of trees are trees, and so is a user's struct with
// one line:
//
//     struct Params { Array W, b; auto tree() { return std::tie(W, b); } };
//     auto tree(Foreign& p) { return std::tie(p.u, p.v); }          // beside a struct that cannot be changed
//
// tree() names all members that hold arrays. A forgotten one is an error of the compiler where it sees the members (an aggregate of
// up to 24: core/fields.hpp). Numbers, strings and options may stay outside: every transformation passes them on as they are,
// and jit compiles anew where one differs (transforms/static_key.hpp). An array that is meant to be a constant goes into
// auto statics() const { return std::tie(table); }.
//
// A number cannot hold a traced value, so a transformed function gets Arrays in the places of numbers: of a std::pair(2.0, x)
// it gets a std::pair<Array, Array> (tree_t), and of a std::vector<double> a std::vector<Array>. A number that is a member of a
// struct stays one; it may hold what is not traced (an option), and anything else is a TraceError: make the member an Array.
//
// flatten lists the leaves in order, unflatten puts leaves into a copy of a prototype, which gives keys and lengths.
#pragma once

#include <array>
#include <map>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "dini/core/array.hpp"
#include "dini/core/fields.hpp"
#include "dini/core/readback.hpp"

namespace dini {

/// Stands for "no derivative" where a rule must return one for every argument.
struct None {};
inline constexpr None none{};

namespace detail {

template <class T> struct is_tuple : std::false_type {};
template <class... T> struct is_tuple<std::tuple<T...>> : std::true_type {};
template <class A, class B> struct is_tuple<std::pair<A, B>> : std::true_type {};
template <class T> constexpr bool is_pair() {
  if constexpr (is_tuple<T>::value)
    return std::tuple_size_v<T> == 2;
  else
    return false;
}
template <class T> struct is_sequence : std::false_type {};
template <class T, class A> struct is_sequence<std::vector<T, A>> : std::true_type {};
template <class T, std::size_t N> struct is_sequence<std::array<T, N>> : std::true_type {};
template <class T> struct is_map : std::false_type {};
template <class T, class C, class A> struct is_map<std::map<std::string, T, C, A>> : std::true_type {};

template <class T>
concept HasTreeMember = requires(T& t) {
  t.tree();
};
template <class T>
concept HasTreeFunction = requires(T& t) {
  tree(t);
};

template <class T> constexpr bool is_tree();
template <class T, std::size_t... I> constexpr bool tuple_is_tree(std::index_sequence<I...>) {
  return (is_tree<std::remove_cvref_t<std::tuple_element_t<I, T>>>() && ...);
}
template <class T> constexpr bool is_tree() {
  if constexpr (std::is_same_v<T, Array> || std::is_same_v<T, None> || std::is_arithmetic_v<T>)
    return true;
  else if constexpr (is_tuple<T>::value)
    return tuple_is_tree<T>(std::make_index_sequence<std::tuple_size_v<T>>());
  else if constexpr (is_sequence<T>::value)
    return is_tree<typename T::value_type>();
  else if constexpr (is_map<T>::value)
    return is_tree<typename T::mapped_type>();
  else
    return HasTreeMember<T> || HasTreeFunction<T>;
}

// What functions are called with where numbers were given: the leaves as Arrays.
template <class T> struct TreeOf { using type = T; };
template <class T> using tree_of = typename TreeOf<std::remove_cvref_t<T>>::type;
template <class T>
requires std::is_arithmetic_v<T>
struct TreeOf<T> {
  using type = Array;
};
template <class... T> struct TreeOf<std::tuple<T...>> { using type = std::tuple<tree_of<T>...>; };
template <class A, class B> struct TreeOf<std::pair<A, B>> { using type = std::pair<tree_of<A>, tree_of<B>>; };
template <class T, std::size_t N> struct TreeOf<std::array<T, N>> { using type = std::array<tree_of<T>, N>; };
template <class T, class A>
requires(!std::is_same_v<tree_of<T>, T>) struct TreeOf<std::vector<T, A>> {
  using type = std::vector<tree_of<T>>;
};
template <class T, class C, class A>
requires(!std::is_same_v<tree_of<T>, T>) struct TreeOf<std::map<std::string, T, C, A>> {
  using type = std::map<std::string, tree_of<T>, C>;
};

// t with f(m) in the place of each member m that is neither a container nor None, in order, whatever type that has.
template <class T, class F> auto rebuild(const T& t, const F& f) {
  if constexpr (std::is_same_v<T, None>) {
    return t;
  } else if constexpr (is_tuple<T>::value) {
    return std::apply(
        [&]<class... M>(const M&... m) {
          if constexpr (requires { t.first; })
            return std::pair<decltype(rebuild(m, f))...>{rebuild(m, f)...};
          else
            return std::tuple<decltype(rebuild(m, f))...>{rebuild(m, f)...};
        },
        t);
  } else if constexpr (is_sequence<T>::value) {
    using M = decltype(rebuild(static_cast<const typename T::value_type&>(t[0]), f));
    if constexpr (requires { std::tuple_size<T>::value; }) {
      std::array<M, std::tuple_size_v<T>> out;
      for (std::size_t k = 0; k < t.size(); ++k) out[k] = rebuild(t[k], f);
      return out;
    } else {
      std::vector<M> out;
      for (const typename T::value_type& m : t) out.push_back(rebuild(m, f));
      return out;
    }
  } else if constexpr (is_map<T>::value) {
    std::map<std::string, decltype(rebuild(t.begin()->second, f)), typename T::key_compare> out;
    for (const auto& [key, m] : t) out.emplace(key, rebuild(m, f));
    return out;
  } else {
    return f(t);
  }
}

// t with Arrays in the places of its numbers.
template <class T> tree_of<T> as_tree(T&& t) {
  if constexpr (std::is_same_v<tree_of<T>, std::remove_cvref_t<T>>)
    return std::forward<T>(t);
  else
    return rebuild(t, [](const auto& leaf) -> tree_of<decltype(leaf)> { return leaf; });
}

template <class T> void append_leaves(const T& t, Leaves& out);
template <class T> void append_structure(const T& t, std::string& out);
template <class T> void assign_leaves(T& t, const Leaves& leaves, std::size_t& next);

template <class T> decltype(auto) call_tree(T& t) {
  if constexpr (HasTreeMember<T>)
    return t.tree();
  else
    return tree(t);
}

// How many arrays stand in a T: what tree() should give, and gives. A vector or map of them counts as one.
template <class T> constexpr int arrays_in();
template <class Tuple, std::size_t... I> constexpr int arrays_in_tuple(std::index_sequence<I...>) {
  return (0 + ... + arrays_in<std::remove_cvref_t<std::tuple_element_t<I, Tuple>>>());
}
template <class Tuple>
constexpr int arrays_in_members = arrays_in_tuple<Tuple>(std::make_index_sequence<std::tuple_size_v<Tuple>>());
template <class T> constexpr bool only_numbers() {
  if constexpr (is_sequence<T>::value)
    return only_numbers<typename T::value_type>();
  else if constexpr (is_map<T>::value)
    return only_numbers<typename T::mapped_type>();
  else if constexpr (is_tuple<T>::value)
    return arrays_in<T>() == 0;
  else
    return std::is_arithmetic_v<T> || std::is_same_v<T, None>;
}
template <class T> constexpr int arrays_in() {
  if constexpr (std::is_same_v<T, Array>)
    return 1;
  else if constexpr (!is_tree<T>())
    return 0;
  else if constexpr (is_tuple<T>::value)
    return arrays_in_members<T>;
  else if constexpr (is_sequence<T>::value && requires { std::tuple_size<T>::value; })
    return static_cast<int>(std::tuple_size_v<T>) * arrays_in<typename T::value_type>();
  else if constexpr (is_sequence<T>::value || is_map<T>::value)
    return only_numbers<T>() ? 0 : 1;
  else if constexpr (HasTreeMember<T> || HasTreeFunction<T>)
    return arrays_in_members<std::remove_cvref_t<decltype(call_tree(std::declval<T&>()))>>;
  else
    return 0;
}

// What a struct may declare beside tree(): members that are no part of the tree and decide what is computed.
template <class T>
concept HasStatics = requires(const T& t) {
  t.statics();
};
template <class T> constexpr int arrays_in_statics() {
  if constexpr (HasStatics<T>) {
    using S = std::remove_cvref_t<decltype(std::declval<const T&>().statics())>;
    if constexpr (is_tuple<S>::value) return arrays_in_members<S>;
  }
  return 0;
}

template <class T, int in_members, int in_tree> constexpr bool check_nothing_is_forgotten() {
  static_assert(in_members <= in_tree,
                "tree() leaves out a member that holds arrays: name all of them, as in "
                "auto tree() { return std::tie(W, b); }");
  return in_members <= in_tree;
}
// Of what tree() returns.
template <class T, class Members> struct TreeCheck {
  static constexpr bool ok = false;
  static_assert(never<T>, "tree() must return a tuple of references: auto tree() { return std::tie(W, b); }");
};
template <class T, class... M> struct TreeCheck<T, std::tuple<M...>> {
  static constexpr bool references =
      ((std::is_lvalue_reference_v<M> && !std::is_const_v<std::remove_reference_t<M>>)&&...);
  static_assert(references,
                "tree() must return references by which members can be assigned: write "
                "auto tree() { return std::tie(W, b); }, without const");
  static constexpr bool trees = (is_tree<std::remove_cvref_t<M>>() && ...);
  static_assert(trees,
                "tree() names a member that is no tree: leave out all but arrays, numbers, structs with a tree(), and "
                "tuples, vectors, maps of these");
  static constexpr bool whole() {
    if constexpr (references && trees && fields_of<T>() > 0)
      return check_nothing_is_forgotten<T, arrays_in_members<decltype(fields(std::declval<T&>()))>,
                                        arrays_in_members<std::tuple<M...>> + arrays_in_statics<T>()>();
    return references && trees;
  }
  static constexpr bool ok = whole();
};

// Whether a struct's tree() is as it has to be; a static_assert says how where it is not.
template <class T> constexpr bool check_members() {
  return TreeCheck<T, std::remove_cvref_t<decltype(call_tree(std::declval<T&>()))>>::ok;
}

// References to the members of a struct that tree() names.
template <class T> auto members(T& t) {
  if constexpr (check_members<T>())
    return call_tree(t);
  else
    return std::tuple<>();
}

template <class T> void append_leaves(const T& t, Leaves& out) {
  if constexpr (std::is_same_v<T, Array>)
    out.push_back(t);
  else if constexpr (std::is_same_v<T, None>)
    return;
  else if constexpr (std::is_arithmetic_v<T>)
    out.push_back(Array(t));
  else if constexpr (is_tuple<T>::value)
    std::apply([&](const auto&... m) { (append_leaves(m, out), ...); }, t);
  else if constexpr (is_sequence<T>::value)
    for (const auto& m : t) append_leaves(m, out);
  else if constexpr (is_map<T>::value)
    for (const auto& [key, m] : t) append_leaves(m, out);
  else
    std::apply([&](const auto&... m) { (append_leaves(m, out), ...); }, members(const_cast<T&>(t)));
}

template <class T> void append_structure(const T& t, std::string& out) {
  if constexpr (std::is_same_v<T, Array> || std::is_arithmetic_v<T>)
    out += '*';
  else if constexpr (std::is_same_v<T, None>)
    out += "none";
  else if constexpr (is_tuple<T>::value || (!is_sequence<T>::value && !is_map<T>::value)) {
    auto visit = [&](const auto&... m) {
      out += '(';
      std::size_t k = 0;
      ((out += k++ ? ", " : "", append_structure(m, out)), ...);
      out += ')';
    };
    if constexpr (is_tuple<T>::value)
      std::apply(visit, t);
    else
      std::apply(visit, members(const_cast<T&>(t)));
  } else if constexpr (is_sequence<T>::value) {
    out += '[';
    std::size_t k = 0;
    for (const auto& m : t) out += k++ ? ", " : "", append_structure(m, out);
    out += ']';
  } else {
    out += '{';
    std::size_t k = 0;
    for (const auto& [key, m] : t) {
      out += k++ ? ", " : "";
      out += key;
      out += ": ";
      append_structure(m, out);
    }
    out += '}';
  }
}

template <class T> void assign_leaves(T& t, const Leaves& leaves, std::size_t& next) {
  if constexpr (std::is_same_v<T, Array>)
    t = leaves.at(next++);
  else if constexpr (std::is_same_v<T, None>)
    return;
  else if constexpr (std::is_arithmetic_v<T>)
    check_number_leaf(leaves.at(next)), t = leaves[next++].template item<T>();
  else if constexpr (is_tuple<T>::value)
    std::apply([&](auto&... m) { (assign_leaves(m, leaves, next), ...); }, t);
  else if constexpr (is_sequence<T>::value)
    for (auto& m : t) assign_leaves(m, leaves, next);
  else if constexpr (is_map<T>::value)
    for (auto& [key, m] : t) assign_leaves(m, leaves, next);
  else
    std::apply([&](auto&... m) { (assign_leaves(m, leaves, next), ...); }, members(t));
}

}  // namespace detail

/// Whether a type is a tree.
template <class T>
concept Tree = detail::is_tree<std::remove_cvref_t<T>>();

/// The tree type that stands for T in a transformed function's arguments and results: T with Array for each number, but for
/// those within structs.
template <class T> using tree_t = detail::tree_of<T>;

/// The leaves of a tree, in order.
template <Tree T> std::vector<Array> flatten(const T& tree) {
  std::vector<Array> out;
  detail::append_leaves(tree, out);
  return out;
}

/// The structure of a tree without its leaves: "(*, [*, *])".
template <Tree T> std::string structure(const T& tree) {
  std::string out;
  detail::append_structure(tree, out);
  return out;
}

/// A copy of `prototype` with other leaves. ShapeError when their number differs; TraceError when a traced one comes to stand
/// where the prototype has a C++ number.
template <Tree T> T unflatten(T prototype, const std::vector<Array>& leaves) {
  std::size_t next = 0;
  if (flatten(prototype).size() != leaves.size()) {
    throw ShapeError("unflatten: the tree " + structure(prototype) + " does not have " + std::to_string(leaves.size()) +
                     " leaves");
  }
  detail::assign_leaves(prototype, leaves, next);
  return prototype;
}

/// f(leaf, leaf of the others...) for every leaf of trees that are alike. ShapeError when they are not.
template <class F, Tree T, Tree... U> tree_t<T> tree_map(F&& f, const T& tree, const U&... others) {
  const std::string own = structure(tree);
  for (const std::string& other : std::initializer_list<std::string>{structure(others)...}) {
    if (other != own) throw ShapeError("tree_map: the trees have the structures " + own + " and " + other);
  }
  const std::array<std::vector<Array>, 1 + sizeof...(U)> in{flatten(tree), flatten(others)...};
  std::vector<Array> out;
  for (std::size_t k = 0; k < in[0].size(); ++k)
    out.push_back(std::apply([&](const auto&... leaves) { return Array(f(leaves[k]...)); }, in));
  return unflatten(detail::as_tree(tree), out);
}

}  // namespace dini
