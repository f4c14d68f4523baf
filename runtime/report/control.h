#pragma once
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "runtime/report/run_folder.h"

namespace upg::report {

/// The door of a run that is under way: a Unix socket in its folder (mode 0600, only the run's own user and root are
/// heard). One line of at most 4 KiB comes in, one answer goes out, the connection is closed. Nothing here blocks.
class Control {
 public:
  struct Request {
    std::string text;
    std::string who;  // "root (process 4711)"
  };
  using Handler = std::function<std::string(const Request &)>;

  /// The folder must be locked: what an earlier process left there is removed.
  static std::unique_ptr<Control> listen(const RunFolder &folder, std::string &why);
  ~Control();
  Control(const Control &) = delete;
  Control &operator=(const Control &) = delete;

  /// Readable when there is something to serve.
  int fd() const { return poll_; }
  /// Takes everything as far as it goes; a client that is silent for 5 s is dropped.
  void serve(std::int64_t monotonic_ms, const Handler &handler);

 private:
  struct Client {
    int fd = -1;
    std::string who;
    std::string in;
    std::string out;
    std::size_t sent = 0;
    bool answered = false;
    std::int64_t until_ms = 0;
  };
  Control() = default;
  void accept_all(std::int64_t now);
  /// False when it is over.
  bool advance(Client &client, const Handler &handler) const;

  int folder_ = -1;
  int socket_ = -1;
  int poll_ = -1;
  std::list<Client> clients_;
};

/// What the upgrun that drives the run says; nothing, with `why`, if none does or it is silent. `why` is empty when
/// nobody drives the run.
std::optional<std::string> ask_control(const RunFolder &folder, const std::string &line, int timeout_ms,
                                       std::string &why);

}  // namespace upg::report
