#pragma once
#include <string>

#include "runtime/journal/sqlite_journal.h"
#include "runtime/report/run_folder.h"

namespace upg::run {

/// The journal of the run, with its problem if it is not whole or not there though the run has begun.
journal::Reading journal_of(const report::RunFolder &folder);

/// What is the matter with a journal that has a problem, and what is kept of it. Some lines.
std::string damage_text(const report::RunFolder &folder, const journal::Reading &reading);

}  // namespace upg::run
