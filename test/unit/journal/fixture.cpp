#include "test/unit/journal/fixture.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace upg::journal_test {
namespace fs = std::filesystem;

Folder::Folder() {
  std::error_code ec;
  std::string pattern = (fs::is_directory("/dev/shm", ec) ? "/dev/shm" : testing::TempDir()) + "/upg-journal-XXXXXX";
  if (!mkdtemp(pattern.data())) {
    pattern = testing::TempDir() + "/upg-journal-XXXXXX";
    if (!mkdtemp(pattern.data())) throw std::runtime_error("no folder for the test");
  }
  path_ = pattern;
}
Folder::~Folder() {
  std::error_code ec;
  fs::remove_all(path_, ec);
}
void Folder::clear() const {
  for (const auto &entry : fs::directory_iterator(path_)) fs::remove_all(entry.path());
}

Record record(std::uint64_t number, std::size_t padding) {
  Record r;
  r.number = number;
  r.unix_ms = 1'700'000'000'000 + static_cast<std::int64_t>(number);
  r.event = number == 1       ? Event::run_started
            : number % 3 == 0 ? Event::gate_waiting
            : number % 3 == 1 ? Event::act_intended
                              : Event::act_ended;
  r.key = fmt::format("body/{}[node{}]/0", number, number % 7);
  r.data = fmt::format("{{\"action\":\"step({})\",\"detail\":\"{}\"}}", number, std::string(padding, 'x'));
  return r;
}
bool same(const Record &a, const Record &b) {
  return a.number == b.number && a.unix_ms == b.unix_ms && a.event == b.event && a.key == b.key && a.data == b.data;
}
bool begins(const std::vector<Record> &a, const std::vector<Record> &b) {
  return a.size() <= b.size() && std::equal(a.begin(), a.end(), b.begin(), same);
}

std::string bytes_of(const std::string &path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}
void put_bytes(const std::string &path, const std::string &bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

Files Files::of(const Folder &folder, std::vector<Record> records) {
  Files out;
  for (const char *name : {"journal.sqlite", "journal.sqlite-wal", "journal.head"})
    if (fs::exists(folder.file(name))) out.files.emplace_back(name, bytes_of(folder.file(name)));
  out.records = std::move(records);
  return out;
}
void Files::write(const Folder &folder) const {
  folder.clear();
  for (const auto &[name, bytes] : files) put_bytes(folder.file(name), bytes);
}

namespace {
std::unique_ptr<SqliteJournal> must_open(const Folder &folder) {
  std::string why;
  auto journal = SqliteJournal::open(folder.journal(), why);
  EXPECT_TRUE(journal) << why;
  return journal;
}
void add(SqliteJournal &journal, std::vector<Record> &records, std::size_t most) {
  while (records.size() < most) {
    Record r = record(records.size() + 1);
    EXPECT_EQ(journal.append(r), std::nullopt);
    records.push_back(r);
  }
}
}  // namespace

Files left_in_log() {
  Folder folder;
  std::vector<Record> records;
  auto journal = must_open(folder);
  add(*journal, records, 5);
  return Files::of(folder, records);
}
Files left_in_database() {
  Folder folder;
  std::vector<Record> records;
  {
    auto journal = must_open(folder);
    add(*journal, records, 20);
  }
  auto journal = must_open(folder);
  add(*journal, records, 23);
  return Files::of(folder, records);
}

}  // namespace upg::journal_test
