#include "runtime/safety/flow.h"

#include <algorithm>
#include <utility>

namespace upg::safety {

namespace {
constexpr auto kOlder = [](const Open &a, const Open &b) { return a.number < b.number; };
}  // namespace

Flow::Flow(const Tree &tree)
    : tree_(tree),
      facts_(tree.size()),
      before_(tree.size()),
      after_(tree.size()),
      opens_(tree.site().pair_count()),
      doubled_(tree.site().pair_count()),
      unknowns_(tree.site().pair_count()),
      armings_(0),
      cells_(0),
      items_(1) {
  const plan::Plan &p = tree.plan();
  const Site &site = tree.site();
  slot_.resize(site.pair_count());
  for (RoleIx r = 0; r < site.role_count(); ++r) {
    first_slot_.push_back(static_cast<std::uint32_t>(pair_of_.size()));
    for (const HostIx h : site.hosts_of(r)) {
      slot_[site.pair(h, r)] = static_cast<std::uint32_t>(pair_of_.size());
      pair_of_.push_back(site.pair(h, r));
    }
  }
  first_slot_.push_back(static_cast<std::uint32_t>(pair_of_.size()));
  tainted_by_.resize(p.gates.size());
  for (std::size_t s = 0; s < p.states.size(); ++s) {
    for (std::size_t t = 0; t < p.states[s].taints.size(); ++t) {
      for (const plan::GateId g : p.states[s].taints[t].gates) tainted_by_[g.index].emplace_back(plan::StateId(s), t);
    }
  }
  State state = initial();
  Failures failures;
  failures.of_abort = true;
  if (tree.on_abort() != kNone) failures_.push_back(&failures);
  run(0, state);
  failures_.clear();
  final_ = final(state);
  if (failures.any) abort(failures.joined);
  index();
}

Final Flow::final(const State &state) const {
  Final out;
  out.open = open_in(state.open, 0);
  out.armed = armed(state.armed);
  out.cells.resize(cell_count_);
  cells_.each(state.cells, [&](CellIx cell, Values values) { out.cells[cell] = values; });
  return out;
}

Flow::State Flow::initial() {
  const Site &site = tree_.site();
  Contracts &contracts = tree_.contracts();
  const plan::Plan &p = tree_.plan();
  std::vector<std::pair<CellIx, Values>> claims;
  for (const plan::CellClaim &claim : p.initially) {
    if (!claim.hosts.valid()) {
      claims.emplace_back(contracts.cell(claim.state, Env{}), value_bit(claim.value));
      continue;
    }
    for (const HostIx h : site.kept(claim.hosts))
      claims.emplace_back(contracts.cell(claim.state, h), value_bit(claim.value));
  }
  for (const plan::CellClaim &claim : p.finally) {
    if (!claim.hosts.valid()) contracts.cell(claim.state, Env{});
    for (const HostIx h : site.kept(claim.hosts)) contracts.cell(claim.state, h);
  }
  cell_count_ = contracts.cell_count();
  armings_ = Versions<std::uint32_t>(cell_count_);
  cells_ = Versions<Values>(cell_count_);
  cells_of_state_.resize(p.states.size());
  State s;
  for (CellIx c = 0; c < cell_count_; ++c) {
    s.cells = cells_.set(s.cells, c, contracts.cell(c).all);
    if (!p.states[contracts.cell(c).state.index].taints.empty())
      cells_of_state_[contracts.cell(c).state.index].push_back(c);
  }
  for (const auto &[cell, values] : claims) s.cells = cells_.set(s.cells, cell, values);
  for (PairIx i = 0; i < site.pair_count(); ++i) {
    if (!site.host(site.pair_host(i)).out) s.unknown = unknowns_.set(s.unknown, slot_[i], 1);
  }
  return s;
}

/// Where each pair's outages begin and end, as one list.
void Flow::index() {
  const auto each = [&](auto f) {
    for (StepIx s = 0; s < tree_.size(); ++s) {
      if (tree_[s].kind == StepKind::act) {
        const Contract &c = tree_.contract(tree_[s]);
        for (const PairIx p : c.disrupts) f(p, Turnover{s, Turnover::down});
        for (const PairIx p : c.changes) f(p, Turnover{s, Turnover::changing});
      }
      for (const PairIx p : facts_[s].closed) f(p, Turnover{s, Turnover::closed});
    }
  };
  first_turnover_.assign(tree_.site().pair_count() + 1, 0);
  each([&](PairIx p, const Turnover &) { ++first_turnover_[p + 1]; });
  for (std::size_t i = 1; i < first_turnover_.size(); ++i) first_turnover_[i] += first_turnover_[i - 1];
  turnovers_.resize(first_turnover_.back());
  std::vector<std::size_t> next(first_turnover_.begin(), first_turnover_.end() - 1);
  each([&](PairIx p, const Turnover &t) { turnovers_[next[p]++] = t; });
}

// ---- what may be asked

StepIx Flow::region_at(StepIx opener, StepIx s) const {
  StepIx region = tree_[opener].region;
  while (region != 0 && !tree_.below(s, region)) region = tree_[region].region;
  return region;
}

std::vector<Open> Flow::open_in(std::uint32_t version, StepIx s) const {
  std::vector<Open> out;
  opens_.each(version, [&](std::uint32_t slot, std::uint32_t list) {
    for (const Item &i : items_[list]) out.push_back({pair_of_[slot], i.changing, region_at(i.by, s), i.by, i.number});
  });
  std::sort(out.begin(), out.end(), kOlder);
  return out;
}

std::vector<Open> Flow::open_before(StepIx s) const { return open_in(before_[s].open, s); }

std::vector<Open> Flow::open_in(std::uint32_t version, StepIx s, PairIx pair) const {
  std::vector<Open> out;
  for (const Item &i : items_[opens_.get(version, slot_[pair])])
    out.push_back({pair, i.changing, region_at(i.by, s), i.by, i.number});
  return out;
}

std::vector<Open> Flow::open_before(StepIx s, PairIx pair) const { return open_in(before_[s].open, s, pair); }

std::vector<PairIx> Flow::open_before_any(std::span<const StepIx> steps) const {
  std::vector<PairIx> out;
  std::uint32_t last = 0;  // only what differs from it is looked at
  for (const StepIx s : steps) {
    opens_.difference(last, before_[s].open, [&](std::uint32_t slot, std::uint32_t, std::uint32_t list) {
      if (list != 0) out.push_back(pair_of_[slot]);
    });
    last = before_[s].open;
  }
  sort_unique(out);
  return out;
}

std::vector<Open> Flow::opened_between(StepIx first, StepIx second) const {
  std::vector<Open> out;
  opens_.difference(before_[first].open, before_[second].open,
                    [&](std::uint32_t slot, std::uint32_t, std::uint32_t list) {
                      for (const Item &i : items_[list])
                        out.push_back({pair_of_[slot], i.changing, region_at(i.by, second), i.by, i.number});
                    });
  std::sort(out.begin(), out.end(), kOlder);
  return out;
}

std::optional<Open> Flow::changing_before(StepIx s, RoleIx role) const {
  std::optional<Open> found;
  const auto look = [&](std::uint32_t slot, std::uint32_t list) {
    for (const Item &i : items_[list]) {
      if (i.changing && (!found || i.number < found->number))
        found = Open{pair_of_[slot], true, region_at(i.by, s), i.by, i.number};
    }
  };
  opens_.each(before_[s].open, look, first_slot_[role], first_slot_[role + 1]);
  return found;
}

const std::vector<Open> &Flow::left_by(StepIx iteration) const {
  const auto it = left_.find(iteration);
  return it == left_.end() ? none_ : it->second;
}

std::vector<Armed> Flow::armed(std::uint32_t version) const {
  std::vector<std::pair<std::uint32_t, Armed>> numbered;
  armings_.each(version, [&](CellIx cell, std::uint32_t list) {
    for (const Item &i : items_[list]) numbered.push_back({i.number, {cell, i.by}});
  });
  std::sort(numbered.begin(), numbered.end(), [](const auto &a, const auto &b) { return a.first < b.first; });
  std::vector<Armed> out;
  for (const auto &[number, armed] : numbered) out.push_back(armed);
  return out;
}

std::vector<Armed> Flow::armed_after(StepIx s) const {
  const auto it = armed_after_.find(s);
  return it == armed_after_.end() ? std::vector<Armed>() : armed(it->second);
}

// ---- the pass

void Flow::keep() {
  opens_.keep();
  doubled_.keep();
  unknowns_.keep();
  armings_.keep();
  cells_.keep();
}

std::uint32_t Flow::list_of(Items items) {
  if (items.empty()) return 0;
  items_.push_back(std::move(items));
  return static_cast<std::uint32_t>(items_.size() - 1);
}

bool Flow::alike(const Item &a, const Item &b) const {
  return a.changing == b.changing && tree_[a.by].with == tree_[b.by].with;
}

void Flow::put_open(State &state, std::uint32_t slot, Items items) {
  bool twice = false;
  for (std::size_t i = 1; i < items.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) twice = twice || alike(items[i], items[j]);
  }
  state.doubled = doubled_.set(state.doubled, slot, twice ? 1 : 0);
  state.open = opens_.set(state.open, slot, list_of(std::move(items)));
}

