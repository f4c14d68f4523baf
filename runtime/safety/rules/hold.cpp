#include <algorithm>
#include <span>
#include <unordered_map>

#include "runtime/safety/rules/examples.h"
#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

using diagnostics::Kind;

/// The `with` steps by what they hold.
class Withs {
 public:
  explicit Withs(const Analysis &a) {
    for (StepIx w = 0; w < a.tree.size(); ++w) {
      if (a.tree[w].kind != StepKind::with) continue;
      const HoldInstance &hold = a.contracts.hold(a.tree[w].hold);
      by_hold_[a.tree[w].hold].push_back(w);
      by_kind_[hold.hold.index].push_back(w);
      if (hold.runtime) at_run_time_[hold.hold.index].push_back(w);
    }
  }
  /// The first of those that may hold it which may run at the same time as the step, or kNone.
  StepIx beside(const Analysis &a, StepIx s, HoldIx hold) const {
    const HoldInstance &wanted = a.contracts.hold(hold);
    const auto get = [](const auto &map, std::uint32_t key) {
      const auto at = map.find(key);
      return at == map.end() ? std::span<const StepIx>() : std::span<const StepIx>(at->second);
    };
    const std::span<const StepIx> one = wanted.runtime ? get(by_kind_, wanted.hold.index) : get(by_hold_, hold);
    const std::span<const StepIx> more = wanted.runtime ? one : get(at_run_time_, wanted.hold.index);
    StepIx found = kNone;
    for (StepIx x = s; a.tree[x].parent != kNone && (!one.empty() || !more.empty()); x = a.tree[x].parent) {
      found = std::min(found, a.tree.first_beside(a.tree[x].parent, x, [&](StepIx from, StepIx to) {
        StepIx first = kNone;
        for (const std::span<const StepIx> some : {one, more}) {
          const auto at = std::lower_bound(some.begin(), some.end(), from);
          if (at != some.end() && *at < to) first = std::min(first, *at);
        }
        return first;
      }));
    }
    return found;
  }

 private:
  std::unordered_map<std::uint32_t, std::vector<StepIx>> by_hold_, by_kind_, at_run_time_;
};

/// A `with` of this hold that may run at the same time as the step, or kNone. Arguments known at run time only may be
/// equal.
StepIx held_at(Analysis &a, StepIx s, HoldIx hold, const Withs &withs) {
  const HoldInstance &wanted = a.contracts.hold(hold);
  const auto may_be = [&](HoldIx other) {
    const HoldInstance &h = a.contracts.hold(other);
    return other == hold || (h.hold == wanted.hold && (h.runtime || wanted.runtime));
  };
  for (StepIx w = a.tree[s].with; w != kNone; w = a.tree[w].with) {
    if (may_be(a.tree[w].hold)) return w;
  }
  for (const StepIx w : a.tree.left_held(s)) {
    if (may_be(a.tree[w].hold)) return w;
  }
  return withs.beside(a, s, hold);
}

/// The start of the acquire, if this `with` is the one that acquires.
std::optional<diagnostics::Cue> taking(const Analysis &a, StepIx w) {
  for (const StepIx child : a.tree[w].children) {
    if (a.tree[child].acquire) return a.cue(child);
  }
  return std::nullopt;
}

