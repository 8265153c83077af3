// Every op of the registry, by the checks of registry_checks.hpp.
#include <gtest/gtest.h>

#include <cstdio>

#include "dini/ops/registry.hpp"
#include "registry_checks.hpp"

namespace dini::registry {
namespace {

// What was checked: a line an op, printed when all tests have run.
class Table : public ::testing::Environment {
 public:
  static std::map<std::string, std::string>& lines() {
    static std::map<std::string, std::string> lines;
    return lines;
  }
  void TearDown() override {
    for (const auto& [op, line] : lines()) std::printf("%-18s %s\n", op.c_str(), line.c_str());
  }
};
const auto* const table = ::testing::AddGlobalTestEnvironment(new Table);

class Registry : public ::testing::TestWithParam<const Op*> {};

TEST_P(Registry, PassesEveryCheck) {
  const Op& op = *GetParam();
  if (!op.samples) {
    EXPECT_EQ(tested_elsewhere().count(op.name), 1u) << op.name << " has no samples";
    Table::lines()[op.name] = "elsewhere: " + (tested_elsewhere().count(op.name) ? tested_elsewhere().at(op.name) : "");
    return;
  }
  EXPECT_TRUE(op.reference || op.plain || tested_elsewhere().count(op.name)) << op.name << " has no reference";
  std::string line;
  for (Dtype dtype : dtypes(op)) {
    line += std::string(name(dtype)) + ":";
    for (Check check : all_checks) {
      if (!applies(op, dtype, check)) continue;
      const Outcome outcome = run_check(op, dtype, check);
      line += std::string(" ") + name(check) + (outcome.failures.empty() ? "" : "(FAILED)");
      EXPECT_TRUE(outcome.failures.empty()) << name(dtype) << " " << name(check) << ": " << outcome.failures.size()
                                            << " of " << outcome.compared << "\n  " << outcome.failures[0];
      if (outcome.failures.size() > 1) ADD_FAILURE() << outcome.failures.back();
      EXPECT_TRUE(outcome.compared > 0 || check == Check::transpose)
          << name(dtype) << " " << name(check) << " compares nothing";
    }
    line += "  ";
  }
  Table::lines()[op.name] = line;
}

INSTANTIATE_TEST_SUITE_P(Ops, Registry, ::testing::ValuesIn(all_ops().begin(), all_ops().end()),
                         [](const auto& info) { return info.param->name; });

TEST(RegistryNames, AreUnique) {
  for (const Op* op : all_ops()) EXPECT_EQ(find_op(op->name), op) << op->name;
  for (const auto& [name, reason] : tested_elsewhere()) {
    const Op* op = find_op(name);
    EXPECT_FALSE(op && op->samples && (op->reference || op->plain)) << name << " has samples, and need not be excepted";
  }
}

}  // namespace
}  // namespace dini::registry
