#include "runtime/plan/validator.h"

namespace upg::plan::checks {
namespace {
constexpr std::array<std::string_view, Uses::kinds> kTables = {"procedures", "probes",  "states", "sets",
                                                               "gates",      "actions", "holds"};
}

Uses::Uses(const Plan &plan) {
  const std::array<std::size_t, kinds> sizes = {plan.procedures.size(), plan.probes.size(), plan.states.size(),
                                                plan.sets.size(),       plan.gates.size(),  plan.actions.size(),
                                                plan.holds.size()};
  for (std::size_t k = 0; k < kinds; ++k) base_[k + 1] = base_[k] + static_cast<std::uint32_t>(sizes[k]);
}

std::pair<std::string_view, std::size_t> Uses::where(std::uint32_t number) const {
  std::size_t kind = 0;
  while (number >= base_[kind + 1]) ++kind;
  return {kTables[kind], number - base_[kind]};
}

/// Depth first, iterative: a declaration that is met while it is still open uses itself.
bool Uses::check(Report &report) const {
  const std::size_t n = base_[kinds];
  std::vector<std::uint32_t> first(n + 1, 0);
  for (const auto &[user, used] : edges_) ++first[user + 1];
  for (std::size_t i = 0; i < n; ++i) first[i + 1] += first[i];
  std::vector<std::uint32_t> targets(edges_.size());
  std::vector<std::uint32_t> cursor(first.begin(), first.end() - 1);
  for (const auto &[user, used] : edges_) targets[cursor[user]++] = used;

  enum : std::uint8_t { fresh, open, done };
  std::vector<std::uint8_t> color(n, fresh);
  std::vector<std::uint32_t> length(n, 1);  // of the longest chain that begins here
  cursor.assign(first.begin(), first.end() - 1);
  std::vector<std::uint32_t> stack;
  for (std::uint32_t root = 0; root < n; ++root) {
    if (color[root] != fresh) continue;
    color[root] = open;
    stack.push_back(root);
    while (!stack.empty()) {
      const std::uint32_t at = stack.back();
      if (cursor[at] == first[at + 1]) {
        color[at] = done;
        stack.pop_back();
        if (length[at] > Limits::depth) {
          const auto [table, index] = where(at);
          return report.fail(NodeId(), "{}[{}]: the chain of what it uses is longer than {}", table, index,
                             Limits::depth);
        }
        if (!stack.empty() && length[stack.back()] <= length[at]) length[stack.back()] = length[at] + 1;
        continue;
      }
      const std::uint32_t to = targets[cursor[at]++];
      if (color[to] == open) {
        const auto [table, index] = where(to);
        return report.fail(NodeId(), "{}[{}] uses itself, directly or through others", table, index);
      }
      if (color[to] == done) {
        if (length[at] <= length[to]) length[at] = length[to] + 1;
        continue;
      }
      color[to] = open;
      stack.push_back(to);
    }
  }
  return true;
}

}  // namespace upg::plan::checks
