#include <algorithm>

#include "runtime/safety/rules/beside.h"
#include "runtime/safety/rules/examples.h"
#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

/// The host itself or a bastion in front of it that is declared out; kNone if all are there.
HostIx dead_on_the_way(const Site &site, HostIx host) {
  if (site.host(host).out) return host;
  for (const HostIx bastion : site.host(host).via) {
    if (site.host(bastion).out) return bastion;
  }
  return kNone;
}

void check(Analysis &a) {
  const RoleIx alive = a.site.alive();
  for (StepIx s = 0; s < a.tree.size(); ++s) {
    if (a.tree[s].kind != StepKind::act || !a.flow.at(s).reached) continue;
    const Contract &c = a.tree.contract(a.tree[s]);
    for (const HostIx h : c.subjects) {
      const HostIx dead = dead_on_the_way(a.site, h);
      if (dead == kNone || !a.first(diagnostics::Kind::rule_reach, a.tree[s].node)) continue;
      const std::string host(a.site.host_name(dead));
      const std::string where =
          dead == h ? "a host" : std::string(a.site.host_name(h)) + ", whose bastion " + host + " is";
      auto out =
          a.report(diagnostics::Kind::rule_reach, a.range(s), a.named(s) + " may start on " + where + " declared out");
      out.label(a.range(a.plan.hosts[a.site.host(dead).id.index].where), host + " is declared here");
      out.note("the reason it is out: " +
               std::string(a.plan.text(a.plan.hosts[a.site.host(dead).id.index].out_reason)));
      a.step(out, s, " while " + host + " is dead");
      out.help("leave " + std::string(a.site.host_name(h)) + " out of the step, or take back that " + host + " is out");
    }
    std::vector<HostIx> needed = c.subjects;
    for (const HostIx h : c.subjects) needed.insert(needed.end(), a.site.host(h).via.begin(), a.site.host(h).via.end());
    sort_unique(needed);
    std::vector<Open> down_now;
    for (const HostIx h : needed) {
      const PairIx pair = a.site.pair(h, alive);
      if (pair == kNone) continue;
      for (const Open &o : a.flow.open_before(s, pair)) {
        if (!o.changing) down_now.push_back(o);
      }
    }
    std::sort(down_now.begin(), down_now.end(), [](const Open &x, const Open &y) { return x.number < y.number; });
    for (const Open &o : down_now) {
      const HostIx down = a.site.pair_host(o.pair);
      for (const HostIx h : c.subjects) {
        const bool through = contains(a.site.host(h).via, down);
        if (h != down && !through) continue;
        if (!a.first(diagnostics::Kind::rule_reach, a.tree[s].node)) break;
        const std::string host(a.site.host_name(h)), bastion(a.site.host_name(down));
        auto out =
            a.report(diagnostics::Kind::rule_reach, a.range(s),
                     a.named(s) + " may start while " + (through ? "its bastion " + bastion : host) + " is down");
        out.label(a.range(o.opener), "takes " + bastion + " down");
        a.step(out, o.opener);
        a.step(out, s, " while " + bastion + " is down: " + host + " cannot be reached");
        out.help("let the action that takes it down await its boot (`awaits boot of h`), or await `in_service(" +
                 bastion + ")` before");
      }
    }
  }
  // A bastion taken down beside a step on a host behind it.
  for_conflicts(
      a.tree,
      [&](StepIx x, std::vector<Touch> &out) {
        if (a.tree[x].kind != StepKind::act) return;
        const Contract &c = a.tree.contract(a.tree[x]);
        for (const PairIx p : c.disrupts) {
          if (a.site.pair_role(p) == alive) out.push_back({a.site.pair_host(p), true, false});
        }
        for (const HostIx h : c.subjects) {
          for (const HostIx v : a.site.host(h).via) out.push_back({v, false});
        }
      },
      [&](StepIx x, StepIx y, std::uint64_t key) {
        const auto bastion = static_cast<HostIx>(key);
        const auto takes_down = [&](StepIx s) {
          return contains(a.tree.contract(a.tree[s]).disrupts, a.site.pair(bastion, alive));
        };
        if (takes_down(x) && takes_down(y)) return false;  // HOSTX
        const StepIx down = takes_down(x) ? x : y, cut = takes_down(x) ? y : x;
        if (a.clashed(x, y)) return true;
        if (!a.first(diagnostics::Kind::rule_reach, a.tree[down].node, a.tree[cut].node.index)) return true;
        a.clash(x, y);
        const std::string name(a.site.host_name(bastion));
        auto out = a.report(diagnostics::Kind::rule_reach, a.range(cut),
                            a.named(cut) + " may run while its bastion " + name + " is down");
        if (a.tree[down].node != a.tree[cut].node)
          out.label(a.range(down), "may take " + name + " down at the same time");
        a.step(out, cut);
        a.step(out, down, " while " + a.named(cut) + " runs through it");
        out.help("put the bastion's turn before or after");
        return true;
      });
}

}  // namespace

Rule reach_rule() {
  return {
      diagnostics::Kind::rule_reach, "reach",
      R"(Nothing may start on a host that the plan has taken down and not seen boot, nor on a host behind a bastion (`via`) that is down or may
go down meanwhile, nor on a host declared `out`. The rule cannot be waived.)",

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

cluster lab {
  user "root"
  host jump "10.0.0.9" { roles alive }
  host node1 "10.0.0.1", node2 "10.0.0.2", node3 "10.0.0.3" { via jump  roles alive, member }
}

gate idle { pass when (run("true") on jump).code == 0  poll 2s for 5m  watches alive }
action halt_host(h: host) {
  requires idle
  disrupts all on h
  run("systemctl", "halt") on h
  takes 1m..5m
}

action update(h: host) {
  changes member on h
  run("apt-get", "-y", "upgrade") on h
  takes 2m..10m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  await idle
  halt_host(jump)
  update(node1)                 // over jump, which is down
  await in_service(jump)
  await in_service(node1)
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

cluster lab {
  user "root"
  host jump "10.0.0.9" { roles alive }
  host node1 "10.0.0.1", node2 "10.0.0.2", node3 "10.0.0.3" { via jump  roles alive, member }
}

gate idle { pass when (run("true") on jump).code == 0  poll 2s for 5m  watches alive }
action halt_host(h: host) {
  requires idle
  disrupts all on h
  run("systemctl", "halt") on h
  takes 1m..5m
}

action update(h: host) {
  changes member on h
  run("apt-get", "-y", "upgrade") on h
  takes 2m..10m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  await idle
  halt_host(jump)
  await in_service(jump)
  update(node1)
  await in_service(node1)
}
)upg",
      check, false};
}

}  // namespace upg::safety
