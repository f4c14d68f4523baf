#pragma once
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/diagnostics/diagnostic.h"
#include "runtime/plan/builder.h"
#include "runtime/plan/opcodes.h"
#include "runtime/safety/check.h"

/// Small plans for the tests of the checker. Every node gets a place of its own (file 0, byte = its number).
namespace upg::safety::testing {

using plan::Op;
using N = plan::NodeId;
using Ns = std::vector<N>;

struct RollOptions {
  std::uint32_t batch = 1;
  std::uint32_t per_batch = 0;
  std::string per;
  std::uint32_t canary = 0;
  std::int64_t at_most = 0;
};

inline RollOptions batch(std::uint32_t n) {
  RollOptions o;
  o.batch = n;
  return o;
}

class PlanBuilder {
 public:
  plan::Builder b;
  plan::Plan &p = b.plan;

  PlanBuilder();

  // ---- site
  plan::RoleId role(std::string_view name, std::vector<plan::Available> lines, bool serial = false);
  static plan::Available available(plan::AvailableKind kind, std::uint32_t amount = 0) {
    plan::Available a;
    a.kind = kind;
    a.amount = amount;
    return a;
  }
  static plan::Available quorum() { return available(plan::AvailableKind::quorum); }
  static plan::Available at_least(std::uint32_t n) { return available(plan::AvailableKind::at_least, n); }
  static plan::Available all_but(std::uint32_t n) { return available(plan::AvailableKind::all_but, n); }
  plan::HostId host(std::string_view name, std::vector<plan::RoleId> roles, std::string_view rack = {},
                    std::uint32_t votes = 1);
  plan::SetId set(std::vector<plan::HostId> hosts);
  /// Every host of a role, in inventory order.
  plan::SetId all_of(plan::RoleId role);

  // ---- declarations
  /// A gate about one host, asked on it.
  plan::GateId own_gate(std::string_view name);
  /// A gate about one host, asked elsewhere.
  plan::GateId host_gate(std::string_view name, std::vector<plan::RoleId> watches);
  /// A gate about the cluster; no roles: it watches every effect.
  plan::GateId cluster_gate(std::string_view name, std::vector<plan::RoleId> watches = {});
  plan::GateId quiet_gate(std::string_view name);  // watches nothing
  /// health and stoppable gates for a role: `R_up(h)`, `R_spare(h)`.
  void usual_gates(plan::RoleId role);
  plan::StateId state(std::string_view name, std::vector<std::string> values, std::string_view transient = {});
  plan::ActionId action(std::string_view name, Ns effects, Ns needs = {}, bool host = true);
  plan::HoldId hold(std::string_view name, bool host = false, Ns effects = {}, std::vector<plan::GateId> taints = {});
  plan::ProcedureId procedure(std::string_view name, Ns body);  // one host parameter: slot 0

  // ---- contracts; `h` is the action's host
  N h() { return local(0); }
  N on_h() { return node(Op::on_host, 0, 0, {h()}); }
  N disrupts(plan::RoleId r) { return node(Op::disrupts, r.index, 0, {on_h()}); }
  N disrupts_all() { return node(Op::disrupts, plan::all_roles, 0, {on_h()}); }
  N disrupts_each(plan::RoleId r) {
    return node(Op::disrupts, r.index, 0, {node(Op::on_each, 0, 0, {set_node(all_of(r))})});
  }
  N changes(plan::RoleId r) { return node(Op::changes, r.index, 0, {on_h()}); }
  N boot() { return node(Op::boot_of, 0, 0, {h()}); }
  N moves(plan::StateId s, std::vector<std::uint32_t> from, std::uint32_t to, bool of_host = true);
  N destroys() { return node(Op::destroys, 0, 0, {b.text("the disk", where())}); }
  N need_gate(plan::GateId g, bool of_host = true) {
    return node(Op::need_gate, 0, 0, {gate(g, of_host ? Ns{h()} : Ns{})});
  }
  N need_value(plan::StateId s, std::uint32_t v, bool of_host = true) {
    return node(Op::need_value, v, 0, {cell(s, of_host ? Ns{h()} : Ns{})});
  }
  N need_held(plan::HoldId x, bool of_host = false) {
    return node(Op::need_held, 0, 0, {held(x, of_host ? Ns{h()} : Ns{})});
  }
  N need_free(plan::HoldId x, bool of_host = false) {
    return node(Op::need_free, 0, 0, {held(x, of_host ? Ns{h()} : Ns{})});
  }

