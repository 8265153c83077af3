// Every block of C++ in the documentation is part of a test or an example: it stands in one of tests/docs/*.cpp
// or examples/*.cpp, where they are compiled and run.
#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ifstream in(path);
  std::stringstream s;
  s << in.rdbuf();
  return s.str();
}

// Without white space, which the layout may change, and what a block has that a test cannot: includes, using directives.
std::string plain(const std::string& text) {
  std::istringstream in(text);
  std::string out, line;
  while (std::getline(in, line)) {
    std::erase_if(line, [](unsigned char c) { return std::isspace(c) != 0; });
    if (line.rfind('#', 0) != 0 && line.rfind("usingnamespace", 0) != 0) out += line;
  }
  return out;
}

std::vector<std::string> cpp_blocks(const std::string& markdown) {
  std::vector<std::string> out;
  const std::string begin = "```cpp\n", end = "```";
  for (std::size_t at = markdown.find(begin); at != std::string::npos; at = markdown.find(begin, at)) {
    at += begin.size();
    const std::size_t last = markdown.find(end, at);
    out.push_back(markdown.substr(at, last - at));
    at = last;
  }
  return out;
}

TEST(Documentation, EveryBlockOfCodeIsTested) {
  const fs::path root = DINI_SOURCE_DIR;
  std::string tests;
  for (const char* folder : {"tests/docs", "examples"}) {
    for (const auto& entry : fs::directory_iterator(root / folder)) {
      if (entry.path().extension() == ".cpp") tests += plain(text_of(entry.path()));
    }
  }
  std::vector<fs::path> pages = {root / "README.md"};
  for (const auto& entry : fs::directory_iterator(root / "docs")) {
    if (entry.path().extension() == ".md") pages.push_back(entry.path());
  }
  std::size_t blocks = 0;
  for (const fs::path& page : pages) {
    for (const std::string& block : cpp_blocks(text_of(page))) {
      ++blocks;
      EXPECT_NE(tests.find(plain(block)), std::string::npos) << page << " has code that no test has:\n" << block;
    }
  }
  EXPECT_GT(blocks, 8u);
}

// Without code, which has brackets of its own.
std::string prose(const std::string& markdown) {
  std::istringstream in(markdown);
  std::string out, line;
  bool fenced = false, code = false;
  while (std::getline(in, line)) {
    if (line.rfind("```", 0) == 0) {
      fenced = !fenced;
      continue;
    }
    if (fenced || line.rfind("    ", 0) == 0) continue;
    for (char c : line + "\n") {
      if (c == '`')
        code = !code;
      else if (!code)
        out += c;
    }
  }
  return out;
}

// A link to a file in the repository leads to one.
TEST(Documentation, LinksLeadSomewhere) {
  const fs::path root = DINI_SOURCE_DIR;
  std::vector<fs::path> pages = {root / "README.md", root / "CONTRIBUTING.md", root / "CHANGELOG.md"};
  for (const auto& entry : fs::directory_iterator(root / "docs")) {
    if (entry.path().extension() == ".md") pages.push_back(entry.path());
  }
  for (const fs::path& page : pages) {
    const std::string text = prose(text_of(page));
    for (std::size_t at = text.find("]("); at != std::string::npos; at = text.find("](", at + 1)) {
      std::string target = text.substr(at + 2, text.find(')', at) - at - 2);
      target = target.substr(0, target.find('#'));
      if (target.empty() || target.find("://") != std::string::npos) continue;
      EXPECT_TRUE(fs::exists(page.parent_path() / target)) << page << " links to " << target;
    }
  }
}

}  // namespace
