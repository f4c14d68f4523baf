#pragma once
#include <string>
#include <vector>

#include "runtime/plan/plan.h"
#include "runtime/report/facts.h"
#include "runtime/report/outputs.h"

namespace upg::report {

/// For a person: outcome, accepted risks, what was done on each host with times, gates that were waited for, holds,
/// boots, confirmations.
std::string text_report(const plan::Plan &plan, const std::string &run, const std::string &digest,
                        const std::vector<machine::Record> &records);
/// The same as data: {"schema": 1, "run", "plan", "digest", "status", "hosts": [...], "actions": [...], "gates": [...],
/// "holds": [...], "outages": [...], "events": [...]}.
std::string json_report(const plan::Plan &plan, const std::string &run, const std::string &digest,
                        const std::vector<machine::Record> &records);
/// One page that loads nothing and runs no script: a timeline for each host, what was done there with its output, what
/// gates answered, holds, outages, waivers, who confirmed what. `problem`: why the journal is not whole, if so.
std::string html_report(const plan::Plan &plan, const std::string &run, const std::string &digest,
                        const std::vector<machine::Record> &records, const Outputs &outputs,
                        const std::string &problem);

}  // namespace upg::report
