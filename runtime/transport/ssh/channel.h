#pragma once
#include "runtime/transport/ssh/session.h"

namespace upg::transport {

/// One channel and the command on it. libssh calls back into it, so it does not move.
struct Session::Channel {
  Channel(ssh_session session, std::vector<machine::Output> &outputs);
  ~Channel();
  Channel(const Channel &) = delete;
  Channel &operator=(const Channel &) = delete;

  enum class Stage { opening, open, requested, running } stage = Stage::opening;
  ssh_channel handle = nullptr;
  std::unique_ptr<Job> job;
  bool sent = false;  // the exec request has left: the command may run
  bool eof_sent = false;
  std::optional<int> code;
  int signal = 0;
  bool closed = false;
  machine::Millis ended_at = 0;

 private:
  static int on_data(ssh_session, ssh_channel, void *data, std::uint32_t size, int is_stderr, void *self);
  static void on_close(ssh_session, ssh_channel, void *self);
  static void on_exit_status(ssh_session, ssh_channel, int status, void *self);
  static void on_exit_signal(ssh_session, ssh_channel, const char *name, int core, const char *message,
                             const char *language, void *self);
  ssh_channel_callbacks_struct callbacks_{};
  std::vector<machine::Output> &outputs_;
};

}  // namespace upg::transport
