#pragma once
#include <array>
#include <span>
#include <string>

namespace upg::tools {

/// While it lives, a crash of the program (also a stack overflow) ends in exit code 3 and a message that names the
/// command line and asks for a report. At most one lives at a time.
class CrashReporter {
 public:
  explicit CrashReporter(std::span<const char *const> arguments);
  ~CrashReporter();
  CrashReporter(const CrashReporter &) = delete;
  CrashReporter &operator=(const CrashReporter &) = delete;

  /// The same message for an exception that reached main().
  void report(const char *what) const;

 private:
  std::string request_;  // everything of the message after "what"
};

}  // namespace upg::tools
