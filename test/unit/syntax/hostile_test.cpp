// Input that nobody means well with: one clear diagnostic, soon, and no crash.
#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "test/unit/syntax/parse_fixture.h"

namespace upg::syntax {
namespace {

using diagnostics::Kind;

std::string repeated(const std::string &piece, std::size_t times) {
  std::string text;
  text.reserve(piece.size() * times);
  for (std::size_t i = 0; i < times; ++i) text += piece;
  return text;
}

void expect_only(const std::string &text, Kind kind) {
  const Parsed parsed(text);
  ASSERT_EQ(parsed.sink.all().size(), 1u) << parsed.shown().substr(0, 2000);
  EXPECT_EQ(parsed.code(0), diagnostics::info(kind).code) << parsed.shown().substr(0, 2000);
  EXPECT_FALSE(parsed.tree.complete);
}

TEST(Hostile, NestingOverTheLimitIsOneError) {
  constexpr std::size_t deep = 50'000;
  const std::string probe = "probe p -> int { return ";
  expect_only("procedure p() " + repeated("{ admit ", deep), Kind::nested_too_deep);
  expect_only("procedure p() { " + repeated("admit { ", deep) + repeated("}", deep + 1), Kind::nested_too_deep);
  expect_only(probe + repeated("(", deep) + "1" + repeated(")", deep) + " }", Kind::nested_too_deep);
  expect_only(probe + repeated("[", deep) + repeated("]", deep) + " }", Kind::nested_too_deep);
  expect_only(probe + repeated("f(", deep) + repeated(")", deep) + " }", Kind::nested_too_deep);
  expect_only(probe + repeated("\"${", deep) + repeated("}\"", deep) + " }", Kind::nested_too_deep);
  expect_only("param p: " + repeated("list<", deep) + "int" + repeated(">", deep), Kind::nested_too_deep);
}

TEST(Hostile, NestingUpToTheLimitIsRead) {
  const std::size_t most = max_nesting - 1;
  const Parsed blocks("procedure p() { " + repeated("admit { ", most) + repeated("}", most) + "}");
  EXPECT_TRUE(blocks.tree.complete) << blocks.shown().substr(0, 2000);
  const Parsed parentheses("probe p -> int { return " + repeated("(", most) + "1" + repeated(")", most) + " }");
  EXPECT_TRUE(parentheses.tree.complete) << parentheses.shown().substr(0, 2000);
  const Parsed calls("probe p -> int { return " + repeated("f(", most) + repeated(")", most) + " }");
  EXPECT_TRUE(calls.tree.complete) << calls.shown().substr(0, 2000);
}

TEST(Hostile, ForgottenBracketsAreNoNesting) {
  const Parsed parsed(repeated("procedure p() {\n  restart((((h\n  await a\n}\n", 90));
  EXPECT_EQ(parsed.sink.errors(), 90u);
  EXPECT_EQ(parsed.code(0), diagnostics::info(Kind::unclosed_bracket).code) << parsed.shown().substr(0, 2000);
}

TEST(Hostile, LongChainsAreBounded) {
  constexpr std::size_t many = 20'000;
  const std::string probe = "probe p -> int { return ";
  expect_only(probe + repeated("a +\n", many) + "a }", Kind::nested_too_deep);
  expect_only(probe + repeated("a and\n", many) + "a }", Kind::nested_too_deep);
  expect_only(probe + repeated("not\n", many) + "a }", Kind::nested_too_deep);
  expect_only(probe + repeated("-\n", many) + "a }", Kind::nested_too_deep);
  expect_only(probe + "a" + repeated(".b\n", many) + " }", Kind::nested_too_deep);
  expect_only(probe + "a" + repeated("[1]\n", many) + " }", Kind::nested_too_deep);
  expect_only(probe + repeated("every x in y:\n", many) + "a }", Kind::nested_too_deep);
}

TEST(Hostile, LongListsAreFine) {
  constexpr std::size_t many = 20'000;
  const Parsed list("probe p -> int { return [" + repeated("1,\n", many) + "1] }");
  EXPECT_TRUE(list.tree.complete) << list.shown().substr(0, 2000);
  const Parsed branches("procedure p() { if a { } " + repeated("else if a { }\n", many) + "else { } }");
  EXPECT_TRUE(branches.tree.complete) << branches.shown().substr(0, 2000);
}

TEST(Hostile, NoText) {
  expect_only(std::string("gate g \0 { }", 12), Kind::not_text);
  expect_only(std::string("\x7f"
                          "ELF\x02\x01\x01\0\0\0",
                          10),
              Kind::not_text);
  expect_only("gate \xff { }", Kind::not_text);
  expect_only("gate \xc3", Kind::not_text);
  expect_only("gate \xed\xa0\x80 { }", Kind::not_text);  // a surrogate
  expect_only("gate \xc0\xaf { }", Kind::not_text);      // overlong
  expect_only(std::string("\xff\xfeg\0a\0", 6), Kind::not_text);
}

TEST(Hostile, TheFirstBadByteIsNamed) {
  const Parsed parsed("// fine\ngate \xff { }");
  ASSERT_EQ(parsed.sink.all().size(), 1u);
  EXPECT_EQ(parsed.sink.all()[0].primary.range.begin, 13u);
  EXPECT_NE(parsed.sink.all()[0].message.find("offset 13"), std::string::npos);
}

TEST(Hostile, HiddenCharactersAreShown) {
  expect_only("gate g { pass when a } // \xe2\x80\xae\n", Kind::hidden_character);      // right-to-left override
  expect_only("probe p -> int { return \"\xe2\x80\x8b\" }\n", Kind::hidden_character);  // zero width space
  expect_only("probe p -> int { return \"\x1b[2J\" }\n", Kind::hidden_character);
  const Parsed many(repeated("\x01", 1000));
  EXPECT_EQ(many.sink.all().size(), 10u);
}

TEST(Hostile, SizeIsBounded) {
  const auto begin = std::chrono::steady_clock::now();
  expect_only("// " + std::string(max_file_bytes, 'x'), Kind::text_too_large);
  expect_only("gate g { }\n// " + std::string(2u << 20, 'x'), Kind::text_too_large);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST(Hostile, TooManyWordsAreRefused) {
  expect_only(repeated(repeated("a ", 1000) + "\n", 3'100), Kind::text_too_large);
}

TEST(Hostile, ManyErrorsEndTheReading) {
  const Parsed parsed(repeated("gate { }\n", 10'000));
  ASSERT_EQ(parsed.sink.errors(), 101u);
  EXPECT_EQ(parsed.code(100), diagnostics::info(Kind::too_many_mistakes).code);
}

TEST(Hostile, RandomBytesAndRandomTokensNeverCrash) {
  std::mt19937 random(20261120);
  const std::vector<std::string> pieces = {"gate ",      "action ", "{",    "}",        "(",   ")",       "[",
                                           "]",          "\"",      "${",   "r\"",      "\n",  "\nhold ", "x",
                                           ".y",         "-",       "->",   "1",        "10s", "5GB",     "50%",
                                           "2026-01-01", "on ",     "run(", "await ",   "///", "//",      "\\",
                                           "é",          ",",       ":",    "=",        "==",  "if ",     "else ",
                                           "every ",     "in ",     "use ", "observe ", "\r",  "\t",      "while "};
  for (int i = 0; i < 3'000; ++i) {
    std::string text = i % 2 == 0 ? "upgrade u of c {\n" : "";
    const std::size_t length = random() % 60;
    for (std::size_t k = 0; k < length; ++k) {
      text += i % 10 == 9 ? std::string(1, static_cast<char>(1 + random() % 127)) : pieces[random() % pieces.size()];
    }
    const Parsed parsed(text);
    for (const diagnostics::Diagnostic &diagnostic : parsed.sink.all()) {
      ASSERT_NE(diagnostic.kind, Kind::internal_error) << text;
      ASSERT_LE(diagnostic.primary.range.end, text.size()) << text;
      ASSERT_LE(diagnostic.primary.range.begin, diagnostic.primary.range.end) << text;
      for (const diagnostics::FixIt &fix : diagnostic.fixes) {
        for (const diagnostics::Edit &edit : fix.edits) {
          ASSERT_LE(edit.range.begin, edit.range.end) << text;
          ASSERT_LE(edit.range.end, text.size()) << text;
        }
      }
    }
  }
}

}  // namespace
}  // namespace upg::syntax
