#include "runtime/transport/ssh/ssh_transport.h"

#include <fmt/format.h>
#include <libssh/libssh.h>
#include <poll.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <unordered_map>

#include "runtime/transport/local.h"
#include "runtime/transport/ssh/session.h"
#include "runtime/transport/system_clock.h"

namespace upg::transport {

struct SshTransport::Impl {
  Impl(SshOptions options, std::vector<SshHost> hosts) : env(options) {
    ssh_init();
    env.resolver = std::make_unique<Resolver>(options, hosts);
    for (SshHost &host : hosts) {
      by_host.emplace(host.id, sessions.size());
      sessions.push_back(std::make_unique<Session>(env, std::move(host), sessions.size()));
    }
    touched.resize(sessions.size(), false);
    std::uint64_t seed[2] = {0, 0};
    if (getrandom(seed, sizeof seed, 0) == static_cast<ssize_t>(sizeof seed))
      env.word_base = fmt::format("{:016x}{:016x}", seed[0], seed[1]);
  }
  ~Impl() {
    sessions.clear();
    for (const pid_t pid : env.proxies_to_reap) {
      kill(-pid, SIGKILL);
      waitpid(pid, nullptr, 0);
    }
  }

  /// One turn over everything that is due; `ready` is what poll said for each session.
  void turn(const std::vector<short> &ready) {
    const machine::Millis now = monotonic_now();
    for (Resolver::Result &result : env.resolver->take()) {
      sessions[result.host]->resolved(std::move(result.resolved), now);
      touched[result.host] = true;
    }
    for (std::size_t i = 0; i < sessions.size(); ++i) {
      const short revents = ready.empty() ? short{0} : ready[i];
      const auto deadline = sessions[i]->next_deadline();
      if (revents == 0 && !touched[i] && !(deadline && *deadline <= now)) continue;
      touched[i] = false;
      sessions[i]->advance(now, revents);
    }
    do {
      while (env.slots.take_released()) {
        for (const auto &session : sessions) {
          if (session->waits_for_slot()) session->advance(now, 0);
        }
      }
    } while (env.slots.short_of_connections() && close_idlest(now));
    local.advance(now, env.answers, env.outputs);
    std::erase_if(env.proxies_to_reap, reap);
  }

  /// For those who wait for a connection: the one that was of no use for the longest time.
  bool close_idlest(machine::Millis now) {
    Session *found = nullptr;
    for (const auto &session : sessions) {
      const auto since = session->idle_since();
      if (since && (found == nullptr || *since < *found->idle_since())) found = session.get();
    }
    if (found != nullptr) found->disconnect(now);
    return found != nullptr;
  }

