#include "runtime/plan/disassemble.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "runtime/plan/locator.h"
#include "test/unit/plan/lab_plan.h"
#include "test/unit/plan/random_plan.h"

namespace upg::plan {
namespace {

TEST(Disassemble, LabPlan) {
  const std::string path = std::string(UPG_TEST_INPUTS) + "/lab.disasm";
  const std::string text = disassemble(testing::lab_plan());
  if (std::getenv("UPG_UPDATE") != nullptr) std::ofstream(path) << text;
  std::ifstream file(path);
  const std::string expected{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  EXPECT_EQ(text, expected) << "if that is meant: UPG_UPDATE=1";
}

TEST(Disassemble, OnlyPrintableAsciiComesOut) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Plan plan = testing::random_plan(seed);
    for (std::string &text : plan.strings) {
      if (text.size() < 40) text += "\x1b]0;evil\x07\r\n\xe2\x80\xae";
    }
    for (const char c : disassemble(plan)) ASSERT_TRUE(c == '\n' || (c >= ' ' && c <= '~')) << seed;
  }
}

TEST(Disassemble, EveryFieldOfARecordShows) {
  Plan plan = testing::lab_plan();
  const std::string before = disassemble(plan);
  plan.actions[0].once = true;
  EXPECT_NE(disassemble(plan), before);
}

TEST(Locator, CountsCodePoints) {
  Plan plan;
  plan.strings = {"a.upg", "one\n\xc3\xa9\xf0\x9f\x99\x82x\n",
                  std::string(1000, 'y') + std::string("\xc3\xa9") + "z\nend"};
  plan.files = {{StringId(0), StringId(1)}, {StringId(0), StringId(2)}};
  const Locator locator(plan);
  EXPECT_EQ(locator.start({0, 0, 0}), "a.upg:1:1");
  EXPECT_EQ(locator.start({0, 4, 4}), "a.upg:2:1");
  EXPECT_EQ(locator.range({0, 10, 11}), "a.upg:2:3-2:4");
  EXPECT_EQ(locator.start({0, 12, 12}), "a.upg:3:1");
  EXPECT_EQ(locator.start({1, 1002, 1003}), "a.upg:1:1002");
  EXPECT_EQ(locator.start({1, 1004, 1004}), "a.upg:2:1");
  EXPECT_EQ(locator.start({1, 1007, 1007}), "a.upg:2:4");
  EXPECT_EQ(locator.start({}), "");
}

/// The same answer as counting from the start of the file.
TEST(Locator, AgreesWithCounting) {
  Plan plan;
  std::string text;
  for (int i = 0; i < 900; ++i) text += i % 7 == 0 ? "\xe2\x82\xac" : i % 131 == 0 ? "\n" : "a";
  plan.strings = {"a", text};
  plan.files = {{StringId(0), StringId(1)}};
  const Locator locator(plan);
  std::uint32_t line = 1, column = 1;
  for (std::uint32_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) == 0x80) continue;
    const auto at = locator.position(0, i);
    ASSERT_EQ(at.line, line) << i;
    ASSERT_EQ(at.column, column) << i;
    if (text[i] == '\n') {
      ++line, column = 1;
    } else {
      ++column;
    }
  }
}

}  // namespace
}  // namespace upg::plan
