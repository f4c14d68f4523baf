#include "test/unit/safety/plan_builder.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/simulate/director.h"

namespace upg::safety::testing {

PlanBuilder::PlanBuilder() {
  p.files.push_back({b.string("test.upg"), b.string("")});
  p.name = b.string("test");
  p.cluster = b.string("lab");
  plan::Probe boot;
  boot.name = b.string("boot_id");
  boot.frame = host_frame(true);
  boot.result.base = plan::BaseType::string;
  boot.body = node(Op::run, 0, 0, {on_h(), b.text("boot-id", where())});
  const plan::ProbeId id = plan::Builder::add<plan::ProbeId>(p.probes, std::move(boot));
  plan::Available any;
  any.kind = plan::AvailableKind::may_be_down;
  alive_ = role("alive", {any});
  p.roles[alive_.index].boot = id;
  p.roles[alive_.index].health = own_gate("answers");
  p.roles[alive_.index].stoppable_always = b.string("every host may restart");
}

plan::Frame PlanBuilder::host_frame(bool host) {
  plan::Frame frame;
  if (!host) return frame;
  plan::Parameter h;
  h.name = b.string("h");
  h.type.base = plan::BaseType::host;
  frame.parameters.push_back(h);
  frame.slots.push_back(h.name);
  return frame;
}

plan::RoleId PlanBuilder::role(std::string_view name, std::vector<plan::Available> lines, bool serial) {
  plan::Role r;
  r.name = b.string(name);
  r.available = std::move(lines);
  for (plan::Available &line : r.available) line.where = where();
  r.serial = serial;
  r.where = where();
  return plan::Builder::add<plan::RoleId>(p.roles, std::move(r));
}

plan::HostId PlanBuilder::host(std::string_view name, std::vector<plan::RoleId> roles, std::string_view rack,
                               std::uint32_t votes) {
  plan::Host h;
  h.name = b.string(name);
  h.address = h.name;
  h.roles = std::move(roles);
  h.roles.push_back(alive_);
  std::sort(h.roles.begin(), h.roles.end());
  h.where = where();
  if (!rack.empty()) h.attributes.push_back({b.string("rack"), b.text(rack, where())});
  if (votes != 1) h.attributes.push_back({b.string("votes"), b.number(votes, where())});
  return plan::Builder::add<plan::HostId>(p.hosts, std::move(h));
}

plan::SetId PlanBuilder::set(std::vector<plan::HostId> hosts) {
  plan::HostSet s;
  s.hosts = std::move(hosts);
  s.where = where();
  return plan::Builder::add<plan::SetId>(p.sets, std::move(s));
}

plan::SetId PlanBuilder::all_of(plan::RoleId role) {
  for (const auto &[r, s] : role_sets_) {
    if (r == role) return s;
  }
  std::vector<plan::HostId> hosts;
  for (std::size_t h = 0; h < p.hosts.size(); ++h) {
    if (std::find(p.hosts[h].roles.begin(), p.hosts[h].roles.end(), role) != p.hosts[h].roles.end())
      hosts.push_back(plan::HostId(h));
  }
  role_sets_.emplace_back(role, set(std::move(hosts)));
  return role_sets_.back().second;
}

plan::SetId PlanBuilder::all_hosts() { return all_of(alive_); }

plan::GateId PlanBuilder::add_gate(std::string_view name, bool host, N pass, plan::WatchKind kind,
                                   const std::vector<plan::RoleId> &watches) {
  plan::Gate g;
  g.name = b.string(name);
  g.frame = host_frame(host);
  g.pass = pass;
  g.poll = 1000;
  g.deadline = 60'000;
  g.watch_kind = kind;
  for (const plan::RoleId r : watches) {
    plan::Watch w;
    w.role = r;
    g.watches.push_back(w);
  }
  g.where = where();
  return plan::Builder::add<plan::GateId>(p.gates, std::move(g));
}
plan::GateId PlanBuilder::own_gate(std::string_view name) {
  return add_gate(name, true, node(Op::builtin, static_cast<std::uint32_t>(plan::Builtin::answers), 0, {h()}),
                  plan::WatchKind::unwritten, {});
}
plan::GateId PlanBuilder::host_gate(std::string_view name, std::vector<plan::RoleId> watches) {
  return add_gate(name, true, node(Op::run, 0, 0, {node(Op::on_local, 0, 0, {}), b.text("ask", where())}),
                  watches.empty() ? plan::WatchKind::unwritten : plan::WatchKind::written, watches);
}
plan::GateId PlanBuilder::cluster_gate(std::string_view name, std::vector<plan::RoleId> watches) {
  return add_gate(name, false, node(Op::boolean, 1, 0, {}),
                  watches.empty() ? plan::WatchKind::unwritten : plan::WatchKind::written, watches);
}
plan::GateId PlanBuilder::quiet_gate(std::string_view name) {
  return add_gate(name, false, node(Op::boolean, 1, 0, {}), plan::WatchKind::nothing, {});
}
void PlanBuilder::usual_gates(plan::RoleId role) {
  const std::string name(p.text(p.roles[role.index].name));
  p.roles[role.index].health = host_gate(name + "_up", {role});
  p.roles[role.index].stoppable = host_gate(name + "_spare", {role});
}

plan::StateId PlanBuilder::state(std::string_view name, std::vector<std::string> values, std::string_view transient) {
  plan::State s;
  s.name = b.string(name);
  s.frame = host_frame(true);
  for (const std::string &v : values) s.values.push_back({b.string(v), v == transient});
  s.observe = b.text("?", where());
  s.where = where();
  return plan::Builder::add<plan::StateId>(p.states, std::move(s));
}

plan::ActionId PlanBuilder::action(std::string_view name, Ns effects, Ns needs, bool host) {
  plan::Action a;
  a.name = b.string(name);
  a.frame = host_frame(host);
  a.effects = std::move(effects);
  a.needs = std::move(needs);
  a.typical = 60'000;
  a.worst = 120'000;
  a.body = block({});
  if (host) a.body = block({node(Op::command, 0, 0, {node(Op::run, 0, 0, {on_h(), b.text(name, where())})})});
  a.where = where();
  return plan::Builder::add<plan::ActionId>(p.actions, std::move(a));
}

plan::HoldId PlanBuilder::hold(std::string_view name, bool host, Ns effects, std::vector<plan::GateId> taints) {
  plan::Hold x;
  x.name = b.string(name);
  x.frame = host_frame(host);
  x.observe = node(Op::boolean, 0, 0, {});
  x.acquire = action(std::string(name) + ".acquire", effects, {}, host);
  x.release = action(std::string(name) + ".release", {}, {}, host);
  x.taints = std::move(taints);
  x.on_halt = plan::Afterwards::keep;
  x.where = where();
  return plan::Builder::add<plan::HoldId>(p.holds, std::move(x));
}

plan::ProcedureId PlanBuilder::procedure(std::string_view name, Ns body) {
  plan::Procedure x;
  x.name = b.string(name);
  x.frame = host_frame(true);
  x.body = block(body);
  x.where = where();
  return plan::Builder::add<plan::ProcedureId>(p.procedures, std::move(x));
}

N PlanBuilder::moves(plan::StateId s, std::vector<std::uint32_t> from, std::uint32_t to, bool of_host) {
  Ns kids = {cell(s, of_host ? Ns{h()} : Ns{}), b.number(static_cast<std::int64_t>(from.size()), where())};
  for (const std::uint32_t v : from) kids.push_back(b.number(v, where()));
  return node(Op::moves, to, 0, kids);
}

N PlanBuilder::parallel(std::vector<Ns> parts) {
  Ns blocks;
  for (const Ns &part : parts) blocks.push_back(block(part));
  return node(Op::parallel, 0, 0, blocks);
}

N PlanBuilder::phase(std::string_view name, std::vector<std::uint32_t> after, Ns body) {
  plan::Phase x;
  x.name = b.string(name);
  x.after = std::move(after);
  x.where = where();
  const plan::PhaseId id = plan::Builder::add<plan::PhaseId>(p.phases, std::move(x));
  return node(Op::phase, id.index, 0, {block(body)});
}

N PlanBuilder::accept(std::string_view rule, Ns body, plan::RoleId role, plan::HoldId hold, std::int64_t until) {
  plan::Waiver w;
  w.rule = b.string(rule);
  w.role = role;
  w.hold = hold;
  w.reason = b.string("a test");
  w.until = until;
  w.where = where();
  const plan::WaiverId id = plan::Builder::add<plan::WaiverId>(p.waivers, std::move(w));
  return node(Op::accept, id.index, 0, {block(body)});
}

N PlanBuilder::attempt(std::uint32_t tries, Ns body, std::vector<Ns> recoveries, Ns otherwise) {
  Ns kids = {block(body)};
  for (const Ns &r : recoveries) kids.push_back(node(Op::recover, 0, 0, {node(Op::boolean, 1, 0, {}), block(r)}));
  if (!otherwise.empty()) kids.push_back(block(otherwise));
  return node(Op::attempt, tries, 0, kids);
}

void PlanBuilder::undo(plan::ActionId of, Ns effects, Ns needs, bool host) {
  const std::string name = std::string(p.text(p.actions[of.index].name)) + ".undo";
  const plan::ActionId id = action(name, effects, needs, host);
  p.actions[of.index].undo_kind = plan::UndoKind::action;
  p.actions[of.index].undo = id;
}

std::uint32_t PlanBuilder::next_slot(std::string_view name) {
  p.frame.slots.push_back(b.string(name));
  return static_cast<std::uint32_t>(p.frame.slots.size() - 1);
}

N PlanBuilder::roll_node(Op op, plan::SetId hosts, const RollOptions &o, std::uint32_t slot, Ns body) {
  plan::Rollout r;
  r.hosts = hosts;
  r.slot = slot;
  r.batch = o.batch;
  r.per_batch = o.per_batch;
  if (!o.per.empty()) r.per = b.string(o.per);
  r.canary = o.canary;
  r.at_most = o.at_most;
  r.where = where();
  const plan::RolloutId id = plan::Builder::add<plan::RolloutId>(p.rollouts, std::move(r));
  return node(op, id.index, 0, {block(body)});
}

plan::Plan &PlanBuilder::finish(Ns body, bool proven) {
  for (std::size_t r = 0; r < p.roles.size(); ++r) {
    p.roles[r].hosts = all_of(plan::RoleId(r));
    for (const plan::HostId h : p.sets[p.roles[r].hosts.index].hosts) {
      std::uint32_t votes = 1;
      for (const plan::Attribute &a : p.hosts[h.index].attributes) {
        if (p.text(a.key) == "votes") votes = static_cast<std::uint32_t>(p.integers[p.node(a.value).a]);
      }
      p.roles[r].weights.push_back(votes);
    }
  }
  if (proven) p.preflight = block({in_service_all()});
  p.body = block(body);
  return p;
}

namespace {

/// Every schedule whose last step is one that a run takes comes about in a run.
void replay_all(const plan::Plan &plan, const Proof &proof, const diagnostics::Sink &sink) {
  constexpr std::size_t kSmall = 12;  // hosts; others are about size
  if (plan.hosts.size() > kSmall) return;
  for (const diagnostics::Diagnostic &d : sink.all()) {
    const std::string_view name = diagnostics::info(d.kind).name;
    const std::string rule(name.starts_with("rule_") ? name.substr(5) : name);
    const bool undo = rule == "undo" && !d.schedule.empty() && d.schedule.back().cue &&
                      d.schedule.back().cue->kind == diagnostics::Cue::Kind::start &&
                      d.schedule.back().cue->key == "abort/undo";
    if (d.schedule.empty() || (!simulate::judged(rule) && !undo)) continue;
    const simulate::Replayed run = simulate::replay(plan, proof, rule, d.schedule, {.message = d.message});
    EXPECT_TRUE(run.reached) << "no replay of " << d.message << ": " << run.why;
  }
}

}  // namespace

std::string checked(const plan::Plan &plan, std::int64_t today, bool replays) {
  diagnostics::Sink sink;
  const Proof proof = check(plan, today, sink);
  if (replays) replay_all(plan, proof, sink);
  std::string out;
  for (const diagnostics::Diagnostic &d : sink.all()) {
    out += std::string(diagnostics::info(d.kind).code) + ' ' + d.message + '\n';
    std::size_t i = 0;
    for (const diagnostics::ScheduleStep &s : d.schedule) {
      out += "  " + std::to_string(++i) + ' ' + (s.host.empty() ? "" : s.host + ' ') + s.text + '\n';
    }
  }
  return out;
}

Proof proof(const plan::Plan &plan) {
  diagnostics::Sink sink;
  return check(plan, 0, sink);
}

Trio::Trio(bool serial) {
  member = role("member", {quorum()}, serial);
  usual_gates(member);
  node1 = host("node1", {member});
  node2 = host("node2", {member});
  node3 = host("node3", {member});
  members = all_of(member);
  reboot = action("reboot", {disrupts_all(), boot()});
  upgrade = action("upgrade", {changes(member)});
}

}  // namespace upg::safety::testing
