#include "runtime/transport/ssh/resolver.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <charconv>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "runtime/transport/shell.h"
#include "runtime/transport/spawn.h"
#include "runtime/transport/ssh/config_kinds.h"

namespace upg::transport {
namespace {

constexpr std::size_t max_threads = 8;
constexpr int config_timeout_ms = 10'000;
constexpr std::size_t max_jumps = 8;

/// Where ssh itself looks for the user's configuration, whatever $HOME says.
std::string passwd_home() {
  passwd entry{};
  passwd *found = nullptr;
  std::vector<char> buffer(16384);
  if (getpwuid_r(getuid(), &entry, buffer.data(), buffer.size(), &found) == 0 && found) return found->pw_dir;
  return "/";
}

std::string home_directory() {
  if (const char *home = std::getenv("HOME"); home && *home) return home;
  return passwd_home();
}

std::string own_user() {
  passwd entry{};
  passwd *found = nullptr;
  std::vector<char> buffer(16384);
  if (getpwuid_r(getuid(), &entry, buffer.data(), buffer.size(), &found) == 0 && found) return found->pw_name;
  return "root";
}

/// ssh -G prints paths and ProxyCommand as they are written: what ssh would put in for ~ and % is put in here.
struct Tokens {
  std::string home;
  std::string name;
  const Resolved &resolved;

  std::string expand(std::string_view text) const {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '%' || i + 1 == text.size()) {
        out += text[i];
        continue;
      }
      switch (text[++i]) {
        case 'd':
          out += home;
          break;
        case 'h':
          out += resolved.host;
          break;
        case 'n':
          out += name;
          break;
        case 'p':
          out += std::to_string(resolved.port);
          break;
        case 'r':
          out += resolved.user;
          break;
        case 'u':
          out += own_user();
          break;
        case '%':
          out += '%';
          break;
        default:
          (out += '%') += text[i];
      }
    }
    return out;
  }
  std::string path(std::string_view text) const {
    return text.substr(0, 2) == "~/" ? home + expand(text.substr(1)) : expand(text);
  }
};

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

