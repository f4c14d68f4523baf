#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runtime/machine/value.h"
#include "runtime/plan/ids.h"

namespace upg::machine {

/// One step of the model in docs/semantics.md section 2, as a run takes it.
struct Move {
  enum class Kind : std::uint8_t {
    start,     // an action, the taking and giving back of a hold included
    perform,   // its commands have done their work; what it awaits comes next
    end,       // it is over
    pass,      // one gate
    admit,     // a rollout lets a host in
    leave,     // a turn, or a phase, ends
    pause,     // a person is waited for, or a soak
    choice,    // `if` (way 0: the condition holds), `unless` and `expect` (way 0: the state has the value)
    hold,      // a `with` counts on its hold from here ...
    unhold,    // ... to here
    accept,    // a waiver comes into force ...
    unaccept,  // ... and ends with its block
    fail,      // a round of an attempt has failed
    lose,      // a turn of a tolerant rollout has failed, its host is left behind
    finish     // the plan, or an abort, has come to its end
  };
  Kind kind = Kind::start;
  std::string key;        // step key: the place in the plan, turns included
  plan::NodeId node;      // admit, leave, choice, accept: the statement
  plan::ActionId action;  // start, perform, end
  plan::GateId gate;      // pass
  plan::HoldId hold;      // hold, unhold
  plan::HostId host;      // admit, leave: whose turn; invalid: a phase; lose: who
  std::vector<Value> arguments;
  bool failed = false;   // end: it failed, or nobody knows
  bool counted = false;  // start, end: of a hold that is in force already; it counts as an effect, nothing runs
};

/// A move that waits for `Machine::grant`. Way 1 of an `end` or a `pass`: the step fails; of a `start`: before
/// it has begun.
using Offer = std::pair<std::uint64_t, Move>;

/// What the machine asks of the world right before an outage: none of it is part of the proof's model, all of it may
/// stop a step that the model would let go.
enum class Protection : std::uint8_t { none, requirements, gates, census, claims };

/// Stands in for hosts, people and chance. Only a simulation sets it; a run over real hosts has none.
class Simulation {
 public:
  virtual ~Simulation() = default;
  /// The answer of an expression that the plan declares (a gate's `pass` and `fail`, a probe, `observe` of a state or a
  /// hold, the condition of a set) or of a command in it, for these values of its slots. Nothing: evaluated as usual.
  virtual std::optional<Value> answer(plan::NodeId expression, std::span<const Value> slots) = 0;
  /// Instead of the answer of a question that stayed unknown, since no real command ran.
  virtual Value settle(plan::NodeId expression, std::span<const Value> slots, Value unknown) = 0;
  /// Whether `unless` and `expect` go as they are granted, whatever the state is: what stands behind them is looked at
  /// even where no run comes to it.
  virtual bool supposes() const = 0;
  /// Whether every move waits until it is granted.
  virtual bool directed() const = 0;
  /// Which way a choice goes when nobody directs.
  virtual int way(const Move &move) = 0;
  /// Hears of every move as it happens.
  virtual void moved(const Move &move, int way) = 0;
  /// False: what protects a real run at the act (requirements, gates, census, claims) is not asked.
  virtual bool guarded() const = 0;
  /// What is asked now; the last one before a halt is what stopped the run.
  virtual void asks(Protection protection) = 0;
};

}  // namespace upg::machine
