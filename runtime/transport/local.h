#pragma once
#include <poll.h>
#include <sys/types.h>

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "runtime/transport/job.h"

namespace upg::transport {

/// Commands on the controller itself: /bin/sh in a session of its own (Ctrl-C at the terminal does not reach it), never
/// blocking.
class LocalProcesses {
 public:
  LocalProcesses();
  ~LocalProcesses();
  LocalProcesses(const LocalProcesses &) = delete;
  LocalProcesses &operator=(const LocalProcesses &) = delete;

  void start(std::unique_ptr<Job> job, std::vector<machine::Answer> &answers, std::vector<machine::Output> &outputs);
  bool cancel(machine::RequestId request, std::vector<machine::Answer> &answers, std::vector<machine::Output> &outputs);
  void add_polls(std::vector<pollfd> &polls) const;
  /// Reads, writes, reaps and judges deadlines; does not block.
  void advance(machine::Millis now, std::vector<machine::Answer> &answers, std::vector<machine::Output> &outputs);
  std::optional<machine::Millis> next_deadline() const;

 private:
  struct Process;
  bool advance_one(Process &process, machine::Millis now, std::vector<machine::Answer> &answers,
                   std::vector<machine::Output> &outputs);
  void stop(Process &process, machine::Millis now);
  void start_waiting(std::vector<machine::Answer> &answers, std::vector<machine::Output> &outputs);
  void spawn(std::unique_ptr<Job> job, std::vector<machine::Answer> &answers, std::vector<machine::Output> &outputs);

  std::deque<std::unique_ptr<Job>> waiting_;  // for others to end
  std::vector<std::unique_ptr<Process>> processes_;
  struct Dying {
    pid_t pid;
    machine::Millis kill_at;
  };
  std::vector<Dying> dying_;  // told to end, not reaped yet
};

/// Ends the process group of `pid` later, without waiting; shared with the proxies of ssh sessions.
bool reap(pid_t pid);

}  // namespace upg::transport