std::string bracketed(const std::string &host, std::uint16_t port) {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

/// ssh's own options for anything that is spawned for us: nobody is there to answer a question.
std::vector<std::string> strict_ssh(const SshOptions &options) {
  std::vector<std::string> argv = {options.ssh_program};
  if (!options.config.empty()) argv.insert(argv.end(), {"-F", options.config});
  argv.insert(argv.end(), {"-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "ControlMaster=no", "-o",
                           "ControlPath=none", "-o", "UpdateHostKeys=no", "-o", "LogLevel=ERROR", "-o",
                           fmt::format("ConnectTimeout={}", (options.connect_timeout + 999) / 1000)});
  if (!options.known_hosts.empty()) {
    std::string files;
    for (const std::string &file : options.known_hosts) files += (files.empty() ? "" : " ") + file;
    argv.insert(argv.end(), {"-o", "UserKnownHostsFile=" + files, "-o", "GlobalKnownHostsFile=/dev/null"});
  }
  for (const std::string &identity : options.identities) argv.insert(argv.end(), {"-i", identity});
  return argv;
}

/// What a host of the inventory adds to an ssh command line, its name last.
void add_destination(std::vector<std::string> &argv, const SshHost &host) {
  if (!host.address.empty()) argv.insert(argv.end(), {"-o", "HostName=" + host.address});
  if (host.port != 0) argv.insert(argv.end(), {"-p", std::to_string(host.port)});
  if (!host.user.empty()) argv.insert(argv.end(), {"-l", host.user});
  argv.insert(argv.end(), {"--", host.name});
}

const SshHost *find_host(const std::vector<SshHost> &hosts, plan::HostId id) {
  for (const SshHost &host : hosts) {
    if (host.id == id) return &host;
  }
  return nullptr;
}

/// argv of a tunnel to target through `via`, which may itself be reached through another; empty if the chain is broken
/// or a circle.
std::vector<std::string> tunnel(const SshOptions &options, const std::vector<SshHost> &hosts, const std::string &target,
                                plan::HostId via, std::size_t depth) {
  const SshHost *bastion = find_host(hosts, via);
  if (!bastion || depth > max_jumps) return {};
  std::vector<std::string> argv = strict_ssh(options);
  if (bastion->via.valid()) {
    const std::string address = bastion->address.empty() ? bastion->name : bastion->address;
    const auto inner =
        tunnel(options, hosts, bracketed(address, bastion->port == 0 ? std::uint16_t{22} : bastion->port), bastion->via,
               depth + 1);
    if (inner.empty()) return {};
    std::string text;
    for (const std::string &word : inner) {
      if (!text.empty()) text += ' ';  // ssh itself puts "exec" in front
      for (const char c : shell_quote(word)) text += c == '%' ? std::string("%%") : std::string(1, c);
    }
    argv.insert(argv.end(), {"-o", "ProxyCommand=" + text});
  }
  argv.insert(argv.end(), {"-W", target});
  add_destination(argv, *bastion);
  return argv;
}

/// What `ssh -G` says, asked once for all hosts that ssh_config does not tell apart. Used by several threads.
class ConfigTexts {
 public:
  struct Text {
    bool good = false;
    std::string out, error;
    bool shared = false;   // without what the inventory says of the host
    std::string hostname;  // shared: HostName, or empty
  };
  Text of(const SshOptions &options, const SshHost &host) {
    std::call_once(read_, [&] { kinds_.emplace(options.config, passwd_home()); });
    std::optional<ConfigKinds::Kind> kind;
    if (host.address.find('%') == std::string::npos) kind = kinds_->of(host.name);  // ssh puts something in for that
    Text text;
    if (!kind) {
      text.good = ask(options, host, text);
      return text;
    }
    std::shared_ptr<Answer> answer;
    {
      const std::lock_guard lock(mutex_);
      std::shared_ptr<Answer> &known = answers_[kind->key];
      if (!known) known = std::make_shared<Answer>();
      answer = known;
    }
    std::call_once(answer->asked, [&] {
      SshHost any;
      any.name = host.name;
      answer->text.shared = true;
      answer->text.good = ask(options, any, answer->text);
    });
    text = answer->text;
    text.hostname = kind->hostname;
    return text;
  }

 private:
  struct Answer {
    std::once_flag asked;
    Text text;
  };
  static bool ask(const SshOptions &options, const SshHost &host, Text &text) {
    std::vector<std::string> argv = {options.ssh_program, "-G"};
    if (!options.config.empty()) argv.insert(argv.end(), {"-F", options.config});
    add_destination(argv, host);
    return run_for_output(argv, config_timeout_ms, text.out, text.error);
  }

  std::once_flag read_;
  std::optional<ConfigKinds> kinds_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Answer>> answers_;
};

/// Fills in what ssh_config says about the host, in ssh's own words.
void read_config(const SshOptions &options, const SshHost &host, const std::string &home, ConfigTexts &texts,
                 Resolved &resolved) {
  const ConfigTexts::Text text = texts.of(options, host);
  const std::string &out = text.out;
  if (!text.good) {
    resolved.error =
        fmt::format("ssh_config cannot be read for {}: {} -G says: {}", host.name, options.ssh_program, text.error);
    return;
  }
  const Tokens tokens{home, host.name, resolved};
  std::vector<std::pair<std::string, std::string>> later;  // may speak of host, port and user: those come first
  std::string proxy_command;
  std::string proxy_jump;
  for (std::size_t at = 0; at < out.size();) {
    const std::size_t end = std::min(out.find('\n', at), out.size());
    const std::string_view line = std::string_view(out).substr(at, end - at);
    at = end + 1;
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) continue;
    const std::string_view key = line.substr(0, space);
    const std::string value(line.substr(space + 1));
    if (key == "hostname") resolved.host = value;
    if (key == "user") resolved.user = value;
    if (key == "port") std::from_chars(value.data(), value.data() + value.size(), resolved.port);
    if (key == "identitiesonly") resolved.identities_only = value == "yes";
    later.emplace_back(key, value);
    if (key == "hostkeyalias" && value != "none") resolved.host_key_alias = value;
    if (key == "proxycommand" && value != "none") proxy_command = value;
    if (key == "proxyjump" && value != "none") proxy_jump = value;
    if (key == "stricthostkeychecking" && (value == "false" || value == "no" || value == "accept-new")) {
      resolved.warnings.push_back(fmt::format(
          "ssh_config: StrictHostKeyChecking {} of {} is not followed: keys are always checked", value, host.name));
    }
    if (key == "knownhostscommand" && value != "none") {
      resolved.warnings.push_back(fmt::format("ssh_config: KnownHostsCommand of {} is not read", host.name));
    }
    if (key == "serveraliveinterval" && value != "0" && value != "300") {  // 300: Debian's own, with BatchMode
      resolved.warnings.push_back(fmt::format(
          "ssh_config: ServerAliveInterval of {} is not read: silent sessions are always asked", host.name));
    }
  }
  if (text.shared) {
    resolved.host = !host.address.empty() ? host.address : !text.hostname.empty() ? text.hostname : host.name;
    for (char &c : resolved.host) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;  // as ssh does
    if (host.port != 0) resolved.port = host.port;
    if (!host.user.empty()) resolved.user = host.user;
  }
  for (const auto &[key, value] : later) {
    if (key == "identityfile") resolved.identities.push_back(tokens.path(value));
    if (key == "certificatefile") resolved.certificates.push_back(tokens.path(value));
    if (key == "identityagent") resolved.identity_agent = tokens.path(value);
    if (key == "userknownhostsfile" || key == "globalknownhostsfile") {
      for (const std::string &file : split(value)) resolved.known_hosts.push_back(tokens.path(file));
    }
  }
  if (host.via.valid()) return;
  if (!proxy_jump.empty()) {
    const std::size_t comma = proxy_jump.rfind(',');
    resolved.proxy = strict_ssh(options);
    if (comma != std::string::npos) resolved.proxy.insert(resolved.proxy.end(), {"-J", proxy_jump.substr(0, comma)});
    const std::string last = comma == std::string::npos ? proxy_jump : proxy_jump.substr(comma + 1);
    resolved.proxy.insert(resolved.proxy.end(), {"-W", bracketed(resolved.host, resolved.port), "--",
                                                 last.rfind("ssh://", 0) == 0 ? last : "ssh://" + last});
    resolved.proxy_key = proxy_jump;
  } else if (!proxy_command.empty()) {
    resolved.proxy = {"/bin/sh", "-c", "exec " + tokens.expand(proxy_command)};
    resolved.proxy_key = host.name;
  }
}

