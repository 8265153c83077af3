// transforms/host_map.hpp: functions that are called at run time, with derivatives: when they are called, by whom, and what is refused.
// (What they compute, in every mode, order and batch, the generated tests of all ops compare.)
#include "dini/transforms/host_map.hpp"

#include "expect.hpp"

namespace dini {
namespace {

// x -> sin x, for arrays of any shape; linearised and transposed by the same factor.
struct Sine final : HostMap {
  mutable int calls = 0;
  bool scaled = false;  // (x, ẋ) -> cos(x) ẋ
  std::string name() const override { return "sine"; }
  std::size_t results() const override { return 1; }
  std::size_t linear() const override { return scaled ? 1 : 0; }
  std::vector<Aval> outputs(std::span<const Aval> in) const override { return {in.back()}; }
  Leaves call(const Leaves& in) const override {
    ++calls;
    for (const Array& a : in) EXPECT_TRUE(a.concrete());
    return {scaled ? cos(in[0]) * in[1] : sin(in[0])};
  }
  HostMapRef linearized() const override {
    if (scaled) return HostMap::linearized();
    if (!slope) {
      slope = std::make_shared<Sine>();
      slope->scaled = true;
    }
    return slope;
  }
  HostMapRef transposed() const override { return shared_from_this(); }
  mutable std::shared_ptr<Sine> slope;
};

const Array x3 = array({0.3, -1.2, 0.7});

TEST(HostMap, IsDifferentiatedBatchedAndCompiled) {
  const auto map = std::make_shared<Sine>();
  auto f = [&](const Array& x) { return sum(call_host(map, {x})[0] * x); };
  const Array slope = cos(x3) * x3 + sin(x3);
  close(f(x3), sum(sin(x3) * x3));
  EXPECT_EQ(map->calls, 1);
  close(grad(f)(x3), slope);
  close(jit(grad(f))(x3), slope);
  close(jvp(f, x3, x3).tangent, sum(slope * x3));
  const Array rows = stack({x3, 2 * x3});
  close(vmap(grad(f))(rows), stack({slope, grad(f)(2 * x3)}));
  // Within a solve, and through it.
  auto solved = [&](const Array& a) {
    return root([&](const Array& t, const Array& z) { return z + call_host(map, {z})[0] - t; }, array(0.0), {}, a)
        .value;
  };
  const double z = solved(array(1.0)).item();
  close(grad(solved)(array(1.0)), array(1 / (1 + std::cos(z))), 1e-12);
  close(jit(grad(solved))(array(1.0)), array(1 / (1 + std::cos(z))), 1e-12);
}

// (x, k) -> (k x, k + 1): whole numbers go in and come out, and have no derivative.
struct Scaled final : HostMap {
  int form = 0;  // 0: as it is; 1: (x, k, ẋ, k̇) -> (k ẋ, 0); 2: (x, k, ȳ, n̄) -> (k ȳ, 0)
  explicit Scaled(int f) : form(f) {}
  std::string name() const override { return "scaled"; }
  std::size_t results() const override { return 2; }
  std::size_t linear() const override { return form == 0 ? 0 : 2; }
  std::vector<Aval> outputs(std::span<const Aval> in) const override { return {in[0], in[1]}; }
  Leaves call(const Leaves& in) const override {
    if (form == 0) return {in[0] * in[1], in[1] + 1};
    return {in[2] * in[1], zeros(in[1].shape(), Dtype::int64)};
  }
  HostMapRef linearized() const override { return std::make_shared<Scaled>(1); }
  HostMapRef transposed() const override { return std::make_shared<Scaled>(3 - form); }
};

TEST(HostMap, WholeNumbersGoInAndComeOut) {
  const auto map = std::make_shared<Scaled>(0);
  const Array k = array({1, 2, 3});
  auto f = [&](const Array& x) { return sum(call_host(map, {x, k})[0] * x); };
  const Leaves both = call_host(map, {x3, k});
  close(both[0], x3 * k);
  EXPECT_EQ(both[1].dtype(), Dtype::int64);
  EXPECT_EQ(both[1](2).item<int>(), 4);
  EXPECT_EQ(jit([&](const Array& x) { return call_host(map, {x, k})[1]; })(x3)(0).item<int>(), 2);
  for (const Array& g : {grad(f)(x3), jit(grad(f))(x3), jacfwd(f)(x3), vmap(grad(f))(stack({x3, x3}))(1)})
    close(g, 2 * x3 * k);
}

TEST(HostMap, WhatIsNotKnownIsRefused) {
  const auto map = std::make_shared<Sine>();
  auto f = [&](const Array& x) { return call_host(map, {x})[0]; };
  throws<TraceError>([&] { grad(grad(f))(array(1.0)); }, {"sine", "derivative"});
  struct Wrong final : HostMap {
    std::string name() const override { return "wrong"; }
    std::size_t results() const override { return 1; }
    std::vector<Aval> outputs(std::span<const Aval> in) const override { return {in[0]}; }
    Leaves call(const Leaves&) const override { return {zeros({7})}; }
  };
  const auto wrong = std::make_shared<Wrong>();
  throws<ShapeError>([&] { call_host(wrong, {x3}); }, {"wrong", "(7,)"});
  throws<DtypeError>([&] { call_host(wrong, {array({1, 2, 3})}); }, {"wrong", "int64"});
}

}  // namespace
}  // namespace dini
