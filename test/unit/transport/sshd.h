#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/transport/spawn.h"
#include "runtime/transport/ssh/ssh_transport.h"
#include "runtime/transport/system_clock.h"

namespace upg::transport::test {

/// A directory that goes away with its owner.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch &) = delete;
  Scratch &operator=(const Scratch &) = delete;
  std::string path(const std::string &name = "") const;
  std::string write(const std::string &name, const std::string &text, bool executable = false) const;

 private:
  std::filesystem::path root_;
};

std::string read_file(const std::string &path);
/// An ed25519 key made with ssh-keygen; returns the text of the public half.
std::string make_key(const std::string &path, const std::string &passphrase = "");
/// Makes a FIFO, and waits for somebody to write a line into it (or fails after 20 s).
std::string make_fifo(const std::string &path);
std::string await_line(const std::string &fifo);
void send_line(const std::string &fifo, const std::string &line);

/// A real sshd of an ordinary user on an address in 127.0.0.0/8 and a free port. Its PATH begins with `bin` of the
/// scratch directory.
class Sshd {
 public:
  struct Setup {
    std::string address = "127.0.0.1";
    std::vector<std::string> lines;  // more sshd_config
    std::string host_key;            // file; empty: one of its own
    std::uint16_t port = 0;          // 0: a free one
  };
  Sshd(const Scratch &scratch, const std::string &name, const std::string &authorized_keys, Setup setup);
  Sshd(const Scratch &scratch, const std::string &name, const std::string &authorized_keys)
      : Sshd(scratch, name, authorized_keys, Setup()) {}
  ~Sshd();
  Sshd(const Sshd &) = delete;
  Sshd &operator=(const Sshd &) = delete;

  std::string address() const { return address_; }
  std::uint16_t port() const { return port_; }
  const std::string &host_key() const { return public_key_; }  // "ssh-ed25519 AAAA..."
  std::string known_hosts_line() const;
  /// Sends a signal to the daemon and all its sessions.
  void signal_all(int signal) const;
  void stop();
  std::string log() const;

 private:
  bool listens() const;
  /// The daemon and its sessions (they leave its process group), without what those run.
  std::vector<pid_t> processes() const;

  std::string address_;
  std::uint16_t port_ = 0;
  std::string public_key_;
  Spawned process_;
  std::string log_path_;
};

/// One sshd, a transport that trusts it, and a way to run one command.
class SshTest : public testing::Test {
 protected:
  SshTest();
  /// Host 0 is the sshd.
  SshHost host(const Sshd &sshd, std::size_t id = 0) const;
  SshOptions options() const;
  std::unique_ptr<SshTransport> connect(const std::vector<const Sshd *> &hosts);
  machine::Answer run(SshTransport &transport, plan::HostId host, machine::Command command);

  static machine::Command shell(std::string script, machine::Millis timeout = 20'000);
  static machine::Command words(std::vector<std::string> argv, machine::Millis timeout = 20'000);
  /// The same as a step of an action, and what asks after one.
  static machine::Command step(const std::string &key, machine::Command command);
  static machine::Command attach(const std::string &key);

  Scratch scratch_;
  std::string identity_;
  std::string authorized_;
  std::unique_ptr<Sshd> sshd_;
  std::string known_hosts_;
  std::vector<machine::Output> outputs_;
  machine::RequestId next_ = 1;
};

/// Starts nothing: waits until `count` answers are there, or fails after 60 s.
std::map<machine::RequestId, machine::Answer> collect(SshTransport &transport, std::size_t count);

const char *name_of(machine::Outcome outcome);

}  // namespace upg::transport::test

namespace upg::machine {
inline void PrintTo(Outcome outcome, std::ostream *out) { *out << transport::test::name_of(outcome); }
}  // namespace upg::machine
