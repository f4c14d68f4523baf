// Values from the output of remote tools: what is not understood is unknown, never a number and never "fine".
#include "runtime/machine/value.h"

#include <gtest/gtest.h>

#include <limits>

#include "runtime/machine/evaluate.h"

namespace upg::machine {
namespace {
using Kind = Value::Kind;
using plan::Builtin;

Value bytes(const std::string &text) { return apply_builtin(Builtin::to_bytes, {Value::string(text)}); }

TEST(Value, BytesWithUnits) {
  EXPECT_EQ(bytes(" 17\n").number, 17);
  EXPECT_EQ(bytes("5GB").number, 5'000'000'000);
  EXPECT_EQ(bytes("5GiB").number, 5ll << 30);
  EXPECT_EQ(bytes("5G").number, 5ll << 30);
  EXPECT_EQ(bytes("1.5K").number, 1536);
  for (const char *bad : {"", "nan", "-nan", "inf", "-1", "G", "5Q", "5Kxy", "5KQ", "1e300", "5 apples", "0x10"})
    EXPECT_TRUE(bytes(bad).open()) << bad;
}

TEST(Value, VersionsAreOrderedPieceByPiece) {
  const std::vector<std::string> rising = {"8.4", "9.0~rc1", "9.0", "9.0a", "9.0.1", "9.9", "9.10", "10"};
  for (std::size_t i = 0; i < rising.size(); ++i)
    for (std::size_t j = 0; j < rising.size(); ++j) {
      int c = compare(Value::version(rising[i]), Value::version(rising[j]));
      EXPECT_EQ(c < 0, i < j) << rising[i] << " " << rising[j];
      EXPECT_EQ(c == 0, i == j) << rising[i] << " " << rising[j];
    }
  EXPECT_EQ(compare(Value::version("1.007"), Value::version("1.7")), 0);
  EXPECT_NE(compare(Value::version("1\xff"), Value::version("1")), 0);
  EXPECT_EQ(compare(Value::version("1"), Value::integer(1)), 2);
}

TEST(Value, WhatIsNotANumberIsNotOrdered) {
  Value nan = Value::decimal(std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(compare(nan, Value::integer(1)), 2);
  EXPECT_FALSE(equal(nan, nan));
  EXPECT_EQ(compare(Value::of(Kind::size, 1), Value::integer(1)), 2);
}

TEST(Value, HostileJsonIsUnknown) {
  for (const char *bad : {"", "{", "[1,2", "{\"a\":1}x", "\xff\xfe", "{\"a\":\"\xff\"}", "nul", "01", "1e999"})
    EXPECT_TRUE(parse_json(bad).open()) << bad;
  std::string deep(200'000, '[');
  EXPECT_TRUE(parse_json(deep).open());
  EXPECT_TRUE(parse_json(deep + std::string(200'000, ']')).open());
  EXPECT_FALSE(parse_json(std::string(60, '[') + std::string(60, ']')).open());
  EXPECT_EQ(parse_json("18446744073709551615").kind, Kind::decimal);
  EXPECT_EQ(parse_json("{\"b\":1,\"a\":null}").member("b")->number, 1);
}

TEST(Value, TablesOfAnyOtherShapeAreUnknown) {
  Value t = parse_table("noise\n+---+---+\n| a | b |\n+---+---+\n| 1 | x y |\n| 2 |   |\n+---+---+\n");
  ASSERT_TRUE(t.is(Kind::list));
  ASSERT_EQ(t.items->size(), 2u);
  EXPECT_EQ((*t.items)[0].member("b")->text, "x y");
  for (const char *bad : {"", "no table", "| a | b |\n| 1 | 2 |\n", "+---+\n", "+--+\n| a | b |\n| 1 |\n"})
    EXPECT_TRUE(parse_table(bad).open()) << bad;
  std::string endless = "+-+\n| a |\n";
  for (int i = 0; i < 100'001; ++i) endless += "|1|\n";
  EXPECT_TRUE(parse_table(endless).open()) << "a cut table would count wrong";
}

TEST(Value, TextFunctionsTakeText) {
  EXPECT_TRUE(apply_builtin(Builtin::after, {Value::string("abc"), Value::integer(1)}).open());
  EXPECT_TRUE(apply_builtin(Builtin::match, {Value::string("abc"), Value::integer(1)}).open());
  EXPECT_TRUE(apply_builtin(Builtin::match, {Value::string("abc"), Value::string("(")}).is(Kind::unknown));
  EXPECT_TRUE(apply_builtin(Builtin::match, {Value::string("abc"), Value::string("x")}).is(Kind::missing));
  EXPECT_EQ(apply_builtin(Builtin::match, {Value::string("v=17;"), Value::string(R"(v=(\d+))")}).text, "17");
  EXPECT_TRUE(apply_builtin(Builtin::only, {Value::list({})}).is(Kind::missing));
  EXPECT_TRUE(apply_builtin(Builtin::only, {Value::list({Value(), Value()})}).is(Kind::unknown));
  EXPECT_TRUE(apply_builtin(Builtin::to_int, {Value::string("12x")}).open());
  EXPECT_TRUE(apply_builtin(Builtin::to_int, {Value::string("99999999999999999999")}).open());
  EXPECT_EQ(apply_builtin(Builtin::lines, {Value::string("a\r\n\nb\n")}).items->size(), 3u);
}

TEST(Value, TheJournalGivesBackWhatItGot) {
  const std::vector<Value> all = {Value(),
                                  Value::boolean(true),
                                  Value::integer(-5),
                                  Value::decimal(2.5),
                                  Value::string("a\"b\n"),
                                  Value::of(Kind::size, 1 << 20),
                                  Value::version("9.1"),
                                  Value::host(plan::HostId(std::size_t{2})),
                                  Value::result(3, "out", "err"),
                                  Value::list({Value::integer(1), Value::list({})}),
                                  Value::object({{"b", Value()}, {"a", Value::string("x")}})};
  for (const Value &v : all) {
    Value back = from_journal(to_journal(v));
    EXPECT_EQ(back.kind, v.kind) << to_journal(v);
    EXPECT_TRUE(equal(back, v)) << to_journal(v);
  }
  for (const char *bad : {"", "{", "{\"k\":99}", "{\"k\":\"x\"}", "{\"k\":-1}", "{}"})
    EXPECT_TRUE(from_journal(bad).open()) << bad;
}

}  // namespace
}  // namespace upg::machine
