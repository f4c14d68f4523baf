#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/plan/opcodes.h"
#include "runtime/plan/plan.h"
#include "runtime/safety/interned.h"
#include "runtime/safety/site.h"

namespace upg::safety {

using CellIx = std::uint32_t;
using GateIx = std::uint32_t;      // a gate with its arguments
using ContractIx = std::uint32_t;  // an action with its arguments
using HoldIx = std::uint32_t;      // a hold with its arguments
using ItemIx = std::uint32_t;
using KeyIx = std::uint32_t;
using Values = std::uint64_t;  // set of values of a state, one bit each
inline constexpr std::size_t kMaxValues = 64;

/// What an argument is known to be before the run: hosts, or data told apart by `key`.
struct Value {
  bool is_hosts = false;
  bool exact = true;  // hosts: these and no others; false: one of them
  bool runtime = false;
  KeyIx key = 0;                  // equal for equal values; of data known only at run time: equal for the same `let`
  std::span<const HostIx> hosts;  // ascending; they lie in the Contracts or the Site
};
/// Values of the slots of one body.
using Env = std::vector<Value>;

struct Cell {
  plan::StateId state;
  HostIx host = kNone;  // of its first host argument
  Values all = 0;
  Values transient = 0;
};

struct HoldInstance {
  plan::HoldId hold;
  HostIx host = kNone;
  bool runtime = false;  // its arguments are known at run time only
};

/// A gate with its arguments; `gate` is absent for "answers from a valid boot" where no role declares it.
struct GateInstance {
  plan::GateId gate;
  std::vector<HostIx> hosts;      // that its arguments name
  std::vector<PairIx> health_of;  // Z: what a pass brings back
  std::vector<ItemIx> watch;      // what makes a pass stale, ascending
  bool written = false;           // `watches` is written
  bool own_host_only = false;     // every command runs on the host it is about
  Env arguments;
};

/// What an await asks, kept once.
struct GateList {
  std::vector<GateIx> gates;
  std::vector<PairIx> health_of;  // of all of them; ascending
};

struct Move {
  CellIx cell = 0;
  Values from = 0;
  Values to = 0;
  Values between = 0;  // via values and the one after a failure
};
struct CountNeed {
  plan::NodeId node;  // the need_count node
  std::uint32_t slot = 0;
  std::shared_ptr<const std::vector<HostIx>> hosts;
  std::int64_t amount = 0;
  std::uint32_t relation = 0;  // 0 ==, 1 >=, 2 <=
};

/// An action with its arguments, as the algebra of SEMANTICS section 1 has it.
struct Contract {
  plan::ActionId action;
  Env env;
  std::vector<HostIx> subjects;  // ascending
  std::vector<PairIx> disrupts;  // dis*: with what guests lose; ascending
  std::vector<PairIx> changes;
  std::vector<HostIx> alive_down;  // hosts that stop answering
  std::vector<HostIx> hosts;       // hosts(a)
  std::vector<HostIx> boots;       // awaits boot of
  std::vector<HostIx> spread;      // guests taken down with a carrier
  std::vector<Move> moves;
  std::vector<GateIx> gates;             // required ones, composites taken apart
  std::vector<plan::NodeId> gate_needs;  // the need behind each
  std::vector<std::pair<CellIx, std::pair<Values, plan::NodeId>>> values;
  std::vector<std::pair<HoldIx, plan::NodeId>> held;
  std::vector<std::pair<HoldIx, plan::NodeId>> free;
  std::vector<CountNeed> counts;
  std::vector<GateIx> awaits;  // gates that the action itself waits for
  bool destroys = false;
  bool once = false;
  plan::HoldId hold;          // whose acquire or release this is
  std::vector<ItemIx> reach;  // ascending
  bool reaches_all = false;
  bool destructive() const { return destroys || !disrupts.empty(); }
};

/// Resolves actions, gates, holds and states with their arguments, each once.
class Contracts {
 public:
  explicit Contracts(const Site &site);