void Flow::run(StepIx s, State &state) {
  const Step &step = tree_[s];
  facts_[s].reached = true;
  before_[s] = state;
  const bool many = step.kind == StepKind::iteration && tree_.site().host(step.host).many > 1;
  if (many) ++turning_;
  may_fail(s, state);
  switch (step.kind) {
    case StepKind::act:
      start(s, state);
      break;
    case StepKind::await:
      pass(s, state);
      break;
    case StepKind::expect:
      facts_[s].values = {value(state, step.cell)};
      keep();
      state.cells = cells_.set(state.cells, step.cell, step.values);
      break;
    case StepKind::parallel:
      fork(s, state);
      break;
    case StepKind::roll:
      if (step.batch > 1) {
        fork(s, state);
        break;
      }
      for (const StepIx child : step.children) run(child, state);
      break;
    case StepKind::dag:
      dag(s, state);
      break;
    case StepKind::branch:
      branch(s, state);
      break;
    case StepKind::unless:
      unless(s, state);
      break;
    case StepKind::loop:
      loop(s, state);
      break;
    case StepKind::attempt:
      attempt(s, state);
      break;
    default:
      for (const StepIx child : step.children) {
        if (child != tree_.on_abort()) run(child, state);
      }
      break;
  }
  after_[s] = state.open;
  if (state.armed != 0 && (step.kind == StepKind::iteration || step.kind == StepKind::phase))
    armed_after_[s] = state.armed;
  if (many) end_turn(s, state);
  if (step.kind == StepKind::iteration) hand_over(s, state);
}

