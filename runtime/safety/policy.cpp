#include "runtime/safety/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace upg::safety {
namespace {

/// The attribute as a comparable text: constants of one kind print alike.
std::string attribute_text(const plan::Plan &plan, plan::HostId host, plan::StringId key) {
  for (const auto &a : plan.hosts[host.index].attributes) {
    if (a.key != key) continue;
    const plan::Node &n = plan.node(a.value);
    return fmt::format("{}:{}:{}", static_cast<int>(n.op), n.a, n.b);
  }
  return {};
}

}  // namespace

bool unlimited(const plan::Plan &, const plan::Role &role) {
  return std::all_of(role.available.begin(), role.available.end(),
                     [](const auto &a) { return a.kind == plan::AvailableKind::may_be_down; });
}

std::string broken_by(const plan::Plan &plan, plan::RoleId id, const std::vector<plan::HostId> &down) {
  const plan::Role &role = plan.roles[id.index];
  const auto &hosts = plan.sets[role.hosts.index].hosts;
  std::set<std::uint32_t> out;
  for (plan::HostId h : down) out.insert(h.index);
  for (plan::HostId h : hosts)
    if (plan.hosts[h.index].out_reason.valid()) out.insert(h.index);
  auto weight = [&](std::size_t i) -> std::uint64_t { return i < role.weights.size() ? role.weights[i] : 1; };

  for (const plan::Available &a : role.available) {
    if (a.kind == plan::AvailableKind::may_be_down) continue;
    if (a.of.valid()) {  // the hosts down have at most `amount` values of the attribute
      std::set<std::string> values;
      for (std::size_t i = 0; i < hosts.size(); ++i)
        if (out.count(hosts[i].index)) values.insert(attribute_text(plan, hosts[i], a.of));
      if (values.size() > a.amount)
        return fmt::format("hosts down in {} values of `{}`, {} allowed", values.size(), plan.text(a.of), a.amount);
      continue;
    }
    std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> groups;  // total and down
    for (std::size_t i = 0; i < hosts.size(); ++i) {
      auto &[total, gone] = groups[a.per.valid() ? attribute_text(plan, hosts[i], a.per) : std::string()];
      total += weight(i);
      if (out.count(hosts[i].index)) gone += weight(i);
    }
    for (const auto &[value, g] : groups) {
      auto [total, gone] = g;
      std::uint64_t need = 0;
      std::string word;
      switch (a.kind) {
        case plan::AvailableKind::quorum:
          need = total / 2 + 1;
          word = "quorum";
          break;
        case plan::AvailableKind::at_least:
          need = a.amount;
          word = fmt::format(">= {}", a.amount);
          break;
        case plan::AvailableKind::at_least_percent:
          need = (total * a.amount + 99'999'999) / 100'000'000;
          word = fmt::format(">= {}%", a.amount / 1'000'000);
          break;
        default:
          need = total > a.amount ? total - a.amount : 0;
          word = fmt::format("all but {}", a.amount);
      }
      if (total - std::min(total, gone) < need)
        return fmt::format("{}: {} of {} up, {} needed", word, total - std::min(total, gone), total, need);
    }
  }
  return {};
}

}  // namespace upg::safety
