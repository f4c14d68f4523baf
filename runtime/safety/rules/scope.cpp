#include <map>
#include <set>

#include "runtime/safety/rules/examples.h"
#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

using diagnostics::Kind;

void same_machine(Analysis &a) {
  std::map<std::string, std::size_t> names, addresses;
  for (std::size_t h = 0; h < a.plan.hosts.size(); ++h) {
    const plan::Host &host = a.plan.hosts[h];
    const std::string name(a.plan.text(host.name));
    const std::string address =
        host.address.valid() && !a.plan.text(host.address).empty() ? std::string(a.plan.text(host.address)) : name;
    std::string key = address + ':' + std::to_string(host.port);
    for (const plan::HostId v : host.via)
      key += " via " + std::to_string(v.index);  // another network, perhaps another machine
    const auto [named, fresh_name] = names.try_emplace(name, h);
    const auto [addressed, fresh] = addresses.try_emplace(key, h);
    if (fresh_name && fresh) continue;
    const plan::Host &other = a.plan.hosts[fresh_name ? addressed->second : named->second];
    a.report(Kind::rule_scope, a.range(host.where),
             fresh_name
                 ? "`" + name + "` and `" + std::string(a.plan.text(other.name)) + "` are one machine: " + address
                 : "host `" + name + "` is declared twice")
        .label(a.range(other.where), "the other one")
        .note("one machine under two names would be counted twice");
  }
}

void empty_rollouts(Analysis &a) {
  for (const plan::Rollout &r : a.plan.rollouts) {
    if (r.if_any || (r.hosts.valid() && !a.plan.sets[r.hosts.index].hosts.empty())) continue;
    a.report(Kind::rule_scope, a.range(r.where), "no host takes a turn here")
        .note("an empty set never means all; a mistyped role or condition would do nothing and look well")
        .help("write `if any` if none is fine");
  }
}

/// One action that takes every host of a role down, outside of a rollout.
void whole_roles(Analysis &a) {
  for (StepIx s = 0; s < a.tree.size(); ++s) {
    if (a.tree[s].kind != StepKind::act) continue;
    const Contract &c = a.tree.contract(a.tree[s]);
    std::map<RoleIx, std::size_t> down;
    for (const PairIx p : c.disrupts) {
      if (!contains(c.spread, a.site.pair_host(p))) ++down[a.site.pair_role(p)];
    }
    for (const auto &[role, n] : down) {
      if (n < 2 || n < a.site.hosts_of(role).size() || role == a.site.alive()) continue;
      if (a.lifted("scope", s, plan::RoleId(role)) || !a.first(Kind::rule_scope, a.tree[s].node, role)) continue;
      const std::string name(a.site.role_name(role));
      auto out = a.report(Kind::rule_scope, a.range(s),
                          a.named(s) + " takes every host of `" + name + "` down at once, without a rollout");
      if (a.site.role(role) != nullptr) out.label(a.range(a.site.role(role)->where), "the role");
      a.step(out, s, ": all of " + a.contracts.host_list(a.site.hosts_of(role)) + " go down");
      out.help("let the action take one host and call it in `rolling n in " + name + " { }`");
    }
  }
}

void check(Analysis &a) {
  same_machine(a);
  empty_rollouts(a);
  whole_roles(a);
}

}  // namespace

Rule scope_rule() {
  return {
      Kind::rule_scope, "scope",
      R"(A plan says whom it touches and touches no one else: no action takes every host of a role down outside of a rollout, no rollout goes over an
empty set unless `if any` says that none is fine, and no machine stands in the site under two names.)",

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

role cache {
  available may be down
  health    up
  stoppable always "clients ask the source"
}

cluster lab {
  user "root"
  host node1 "10.0.0.1", node2 "10.0.0.2", node3 "10.0.0.3" { roles alive, member, cache }
}

gate idle { pass when (run("true") on node1).code == 0  poll 2s for 5m  watches cache }
action flush() {
  requires idle
  disrupts cache on each cache
  run("flush-caches") on each cache
  takes 1s..1m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  await idle
  flush()
  await in_service(all)
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

role cache {
  available may be down
  health    up
  stoppable always "clients ask the source"
}

cluster lab {
  user "root"
  host node1 "10.0.0.1", node2 "10.0.0.2", node3 "10.0.0.3" { roles alive, member, cache }
}

gate idle { pass when (run("true") on node1).code == 0  poll 2s for 5m  watches cache }
action flush(h: host) {
  requires idle
  disrupts cache on h
  run("flush-caches") on h
  takes 1s..1m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  rolling n in cache {
    await idle
    flush(n)
    await in_service(n)
  }
}
)upg",
      check};
}

}  // namespace upg::safety