/// What a turn that has ended left open may be closed wherever what its surroundings opened may be: it becomes theirs.
void Flow::hand_over(StepIx s, State &state) {
  std::vector<Open> left;
  opens_.difference(before_[s].open, state.open, [&](std::uint32_t slot, std::uint32_t, std::uint32_t list) {
    for (const Item &i : items_[list]) {
      if (tree_.below(i.by, s)) left.push_back({pair_of_[slot], i.changing, region_at(i.by, s), i.by, i.number});
    }
  });
  if (left.empty()) return;
  std::sort(left.begin(), left.end(), kOlder);
  left_[s] = std::move(left);
  // In its new surroundings an outage may be one that is there already.
  const StepIx outer = tree_[s].region;
  const auto region = [&](const Item &i) { return tree_.below(i.by, s) ? outer : region_at(i.by, s); };
  std::vector<std::pair<std::uint32_t, Items>> thinned;
  doubled_.each(state.doubled, [&](std::uint32_t slot, std::uint8_t) {
    const Items &now = items_[opens_.get(state.open, slot)];
    Items kept;
    for (const Item &i : now) {
      const bool there = std::any_of(kept.begin(), kept.end(),
                                     [&](const Item &other) { return alike(other, i) && region(other) == region(i); });
      if (!there) kept.push_back(i);
    }
    if (kept.size() != now.size()) thinned.emplace_back(slot, std::move(kept));
  });
  if (thinned.empty()) return;
  keep();
  for (auto &[slot, kept] : thinned) put_open(state, slot, std::move(kept));
}

void Flow::start(StepIx s, State &state) {
  taints(s, tree_.contract(tree_[s]).gates, state);  // what it requires is asked again as it starts
  const Step &step = tree_[s];
  const Contract &c = tree_.contract(step);
  for (const Move &m : c.moves) facts_[s].values.push_back(value(state, m.cell));
  for (const auto &need : c.values) facts_[s].values.push_back(value(state, need.first));
  count(s, state);
  keep();
  const auto add = [&](const std::vector<PairIx> &pairs, bool changing) {
    for (const PairIx p : pairs) {
      // D is a set: opened again in the same turn, and under the same holds, it is the same outage.
      const Items &now = items_[opens_.get(state.open, slot_[p])];
      const bool there = std::any_of(now.begin(), now.end(), [&](const Item &i) {
        return i.changing == changing && region_at(i.by, s) == step.region && tree_[i.by].with == step.with;
      });
      if (there) continue;
      Items more = now;
      more.push_back({next_number_++, s, changing});
      put_open(state, slot_[p], std::move(more));
    }
  };
  add(c.disrupts, false);
  add(c.changes, true);
  may_fail_in_flight(s, state);
  // End: moved cells stand at their target; a boot moves what is armed for it and brings the host back to life.
  keep();
  for (const Move &m : c.moves) move(s, state, m.cell, m.to);
  if (!c.boots.empty()) booted(s, state);
  undo_values(s, state);
}

