#include "test/oracle/verdict.h"

namespace upg::oracle {
namespace {

struct Row {
  std::string_view name;
  bool structural;
};
constexpr Row rows[] = {
#define X(name, structural) {#name, structural},
#include "test/oracle/rules.def"
};

}  // namespace

std::string_view name_of(Rule rule) { return rows[static_cast<std::size_t>(rule)].name; }
bool structural(Rule rule) { return rows[static_cast<std::size_t>(rule)].structural; }
std::optional<Rule> rule_named(std::string_view name) {
  for (std::size_t i = 0; i < rule_count; ++i) {
    if (rows[i].name == name) return static_cast<Rule>(i);
  }
  return std::nullopt;
}

bool Verdict::sound() const {
  for (const auto &finding : findings) {
    if (finding) return false;
  }
  return true;
}
bool Verdict::structure_holds() const {
  for (std::size_t i = 0; i < rule_count; ++i) {
    if (findings[i] && structural(static_cast<Rule>(i))) return false;
  }
  return true;
}

}  // namespace upg::oracle
