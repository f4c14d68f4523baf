#include "compiler/sema/values.h"

#include <gtest/gtest.h>

#include <limits>

#include "compiler/sema/calendar.h"

namespace upg::sema {
namespace {

std::string parsed(std::string_view text, const Type &type) {
  const auto value = values::parse(text, type);
  return value ? to_string(*value, Program()) : "none";
}

TEST(Values, ParsesWhatTheCommandLineGives) {
  EXPECT_EQ(parsed("true", Type::of(Base::boolean)), "true");
  EXPECT_EQ(parsed("yes", Type::of(Base::boolean)), "none");
  EXPECT_EQ(parsed("-12", Type::of(Base::integer)), "-12");
  EXPECT_EQ(parsed("12x", Type::of(Base::integer)), "none");
  EXPECT_EQ(parsed("99999999999999999999", Type::of(Base::integer)), "none");
  EXPECT_EQ(parsed("-1.50", Type::of(Base::decimal)), "-1.50");
  EXPECT_EQ(parsed("1..5", Type::of(Base::decimal)), "none");
  EXPECT_EQ(parsed("1h30m", Type::of(Base::duration)), "1h30m");
  EXPECT_EQ(parsed("250ms", Type::of(Base::duration)), "250ms");
  for (const char *bad : {"10", "10sec", "m", "1h30", "1mm", "1hs", "", "1dms2"})
    EXPECT_EQ(parsed(bad, Type::of(Base::duration)), "none") << bad;
  EXPECT_EQ(parsed("5GB", Type::of(Base::size)), "5GB");
  EXPECT_EQ(parsed("512MiB", Type::of(Base::size)), "512MiB");
  for (const char *bad : {"5", "GB", "5GGB", "5iBB", "5.B", "5 GB"})
    EXPECT_EQ(parsed(bad, Type::of(Base::size)), "none") << bad;
  EXPECT_EQ(parsed("12.5%", Type::of(Base::percent)), "12.5%");
  EXPECT_EQ(parsed("12.34567%", Type::of(Base::percent)), "none");
  EXPECT_EQ(parsed("2026-12-31", Type::of(Base::time)), "2026-12-31");
  EXPECT_EQ(parsed("2026-02-30", Type::of(Base::time)), "none");
  EXPECT_EQ(parsed("19.12", Type::of(Base::version)), "\"19.12\"");
  EXPECT_EQ(parsed("a,b", Type::list_of(Type::of(Base::string))), "[\"a\", \"b\"]");
  EXPECT_EQ(parsed("1,x", Type::list_of(Type::of(Base::integer))), "none");
}

Value amount(Base base, std::int64_t number) { return {Type::of(base), number}; }

TEST(Values, ArithmeticKeepsUnitsAndNeverWraps) {
  using ast::BinaryOp;
  using values::Problem;
  Value out;
  EXPECT_EQ(values::apply(BinaryOp::add, amount(Base::duration, 5000), amount(Base::duration, 1000), out),
            Problem::none);
  EXPECT_EQ(to_string(out, Program()), "6s");
  EXPECT_EQ(values::apply(BinaryOp::multiply, values::integer(3), amount(Base::size, 1000), out), Problem::none);
  EXPECT_EQ(to_string(out, Program()), "3KB");
  EXPECT_EQ(values::apply(BinaryOp::add, amount(Base::duration, 5000), values::integer(1), out), Problem::operands);
  EXPECT_EQ(values::apply(BinaryOp::add, amount(Base::duration, 5000), amount(Base::size, 1), out), Problem::operands);
  constexpr auto most = std::numeric_limits<std::int64_t>::max(), least = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(values::apply(BinaryOp::add, values::integer(most), values::integer(1), out), Problem::overflow);
  EXPECT_EQ(values::apply(BinaryOp::divide, values::integer(least), values::integer(-1), out), Problem::overflow);
  EXPECT_EQ(values::apply(BinaryOp::divide, values::integer(6), values::integer(-1), out), Problem::none);
  EXPECT_EQ(out.integer(), -6);
  EXPECT_EQ(values::apply(BinaryOp::divide, values::integer(6), values::integer(0), out), Problem::zero);
}

TEST(Values, SetsStayInInventoryOrder) {
  using ast::BinaryOp;
  const RoleId r(3);
  const auto set = [&](std::initializer_list<std::size_t> ids) {
    std::vector<HostId> hosts;
    for (const std::size_t id : ids) hosts.emplace_back(id);
    return values::hosts(std::move(hosts), r);
  };
  Value out;
  ASSERT_EQ(values::apply(BinaryOp::add, set({5, 1}), set({3, 1}), out), values::Problem::none);
  EXPECT_EQ(out, set({1, 3, 5}));
  ASSERT_EQ(values::apply(BinaryOp::except, set({1, 2, 3}), values::host(HostId(2)), out), values::Problem::none);
  EXPECT_EQ(out, set({1, 3}));
  ASSERT_EQ(values::apply(BinaryOp::intersect, set({1, 2, 3}), set({3, 4}), out), values::Problem::none);
  EXPECT_EQ(out, set({3}));
  EXPECT_EQ(values::apply(BinaryOp::except, set({1}), values::string("node1"), out), values::Problem::operands);
}

TEST(Values, DecimalsCompareExactly) {
  const Value half{Type::of(Base::decimal), std::string("0.50")}, other{Type::of(Base::decimal), std::string("0.5")};
  EXPECT_TRUE(values::equal(half, other));
  EXPECT_EQ(values::compare(half, values::integer(1)), -1);
  EXPECT_EQ(values::compare(values::integer(1), Value{Type::of(Base::decimal), std::string("-3.1")}), 1);
}

TEST(Types, AssignableAndComparable) {
  const Type integer = Type::of(Base::integer), size = Type::of(Base::size), json = Type::of(Base::json),
             host = Type::of(Base::host);
  const Type db = Type::host_of(RoleId(1)), web = Type::host_of(RoleId(2));
  EXPECT_TRUE(assignable(integer, Type::of(Base::decimal)));
  EXPECT_FALSE(assignable(Type::of(Base::decimal), integer));
  EXPECT_FALSE(assignable(integer, size));
  EXPECT_TRUE(assignable(json, integer) && assignable(integer, json));
  EXPECT_FALSE(assignable(json, size));
  EXPECT_TRUE(assignable(db, host) && assignable(db, db));
  EXPECT_FALSE(assignable(host, db) || assignable(web, db));
  EXPECT_FALSE(assignable(Type::of(Base::secret), Type::of(Base::any)));
  EXPECT_TRUE(assignable(Type::list_of(db), Type::hosts()));
  EXPECT_FALSE(assignable(Type::hosts(), Type::list_of(integer)));
  EXPECT_TRUE(comparable(Type::cell_of(StateId(1)), Type::of(Base::string)));
  EXPECT_FALSE(comparable(Type::cell_of(StateId(1)), Type::cell_of(StateId(2))));
  EXPECT_FALSE(comparable(size, integer));
  EXPECT_FALSE(ordered(Type::of(Base::string), Type::of(Base::string)));
  EXPECT_TRUE(ordered(Type::of(Base::version), Type::of(Base::string)));
  EXPECT_EQ(suggest_unit(size, "5"), "5GB");
}

TEST(Calendar, DaysAndStarts) {
  EXPECT_EQ(calendar::to_days({1970, 1, 1}), 0);
  EXPECT_EQ(calendar::to_days({2026, 12, 31}), 20'818);
  for (std::int64_t day = -800'000; day < 800'000; day += 37)
    EXPECT_EQ(calendar::to_days(calendar::from_days(day)), day);
  EXPECT_FALSE(calendar::exists({2026, 2, 29}));
  EXPECT_TRUE(calendar::exists({2028, 2, 29}));
  const auto weekly = calendar::parse_start("saturday 8:05");
  ASSERT_TRUE(weekly);
  EXPECT_EQ(weekly->weekday, 5);
  EXPECT_EQ(weekly->minute, 485u);
  EXPECT_EQ(calendar::parse_start("2026-12-31 20:00")->date, 20'818);
  for (const char *bad :
       {"", "Sat", "Sam 20:00", "Sat 24:00", "Sat 20:60", "2026-02-30 20:00", "20:00 Sat", "Sat 20:00 x", "+8:00"})
    EXPECT_FALSE(calendar::parse_start(bad)) << bad;
  EXPECT_EQ(calendar::check_zone("../../etc/passwd"), calendar::Zone::malformed);
  EXPECT_EQ(calendar::check_zone("UTC"), calendar::Zone::known);
}

}  // namespace
}  // namespace upg::sema