void required(Analysis &a, StepIx s, const Withs &withs) {
  const Contract &c = a.tree.contract(a.tree[s]);
  for (const auto &[hold, need] : c.held) {
    const plan::HoldId id = a.contracts.hold(hold).hold;
    if (a.tree.inside(s, hold) || a.lifted("hold", s, {}, id) || !a.first(Kind::rule_hold, a.tree[s].node, id.index))
      continue;
    const std::string name = a.contracts.hold_text(hold);
    auto out = a.report(Kind::rule_hold, a.range(s), a.named(s) + " may start without hold `" + name + "`");
    out.label(a.range(need), "required here");
    a.step(out, s, " while " + name + " is not held");
    out.help("put it inside `with " + name + " { }`");
  }
  for (const auto &[hold, need] : c.free) {
    const StepIx w = held_at(a, s, hold, withs);
    const plan::HoldId id = a.contracts.hold(hold).hold;
    if (w == kNone || a.lifted("hold", s, {}, id) ||
        !a.first(Kind::rule_hold, a.tree[s].node, (std::uint64_t{1} << 32) | id.index))
      continue;
    const std::string name = a.contracts.hold_text(hold);
    auto out = a.report(Kind::rule_hold, a.range(s), a.named(s) + " may start while hold `" + name + "` is held");
    out.label(a.range(w), a.tree.below(s, w) ? "held from here"
                          : a.tree.relation(w, s) == Tree::Relation::concurrent
                              ? "may be held at the same time"
                              : "may still be held when the attempt has failed in it");
    out.label(a.range(need), "required not to be held");
    out.step("", "takes hold " + name, a.range(w), taking(a, w));
    a.step(out, s);
    out.help("end the `with` before it");
  }
  for (const PairIx p : c.disrupts) {
    const plan::Role *role = a.site.role(a.site.pair_role(p));
    if (role == nullptr || !role->down_only_under.valid()) continue;
    const plan::HoldId id = role->down_only_under;
    bool inside = false;
    for (StepIx w = a.tree[s].with; w != kNone; w = a.tree[w].with) {
      const HoldInstance &h = a.contracts.hold(a.tree[w].hold);
      inside = inside || (h.hold == id && (h.host == kNone || h.host == a.site.pair_host(p)));
    }
    // Taking or giving back the hold itself counts as under it.
    inside = inside || (c.hold == id && id.valid());
    if (inside || a.lifted("hold", s, plan::RoleId(a.site.pair_role(p)), id) ||
        !a.first(Kind::rule_hold, a.tree[s].node, id.index))
      continue;
    const std::string name(a.plan.text(a.plan.holds[id.index].name));
    const std::string host(a.site.host_name(a.site.pair_host(p)));
    auto out = a.report(Kind::rule_hold, a.range(s),
                        a.named(s) + " may take " + a.pair_text(p) + " down without hold `" + name + "`");
    out.label(a.range(role->where),
              "`" + std::string(a.site.role_name(a.site.pair_role(p))) + "` goes `down only under " + name + "`");
    a.step(out, s, " while " + name + " is not held: " + a.pair_text(p) + " goes down");
    const bool of_host = !a.plan.holds[id.index].frame.parameters.empty();
    out.help("put it inside `with " + name + (of_host ? "(" + host + ")" : "") + " { }`");
  }
}

/// Whether the step stands in the block of the hold, or in that of an attempt that failed in it before: the hold stays
/// in force then, and the first block of it in the next round gives it back.
bool opened_inside(const Analysis &a, StepIx opener, StepIx s) {
  const Step &release = a.tree[s];
  const StepIx part = a.tree.resumed(s);
  const StepIx attempt = part == kNone ? kNone : a.tree[part].parent;
  const bool again = attempt != kNone && a.tree[attempt].kind == StepKind::attempt &&
                     a.tree.ordinal(part) == a.tree[attempt].recoveries + 1;
  for (StepIx w = a.tree[opener].with; w != kNone; w = a.tree[w].with) {
    if (w == release.parent || (a.tree[w].node == release.node && a.tree[w].hold == release.hold)) return true;
    if (!again || a.tree[w].hold != release.hold || !a.tree.below(w, attempt)) continue;
    const bool of_block = a.tree.below(w, a.tree[attempt].children[0]) || (a.tree.below(w, part) && a.tree[w].end > s);
    if (of_block && !a.tree.left_before(part, s, release.hold)) return true;
  }
  return false;
}

