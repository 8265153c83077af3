// core/array.hpp, core/index.hpp and core/error.hpp: what an array is made of, reading it, and what is refused.
#include "dini/core/array.hpp"

#include <cstdint>
#include <thread>

#include "../allocations.hpp"
#include "../ops/expect_array.hpp"

namespace dini {
namespace {

const detail::Value* value_of(const Array& a) { return static_cast<const detail::Value*>(a.node()); }

// ---- Making arrays ---------------------------------------------------------------------------------------------------

TEST(Array, TakesShapeAndDtypeFromWhatItIsMadeOf) {
  struct Case {
    Array array;
    const char* type;
    std::vector<double> values;
  };
  const Case cases[] = {
      // C++ numbers are weak, array(number) is not.
      {2.5, "float64*()", {2.5}},
      {2.5f, "float64*()", {2.5}},
      {-3, "int64*()", {-3}},
      {true, "bool*()", {1}},
      {array(2.5), "float64()", {2.5}},
      {array(2.5f), "float32()", {2.5}},
      {array(2.5L), "float64()", {2.5}},
      {array(-3), "int32()", {-3}},
      {array(std::int64_t{1} << 40), "int64()", {0x1p40}},
      {array(4000000000u), "int64()", {4e9}},
      {array(true), "bool()", {1}},
      // C++ integers in braces are int64, as NumPy's.
      {array({1, 2}), "int64(2,)", {1, 2}},
      {array({1.5f, 2.0f}), "float32(2,)", {1.5, 2}},
      {array({true, false}), "bool(2,)", {1, 0}},
      {array(std::vector<double>{}), "float64(0,)", {}},
      {array(std::vector<bool>{false, true}), "bool(2,)", {0, 1}},
      {array(std::vector<short>{7}), "int64(1,)", {7}},
      {array({{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}}), "float64(3, 2)", {1, 2, 3, 4, 5, 6}},
      {array({{{1, 2, 3}, {4, 5, 6}}}), "int64(1, 2, 3)", {1, 2, 3, 4, 5, 6}},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(c.array.aval().str(), c.type);
    EXPECT_EQ(c.array.to_vector<double>(), c.values) << c.type;
    EXPECT_TRUE(c.array.defined() && c.array.concrete());
    EXPECT_EQ(c.array.weak(), std::string(c.type).find('*') != std::string::npos);
    EXPECT_EQ(c.array.ndim(), c.array.shape().ndim());
    EXPECT_EQ(c.array.size(), static_cast<std::int64_t>(c.values.size()));
  }
  const char* const ragged = "array: the rows have different lengths";
  expect_error<ShapeError>([] { array({{1.0, 2.0}, {3.0}}); }, ragged);
  expect_error<ShapeError>([] { array({{{1.0}, {2.0}}, {{3.0}}}); }, ragged);
  expect_error<ShapeError>([] { array({{{1.0}, {2.0, 3.0}}}); }, ragged);
}

TEST(Array, CopiesTheDataThatItIsGiven) {
  std::vector<float> source{1, 2, 3, 4, 5, 6};
  const Array a = from_data(source.data(), {2, 3});
  source[0] = 99;
  EXPECT_EQ(a.aval().str(), "float32(2, 3)");
  EXPECT_EQ(a.data<float>()[0], 1);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(a.raw()) % 64, 0u);
}

// ---- Copies ----------------------------------------------------------------------------------------------------------

TEST(Array, CopiesShareTheDataAndNothingChangesIt) {
  const Array a = array({1.0, 2.0, 3.0});
  Array b = a;
  EXPECT_EQ(b.raw(), a.raw());
  EXPECT_EQ(a.node(), b.node());
  // What looks like a change makes another array.
  b += 1;
  EXPECT_EQ(b.to_vector<double>(), (std::vector<double>{2, 3, 4}));
  b -= a;
  b *= a;
  b /= 4;
  EXPECT_EQ(b.to_vector<double>(), (std::vector<double>{0.25, 0.5, 0.75}));
  EXPECT_EQ(a.at(0).set(9).to_vector<double>(), (std::vector<double>{9, 2, 3}));
  EXPECT_EQ((+a).raw(), a.raw());
  EXPECT_EQ(a.to_vector<double>(), (std::vector<double>{1, 2, 3}));
  // Another shape of the same data, without a copy; the data outlives the array it was made for.
  Array column;
  {
    const Array own = array({4.0, 5.0});
    column = with_aval(own, {{2, 1}, float64, false});
    EXPECT_EQ(column.raw(), own.raw());
  }
  expect_array(column, {2, 1}, {4, 5});
  Array moved = std::move(column);
  EXPECT_FALSE(column.defined());  // NOLINT: moved from means empty
  EXPECT_TRUE(moved.defined());
}

TEST(Array, AdoptsMemoryOfOthers) {
  auto owner = std::make_shared<std::vector<double>>(std::vector<double>{1, 2, 3, 4});
  const double* memory = owner->data();
  const std::weak_ptr<std::vector<double>> alive = owner;
  Array a = adopt({{2, 2}, float64, false}, memory, std::move(owner));
  EXPECT_EQ(a.raw(), memory);
  expect_array(a, {2, 2}, {1, 2, 3, 4});
  EXPECT_FALSE(value_of(a)->buffer->unique());  // or somebody might write to it
  // Nothing that is computed from it is computed in it, eagerly or compiled.
  expect_array(jit([](const Array& x) { return x * 2 + 1; })(a + 0.0), {2, 2}, {3, 5, 7, 9});
  expect_array(jit([](const Array& x) { return x.at(0, 0).set(7); })(a), {2, 2}, {7, 2, 3, 4});
  EXPECT_EQ(*memory, 1);
  Array other = with_aval(a, {{4}, float64, false});
  a = Array();
  EXPECT_FALSE(alive.expired());
  other = Array();
  EXPECT_TRUE(alive.expired());
  auto any = std::make_shared<int>(0);
  EXPECT_EQ(adopt({{0}, float32, false}, nullptr, any).size(), 0);
  expect_error<ValueError>(
      [&] {
        adopt({{2}, float64, false}, nullptr, any);
      },
      "adopt: no memory for an array float64(2,)");
  expect_error<ValueError>([&] { adopt({{1}, float64, false}, memory, nullptr); }, "adopt: the memory has no owner");
  const char* odd = reinterpret_cast<const char*>(memory) + 1;
  expect_error<ValueError>(
      [&] {
        adopt({{1}, float64, false}, odd, any);
      },
      "adopt: the memory is not aligned to the 8 bytes of an element");
}

TEST(Array, IsCountedAcrossThreads) {
  const Array a = array({1.0, 2.0});
  {
    const auto copy = [&a] {
      for (int k = 0; k < 100000; ++k) {
        Array one = a, two = one;
        one = with_aval(two, {{2, 1}, float64, false});
        two = Array();
      }
    };
    std::thread first(copy), second(copy);
    first.join();
    second.join();
  }
  EXPECT_EQ(value_of(a)->refs.load(), 1u);
  EXPECT_TRUE(value_of(a)->buffer->unique());
  EXPECT_EQ(a.to_vector<double>(), (std::vector<double>{1, 2}));
  // The last handle may be dropped by a thread that did not make it.
  Array last = array({3.0});
  std::thread([taken = std::move(last)] { EXPECT_EQ(taken.item(), 3); }).join();
}

// ---- Reading ---------------------------------------------------------------------------------------------------------

TEST(Array, GivesItsElements) {
  const Array a = array({{1.9, -2.0}, {0.0, 1e10}});
  EXPECT_EQ(a.data<double>().size(), 4u);
  EXPECT_EQ(a.data<double>()[3], 1e10);
  EXPECT_EQ(a.to_vector<float>(), (std::vector<float>{1.9f, -2, 0, 1e10f}));
  EXPECT_EQ(a.to_vector<std::int64_t>(), (std::vector<std::int64_t>{1, -2, 0, 10000000000}));
  EXPECT_EQ(a.to_vector<bool>(), (std::vector<bool>{true, true, false, true}));
  EXPECT_EQ(array({true, false}).to_vector<int>(), (std::vector<int>{1, 0}));
  EXPECT_TRUE(array(std::vector<double>{}).data<double>().empty());
  expect_error<DtypeError>([&] { a.data<float>(); }, "Array::data: asked for float32, the array is float64(2, 2)");
  expect_error<DtypeError>([] { array({1}).data<double>(); }, "Array::data: asked for float64, the array is int64(1,)");
}

TEST(Array, GivesItsOneElement) {
  EXPECT_EQ(array(2.75).item(), 2.75);
  EXPECT_EQ(array(-2.75).item<int>(), -2);
  EXPECT_EQ(array({{7}}).item<float>(), 7.0f);                                // of any shape with one element
  EXPECT_EQ(array(9007199254740993).item<std::int64_t>(), 9007199254740993);  // that is no double
  EXPECT_EQ(array(true).item<double>(), 1);
  EXPECT_TRUE(array(0.5).item<bool>());
  EXPECT_FALSE(array(0).item<bool>());
  EXPECT_TRUE(static_cast<bool>(array(0.25)));
  EXPECT_TRUE(static_cast<bool>(array({{-1}})));
  EXPECT_FALSE(static_cast<bool>(array(-0.0)));
  EXPECT_TRUE(static_cast<bool>(array(std::nan(""))));  // as NumPy's
  for (const Array& a : {array({1.0, 2.0}), array(std::vector<double>{}), array({{0.0}, {0.0}})}) {
    const std::string message = "Array::item: the array has shape " + a.shape().str() + ", not one element";
    expect_error<ShapeError>([&] { a.item(); }, message);
    expect_error<ShapeError>([&] { a.item<int>(); }, message);
    expect_error<ShapeError>([&] { static_cast<void>(static_cast<bool>(a)); }, message);
  }
}

TEST(Array, ThatWasNeverAssignedSaysSo) {
  const Array none;
  EXPECT_FALSE(none.defined());
  EXPECT_FALSE(none.concrete());
  const char* const reading = "Array: reading an array that was never assigned";
  expect_error<ValueError>([&] { none.raw(); }, reading);
  expect_error<ValueError>([&] { none.item(); }, reading);
  expect_error<ValueError>([&] { static_cast<void>(static_cast<bool>(none)); }, reading);
  expect_error<ValueError>([&] { none.aval(); }, reading);
  expect_error<ValueError>([&] { none.shape(); }, reading);
  expect_error<ValueError>([&] { none.dtype(); }, reading);
  expect_error<ValueError>([&] { none.ndim(); }, reading);
  expect_error<ValueError>([&] { none.size(); }, reading);
  expect_error<ValueError>([&] { none.weak(); }, reading);
  expect_error<ValueError>([&] { none.data<double>(); }, reading);
  expect_error<ValueError>([&] { none.to_vector<double>(); }, reading);
  expect_error<ValueError>([&] { none + 1; }, "+: an array that was never assigned");
}

// ---- Arrays that no memory holds -------------------------------------------------------------------------------------

TEST(Array, ThatNoMemoryHoldsIsRefusedBeforeAnAllocation) {
  constexpr std::int64_t million = 1000000;
  void* memory = nullptr;
  for (Dtype dtype : {bool_, int32, int64, float32, float64}) {
    const Aval aval{{million, million}, dtype, false};
    const std::string message = "allocate: an array " + aval.str() + " is larger than memory could hold";
    // An allocation would fail with another error.
    const tests::FailAllocation guard(20);
    expect_error<ShapeError>([&] { allocate(aval, &memory); }, message);
    EXPECT_FALSE(guard.happened()) << aval.str();
  }
  expect_error<ShapeError>(
      [] {
        zeros({million, million}, bool_);
      },
      "allocate: an array bool(1000000, 1000000) is larger than memory could hold");
  expect_error<ShapeError>(
      [] {
        broadcast_to(array(1.0f), {million, million});
      },
      "allocate: an array float32(1000000, 1000000) is larger than memory could hold");
  expect_error<ShapeError>(
      [] {
        zeros({std::int64_t{1} << 62, 4});
      },
      "Shape: the number of elements of (4611686018427387904, 4) overflows");
  EXPECT_EQ(zeros({million, million, 0}).size(), 0);
}

// ---- Index expressions -----------------------------------------------------------------------------------------------

TEST(Index, ItemsAreWhatTheyAreMadeOf) {
  struct Case {
    Slice slice;
    std::optional<std::int64_t> start, stop;
    std::int64_t step;
  };
  const Case cases[] = {
      {slice(), {}, {}, 1},           {slice(1, 4), 1, 4, 1},       {slice(-1, 0, -2), -1, 0, -2},
      {slice(0, end), 0, {}, 1},      {slice(1, end, 3), 1, {}, 3}, {slice(end, 3), {}, 3, 1},
      {slice(end, -2, 2), {}, -2, 2}, {slice(end, end), {}, {}, 1}, {slice(end, end, -1), {}, {}, -1},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(c.slice.start, c.start);
    EXPECT_EQ(c.slice.stop, c.stop);
    EXPECT_EQ(c.slice.step, c.step);
    EXPECT_EQ(IndexItem(c.slice).kind, IndexItem::Kind::slice);
  }
  EXPECT_EQ(IndexItem(-3).kind, IndexItem::Kind::integer);
  EXPECT_EQ(IndexItem(-3).integer, -3);
  EXPECT_EQ(IndexItem(newaxis).kind, IndexItem::Kind::newaxis);
  EXPECT_EQ(IndexItem(ellipsis).kind, IndexItem::Kind::ellipsis);
  const Array rows = array({0, 2});
  EXPECT_EQ(IndexItem(rows).kind, IndexItem::Kind::array);
  EXPECT_EQ(IndexItem(rows).array.node(), rows.node());
}

TEST(Index, PlacesAreReadAndUpdatedAlike) {
  const Array a = array({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}});
  const IndexUpdate place = a.at(ellipsis, slice(1, end));
  expect_array(place.get(), {2, 2}, {2, 3, 5, 6});
  expect_array(place.set(array({0, 9})), {2, 3}, {1, 0, 9, 4, 0, 9});  // broadcast, and converted
  expect_array(place.add(1), {2, 3}, {1, 3, 4, 4, 6, 7});
  expect_array(place.multiply(-1), {2, 3}, {1, -2, -3, 4, -5, -6});
  expect_array(place.divide(2), {2, 3}, {1, 1, 1.5, 4, 2.5, 3});
  expect_array(place.power(2), {2, 3}, {1, 4, 9, 4, 25, 36});
  expect_array(place.min(2.5), {2, 3}, {1, 2, 2.5, 4, 2.5, 2.5});
  expect_array(place.max(4), {2, 3}, {1, 4, 4, 4, 5, 6});
  // Twice the same place: `set` keeps the last value, the others take all.
  const Array twice = array({1, 1});
  expect_array(array({0.0, 10.0}).at(twice).set(array({3.0, 5.0})), {2}, {0, 5});
  expect_array(array({0.0, 10.0}).at(twice).add(array({3.0, 5.0})), {2}, {0, 18});
  expect_array(array({0.0, 10.0}).at(twice).multiply(array({3.0, 5.0})), {2}, {0, 150});
  expect_array(array({0.0, 30.0}).at(twice).divide(array({3.0, 5.0})), {2}, {0, 2});
  expect_array(a, {2, 3}, {1, 2, 3, 4, 5, 6});
}

