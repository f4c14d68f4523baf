#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "runtime/simulate/run.h"

namespace upg::simulate {

struct CampaignOptions {
  std::uint64_t first_seed = 1;
  std::uint64_t seeds = 1'000;
  unsigned faults = 1;   // in one run, at most
  unsigned returns = 0;  // how often a person resumes a run that was halted or stopped
  /// Instead of drawn faults: the controller dies at every moment of one kind of the run without faults, one in each
  /// run. Seeds count the moments: 2n - 1 and 2n are record n, not on disk and on disk; behind these with `every_kill`
  /// the requests to hosts, each not sent and sent, and then the turns of the machine.
  enum class Every : std::uint8_t { no, every_record, every_kill };
  Every every = Every::no;
  std::uint64_t sample = 0;  // of these moments, only so many, drawn by `first_seed`; 0: all of them
  /// In about half of the runs an operator aborts the run at a time that is drawn, and in some of those that halt a
  /// person does, where that is possible. With `every`: in all of them, after `abort_percent` of the usual time.
  bool aborts = false;
  unsigned abort_percent = 50;
  unsigned jobs = 1;  // threads; the result does not depend on it
  std::int64_t start_unix_ms = 1'790'000'000'000;
  std::function<std::optional<machine::Opening>(std::int64_t unix_ms)> next_window;  // called from several threads
};

/// What became of one run.
struct Outcome {
  std::uint64_t seed = 0;
  std::vector<Fault> faults;
  machine::Ending ending;
  bool ended = true;    // false: it did not come to any end within a bound
  Millis length = 0;    // from the start of the controller to the end
  unsigned deaths = 0;  // of the controller
  std::size_t records = 0;
  std::uint64_t fingerprint = 0;   // of its journal: equal for equal runs
  std::vector<std::string> holds;  // left in force
  std::vector<Violation> violations;
  std::map<RoleIndex, Worst> by_plan, with_faults;
};

/// How many of one kind, and the least seed that shows one.
struct Tally {
  std::uint64_t count = 0;
  std::uint64_t seed = 0;
  std::string text;  // of that seed
  void add(std::uint64_t of_seed, const std::string &its_text, std::uint64_t times = 1);
};

struct RoleSummary {
  Worst by_plan, with_faults;    // the worst moment of all runs
  std::uint64_t below = 0;       // runs in which faults took it below its policy
  std::uint64_t below_seed = 0;  // the least of them
};

struct Summary {
  std::uint64_t runs = 0;
  std::map<machine::Status, std::uint64_t> statuses;
  std::map<std::pair<machine::Status, std::string>, Tally> ends;    // by place in the source; what is done left out
  std::map<std::string, Tally> holds;                               // left in force
  std::map<std::pair<std::string, std::string>, Tally> violations;  // by rule and step key
  std::map<RoleIndex, RoleSummary> roles;
  std::map<Fault::Kind, std::pair<std::uint64_t, std::uint64_t>> faults;  // runs with one, and done of these
  std::vector<Millis> lengths;                                            // of runs that are done, ascending
  std::uint64_t deaths = 0;
  std::uint64_t records = 0;
  std::uint64_t fingerprint = 0;  // over all runs
  std::uint64_t moments = 0;      // with `every`: how many there are
};

/// The run without faults.
Measure measure(const plan::Plan &plan, const safety::Proof &proof, const CampaignOptions &options);
/// The run of one seed. The same on every machine.
Outcome simulate(const plan::Plan &plan, const safety::Proof &proof, const CampaignOptions &options,
                 const Measure &measured, std::uint64_t seed, Listener *listener = nullptr);
Summary simulate_all(const plan::Plan &plan, const safety::Proof &proof, const CampaignOptions &options);

std::string_view name_of(machine::Status status);
/// The value that `share` (0 to 1) of the ascending values do not exceed.
Millis quantile(const std::vector<Millis> &ascending, double share);

}  // namespace upg::simulate
