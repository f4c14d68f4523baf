#pragma once
#include <libssh/libssh.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace upg::transport {

/// Private keys from files, each read once for all hosts.
class Identities {
 public:
  enum class State { usable, missing, encrypted, unreadable };
  struct Identity {
    std::string path;
    State state = State::missing;
    ssh_key key = nullptr;
    ssh_key certified = nullptr;  // the same key with its certificate (path-cert.pub), if there is one
    std::string detail;
  };
  Identities() = default;
  ~Identities();
  Identities(const Identities &) = delete;
  Identities &operator=(const Identities &) = delete;

  const Identity &load(const std::string &path, const std::vector<std::string> &certificates);

 private:
  std::vector<std::unique_ptr<Identity>> loaded_;
};

/// Does an agent answer at this socket within the time? What it says is not looked at. An agent that hangs would hold
/// up the loop.
bool agent_answers(const std::string &socket_path, int timeout_ms);

}  // namespace upg::transport