/// A hold given back while an outage is open that an action requiring the hold opened inside it.
void released(Analysis &a, StepIx s) {
  const Step &step = a.tree[s];
  const HoldInstance &hold = a.contracts.hold(step.hold);
  const plan::Hold &record = a.plan.holds[hold.hold.index];
  // What was open when the block began was not opened in it, unless an attempt has failed in the block before.
  for (const Open &o : a.tree.resumed(s) == kNone ? a.flow.opened_between(step.parent, s) : a.flow.open_before(s)) {
    const Step &opener = a.tree[o.opener];
    if (!opened_inside(a, o.opener, s) || opener.acquire || opener.release) continue;
    const Contract &c = a.tree.contract(opener);
    const plan::Role *role = a.site.role(a.site.pair_role(o.pair));
    const bool asks =
        std::any_of(c.held.begin(), c.held.end(), [&](const auto &need) { return need.first == step.hold; }) ||
        (role != nullptr && role->down_only_under == hold.hold);
    if (!asks) continue;
    const GateIx health = a.contracts.health(o.pair);
    if (health != kNone) {
      const plan::GateId gate = a.contracts.gate(health).gate;
      if (gate.valid() && std::find(record.taints.begin(), record.taints.end(), gate) != record.taints.end()) continue;
    }
    if (a.lifted("hold", o.opener, plan::RoleId(a.site.pair_role(o.pair)), hold.hold)) continue;
    if (!a.first(Kind::rule_hold, step.node, (std::uint64_t{2} << 32) | hold.hold.index)) continue;
    const std::string name = a.contracts.hold_text(step.hold);
    auto out = a.report(Kind::rule_hold, a.range(s),
                        "hold `" + name + "` is given back while " + a.pair_text(o.pair) + " is " +
                            (o.changing ? "under change" : "down"));
    out.label(a.range(o.opener), "opened here, by an action that requires the hold");
    out.label(a.range(record.where), "the hold");
    a.step(out, o.opener);
    a.step(out, s, " with " + a.pair_text(o.pair) + " not proven back");
    out.help("await its health (`await in_service(...)`) before the `with` ends");
  }
}

void check(Analysis &a) {
  const Withs withs(a);
  for (StepIx s = 0; s < a.tree.size(); ++s) {
    if (a.tree[s].kind != StepKind::act || !a.flow.at(s).reached) continue;
    required(a, s, withs);
    if (a.tree[s].release) released(a, s);
  }
}

}  // namespace

Rule hold_rule() {
  return {
      diagnostics::Kind::rule_hold, "hold",
      R"(An action that `requires held x` may start only inside `with x`, one that `requires not held x` never inside or beside it, and a role
that goes `down only under x` is taken down nowhere else. A hold is not given back while something is still down that was taken down because the
hold was there, unless the hold itself keeps the role's health gate from passing.)",

      // failing
      UPG_EXAMPLE_HEAD R"upg(
hold quiet {
  observe (run("cat", "/run/quiet") on node1).stdout.trim == "on"
  acquire { reaches alive  run("touch", "/run/quiet") on node1 }
  release { reaches alive  run("rm", "/run/quiet") on node1 }
  takes 1s..1m
  on halt keep
}
action update(h: host) {
  requires held quiet
  changes member on h
  run("apt-get", "-y", "upgrade") on h
  takes 2m..10m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  with quiet {
    update(node1)
    await in_service(node1)
  }
  update(node2)
  await in_service(node2)
}
)upg",
      // fixed
      UPG_EXAMPLE_HEAD R"upg(
hold quiet {
  observe (run("cat", "/run/quiet") on node1).stdout.trim == "on"
  acquire { reaches alive  run("touch", "/run/quiet") on node1 }
  release { reaches alive  run("rm", "/run/quiet") on node1 }
  takes 1s..1m
  on halt keep
}
action update(h: host) {
  requires held quiet
  changes member on h
  run("apt-get", "-y", "upgrade") on h
  takes 2m..10m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  with quiet {
    update(node1)
    await in_service(node1)
    update(node2)
    await in_service(node2)
  }
}
)upg",
      check};
}

}  // namespace upg::safety
