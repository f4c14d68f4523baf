#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/machine/transport.h"

namespace upg::transport {

/// How the SSH transport behaves. ssh_config is read by `ssh -G`, so that Host, Match, Include, tokens and defaults
/// mean exactly what they mean for ssh (once for all hosts that it does not tell apart); what the inventory gives
/// (address, port, user, via) wins over it. `Match exec` and ProxyCommand of the user's own file are obeyed.
struct SshOptions {
  std::string config;  // file for `ssh -F`; empty: the user's and the system's; "none": no file at all
  std::vector<std::string> known_hosts;      // if given, only these are read
  std::vector<std::string> identities;       // private keys to try first
  bool agent = true;                         // use $SSH_AUTH_SOCK (or IdentityAgent)
  std::string state_directory;               // of steps on the hosts; empty: $UPG_STATE_DIR or ~/.local/state/upg there
  std::string ssh_program = "ssh";           // for -G and for jumps
  machine::Millis connect_timeout = 10'000;  // for one TCP connection
  machine::Millis handshake_timeout = 20'000;  // banner to authentication
  machine::Millis keepalive = 8'000;           // a session with commands under way that is silent this long is asked
  unsigned keepalive_misses = 3;               // given up after this many silent intervals
  machine::Millis trusted_idle = 120'000;      // idle for longer, it may be half open: a new one is made instead
  unsigned handshakes = 10;                    // at once, over all hosts; one that stands still does not count
  unsigned handshakes_per_bastion = 4;
  std::size_t connections =
      0;                  // at once; idle ones are closed for others. 0: as many as the limit of open files allows
  unsigned channels = 8;  // commands at once on one host; sshd's MaxSessions is 10
};

struct SshHost {
  plan::HostId id;
  std::string name;        // as in the plan; what ssh_config's Host lines see
  std::string address;     // empty: ssh_config's HostName, else the name
  std::uint16_t port = 0;  // 0: ssh_config's, else 22
  std::string user;        // empty: ssh_config's, else the caller's
  plan::HostId via;        // bastion, itself one of the hosts
};

}  // namespace upg::transport
