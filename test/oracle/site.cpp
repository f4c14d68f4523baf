// Hosts, roles, budgets, orders and ranks of the ground plan.
#include <algorithm>
#include <map>

#include "runtime/plan/opcodes.h"
#include "test/oracle/grounder.h"

namespace upg::oracle {

using plan::AvailableKind;

void Grounder::site() {
  const std::size_t n = plan_.hosts.size();
  if (n > word) throw TooMuch("more hosts than the oracle counts");
  for (std::size_t h = 0; h < n; ++h) {
    out_.host_names.emplace_back(plan_.text(plan_.hosts[h].name));
    if (plan_.hosts[h].out_reason.valid()) out_.out |= one(h);
  }
  out_.via.assign(n, 0);
  for (std::size_t h = 0; h < n; ++h) {
    for (const plan::HostId v : plan_.hosts[h].via) out_.via[h] |= one(v.index);
  }
  for (std::size_t round = 0; round < n; ++round) {
    for (std::size_t h = 0; h < n; ++h) {
      for (std::size_t v = 0; v < n; ++v) {
        if (has(out_.via[h], v)) out_.via[h] |= out_.via[v];
      }
    }
  }
  out_.repair = plan_.kind == plan::PlanKind::repair;
}

void Grounder::roles() {
  const std::size_t n = plan_.hosts.size();
  out_.pairs_of_host.assign(n, 0);
  for (std::size_t r = 0; r < plan_.roles.size(); ++r) {
    Role role;
    role.name = plan_.text(plan_.roles[r].name);
    role.pair_of.resize(n);
    role.serial = plan_.roles[r].serial;
    role.alive = plan_.roles[r].boot.valid();
    for (std::size_t h = 0; h < n; ++h) {
      const auto &carried = plan_.hosts[h].roles;
      if (std::find(carried.begin(), carried.end(), plan::RoleId(r)) == carried.end()) continue;
      if (out_.pairs.size() == word) throw TooMuch("more hosts and roles than the oracle counts");
      role.pair_of[h] = out_.pairs.size();
      if (!has(out_.out, h)) role.pairs |= one(out_.pairs.size());
      out_.pairs_of_host[h] |= one(out_.pairs.size());
      out_.pairs.push_back({h, r});
    }
    out_.roles.push_back(std::move(role));
  }
}

std::string Grounder::attribute(std::size_t host, plan::StringId name) const {
  for (const plan::Attribute &a : plan_.hosts[host].attributes) {
    if (plan_.text(a.key) == plan_.text(name)) return evaluate(plan_, a.value, {}).text;
  }
  return "";
}

void Grounder::budgets() {
  for (std::size_t r = 0; r < plan_.roles.size(); ++r) {
    const plan::Role &record = plan_.roles[r];
    const auto &hosts = plan_.sets[record.hosts.index].hosts;
    bool bounded = false;
    for (const plan::Available &line : record.available) {
      if (line.kind == AvailableKind::may_be_down) continue;
      bounded = true;
      std::map<std::string, std::vector<std::size_t>> groups;  // `per`: one budget for each
      for (std::size_t i = 0; i < hosts.size(); ++i)
        groups[line.per.valid() ? attribute(hosts[i].index, line.per) : ""].push_back(i);
      for (const auto &[value, members] : groups) {
        Budget budget;
        budget.role = r;
        budget.grouped = line.of.valid();
        std::int64_t total = 0;
        std::map<std::string, Hosts> distinct;
        for (const std::size_t i : members) {
          const std::size_t h = hosts[i].index;
          const bool votes = line.kind == AvailableKind::quorum && !record.weights.empty();
          const std::int64_t weight = votes ? record.weights[i] : 1;
          total += weight;
          if (line.of.valid()) {
            distinct[attribute(h, line.of)] |= one(h);
          } else {
            budget.weights.emplace_back(one(h), weight);
          }
        }
        for (const auto &[attribute_value, together] : distinct) budget.weights.emplace_back(together, 1);
        switch (line.kind) {
          case AvailableKind::quorum:
            budget.amount = total - total / 2 - 1;
            break;
          case AvailableKind::at_least:
            budget.amount = total - line.amount;
            break;
          case AvailableKind::at_least_percent:
            budget.amount = total - (total * line.amount + 999999) / 1000000;
            break;
          default:
            budget.amount = line.amount;
        }
        // A host declared out is down from the start.
        for (auto &[together, weight] : budget.weights) {
          if ((together & out_.out) == 0) continue;
          budget.amount -= weight;
          weight = 0;
        }
        if (out_.repair && budget.amount < 0) budget.amount = 0;
        budget.text = out_.roles[r].name + (value.empty() ? "" : " per " + value);
        out_.budgets.push_back(std::move(budget));
      }
    }
    out_.roles[r].unlimited = !bounded;
  }
}

void Grounder::policies() {
  for (const plan::Order &order : plan_.orders) {
    Ordering o;
    o.on_each_host = order.on_each_host;
    for (const plan::RoleGroup &group : order.groups) {
      Pairs pairs = 0;
      for (const plan::RoleId role : group.roles) {
        for (const auto &pair : out_.roles[role.index].pair_of) {
          if (pair) pairs |= one(*pair);
        }
      }
      o.groups.push_back(pairs);
    }
    out_.orders.push_back(std::move(o));
  }
  for (const plan::Rank &rank : plan_.ranks) {
    std::vector<std::int32_t> by_host(plan_.hosts.size(), -1);
    for (std::size_t i = 0; i < rank.roles.size(); ++i) {
      for (std::size_t h = 0; h < by_host.size(); ++h) {
        if (out_.roles[rank.roles[i].index].pair_of[h]) by_host[h] = static_cast<std::int32_t>(i);
      }
    }
    out_.ranks.push_back(std::move(by_host));
  }
  out_.stoppable_of.resize(out_.pairs.size());
  for (std::size_t p = 0; p < out_.pairs.size(); ++p) {
    const plan::Role &role = plan_.roles[out_.pairs[p].role];
    const auto instance = [&](plan::GateId id) {
      Slots args;
      if (!plan_.gates[id.index].frame.parameters.empty()) args.push_back(host_value(out_.pairs[p].host));
      return gate(id, args);
    };
    if (role.health.valid()) out_.gates[instance(role.health)].health_of |= one(p);
    if (role.stoppable.valid()) out_.stoppable_of[p] = instance(role.stoppable);
  }
}

}  // namespace upg::oracle
