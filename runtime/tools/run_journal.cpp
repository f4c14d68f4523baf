#include "runtime/tools/run_journal.h"

#include <fmt/format.h>

#include "runtime/report/tell.h"

namespace upg::run {

journal::Reading journal_of(const report::RunFolder &folder) {
  journal::Reading reading = journal::SqliteJournal::examine(folder.file("journal.sqlite"));
  if (reading.problem.empty() && reading.records.empty() && folder.has_run())
    reading.problem = "it says nothing, but the run has begun: there is a log or output of it";
  return reading;
}

std::string damage_text(const report::RunFolder &folder, const journal::Reading &reading) {
  std::string text = fmt::format("{}: {}\n", folder.file("journal.sqlite"), reading.problem);
  if (reading.records.empty())
    text += "  kept    nothing that can be read\n";
  else
    text += fmt::format(
        "  kept    records 1 to {}, the last of {}{}\n", reading.records.size(),
        report::clock_time(reading.records.back().unix_ms),
        reading.known > reading.records.size() ? fmt::format(", of {} or more", reading.known) : std::string());
  return text;
}

}  // namespace upg::run
