#include <llvm/ADT/BitVector.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "runtime/safety/rules/examples.h"
#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

/// Who may have been visited: V over all ways that lead here. Two hosts at a time is exact, since all that is asked is
/// whether on some way one was visited and the other was not.
struct Visits {
  struct Maybe {
    StepIx step = 0;        // of the first visit
    llvm::BitVector given;  // hosts visited on every way on which this one was, the sure ones left out
  };
  std::map<HostIx, StepIx> sure;  // on every way
  std::map<HostIx, Maybe> maybe;  // on some
  std::uint32_t highest = 0;      // none of them ranks higher
  // Ranks of all of them, each with the number of the roles that its visit changes; perhaps more than those.
  std::set<std::pair<std::uint32_t, std::uint32_t>> kinds;

  void be_sure(HostIx h, StepIx s) {
    const auto at = maybe.find(h);
    sure.emplace(h, at == maybe.end() ? s : at->second.step);
    if (at != maybe.end()) maybe.erase(at);
  }
  void may_be(HostIx h, const Maybe &m) {
    if (sure.contains(h)) return;
    const auto [at, added] = maybe.emplace(h, m);
    if (!added) at->second.given &= m.given;
  }
  /// What one way, or a part, has on top of where it began.
  void add(const Visits &other) {
    for (const auto &[h, s] : other.sure) be_sure(h, s);
    for (const auto &[h, m] : other.maybe) may_be(h, m);
    highest = std::max(highest, other.highest);
    kinds.insert(other.kinds.begin(), other.kinds.end());
  }
  Visits since(const Visits &start) const {
    Visits out;
    out.highest = highest;
    out.kinds = kinds;
    for (const auto &[h, s] : sure) {
      if (!start.sure.contains(h)) out.sure.emplace(h, s);
    }
    for (const auto &[h, m] : maybe) {
      const auto at = start.maybe.find(h);
      if (at == start.maybe.end() || at->second.given != m.given) out.maybe.emplace(h, m);
    }
    return out;
  }
  /// What is sure here, but not there, is no more than may be, each of it given the rest.
  void doubt(const Visits &other, std::size_t hosts) {
    llvm::BitVector mine(static_cast<unsigned>(hosts));
    for (const auto &[h, s] : sure) {
      if (!other.sure.contains(h)) mine.set(h);
    }
    if (mine.none()) return;
    for (auto &[h, m] : maybe) m.given |= mine;
    for (const unsigned h : mine.set_bits()) {
      maybe.emplace(h, Maybe{sure.at(h), mine});
      sure.erase(h);
    }
  }
  /// Either of two ways.
  void join(Visits other, std::size_t hosts) {
    const Visits here = *this;
    doubt(other, hosts);
    other.doubt(here, hosts);
    for (const auto &[h, m] : other.maybe) may_be(h, m);
    highest = std::max(highest, other.highest);
    kinds.insert(other.kinds.begin(), other.kinds.end());
  }
};

class Walk {
 public:
  Walk(Analysis &a, const plan::Rank &rank) : a_(a), rank_(rank), of_(a.site.size(), 0), count_(a.tree.size() + 1, 0) {
    for (std::uint32_t i = 0; i < rank.roles.size(); ++i) {
      for (const HostIx h : a.site.hosts_of(rank.roles[i].index)) of_[h] = i + 1;
    }
    for (StepIx s = 0; s < a.tree.size(); ++s) {
      std::uint32_t n = 0;
      visited(s, [&](HostIx) { ++n; });
      count_[s + 1] = count_[s] + n;
    }
  }
  void run() {
    Visits visits;
    walk(0, visits);
  }

 private:
  /// The ranked hosts that the step itself visits.
  template <class Use>
  void visited(StepIx s, Use use) const {
    const Step &step = a_.tree[s];
    if (step.kind == StepKind::iteration && of_[step.host] != 0) use(step.host);
    if (step.kind != StepKind::act || step.region != 0) return;
    for (const HostIx h : a_.tree.contract(step).subjects) {
      if (of_[h] != 0) use(h);
    }
  }

