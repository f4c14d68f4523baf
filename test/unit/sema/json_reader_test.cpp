#include "compiler/sema/json_reader.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace upg::sema::json {
namespace {

using namespace std::string_literals;

std::string problem_of(std::string_view text) {
  Problem problem;
  if (parse(text, problem)) return "none";
  return problem.message + " at " + std::to_string(problem.begin);
}

TEST(JsonReader, ReadsEveryKindWithItsPlace) {
  Problem problem;
  const std::string text = R"( {"a": [1, -2.5e3, true, null], "b": "x\u00e9\ud83d\ude00\n"} )";
  const auto value = parse(text, problem);
  ASSERT_TRUE(value) << problem.message;
  const Value *list = value->member("a");
  ASSERT_TRUE(list && list->as<Array>());
  ASSERT_EQ(list->as<Array>()->size(), 4u);
  const Value &number = (*list->as<Array>())[1];
  EXPECT_EQ(number.as<Number>()->text, "-2.5e3");
  EXPECT_FALSE(number.as<Number>()->whole());
  EXPECT_EQ(text.substr(number.begin, number.end - number.begin), "-2.5e3");
  EXPECT_EQ(*value->member("b")->as<std::string>(), "x\u00e9\U0001F600\n");
  EXPECT_EQ(value->member("c"), nullptr);
}

TEST(JsonReader, RefusesWhatIsNoJson) {
  EXPECT_EQ(problem_of(""), "the text ends where a value is needed at 0");
  EXPECT_EQ(problem_of("{"), "the text ends where a key in quotes is needed at 1");
  EXPECT_EQ(problem_of("[1,]"), "a value is needed here at 3");
  EXPECT_EQ(problem_of("[1 2]"), "`,` or `]` is needed here at 3");
  EXPECT_EQ(problem_of("{\"a\" 1}"), "`:` is needed here at 5");
  EXPECT_EQ(problem_of("{\"a\":1,\"a\":2}"), "a key stands twice in one object at 7");
  EXPECT_EQ(problem_of("01"), "a number cannot begin with 0 at 0");
  EXPECT_EQ(problem_of("1."), "the text ends where a digit is needed at 2");
  EXPECT_EQ(problem_of("tru"), "a value is needed here at 0");
  EXPECT_EQ(problem_of("1 1"), "there is more text after the value at 2");
  EXPECT_EQ(problem_of("\"a"), "a string is not closed at 0");
  EXPECT_EQ(problem_of("\"a\nb\""), "a control character stands in a string at 2");
  EXPECT_EQ(problem_of("\"a\0b\""s), "a control character stands in a string at 2");
  EXPECT_EQ(problem_of("\"\\q\""), "an escape is not known at 1");
  EXPECT_EQ(problem_of("\"\\ud800\""), "half of a surrogate pair stands alone at 1");
  EXPECT_EQ(problem_of("\"\\u12x4\""), "`\\u` needs four hexadecimal digits at 1");
  EXPECT_EQ(problem_of("\"\xff\""), "the text is not UTF-8 at 1");
  EXPECT_EQ(problem_of("\"\xc0\x80\""), "the text is not UTF-8 at 1");
  EXPECT_EQ(problem_of("\"\xed\xa0\x80\""), "the text is not UTF-8 at 1");
  EXPECT_EQ(problem_of(std::string(100, '1')), "a number is too long at 0");
  EXPECT_EQ(problem_of("\0"s), "a value is needed here at 0");
}

TEST(JsonReader, DepthIsBounded) {
  EXPECT_EQ(problem_of(std::string(max_depth, '[') + std::string(max_depth, ']')), "none");
  EXPECT_EQ(problem_of(std::string(1'000'000, '[')), "it is nested too deeply at " + std::to_string(max_depth + 1));
}

TEST(JsonReader, EveryTruncationIsRefused) {
  const std::string text = R"({"hosts":[{"name":"node1","port":22,"via":[],"x":true,"y":null,"z":"\u00e9"}]})";
  Problem problem;
  ASSERT_TRUE(parse(text, problem));
  for (std::size_t n = 0; n < text.size(); ++n) {
    EXPECT_FALSE(parse(std::string_view(text).substr(0, n), problem)) << n;
    EXPECT_LE(problem.begin, n);
    EXPECT_LE(problem.end, n);
  }
}

TEST(JsonReader, FlippedBytesNeverHurt) {
  const std::string text =
      R"({"_meta":{"hostvars":{"n1":{"ansible_host":"10.0.0.1","a":[1,2.5,"é"]}}},"all":{"children":["x"]}})";
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string broken = text;
    for (int i = 0; i < 3; ++i) broken[random() % broken.size()] = static_cast<char>(random());
    Problem problem;
    (void)parse(broken, problem);
    EXPECT_LE(problem.end, broken.size());
  }
}

}  // namespace
}  // namespace upg::sema::json
