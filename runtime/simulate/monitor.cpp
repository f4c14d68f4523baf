// The configuration of section 2: what each move does to it, and what is judged at ends, turns and the plan's end.
#include "runtime/simulate/monitor.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "runtime/plan/opcodes.h"
#include "runtime/simulate/policy.h"

namespace upg::simulate {
using machine::Environment;
using machine::Move;
using plan::NodeId;
using plan::Op;

namespace {
constexpr std::size_t kMostViolations = 1'000;

/// Whether region `inner` is `outer` or nested in it. A region is the key of a turn; it ends with `]`.
bool within(const std::string &inner, const std::string &outer) {
  return outer.empty() || inner == outer || (inner.size() > outer.size() && inner.starts_with(outer));
}
/// Whether the step stands in the block of the statement.
bool below(const std::string &key, const std::string &statement) {
  return key.size() > statement.size() && key.starts_with(statement) && key[statement.size()] == '/';
}
}  // namespace

bool judged(std::string_view rule) {
  static constexpr std::string_view kRules[] = {"avail", "serial", "base", "guard", "state", "race",  "hostx", "hold",
                                                "ret",   "arm",    "once", "order", "rank",  "reach", "end",   "scope"};
  return std::find(std::begin(kRules), std::end(kRules), rule) != std::end(kRules);
}

Monitor::Monitor(Reader &reader) : reader_(reader), plan_(reader.plan()) {
  for (HostIndex h = 0; h < plan_.hosts.size(); ++h) {
    if (reader_.out(h)) continue;
    for (const RoleIndex r : reader_.roles(h))
      if (r < plan_.roles.size() && plan_.roles[r].health.valid()) unproven_.insert({h, r});
  }
  for (const plan::CellClaim &claim : plan_.initially) {
    std::vector<plan::HostId> hosts(1);
    if (claim.hosts.valid()) hosts = plan_.sets[claim.hosts.index].hosts;
    for (const plan::HostId h : hosts) {
      std::vector<machine::Value> arguments;
      if (h.valid()) arguments.push_back(machine::Value::host(h));
      cells_[reader_.cell(claim.state, arguments)] = {claim.value};
    }
  }
}

void Monitor::moved(const Move &move, int way) {
  at_ = move.kind;
  switch (move.kind) {
    case Move::Kind::start:
      start(move);
      break;
    case Move::Kind::end:
      end(move);
      break;
    case Move::Kind::pass:
      pass(move);
      break;
    case Move::Kind::admit: {
      const HostIndex h = move.host.index;
      turns_[move.key] = h;
      rolls_[move.key] = move.node;
      judge_rank(h, move.key, changed_below(move.node, 0));
      break;
    }
    case Move::Kind::leave:
      leave(move);
      break;
    case Move::Kind::pause:
      pause(move);
      break;
    case Move::Kind::choice:
      choice(move, way);
      break;
    case Move::Kind::hold:
      held_[move.key] = reader_.hold(move.hold, move.arguments);
      break;
    case Move::Kind::unhold:
      held_.erase(move.key);
      break;
    case Move::Kind::accept: {
      Waiver waiver{move.key, plan_.node(move.node).a};
      for (const Flight &f : flight_) {
        if (below(f.key, move.key)) continue;  // its own, from before the controller died
        for (const std::set<Pair> *pairs : {&f.act->disrupts, &f.act->changes})
          for (const Pair &p : *pairs) waiver.beside.insert(p.second);
      }
      waivers_.push_back(std::move(waiver));
      break;
    }
    case Move::Kind::unaccept:
      judge_accepted(move.key);
      std::erase_if(waivers_, [&](const Waiver &w) { return w.key == move.key; });
      judge_budgets("");
      break;
    case Move::Kind::finish:
      finish();
      break;
    case Move::Kind::fail:
      known_.clear();
      break;
    case Move::Kind::lose:
      lose(move);
      break;
    case Move::Kind::perform:
      break;
  }
  ++moves_;
}

void Monitor::report(const char *rule, const std::string &key, std::string text, RoleIndex role, std::uint32_t hold,
                     std::string subject) {
  if (hold == plan::HoldId::none) hold = acting_hold_;  // what taking a hold breaks is accepted by the hold's name
  if (violations_.size() >= kMostViolations || waived(rule, key, role, hold)) return;
  const std::string_view name = rule;
  if (subject.empty() && role != plan::RoleId::none && (name == "avail" || name == "serial" || name == "ret"))
    subject = reader_.role_name(role);
  violations_.push_back({rule, std::move(text), key, at_, moves_, std::move(subject)});
}

bool Monitor::accepted(const std::string &key) const {
  return std::any_of(waivers_.begin(), waivers_.end(), [&](const Waiver &w) { return below(key, w.key); });
}

bool Monitor::waived(const std::string &rule, const std::string &key, RoleIndex role, std::uint32_t hold) const {
  for (const Waiver &w : waivers_) {
    if (!below(key, w.key)) continue;
    const plan::Waiver &waiver = plan_.waivers[w.waiver];
    std::string_view named = plan_.text(waiver.rule);
    const bool outage =
        named == "outage" && (rule == "avail" || rule == "serial" || rule == "stoppable" || rule == "scope");
    if (named == "available") named = "avail";
    if (named == "return") named = "ret";
    if (named != rule && !outage) continue;
    if (waiver.role.valid() && waiver.role.index != role) continue;
    if (w.beside.count(role) != 0 && (rule == "avail" || rule == "serial")) continue;
    if (waiver.hold.valid() && waiver.hold.index != hold) continue;
    return true;
  }
  return false;
}

std::string Monitor::region_of(const std::string &key) const {
  std::string best;
  for (const auto &[turn, host] : turns_)
    if (turn.size() > best.size() && within(key, turn)) best = turn;
  return best;
}

bool Monitor::known(const Gate &gate, const std::string &region, const std::string &step) const {
  const auto found = known_.find(gate.key);
  if (found == known_.end()) return false;
  return std::any_of(found->second.second.begin(), found->second.second.end(),
                     [&](const Passed &p) { return within(region, p.region) && !beside(p.await, step); });
}

void Monitor::forget_hit_by(const Contract &act) {
  for (auto it = known_.begin(); it != known_.end();)
    it = reader_.hits(act, it->second.first) ? known_.erase(it) : std::next(it);
}

void Monitor::forget_region(const std::string &region) {
  for (auto it = known_.begin(); it != known_.end();) {
    std::erase_if(it->second.second, [&](const Passed &p) { return within(p.region, region) && !p.region.empty(); });
    it = it->second.second.empty() ? known_.erase(it) : std::next(it);
  }
}

void Monitor::controller_died(const std::set<std::string> &unbegun) {
  known_.clear();
  waivers_.clear();  // said again as the blocks are entered again
  std::erase_if(flight_, [&](const Flight &f) { return unbegun.count(f.key) != 0; });
  std::erase_if(open_, [&](const Outage &o) { return unbegun.count(o.opener) != 0; });
}

std::set<HostIndex> Monitor::down_in(RoleIndex role) const {
  std::set<HostIndex> out;
  for (const Outage &o : open_)
    if (o.pair.second == role && o.kind == 'D') out.insert(o.pair.first);
  return out;
}

bool Monitor::in_flight(const std::string &key) const {
  return std::any_of(flight_.begin(), flight_.end(), [&](const Flight &f) { return f.key == key; });
}

/// The host is left behind: its turn is over, nothing closes what is open on it, and its states may be anything.
/// What an accepted outage has opened it also closes.
void Monitor::judge_accepted(const std::string &key) {
  for (const Waiver &w : waivers_) {
    const plan::Waiver &waiver = plan_.waivers[w.waiver];
    if (w.key != key || plan_.text(waiver.rule) != "outage" || !waiver.role.valid()) continue;
    for (const Outage &o : open_)
      if (o.pair.second == waiver.role.index && o.kind == 'D' && below(o.opener, key) && lost_.count(o.pair.first) == 0)
        report("outage", key,
               fmt::format("{} of {} is still down when the block ends that accepts it",
                           reader_.role_name(o.pair.second), reader_.name(o.pair.first)),
               o.pair.second);
  }
}

bool Monitor::down(Pair pair) const {
  return std::any_of(open_.begin(), open_.end(), [&](const Outage &o) { return o.pair == pair && o.kind == 'D'; });
}

Values &Monitor::cell(const Cell &which) {
  const auto [at, fresh] = cells_.try_emplace(which);
  if (fresh)
    for (std::uint32_t v = 0; v < plan_.states[which.state].values.size(); ++v) at->second.insert(v);
  return at->second;
}

Values Monitor::transient(std::uint32_t state) const {
  Values out;
  for (std::uint32_t v = 0; v < plan_.states[state].values.size(); ++v)
    if (plan_.states[state].values[v].transient) out.insert(v);
  return out;
}

bool Monitor::inside(const std::string &key, const Hold &hold) const {
  // An abort takes the holds around a step again, beside the undo's own key.
  const std::string undone = key.starts_with("abort/") && key.ends_with("/undo") ? key.substr(0, key.size() - 4) : "";
  return std::any_of(held_.begin(), held_.end(), [&](const auto &h) {
    return h.second == hold && (below(key, h.first) || (!undone.empty() && h.first.starts_with(undone + 'w')));
  });
}

void Monitor::start(const Move &move) {
  const Contract &act = reader_.contract(move.action, move.arguments);
  const std::string region = region_of(move.key);
  acting_hold_ = act.hold.hold;
  std::erase_if(flight_, [&](const Flight &f) { return f.key == move.key; });  // an intent that never began
  const bool again = !started_.insert(move.key).second;
  if (act.by_person) pause(move);
  judge_guard(act, move.key, region);
  judge_base(act, move.key);
  if (!again && !move.counted) judge_state(act, move.key);  // a retry begins where the last try left it
  judge_beside(act, move.key);
  judge_hold(act, move.key);
  judge_order(act, move.key);
  judge_reach(act, move.key);
  if (move.counted) {
    flight_.push_back({move.key, region, &act});
    forget_hit_by(act);
    acting_hold_ = plan::HoldId::none;
    return;
  }
  judge_armed(act, move.key);
  judge_scope(act, move.key);
  judge_undo(act, move.key);
  if (region.empty() && act.has_effects) {
    std::set<RoleIndex> roles;
    for (const Pair &p : act.changes) roles.insert(p.second);
    for (const HostIndex h : act.subjects) judge_rank(h, move.key, roles);
  }
  if (plan_.actions[act.action.index].once) {
    const auto [used, first] = once_.emplace(act.key, move.key);
    if (!first && used->second != move.key) report("once", move.key, reader_.text(act) + " starts a second time");
  }

  flight_.push_back({move.key, region, &act});
  forget_hit_by(act);
  for (const Motion &m : act.moves) {
    Values &now = cell(m.cell);
    if (m.by_boot && (now.size() > 1 || now != m.from)) continue;
    now.clear();
    moved_by_[m.cell] = move.key;
  }
  std::vector<Hold> under;
  for (const auto &[with, hold] : held_)
    if (below(move.key, with)) under.push_back(hold);
  const auto open = [&](const std::set<Pair> &pairs, char kind) {
    for (const Pair &p : pairs) {
      std::erase_if(open_, [&](const Outage &o) { return o.pair == p && o.kind == kind && o.opener == move.key; });
      open_.push_back({p, kind, region, move.key, &act, under});
    }
  };
  open(act.disrupts, 'D');
  open(act.changes, 'C');
  for (Waiver &w : waivers_) {
    if (below(move.key, w.key)) continue;
    for (const std::set<Pair> *pairs : {&act.disrupts, &act.changes})
      for (const Pair &p : *pairs) w.beside.insert(p.second);
  }
  changed_.insert(act.changes.begin(), act.changes.end());
  judge_budgets(move.key);
  acting_hold_ = plan::HoldId::none;
}

/// Where the states stand that the step has moved.
void Monitor::settle(const Contract &act, bool failed) {
  for (const Motion &m : act.moves) {
    Values &now = cell(m.cell);
    if (m.by_boot) {
      // Several values may stand there: only the armed one moves.
      const bool in_flight = now.empty();
      if (in_flight) now = {m.to};
      for (const std::uint32_t v : m.from)
        if (now.erase(v) != 0) now.insert(m.to);
      continue;
    }
    now = {m.to};
    failed ? doubtful_.insert(m.cell), void() : void(doubtful_.erase(m.cell));
    if (!failed) continue;
    now.insert(m.between.begin(), m.between.end());
    now.insert(m.from.begin(), m.from.end());
  }
}

void Monitor::end(const Move &move) {
  // A resume may find the end of a step that was given up as unknown: it is not in flight any more.
  const Contract &act = reader_.contract(move.action, move.arguments);
  const std::string region = region_of(move.key);
  std::erase_if(flight_, [&](const Flight &f) { return f.key == move.key; });
  forget_hit_by(act);
  if (move.counted) return;
  settle(act, move.failed);
  if (move.failed) return;
  const auto back = [&](const Pair &pair) {
    std::erase_if(open_, [&](const Outage &o) { return o.pair == pair && within(o.region, region); });
  };
  for (const HostIndex h : act.boots)
    std::erase_if(open_, [&](const Outage &o) { return o.pair == Pair{h, reader_.alive()} && o.kind == 'D'; });
  for (const Gate &g : act.awaits)
    for (const Pair &p : reader_.health_of(g)) back(p);
}

void Monitor::pass(const Move &move) {
  const Gate gate = reader_.gate(move.gate, move.arguments);
  const std::string region = region_of(move.key);
  const auto turn = turns_.find(region);
  const std::set<Pair> back = reader_.health_of(gate);
  for (const Pair &p : back) {
    const bool busy = std::any_of(flight_.begin(), flight_.end(), [&](const Flight &f) {
      return f.act->disrupts.count(p) != 0 || f.act->changes.count(p) != 0;
    });
    if (busy) continue;
    const bool own = turn != turns_.end() && turn->second == p.first;
    std::erase_if(open_, [&](const Outage &o) { return o.pair == p && (own || within(o.region, region)); });
    if (own || region.empty()) unproven_.erase(p);
  }
  const std::string await = move.key.substr(0, move.key.find(':'));
  if (!back.empty()) {
    for (auto it = known_.begin(); it != known_.end();) {
      const std::set<std::string> &watched = reader_.watch(it->second.first);
      bool hit = watched.count(kStar) != 0;
      for (const Pair &p : back) hit = hit || watched.count(role_item(p.second)) != 0;
      if (hit) std::erase_if(it->second.second, [&](const Passed &k) { return k.await != await; });
      it = it->second.second.empty() ? known_.erase(it) : std::next(it);
    }
  }
  if (std::any_of(flight_.begin(), flight_.end(), [&](const Flight &f) { return reader_.hits(*f.act, gate); })) return;
  auto &entry = known_[gate.key];
  entry.first = gate;
  entry.second.insert({region, await});
}

void Monitor::choice(const Move &move, int way) {
  const plan::Node &n = plan_.node(move.node);
  if (n.op != Op::unless && n.op != Op::expect_value) return;
  const std::uint32_t state = plan_.node(plan_.kid(move.node, 0)).a;
  const Cell which = reader_.cell(plan::StateId(state), move.arguments);
  for (const Flight &other : flight_)
    for (const Motion &m : other.act->moves)
      if (m.cell == which)
        report("race", move.key,
               fmt::format("{} is tested while {} moves it", reader_.text(which), reader_.text(*other.act)));
  Values &now = cell(which);
  if (now.empty()) return;
  if (supposes_ && n.op == Op::expect_value && way == 0 && now.count(n.a) == 0)
    report("state", move.key, reader_.text(which) + " is expected to be what it can never be");
  if (way == 0)
    now = {n.a};
  else
    now.erase(n.a);
}

/// Whether the step runs, or may still run, beside the place: in another part of a `parallel`, in a turn under way.
bool Monitor::beside(const std::string &step, const std::string &place) const {
  std::size_t i = 0, begin = 0;
  for (; i < step.size() && i < place.size() && step[i] == place[i]; ++i)
    if (step[i] == '/' || step[i] == '[') begin = i;
  if (i == step.size() || i == place.size()) return false;
  if ((step[i] == '/' || step[i] == '[') && (place[i] == '/' || place[i] == '[')) begin = i;
  if (step[begin] == '[') return turns_.count(step.substr(0, step.find(']', begin) + 1)) != 0;
  return begin + 1 < step.size() && begin + 1 < place.size() && step[begin + 1] == 'b' && place[begin + 1] == 'b';
}

void Monitor::judge_traps(const std::string &key, const char *when) {
  for (const auto &[which, by] : moved_by_) {
    if (beside(by, key)) continue;
    for (const std::uint32_t v : transient(which.state))
      if (cell(which).count(v) != 0) report("arm", key, fmt::format("{} is armed {}", reader_.text(which), when));
  }
}

void Monitor::pause(const Move &move) { judge_traps(move.key, "while a person is waited for"); }

void Monitor::leave(const Move &move) {
  const std::string &region = move.key;
  judge_traps(move.key, "when the turn or phase ends");
  if (!move.host.valid()) return;  // a phase
  std::string outer;
  for (const auto &[turn, host] : turns_)
    if (turn != region && turn.size() > outer.size() && within(region, turn)) outer = turn;
  for (Outage &o : open_) {
    if (!within(o.region, region)) continue;
    const bool serial = o.pair.second < plan_.roles.size() && plan_.roles[o.pair.second].serial;
    if (limited(plan_, o.pair.second) || serial)
      report("ret", move.key,
             fmt::format("{} of {} is not proven back when the turn ends", reader_.role_name(o.pair.second),
                         reader_.name(o.pair.first)),
             o.pair.second);
    o.region = outer;
  }
  forget_region(region);
  turns_.erase(region);
}

/// Down in every role to the end, and still changing in what its turn may have changed; its states are anything.
void Monitor::lose(const Move &move) {
  const HostIndex h = move.host.index;
  lost_.insert(h);
  if (lost_.size() > plan_.tolerate)
    report("tolerate", move.key, reader_.name(h) + " is one host more than may be lost");
  std::erase_if(flight_, [&](const Flight &f) { return below(f.key, move.key); });
  for (Outage &o : open_)
    if (within(o.region, move.key)) o.region.clear();
  static const Contract none;
  for (const RoleIndex r : reader_.roles(h)) {
    std::erase_if(open_, [&](const Outage &o) { return o.pair == Pair{h, r} && o.kind == 'D'; });
    open_.push_back({{h, r}, 'D', "", move.key, &none});
  }
  if (const auto roll = rolls_.find(move.key); roll != rolls_.end())
    for (const RoleIndex r : changed_below(roll->second, 0))
      if (reader_.roles(h).count(r) != 0) open_.push_back({{h, r}, 'C', "", move.key, &none});
  for (std::uint32_t s = 0; s < plan_.states.size(); ++s) {
    if (plan_.states[s].frame.parameters.size() != 1) continue;
    const Cell which = reader_.cell(plan::StateId(s), {machine::Value::host(move.host)});
    Values &now = cell(which);
    now.clear();
    for (std::uint32_t v = 0; v < plan_.states[s].values.size(); ++v)
      if (!plan_.states[s].values[v].transient) now.insert(v);
    moved_by_.erase(which);
  }
  forget_region(move.key);
  turns_.erase(move.key);
  judge_budgets(move.key);
}

void Monitor::aborts() {
  aborting_ = true;
  for (const Flight &f : std::exchange(flight_, {})) settle(*f.act, true);  // R12: it is proven over
  known_.clear();
  turns_.clear();
  waivers_.clear();
  visited_.clear();
  changed_.clear();
  for (Outage &o : open_) o.region.clear();
}

void Monitor::finish() {
  const char *whole = aborting_ ? "the abort" : "the plan";
  for (const Outage &o : open_)
    if (lost_.count(o.pair.first) == 0)
      report("ret", "",
             fmt::format("{} of {} is not proven back when {} ends", reader_.role_name(o.pair.second),
                         reader_.name(o.pair.first), whole),
             o.pair.second);
  judge_traps("", aborting_ ? "when the abort ends" : "when the plan ends");
  if (aborting_) return;
  for (const plan::CellClaim &claim : plan_.finally) {
    std::vector<plan::HostId> hosts(1);
    if (claim.hosts.valid()) hosts = plan_.sets[claim.hosts.index].hosts;
    for (const plan::HostId h : hosts) {
      if (h.valid() && (reader_.out(h.index) || lost_.count(h.index) != 0)) continue;
      std::vector<machine::Value> arguments;
      if (h.valid()) arguments.push_back(machine::Value::host(h));
      const Cell which = reader_.cell(claim.state, arguments);
      if (cell(which) != Values{claim.value})
        report("end", "", fmt::format("{} is not what `finally` promises", reader_.text(which)));
    }
  }
}

std::set<RoleIndex> Monitor::changed_below(NodeId node, int depth) const {
  constexpr int kDepth = 300;
  std::set<RoleIndex> out;
  if (depth > kDepth) return out;
  const plan::Node &n = plan_.node(node);
  const auto of_action = [&](plan::ActionId a) {
    if (!a.valid()) return;
    for (const NodeId e : plan_.actions[a.index].effects) {
      const plan::Node &effect = plan_.node(e);
      if (effect.op != Op::changes) continue;
      if (effect.a != plan::all_roles)
        out.insert(effect.a);
      else
        for (RoleIndex r = 0; r < plan_.roles.size(); ++r) out.insert(r);
    }
  };
  if (n.op == Op::act) of_action(plan::ActionId(n.a));
  if (n.op == Op::with) {
    const plan::Hold &hold = plan_.holds[plan_.node(plan_.kid(node, 0)).a];
    of_action(hold.acquire);
    of_action(hold.release);
  }
  if (n.op == Op::call) out.merge(changed_below(plan_.procedures[n.a].body, depth + 1));
  for (const NodeId kid : plan_.kids(node)) {
    const plan::Category category = plan::info(plan_.node(kid).op).category;
    if (category == plan::Category::stmt || category == plan::Category::block) out.merge(changed_below(kid, depth + 1));
  }
  return out;
}

}  // namespace upg::simulate