void look_up_addresses(Resolved &resolved) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo *list = nullptr;
  const int failed = getaddrinfo(resolved.host.c_str(), std::to_string(resolved.port).c_str(), &hints, &list);
  if (failed != 0) {
    resolved.error = fmt::format("cannot find the address of {}: {}", resolved.host, gai_strerror(failed));
    return;
  }
  for (const addrinfo *entry = list; entry && resolved.addresses.size() < 8; entry = entry->ai_next) {
    SocketAddress address;
    std::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
    address.size = entry->ai_addrlen;
    resolved.addresses.push_back(address);
  }
  freeaddrinfo(list);
}

Resolved resolve(const SshOptions &options, const std::vector<SshHost> &hosts, const SshHost &host,
                 ConfigTexts &texts) {
  const std::string home = home_directory();
  Resolved resolved;
  resolved.host = host.address.empty() ? host.name : host.address;
  resolved.port = host.port == 0 ? std::uint16_t{22} : host.port;
  resolved.user = host.user.empty() ? own_user() : host.user;
  if (options.config == "none") {
    for (const char *file : {"/.ssh/id_ed25519", "/.ssh/id_ecdsa", "/.ssh/id_rsa"})
      resolved.identities.push_back(home + file);
    resolved.known_hosts = {home + "/.ssh/known_hosts", home + "/.ssh/known_hosts2", "/etc/ssh/ssh_known_hosts",
                            "/etc/ssh/ssh_known_hosts2"};
  } else {
    read_config(options, host, home, texts, resolved);
    if (!resolved.error.empty()) return resolved;
  }
  if (!options.known_hosts.empty()) resolved.known_hosts = options.known_hosts;
  for (std::size_t i = 0; i < options.identities.size(); ++i) {
    resolved.identities.insert(resolved.identities.begin() + static_cast<std::ptrdiff_t>(i), options.identities[i]);
  }
  if (host.via.valid()) {
    resolved.proxy = tunnel(options, hosts, bracketed(resolved.host, resolved.port), host.via, 1);
    if (resolved.proxy.empty())
      resolved.error = fmt::format("the bastion of {} is unknown, or bastions stand in a circle", host.name);
    resolved.proxy_key = resolved.proxy.empty() ? std::string() : resolved.proxy.back();
  }
  if (resolved.proxy.empty() && resolved.error.empty()) look_up_addresses(resolved);
  return resolved;
}

}  // namespace

