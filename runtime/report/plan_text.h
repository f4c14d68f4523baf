#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/plan/opcodes.h"
#include "runtime/plan/plan.h"

namespace upg::report {

/// "2h30m", "10s", "1m30s", "250ms", "0s".
std::string duration_text(std::int64_t ms);
/// "20 KB", "5 GB", "3 GiB" where it is a whole number of that unit, else bytes.
std::string size_text(std::int64_t bytes);
/// A day, "2026-12-31", from seconds since 1970.
std::string day_text(std::int64_t seconds);

/// Trees of a valid plan in the words of the language. What comes out holds no control characters and is cut when it
/// grows too long. Slots print as `names` (the arguments of a call) or, where those end, as the frame calls them.
class PlanText {
 public:
  PlanText(const plan::Plan &plan, const plan::Frame &frame, std::vector<std::string> names = {})
      : plan_(plan), frame_(frame), names_(std::move(names)) {}

  /// Expressions, gates, holds, cells, targets, requirements, effects.
  std::string text(plan::NodeId node) const;
  /// "(a, b)" from the children of a use; nothing without children.
  std::string arguments(plan::NodeId use) const;
  std::vector<std::string> argument_list(plan::NodeId use) const;
  /// What a `run` or `shell` node executes, as a shell would read it, without the host.
  std::string command_line(plan::NodeId node) const;
  /// "on node1", "on any db.arbiter", "on the machine that runs upgrun".
  std::string where(plan::NodeId run_or_shell) const;
  /// Its options in words: "exits 0, 2", "as root", "standard input from secret become"; empty if it has none.
  std::string options(plan::NodeId run_or_shell) const;
  std::string slot(std::uint32_t index) const;

 private:
  friend class Speaker;
  const plan::Plan &plan_;
  const plan::Frame &frame_;
  std::vector<std::string> names_;
};

/// A string of the plan made fit to print: nothing that acts on a terminal, one line, cut at `most` bytes.
std::string shown(std::string_view text, std::size_t most = 400);

}  // namespace upg::report
