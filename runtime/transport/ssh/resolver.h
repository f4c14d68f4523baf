#pragma once
#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/transport/ssh/options.h"

namespace upg::transport {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  std::string text() const;  // "127.0.0.1:22", "[::1]:22"
};

/// Everything that must be known before a connection can be tried.
struct Resolved {
  std::string host;  // what is dialled and looked up in known_hosts
  std::uint16_t port = 22;
  std::string user;
  std::vector<std::string> known_hosts;
  std::string host_key_alias;
  std::vector<std::string> identities;
  std::vector<std::string> certificates;
  bool identities_only = false;
  std::string identity_agent;      // "none", a path, or empty for the default
  std::vector<std::string> proxy;  // argv of what to speak through; empty: TCP
  std::string proxy_key;           // hosts behind the same bastion share its limit of handshakes
  std::vector<SocketAddress> addresses;
  std::vector<std::string> warnings;
  std::string error;  // nothing could be found out
};

/// Finds out addresses and ssh_config off the loop's thread. Threads are started as needed and never waited for: a name
/// server that hangs holds up neither other hosts nor the end of the program.
class Resolver {
 public:
  /// `hosts` are all hosts of the plan (bastions are looked up among them).
  Resolver(SshOptions options, std::vector<SshHost> hosts);
  ~Resolver();
  Resolver(const Resolver &) = delete;
  Resolver &operator=(const Resolver &) = delete;

  void ask(std::size_t host);
  /// Readable when an answer is there.
  int fd() const;
  struct Result {
    std::size_t host;
    Resolved resolved;
  };
  std::vector<Result> take();

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace upg::transport
