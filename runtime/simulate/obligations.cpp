#include "runtime/simulate/obligations.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/simulate/policy.h"

namespace upg::simulate {
using machine::Move;

namespace {
constexpr std::size_t kMost = 100;
constexpr Millis kUnnoticed = 60'000;  // what happened later may not have been seen by the last asking
}  // namespace

void Obligations::report(const char *rule, const std::string &key, std::string text) {
  if (violations_.size() < kMost) violations_.push_back({rule, std::move(text), key, Move::Kind::start, moves_, {}});
}

void Obligations::moved(const Move &move) {
  ++moves_;
  if (move.kind == Move::Kind::start) {
    const Contract &act = reader_.contract(move.action, move.arguments);
    judge_census(act, move.key);
    judge_again(act, move.key);
    judge_window(act, move.key);
  }
}

void Obligations::judge_census(const Contract &act, const std::string &key) {
  std::map<RoleIndex, std::set<HostIndex>> fresh;
  for (const Pair &p : act.disrupts)
    if (p.second < plan_.roles.size() && monitor_.down_in(p.second).count(p.first) == 0)
      fresh[p.second].insert(p.first);
  for (const auto &[role, hosts] : fresh) {
    const plan::Role &r = plan_.roles[role];
    if (!r.health.valid() || r.boot.valid() || !limited(plan_, role)) continue;
    if (monitor_.waived("avail", key, role, plan::HoldId::none)) continue;
    const plan::Gate &health = plan_.gates[r.health.index];
    std::set<HostIndex> down = monitor_.down_in(role);
    // One gate for all hosts cannot tell what others did from what the plan has done.
    if (health.frame.parameters.empty() && !down.empty()) continue;
    std::vector<machine::Value> arguments;
    bool doubtful = false, any = false;
    down.insert(hosts.begin(), hosts.end());
    for (const HostIndex h : reader_.carriers_of(role)) {
      if (!health.frame.parameters.empty()) arguments = {machine::Value::host(plan::HostId(h))};
      doubtful = doubtful || model_.doubtful(reader_.gate(r.health, arguments), kUnnoticed);
      if (reader_.out(h) || down.count(h) != 0 || !model_.crashed(h, kUnnoticed)) continue;
      any = true;
      down.insert(h);
    }
    if (!any || doubtful || model_.tainted(r.health)) continue;
    if (exceeded(reader_, role, down))
      report("census", key,
             fmt::format("{} takes {} down while so many of it are down by themselves that it falls below its policy",
                         reader_.text(act), reader_.role_name(role)));
  }
}

void Obligations::judge_again(const Contract &act, const std::string &key) {
  std::vector<Gate> gates = act.gates;
  for (const Pair &p : act.disrupts) {
    if (p.second >= plan_.roles.size() || monitor_.down_in(p.second).count(p.first) != 0) continue;
    const Gate gate = reader_.stoppable(p);
    if (gate.gate.valid() && !monitor_.waived("stoppable", key, p.second, plan::HoldId::none)) gates.push_back(gate);
  }
  for (const Gate &gate : gates) {
    if (model_.doubtful(gate, kUnnoticed)) continue;
    const std::optional<bool> is = model_.says(gate);
    if (is && !*is)
      report("again", key, fmt::format("{} starts while {} does not pass", reader_.text(act), reader_.text(gate)));
  }
}

void Obligations::judge_window(const Contract &act, const std::string &key) {
  if (!windows_ || key.ends_with("/give_back")) return;
  const std::int64_t now = unix_at_zero_ + now_();
  if (!opening_ || now < opening_->begin_unix_ms || now >= opening_->end_unix_ms) opening_ = windows_(now);
  if (!opening_ || now < opening_->begin_unix_ms || now + plan_.actions[act.action.index].worst > opening_->end_unix_ms)
    report("window", key, reader_.text(act) + " starts where it need not end within the window");
}

void Obligations::look_at_commands() {
  const std::vector<Command> &all = model_.commands();
  for (; commands_seen_ < all.size(); ++commands_seen_) {
    const Command &c = all[commands_seen_];
    for (std::size_t i = commands_seen_; i-- > 0;) {
      const Command &earlier = all[i];
      if (earlier.key != c.key || earlier.attempt == c.attempt) continue;
      if (earlier.end > c.begin)
        report("twice", c.key, fmt::format("try {} begins while try {} still runs", c.attempt, earlier.attempt));
      break;
    }
    const auto done = worked_.find(c.key);
    // Who takes a hold again after it was given back does a new thing; so does who may.
    const bool hold = c.key.ends_with("/acquire") || c.key.ends_with("/release") || c.key.ends_with("/give_back");
    if (done != worked_.end() && done->second != c.attempt && !hold && !model_.may_repeat(c.key))
      report("twice", c.key, fmt::format("try {} begins after try {} has done the work", c.attempt, done->second));
    if (c.last && c.worked) worked_[c.key] = c.attempt;
  }
}

void Obligations::weigh_now() {
  for (RoleIndex r = 0; r < plan_.roles.size(); ++r) {
    if (!limited(plan_, r)) continue;
    std::set<HostIndex> down = monitor_.down_in(r);
    for (const HostIndex h : reader_.carriers_of(r))
      if (model_.crashed(h, 0)) down.insert(h);
    for (const plan::Available &line : plan_.roles[r].available) {
      if (line.kind == plan::AvailableKind::may_be_down) continue;
      for (const Weight &w : weigh(reader_, r, line, down)) {
        Worst &worst = worst_[r];
        if (w.down >= worst.down) worst = {w.down, w.budget, w.total};
      }
    }
  }
}

void Obligations::ended(const machine::Ending &ending, bool only_controller_died) {
  look_at_commands();
  using machine::Status;
  const bool whole = ending.status == Status::done || ending.status == Status::aborted;
  if (whole) {
    for (const Hold &h : model_.on())
      if (monitor_.lost().count(h.host) == 0) report("held", "", reader_.text(h) + " is still on when the run is over");
    for (const Command &c : model_.commands())
      if (c.end > now_() && monitor_.lost().count(c.host) == 0)
        report("under", c.key, "a command still runs when the run is over");
  }
  if (only_controller_died && !whole)
    report("resume", ending.key, "only the controller died, and the run does not come to its end: " + ending.reason);
}

}  // namespace upg::simulate
