#include "runtime/safety/flow.h"

#include <algorithm>
#include <tuple>

namespace upg::safety {

Flow::Flow(const Tree &tree) : tree_(tree), facts_(tree.size()) {
  const plan::Plan &p = tree.plan();
  tainted_by_.resize(p.gates.size());
  for (std::size_t s = 0; s < p.states.size(); ++s) {
    for (std::size_t t = 0; t < p.states[s].taints.size(); ++t) {
      for (const plan::GateId g : p.states[s].taints[t].gates) tainted_by_[g.index].emplace_back(plan::StateId(s), t);
    }
  }
  State state = initial();
  run(0, state);
  final_ = std::move(state);
}

State Flow::initial() const {
  const Site &site = tree_.site();
  Contracts &contracts = tree_.contracts();
  const plan::Plan &p = tree_.plan();
  State s;
  s.open = std::make_shared<std::vector<Open>>();
  s.armed = std::make_shared<std::vector<Armed>>();
  auto unknown = std::make_shared<std::vector<bool>>(site.pair_count(), true);
  for (PairIx i = 0; i < site.pair_count(); ++i) {
    if (site.host(site.pair_host(i)).out) (*unknown)[i] = false;
  }
  s.unknown = std::move(unknown);
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
  s.cells.resize(contracts.cell_count());
  for (CellIx c = 0; c < s.cells.size(); ++c) s.cells[c] = contracts.cell(c).all;
  for (const auto &[cell, value] : claims) s.cells[cell] = value;
  return s;
}

void Flow::run(StepIx s, State &state) {
  const Step &step = tree_[s];
  Facts &facts = facts_[s];
  facts.reached = true;
  facts.open_before = state.open;
  facts.armed_before = state.armed;
  facts.unknown_before = state.unknown;
  switch (step.kind) {
    case StepKind::act:
      start(s, state);
      break;
    case StepKind::await:
      pass(s, state);
      break;
    case StepKind::expect:
      facts.values = {state.cells[step.cell]};
      state.cells[step.cell] = step.values;
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
    default:
      for (const StepIx child : step.children) run(child, state);
      break;
  }
  facts_[s].open_after = state.open;
  facts_[s].armed_after = state.armed;
  if (step.kind == StepKind::iteration) hand_over(s, state);
}

/// What a turn that has ended left open may be closed wherever what its surroundings opened may be: it becomes theirs.
void Flow::hand_over(StepIx s, State &state) {
  const auto of_turn = [&](const Open &o) { return tree_.below(o.region, s); };
  if (std::none_of(state.open->begin(), state.open->end(), of_turn)) return;
  auto open = std::make_shared<std::vector<Open>>();
  for (Open o : *state.open) {
    if (of_turn(o)) o.region = tree_[s].region;
    const bool there = std::any_of(open->begin(), open->end(), [&](const Open &other) {
      return other.pair == o.pair && other.changing == o.changing && other.region == o.region &&
             tree_[other.opener].with == tree_[o.opener].with;
    });
    if (!there) open->push_back(o);
  }
  state.open = std::move(open);
}

void Flow::start(StepIx s, State &state) {
  const Step &step = tree_[s];
  const Contract &c = tree_.contract(step);
  Facts &facts = facts_[s];
  for (const Move &m : c.moves) facts.values.push_back(state.cells[m.cell]);
  for (const auto &need : c.values) facts.values.push_back(state.cells[need.first]);
  count(s, state, c);
  for (const GateIx g : c.awaits) {
    const GateInstance &gate = tree_.contracts().gate(g);
    if (!gate.gate.valid()) continue;
  }
  if (!c.disrupts.empty() || !c.changes.empty()) {
    auto open = std::make_shared<std::vector<Open>>(*state.open);
    const auto add = [&](const std::vector<PairIx> &pairs, bool changing) {
      for (const PairIx p : pairs) {
        // D is a set: opened again in the same turn, and under the same holds, it is the same outage.
        const bool there = std::any_of(open->begin(), open->end(), [&](const Open &o) {
          return o.pair == p && o.changing == changing && o.region == step.region && tree_[o.opener].with == step.with;
        });
        if (!there) open->push_back({p, changing, step.region, s});
      }
    };
    add(c.disrupts, false);
    add(c.changes, true);
    state.open = std::move(open);
  }
  // End: moved cells stand at their target; a boot moves what is armed for it and brings the host back to life.
  for (const Move &m : c.moves) move(s, state, m.cell, m.to);
  const plan::Plan &p = tree_.plan();
  std::vector<PairIx> alive;
  for (const HostIx h : c.boots) {
    const PairIx pair = tree_.site().pair(h, tree_.site().alive());
    if (pair != kNone) alive.push_back(pair);
    for (const CellIx cell : tree_.contracts().cells_of(h)) {
      if (cell >= state.cells.size()) continue;
      const plan::State &record = p.states[tree_.contracts().cell(cell).state.index];
      Values now = state.cells[cell];
      for (const plan::BootMove &boot : record.on_boot) {
        if ((now & value_bit(boot.from)) != 0) now = (now & ~value_bit(boot.from)) | value_bit(boot.to);
      }
      if (now != state.cells[cell]) move(s, state, cell, now);
    }
  }
  if (!alive.empty()) {
    // `end a` closes only the D entry of this host's life, whoever opened it.
    auto open = std::make_shared<std::vector<Open>>();
    for (const Open &o : *state.open) {
      if (o.changing || !contains(alive, o.pair)) open->push_back(o);
    }
    for (const PairIx pair : alive) {
      if (std::none_of(open->begin(), open->end(), [&](const Open &o) { return o.pair == pair; }))
        facts_[s].closed.push_back(pair);
    }
    state.open = std::move(open);
  }
}

void Flow::move(StepIx s, State &state, CellIx cell, Values to) {
  state.cells[cell] = to;
  const Cell &info = tree_.contracts().cell(cell);
  const bool arms = (to & info.transient) != 0;
  const auto same = [&](const Armed &a) { return a.cell == cell; };
  if (!arms && std::none_of(state.armed->begin(), state.armed->end(), same)) return;
  auto armed = std::make_shared<std::vector<Armed>>(*state.armed);
  std::erase_if(*armed, same);
  if (arms) armed->push_back({cell, s});
  state.armed = std::move(armed);
}

void Flow::taints(StepIx s, const State &state) {
  const Contracts &contracts = tree_.contracts();
  for (const GateIx g : tree_.gates(tree_[s])) {
    const GateInstance &gate = contracts.gate(g);
    if (!gate.gate.valid() || gate.gate.index >= tainted_by_.size()) continue;
    for (const auto &[id, index] : tainted_by_[gate.gate.index]) {
      Values tainted = 0;
      for (const std::uint32_t v : tree_.plan().states[id.index].taints[index].values) tainted |= value_bit(v);
      for (CellIx cell = 0; cell < state.cells.size(); ++cell) {
        const Cell &info = contracts.cell(cell);
        if (info.state != id) continue;
        if (info.host != kNone && !gate.hosts.empty() && !contains(gate.hosts, info.host)) continue;
        if (state.cells[cell] != 0 && (state.cells[cell] & ~tainted) == 0) {
          starved_.push_back({s, g, cell, state.cells[cell]});
        }
      }
    }
  }
}

void Flow::pass(StepIx s, State &state) {
  taints(s, state);
  std::vector<PairIx> pairs;
  for (const GateIx g : tree_.gates(tree_[s])) {
    const std::vector<PairIx> &z = tree_.contracts().gate(g).health_of;
    pairs.insert(pairs.end(), z.begin(), z.end());
  }
  sort_unique(pairs);
  if (!pairs.empty()) close(s, state, pairs, false);
}

void Flow::close(StepIx s, State &state, const std::vector<PairIx> &pairs, bool everywhere) {
  const Step &step = tree_[s];
  const Site &site = tree_.site();
  // Whether this pass may close what was opened in `region`: its own region, one nested in it, or anything of the
  // iteration's own host.
  const auto closes = [&](StepIx region, HostIx host) {
    if (everywhere || tree_.below(region, step.region) || step.region == 0) return true;
    for (StepIx r = step.region; r != 0; r = tree_[r].region) {
      if (tree_[r].host == host) return true;
    }
    return false;
  };
  bool any = false;
  for (const Open &o : *state.open) any = any || contains(pairs, o.pair);
  if (any) {
    auto open = std::make_shared<std::vector<Open>>();
    std::vector<PairIx> gone;
    for (const Open &o : *state.open) {
      if (contains(pairs, o.pair) && closes(o.region, site.pair_host(o.pair)))
        gone.push_back(o.pair);
      else
        open->push_back(o);
    }
    sort_unique(gone);
    for (const PairIx p : gone) {
      if (std::none_of(open->begin(), open->end(), [&](const Open &o) { return o.pair == p; }))
        facts_[s].closed.push_back(p);
    }
    state.open = std::move(open);
  }
  bool learns = false;
  for (const PairIx p : pairs) learns = learns || ((*state.unknown)[p] && closes(0, site.pair_host(p)));
  if (learns) {
    auto unknown = std::make_shared<std::vector<bool>>(*state.unknown);
    for (const PairIx p : pairs) {
      if (closes(0, site.pair_host(p))) (*unknown)[p] = false;
    }
    state.unknown = std::move(unknown);
  }
}

namespace {
bool less(const Open &a, const Open &b) {
  return std::tie(a.pair, a.opener, a.region, a.changing) < std::tie(b.pair, b.opener, b.region, b.changing);
}
bool less(const Armed &a, const Armed &b) { return std::tie(a.cell, a.by) < std::tie(b.cell, b.by); }
constexpr auto kLess = [](const auto &a, const auto &b) { return less(a, b); };

/// What went from a list and what came to it.
template <typename T>
struct Edit {
  std::vector<T> gone, come;

