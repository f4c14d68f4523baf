#include "runtime/transport/ssh/session.h"

#include <fmt/format.h>
#include <libssh/server.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>

#include "runtime/transport/ssh/channel.h"

namespace upg::transport {
namespace {

constexpr int rounds_per_turn = 16;
constexpr machine::Millis settle_time = 1000;   // output may come this long after the exit status
constexpr machine::Millis slot_patience = 500;  // a handshake that stands still this long gives its slot back
constexpr machine::Millis bastion_patience = 1500;
constexpr machine::Millis terminate_timeout = 6000;
constexpr std::size_t least_connections = 4;
constexpr rlim_t files_for_others = 128;  // journal, logs, ssh -G, commands on the controller
constexpr unsigned max_denials = 40;
constexpr machine::Millis denial_pause = 25;
constexpr unsigned served_before_more = 16;
constexpr int flush_at_end_ms = 200;
constexpr std::uint32_t max_write = 32 * 1024;

}  // namespace

std::size_t Surroundings::connections_by_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return SIZE_MAX;
  return std::max<std::size_t>(least_connections,
                               (limit.rlim_cur - std::min<rlim_t>(limit.rlim_cur, files_for_others)) / 2);
}

std::string Surroundings::next_word() { return fmt::format("{}{:x}", word_base, ++words); }

Session::Session(Surroundings &surroundings, SshHost host, std::size_t index)
    : env_(surroundings), host_(std::move(host)), index_(index), channel_limit_(surroundings.options.channels) {}

Session::~Session() {
  channels_.clear();
  // What was given up should hear of it: nothing else waits any more, so this may take a moment.
  if (ssh_ && zombies_ > 0 && !broken()) ssh_blocking_flush(ssh_, flush_at_end_ms);
  drop(0);
}

std::size_t Session::open_channels() const {
  return static_cast<std::size_t>(std::count_if(channels_.begin(), channels_.end(), [](const auto &channel) {
    return channel->stage != Channel::Stage::opening;
  }));
}

void Session::submit(std::unique_ptr<Job> job, machine::Millis now) {
  if (job->defect()) {
    const std::string why = *job->defect();
    answer(job->give_up(machine::Outcome::refused, why, env_.outputs));
    return;
  }
  if (const auto since = idle_since()) {
    if (now - *since > env_.options.trusted_idle)
      disconnect(now);
    else
      heard(now);
  }
  queue_.push_back(std::move(job));
  if (state_ == State::ready) turn_away();
}

bool Session::cancel(machine::RequestId request, machine::Millis now) {
  for (auto it = queue_.begin(); it != queue_.end(); ++it) {
    if ((*it)->request() != request) continue;
    answer((*it)->give_up(machine::Outcome::cancelled, {}, env_.outputs));
    queue_.erase(it);
    return true;
  }
  for (auto it = channels_.begin(); it != channels_.end(); ++it) {
    if ((*it)->job->request() != request) continue;
    const std::unique_ptr<Channel> channel = std::move(*it);
    channels_.erase(it);
    close_channel(*channel);
    terminate(*channel->job, now);
    answer(channel->job->give_up(machine::Outcome::cancelled, {}, env_.outputs));
    return true;
  }
  return false;
}

std::optional<machine::Millis> Session::idle_since() const {
  if (state_ != State::ready || !channels_.empty() || !queue_.empty()) return std::nullopt;
  return used_at_;
}

void Session::disconnect(machine::Millis now) {
  lose("the connection was dropped", now);
  failures_ = 0;
  last_error_.clear();
  state_ = State::idle;
}

pollfd Session::poll_entry() const {
  if (state_ == State::connecting) return {socket_.get(), POLLOUT, 0};
  if (!ssh_ || ssh_get_fd(ssh_) < 0) return {-1, 0, 0};
  const int pending = ssh_get_poll_flags(ssh_) & SSH_WRITE_PENDING;
  return {ssh_get_fd(ssh_), static_cast<short>(POLLIN | (pending ? POLLOUT : 0)), 0};
}

std::optional<machine::Millis> Session::next_deadline() const {
  std::optional<machine::Millis> next;
  const auto consider = [&next](machine::Millis at) { next = next ? std::min(*next, at) : at; };
  switch (state_) {
    case State::idle:
    case State::resolving:
    case State::wants_address:
      break;
    case State::pausing:
      if (!queue_.empty()) consider(retry_at_);
      break;
    case State::connecting:
    case State::wants_slot:
      consider(step_deadline_);
      break;
    case State::handshake:
    case State::authenticating:
      consider(step_deadline_);
      if (holds_slot_) consider(heard_at_ + slot_patience);
      if (holds_address_ && !tcp_) consider(heard_at_ + bastion_patience);
      break;
    case State::ready:
      if (!queue_.empty() && open_at_ > 0) consider(open_at_);
      if (!channels_.empty()) consider(std::max(heard_at_, keepalive_at_) + env_.options.keepalive);
      break;
  }
  for (const auto &job : queue_) consider(job->deadline());
  for (const auto &channel : channels_)
    consider(channel->ended_at > 0 ? channel->ended_at + settle_time : channel->job->deadline());
  return next;
}

