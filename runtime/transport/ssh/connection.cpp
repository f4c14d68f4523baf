#include <fcntl.h>
#include <fmt/format.h>
#include <libssh/server.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "runtime/transport/ssh/channel.h"
#include "runtime/transport/ssh/session.h"

namespace upg::transport {
namespace {

constexpr machine::Millis resolved_for = 60'000;
constexpr machine::Millis first_pause = 100;
constexpr machine::Millis longest_pause = 2'000;
constexpr int agent_timeout_ms = 500;
constexpr std::size_t max_proxy_words = 2048;

void set_option(int fd, int level, int name, int value) { setsockopt(fd, level, name, &value, sizeof value); }

std::string joined(const std::vector<std::string> &words) {
  std::string text;
  for (const std::string &word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

}  // namespace

bool Session::broken() const {
  return ssh_ && (ssh_get_fd(ssh_) < 0 || !ssh_is_connected(ssh_) ||
                  (ssh_get_status(ssh_) & (SSH_CLOSED | SSH_CLOSED_ERROR)) != 0);
}

std::string Session::breakage() const {
  const char *said = ssh_ ? ssh_get_error(ssh_) : "";
  return fmt::format("connection to {} broke{}{}", peer_, said && *said ? ": " : "", said ? said : "");
}

std::string Session::proxy_words() {
  std::array<char, 512> buffer;
  ssize_t count = 0;
  while (proxy_.err.valid() && proxy_said_.size() < max_proxy_words &&
         (count = read(proxy_.err.get(), buffer.data(), buffer.size())) > 0) {
    for (const char c : std::string_view(buffer.data(), static_cast<std::size_t>(count))) {
      if (c == '\n' || c == '\r') {
        if (!proxy_said_.empty() && proxy_said_.back() != ' ') proxy_said_ += ' ';
      } else if (static_cast<unsigned char>(c) >= 32) {
        proxy_said_ += c;
      }
    }
  }
  while (!proxy_said_.empty() && proxy_said_.back() == ' ') proxy_said_.pop_back();
  return proxy_said_;
}

void Session::release_slots() {
  if (holds_slot_) env_.slots.release();
  if (holds_address_) env_.slots.release_address(address_key_);
  holds_slot_ = holds_address_ = false;
}

/// Ends the connection, whatever state it is in. Channels must be gone before.
void Session::drop(machine::Millis) {
  spare_.reset();
  spare_refused_ = false;
  zombies_ = 0;
  channel_limit_ = env_.options.channels;
  if (ssh_) {
    // libssh leaves a descriptor that it was given open, unless the connection broke; another one may have its number.
    const int fd = ssh_get_fd(ssh_);
    struct stat before {};
    const bool open = fd >= 0 && fstat(fd, &before) == 0;
    if (!broken()) ssh_disconnect(ssh_);
    ssh_free(ssh_);
    ssh_ = nullptr;
    struct stat after {};
    if (open && fstat(fd, &after) == 0 && after.st_dev == before.st_dev && after.st_ino == before.st_ino) close(fd);
  }
  socket_.reset();
  if (proxy_.pid > 0) {
    kill(-proxy_.pid, SIGTERM);
    env_.proxies_to_reap.push_back(proxy_.pid);
  }
  proxy_ = Spawned();
  proxy_said_.clear();
  release_slots();
  if (holds_connection_) env_.slots.release_connection();
  holds_connection_ = false;
  if (ticket_ != 0) env_.slots.leave_queue(ticket_);
  ticket_ = 0;
}

/// This attempt came to nothing; the next one follows after a pause as long as somebody waits.
void Session::failed(std::string why, machine::Millis now) {
  if (const std::string said = proxy_words(); !said.empty()) {
    why += "; its proxy says: " + said;
    if (said.find("Host key verification failed") != std::string::npos ||
        said.find("Permission denied") != std::string::npos) {
      refused(std::move(why));
      return;
    }
  }
  last_error_ = std::move(why);
  drop(now);
  machine::Millis pause = std::min(longest_pause, first_pause << std::min(failures_, 5u));
  pause +=
      static_cast<machine::Millis>((index_ * 2654435761u) % 64);  // hosts that fail together do not come back together
  ++failures_;
  retry_at_ = now + pause;
  next_address_ = 0;
  state_ = State::pausing;
}

/// A person must act: everybody who waits is told.
void Session::refused(std::string why) {
  drop(0);
  state_ = State::idle;
  last_error_ = why;
  for (auto &job : queue_) answer(job->give_up(machine::Outcome::refused, why, env_.outputs));
  queue_.clear();
}

void Session::resolved(Resolved resolved, machine::Millis now) {
  for (const std::string &warning : resolved.warnings) {
    if (std::find(env_.warnings.begin(), env_.warnings.end(), warning) == env_.warnings.end())
      env_.warnings.push_back(warning);
  }
  if (state_ != State::resolving) return;
  resolved_ = std::move(resolved);
  resolved_at_ = now;
  next_address_ = 0;
  if (!resolved_->error.empty()) {
    const std::string why = resolved_->error;
    resolved_.reset();
    failed(why, now);
    return;
  }
  state_ = State::wants_address;
}

void Session::connect(machine::Millis now) {
  if (!resolved_ || now - resolved_at_ > resolved_for) {
    state_ = State::resolving;
    env_.resolver->ask(index_);
    return;
  }
  state_ = State::wants_address;
}

void Session::open_socket(machine::Millis now) {
  if (!holds_connection_) {
    if (queue_.empty()) {  // nobody waits any more
      drop(now);
      state_ = State::idle;
      return;
    }
    if (ticket_ == 0) ticket_ = env_.slots.next_ticket();
    if (!env_.slots.take_connection(ticket_)) return;
    ticket_ = 0;
    holds_connection_ = true;
  }
  const bool through = !resolved_->proxy.empty();
  address_key_ = through ? "through " + resolved_->proxy_key : resolved_->addresses[next_address_].text();
  if (!holds_address_) {
    if (!env_.slots.take_address(address_key_, through ? env_.options.handshakes_per_bastion : 1)) return;
    holds_address_ = true;
  }
  heard_at_ = now;
  tcp_ = !through;
  if (through) {
    peer_ = fmt::format("{}:{} through {}", resolved_->host, resolved_->port, resolved_->proxy_key);
    proxy_ = spawn_proxy(resolved_->proxy);
    if (proxy_.pid < 0) {
      failed(fmt::format("cannot start {}: {}", resolved_->proxy.front(), proxy_.error), now);
      return;
    }
    socket_ = std::move(proxy_.in);
    state_ = State::wants_slot;
    step_deadline_ = now + env_.options.handshake_timeout + env_.options.connect_timeout;
    return;
  }
  const SocketAddress &address = resolved_->addresses[next_address_];
  peer_ = address.text();
  socket_ = Fd(socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket_.valid()) {
    failed(fmt::format("no socket: {}", std::strerror(errno)), now);
    return;
  }
  set_option(socket_.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(socket_.get(), IPPROTO_TCP, TCP_USER_TIMEOUT,
             static_cast<int>(env_.options.keepalive * (env_.options.keepalive_misses + 1)));
  step_deadline_ = now + env_.options.connect_timeout;
  state_ = State::connecting;
  if (::connect(socket_.get(), reinterpret_cast<const sockaddr *>(&address.storage), address.size) == 0) {
    state_ = State::wants_slot;
    step_deadline_ = now + env_.options.handshake_timeout;
  } else if (errno != EINPROGRESS) {
    socket_connected(now);
  }
}

/// The descriptor became writable, or connect said why not at once.
void Session::socket_connected(machine::Millis now) {
  int error = errno;
  socklen_t size = sizeof error;
  if (state_ == State::connecting && getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 &&
      error == 0) {
    sockaddr_storage other{};
    socklen_t other_size = sizeof other;
    if (getpeername(socket_.get(), reinterpret_cast<sockaddr *>(&other), &other_size) == 0) {
      state_ = State::wants_slot;
      step_deadline_ = now + env_.options.handshake_timeout;
      return;
    }
    error = errno;
  }
  const std::string why = error == ECONNREFUSED ? fmt::format("connection refused by {}", peer_)
                                                : fmt::format("no connection to {}: {}", peer_, std::strerror(error));
  socket_.reset();
  if (next_address_ + 1 < resolved_->addresses.size()) {
    ++next_address_;
    last_error_ = why;
    release_slots();
    state_ = State::wants_address;
    return;
  }
  failed(why, now);
}

void Session::begin_handshake(machine::Millis now) {
  if (!env_.slots.take()) return;
  holds_slot_ = true;
  heard_at_ = now;
  ssh_ = ssh_new();
  if (!ssh_) {
    failed("out of memory for a session", now);
    return;
  }
  ssh_set_blocking(ssh_, 0);
  packets_ = {};
  heard_packets_ = 0;
  const bool no = false;
  const int quiet = SSH_LOG_NOLOG;
  socket_t fd = socket_.get();
  HostNames names{{resolved_->host}, resolved_->port};
  if (!resolved_->host_key_alias.empty())
    names = {{resolved_->host_key_alias}, 22};
  else if (host_.name != resolved_->host)
    names.names.push_back(host_.name);
  const std::string algorithms = env_.known_hosts.algorithms(resolved_->known_hosts, names);
  const bool set = ssh_options_set(ssh_, SSH_OPTIONS_LOG_VERBOSITY, &quiet) == SSH_OK &&
                   ssh_options_set(ssh_, SSH_OPTIONS_PROCESS_CONFIG, &no) == SSH_OK &&
                   ssh_options_set(ssh_, SSH_OPTIONS_HOST, resolved_->host.c_str()) == SSH_OK &&
                   ssh_options_set(ssh_, SSH_OPTIONS_USER, resolved_->user.c_str()) == SSH_OK &&
                   ssh_options_set(ssh_, SSH_OPTIONS_HOSTKEYS, algorithms.c_str()) == SSH_OK &&
                   // Host keys are checked here and nowhere else.
                   ssh_options_set(ssh_, SSH_OPTIONS_KNOWNHOSTS, "/dev/null") == SSH_OK &&
                   ssh_options_set(ssh_, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null") == SSH_OK &&
                   ssh_options_set(ssh_, SSH_OPTIONS_FD, &fd) == SSH_OK;
  if (!set) {
    refused(fmt::format("no ssh session to {} can be set up: {}", peer_, ssh_get_error(ssh_)));
    return;
  }
  socket_.release();  // closed by drop
  state_ = State::handshake;
  advance_handshake(now);
}

void Session::advance_handshake(machine::Millis now) {
  const int rc = ssh_connect(ssh_);
  if (tcp_ && ssh_get_fd(ssh_) >= 0) set_option(ssh_get_fd(ssh_), IPPROTO_TCP, TCP_QUICKACK, 1);
  if (rc == SSH_AGAIN) return;
  if (rc != SSH_OK) {
    failed(fmt::format("no ssh session with {}: {}", peer_, ssh_get_error(ssh_)), now);
    return;
  }
  if (!check_host_key()) return;
  collect_attempts();
  state_ = State::authenticating;
  step_deadline_ = now + env_.options.handshake_timeout;
  advance_authentication(now);
}

bool Session::check_host_key() {
  ssh_key key = nullptr;
  char *blob = nullptr;
  HostKey shown;
  if (ssh_get_server_publickey(ssh_, &key) == SSH_OK && ssh_pki_export_pubkey_base64(key, &blob) == SSH_OK) {
    shown.blob = blob;
    const enum ssh_keytypes_e type = ssh_key_type(key);
    const bool ecdsa =
        type == SSH_KEYTYPE_ECDSA_P256 || type == SSH_KEYTYPE_ECDSA_P384 || type == SSH_KEYTYPE_ECDSA_P521;
    const char *name = ecdsa ? ssh_pki_key_ecdsa_name(key) : ssh_key_type_to_char(type);
    shown.type = name ? name : "?";
  }
  ssh_string_free_char(blob);
  ssh_key_free(key);
  if (shown.blob.empty()) {
    refused(fmt::format("the host key of {} cannot be read", peer_));
    return false;
  }
  HostNames names{{resolved_->host}, resolved_->port};
  if (!resolved_->host_key_alias.empty())
    names = {{resolved_->host_key_alias}, 22};
  else if (host_.name != resolved_->host)
    names.names.push_back(host_.name);
  const KeyVerdict verdict = env_.known_hosts.check(resolved_->known_hosts, names, shown);
  shown_key_ = fingerprint(shown.blob);
  if (trust_ && verdict.kind != KeyVerdict::Kind::revoked) {
    if (!trust_->trusted.empty() && shown_key_ == trust_->trusted) return true;
    refused(
        shown_key_ == trust_->old
            ? fmt::format("{} still shows the host key that it had before it was reinstalled, {}", peer_, shown_key_)
            : fmt::format("{} was reinstalled and shows the host key {}, for which nobody has vouched", peer_,
                          shown_key_));
    return false;
  }
  if (verdict.kind == KeyVerdict::Kind::known) return true;
  refused(verdict.detail);
  return false;
}

bool Session::use_agent() {
  if (!env_.options.agent || resolved_->identity_agent == "none") return false;
  std::string path = resolved_->identity_agent;
  if (path.empty() || path == "SSH_AUTH_SOCK" || path == "$SSH_AUTH_SOCK") {
    const char *given = std::getenv("SSH_AUTH_SOCK");
    path = given ? given : "";
  }
  if (path.empty()) return false;
  if (!env_.agent || env_.agent_socket != path) {
    env_.agent_socket = path;
    env_.agent = agent_answers(path, agent_timeout_ms);
    if (!*env_.agent) env_.warnings.push_back(fmt::format("the ssh agent at {} does not answer; it is not used", path));
  }
  return *env_.agent && ssh_options_set(ssh_, SSH_OPTIONS_IDENTITY_AGENT, path.c_str()) == SSH_OK;
}

/// Keys named in the options first, then the agent's, then those of ssh_config or ssh's defaults.
void Session::collect_attempts() {
  attempts_.clear();
  attempt_ = 0;
  attempted_ = false;
  tried_.clear();
  bool encrypted = false;
  std::vector<Attempt> later;
  for (std::size_t i = 0; i < resolved_->identities.size(); ++i) {
    const Identities::Identity &identity = env_.identities.load(resolved_->identities[i], resolved_->certificates);
    std::vector<Attempt> &to = i < env_.options.identities.size() ? attempts_ : later;
    if (identity.certified) to.push_back({identity.certified, identity.path + " with its certificate"});
    if (identity.state == Identities::State::usable) to.push_back({identity.key, identity.path});
    if (identity.state == Identities::State::encrypted) {
      encrypted = true;
      tried_.push_back(identity.path + " (not tried: it has a passphrase; ssh-add it)");
    }
    if (identity.state == Identities::State::unreadable)
      tried_.push_back(fmt::format("{} (not tried: {})", identity.path, identity.detail));
  }
  if ((!resolved_->identities_only || encrypted) && use_agent())
    attempts_.push_back({nullptr, "the keys of the ssh agent"});
  attempts_.insert(attempts_.end(), later.begin(), later.end());
}

void Session::advance_authentication(machine::Millis now) {
  while (attempt_ < attempts_.size()) {
    const Attempt &attempt = attempts_[attempt_];
    const int rc = attempt.key ? ssh_userauth_publickey(ssh_, nullptr, attempt.key) : ssh_userauth_agent(ssh_, nullptr);
    if (tcp_ && ssh_get_fd(ssh_) >= 0) set_option(ssh_get_fd(ssh_), IPPROTO_TCP, TCP_QUICKACK, 1);
    if (rc == SSH_AUTH_AGAIN) {
      if (broken()) failed(breakage(), now);
      return;
    }
    if (rc == SSH_AUTH_SUCCESS) {
      release_slots();
      state_ = State::ready;
      ++connection_;
      turn_away();
      ready_at_ = used_at_ = now;
      ssh_set_counters(ssh_, nullptr, &packets_);
      heard(now);
      attempts_.clear();
      return;
    }
    if (broken()) {
      const std::string why = breakage();
      if (why.find("Too many authentication failures") != std::string::npos) {
        refused(fmt::format("{} refuses {}: too many keys were offered ({}); name the right one", peer_,
                            resolved_->user, joined(tried_)));
      } else {
        failed(why, now);
      }
      return;
    }
    tried_.push_back(attempt.label);
    ++attempt_;
  }
  const auto offered = static_cast<unsigned>(ssh_userauth_list(ssh_, nullptr));
  std::vector<std::string> methods;
  if (offered & SSH_AUTH_METHOD_PUBLICKEY) methods.push_back("publickey");
  if (offered & SSH_AUTH_METHOD_PASSWORD) methods.push_back("password");
  if (offered & SSH_AUTH_METHOD_INTERACTIVE) methods.push_back("keyboard-interactive");
  if (offered & SSH_AUTH_METHOD_GSSAPI_MIC) methods.push_back("gssapi-with-mic");
  refused(fmt::format("{} does not let {} in; tried: {}{}", peer_, resolved_->user,
                      tried_.empty() ? "nothing, there is no key" : joined(tried_),
                      methods.empty() ? "" : "; the server takes: " + joined(methods)));
}

}  // namespace upg::transport