  // ---- statements
  N local(std::uint32_t slot) { return node(Op::local, slot, 0, {}); }
  N host_node(plan::HostId id) { return node(Op::host, id.index, 0, {}); }
  N set_node(plan::SetId id) { return node(Op::set, id.index, 0, {}); }
  N gate(plan::GateId g, Ns args) { return node(Op::gate, g.index, 0, args); }
  N held(plan::HoldId x, Ns args) { return node(Op::held, x.index, 0, args); }
  N cell(plan::StateId s, Ns args) { return node(Op::cell, s.index, 0, args); }
  N await(plan::GateId g, Ns args = {}) { return node(Op::await, 0, 0, {gate(g, args)}); }
  N in_service(N hosts) { return node(Op::await, 0, 0, {node(Op::in_service, 0, 0, {hosts})}); }
  N in_service_all() { return in_service(set_node(all_hosts())); }
  N stoppable(N host) { return node(Op::await, 0, 0, {node(Op::stoppable, 0, 0, {host})}); }
  N act(plan::ActionId a, Ns args) { return node(Op::act, a.index, 0, args); }
  N block(Ns body) { return node(Op::block, 0, 0, body); }
  N with(plan::HoldId x, Ns args, Ns body) { return node(Op::with, 0, 0, {held(x, args), block(body)}); }
  N parallel(std::vector<Ns> parts);
  N branch(Ns yes, Ns no) { return node(Op::branch, 0, 0, {node(Op::boolean, 1, 0, {}), block(yes), block(no)}); }
  N unless(plan::StateId s, Ns args, std::uint32_t value, Ns body) {
    return node(Op::unless, value, 0, {cell(s, args), block(body)});
  }
  N phase(std::string_view name, std::vector<std::uint32_t> after, Ns body);
  N dag(Ns phases) { return node(Op::dag, 0, 0, phases); }
  N call(plan::ProcedureId id, Ns args) { return node(Op::call, id.index, 0, args); }
  N confirm() { return node(Op::confirm, b.string("go on?").index, 0, {}); }
  N accept(std::string_view rule, Ns body, plan::RoleId role = {}, plan::HoldId hold = {}, std::int64_t until = 0);
  /// The block again after one of the recoveries, `tries` times in all.
  N attempt(std::uint32_t tries, Ns body, std::vector<Ns> recoveries, Ns otherwise = {});
  N no_return() { return node(Op::no_return, b.string("no way back").index, 0, {}); }
  N expect_value(plan::StateId s, Ns args, std::uint32_t value) {
    return node(Op::expect_value, value, 0, {cell(s, args)});
  }
  void on_abort(Ns body) { p.on_abort = block(body); }
  /// Gives the action an undo with these effects and requirements on the same host.
  void undo(plan::ActionId of, Ns effects = {}, Ns needs = {}, bool host = true);
  void undo_nothing(plan::ActionId of) {
    p.actions[of.index].undo_kind = plan::UndoKind::nothing;
    p.actions[of.index].undo_reason = b.string("as good as before");
  }
  N at_most(std::int64_t ms, Ns body) { return node(Op::at_most, b.integer(ms).index, 0, {block(body)}); }
  /// `body` gets the host of the turn.
  template <class Body>
  N roll(plan::SetId hosts, RollOptions o, Body body) {
    const std::uint32_t slot = next_slot("n");
    return roll_node(Op::roll, hosts, o, slot, body(local_maker(slot)));
  }
  template <class Body>
  N visit(plan::SetId hosts, Body body) {
    const std::uint32_t slot = next_slot("n");
    return roll_node(Op::visit, hosts, {}, slot, body(local_maker(slot)));
  }

  N node(Op op, std::uint32_t a, std::uint32_t c, const Ns &kids) {
    return b.node(op, where(), a, c, std::span<const N>(kids));
  }
  plan::Span where() { return {0, place_++, place_}; }
  plan::SetId all_hosts();
  plan::StateId last_state() const { return plan::StateId(p.states.size() - 1); }

  /// Completes the tables and gives the plan: preflight { in_service(all) } unless `proven` is false.
  plan::Plan &finish(Ns body, bool proven = true);
  plan::RoleId alive() const { return alive_; }

 private:
  auto local_maker(std::uint32_t slot) {
    return [this, slot] { return local(slot); };
  }
  std::uint32_t next_slot(std::string_view name);
  N roll_node(Op op, plan::SetId hosts, const RollOptions &o, std::uint32_t slot, Ns body);
  plan::GateId add_gate(std::string_view name, bool host, N pass, plan::WatchKind kind,
                        const std::vector<plan::RoleId> &watches);
  plan::Frame host_frame(bool host);

  std::uint32_t place_ = 0;
  plan::RoleId alive_;
  std::vector<std::pair<plan::RoleId, plan::SetId>> role_sets_;
  plan::SetId all_;
};

/// What the checker said: one line per diagnostic, "E1001 message", its schedule below as "  1 node1 starts reboot".
/// Every schedule that is judged at a step is replayed too, unless a test says why not.
std::string checked(const plan::Plan &plan, std::int64_t today = 0, bool replays = true);
Proof proof(const plan::Plan &plan);

/// Three hosts of a quorum role `member` (serial), with gates, `reboot` and `upgrade`.
struct Trio : PlanBuilder {
  plan::RoleId member;
  plan::HostId node1, node2, node3;
  plan::SetId members;
  plan::ActionId reboot, upgrade;
  explicit Trio(bool serial = true);
  /// await stoppable(n), reboot(n), await in_service(n)
  Ns turn(N n1, N n2, N n3) { return {stoppable(n1), act(reboot, {n2}), in_service(n3)}; }
  Ns turn_of(plan::HostId id) { return turn(host_node(id), host_node(id), host_node(id)); }
  template <class Maker>
  Ns turn(Maker n) {
    return turn(n(), n(), n());
  }
};

}  // namespace upg::safety::testing
