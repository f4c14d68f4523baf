#include <algorithm>
#include <map>
#include <set>

#include "runtime/safety/rules/examples.h"
#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

/// Changes seen so far on the way: by role, and by pair for the rules on each host; each with the step that made it.
struct Seen {
  std::map<RoleIx, StepIx> roles;
  std::map<PairIx, StepIx> pairs;
  void add(const Seen &other) {
    roles.insert(other.roles.begin(), other.roles.end());
    pairs.insert(other.pairs.begin(), other.pairs.end());
  }
};

class Walk {
 public:
  explicit Walk(Analysis &a) : a_(a) {
    for (std::size_t o = 0; o < a.plan.orders.size(); ++o) {
      const plan::Order &rule = a.plan.orders[o];
      for (std::size_t i = 0; i < rule.groups.size(); ++i) {
        for (std::size_t j = i + 1; j < rule.groups.size(); ++j) {
          for (const plan::RoleId first : rule.groups[i].roles) {
            for (const plan::RoleId later : rule.groups[j].roles) rules_.push_back({first.index, later.index, &rule});
          }
        }
      }
    }
  }
  void run() {
    if (rules_.empty()) return;
    Seen seen;
    visit(0, seen);
  }

 private:
  struct Pair {
    RoleIx first, later;
    const plan::Order *rule;
  };

  Seen changed_below(StepIx s) const {
    Seen out;
    for (StepIx x = s; x < a_.tree[s].end; ++x) {
      if (a_.tree[x].kind != StepKind::act) continue;
      for (const PairIx p : a_.tree.contract(a_.tree[x]).changes) {
        out.roles.emplace(a_.site.pair_role(p), x);
        out.pairs.emplace(p, x);
      }
    }
    return out;
  }

  void visit(StepIx s, Seen &seen) {
    if (s == a_.tree.on_abort()) seen = Seen();  // a plan of its own
    const Step &step = a_.tree[s];
    switch (step.kind) {
      case StepKind::act:
        act(s, seen);
        return;
      case StepKind::branch: {
        const Seen entry = seen;
        for (const StepIx child : step.children) {
          Seen arm = entry;
          visit(child, arm);
          seen.add(arm);
        }
        return;
      }
      case StepKind::parallel:
      case StepKind::dag:
      case StepKind::roll: {
        if (step.kind == StepKind::roll && step.batch <= 1) break;
        const Seen entry = seen;
        std::vector<Seen> below;
        for (const StepIx child : step.children) below.push_back(changed_below(child));
        for (std::size_t i = 0; i < step.children.size(); ++i) {
          Seen mine = entry;
          for (std::size_t j = 0; j < step.children.size(); ++j) {
            const bool before =
                step.kind == StepKind::dag && a_.tree.phases(s).before[i].test(static_cast<unsigned>(j));
            if (before || a_.tree.concurrent_children(s, step.children[i], step.children[j])) mine.add(below[j]);
          }
          visit(step.children[i], mine);
        }
        for (const Seen &b : below) seen.add(b);
        return;
      }
      case StepKind::attempt:
        // With a third round any recovery may have run before another, or in vain before itself.
        if (a_.plan.node(step.node).a > 2) {
          visit(step.children[0], seen);
          for (std::uint32_t r = 1; r <= step.recoveries; ++r) seen.add(changed_below(step.children[r]));
        }
        break;
      default:
        break;
    }
    for (const StepIx child : step.children) visit(child, seen);
  }

  void act(StepIx s, Seen &seen) {
    if (!a_.flow.at(s).reached) return;  // behind an `unless` that is always skipped
    const Contract &c = a_.tree.contract(a_.tree[s]);
    for (const PairIx p : c.changes) {
      const RoleIx role = a_.site.pair_role(p);
      const HostIx host = a_.site.pair_host(p);
      for (const Pair &rule : rules_) {
        const bool each = rule.rule->on_each_host;
        if (role == rule.first) {
          // A later role was changed already, or is by the same action.
          StepIx other = kNone;
          if (each) {
            const PairIx q = a_.site.pair(host, rule.later);
            const auto it = q == kNone ? seen.pairs.end() : seen.pairs.find(q);
            if (it != seen.pairs.end()) other = it->second;
            if (q != kNone && contains(c.changes, q)) other = s;
          } else {
            const auto it = seen.roles.find(rule.later);
            if (it != seen.roles.end()) other = it->second;
            for (const PairIx q : c.changes) {
              if (a_.site.pair_role(q) == rule.later) other = s;
            }
          }
          if (other != kNone) report(rule, other, s);
        }
        if (role == rule.later) {
          // An earlier role is still under change.
          if (each) {
            const PairIx q = a_.site.pair(host, rule.first);
            if (q == kNone) continue;
            const std::vector<Open> open = a_.flow.open_before(s, q);
            const auto o = std::find_if(open.begin(), open.end(), [](const Open &x) { return x.changing; });
            if (o != open.end()) report_open(rule, *o, s);
          } else if (const std::optional<Open> o = a_.flow.changing_before(s, rule.first)) {
            report_open(rule, *o, s);
          }
        }
      }
    }
    for (const PairIx p : c.changes) {
      seen.roles.emplace(a_.site.pair_role(p), s);
      seen.pairs.emplace(p, s);
    }
  }