std::string SocketAddress::text() const {
  char host[64] = "?";
  char port[16] = "?";
  getnameinfo(reinterpret_cast<const sockaddr *>(&storage), size, host, sizeof host, port, sizeof port,
              NI_NUMERICHOST | NI_NUMERICSERV);
  return storage.ss_family == AF_INET6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

struct Resolver::Shared {
  SshOptions options;
  std::vector<SshHost> hosts;
  ConfigTexts texts;
  Fd event;
  std::mutex mutex;
  std::condition_variable work;
  std::deque<std::size_t> queue;
  std::vector<Result> results;
  std::size_t threads = 0;
  std::size_t idle = 0;
  bool stop = false;

  static void run(std::shared_ptr<Shared> shared) {
    std::unique_lock lock(shared->mutex);
    while (true) {
      ++shared->idle;
      shared->work.wait(lock, [&] { return shared->stop || !shared->queue.empty(); });
      --shared->idle;
      if (shared->stop) return;
      const std::size_t host = shared->queue.front();
      shared->queue.pop_front();
      lock.unlock();
      Resolved resolved = resolve(shared->options, shared->hosts, shared->hosts[host], shared->texts);
      lock.lock();
      shared->results.push_back({host, std::move(resolved)});
      const std::uint64_t one = 1;
      if (write(shared->event.get(), &one, sizeof one) < 0) continue;  // the counter is full: readable anyway
    }
  }
};

Resolver::Resolver(SshOptions options, std::vector<SshHost> hosts) : shared_(std::make_shared<Shared>()) {
  shared_->options = std::move(options);
  shared_->hosts = std::move(hosts);
  shared_->event = Fd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
}

Resolver::~Resolver() {
  const std::lock_guard lock(shared_->mutex);
  shared_->stop = true;
  shared_->work.notify_all();
}

void Resolver::ask(std::size_t host) {
  const std::lock_guard lock(shared_->mutex);
  shared_->queue.push_back(host);
  if (shared_->idle < shared_->queue.size() && shared_->threads < max_threads) {
    ++shared_->threads;
    // Signals are for the caller's thread.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread(Shared::run, shared_).detach();
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  shared_->work.notify_one();
}

int Resolver::fd() const { return shared_->event.get(); }

std::vector<Resolver::Result> Resolver::take() {
  std::uint64_t count = 0;
  while (read(shared_->event.get(), &count, sizeof count) > 0) {
  }
  const std::lock_guard lock(shared_->mutex);
  return std::exchange(shared_->results, {});
}

}  // namespace upg::transport
