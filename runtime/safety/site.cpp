#include "runtime/safety/site.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "runtime/plan/opcodes.h"

namespace upg::safety {
namespace {

constexpr std::uint64_t kMillion = 1'000'000;

/// What two hosts must share to be of one class; a flat list of numbers, each part closed by kNone.
using Signature = std::vector<std::uint32_t>;

}  // namespace

std::string constant_text(const plan::Plan &plan, plan::NodeId node) {
  using plan::Immediate;
  const plan::Node &n = plan.node(node);
  const plan::OpInfo &row = plan::info(n.op);
  std::string out(row.name);
  if (row.a == Immediate::string) {
    out += ':';
    out += plan.strings[n.a];
  } else if (row.a == Immediate::integer) {
    out += ':' + std::to_string(plan.integers[n.a]);
  } else if (row.a != Immediate::unused) {
    out += ':' + std::to_string(n.a);
  }
  if (n.count != 0) {
    out += '(';
    for (const plan::NodeId kid : plan.kids(node)) out += constant_text(plan, kid) + ',';
    out += ')';
  }
  return out;
}

Site::Site(const plan::Plan &plan) : plan_(&plan) {
  alive_ = static_cast<RoleIx>(plan.roles.size());
  for (std::size_t r = 0; r < plan.roles.size(); ++r) {
    if (plan.roles[r].boot.valid()) alive_ = static_cast<RoleIx>(r);
  }
  fold();
  connect();
  add_budgets();
}

std::string_view Site::role_name(RoleIx role) const {
  return role < plan_->roles.size() ? plan_->text(plan_->roles[role].name) : std::string_view("alive");
}

std::string Site::attribute(plan::HostId id, plan::StringId key) const {
  for (const plan::Attribute &a : plan_->hosts[id.index].attributes) {
    if (a.key == key || plan_->text(a.key) == plan_->text(key)) return constant_text(*plan_, a.value);
  }
  return {};
}

void Site::fold() {
  const plan::Plan &p = *plan_;
  const std::size_t n = p.hosts.size();
  std::vector<Signature> signature(n);
  std::vector<bool> single(n, false);
  for (const plan::Node &node : p.nodes) {
    if (node.op == plan::Op::host && node.a < n) single[node.a] = true;
  }
  for (const plan::Host &host : p.hosts) {
    for (const plan::HostId via : host.via) single[via.index] = true;
  }
  std::set<plan::StringId> keys;  // attributes that some budget or batch counts by
  for (const plan::Role &role : p.roles) {
    for (const plan::Available &line : role.available) {
      if (line.per.valid()) keys.insert(line.per);
      if (line.of.valid()) keys.insert(line.of);
    }
  }
  for (const plan::Rollout &rollout : p.rollouts) {
    if (rollout.per.valid()) keys.insert(rollout.per);
  }
  std::map<std::string, std::uint32_t> values;
  for (std::size_t h = 0; h < n; ++h) {
    const plan::Host &host = p.hosts[h];
    Signature &s = signature[h];
    for (const plan::RoleId r : host.roles) s.push_back(r.index);
    s.push_back(kNone);
    for (const plan::HostId v : host.via) s.push_back(v.index);
    s.push_back(kNone);
    s.push_back(host.guest_of.index);
    s.push_back(host.out_reason.valid() ? 1 : 0);
    for (const plan::StringId key : keys) {
      auto [it, fresh] = values.try_emplace(attribute(plan::HostId(h), key), static_cast<std::uint32_t>(values.size()));
      s.push_back(it->second);
    }
    s.push_back(kNone);
  }
  for (std::size_t set = 0; set < p.sets.size(); ++set) {
    for (const plan::HostId h : p.sets[set].hosts) signature[h.index].push_back(static_cast<std::uint32_t>(set));
  }
  for (Signature &s : signature) s.push_back(kNone);
  for (const plan::Role &role : p.roles) {
    if (role.weights.empty() || !role.hosts.valid()) continue;
    const std::vector<plan::HostId> &hosts = p.sets[role.hosts.index].hosts;
    for (std::size_t i = 0; i < hosts.size() && i < role.weights.size(); ++i) {
      signature[hosts[i].index].push_back(role.weights[i]);
    }
  }
  for (Signature &s : signature) s.push_back(kNone);
  for (std::size_t r = 0; r < p.rollouts.size(); ++r) {
    const plan::Rollout &rollout = p.rollouts[r];
    if (rollout.canary == 0 || !rollout.hosts.valid()) continue;
    const std::vector<plan::HostId> &hosts = p.sets[rollout.hosts.index].hosts;
    for (std::size_t i = 0; i < hosts.size() && i < rollout.canary; ++i) {
      signature[hosts[i].index].push_back(static_cast<std::uint32_t>(r));
    }
  }
  for (std::size_t h = 0; h < n; ++h) {
    if (single[h]) signature[h].push_back(static_cast<std::uint32_t>(h));
  }

  std::map<Signature, std::uint32_t> classes;
  class_of_.resize(n);
  for (std::size_t h = 0; h < n; ++h) {
    auto [it, fresh] = classes.try_emplace(std::move(signature[h]), static_cast<std::uint32_t>(members_.size()));
    if (fresh) members_.emplace_back();
    class_of_[h] = it->second;
    members_[it->second].push_back(plan::HostId(h));
  }
  kept_.assign(n, kNone);
  for (std::size_t h = 0; h < n; ++h) {
    const std::vector<plan::HostId> &same = members_[class_of_[h]];
    const bool last = same.back().index == h;
    if (!last && same[0].index != h && same[1].index != h) continue;
    SiteHost kept;
    kept.id = plan::HostId(h);
    kept.cls = class_of_[h];
    kept.many = last && same.size() > 2 ? same.size() - 2 : 1;
    kept.out = p.hosts[h].out_reason.valid();
    for (const plan::RoleId r : p.hosts[h].roles) kept.roles.push_back(r.index);
    if (std::find(kept.roles.begin(), kept.roles.end(), alive_) == kept.roles.end()) kept.roles.push_back(alive_);
    std::sort(kept.roles.begin(), kept.roles.end());
    kept.roles.erase(std::unique(kept.roles.begin(), kept.roles.end()), kept.roles.end());
    kept.first_pair = static_cast<PairIx>(pair_host_.size());
    kept_[h] = static_cast<HostIx>(hosts_.size());
    pair_host_.insert(pair_host_.end(), kept.roles.size(), static_cast<HostIx>(hosts_.size()));
    hosts_.push_back(std::move(kept));
  }
}

void Site::connect() {
  const plan::Plan &p = *plan_;
  role_hosts_.resize(std::max<std::size_t>(p.roles.size(), alive_ + std::size_t{1}));
  for (HostIx h = 0; h < hosts_.size(); ++h) {
    for (const RoleIx r : hosts_[h].roles) role_hosts_[r].push_back(h);
  }
  std::vector<std::vector<HostIx>> guests_of_role(role_hosts_.size());
  for (HostIx h = 0; h < hosts_.size(); ++h) {
    const plan::RoleId carrier = p.hosts[hosts_[h].id.index].guest_of;
    if (carrier.valid()) guests_of_role[carrier.index].push_back(h);
  }
  for (HostIx h = 0; h < hosts_.size(); ++h) {
    std::vector<HostIx> todo;
    for (const plan::HostId v : p.hosts[hosts_[h].id.index].via) todo.push_back(kept_[v.index]);
    std::vector<HostIx> &via = hosts_[h].via;
    while (!todo.empty()) {
      const HostIx v = todo.back();
      todo.pop_back();
      if (std::find(via.begin(), via.end(), v) != via.end()) continue;
      via.push_back(v);
      for (const plan::HostId next : p.hosts[hosts_[v].id.index].via) todo.push_back(kept_[next.index]);
    }
    std::sort(via.begin(), via.end());

    std::vector<bool> seen;  // allocated only where there are guests at all
    const auto visit = [&](HostIx carrier) {
      for (const RoleIx r : hosts_[carrier].roles) {
        for (const HostIx g : guests_of_role[r]) {
          if (seen.empty()) seen.assign(hosts_.size(), false);
          if (g == h || seen[g]) continue;
          seen[g] = true;
          hosts_[h].guests.push_back(g);
        }
      }
    };
    visit(h);
    for (std::size_t i = 0; i < hosts_[h].guests.size(); ++i) visit(hosts_[h].guests[i]);
    std::sort(hosts_[h].guests.begin(), hosts_[h].guests.end());
  }
}

std::vector<HostIx> Site::kept(plan::SetId set) const {
  std::vector<HostIx> out;
  if (!set.valid()) return out;
  const std::vector<plan::HostId> &hosts = plan_->sets[set.index].hosts;
  // The order of the set may differ from the inventory's: first, second and last are taken as the set has them, so that
  // every pair of classes that can follow one another in the full order does so in the kept one.
  std::map<std::uint32_t, std::vector<std::size_t>> places;
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    std::vector<std::size_t> &seen = places[class_of_[hosts[i].index]];
    if (seen.size() < 3)
      seen.push_back(i);
    else
      seen[2] = i;
  }
  std::vector<std::pair<std::size_t, HostIx>> order;
  for (const auto &[cls, seen] : places) {
    const std::vector<plan::HostId> &same = members_[cls];
    const plan::HostId stand_ins[3] = {same.front(), same.size() > 1 ? same[1] : same.front(), same.back()};
    for (std::size_t i = 0; i < seen.size(); ++i) order.emplace_back(seen[i], kept_[stand_ins[i].index]);
  }
  std::sort(order.begin(), order.end());
  for (const auto &[place, host] : order) out.push_back(host);
  return out;
}

