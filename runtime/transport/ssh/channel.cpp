#include "runtime/transport/ssh/channel.h"

#include <signal.h>

#include <array>
#include <utility>

#include "runtime/transport/system_clock.h"

namespace upg::transport {
namespace {

int signal_number(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, int>, 16> names = {{{"ABRT", SIGABRT},
                                                                              {"ALRM", SIGALRM},
                                                                              {"BUS", SIGBUS},
                                                                              {"FPE", SIGFPE},
                                                                              {"HUP", SIGHUP},
                                                                              {"ILL", SIGILL},
                                                                              {"INT", SIGINT},
                                                                              {"KILL", SIGKILL},
                                                                              {"PIPE", SIGPIPE},
                                                                              {"QUIT", SIGQUIT},
                                                                              {"SEGV", SIGSEGV},
                                                                              {"SYS", SIGSYS},
                                                                              {"TERM", SIGTERM},
                                                                              {"TRAP", SIGTRAP},
                                                                              {"USR1", SIGUSR1},
                                                                              {"USR2", SIGUSR2}}};
  name = name.substr(0, name.find('@'));
  for (const auto &[known, number] : names) {
    if (known == name) return number;
  }
  return 0;
}

}  // namespace

Session::Channel::Channel(ssh_session session, std::vector<machine::Output> &outputs) : outputs_(outputs) {
  handle = ssh_channel_new(session);
  if (!handle) return;
  ssh_callbacks_init(&callbacks_);
  callbacks_.userdata = this;
  callbacks_.channel_data_function = on_data;
  callbacks_.channel_close_function = on_close;
  callbacks_.channel_exit_status_function = on_exit_status;
  callbacks_.channel_exit_signal_function = on_exit_signal;
  ssh_set_channel_callbacks(handle, &callbacks_);
}

Session::Channel::~Channel() {
  if (!handle) return;
  ssh_remove_channel_callbacks(handle, &callbacks_);
  ssh_channel_free(handle);
}

int Session::Channel::on_data(ssh_session, ssh_channel, void *data, std::uint32_t size, int is_stderr, void *self) {
  auto *channel = static_cast<Channel *>(self);
  const std::string_view bytes(static_cast<const char *>(data), size);
  if (channel->job) {
    if (is_stderr) {
      channel->job->stream().take_err(bytes, channel->outputs_);
    } else {
      channel->job->stream().take_out(bytes, channel->outputs_);
    }
  }
  return static_cast<int>(size);
}

void Session::Channel::on_close(ssh_session, ssh_channel, void *self) { static_cast<Channel *>(self)->closed = true; }

void Session::Channel::on_exit_status(ssh_session, ssh_channel, int status, void *self) {
  auto *channel = static_cast<Channel *>(self);
  channel->code = status;
  channel->ended_at = monotonic_now();
}

void Session::Channel::on_exit_signal(ssh_session, ssh_channel, const char *name, int, const char *, const char *,
                                      void *self) {
  auto *channel = static_cast<Channel *>(self);
  channel->signal = signal_number(name ? name : "");
  if (channel->signal == 0) channel->signal = SIGKILL;
  channel->ended_at = monotonic_now();
}

}  // namespace upg::transport
