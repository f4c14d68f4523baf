#include "runtime/tools/notify.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "runtime/tools/secrets.h"

namespace upg::run {
namespace {

constexpr std::size_t kMostHelpers = 16;
constexpr std::size_t kText = 8'000;
constexpr std::size_t kUrl = 4'096;

/// The secret that a reference names.
bool resolve(const std::string &reference, std::string &value, std::string &why) {
  const std::size_t colon = reference.find(':');
  const std::string kind = reference.substr(0, colon);
  const std::string name = colon == std::string::npos ? std::string() : reference.substr(colon + 1);
  std::string path = name;
  if (kind == "env") {
    const char *v = std::getenv(name.c_str());
    value = v ? v : "";
    forget_variable(name);
  } else if (kind == "file" || kind == "credential") {
    if (kind == "credential") {
      const char *folder = std::getenv("CREDENTIALS_DIRECTORY");
      path = folder && name.find('/') == std::string::npos ? std::string(folder) + "/" + name : std::string();
    }
    std::ifstream in(path, std::ios::binary);
    char buffer[kUrl + 1];
    in.read(buffer, sizeof buffer);
    value.assign(buffer, static_cast<std::size_t>(in.gcount()));
    while (!value.empty() && std::strchr(" \r\n\t", value.back())) value.pop_back();
  } else {
    why = "--notify-url says where the URL is, as it is a secret: file:PATH, env:NAME or credential:NAME";
    return false;
  }
  if (!value.empty() && value.size() <= kUrl && (value.starts_with("https://") || value.starts_with("http://")))
    return true;
  why = "--notify-url " + reference + ": there is no http or https URL";
  return false;
}

/// What the helper sees of our environment: nothing that a secret may be in.
std::vector<std::string> environment_of_helper() {
  std::vector<std::string> out;
  for (const char *name :
       {"PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "http_proxy",
        "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"})
    if (const char *v = std::getenv(name)) out.push_back(fmt::format("{}={}", name, v));
  return out;
}

}  // namespace

std::unique_ptr<Notifier> Notifier::make(std::string command, const std::string &url, std::string run, std::string log,
                                         std::string &why) {
  std::unique_ptr<Notifier> n(new Notifier());
  n->command_ = std::move(command);
  n->run_ = std::move(run);
  n->log_ = std::move(log);
  if (!url.empty() && !resolve(url, n->url_, why)) return nullptr;
  return n;
}

Notifier::~Notifier() {
  for (const Helper &h : helpers_) ::close(h.pidfd);  // who still tries goes on by itself
}

void Notifier::tell(const std::string &event, const std::string &text) {
  using Json = nlohmann::json;
  const Json job = {{"event", event}, {"run", run_}, {"text", text.substr(0, kText)}};
  auto start = [&](const char *way, const std::string &how) {
    if (how.empty()) return;
    Json mine = job;
    mine[way] = how;
    spawn(event, way, mine.dump(-1, ' ', false, Json::error_handler_t::replace));
  };
  start("url", url_);
  start("command", command_);
}

void Notifier::spawn(const std::string &event, const std::string &way, const std::string &job) {
  const std::string what = fmt::format("nobody could be told by {} of: {}", way == "url" ? "POST" : "command", event);
  if (helpers_.size() >= kMostHelpers) {
    failed_.push_back(what + ": too many others still wait");
    return;
  }
  const int in = ::memfd_create("upg-notify", MFD_CLOEXEC);
  bool ok = in >= 0 && ::write(in, job.data(), job.size()) == static_cast<ssize_t>(job.size()) &&
            ::lseek(in, 0, SEEK_SET) == 0;
  posix_spawn_file_actions_t files;
  posix_spawnattr_t how;
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&how);
  posix_spawn_file_actions_adddup2(&files, in, 0);
  posix_spawn_file_actions_addopen(&files, 1, log_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600);
  posix_spawn_file_actions_adddup2(&files, 1, 2);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&how, &none);
  posix_spawnattr_setsigdefault(&how, &all);
  posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
  std::vector<std::string> environment = environment_of_helper();
  std::vector<char *> words;
  for (std::string &e : environment) words.push_back(e.data());
  words.push_back(nullptr);
  std::string program = "upgrun", argument = notify_helper_name;
  char *arguments[] = {program.data(), argument.data(), nullptr};
  pid_t pid = -1;
  ok = ok && ::posix_spawn(&pid, "/proc/self/exe", &files, &how, arguments, words.data()) == 0;
  posix_spawnattr_destroy(&how);
  posix_spawn_file_actions_destroy(&files);
  if (in >= 0) ::close(in);
  const int pidfd = ok ? static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)) : -1;
  if (pidfd < 0) {
    failed_.push_back(what + ": no process for it");
    return;
  }
  helpers_.push_back({pid, pidfd, what});
}

std::vector<std::string> Notifier::failures(int patience_ms) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience_ms);
  for (auto it = helpers_.begin(); it != helpers_.end();) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    pollfd p{it->pidfd, POLLIN, 0};
    if (::poll(&p, 1, static_cast<int>(std::max<std::int64_t>(0, left.count()))) <= 0) {
      ++it;
      continue;
    }
    int status = 0;
    const bool told = ::waitpid(it->pid, &status, 0) == it->pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!told) failed_.push_back(it->event + "; see " + log_);
    ::close(it->pidfd);
    it = helpers_.erase(it);
  }
  return std::exchange(failed_, {});
}

}  // namespace upg::run