  const Site &site() const { return *site_; }
  const plan::Plan &plan() const { return site_->plan(); }

  Value value(plan::NodeId expression, const Env &env);
  /// Arguments of a reference node (act, gate, held, cell, call).
  Env arguments(plan::NodeId node, const Env &env);
  ContractIx contract(plan::ActionId action, Env arguments);
  /// The members of a gate reference: one, or those of `in_service` and `stoppable`.
  std::vector<GateIx> gates(plan::NodeId gate_reference, const Env &env);
  /// The same, by the number of the list.
  std::uint32_t gate_list(plan::NodeId gate_reference, const Env &env);
  const GateList &gate_list(std::uint32_t list) const { return gate_lists_[list]; }
  GateIx gate(plan::GateId gate, const Env &arguments);
  HoldIx hold(plan::NodeId held_reference, const Env &env);
  HoldIx hold(plan::HoldId hold, const Env &arguments);
  CellIx cell(plan::NodeId cell_reference, const Env &env);
  CellIx cell(plan::StateId state, const Env &arguments);
  CellIx cell(plan::StateId state, HostIx host);
  GateIx health(PairIx pair);  // kNone: the role has none
  GateIx stoppable(PairIx pair);

  const Contract &operator[](ContractIx c) const { return contracts_[c]; }
  const GateInstance &gate(GateIx g) const { return gates_[g]; }
  const HoldInstance &hold(HoldIx h) const { return holds_[h]; }
  const Cell &cell(CellIx c) const { return cells_[c]; }
  std::size_t size() const { return contracts_.size(); }
  std::size_t gate_count() const { return gates_.size(); }
  std::size_t cell_count() const { return cells_.size(); }
  std::size_t hold_count() const { return holds_.size(); }
  std::span<const CellIx> cells_of(HostIx h) const;

  Value of_host(HostIx h);
  /// These hosts, in any order; `exact`: all of them, otherwise one of them.
  Value of_hosts(std::vector<HostIx> hosts, bool exact);
  /// A value that is known at run time only.
  Value fresh();

  ItemIx star() const { return 0; }
  ItemIx host_item(HostIx h) { return item(ItemKind::host, h); }
  ItemIx role_item(RoleIx r) { return item(ItemKind::role, r); }
  /// All hosts of a role, where something touches the role wherever it stands.
  ItemIx hosts_item(RoleIx r) { return item(ItemKind::hosts_of_role, r); }
  ItemIx cell_item(CellIx c) { return item(ItemKind::cell, c); }
  ItemIx state_item(plan::StateId s) { return item(ItemKind::state, s.index); }
  ItemIx hold_item(HoldIx h) { return item(ItemKind::hold, h); }
  ItemIx holds_item(plan::HoldId h) { return item(ItemKind::holds, h.index); }

  bool hits(const Contract &a, const GateInstance &g) const;
  /// Whether someone else than these hosts is asked, or may be: another host that is not out, the controller, a person.
  bool asks_beyond(const GateInstance &g, std::span<const HostIx> hosts);
  /// Whether the pass of `g` unsettles `other` because it brings something back (SEMANTICS section 2, `pass`).
  bool pass_hits(const GateInstance &g, const GateInstance &other);

  std::string gate_text(GateIx g) const;  // db.joined(node1)
  std::string cell_text(CellIx c) const;  // db.packages(node1)
  std::string hold_text(HoldIx h) const;
  std::string action_text(const Contract &c) const {
    return std::string(plan().text(plan().actions[c.action.index].name));
  }
  std::string value_name(plan::StateId state, Values values) const;  // `old`, `old or new`
  std::string host_list(std::span<const HostIx> hosts) const;

