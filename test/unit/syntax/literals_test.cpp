#include "compiler/syntax/literals.h"

#include <gtest/gtest.h>

namespace upg::syntax {
namespace {

TEST(Literals, IntsHave64Bits) {
  EXPECT_EQ(decode_int("0").value, 0);
  EXPECT_EQ(decode_int("9223372036854775807").value, INT64_MAX);
  EXPECT_EQ(decode_int("9223372036854775808").problem, LiteralProblem::too_large);
  EXPECT_EQ(decode_int("99999999999999999999999999").problem, LiteralProblem::too_large);
}

TEST(Literals, DecimalsAreExact) {
  const auto decoded = decode_decimal("12.50");
  EXPECT_EQ(decoded.value.digits, 1250);
  EXPECT_EQ(decoded.value.scale, 2);
  EXPECT_EQ(decode_decimal("50%").value.digits, 50);
  EXPECT_EQ(decode_decimal("50%").value.scale, 0);
  EXPECT_EQ(decode_decimal("0.1234567890123456789").problem, LiteralProblem::too_large);
}

TEST(Literals, DurationsAreMilliseconds) {
  EXPECT_EQ(decode_duration("250ms").value, 250);
  EXPECT_EQ(decode_duration("1h30m").value, 5'400'000);
  EXPECT_EQ(decode_duration("1w1d1h1m1s1ms").value, 694'861'001);
  EXPECT_EQ(decode_duration("30m1h").problem, LiteralProblem::unit_order);
  EXPECT_EQ(decode_duration("5m5m").problem, LiteralProblem::unit_order);
  EXPECT_EQ(decode_duration("9999999999999w").problem, LiteralProblem::too_large);
  EXPECT_EQ(decode_duration("9223372036854775807ms1h").problem, LiteralProblem::unit_order);
}

TEST(Literals, SizesTellDecimalAndBinaryUnitsApart) {
  EXPECT_EQ(decode_size("5GB").value, 5'000'000'000);
  EXPECT_EQ(decode_size("5GiB").value, 5'368'709'120);
  EXPECT_EQ(decode_size("1.5KiB").value, 1536);
  EXPECT_EQ(decode_size("0.5KB").value, 500);
  EXPECT_EQ(decode_size("1.5PB").value, 1'500'000'000'000'000);
  EXPECT_EQ(decode_size("2.50B").problem, LiteralProblem::not_whole);
  EXPECT_EQ(decode_size("2.00B").value, 2);
  EXPECT_EQ(decode_size("0.1KiB").problem, LiteralProblem::not_whole);
  EXPECT_EQ(decode_size("9000PiB").problem, LiteralProblem::too_large);
  EXPECT_EQ(decode_size("5iB").problem, LiteralProblem::unknown_unit);
}

TEST(Literals, DatesExist) {
  const auto decoded = decode_date("2024-02-29");
  ASSERT_EQ(decoded.problem, LiteralProblem::none);
  EXPECT_EQ(decoded.value.year, 2024);
  EXPECT_EQ(decoded.value.month, 2);
  EXPECT_EQ(decoded.value.day, 29);
  EXPECT_EQ(decode_date("2026-02-29").problem, LiteralProblem::not_a_day);
  EXPECT_EQ(decode_date("1900-02-29").problem, LiteralProblem::not_a_day);
  EXPECT_EQ(decode_date("2000-02-29").problem, LiteralProblem::none);
  EXPECT_EQ(decode_date("2026-04-31").problem, LiteralProblem::not_a_day);
  EXPECT_EQ(decode_date("2026-00-10").problem, LiteralProblem::not_a_day);
  EXPECT_EQ(decode_date("0000-01-01").problem, LiteralProblem::not_a_day);
}

TEST(Literals, RepairsUnitsThatPeopleWrite) {
  EXPECT_EQ(repaired_number("10sec"), "10s");
  EXPECT_EQ(repaired_number("15MINUTES"), "15m");
  EXPECT_EQ(repaired_number("5gb"), "5GB");
  EXPECT_EQ(repaired_number("1.5gib"), "1.5GiB");
  EXPECT_EQ(repaired_number("1_000_000"), "1000000");
  EXPECT_EQ(repaired_number("12abc"), "");
  EXPECT_EQ(repaired_number("1.5h"), "");
}

}  // namespace
}  // namespace upg::syntax
