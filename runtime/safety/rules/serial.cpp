#include <algorithm>
#include <set>

#include "runtime/safety/rules/examples.h"
#include "runtime/safety/rules/moments.h"
#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

/// The hosts are under change together only because a turn ended before its host was proven back.
bool left_by_a_turn(const Analysis &a, const Moment &moment) {
  const Down &last = moment.harmful.back();
  return std::all_of(moment.harmful.begin(), moment.harmful.end(), [&](const Down &d) {
    if (a.tree[d.opener].region == 0 || a.tree[d.opener].accept != kNone) return false;
    if (d.opener != last.opener) return a.tree.relation(d.opener, last.opener) == Tree::Relation::before;
    for (StepIx x = d.opener; x != kNone; x = a.tree[x].parent) {
      if (a.tree[x].kind == StepKind::roll && a.tree[x].batch > 1) return false;  // side by side
    }
    return true;
  });
}

void check(Analysis &a) {
  for (const Budget &b : a.site.budgets()) {
    if (b.line != nullptr) continue;
    const Moment moment = worst_moment(a, b, "serial");
    if (moment.harmful.empty() || condemned(a, moment)) continue;
    const StepIx last = moment.harmful.back().opener;
    if (a.clashed(moment.harmful.front().opener, last)) continue;             // AVAIL has told the same overlap
    if (a.telling == Telling::causes && left_by_a_turn(a, moment)) continue;  // RET tells it
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
