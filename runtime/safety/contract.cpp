#include "runtime/safety/contract.h"

#include <algorithm>

#include "runtime/plan/opcodes.h"

namespace upg::safety {
namespace {

constexpr int kMaxDepth = 200;

}  // namespace

bool intersects(std::span<const std::uint32_t> a, std::span<const std::uint32_t> b) {
  if (a.size() > b.size()) std::swap(a, b);
  for (const std::uint32_t x : a) {
    if (contains(b, x)) return true;
  }
  return false;
}
void sort_unique(std::vector<std::uint32_t> &v) {
  std::sort(v.begin(), v.end());
  v.erase(std::unique(v.begin(), v.end()), v.end());
}

Contracts::Contracts(const Site &site)
    : site_(&site),
      host_cells_(site.size()),
      constants_(site.plan().nodes.size()),
      set_values_(site.plan().sets.size()),
      host_values_(site.size()) {
  for (HostIx h = 0; h < site.size(); ++h) all_hosts_.push_back(h);
  for (std::size_t a = 0; a < plan().actions.size(); ++a) {
    if (plan().actions[a].undo_kind == plan::UndoKind::action)
      undoes_[plan().actions[a].undo.index] = plan::ActionId(a);
  }
  for (RoleIx r = 0; r < site.role_count(); ++r) {
    const plan::Role *role = site.role(r);
    if (role != nullptr && role->health.valid())
      health_of_[role->health.index].push_back(r);
    else if (r == site.alive())
      health_of_[plan::GateId().index].push_back(r);  // "answers from a valid boot"
  }
  for (std::size_t h = 0; h < plan().holds.size(); ++h) {
    const plan::Hold &hold = plan().holds[h];
    if (hold.acquire.valid()) hold_of_action_[hold.acquire.index] = {plan::HoldId(h), true};
    if (hold.release.valid()) hold_of_action_[hold.release.index] = {plan::HoldId(h), false};
  }
}

ItemIx Contracts::item(ItemKind kind, std::uint32_t index) {
  std::vector<ItemIx> &known = item_of_[static_cast<std::size_t>(kind)];
  if (known.size() <= index) known.resize(index + std::size_t{1});
  if (known[index] == 0) known[index] = items_++;
  return known[index];
}

std::span<const CellIx> Contracts::cells_of(HostIx h) const { return host_cells_[h]; }

// ---- values

KeyIx Contracts::key(KeyKind kind, std::span<const std::uint32_t> parts) {
  scratch_.assign(1, static_cast<std::uint32_t>(kind));
  scratch_.insert(scratch_.end(), parts.begin(), parts.end());
  return 1 + keys_.number(scratch_);
}

std::uint32_t Contracts::text_number(std::string text) {
  return texts_.try_emplace(std::move(text), static_cast<std::uint32_t>(texts_.size())).first->second;
}

std::uint32_t Contracts::number(Interned &among, std::uint32_t index, const Env &arguments) {
  scratch_.assign(1, index);
  for (const Value &v : arguments) scratch_.push_back(v.key);
  return among.number(scratch_);
}

Value Contracts::fresh() {
  Value v;
  v.runtime = true;
  v.key = ~fresh_++;  // from the top downwards: the others are numbered upwards
  return v;
}

Value Contracts::of_hosts(std::vector<HostIx> hosts, bool exact) {
  sort_unique(hosts);
  Value v;
  v.is_hosts = true;
  v.exact = exact;
  v.runtime = !exact && hosts.size() > 1;
  v.key = key(exact ? KeyKind::hosts : KeyKind::one_of, hosts);
  v.hosts = keys_[v.key - 1].subspan(1);
  return v;
}

Value Contracts::of_host(HostIx h) {
  Value &known = host_values_[h];
  if (known.key == 0) known = of_hosts({h}, true);
  return known;
}

Value Contracts::value(plan::NodeId node, const Env &env) {
  using plan::Op;
  const plan::Plan &p = plan();
  const plan::Node &n = p.node(node);
  const auto list = [](std::span<const HostIx> hosts) { return std::vector<HostIx>(hosts.begin(), hosts.end()); };
  switch (n.op) {
    case Op::host: {
      const HostIx h = site_->kept(plan::HostId(n.a));
      return h == kNone ? of_hosts({}, true) : of_host(h);
    }
    case Op::local:
      return n.a < env.size() && env[n.a].key != 0 ? env[n.a] : fresh();
    case Op::set:
    case Op::set_live: {
      Value &known = set_values_[n.a];
      if (known.key == 0) known = of_hosts(site_->kept(plan::SetId(n.a)), !p.sets[n.a].condition.valid());
      return known;
    }
    case Op::set_union:
    case Op::set_except:
    case Op::set_both: {
      const Value a = value(p.kid(node, 0), env), b = value(p.kid(node, 1), env);
      if (!a.is_hosts || !b.is_hosts) break;
      std::vector<HostIx> out;
      if (n.op == Op::set_union) {
        out = list(a.hosts);
        out.insert(out.end(), b.hosts.begin(), b.hosts.end());
      } else {
        for (const HostIx h : a.hosts) {
          const bool in = contains(b.hosts, h);
          if (n.op == Op::set_both ? in : !(in && b.exact)) out.push_back(h);
        }
      }
      return of_hosts(std::move(out), a.exact && b.exact);
    }
    case Op::any_of: {
      const Value v = value(p.kid(node, 0), env);
      if (!v.is_hosts) break;
      return of_hosts(list(v.hosts), v.hosts.size() == 1);
    }
    case Op::list: {
      std::vector<HostIx> out;
      bool exact = true, all = n.count > 0;
      std::vector<KeyIx> keys;
      bool runtime = false;
      for (const plan::NodeId kid : p.kids(node)) {
        const Value v = value(kid, env);
        all = all && v.is_hosts;
        exact = exact && v.exact;
        out.insert(out.end(), v.hosts.begin(), v.hosts.end());
        keys.push_back(v.key);
        runtime = runtime || v.runtime;
      }
      if (all) return of_hosts(std::move(out), exact);
      Value v;
      v.key = key(KeyKind::list, keys);
      v.runtime = runtime;
      return v;
    }
    case Op::builtin: {
      const auto which = static_cast<plan::Builtin>(n.a);
      if ((which == plan::Builtin::only || which == plan::Builtin::first || which == plan::Builtin::last) &&
          n.count == 1) {
        const Value v = value(p.kid(node, 0), env);
        if (v.is_hosts) return of_hosts(list(v.hosts), v.exact && v.hosts.size() == 1);
      }
      break;
    }
    case Op::text:
    case Op::number:
    case Op::decimal:
    case Op::boolean:
    case Op::duration:
    case Op::size:
    case Op::percent:
    case Op::version:
    case Op::time:
    case Op::secret: {
      Value v;
      KeyIx &known = constants_[node.index];
      if (known == 0) {
        const std::uint32_t text = text_number(constant_text(p, node));
        known = key(KeyKind::constant, std::span(&text, 1));
      }
      v.key = known;
      return v;
    }
    case Op::ask_probe:
    case Op::cell_value:
    case Op::run:
    case Op::shell:
    case Op::ask_person:
    case Op::was:
    case Op::no_answer:
    case Op::bind:
    case Op::every:
    case Op::some:
    case Op::each:
    case Op::count_of:
      return fresh();
    default:
      break;
  }
  // Anything else: data built from its parts, the same if they are the same.
  Value v;
  const bool text = plan::info(n.op).a == plan::Immediate::string;
  std::vector<std::uint32_t> parts = {static_cast<std::uint32_t>(n.op), text ? text_number(p.strings[n.a]) : n.a};
  for (const plan::NodeId kid : p.kids(node)) {
    const Value part = value(kid, env);
    parts.push_back(part.key);
    v.runtime = v.runtime || part.runtime;
  }
  v.key = key(KeyKind::built, parts);
  return v;
}

Env Contracts::arguments(plan::NodeId node, const Env &env) {
  Env out;
  for (const plan::NodeId kid : plan().kids(node)) out.push_back(value(kid, env));
  return out;
}

Value Contracts::target(plan::NodeId node, const Env &env) {
  const plan::Node &n = plan().node(node);
  if (n.op == plan::Op::on_local || n.count == 0) return {};
  Value v = value(plan().kid(node, 0), env);
  if (n.op == plan::Op::on_any && v.hosts.size() > 1) v.exact = false;
  return v;
}

// ---- states, holds, gates

CellIx Contracts::cell(plan::StateId state, const Env &arguments) {
  const CellIx ix = number(cell_of_, state.index, arguments);
  if (ix < cells_.size()) return ix;
  Cell c;
  c.state = state;
  for (const Value &v : arguments) {
    if (c.host == kNone && v.is_hosts && v.hosts.size() == 1) c.host = v.hosts[0];
  }
  const plan::State &s = plan().states[state.index];
  for (std::uint32_t i = 0; i < s.values.size(); ++i) {
    c.all |= value_bit(i);
    if (s.values[i].transient) c.transient |= value_bit(i);
  }
  if (c.host != kNone) host_cells_[c.host].push_back(ix);
  cells_.push_back(std::move(c));
  return ix;
}
CellIx Contracts::cell(plan::NodeId reference, const Env &env) {
  return cell(plan::StateId(plan().node(reference).a), arguments(reference, env));
}
CellIx Contracts::cell(plan::StateId state, HostIx host) { return cell(state, Env{of_host(host)}); }

HoldIx Contracts::hold(plan::HoldId hold, const Env &arguments) {
  const HoldIx ix = number(hold_of_, hold.index, arguments);
  if (ix < holds_.size()) return ix;
  HoldInstance h;
  h.hold = hold;
  for (const Value &v : arguments) {
    if (h.host == kNone && v.is_hosts && v.hosts.size() == 1) h.host = v.hosts[0];
    h.runtime = h.runtime || v.runtime;
  }
  holds_.push_back(std::move(h));
  return ix;
}
HoldIx Contracts::hold(plan::NodeId reference, const Env &env) {
  return hold(plan::HoldId(plan().node(reference).a), arguments(reference, env));
}

std::vector<GateIx> Contracts::gates(plan::NodeId reference, const Env &env) {
  const plan::Node &n = plan().node(reference);
  if (n.op == plan::Op::gate) return {gate(plan::GateId(n.a), arguments(reference, env))};
  return gates_of(n.op, value(plan().kid(reference, 0), env).hosts);
}

std::uint32_t Contracts::gate_list(plan::NodeId reference, const Env &env) {
  const plan::Node &n = plan().node(reference);
  const auto known = [&](std::uint32_t what) {
    const std::uint64_t key = (static_cast<std::uint64_t>(n.op) << 32) | what;
    return list_of_.try_emplace(key, static_cast<std::uint32_t>(gate_lists_.size()));
  };
  GateList list;
  std::uint32_t number = 0;
  if (n.op == plan::Op::gate) {
    const GateIx g = gate(plan::GateId(n.a), arguments(reference, env));
    const auto [at, fresh] = known(g);
    if (!fresh) return at->second;
    number = at->second;
    list.gates = {g};
  } else {
    const Value hosts = value(plan().kid(reference, 0), env);
    const auto [at, fresh] = known(hosts.key);
    if (!fresh) return at->second;
    number = at->second;
    list.gates = gates_of(n.op, hosts.hosts);
  }
  for (const GateIx g : list.gates)
    list.health_of.insert(list.health_of.end(), gates_[g].health_of.begin(), gates_[g].health_of.end());
  sort_unique(list.health_of);
  gate_lists_.push_back(std::move(list));
  return number;
}

/// The members of `in_service` or `stoppable`.
std::vector<GateIx> Contracts::gates_of(plan::Op composite, std::span<const HostIx> hosts) {
  std::vector<GateIx> out;
  for (const HostIx h : hosts) {
    const SiteHost &host = site_->host(h);
    if (host.out) continue;
    for (std::size_t i = 0; i < host.roles.size(); ++i) {
      const PairIx pair = host.first_pair + static_cast<PairIx>(i);
      const GateIx g = composite == plan::Op::in_service ? health(pair) : stoppable(pair);
      if (g != kNone) out.push_back(g);
    }
  }
  // Each once, where it comes first: one gate of the cluster may be the health of many hosts.
  std::vector<bool> &seen = listed_;
  if (seen.size() < gates_.size()) seen.resize(gates_.size(), false);
  std::erase_if(out, [&](GateIx g) {
    const bool again = seen[g];
    seen[g] = true;
    return again;
  });
  for (const GateIx g : out) seen[g] = false;
  return out;
}

GateIx Contracts::health(PairIx pair) {
  if (health_at_.empty()) health_at_.resize(site_->pair_count());
  std::optional<GateIx> &known = health_at_[pair];
  if (known) return *known;
  const RoleIx r = site_->pair_role(pair);
  const plan::Role *role = site_->role(r);
  const bool written = role != nullptr && role->health.valid();
  if (!written && r != site_->alive()) return *(known = kNone);
  known = about(written ? role->health : plan::GateId(), site_->pair_host(pair));
  return *known;
}

GateIx Contracts::stoppable(PairIx pair) {
  if (stoppable_at_.empty()) stoppable_at_.resize(site_->pair_count());
  std::optional<GateIx> &known = stoppable_at_[pair];
  if (known) return *known;
  const plan::Role *role = site_->role(site_->pair_role(pair));
  const bool written = role != nullptr && role->stoppable.valid();
  known = written ? about(role->stoppable, site_->pair_host(pair)) : kNone;
  return *known;
}

/// A gate of a role about one of its hosts, or about the cluster.
GateIx Contracts::about(plan::GateId id, HostIx host) {
  const bool global = id.valid() && plan().gates[id.index].frame.parameters.empty();
  return gate(id, global ? Env() : Env{of_host(host)});
}

GateIx Contracts::gate(plan::GateId id, const Env &arguments) {
  const GateIx ix = number(gate_of_, id.index, arguments);
  if (ix < gates_.size()) return ix;
  GateInstance g;
  g.gate = id;
  g.arguments = arguments;
  for (const Value &v : arguments) g.hosts.insert(g.hosts.end(), v.hosts.begin(), v.hosts.end());
  sort_unique(g.hosts);
  const auto health = health_of_.find(id.index);
  for (const RoleIx r : health == health_of_.end() ? std::vector<RoleIx>() : health->second) {
    const bool global = id.valid() && plan().gates[id.index].frame.parameters.empty();
    for (const HostIx h : global ? site_->hosts_of(r) : std::span<const HostIx>(g.hosts)) {
      const PairIx p = site_->pair(h, r);
      if (p != kNone) g.health_of.push_back(p);
    }
  }
  gates_.push_back(g);  // before the watch: a gate may be met again while it is resolved
  resolve_watch(g, arguments);
  gates_[ix] = std::move(g);
  return ix;
}

/// What is done to a host is done to it alone, or wherever one of its roles stands.
void Contracts::watch_host(GateInstance &g, HostIx h) {
  g.watch.push_back(host_item(h));
  for (const RoleIx r : site_->host(h).roles) g.watch.push_back(hosts_item(r));
}

void Contracts::resolve_watch(GateInstance &g, const Env &arguments) {
  if (!g.gate.valid()) {
    g.own_host_only = true;
    for (const HostIx h : g.hosts) watch_host(g, h);
    sort_unique(g.watch);
    return;
  }
  const plan::Gate &gate = plan().gates[g.gate.index];
  g.own_host_only = !g.hosts.empty() && own_host_only(g.gate);
  switch (gate.watch_kind) {
    case plan::WatchKind::nothing:
      g.written = true;
      return;
    case plan::WatchKind::written:
      g.written = true;
      for (const plan::Watch &w : gate.watches) {
        Env narrowed;
        for (const plan::NodeId a : w.arguments) narrowed.push_back(value(a, arguments));
        if (w.role.valid()) g.watch.push_back(role_item(w.role.index));
        if (w.hold.valid()) {
          const bool whole = narrowed.empty() && !plan().holds[w.hold.index].frame.parameters.empty();
          g.watch.push_back(whole ? holds_item(w.hold) : hold_item(hold(w.hold, narrowed)));
        }
        if (w.state.valid()) {
          const bool whole = narrowed.empty() && !plan().states[w.state.index].frame.parameters.empty();
          g.watch.push_back(whole ? state_item(w.state) : cell_item(cell(w.state, narrowed)));
        }
      }
      break;
    case plan::WatchKind::unwritten:
    case plan::WatchKind::count_:
      if (g.own_host_only) {
        for (const HostIx h : g.hosts) watch_host(g, h);
      } else {
        g.watch.push_back(star());
      }
      break;
  }
  sort_unique(g.watch);
}

bool Contracts::own_host_only(plan::GateId id) {
  auto [it, fresh] = own_host_only_.try_emplace(id.index, false);
  if (!fresh) return it->second;
  const plan::Gate &gate = plan().gates[id.index];
  std::uint64_t mine = 0;
  std::uint32_t hosts = 0;
  for (std::size_t i = 0; i < gate.frame.parameters.size() && i < 64; ++i) {
    if (gate.frame.parameters[i].type.base != plan::BaseType::host) continue;
    mine |= std::uint64_t{1} << i;
    ++hosts;
  }
  const bool own =
      hosts == 1 && asks_only(gate.pass, mine, mine, 0) && (!gate.fail.valid() || asks_only(gate.fail, mine, mine, 0));
  own_host_only_[id.index] = own;
  return own;
}

/// Whether everything that is asked below `node` is asked on the host in one of the slots `mine`.
bool Contracts::asks_only(plan::NodeId node, std::uint64_t own_slots, std::uint64_t mine, int depth) {
  using plan::Op;
  const plan::Plan &p = plan();
  const plan::Node &n = p.node(node);
  if (depth > kMaxDepth) return false;
  const auto is_mine = [&](plan::NodeId e) {
    const plan::Node &x = p.node(e);
    return x.op == Op::local && x.a < 64 && ((mine >> x.a) & 1) != 0;
  };
  const auto called = [&](plan::NodeId body, const plan::Frame &frame) {
    std::uint64_t inner = 0;
    for (std::size_t i = 0; i < n.count && i < frame.parameters.size() && i < 64; ++i) {
      if (is_mine(p.kid(node, i))) inner |= std::uint64_t{1} << i;
    }
    return asks_only(body, inner, inner, depth + 1);
  };
  switch (n.op) {
    case Op::on_host:
      return is_mine(p.kid(node, 0));
    case Op::on_any:
    case Op::on_each:
    case Op::on_local:
    case Op::ask_person:
      return false;
    case Op::builtin:
      if (static_cast<plan::Builtin>(n.a) == plan::Builtin::answers) return is_mine(p.kid(node, 0));
      break;
    case Op::ask_probe:
      if (!called(p.probes[n.a].body, p.probes[n.a].frame)) return false;
      break;
    case Op::cell: {
      const plan::State &s = p.states[n.a];
      if (s.observe.valid() && !called(s.observe, s.frame)) return false;
      break;
    }
    default:
      break;
  }
  for (const plan::NodeId kid : p.kids(node)) {
    if (!asks_only(kid, own_slots, mine, depth + 1)) return false;
  }
  return true;
}

bool Contracts::asks_beyond(const GateInstance &g, std::span<const HostIx> hosts) {
  if (!g.gate.valid()) return false;  // answers from a valid boot: the host itself
  const plan::Gate &gate = plan().gates[g.gate.index];
  return asks_beyond(gate.pass, g.arguments, hosts, 0) ||
         (gate.fail.valid() && asks_beyond(gate.fail, g.arguments, hosts, 0));
}

bool Contracts::asks_beyond(plan::NodeId node, Env env, std::span<const HostIx> hosts, int depth) {
  using plan::Op;
  const plan::Plan &p = plan();
  const plan::Node &n = p.node(node);
  if (depth > kMaxDepth) return false;
  const auto beyond = [&](const Value &v) {
    if (!v.is_hosts) return true;  // the controller, or known at run time only
    return std::any_of(v.hosts.begin(), v.hosts.end(),
                       [&](HostIx h) { return !contains(hosts, h) && !site_->host(h).out; });
  };
  const auto bind = [&](Value v) {
    if (env.size() <= n.a) env.resize(n.a + std::size_t{1});
    env[n.a] = std::move(v);
  };
  switch (n.op) {
    case Op::ask_person:
      return true;
    case Op::run:
    case Op::shell:
      if (beyond(target(p.kid(node, 0), env))) return true;
      break;
    case Op::builtin:
      if (static_cast<plan::Builtin>(n.a) == plan::Builtin::answers && beyond(value(p.kid(node, 0), env))) return true;
      break;
    case Op::ask_probe:
      if (asks_beyond(p.probes[n.a].body, arguments(node, env), hosts, depth + 1)) return true;
      break;
    case Op::cell: {
      const plan::NodeId observe = p.states[n.a].observe;
      if (observe.valid() && asks_beyond(observe, arguments(node, env), hosts, depth + 1)) return true;
      break;
    }
    case Op::bind:
      if (asks_beyond(p.kid(node, 0), env, hosts, depth + 1)) return true;
      bind(value(p.kid(node, 0), env));
      return asks_beyond(p.kid(node, 1), env, hosts, depth + 1);
    case Op::every:
    case Op::some:
    case Op::each:
    case Op::count_of: {
      if (asks_beyond(p.kid(node, 0), env, hosts, depth + 1)) return true;
      Value one = value(p.kid(node, 0), env);  // of them
      one.exact = one.exact && one.hosts.size() == 1;
      bind(std::move(one));
      for (std::size_t i = 1; i < n.count; ++i) {
        if (asks_beyond(p.kid(node, i), env, hosts, depth + 1)) return true;
      }
      return false;
    }
    default:
      break;
  }
  for (const plan::NodeId kid : p.kids(node)) {
    if (asks_beyond(kid, env, hosts, depth + 1)) return true;
  }
  return false;
}

// ---- words

std::string Contracts::host_list(std::span<const HostIx> hosts) const {
  constexpr std::size_t kShown = 5;
  std::string out;
  std::uint64_t more = 0;
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    if (i < kShown) {
      if (i != 0) out += ", ";
      out += site_->host_name(hosts[i]);
      more += site_->host(hosts[i]).many - 1;
    } else {
      more += site_->host(hosts[i]).many;
    }
  }
  if (more != 0) out += " and " + std::to_string(more) + " more";
  return out;
}
std::string Contracts::gate_text(GateIx ix) const {
  const GateInstance &g = gates_[ix];
  std::string out =
      g.gate.valid() ? std::string(plan().text(plan().gates[g.gate.index].name)) : "answers from a new boot";
  if (!g.hosts.empty()) out += '(' + host_list(g.hosts) + ')';
  return out;
}
std::string Contracts::cell_text(CellIx ix) const {
  std::string out(plan().text(plan().states[cells_[ix].state.index].name));
  if (cells_[ix].host != kNone) out += '(' + std::string(site_->host_name(cells_[ix].host)) + ')';
  return out;
}
std::string Contracts::hold_text(HoldIx ix) const {
  std::string out(plan().text(plan().holds[holds_[ix].hold.index].name));
  if (holds_[ix].host != kNone) out += '(' + std::string(site_->host_name(holds_[ix].host)) + ')';
  return out;
}
std::string Contracts::value_name(plan::StateId state, Values values) const {
  std::string out;
  const plan::State &s = plan().states[state.index];
  for (std::uint32_t i = 0; i < s.values.size(); ++i) {
    if ((values & value_bit(i)) == 0) continue;
    if (!out.empty()) out += " or ";
    out += '`' + std::string(plan().text(s.values[i].name)) + '`';
  }
  return out.empty() ? "nothing" : out;
}

}  // namespace upg::safety
