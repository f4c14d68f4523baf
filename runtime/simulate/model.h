#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "runtime/machine/simulation.h"
#include "runtime/simulate/contract.h"
#include "runtime/transport/simulated/simulated_transport.h"

namespace upg::simulate {

/// How the model's hosts behave where a plan leaves it open.
struct ModelOptions {
  bool willing = false;        // gates pass when they are asked, as section 2 allows
  bool instant = true;         // commands take no time; otherwise their typical time
  std::uint32_t elements = 1;  // of a list that is known at run time only
  std::uint32_t value = 0;     // where states stand that the plan does not say (as far as they have such a value)
};

/// Hosts that do what the plan's contracts say, at the level of gates, probes, states and actions; texts of commands do
/// not matter. A pair of host and role is down from the start of an action that disrupts it to its end, a state stands
/// where the last action moved it, a host has a new boot id after each boot.
///   health        passes when every pair that it is the health of is up and not under change
///   stoppable     passes when the role's policy lets one more host go
///   any other     as its expression says where it only asks states; else when nothing that it watches is down
///   tainted       never passes
/// A probe gives nothing that anyone could compute with, unless it is a boot id, an identity or a roster.
class Model final : public transport::HostModel {
 public:
  Model(const plan::Plan &plan, Reader &reader, ModelOptions options);

  std::optional<machine::Value> answer(plan::NodeId expression, std::span<const machine::Value> slots);
  machine::Value settle(plan::NodeId expression, std::span<const machine::Value> slots, machine::Value unknown);
  void moved(const machine::Move &move);
  transport::Reply answer(plan::HostId host, const machine::Command &command, machine::Millis now) override;

  /// States that were asked for without the plan having said what they are.
  const std::set<Cell> &guessed() const { return guessed_; }

 private:
  struct Owner {
    enum class What : std::uint8_t { none, pass, fail, probe, state, hold, set, done_when };
    What what = What::none;
    std::uint32_t record = 0;
  };
  bool up(const Pair &pair) const;
  bool tainted(plan::GateId gate) const;
  bool spare(const Gate &gate) const;
  bool calm(const Gate &gate);
  std::uint32_t &cell(const Cell &cell);
  Gate gate_of(std::uint32_t gate, std::span<const machine::Value> slots) const;

  const plan::Plan &plan_;
  Reader &reader_;
  ModelOptions options_;
  std::map<std::uint32_t, Owner> owners_;  // by expression
  std::map<std::uint32_t, std::pair<plan::NodeId, std::size_t>> parents_;
  std::map<std::string, const Contract *> flight_;     // by step key
  std::map<std::string, const Contract *> performed_;  // commands done, not over yet
  std::map<Cell, std::uint32_t> cells_;
  std::map<Hold, int> held_;
  std::map<HostIndex, unsigned> boots_;
  std::set<Cell> guessed_;
};

}  // namespace upg::simulate