// Only what has no name cannot be assigned (tests/compile_fail).
static_assert(std::is_nothrow_move_constructible_v<Array> && std::is_nothrow_move_assignable_v<Array>);
static_assert(std::is_copy_assignable_v<Array> && std::is_assignable_v<Array&, double> && std::is_swappable_v<Array>);

TEST(Array, IsAssignedLikeAnyValue) {
  Array a = array(1.0), b = array(2.0);
  std::swap(a, b);
  std::tie(a, b) = std::tuple(b + 10, a + 20);
  EXPECT_EQ(a.item(), 11.0);
  EXPECT_EQ(b.item(), 22.0);
  (a = b) += 1;
  EXPECT_EQ(std::exchange(a, 5.0).item(), 23.0);
  std::vector<Array> v{a, b};
  v[0] = b, v.at(1) -= 20;
  v.insert(v.begin(), a);
  std::sort(v.begin(), v.end(), [](const Array& x, const Array& y) { return static_cast<bool>(x < y); });
  EXPECT_EQ(concatenate({v[0](newaxis), v[1](newaxis), v[2](newaxis)}).to_vector<int>(), (std::vector{2, 5, 22}));
  std::map<std::string, Array> m;
  m["x"] = v.back();
  for (auto& [name, x] : m) x *= 2;
  EXPECT_EQ(m.at("x").item(), 44.0);
  auto counter = [sum = array(0.0)](const Array& x) mutable { return sum += x; };
  counter(1.0);
  EXPECT_EQ(counter(2.0).item(), 3.0);
}

// ---- Errors ----------------------------------------------------------------------------------------------------------

template <class E> void is_an_error() {
  static_assert(std::is_base_of_v<Error, E> && std::is_base_of_v<std::runtime_error, Error>);
  try {
    throw E("what was wrong");
  } catch (const Error& e) { EXPECT_STREQ(e.what(), "what was wrong"); }
}

TEST(Errors, AreOfOneBase) {
  is_an_error<ShapeError>();
  is_an_error<DtypeError>();
  is_an_error<TraceError>();
  is_an_error<ValueError>();
  is_an_error<FormulaError>();
  is_an_error<FileError>();
}

}  // namespace
}  // namespace dini
