#pragma once
#include <compare>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/machine/evaluate.h"
#include "runtime/plan/plan.h"

/// What the plan declares, read for one simulated run: actions, gates, states and holds with their arguments, in the
/// terms of docs/semantics.md section 1. Written from that page and from nothing else: the checker's own reading
/// (runtime/safety) must not be seen here, or the two could not disagree.
namespace upg::simulate {

using HostIndex = std::uint32_t;
using RoleIndex = std::uint32_t;  // of the plan; `Reader::alive()` may be one more
using Pair = std::pair<HostIndex, RoleIndex>;
using Values = std::set<std::uint32_t>;  // ordinals of a state's values

/// A state with its arguments.
struct Cell {
  std::uint32_t state = 0;
  std::string arguments;
  HostIndex host = plan::HostId::none;  // of its first host argument
  auto operator<=>(const Cell &) const = default;
};

struct Hold {
  std::uint32_t hold = plan::HoldId::none;
  std::string arguments;
  HostIndex host = plan::HostId::none;
  auto operator<=>(const Hold &) const = default;
};

struct Gate {
  plan::GateId gate;
  std::vector<machine::Value> arguments;
  std::string key;  // equal for equal gates with equal arguments
};

struct Motion {
  Cell cell;
  Values from;  // empty: from anything
  std::uint32_t to = 0;
  Values between;
  bool by_boot = false;  // only where it stands in `from`
};

/// An action with its arguments.
struct Contract {
  plan::ActionId action;
  std::vector<machine::Value> arguments;
  std::string key;
  std::set<HostIndex> subjects;
  std::set<HostIndex> hosts;  // subjects and those of what goes down
  std::set<Pair> disrupts;    // with what guests lose
  std::set<Pair> changes;
  std::set<HostIndex> dark;     // hosts that stop answering
  std::set<HostIndex> boots;    // hosts whose boot it awaits
  std::set<HostIndex> carried;  // guests that go down with a carrier
  std::vector<Motion> moves;
  std::vector<Gate> gates;   // required
  std::vector<Gate> awaits;  // waited for before its end
  std::vector<std::pair<Cell, std::uint32_t>> values;
  std::vector<Hold> held;
  std::vector<Hold> free;
  std::vector<plan::NodeId> counts;
  std::set<std::string> reach;
  bool reaches_all = false;
  bool destroys = false;
  bool has_effects = false;
  bool by_person = false;
  Hold hold;  // that it takes or gives back
  bool takes = false;
  bool destructive() const { return destroys || !disrupts.empty(); }
};

/// Whom a gate asks, as far as the plan says: every one of `all`, and one of each of `any`.
struct Asked {
  std::set<HostIndex> all;
  std::vector<std::set<HostIndex>> any;
};

class Reader {
 public:
  /// `simulation` answers conditions of sets; it must outlive the reader.
  Reader(const plan::Plan &plan, machine::Simulation *simulation);

  const plan::Plan &plan() const { return *plan_; }
  RoleIndex alive() const { return alive_; }
  const std::set<RoleIndex> &roles(HostIndex h) const { return roles_[h]; }
  const std::set<HostIndex> &via(HostIndex h) const { return via_[h]; }
  bool out(HostIndex h) const { return plan_->hosts[h].out_reason.valid(); }
  std::vector<HostIndex> carriers_of(RoleIndex r) const;

  const Contract &contract(plan::ActionId action, const std::vector<machine::Value> &arguments);
  Gate gate(plan::GateId gate, std::vector<machine::Value> arguments) const;
  /// Members of a gate reference: one, or those of `in_service` and `stoppable`.
  std::vector<Gate> gates(plan::NodeId reference, const machine::Environment &environment) const;
  /// Pairs whose health the gate is.
  std::set<Pair> health_of(const Gate &gate) const;
  Gate stoppable(Pair pair) const;  // invalid gate: none
  /// What makes a pass stale.
  const std::set<std::string> &watch(const Gate &gate);
  bool hits(const Contract &act, const Gate &gate);
  /// Asked on the host that it is about, and nowhere else.
  bool own_host_only(plan::GateId gate);
  /// Whether someone else than the subjects of the act is asked, or may be; true where it has none.
  bool another_answers(const Contract &act, const Gate &gate) const;
  std::set<HostIndex> hosts_of(const Gate &gate) const;
  const Asked &asked(const Gate &gate);
  bool about(const Contract &act, const Gate &gate) const;

  Cell cell(plan::NodeId reference, const machine::Environment &environment) const;
  Cell cell(plan::StateId state, const std::vector<machine::Value> &arguments) const;
  Hold hold(plan::HoldId hold, const std::vector<machine::Value> &arguments) const;

  machine::Value value(plan::NodeId expression, const machine::Environment &environment) const;
  std::vector<machine::Value> values_of(plan::NodeId reference, const machine::Environment &environment) const;
  std::vector<HostIndex> hosts(const machine::Value &value) const;

  std::string name(HostIndex h) const { return std::string(plan_->text(plan_->hosts[h].name)); }
  std::string role_name(RoleIndex r) const;
  std::string text(const Gate &gate) const;
  /// As the checker quotes it: with the hosts that its arguments name and no data, of which a check knows little.
  std::string quoted(const Gate &gate) const;
  std::string text(const Contract &act) const;
  std::string text(const Cell &cell) const;
  std::string text(const Hold &hold) const;
  std::string text(const std::vector<machine::Value> &arguments) const;

 private:
  void effect(Contract &c, plan::NodeId node, const machine::Environment &environment, std::set<HostIndex> &dark) const;
  void need(Contract &c, plan::NodeId node, const machine::Environment &environment) const;
  void find_reach(Contract &c, const machine::Environment &environment, const std::vector<plan::NodeId> &effects) const;
  std::vector<HostIndex> target(plan::NodeId target, const machine::Environment &environment) const;
  bool stays_on(plan::NodeId node, const machine::Environment &environment, const std::set<HostIndex> &hosts,
                int depth) const;
  bool asks_beyond(plan::NodeId node, const machine::Environment &environment, const std::set<HostIndex> &hosts,
                   int depth) const;
  bool asks_only(plan::NodeId node, const std::set<std::uint32_t> &mine, int depth) const;
  void find_asked(plan::NodeId node, const machine::Environment &environment, Asked &out, int depth) const;
  void close(std::vector<std::set<HostIndex>> &relation) const;

  const plan::Plan *plan_;
  machine::World world_;
  machine::Surroundings around_;
  RoleIndex alive_ = 0;
  std::vector<std::set<RoleIndex>> roles_;
  std::vector<std::set<HostIndex>> via_, guests_;
  std::map<std::string, Contract> contracts_;
  std::map<std::string, std::set<std::string>> watches_;
  std::map<std::uint32_t, bool> own_host_only_;
  std::map<std::string, Asked> asked_;
};

/// Equal for equal arguments.
std::string key_of(const std::vector<machine::Value> &arguments);
/// Items of the algebra of hits, as text: a host, a role, a state, a cell, a hold.
std::string host_item(HostIndex h);
std::string role_item(RoleIndex r);
inline const char *const kStar = "*";

}  // namespace upg::simulate
