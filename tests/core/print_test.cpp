// Arrays print as NumPy prints them: tests/data/print_table.json is from NumPy (scripts/make_print_table.py).
#include "dini/core/print.hpp"

#include <gtest/gtest.h>

#include <clocale>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <locale>
#include <nlohmann/json.hpp>
#include <sstream>

namespace dini::print_test {

double number(const nlohmann::json& v) {
  return v.is_string() ? std::strtod(v.get<std::string>().c_str(), nullptr) : v.get<double>();
}

Array array_of(const nlohmann::json& row) {
  const std::string dtype = row["dtype"];
  const Shape shape(row["shape"].get<std::vector<std::int64_t>>());
  const nlohmann::json& data = row["data"];
  const Dtype d = dtype == "bool"      ? bool_
                  : dtype == "int32"   ? int32
                  : dtype == "int64"   ? int64
                  : dtype == "float32" ? float32
                                       : float64;
  EXPECT_EQ(dtype, name(d));
  void* memory;
  Array out = allocate({shape, d, false}, &memory);
  visit_dtype(d, [&]<class T>() {
    for (std::size_t k = 0; k < data.size(); ++k) {
      if constexpr (std::is_floating_point_v<T>)
        static_cast<T*>(memory)[k] = static_cast<T>(number(data[k]));
      else
        static_cast<T*>(memory)[k] = static_cast<T>(data[k].get<std::int64_t>());
    }
  });
  return out;
}

TEST(Print, AsNumpy) {
  std::ifstream in(DINI_SOURCE_DIR "/tests/data/print_table.json");
  const auto table = nlohmann::json::parse(in);
  ASSERT_GT(table.size(), 90u);
  for (const auto& row : table) {
    PrintOptions options;
    const auto& o = row["options"];
    options.threshold = o.value("threshold", options.threshold);
    options.edgeitems = o.value("edgeitems", options.edgeitems);
    options.line_width = o.value("linewidth", options.line_width);
    options.precision = o.value("precision", options.precision);
    EXPECT_EQ(to_string(array_of(row), options), row["text"].get<std::string>())
        << row["dtype"] << row["shape"] << row["options"];
  }
}

TEST(Print, StreamIsTheString) {
  std::ostringstream out;
  out << array(2.0f) << "\n" << array({1.0, -2.5});
  EXPECT_EQ(out.str(), "2.0\n[ 1.  -2.5]");
}

TEST(Print, UnlimitedPrecisionReadsBack) {
  const double third = 1.0 / 3, tenth = 0.1, small = 1e-9 / 7;
  EXPECT_EQ(to_string(array({third, tenth}), {.precision = -1}), "[0.3333333333333333 0.1               ]");
  EXPECT_EQ(std::strtod(to_string(array({small}), {.precision = -1}).c_str() + 1, nullptr), small);
}

TEST(Print, EmptyEdges) {
  EXPECT_EQ(to_string(array({1, 2, 3, 4}), {.threshold = 2, .edgeitems = 0}), "[...]");
  EXPECT_EQ(to_string(Array()), "<undefined>");
}

struct Comma : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

TEST(Print, TheLocaleChangesNothing) {
  const std::locale before = std::locale::global(std::locale(std::locale::classic(), new Comma));
  std::ostringstream out;
  out << array({1234.5, 0.25}) << array(1234567);
  std::locale::global(before);
  EXPECT_EQ(out.str(), "[1.2345e+03 2.5000e-01]1234567");
}

struct KnownTracer final : detail::Tracer {
  KnownTracer(Aval a, Array v) : Tracer(std::move(a), nullptr), value(std::move(v)) {}
  const Array* primal() const override { return value.defined() ? &value : nullptr; }
  Array value;
};

TEST(Print, TracedValues) {
  const Array value = array({1.5, 2.0});
  const auto traced = [](const Array& v, const Aval& aval) {
    return Array(detail::Ref<detail::Node>(new KnownTracer(aval, v)));
  };
  EXPECT_EQ(to_string(traced(traced(value, value.aval()), value.aval())), "[1.5 2. ]");
  EXPECT_EQ(to_string(traced(Array(), {Shape{3}, float64, false})), "<traced float64(3,)>");
  EXPECT_EQ(to_string(traced(traced(Array(), value.aval()), value.aval())), "<traced float64(2,)>");
}

}  // namespace dini::print_test
