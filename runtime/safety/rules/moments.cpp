#include "runtime/safety/rules/moments.h"

#include <algorithm>
#include <set>

namespace upg::safety {
namespace {

std::uint64_t weigh(const Budget &budget, const std::vector<Down> &who) {
  std::uint64_t sum = 0;
  std::set<std::uint32_t> domains;
  for (const Down &d : who) {
    if (!budget.domain.empty()) {
      if (d.copies != 0 && domains.insert(budget.domain[d.host]).second) ++sum;
    } else {
      sum += budget.weight[d.host] * d.copies;
    }
  }
  return sum;
}

}  // namespace

namespace {
/// Names for each entry, none of them twice. Of hosts that are alike those that are lost had their turns first: they
/// take the first names.
std::vector<std::vector<plan::HostId>> hosts_by_entry(const Analysis &a, const std::vector<Down> &who) {
  std::vector<std::vector<plan::HostId>> out(who.size());
  std::set<std::uint32_t> taken;
  const auto lost = [&](const Down &d) { return a.tree[d.opener].kind != StepKind::act; };
  for (std::size_t i = 0; i < who.size(); ++i) {
    const SiteHost &host = a.site.host(who[i].host);
    if (lost(who[i]) && host.many > 1) continue;
    if (taken.insert(host.id.index).second) out[i].push_back(host.id);
  }
  for (const bool first : {true, false}) {
    for (std::size_t i = 0; i < who.size(); ++i) {
      if (lost(who[i]) != first) continue;
      for (const plan::HostId other : a.site.members(a.site.host(who[i].host).cls)) {
        if (out[i].size() >= who[i].copies) break;
        if (taken.insert(other.index).second) out[i].push_back(other);
      }
    }
  }
  return out;
}
}  // namespace

std::vector<plan::HostId> hosts_of(const Analysis &a, const std::vector<Down> &who) {
  std::vector<plan::HostId> out, more;
  for (const std::vector<plan::HostId> &hosts : hosts_by_entry(a, who)) {
    if (hosts.empty()) continue;
    out.push_back(hosts.front());
    more.insert(more.end(), hosts.begin() + 1, hosts.end());
  }
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

std::string names_of(const Analysis &a, const std::vector<plan::HostId> &hosts) {
  constexpr std::size_t kShown = 5;
  std::string out;
  for (std::size_t i = 0; i < hosts.size() && i < kShown; ++i) {
    if (i != 0) out += i + 1 == hosts.size() ? " and " : ", ";
    out += a.site.name(hosts[i]);
  }
  if (hosts.size() > kShown) out += " and " + std::to_string(hosts.size() - kShown) + " more";
  return out;
}

bool condemned(const Analysis &a, const Moment &moment) {
  return std::any_of(moment.harmful.begin(), moment.harmful.end(),
                     [&](const Down &d) { return a.condemned(d.opener) || a.outlived(d.opener); });
}

Moment worst_moment(Analysis &a, const Budget &budget, std::string_view rule) {
  const plan::RoleId role(budget.role);
  std::vector<StepIx> lifts;
  const auto lifted = [&](StepIx accept) {
    // Where a step outside the block may open the role while the block runs, the waiver lifts nothing.
    if (!a.about(accept, rule, role, {}) || a.opener_beside(accept, budget.role, budget.line == nullptr) != kNone)
      return false;
    lifts.push_back(accept);
    return true;
  };
  Moment moment;
  moment.cut = Cuts(a.tree, a.flow, budget, lifted).worst();
  if (!lifts.empty()) {
    moment.accepted = Cuts(a.tree, a.flow, budget, [](StepIx) { return false; }).worst().weight;
    if (moment.accepted > budget.budget) {
      for (const StepIx s : lifts) a.use(s);
    }
  }
  moment.hosts = hosts_of(a, moment.cut.who);
  if (moment.cut.weight <= budget.budget) return moment;

  std::vector<Down> who = moment.cut.who;
  std::stable_sort(who.begin(), who.end(), [](const Down &x, const Down &y) { return x.opener < y.opener; });
  for (std::size_t i = 0;
       i < who.size();) {  // drop what is not needed: light ones first would keep too many, so each in turn
    std::vector<Down> less = who;
    if (less[i].copies > 1)
      --less[i].copies;
    else
      less.erase(less.begin() + static_cast<std::ptrdiff_t>(i));
    if (weigh(budget, less) > budget.budget)
      who = std::move(less);
    else
      ++i;
  }
  moment.harmful = std::move(who);
  return moment;
}

void tell_moment(Analysis &a, const Moment &moment, const MomentWords &words, diagnostics::Sink::Builder &report) {
  const Tree &tree = a.tree;
  const std::vector<Down> &who = moment.harmful;
  const StepIx last = who.back().opener;
  for (const Down &x : who) {
    for (const Down &y : who) a.clash(x.opener, y.opener);
  }

  // What lets them overlap.
  std::set<StepIx> meets;
  std::set<std::uint32_t> marked = {tree[last].node.index};
  for (const Down &d : who) {
    if (d.opener != last) meets.insert(tree.meet(d.opener, last));
    if (marked.insert(tree[d.opener].node.index).second) {
      report.label(a.range(d.opener),
                   a.contracts.host_list(std::vector<HostIx>{d.host}) + " is " + words.taken + " from here");
    }
  }
  for (const Down &d : who) {  // several of a class: in turns of one rollout
    if (d.copies < 2) continue;
    for (StepIx x = d.opener; x != kNone; x = tree[x].parent) {
      if (tree[x].kind == StepKind::roll && tree[x].batch > 1) meets.insert(x);
    }
  }
  for (const StepIx m : meets) {
    const Step &meet = tree[m];
    if (meet.kind == StepKind::roll && meet.batch > 1) {
      report.label(a.range(a.plan.rollouts[a.plan.node(meet.node).a].where),
                   "up to " + std::to_string(meet.batch) + " hosts take their turn at once");
    } else if (meet.kind == StepKind::parallel) {
      report.label(a.range(m), "these parts run at the same time");
    } else if (meet.kind == StepKind::dag) {
      report.note("the phases that meet here are not ordered: write `after`");
    }
  }

  // The schedule: one line for each step that takes something away.
  std::string before;
  const std::vector<std::vector<plan::HostId>> names = hosts_by_entry(a, who);
  for (std::size_t i = 0; i < who.size(); ++i) {
    std::vector<Down> mine;
    const StepIx opener = who[i].opener;
    std::vector<plan::HostId> hosts;
    for (; i < who.size() && who[i].opener == opener; ++i) {
      mine.push_back(who[i]);
      hosts.insert(hosts.end(), names[i].begin(), names[i].end());
    }
    --i;
    const bool lost = tree[opener].kind != StepKind::act;  // in its turn
    const std::vector<HostIx> subjects =
        lost ? std::vector<HostIx>{mine[0].host} : tree.contract(tree[opener]).subjects;
    const bool whole = mine.size() > 1 || subjects.size() > 1;
    const bool closing = i + 1 == who.size();
    std::size_t lines = whole ? 1 : hosts.size();
    for (std::size_t line = 0; line < lines; ++line) {
      const std::string host = whole ? a.who(opener) : std::string(a.site.name(hosts[line]));
      const bool carried = !whole && !contains(subjects, mine[0].host);
      std::string text = lost ? "is lost in its turn" : a.what(opener);
      if (carried) text += ", which takes " + host + " down with it";
      if (!before.empty())
        text += " while " + before + (before.find(", ") == std::string::npos ? " is " : " are ") + words.taken;
      if (closing && line + 1 == lines) text += words.last;
      a.halts(report, opener);
      diagnostics::Cue cue = whole || carried ? a.cue(opener) : a.cue(opener, hosts[line]);
      if (lost) cue.kind = diagnostics::Cue::Kind::lose;
      report.step(carried ? a.who(opener) : host, text, a.range(opener), std::move(cue));
      if (whole) {
        before += (before.empty() ? "" : ", ") + names_of(a, hosts);
      } else {
        before += (before.empty() ? "" : ", ") + host;
      }
    }
  }
}

}  // namespace upg::safety
