// What is judged as an action starts, and the budgets that hold at every instant (docs/semantics.md section 3).
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "runtime/plan/opcodes.h"
#include "runtime/simulate/monitor.h"
#include "runtime/simulate/policy.h"

namespace upg::simulate {
using machine::Environment;
using plan::NodeId;
using plan::Op;

namespace {
bool below(const std::string &key, const std::string &statement) {
  return key.size() > statement.size() && key.starts_with(statement) && key[statement.size()] == '/';
}
/// Both stand in the block of one attempt, the first in an earlier round of it.
bool earlier_round(const std::string &first, const std::string &later) {
  std::size_t i = 0;
  while (i < first.size() && i < later.size() && first[i] == later[i]) ++i;
  const auto number = [&](const std::string &key) -> unsigned long {
    std::size_t begin = i;
    while (begin > 0 && key[begin - 1] >= '0' && key[begin - 1] <= '9') --begin;
    if (begin < 2 || key[begin - 1] != 't' || key[begin - 2] != '/') return 0;
    return std::strtoul(key.c_str() + begin, nullptr, 10);
  };
  const unsigned long one = number(first), other = number(later);
  return one != 0 && other != 0 && one < other;
}
bool meets(const std::set<HostIndex> &a, const std::set<HostIndex> &b) {
  return std::any_of(a.begin(), a.end(), [&](HostIndex h) { return b.count(h) != 0; });
}
}  // namespace

void Monitor::judge_guard(const Contract &act, const std::string &key, const std::string &region) {
  bool relevant = false, independent = false, all = true;
  const auto ask = [&](const Gate &gate, RoleIndex role) {
    if (!known(gate, region, key)) {
      all = false;
      report("guard", key, fmt::format("{} starts without a fresh {}", reader_.text(act), reader_.text(gate)), role,
             plan::HoldId::none, reader_.quoted(gate));
      return;
    }
    if (!reader_.about(act, gate)) return;
    relevant = true;
    independent = independent || reader_.another_answers(act, gate);
  };
  for (const Gate &gate : act.gates) ask(gate, plan::RoleId::none);
  for (const Pair &p : act.disrupts) {
    if (down(p)) continue;
    const Gate gate = reader_.stoppable(p);
    if (gate.gate.valid() && !waived("stoppable", key, p.second, plan::HoldId::none)) ask(gate, p.second);
  }
  if (!act.destructive() || !all || (relevant && (!act.destroys || independent))) return;
  const auto own = [&](const Pair &p) {  // an earlier try has taken it down: this one takes nothing
    return std::any_of(open_.begin(), open_.end(),
                       [&](const Outage &o) { return o.pair == p && o.kind == 'D' && o.opener == key; });
  };
  if (!act.destroys && std::all_of(act.disrupts.begin(), act.disrupts.end(), own)) return;
  bool enough = false;
  for (const auto &[name, entry] : known_) {
    const Gate &gate = entry.first;
    const bool written = plan_.gates[gate.gate.index].watch_kind == plan::WatchKind::written;
    if (!written || !reader_.about(act, gate) || !reader_.hits(act, gate) || !known(gate, region, key)) continue;
    if (!act.destroys || reader_.another_answers(act, gate)) enough = true;
  }
  if (!enough || (act.destroys && !relevant))
    report("guard", key, reader_.text(act) + " starts without a known gate that is about it");
}

void Monitor::judge_base(const Contract &act, const std::string &key) {
  if (plan_.kind == plan::PlanKind::repair) return;
  std::set<RoleIndex> roles;
  for (const std::set<Pair> *pairs : {&act.disrupts, &act.changes})
    for (const Pair &p : *pairs)
      if (p.second != reader_.alive()) roles.insert(p.second);
  for (const Pair &p : unproven_)
    if (roles.erase(p.second) != 0)
      report("base", key,
             fmt::format("{} starts while the health of {} on {} is not proven", reader_.text(act),
                         reader_.role_name(p.second), reader_.name(p.first)),
             p.second);
}

void Monitor::judge_state(const Contract &act, const std::string &key) {
  const auto moving = [&](const Cell &which) {
    return std::any_of(flight_.begin(), flight_.end(), [&](const Flight &f) {
      return std::any_of(f.act->moves.begin(), f.act->moves.end(), [&](const Motion &m) { return m.cell == which; });
    });
  };
  for (const auto &[which, value] : act.values)
    if (!moving(which) && cell(which) != Values{value})
      report("state", key, fmt::format("{} starts while {} may be another", reader_.text(act), reader_.text(which)));
  for (const Motion &m : act.moves) {
    if (m.by_boot || m.from.empty() || moving(m.cell)) continue;
    const Values &now = cell(m.cell);
    Values from = m.from;
    // R12: what has failed is undone as well, and may not have moved it at all
    if (key.starts_with("abort/") && key.ends_with("/undo") && doubtful_.count(m.cell) != 0) from.insert(m.to);
    if (!std::includes(from.begin(), from.end(), now.begin(), now.end()))
      report("state", key,
             fmt::format("{} moves {} from where it may not be", reader_.text(act), reader_.text(m.cell)));
  }
  for (const NodeId need : act.counts) {
    const auto [low, high] = count(act, need);
    const std::int64_t wanted = plan_.integer(plan::IntegerId(plan_.node(plan_.kid(need, 2)).a));
    const std::uint32_t relation = plan_.node(need).b;
    const bool holds = relation == 0 ? low == wanted && high == wanted : relation == 1 ? low >= wanted : high <= wanted;
    if (!holds)
      report("state", key, fmt::format("{} starts while its count may be {} to {}", reader_.text(act), low, high));
  }
}

std::pair<std::int64_t, std::int64_t> Monitor::count(const Contract &act, NodeId need) {
  Environment environment;
  environment.slots = act.arguments;
  const std::uint32_t slot = plan_.node(need).a;
  environment.slots.resize(std::max<std::size_t>(
      {environment.slots.size(), slot + std::size_t{1}, plan_.actions[act.action.index].frame.slots.size()}));
  std::int64_t low = 0, high = 0;
  for (const HostIndex h : reader_.hosts(reader_.value(plan_.kid(need, 0), environment))) {
    environment.slots[slot] = machine::Value::host(plan::HostId(h));
    const int is = truth(plan_.kid(need, 1), environment);
    low += is == 1;
    high += is != 0;
  }
  return {low, high};
}

int Monitor::truth(NodeId condition, const Environment &environment) {
  const plan::Node &n = plan_.node(condition);
  if (n.op == Op::negate) {
    const int is = truth(plan_.kid(condition, 0), environment);
    return is == 2 ? 2 : 1 - is;
  }
  if (n.op == Op::both || n.op == Op::either) {
    const int a = truth(plan_.kid(condition, 0), environment), b = truth(plan_.kid(condition, 1), environment);
    const int decides = n.op == Op::both ? 0 : 1;
    if (a == decides || b == decides) return decides;
    return a == 2 || b == 2 ? 2 : 1 - decides;
  }
  if (n.op == Op::equal || n.op == Op::differ) {
    NodeId left = plan_.kid(condition, 0), right = plan_.kid(condition, 1);
    if (plan_.node(left).op != Op::cell_value) std::swap(left, right);
    if (plan_.node(left).op == Op::cell_value) {
      const Cell which = reader_.cell(plan_.kid(left, 0), environment);
      const std::string name = machine::show(reader_.value(right, environment));
      const Values &now = cell(which);
      bool yes = false, no = now.empty();
      for (const std::uint32_t v : now)
        (plan_.text(plan_.states[which.state].values[v].name) == name ? yes : no) = true;
      if (yes && no) return 2;
      return yes == (n.op == Op::equal) ? 1 : 0;
    }
  }
  const machine::Value v = reader_.value(condition, environment);
  return v.open() ? 2 : v.yes() ? 1 : 0;
}

/// RACE and HOSTX: what is in flight beside.
void Monitor::judge_beside(const Contract &act, const std::string &key) {
  const auto touches = [](const Contract &c, const Cell &which, bool moved_only) {
    for (const Motion &m : c.moves)
      if (m.cell == which) return true;
    if (!moved_only)
      for (const auto &[value, ordinal] : c.values)
        if (value == which) return true;
    return false;
  };
  for (const Flight &other : flight_) {
    for (const Motion &m : act.moves)
      if (touches(*other.act, m.cell, false))
        report("race", key,
               fmt::format("{} moves {} while {} runs", reader_.text(act), reader_.text(m.cell),
                           reader_.text(*other.act)));
    for (const auto &[which, value] : act.values)
      if (touches(*other.act, which, true))
        report("race", key,
               fmt::format("{} relies on {} while {} moves it", reader_.text(act), reader_.text(which),
                           reader_.text(*other.act)));
    for (const NodeId need : act.counts) {
      // A count relies on the state of every host that it goes over.
      const NodeId condition = plan_.kid(need, 1);
      for (const Motion &m : other.act->moves)
        for (const NodeId kid : plan_.kids(condition))
          if (plan_.node(kid).op == Op::cell_value && plan_.node(plan_.kid(kid, 0)).a == m.cell.state)
            report("race", key,
                   fmt::format("{} counts {} while {} moves it", reader_.text(act), reader_.text(m.cell),
                               reader_.text(*other.act)));
    }
    if (act.has_effects && other.act->has_effects && meets(act.hosts, other.act->hosts))
      report("hostx", key,
             fmt::format("{} starts while {} runs on the same host", reader_.text(act), reader_.text(*other.act)));
  }
}

void Monitor::judge_hold(const Contract &act, const std::string &key) {
  for (const Hold &h : act.held)
    if (!inside(key, h))
      report("hold", key, fmt::format("{} starts while {} is not held", reader_.text(act), reader_.text(h)),
             plan::RoleId::none, h.hold);
  for (const Hold &h : act.free) {
    const auto is = [&](const auto &entry) { return entry.second == h; };
    const auto moves = [&](const Flight &f) { return f.act->hold == h; };
    if (std::any_of(held_.begin(), held_.end(), is) || std::any_of(flight_.begin(), flight_.end(), moves))
      report("hold", key, fmt::format("{} starts while {} is held", reader_.text(act), reader_.text(h)),
             plan::RoleId::none, h.hold);
  }
  if (act.hold.hold != plan::HoldId::none && act.takes) {
    for (const Flight &f : flight_)
      if (std::find(f.act->free.begin(), f.act->free.end(), act.hold) != f.act->free.end())
        report("hold", f.key, fmt::format("{} is taken while {} runs", reader_.text(act.hold), reader_.text(*f.act)),
               plan::RoleId::none, act.hold.hold);
  }
  for (const Pair &p : act.disrupts) {
    if (p.second >= plan_.roles.size() || !plan_.roles[p.second].down_only_under.valid()) continue;
    const std::uint32_t wanted = plan_.roles[p.second].down_only_under.index;
    bool under = act.hold.hold == wanted;
    for (const auto &[with, held] : held_)
      under = under ||
              (held.hold == wanted && below(key, with) && (held.host == plan::HostId::none || held.host == p.first));
    if (!under)
      report("hold", key,
             fmt::format("{} takes {} of {} down while {} is not held", reader_.text(act), reader_.role_name(p.second),
                         reader_.name(p.first), plan_.text(plan_.holds[wanted].name)),
             p.second, wanted);
  }
  if (act.hold.hold == plan::HoldId::none || act.takes) return;
  if (aborting_ && !key.starts_with("abort")) return;  // R12: all that is held is given back before the way back begins
  // Given back while an outage is open that needed it.
  const std::string with = key.substr(0, key.rfind('/'));
  const std::vector<plan::GateId> &taints = plan_.holds[act.hold.hold].taints;
  for (const Outage &o : open_) {
    if (o.act == nullptr || o.pair.second >= plan_.roles.size()) continue;
    const bool left = earlier_round(o.opener, key) &&  // which has failed inside the hold: it is given back here
                      std::find(o.under.begin(), o.under.end(), act.hold) != o.under.end();
    if (!o.opener.starts_with(with) && !left) continue;
    const plan::Role &role = plan_.roles[o.pair.second];
    const bool needed = std::find(o.act->held.begin(), o.act->held.end(), act.hold) != o.act->held.end() ||
                        (role.down_only_under.valid() && role.down_only_under.index == act.hold.hold && o.kind == 'D');
    if (!needed || std::find(taints.begin(), taints.end(), role.health) != taints.end()) continue;
    report("hold", key,
           fmt::format("{} is given back while {} of {} is not proven back", reader_.text(act.hold),
                       reader_.role_name(o.pair.second), reader_.name(o.pair.first)),
           o.pair.second, act.hold.hold);
  }
}

void Monitor::judge_order(const Contract &act, const std::string &key) {
  const auto has = [](const plan::RoleGroup &group, RoleIndex r) {
    return std::any_of(group.roles.begin(), group.roles.end(), [&](plan::RoleId x) { return x.index == r; });
  };
  for (const plan::Order &order : plan_.orders) {
    for (std::size_t i = 0; i < order.groups.size(); ++i) {
      for (std::size_t j = i + 1; j < order.groups.size(); ++j) {
        const auto same_host = [&](HostIndex a, HostIndex b) { return !order.on_each_host || a == b; };
        for (const Pair &mine : act.changes) {
          if (has(order.groups[i], mine.second)) {
            for (const Pair &before : changed_)
              if (has(order.groups[j], before.second) && same_host(mine.first, before.first))
                return report("order", key,
                              fmt::format("{} changes {} after {}", reader_.text(act), reader_.role_name(mine.second),
                                          reader_.role_name(before.second)),
                              mine.second);
            for (const Pair &too : act.changes)
              if (has(order.groups[j], too.second) && same_host(mine.first, too.first))
                return report("order", key, reader_.text(act) + " changes both of an order", mine.second);
          }
          if (!has(order.groups[j], mine.second)) continue;
          for (const Outage &o : open_)
            if (o.kind == 'C' && has(order.groups[i], o.pair.second) && same_host(mine.first, o.pair.first))
              return report("order", key,
                            fmt::format("{} changes {} while {} is under change", reader_.text(act),
                                        reader_.role_name(mine.second), reader_.role_name(o.pair.second)),
                            mine.second);
        }
      }
    }
  }
}

void Monitor::judge_rank(HostIndex host, const std::string &key, const std::set<RoleIndex> &changes) {
  if (visited_.count(host) != 0) return;
  for (const plan::Rank &rank : plan_.ranks) {
    const auto place = [&](HostIndex h) {
      std::size_t most = 0;
      for (std::size_t i = 0; i < rank.roles.size(); ++i)
        if (reader_.roles(h).count(rank.roles[i].index) != 0) most = i + 1;
      return most;
    };
    const auto derived = [&](const Visit &earlier) {  // `order` wins over `rank`
      const auto any = [](const plan::RoleGroup &group, const std::set<RoleIndex> &roles) {
        return std::any_of(group.roles.begin(), group.roles.end(),
                           [&](plan::RoleId r) { return roles.count(r.index) != 0; });
      };
      for (const plan::Order &order : plan_.orders)
        for (std::size_t i = 0; i < order.groups.size(); ++i)
          for (std::size_t j = i + 1; j < order.groups.size(); ++j)
            if (any(order.groups[i], earlier.changes) && any(order.groups[j], changes)) return true;
      return false;
    };
    if (place(host) == 0) continue;
    for (const auto &[other, visit] : visited_)
      if (place(other) > place(host) && !derived(visit)) {
        report("rank", key, fmt::format("{} is visited after {}", reader_.name(host), reader_.name(other)));
        break;
      }
  }
  visited_[host] = {changes};
}

void Monitor::judge_reach(const Contract &act, const std::string &key) {
  const bool gives_back = act.hold.hold != plan::HoldId::none && !act.takes;
  const auto dark = [&](HostIndex h) {                    // by another step than an earlier try of this one
    if (gives_back && lost_.count(h) != 0) return false;  // it is tried, on a host that is given up, too
    return reader_.out(h) || std::any_of(open_.begin(), open_.end(), [&](const Outage &o) {
             return o.pair == Pair{h, reader_.alive()} && o.kind == 'D' && o.opener != key;
           });
  };
  for (const HostIndex h : act.subjects) {
    std::set<HostIndex> way = reader_.via(h);
    way.insert(h);
    for (const HostIndex y : way)
      if (dark(y)) report("reach", key, fmt::format("{} starts while {} is down", reader_.text(act), reader_.name(y)));
  }
  for (const HostIndex y : act.dark)
    for (const Flight &other : flight_)
      for (const HostIndex h : other.act->subjects)
        if (reader_.via(h).count(y) != 0)
          report("reach", key,
                 fmt::format("{} takes {} down while {} runs through it", reader_.text(act), reader_.name(y),
                             reader_.text(*other.act)));
}

void Monitor::judge_armed(const Contract &act, const std::string &key) {
  for (const auto &[which, by] : moved_by_) {
    if (which.host == plan::HostId::none || act.dark.count(which.host) == 0) continue;
    bool armed = false;
    for (const std::uint32_t v : transient(which.state)) armed = armed || cell(which).count(v) != 0;
    for (const Motion &m : act.moves) armed = armed && m.cell != which;
    if (armed)
      report("arm", key,
             fmt::format("{} takes {} down, on which {} is armed", reader_.text(act), reader_.name(which.host),
                         reader_.text(which)));
  }
}

/// A halt leaves nothing armed: what arms a state can take it back, and opens no outage by that.
void Monitor::judge_undo(const Contract &act, const std::string &key) {
  if (plan_.on_abort.valid()) return;
  for (const Motion &m : act.moves) {
    if (m.by_boot || transient(m.cell.state).count(m.to) == 0) continue;
    const plan::Action &action = plan_.actions[act.action.index];
    if (action.undo_kind == plan::UndoKind::action) {
      const Contract &undo = reader_.contract(action.undo, act.arguments);
      if (undo.disrupts.empty() && undo.changes.empty()) continue;
    }
    report("arm", key, fmt::format("{} arms {} and cannot take it back", reader_.text(act), reader_.text(m.cell)));
  }
}

/// No action takes every host of a role down outside of a rollout.
void Monitor::judge_scope(const Contract &act, const std::string &key) {
  std::map<RoleIndex, std::size_t> counts;
  for (const Pair &p : act.disrupts)
    if (act.carried.count(p.first) == 0 && p.second != reader_.alive()) ++counts[p.second];
  for (const auto &[role, n] : counts)
    if (n > 1 && n == reader_.carriers_of(role).size())
      report("scope", key, fmt::format("{} takes every host of {} down", reader_.text(act), reader_.role_name(role)),
             role);
}

std::string Monitor::opener_of(RoleIndex role) const {
  std::string last;
  for (const Outage &o : open_)
    if (o.pair.second == role) last = o.opener;
  return last;
}

void Monitor::judge_budgets(const std::string &at) {
  for (RoleIndex r = 0; r < plan_.roles.size(); ++r) {
    const std::string key = at.empty() ? opener_of(r) : at;
    for (const plan::Available &line : plan_.roles[r].available)
      if (line.kind != plan::AvailableKind::may_be_down) judge_budget(r, line, key);
    if (!plan_.roles[r].serial) continue;
    std::set<HostIndex> busy;
    for (const Outage &o : open_)
      if (o.pair.second == r && !waived("serial", o.opener, r, plan::HoldId::none)) busy.insert(o.pair.first);
    if (busy.size() > 1)
      report("serial", key, fmt::format("{} hosts of {} are under change at once", busy.size(), reader_.role_name(r)),
             r);
  }
}

void Monitor::judge_budget(RoleIndex role, const plan::Available &line, const std::string &key) {
  std::set<HostIndex> gone;
  for (const Outage &o : open_)
    if (o.pair.second == role && o.kind == 'D' && !waived("avail", o.opener, role, plan::HoldId::none))
      gone.insert(o.pair.first);
  for (const Weight &w : weigh(reader_, role, line, gone)) {
    Worst &worst = worst_[role];
    if (w.down >= worst.down) worst = {w.down, w.budget, w.total};
    if (w.exceeded())
      report("avail", key,
             fmt::format("{} of {} down at once{}, {} may be", w.down, reader_.role_name(role),
                         w.group.empty() ? "" : " in " + w.group, w.budget),
             role);
  }
}

}  // namespace upg::simulate