  void visit(StepIx s, HostIx h, Visits &visits) {
    if (visits.sure.contains(h)) return;
    const auto breaks = [&](HostIx other, StepIx step) {
      if (of_[other] <= of_[h] || derived(step, s)) return false;
      report(s, h, step, other);
      return true;
    };
    const auto sure_breaks = [&](const auto &v) { return breaks(v.first, v.second); };
    const auto may_break = [&](const auto &v) {
      return v.first != h && !v.second.given.test(h) && breaks(v.first, v.second.step);
    };
    const std::uint32_t roles = roles_of(s);
    const auto kind_may_break = [&](const auto &kind) {
      return kind.first > of_[h] && !derived_of(kind.second, roles);
    };
    // Few kinds of visits stand for many.
    const bool may = visits.highest > of_[h] && std::any_of(visits.kinds.begin(), visits.kinds.end(), kind_may_break);
    if (may && std::none_of(visits.sure.begin(), visits.sure.end(), sure_breaks)) {
      for (const auto &v : visits.maybe) {
        if (may_break(v)) break;
      }
    }
    visits.be_sure(h, s);
    visits.highest = std::max(visits.highest, of_[h]);
    visits.kinds.emplace(of_[h], roles);
  }

  /// `order` wins: whether it asks for the other's step first.
  bool derived(StepIx earlier, StepIx later) { return derived_of(roles_of(earlier), roles_of(later)); }
  bool derived_of(std::uint32_t earlier, std::uint32_t later) {
    const auto [known, fresh] = derived_.try_emplace({earlier, later}, false);
    if (!fresh) return known->second;
    for (const plan::Order &order : a_.plan.orders) {
      for (std::size_t i = 0; i < order.groups.size(); ++i) {
        for (std::size_t j = i + 1; j < order.groups.size(); ++j)
          known->second = known->second || (changes(earlier, order.groups[i]) && changes(later, order.groups[j]));
      }
    }
    return known->second;
  }
  bool changes(std::uint32_t roles, const plan::RoleGroup &group) const {
    return std::any_of(group.roles.begin(), group.roles.end(),
                       [&](plan::RoleId r) { return contains(role_lists_[roles], r.index); });
  }
  /// The number of the roles that the step changes.
  std::uint32_t roles_of(StepIx s) {
    const auto [known, fresh] = roles_of_.try_emplace(s, 0);
    if (!fresh) return known->second;
    std::vector<std::uint32_t> roles;
    for (StepIx x = s; x < a_.tree[s].end; ++x) {
      if (a_.tree[x].kind != StepKind::act) continue;
      for (const PairIx p : a_.tree.contract(a_.tree[x]).changes) roles.push_back(a_.site.pair_role(p));
    }
    sort_unique(roles);
    return known->second = role_lists_.number(roles);
  }

  /// What a part that runs beside may have visited, in the order of its text.
  Visits beside(StepIx s) {
    Visits out;
    llvm::BitVector given(static_cast<unsigned>(of_.size()));
    for (StepIx x = s; x < a_.tree[s].end; ++x) {
      visited(x, [&](HostIx h) {
        out.maybe.emplace(h, Visits::Maybe{x, given});
        out.highest = std::max(out.highest, of_[h]);
        out.kinds.emplace(of_[h], roles_of(x));
        given.set(h);
      });
    }
    return out;
  }

  void walk(StepIx s, Visits &visits) {
    if (s == a_.tree.on_abort()) visits = {};  // a plan of its own
    const Step &step = a_.tree[s];
    if (count_[s] == count_[step.end]) return;
    visited(s, [&](HostIx h) { visit(s, h, visits); });
    switch (step.kind) {
      case StepKind::parallel:
      case StepKind::dag:
        return at_once(s, visits);
      case StepKind::branch:
      case StepKind::unless:
        return either(s, visits);
      case StepKind::loop:
        return loop(s, visits);
      case StepKind::attempt:
        return attempt(s, visits);
      default:
        for (const StepIx child : step.children) walk(child, visits);
    }
  }

  void at_once(StepIx s, Visits &visits) {
    const Step &step = a_.tree[s];
    if (step.kind != StepKind::dag) return beside_one_another(s, step.children, visits);
    // Stages of phases are one after the other.
    const Phases &phases = a_.tree.phases(s);
    std::vector<std::vector<StepIx>> stages(phases.stages);
    for (const std::uint32_t i : phases.order) stages[phases.stage[i]].push_back(step.children[i]);
    for (const std::vector<StepIx> &stage : stages) beside_one_another(s, stage, visits);
  }

