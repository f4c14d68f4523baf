#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/machine/journal.h"

struct sqlite3;
struct sqlite3_stmt;

namespace upg::journal {

/// The journal of one run in a SQLite file: WAL, synchronous=FULL, one writer at a time (the run's folder is locked by
/// whoever drives it). Records that need not be durable at once are written with the next one that must be.
class SqliteJournal final : public machine::Journal {
 public:
  /// Creates or opens the file. Nothing, with `why` set, if it cannot be: on a network file system, damaged, of a newer
  /// version.
  static std::unique_ptr<SqliteJournal> open(const std::string &path, std::string &why);
  /// Reads all records without locking out a writer; nothing, with `why` set, if the file is damaged.
  static std::optional<std::vector<machine::Record>> read(const std::string &path, std::string &why);

  ~SqliteJournal() override;
  SqliteJournal(const SqliteJournal &) = delete;
  SqliteJournal &operator=(const SqliteJournal &) = delete;

  std::optional<std::string> append(machine::Record record) override;
  /// Writes what is still held back.
  std::optional<std::string> flush();

 private:
  explicit SqliteJournal(sqlite3 *db) : db_(db) {}
  std::optional<std::string> write_pending();

  sqlite3 *db_;
  sqlite3_stmt *insert_ = nullptr;
  std::vector<machine::Record> pending_;
};

}  // namespace upg::journal
