#pragma once
#include <memory>
#include <string>
#include <vector>

#include "runtime/journal/sqlite_journal.h"

namespace upg::journal_test {

using journal::Reading;
using journal::SqliteJournal;
using machine::Event;
using machine::Record;

/// A folder that goes with the object; in memory where the machine has a place for that.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder &) = delete;
  Folder &operator=(const Folder &) = delete;
  std::string file(const std::string &name) const { return path_ + "/" + name; }
  std::string journal() const { return file("journal.sqlite"); }
  const std::string &path() const { return path_; }
  /// Removes what is in it.
  void clear() const;

 private:
  std::string path_;
};

/// A record that differs from all others; every third need not be durable.
Record record(std::uint64_t number, std::size_t padding = 0);
bool same(const Record &a, const Record &b);
/// The first is a beginning of the second.
bool begins(const std::vector<Record> &a, const std::vector<Record> &b);

std::string bytes_of(const std::string &path);
void put_bytes(const std::string &path, const std::string &bytes);

/// The three files of a journal, as a killed controller leaves them.
struct Files {
  std::vector<std::pair<std::string, std::string>> files;  // name, bytes
  std::vector<Record> records;                             // what had been acknowledged
  static Files of(const Folder &folder, std::vector<Record> records);
  void write(const Folder &folder) const;
};
/// All in the log; or most of it in the database, the rest in the log.
Files left_in_log();
Files left_in_database();

}  // namespace upg::journal_test
