#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/machine/journal.h"

namespace upg::report {

/// What is reported of a run, from its journal alone: works for runs of any state, also of one that was killed.
struct RunSummary {
  std::string status;  // done, stopped, halted, refused, aborted; "interrupted" if the last start has no end
  std::string reason;
  std::int64_t began_ms = 0;
  std::int64_t ended_ms = 0;
};
RunSummary summarize(const std::vector<machine::Record> &records);

/// One action, over all its attempts. Times are 0 where the journal has none.
struct Step {
  struct Command {
    std::string host, text;
    std::int64_t ms = 0;
  };
  std::string key, host, action;
  std::string outcome;  // done, failed, skipped; unknown: started and no end is known
  std::string detail;
  int attempts = 0;
  bool undone = false;
  std::int64_t began_ms = 0, ended_ms = 0;
  std::vector<Command> commands;
};

struct GateWait {
  std::string key, host, gate;
  std::string result;  // passed, failed, open
  std::string answer;  // the last one
  std::int64_t began_ms = 0, ended_ms = 0;
  bool waited = false;                                        // it did not pass at once
  std::vector<std::pair<std::int64_t, std::string>> answers;  // as they changed; the last ones
};

struct HoldSpan {
  std::string key, text, was, because;
  std::int64_t taken_ms = 0, released_ms = 0;
};

struct Outage {
  std::string host, role;
  std::int64_t opened_ms = 0, closed_ms = 0;
};

struct Turn {
  std::string key, host;
  std::int64_t began_ms = 0, ended_ms = 0;
};

/// One controller that drove the run.
struct Session {
  std::string user, pid;
  std::int64_t began_ms = 0, ended_ms = 0;  // the last record that it wrote
};

struct HostFacts {
  struct Boot {
    std::string id;
    std::int64_t ms = 0;
  };
  std::string name, machine_id;
  std::vector<Boot> boots;  // at least the one it was found with
};

struct Confirmation {
  std::int64_t ms = 0;
  std::string who, answer, text;
};

struct Said {
  std::int64_t ms = 0;
  std::string text;
};

/// A journal, put in order for reports.
struct Facts {
  std::vector<Step> steps;
  std::vector<GateWait> gates;
  std::vector<HoldSpan> holds;
  std::vector<Outage> outages;
  std::vector<Turn> turns;
  std::vector<Session> sessions;
  std::vector<HostFacts> hosts;
  std::vector<Confirmation> confirmations;
  std::vector<Said> waivers;
  std::vector<Said> detours;  // attempts, lost hosts, waits for a window, the way back
};
Facts gather(const std::vector<machine::Record> &records);

}  // namespace upg::report
