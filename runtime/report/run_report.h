#pragma once
#include <string>
#include <vector>

#include "runtime/machine/journal.h"
#include "runtime/plan/plan.h"

namespace upg::report {

/// What is reported of a run, from its journal alone: works for runs of any state, also of one that was killed.
struct RunSummary {
  std::string status;  // done, stopped, halted, refused; "interrupted" if the last start has no end
  std::string reason;
  std::int64_t began_ms = 0;
  std::int64_t ended_ms = 0;
};
RunSummary summarize(const std::vector<machine::Record> &records);

/// For a person: outcome, accepted risks, what was done on each host with times, gates that were waited for, holds,
/// boots, confirmations.
std::string text_report(const plan::Plan &plan, const std::string &run, const std::string &digest,
                        const std::vector<machine::Record> &records);
/// The same as data: {"schema": 1, "run", "plan", "digest", "status", "hosts": [...], "events": [...]}.
std::string json_report(const plan::Plan &plan, const std::string &run, const std::string &digest,
                        const std::vector<machine::Record> &records);

}  // namespace upg::report
