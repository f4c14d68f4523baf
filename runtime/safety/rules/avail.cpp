#include <algorithm>
#include <limits>

#include "runtime/safety/rules/examples.h"
#include "runtime/safety/rules/moments.h"
#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

std::string policy_text(const Analysis &a, const Budget &b) {
  const plan::Available &line = *b.line;
  std::string out;
  switch (line.kind) {
    case plan::AvailableKind::quorum:
      out = "quorum";
      break;
    case plan::AvailableKind::at_least:
      out = ">= " + std::to_string(line.amount);
      break;
    case plan::AvailableKind::at_least_percent:
      out = ">= " + std::to_string(line.amount / 10'000) + "%";
      break;
    case plan::AvailableKind::all_but:
      out = "all but " + std::to_string(line.amount);
      break;
    default:
      out = "may be down";
      break;
  }
  if (line.of.valid()) out += " of host." + std::string(a.plan.text(line.of));
  if (line.per.valid()) out += " per host." + std::string(a.plan.text(line.per));
  return out;
}

void check(Analysis &a) {
  std::vector<WorstMoment> worst(a.site.role_count());
  std::vector<std::uint64_t> margin(a.site.role_count(), std::numeric_limits<std::uint64_t>::max());
  std::vector<bool> seen(a.site.role_count(), false);
  for (const Budget &b : a.site.budgets()) {
    if (b.line == nullptr) continue;
    const plan::Role &role = *a.site.role(b.role);
    const std::string name(a.site.role_name(b.role));
    std::string_view unit = b.line->kind == plan::AvailableKind::quorum && !role.weights.empty() ? "vote" : "host";
    if (b.line->kind == plan::AvailableKind::quorum) unit = "vote";
    if (b.line->of.valid()) unit = a.plan.text(b.line->of);
    const std::string group = b.line->per.valid() ? " in one " + std::string(a.plan.text(b.line->per)) : std::string();
    const bool repair = a.plan.kind == plan::PlanKind::repair;
    if (b.below && !repair) {
      a.report(diagnostics::Kind::rule_avail, a.range(role.where),
               "`" + name + "` is below its policy before the plan starts")
          .label(a.range(b.line->where), "`available " + policy_text(a, b) + "`")
          .note(std::to_string(b.out) + " of " + counted(b.total, unit) + group +
                " are declared out; an upgrade starts from a cluster that keeps its policy")
          .help("bring them back first, or write a `repair`, which may start from a degraded cluster");
      continue;
    }
    const Moment moment = worst_moment(a, b, "available");
    const std::uint64_t left = b.budget - std::min(b.budget, moment.cut.weight);
    if (!seen[b.role] || left < margin[b.role]) {
      seen[b.role] = true;
      margin[b.role] = left;
      worst[b.role] = {
          plan::RoleId(b.role), b.total,      moment.cut.weight + b.out,
          b.budget + b.out,     moment.hosts, moment.accepted > moment.cut.weight ? moment.accepted + b.out : 0};
    }
    if (moment.harmful.empty() || condemned(a, moment)) continue;
    const StepIx last = moment.harmful.back().opener;
    if (a.clashed(moment.harmful.front().opener, last)) {  // the same overlap again, for another role
      bool told = false;
      for (const Down &d : moment.harmful) told = told || (d.opener != last || d.copies > 1);
      if (told) continue;
    }
    if (!a.first(diagnostics::Kind::rule_avail, a.tree[last].node, b.role)) continue;
    std::uint64_t down = b.out;
    std::vector<std::uint32_t> domains;
    for (const Down &d : moment.harmful) {
      if (b.domain.empty()) {
        down += b.weight[d.host] * d.copies;
      } else if (std::find(domains.begin(), domains.end(), b.domain[d.host]) == domains.end()) {
        domains.push_back(b.domain[d.host]);
        ++down;
      }
    }
    const std::uint64_t up = b.total - std::min(b.total, down);
    const std::uint64_t need = b.total - std::min(b.total, b.budget + b.out);
    const std::string state =
        std::to_string(up) + " of " + counted(b.total, unit) + group + " up, " + std::to_string(need) + " needed";
    auto report =
        a.report(diagnostics::Kind::rule_avail, a.range(last), "`" + name + "` would fall below its policy: " + state);
    tell_moment(a, moment, {"down", ": " + state}, report);
    report.label(a.range(b.line->where), "`" + name + "` must keep `available " + policy_text(a, b) + "`");
    report.note("worst moment: " + names_of(a, moment.hosts) + " down at once; " + counted(b.budget, unit) + group +
                " may be");
    if (role.serial) report.note("`" + name + "` is `serial` too: it wants one host under change at a time");
    if (b.out != 0)
      report.note(counted(b.out, unit) + " declared out " + (b.out == 1 ? "is" : "are") + " counted as down");
    report.help(b.budget == 0 ? "no host of `" + name +
                                    "` can be spared; give the role a spare first, or change how it is upgraded"
                              : "let one host be back (`await in_service(n)`) before the next one goes down");
  }
  for (RoleIx r = 0; r < a.site.role_count(); ++r) {
    if (seen[r]) {
      a.proof.worst.push_back(std::move(worst[r]));
    } else if (a.site.role(r) != nullptr && !a.site.hosts_of(r).empty()) {
      std::uint64_t total = 0;
      for (const HostIx h : a.site.hosts_of(r)) total += a.site.host(h).many;
      a.proof.worst.push_back({plan::RoleId(r), total, 0, std::numeric_limits<std::uint64_t>::max(), {}, 0});
    }
  }
}

}  // namespace

