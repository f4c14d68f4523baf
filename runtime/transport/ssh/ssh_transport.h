#pragma once
#include <memory>
#include <string>
#include <vector>

#include "runtime/machine/transport.h"
#include "runtime/transport/ssh/options.h"

namespace upg::transport {

/// The hosts of a plan over ssh, and the controller itself as local processes. One thread; only `wait` blocks.
/// Deadlines are on SystemClock's scale.
///
/// - A request waits for a connection until its own deadline; refused connections are tried again with growing pauses.
/// - Bytes over Command::output_limit are counted but neither kept nor sent as Output.
/// - What a login shell prints before the command runs (.bashrc) is dropped from stdout and named in Answer::detail.
/// - A command that the login shell or sudo did not start is `refused`.
/// - A step's exit status above 128 means what it means to a shell: ended by signal status - 128.
class SshTransport final : public machine::Transport {
 public:
  SshTransport(SshOptions options, std::vector<SshHost> hosts);
  ~SshTransport() override;

  /// For all commands with a user from now on; fed to sudo's standard input only, wiped at the end. Not while requests
  /// are under way.
  void set_sudo_password(std::string password);
  /// `wait` returns when this descriptor is readable (a signalfd, an eventfd, a pipe); it is not read. -1: none.
  void wake_on(int fd);
  /// What in the user's ssh_config is not followed, and the like; each once.
  std::vector<std::string> take_warnings();

  void start(machine::RequestId request, plan::HostId host, machine::Command command) override;
  void cancel(machine::RequestId request) override;
  void disconnect(plan::HostId host) override;
  void trust(plan::HostId host, machine::HostTrust trust) override;
  std::string shown_key(plan::HostId host) override;
  std::uint64_t connection(plan::HostId host) override;
  void wait(std::optional<machine::Millis> until, std::vector<machine::Answer> &answers,
            std::vector<machine::Output> &outputs) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace upg::transport
