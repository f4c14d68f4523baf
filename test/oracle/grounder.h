#pragma once
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "test/oracle/ground.h"
#include "test/oracle/values.h"

namespace upg::oracle {

/// Thrown inside the folder only: the plan cannot be made ground.
struct TooMuch : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Makes the ground plan, table by table. Gates, actions, cells and holds are made when something names them.
class Grounder {
 public:
  explicit Grounder(const plan::Plan &plan) : plan_(plan) { out_.plan = &plan; }
  Ground make();

 private:
  struct Place {  // where a statement stands
    std::uint32_t region = 0;
    std::vector<std::uint32_t> withs;
    std::vector<std::uint32_t> waivers;
    std::vector<std::uint32_t> outages;
    bool in_turn = false;
  };
  // site.cpp
  void site();
  void roles();
  void budgets();
  void policies();
  std::string attribute(std::size_t host, plan::StringId name) const;
  // contracts.cpp
  std::size_t cell(plan::NodeId node, const Slots &slots);
  std::size_t cell_of(plan::StateId state, std::optional<std::size_t> host);
  std::size_t hold(plan::HoldId id, const Slots &arguments);
  std::size_t hold_of(plan::NodeId held, const Slots &slots);
  std::size_t gate(plan::GateId id, const Slots &arguments);
  std::vector<std::size_t> gates_of(plan::NodeId node, const Slots &slots);
  void watch(Gate &gate, const plan::Gate &record, const Slots &arguments);
  std::size_t action(plan::ActionId id, const Slots &arguments, std::optional<std::size_t> hold = std::nullopt);
  void needs(Action &action, const plan::Action &record, const Slots &arguments);
  void effects(Action &action, const plan::Action &record, const Slots &arguments, Items &narrowed, bool &narrows);
  void guests(Action &action);
  void boot_moves();
  bool runs_elsewhere(plan::NodeId node, Slots slots, Hosts subject) const;
  CountNeed count(plan::NodeId need, const Slots &slots);
  void conjuncts(plan::NodeId condition, const Slots &slots, std::vector<CellIs> &out, bool &provable);
  Pairs pairs_on(std::uint32_t role, Hosts hosts) const;
  // tree.cpp
  std::uint32_t add(Shape shape, std::uint32_t parent, const Place &place, plan::NodeId from);
  void block(plan::NodeId id, Slots &slots, std::uint32_t parent, const Place &place);
  void statement(plan::NodeId id, Slots &slots, std::uint32_t parent, const Place &place);
  void with(plan::NodeId id, Slots &slots, std::uint32_t parent, const Place &place);
  void roll(plan::NodeId id, Slots &slots, std::uint32_t parent, const Place &place);
  void stage(plan::NodeId id, const Slots &slots, std::uint32_t parent, const Place &place, std::size_t first,
             std::size_t last);
  void dag(plan::NodeId id, Slots &slots, std::uint32_t parent, const Place &place);
  // shape.cpp
  void after_edges();
  void summaries();
  void undos();

  const plan::Plan &plan_;
  Ground out_;
  std::map<std::string, std::size_t> cell_index_, hold_index_, gate_index_, action_index_, once_index_;
  std::size_t unknowns_ = 0;
};

}  // namespace upg::oracle