void Session::expire(machine::Millis now) {
  for (auto it = queue_.begin(); it != queue_.end();) {
    Job &job = **it;
    if (now < job.deadline()) {
      ++it;
      continue;
    }
    std::string why;
    if (state_ == State::ready) {
      why = fmt::format("no free channel to {} within {} ms", host_.name, job.command().timeout);
    } else if (ticket_ != 0) {
      why = fmt::format("all connections that the limit of open files allows were busy for {} ms; raise it (ulimit -n)",
                        job.command().timeout);
    } else if (!last_error_.empty()) {
      why = last_error_;
    } else {
      why = fmt::format("no connection to {} within {} ms", peer_.empty() ? host_.name : peer_, job.command().timeout);
    }
    answer(job.give_up(machine::Outcome::unreachable, why, env_.outputs));
    it = queue_.erase(it);
  }
  for (auto it = channels_.begin(); it != channels_.end();) {
    Channel &channel = **it;
    if (now < channel.job->deadline() || channel.closed || channel.ended_at > 0) {
      ++it;
      continue;
    }
    if (channel.sent) {
      close_channel(channel);
      terminate(*channel.job, now);
      const std::string_view who = channel.job->stream().started()       ? ""
                                   : channel.job->command().user.empty() ? "the login shell"
                                                                         : "sudo";
      const machine::Millis timeout = channel.job->command().timeout;
      const std::string why = who.empty()
                                  ? fmt::format("no end within {} ms", timeout)
                                  : fmt::format("{} on {} started nothing within {} ms", who, host_.name, timeout);
      answer(channel.job->give_up(machine::Outcome::timed_out, why, env_.outputs));
    } else {
      answer(channel.job->give_up(
          machine::Outcome::unreachable,
          fmt::format("{} opened no channel within {} ms", peer_, channel.job->command().timeout), env_.outputs));
      ++zombies_;
    }
    it = channels_.erase(it);
  }
}

/// The connection is gone: what was sent is lost, what was not waits for the next one.
void Session::lose(const std::string &why, machine::Millis now) {
  const bool short_lived = state_ == State::ready && now - ready_at_ < 1000;
  std::vector<std::unique_ptr<Channel>> channels;
  channels.swap(channels_);
  for (auto &channel : channels) {
    std::unique_ptr<Job> job = std::move(channel->job);
    if (channel->sent && !job->command().attach_only) {
      answer(job->give_up(machine::Outcome::lost, why, env_.outputs));
    } else {
      job->reset();
      queue_.push_front(std::move(job));
    }
  }
  channels.clear();
  if (!short_lived) failures_ = 0;
  const bool had_connection = state_ == State::ready;
  if (had_connection && short_lived) {
    failed(why, now);
  } else {
    drop(now);
    state_ = State::idle;
    last_error_ = why;
  }
}

/// Ends a question's process group on the host, by a command of our own: sshd delivers no signals for root, and none
/// through sudo.
void Session::terminate(Job &job, machine::Millis now) {
  if (job.is_step() || job.request() == own_request || job.stream().pid() <= 1 || broken()) return;
  machine::Command command;
  command.script = fmt::format(
      "read -r s </proc/{}/stat && s=${{s##*) }} && set -- $s && kill -TERM \"-$3\" && sleep 2 && kill -KILL \"-$3\"",
      job.stream().pid());
  command.user = job.command().user;
  command.timeout = terminate_timeout;
  command.output_limit = 0;
  queue_.push_front(
      std::make_unique<Job>(own_request, std::move(command), now, env_.next_word(), env_.sudo_password, ""));
}

void Session::close_channel(Channel &channel) {
  if (!channel.handle || channel.closed || broken()) return;
  ssh_channel_close(channel.handle);
  ++zombies_;
}

void Session::keep_alive(machine::Millis now) {
  hear(now);
  if (channels_.empty()) return;
  if (now - std::max(heard_at_, keepalive_at_) < env_.options.keepalive) return;
  // Counted in questions, not in time: a controller that slept asks before it says that a host is gone.
  if (unanswered_ + 1 >= env_.options.keepalive_misses) {
    lose(fmt::format("nothing was heard from {} for {} s", peer_, (now - heard_at_) / 1000), now);
    return;
  }
  keepalive_at_ = now;
  ++unanswered_;
  const auto sent = packets_.out_packets;
  ssh_send_keepalive(ssh_);
  // libssh's ssh_global_request keeps the reply to the last one: a call that finds it takes it and asks nothing.
  if (packets_.out_packets == sent && !broken()) ssh_send_keepalive(ssh_);
  hear(now);
}

