// einsum: letters name axes. Operands are multiplied pair by pair, the pair with the smallest result first, each pair by
// one dot_general.
#include <algorithm>
#include <limits>
#include <map>
#include <string>

#include "dini/ops/contract.hpp"
#include "dini/ops/contract_ops.hpp"
#include "dini/ops/indexing.hpp"
#include "dini/ops/reduce.hpp"
#include "dini/ops/shaping.hpp"
#include "dini/ops/shaping_build.hpp"

namespace dini {

using detail::Ints;

namespace einsum_detail {

// A letter, or an axis of the ellipsis: -1 is the last of them, -2 the one before.
using Labels = std::vector<int>;

struct Term {
  Array a;
  Labels labels;
};

bool has(const Labels& labels, int label) { return std::find(labels.begin(), labels.end(), label) != labels.end(); }

class Einsum {
 public:
  Einsum(const std::string& subscripts, const std::vector<Array>& operands) : text_(subscripts) {
    parse(operands);
    for (Term& t : terms_) prepare(t);
  }

  Array run() {
    while (terms_.size() > 1) {
      std::size_t best_i = 0, best_j = 1;
      double best = std::numeric_limits<double>::infinity();
      for (std::size_t i = 0; i < terms_.size(); ++i) {
        for (std::size_t j = i + 1; j < terms_.size(); ++j) {
          double size = 1;
          for (const auto& [label, length] : lengths_) {
            if ((has(terms_[i].labels, label) || has(terms_[j].labels, label)) && kept(label, i, j)) {
              size *= static_cast<double>(length);
            }
          }
          if (size < best) best = size, best_i = i, best_j = j;
        }
      }
      Term product = multiply(best_i, best_j);
      terms_.erase(terms_.begin() + static_cast<std::ptrdiff_t>(best_j));
      terms_[best_i] = std::move(product);
    }
    Term t = sum_lost(terms_[0], [&](int label) { return has(result_, label); });
    Axes axes;
    for (int label : result_) {
      axes.push_back(static_cast<int>(std::find(t.labels.begin(), t.labels.end(), label) - t.labels.begin()));
    }
    return detail::emit_transpose(t.a, axes);
  }

 private:
  [[noreturn]] void fail(const std::string& why) const { throw ValueError("einsum: \"" + text_ + "\": " + why); }

  Labels read(const std::string& part, int ellipsis_axes) const {
    Labels labels;
    bool dots = false;
    for (std::size_t k = 0; k < part.size(); ++k) {
      const char c = part[k];
      if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
        labels.push_back(c);
      } else if (c == '.' && part.compare(k, 3, "...") == 0 && !dots) {
        for (int n = ellipsis_axes; n > 0; --n) labels.push_back(-n);
        dots = true;
        k += 2;
      } else {
        fail(std::string("'") + c + "' is not understood");
      }
    }
    return labels;
  }

  void parse(const std::vector<Array>& operands) {
    std::string clean;
    for (char c : text_) {
      if (c != ' ') clean += c;
    }
    const std::size_t arrow = clean.find("->");
    const std::string left = clean.substr(0, arrow);
    std::vector<std::string> parts{""};
    for (char c : left) {
      if (c == ',')
        parts.emplace_back();
      else
        parts.back() += c;
    }
    if (parts.size() != operands.size()) {
      fail("has " + std::to_string(parts.size()) + " operands, but " + std::to_string(operands.size()) + " are given");
    }
    for (const Array& a : operands) detail::check_defined(a, "einsum");
    const Dtype dtype = common_dtype(Leaves(operands)).dtype;
    int most_dots = 0;
    for (std::size_t k = 0; k < parts.size(); ++k) {
      const bool dots = parts[k].find("...") != std::string::npos;
      const int letters = static_cast<int>(read(parts[k], 0).size());
      const int free = operands[k].ndim() - letters;
      if (free < 0 || (free > 0 && !dots)) {
        throw ShapeError("einsum: \"" + parts[k] + "\" does not fit an array of shape " + operands[k].shape().str());
      }
      most_dots = std::max(most_dots, free);
      terms_.push_back({detail::as_operand(operands[k], dtype), read(parts[k], free)});
      for (std::size_t d = 0; d < terms_[k].labels.size(); ++d) {
        std::int64_t& length = lengths_.try_emplace(terms_[k].labels[d], 1).first->second;
        const std::int64_t mine = operands[k].shape()[static_cast<int>(d)];
        if (length != 1 && mine != 1 && length != mine) {
          const int label = terms_[k].labels[d];
          throw ShapeError("einsum: \"" + text_ +
                           "\": " + (label > 0 ? std::string(1, static_cast<char>(label)) : "...") +
                           " has the lengths " + std::to_string(length) + " and " + std::to_string(mine));
        }
        if (mine != 1) length = mine;
      }
      check_diagonals(terms_[k]);
    }
    if (arrow != std::string::npos) {
      result_ = read(clean.substr(arrow + 2), most_dots);
    } else {
      for (int n = most_dots; n > 0; --n) result_.push_back(-n);
      for (const auto& [label, length] : lengths_) {
        int times = 0;
        for (const Term& t : terms_) times += static_cast<int>(std::count(t.labels.begin(), t.labels.end(), label));
        if (label > 0 && times == 1) result_.push_back(label);
      }
    }
    if (most_dots > 0 && !has(result_, -1)) fail("the result has no ..., but an operand's stands for axes");
    for (std::size_t k = 0; k < result_.size(); ++k) {
      const std::string name = result_[k] > 0 ? std::string(1, static_cast<char>(result_[k])) : "...";
      if (!lengths_.contains(result_[k])) fail(name + " of the result is in no operand");
      if (std::count(result_.begin(), result_.end(), result_[k]) > 1) fail(name + " stands twice in the result");
    }
  }

