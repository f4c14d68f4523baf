#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "runtime/safety/rules/examples.h"
#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

using diagnostics::Kind;

class Tolerance {
 public:
  explicit Tolerance(Analysis &a) : a_(a) {
    for (const SiteHost &host : a.site.hosts()) bastions_.insert(host.via.begin(), host.via.end());
  }

  void judge() {
    for (StepIx s = 0; s < a_.tree.size(); ++s) {
      const Step &step = a_.tree[s];
      if (!a_.flow.at(s).reached) continue;
      if (step.region == 0 && overlaps(s))
        tell(s, "parts of the plan run at the same time, outside of a rollout",
             "with hosts lost in more than one part the budget could not be followed",
             "order them, or tolerate no lost host");
      if (step.kind == StepKind::roll && rollout(s).tolerant) roll(s);
    }
  }

 private:
  const plan::Rollout &rollout(StepIx s) const { return a_.plan.rollouts[a_.plan.node(a_.tree[s].node).a]; }
  bool overlaps(StepIx s) const {
    const Step &step = a_.tree[s];
    if (step.kind == StepKind::parallel) return step.children.size() > 1;
    if (step.kind != StepKind::dag) return false;
    for (std::size_t i = 1; i < step.children.size(); ++i) {
      if (a_.tree.concurrent_children(s, step.children[i - 1], step.children[i])) return true;
    }
    return false;
  }
  void tell(StepIx s, const std::string &what, const std::string &why, const std::string &help) {
    if (!a_.first(Kind::rule_tolerate, a_.tree[s].node)) return;
    a_.report(Kind::rule_tolerate, a_.range(s), what).note(why).help(help);
  }

  void roll(StepIx s) {
    const Step &step = a_.tree[s];
    const auto refuse = [&](const std::string &what, const std::string &why) {
      if (!a_.first(Kind::rule_tolerate, step.node)) return;
      a_.report(Kind::rule_tolerate, a_.range(rollout(s).where), "a tolerant rollout " + what)
          .note(why)
          .help("leave `tolerant` out; where a host of this rollout fails, the run halts");
    };
    if (a_.tree.on_abort() != kNone && a_.tree.below(s, a_.tree.on_abort()))
      refuse("stands in `on abort`", "an abort loses no host: a turn of it that fails halts it");
    for (StepIx x = step.parent; x != kNone; x = a_.tree[x].parent) {
      if (spine(a_.tree[x].kind)) continue;
      refuse("stands inside of something that may run again, not at all, or at the same time",
             "which hosts are lost is followed along the plan's own sequence only");
      return;
    }
    if (step.per_batch != 0) refuse("is limited `per` attribute", "a lost host would free its place in the group");
    for (const StepIx turn : step.children) {
      const SiteHost &host = a_.site.host(a_.tree[turn].host);
      const std::string name(a_.site.host_name(a_.tree[turn].host));
      if (!host.guests.empty()) refuse("visits " + name + ", which carries guests", "they would be lost with it");
      if (bastions_.contains(a_.tree[turn].host))
        refuse("visits " + name + ", through which other hosts are reached", "they would be cut off with it");
      for (StepIx x = turn; x < a_.tree[turn].end; ++x) {
        if (a_.tree[x].kind == StepKind::parallel)
          refuse("runs steps of a turn at the same time", "a host is lost between two steps, not beside one");
        if (a_.tree[x].kind != StepKind::act) continue;
        const Contract &c = a_.tree.contract(a_.tree[x]);
        const bool foreign =
            std::any_of(c.hosts.begin(), c.hosts.end(), [&](HostIx h) { return h != a_.tree[turn].host; });
        const bool moves = std::any_of(c.moves.begin(), c.moves.end(), [&](const Move &m) {
          return a_.contracts.cell(m.cell).host != a_.tree[turn].host;
        });
        if (foreign || moves)
          refuse("runs " + a_.named(x) + ", which touches more than the host of the turn",
                 "what is half done elsewhere when the host is lost would not be known");
      }
    }
    later(s);
  }

