#include "runtime/transport/simulated/simulated_transport.h"

#include <algorithm>

namespace upg::transport {
namespace {

using machine::Millis;
using machine::Outcome;

constexpr Millis round_trip = 1;
constexpr Millis connect_patience = 1'000;  // how long an unreachable host is tried
constexpr Millis silence = 30'000;          // until keepalives find out that a connection is cut
constexpr Millis longest_delay = 20'000;
constexpr Millis shortest_down = 10'000;
constexpr Millis longest_down = 60'000;

}  // namespace

bool SimulatedHosts::within(const Outages &all, plan::HostId host, Millis at) {
  const auto found = all.find(host);
  return found != all.end() && std::any_of(found->second.begin(), found->second.end(), [at](const Outage &outage) {
           return outage.from <= at && at < outage.until;
         });
}

bool SimulatedHosts::reachable(plan::HostId host, Millis at) const { return up(host, at) && !within(cuts_, host, at); }
bool SimulatedHosts::up(plan::HostId host, Millis at) const { return !within(reboots_, host, at); }

unsigned SimulatedHosts::boot(plan::HostId host, Millis at) const {
  const auto found = reboots_.find(host);
  if (found == reboots_.end()) return 0;
  return static_cast<unsigned>(std::count_if(found->second.begin(), found->second.end(),
                                             [at](const Outage &outage) { return outage.from <= at; }));
}

Millis SimulatedHosts::first(const Outages &all, plan::HostId host, Millis from, Millis until) {
  Millis earliest = -1;
  const auto found = all.find(host);
  if (found == all.end()) return earliest;
  for (const Outage &outage : found->second) {
    if (outage.from >= from && outage.from < until && (earliest < 0 || outage.from < earliest)) earliest = outage.from;
  }
  return earliest;
}

std::string SimulatedHosts::show(plan::HostId host, const std::vector<std::string> &names, Millis now) {
  std::string text;
  for (const std::string &name : names) {
    const LockState &s = locks_[{host, name}];
    text += std::to_string(s.token) + " " + s.state + " " + s.run + " " + std::to_string(s.since) + " " + s.owner +
            " " + s.plan + " " + std::to_string(std::max<Millis>(0, s.lease_until - now) / 1000) + "\n";
  }
  return text;
}

Reply SimulatedHosts::change_lock(plan::HostId host, const machine::Command &command, Millis now) {
  using machine::LockAct;
  const machine::Lock &lock = *command.lock;
  const LockAct act = command.lock_act;
  Reply reply;
  for (const std::string &name : lock.names) {
    const LockState &s = locks_[{host, name}];
    const bool ours = s.run == lock.run;
    const bool held = s.state == "held";
    if (act == LockAct::take || act == LockAct::renew) {
      if (s.token > lock.token) reply.code = machine::lock_is_anothers;
      if (s.token == lock.token && (!ours || s.owner != lock.owner)) reply.code = machine::lock_is_anothers;
      if (act == LockAct::take && s.token < lock.token && held && !ours) reply.code = machine::lock_is_anothers;
    }
    if (act == LockAct::breaks && held && ours && s.lease_until > now) reply.code = machine::lock_is_alive;
  }
  bool all_mine = true;
  for (const std::string &name : lock.names) {
    if (reply.code != 0) break;
    LockState &s = locks_[{host, name}];
    const bool mine = s.token == lock.token && s.run == lock.run;
    all_mine = all_mine && mine;
    const bool broken = act == LockAct::breaks || act == LockAct::breaks_alive;
    if (act == LockAct::take || act == LockAct::renew) {
      s = {lock.token, "held", lock.run, lock.owner, lock.plan, lock.since_unix_s, now + command.lease_s * 1000};
    } else if ((act == LockAct::rest || act == LockAct::free) && mine) {
      s.lease_until = 0;
      if (act == LockAct::free) s.state = "free";
    } else if (broken && s.state == "held" && s.run == lock.run) {
      ++s.token;
      s.state = "broken";
      s.lease_until = 0;
    }
  }
  if (act == LockAct::free && reply.code == 0 && all_mine) {
    const std::string prefix = lock.run + "/";
    for (auto it = steps_.begin(); it != steps_.end();) {
      const bool over = it->first.first == host && it->first.second.starts_with(prefix) && it->second.end <= now;
      it = over ? steps_.erase(it) : std::next(it);
    }
  }
  reply.out = show(host, lock.names, now);
  return reply;
}

std::string SimulatedHosts::fence(plan::HostId host, const machine::Command &command, Millis now) {
  if (!command.lock || command.attach_only) return {};
  const machine::Lock &lock = *command.lock;
  for (const std::string &name : lock.names)
    if (locks_[{host, name}].token > lock.token) return show(host, {name}, now);
  for (const std::string &name : lock.names)
    if (LockState &s = locks_[{host, name}]; s.token < lock.token)
      s = {lock.token, "held", lock.run, lock.owner, lock.plan, lock.since_unix_s, 0};
  return {};
}

SimulatedHosts::Run SimulatedHosts::begin(plan::HostId host, const machine::Command &command, Millis now) {
  started_.push_back({now, host, command});
  Run run;
  run.reply = model_.answer(host, command, now);
  run.start = now;
  run.end = now + std::max<Millis>(0, run.reply.takes);
  if (run.reply.reboot_after >= 0) reboot(host, now + run.reply.reboot_after, run.reply.down_for);
  return run;
}

void SimulatedTransport::schedule(Millis at, plan::HostId host, bool begun, machine::Answer answer) {
  events_.emplace(std::pair(at, ++order_), Pending{host, begun, std::move(answer)});
}

void SimulatedTransport::fill(machine::Answer &answer, const Reply &reply, const machine::Command &command) {
  answer.outcome = Outcome::exited;
  answer.code = reply.code;
  answer.out_bytes = reply.out.size();
  answer.err_bytes = reply.err.size();
  const auto limit = static_cast<std::size_t>(command.output_limit);
  answer.out = reply.out.substr(0, limit);
  answer.err = reply.err.substr(0, limit);
}

/// What the host knows of a step: nothing, its end, that it runs, or that a reboot took it.
Millis SimulatedTransport::attach(machine::Answer &answer, plan::HostId host, const machine::Command &command,
                                  Millis now) const {
  const auto found = hosts_.steps_.find({host, command.step_key});
  if (found == hosts_.steps_.end()) {
    answer.outcome = Outcome::absent;
    return now;
  }
  const SimulatedHosts::Run &run = found->second;
  const Millis killed = hosts_.first_reboot(host, run.start, run.end);
  const Millis settled = killed >= 0 ? killed : run.end;
  if (now < settled && command.attach_only) {
    answer.outcome = Outcome::running;
    return now;
  }
  if (killed < 0) {
    fill(answer, run.reply, command);
  } else {
    answer.outcome = now < killed ? Outcome::lost : Outcome::vanished;  // lost: it was watched while the host went down
  }
  return std::max(now, settled);
}

void SimulatedTransport::start(machine::RequestId request, plan::HostId host, machine::Command command) {
  const Millis arrival = clock_.monotonic() + (host.valid() ? round_trip : 0);
  const Millis deadline = clock_.monotonic() + command.timeout;
  machine::Answer answer;
  answer.request = request;
  // All dice are thrown for every request, so that one fault more or less does not shift the others.
  const bool unreachable = chance(faults_.unreachable);
  const bool lost = chance(faults_.lost);
  const bool timed_out = chance(faults_.timed_out);
  const bool delayed = chance(faults_.delay);
  const bool reboots = chance(faults_.reboot);
  const std::uint64_t when = random_.next();
  const std::uint64_t how_long = random_.next();

  if (host.valid() && (unreachable || !hosts_.reachable(host, arrival))) {
    answer.outcome = Outcome::unreachable;
    answer.detail = "simulated: no connection";
    schedule(std::min(deadline, arrival + connect_patience), host, false, std::move(answer));
    return;
  }
  const std::size_t before = hosts_.started_.size();
  SimulatedHosts::Run run;
  if (std::string newer = command.step_key.empty() ? std::string() : hosts_.fence(host, command, arrival);
      !newer.empty()) {
    answer.outcome = Outcome::fenced;
    answer.out = std::move(newer);
    schedule(arrival, host, false, std::move(answer));
    return;
  }
  if (command.lock_act != machine::LockAct::none) {
    run.reply = hosts_.change_lock(host, command, arrival);
    run.start = run.end = arrival;
  } else if (command.step_key.empty()) {
    run = hosts_.begin(host, command, arrival);
  } else {
    const auto key = std::pair(host, command.step_key);
    if (!command.attach_only && hosts_.steps_.find(key) == hosts_.steps_.end()) {
      run = hosts_.begin(host, command, arrival);
      if (!run.reply.refused) hosts_.steps_.emplace(key, run);
    } else if (const auto found = hosts_.steps_.find(key); found != hosts_.steps_.end()) {
      run = found->second;
    }
  }
  if (hosts_.started_.size() > before && run.reply.refused) {
    answer.outcome = Outcome::refused;
    answer.detail = run.reply.err;
    schedule(arrival, host, false, std::move(answer));
    return;
  }
  if (host.valid() && reboots && run.end > arrival) {
    hosts_.reboot(
        host, arrival + static_cast<Millis>(when % static_cast<std::uint64_t>(run.end - arrival)),
        shortest_down + static_cast<Millis>(how_long % static_cast<std::uint64_t>(longest_down - shortest_down)));
  }
  Millis at = run.end;
  if (!command.step_key.empty()) {
    at = attach(answer, host, command, arrival);
  } else if (const Millis killed = hosts_.first_reboot(host, run.start, run.end); killed >= 0) {
    answer.outcome = Outcome::lost;
    at = killed;
  } else {
    fill(answer, run.reply, command);
  }
  // Faults of the way back: the host has done its part.
  const Millis cut = SimulatedHosts::first(hosts_.cuts_, host, arrival, at);
  if (delayed) at += static_cast<Millis>(when % static_cast<std::uint64_t>(longest_delay));
  const auto replace = [&answer](Outcome outcome) {
    const machine::RequestId same = answer.request;
    answer = machine::Answer();
    answer.request = same;
    answer.outcome = outcome;
    answer.detail = "simulated";
  };
  if (cut >= 0 && cut + silence < deadline) {
    replace(Outcome::lost);
    at = cut + silence;
  } else if (host.valid() && lost) {
    replace(Outcome::lost);
    at = arrival + static_cast<Millis>(how_long % static_cast<std::uint64_t>(std::max<Millis>(1, at - arrival)));
  } else if (timed_out || cut >= 0 || at > deadline) {
    replace(Outcome::timed_out);
    at = deadline;
  }
  schedule(at, host, true, std::move(answer));
}

void SimulatedTransport::cancel(machine::RequestId request) {
  for (auto it = events_.begin(); it != events_.end(); ++it) {
    if (it->second.answer.request != request) continue;
    machine::Answer answer;
    answer.request = request;
    answer.outcome = Outcome::cancelled;
    const plan::HostId host = it->second.host;
    const bool due = it->first.first <= clock_.monotonic();
    if (due) return;  // its answer is already there
    events_.erase(it);
    schedule(clock_.monotonic(), host, false, std::move(answer));
    return;
  }
}

void SimulatedTransport::disconnect(plan::HostId host) {
  std::vector<machine::Answer> broken;
  for (auto it = events_.begin(); it != events_.end();) {
    if (it->second.host != host || it->first.first <= clock_.monotonic()) {
      ++it;
      continue;
    }
    machine::Answer answer;
    answer.request = it->second.answer.request;
    answer.outcome = it->second.begun ? Outcome::lost : Outcome::unreachable;
    answer.detail = "simulated: the connection was dropped";
    broken.push_back(std::move(answer));
    it = events_.erase(it);
  }
  for (machine::Answer &answer : broken) schedule(clock_.monotonic(), host, false, std::move(answer));
}

void SimulatedTransport::wait(std::optional<Millis> until, std::vector<machine::Answer> &answers,
                              std::vector<machine::Output> &outputs) {
  const Millis end = until ? *until : clock_.monotonic();
  bool any = false;
  // One moment at a time: everything that happens at the same instant is answered together.
  while (!events_.empty() && events_.begin()->first.first <= std::max(end, clock_.monotonic())) {
    const auto first = events_.begin();
    if (any && first->first.first > clock_.monotonic()) break;
    clock_.advance_to(first->first.first);
    machine::Answer answer = std::move(first->second.answer);
    events_.erase(first);
    if (!answer.out.empty()) outputs.push_back({answer.request, false, answer.out});
    if (!answer.err.empty()) outputs.push_back({answer.request, true, answer.err});
    answers.push_back(std::move(answer));
    any = true;
  }
  if (!any) clock_.advance_to(end);
}

}  // namespace upg::transport
