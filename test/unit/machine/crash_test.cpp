// The controller dies at every record (before and after it is written), at every call of the transport, at every answer
// and at every turn; the next one reaches the end, and no command of an action ran twice.
#include "test/unit/machine/everything.h"

namespace upg::machine_test {
namespace {

enum class At { record, write, call, answer, tick };

class CrashAt : public ::testing::TestWithParam<At> {};

TEST(Crash, WithoutADeathEverythingIsDoneOnce) {
  auto l = lab();
  machine::Ending e = l->run();
  ASSERT_EQ(e.status, Status::done) << e.reason << l->journal_text();
  expect_all_done(*l, "no death");
}

TEST_P(CrashAt, TheNextControllerReachesTheEnd) {
  for (int k = 1; k < 2'000; ++k) {
    for (Millis pause : {0, 90'000}) {
      if (GetParam() != At::record && (pause > 0) != (k % 2 > 0)) continue;  // each second one: to keep this short
      auto l = lab();
      l->people.reply.reset();
      (GetParam() == At::record  ? l->death.at_record
       : GetParam() == At::write ? l->death.at_write
       : GetParam() == At::call  ? l->death.at_call
       : GetParam() == At::tick  ? l->death.at_tick
                                 : l->death.at_answer) = k;
      machine::Ending e = l->run();
      if (!l->died) {
        ASSERT_EQ(e.status, Status::done);
        return;
      }
      l->clock.advance_to(l->clock.monotonic() + pause);
      e = l->resume();
      std::string where = fmt::format("death {} at {}, back after {} ms", k, static_cast<int>(GetParam()), pause);
      ASSERT_EQ(e.status, Status::done) << where << ": " << e.reason << "\n" << l->journal_text();
      expect_all_done(*l, where);
      if (HasFailure()) return;
    }
  }
}

/// Dies again and again, a few records further each time.
TEST(Crash, ManyDeathsInARow) {
  for (int step : {19, 23, 31, 47}) {
    auto l = lab();
    machine::Ending e;
    int lives = 0;
    do {
      l->death.at_record = step;
      e = l->run();
      ASSERT_LT(++lives, 2'000) << l->journal_text();
    } while (l->died);
    ASSERT_EQ(e.status, Status::done) << step << ": " << e.reason << l->journal_text();
    expect_all_done(*l, fmt::format("deaths every {} records", step));
  }
}

INSTANTIATE_TEST_SUITE_P(Every, CrashAt, ::testing::Values(At::record, At::write, At::call, At::answer, At::tick));

TEST(Crash, SameSeedSameRecords) {
  auto once = [](std::uint64_t seed) {
    auto l = lab();
    l->seed = seed;
    l->faults.delay = 50;
    l->faults.lost = 20;
    l->faults.unreachable = 20;
    l->run();
    return l->journal_text();
  };
  EXPECT_EQ(once(7), once(7));
  EXPECT_NE(once(7), once(8));
}

}  // namespace
}  // namespace upg::machine_test