 private:
  enum class ItemKind : std::uint8_t { host, role, hosts_of_role, cell, state, hold, holds, count_ };
  std::vector<GateIx> gates_of(plan::Op composite, std::span<const HostIx> hosts);
  enum class KeyKind : std::uint32_t { hosts, one_of, constant, list, built };
  ItemIx item(ItemKind kind, std::uint32_t index);
  KeyIx key(KeyKind kind, std::span<const std::uint32_t> parts);
  KeyIx text_number(std::string text);
  /// What tells an action, gate, hold or state with its arguments apart from others of its kind.
  std::uint32_t number(Interned &among, std::uint32_t index, const Env &arguments);
  GateIx about(plan::GateId id, HostIx host);
  void watch_host(GateInstance &g, HostIx h);
  void resolve(Contract &c);
  void take_back(Contract &c, plan::ActionId action);
  bool fixed(plan::NodeId node) const;
  void resolve_need(Contract &c, plan::NodeId need);
  void resolve_effect(Contract &c, plan::NodeId effect, std::vector<HostIx> &alive_down);
  void finish_reach(Contract &c, std::span<const plan::NodeId> effects);
  Value target(plan::NodeId target, const Env &env);
  bool commands_stay_on(plan::NodeId node, const Env &env, std::span<const HostIx> hosts, int depth);
  bool own_host_only(plan::GateId gate);
  bool asks_only(plan::NodeId node, std::uint64_t own_slots, std::uint64_t mine, int depth);
  bool asks_beyond(plan::NodeId node, Env env, std::span<const HostIx> hosts, int depth);
  void resolve_watch(GateInstance &g, const Env &arguments);
  void add_roles(std::vector<PairIx> &out, std::span<const HostIx> hosts, RoleIx role) const;

  const Site *site_;
  std::vector<Contract> contracts_;
  std::vector<GateInstance> gates_;
  std::vector<GateList> gate_lists_;
  std::unordered_map<std::uint64_t, std::uint32_t> list_of_;  // by what is asked and the gate or the hosts
  std::vector<HoldInstance> holds_;
  std::vector<Cell> cells_;
  std::vector<std::vector<CellIx>> host_cells_;
  Interned contract_of_, gate_of_, hold_of_, cell_of_;
  Interned keys_;  // of values, each a kind and its parts
  std::unordered_map<std::string, std::uint32_t> texts_;
  std::vector<KeyIx> constants_;                 // by node
  std::vector<Value> set_values_, host_values_;  // by set and host, where they are known
  std::vector<HostIx> all_hosts_;
  std::vector<std::uint32_t> scratch_;
  std::array<std::vector<ItemIx>, static_cast<std::size_t>(ItemKind::count_)> item_of_;  // 0: none yet
  ItemIx items_ = 1;                                                                     // the star is the first
  std::unordered_map<std::uint32_t, bool> own_host_only_;
  std::unordered_map<std::uint32_t, std::vector<RoleIx>> health_of_;  // by gate: the roles whose health it is
  std::vector<std::optional<GateIx>> health_at_, stoppable_at_;       // by pair
  std::unordered_map<std::uint32_t, std::shared_ptr<const std::vector<HostIx>>>
      counted_;               // by need, where it is the same for all
  std::vector<bool> listed_;  // by gate, while a list is made
  std::unordered_map<std::uint32_t, std::pair<plan::HoldId, bool>> hold_of_action_;  // true: acquires
  std::unordered_map<std::uint32_t, plan::ActionId> undoes_;                         // of an undo: the action
  std::uint32_t fresh_ = 0;
};

/// The mask of one value; values past the 64th share the last bit (the checker reports such states).
inline Values value_bit(std::uint32_t ordinal) {
  return Values{1} << (ordinal < kMaxValues ? ordinal : kMaxValues - 1);
}
inline bool contains(std::span<const std::uint32_t> sorted, std::uint32_t x) {
  std::size_t low = 0, high = sorted.size();
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (sorted[middle] < x)
      low = middle + 1;
    else
      high = middle;
  }
  return low < sorted.size() && sorted[low] == x;
}
bool intersects(std::span<const std::uint32_t> a, std::span<const std::uint32_t> b);
void sort_unique(std::vector<std::uint32_t> &v);

}  // namespace upg::safety
