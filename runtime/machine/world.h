#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/machine/transport.h"
#include "runtime/machine/value.h"
#include "runtime/plan/plan.h"

namespace upg::machine {

/// Why a pair of host and role is out: down (disrupted) or changing.
struct Outage {
  plan::HostId host;
  plan::RoleId role;
  bool down = false;
};

/// A hold in force: who counts on it, and the value found before.
struct Held {
  plan::HoldId hold;
  std::string arguments;  // printable, identifies the hold together with its id
  Value was;
  bool found_on = false;  // it was on before the plan: left on
  int count = 0;
  std::string since_key;
  std::int64_t since_unix_ms = 0;
};

/// What the plan itself has done to the cluster so far: outages, holds, when the last action on each host ended.
class World {
 public:
  explicit World(const plan::Plan &plan)
      : plan_(&plan), host_roles_(plan.hosts.size()), last_end_(plan.hosts.size(), 0) {}

  /// Opens or raises an outage; true if the role on the host was not down before.
  bool open(plan::HostId host, plan::RoleId role, bool down);
  void close(plan::HostId host, plan::RoleId role);
  bool down(plan::HostId host, plan::RoleId role) const;
  /// Down or changing.
  bool out(plan::HostId host, plan::RoleId role) const { return host_roles_[host.index].count(role.index) != 0; }
  bool open_on(plan::HostId host) const { return !host_roles_[host.index].empty(); }
  std::vector<Outage> outages() const;
  /// Hosts of the set that are neither declared out nor taken down in the role (in any role if it is invalid).
  bool up(plan::HostId host, plan::RoleId role) const;
  /// The machine itself: neither declared out nor lost nor taken down as a whole.
  bool machine_up(plan::HostId host) const;

  /// Down in every role to the end: nothing closes it any more.
  void lose(plan::HostId host);
  bool lost(plan::HostId host) const { return lost_.count(host.index) != 0; }
  std::size_t lost_hosts() const { return lost_.size(); }

  void ended(plan::HostId host, Millis at) { last_end_[host.index] = at; }
  Millis last_end(plan::HostId host) const { return last_end_[host.index]; }

  std::map<std::string, Held> holds;  // by name and arguments

 private:
  const plan::Plan *plan_;
  std::vector<std::map<std::uint32_t, bool>> host_roles_;  // role -> down?
  std::vector<Millis> last_end_;
  std::set<std::uint32_t> lost_;
};

}  // namespace upg::machine
