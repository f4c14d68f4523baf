// The model's hosts in time: how long commands take, what becomes of them when a host goes down, who answers, and when
// a role is back in service. Everything follows from the seed and the names of things, nothing from the order of
// asking.
#include <algorithm>
#include <charconv>

#include "runtime/plan/opcodes.h"
#include "runtime/simulate/model.h"
#include "runtime/simulate/policy.h"

namespace upg::simulate {
using machine::Move;
using machine::Value;
using plan::Op;
using transport::Random;

namespace {
constexpr Millis kSecond = 1'000;
constexpr Millis kQuick = 2 * kSecond;
constexpr unsigned kMostSlow = 30;  // times

bool covers(const Fault &f, Millis from, Millis until) { return f.from <= until && from < f.until; }

/// What the key of a command on a host says: "RUN/HOST/KEY/ATTEMPT.PART".
struct StepKey {
  std::string key, part;
  int attempt = 0;
};
StepKey parse(const std::string &text) {
  StepKey out;
  const std::size_t run = text.find('/');
  const std::size_t host = run == std::string::npos ? run : text.find('/', run + 1);
  const std::size_t last = text.rfind('/');
  if (host == std::string::npos || last <= host) return out;
  out.key = text.substr(host + 1, last - host - 1);
  const std::string step = text.substr(last + 1);
  const std::size_t dot = step.find('.');
  if (dot == std::string::npos) return out;
  std::from_chars(step.data(), step.data() + dot, out.attempt);
  out.part = step.substr(dot + 1);
  return out;
}
}  // namespace

void Model::attach(transport::SimulatedHosts &hosts, std::function<Millis()> now) {
  hosts_ = &hosts;
  now_ = std::move(now);
  if (!options_.timed) return;
  const auto behind = [&](HostIndex h, auto &&each) {
    for (HostIndex other = 0; other < plan_.hosts.size(); ++other)
      if (reader_.via(other).count(h) != 0) each(other);
  };
  for (const Fault &f : options_.faults) {
    if (f.kind == Fault::Kind::crash) {
      hosts_->reboot(plan::HostId(f.host), f.from, f.until - f.from);
      behind(f.host, [&](HostIndex other) { hosts_->cut(plan::HostId(other), f.from, f.until); });
      if (f.until < Fault::for_good) booting_.emplace(f.until, f.host);
    }
    if (f.kind == Fault::Kind::partition) {
      hosts_->cut(plan::HostId(f.host), f.from, f.until);
      behind(f.host, [&](HostIndex other) { hosts_->cut(plan::HostId(other), f.from, f.until); });
    }
  }
}

Random Model::random(std::string_view what, const std::string &key) const {
  std::string name(what);
  name += ' ';
  name += key;
  return Random::named(options_.seed, name);
}

bool Model::reachable(HostIndex host) const { return hosts_->reachable(plan::HostId(host), now_()); }

bool Model::answered(const Gate &gate) {
  const Asked &asked = reader_.asked(gate);
  const auto here = [&](HostIndex h) { return reachable(h); };
  if (!std::all_of(asked.all.begin(), asked.all.end(), here)) return false;
  return std::all_of(asked.any.begin(), asked.any.end(), [&](const std::set<HostIndex> &any) {
    return any.empty() || std::any_of(any.begin(), any.end(), here);
  });
}

std::optional<bool> Model::told_by_fault(plan::GateId gate) const {
  for (const Fault &f : options_.faults) {
    if (f.gate != gate || !covers(f, now_(), now_())) continue;
    if (f.kind == Fault::Kind::lie) return true;
    if (f.kind != Fault::Kind::flap) continue;
    const Millis poll = std::max<Millis>(plan_.gates[gate.index].poll, 100);
    if ((now_() - f.from) / poll % 2 == 0) return false;
  }
  return std::nullopt;
}

std::optional<bool> Model::says(const Gate &gate) {
  if (!answered(gate)) return false;
  if (tainted(gate.gate)) return false;
  const std::set<Pair> pairs = reader_.health_of(gate);
  if (!pairs.empty()) return std::all_of(pairs.begin(), pairs.end(), [&](const Pair &p) { return up(p); });
  for (const plan::Role &role : plan_.roles)
    if (role.stoppable == gate.gate) return spare(gate);
  return std::nullopt;
}

bool Model::crashed(HostIndex host, Millis least) const {
  for (const Fault &f : options_.faults) {
    if (f.kind != Fault::Kind::crash || f.host != host || f.from + least > now_()) continue;
    if (now_() < f.until) return true;
    for (const RoleIndex r : reader_.roles(host))
      if (now_() < f.until + recovery({host, r}, "crash")) return true;
  }
  return false;
}

bool Model::doubtful(const Gate &gate, Millis before) const {
  const Millis now = now_();
  for (const Fault &f : options_.faults) {
    if (f.kind == Fault::Kind::failure || f.kind == Fault::Kind::controller || f.kind == Fault::Kind::slow) continue;
    if (f.kind == Fault::Kind::lie || f.kind == Fault::Kind::flap) {
      if (f.gate == gate.gate && covers(f, now - before, now)) return true;
      continue;
    }
    // A host that goes or comes back changes answers between two askings.
    const bool went = f.from <= now && f.from > now - before;
    const bool came = f.until <= now && f.until > now - before;
    if (went || came) return true;
  }
  return false;
}

Millis Model::recovery(const Pair &pair, const std::string &why) const {
  Millis most = 0;
  if (pair.second < plan_.roles.size() && plan_.roles[pair.second].health.valid())
    most = plan_.gates[plan_.roles[pair.second].health.index].deadline;
  Random r = random("recovery", why + std::to_string(pair.first) + "." + std::to_string(pair.second));
  if (r.chance(700)) return 0;
  return r.between(0, r.chance(800) ? most / 10 : most / 10 * 7);
}

Millis Model::duration(const plan::Action &action, const std::string &key) const {
  Random r = random("duration", key);
  const Millis most = std::max<Millis>(1, action.worst / 10 * 9);
  const Millis usual = std::clamp<Millis>(action.typical, 1, most);
  if (r.chance(850)) return std::min(most, r.between(usual / 2, usual + usual / 2));
  return r.between(usual, r.chance(700) ? usual + (most - usual) / 3 : most);
}

std::vector<Hold> Model::on() const {
  std::vector<Hold> out;
  for (const auto &[hold, is] : on_)
    if (is) out.push_back(hold);
  return out;
}

void Model::catch_up() {
  const Millis now = now_();
  while (!booting_.empty() && booting_.begin()->first <= now) {
    const HostIndex h = booting_.begin()->second;
    booting_.erase(booting_.begin());
    for (std::size_t s = 0; s < plan_.states.size(); ++s) {
      if (plan_.states[s].frame.parameters.size() != 1) continue;
      for (const plan::BootMove &m : plan_.states[s].on_boot) {
        std::uint32_t &value = cell(reader_.cell(plan::StateId(s), {Value::host(plan::HostId(h))}));
        if (value == m.from) {
          value = m.to;
          break;
        }
      }
    }
  }
  while (!due_.empty() && due_.begin()->first <= now) {
    const Due due = due_.begin()->second;
    due_.erase(due_.begin());
    if (due.whole) {
      do_what(*due.act);
      worked_.insert(due.key);
      continue;
    }
    Random r = random("broken", due.key);
    for (const Motion &m : due.act->moves) {
      if (m.by_boot || m.between.empty() || r.chance(500)) continue;
      auto at = m.between.begin();
      std::advance(at, static_cast<long>(r.below(m.between.size())));
      cell(m.cell) = *at;
    }
  }
}

std::set<std::string> Model::controller_died() {
  held_.clear();
  std::set<std::string> unbegun;
  for (const auto &[key, act] : flight_)
    if (begun_keys_.count(key) == 0 && plan_.actions[act->action.index].body.valid()) unbegun.insert(key);
  for (const std::string &key : unbegun) flight_.erase(key);
  return unbegun;
}

void Model::effect_at(Millis at, const Contract &act, const std::string &key, bool whole) {
  due_.emplace(at, Due{&act, key, whole});
}

/// The hosts that the action boots, and everyone behind them.
void Model::take_down(const Contract &act, Millis from, Millis lasts) {
  for (const HostIndex h : act.boots) {
    hosts_->reboot(plan::HostId(h), from, lasts);
    for (HostIndex other = 0; other < plan_.hosts.size(); ++other)
      if (reader_.via(other).count(h) != 0) hosts_->cut(plan::HostId(other), from, from + lasts);
  }
}

/// The step has ended: its pairs come back after a while; after a failure, perhaps only by another step.
void Model::let_go(const Move &move, const Contract &act) {
  std::set<Pair> awaited;  // it has seen them back itself
  for (const HostIndex h : act.boots) awaited.insert({h, reader_.alive()});
  for (const Gate &g : act.awaits)
    for (const Pair &p : reader_.health_of(g)) awaited.insert(p);
  for (const std::set<Pair> *pairs : {&act.disrupts, &act.changes})
    for (const Pair &p : *pairs) {
      if (!move.failed && awaited.count(p) != 0) {
        sick_.erase(p);
        continue;
      }
      back_[p] = now_() + recovery(p, move.key);
      const bool stays = move.failed && random("sick", move.key).chance(500);
      stays ? sick_.insert(p), void() : void(sick_.erase(p));
    }
}

transport::Reply Model::step(plan::HostId host, const machine::Command &command, Millis now) {
  transport::Reply reply;
  catch_up();
  const StepKey step = parse(command.step_key);
  const auto found = unended_.find(step.key);
  if (found == unended_.end()) return reply;
  const Contract &act = *found->second;
  const plan::Action &action = plan_.actions[act.action.index];
  Command seen{step.key, step.attempt, step.part, host.index, now, now, false, false};

  std::size_t parts = 0, last = 0, mine = 0;  // of the action's commands
  const auto kids = plan_.kids(action.body);
  std::from_chars(step.part.data(), step.part.data() + step.part.size(), mine);
  for (std::size_t i = 0; i < kids.size(); ++i) {
    if (plan_.node(kids[i]).op == Op::let) continue;
    ++parts;
    last = i;
  }
  seen.last = mine == last;
  const std::string name = step.key + "#" + std::to_string(step.attempt);
  Millis whole = duration(action, name);
  Random r = random("command", name + "." + step.part + "@" + std::to_string(host.index));
  bool fails = false, half = false;
  ++begun_;
  for (const Fault &f : options_.faults) {
    if (f.kind == Fault::Kind::slow && f.host == host.index && covers(f, now, now))
      whole *= 2 + static_cast<Millis>(r.below(kMostSlow));
    if (f.kind == Fault::Kind::failure && f.number == begun_) fails = true, half = f.kept;
  }
  const bool boots = seen.last && !act.boots.empty() && !fails;
  reply.takes = boots ? kQuick : std::max<Millis>(1, whole / static_cast<Millis>(std::max<std::size_t>(1, parts)));
  Millis done_at = now + reply.takes;
  if (boots) {  // it may answer for a while before it goes
    const Millis from = now + (r.chance(500) ? kQuick / 2 : kQuick + r.between(0, whole / 4));
    const Millis lasts = std::max<Millis>(kSecond, whole - (from - now) - kQuick);
    take_down(act, from, lasts);
    done_at = from;
  }
  const Millis killed = host.valid() ? hosts_->first_reboot(host, now, now + reply.takes) : -1;
  const bool cut_short = killed >= 0 && !boots;
  seen.end = cut_short ? killed : now + reply.takes;
  if (fails) {
    reply.code = 1;
    reply.err = "simulated: this command fails";
  }
  seen.worked = !fails && !cut_short;
  if (seen.last && seen.worked) {
    effect_at(done_at, act, step.key, true);
  } else if (cut_short || half) {
    effect_at(seen.end, act, step.key, false);
  }
  begun_keys_.insert(seen.key);
  commands_.push_back(std::move(seen));
  return reply;
}

}  // namespace upg::simulate
