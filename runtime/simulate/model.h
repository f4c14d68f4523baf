#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "runtime/machine/simulation.h"
#include "runtime/simulate/contract.h"
#include "runtime/simulate/fault.h"
#include "runtime/transport/simulated/simulated_transport.h"

namespace upg::simulate {

/// How the model's hosts behave where a plan leaves it open.
struct ModelOptions {
  bool willing = false;        // gates pass when they are asked, as section 2 allows
  std::uint32_t elements = 1;  // of a list that is known at run time only
  std::uint32_t value = 0;     // where states stand that the plan does not say (as far as they have such a value)
  /// Commands take as long as the plan says, roles come back some time after, and what the plan leaves open is drawn
  /// from the seed; otherwise nothing takes time and nothing is drawn.
  bool timed = false;
  std::uint64_t seed = 0;
  std::vector<Fault> faults;  // only where `timed`
};

/// A command of a step, as its host has seen it.
struct Command {
  std::string key;   // of the step
  int attempt = 0;   // of the step
  std::string part;  // which command of it
  HostIndex host = plan::HostId::none;
  Millis begin = 0;
  Millis end = 0;  // it ends, or the host goes down
  bool worked = false;
  bool last = false;  // with it the step has done what its contract says
};

/// Hosts that do what the plan's contracts say, at the level of gates, probes, states and actions; texts of commands do
/// not matter. A pair of host and role is down from the start of an action that disrupts it to its end, a state stands
/// where the last action moved it, a host has a new boot id after each boot.
///   health        passes when every pair that it is the health of is up and not under change
///   stoppable     passes when the role's policy lets one more host go (timed; else as any other)
///   any other     as its expression says where it only asks states; else when nothing that it watches is down
///   tainted       never passes
/// A probe gives nothing that anyone could compute with, unless it is a boot id, an identity or a roster. What is asked
/// of a host that does not answer is unknown.
class Model final : public transport::HostModel {
 public:
  Model(const plan::Plan &plan, Reader &reader, ModelOptions options);
  /// The hosts that it stands behind; `now` gives the time. Before anything is asked of a timed model.
  void attach(transport::SimulatedHosts &hosts, std::function<Millis()> now);

  std::optional<machine::Value> answer(plan::NodeId expression, std::span<const machine::Value> slots);
  machine::Value settle(plan::NodeId expression, std::span<const machine::Value> slots, machine::Value unknown);
  void moved(const machine::Move &move, int way);
  /// The controller has died: what it counted on is counted anew. Gives the keys of steps that it meant to take, and no
  /// host ever heard of.
  std::set<std::string> controller_died();
  transport::Reply answer(plan::HostId host, const machine::Command &command, machine::Millis now) override;
  /// Which way an `if` goes.
  int way(const machine::Move &move) const;

  /// States that were asked for without the plan having said what they are.
  const std::set<Cell> &guessed() const { return guessed_; }

  // ---- what is so, for monitors (timed)
  /// Whether the pair works at this moment.
  bool awaits(const Contract &act, const Pair &pair) const;
  bool up(const Pair &pair) const;
  /// Down by itself (a fault), since `least` ms at least, or not back in service since.
  bool crashed(HostIndex host, Millis least) const;
  /// Whether a fault makes the answers of the gate, or of those it asks, doubtful now or `before` ms ago.
  bool doubtful(const Gate &gate, Millis before) const;
  /// What the gate says now; nothing: nobody answers, or only its commands would tell.
  std::optional<bool> says(const Gate &gate);
  const std::vector<Command> &commands() const { return commands_; }
  bool tainted(plan::GateId gate) const;
  /// Whether nothing is wrong with running the step again that has done its work.
  bool may_repeat(const std::string &key) const { return repeatable_.count(key) != 0; }
  /// Holds that are on.
  std::vector<Hold> on() const;

 private:
  struct Owner {
    enum class What : std::uint8_t { none, pass, fail, probe, state, hold, set, done_when };
    What what = What::none;
    std::uint32_t record = 0;
  };
  bool spare(const Gate &gate) const;
  bool calm(const Gate &gate);
  std::uint32_t &cell(const Cell &cell);
  Gate gate_of(std::uint32_t gate, std::span<const machine::Value> slots) const;
  machine::Value of_probe(std::uint32_t record, std::span<const machine::Value> slots);
  machine::Value elements(plan::NodeId list, std::span<const machine::Value> slots) const;
  void do_what(const Contract &act);

  // ---- time and faults (model_time.cpp)
  bool reachable(HostIndex host) const;
  /// Whether everyone whom the gate must ask answers.
  bool answered(const Gate &gate);
  std::optional<bool> told_by_fault(plan::GateId gate) const;
  transport::Random random(std::string_view what, const std::string &key) const;
  Millis duration(const plan::Action &action, const std::string &key) const;
  Millis recovery(const Pair &pair, const std::string &why) const;
  /// Lets everything happen that is due.
  void catch_up();
  void effect_at(Millis at, const Contract &act, const std::string &key, bool whole);
  void take_down(const Contract &act, Millis from, Millis lasts);
  void let_go(const machine::Move &move, const Contract &act);
  transport::Reply step(plan::HostId host, const machine::Command &command, Millis now);

  const plan::Plan &plan_;
  Reader &reader_;
  ModelOptions options_;
  transport::SimulatedHosts *hosts_ = nullptr;
  std::function<Millis()> now_;
  std::map<std::uint32_t, Owner> owners_;  // by expression
  std::map<std::uint32_t, std::pair<plan::NodeId, std::size_t>> parents_;
  std::map<std::string, const Contract *> flight_;     // by step key
  std::map<std::string, const Contract *> unended_;    // started, and not ended well: a resume may go on with them
  std::map<std::string, const Contract *> performed_;  // commands done, not over yet
  std::map<Cell, std::uint32_t> cells_;
  std::map<std::string, Hold> held_;  // by the key of the `with`
  std::map<HostIndex, unsigned> boots_;
  std::set<Cell> guessed_;
  // ---- timed
  struct Due {
    const Contract *act;
    std::string key;
    bool whole;  // otherwise it was cut short
  };
  std::multimap<Millis, Due> due_;
  std::multimap<Millis, HostIndex> booting_;  // hosts that a fault boots
  std::map<Pair, Millis> back_;               // in service again from then on
  std::set<Pair> sick_;                       // since a step failed; until one does not
  std::map<Hold, bool> on_;                   // by what their actions have done
  std::set<std::string> worked_;              // keys of steps whose commands have done their work
  std::set<std::string> begun_keys_;          // of steps under way: a command of this try has begun
  std::vector<Command> commands_;             // in order of their start
  std::set<std::string> repeatable_;          // keys of steps that say they may run again
  std::uint64_t begun_ = 0;
};

}  // namespace upg::simulate
