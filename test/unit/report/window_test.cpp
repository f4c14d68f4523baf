// When a plan may run: windows of weekdays and dates, over the changes of the clock.
#include "runtime/report/window.h"

#include <gtest/gtest.h>

#include "runtime/plan/builder.h"

namespace upg::report {
namespace {

constexpr std::int64_t minute = 60'000, hour = 60 * minute, day = 24 * hour;

struct Windows {
  plan::Builder b;
  void add(plan::WindowDay when, std::uint32_t hour_of_day, std::uint32_t minute_of_hour, std::int64_t length,
           std::int64_t date = 0, const char *zone = "Europe/Berlin") {
    plan::Window w;
    w.day = when;
    w.date = date;
    w.minute = hour_of_day * 60 + minute_of_hour;
    w.length = length;
    w.zone = b.string(zone);
    b.plan.windows.push_back(w);
  }
  std::optional<Occurrence> at(std::int64_t unix_ms) {
    std::string why;
    const auto o = occurrence(b.plan, unix_ms, why);
    EXPECT_EQ(why, "");
    return o;
  }
};

// 2026-03-29 is 20541 days after 1970-01-01, 2026-10-25 is 20751.
constexpr std::int64_t spring = 20541, autumn = 20751;

TEST(Window, ItsLengthIsElapsedTimeOverAChangeOfTheClock) {
  Windows w;
  w.add(plan::WindowDay::saturday, 20, 0, 10 * hour);
  const std::int64_t begin = (spring - 1) * day + 19 * hour;  // 20:00 in winter
  const auto o = w.at(begin - 3 * day);
  ASSERT_TRUE(o);
  EXPECT_EQ(o->begin_ms, begin);
  EXPECT_EQ(o->end_ms, begin + 10 * hour) << "7:00 in summer time";
  EXPECT_EQ(w.at(begin + 9 * hour)->begin_ms, begin) << "still open";
  EXPECT_EQ(w.at(begin + 10 * hour)->begin_ms, begin + 7 * day - hour) << "the next one, in summer time";
}

TEST(Window, InTheGapItBeginsRightAfterIt) {
  Windows w;
  w.add(plan::WindowDay::date, 2, 30, hour, spring);
  EXPECT_EQ(w.at(0)->begin_ms, spring * day + hour);  // 3:00 summer time, the first moment that there is
}

TEST(Window, AnHourThatComesTwiceIsItsFirst) {
  Windows w;
  w.add(plan::WindowDay::date, 2, 30, hour, autumn);
  const auto o = w.at(0);
  EXPECT_EQ(o->begin_ms, autumn * day + 30 * minute);
  EXPECT_EQ(o->end_ms, o->begin_ms + hour) << "2:30 again, now in winter time";
}

TEST(Window, SeveralAreTakenInTurnAndWhatTouchesIsOne) {
  Windows w;
  w.add(plan::WindowDay::date, 20, 0, 4 * hour, 20000, "UTC");
  w.add(plan::WindowDay::date, 0, 0, 2 * hour, 20001, "UTC");  // goes right on
  w.add(plan::WindowDay::date, 1, 0, 3 * hour, 20001, "UTC");  // overlaps
  w.add(plan::WindowDay::date, 20, 0, hour, 20005, "UTC");
  auto o = w.at(19'000 * day);
  ASSERT_TRUE(o);
  EXPECT_EQ(o->begin_ms, 20000 * day + 20 * hour);
  EXPECT_EQ(o->end_ms, 20001 * day + 4 * hour);
  o = w.at(o->end_ms);
  ASSERT_TRUE(o);
  EXPECT_EQ(o->begin_ms, 20005 * day + 20 * hour);
  EXPECT_FALSE(w.at(o->end_ms)) << "there is none any more";
}

TEST(Window, ADateAndAWeekdayMix) {
  Windows w;
  w.add(plan::WindowDay::saturday, 20, 0, 2 * hour, 0, "UTC");
  w.add(plan::WindowDay::date, 12, 0, hour, 20000, "UTC");  // a Friday
  auto o = w.at(20000 * day);
  EXPECT_EQ(o->begin_ms, 20000 * day + 12 * hour);
  o = w.at(o->end_ms);
  EXPECT_EQ(o->begin_ms, 20001 * day + 20 * hour);
}

TEST(Window, OneThatNeverClosesHasAnEndAllTheSame) {
  Windows w;
  w.add(plan::WindowDay::daily, 0, 0, day, 0, "UTC");
  const auto o = w.at(20000 * day);
  ASSERT_TRUE(o);
  EXPECT_GT(o->end_ms - o->begin_ms, 300 * day);
}

TEST(Window, AZoneThatIsNotKnownHereIsSaid) {
  Windows w;
  w.add(plan::WindowDay::daily, 0, 0, hour, 0, "Nowhere/City");
  std::string why;
  EXPECT_FALSE(occurrence(w.b.plan, 0, why));
  EXPECT_NE(why.find("Nowhere/City"), std::string::npos);
}

}  // namespace
}  // namespace upg::report
