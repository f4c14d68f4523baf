#pragma once
#include <string>

#include "runtime/machine/journal.h"

namespace upg::report {

/// The record as one line for a person, without time; empty for records that only the journal needs.
std::string tell(const machine::Record &record);

/// "20:14:03" of a time, in the local zone.
std::string clock_time(std::int64_t unix_ms);
/// "2026-12-01 20:14:03 CET".
std::string date_time(std::int64_t unix_ms);
/// "2m05s", "3.2s".
std::string duration(std::int64_t ms);
/// Text of a remote tool or of a plan, safe for a terminal: control characters are shown escaped.
std::string printable(std::string_view text);
/// The same of a text whose lines stay lines.
std::string printable_lines(std::string_view text);

}  // namespace upg::report
