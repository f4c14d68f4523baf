#include "runtime/diagnostics/explain.h"

#include <gtest/gtest.h>

#include <array>
#include <set>

namespace upg::diagnostics {
namespace {

TEST(Explain, FindsKindsByCodeAndName) {
  EXPECT_EQ(find_kind("E0001"), Kind::unreadable_input);
  EXPECT_EQ(find_kind("e0001"), Kind::unreadable_input);
  EXPECT_EQ(find_kind("unreadable_input"), Kind::unreadable_input);
  for (const char *wrong : {"", "E", "E001", "E00011", "Unreadable_input", "E9999"})
    EXPECT_FALSE(find_kind(wrong)) << wrong;
}

TEST(Explain, MarkdownHasTextAndTwoExamples) {
  const Explanation e = parse_explanation(
      Kind::internal_error, "\nWhy.\n\nMore.\n\n```upg failing\nbad {\n}\n```\n\nthen\n\n```upg fixed\ngood\n```\n");
  EXPECT_EQ(e.text, "Why.\n\nMore.");
  EXPECT_EQ(e.failing, "bad {\n}\n");
  EXPECT_EQ(e.fixed, "good\n");
  EXPECT_EQ(render_explanation(Kind::internal_error, &e, false),
            R"(error[E0003]: upg itself failed; the input is not to blame

Why.

More.

An example that gets it:

    bad {
    }

The same, mended:

    good
)");
  EXPECT_EQ(parse_explanation(Kind::internal_error, "```upg failing\nno end").failing, "");
}

TEST(Explain, EveryPageIsOfAKindAndSaysSomething) {
  std::set<Kind> seen;
  for (const Explanation &e : explanations()) {
    EXPECT_TRUE(seen.insert(e.kind).second);
    EXPECT_FALSE(e.text.empty()) << info(e.kind).code;
    EXPECT_EQ(e.failing.empty(), e.fixed.empty()) << info(e.kind).code;
  }
  EXPECT_TRUE(seen.contains(Kind::unreadable_input));
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(UPG_EXPLANATION_PAGES)) << "a page's name is no code";
}

TEST(Explain, FindsTheRowOfAKind) {
  const std::array<Explanation, 1> rules{{{Kind::unwritable_output, "text", "", ""}}};
  ASSERT_NE(find_explanation(Kind::unwritable_output, rules), nullptr);
  EXPECT_EQ(find_explanation(Kind::unwritable_output, rules)->text, "text");
  EXPECT_EQ(find_explanation(Kind::internal_error, rules), nullptr);
}

TEST(Explain, ListIsSortedByNumber) {
  const std::string list = render_kind_list(false);
  EXPECT_EQ(list.rfind("E0001  an input file cannot be read\nE0002  ", 0), 0u) << list.substr(0, 200);
}

}  // namespace
}  // namespace upg::diagnostics
