#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "runtime/diagnostics/diagnostic.h"
#include "runtime/diagnostics/explain.h"
#include "runtime/diagnostics/sources.h"

namespace upg::diagnostics {

/// A finding that the author has accepted.
struct AcceptedRisk {
  Diagnostic finding;  // as it would be without the waiver
  std::string reason;
  Range waiver;
};

/// What the formats for other programs are made of.
struct Findings {
  const Sink &sink;
  const Sources &sources;
  std::string_view input;              // the file that was judged, as given
  std::string_view tool = "upgc";      // its name
  std::string_view version;            // "0.1.0"
  std::span<const Explanation> pages;  // what the kinds mean
  std::span<const AcceptedRisk> accepted;
};

/// SARIF 2.1.0: rules with their pages, fingerprints, other places, schedules as code flows, fixes, accepted risks as
/// suppressed results. Columns count code points. Bytes that are not UTF-8 become U+FFFD.
std::string render_sarif(const Findings &findings);

/// Workflow commands of GitHub Actions, one line for each finding: they become annotations of a pull request.
std::string render_github(const Findings &findings);

/// GitLab's code quality report. Fingerprints stay the same when lines move.
std::string render_gitlab(const Findings &findings);

/// JUnit XML: one suite for the file, a failed case for each error; a clean file is one case that passed.
std::string render_junit(const Findings &findings);

}  // namespace upg::diagnostics
