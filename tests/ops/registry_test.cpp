// Every op of the registry, in every dtype that it takes, by every check of registry_checks.hpp; and the table of it.
#include <gtest/gtest.h>

#include <cstdio>
#include <map>

#include "dini/ops/registry.hpp"
#include "registry_checks.hpp"

namespace dini::registry {
namespace {

// What was checked, printed when all tests have run: a line an op and dtype, a column a check. A cell has the count of the
// numbers that were compared and, with a !, that of the calls that the record says are errors and that were; where there is
// no number, or not all that there could be, the reason is below.
class Table : public ::testing::Environment {
 public:
  void TearDown() override {
    if (rows_.empty()) return;
    print("op", "dtype", names());
    for (const auto& [key, cells] : rows_) print(key.first, dini::name(static_cast<Dtype>(-key.second)), cells);
    std::vector<std::string> totals;
    Outcome all;
    for (Check check : all_checks) {
      const Outcome& t = totals_[check];
      totals.push_back(count(t));
      all.compared += t.compared;
      all.refused += t.refused;
    }
    print("all", "", totals);
    std::printf(
        "%zu ops and dtypes by %zu checks: %d numbers compared, %d! errors as documented, %d cells with a reason\n",
        rows_.size(), std::size(all_checks), all.compared, all.refused, reasoned_);
    for (std::size_t k = 0; k < reasons_.size(); ++k) std::printf("%4s %s\n", mark(k).c_str(), reasons_[k].c_str());
  }

  void add(const Op& op, Dtype dtype, Check check, const Outcome& outcome) {
    std::string cell = count(outcome);
    for (const std::string& note : outcome.notes) {
      std::size_t k = 0;
      while (k < reasons_.size() && reasons_[k] != note) ++k;
      if (k == reasons_.size()) reasons_.push_back(note);
      cell += " " + mark(k);
    }
    reasoned_ += !outcome.compared && !outcome.refused;
    rows_[{op.name, -static_cast<int>(dtype)}].push_back(outcome.failures.empty() ? cell : "FAILED");
    totals_[check].compared += outcome.compared;
    totals_[check].refused += outcome.refused;
  }

 private:
  static std::string mark(std::size_t k) { return "[" + std::to_string(k + 1) + "]"; }
  static std::string count(const Outcome& o) {
    if (!o.refused) return o.compared ? std::to_string(o.compared) : "-";
    return (o.compared ? std::to_string(o.compared) + " " : "") + std::to_string(o.refused) + "!";
  }
  static std::vector<std::string> names() {
    std::vector<std::string> out;
    for (Check check : all_checks) out.push_back(registry::name(check));
    return out;
  }
  static void print(const std::string& op, const std::string& dtype, const std::vector<std::string>& cells) {
    std::printf("%-18s %-8s", op.c_str(), dtype.c_str());
    for (const std::string& cell : cells) std::printf(" %-14s", cell.c_str());
    std::printf("\n");
  }

  std::map<std::pair<std::string, int>, std::vector<std::string>> rows_;  // by name, floating dtypes first
  std::map<Check, Outcome> totals_;
  std::vector<std::string> reasons_;
  int reasoned_ = 0;
};
Table& table() {
  static auto* const table = new Table;  // the framework owns it
  return *table;
}
const auto* const registered = ::testing::AddGlobalTestEnvironment(&table());

class Registry : public ::testing::TestWithParam<const Op*> {};

TEST_P(Registry, PassesEveryCheck) {
  const Op& op = *GetParam();
  ASSERT_TRUE(op.samples) << op.name << " has no samples";
  ASSERT_TRUE(op.reference || op.plain) << op.name << " has no reference";
  for (Dtype dtype : dtypes(op)) {
    for (Check check : all_checks) {
      const Outcome outcome = run_check(op, dtype, check);
      table().add(op, dtype, check, outcome);
      const std::string where = std::string(name(dtype)) + " " + name(check);
      EXPECT_TRUE(outcome.failures.empty())
          << where << ": " << outcome.failures.size() << " of " << outcome.compared << "\n  " << outcome.failures[0];
      if (outcome.failures.size() > 1) ADD_FAILURE() << outcome.failures.back();
      EXPECT_TRUE(outcome.compared > 0 || outcome.refused > 0 || !outcome.notes.empty())
          << where << " compares nothing";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, Registry, ::testing::ValuesIn(all_ops().begin(), all_ops().end()),
                         [](const auto& info) { return info.param->name; });

TEST(RegistryNames, AreUnique) {
  for (const Op* op : all_ops()) EXPECT_EQ(find_op(op->name), op) << op->name;
}

}  // namespace
}  // namespace dini::registry