PairIx Site::pair(HostIx h, RoleIx r) const {
  const std::vector<RoleIx> &roles = hosts_[h].roles;
  const auto it = std::lower_bound(roles.begin(), roles.end(), r);
  if (it == roles.end() || *it != r) return kNone;
  return hosts_[h].first_pair + static_cast<PairIx>(it - roles.begin());
}

void Site::add_budgets() {
  const plan::Plan &p = *plan_;
  guarded_.assign(role_hosts_.size(), false);
  for (RoleIx r = 0; r < p.roles.size(); ++r) {
    const plan::Role &role = p.roles[r];
    if (!role.hosts.valid()) continue;
    const std::vector<plan::HostId> &hosts = p.sets[role.hosts.index].hosts;
    for (const plan::Available &line : role.available) {
      if (line.kind == plan::AvailableKind::may_be_down) continue;
      guarded_[r] = true;
      std::map<std::string, std::vector<std::uint32_t>> groups;
      for (std::uint32_t i = 0; i < hosts.size(); ++i) {
        groups[line.per.valid() ? attribute(hosts[i], line.per) : std::string()].push_back(i);
      }
      for (const auto &[group, positions] : groups) add_budget(r, line, group, hosts, positions);
    }
    if (role.serial) {
      guarded_[r] = true;
      Budget serial;
      serial.role = r;
      serial.budget = 1;
      std::vector<std::pair<HostIx, std::uint64_t>> ones;
      for (const HostIx h : role_hosts_[r]) ones.emplace_back(h, 1);
      serial.weight.assign(std::move(ones));
      serial.total = hosts.size();
      budgets_.push_back(std::move(serial));
    }
  }
}

