#pragma once
#include <string>

#include "runtime/diagnostics/diagnostic.h"
#include "runtime/diagnostics/sources.h"

namespace upg::diagnostics {

/// Version of the form below. Fields may be added under the same number; none is removed or changes its meaning.
inline constexpr int kJsonSchemaVersion = 1;

/// All diagnostics of a sink as one JSON document with a line feed at its end:
///
///   {"schema": "upg.diagnostics", "version": 1, "errors": 1, "warnings": 0, "dropped": 0, "diagnostics": [
///     {"code": "E1101", "kind": "avail", "severity": "error", "message": "...",
///      "location": LOCATION or null, "label": "...",
///      "labels": [{"location": LOCATION or null, "text": "..."}],
///      "notes": ["..."], "helps": ["..."],
///      "fixes": [{"title": "...", "edits": [{"location": LOCATION, "replacement": "..."}]}],
///      "schedule": [{"host": "node1" or null, "text": "...", "location": LOCATION or null}]}]}
///
///   LOCATION = {"file": "a.upg", "begin": POSITION, "end": POSITION}, end exclusive
///   POSITION = {"byte": 0-based, "line": 1-based, "column": 1-based, in code points}
///
/// "dropped" counts diagnostics that were found but not listed. Bytes that are not UTF-8 become U+FFFD.
std::string render_json(const Sink &sink, const Sources &sources);

}  // namespace upg::diagnostics
