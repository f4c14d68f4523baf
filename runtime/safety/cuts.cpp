#include "runtime/safety/cuts.h"

#include <algorithm>
#include <map>
#include <string>

#include "runtime/safety/antichain.h"

namespace upg::safety {

Cuts::Cuts(const Tree &tree, const Flow &flow, const Budget &budget, Lifted lifted)
    : tree_(tree),
      flow_(flow),
      budget_(budget),
      serial_(budget.line == nullptr),
      lifted_(std::move(lifted)),
      relevant_(tree.size(), false),
      bound_(tree.site().size(), 0),
      touched_(tree.size()),
      touched_known_(tree.size(), false) {
  mark();
}

void Cuts::mark() {
  const Site &site = tree_.site();
  const auto counts = [&](const std::vector<PairIx> &pairs) {
    return std::any_of(pairs.begin(), pairs.end(), [&](PairIx p) {
      return site.pair_role(p) == budget_.role && budget_.weight[site.pair_host(p)] != 0;
    });
  };
  for (StepIx s = tree_.size(); s-- > 0;) {
    const Step &step = tree_[s];
    if (step.kind == StepKind::act) {
      const Contract &c = tree_.contract(step);
      relevant_[s] = counts(c.disrupts) || (serial_ && counts(c.changes));
    }
    if (!flow_.at(s).closed.empty() && counts(flow_.at(s).closed)) relevant_[s] = true;
    if (relevant_[s] && step.parent != kNone) relevant_[step.parent] = true;
  }
}

const std::vector<HostIx> &Cuts::touched(StepIx s) {
  if (touched_known_[s]) return touched_[s];
  touched_known_[s] = true;
  const Site &site = tree_.site();
  std::vector<HostIx> out;
  const auto gather = [&](const std::vector<PairIx> &pairs) {
    for (const PairIx p : pairs) {
      if (site.pair_role(p) == budget_.role && budget_.weight[site.pair_host(p)] != 0) out.push_back(site.pair_host(p));
    }
  };
  for (StepIx x = s; x < tree_[s].end; ++x) {
    if (!relevant_[x]) continue;
    if (tree_[x].kind == StepKind::act) {
      gather(tree_.contract(tree_[x]).disrupts);
      if (serial_) gather(tree_.contract(tree_[x]).changes);
    }
    gather(flow_.at(x).closed);
  }
  sort_unique(out);
  touched_[s] = std::move(out);
  return touched_[s];
}

bool Cuts::has(const OpenHosts &open, HostIx host) {
  return std::any_of(open.begin(), open.end(), [&](const OpenHost &o) { return o.host == host; });
}
void Cuts::insert(OpenHosts &open, HostIx host, StepIx opener) {
  const auto at =
      std::lower_bound(open.begin(), open.end(), host, [](const OpenHost &o, HostIx h) { return o.host < h; });
  if (at == open.end() || at->host != host) open.insert(at, {host, opener});
}
void Cuts::unite(OpenHosts &into, const OpenHosts &other) {
  for (const OpenHost &o : other) insert(into, o.host, o.opener);
}

Cut Cuts::measure(const OpenHosts &open) const {
  Cut cut;
  std::vector<std::uint32_t> domains;
  for (const OpenHost &o : open) {
    if (budget_.weight[o.host] == 0) continue;
    if (!budget_.domain.empty()) {
      if (std::find(domains.begin(), domains.end(), budget_.domain[o.host]) != domains.end()) continue;
      domains.push_back(budget_.domain[o.host]);
      cut.weight += 1;
      cut.who.push_back({o.host, o.opener, 1});
      continue;
    }
    cut.weight += budget_.weight[o.host] * copies(o.host);
    cut.who.push_back({o.host, o.opener, copies(o.host)});
  }
  return cut;
}

Cut Cuts::worst() {
  OpenHosts open;
  return eval(0, open);
}

namespace {
void keep_heavier(Cut &best, Cut other) {
  if (other.weight > best.weight) best = std::move(other);
}
void add(Cut &into, const Cut &other) {
  into.weight += other.weight;
  into.who.insert(into.who.end(), other.who.begin(), other.who.end());
}
}  // namespace

Cut Cuts::eval(StepIx s, OpenHosts &open) {
  if (!relevant_[s]) return measure(open);
  const Site &site = tree_.site();
  const Step &step = tree_[s];
  const auto close = [&] {
    for (const PairIx p : flow_.at(s).closed) {
      if (site.pair_role(p) != budget_.role) continue;
      std::erase_if(open, [&](const OpenHost &o) { return o.host == site.pair_host(p); });
    }
  };
  switch (step.kind) {
    case StepKind::act: {
      const auto take = [&](const std::vector<PairIx> &pairs) {
        for (const PairIx p : pairs) {
          if (site.pair_role(p) == budget_.role && budget_.weight[site.pair_host(p)] != 0)
            insert(open, site.pair_host(p), s);
        }
      };
      const Contract &c = tree_.contract(step);
      take(c.disrupts);
      if (serial_) take(c.changes);
      Cut cut = measure(open);
      close();
      return cut;
    }
    case StepKind::await: {
      Cut cut = measure(open);
      close();
      return cut;
    }
    case StepKind::parallel:
      return fork(s, open);
    case StepKind::roll:
      return roll(s, open);
    case StepKind::dag:
      return dag(s, open);
    case StepKind::iteration:
      return iteration(s, open);
    case StepKind::branch: {
      const OpenHosts entry = open;
      Cut best = measure(open);
      for (std::size_t i = 0; i < step.children.size(); ++i) {
        OpenHosts arm = entry;
        keep_heavier(best, eval(step.children[i], arm));
        if (i == 0)
          open = std::move(arm);
        else
          unite(open, arm);
      }
      return best;
    }
    case StepKind::unless:
    case StepKind::loop: {
      Cut best = measure(open);
      for (const StepIx child : step.children) {
        OpenHosts body = open;
        keep_heavier(best, eval(child, body));
        unite(open, body);
      }
      return best;
    }
    case StepKind::accept:
      if (lifted_(s)) {
        Cut best = measure(open);
        for (const StepIx child : step.children) eval(child, open);
        keep_heavier(best, measure(open));  // what stays down after the block counts again
        return best;
      }
      break;
    default:
      break;
  }
  Cut best = measure(open);
  for (const StepIx child : step.children) keep_heavier(best, eval(child, open));
  return best;
}

Cut Cuts::iteration(StepIx s, OpenHosts &open) {
  const HostIx h = tree_[s].host;
  const bool was_open = has(open, h);
  // A stand-in for many: in its turn one of them at a time. What was open for all of them before stays heavy.
  if (!was_open) ++bound_[h];
  Cut best = measure(open);
  for (const StepIx child : tree_[s].children) keep_heavier(best, eval(child, open));
  if (!was_open) --bound_[h];
  keep_heavier(best, measure(open));
  return best;
}

/// A host that two concurrent parts touch (HOSTX and FORK reject that) is still one host.
void Cuts::count_once(Cut &cut) const {
  std::vector<Down> kept;
  for (const Down &d : cut.who) {
    const bool twice = std::any_of(kept.begin(), kept.end(), [&](const Down &o) { return o.host == d.host; });
    if (twice)
      cut.weight -= std::min(cut.weight, budget_.domain.empty() ? budget_.weight[d.host] * d.copies : 1);
    else
      kept.push_back(d);
  }
  cut.who = std::move(kept);
}

Cut Cuts::fork(StepIx s, OpenHosts &open) {
  OpenHosts untouched, after;
  for (const OpenHost &o : open) {
    if (!contains(touched(s), o.host)) untouched.push_back(o);
  }
  Cut cut = measure(untouched);
  for (const StepIx child : tree_[s].children) {
    OpenHosts mine;
    for (const OpenHost &o : open) {
      if (contains(touched(child), o.host)) mine.push_back(o);
    }
    add(cut, eval(child, mine));
    unite(after, mine);
  }
  open = std::move(untouched);
  unite(open, after);
  count_once(cut);
  return cut;
}

Cut Cuts::roll(StepIx s, OpenHosts &open) {
  const Step &step = tree_[s];
  if (step.batch <= 1) {
    Cut best = measure(open);
    for (const StepIx child : step.children) keep_heavier(best, eval(child, open));
    return best;
  }
  const plan::Rollout &rollout = tree_.plan().rollouts[tree_.plan().node(step.node).a];
  OpenHosts rest, after;
  for (const OpenHost &o : open) {
    if (!contains(touched(s), o.host)) rest.push_back(o);
  }
  std::vector<Turn> turns;
  bool quiet = true;  // nothing is open between the turns: the usual case
  for (const StepIx child : step.children) {
    Turn turn;
    for (const OpenHost &o : open) {
      if (contains(touched(child), o.host)) turn.before.push_back(o);
    }
    turn.after = turn.before;
    turn.live = eval(child, turn.after);
    const HostIx h = tree_[child].host;
    turn.copies = tree_.site().host(h).many;
    if (rollout.per.valid() && step.per_batch != 0)
      turn.group = tree_.site().attribute(tree_.site().host(h).id, rollout.per);
    if (!budget_.domain.empty()) turn.domain = budget_.domain[h];
    quiet = quiet && turn.before.empty() && turn.after.empty();
    unite(after, turn.after);
    turns.push_back(std::move(turn));
  }
  // Turns are admitted in order: for each number of admitted ones, those live now, those that ended, those that wait.
  Cut best;
  for (std::size_t admitted = quiet ? turns.size() : 0; admitted <= turns.size(); ++admitted) {
    OpenHosts standing = rest;
    for (std::size_t i = 0; i < turns.size(); ++i) unite(standing, i < admitted ? turns[i].after : turns[i].before);
    keep_heavier(best, live_turns(step, std::span<const Turn>(turns).first(admitted), measure(standing)));
  }
  open = std::move(rest);
  unite(open, after);
  return best;
}

/// `standing` with the heaviest turns that may be live together on top.
Cut Cuts::live_turns(const Step &step, std::span<const Turn> admitted, Cut standing) const {
  struct Extra {
    std::uint64_t weight;
    const Turn *turn;
  };
  std::vector<Extra> extras;
  for (const Turn &turn : admitted) {
    const std::uint64_t ended = measure(turn.after).weight;
    if (turn.live.weight > ended) extras.push_back({turn.live.weight - ended, &turn});
  }
  std::stable_sort(extras.begin(), extras.end(), [](const Extra &a, const Extra &b) { return a.weight > b.weight; });
  Cut cut = std::move(standing);
  std::uint64_t room = step.batch;
  std::map<std::string_view, std::uint64_t> in_group;
  std::vector<std::uint32_t> domains;
  for (const Extra &e : extras) {
    std::uint64_t n = std::min(room, e.turn->copies);
    if (step.per_batch != 0) {
      std::uint64_t &used = in_group[e.turn->group];
      n = std::min<std::uint64_t>(n, step.per_batch - std::min<std::uint64_t>(used, step.per_batch));
      used += n;
    }
    if (e.turn->domain != kNone) {
      if (std::find(domains.begin(), domains.end(), e.turn->domain) != domains.end()) continue;
      domains.push_back(e.turn->domain);
      n = std::min<std::uint64_t>(n, 1);
    }
    if (n == 0) continue;
    room -= n;
    cut.weight += e.weight * n;
    for (Down d : e.turn->live.who) {
      if (has(e.turn->after, d.host)) continue;
      d.copies *= n;
      cut.who.push_back(d);
    }
    if (room == 0) break;
  }
  return cut;
}

Cut Cuts::dag(StepIx s, OpenHosts &open) {
  const std::vector<StepIx> &phases = tree_[s].children;
  const std::size_t n = phases.size();
  OpenHosts untouched;
  for (const OpenHost &o : open) {
    if (!contains(touched(s), o.host)) untouched.push_back(o);
  }
  std::vector<std::size_t> order;  // fits all edges
  std::vector<bool> placed(n, false);
  for (std::size_t round = 0; round < n; ++round) {
    for (std::size_t i = 0; i < n; ++i) {
      const std::vector<std::uint32_t> &after = tree_[phases[i]].after;
      if (placed[i] || !std::all_of(after.begin(), after.end(), [&](std::uint32_t j) { return placed[j]; })) continue;
      placed[i] = true;
      order.push_back(i);
    }
  }
  // Elements of the order: phases, and gaps in which a host stays open between the phase that left it so and the next
  // that touches it.
  std::vector<Cut> elements(n);
  std::vector<std::vector<std::uint32_t>> before(n);
  for (std::uint32_t j = 0; j < n; ++j) {
    for (const std::uint32_t i : tree_[phases[j]].after) before[i].push_back(j);
  }
  const auto next_toucher = [&](std::size_t from, HostIx h) {
    for (const std::size_t j : order) {
      if ((from == n || contains(tree_[phases[j]].after, static_cast<std::uint32_t>(from))) &&
          contains(touched(phases[j]), h))
        return j;
    }
    return n;
  };
  std::vector<OpenHosts> entry(n);
  OpenHosts exit = untouched;
  const auto gap = [&](std::size_t from, const OpenHost &o) {
    const std::size_t to = next_toucher(from, o.host);
    if (to == n)
      insert(exit, o.host, o.opener);
    else
      insert(entry[to], o.host, o.opener);
    const auto element = static_cast<std::uint32_t>(elements.size());
    elements.push_back(measure({o}));
    before.emplace_back();
    if (from != n) before[from].push_back(element);
    if (to != n) before[element].push_back(static_cast<std::uint32_t>(to));
  };
  for (const OpenHost &o : open) {
    if (!has(untouched, o.host)) gap(n, o);
  }
  for (const std::size_t i : order) {
    OpenHosts mine = entry[i];
    elements[i] = eval(phases[i], mine);
    for (const OpenHost &o : mine) gap(i, o);
  }
  std::vector<std::uint64_t> weights;
  for (const Cut &e : elements) weights.push_back(e.weight);
  Cut cut = measure(untouched);
  for (const std::uint32_t e : heaviest_antichain(weights, before).elements) add(cut, elements[e]);
  count_once(cut);
  open = std::move(exit);
  return cut;
}

}  // namespace upg::safety
