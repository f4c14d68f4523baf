#include "runtime/transport/spawn.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "runtime/transport/system_clock.h"

extern char **environ;

namespace upg::transport {
namespace {

constexpr std::size_t max_captured = 256 * 1024;

bool make_pipe(Fd &ours, Fd &theirs, bool we_read) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return false;
  ours = Fd(ends[we_read ? 0 : 1]);
  theirs = Fd(ends[we_read ? 1 : 0]);
  return fcntl(ours.get(), F_SETFL, O_NONBLOCK) == 0;
}

/// Starts it; the three descriptors become 0, 1, 2.
pid_t spawn_with(const std::vector<std::string> &argv, int in, int out, int err, std::string &error) {
  std::vector<char *> arguments;
  for (const std::string &argument : argv) arguments.push_back(const_cast<char *>(argument.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in, 0);
  posix_spawn_file_actions_adddup2(&actions, out, 1);
  posix_spawn_file_actions_adddup2(&actions, err, 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes,
                           static_cast<short>(POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
  pid_t pid = -1;
  const int failed = posix_spawnp(&pid, arguments[0], &actions, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    error = std::strerror(failed);
    return -1;
  }
  return pid;
}

Fd open_pidfd(pid_t pid) { return Fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))); }

}  // namespace

void Fd::reset() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

NoSigpipe::NoSigpipe() {
  sigset_t pending;
  sigpending(&pending);
  was_pending_ = sigismember(&pending, SIGPIPE) == 1;
  sigset_t pipe_only;
  sigemptyset(&pipe_only);
  sigaddset(&pipe_only, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe_only, &before_);
}

NoSigpipe::~NoSigpipe() {
  if (!was_pending_) {
    sigset_t pipe_only;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    const timespec now{};
    while (sigtimedwait(&pipe_only, nullptr, &now) < 0 && errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

Spawned spawn_shell(const std::string &text) {
  Spawned spawned;
  Fd in, out, err;
  if (!make_pipe(spawned.in, in, false) || !make_pipe(spawned.out, out, true) || !make_pipe(spawned.err, err, true)) {
    spawned.error = std::strerror(errno);
    return spawned;
  }
  spawned.pid = spawn_with({"/bin/sh", "-c", text}, in.get(), out.get(), err.get(), spawned.error);
  if (spawned.pid > 0) spawned.pidfd = open_pidfd(spawned.pid);
  return spawned;
}

Spawned spawn_proxy(const std::vector<std::string> &argv) {
  Spawned spawned;
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    spawned.error = std::strerror(errno);
    return spawned;
  }
  spawned.in = Fd(ends[0]);
  const Fd theirs(ends[1]);
  Fd err;
  if (fcntl(spawned.in.get(), F_SETFL, O_NONBLOCK) != 0 || !make_pipe(spawned.err, err, true)) {
    spawned.error = std::strerror(errno);
    return spawned;
  }
  spawned.pid = spawn_with(argv, theirs.get(), theirs.get(), err.get(), spawned.error);
  if (spawned.pid > 0) spawned.pidfd = open_pidfd(spawned.pid);
  return spawned;
}

bool run_for_output(const std::vector<std::string> &argv, int timeout_ms, std::string &out, std::string &error) {
  Fd nothing(open("/dev/null", O_RDWR | O_CLOEXEC));
  Fd read_out, write_out, read_err, write_err;
  if (!nothing.valid() || !make_pipe(read_out, write_out, true) || !make_pipe(read_err, write_err, true)) {
    error = std::strerror(errno);
    return false;
  }
  const pid_t pid = spawn_with(argv, nothing.get(), write_out.get(), write_err.get(), error);
  if (pid < 0) return false;
  write_out.reset();
  write_err.reset();
  const machine::Millis until = monotonic_now() + timeout_ms;
  bool in_time = true;
  while (read_out.valid() || read_err.valid()) {
    const machine::Millis left = until - monotonic_now();
    if (left <= 0) {
      in_time = false;
      break;
    }
    std::array<pollfd, 2> polls = {{{read_out.get(), POLLIN, 0}, {read_err.get(), POLLIN, 0}}};
    if (poll(polls.data(), polls.size(), static_cast<int>(left)) < 0 && errno != EINTR) break;
    for (const bool is_err : {false, true}) {
      Fd &fd = is_err ? read_err : read_out;
      if (!fd.valid() || polls[is_err ? 1 : 0].revents == 0) continue;
      std::array<char, 8192> buffer;
      const ssize_t count = read(fd.get(), buffer.data(), buffer.size());
      std::string &to = is_err ? error : out;
      if (count > 0 && to.size() < max_captured) to.append(buffer.data(), static_cast<std::size_t>(count));
      if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) fd.reset();
    }
  }
  if (!in_time) kill(-pid, SIGKILL);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!in_time) error = "no end in time";
  return in_time && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace upg::transport
