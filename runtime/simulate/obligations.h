#pragma once
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/machine/machine.h"
#include "runtime/simulate/model.h"
#include "runtime/simulate/monitor.h"

namespace upg::simulate {

/// What the runtime owes the model (docs/semantics.md section 5), judged against what is so on the hosts: things that
/// no move shows. Written from that page; it shares nothing with the machine.
///   census  R2: a step takes a role down while hosts that are down by themselves leave it less than its policy
///   again   R1: a step starts although a gate that it requires does not pass at that moment
///   twice   a step runs again that has done its work; or a command while an earlier try of it still runs (R3)
///   window  a step starts outside of the plan's windows, or where it need not end in one
///   held    a run is done or aborted and a hold of it is still on
///   under   a run has ended so and a command of it still runs
///   resume  R5, R12: only the controller died, and the run does not come to its end, or to the end of its abort
class Obligations {
 public:
  Obligations(Reader &reader, Model &model, const Monitor &monitor, std::function<Millis()> now)
      : reader_(reader), plan_(reader.plan()), model_(model), monitor_(monitor), now_(std::move(now)) {}

  using Windows = std::function<std::optional<machine::Opening>(std::int64_t unix_ms)>;
  /// The plan's windows, if they are kept.
  void keep_windows(Windows windows, std::int64_t unix_at_zero) {
    windows_ = std::move(windows);
    unix_at_zero_ = unix_at_zero;
  }
  /// An abort begins: windows do not bind it.
  void goes_back() { windows_ = nullptr; }
  /// Right before the monitor hears of the move.
  void moved(const machine::Move &move);
  /// After every turn.
  void look_at_commands();
  void ended(const machine::Ending &ending, bool only_controller_died);

  const std::vector<Violation> &violations() const { return violations_; }
  /// The most hosts of a role that were down at once, faults included, and what may be.
  const std::map<RoleIndex, Worst> &worst() const { return worst_; }
  /// Looks at what is down now.
  void weigh_now();

 private:
  void judge_census(const Contract &act, const std::string &key);
  void judge_again(const Contract &act, const std::string &key);
  void judge_window(const Contract &act, const std::string &key);
  void report(const char *rule, const std::string &key, std::string text);

  Reader &reader_;
  const plan::Plan &plan_;
  Model &model_;
  const Monitor &monitor_;
  std::function<Millis()> now_;
  Windows windows_;
  std::optional<machine::Opening> opening_;  // asked last
  std::int64_t unix_at_zero_ = 0;
  std::size_t commands_seen_ = 0;
  std::size_t moves_ = 0;
  std::map<std::string, int> worked_;  // by step key: the try that has done the work
  std::vector<Violation> violations_;
  std::map<RoleIndex, Worst> worst_;
};

}  // namespace upg::simulate