  // The axes of a diagonal have one length; 1 is no exception within an operand.
  void check_diagonals(const Term& t) const {
    for (std::size_t i = 0; i < t.labels.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        const std::int64_t m = t.a.shape()[static_cast<int>(j)], n = t.a.shape()[static_cast<int>(i)];
        if (t.labels[i] != t.labels[j] || m == n) continue;
        throw ShapeError("einsum: \"" + text_ + "\": " + std::string(1, static_cast<char>(t.labels[i])) +
                         " has the lengths " + std::to_string(m) + " and " + std::to_string(n) + " in one operand");
      }
    }
  }

  // Axes of length 1 that are longer elsewhere go; of a repeated label the diagonal is taken.
  void prepare(Term& t) {
    for (std::size_t d = t.labels.size(); d-- > 0;) {
      if (t.a.shape()[static_cast<int>(d)] == 1 && lengths_.at(t.labels[d]) != 1) {
        t.a = squeeze(t.a, static_cast<int>(d));
        t.labels.erase(t.labels.begin() + static_cast<std::ptrdiff_t>(d));
      }
    }
    for (std::size_t i = 0; i < t.labels.size(); ++i) {
      for (std::size_t j = i + 1; j < t.labels.size(); ++j) {
        if (t.labels[i] != t.labels[j]) continue;
        const int label = t.labels[i];
        t.a = diagonal(t.a, 0, static_cast<int>(i), static_cast<int>(j));
        t.labels.erase(t.labels.begin() + static_cast<std::ptrdiff_t>(j));
        t.labels.erase(t.labels.begin() + static_cast<std::ptrdiff_t>(i));
        t.labels.push_back(label);
        return prepare(t);
      }
    }
  }

  // Whether a label is wanted once terms i and j are multiplied.
  bool kept(int label, std::size_t i, std::size_t j) const {
    if (has(result_, label)) return true;
    for (std::size_t k = 0; k < terms_.size(); ++k) {
      if (k != i && k != j && has(terms_[k].labels, label)) return true;
    }
    return false;
  }

  template <class Wanted> Term sum_lost(const Term& t, Wanted&& wanted) const {
    Axes axes;
    Labels rest;
    for (std::size_t d = 0; d < t.labels.size(); ++d) {
      if (wanted(t.labels[d]))
        rest.push_back(t.labels[d]);
      else
        axes.push_back(static_cast<int>(d));
    }
    if (axes.empty()) return t;
    if (t.a.dtype() == Dtype::bool_) return {any(t.a, axes), rest};
    return {astype(sum(t.a, axes), t.a.dtype()), rest};
  }

  Term multiply(std::size_t i, std::size_t j) {
    const auto half = [&](std::size_t mine, std::size_t other) {
      return sum_lost(terms_[mine], [&](int l) { return has(terms_[other].labels, l) || kept(l, i, j); });
    };
    const Term x = half(i, j), y = half(j, i);
    Ints lc, rc, lb, rb;
    Labels labels, left, right;
    for (std::size_t d = 0; d < x.labels.size(); ++d) {
      const auto at = std::find(y.labels.begin(), y.labels.end(), x.labels[d]);
      if (at == y.labels.end()) {
        left.push_back(x.labels[d]);
      } else if (kept(x.labels[d], i, j)) {
        labels.push_back(x.labels[d]);
        lb.push_back(static_cast<std::int64_t>(d));
        rb.push_back(at - y.labels.begin());
      } else {
        lc.push_back(static_cast<std::int64_t>(d));
        rc.push_back(at - y.labels.begin());
      }
    }
    for (int l : y.labels) {
      if (!has(x.labels, l)) right.push_back(l);
    }
    labels.insert(labels.end(), left.begin(), left.end());
    labels.insert(labels.end(), right.begin(), right.end());
    const bool logical = x.a.dtype() == Dtype::bool_;
    const auto operand = [&](const Array& a) { return logical ? astype(a, Dtype::int32) : a; };
    const Array out = detail::emit_dot_general(operand(x.a), operand(y.a), lc, rc, lb, rb);
    return {logical ? astype(out, Dtype::bool_) : out, labels};
  }

  std::string text_;
  std::vector<Term> terms_;
  Labels result_;
  std::map<int, std::int64_t> lengths_;
};

}  // namespace einsum_detail

Array einsum(const std::string& subscripts, const std::vector<Array>& operands) {
  return einsum_detail::Einsum(subscripts, operands).run();
}

}  // namespace dini
