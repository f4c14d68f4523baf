// Two plans: who and when. Identity, hosts, roles, rules of modules, windows, margins.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/report/diff_parts.h"
#include "runtime/report/review_outline.h"

namespace upg::report {
namespace {

using plan::NodeId;

std::string listed(const std::vector<std::string> &words) {
  std::string out;
  for (const std::string &word : words) {
    if (out.size() > 2000) return out + ", ...";
    out += (out.empty() ? "" : ", ") + shown(word, 120);
  }
  return out;
}

std::string window_text(const Side &s, const plan::Window &w) {
  const std::string when =
      w.day == plan::WindowDay::date ? day_text(w.date * 86400) : "every " + std::string(plan::name_of(w.day));
  return fmt::format("{} {:02}:{:02} for {}, {}", when, w.minute / 60, w.minute % 60, duration_text(w.length),
                     s.name(w.zone));
}

std::string claim_text(const Side &s, const plan::CellClaim &claim) {
  const plan::State &state = s.plan.states[claim.state.index];
  std::string out = fmt::format("{} == {}", s.name(state.name), s.name(state.values[claim.value].name));
  if (claim.hosts.valid()) out += " on " + set_text(s.plan, claim.hosts);
  return out;
}

std::string available_text(const Side &s, const plan::Available &a) {
  std::string out(plan::name_of(a.kind));
  if (a.kind == plan::AvailableKind::at_least_percent) out = fmt::format("at least {:g}%", a.amount / 10000.0);
  if (a.kind == plan::AvailableKind::at_least || a.kind == plan::AvailableKind::all_but)
    out += fmt::format(" {}", a.amount);
  if (a.per.valid()) out += " per " + s.name(a.per);
  if (a.of.valid()) out += " of " + s.name(a.of);
  return out;
}

/// How two lines of `available` of one form stand to each other: above zero if the second keeps more up.
int stricter(const plan::Available &before, const plan::Available &after) {
  if (before.kind != after.kind) {
    if (after.kind == plan::AvailableKind::may_be_down) return -1;
    if (before.kind == plan::AvailableKind::may_be_down) return 1;
    return 0;
  }
  if (before.amount == after.amount) return 0;
  const bool more = after.amount > before.amount;
  return (after.kind == plan::AvailableKind::all_but) != more ? 1 : -1;
}

template <class Id, class Table>
std::string reference(const Side &s, Id id, const Table &table) {
  return id.valid() ? s.name(table[id.index].name) : std::string("none");
}

void one_role(Comparison &c, const plan::Role &x, const plan::Role &y) {
  const std::string subject = "role " + c.a.name(x.name);
  std::string before, after;
  for (const plan::Available &line : x.available) before += (before.empty() ? "" : ", ") + available_text(c.a, line);
  for (const plan::Available &line : y.available) after += (after.empty() ? "" : ", ") + available_text(c.b, line);
  if (before != after) {
    int better = static_cast<int>(y.available.size()) - static_cast<int>(x.available.size());
    if (x.available.size() == 1 && y.available.size() == 1) better = stricter(x.available[0], y.available[0]);
    const ChangeKind kind = better > 0 ? ChangeKind::policy_strengthened : ChangeKind::policy_weakened;
    c.add(kind, subject, {"how much stays up", before, after, x.where, y.where});
  }
  if (x.serial != y.serial)
    c.add(x.serial ? ChangeKind::policy_weakened : ChangeKind::policy_strengthened, subject,
          {x.serial ? "two of its hosts may now be under change at once" : "its hosts change one at a time now",
           x.serial ? "serial" : "not serial", y.serial ? "serial" : "not serial", x.where, y.where});
  const auto gate = [&](const char *what, plan::GateId p, plan::GateId q) {
    c.differ(ChangeKind::policy_weakened, subject, what, reference(c.a, p, c.a.plan.gates),
             reference(c.b, q, c.b.plan.gates), x.where, y.where);
  };
  gate("its health gate", x.health, y.health);
  if (!x.stoppable_always.valid() && !y.stoppable_always.valid()) gate("its stoppable gate", x.stoppable, y.stoppable);
  if (x.stoppable_always.valid() != y.stoppable_always.valid())
    c.add(y.stoppable_always.valid() ? ChangeKind::policy_weakened : ChangeKind::policy_strengthened, subject,
          {"whether it is asked before one of its hosts leaves",
           x.stoppable_always.valid() ? "always stoppable" : reference(c.a, x.stoppable, c.a.plan.gates),
           y.stoppable_always.valid() ? "always stoppable" : reference(c.b, y.stoppable, c.b.plan.gates), x.where,
           y.where});
  c.differ(y.roster.valid() ? ChangeKind::policy_strengthened : ChangeKind::policy_weakened, subject,
           "its live members are asked", reference(c.a, x.roster, c.a.plan.probes),
           reference(c.b, y.roster, c.b.plan.probes), x.where, y.where);
  c.differ(y.settles < x.settles ? ChangeKind::policy_weakened : ChangeKind::policy_strengthened, subject,
           "how long it settles before health counts", duration_text(x.settles), duration_text(y.settles), x.where,
           y.where);
  c.differ(y.down_only_under.valid() ? ChangeKind::policy_strengthened : ChangeKind::policy_weakened, subject,
           "it goes down only under a hold", reference(c.a, x.down_only_under, c.a.plan.holds),
           reference(c.b, y.down_only_under, c.b.plan.holds), x.where, y.where);
  c.differ(ChangeKind::policy_weakened, subject, "how a boot is recognised", reference(c.a, x.boot, c.a.plan.probes),
           reference(c.b, y.boot, c.b.plan.probes), x.where, y.where);
  c.differ(ChangeKind::policy_weakened, subject, "how a machine is recognised",
           reference(c.a, x.identity, c.a.plan.probes), reference(c.b, y.identity, c.b.plan.probes), x.where, y.where);
  const auto votes = [](const Side &s, const plan::Role &role) {
    std::vector<std::string> out;
    const auto &hosts = s.plan.sets[role.hosts.index].hosts;
    for (std::size_t i = 0; i < role.weights.size() && i < hosts.size(); ++i)
      out.push_back(fmt::format("{} of {}", role.weights[i], s.name(s.plan.hosts[hosts[i].index].name)));
    return listed(out);
  };
  c.differ(ChangeKind::host_changed, subject, "its votes", votes(c.a, x), votes(c.b, y), x.where, y.where);
}

std::string address_text(const Side &s, const plan::Host &h) {
  std::string out = s.name(h.address.valid() ? h.address : h.name);
  if (h.user.valid()) out = s.name(h.user) + "@" + out;
  if (h.port != 0) out += fmt::format(":{}", h.port);
  if (!h.via.empty()) out += " via " + listed(host_names(s.plan, h.via));
  return out;
}

std::string role_names(const Side &s, const plan::Host &h) {
  std::vector<std::string> out;
  for (const plan::RoleId r : h.roles) out.push_back(s.name(s.plan.roles[r.index].name));
  std::sort(out.begin(), out.end());
  return listed(out);
}

std::string attributes_text(const Side &s, const std::vector<plan::Attribute> &attributes) {
  const plan::Frame none;
  std::vector<std::string> out;
  for (const plan::Attribute &attribute : attributes)
    out.push_back(s.name(attribute.key) + ' ' + PlanText(s.plan, none).text(attribute.value));
  std::sort(out.begin(), out.end());
  return listed(out);
}

/// Lines of one table as texts: what only one side has is told.
template <class T, class Text>
void lines(Comparison &c, const std::vector<T> &before, const std::vector<T> &after, Text &&text, ChangeKind dropped,
           ChangeKind added, const std::string &subject) {
  for (const auto &[x, y] : paired(
           before, after, [&](const T &t) { return text(c.a, t); }, [&](const T &t) { return text(c.b, t); })) {
    if (x != nullptr && y == nullptr) c.add(dropped, subject, {.before = text(c.a, *x), .at_before = x->where});
    if (x == nullptr && y != nullptr) c.add(added, subject, {.after = text(c.b, *y), .at_after = y->where});
  }
}

/// Hosts that came or went are told elsewhere: a claim is compared on the hosts that both plans have.
void claims(Comparison &c, const std::vector<plan::CellClaim> &before, const std::vector<plan::CellClaim> &after,
            const std::string &subject) {
  const auto living = [](const Side &s) {
    std::set<std::string> out;
    for (const plan::Host &h : s.plan.hosts) {
      if (!h.out_reason.valid()) out.insert(s.name(h.name));
    }
    return out;
  };
  const std::set<std::string> old_hosts = living(c.a), new_hosts = living(c.b);
  const auto key = [&](const Side &s) {
    return [&](const plan::CellClaim &claim) {
      const plan::State &state = s.plan.states[claim.state.index];
      std::set<std::string> hosts;
      if (claim.hosts.valid()) {
        for (const std::string &name : host_names(s.plan, s.plan.sets[claim.hosts.index].hosts)) {
          if (old_hosts.contains(name) && new_hosts.contains(name)) hosts.insert(name);
        }
      }
      std::string out = fmt::format("{} == {}", s.name(state.name), s.name(state.values[claim.value].name));
      for (const std::string &host : hosts) out += ' ' + host;
      return out;
    };
  };
  for (const auto &[x, y] : paired(before, after, key(c.a), key(c.b))) {
    if (y == nullptr) c.add(ChangeKind::claim_changed, subject, {.before = claim_text(c.a, *x), .at_before = x->where});
    if (x == nullptr) c.add(ChangeKind::claim_changed, subject, {.after = claim_text(c.b, *y), .at_after = y->where});
  }
}

std::string order_text(const Side &s, const plan::Order &order) {
  std::string out;
  for (const plan::RoleGroup &group : order.groups) {
    std::vector<std::string> names;
    for (const plan::RoleId r : group.roles) names.push_back(s.name(s.plan.roles[r.index].name));
    out += (out.empty() ? "" : " before ") + listed(names);
  }
  return out + (order.on_each_host ? " on each host" : "");
}

std::string rank_text(const Side &s, const plan::Rank &rank) {
  std::string out;
  for (const plan::RoleId r : rank.roles) out += (out.empty() ? "" : " < ") + s.name(s.plan.roles[r.index].name);
  return "rank " + out;
}

std::string command_rule_text(const Side &s, const plan::CommandRule &rule) {
  std::string out = fmt::format("\"{}\" implies", s.name(rule.pattern));
  const auto roles = [&](const char *word, const std::vector<plan::RoleId> &ids, bool all) {
    std::vector<std::string> names;
    for (const plan::RoleId r : ids) names.push_back(s.name(s.plan.roles[r.index].name));
    if (all) names = {"all"};
    if (!names.empty()) out += fmt::format(" {} {}", word, listed(names));
  };
  roles("changes", rule.changes, rule.changes_all);
  roles("disrupts", rule.disrupts, rule.disrupts_all);
  return out + (rule.destroys ? " destroys" : "");
}

}  // namespace

void compare_identity(Comparison &c) {
  const plan::Plan &x = c.a.plan, &y = c.b.plan;
  const auto text = [&](const char *what, const std::string &p, const std::string &q) {
    c.differ(ChangeKind::identity, "plan", what, p, q);
  };
  text("what it is", std::string(plan::name_of(x.kind)), std::string(plan::name_of(y.kind)));
  text("its name", c.a.name(x.name), c.b.name(y.name));
  text("its cluster", c.a.name(x.cluster), c.b.name(y.cluster));
  text("from", c.a.name(x.from), c.b.name(y.from));
  text("to", c.a.name(x.to), c.b.name(y.to));
  text("the hosts of --limit", c.a.name(x.limit), c.b.name(y.limit));
  const auto names = [](const Side &s) {
    std::vector<std::string> out;
    for (const plan::StringId id : s.plan.exclusive) out.push_back(s.name(id));
    return listed(out);
  };
  text("what it excludes other plans by", names(c.a), names(c.b));
  if (x.tolerate != y.tolerate)
    c.add(ChangeKind::tolerance, y.tolerate > x.tolerate ? Danger::weaker : Danger::stronger, "plan",
          {"how many hosts may be lost", std::to_string(x.tolerate), std::to_string(y.tolerate)});
  text("attributes of the cluster", attributes_text(c.a, x.cluster_attributes),
       attributes_text(c.b, y.cluster_attributes));

  const auto parameter_name = [](const Side &s) {
    return [&s](const plan::PlanParameter &p) { return s.name(p.name); };
  };
  const auto value = [](const Side &s, const plan::PlanParameter *p) {
    const plan::Frame none;
    return p != nullptr ? PlanText(s.plan, none).text(p->value) : std::string("none");
  };
  for (const auto &[p, q] : paired(x.parameters, y.parameters, parameter_name(c.a), parameter_name(c.b)))
    c.differ(ChangeKind::parameter, "param " + (p != nullptr ? c.a.name(p->name) : c.b.name(q->name)), "its value",
             value(c.a, p), value(c.b, q));

  const auto secret = [](const Side &s, const plan::Secret &one) {
    return fmt::format("secret {} from {} {}", s.name(one.name), plan::name_of(one.source), s.name(one.argument));
  };
  lines(c, x.secrets, y.secrets, secret, ChangeKind::parameter, ChangeKind::parameter, "secrets");
  lines(c, x.windows, y.windows, window_text, ChangeKind::window, ChangeKind::window, "windows");
  claims(c, x.initially, y.initially, "initially");
  claims(c, x.finally, y.finally, "finally");
}

void compare_hosts(Comparison &c) {
  const auto name = [](const Side &s) { return [&s](const plan::Host &h) { return s.name(h.name); }; };
  std::vector<std::string> added, removed;
  for (const auto &[x, y] : paired(c.a.plan.hosts, c.b.plan.hosts, name(c.a), name(c.b))) {
    if (y == nullptr) removed.push_back(c.a.name(x->name));
    if (x == nullptr) added.push_back(c.b.name(y->name));
    if (x == nullptr || y == nullptr) continue;
    const std::string subject = "host " + c.a.name(x->name);
    c.differ(ChangeKind::host_changed, subject, "its roles", role_names(c.a, *x), role_names(c.b, *y), x->where,
             y->where);
    c.differ(ChangeKind::host_changed, subject, "how it is reached", address_text(c.a, *x), address_text(c.b, *y),
             x->where, y->where);
    c.differ(ChangeKind::host_changed, subject, "whose guest it is", reference(c.a, x->guest_of, c.a.plan.roles),
             reference(c.b, y->guest_of, c.b.plan.roles), x->where, y->where);
    c.differ(ChangeKind::host_changed, subject, "its attributes", attributes_text(c.a, x->attributes),
             attributes_text(c.b, y->attributes), x->where, y->where);
    if (x->out_reason.valid() != y->out_reason.valid())
      c.add(ChangeKind::host_out, y->out_reason.valid() ? Danger::weaker : Danger::stronger, subject,
            {y->out_reason.valid() ? "declared dead: " + c.b.name(y->out_reason) : "no longer declared dead", "", "",
             x->where, y->where});
  }
  if (!removed.empty())
    c.add(ChangeKind::hosts_removed, "cluster " + c.a.name(c.a.plan.cluster), {.before = listed(removed)});
  if (!added.empty()) c.add(ChangeKind::hosts_added, "cluster " + c.a.name(c.a.plan.cluster), {.after = listed(added)});
}

void compare_roles(Comparison &c) {
  const auto name = [](const Side &s) { return [&s](const plan::Role &r) { return s.name(r.name); }; };
  for (const auto &[x, y] : paired(c.a.plan.roles, c.b.plan.roles, name(c.a), name(c.b))) {
    if (x != nullptr && y != nullptr) one_role(c, *x, *y);
    if (y == nullptr)
      c.add(ChangeKind::policy_weakened, "role " + c.a.name(x->name),
            {.text = "no host of the plan carries it any more", .at_before = x->where});
    if (x == nullptr)
      c.add(ChangeKind::policy_strengthened, "role " + c.b.name(y->name), {.text = "new", .at_after = y->where});
  }
}

void compare_rules(Comparison &c) {
  lines(c, c.a.plan.orders, c.b.plan.orders, order_text, ChangeKind::order_dropped, ChangeKind::order_added, "order");
  lines(c, c.a.plan.ranks, c.b.plan.ranks, rank_text, ChangeKind::order_dropped, ChangeKind::order_added, "order");
  lines(c, c.a.plan.commands, c.b.plan.commands, command_rule_text, ChangeKind::command_rule_dropped,
        ChangeKind::order_added, "commands");
}

void compare_proofs(Comparison &c) {
  if (c.a.proof == nullptr || c.b.proof == nullptr) return;
  const auto role_name = [](const Side &s) {
    return [&s](const safety::WorstMoment &w) { return s.name(s.plan.roles[w.role.index].name); };
  };
  const auto text = [](const Side &s, const safety::WorstMoment &w) {
    if (w.accepted > w.down)
      return fmt::format("{} of {} down in an accepted outage, {} outside of it", w.accepted, w.total, w.down);
    std::string out = fmt::format("{} of {} down", w.down, w.total);
    if (!w.hosts.empty()) out += " (" + host_list(s.plan, w.hosts) + ")";
    return w.budget == UINT64_MAX ? out : out + fmt::format(", {} may be", w.budget);
  };
  for (const auto &[x, y] : paired(c.a.proof->worst, c.b.proof->worst, role_name(c.a), role_name(c.b))) {
    if (x == nullptr || y == nullptr) continue;
    const auto most = [](const safety::WorstMoment &w) { return std::max(w.down, w.accepted); };
    if (most(*x) == most(*y) && x->total == y->total && x->budget == y->budget) continue;
    const auto margin = [&](const safety::WorstMoment &w) {
      return w.budget == UINT64_MAX ? UINT64_MAX : w.budget - std::min(most(w), w.budget);
    };
    if (margin(*y) == margin(*x) && most(*y) == most(*x)) continue;  // more hosts, none of them down
    const bool better = margin(*y) > margin(*x) || (margin(*y) == margin(*x) && most(*y) < most(*x));
    c.add(ChangeKind::margin, better ? Danger::stronger : Danger::weaker, "role " + role_name(c.a)(*x),
          {"the worst moment", text(c.a, *x), text(c.b, *y)});
  }
  const auto time = [](const safety::Proof &p) {
    return fmt::format("typically {}, at worst {}", duration_text(p.typical_ms), duration_text(p.worst_ms));
  };
  c.differ(ChangeKind::duration, "plan", "how long it takes", time(*c.a.proof), time(*c.b.proof));
}

}  // namespace upg::report
