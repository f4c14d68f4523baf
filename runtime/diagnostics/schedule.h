#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/diagnostics/diagnostic.h"
#include "runtime/diagnostics/sources.h"

namespace upg::diagnostics {

/// Version of the form below. Fields may be added under the same number; none is removed or changes its meaning.
inline constexpr int kScheduleSchemaVersion = 1;

/// The schedules of all diagnostics that have one, as one JSON document with a line feed at its end:
///
///   {"schema": "upg.schedule", "version": 1, "rejections": [
///     {"code": "E1001", "kind": "rule_avail", "message": "...", "file": "a.upg" or null, "line": 12 or null,
///      "steps": [{"kind": "start", "key": "body/2[node1]/0", "node": 17 or null, "host": "node1" or null, "text":
///      "...",
///                 "file": "a.upg" or null, "line": 14 or null}]}]}
///
/// `kind` is told | start | end | pass | admit | leave | pause | choice | finish; `key` is the step key that a run's
/// journal would have, `node` the index of the statement in the plan. A `told` step is words only.
std::string render_schedules(const Sink &sink, const Sources &sources);

/// One rejection as the document has it.
struct ReadSchedule {
  std::string code;
  std::string kind;
  std::string message;
  std::vector<ScheduleStep> steps;  // without places
};
/// Nothing, with the reason in `problem`, if the text is no such document.
std::optional<std::vector<ReadSchedule>> read_schedules(std::string_view text, std::string &problem);

/// "start", "pass", ...
std::string_view name_of(Cue::Kind kind);

}  // namespace upg::diagnostics