  /// Children of which some may run at the same time, in an order that fits.
  void beside_one_another(StepIx s, const std::vector<StepIx> &children, Visits &visits) {
    // Where none ranks lower than another one or what was visited before, no order of them is a breach.
    std::uint32_t lowest = ~0u, highest = visits.highest;
    for (const StepIx child : children) {
      if (count_[child] == count_[a_.tree[child].end]) continue;
      for (StepIx x = child; x < a_.tree[child].end; ++x) {
        visited(x, [&](HostIx h) {
          lowest = std::min(lowest, of_[h]);
          highest = std::max(highest, of_[h]);
        });
      }
    }
    if (children.size() < 2 || lowest >= highest) {
      for (const StepIx child : children) walk(child, visits);
      return;
    }
    const Step &step = a_.tree[s];
    const std::size_t n = children.size();
    std::vector<Visits> parts(n), added(n);
    for (std::size_t i = 0; i < n; ++i) parts[i] = beside(children[i]);
    for (std::size_t i = 0; i < n; ++i) {
      const StepIx child = children[i];
      if (count_[child] == count_[a_.tree[child].end]) continue;
      Visits start = visits;
      for (std::size_t j = 0; j < n; ++j) {
        const bool earlier = step.kind == StepKind::dag &&
                             a_.tree.phases(s).before[a_.tree.ordinal(child)].test(a_.tree.ordinal(children[j]));
        if (earlier) start.add(added[j]);
      }
      for (std::size_t j = 0; j < n; ++j) {
        if (j != i && a_.tree.concurrent_children(s, child, children[j])) start.add(parts[j]);
      }
      Visits end = start;
      walk(child, end);
      added[i] = end.since(start);
    }
    for (const Visits &part : added) visits.add(part);
  }

  /// A recovery finds visited what the block may have come to, and what other recoveries visited in rounds before. The
  /// block again may have come to nothing before.
  void attempt(StepIx s, Visits &visits) {
    const Step &step = a_.tree[s];
    const StepIx block = step.children[0], again = step.children[step.recoveries + 1];
    const bool many = a_.plan.node(step.node).a > 2;
    const Visits entry = visits;
    walk(block, visits);
    Visits recovered = entry;
    for (std::uint32_t r = 1; r <= step.recoveries; ++r) {
      Visits way = entry;
      way.add(beside(block));
      for (std::uint32_t o = 1; many && o <= step.recoveries; ++o) {
        if (o != r) way.add(beside(step.children[o]));
      }
      walk(step.children[r], way);
      recovered.add(beside(step.children[r]));
    }
    Visits given_up = recovered;
    walk(again, recovered);
    visits.add(recovered.since(visits));
    if (step.children.size() <= step.recoveries + std::size_t{2}) return;
    given_up.add(beside(block));
    walk(step.children.back(), given_up);
  }

  /// A branch; an `unless`, which may be skipped unless its state rules that out.
  void either(StepIx s, Visits &visits) {
    const Step &step = a_.tree[s];
    const std::vector<Values> &now = a_.flow.at(s).values;
    const bool entered = step.kind == StepKind::unless && now.size() == 1 && (now[0] & step.values) == 0;
    const Visits entry = visits;
    for (std::size_t i = 0; i < step.children.size(); ++i) {
      Visits way = entry;
      walk(step.children[i], way);
      if (i == 0)
        visits = std::move(way);
      else
        visits.join(std::move(way), of_.size());
    }
    if (step.children.size() < 2 && !entered) visits.join(entry, of_.size());
  }

  /// What one round may leave out, the next may visit. Two rounds show it, and of loops inside one more in the second.
  void loop(StepIx s, Visits &visits) {
    Visits once = visits;
    for (const StepIx child : a_.tree[s].children) walk(child, once);
    if (!again_) {
      again_ = true;
      Visits twice = once;
      for (const StepIx child : a_.tree[s].children) walk(child, twice);
      again_ = false;
    }
    visits.join(std::move(once), of_.size());
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
  std::vector<std::uint32_t> of_;     // 1 + place of the most sensitive role; 0: not ranked
  std::vector<std::uint32_t> count_;  // visits by the steps before
  bool again_ = false;                // in the second round of a loop
  Interned role_lists_;
  std::unordered_map<StepIx, std::uint32_t> roles_of_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, bool> derived_;  // by the roles of two steps
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
