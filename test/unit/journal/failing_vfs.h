#pragma once
#include <cstdint>

namespace upg::journal_test {

/// What goes wrong, once from the `at`-th operation of its kind on or for good.
enum class Fault : std::uint8_t {
  none,
  full,      // a write: SQLITE_FULL, nothing is written
  torn,      // a write: half of it is written, then an I/O error
  sync,      // a sync: an I/O error, though all is written
  truncate,  // a truncation fails
};

/// A VFS of SQLite over the usual one, the default as long as this lives, in which one operation fails.
class FailingVfs {
 public:
  FailingVfs(Fault fault, int at, bool for_good);
  ~FailingVfs();
  FailingVfs(const FailingVfs &) = delete;
  FailingVfs &operator=(const FailingVfs &) = delete;
  /// How often it struck.
  int struck() const;
};

}  // namespace upg::journal_test
