#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/journal/head.h"
#include "runtime/machine/journal.h"

struct sqlite3;
struct sqlite3_stmt;

namespace upg::journal {

/// Of the journal's file. A number for each layout that was ever written; docs/compatibility.md says what is read.
inline constexpr int journal_version = 2;

/// What a journal's file says when nothing about it is believed.
struct Reading {
  std::vector<machine::Record> records;  // the longest beginning that is whole
  std::string chain;                     // hash of the last of them
  std::uint64_t known = 0;               // records that are known to have been written, there or not
  std::string problem;                   // empty: all that was written is in `records`
  bool exists = false;                   // there is a journal, or a trace of one that was ever ready to be written
};

/// The journal of one run in a SQLite file: WAL, synchronous=FULL, one writer at a time (the run's folder is locked by
/// whoever drives it). Records that need not be durable at once are written with the next one that must be. Each record
/// carries the SHA-256 of the hash before it and of itself; how far the file had come stands in `journal.head` beside
/// it.
class SqliteJournal final : public machine::Journal {
 public:
  /// Creates or opens the file, which is read whole before. Nothing, with `why` set, if it cannot be: on a network file
  /// system, damaged, cut short, of another version.
  static std::unique_ptr<SqliteJournal> open(const std::string &path, std::string &why);
  /// Reads without locking out a writer and changes nothing: neither a log that is left over nor a damaged file.
  static Reading examine(const std::string &path);
  /// All records; nothing, with `why` set, if the journal is not whole.
  static std::optional<std::vector<machine::Record>> read(const std::string &path, std::string &why);

  ~SqliteJournal() override;
  SqliteJournal(const SqliteJournal &) = delete;
  SqliteJournal &operator=(const SqliteJournal &) = delete;

  /// After a failure every later record is refused: what the disk did with the failed one is not known.
  std::optional<std::string> append(machine::Record record) override;
  /// Writes what is still held back.
  std::optional<std::string> flush();

 private:
  explicit SqliteJournal(sqlite3 *db) : db_(db) {}
  static std::string create(const std::string &path, HeadFile &head);
  std::optional<std::string> write_pending();
  std::optional<std::string> fail(std::string why);

  sqlite3 *db_;
  sqlite3_stmt *insert_ = nullptr;
  HeadFile head_;
  Mark last_;
  std::string broken_;  // why nothing is taken any more
  std::vector<machine::Record> pending_;
};

}  // namespace upg::journal
