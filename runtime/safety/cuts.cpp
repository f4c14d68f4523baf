#include "runtime/safety/cuts.h"

#include <algorithm>
#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "runtime/safety/antichain.h"

namespace upg::safety {

Cuts::Cuts(const Tree &tree, const Flow &flow, const Budget &budget, Lifted lifted)
    : tree_(tree), flow_(flow), budget_(budget), serial_(budget.line == nullptr), lifted_(std::move(lifted)) {
  mark();
}

void Cuts::mark() {
  const Site &site = tree_.site();
  for (const auto &[h, weight] : budget_.weight) {
    if (weight == 0) continue;
    for (const Turnover &t : flow_.turnovers(site.pair(h, budget_.role))) {
      if (t.kind != Turnover::changing || serial_) by_host_.emplace_back(h, t.step);
    }
  }
  std::sort(by_host_.begin(), by_host_.end());
  by_host_.erase(std::unique(by_host_.begin(), by_host_.end()), by_host_.end());
  for (const auto &[h, s] : by_host_) by_step_.emplace_back(s, h);
  std::sort(by_step_.begin(), by_step_.end());
}

bool Cuts::relevant(StepIx s) const {
  const auto at = std::lower_bound(by_step_.begin(), by_step_.end(), std::pair(s, HostIx{0}));
  if (at != by_step_.end() && at->first < tree_[s].end) return true;
  const auto undone = std::lower_bound(undone_.begin(), undone_.end(), s);
  return undone != undone_.end() && *undone < tree_[s].end;
}

bool Cuts::touches(StepIx s, HostIx host) const {
  const auto at = std::lower_bound(by_host_.begin(), by_host_.end(), std::pair(host, s));
  return at != by_host_.end() && at->first == host && at->second < tree_[s].end;
}

Cuts::OpenHosts Cuts::touched(StepIx s, const OpenHosts &open) const {
  OpenHosts out;
  if (open.empty()) return out;
  const auto first = std::lower_bound(by_step_.begin(), by_step_.end(), std::pair(s, HostIx{0}));
  const auto last = std::lower_bound(first, by_step_.end(), std::pair(tree_[s].end, HostIx{0}));
  if (static_cast<std::size_t>(last - first) > open.size()) {
    for (const OpenHost &o : open) {
      if (touches(s, o.host)) out.push_back(o);
    }
    return out;
  }
  std::vector<HostIx> hosts;
  for (auto at = first; at != last; ++at) hosts.push_back(at->second);
  sort_unique(hosts);
  for (const HostIx h : hosts) {
    auto at = std::lower_bound(open.begin(), open.end(), h, [](const OpenHost &o, HostIx x) { return o.host < x; });
    for (; at != open.end() && at->host == h; ++at) out.push_back(*at);
  }
  return out;
}

std::vector<StepIx> Cuts::parts(StepIx s) const {
  if (!failures_.empty()) return tree_[s].children;  // a part may fail where nothing begins or ends
  std::vector<StepIx> out;
  auto at = std::lower_bound(by_step_.begin(), by_step_.end(), std::pair(s + 1, HostIx{0}));
  auto undone = std::lower_bound(undone_.begin(), undone_.end(), s + 1);
  while (true) {
    const StepIx next = std::min(at == by_step_.end() ? kNone : at->first, undone == undone_.end() ? kNone : *undone);
    if (next >= tree_[s].end) return out;
    out.push_back(tree_.child_towards(s, next));
    // Most often it is the next entry or one soon after it.
    const StepIx end = tree_[out.back()].end;
    for (int i = 0; i < 4 && at != by_step_.end() && at->first < end; ++i) ++at;
    if (at != by_step_.end() && at->first < end) at = std::lower_bound(at, by_step_.end(), std::pair(end, HostIx{0}));
    undone = std::lower_bound(undone, undone_.end(), end);
  }
}

bool Cuts::has(const OpenHosts &open, HostIx host) {
  const auto at =
      std::lower_bound(open.begin(), open.end(), host, [](const OpenHost &o, HostIx h) { return o.host < h; });
  return at != open.end() && at->host == host;
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
  std::unordered_set<std::uint32_t> domains;
  for (const OpenHost &o : open) {
    if (budget_.weight[o.host] == 0 || (aborting_ && !took_ && accepted(o.opener))) continue;
    if (!budget_.domain.empty()) {
      if (!domains.insert(budget_.domain[o.host]).second) continue;
      cut.weight += 1;
      cut.who.push_back({o.host, o.opener, 1});
      continue;
    }
    const std::uint64_t n = o.one ? 1 : copies(o.host);
    cut.weight += budget_.weight[o.host] * n;
    cut.who.push_back({o.host, o.opener, n});
  }
  return cut;
}

Cut Cuts::worst() {
  OpenHosts open;
  Failures failures;
  failures.of_abort = true;
  if (tree_.on_abort() != kNone) {
    failures.all = all_opened(0, {});
    failures_.push_back(&failures);
  }
  std::vector<StepIx> visited;
  Cut best = tree_.plan().tolerate != 0 ? tolerant(0, open, visited) : eval(0, open);
  failures_.clear();
  if (tree_.on_abort() == kNone) return best;
  Cut aborted = abort(failures, best);
  return aborted.weight > best.weight ? aborted : best;
}

namespace {
void add(Cut &into, const Cut &other) {
  into.weight += other.weight;
  into.who.insert(into.who.end(), other.who.begin(), other.who.end());
}
}  // namespace

Cut Cuts::eval(StepIx s, OpenHosts &open) {
  may_fail(s, open);
  if (!flow_.at(s).reached || !relevant(s))
    return measure(open);  // behind an `unless` that is always skipped nothing opens
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
      took_ = took_ || (aborting_ && takes(s));
      Cut cut = measure(open);
      may_fail(s, open);
      close();
      if (!std::binary_search(undone_.begin(), undone_.end(), s)) return cut;
      OpenHosts undone = open;
      insert_opened(undone, tree_.contracts()[step.undo], s);
      keep_heavier(cut, measure(undone));
      return cut;
    }
    case StepKind::await: {
      Cut cut = measure(open);
      close();
      return cut;
    }
    case StepKind::attempt:
      return attempt(s, open);
    case StepKind::parallel:
    case StepKind::roll:
    case StepKind::dag: {
      if (const std::vector<StepIx> phases = step.kind == StepKind::dag ? chain(s) : std::vector<StepIx>();
          !phases.empty() && !failures_.empty()) {  // each moment of failure for itself
        Cut best = measure(open);
        for (const StepIx phase : phases) keep_heavier(best, eval(phase, open));
        return best;
      }
      const bool wide = step.kind != StepKind::roll || step.batch > 1;
      took_ = took_ || (aborting_ && wide && takes_below(s));
      std::vector<Failures *> outer;
      if (wide) {
        may_fail_anywhere(s, open);
        outer.swap(failures_);
      }
      Cut cut = step.kind == StepKind::parallel ? fork(s, open)
                : step.kind == StepKind::roll   ? roll(s, open)
                                                : dag(s, open);
      if (wide) outer.swap(failures_);
      return cut;
    }
    case StepKind::iteration:
      return iteration(s, open);
    case StepKind::branch: {
      const OpenHosts entry = open;
      Cut best = measure(open);
      const bool took = took_;
      bool either = took;
      for (std::size_t i = 0; i < step.children.size(); ++i) {
        OpenHosts arm = entry;
        took_ = took;
        keep_heavier(best, eval(step.children[i], arm));
        either = either || took_;
        if (i == 0)
          open = std::move(arm);
        else
          unite(open, arm);
      }
      took_ = either;
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
  return sequence(s, open);
}

/// One part after the other. What is open between two of them counts too: after a branch that is more than in any arm.
Cut Cuts::sequence(StepIx s, OpenHosts &open) {
  Cut best = measure(open);
  for (const StepIx child : parts(s)) {
    if (child == tree_.on_abort()) continue;
    keep_heavier(best, eval(child, open));
    const StepIx next = tree_[child].end;
    if (next < tree_[s].end && next != tree_.on_abort() && !relevant(next)) keep_heavier(best, measure(open));
  }
  return best;
}

Cut Cuts::iteration(StepIx s, OpenHosts &open) {
  const HostIx h = tree_[s].host;
  const bool was_open = std::any_of(open.begin(), open.end(), [&](const OpenHost &o) { return o.host == h && !o.one; });
  // A stand-in for many: in its turn one of them at a time. What was open for all of them before stays heavy.
  if (!was_open) bound_.push_back(h);
  Cut best = sequence(s, open);
  if (!was_open) bound_.pop_back();
  keep_heavier(best, measure(open));
  return best;
}

/// A host that two concurrent parts touch (HOSTX and FORK reject that) is still one host.
void Cuts::count_once(Cut &cut) const {
  std::vector<Down> kept;
  std::unordered_set<HostIx> seen;
  for (const Down &d : cut.who) {
    if (!seen.insert(d.host).second)
      cut.weight -= std::min(cut.weight, budget_.domain.empty() ? budget_.weight[d.host] * d.copies : 1);
    else
      kept.push_back(d);
  }
  cut.who = std::move(kept);
}

Cut Cuts::fork(StepIx s, OpenHosts &open) {
  OpenHosts untouched, after;
  for (const OpenHost &o : open) {
    if (!touches(s, o.host)) untouched.push_back(o);
  }
  Cut cut = measure(untouched);
  for (const StepIx child : parts(s)) {
    OpenHosts mine = touched(child, open);
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
    return sequence(s, open);
  }
  const plan::Rollout &rollout = tree_.plan().rollouts[tree_.plan().node(step.node).a];
  OpenHosts rest, after;
  for (const OpenHost &o : open) {
    if (!touches(s, o.host)) rest.push_back(o);
  }
  std::vector<Turn> turns;
  bool quiet = true;  // nothing is open between the turns: the usual case
  for (const StepIx child : parts(s)) {
    Turn turn;
    turn.before = touched(child, open);
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
  const auto moment = [&](std::size_t admitted) {
    OpenHosts standing = rest;
    for (std::size_t i = 0; i < turns.size(); ++i) unite(standing, i < admitted ? turns[i].after : turns[i].before);
    return live_turns(step, std::span<const Turn>(turns).first(admitted), measure(standing));
  };
  Cut best;
  if (quiet) {
    best = moment(turns.size());
  } else {
    // Only a number whose bound is no lighter than what was found is looked at; of equal ones the smallest counts.
    const std::vector<std::uint64_t> bounds = heaviest(step, turns, rest);
    std::vector<std::size_t> order(bounds.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](std::size_t x, std::size_t y) { return bounds[x] > bounds[y]; });
    bool found = false;
    std::size_t at = 0;
    for (const std::size_t admitted : order) {
      if (found && (bounds[admitted] < best.weight || (bounds[admitted] == best.weight && admitted > at))) {
        if (bounds[admitted] < best.weight) break;
        continue;
      }
      Cut cut = moment(admitted);
      if (cut.weight == 0 || (found && cut.weight < best.weight) ||
          (found && cut.weight == best.weight && admitted > at))
        continue;
      best = std::move(cut);
      at = admitted;
      found = true;
    }
  }
  open = std::move(rest);
  unite(open, after);
  return best;
}

/// For each number of admitted turns what their worst moment weighs at most: the limits by group and domain left out.
std::vector<std::uint64_t> Cuts::heaviest(const Step &step, std::span<const Turn> turns, const OpenHosts &rest) const {
  std::unordered_map<HostIx, std::uint32_t> standing;
  std::unordered_map<std::uint32_t, std::uint32_t> domains;
  std::uint64_t weight = 0;
  const auto come = [&](const OpenHost &o) {
    if (standing[o.host]++ != 0 || budget_.weight[o.host] == 0) return;
    if (budget_.domain.empty())
      weight += budget_.weight[o.host] * copies(o.host);
    else if (domains[budget_.domain[o.host]]++ == 0)
      ++weight;
  };
  const auto go = [&](const OpenHost &o) {
    if (--standing[o.host] != 0 || budget_.weight[o.host] == 0) return;
    if (budget_.domain.empty())
      weight -= budget_.weight[o.host] * copies(o.host);
    else if (--domains[budget_.domain[o.host]] == 0)
      --weight;
  };
  for (const OpenHost &o : rest) come(o);
  for (const Turn &turn : turns) {
    for (const OpenHost &o : turn.before) come(o);
  }
  std::map<std::uint64_t, std::uint64_t> live;  // what a turn adds -> how many such may be live
  std::uint64_t room = step.batch, added = 0;
  std::vector<std::uint64_t> out = {weight};
  for (const Turn &turn : turns) {
    for (const OpenHost &o : turn.after) come(o);
    for (const OpenHost &o : turn.before) go(o);
    const std::uint64_t ended = measure(turn.after).weight;
    if (turn.live.weight > ended) {
      const std::uint64_t more = turn.live.weight - ended;
      std::uint64_t n = std::min<std::uint64_t>(turn.copies, step.batch);
      const std::uint64_t free = std::min(n, room);
      if (free != 0) {
        added += free * more;
        live[more] += free;
        room -= free;
      }
      n -= free;
      while (n > 0 && room == 0 && live.begin()->first < more) {
        const std::uint64_t swapped = std::min(n, live.begin()->second);
        added += swapped * (more - live.begin()->first);
        live[more] += swapped;
        n -= swapped;
        if ((live.begin()->second -= swapped) == 0) live.erase(live.begin());
      }
    }
    out.push_back(weight + added);
  }
  return out;
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

std::vector<StepIx> Cuts::chain(StepIx dag) const {
  const Phases &phases = tree_.phases(dag);
  std::vector<StepIx> out;
  if (!phases.chain()) return out;
  for (const std::uint32_t i : phases.order) out.push_back(tree_[dag].children[i]);
  return out;
}

Cut Cuts::dag(StepIx s, OpenHosts &open) {
  OpenHosts untouched;
  for (const OpenHost &o : open) {
    if (!touches(s, o.host)) untouched.push_back(o);
  }
  const Phases &known = tree_.phases(s);
  std::vector<std::uint32_t> order;  // the phases that matter, so that it fits all edges
  for (const StepIx child : parts(s)) order.push_back(tree_.ordinal(child));
  std::sort(order.begin(), order.end(), [&](auto i, auto j) { return known.rank[i] < known.rank[j]; });
  const auto at = [&](std::uint32_t phase) {
    return static_cast<std::size_t>(std::lower_bound(order.begin(), order.end(), phase,
                                                     [&](auto i, auto j) { return known.rank[i] < known.rank[j]; }) -
                                    order.begin());
  };
  // Elements of the order: phases, and gaps in which a host stays open between the phase that left it so and the next
  // that touches it.
  struct Element {
    Cut cut;
    std::uint32_t first, last;  // the phase; of a gap: the phases it lies between, kNone: before or after all
    bool gap;
  };
  std::vector<Element> elements;
  const auto next_toucher = [&](std::uint32_t from, HostIx h) {
    std::uint32_t next = kNone;
    auto touch = std::lower_bound(by_host_.begin(), by_host_.end(), std::pair(h, s));
    while (touch != by_host_.end() && touch->first == h && touch->second < tree_[s].end) {
      const StepIx child = tree_.child_towards(s, touch->second);
      const std::uint32_t i = tree_.ordinal(child);
      if ((from == kNone || known.before[i].test(from)) && (next == kNone || known.rank[i] < known.rank[next]))
        next = i;
      touch = std::lower_bound(touch, by_host_.end(), std::pair(h, tree_[child].end));
    }
    return next;
  };
  std::vector<OpenHosts> entry(order.size());
  OpenHosts exit = untouched;
  const auto gap = [&](std::uint32_t from, const OpenHost &o) {
    const std::uint32_t to = next_toucher(from, o.host);
    insert(to == kNone ? exit : entry[at(to)], o.host, o.opener);
    elements.push_back({measure({o}), from, to, true});
  };
  for (const OpenHost &o : open) {
    if (!has(untouched, o.host)) gap(kNone, o);
  }
  for (std::size_t i = 0; i < order.size(); ++i) {
    OpenHosts mine = std::move(entry[i]);
    elements.push_back({eval(tree_[s].children[order[i]], mine), order[i], order[i], false});
    for (const OpenHost &o : mine) gap(order[i], o);
  }
  std::erase_if(elements, [](const Element &e) { return e.cut.weight == 0; });
  // As a reader would list them: the phases in the order of the text, then the gaps as they came.
  const auto gaps = std::stable_partition(elements.begin(), elements.end(), [](const Element &e) { return !e.gap; });
  std::sort(elements.begin(), gaps, [](const Element &a, const Element &b) { return a.first < b.first; });
  // Elements whose stages do not overlap follow one another: the heaviest are of one such group.
  const auto first_stage = [&](std::size_t e) {
    return elements[e].first == kNone ? 0 : known.stage[elements[e].first];
  };
  const auto last_stage = [&](std::size_t e) {
    return elements[e].last == kNone ? known.stages : known.stage[elements[e].last];
  };
  std::vector<std::size_t> by_stage(elements.size());
  for (std::size_t e = 0; e < by_stage.size(); ++e) by_stage[e] = e;
  std::stable_sort(by_stage.begin(), by_stage.end(),
                   [&](std::size_t x, std::size_t y) { return first_stage(x) < first_stage(y); });
  std::uint64_t heaviest = 0;
  std::vector<std::size_t> chosen;
  for (std::size_t begin = 0, end = 0; begin < by_stage.size(); begin = end) {
    for (std::uint32_t reach = last_stage(by_stage[end++]);
         end < by_stage.size() && first_stage(by_stage[end]) <= reach; ++end)
      reach = std::max(reach, last_stage(by_stage[end]));
    std::vector<std::size_t> group(by_stage.begin() + static_cast<std::ptrdiff_t>(begin),
                                   by_stage.begin() + static_cast<std::ptrdiff_t>(end));
    std::sort(group.begin(), group.end());
    const auto n = static_cast<unsigned>(group.size());
    std::vector<std::uint64_t> weights;
    std::vector<llvm::BitVector> precedes(n, llvm::BitVector(n));
    for (unsigned x = 0; x < n; ++x) {
      weights.push_back(elements[group[x]].cut.weight);
      const std::uint32_t last = elements[group[x]].last;
      for (unsigned y = 0; y < n && last != kNone; ++y) {
        const std::uint32_t first = elements[group[y]].first;
        if (first == kNone || x == y) continue;
        if (last == first ? elements[group[x]].gap || elements[group[y]].gap : known.after[last].test(first))
          precedes[x].set(y);
      }
    }
    const Antichain found = heaviest_antichain(weights, precedes);
    if (found.weight < heaviest) continue;  // of equal ones the latest, as in a group
    heaviest = found.weight;
    chosen.clear();
    for (const std::uint32_t e : found.elements) chosen.push_back(group[e]);
  }
  Cut cut = measure(untouched);
  for (const std::size_t e : chosen) add(cut, elements[e].cut);
  count_once(cut);
  open = std::move(exit);
  return cut;
}

}  // namespace upg::safety
