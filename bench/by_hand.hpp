// Layers z = tanh(W z + x) by Dini and by loops written by hand over Eigen: one layer of any size, and many small ones that share W.
#pragma once

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include <dini/dini.hpp>

#include "harness.hpp"

namespace bench {

inline dini::Array layer(const dini::Array& W, const dini::Array& x, const dini::Array& z) {
  return tanh(dot(W, z) + x);
}

template <class T> std::pair<dini::Array, dini::Array> inputs(int n) {
  const dini::Dtype dtype = dini::dtype_of<T>();
  namespace random = dini::random;
  return {0.7 * random::normal(random::key(0), {n, n}, dtype) / std::sqrt(static_cast<double>(n)),
          random::normal(random::key(1), {n}, dtype)};
}

// One layer, forward until two iterates are within the tolerance, and its gradient in W and x by the same iteration.
template <class T> struct LayerByHand {
  Eigen::Map<const Matrix<T>> W;
  Eigen::Map<const Vector<T>> x;
  T tolerance;
  Vector<T> before, z, slope, product, u, v;
  Matrix<T> gradient_W;
  int steps = 0;

  LayerByHand(int n, const T* w, const T* b, T tol)
      : W(w, n, n), x(b, n), tolerance(tol), before(n), z(n), slope(n), product(n), u(n), v(n), gradient_W(n, n) {}

  T value() {
    before.setZero();
    z = x;
    tanh_of(z);
    for (steps = 1; (before - z).norm() > tolerance; ++steps) {
      before.swap(z);
      z.noalias() = W * before;
      z += x;
      tanh_of(z);
    }
    return z.sum();
  }
  T value_and_gradient() {
    const T result = value();
    slope.noalias() = W * z;
    slope += x;
    tanh_of(slope);
    slope = T(1) - slope.array().square();
    u.setZero();
    v.setOnes();
    while ((u - v).norm() > tolerance) {
      u.swap(v);
      product = slope.cwiseProduct(u);
      v.noalias() = W.transpose() * product;
      v.array() += T(1);
    }
    product = slope.cwiseProduct(v);  // the gradient in x
    gradient_W.noalias() = product * z.transpose();
    return result;
  }
};

// Sixteen lanes side by side: a register holds one unknown of each.
struct LayersByHand {
  static constexpr int n = 10, width = 16;
  using Lanes = Eigen::Array<float, width, 1>;
  using Tile = Eigen::Array<float, width, n>;
  const float *W, *X;
  std::int64_t lanes;
  std::vector<double> gradient_W = std::vector<double>(n * n);
  std::vector<float> gradient_X = std::vector<float>(static_cast<std::size_t>(lanes) * n);

  Tile layer(const Tile& z, const Tile& x) const {
    Tile out;
    for (int i = 0; i < n; ++i) {
      Lanes sum = x.col(i);
      for (int j = 0; j < n; ++j) sum += W[i * n + j] * z.col(j);
      out.col(i) = sum;
    }
    return out.tanh();
  }
  static bool apart(const Tile& a, const Tile& b) { return (a - b).square().rowwise().sum().maxCoeff() > 1e-10f; }

  double run(bool gradient) {
    double total = 0;
    std::fill(gradient_W.begin(), gradient_W.end(), 0.0);
    for (std::int64_t first = 0; first + width <= lanes; first += width) {
      Tile x, before = Tile::Zero();
      for (int l = 0; l < width; ++l)
        for (int i = 0; i < n; ++i) x(l, i) = X[(first + l) * n + i];
      Tile z = layer(before, x);
      while (apart(before, z)) {
        before = z;
        z = layer(before, x);
      }
      total += z.sum();
      if (!gradient) continue;
      const Tile slope = 1 - layer(z, x).square();
      Tile u = Tile::Zero(), v = Tile::Ones();
      while (apart(u, v)) {
        u = v;
        const Tile s = slope * u;
        for (int j = 0; j < n; ++j) {
          Lanes sum = Lanes::Ones();
          for (int i = 0; i < n; ++i) sum += W[i * n + j] * s.col(i);
          v.col(j) = sum;
        }
      }
      const Tile s = slope * v;
      for (int i = 0; i < n; ++i)
        for (int j = 0; j < n; ++j) gradient_W[i * n + j] += (s.col(i) * z.col(j)).sum();
      for (int l = 0; l < width; ++l)
        for (int i = 0; i < n; ++i) gradient_X[(first + l) * n + i] = s(l, i);
    }
    return total;
  }
};

}  // namespace bench
