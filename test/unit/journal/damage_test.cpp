// A damaged journal is refused, or read whole: never as a shorter one that nobody says anything about.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <random>

#include "test/unit/journal/fixture.h"

namespace upg::journal_test {
namespace {

/// Whatever happened to the files: all of it, or a beginning of it and a reason. True if it was refused.
bool judge(const Folder &folder, const std::vector<Record> &written, const std::string &what) {
  const Reading reading = SqliteJournal::examine(folder.journal());
  EXPECT_TRUE(reading.exists) << what;
  EXPECT_TRUE(begins(reading.records, written)) << what;
  if (reading.problem.empty()) {
    EXPECT_EQ(reading.records.size(), written.size()) << what << ": records are gone, and nobody says so";
    return false;
  }
  EXPECT_LE(reading.known, written.size()) << what;
  EXPECT_TRUE(reading.records.empty() || machine::info(reading.records.back().event).durable) << what;
  return true;
}

void refuses_to_open(const Folder &folder, const std::string &what) {
  std::string why;
  EXPECT_EQ(SqliteJournal::open(folder.journal(), why), nullptr) << what;
  EXPECT_FALSE(why.empty()) << what;
  EXPECT_FALSE(SqliteJournal::read(folder.journal(), why)) << what;
}

/// Every byte of every file, with `change` applied there.
template <class Change>
void everywhere(const Files &files, std::size_t stride, int least_refused, Change change) {
  const Folder folder;
  int refused = 0;
  for (const auto &[name, bytes] : files.files) {
    files.write(folder);  // reading changes nothing but the index of the log
    for (std::size_t at = 0; at < bytes.size(); at += stride) {
      ::unlink(folder.file("journal.sqlite-shm").c_str());
      std::string damaged = bytes;
      change(damaged, at);
      put_bytes(folder.file(name), damaged);
      const std::string what = fmt::format("{} at {} of {}", name, at, bytes.size());
      if (judge(folder, files.records, what)) {
        ++refused;
        if (refused % 97 == 0) refuses_to_open(folder, what);
      }
      if (testing::Test::HasFailure()) return;
    }
  }
  EXPECT_GE(refused, least_refused) << "the test would not see a damage";
}
void cut(std::string &bytes, std::size_t at) { bytes.resize(at); }
void flip(std::string &bytes, std::size_t at) {
  bytes[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ (1u << (at % 8)));
}

#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t stride = 13;
#else
constexpr std::size_t stride = 1;
#endif

TEST(Damage, CutAtEveryByteOfALog) { everywhere(left_in_log(), stride, 500, cut); }
TEST(Damage, CutAtEveryByteOfADatabase) { everywhere(left_in_database(), 5 * stride, 100, cut); }
TEST(Damage, ABitOfEveryByteOfALog) { everywhere(left_in_log(), stride, 500, flip); }
TEST(Damage, ABitOfEveryByteOfADatabase) { everywhere(left_in_database(), 5 * stride, 100, flip); }

TEST(Damage, SeveralPlacesOfJournalAndLog) {
  const char *seed = std::getenv("UPG_TEST_SEED");
  std::mt19937 random(seed ? static_cast<unsigned>(std::atoi(seed)) : 1u);
  const Folder folder;
  for (const Files &files : {left_in_log(), left_in_database()}) {
    for (int round = 0; round < 500; ++round) {
      files.write(folder);
      for (const auto &[name, bytes] : files.files) {
        if (name == "journal.head") continue;
        std::string damaged = bytes;
        for (auto n = random() % 3; n > 0; --n) {
          const std::size_t at = random() % damaged.size();
          for (std::size_t i = at; i < std::min(damaged.size(), at + 1 + random() % 64); ++i)
            damaged[i] = static_cast<char>(random());
        }
        if (random() % 4 == 0) damaged.resize(random() % damaged.size());
        put_bytes(folder.file(name), damaged);
      }
      judge(folder, files.records, fmt::format("round {}", round));
      if (HasFailure()) return;
    }
  }
}

TEST(Damage, AFileThatIsGone) {
  const Folder folder;
  for (const Files &files : {left_in_log(), left_in_database()}) {
    for (std::size_t gone = 1; gone < 7; ++gone) {  // not none, not all
      Files some = files;
      some.files.clear();
      std::string what;
      for (std::size_t i = 0; i < files.files.size(); ++i) {
        if (gone >> i & 1)
          what += files.files[i].first + " ";
        else
          some.files.push_back(files.files[i]);
      }
      some.write(folder);
      EXPECT_TRUE(judge(folder, files.records, what)) << what;
      refuses_to_open(folder, what);
    }
  }
}

TEST(Damage, AnEmptyDatabaseDoesNotCostTheLog) {
  const Folder folder;
  const Files files = left_in_log();
  files.write(folder);
  put_bytes(folder.journal(), "");
  EXPECT_TRUE(judge(folder, files.records, "empty"));
  refuses_to_open(folder, "empty");
  EXPECT_EQ(bytes_of(folder.file("journal.sqlite-wal")), files.files[1].second);
}

TEST(Damage, AnOlderCopyOrAnotherRunsJournal) {
  const Folder folder, other;
  std::string why;
  std::vector<Record> records;
  auto journal = SqliteJournal::open(folder.journal(), why);
  ASSERT_TRUE(journal) << why;
  for (std::uint64_t n = 1; n <= 4; ++n) records.push_back(record(n)), journal->append(records.back());
  const Files early = Files::of(folder, records);
  for (std::uint64_t n = 5; n <= 8; ++n) records.push_back(record(n)), journal->append(records.back());
  journal.reset();
  const std::string head = bytes_of(folder.file("journal.head"));
  early.write(folder);
  put_bytes(folder.file("journal.head"), head);
  Reading reading = SqliteJournal::examine(folder.journal());
  EXPECT_NE(reading.problem.find("8 records had been written and the last 4 are gone"), std::string::npos)
      << reading.problem;

  journal = SqliteJournal::open(other.journal(), why);
  for (std::uint64_t n = 1; n <= 8; ++n) journal->append(record(n, 1));
  journal.reset();
  put_bytes(other.file("journal.head"), head);
  reading = SqliteJournal::examine(other.journal());
  EXPECT_NE(reading.problem.find("something else"), std::string::npos) << reading.problem;
}

}  // namespace
}  // namespace upg::journal_test
