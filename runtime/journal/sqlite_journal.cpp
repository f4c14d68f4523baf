#include "runtime/journal/sqlite_journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "runtime/journal/file_system.h"
#include "runtime/plan/bytecode.h"

namespace upg::journal {
namespace {

constexpr int kApplication = 0x55504731;  // what a file of ours says it is
constexpr std::size_t kPending = 256;     // records held back at most
constexpr std::size_t kData = 16u << 20;  // bytes of one record
constexpr std::string_view kMagic{"SQLite format 3\0", 16};

std::string head_of(const std::string &path) {
  return (std::filesystem::path(path).parent_path() / "journal.head").string();
}

/// Opens the file, and not what it is a link to. The folder may lie behind one: SQLite takes no link anywhere.
int open_file(const std::string &path, int flags, sqlite3 **db) {
  std::error_code unknown;
  const std::filesystem::path given(path);
  const std::filesystem::path folder =
      std::filesystem::canonical(given.has_parent_path() ? given.parent_path() : ".", unknown);
  const std::string real = unknown ? path : (folder / given.filename()).string();
  return sqlite3_open_v2(real.c_str(), db, flags | SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW, nullptr);
}

std::string error_of(sqlite3 *db) { return db ? sqlite3_errmsg(db) : "out of memory"; }

bool run(sqlite3 *db, const char *sql) { return sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK; }

int number_of(sqlite3 *db, const char *pragma) {
  sqlite3_stmt *s = nullptr;
  int number = -1;
  if (sqlite3_prepare_v2(db, pragma, -1, &s, nullptr) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
    number = sqlite3_column_int(s, 0);
  sqlite3_finalize(s);
  return number;
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

/// What the first record is chained to.
const std::string &seed() {
  static const std::string hash = plan::sha256_hex("upg journal 2");
  return hash;
}

std::string chained(const std::string &before, const machine::Record &r, std::string_view event) {
  std::string content = fmt::format("{} {} {} {} {}:", before, r.number, r.unix_ms, event, r.key.size());
  content.reserve(content.size() + r.key.size() + r.data.size() + 24);
  content += r.key;
  content += fmt::format(" {}:", r.data.size());
  content += r.data;
  return plan::sha256_hex(content);
}

/// The database handle of a reader, which leaves everything as it is.
struct Reader {
  sqlite3 *db = nullptr;
  sqlite3_stmt *rows = nullptr;
  ~Reader() {
    sqlite3_finalize(rows);
    sqlite3_close_v2(db);
  }
};

/// Why SQLite should not even look at the file; empty if it may. An empty file beside a log would be taken for a fresh
/// one, and the log thrown away.
std::string no_database(const std::string &path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return std::strerror(errno);
  std::array<char, kMagic.size()> begin{};
  ssize_t n = ::read(fd, begin.data(), begin.size());
  struct stat st {};
  bool regular = ::fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
  ::close(fd);
  if (!regular) return "it is no regular file";
  if (n == 0) return "it is empty";
  if (n < static_cast<ssize_t>(begin.size()) || std::string_view(begin.data(), begin.size()) != kMagic)
    return "it does not begin like a journal";
  return {};
}

/// Rows up to the first that does not fit what stands before it. The problem, or nothing; `chain_there` becomes the
/// hash of the record that the mark names.
std::string read_rows(Reader &reader, Reading &out, const Mark &mark, std::string &chain_there) {
  auto cut = [&](const std::string &what) { return fmt::format("record {} {}", out.records.size() + 1, what); };
  if (sqlite3_prepare_v2(reader.db, "SELECT number, unix_ms, event, key, data, chain FROM events ORDER BY number", -1,
                         &reader.rows, nullptr) != SQLITE_OK)
    return "it cannot be read: " + error_of(reader.db);
  sqlite3_stmt *s = reader.rows;
  int rc = SQLITE_ROW;
  while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
    machine::Record r;
    r.number = static_cast<std::uint64_t>(sqlite3_column_int64(s, 0));
    r.unix_ms = sqlite3_column_int64(s, 1);
    r.key = text(s, 3);
    r.data = text(s, 4);
    const std::string name = text(s, 2);
    if (r.number != out.records.size() + 1) return cut("is missing");
    std::string chain = chained(out.chain, r, name);
    if (chain != text(s, 5)) return cut("is not as it was written: its hash does not follow from the one before it");
    const auto event = event_named(name);
    if (!event) return cut(fmt::format("is of a kind that this upgrun does not know (`{}`)", name.substr(0, 40)));
    r.event = *event;
    out.records.push_back(std::move(r));
    out.chain = std::move(chain);
    if (out.records.size() == mark.number) chain_there = out.chain;
  }
  return rc == SQLITE_DONE ? std::string() : cut("and what follows cannot be read: " + error_of(reader.db));
}

std::string version_problem(sqlite3 *db) {
  const int version = number_of(db, "PRAGMA user_version");
  if (version < 0) return "it cannot be read: " + error_of(db);
  if (version == journal_version && number_of(db, "PRAGMA application_id") == kApplication) return {};
  if (version > journal_version)
    return fmt::format("its format is {}, made by a newer upgrun; this one reads {}: go on with that one", version,
                       journal_version);
  if (version > 0 && version < journal_version)
    return fmt::format("its format is {}, made by an older upgrun; this one reads {}: finish the run with that one",
                       version, journal_version);
  return "it does not say that it is a journal";
}

/// All but the last line of defence, which is the mark beside the file.
std::string read_file(const std::string &path, Reading &out, const Mark &mark, std::string &chain_there) {
  if (std::string why = no_database(path); !why.empty()) return why;
  Reader reader;
  if (open_file(path, 0, &reader.db) != SQLITE_OK) return error_of(reader.db);
  sqlite3_busy_timeout(reader.db, 2000);
  sqlite3_limit(reader.db, SQLITE_LIMIT_LENGTH, static_cast<int>(kData) + (1 << 16));
  sqlite3_db_config(reader.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_db_config(reader.db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(reader.db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  if (std::string why = version_problem(reader.db); !why.empty()) return why;
  return read_rows(reader, out, mark, chain_there);
}

}  // namespace

Reading SqliteJournal::examine(const std::string &path) {
  Reading out;
  out.chain = seed();
  Mark mark;  // read first: a writer that goes on meanwhile is only further than it says
  const HeadFile::State head = HeadFile::read(head_of(path), mark);
  const bool there = ::access(path.c_str(), F_OK) == 0 || ::access((path + "-wal").c_str(), F_OK) == 0;
  // without a journal, a mark that names no record was left by whoever was killed while making one
  out.exists = there || (head == HeadFile::State::whole && mark.number > 0);
  if (!out.exists) return out;
  std::string chain_there = out.chain;
  out.problem = read_file(path, out, mark, chain_there);
  const std::size_t have = out.records.size();
  out.known = std::max<std::uint64_t>(mark.number, have);
  if (out.problem.empty()) {
    if (head != HeadFile::State::whole)
      out.problem = fmt::format("journal.head, which says how far it had come, is {}",
                                head == HeadFile::State::absent ? "gone" : "damaged");
    else if (mark.number > have)
      out.problem =
          fmt::format("{} records had been written and the last {} are gone", mark.number, mark.number - have);
    else if (chain_there != mark.chain)
      out.problem = fmt::format("record {} is not the one that journal.head names: it is the journal of something else",
                                mark.number);
  }
  // what was written together is there together, and ends with a record that had to be durable
  while (!out.problem.empty() && !out.records.empty() && !machine::info(out.records.back().event).durable)
    out.records.pop_back();
  return out;
}

std::optional<std::vector<machine::Record>> SqliteJournal::read(const std::string &path, std::string &why) {
  Reading reading = examine(path);
  if (reading.problem.empty() && reading.exists) return std::move(reading.records);
  why = path + ": " + (reading.exists ? reading.problem : "there is no journal");
  return std::nullopt;
}

/// Makes an empty journal. It gets its name last, when the mark is there: a journal without one has lost it, and until
/// then nothing can have been written.
std::string SqliteJournal::create(const std::string &path, HeadFile &head) {
  const std::string unborn = path + ".new";
  for (const char *leftover : {"", "-journal"}) ::unlink((unborn + leftover).c_str());
  sqlite3 *db = nullptr;
  bool ok = open_file(unborn, SQLITE_OPEN_CREATE, &db) == SQLITE_OK;
  // small pages: a record is small, and every commit writes whole ones
  ok = ok && run(db, "PRAGMA page_size=1024") && run(db, "PRAGMA synchronous=FULL") && run(db, "BEGIN IMMEDIATE") &&
       run(db,
           "CREATE TABLE events(number INTEGER PRIMARY KEY, unix_ms INTEGER NOT NULL, event TEXT NOT NULL, key TEXT "
           "NOT NULL, data TEXT NOT NULL, chain TEXT NOT NULL) STRICT") &&
       run(db, fmt::format("PRAGMA user_version={}", journal_version).c_str()) &&
       run(db, fmt::format("PRAGMA application_id={}", kApplication).c_str()) && run(db, "COMMIT");
  std::string why = ok ? std::string() : path + ": " + error_of(db);
  sqlite3_close_v2(db);
  if (why.empty()) why = head.begin(head_of(path), {0, seed()}).value_or("");
  if (why.empty() && ::rename(unborn.c_str(), path.c_str()) != 0) why = path + ": " + std::strerror(errno);
  if (why.empty()) why = HeadFile::sync_folder(path).value_or("");
  return why;
}

std::unique_ptr<SqliteJournal> SqliteJournal::open(const std::string &path, std::string &why) {
  if (auto name = shared_file_system_of(path)) {
    why = fmt::format(
        "{}: on {}, a network file system or one like it, where neither locks nor flushed writes can be "
        "relied on; put the runs on a local disk (--runs DIR)",
        path, *name);
    return nullptr;
  }
  Reading reading = examine(path);
  if (!reading.problem.empty()) {
    why = path + ": " + reading.problem;
    return nullptr;
  }
  HeadFile first;
  if (!reading.exists) why = create(path, first);
  if (!reading.exists && !why.empty()) return nullptr;
  sqlite3 *db = nullptr;
  const int rc = open_file(path, 0, &db);
  std::unique_ptr<SqliteJournal> journal(new SqliteJournal(db));
  if (rc != SQLITE_OK) {
    why = path + ": " + error_of(db);
    return nullptr;
  }
  sqlite3_busy_timeout(db, 2000);
  sqlite3_extended_result_codes(db, 1);
  const bool ok =
      run(db, "PRAGMA journal_mode=WAL") && run(db, "PRAGMA synchronous=FULL") && run(db, "BEGIN IMMEDIATE") &&
      run(db, "COMMIT") &&
      sqlite3_prepare_v2(db, "INSERT INTO events(number, unix_ms, event, key, data, chain) VALUES(?,?,?,?,?,?)", -1,
                         &journal->insert_, nullptr) == SQLITE_OK;
  if (!ok) {
    int code = sqlite3_errcode(db) & 0xff;
    why = code == SQLITE_BUSY || code == SQLITE_LOCKED ? path + ": another upgrun has this run open"
                                                       : path + ": " + error_of(db);
    return nullptr;
  }
  journal->last_ = {reading.records.size(), reading.chain};
  if (auto problem = journal->head_.begin(head_of(path), journal->last_)) {
    why = *problem;
    return nullptr;
  }
  return journal;
}

SqliteJournal::~SqliteJournal() {
  if (!db_) return;
  if (insert_) static_cast<void>(write_pending());
  sqlite3_finalize(insert_);
  sqlite3_close_v2(db_);
}

std::optional<std::string> SqliteJournal::append(machine::Record record) {
  if (!broken_.empty()) return broken_;
  if (record.data.size() > kData) return fail("a record is larger than the journal takes");
  if (record.number != last_.number + pending_.size() + 1)
    return fail(fmt::format("record {} does not follow {}", record.number, last_.number + pending_.size()));
  bool durable = machine::info(record.event).durable;
  pending_.push_back(std::move(record));
  if (!durable && pending_.size() < kPending) return std::nullopt;
  return write_pending();
}

std::optional<std::string> SqliteJournal::flush() { return write_pending(); }

std::optional<std::string> SqliteJournal::fail(std::string why) {
  broken_ = std::move(why);
  return broken_;
}

std::optional<std::string> SqliteJournal::write_pending() {
  if (!broken_.empty()) return broken_;
  if (pending_.empty()) return std::nullopt;
  Mark mark = last_;
  bool ok = run(db_, "BEGIN IMMEDIATE");
  for (const machine::Record &r : pending_) {
    if (!ok) break;
    std::string_view event = machine::info(r.event).name;
    mark = {r.number, chained(mark.chain, r, event)};
    auto bind = [&](int column, std::string_view t) {
      sqlite3_bind_text(insert_, column, t.data(), static_cast<int>(t.size()), SQLITE_TRANSIENT);
    };
    sqlite3_bind_int64(insert_, 1, static_cast<sqlite3_int64>(r.number));
    sqlite3_bind_int64(insert_, 2, r.unix_ms);
    bind(3, event);
    bind(4, r.key);
    bind(5, r.data);
    bind(6, mark.chain);
    ok = sqlite3_step(insert_) == SQLITE_DONE;
    if (!ok) break;
    sqlite3_reset(insert_);
    sqlite3_clear_bindings(insert_);
  }
  ok = ok && run(db_, "COMMIT");
  if (!ok) {
    fail(error_of(db_));
    sqlite3_reset(insert_);
    run(db_, "ROLLBACK");
    return broken_;
  }
  pending_.clear();
  last_ = std::move(mark);
  if (auto why = head_.write(last_)) return fail(*why);
  return std::nullopt;
}

}  // namespace upg::journal