  /// Lists grow at their end and shrink anywhere, so one walk over both finds the difference.
  void note(const std::vector<T> &before, const std::vector<T> &after) {
    std::vector<T> left, added;
    std::size_t j = 0;
    for (const T &x : before) {
      if (j < after.size() && after[j] == x)
        ++j;
      else
        left.push_back(x);
    }
    added.assign(after.begin() + static_cast<std::ptrdiff_t>(j), after.end());
    std::vector<T> left_sorted = sorted(left), added_sorted = sorted(added);
    for (const T &x : left) {
      if (!among(added_sorted, x)) gone.push_back(x);
    }
    for (const T &x : added) {
      if (!among(left_sorted, x)) come.push_back(x);
    }
  }
  void apply(std::shared_ptr<const std::vector<T>> &list) const {
    if (gone.empty() && come.empty()) return;
    auto out = std::make_shared<std::vector<T>>();
    out->reserve(list->size() + come.size());
    const std::vector<T> without = sorted(gone);
    for (const T &x : *list) {
      if (!among(without, x)) out->push_back(x);
    }
    std::vector<T> there = come.empty() ? std::vector<T>() : sorted(*out);
    for (const T &x : come) {
      if (!among(there, x)) out->push_back(x);
    }
    list = std::move(out);
  }

