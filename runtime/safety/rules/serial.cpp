#include <algorithm>
#include <set>

#include "runtime/safety/rules/examples.h"
#include "runtime/safety/rules/moments.h"
#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

/// The turn ends with the host still under change.
bool leaves_open(const Analysis &a, StepIx turn, HostIx host, RoleIx role) {
  const std::vector<Open> &left = a.flow.left_by(turn);
  return std::any_of(left.begin(), left.end(), [&](const Open &o) { return o.pair == a.site.pair(host, role); });
}

/// The hosts are under change together only because a turn ended before its host was proven back. Two within one turn
/// are so whatever the turn leaves.
bool left_by_a_turn(const Analysis &a, const Moment &moment, RoleIx role) {
  const Tree &tree = a.tree;
  const Down &last = moment.harmful.back();
  return std::all_of(moment.harmful.begin(), moment.harmful.end(), [&](const Down &d) {
    const StepIx turn = tree[d.opener].region;
    if (turn == 0 || tree[d.opener].accept != kNone) return false;
    if (&d != &last) {
      return tree.relation(d.opener, last.opener) == Tree::Relation::before && !tree.below(last.opener, turn) &&
             leaves_open(a, turn, d.host, role);
    }
    if (d.copies < 2) return true;
    bool own = false;  // several of a class, each in its own turn
    for (StepIx x = d.opener; x != kNone; x = tree[x].parent) {
      if (tree[x].kind == StepKind::roll && tree[x].batch > 1) return false;  // side by side
      own = own || (tree[x].kind == StepKind::iteration && tree[x].host == d.host);
    }
    return own && leaves_open(a, turn, d.host, role);
  });
}

void check(Analysis &a) {
  for (const Budget &b : a.site.budgets()) {
    if (b.line != nullptr) continue;
    const Moment moment = worst_moment(a, b, "serial");
    if (moment.harmful.empty() || condemned(a, moment)) continue;
    const StepIx last = moment.harmful.back().opener;
    if (a.clashed(moment.harmful.front().opener, last)) continue;                     // AVAIL has told the same overlap
    if (a.telling == Telling::causes && left_by_a_turn(a, moment, b.role)) continue;  // RET tells it
    if (!a.first(diagnostics::Kind::rule_serial, a.tree[last].node, b.role)) continue;
    const std::string name(a.site.role_name(b.role));
    const std::vector<plan::HostId> hosts = hosts_of(a, moment.harmful);
    auto report = a.report(diagnostics::Kind::rule_serial, a.range(last),
                           "two hosts of `" + name + "` would be under change at once: " + names_of(a, hosts));
    tell_moment(a, moment, {"under change", ": `" + name + "` is serial"}, report);
    report.label(a.range(a.site.role(b.role)->where), "`" + name + "` is `serial`");
    report.note(
        "a host is under change from the start of an action that disrupts or changes the role until its health gate "
        "has passed");
    report.help(
        "upgrade them one after the other: `rolling` without `batch`, phases with `after`, and `await in_service(n)` "
        "before a turn ends");
  }
}

}  // namespace

Rule serial_rule() {
  return {
      diagnostics::Kind::rule_serial, "serial",
      R"(A role marked `serial` must never have two hosts under change at the same instant, because the versions in between may not talk to
each other. A host is under change from the start of an action that disrupts or changes the role on it until its `health` gate has passed.)",

      // failing
      UPG_EXAMPLE_HEAD R"upg(
action update(h: host) {
  changes member on h
  run("apt-get", "-y", "upgrade") on h
  takes 2m..10m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  parallel {
    update(node1)
    await in_service(node1)
  } and {
    update(node2)
    await in_service(node2)
  }
}
)upg",
      // fixed
      UPG_EXAMPLE_HEAD R"upg(
action update(h: host) {
  changes member on h
  run("apt-get", "-y", "upgrade") on h
  takes 2m..10m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  rolling n in member {
    update(n)
    await in_service(n)
  }
}
)upg",
      check};
}

}  // namespace upg::safety
