#include "runtime/report/control.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <pwd.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

namespace upg::report {
namespace {

constexpr std::size_t kMostClients = 8;
constexpr std::size_t kLine = 4096;
constexpr std::size_t kAnswer = 8u << 20;
constexpr std::int64_t kPatience = 5'000;
constexpr const char *kName = "control";

/// The socket by way of the folder's descriptor: a path of any length, and nobody can swap the folder meanwhile.
sockaddr_un address(int folder) {
  sockaddr_un a{};
  a.sun_family = AF_UNIX;
  std::string path = fmt::format("/proc/self/fd/{}/{}", folder, kName);
  std::memcpy(a.sun_path, path.c_str(), path.size() + 1);  // at most 40 bytes
  return a;
}

int open_folder(const RunFolder &folder) { return ::open(folder.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC); }

/// Who speaks, if that is somebody whom we listen to.
std::optional<std::string> friend_of(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
  if (peer.uid != ::getuid() && peer.uid != 0) return std::nullopt;
  const passwd *entry = ::getpwuid(peer.uid);
  return fmt::format("{} (process {})", entry ? entry->pw_name : std::to_string(peer.uid), peer.pid);
}

}  // namespace

std::unique_ptr<Control> Control::listen(const RunFolder &folder, std::string &why) {
  std::unique_ptr<Control> c(new Control());
  c->folder_ = open_folder(folder);
  c->socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  c->poll_ = ::epoll_create1(EPOLL_CLOEXEC);
  bool ok = c->folder_ >= 0 && c->socket_ >= 0 && c->poll_ >= 0;
  if (ok) {
    ::unlinkat(c->folder_, kName, 0);
    const sockaddr_un a = address(c->folder_);
    ok = ::fchmod(c->socket_, 0600) == 0 &&  // before it has a name
         ::bind(c->socket_, reinterpret_cast<const sockaddr *>(&a), sizeof a) == 0 &&
         ::fchmodat(c->folder_, kName, 0600, 0) == 0 && ::listen(c->socket_, kMostClients) == 0;
  }
  epoll_event e{};
  e.events = EPOLLIN;
  e.data.fd = c->socket_;
  ok = ok && ::epoll_ctl(c->poll_, EPOLL_CTL_ADD, c->socket_, &e) == 0;
  if (ok) return c;
  why = folder.file(kName) + ": " + std::strerror(errno);
  return nullptr;
}

Control::~Control() {
  for (Client &c : clients_) ::close(c.fd);
  if (socket_ >= 0 && folder_ >= 0) ::unlinkat(folder_, kName, 0);
  for (int fd : {poll_, socket_, folder_})
    if (fd >= 0) ::close(fd);
}

void Control::accept_all(std::int64_t now) {
  for (;;) {
    const int fd = ::accept4(socket_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    std::optional<std::string> who = friend_of(fd);
    epoll_event e{};
    e.events = EPOLLIN;
    e.data.fd = fd;
    if (!who || clients_.size() >= kMostClients || ::epoll_ctl(poll_, EPOLL_CTL_ADD, fd, &e) != 0) {
      ::close(fd);
      continue;
    }
    Client &c = clients_.emplace_back();
    c.fd = fd;
    c.who = std::move(*who);
    c.until_ms = now + kPatience;
  }
}

bool Control::advance(Client &c, const Handler &handler) const {
  char buffer[1024];
  while (!c.answered) {
    const ssize_t n = ::read(c.fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return true;
    if (n <= 0 || c.in.size() + static_cast<std::size_t>(n) > kLine) return false;
    c.in.append(buffer, static_cast<std::size_t>(n));
    const std::size_t end = c.in.find('\n');
    if (end == std::string::npos) continue;
    c.answered = true;
    c.out = handler({c.in.substr(0, end), c.who});
    epoll_event e{};
    e.events = EPOLLOUT;
    e.data.fd = c.fd;
    ::epoll_ctl(poll_, EPOLL_CTL_MOD, c.fd, &e);
  }
  while (c.sent < c.out.size()) {
    const ssize_t n = ::send(c.fd, c.out.data() + c.sent, c.out.size() - c.sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return true;
    if (n <= 0) return false;
    c.sent += static_cast<std::size_t>(n);
  }
  return false;
}

void Control::serve(std::int64_t now, const Handler &handler) {
  accept_all(now);
  for (auto it = clients_.begin(); it != clients_.end();) {
    if (now < it->until_ms && advance(*it, handler)) {
      ++it;
      continue;
    }
    ::close(it->fd);
    it = clients_.erase(it);
  }
}

std::optional<std::string> ask_control(const RunFolder &folder, const std::string &line, int timeout_ms,
                                       std::string &why) {
  why.clear();
  struct Fds {
    int folder = -1, socket = -1;
    ~Fds() {
      for (int fd : {folder, socket})
        if (fd >= 0) ::close(fd);
    }
  } fds;
  fds.folder = open_folder(folder);
  fds.socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fds.folder < 0 || fds.socket < 0) {
    why = folder.path() + ": " + std::strerror(errno);
    return std::nullopt;
  }
  timeval wait{timeout_ms / 1000, timeout_ms % 1000 * 1000};
  ::setsockopt(fds.socket, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  ::setsockopt(fds.socket, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
  const sockaddr_un a = address(fds.folder);
  if (::connect(fds.socket, reinterpret_cast<const sockaddr *>(&a), sizeof a) != 0) {
    if (errno != ENOENT && errno != ECONNREFUSED) why = folder.file(kName) + ": " + std::strerror(errno);
    return std::nullopt;
  }
  if (!friend_of(fds.socket)) {
    why = folder.file(kName) + " is not ours";
    return std::nullopt;
  }
  const std::string request = line + "\n";
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  std::string answer;
  bool ok = ::send(fds.socket, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size());
  while (ok) {
    char buffer[65536];
    const ssize_t n = ::read(fds.socket, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) break;
    ok = n > 0 && answer.size() + static_cast<std::size_t>(n) <= kAnswer && std::chrono::steady_clock::now() < end;
    if (ok) answer.append(buffer, static_cast<std::size_t>(n));
  }
  if (ok && !answer.empty()) return answer;
  why = "the upgrun that drives run " + folder.id() + " does not answer";
  return std::nullopt;
}

}  // namespace upg::report