 private:
  static std::vector<T> sorted(std::vector<T> list) {
    std::sort(list.begin(), list.end(), kLess);
    return list;
  }
  static bool among(const std::vector<T> &list, const T &x) {
    return std::binary_search(list.begin(), list.end(), x, kLess);
  }
};
}  // namespace

/// What happened between two states.
struct Flow::Change {
  std::vector<std::pair<CellIx, Values>> cells;
  Edit<Open> open;
  Edit<Armed> armed;
  std::vector<PairIx> learnt;

  /// Adds what happened between `from` and `to`. Several fibers may be noted one after the other if all began at
  /// `from`.
  void note(const State &from, const State &to) {
    for (CellIx c = 0; c < to.cells.size(); ++c) {
      if (from.cells[c] != to.cells[c]) cells.emplace_back(c, to.cells[c]);
    }
    if (from.open != to.open) open.note(*from.open, *to.open);
    if (from.armed != to.armed) armed.note(*from.armed, *to.armed);
    if (from.unknown == to.unknown) return;
    for (PairIx i = 0; i < to.unknown->size(); ++i) {
      if ((*from.unknown)[i] && !(*to.unknown)[i]) learnt.push_back(i);
    }
  }
  void apply(State &into) const {
    for (const auto &[cell, values] : cells) into.cells[cell] = values;
    open.apply(into.open);
    armed.apply(into.armed);
    if (learnt.empty()) return;
    auto unknown = std::make_shared<std::vector<bool>>(*into.unknown);
    for (const PairIx p : learnt) (*unknown)[p] = false;
    into.unknown = std::move(unknown);
  }
};

void Flow::fork(StepIx s, State &state) {
  Change change;
  for (const StepIx child : tree_[s].children) {
    State fiber = state;
    run(child, fiber);
    change.note(state, fiber);
  }
  change.apply(state);
}

void Flow::dag(StepIx s, State &state) {
  const std::vector<StepIx> &phases = tree_[s].children;
  std::vector<Change> changes(phases.size());
  std::vector<std::size_t> done;  // in an order that fits all edges
  std::vector<bool> ready(phases.size(), false);
  for (std::size_t round = 0; round < phases.size() && done.size() < phases.size(); ++round) {
    for (std::size_t i = 0; i < phases.size(); ++i) {
      const std::vector<std::uint32_t> &after = tree_[phases[i]].after;
      if (ready[i] || !std::all_of(after.begin(), after.end(), [&](std::uint32_t j) { return ready[j]; })) continue;
      State start = state;
      for (const std::size_t j : done) {
        if (contains(after, static_cast<std::uint32_t>(j))) changes[j].apply(start);
      }
      State end = start;
      run(phases[i], end);
      changes[i].note(start, end);
      ready[i] = true;
      done.push_back(i);
    }
  }
  for (const std::size_t j : done) changes[j].apply(state);
}

void Flow::compare(StepIx s, const State &a, const State &b, CellIx except) {
  for (CellIx c = 0; c < a.cells.size(); ++c) {
    if (c != except && a.cells[c] != b.cells[c]) {
      uneven_.push_back({s, kNone, c});
      return;
    }
  }
  const auto differs = [&](const std::vector<Open> &x, const std::vector<Open> &y) {
    for (const Open &o : x) {
      const bool there = std::any_of(
          y.begin(), y.end(), [&](const Open &other) { return other.pair == o.pair && other.changing == o.changing; });
      if (!there) {
        uneven_.push_back({s, o.pair, kNone});
        return true;
      }
    }
    return false;
  };
  if (a.open != b.open && !differs(*a.open, *b.open)) differs(*b.open, *a.open);
}

/// Takes the join of two ways: what either may leave.
static void join(State &into, const State &other) {
  for (std::size_t c = 0; c < into.cells.size(); ++c) into.cells[c] |= other.cells[c];
  if (into.open != other.open) {
    auto open = std::make_shared<std::vector<Open>>(*into.open);
    for (const Open &o : *other.open) {
      if (std::find(open->begin(), open->end(), o) == open->end()) open->push_back(o);
    }
    into.open = std::move(open);
  }
  if (into.unknown != other.unknown) {
    auto unknown = std::make_shared<std::vector<bool>>(*into.unknown);
    for (std::size_t i = 0; i < unknown->size(); ++i) (*unknown)[i] = (*unknown)[i] || (*other.unknown)[i];
    into.unknown = std::move(unknown);
  }
  if (into.armed != other.armed) {
    auto armed = std::make_shared<std::vector<Armed>>(*into.armed);
    for (const Armed &a : *other.armed) {
      if (std::find(armed->begin(), armed->end(), a) == armed->end()) armed->push_back(a);
    }
    into.armed = std::move(armed);
  }
}

void Flow::branch(StepIx s, State &state) {
  const State entry = state;
  std::vector<State> arms;
  for (const StepIx child : tree_[s].children) {
    arms.push_back(entry);
    run(child, arms.back());
  }
  if (arms.size() < 2) arms.push_back(entry);
  compare(s, arms[0], arms[1], kNone);
  state = std::move(arms[0]);
  join(state, arms[1]);
}

void Flow::unless(StepIx s, State &state) {
  const Step &step = tree_[s];
  const Values now = state.cells[step.cell];
  facts_[s].values = {now};
  if (now == step.values || step.children.empty()) return;
  State skipped = state;
  skipped.cells[step.cell] = step.values;
  const bool may_skip = (now & step.values) != 0;
  state.cells[step.cell] = now & ~step.values;
  run(step.children[0], state);
  if (state.cells[step.cell] != step.values) uneven_.push_back({s, kNone, step.cell});
  if (!may_skip) return;
  compare(s, state, skipped, step.cell);
  join(state, skipped);
}

void Flow::loop(StepIx s, State &state) {
  if (tree_[s].children.empty()) return;
  State once = state;
  run(tree_[s].children[0], once);
  compare(s, once, state, kNone);
  join(state, once);
}

// ---- counts

namespace {
int negated(int truth) { return truth < 0 ? truth : 1 - truth; }
}  // namespace

/// 1 true, 0 false, -1 it depends.
int Flow::holds_for(plan::NodeId node, const Env &env, const State &state) {
  using plan::Op;
  const plan::Plan &p = tree_.plan();
  const plan::Node &n = p.node(node);
  switch (n.op) {
    case Op::boolean:
      return n.a != 0 ? 1 : 0;
    case Op::both:
    case Op::either: {
      const int a = holds_for(p.kid(node, 0), env, state), b = holds_for(p.kid(node, 1), env, state);
      const int decisive = n.op == Op::both ? 0 : 1;
      if (a == decisive || b == decisive) return decisive;
      return a < 0 || b < 0 ? -1 : 1 - decisive;
    }
    case Op::negate:
      return negated(holds_for(p.kid(node, 0), env, state));
    case Op::equal:
    case Op::differ: {
      for (const auto &[left, right] : {std::pair(0u, 1u), std::pair(1u, 0u)}) {
        const plan::NodeId x = p.kid(node, left), y = p.kid(node, right);
        if (p.node(x).op != Op::cell_value || p.node(y).op != Op::text) continue;
        const CellIx cell = tree_.contracts().cell(p.kid(x, 0), env);
        if (cell >= state.cells.size()) return -1;
        const plan::State &record = p.states[tree_.contracts().cell(cell).state.index];
        Values value = 0;
        for (std::uint32_t i = 0; i < record.values.size(); ++i) {
          if (p.text(record.values[i].name) == p.strings[p.node(y).a]) value = value_bit(i);
        }
        const Values now = state.cells[cell];
        const int truth = (now & value) == 0 ? 0 : now == value ? 1 : -1;
        return n.op == Op::equal ? truth : negated(truth);
      }
      return -1;
    }
    default:
      return -1;
  }
}

void Flow::count(StepIx s, const State &state, const Contract &c) {
  const Site &site = tree_.site();
  const plan::Plan &p = tree_.plan();
  for (std::size_t i = 0; i < c.counts.size(); ++i) {
    const CountNeed &need = c.counts[i];
    std::uint64_t low = 0, high = 0;
    for (const HostIx h : need.hosts) {
      const SiteHost &host = site.host(h);
      if (host.out) continue;
      Env env = c.env;
      const plan::NodeId condition = p.kid(need.node, 1);
      // The bound name is the slot after the action's own; the compiler numbers it in the action's frame.
      const std::uint32_t slot = need.slot;
      if (env.size() <= slot) env.resize(slot + std::size_t{1});
      env[slot] = Value{true, true, {h}, "{" + std::to_string(h) + " }", false};
      const int truth = holds_for(condition, env, state);
      // In the turn of the host that stands for many, some of the others have had theirs.
      bool turning = false;
      for (StepIx r = tree_[s].region; r != 0; r = tree_[r].region) {
        turning = turning || (host.many > 1 && site.host(tree_[r].host).cls == host.cls);
      }
      if (truth == 1) high += host.many;
      if (truth == 1) low += turning ? 1 : host.many;
      if (truth == -1) high += host.many;
      if (truth == 0 && turning) high += host.many - 1;
    }
    const auto amount = static_cast<std::uint64_t>(std::max<std::int64_t>(need.amount, 0));
    const bool holds = need.relation == 0   ? low == amount && high == amount
                       : need.relation == 1 ? low >= amount
                                            : high <= amount;
    if (!holds) miscounts_.push_back({s, i, low, high});
  }
}

}  // namespace upg::safety
