// docs/problem-files.md lists the functions of formulas and the keys of problems that there are. Its examples are run by
// tests/cli/documentation.sh.
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "dini/formula/formula.hpp"
#include "dini/io/problem.hpp"

namespace dini {
namespace {

std::string page() {
  std::ifstream in(DINI_SOURCE_DIR "/docs/problem-files.md");
  std::stringstream s;
  s << in.rdbuf();
  return s.str();
}

// What stands between backquotes in the cells of a table, from its head to the next empty line: of the first cell in a row, or of
// those after it.
std::set<std::string> in_table(const std::string& text, const std::string& after, bool first_cell) {
  std::istringstream in(text.substr(text.find(after)));
  std::set<std::string> out;
  std::string line;
  bool table = false;
  while (std::getline(in, line) && (line.starts_with("|") || !table)) {
    if (!line.starts_with("|")) continue;
    table = true;
    const std::size_t cell = line.find('|', 1);
    std::string part = first_cell ? line.substr(0, cell) : line.substr(cell);
    for (std::size_t at = part.find('`'); at != std::string::npos; at = part.find('`', at)) {
      const std::size_t end = part.find('`', at + 1);
      out.insert(part.substr(at + 1, end - at - 1));
      at = end + 1;
    }
  }
  return out;
}

TEST(ProblemFiles, EveryFunctionIsListed) {
  const std::vector<std::string>& known = formula_functions();
  EXPECT_EQ(in_table(page(), "These\nfunctions have NumPy's", false),
            std::set<std::string>(known.begin(), known.end()));
}

TEST(ProblemFiles, EveryKeyIsListed) {
  std::set<std::string> listed = in_table(page(), "## The keys", true);
  for (const std::string& key : listed) {
    EXPECT_NE(page().find("`" + key + "`"), std::string::npos) << key;
    try {
      make_problem(parse_json("{\"" + key + "\": null}", "p.json"), "");
      ADD_FAILURE() << key;
    } catch (const ProblemError& e) {
      EXPECT_EQ(std::string(e.what()).find("unknown key"), std::string::npos) << e.what();
    }
  }
  EXPECT_EQ(listed.size(), 31u);
}

}  // namespace
}  // namespace dini
