// A controller is killed at every system call while it makes its journal and writes the first record: nothing was done
// yet, and nobody who comes later is told otherwise, or told that something is damaged.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/unit/journal/fixture.h"

namespace upg::journal_test {
namespace {

enum class End { killed, whole, untraceable };

/// Lets a controller make its journal up to the n-th time that it enters or leaves the kernel.
End controller(const Folder &folder, int n) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(2);
    ::raise(SIGSTOP);
    std::string why;
    auto journal = SqliteJournal::open(folder.journal(), why);
    ::_exit(journal && !journal->append(record(1)) ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  for (int i = 0; WIFSTOPPED(status) && i < n; ++i) {
    ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
    ::waitpid(child, &status, 0);
  }
  if (WIFEXITED(status)) {
    EXPECT_NE(WEXITSTATUS(status), 1) << "no journal";
    return WEXITSTATUS(status) == 2 ? End::untraceable : End::whole;
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, &status, 0);
  return End::killed;
}

TEST(Creation, KilledAtEverySystemCall) {
  const Folder folder;
  int unwritten = 0, written = 0;
  for (int n = 1; n < 5'000; ++n) {
    folder.clear();
    const End end = controller(folder, n);
    if (end == End::untraceable) GTEST_SKIP() << "no process may be traced here";
    if (end == End::whole) break;
    const Reading reading = SqliteJournal::examine(folder.journal());
    ASSERT_EQ(reading.problem, "") << "call " << n;
    ASSERT_LE(reading.records.size(), 1u) << "call " << n;
    ++(reading.records.empty() ? unwritten : written);
    std::string why;
    auto journal = SqliteJournal::open(folder.journal(), why);
    ASSERT_TRUE(journal) << "call " << n << ": " << why;
    for (std::uint64_t r = reading.records.size() + 1; r <= 3; ++r) ASSERT_EQ(journal->append(record(r)), std::nullopt);
    journal.reset();
    const Reading after = SqliteJournal::examine(folder.journal());
    ASSERT_EQ(after.problem, "") << "call " << n;
    ASSERT_EQ(after.records.size(), 3u) << "call " << n;
  }
  EXPECT_GT(unwritten, 50);
  EXPECT_GT(written, 0);
}

}  // namespace
}  // namespace upg::journal_test
