#include <algorithm>
#include <utility>

#include "runtime/safety/flow.h"

/// Where ways part and meet: forks, dags, branches and loops.
namespace upg::safety {

namespace {
template <class Items, class Item>
bool among(const Items &items, const Item &item) {
  return std::any_of(items.begin(), items.end(), [&](const auto &other) { return other.is(item); });
}
}  // namespace

void Flow::note(Edit &edit, const Lists &lists, std::uint32_t from, std::uint32_t to) const {
  lists.difference(
      from, to, [&](std::uint32_t key, std::uint32_t before, std::uint32_t after) { note(edit, key, before, after); });
}

void Flow::note(Edit &edit, std::uint32_t key, std::uint32_t before, std::uint32_t after) const {
  for (const Item &i : items_[before]) {
    if (!among(items_[after], i)) edit.gone.emplace_back(key, i);
  }
  for (const Item &i : items_[after]) {
    if (!among(items_[before], i)) edit.come.emplace_back(key, i);
  }
}

Flow::Change Flow::change(const State &from, const State &to) const {
  Change out;
  cells_.difference(from.cells, to.cells,
                    [&](CellIx cell, Values, Values after) { out.cells.emplace_back(cell, after); });
  note(out.open, opens_, from.open, to.open);
  note(out.armed, armings_, from.armed, to.armed);
  unknowns_.difference(from.unknown, to.unknown, [&](std::uint32_t slot, std::uint8_t, std::uint8_t after) {
    if (after == 0) out.learnt.push_back(slot);
  });
  return out;
}

template <class Put>
void Flow::apply(const Edit &edit, const Lists &lists, const std::uint32_t &version, Put put) {
  for (const auto &[key, item] : edit.gone) {
    const Items &now = items_[lists.get(version, key)];
    if (!among(now, item)) continue;
    Items kept;
    for (const Item &i : now) {
      if (!i.is(item)) kept.push_back(i);
    }
    put(key, std::move(kept));
  }
  for (const auto &[key, item] : edit.come) {
    const Items &now = items_[lists.get(version, key)];
    if (among(now, item)) continue;
    Items more = now;
    more.insert(std::upper_bound(more.begin(), more.end(), item,
                                 [](const Item &a, const Item &b) { return a.number < b.number; }),
                item);
    put(key, std::move(more));
  }
}

void Flow::apply_open(const Edit &edit, State &into) {
  apply(edit, opens_, into.open, [&](std::uint32_t slot, Items items) { put_open(into, slot, std::move(items)); });
}
void Flow::apply_armed(const Edit &edit, State &into) {
  apply(edit, armings_, into.armed,
        [&](CellIx cell, Items items) { into.armed = armings_.set(into.armed, cell, list_of(std::move(items))); });
}

void Flow::apply(const Change &change, State &into) {
  keep();
  for (const auto &[cell, values] : change.cells) into.cells = cells_.set(into.cells, cell, values);
  apply_open(change.open, into);
  apply_armed(change.armed, into);
  for (const std::uint32_t slot : change.learnt) into.unknown = unknowns_.set(into.unknown, slot, 0);
}

void Flow::fork(StepIx s, State &state) {
  std::vector<Change> changes;
  for (const StepIx child : tree_[s].children) {
    State fiber = state;
    run(child, fiber);
    Change change = this->change(state, fiber);
    if (!change.empty()) changes.push_back(std::move(change));
  }
  // What goes from any fiber goes before what comes from any.
  for (Change &c : changes) {
    apply(Change{{}, {std::move(c.open.gone), {}}, {std::move(c.armed.gone), {}}, {}}, state);
    c.open.gone.clear();
    c.armed.gone.clear();
  }
  for (const Change &c : changes) apply(c, state);
}

void Flow::dag(StepIx s, State &state) {
  const std::vector<StepIx> &phases = tree_[s].children;
  std::vector<Change> changes(phases.size());
  std::vector<State> ends(phases.size());
  std::vector<std::uint32_t> changing;  // phases that changed something, in the order they were run
  llvm::BitVector changers(static_cast<unsigned>(phases.size()));
  const Phases &known = tree_.phases(s);
  std::vector<std::size_t> waits(phases.size());
  for (std::size_t i = 0; i < known.before.size(); ++i) waits[i] = known.before[i].count();
  for (const std::uint32_t i : known.order) {
    State start = state;
    // From the end of the predecessor with the most of them before it: often that is all of them.
    const std::vector<std::uint32_t> &into = known.into[i];
    const auto last = std::max_element(into.begin(), into.end(), [&](auto j, auto k) { return waits[j] < waits[k]; });
    if (last != into.end()) {
      start = ends[*last];
      llvm::BitVector missing = known.before[i];
      missing.reset(known.before[*last]);
      missing.reset(*last);
      missing &= changers;
      std::vector<std::uint32_t> rest;
      for (const unsigned j : missing.set_bits()) rest.push_back(j);
      std::sort(rest.begin(), rest.end(), [&](auto j, auto k) { return known.rank[j] < known.rank[k]; });
      for (const std::uint32_t j : rest) apply(changes[j], start);
    }
    ends[i] = start;
    run(phases[i], ends[i]);
    changes[i] = change(start, ends[i]);
    if (changes[i].empty()) continue;
    changing.push_back(i);
    changers.set(i);
  }
  for (const std::uint32_t j : changing) apply(changes[j], state);
}

void Flow::compare(StepIx s, const State &a, const State &b, CellIx except) {
  Uneven cells;
  cells_.difference(a.cells, b.cells, [&](CellIx cell, Values one, Values other) {
    if (cells.cell == kNone && cell != except) cells = {s, kNone, cell, false, Open{}, one, other};
  });
  if (cells.cell != kNone) {
    uneven_.push_back(cells);
    return;
  }
  const auto differs = [&](std::uint32_t x, std::uint32_t y, bool first) {
    std::optional<Open> found;
    opens_.difference(x, y, [&](std::uint32_t slot, std::uint32_t here, std::uint32_t there) {
      for (const Item &i : items_[here]) {
        const Items &other = items_[there];
        if (std::any_of(other.begin(), other.end(), [&](const Item &o) { return o.changing == i.changing; })) continue;
        if (!found || i.number < found->number)
          found = Open{pair_of_[slot], i.changing, region_at(i.by, s), i.by, i.number};
      }
    });
    if (found) uneven_.push_back({s, found->pair, kNone, first, *found, 0, 0});
    return found.has_value();
  };
  if (!differs(a.open, b.open, true)) differs(b.open, a.open, false);
}

/// What the other way leaves and `into` does not; it counts as younger than all.
Flow::Edit Flow::younger(const Lists &lists, std::uint32_t into, std::uint32_t other, std::uint32_t known) {
  Edit edit;
  lists.difference(known, other, [&](std::uint32_t key, std::uint32_t, std::uint32_t after) {
    note(edit, key, lists.get(into, key), after);
  });
  edit.gone.clear();
  std::sort(edit.come.begin(), edit.come.end(),
            [](const auto &a, const auto &b) { return a.second.number < b.second.number; });
  for (auto &[key, item] : edit.come) item.number = next_number_++;
  return edit;
}

/// Takes the join of two ways: what either may leave.
void Flow::join(State &into, const State &other, const State &known) {
  keep();
  std::vector<std::pair<CellIx, Values>> cells;
  cells_.difference(known.cells, other.cells,
                    [&](CellIx cell, Values, Values b) { cells.emplace_back(cell, cells_.get(into.cells, cell) | b); });
  const std::uint32_t known_open = known.open, known_armed = known.armed, known_unknown = known.unknown;
  for (const auto &[cell, values] : cells) into.cells = cells_.set(into.cells, cell, values);
  apply_open(younger(opens_, into.open, other.open, known_open), into);
  apply_armed(younger(armings_, into.armed, other.armed, known_armed), into);
  std::vector<std::uint32_t> unknown;
  unknowns_.difference(known_unknown, other.unknown, [&](std::uint32_t slot, std::uint8_t, std::uint8_t b) {
    if (b != 0 || unknowns_.get(into.unknown, slot) != 0) unknown.push_back(slot);
  });
  for (const std::uint32_t slot : unknown) into.unknown = unknowns_.set(into.unknown, slot, 1);
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
  state = arms[0];
  join(state, arms[1]);
}

void Flow::unless(StepIx s, State &state) {
  const Step &step = tree_[s];
  const Values now = value(state, step.cell);
  facts_[s].values = {now};
  if (now == step.values || step.children.empty()) return;
  State skipped = state;
  keep();
  skipped.cells = cells_.set(skipped.cells, step.cell, step.values);
  const bool may_skip = (now & step.values) != 0;
  state.cells = cells_.set(state.cells, step.cell, now & ~step.values);
  run(step.children[0], state);
  if (value(state, step.cell) != step.values)
    uneven_.push_back({s, kNone, step.cell, true, Open{}, value(state, step.cell), step.values});
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

}  // namespace upg::safety
