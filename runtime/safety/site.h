#pragma once
#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/plan/plan.h"

namespace upg::safety {

using HostIx = std::uint32_t;  // a host of the Site
using RoleIx = std::uint32_t;  // a role of the plan, or Site::alive()
using PairIx = std::uint32_t;  // (host, role)
inline constexpr std::uint32_t kNone = 0xffffffffu;

/// One host of the folded site. Hosts of one class cannot be told apart by any rule; a class of n hosts is kept as its
/// first, its second and its last host, the last standing for n - 2.
struct SiteHost {
  plan::HostId id;
  std::uint32_t cls = 0;
  std::uint64_t many = 1;      // how many hosts it stands for
  std::vector<RoleIx> roles;   // ascending, `alive` included
  std::vector<HostIx> via;     // transitive
  std::vector<HostIx> guests;  // transitive
  bool out = false;            // declared dead
  PairIx first_pair = 0;
};

/// A number for some hosts; all others have `absent`.
template <class T, T absent>
class PerHost {
 public:
  bool empty() const { return rows_.empty(); }
  T operator[](HostIx h) const {
    if (rows_.empty() || h < rows_.front().first) return absent;
    // Often the hosts follow one another.
    const std::size_t guess = h - rows_.front().first;
    if (guess < rows_.size() && rows_[guess].first == h) return rows_[guess].second;
    const auto at = std::lower_bound(rows_.begin(), rows_.end(), h, [](const Row &r, HostIx x) { return r.first < x; });
    return at != rows_.end() && at->first == h ? at->second : absent;
  }
  /// Of two for one host the later one counts.
  void assign(std::vector<std::pair<HostIx, T>> rows) {
    std::stable_sort(rows.begin(), rows.end(), [](const Row &a, const Row &b) { return a.first < b.first; });
    for (const Row &r : rows) {
      if (!rows_.empty() && rows_.back().first == r.first)
        rows_.back().second = r.second;
      else
        rows_.push_back(r);
    }
  }
  auto begin() const { return rows_.begin(); }
  auto end() const { return rows_.end(); }

 private:
  using Row = std::pair<HostIx, T>;
  std::vector<Row> rows_;  // ascending by host
};

/// One constraint of AVAIL or SERIAL: the hosts down (or changing) at one instant may weigh at most `budget`.
struct Budget {
  RoleIx role = 0;
  const plan::Available *line = nullptr;  // null: serial
  std::string group;                      // value of `per`, for messages
  bool below = false;                     // the hosts declared out already break the policy
  std::uint64_t budget = 0;
  std::uint64_t total = 0;               // weight of all hosts of the group, declared out ones included
  std::uint64_t out = 0;                 // weight of those declared out
  PerHost<std::uint64_t, 0> weight;      // of one host; 0 outside the group
  PerHost<std::uint32_t, kNone> domain;  // for `of`: value of the attribute; empty otherwise
};

/// The hosts of a plan, folded into classes, with roles, carriers and budgets (SEMANTICS section 1).
class Site {
 public:
  explicit Site(const plan::Plan &plan);

  const plan::Plan &plan() const { return *plan_; }
  std::size_t size() const { return hosts_.size(); }
  const SiteHost &host(HostIx h) const { return hosts_[h]; }
  std::span<const SiteHost> hosts() const { return hosts_; }
  /// All hosts of a class in inventory order.
  std::span<const plan::HostId> members(std::uint32_t cls) const { return members_[cls]; }
  /// The host itself if it was kept, else kNone.
  HostIx kept(plan::HostId id) const { return kept_[id.index]; }
  /// The kept hosts of a set, in its order (the stand-in for many at the place of the last).
  std::vector<HostIx> kept(plan::SetId set) const;
  std::uint32_t class_of(plan::HostId id) const { return class_of_[id.index]; }

  RoleIx alive() const { return alive_; }
  std::size_t role_count() const { return role_hosts_.size(); }
  std::span<const HostIx> hosts_of(RoleIx role) const { return role_hosts_[role]; }
  std::string_view role_name(RoleIx role) const;
  /// Null for a synthetic `alive`.
  const plan::Role *role(RoleIx role) const { return role < plan_->roles.size() ? &plan_->roles[role] : nullptr; }
  std::string_view host_name(HostIx h) const { return name(hosts_[h].id); }
  std::string_view name(plan::HostId id) const { return plan_->text(plan_->hosts[id.index].name); }

  std::size_t pair_count() const { return pair_host_.size(); }
  PairIx pair(HostIx h, RoleIx r) const;  // kNone if h does not carry r
  HostIx pair_host(PairIx p) const { return pair_host_[p]; }
  RoleIx pair_role(PairIx p) const { return hosts_[pair_host_[p]].roles[p - hosts_[pair_host_[p]].first_pair]; }

  /// False: any number may be down at once and nobody minds two under change.
  bool guarded(RoleIx role) const { return guarded_[role]; }
  std::span<const Budget> budgets() const { return budgets_; }
  /// Text of an attribute of a host, empty if it has none.
  std::string attribute(plan::HostId id, plan::StringId key) const;

 private:
  void fold();
  void connect();
  void add_budgets();
  void add_budget(RoleIx role, const plan::Available &line, std::string group, std::span<const plan::HostId> hosts,
                  std::span<const std::uint32_t> positions);

  const plan::Plan *plan_;
  RoleIx alive_ = 0;
  std::vector<SiteHost> hosts_;
  std::vector<HostIx> kept_;
  std::vector<std::uint32_t> class_of_;
  std::vector<std::vector<plan::HostId>> members_;
  std::vector<std::vector<HostIx>> role_hosts_;
  std::vector<HostIx> pair_host_;
  std::vector<bool> guarded_;
  std::vector<Budget> budgets_;
};

/// Text that is equal for equal constant expressions.
std::string constant_text(const plan::Plan &plan, plan::NodeId node);

}  // namespace upg::safety
