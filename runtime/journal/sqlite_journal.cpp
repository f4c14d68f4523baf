#include "runtime/journal/sqlite_journal.h"

#include <sqlite3.h>
#include <sys/vfs.h>

#include <filesystem>

namespace upg::journal {
namespace {

constexpr int kVersion = 1;
constexpr std::size_t kPending = 256;     // records held back at most
constexpr std::size_t kData = 16u << 20;  // bytes of one record

std::string error_of(sqlite3 *db) { return db ? sqlite3_errmsg(db) : "out of memory"; }

bool run(sqlite3 *db, const char *sql) { return sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK; }

/// WAL needs shared memory between processes of one machine; these file systems do not give it.
bool on_network(const std::string &path) {
  struct statfs fs {};
  std::string directory = std::filesystem::path(path).parent_path().string();
  if (statfs(directory.empty() ? "." : directory.c_str(), &fs) != 0) return false;
  switch (static_cast<unsigned long>(fs.f_type)) {
    case 0x6969:      // nfs
    case 0xff534d42:  // cifs
    case 0xfe534d42:  // smb2
    case 0x517b:      // smb
    case 0x5346414f:  // afs
    case 0x00c36400:  // a distributed store in the kernel
    case 0x01021997:  // 9p
    case 0x65735546:  // fuse: sshfs and the like
      return true;
    default:
      return false;
  }
}

int version_of(sqlite3 *db) {
  sqlite3_stmt *s = nullptr;
  int version = -1;
  if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &s, nullptr) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
    version = sqlite3_column_int(s, 0);
  sqlite3_finalize(s);
  return version;
}

/// Event numbers in the file are names, so that a table row inserted later changes nothing.
std::optional<machine::Event> event_named(std::string_view name) {
  for (int i = 0; i < static_cast<int>(machine::Event::count_); ++i)
    if (machine::info(static_cast<machine::Event>(i)).name == name) return static_cast<machine::Event>(i);
  return std::nullopt;
}

std::string text(sqlite3_stmt *s, int column) {
  const unsigned char *t = sqlite3_column_text(s, column);
  return t ? std::string(reinterpret_cast<const char *>(t), static_cast<std::size_t>(sqlite3_column_bytes(s, column)))
           : std::string();
}

}  // namespace

std::unique_ptr<SqliteJournal> SqliteJournal::open(const std::string &path, std::string &why) {
  if (on_network(path)) {
    why = path +
          ": on a network file system, which cannot keep a journal safely; put the runs on a local disk (--runs DIR)";
    return nullptr;
  }
  sqlite3 *db = nullptr;
  int rc =
      sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW, nullptr);
  std::unique_ptr<SqliteJournal> journal(new SqliteJournal(db));
  if (rc != SQLITE_OK) {
    why = path + ": " + error_of(db);
    return nullptr;
  }
  sqlite3_busy_timeout(db, 2000);
  sqlite3_extended_result_codes(db, 1);
  bool ok = run(db, "PRAGMA journal_mode=WAL") && run(db, "PRAGMA synchronous=FULL");
  int version = ok ? version_of(db) : -1;
  if (ok && version > kVersion) {
    why = path + ": written by a newer upgrun; use that one";
    return nullptr;
  }
  ok = ok && run(db, "BEGIN IMMEDIATE");
  if (ok && version == 0)
    ok = run(db,
             "CREATE TABLE IF NOT EXISTS events(number INTEGER PRIMARY KEY, unix_ms INTEGER NOT NULL, event TEXT NOT "
             "NULL, key TEXT NOT NULL, data TEXT NOT NULL) STRICT") &&
         run(db, "PRAGMA user_version=1");
  ok = ok && run(db, "COMMIT") &&
       sqlite3_prepare_v2(db, "INSERT INTO events(number, unix_ms, event, key, data) VALUES(?,?,?,?,?)", -1,
                          &journal->insert_, nullptr) == SQLITE_OK;
  if (!ok) {
    int code = sqlite3_errcode(db);
    why = code == SQLITE_BUSY || code == SQLITE_LOCKED ? path + ": another upgrun has this run open"
                                                       : path + ": " + error_of(db);
    return nullptr;
  }
  return journal;
}

