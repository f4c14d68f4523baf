#pragma once
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace upg::run {

/// Tells people what they should know, by a command of theirs or a POST: each in a process of its own, which tries
/// again with growing pauses for some minutes at most and never holds the run up. The URL is a secret: it goes to that
/// process through a descriptor, never through arguments, environment, log or journal.
class Notifier {
 public:
  /// `url`: a reference (file:PATH, env:NAME, credential:NAME); both empty: nobody is told. Nothing, with `why`, if the
  /// URL cannot be had. `log`: takes what became of each try.
  static std::unique_ptr<Notifier> make(std::string command, const std::string &url, std::string run, std::string log,
                                        std::string &why);
  ~Notifier();
  Notifier(const Notifier &) = delete;
  Notifier &operator=(const Notifier &) = delete;

  /// `event`: "halted", "asked", "paused", "done", ...
  void tell(const std::string &event, const std::string &text);
  /// What could not be told, each once; waits up to `patience_ms` for those that still try.
  std::vector<std::string> failures(int patience_ms);
  bool trying() const { return !helpers_.empty(); }

 private:
  Notifier() = default;
  void spawn(const std::string &event, const std::string &way, const std::string &job);
  struct Helper {
    pid_t pid = -1;
    int pidfd = -1;
    std::string event;
  };
  std::string command_, url_, run_, log_;
  std::vector<Helper> helpers_;
  std::vector<std::string> failed_;
};

/// The process that tells: `upgrun` started with this one argument, its task as JSON on standard input.
inline constexpr const char *notify_helper_name = "--notify-helper";
int notify_helper();

}  // namespace upg::run
