#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/report/facts.h"

/// What the parts of a report's page share.
namespace upg::report {

/// Made from page.css.
extern const std::string_view page_style;

/// Text as HTML: what is no plain text is shown escaped, so that nothing that a host said is ever markup, a control
/// sequence or a change of direction. Lines stay lines.
std::string html(std::string_view text);
/// The same, cut after about `most` bytes.
std::string html_cut(std::string_view text, std::size_t most);

/// Where an action stands on the page.
std::string step_anchor(std::size_t step);

/// Of a time in a run: "20:14:03", with the day if the run is longer than one.
class Times {
 public:
  explicit Times(const RunSummary &run) : days_(run.ended_ms - run.began_ms > 20 * 3'600'000) {}
  std::string operator()(std::int64_t unix_ms) const;

 private:
  bool days_;
};

/// The timeline: a lane for each host, one for what concerns none, one for the holds. Times without a controller are
/// drawn shorter than they were.
std::string html_timeline(const Facts &facts, const RunSummary &run);

}  // namespace upg::report
