#include "runtime/simulate/policy.h"

#include <algorithm>
#include <limits>
#include <map>

namespace upg::simulate {

std::vector<Weight> weigh(const Reader &reader, RoleIndex role, const plan::Available &line,
                          const std::set<HostIndex> &down) {
  const plan::Plan &plan = reader.plan();
  const plan::Role &r = plan.roles[role];
  const std::vector<plan::HostId> &hosts = plan.sets[r.hosts.index].hosts;
  const auto attribute = [&](HostIndex h, plan::StringId name) {
    for (const plan::Attribute &a : plan.hosts[h].attributes)
      if (a.key == name) return machine::show(reader.value(a.value, {}));
    return std::string();
  };
  struct Sum {
    std::uint64_t total = 0, out = 0, down = 0;
    std::set<std::string> all, gone, lost;  // for `of`
  };
  std::map<std::string, Sum> groups;
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    const HostIndex h = hosts[i].index;
    const bool votes = line.kind == plan::AvailableKind::quorum && i < r.weights.size();
    const std::uint64_t weight = votes ? r.weights[i] : 1;
    Sum &sum = groups[line.per.valid() ? attribute(h, line.per) : std::string()];
    const bool gone = down.count(h) != 0;
    sum.total += weight;
    if (reader.out(h))
      sum.out += weight;
    else if (gone)
      sum.down += weight;
    if (!line.of.valid()) continue;
    const std::string domain = attribute(h, line.of);
    sum.all.insert(domain);
    if (reader.out(h)) sum.gone.insert(domain);
    if (gone || reader.out(h)) sum.lost.insert(domain);
  }
  std::vector<Weight> out;
  for (auto &[group, sum] : groups) {
    std::uint64_t budget = std::numeric_limits<std::uint64_t>::max();
    if (line.of.valid()) {
      sum.total = sum.all.size();
      sum.out = sum.gone.size();
      sum.down = sum.lost.size() - sum.gone.size();
    }
    switch (line.kind) {
      case plan::AvailableKind::quorum:
        budget = sum.total - sum.total / 2 - 1;
        break;
      case plan::AvailableKind::at_least:
        budget = sum.total - std::min<std::uint64_t>(sum.total, line.amount);
        break;
      case plan::AvailableKind::at_least_percent:
        budget = sum.total - (sum.total * line.amount + 999'999) / 1'000'000;
        break;
      case plan::AvailableKind::all_but:
        budget = line.amount;
        break;
      default:
        break;
    }
    out.push_back({group, sum.total, sum.down + sum.out, sum.out, budget});
  }
  return out;
}

bool limited(const plan::Plan &plan, RoleIndex role) {
  if (role >= plan.roles.size()) return false;
  const std::vector<plan::Available> &lines = plan.roles[role].available;
  return std::any_of(lines.begin(), lines.end(),
                     [](const plan::Available &a) { return a.kind != plan::AvailableKind::may_be_down; });
}

bool exceeded(const Reader &reader, RoleIndex role, const std::set<HostIndex> &down) {
  for (const plan::Available &line : reader.plan().roles[role].available) {
    if (line.kind == plan::AvailableKind::may_be_down) continue;
    for (const Weight &w : weigh(reader, role, line, down))
      if (w.exceeded()) return true;
  }
  return false;
}

}  // namespace upg::simulate
