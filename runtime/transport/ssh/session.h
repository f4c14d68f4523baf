#pragma once
#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <poll.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/transport/job.h"
#include "runtime/transport/spawn.h"
#include "runtime/transport/ssh/identities.h"
#include "runtime/transport/ssh/known_hosts.h"
#include "runtime/transport/ssh/options.h"
#include "runtime/transport/ssh/resolver.h"
#include "runtime/transport/ssh/slots.h"

namespace upg::transport {

/// What all sessions of one transport share.
struct Surroundings {
  /// What the limit of open files leaves for connections, of which one through a proxy takes two.
  static std::size_t connections_by_files();
  explicit Surroundings(const SshOptions &o)
      : options(o), slots(o.handshakes, o.connections > 0 ? o.connections : connections_by_files()) {}
  SshOptions options;
  KnownHosts known_hosts;
  Identities identities;
  Slots slots;
  std::unique_ptr<Resolver> resolver;
  std::vector<machine::Answer> answers;
  std::vector<machine::Output> outputs;
  std::vector<std::string> warnings;
  std::vector<pid_t> proxies_to_reap;
  std::optional<bool> agent;  // answered when asked for the first time
  std::string agent_socket;
  Secret sudo_password;
  std::string word_base = "fixed";
  std::uint64_t words = 0;
  /// A word that did not occur before and cannot be guessed.
  std::string next_word();
};

/// One host: at most one connection, its commands on channels of it. Nothing here blocks; `advance` takes everything as
/// far as it goes.
///
/// A command of which nothing was sent yet survives the loss of the connection and is tried again on the next, until
/// its deadline; one that was sent is answered `lost`.
class Session {
 public:
  Session(Surroundings &surroundings, SshHost host, std::size_t index);
  ~Session();
  Session(const Session &) = delete;
  Session &operator=(const Session &) = delete;

  const SshHost &host() const { return host_; }
  void submit(std::unique_ptr<Job> job, machine::Millis now);
  bool cancel(machine::RequestId request, machine::Millis now);
  void disconnect(machine::Millis now);
  /// Instead of known_hosts, from the next connection on.
  void trust(machine::HostTrust trust) { trust_ = std::move(trust); }
  const std::string &shown_key() const { return shown_key_; }
  std::uint64_t connection() const { return connection_; }
  void resolved(Resolved resolved, machine::Millis now);

  /// The descriptor to poll, or -1, and for what.
  pollfd poll_entry() const;
  void advance(machine::Millis now, short revents);
  std::optional<machine::Millis> next_deadline() const;
  /// When it was last of use, if it is connected and nobody uses it.
  std::optional<machine::Millis> idle_since() const;
  bool waits_for_slot() const { return state_ == State::wants_address || state_ == State::wants_slot; }

 private:
  enum class State {
    idle,
    resolving,
    pausing,
    wants_address,
    connecting,
    wants_slot,
    handshake,
    authenticating,
    ready
  };
  struct Channel;
  struct Attempt {
    ssh_key key = nullptr;  // none: the agent
    std::string label;
  };

  // connection.cpp
  void connect(machine::Millis now);
  void open_socket(machine::Millis now);
  void socket_connected(machine::Millis now);
  void begin_handshake(machine::Millis now);
  void advance_handshake(machine::Millis now);
  bool check_host_key();
  void collect_attempts();
  void advance_authentication(machine::Millis now);
  void failed(std::string why, machine::Millis now);
  void refused(std::string why);
  void drop(machine::Millis now);
  void release_slots();
  bool broken() const;
  std::string breakage() const;
  std::string proxy_words();
  bool use_agent();

  // session.cpp
  void pump(machine::Millis now, short revents);
  void keep_alive(machine::Millis now);
  void hear(machine::Millis now);
  void heard(machine::Millis now);
  void lose(const std::string &why, machine::Millis now);
  void expire(machine::Millis now);
  void serve(machine::Millis now);
  bool serve_once(machine::Millis now);
  void turn_away();
  bool advance_channel(Channel &channel, machine::Millis now);
  void feed(Channel &channel);
  void close_channel(Channel &channel);
  std::size_t open_channels() const;
  bool denied(Channel &channel, machine::Millis now);
  void terminate(Job &job, machine::Millis now);
  void answer(machine::Answer answer) {
    if (answer.request != own_request) env_.answers.push_back(std::move(answer));
  }

  Surroundings &env_;
  SshHost host_;
  std::size_t index_;
  State state_ = State::idle;

  std::optional<machine::HostTrust> trust_;
  std::string shown_key_;  // fingerprint
  std::uint64_t connection_ = 0;
  std::optional<Resolved> resolved_;
  machine::Millis resolved_at_ = 0;
  std::size_t next_address_ = 0;
  Fd socket_;  // until libssh owns it
  ssh_session ssh_ = nullptr;
  Spawned proxy_;
  std::string proxy_said_;
  bool tcp_ = false;
  std::string address_key_;
  bool holds_address_ = false;
  bool holds_slot_ = false;
  bool holds_connection_ = false;
  std::uint64_t ticket_ = 0;  // in the queue for a connection; 0: not in it
  machine::Millis used_at_ = 0;
  std::string peer_;  // for messages
  std::string last_error_;
  machine::Millis step_deadline_ = 0;  // of connecting, handshake or authentication
  machine::Millis heard_at_ = 0;
  machine::Millis retry_at_ = 0;
  machine::Millis ready_at_ = 0;
  unsigned failures_ = 0;
  std::vector<Attempt> attempts_;
  std::size_t attempt_ = 0;
  bool attempted_ = false;
  std::vector<std::string> tried_;

  std::deque<std::unique_ptr<Job>> queue_;
  std::vector<std::unique_ptr<Channel>> channels_;
  std::unique_ptr<Channel> spare_;  // opened in advance: a command then costs one round trip, not two
  bool spare_refused_ = false;
  unsigned zombies_ = 0;  // channels given up, which the server may still hold
  bool must_reconnect_ = false;
  unsigned denials_ = 0;         // channels refused in a row with no other open
  machine::Millis open_at_ = 0;  // no new channel before this
  unsigned served_ = 0;          // commands since the limit changed
  unsigned channel_limit_;
  machine::Millis keepalive_at_ = 0;
  unsigned unanswered_ = 0;          // keepalives since the host was last heard
  ssh_counter_struct packets_{};     // libssh counts in it
  std::uint64_t heard_packets_ = 0;  // of those received
};

}  // namespace upg::transport