void Site::add_budget(RoleIx role, const plan::Available &line, std::string group, std::span<const plan::HostId> hosts,
                      std::span<const std::uint32_t> positions) {
  const plan::Role &r = plan_->roles[role];
  Budget b;
  b.role = role;
  b.line = &line;
  b.group = std::move(group);
  const bool votes = line.kind == plan::AvailableKind::quorum;
  std::uint64_t n = 0;
  std::set<std::string> domains, domains_out;
  std::map<std::string, std::uint32_t> domain_ids;
  std::vector<std::pair<HostIx, std::uint64_t>> weights;
  std::vector<std::pair<HostIx, std::uint32_t>> values;
  for (const std::uint32_t i : positions) {
    const std::uint64_t w = votes && i < r.weights.size() ? r.weights[i] : 1;
    const bool out = plan_->hosts[hosts[i].index].out_reason.valid();
    n += w;
    if (out) b.out += w;
    const HostIx h = kept_[hosts[i].index];
    if (h != kNone && !out) weights.emplace_back(h, w);
    if (line.of.valid()) {
      const std::string value = attribute(hosts[i], line.of);
      domains.insert(value);
      if (out) domains_out.insert(value);
      auto [it, fresh] = domain_ids.try_emplace(value, static_cast<std::uint32_t>(domain_ids.size()));
      if (h != kNone) values.emplace_back(h, it->second);
    }
  }
  b.total = n;
  if (line.of.valid()) {
    b.total = domains.size();
    b.out = domains_out.size();
    for (auto &[h, w] : weights) {
      if (w == 0) continue;
      w = !domains_out.empty() && domains_out.contains(attribute(hosts_[h].id, line.of)) ? 0
                                                                                         : 1;  // 0: its group is down
    }
  }
  b.weight.assign(std::move(weights));
  b.domain.assign(std::move(values));
  std::uint64_t may = 0;
  std::uint64_t need = 0;
  switch (line.kind) {
    case plan::AvailableKind::quorum:
      may = n == 0 ? 0 : n - n / 2 - 1;
      break;
    case plan::AvailableKind::at_least:
      need = line.amount;
      may = n > need ? n - need : 0;
      break;
    case plan::AvailableKind::at_least_percent:
      need = (n * line.amount + kMillion - 1) / kMillion;
      may = n > need ? n - need : 0;
      break;
    case plan::AvailableKind::all_but:
      may = line.amount;
      break;
    case plan::AvailableKind::may_be_down:
    case plan::AvailableKind::count_:
      may = std::numeric_limits<std::uint64_t>::max();
      break;
  }
  b.below = b.out > may || (need > n && !positions.empty());
  b.budget = b.out > may ? 0 : may - b.out;
  budgets_.push_back(std::move(b));
}

}  // namespace upg::safety