  /// True if the wake-up descriptor is readable or a signal came.
  bool poll_all(machine::Millis timeout, std::vector<short> &ready) {
    // Only what is there: poll takes no more entries than files may be open.
    polls.clear();
    polled.clear();
    polls.push_back({env.resolver->fd(), POLLIN, 0});
    polls.push_back({wake_fd, POLLIN, 0});
    for (std::size_t i = 0; i < sessions.size(); ++i) {
      const pollfd entry = sessions[i]->poll_entry();
      if (entry.fd < 0) continue;
      polls.push_back(entry);
      polled.push_back(i);
    }
    local.add_polls(polls);
    const int count = ::poll(polls.data(), polls.size(), static_cast<int>(std::min<machine::Millis>(timeout, 60'000)));
    ready.assign(sessions.size(), 0);
    if (count < 0) return errno == EINTR;
    for (std::size_t i = 0; i < polled.size(); ++i) ready[polled[i]] = polls[i + 2].revents;
    return polls[1].revents != 0;
  }

  machine::Millis time_left(std::optional<machine::Millis> until) const {
    if (!until) return 0;
    machine::Millis next = *until;
    for (const auto &session : sessions) {
      if (const auto deadline = session->next_deadline()) next = std::min(next, *deadline);
    }
    if (const auto deadline = local.next_deadline()) next = std::min(next, *deadline);
    if (!env.proxies_to_reap.empty()) next = std::min(next, monotonic_now() + 100);
    return std::max<machine::Millis>(0, next - monotonic_now());
  }

  Surroundings env;
  std::vector<std::unique_ptr<Session>> sessions;
  std::vector<bool> touched;
  std::unordered_map<plan::HostId, std::size_t> by_host;
  LocalProcesses local;
  std::vector<pollfd> polls;
  std::vector<std::size_t> polled;  // sessions, from the third entry of `polls` on
  int wake_fd = -1;
};

SshTransport::SshTransport(SshOptions options, std::vector<SshHost> hosts)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(hosts))) {}
SshTransport::~SshTransport() {
  const NoSigpipe quiet;
  impl_.reset();
}

void SshTransport::set_sudo_password(std::string password) { impl_->env.sudo_password.set(std::move(password)); }
void SshTransport::wake_on(int fd) { impl_->wake_fd = fd; }
std::vector<std::string> SshTransport::take_warnings() { return std::exchange(impl_->env.warnings, {}); }

void SshTransport::start(machine::RequestId request, plan::HostId host, machine::Command command) {
  const machine::Millis now = monotonic_now();
  auto job = std::make_unique<Job>(request, std::move(command), now, impl_->env.next_word(), impl_->env.sudo_password,
                                   impl_->env.options.state_directory);
  if (!host.valid()) {
    impl_->local.start(std::move(job), impl_->env.answers, impl_->env.outputs);
    return;
  }
  const auto found = impl_->by_host.find(host);
  if (found == impl_->by_host.end()) {
    impl_->env.answers.push_back(
        job->give_up(machine::Outcome::refused, "the transport does not know this host", impl_->env.outputs));
    return;
  }
  impl_->sessions[found->second]->submit(std::move(job), now);
  impl_->touched[found->second] = true;
}

void SshTransport::cancel(machine::RequestId request) {
  const NoSigpipe quiet;
  if (impl_->local.cancel(request, impl_->env.answers, impl_->env.outputs)) return;
  for (std::size_t i = 0; i < impl_->sessions.size(); ++i) {
    if (impl_->sessions[i]->cancel(request, monotonic_now())) {
      impl_->touched[i] = true;
      return;
    }
  }
}

void SshTransport::disconnect(plan::HostId host) {
  const NoSigpipe quiet;
  const auto found = impl_->by_host.find(host);
  if (found == impl_->by_host.end()) return;
  impl_->sessions[found->second]->disconnect(monotonic_now());
  impl_->touched[found->second] = true;
}

void SshTransport::trust(plan::HostId host, machine::HostTrust trust) {
  const auto found = impl_->by_host.find(host);
  if (found != impl_->by_host.end()) impl_->sessions[found->second]->trust(std::move(trust));
}

std::string SshTransport::shown_key(plan::HostId host) {
  const auto found = impl_->by_host.find(host);
  return found == impl_->by_host.end() ? std::string() : impl_->sessions[found->second]->shown_key();
}

std::uint64_t SshTransport::connection(plan::HostId host) {
  const auto found = impl_->by_host.find(host);
  return found == impl_->by_host.end() ? 0 : impl_->sessions[found->second]->connection();
}

void SshTransport::wait(std::optional<machine::Millis> until, std::vector<machine::Answer> &answers,
                        std::vector<machine::Output> &outputs) {
  const NoSigpipe quiet;
  Surroundings &env = impl_->env;
  std::vector<short> ready;
  bool woken = false;
  bool polled = false;
  while (true) {
    impl_->turn(ready);
    if (!env.answers.empty() || !env.outputs.empty() || woken) break;
    if (polled && (!until || monotonic_now() >= *until)) break;
    woken = impl_->poll_all(impl_->time_left(until), ready);
    polled = true;
  }
  const auto move_all = [](auto &from, auto &to) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
    from.clear();
  };
  move_all(env.outputs, outputs);
  move_all(env.answers, answers);
}

}  // namespace upg::transport
