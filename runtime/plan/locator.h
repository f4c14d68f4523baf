#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/plan/plan.h"

namespace upg::plan {

/// Lines and columns of the plan's own source files: 1-based, columns in code points. The plan must be valid and
/// outlive this.
class Locator {
 public:
  explicit Locator(const Plan &plan);
  struct Position {
    std::uint32_t line = 0;
    std::uint32_t column = 0;
  };
  Position position(std::uint32_t file, std::uint32_t byte) const;
  /// "plan.upg:3:5", the path as it stands in the plan; empty for a span that is none.
  std::string start(const Span &span) const;
  /// "plan.upg:3:5-4:2"
  std::string range(const Span &span) const;

 private:
  static constexpr std::uint32_t stride = 256;
  struct Lines {
    std::vector<std::uint32_t> starts;   // byte of each line's first character
    std::vector<std::uint32_t> columns;  // every `stride` bytes: code points since the start of the line
  };
  const Plan *plan_;
  std::vector<Lines> files_;
};

}  // namespace upg::plan