  void report(const Pair &rule, StepIx later, StepIx s) {
    if (a_.lifted("order", s, plan::RoleId(rule.first)) || a_.lifted("order", s, plan::RoleId(rule.later))) return;
    if (!a_.first(diagnostics::Kind::rule_order, a_.tree[later].node, rule.later))
      return;  // the step that is too early
    const std::string first(a_.site.role_name(rule.first)), second(a_.site.role_name(rule.later));
    const bool same = later == s, beside = a_.tree.relation(later, s) == Tree::Relation::concurrent;
    std::string others;  // what else had to come before it
    for (const Pair &other : rules_) {
      if (other.later != rule.later || other.rule != rule.rule || other.first == rule.first) continue;
      if (!changed_after(later, other.first)) continue;
      others += (others.empty() ? "`" : ", `") + std::string(a_.site.role_name(other.first)) + '`';
    }
    auto out = a_.report(diagnostics::Kind::rule_order, a_.range(s),
                         "`" + first + "` may be changed " +
                             (same     ? "together with `"
                              : beside ? "beside `"
                                       : "after `") +
                             second + "`, but it must come before it");
    if (!same && a_.tree[later].node != a_.tree[s].node) out.label(a_.range(later), "changes `" + second + '`');
    out.label(a_.range(rule.rule->where), "the order" + std::string(rule.rule->on_each_host ? ", on each host" : ""));
    if (!others.empty()) out.note("so must " + others);
    if (!same) a_.step(out, later);
    a_.step(out, s, ": changes `" + first + "` after `" + second + '`');
    out.help(rule.rule->on_each_host
                 ? "change `" + first + "` of the host first"
                 : "change `" + first + "` on every host, and see it healthy, before the first change to `" + second +
                       '`');
  }

  /// Whether the role is changed by a step that may run after this one.
  bool changed_after(StepIx s, RoleIx role) const {
    for (StepIx x = 0; x < a_.tree.size(); ++x) {
      if (a_.tree[x].kind != StepKind::act || !a_.flow.at(x).reached) continue;
      const auto relation = a_.tree.relation(s, x);
      if (relation != Tree::Relation::before && relation != Tree::Relation::concurrent) continue;
      for (const PairIx p : a_.tree.contract(a_.tree[x]).changes) {
        if (a_.site.pair_role(p) == role) return true;
      }
    }
    return false;
  }

  void report_open(const Pair &rule, const Open &open, StepIx s) {
    if (a_.lifted("order", s, plan::RoleId(rule.first)) || a_.lifted("order", s, plan::RoleId(rule.later))) return;
    if (!a_.first(diagnostics::Kind::rule_order, a_.tree[s].node, rule.first)) return;
    const std::string first(a_.site.role_name(rule.first)), second(a_.site.role_name(rule.later));
    auto out = a_.report(diagnostics::Kind::rule_order, a_.range(s),
                         "`" + second + "` may be changed while " + a_.pair_text(open.pair) + " is still under change");
    if (a_.tree[open.opener].node != a_.tree[s].node) out.label(a_.range(open.opener), "changes `" + first + '`');
    out.label(a_.range(rule.rule->where),
              "every change to `" + first + "` ends, with its health, before one to `" + second + "` starts");
    a_.step(out, open.opener);
    a_.step(out, s, " while " + a_.pair_text(open.pair) + " is under change");
    out.help("await `in_service(" + std::string(a_.site.host_name(a_.site.pair_host(open.pair))) +
             ")` between the two");
  }

  Analysis &a_;
  std::vector<Pair> rules_;
};

void check(Analysis &a) { Walk(a).run(); }

}  // namespace

Rule order_rule() {
  return {
      diagnostics::Kind::rule_order, "order",
      R"(`order a before b`: every change to an `a` ends, proven by its health gate, before a change to a `b` starts, on any host; `on each host` asks
it of one host at a time. Phases that the author left unordered are put in this order; what contradicts it is rejected.)",

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

role store {
  available all but 1
  health    store_up
  stoppable always "clients retry"
}
gate store_up(h: host) { pass when (run("true") on h).code == 0  poll 2s for 5m  watches store }

cluster lab {
  user "root"
  host node1 "10.0.0.1", node2 "10.0.0.2", node3 "10.0.0.3" { roles alive, member, store }
}

/// The release notes say so.
order member before store

action update_member(h: host) {
  changes member on h
  run("apt-get", "-y", "install", "member") on h
  takes 2m..10m
}
action update_store(h: host) {
  changes store on h
  run("apt-get", "-y", "install", "store") on h
  takes 2m..10m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  rolling n in store  { update_store(n)   await in_service(n) }
  rolling n in member { update_member(n)  await in_service(n) }
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

role store {
  available all but 1
  health    store_up
  stoppable always "clients retry"
}
gate store_up(h: host) { pass when (run("true") on h).code == 0  poll 2s for 5m  watches store }

cluster lab {
  user "root"
  host node1 "10.0.0.1", node2 "10.0.0.2", node3 "10.0.0.3" { roles alive, member, store }
}

/// The release notes say so.
order member before store

action update_member(h: host) {
  changes member on h
  run("apt-get", "-y", "install", "member") on h
  takes 2m..10m
}
action update_store(h: host) {
  changes store on h
  run("apt-get", "-y", "install", "store") on h
  takes 2m..10m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  rolling n in member { update_member(n)  await in_service(n) }
  rolling n in store  { update_store(n)   await in_service(n) }
}
)upg",
      check};
}

}  // namespace upg::safety