Rule avail_rule() {
  return {
      diagnostics::Kind::rule_avail, "available",
      R"(A role says with `available` how much of it must be up at every instant. A host's role is down from the start of an action that
disrupts it until its `health` gate, asked after the action ended, has passed. The checker finds the worst moment over every order in which the
plan can run: a batch of two, two phases that are not ordered, a bastion or hypervisor that takes others down with it. It is an error if that
moment takes away more than the policy allows.)",

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
  health    joined
  stoppable to_spare
}
probe boot_id(h: host) -> string { return (run("cat", "/proc/sys/kernel/random/boot_id") on h).stdout.trim }
gate up(h: host)       { pass when answers(h)  poll 2s for 5m }
gate joined(h: host)   { pass when (run("true") on h).code == 0  poll 2s for 5m  watches member }
gate to_spare(h: host) { pass when (run("true") on h).code == 0  poll 2s for 5m  watches member }

cluster lab {
  user "root"
  host node1 "10.0.0.1", node2 "10.0.0.2", node3 "10.0.0.3" { roles alive, member }
}

action reboot(h: host) {
  disrupts all on h
  run("systemctl", "reboot") on h
  awaits boot of h
  takes 3m..15m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  rolling n in member batch 2 {
    await stoppable(n)
    reboot(n)
    await in_service(n)
  }
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
  health    joined
  stoppable to_spare
}
probe boot_id(h: host) -> string { return (run("cat", "/proc/sys/kernel/random/boot_id") on h).stdout.trim }
gate up(h: host)       { pass when answers(h)  poll 2s for 5m }
gate joined(h: host)   { pass when (run("true") on h).code == 0  poll 2s for 5m  watches member }
gate to_spare(h: host) { pass when (run("true") on h).code == 0  poll 2s for 5m  watches member }

cluster lab {
  user "root"
  host node1 "10.0.0.1", node2 "10.0.0.2", node3 "10.0.0.3" { roles alive, member }
}

action reboot(h: host) {
  disrupts all on h
  run("systemctl", "reboot") on h
  awaits boot of h
  takes 3m..15m
}

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  rolling n in member {
    await stoppable(n)
    reboot(n)
    await in_service(n)
  }
}
)upg",
      check};
}

}  // namespace upg::safety
