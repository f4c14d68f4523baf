#include <llvm/ADT/BitVector.h>

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

#include "runtime/safety/rules/examples.h"
#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

/// Changes on the way that leads here, each with the step that made it: by role, and by pair for the rules on each
/// host. Kept in layers, so that a part that may run beside others starts without a copy.
class Seen {
 public:
  using Key = std::uint64_t;
  static Key of_role(RoleIx r) { return r; }
  static Key of_pair(PairIx p) { return (Key{1} << 32) | p; }
  using Changes = std::unordered_map<Key, StepIx>;
  /// What the children of a dag, roll or `parallel` change: which children, by their place, and the first step of each.
  struct Changers {
    llvm::BitVector places;
    std::vector<StepIx> first;  // by place, ascending
  };
  using Below = std::unordered_map<Key, Changers>;

  Seen() { layers_.emplace_back(); }
  void add(Key key, StepIx s) { layers_.back().own.emplace(key, s); }
  void enter() { layers_.emplace_back(); }
  /// A child that also sees those others whose places `counts` has.
  void enter(const Below &below, llvm::BitVector counts) {
    layers_.emplace_back();
    layers_.back().below = &below;
    layers_.back().counts = std::move(counts);
  }
  Changes leave() {
    Changes out = std::move(layers_.back().own);
    layers_.pop_back();
    return out;
  }
  /// The outermost counts.
  StepIx find(Key key) const {
    for (const Layer &layer : layers_) {
      if (layer.below != nullptr) {
        const auto at = layer.below->find(key);
        if (at != layer.below->end()) {
          llvm::BitVector both = at->second.places;
          both &= layer.counts;
          if (const int place = both.find_first(); place >= 0) {
            llvm::BitVector up_to = at->second.places;
            up_to.reset(static_cast<unsigned>(place), up_to.size());
            return at->second.first[up_to.count()];
          }
        }
      }
      const auto at = layer.own.find(key);
      if (at != layer.own.end()) return at->second;
    }
    return kNone;
  }

 private:
  struct Layer {
    Changes own;
    const Below *below = nullptr;
    llvm::BitVector counts;
  };
  std::vector<Layer> layers_;
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
    of_role_.resize(a_.site.role_count());
    for (std::uint32_t r = 0; r < rules_.size(); ++r) {
      of_role_[rules_[r].first].push_back(r);
      if (rules_[r].later != rules_[r].first) of_role_[rules_[r].later].push_back(r);
      each_host_ = each_host_ || rules_[r].rule->on_each_host;
    }
    Seen seen;
    visit(0, seen);
  }

 private:
  struct Pair {
    RoleIx first, later;
    const plan::Order *rule;
  };

  /// Calls use(key, step) for each change of the act that some rule asks for.
  template <class Use>
  void changed(StepIx s, Use use) const {
    for (const PairIx p : a_.tree.contract(a_.tree[s]).changes) {
      const RoleIx role = a_.site.pair_role(p);
      if (of_role_[role].empty()) continue;
      use(Seen::of_role(role), s);
      if (each_host_) use(Seen::of_pair(p), s);
    }
  }

  void visit(StepIx s, Seen &seen) {
    const Step &step = a_.tree[s];
    if (s == a_.tree.on_abort()) {  // a plan of its own
      Seen own;
      for (const StepIx child : step.children) visit(child, own);
      return;
    }
    switch (step.kind) {
      case StepKind::act:
        act(s, seen);
        return;
      case StepKind::branch: {
        std::vector<Seen::Changes> arms;
        for (const StepIx child : step.children) {
          seen.enter();
          visit(child, seen);
          arms.push_back(seen.leave());
        }
        for (const Seen::Changes &arm : arms) {
          for (const auto &[key, by] : arm) seen.add(key, by);
        }
        return;
      }
      case StepKind::parallel:
      case StepKind::dag:
      case StepKind::roll: {
        if (step.kind == StepKind::roll && step.batch <= 1) break;
        Seen::Below below;
        for (const StepIx child : step.children) {
          const std::uint32_t place = a_.tree.ordinal(child);
          for (StepIx x = child; x < a_.tree[child].end; ++x) {
            if (a_.tree[x].kind != StepKind::act) continue;
            changed(x, [&](Seen::Key key, StepIx by) {
              Seen::Changers &changers = below[key];
              if (changers.places.empty()) changers.places.resize(static_cast<unsigned>(step.children.size()));
              if (changers.places.test(place)) return;
              changers.places.set(place);
              changers.first.push_back(by);
            });
          }
        }
        for (const StepIx child : step.children) {
          const std::uint32_t i = a_.tree.ordinal(child);
          llvm::BitVector counts;
          if (step.kind == StepKind::dag) {  // those before it, and those beside it
            counts = a_.tree.phases(s).after[i];
            counts.flip();
          } else {
            counts.resize(static_cast<unsigned>(step.children.size()), true);
          }
          counts.reset(i);
          seen.enter(below, std::move(counts));
          visit(child, seen);
          seen.leave();
        }
        for (const auto &[key, changers] : below) seen.add(key, changers.first.front());
        return;
      }
      case StepKind::attempt:
        // With a third round any recovery may have run before another, or in vain before itself.
        if (a_.plan.node(step.node).a > 2 && step.recoveries != 0) {
          visit(step.children[0], seen);
          for (StepIx x = step.children[1]; x < a_.tree[step.children[step.recoveries]].end; ++x) {
            if (a_.tree[x].kind == StepKind::act) changed(x, [&](Seen::Key key, StepIx by) { seen.add(key, by); });
          }
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
      for (const std::uint32_t r : of_role_[role]) {
        const Pair &rule = rules_[r];
        const bool each = rule.rule->on_each_host;
        if (role == rule.first) {
          // A later role was changed already, or is by the same action.
          StepIx other = kNone;
          if (each) {
            const PairIx q = a_.site.pair(host, rule.later);
            if (q != kNone) other = seen.find(Seen::of_pair(q));
            if (q != kNone && contains(c.changes, q)) other = s;
          } else {
            other = seen.find(Seen::of_role(rule.later));
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
    changed(s, [&](Seen::Key key, StepIx by) { seen.add(key, by); });
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
  std::vector<std::vector<std::uint32_t>> of_role_;  // the rules that name it
  bool each_host_ = false;
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
