#pragma once
#include "runtime/machine/journal.h"
#include "runtime/report/run_folder.h"
#include "runtime/tools/plan_file.h"
#include "runtime/tools/session.h"

namespace upg::run {

/// At a resume (SEMANTICS R5): whether the plan of the run's folder is not the one that was started, or the file that
/// it was started from holds another plan by now (unless `as_started`). Prints what differs.
bool plan_changed(const report::RunFolder &folder, const machine::Record &started, const PlanFile &found,
                  const SessionOptions &options);

}  // namespace upg::run
