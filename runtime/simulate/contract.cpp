#include "runtime/simulate/contract.h"

#include <algorithm>

#include "runtime/plan/opcodes.h"

namespace upg::simulate {
using machine::Environment;
using machine::Value;
using plan::NodeId;
using plan::Op;
using Kind = Value::Kind;

namespace {
constexpr int kDepth = 200;

std::string cell_item(const Cell &c) { return "c" + std::to_string(c.state) + ":" + c.arguments; }
std::string state_item(std::uint32_t s) { return "s" + std::to_string(s); }
std::string hold_item(const Hold &h) { return "o" + std::to_string(h.hold) + ":" + h.arguments; }
std::string holds_item(std::uint32_t h) { return "O" + std::to_string(h); }

HostIndex first_host(const std::vector<Value> &arguments) {
  for (const Value &v : arguments)
    if (v.is(Kind::host)) return v.as_host().index;
  return plan::HostId::none;
}
}  // namespace

std::string host_item(HostIndex h) { return "h" + std::to_string(h); }
std::string role_item(RoleIndex r) { return "r" + std::to_string(r); }

std::string key_of(const std::vector<Value> &arguments) {
  std::string out;
  for (const Value &v : arguments) {
    if (v.is(Kind::host)) {
      out += "{" + std::to_string(v.number) + "}";
    } else if (v.is(Kind::list)) {
      out += "[" + key_of(*v.items) + "]";
    } else {
      out += "<" + machine::show(v) + ">";
    }
  }
  return out;
}

Reader::Reader(const plan::Plan &plan, machine::Simulation *simulation) : plan_(&plan), world_(plan) {
  around_.plan = plan_;
  around_.world = &world_;
  around_.simulation = simulation;
  const std::size_t n = plan.hosts.size();
  alive_ = static_cast<RoleIndex>(plan.roles.size());
  for (RoleIndex r = 0; r < plan.roles.size(); ++r)
    if (plan.roles[r].boot.valid()) alive_ = r;
  roles_.resize(n);
  via_.resize(n);
  guests_.resize(n);
  for (HostIndex h = 0; h < n; ++h) {
    for (const plan::RoleId r : plan.hosts[h].roles) roles_[h].insert(r.index);
    roles_[h].insert(alive_);
    for (const plan::HostId v : plan.hosts[h].via) via_[h].insert(v.index);
  }
  for (HostIndex g = 0; g < n; ++g) {
    if (!plan.hosts[g].guest_of.valid()) continue;
    for (HostIndex h = 0; h < n; ++h)
      if (h != g && roles_[h].count(plan.hosts[g].guest_of.index) != 0) guests_[h].insert(g);
  }
  close(via_);
  close(guests_);
}

/// Makes the relation transitive.
void Reader::close(std::vector<std::set<HostIndex>> &relation) const {
  for (bool more = true; more;) {
    more = false;
    for (std::set<HostIndex> &of : relation) {
      std::set<HostIndex> all = of;
      for (const HostIndex h : of) all.insert(relation[h].begin(), relation[h].end());
      if (all.size() == of.size()) continue;
      of = std::move(all);
      more = true;
    }
  }
}

std::vector<HostIndex> Reader::carriers_of(RoleIndex r) const {
  std::vector<HostIndex> out;
  for (HostIndex h = 0; h < roles_.size(); ++h)
    if (roles_[h].count(r) != 0) out.push_back(h);
  return out;
}

Value Reader::value(NodeId expression, const Environment &environment) const {
  machine::Consultation asked(around_, environment);
  return asked.evaluate(expression);
}

std::vector<Value> Reader::values_of(NodeId reference, const Environment &environment) const {
  std::vector<Value> out;
  for (const NodeId kid : plan_->kids(reference)) out.push_back(value(kid, environment));
  return out;
}

std::vector<HostIndex> Reader::hosts(const Value &v) const {
  std::vector<HostIndex> out;
  if (v.is(Kind::host)) out.push_back(v.as_host().index);
  if (v.is(Kind::list))
    for (const Value &x : *v.items)
      if (x.is(Kind::host)) out.push_back(x.as_host().index);
  return out;
}

std::vector<HostIndex> Reader::target(NodeId target, const Environment &environment) const {
  if (plan_->node(target).op == Op::on_local) return {};
  return hosts(value(plan_->kid(target, 0), environment));
}

Gate Reader::gate(plan::GateId id, std::vector<Value> arguments) const {
  std::string key = std::to_string(id.index) + key_of(arguments);
  return {id, std::move(arguments), std::move(key)};
}

std::vector<Gate> Reader::gates(NodeId reference, const Environment &environment) const {
  const plan::Node &n = plan_->node(reference);
  std::vector<Gate> out;
  if (n.op == Op::gate) {
    out.push_back(gate(plan::GateId(n.a), values_of(reference, environment)));
    return out;
  }
  std::set<std::string> seen;
  for (const HostIndex h : hosts(value(plan_->kid(reference, 0), environment))) {
    if (out.size() > 100'000) break;
    if (this->out(h)) continue;
    for (const RoleIndex r : roles_[h]) {
      if (r >= plan_->roles.size()) continue;
      const plan::GateId id = n.op == Op::in_service ? plan_->roles[r].health : plan_->roles[r].stoppable;
      if (!id.valid()) continue;
      std::vector<Value> arguments;
      if (!plan_->gates[id.index].frame.parameters.empty()) arguments.push_back(Value::host(plan::HostId(h)));
      Gate g = gate(id, std::move(arguments));
      if (seen.insert(g.key).second) out.push_back(std::move(g));
    }
  }
  return out;
}

Gate Reader::stoppable(Pair pair) const {
  if (pair.second >= plan_->roles.size() || !plan_->roles[pair.second].stoppable.valid()) return {};
  const plan::GateId id = plan_->roles[pair.second].stoppable;
  std::vector<Value> arguments;
  if (!plan_->gates[id.index].frame.parameters.empty()) arguments.push_back(Value::host(plan::HostId(pair.first)));
  return gate(id, std::move(arguments));
}

std::set<HostIndex> Reader::hosts_of(const Gate &gate) const {
  std::set<HostIndex> out;
  for (const Value &v : gate.arguments)
    for (const HostIndex h : hosts(v)) out.insert(h);
  return out;
}

std::set<Pair> Reader::health_of(const Gate &gate) const {
  std::set<Pair> out;
  for (RoleIndex r = 0; r < plan_->roles.size(); ++r) {
    if (plan_->roles[r].health != gate.gate) continue;
    if (plan_->gates[gate.gate.index].frame.parameters.empty()) {
      for (const HostIndex h : carriers_of(r)) out.insert({h, r});
    } else {
      for (const HostIndex h : hosts_of(gate))
        if (roles_[h].count(r) != 0) out.insert({h, r});
    }
  }
  return out;
}

/// Whether it asks about the hosts of the action or the cluster.
bool Reader::about(const Contract &act, const Gate &gate) const {
  const std::set<HostIndex> asked = hosts_of(gate);
  if (asked.empty()) return true;
  return std::any_of(asked.begin(), asked.end(), [&](HostIndex h) { return act.hosts.count(h) != 0; });
}

Cell Reader::cell(plan::StateId state, const std::vector<Value> &arguments) const {
  return {state.index, key_of(arguments), first_host(arguments)};
}
Cell Reader::cell(NodeId reference, const Environment &environment) const {
  return cell(plan::StateId(plan_->node(reference).a), values_of(reference, environment));
}
Hold Reader::hold(plan::HoldId id, const std::vector<Value> &arguments) const {
  return {id.index, key_of(arguments), first_host(arguments)};
}

const Contract &Reader::contract(plan::ActionId action, const std::vector<Value> &arguments) {
  const std::string key = std::to_string(action.index) + key_of(arguments);
  const auto [at, fresh] = contracts_.try_emplace(key);
  Contract &c = at->second;
  if (!fresh) return c;
  const plan::Action &a = plan_->actions[action.index];
  c.action = action;
  c.arguments = arguments;
  c.key = key;
  c.by_person = a.operator_text.valid();
  for (std::size_t h = 0; h < plan_->holds.size(); ++h) {
    const bool takes = plan_->holds[h].acquire == action;
    if (!takes && plan_->holds[h].release != action) continue;
    c.hold = hold(plan::HoldId(h), arguments);
    c.takes = takes;
  }
  Environment environment;
  environment.slots = arguments;
  environment.slots.resize(std::max(environment.slots.size(), a.frame.slots.size()));
  for (const Value &v : arguments)
    for (const HostIndex h : hosts(v)) c.subjects.insert(h);
  std::vector<NodeId> effects = a.effects;
  if (c.hold.hold != plan::HoldId::none) {
    const std::vector<NodeId> &more = plan_->holds[c.hold.hold].moves;
    if (c.takes) effects.insert(effects.end(), more.begin(), more.end());
  }
  std::set<HostIndex> dark;
  for (const NodeId e : effects) effect(c, e, environment, dark);
  for (const NodeId n : a.needs) need(c, n, environment);
  std::set<std::pair<HostIndex, RoleIndex>> cleared;  // the host, and guests of which role it no longer carries
  for (const Gate &g : c.gates)
    for (const plan::RoleId r : plan_->gates[g.gate.index].clears)
      for (const HostIndex h : hosts_of(g)) cleared.insert({h, r.index});
  for (const HostIndex h : dark) {
    c.dark.insert(h);
    for (const HostIndex g : guests_[h]) {
      if (out(g)) continue;
      if (cleared.count({h, plan_->hosts[g].guest_of.index}) != 0) continue;
      for (const RoleIndex r : roles_[g]) c.disrupts.insert({g, r});
      c.carried.insert(g);
      c.dark.insert(g);
    }
  }
  // A boot moves what is armed.
  for (const HostIndex h : c.boots)
    for (std::size_t s = 0; s < plan_->states.size(); ++s)
      for (const plan::BootMove &m : plan_->states[s].on_boot) {
        if (plan_->states[s].frame.parameters.size() != 1) continue;
        c.moves.push_back({cell(plan::StateId(s), {Value::host(plan::HostId(h))}), {m.from}, m.to, {}, true});
      }
  c.hosts = c.subjects;
  for (const Pair &p : c.disrupts) c.hosts.insert(p.first);
  c.has_effects = !effects.empty() || c.hold.hold != plan::HoldId::none || c.by_person || a.body.valid();
  find_reach(c, environment, effects);
  return c;
}

void Reader::effect(Contract &c, NodeId node, const Environment &environment, std::set<HostIndex> &dark) const {
  const plan::Node &n = plan_->node(node);
  const auto all_roles = [&](std::set<Pair> &out, HostIndex h) {
    for (const RoleIndex r : roles_[h]) out.insert({h, r});
  };
  switch (n.op) {
    case Op::changes:
    case Op::disrupts:
      for (const HostIndex h : target(plan_->kid(node, 0), environment)) {
        c.subjects.insert(h);
        std::set<Pair> &pairs = n.op == Op::changes ? c.changes : c.disrupts;
        if (n.a == plan::all_roles)
          all_roles(pairs, h);
        else if (roles_[h].count(n.a) != 0)
          pairs.insert({h, n.a});
        if (n.op == Op::disrupts && (n.a == plan::all_roles || n.a == alive_)) dark.insert(h);
      }
      break;
    case Op::reinstalls:
      c.destroys = true;
      for (const HostIndex h : hosts(value(plan_->kid(node, 0), environment))) {
        c.subjects.insert(h);
        all_roles(c.disrupts, h);
        dark.insert(h);
      }
      break;
    case Op::destroys:
      c.destroys = true;
      break;
    case Op::moves: {
      Motion m;
      m.cell = cell(plan_->kid(node, 0), environment);
      m.to = n.a;
      if (n.b != 0) m.between.insert(n.b - 1);
      const auto number = [&](std::size_t i) {
        return static_cast<std::uint32_t>(plan_->integer(plan::IntegerId(plan_->node(plan_->kid(node, i)).a)));
      };
      const std::uint32_t sources = n.count > 1 ? number(1) : 0;
      for (std::size_t i = 2; i < n.count; ++i) (i < std::size_t{2} + sources ? m.from : m.between).insert(number(i));
      c.moves.push_back(std::move(m));
      break;
    }
    case Op::boot_of:
      for (const HostIndex h : hosts(value(plan_->kid(node, 0), environment))) {
        c.subjects.insert(h);
        c.boots.insert(h);
      }
      break;
    case Op::awaits_gate:
      for (Gate &g : gates(plan_->kid(node, 0), environment)) c.awaits.push_back(std::move(g));
      break;
    default:
      break;
  }
}

void Reader::need(Contract &c, NodeId node, const Environment &environment) const {
  const plan::Node &n = plan_->node(node);
  switch (n.op) {
    case Op::need_gate:
      for (Gate &g : gates(plan_->kid(node, 0), environment)) c.gates.push_back(std::move(g));
      break;
    case Op::need_value:
      c.values.emplace_back(cell(plan_->kid(node, 0), environment), n.a);
      break;
    case Op::need_held:
    case Op::need_free: {
      const NodeId reference = plan_->kid(node, 0);
      (n.op == Op::need_held ? c.held : c.free)
          .push_back(hold(plan::HoldId(plan_->node(reference).a), values_of(reference, environment)));
      break;
    }
    case Op::need_count:
      c.counts.push_back(node);
      break;
    default:
      break;
  }
}

/// Whether every command that acts below `node` runs on one of `hosts`.
bool Reader::stays_on(NodeId node, const Environment &environment, const std::set<HostIndex> &hosts, int depth) const {
  if (depth > kDepth) return false;
  const plan::Node &n = plan_->node(node);
  if (n.op == Op::run || n.op == Op::shell) {
    const std::vector<HostIndex> on = target(plan_->kid(node, 0), environment);
    return !on.empty() && std::all_of(on.begin(), on.end(), [&](HostIndex h) { return hosts.count(h) != 0; });
  }
  if (n.op == Op::ask_probe || n.op == Op::let) return true;  // reads
  for (const NodeId kid : plan_->kids(node))
    if (!stays_on(kid, environment, hosts, depth + 1)) return false;
  return true;
}

void Reader::find_reach(Contract &c, const Environment &environment, const std::vector<NodeId> &effects) const {
  c.reach.insert(kStar);
  for (const HostIndex h : c.hosts) c.reach.insert(host_item(h));
  for (const Pair &p : c.disrupts) c.reach.insert(role_item(p.second));
  for (const Pair &p : c.changes) c.reach.insert(role_item(p.second));
  for (const Motion &m : c.moves) {
    c.reach.insert(cell_item(m.cell));
    c.reach.insert(state_item(m.cell.state));
  }
  if (c.hold.hold != plan::HoldId::none) {
    c.reach.insert(hold_item(c.hold));
    c.reach.insert(holds_item(c.hold.hold));
  }
  const plan::Action &a = plan_->actions[c.action.index];
  bool narrowed = false;
  for (const NodeId e : effects) {
    const plan::Node &n = plan_->node(e);
    if (n.op != Op::spills && n.op != Op::reaches) continue;
    narrowed = narrowed || n.op == Op::reaches;
    if (n.a == plan::all_roles) {
      c.reaches_all = true;
      continue;
    }
    // A role stands on its hosts: what it touches there is not the role alone.
    c.reach.insert(role_item(n.a));
    for (const HostIndex h : carriers_of(n.a)) c.reach.insert(host_item(h));
  }
  if (narrowed) return;
  if (c.by_person && a.effects.empty()) c.reaches_all = true;  // nobody wrote down what the person does
  if (a.body.valid() && !stays_on(a.body, environment, c.subjects, 0)) c.reaches_all = true;
}

const std::set<std::string> &Reader::watch(const Gate &gate) {
  const auto [at, fresh] = watches_.try_emplace(gate.key);
  std::set<std::string> &out = at->second;
  if (!fresh) return out;
  const plan::Gate &record = plan_->gates[gate.gate.index];
  Environment environment;
  environment.slots = gate.arguments;
  environment.slots.resize(std::max(environment.slots.size(), record.frame.slots.size()));
  if (record.watch_kind == plan::WatchKind::nothing) return out;
  if (record.watch_kind == plan::WatchKind::written) {
    for (const plan::Watch &w : record.watches) {
      std::vector<Value> arguments;
      for (const NodeId a : w.arguments) arguments.push_back(value(a, environment));
      if (w.role.valid()) out.insert(role_item(w.role.index));
      if (w.hold.valid()) {
        const bool any = arguments.empty() && !plan_->holds[w.hold.index].frame.parameters.empty();
        out.insert(any ? holds_item(w.hold.index) : hold_item(hold(w.hold, arguments)));
      }
      if (w.state.valid()) {
        const bool any = arguments.empty() && !plan_->states[w.state.index].frame.parameters.empty();
        out.insert(any ? state_item(w.state.index) : cell_item(cell(w.state, arguments)));
      }
    }
    return out;
  }
  const std::set<HostIndex> asked = hosts_of(gate);
  if (!asked.empty() && own_host_only(gate.gate)) {
    for (const HostIndex h : asked) out.insert(host_item(h));
  } else {
    out.insert(kStar);
  }
  return out;
}

bool Reader::hits(const Contract &act, const Gate &gate) {
  const std::set<std::string> &watched = watch(gate);
  if (watched.empty() || !act.has_effects) return false;
  if (act.reaches_all) return true;
  return std::any_of(watched.begin(), watched.end(), [&](const std::string &w) { return act.reach.count(w) != 0; });
}

bool Reader::own_host_only(plan::GateId id) {
  const auto [at, fresh] = own_host_only_.try_emplace(id.index, false);
  if (!fresh) return at->second;
  const plan::Gate &gate = plan_->gates[id.index];
  std::set<std::uint32_t> mine;
  for (std::size_t i = 0; i < gate.frame.parameters.size(); ++i)
    if (gate.frame.parameters[i].type.base == plan::BaseType::host) mine.insert(static_cast<std::uint32_t>(i));
  at->second =
      mine.size() == 1 && asks_only(gate.pass, mine, 0) && (!gate.fail.valid() || asks_only(gate.fail, mine, 0));
  return at->second;
}

/// Whether everything below `node` is asked on the host in one of these slots.
bool Reader::asks_only(NodeId node, const std::set<std::uint32_t> &mine, int depth) const {
  if (depth > kDepth) return false;
  const plan::Node &n = plan_->node(node);
  const auto is_mine = [&](NodeId e) { return plan_->node(e).op == Op::local && mine.count(plan_->node(e).a) != 0; };
  const auto inside = [&](NodeId body) {
    std::set<std::uint32_t> inner;
    for (std::uint32_t i = 0; i < n.count; ++i)
      if (is_mine(plan_->kid(node, i))) inner.insert(i);
    return asks_only(body, inner, depth + 1);
  };
  switch (n.op) {
    case Op::on_host:
      return is_mine(plan_->kid(node, 0));
    case Op::on_any:
    case Op::on_each:
    case Op::on_local:
    case Op::ask_person:
      return false;
    case Op::builtin:
      if (static_cast<plan::Builtin>(n.a) == plan::Builtin::answers) return is_mine(plan_->kid(node, 0));
      break;
    case Op::ask_probe:
      if (!inside(plan_->probes[n.a].body)) return false;
      break;
    case Op::cell:
      if (plan_->states[n.a].observe.valid() && !inside(plan_->states[n.a].observe)) return false;
      break;
    default:
      break;
  }
  for (const NodeId kid : plan_->kids(node))
    if (!asks_only(kid, mine, depth + 1)) return false;
  return true;
}

bool Reader::another_answers(const Contract &act, const Gate &gate) const {
  if (act.subjects.empty()) return true;
  const plan::Gate &record = plan_->gates[gate.gate.index];
  Environment environment;
  environment.slots = gate.arguments;
  environment.slots.resize(std::max(environment.slots.size(), record.frame.slots.size()));
  return asks_beyond(record.pass, environment, act.subjects, 0) ||
         (record.fail.valid() && asks_beyond(record.fail, environment, act.subjects, 0));
}

bool Reader::asks_beyond(NodeId node, const Environment &environment, const std::set<HostIndex> &hosts,
                         int depth) const {
  if (depth > kDepth) return false;
  const plan::Node &n = plan_->node(node);
  const auto beyond = [&](const std::vector<HostIndex> &on) {  // nobody: the controller, or not known before the run
    return on.empty() || std::any_of(on.begin(), on.end(), [&](HostIndex h) { return hosts.count(h) == 0 && !out(h); });
  };
  const auto inside = [&](NodeId body, const plan::Frame &frame) {
    Environment inner;
    inner.slots = values_of(node, environment);
    inner.slots.resize(std::max(inner.slots.size(), frame.slots.size()));
    return asks_beyond(body, inner, hosts, depth + 1);
  };
  switch (n.op) {
    case Op::ask_person:
      return true;
    case Op::run:
    case Op::shell:
      if (beyond(target(plan_->kid(node, 0), environment))) return true;
      break;
    case Op::builtin:
      if (static_cast<plan::Builtin>(n.a) == plan::Builtin::answers &&
          beyond(this->hosts(value(plan_->kid(node, 0), environment))))
        return true;
      break;
    case Op::ask_probe:
      if (inside(plan_->probes[n.a].body, plan_->probes[n.a].frame)) return true;
      break;
    case Op::cell:
      if (plan_->states[n.a].observe.valid() && inside(plan_->states[n.a].observe, plan_->states[n.a].frame))
        return true;
      break;
    default:
      break;
  }
  for (const NodeId kid : plan_->kids(node))
    if (asks_beyond(kid, environment, hosts, depth + 1)) return true;
  return false;
}

// ---- words

std::string Reader::role_name(RoleIndex r) const {
  return r < plan_->roles.size() ? std::string(plan_->text(plan_->roles[r].name)) : "alive";
}
std::string Reader::text(const std::vector<Value> &arguments) const {
  std::string out;
  for (const Value &v : arguments) {
    if (!out.empty()) out += ", ";
    out += v.is(Kind::host) ? name(v.as_host().index) : machine::show(v);
  }
  return out.empty() ? out : '(' + out + ')';
}
std::string Reader::text(const Gate &gate) const {
  return std::string(plan_->text(plan_->gates[gate.gate.index].name)) + text(gate.arguments);
}
std::string Reader::quoted(const Gate &gate) const {
  constexpr std::size_t kShown = 5;
  std::string out;
  const std::set<HostIndex> named = hosts_of(gate);
  std::size_t shown = 0;
  for (const HostIndex h : named) {
    if (shown == kShown) break;
    out += (shown++ == 0 ? "" : ", ") + name(h);
  }
  if (named.size() > shown) out += " and " + std::to_string(named.size() - shown) + " more";
  return std::string(plan_->text(plan_->gates[gate.gate.index].name)) + (out.empty() ? out : '(' + out + ')');
}
std::string Reader::text(const Contract &act) const {
  return std::string(plan_->text(plan_->actions[act.action.index].name)) + text(act.arguments);
}
std::string Reader::text(const Cell &cell) const {
  return std::string(plan_->text(plan_->states[cell.state].name)) +
         (cell.host == plan::HostId::none ? std::string() : '(' + name(cell.host) + ')');
}
std::string Reader::text(const Hold &hold) const {
  return std::string(plan_->text(plan_->holds[hold.hold].name)) +
         (hold.host == plan::HostId::none ? std::string() : '(' + name(hold.host) + ')');
}

}  // namespace upg::simulate
