// What decides what a compiled function computes beside the arrays that it is given: the members of structs that are no part of
// their trees. jit compiles anew where one differs.
//
//     struct Layer {
//       Array W;
//       int power = 2;                                       // compared by jit, and by no one else
//       auto tree() { return std::tie(W); }
//     };
//     struct Model {
//       Array W;
//       std::function<Array(const Array&)> activation;       // cannot be compared:
//       std::string name;                                    // what stands for it
//       auto tree() { return std::tie(W); }
//       auto statics() const { return std::tie(name); }      // all that a function may depend on beside the tree
//     };
//
// Compared are numbers, enumerators, strings, arrays, and std::optional, std::variant, tuples, ranges and structs of these. A class
// whose members cannot be seen (core/fields.hpp) declares statics(), unless its tree() has all that is in it.
#pragma once

#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "dini/core/tree.hpp"

namespace dini::detail {

/// Shape, dtype and elements. TraceError where they cannot be read.
void append_elements(const Array& a, std::string& key);

template <class T> struct is_optional : std::false_type {};
template <class T> struct is_optional<std::optional<T>> : std::true_type {};
template <class T> struct is_variant : std::false_type {};
template <class... T> struct is_variant<std::variant<T...>> : std::true_type {};

inline void append_bytes(const void* data, std::size_t size, std::string& key) {
  key.append(static_cast<const char*>(data), size);
}
inline void append_text(std::string_view text, std::string& key) {
  const std::size_t size = text.size();
  append_bytes(&size, sizeof size, key);
  key += text;
}

// A value, but for what stands at an address that `in_tree` names: that is traced.
template <class T, class InTree> void append_value(const T& value, const InTree& in_tree, std::string& key) {
  if (in_tree(static_cast<const void*>(&value))) return;
  const auto append = [&](const auto& part) { append_value(part, in_tree, key); };
  if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
    append_bytes(&value, sizeof value, key);
  } else if constexpr (std::is_same_v<T, Array>) {
    append_elements(value, key);
  } else if constexpr (HasStatics<T>) {
    append_value(
        value.statics(), [](const void*) { return false; }, key);
  } else if constexpr (std::is_empty_v<T>) {
    return;
  } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    append_text(value, key);
  } else if constexpr (is_optional<T>::value) {
    key += value ? '1' : '0';
    if (value) append(*value);
  } else if constexpr (is_variant<T>::value) {
    append(value.index());
    std::visit(append, value);
  } else if constexpr (is_tuple<T>::value) {
    std::apply([&](const auto&... part) { (append(part), ...); }, value);
  } else if constexpr (requires { std::begin(value), std::end(value); }) {
    append(static_cast<std::size_t>(std::distance(std::begin(value), std::end(value))));
    for (const auto& part : value) append(part);
  } else if constexpr (fields_of<T>() > 0) {
    std::apply([&](const auto&... part) { (append(part), ...); }, fields(value));
  } else {
    static_assert(
        never<T>,
        "jit: a struct has a member outside of tree() that cannot be compared, so that another value of it would go "
        "unnoticed: declare in the struct auto statics() const { return std::tie(p, q); } with all that functions "
        "of it depend on beside the tree");
  }
}

// Whether tree() has all that is in a T.
template <class T, class Members> constexpr bool all_in_tree = false;
template <class T, class... M>
constexpr bool all_in_tree<T, std::tuple<M...>> = std::is_empty_v<T> || (0 + ... + sizeof(M)) == sizeof(T);

/// What is in a tree beside its leaves.
template <class T> void append_statics(const T& tree, std::string& key) {
  const auto append = [&](const auto&... part) { (append_statics(part, key), ...); };
  if constexpr (std::is_same_v<T, Array> || std::is_same_v<T, None> || std::is_arithmetic_v<T>) {
    return;
  } else if constexpr (is_tuple<T>::value) {
    std::apply(append, tree);
  } else if constexpr (is_sequence<T>::value) {
    if constexpr (!std::is_same_v<tree_of<typename T::value_type>, Array>)
      for (const auto& part : tree) append(part);
  } else if constexpr (is_map<T>::value) {
    for (const auto& [name, part] : tree) append(part);
  } else {
    const auto named = members(const_cast<T&>(tree));
    if constexpr (HasStatics<T>) {
      std::apply(append, named);
      append_value(
          tree.statics(), [](const void*) { return false; }, key);
    } else if constexpr (fields_of<T>() > 0) {
      const auto in_tree = [&](const void* at) {
        return std::apply(
            [&](const auto&... member) {
              return ((at >= static_cast<const void*>(&member) && at < static_cast<const void*>(&member + 1)) || ...);
            },
            named);
      };
      const auto append_field = [&]<class F>(const F& field) {
        if constexpr (arrays_in<F>() > 0)
          append_statics(field, key);  // it is in the tree, or its parts are
        else
          append_value(field, in_tree, key);
      };
      const auto all = fields(tree);
      [&]<std::size_t... I>(std::index_sequence<I...>) { (append_field(std::get<I>(all)), ...); }
      (std::make_index_sequence<fields_of<T>()>());
    } else {
      static_assert(
          all_in_tree<T, std::remove_const_t<decltype(named)>>,
          "jit: which members a class has beside its tree() cannot be seen where it has constructors, private members "
          "or a base: "
          "declare in it auto statics() const { return std::tie(p, q); } with all that functions of it depend on "
          "beside the tree, or std::tuple<>()");
      std::apply(append, named);
    }
  }
}

}  // namespace dini::detail