  /// Nothing outside of rollouts may need a host that may be lost by then; and a lost host stays under change.
  void later(StepIx s) {
    std::unordered_map<HostIx, StepIx> turns;
    for (const StepIx turn : a_.tree[s].children) turns.emplace(a_.tree[turn].host, turn);
    for (StepIx x = 0; x < a_.tree.size(); ++x) {
      if (x >= s && x < a_.tree[s].end) continue;
      // Phases wait for each other in another order than that of the text.
      const Tree::Relation there = a_.tree.relation(s, x);
      if (there == Tree::Relation::after || (x < s && there != Tree::Relation::before)) continue;
      const bool aborts = a_.tree.on_abort() != kNone && a_.tree.below(x, a_.tree.on_abort());
      if (a_.tree[x].kind != StepKind::act || aborts) continue;
      const Contract &c = a_.tree.contract(a_.tree[x]);
      StepIx first = kNone;
      for (const HostIx h : c.hosts) {
        const auto turn = turns.find(h);
        if (a_.tree[x].region == 0 && turn != turns.end()) first = std::min(first, turn->second);
      }
      if (first != kNone) {
        const HostIx h = a_.tree[first].host;
        tell(x, a_.named(x) + " runs outside of a rollout, on hosts that may be lost by then",
             "a tolerant rollout has visited " + std::string(a_.site.host_name(h)) + " before",
             "do it in a rollout: it passes over lost hosts");
      }
      for (const plan::Order &order : a_.plan.orders) ordered(s, x, order);
    }
  }
  bool changes(StepIx act, const plan::RoleGroup &group) const {
    const Contract &c = a_.tree.contract(a_.tree[act]);
    return std::any_of(c.changes.begin(), c.changes.end(), [&](PairIx p) {
      return std::find(group.roles.begin(), group.roles.end(), plan::RoleId(a_.site.pair_role(p))) != group.roles.end();
    });
  }
  /// The step stands in a turn of this host: that turn is passed over once the host is lost.
  bool in_turn_of(StepIx s, HostIx host) const {
    for (StepIx r = a_.tree[s].region; r != 0; r = a_.tree[r].region) {
      if (a_.tree[r].host == host) return true;
    }
    return false;
  }
  void ordered(StepIx roll, StepIx later, const plan::Order &order) {
    if (order.on_each_host) return;
    for (std::size_t i = 0; i < order.groups.size(); ++i) {
      for (std::size_t j = i + 1; j < order.groups.size(); ++j) {
        if (!changes(later, order.groups[j])) continue;
        const StepIx x = first_change(roll, order.groups[i], later);
        if (x == kNone) continue;
        if (a_.lifted("order", later) || !a_.first(Kind::rule_order, a_.tree[later].node, 0xffffffffu)) return;
        auto out = a_.report(Kind::rule_order, a_.range(later),
                             a_.named(later) + " may start while a host that was lost is still under change");
        out.label(a_.range(x), "a host may be lost here").label(a_.range(order.where), "the order");
        a_.step(out, x);
        a_.loses(out, a_.tree[x].region, " and stays under change");
        a_.step(out, later);
        out.help("leave `tolerant` out of the rollout that comes first");
        return;
      }
    }
  }
  /// The first step of the rollout that changes a role of the group while `later` may still be come to, or kNone.
  StepIx first_change(StepIx roll, const plan::RoleGroup &group, StepIx later) {
    const auto [known, fresh] = first_changes_.try_emplace({roll, &group});
    std::vector<StepIx> &firsts =
        known->second;  // in the turns of two hosts: `later` stands in the turn of one at most
    for (StepIx x = roll; fresh && firsts.size() < 2 && x < a_.tree[roll].end; ++x) {
      if (a_.tree[x].kind != StepKind::act || !changes(x, group)) continue;
      if (firsts.empty() || a_.tree[firsts[0]].region != a_.tree[x].region) firsts.push_back(x);
    }
    for (const StepIx x : firsts) {
      if (!in_turn_of(later, a_.tree[a_.tree[x].region].host)) return x;
    }
    return kNone;
  }

  Analysis &a_;
  std::map<std::pair<StepIx, const plan::RoleGroup *>, std::vector<StepIx>> first_changes_;
  std::unordered_set<HostIx> bastions_;
};

void check(Analysis &a) {
  if (a.plan.tolerate != 0) Tolerance(a).judge();
}

}  // namespace

Rule tolerate_rule() {
  return {
      Kind::rule_tolerate, "tolerate",
      R"(`tolerate N` lets tolerant rollouts go on although up to N hosts are lost. A lost host is down in every role to the end of the plan, so the
budgets are proved with the N heaviest hosts lost at the worst time. That can be followed only where such a rollout stands in the plan's own sequence,
touches in a turn nothing but the host of the turn, visits no host that carries or leads to others, and nothing outside of rollouts needs its hosts
later. The rule cannot be waived.)",

      // failing
      R"upg(role alive {
  available may be down
  health    up
  stoppable always "its other roles decide"
  boot      boot_id
}
role worker {
  available >= 50%
  health    working
  stoppable always "work is handed out again"
}
probe boot_id(h: host) -> string { return (run("cat", "/proc/sys/kernel/random/boot_id") on h).stdout.trim }
gate up(h: host)      { pass when answers(h)  poll 2s for 5m }
gate working(h: host) { pass when (run("true") on h).code == 0  poll 2s for 5m  watches worker }

cluster lab {
  user "root"
  host w1 "10.0.0.1", w2 "10.0.0.2", w3 "10.0.0.3", w4 "10.0.0.4", w5 "10.0.0.5", w6 "10.0.0.6" { roles alive, worker }
}
action update(h: host) {
  changes worker on h
  run("apt-get", "-y", "upgrade") on h
  takes 2m..10m
}

upgrade all_workers of lab {
  tolerate 1
  preflight { await in_service(all) }
  rolling n in worker tolerant {
    update(n)
    await in_service(n)
  }
  update(w1)                    // it may be lost
  await in_service(w1)
}
)upg",
      // fixed
      R"upg(role alive {
  available may be down
  health    up
  stoppable always "its other roles decide"
  boot      boot_id
}
role worker {
  available >= 50%
  health    working
  stoppable always "work is handed out again"
}
probe boot_id(h: host) -> string { return (run("cat", "/proc/sys/kernel/random/boot_id") on h).stdout.trim }
gate up(h: host)      { pass when answers(h)  poll 2s for 5m }
gate working(h: host) { pass when (run("true") on h).code == 0  poll 2s for 5m  watches worker }

cluster lab {
  user "root"
  host w1 "10.0.0.1", w2 "10.0.0.2", w3 "10.0.0.3", w4 "10.0.0.4", w5 "10.0.0.5", w6 "10.0.0.6" { roles alive, worker }
}
action update(h: host) {
  changes worker on h
  run("apt-get", "-y", "upgrade") on h
  takes 2m..10m
}

upgrade all_workers of lab {
  tolerate 1
  preflight { await in_service(all) }
  rolling n in worker tolerant {
    update(n)
    await in_service(n)
  }
}
)upg",
      check, false};
}

}  // namespace upg::safety
