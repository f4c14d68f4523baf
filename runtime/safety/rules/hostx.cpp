#include "runtime/safety/rules/beside.h"
#include "runtime/safety/rules/examples.h"
#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

void check(Analysis &a) {
  for_conflicts(
      a.tree,
      [&](StepIx x, std::vector<Touch> &out) {
        if (a.tree[x].kind != StepKind::act) return;
        for (const HostIx h : a.tree.contract(a.tree[x]).hosts) out.push_back({h, true});
      },
      [&](StepIx x, StepIx y, std::uint64_t key) {
        const auto host = static_cast<HostIx>(key);
        if (!a.first(diagnostics::Kind::rule_hostx, a.tree[x].node, a.tree[y].node.index)) return true;
        a.clash(x, y);
        const std::string name(a.site.host_name(host));
        auto out = a.report(diagnostics::Kind::rule_hostx, a.range(y),
                            a.named(x) + " and " + a.named(y) + " may run at the same time, and both touch " + name);
        if (a.tree[x].node != a.tree[y].node) out.label(a.range(x), "may run at the same time");
        for (const StepIx s : {x, y}) {
          if (contains(a.tree.contract(a.tree[s]).spread, host))
            out.note(name + " is a guest that " + a.named(s) + " takes down with its carrier");
        }
        a.step(out, x);
        a.step(out, y, " while " + a.named(x) + " runs: both touch " + name);
        out.help("put them one after the other, or let each part touch hosts of its own");
        return true;
      });
}

}  // namespace

Rule hostx_rule() {
  return {
      diagnostics::Kind::rule_hostx, "hostx",
      R"(Two actions that may run at the same time must not touch one host: neither as the host they are about, nor through a guest or carrier.
The other rules are exact only where this holds, so it cannot be waived.)",

      // failing
      UPG_EXAMPLE_HEAD R"upg(
action rotate_logs(h: host) {
  spills alive
  run("logrotate", "-f", "/etc/logrotate.conf") on h
  takes 10s..2m
}
action clean_cache(h: host) {
  spills alive
  run("apt-get", "clean") on h
  takes 10s..2m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  parallel { rotate_logs(node1) } and { clean_cache(node1) }
}
)upg",
      // fixed
      UPG_EXAMPLE_HEAD R"upg(
action rotate_logs(h: host) {
  spills alive
  run("logrotate", "-f", "/etc/logrotate.conf") on h
  takes 10s..2m
}
action clean_cache(h: host) {
  spills alive
  run("apt-get", "clean") on h
  takes 10s..2m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  parallel { rotate_logs(node1) } and { clean_cache(node2) }
}
)upg",
      check, false};
}

}  // namespace upg::safety
