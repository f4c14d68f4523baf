// Preloaded into upgrun: the process dies by SIGKILL at the n-th call of one kind, KILL_AT=KIND:N. Kinds: written
// (right after what it wrote is on disk), writing (right before), sent (before bytes go to a host), turn (before it
// waits for what comes next).
#include <dlfcn.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>

namespace {

void count(const char *kind) {
  static std::atomic<long> seen{0};
  static const char *const wish = std::getenv("KILL_AT");
  if (wish == nullptr) return;
  const std::size_t length = std::strlen(kind);
  if (std::strncmp(wish, kind, length) != 0 || wish[length] != ':') return;
  if (++seen == std::atol(wish + length + 1)) kill(getpid(), SIGKILL);
}

template <class Function>
Function *real(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  Function *function = nullptr;
  std::memcpy(&function, &found, sizeof function);
  return function;
}

}  // namespace

extern "C" {

int fsync(int fd) {
  static auto *const next = real<int(int)>("fsync");
  count("writing");
  const int result = next(fd);
  count("written");
  return result;
}
int fdatasync(int fd) {
  static auto *const next = real<int(int)>("fdatasync");
  count("writing");
  const int result = next(fd);
  count("written");
  return result;
}
ssize_t send(int fd, const void *bytes, std::size_t size, int flags) {
  static auto *const next = real<ssize_t(int, const void *, std::size_t, int)>("send");
  count("sent");
  return next(fd, bytes, size, flags);
}
int poll(pollfd *all, nfds_t size, int patience) {
  static auto *const next = real<int(pollfd *, nfds_t, int)>("poll");
  count("turn");
  return next(all, size, patience);
}
int ppoll(pollfd *all, nfds_t size, const timespec *patience, const sigset_t *mask) {
  static auto *const next = real<int(pollfd *, nfds_t, const timespec *, const sigset_t *)>("ppoll");
  count("turn");
  return next(all, size, patience, mask);
}
int epoll_wait(int fd, epoll_event *events, int size, int patience) {
  static auto *const next = real<int(int, epoll_event *, int, int)>("epoll_wait");
  count("turn");
  return next(fd, events, size, patience);
}
}
