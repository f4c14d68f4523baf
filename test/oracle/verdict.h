#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/plan/nodes.h"

namespace upg::oracle {

enum class Rule : std::uint8_t {
#define X(name, structural) name,
#include "test/oracle/rules.def"
  count_
};
inline constexpr std::size_t rule_count = static_cast<std::size_t>(Rule::count_);
std::string_view name_of(Rule rule);
/// Marked (*) in section 3: judged by its definition, and assumed by what is exact about the others.
bool structural(Rule rule);
std::optional<Rule> rule_named(std::string_view name);

/// A predicate that breaks: where, and a schedule with the fewest steps.
struct Finding {
  std::string what;
  plan::Span where;
  std::vector<std::string> schedule;
};

struct Verdict {
  bool complete = true;  // false: a limit was met, the rest was not looked at
  std::size_t states = 0;
  bool dead_steps = false;  // an action or await that no schedule starts, or an `unless` that none skips
  std::array<std::optional<Finding>, rule_count> findings;
  std::array<bool, rule_count> joined{};  // breaks where the page joins configurations, and perhaps in none of them

  bool breaks(Rule rule) const { return findings[static_cast<std::size_t>(rule)].has_value(); }
  bool sound() const;
  bool structure_holds() const;
};

}  // namespace upg::oracle