void Flow::undo_values(StepIx s, const State &state) {
  if (tree_[s].undo == kNone) return;
  const Contract &undo = tree_.contracts()[tree_[s].undo];
  count(s, state, true);
  for (const Move &m : undo.moves) facts_[s].undo.push_back(value(state, m.cell));
  for (const auto &need : undo.values) facts_[s].undo.push_back(value(state, need.first));
}

void Flow::booted(StepIx s, State &state) {
  const plan::Plan &p = tree_.plan();
  std::vector<PairIx> alive;
  for (const HostIx h : tree_.contract(tree_[s]).boots) {
    const PairIx pair = tree_.site().pair(h, tree_.site().alive());
    if (pair != kNone) alive.push_back(pair);
    for (const CellIx cell : tree_.contracts().cells_of(h)) {
      if (cell >= cell_count_) continue;
      const plan::State &record = p.states[tree_.contracts().cell(cell).state.index];
      const Values before = value(state, cell);
      Values now = before;
      for (const plan::BootMove &boot : record.on_boot) {
        if ((now & value_bit(boot.from)) != 0) now = (now & ~value_bit(boot.from)) | value_bit(boot.to);
      }
      if (now != before) move(s, state, cell, now);
    }
  }
  // `end a` closes only the D entry of this host's life, whoever opened it.
  for (const PairIx pair : alive) {
    const Items &now = items_[opens_.get(state.open, slot_[pair])];
    Items kept;
    for (const Item &i : now) {
      if (i.changing) kept.push_back(i);
    }
    if (kept.empty()) facts_[s].closed.push_back(pair);
    if (kept.size() != now.size()) put_open(state, slot_[pair], std::move(kept));
  }
}

void Flow::move(StepIx s, State &state, CellIx cell, Values to) {
  state.cells = cells_.set(state.cells, cell, to);
  const bool arms = (to & tree_.contracts().cell(cell).transient) != 0;
  if (!arms && armings_.get(state.armed, cell) == 0) return;
  Items armed;
  if (arms) armed.push_back({next_number_++, s, false});
  state.armed = armings_.set(state.armed, cell, list_of(std::move(armed)));
}

void Flow::taints(StepIx s, std::span<const GateIx> asked, const State &state) {
  const Contracts &contracts = tree_.contracts();
  for (const GateIx g : asked) {
    const GateInstance &gate = contracts.gate(g);
    if (!gate.gate.valid() || gate.gate.index >= tainted_by_.size()) continue;
    for (const auto &[id, index] : tainted_by_[gate.gate.index]) {
      Values tainted = 0;
      for (const std::uint32_t v : tree_.plan().states[id.index].taints[index].values) tainted |= value_bit(v);
      for (const CellIx cell : cells_of_state_[id.index]) {
        const Cell &info = contracts.cell(cell);
        if (info.host != kNone && !gate.hosts.empty() && !contains(gate.hosts, info.host)) continue;
        const Values now = value(state, cell);
        if (now != 0 && (now & ~tainted) == 0) starved_.push_back({s, g, cell, now});
      }
    }
  }
}

void Flow::pass(StepIx s, State &state) {
  taints(s, tree_.gates(tree_[s]), state);
  const std::vector<PairIx> &pairs = tree_.brings_back(tree_[s]);
  if (!pairs.empty()) close(s, state, pairs);
}

void Flow::close(StepIx s, State &state, const std::vector<PairIx> &pairs) {
  const Step &step = tree_[s];
  // A pass closes what was opened in its own region, in one nested in it, and anything of the iteration's own host.
  const auto own = [&](HostIx host) {
    if (step.region == 0) return true;
    for (StepIx r = step.region; r != 0; r = tree_[r].region) {
      if (tree_[r].host == host) return true;
    }
    return false;
  };
  keep();
  for (const PairIx p : pairs) {
    const bool all = own(tree_.site().pair_host(p));
    const Items &now = items_[opens_.get(state.open, slot_[p])];
    if (!now.empty()) {
      Items kept;
      for (const Item &i : now) {
        if (!all && !tree_.below(region_at(i.by, s), step.region)) kept.push_back(i);
      }
      if (kept.empty()) facts_[s].closed.push_back(p);
      if (kept.size() != now.size()) put_open(state, slot_[p], std::move(kept));
    }
    if (all) state.unknown = unknowns_.set(state.unknown, slot_[p], 0);
  }
}

}  // namespace upg::safety
