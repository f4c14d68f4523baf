#pragma once
#include <signal.h>
#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

namespace upg::transport {

/// A file descriptor that closes itself.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() { reset(); }
  Fd(Fd &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd &operator=(Fd &&other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  Fd(const Fd &) = delete;
  Fd &operator=(const Fd &) = delete;
  bool valid() const { return fd_ >= 0; }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  void reset();

 private:
  int fd_ = -1;
};

/// While it lives, writing to a closed pipe or socket is an error and no signal, in this thread only.
class NoSigpipe {
 public:
  NoSigpipe();
  ~NoSigpipe();
  NoSigpipe(const NoSigpipe &) = delete;
  NoSigpipe &operator=(const NoSigpipe &) = delete;

 private:
  sigset_t before_{};
  bool was_pending_ = false;
};

struct Spawned {
  pid_t pid = -1;  // also its process group and session
  Fd pidfd, in, out, err;
  std::string error;
};

/// /bin/sh -c text with three pipes; ours do not block. In a session of its own, default signals, nothing else open.
Spawned spawn_shell(const std::string &text);
/// A program whose stdin and stdout are one socket (`in`; `out` stays empty), for an ssh session to speak through.
Spawned spawn_proxy(const std::vector<std::string> &argv);
/// Runs a program to its end with a deadline and returns what it wrote to stdout, or nothing and why. Blocks: not for
/// the loop's thread.
bool run_for_output(const std::vector<std::string> &argv, int timeout_ms, std::string &out, std::string &error);

}  // namespace upg::transport
