#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include "runtime/journal/file_system.h"
#include "test/unit/journal/fixture.h"

namespace upg::journal_test {
namespace {

/// Changes the file as somebody with a database tool would.
void sql(const Folder &folder, const std::string &text) {
  sqlite3 *db = nullptr;
  ASSERT_EQ(sqlite3_open(folder.journal().c_str(), &db), SQLITE_OK);
  char *error = nullptr;
  EXPECT_EQ(sqlite3_exec(db, text.c_str(), nullptr, nullptr, &error), SQLITE_OK) << (error ? error : "");
  sqlite3_close(db);
}

Folder &filled(Folder &folder, std::uint64_t records) {
  std::string why;
  auto journal = SqliteJournal::open(folder.journal(), why);
  EXPECT_TRUE(journal) << why;
  for (std::uint64_t n = 1; n <= records; ++n) EXPECT_EQ(journal->append(record(n)), std::nullopt);
  return folder;
}

TEST(Journal, KeepsWhatItWasGivenAndGoesOn) {
  Folder folder;
  filled(folder, 10);
  std::string why;
  {
    auto journal = SqliteJournal::open(folder.journal(), why);
    ASSERT_TRUE(journal) << why;
    EXPECT_EQ(journal->append(record(11)), std::nullopt);
  }
  auto records = SqliteJournal::read(folder.journal(), why);
  ASSERT_TRUE(records) << why;
  ASSERT_EQ(records->size(), 11u);
  for (const Record &r : *records) EXPECT_TRUE(same(r, record(r.number))) << r.number;
}

TEST(Journal, IsReadWhileItIsWritten) {
  const Folder folder;
  std::string why;
  auto journal = SqliteJournal::open(folder.journal(), why);
  ASSERT_TRUE(journal) << why;
  for (std::uint64_t n = 1; n <= 30; ++n) {
    EXPECT_EQ(journal->append(record(n)), std::nullopt);
    const Reading reading = SqliteJournal::examine(folder.journal());
    EXPECT_EQ(reading.problem, "");
    EXPECT_EQ(reading.records.size(), machine::info(record(n).event).durable ? n : n - 1);
  }
}

TEST(Journal, SaysAtWhichRecordItBreaks) {
  for (const char *change :
       {"UPDATE events SET data='{}' WHERE number=4", "UPDATE events SET unix_ms=unix_ms+1 WHERE number=4",
        "UPDATE events SET key='' WHERE number=4", "UPDATE events SET event='act_ended' WHERE number=4",
        "UPDATE events SET chain='' WHERE number=4", "DELETE FROM events WHERE number=4"}) {
    Folder folder;
    sql(filled(folder, 10), change);
    const Reading reading = SqliteJournal::examine(folder.journal());
    EXPECT_NE(reading.problem.find("record 4 "), std::string::npos) << change << ": " << reading.problem;
    EXPECT_EQ(reading.known, 10u);
    EXPECT_EQ(reading.records.size(), 2u) << "the third need not have been durable";
    std::string why;
    EXPECT_FALSE(SqliteJournal::open(folder.journal(), why));
  }
}

TEST(Journal, LosesNoRecordAtItsEndUnsaid) {
  Folder folder;
  sql(filled(folder, 10), "DELETE FROM events WHERE number>7");
  const Reading reading = SqliteJournal::examine(folder.journal());
  EXPECT_NE(reading.problem.find("10 records had been written and the last 3 are gone"), std::string::npos)
      << reading.problem;
}

TEST(Journal, OfAnotherVersionIsRefusedWithBothNumbers) {
  for (const char *version : {"1", "99"}) {
    Folder folder;
    sql(filled(folder, 3), std::string("PRAGMA user_version=") + version);
    std::string why;
    EXPECT_FALSE(SqliteJournal::open(folder.journal(), why));
    EXPECT_NE(why.find(std::string("its format is ") + version), std::string::npos) << why;
    EXPECT_NE(why.find(*version == '1' ? "older" : "newer"), std::string::npos) << why;
  }
}

TEST(Journal, WithAnEventOfANewerUpgrunIsRefused) {
  Folder folder;
  filled(folder, 3);
  sql(folder, "UPDATE events SET event='teleported' WHERE number=2");
  EXPECT_FALSE(SqliteJournal::examine(folder.journal()).problem.empty());
}

TEST(Journal, TakesNoRecordOutOfOrder) {
  const Folder folder;
  std::string why;
  auto journal = SqliteJournal::open(folder.journal(), why);
  ASSERT_TRUE(journal) << why;
  EXPECT_EQ(journal->append(record(1)), std::nullopt);
  EXPECT_TRUE(journal->append(record(3)));
}

TEST(Journal, AFolderWithoutAnyIsEmptyAndNotDamaged) {
  const Folder folder;
  const Reading reading = SqliteJournal::examine(folder.journal());
  EXPECT_FALSE(reading.exists);
  EXPECT_EQ(reading.problem, "");
  std::string why;
  EXPECT_FALSE(SqliteJournal::read(folder.journal(), why));
  EXPECT_NE(why.find("there is no journal"), std::string::npos);
}

TEST(Journal, TheFolderMayLieBehindALink) {
  const Folder folder, other;
  const std::string link = other.file("runs");
  ASSERT_EQ(::symlink(folder.path().c_str(), link.c_str()), 0);
  std::string why;
  auto journal = SqliteJournal::open(link + "/journal.sqlite", why);
  ASSERT_TRUE(journal) << why;
  EXPECT_EQ(journal->append(record(1)), std::nullopt);
  journal.reset();
  EXPECT_EQ(SqliteJournal::examine(link + "/journal.sqlite").records.size(), 1u);
  EXPECT_EQ(SqliteJournal::examine(folder.journal()).records.size(), 1u);
}

TEST(Journal, ASymbolicLinkIsNotFollowed) {
  Folder folder;
  const Folder other;
  filled(folder, 3);
  ASSERT_EQ(::symlink(folder.journal().c_str(), other.journal().c_str()), 0);
  std::string why;
  EXPECT_FALSE(SqliteJournal::open(other.journal(), why));
}

TEST(Journal, FileSystemsOfOtherMachinesAreKnown) {
  for (unsigned long type : {0x6969ul, 0xff534d42ul, 0xfe534d42ul, 0x65735546ul, 0x01021997ul, 0x00c36400ul})
    EXPECT_TRUE(journal::shared_file_system(type)) << type;
  for (unsigned long type : {0xef53ul, 0x58465342ul, 0x9123683eul, 0x01021994ul, 0x794c7630ul, 0x2fc12fc1ul})
    EXPECT_FALSE(journal::shared_file_system(type)) << "ext4, xfs, btrfs, tmpfs, overlay, zfs: " << type;
}

}  // namespace
}  // namespace upg::journal_test
