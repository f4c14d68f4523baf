#include <map>
#include <set>

#include "runtime/safety/rules/examples.h"
#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

class Walk {
 public:
  Walk(Analysis &a, const plan::Rank &rank) : a_(a), rank_(rank), of_(a.site.size(), 0) {
    for (std::uint32_t i = 0; i < rank.roles.size(); ++i) {
      for (const HostIx h : a.site.hosts_of(rank.roles[i].index)) of_[h] = i + 1;
    }
  }
  void run() {
    Visits visits;
    walk(0, visits);
  }

 private:
  /// Hosts visited, with the step of the first visit.
  using Visits = std::map<HostIx, StepIx>;

  void visit(StepIx s, HostIx h, Visits &visits) {
    if (of_[h] == 0 || visits.contains(h)) return;
    for (const auto &[other, step] : visits) {
      if (of_[other] <= of_[h] || derived(step, s)) continue;
      report(s, h, step, other);
      break;
    }
    visits.emplace(h, s);
  }

  /// `order` wins: whether it asks for the other's step first.
  bool derived(StepIx earlier, StepIx later) const {
    for (const plan::Order &order : a_.plan.orders) {
      for (std::size_t i = 0; i < order.groups.size(); ++i) {
        for (std::size_t j = i + 1; j < order.groups.size(); ++j) {
          if (changes(earlier, order.groups[i]) && changes(later, order.groups[j])) return true;
        }
      }
    }
    return false;
  }
  bool changes(StepIx s, const plan::RoleGroup &group) const {
    for (StepIx x = s; x < a_.tree[s].end; ++x) {
      if (a_.tree[x].kind != StepKind::act) continue;
      for (const PairIx p : a_.tree.contract(a_.tree[x]).changes) {
        for (const plan::RoleId r : group.roles) {
          if (a_.site.pair_role(p) == r.index) return true;
        }
      }
    }
    return false;
  }

  void below(StepIx s, Visits &out) const {
    for (StepIx x = s; x < a_.tree[s].end; ++x) {
      if (a_.tree[x].kind == StepKind::iteration) out.emplace(a_.tree[x].host, x);
      if (a_.tree[x].kind == StepKind::act && a_.tree[x].region == 0) {
        for (const HostIx h : a_.tree.contract(a_.tree[x]).subjects) out.emplace(h, x);
      }
    }
  }

  void walk(StepIx s, Visits &visits) {
    if (s == a_.tree.on_abort()) visits.clear();  // a plan of its own
    const Step &step = a_.tree[s];
    if (step.kind == StepKind::iteration) visit(s, step.host, visits);
    if (step.kind == StepKind::act && step.region == 0) {
      for (const HostIx h : a_.tree.contract(step).subjects) visit(s, h, visits);
    }
    if (step.kind == StepKind::parallel || step.kind == StepKind::dag) {
      const Visits entry = visits;
      std::vector<Visits> parts(step.children.size());
      for (std::size_t i = 0; i < parts.size(); ++i) below(step.children[i], parts[i]);
      for (std::size_t i = 0; i < parts.size(); ++i) {
        Visits mine = entry;
        for (std::size_t j = 0; j < parts.size(); ++j) {
          const bool before =
              step.kind == StepKind::dag && contains(a_.tree[step.children[i]].after, static_cast<std::uint32_t>(j));
          if (before || a_.tree.concurrent_children(s, step.children[i], step.children[j]))
            mine.insert(parts[j].begin(), parts[j].end());
        }
        walk(step.children[i], mine);
      }
      for (const Visits &part : parts) visits.insert(part.begin(), part.end());
      return;
    }
    if (step.kind == StepKind::branch) {
      const Visits entry = visits;
      for (const StepIx child : step.children) {
        Visits arm = entry;
        walk(child, arm);
        visits.insert(arm.begin(), arm.end());
      }
      return;
    }
    for (const StepIx child : step.children) walk(child, visits);
  }