/// The host is there where bytes came, in whichever call libssh read them: a reply that is already here when a
/// request is sent is read by that call, and poll never tells of it.
void Session::hear(machine::Millis now) {
  if (packets_.in_packets == heard_packets_) return;
  heard_packets_ = packets_.in_packets;
  heard(now);
}

void Session::heard(machine::Millis now) {
  heard_at_ = now;
  unanswered_ = 0;
}

void Session::pump(machine::Millis now, short revents) {
  if ((revents & (POLLIN | POLLHUP | POLLERR)) != 0) heard(now);
  for (int round = 0; round < rounds_per_turn; ++round) {
    ssh_execute_message_callbacks(ssh_);
    const int fd = ssh_get_fd(ssh_);
    if (fd < 0) return;
    int waiting = 0;
    if (ioctl(fd, FIONREAD, &waiting) != 0 || waiting <= 0) break;
  }
  if (tcp_ && ssh_get_fd(ssh_) >= 0) {
    const int on = 1;
    setsockopt(ssh_get_fd(ssh_), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
  }
}

void Session::feed(Channel &channel) {
  Job &job = *channel.job;
  while (!channel.eof_sent && !channel.closed) {
    const std::string_view bytes = job.pending_input();
    if (bytes.empty()) {
      if (!job.input_done()) return;
      if (ssh_channel_send_eof(channel.handle) != SSH_AGAIN) channel.eof_sent = true;
      return;
    }
    const std::uint32_t room = std::min(ssh_channel_window_size(channel.handle), max_write);
    if (room == 0) return;
    const int count = ssh_channel_write(channel.handle, bytes.data(),
                                        static_cast<std::uint32_t>(std::min<std::size_t>(bytes.size(), room)));
    if (count == 0) return;
    if (count < 0) {
      channel.eof_sent = true;  // it does not take its input: its own affair
      return;
    }
    job.written(static_cast<std::size_t>(count));
  }
}

/// The server opened no channel: it allows fewer than we thought, or has not yet cleared away the last ones.
bool Session::denied(Channel &channel, machine::Millis now) {
  const std::size_t others = open_channels();
  if (others == 0 && zombies_ > 0) {
    must_reconnect_ = true;  // what was given up there still holds the server's channels
    return false;
  }
  if (others == 0 && ++denials_ > max_denials) {
    answer(channel.job->give_up(machine::Outcome::refused,
                                fmt::format("{} opens no channel: {}", peer_, ssh_get_error(ssh_)), env_.outputs));
    return true;
  }
  channel_limit_ = static_cast<unsigned>(std::max<std::size_t>(1, others));
  served_ = 0;
  open_at_ = now + denial_pause;
  queue_.push_front(std::move(channel.job));
  return true;
}

/// True when the channel has nothing more to do. The caller checks whether the connection broke.
bool Session::advance_channel(Channel &channel, machine::Millis now) {
  if (channel.stage == Channel::Stage::opening) {
    const int rc = ssh_channel_open_session(channel.handle);
    if (rc == SSH_AGAIN || broken()) return false;
    if (rc != SSH_OK) {
      return denied(channel, now);
    }
    denials_ = 0;
    channel.stage = Channel::Stage::open;
  }
  if (channel.stage == Channel::Stage::open) {
    channel.sent = true;
    channel.stage = Channel::Stage::requested;
  }
  if (channel.stage == Channel::Stage::requested) {
    const int rc = ssh_channel_request_exec(channel.handle, channel.job->text().c_str());
    if (broken()) return false;
    if (rc == SSH_OK) {
      channel.stage = Channel::Stage::running;
      failures_ = 0;
    } else if (rc != SSH_AGAIN && !channel.closed) {
      answer(channel.job->give_up(machine::Outcome::refused,
                                  fmt::format("{} does not run commands: {}", peer_, ssh_get_error(ssh_)),
                                  env_.outputs));
      return true;
    }
  }
  feed(channel);
  if (broken()) return false;
  if (channel.job->password_rejected()) {
    close_channel(channel);
    answer(channel.job->give_up(machine::Outcome::refused,
                                fmt::format("sudo on {} did not accept the password", host_.name), env_.outputs));
    return true;
  }
  const bool ended = channel.code.has_value() || channel.signal != 0;
  if (ended && (channel.closed || now >= channel.ended_at + settle_time)) {
    answer(channel.job->conclude(channel.code, channel.signal, env_.outputs));
    return true;
  }
  if (channel.closed) {
    answer(channel.job->give_up(machine::Outcome::lost,
                                fmt::format("{} closed the channel without an exit status", peer_), env_.outputs));
    return true;
  }
  return false;
}

/// What is meant for an earlier connection alone is not started on this one.
void Session::turn_away() {
  for (auto it = queue_.begin(); it != queue_.end();) {
    Job &job = **it;
    if (job.command().connection == 0 || job.command().connection == connection_) {
      ++it;
      continue;
    }
    answer(
        job.give_up(machine::Outcome::unreachable,
                    fmt::format("the connection to {} is another one, and who answers there was not asked yet", peer_),
                    env_.outputs));
    it = queue_.erase(it);
  }
}

void Session::serve(machine::Millis now) {
  bool again = true;
  while (again && !broken() && !must_reconnect_) again = serve_once(now);
  const std::size_t limit = std::max(1u, channel_limit_);
  if (!broken() && !spare_ && !spare_refused_ && queue_.empty() && channels_.size() + 1 < limit) {
    spare_ = std::make_unique<Channel>(ssh_, env_.outputs);
  }
  if (!broken() && spare_ && spare_->handle && spare_->stage == Channel::Stage::opening) {
    const int rc = ssh_channel_open_session(spare_->handle);
    if (rc == SSH_OK) spare_->stage = Channel::Stage::open;
    if (rc != SSH_OK && rc != SSH_AGAIN && !broken()) {
      spare_.reset();
      spare_refused_ = true;
    }
  }
}

/// Gives waiting commands channels and takes all channels as far as they go. True if a channel became free that
/// somebody waits for.
bool Session::serve_once(machine::Millis now) {
  while (!queue_.empty() && channels_.size() < std::max(1u, channel_limit_) && now >= open_at_) {
    std::unique_ptr<Channel> channel = std::move(spare_);
    if (channel && channel->closed) channel.reset();
    if (!channel) channel = std::make_unique<Channel>(ssh_, env_.outputs);
    if (!channel->handle) {
      must_reconnect_ = true;
      return false;
    }
    channel->job = std::move(queue_.front());
    queue_.pop_front();
    channels_.push_back(std::move(channel));
  }
  bool freed = false;
  for (std::size_t i = 0; i < channels_.size();) {
    const bool done = advance_channel(*channels_[i], now);
    if (broken() || must_reconnect_) return false;
    if (done) {
      freed = true;
      if (++served_ >= served_before_more && channel_limit_ < env_.options.channels) {
        ++channel_limit_;
        served_ = 0;
      }
      channels_.erase(channels_.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      ++i;
    }
  }
  return freed && !queue_.empty() && now >= open_at_;
}

void Session::advance(machine::Millis now, short revents) {
  expire(now);
  if (!channels_.empty() || !queue_.empty()) used_at_ = now;
  const bool wanted = !queue_.empty();
  if (state_ == State::idle && wanted) connect(now);
  if (state_ == State::pausing && !wanted) {
    state_ = State::idle;
    failures_ = 0;
  }
  if (state_ == State::pausing && now >= retry_at_) connect(now);
  if (state_ == State::wants_address) open_socket(now);
  if (state_ == State::connecting) {
    if (revents != 0) {
      socket_connected(now);
    } else if (now >= step_deadline_) {
      failed(fmt::format("no connection to {} within {} ms", peer_, env_.options.connect_timeout), now);
    }
  }
  if (state_ == State::wants_slot) begin_handshake(now);
  if (state_ == State::handshake || state_ == State::authenticating) {
    if (revents != 0) heard_at_ = now;
    if (holds_slot_ && now >= heard_at_ + slot_patience) {
      env_.slots.release();
      holds_slot_ = false;
    }
    if (holds_address_ && !tcp_ && now >= heard_at_ + bastion_patience) {
      env_.slots.release_address(address_key_);
      holds_address_ = false;
    }
    if (state_ == State::handshake && revents != 0) {
      advance_handshake(now);
    } else if (state_ == State::authenticating && revents != 0) {
      advance_authentication(now);
    }
  }
  if ((state_ == State::handshake || state_ == State::authenticating || state_ == State::wants_slot) &&
      now >= step_deadline_) {
    failed(fmt::format("{} {} within {} ms", peer_,
                       state_ == State::authenticating ? "did not answer the log-in" : "sent no ssh greeting",
                       env_.options.handshake_timeout),
           now);
  }
  if (state_ != State::ready) return;
  if (now >= open_at_) open_at_ = 0;
  // An idle connection that died says so before anything is sent on it.
  if (revents != 0 || (channels_.empty() && !queue_.empty())) pump(now, revents);
  if (!broken()) serve(now);
  if (must_reconnect_) {
    must_reconnect_ = false;
    lose(fmt::format("{} has no channel left", peer_), now);
  } else if (broken()) {
    lose(breakage(), now);
  } else {
    keep_alive(now);
  }
  if (state_ == State::idle && !queue_.empty()) connect(now);
}

}  // namespace upg::transport