SqliteJournal::~SqliteJournal() {
  if (!db_) return;
  if (insert_) write_pending();
  sqlite3_finalize(insert_);
  sqlite3_close_v2(db_);
}

std::optional<std::string> SqliteJournal::append(machine::Record record) {
  if (record.data.size() > kData) return "a record is larger than the journal takes";
  bool durable = machine::info(record.event).durable;
  pending_.push_back(std::move(record));
  if (!durable && pending_.size() < kPending) return std::nullopt;
  return write_pending();
}

std::optional<std::string> SqliteJournal::flush() { return write_pending(); }

std::optional<std::string> SqliteJournal::write_pending() {
  if (pending_.empty()) return std::nullopt;
  bool ok = run(db_, "BEGIN IMMEDIATE");
  for (const machine::Record &r : pending_) {
    if (!ok) break;
    std::string_view event = machine::info(r.event).name;
    sqlite3_bind_int64(insert_, 1, static_cast<sqlite3_int64>(r.number));
    sqlite3_bind_int64(insert_, 2, r.unix_ms);
    sqlite3_bind_text(insert_, 3, event.data(), static_cast<int>(event.size()), SQLITE_STATIC);
    sqlite3_bind_text(insert_, 4, r.key.data(), static_cast<int>(r.key.size()), SQLITE_STATIC);
    sqlite3_bind_text(insert_, 5, r.data.data(), static_cast<int>(r.data.size()), SQLITE_STATIC);
    ok = sqlite3_step(insert_) == SQLITE_DONE;
    if (!ok) break;
    sqlite3_reset(insert_);
    sqlite3_clear_bindings(insert_);
  }
  ok = ok && run(db_, "COMMIT");
  if (!ok) {
    std::string why = error_of(db_);
    sqlite3_reset(insert_);
    run(db_, "ROLLBACK");
    return why;
  }
  pending_.clear();
  return std::nullopt;
}

std::optional<std::vector<machine::Record>> SqliteJournal::read(const std::string &path, std::string &why) {
  sqlite3 *db = nullptr;
  int rc = sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW, nullptr);
  auto close = [&] { sqlite3_close_v2(db); };
  if (rc != SQLITE_OK) {
    why = path + ": " + error_of(db);
    close();
    return std::nullopt;
  }
  sqlite3_busy_timeout(db, 2000);
  if (version_of(db) != kVersion) {
    why = path + ": no journal of this version (" + error_of(db) + ")";
    close();
    return std::nullopt;
  }
  std::vector<machine::Record> records;
  sqlite3_stmt *s = nullptr;
  rc = sqlite3_prepare_v2(db, "SELECT number, unix_ms, event, key, data FROM events ORDER BY number", -1, &s, nullptr);
  if (rc == SQLITE_OK) {
    while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
      machine::Record r;
      r.number = static_cast<std::uint64_t>(sqlite3_column_int64(s, 0));
      r.unix_ms = sqlite3_column_int64(s, 1);
      std::string name = text(s, 2);
      auto event = event_named(name);
      if (!event || r.number != records.size() + 1) {
        why = path + (event ? ": a record is missing before number " + std::to_string(r.number)
                            : ": unknown event `" + name + "`");
        sqlite3_finalize(s);
        close();
        return std::nullopt;
      }
      r.event = *event;
      r.key = text(s, 3);
      r.data = text(s, 4);
      records.push_back(std::move(r));
    }
  }
  std::string problem = rc == SQLITE_DONE ? std::string() : error_of(db);
  sqlite3_finalize(s);
  close();
  if (!problem.empty()) {
    why = path + ": " + problem;
    return std::nullopt;
  }
  return records;
}

}  // namespace upg::journal