  void report(StepIx s, HostIx h, StepIx earlier, HostIx other) {
    const plan::RoleId low = rank_.roles[of_[h] - 1], high = rank_.roles[of_[other] - 1];
    if (a_.lifted("rank", s, low) || a_.lifted("rank", s, high) ||
        !a_.first(diagnostics::Kind::rule_rank, a_.tree[s].node, a_.tree[earlier].node.index))
      return;
    const std::string host(a_.site.host_name(h)), before(a_.site.host_name(other));
    auto out = a_.report(diagnostics::Kind::rule_rank, a_.range(s),
                         host + " may be visited for the first time after " + before + ", which is more sensitive");
    if (a_.tree[earlier].node != a_.tree[s].node) out.label(a_.range(earlier), before + " is visited here");
    out.label(a_.range(rank_.where), "`" + std::string(a_.plan.text(a_.plan.roles[low.index].name)) +
                                         "` comes before `" +
                                         std::string(a_.plan.text(a_.plan.roles[high.index].name)) + "`");
    out.step(before, "is visited", a_.range(earlier), visit_of(earlier));
    out.step(host, "is visited after it", a_.range(s), visit_of(s));
    out.help("visit the least sensitive hosts first");
  }

  diagnostics::Cue visit_of(StepIx s) const {
    return a_.tree[s].kind == StepKind::iteration ? a_.cue(s, diagnostics::Cue::Kind::admit) : a_.cue(s);
  }

  Analysis &a_;
  const plan::Rank &rank_;
  std::vector<std::uint32_t> of_;  // 1 + place of the most sensitive role; 0: not ranked
};

void check(Analysis &a) {
  for (const plan::Rank &rank : a.plan.ranks) Walk(a, rank).run();
}

}  // namespace

Rule rank_rule() {
  return {
      diagnostics::Kind::rule_rank, "rank",
      R"(`rank a < b`: a host counts as the most sensitive role that it carries, and first visits go from the least sensitive upwards, so that what
goes wrong goes wrong where it hurts least. `order` wins over `rank`.)",

      // failing
      R"upg(role alive {
  available may be down
  health    up
  stoppable always "its other roles decide"
  boot      boot_id
}
/// A voter of the cluster.
role member {
  available quorum
  serial
  health    joined
  stoppable to_spare
}
probe boot_id(h: host) -> string { return (run("cat", "/proc/sys/kernel/random/boot_id") on h).stdout.trim }
gate up(h: host)       { pass when answers(h)  poll 2s for 5m }
gate joined(h: host)   { pass when (run("true") on h).code == 0  poll 2s for 5m  watches member }
gate to_spare(h: host) { pass when (run("true") on h).code == 0  poll 2s for 5m  watches member }

role archive {
  available may be down
  health    up
  stoppable always "nothing waits for it"
}
rank archive < member

cluster lab {
  user "root"
  host node1 "10.0.0.1", node2 "10.0.0.2", node3 "10.0.0.3" { roles alive, member }
  host tape "10.0.0.9" { roles alive, archive }
}

action update(h: host) {
  changes alive on h
  run("apt-get", "-y", "upgrade") on h
  takes 2m..10m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  rolling n in member  { update(n)  await in_service(n) }
  rolling n in archive { update(n)  await in_service(n) }
}
)upg",
      // fixed
      R"upg(role alive {
  available may be down
  health    up
  stoppable always "its other roles decide"
  boot      boot_id
}
/// A voter of the cluster.
role member {
  available quorum
  serial
  health    joined
  stoppable to_spare
}
probe boot_id(h: host) -> string { return (run("cat", "/proc/sys/kernel/random/boot_id") on h).stdout.trim }
gate up(h: host)       { pass when answers(h)  poll 2s for 5m }
gate joined(h: host)   { pass when (run("true") on h).code == 0  poll 2s for 5m  watches member }
gate to_spare(h: host) { pass when (run("true") on h).code == 0  poll 2s for 5m  watches member }

role archive {
  available may be down
  health    up
  stoppable always "nothing waits for it"
}
rank archive < member

cluster lab {
  user "root"
  host node1 "10.0.0.1", node2 "10.0.0.2", node3 "10.0.0.3" { roles alive, member }
  host tape "10.0.0.9" { roles alive, archive }
}

action update(h: host) {
  changes alive on h
  run("apt-get", "-y", "upgrade") on h
  takes 2m..10m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  rolling n in archive { update(n)  await in_service(n) }
  rolling n in member  { update(n)  await in_service(n) }
}
)upg",
      check};
}

}  // namespace upg::safety
