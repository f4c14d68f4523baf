#include "runtime/plan/text_rules.h"

#include <gtest/gtest.h>

namespace upg::plan {
namespace {

TEST(TextRules, Utf8) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("plain text that is longer than eight bytes"));
  EXPECT_TRUE(is_utf8("12345678\xc3\xa9 \xe2\x82\xac \xf0\x9f\x99\x82 \xed\x9f\xbf \xf4\x8f\xbf\xbf"));
  EXPECT_FALSE(is_utf8("\x80"));
  EXPECT_FALSE(is_utf8("1234567\xc3"));
  EXPECT_FALSE(is_utf8("\xc0\xaf"));  // overlong
  EXPECT_FALSE(is_utf8("\xe0\x80\xaf"));
  EXPECT_FALSE(is_utf8("\xf0\x80\x80\xaf"));
  EXPECT_FALSE(is_utf8("\xed\xa0\x80"));      // surrogate
  EXPECT_FALSE(is_utf8("\xf4\x90\x80\x80"));  // above U+10FFFF
  EXPECT_FALSE(is_utf8("\xff"));
  EXPECT_FALSE(is_utf8("\xe2\x82 "));
}

TEST(TextRules, Repeated) {
  EXPECT_FALSE(find_repeated({}));
  EXPECT_FALSE(find_repeated({"a", "b", ""}));
  EXPECT_EQ(find_repeated({"a", "b", "a"}), 2u);
  std::vector<std::string> many;
  for (int i = 0; i < 100000; ++i) many.push_back(std::to_string(i));
  EXPECT_FALSE(find_repeated(many));
  many.push_back("77777");
  EXPECT_EQ(find_repeated(many), 100000u);
}

TEST(TextRules, QuotedHasNoControlCharacters) {
  EXPECT_EQ(quoted("a\"b\\c\n\t\x1b[31m\x7f\xe2\x80\xae"), "\"a\\\"b\\\\c\\n\\t\\x1b[31m\\x7f\\xe2\\x80\\xae\"");
}

}  // namespace
}  // namespace upg::plan
