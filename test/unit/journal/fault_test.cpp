// The disk fails under a controller: what was acknowledged is there afterwards, and nothing more is taken.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "test/unit/journal/failing_vfs.h"
#include "test/unit/journal/fixture.h"

namespace upg::journal_test {
namespace {

constexpr std::uint64_t most = 14;

/// Large enough in the middle that the log is written back into the database while it goes on.
Record some(std::uint64_t number) { return record(number, number == 5 || number == 7 ? 600'000 : 0); }

/// One controller that writes until it is told no. True if the fault struck.
bool controller(const Folder &folder, Fault fault, int at, bool for_good) {
  const std::string what = fmt::format("fault {} at {}{}", static_cast<int>(fault), at, for_good ? " for good" : "");
  folder.clear();
  std::uint64_t safe = 0, refused = 0;
  bool began = false;
  int struck = 0;
  {
    const FailingVfs vfs(fault, at, for_good);
    std::string why;
    auto journal = SqliteJournal::open(folder.journal(), why);
    began = journal != nullptr;
    EXPECT_TRUE(began || !why.empty()) << what;
    for (std::uint64_t n = 1; journal && n <= most; ++n) {
      const auto problem = journal->append(some(n));
      if (problem) {
        if (!refused) refused = n;
        continue;
      }
      EXPECT_EQ(refused, 0u) << what << ": record " << n << " is taken after " << refused << " was not";
      if (machine::info(some(n).event).durable) safe = n;
    }
    journal.reset();
    struck = vfs.struck();
  }
  EXPECT_TRUE(began || struck > 0) << what;
  const Reading reading = SqliteJournal::examine(folder.journal());
  if (began) {
    EXPECT_EQ(reading.problem, "") << what;
    EXPECT_GE(reading.records.size(), safe) << what << ": acknowledged, and gone";
    std::string why;
    EXPECT_TRUE(SqliteJournal::open(folder.journal(), why)) << what << ": " << why;
  } else {
    EXPECT_EQ(reading.records.size(), 0u) << what;
    EXPECT_EQ(reading.problem, "") << what << ": nothing was ever written, and that is what is said";
  }
  for (const Record &r : reading.records) EXPECT_TRUE(same(r, some(r.number))) << what;
  return struck > 0;
}

void every(Fault fault, int stride) {
  const Folder folder;
  for (const bool for_good : {false, true}) {
    int at = 1, struck = 0;
    // beyond the first twenty, which make the file, some are left out: there is one for each page
    for (; controller(folder, fault, at, for_good) && !testing::Test::HasFailure(); at += at < 20 ? 1 : stride)
      ++struck;
    EXPECT_GE(struck, 3) << "this fault never struck";
  }
}

TEST(Fault, TheDiskIsFull) { every(Fault::full, 89); }
TEST(Fault, AWriteIsTorn) { every(Fault::torn, 89); }
TEST(Fault, ASyncFails) { every(Fault::sync, 1); }

TEST(Fault, AfterAFailureNothingIsTakenAndTheReasonStays) {
  const Folder folder;
  const FailingVfs vfs(Fault::full, 14, false);
  std::string why;
  auto journal = SqliteJournal::open(folder.journal(), why);
  ASSERT_TRUE(journal) << why;
  std::optional<std::string> first;
  for (std::uint64_t n = 1; n <= 100 && !first; ++n) first = journal->append(record(n));
  ASSERT_TRUE(first);
  EXPECT_NE(first->find("full"), std::string::npos) << *first;
  EXPECT_EQ(journal->append(record(1)), first);
  EXPECT_EQ(journal->flush(), first);
}

}  // namespace
}  // namespace upg::journal_test
