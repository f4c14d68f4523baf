#include "runtime/machine/world.h"

namespace upg::machine {

bool World::open(plan::HostId host, plan::RoleId role, bool down) {
  auto [it, fresh] = host_roles_[host.index].try_emplace(role.index, down);
  bool was_down = !fresh && it->second;
  it->second = it->second || down;
  return down && !was_down;
}

void World::close(plan::HostId host, plan::RoleId role) {
  if (!lost(host)) host_roles_[host.index].erase(role.index);
}

void World::lose(plan::HostId host) {
  for (plan::RoleId r : plan_->hosts[host.index].roles) host_roles_[host.index][r.index] = true;
  lost_.insert(host.index);
}

bool World::down(plan::HostId host, plan::RoleId role) const {
  const auto &roles = host_roles_[host.index];
  auto it = roles.find(role.index);
  return it != roles.end() && it->second;
}

bool World::up(plan::HostId host, plan::RoleId role) const {
  if (plan_->hosts[host.index].out_reason.valid()) return false;
  if (role.valid()) return !down(host, role);
  for (const auto &[r, is_down] : host_roles_[host.index])
    if (is_down) return false;
  return true;
}

bool World::machine_up(plan::HostId host) const {
  if (plan_->hosts[host.index].out_reason.valid() || lost(host)) return false;
  for (const auto &[r, is_down] : host_roles_[host.index])
    if (is_down && plan_->roles[r].boot.valid()) return false;
  return true;
}

std::vector<Outage> World::outages() const {
  std::vector<Outage> all;
  for (std::size_t h = 0; h < host_roles_.size(); ++h)
    for (const auto &[r, is_down] : host_roles_[h]) all.push_back({plan::HostId(h), plan::RoleId(r), is_down});
  return all;
}

}  // namespace upg::machine
